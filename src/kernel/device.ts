/**
 * What a device is, what it is given, and what it gives back.
 *
 * Source      AO-Core, as permaweb/HyperBEAM src/hb_ao.erl and hb_ao_device.erl (2025-11) have it
 * Invariants  A device sees no HTTP, no other device and no store but through its Env. Base and request are never changed by it.
 */
import type { MessageSigner } from '../codec/message/commitment.ts'
import type { Message, Value } from '../codec/message/value.ts'
import type { MessageStore } from './message-store.ts'
import type { NodeMessage } from './node-message.ts'
import type { Cast, Step, Steps } from './steps.ts'

export type Status = 'ok' | 'created' | 'error' | 'not_found' | 'failure' | 'unavailable' | 'unauthorized' | 'forbidden'

export interface Outcome {
  readonly status: Status
  /** Of `error` and the like: what is wrong, a text or a message. `Steps` and `Cast` are resolved further before anybody sees them. */
  readonly value: Value | Steps | Cast
  /** Directives such as `no-store`, for answers that are no message, which carries them as its key `cache-control`. An answer that changes with time needs it. */
  readonly cacheControl?: readonly string[] | undefined
}

export type KeyFunction = (base: Message, request: Message, env: Env) => Outcome | Promise<Outcome>
/** For devices that answer keys that they do not know beforehand. The key is as the path has it. */
export type AnyKeyFunction = (key: string, base: Message, request: Message, env: Env) => Outcome | Promise<Outcome>

export interface Device {
  /** `name@version`. */
  readonly name: string
  /** By key, in lower case with dashes; `Do_Thing` and `do-thing` in a path are one. Own properties only. */
  readonly keys?: Readonly<Record<string, KeyFunction>>
  /** One for every key that is exported, before `keys`. */
  readonly handler?: AnyKeyFunction
  /** For keys that nothing above answers: a function, or the name of another device. Without it they go to message@1.0. */
  readonly fallback?: AnyKeyFunction | string
  /** Only these are its own; the others go to message@1.0. All of `keys`, when left out. */
  readonly exports?: readonly string[]
  /** These are not its own, and go to message@1.0. */
  readonly excludes?: readonly string[]
  /** Resolutions of one group wait for each other; null: no group. */
  group?(base: Message, request: Message, env: Env): string | null
}

/** Who this node is. */
export interface Identity extends MessageSigner {}

export interface ResolveOptions {
  /** `ignore` keeps results without hashpath. */
  readonly hashpath?: 'update' | 'ignore'
  readonly cacheControl?: readonly string[]
}

/** All that a device can reach. */
export interface Env {
  readonly store: MessageStore
  readonly identity: Identity
  readonly node: NodeMessage
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal
  /** One request, or all keys of the path `a/b/c` one after the other, upon a base. */
  resolve(base: Value | Cast, request: string | Message, options?: ResolveOptions): Promise<Outcome>
  /** A whole sequence; its first step is the base. */
  run(steps: readonly Step[], options?: ResolveOptions): Promise<Outcome>
  /** What the base's own device answers to a key; undefined when there is nothing. Links are loaded. */
  get(base: Message, key: string): Promise<Value | undefined>
  /** What a link points to, any other value as it is. Fails with `not-found` when it is not here. */
  load(value: Value): Promise<Value>
  /** How this message came about: its hashpath, or its id when it did not come from a computation (the only one without `/`). */
  hashpathOf(message: Message): string
  /** What the named device answers to a key of a message as it stands, whatever its own device is. For codecs and commitments. */
  apply(device: string, key: string, base: Message, request: Message): Promise<Outcome>
}
