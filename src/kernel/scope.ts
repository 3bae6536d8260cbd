/** What a resolution runs with, handed down from each to those within it. */
import { HeddleError } from '../base/errors.ts'
import { RESOLUTIONS_MAX, RESOLVE_DEPTH_MAX } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import type { Message } from '../codec/message/value.ts'
import { type Directives, readDirectives } from './cache-control.ts'
import type { Env, Identity, ResolveOptions } from './device.ts'
import type { Hold, InFlight } from './in-flight.ts'
import type { MessageStore } from './message-store.ts'
import type { NodeMessage } from './node-message.ts'
import type { Origin } from './origin.ts'
import type { Resolved } from './outcomes.ts'
import type { Registry } from './registry.ts'
import type { KernelSettings } from './settings.ts'
import type { Steps } from './steps.ts'

/** The parts that all resolutions of a kernel share. */
export interface Core {
  readonly devices: Registry
  readonly store: MessageStore
  readonly node: NodeMessage
  readonly identity: Identity
  readonly log: Log
  readonly inFlight: InFlight<Question, Resolved>
  settings(): KernelSettings
  envOf(scope: Scope): Env
}

/** What must be identical for two resolutions to be one. */
export interface Question extends Pick<Scope, 'cacheControl' | 'hashpath' | 'isInStepHook'> {
  readonly base: Message
  readonly request: Message
}

/** How many keys may still be resolved: messages that link to few others can lead to very many. */
export interface Budget {
  left: number
}

export interface Scope {
  readonly core: Core
  readonly settings: KernelSettings
  readonly signal: AbortSignal
  /** Resolutions within resolutions. */
  readonly depth: number
  /** Shared by all of a run. */
  readonly budget: Budget
  /** The group that the innermost resolution leads. */
  readonly hold: Hold | null
  /** Of messages that came about during this run; others may have the same objects with another past. */
  readonly origins: WeakMap<Message, Origin>
  /** What stands in brackets is resolved once, however many messages it is a value of. */
  readonly brackets: WeakMap<Steps, Promise<Resolved>>
  readonly hashpath: 'update' | 'ignore'
  readonly cacheControl: Directives
  /** A handler of the `step` hook is at work: its own steps have none. */
  readonly isInStepHook: boolean
}

export function outermostScope(core: Core, signal: AbortSignal): Scope {
  const settings = core.settings()
  const { cacheControl } = settings
  const known = {
    origins: new WeakMap<Message, Origin>(),
    brackets: new WeakMap<Steps, Promise<Resolved>>(),
    budget: { left: RESOLUTIONS_MAX },
  }
  return { core, settings, signal, depth: 0, hold: null, ...known, hashpath: 'update', cacheControl, isInStepHook: false }
}

/** Fails with `limit-reached` when a run has resolved too much already. */
export function countResolution({ budget }: Scope): void {
  budget.left -= 1
  if (budget.left >= 0) return
  const problem = `more than ${RESOLUTIONS_MAX} keys were resolved for one request; ask for a part of it`
  throw new HeddleError('limit-reached', { what: 'resolutions', max: RESOLUTIONS_MAX }, problem)
}

/** For what a resolution starts itself. What its caller said of the cache does not go on to it. */
export function innerScope(scope: Scope): Scope {
  if (scope.depth >= RESOLVE_DEPTH_MAX)
    throw new HeddleError(
      'limit-reached',
      { what: 'resolutions within resolutions', max: RESOLVE_DEPTH_MAX },
      `resolutions are ${RESOLVE_DEPTH_MAX} deep within each other; a device or a path leads back to itself`,
    )
  return { ...scope, depth: scope.depth + 1, cacheControl: scope.settings.cacheControl }
}

export function withOptions(scope: Scope, options: ResolveOptions | undefined): Scope {
  if (options === undefined) return scope
  const { hashpath = scope.hashpath, cacheControl } = options
  return { ...scope, hashpath, cacheControl: cacheControl === undefined ? scope.cacheControl : readDirectives(cacheControl) }
}
