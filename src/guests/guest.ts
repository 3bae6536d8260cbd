/** What a guest is: an untrusted program that turns a message and its own kept state into a result. The words that all formats share. */

import type { TxId } from '../base/ids.ts'
import type { TextTag } from '../codec/tags.ts'
import type { ImageBuffer, StateImage } from './wasm/state-image.ts'

export interface GuestModule {
  readonly id: TxId
  /** The module's `Module-Format` tag. */
  readonly format: string
  readonly bytes: Uint8Array
}

export interface GuestEnv {
  readonly Process: { readonly Id: string; readonly Owner: string; readonly Tags: readonly TextTag[] }
  readonly Module: { readonly Id: string; readonly Owner: string; readonly Tags: readonly TextTag[] }
}

/** A message as AO programs read it: Id, From, Owner, Tags, Timestamp …; values of any JSON kind, and bytes. */
export interface GuestMessage {
  readonly [key: string]: unknown
}

/** Text that is not UTF-8 comes out as bytes. */
export type GuestText = string | Uint8Array

/** Output may be text or a table; entries of the lists are as the program made them. */
export interface GuestResult {
  readonly Output: unknown
  readonly Messages: readonly unknown[]
  readonly Spawns: readonly unknown[]
  readonly Assignments: readonly unknown[]
  readonly Error?: unknown
}

/** Why an evaluation gave nothing. All but `time` happen the same way on every node. */
export type FailureKind = 'error' | 'gas' | 'memory' | 'stack' | 'trap' | 'time'

export interface Evaluation {
  /** False: the state is as it was before the message, and `result.Error` says why. */
  readonly ok: boolean
  readonly result: GuestResult
  readonly gasUsed: number
  /** Work in the units of wasm/meter.ts, whatever `gasUsed` counts: it decides when a snapshot is due. */
  readonly unitsUsed: number
  readonly timeMs: number
  /** Only when not ok. */
  readonly failure?: FailureKind
}

export interface GuestLimits {
  readonly memoryBytesMax: number
  /** Units per message; see wasm/meter.ts. */
  readonly gasMax: number
  readonly resultBytesMax: number
  /** The process's `Compute-Limit`, for formats that count the gas of AO's first network. */
  readonly legacyGasMax?: number
}

/** Files that the node shows to a running program, which waits for them. */
export interface GuestFiles {
  /** Size in bytes; null when there is no such file. Throws GuestFault when the program must not go on without it. */
  open(path: string): number | null
  /** At most `size` bytes from `offset` on of a file that was opened during this message. */
  read(path: string, offset: number, size: number): Uint8Array
}

/** All that a program can ask of the node. */
export interface GuestHost {
  readonly files: GuestFiles
}

/**
 * A module made ready in one thread: booted once, cloned for every process.
 * Formats implement this and `GuestInstance`; sessions, snapshots, rollback and the pool are the same for all of them.
 */
export interface GuestProgram {
  readonly module: TxId
  /** A fresh process: the booted module, told who it is. */
  spawn(process: TxId, env: GuestEnv): GuestInstance
  /** The instance that a snapshot was taken of; some programs have the environment in their state, others are given it with each message. */
  thaw(snapshot: Uint8Array, env: GuestEnv): GuestInstance
  /** The instance whose linear memory another host has kept, all of it and nothing else. Formats whose state is more than that lack it. */
  adopt?(memory: Uint8Array, env: GuestEnv): GuestInstance
}

/** What a program answered. */
export interface Reply {
  /** Output, Messages, Spawns, Assignments, Error: five values of value-codec.ts. */
  readonly values: Uint8Array
  /** The program itself reports an Error: its state is not kept. */
  readonly isError: boolean
}

/** The live state of one process. Not re-entrant. */
export interface GuestInstance {
  /** Bytes that hold state: what a rollback copies and a snapshot keeps. */
  readonly stateBytes: number
  /** Runs one encoded message. Throws GuestFault when the program failed: the state is then undefined until `apply`. */
  handle(message: Uint8Array): Reply
  /** Gas that the last `handle` took. */
  readonly gasUsed: number
  /** The same in the units of wasm/meter.ts, of formats that count the gas of the first network. */
  readonly unitsUsed?: number | undefined
  /** The state as it is now, in `buffer`. */
  capture(buffer: ImageBuffer): StateImage
  /** Puts the instance into a state that `capture` gave, exactly. */
  apply(image: StateImage): void
  /** Self-describing, carries the hash of the state; what `packSnapshot` makes. */
  snapshot(): Uint8Array<ArrayBuffer>
  /** All of the linear memory, for other hosts; formats whose state is more than that lack it. */
  memory?(): Uint8Array<ArrayBuffer>
  /** It is not used again; what it ran in may serve another process. */
  close?(): void
}

/** The program failed, in a way that the process's users are told about. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
