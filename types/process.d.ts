/**
 * Types of `heddle/process`: what a process in TypeScript or JavaScript imports. docs/typescript-processes.md shows it at work.
 *
 * A process is one module. It is loaded once; its variables are its state, kept from message to message. Whatever a handler throws becomes
 * the Error of the message, and the state is as it was before.
 */

/** A tag as it is on the wire. */
export interface Tag {
  readonly name: string
  readonly value: string
}

/** What can become the text of a tag. Objects become JSON; undefined and null leave the tag out. */
export type TagValue = string | number | bigint | boolean | object | null | undefined

/** Tags to send: by name, or as a list where order or repeated names matter. */
export type Tags = Readonly<Record<string, TagValue>> | readonly { readonly name: string; readonly value: TagValue }[]

/** Content to send. Objects become JSON, with `Content-Type: application/json`; bigints in them become decimal text. */
export type Data = string | Uint8Array | number | bigint | boolean | object | null

/** A message, as AO units give it to programs. */
export interface RawMessage {
  readonly Id: string
  readonly From: string
  readonly Owner: string
  readonly Target: string
  readonly Data?: string | Uint8Array
  readonly Tags: readonly Tag[]
  readonly Timestamp: number
  readonly 'Block-Height': number
  readonly Anchor?: string | null
  readonly Signature?: string
  readonly Epoch?: number
  readonly Nonce?: number
  readonly 'Hash-Chain'?: string
  readonly 'Forwarded-By'?: string
  readonly Cron?: boolean
  readonly 'Read-Only'?: boolean
}

/** Process and module of the one that runs. */
export interface Env {
  readonly Process: { readonly Id: string; readonly Owner: string; readonly Tags: readonly Tag[] }
  readonly Module: { readonly Id: string; readonly Owner: string; readonly Tags: readonly Tag[] }
}

/** What a program that exports `handle(msg, env)` returns: nothing is added to it. */
export interface Result {
  Output?: unknown
  Messages?: readonly { Target?: string; Data?: string | Uint8Array; Anchor?: string; Tags?: readonly Tag[] }[]
  Spawns?: readonly { Data?: string | Uint8Array; Anchor?: string; Tags?: readonly Tag[] }[]
  Assignments?: readonly { Processes: readonly string[]; Message: string; Exclude?: readonly string[]; BaseLayer?: boolean }[]
  /** Set: the message failed, and the state is as it was before. */
  Error?: unknown
}

/** The low-level way in: `export const handle: Handle = (msg, env) => …` takes the place of all handlers. */
export type Handle = (msg: RawMessage, env: Env) => Result | undefined | Promise<Result | undefined>

export interface ReplyOptions {
  readonly action?: string | undefined
  readonly data?: Data | undefined
  readonly tags?: Tags | undefined
  /** 32 characters; numbered by default. */
  readonly anchor?: string | undefined
}

export interface SendOptions extends ReplyOptions {
  /** A process or wallet. Without one the message is only in the result. */
  readonly target?: string | undefined
}

export interface SpawnOptions extends ReplyOptions {
  /** The module to run; this process's own by default. */
  readonly module?: string | undefined
}

export interface AssignOptions {
  readonly processes: readonly string[]
  /** The id of a message or transaction. */
  readonly message: string
  readonly exclude?: readonly string[] | undefined
  /** The message is a transaction of the weave, not of a scheduler. */
  readonly baseLayer?: boolean | undefined
}

/** Something that was sent. */
export interface Sent {
  /** The tag `Reference` that it carries. */
  readonly reference: string
  /**
   * The message that answers it: for a message the one with this `X-Reference` from its target, for a spawn the one that says
   * which process it became, in the tag `Process`. To await it may take many messages; what waits is part of the state.
   */
  answer(): Promise<Message>
}

/** What a handler may return: it is sent as the reply. Something that was sent already may be returned too, and does nothing. */
export type Reply = ReplyOptions | string | Uint8Array

