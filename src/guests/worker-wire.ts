/**
 * What the pool and its workers say to each other. Evaluations travel as one block of bytes per batch, everything else as small objects.
 *
 * Wire        job     u32 number · u32 process handle · u8 1 if dry · u32 size · encoded message
 *             answer  u32 number · u8 status · f64 gas used · f64 units used · f64 milliseconds · f64 bytes of state · u32 size · values or text of an error
 *             All little-endian. Status: index in STATUSES.
 */
import { asBuffer } from '../base/bytes.ts'
import type { FailureCode, HeddleError } from '../base/errors.ts'
import type { TxId } from '../base/ids.ts'
import type { SharedCode } from './formats.ts'
import type { FailureKind, GuestEnv, GuestLimits, GuestModule } from './guest.ts'
import type { FileRequest } from './host-bridge.ts'

export interface WorkerSettings {
  readonly limits: GuestLimits
  /** What an earlier worker compiled. */
  readonly code: SharedCode | null
  /** Where answers to file requests appear; null when this node shows no files. */
  readonly files: SharedArrayBuffer | null
}

export type Request =
  | { readonly kind: 'evaluate'; readonly batch: Uint8Array }
  | {
      readonly kind: 'open'
      readonly job: number
      readonly handle: number
      readonly process: TxId
      readonly module: GuestModule
      readonly env: GuestEnv
      readonly snapshot: Uint8Array | null
    }
  | { readonly kind: 'snapshot' | 'memory' | 'close'; readonly job: number; readonly handle: number }

/** A snapshot and the dictionary to compress it with, or bare memory. */
export interface KeptState {
  readonly state: Uint8Array<ArrayBuffer>
  readonly dictionary?: Uint8Array
}

export type Response =
  | { readonly kind: 'ready'; readonly code: SharedCode }
  | { readonly kind: 'answers'; readonly batch: Uint8Array }
  | { readonly kind: 'done'; readonly job: number; readonly bytes: number; readonly kept?: KeptState }
  | { readonly kind: 'failed'; readonly job: number; readonly failure: WireFailure }
  | { readonly kind: 'file'; readonly request: FileRequest }

/** A HeddleError on its way between threads. */
export interface WireFailure {
  readonly code: FailureCode
  readonly facts: HeddleError['facts']
  readonly message: string
}

/** `reported`: the program's own result carries the Error. */
export type Status = 'ok' | 'reported' | FailureKind
const STATUSES: readonly Status[] = ['ok', 'reported', 'error', 'gas', 'memory', 'stack', 'trap', 'time']

export interface Job {
  readonly job: number
  readonly handle: number
  readonly isDry: boolean
  readonly message: Uint8Array
}

export interface Answer {
  readonly job: number
  readonly status: Status
  readonly gasUsed: number
  readonly unitsUsed: number
  readonly timeMs: number
  readonly stateBytes: number
  readonly payload: Uint8Array
}

const JOB_HEADER_BYTES = 13
const ANSWER_HEADER_BYTES = 41

export function packJobs(jobs: readonly Job[]): Uint8Array<ArrayBuffer> {
  const out = Buffer.allocUnsafeSlow(jobs.reduce((sum, { message }) => sum + JOB_HEADER_BYTES + message.length, 0))
  let at = 0
  for (const { job, handle, isDry, message } of jobs) {
    out.writeUInt32LE(job, at)
    out.writeUInt32LE(handle, at + 4)
    out[at + 8] = isDry ? 1 : 0
    out.writeUInt32LE(message.length, at + 9)
    out.set(message, at + JOB_HEADER_BYTES)
    at += JOB_HEADER_BYTES + message.length
  }
  return out
}

/** Messages are views on the batch. */
export function* unpackJobs(batch: Uint8Array): Generator<Job> {
  const bytes = asBuffer(batch)
  for (let at = 0; at < bytes.length; ) {
    const from = at + JOB_HEADER_BYTES
    const end = from + bytes.readUInt32LE(at + 9)
    yield {
      job: bytes.readUInt32LE(at),
      handle: bytes.readUInt32LE(at + 4),
      isDry: bytes[at + 8] === 1,
      message: bytes.subarray(from, end),
    }
    at = end
  }
}

export function packAnswers(answers: readonly Answer[]): Uint8Array<ArrayBuffer> {
  const out = Buffer.allocUnsafeSlow(answers.reduce((sum, { payload }) => sum + ANSWER_HEADER_BYTES + payload.length, 0))
  let at = 0
  for (const { job, status, gasUsed, unitsUsed, timeMs, stateBytes, payload } of answers) {
    out.writeUInt32LE(job, at)
    out[at + 4] = STATUSES.indexOf(status)
    out.writeDoubleLE(gasUsed, at + 5)
    out.writeDoubleLE(unitsUsed, at + 13)
    out.writeDoubleLE(timeMs, at + 21)
    out.writeDoubleLE(stateBytes, at + 29)
    out.writeUInt32LE(payload.length, at + 37)
    out.set(payload, at + ANSWER_HEADER_BYTES)
    at += ANSWER_HEADER_BYTES + payload.length
  }
  return out
}

export function* unpackAnswers(batch: Uint8Array): Generator<Answer> {
  const bytes = asBuffer(batch)
  for (let at = 0; at < bytes.length; ) {
    const from = at + ANSWER_HEADER_BYTES
    const end = from + bytes.readUInt32LE(at + 37)
    yield {
      job: bytes.readUInt32LE(at),
      status: STATUSES[bytes[at + 4]!] ?? 'trap',
      gasUsed: bytes.readDoubleLE(at + 5),
      unitsUsed: bytes.readDoubleLE(at + 13),
      timeMs: bytes.readDoubleLE(at + 21),
      stateBytes: bytes.readDoubleLE(at + 29),
      payload: bytes.subarray(from, end),
    }
    at = end
  }
}
