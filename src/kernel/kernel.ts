/**
 * The kernel: devices, store, options and identity of a node, put together so that messages can be resolved.
 *
 * Invariants  It knows no device but as one of a list, and only the default one by its name.
 */
import type { Log } from '../base/log.ts'
import { idHashpath } from '../codec/message/hashpath.ts'
import { isMessage, Link, type Message, type Value } from '../codec/message/value.ts'
import { readDirectives } from './cache-control.ts'
import type { Device, Env, Identity, Outcome, ResolveOptions } from './device.ts'
import { runHook } from './hooks.ts'
import { identical } from './identical.ts'
import { InFlight } from './in-flight.ts'
import { loadLink } from './links.ts'
import type { MessageStore } from './message-store.ts'
import type { NodeMessage } from './node-message.ts'
import { NOT_FOUND, type Resolved } from './outcomes.ts'
import { createRegistry } from './registry.ts'
import { applyCallee, resolveRequest, resolveSteps } from './resolve.ts'
import { type Core, innerScope, outermostScope, type Question, type Scope, withOptions } from './scope.ts'
import { settingsReader } from './settings.ts'
import type { Cast, Step } from './steps.ts'

export interface KernelParts {
  readonly devices: readonly Device[]
  /** Of bases that name none, and for keys that others do not have. */
  readonly defaultDevice?: string
  readonly store: MessageStore
  readonly node: NodeMessage
  readonly identity: Identity
  readonly log: Log
}

export interface RunOptions extends ResolveOptions {
  readonly signal: AbortSignal
}

export interface Kernel {
  /**
   * Resolves a sequence. Expected failures are thrown (`device-unknown`, `endless-recursion`, `limit-reached`, `not-found` of a link …), and the reason of
   * the signal when it aborts; all else is an outcome. Its hashpath is computed when it is read, and null for what is not a message of a computation.
   */
  run(steps: readonly Step[], options: RunOptions): Promise<Resolved>
  /** What devices get, for parts of the node that resolve by themselves. For one computation each: it knows where its messages came from. */
  env(signal: AbortSignal): Env
  /** Runs the handlers of a hook; without any, the message comes back as it is. */
  hook(name: string, message: Message, signal?: AbortSignal): Promise<Resolved>
}

const NEVER = new AbortController().signal

export function createKernel({ devices, defaultDevice = 'message@1.0', store, node, identity, log }: KernelParts): Kernel {
  const core: Core = {
    devices: createRegistry(devices, defaultDevice),
    store,
    node,
    identity,
    log,
    inFlight: new InFlight<Question, Resolved>(isSameQuestion),
    settings: settingsReader(node),
    envOf: (scope) => new KernelEnv(scope),
  }
  return {
    run: (steps, { signal, ...options }) => resolveSteps(steps, withOptions(outermostScope(core, signal), options)),
    env: (signal) => new KernelEnv(outermostScope(core, signal)),
    hook: (name, message, signal = NEVER) => runHook(name, message, outermostScope(core, signal), resolveRequest),
  }
}

/** How it is asked must be the same too, for the outcome may depend on it. */
function isSameQuestion(a: Question, b: Question): boolean {
  const isAskedAlike = a.hashpath === b.hashpath && a.isInStepHook === b.isInStepHook && isSameControl(a, b)
  return isAskedAlike && identical(a.request, b.request) && identical(a.base, b.base)
}

function isSameControl({ cacheControl: a }: Question, { cacheControl: b }: Question): boolean {
  return a === b || (a.store === b.store && a.lookup === b.lookup && a.onlyIfCached === b.onlyIfCached)
}

/** Reading a key for oneself leaves nothing behind. */
const FOR_ONESELF = readDirectives(['no-cache', 'no-store'])

class KernelEnv implements Env {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  get store(): MessageStore {
    return this.#scope.core.store
  }

  get identity(): Identity {
    return this.#scope.core.identity
  }

  get node(): NodeMessage {
    return this.#scope.core.node
  }

  get signal(): AbortSignal {
    return this.#scope.signal
  }

  async resolve(base: Value | Cast, request: string | Message, options?: ResolveOptions): Promise<Outcome> {
    return this.#noted(await resolveRequest(base, request, withOptions(this.#scope, options)))
  }

  async run(steps: readonly Step[], options?: ResolveOptions): Promise<Outcome> {
    return this.#noted(await resolveSteps(steps, withOptions(this.#scope, options)))
  }

  async get(base: Message, key: string): Promise<Value | undefined> {
    const { status, value } = await resolveRequest(base, key, { ...this.#scope, hashpath: 'ignore', cacheControl: FOR_ONESELF })
    return status === 'ok' ? value : undefined
  }

  load(value: Value): Promise<Value> {
    return value instanceof Link ? loadLink(this.#scope.core.store, value) : Promise.resolve(value)
  }

  hashpathOf(message: Message): string {
    return this.#scope.origins.get(message)?.hashpath ?? idHashpath(message)
  }

  async apply(device: string, key: string, base: Message, request: Message): Promise<Outcome> {
    const callee = this.#scope.core.devices.findOwn(device, key)
    return callee === null ? NOT_FOUND : applyCallee(callee, key, base, request, innerScope(this.#scope))
  }

  /** Who goes on with this message goes on with its past. */
  #noted(result: Resolved): Resolved {
    if (result.origin !== null && isMessage(result.value)) this.#scope.origins.set(result.value, result.origin)
    return result
  }
}