// biome-ignore lint/suspicious/noConfusingVoidType: a handler may end without a value, also an async one.
export type Handler = (msg: Message) => Reply | Sent | void | Promise<Reply | Sent | void>

/**
 * Which messages something is for: those of an action; those whose tags (and Id, From, Owner, Target, Data) are all as given:
 * this text, there (true) or not (false), matching, or accepted by the function; or those for which the function returns true.
 */
export type Pattern = string | FieldPattern | ((msg: Message) => boolean)

export interface FieldPattern {
  readonly [name: string]: string | boolean | RegExp | ((value: string, msg: Message) => boolean)
}

export interface Message {
  readonly id: string
  /** Who it is from: a wallet, or the process that sent it. Believed only when a trusted authority signed for a process. */
  readonly from: string
  /** The wallet that signed it. */
  readonly owner: string
  readonly target: string
  /** The tag `Action`. */
  readonly action: string | undefined
  /** Text, or bytes when it is not UTF-8. */
  readonly data: string | Uint8Array
  /** The data as text. */
  readonly text: string
  /** The data as bytes. */
  readonly bytes: Uint8Array
  /** By name; of a name that is there twice the first. */
  readonly tags: Readonly<Record<string, string | undefined>>
  readonly tagList: readonly Tag[]
  /** Milliseconds since 1970: when the scheduler took it. Date.now() is the same. */
  readonly timestamp: number
  readonly date: Date
  readonly blockHeight: number
  /** Its place in the process's log. */
  readonly nonce: number
  readonly anchor: string | undefined
  readonly hashChain: string | undefined
  readonly forwardedBy: string | undefined
  readonly isCron: boolean
  /** A dry run: nothing that it does is kept or sent. */
  readonly isReadOnly: boolean
  /** The message as AO units give it. */
  readonly raw: RawMessage
  /** The value of a tag; throws when the message does not have it. */
  tag(name: string): string
  /** The value of a tag, if there is one; faster than `tags`. */
  find(name: string): string | undefined
  /** The data as JSON; throws when it is none. What it holds is not checked. */
  json<T = unknown>(): T
  /** Answers the sender, or whom its tag `Reply-To` names. */
  reply(answer: Reply): Sent
  /** Sends it on, changed as given; the answer goes to its sender. */
  forward(target: string, changes?: ReplyOptions): Sent
}

/** Who this process is. Known from its first message on: not while the module loads. */
export interface Ao {
  readonly id: string
  /** Who may Eval: the wallet or process that spawned it. */
  readonly owner: string
  /** The module that it runs. */
  readonly module: string
  /** The tag `Name` of the process. */
  readonly name: string
  /** The tags that it was spawned with. */
  readonly tags: Readonly<Record<string, string | undefined>>
  /** Who is believed when it signs for a process. */
  readonly authorities: Set<string>
  readonly env: Env
}

export declare const ao: Ao

/** Handles messages. The first pattern that matches wins. The same pattern again takes the place of the former: a function only if it is the same one. */
export declare function on(pattern: Pattern, handler: Handler): void
/** Takes a handler away; false when there is none. */
export declare function off(pattern: Pattern): boolean
/** Runs with the message that made the process, before all others. */
export declare function onSpawn(handler: (msg: Message) => void | Promise<void>): void
/** The next message that matches, whenever it comes; handlers do not see it. */
export declare function receive(pattern: Pattern): Promise<Message>
/** Lets in messages that were addressed to somebody else and assigned to this process. */
export declare function acceptAssignments(pattern: Pattern): void

export declare function send(options: SendOptions): Sent
export declare function spawn(options?: SpawnOptions): Sent
/** Has a message that exists delivered to other processes too. */
export declare function assign(options: AssignOptions): void

/** Any value as text for people. */
export declare function inspect(value: unknown): string

declare global {
  /** Prints into the message's Output. */
  interface Console {
    log(...values: unknown[]): void
    info(...values: unknown[]): void
    debug(...values: unknown[]): void
    warn(...values: unknown[]): void
    error(...values: unknown[]): void
  }
  var console: Console
}
