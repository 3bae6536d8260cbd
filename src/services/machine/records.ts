/**
 * What the machine keeps, and under which keys.
 *
 * Spaces      processes: id -> ProcessHead. log: id + slot -> LogRecord. slots: message or assignment id + process id -> slot.
 *             ticks: id + slot of a tick -> empty. results: id + slot -> ResultRecord, or a pointer to a blob when it is large. outbox: id + slot + index -> empty, while not delivered.
 *             snapshots: id + slot -> SnapshotRecord. forks: id + slot + id of the fork -> empty. monitors: id -> MonitorRecord.
 *             contents: id + content hash -> slot. traces: id + slot + index + part -> what an outbox entry became, see trace-record.ts.
 * Invariants  Slots of one process have no gaps, in the log and in the results; results never run ahead of the log.
 */
import { bigEndian, concat, EMPTY, fromBase64url, fromBigEndian } from '../../base/bytes.ts'
import { bytesToId, ID_BYTES, idBytes, type TxId } from '../../base/ids.ts'
import type { CronSchedule } from '../../rules/cron.ts'
import type { KvWrite } from '../../store/kv-store.ts'

/** What the next assignment of a process is built from, and what never changes about it. */
export interface ProcessHead {
  /** The last slot given out. */
  readonly slot: number
  readonly assignment: TxId
  /** base64url; of the last slot. */
  readonly hashChain: string
  readonly timestampMs: number
  readonly module: TxId
  /** Address that is added to the process's Authority tags, from slot 0 on; null when the operator switched that off. */
  readonly authority: string | null
  /** Absent for a process without crons. */
  readonly cron?: CronHead
}

export interface CronHead extends CronSchedule {
  /** Of the last slot. */
  readonly height: number
}

export interface LogRecord {
  readonly slot: number
  readonly assignment: TxId
  /** The process's own id at slot 0; that of the assignment for a tick. */
  readonly message: TxId
  /** Of a tick: which of the process's crons it is. */
  readonly cron?: string
  readonly timestampMs: number
  readonly height: number
  readonly hashChain: string
  /** Keys of the message that an `assign` left out. */
  readonly exclude: readonly string[]
  /** The id of the item from outside that set this off, or `cron:` and the assignment of the tick. */
  readonly origin: string
  /** How many pushes lie between that item and this one. */
  readonly depth: number
  /** What made this node send it, as `<process>/<slot>`; absent for what came from outside. */
  readonly cause?: string
  /** The content of a pushed message, see content.ts. */
  readonly content?: string
}

export type Entry = Readonly<Record<string, unknown>>

/** One thing in an outbox that cannot be, or could not be, delivered. */
export interface Undelivered {
  readonly index: number
  readonly reason: string
}

/** Why this node has no result of its own: the clock struck, or the worker ended. Everything else happens the same way on every node. */
export type NodeFailure = 'time' | 'crash'

export interface ResultRecord {
  readonly slot: number
  readonly message: TxId
  readonly timestampMs: number
  readonly height: number
  /** Of a tick. */
  readonly cron?: string
  /** Did the state change? False after an error: the state is as it was before. */
  readonly kept: boolean
  readonly output: unknown
  readonly messages: readonly Entry[]
  readonly spawns: readonly Entry[]
  readonly assignments: readonly Entry[]
  /** Absent when the message was handled. */
  readonly error?: string
  /** Present when the error is this node's, not the program's: another node may have another result. */
  readonly nodeFailure?: NodeFailure
  readonly gasUsed: number
  /** How long the program ran on this node; absent when it did not run. */
  readonly tookMs?: number
  readonly undelivered: readonly Undelivered[]
}

export interface SnapshotRecord {
  readonly slot: number
  /** SHA-256 of the bytes, base64url; the blob is `snapshot-<sha256>`. */
  readonly sha256: string
  readonly sizeBytes: number
  /** What the state is known by, however it is packed; hexadecimal. */
  readonly stateHash: string
}

/** Somebody who has a process watched. */
export interface Monitor {
  readonly owner: string
  readonly item: TxId
  readonly sinceMs: number
}

export interface MonitorRecord {
  readonly process: TxId
  /** In the order in which they asked. */
  readonly monitors: readonly Monitor[]
}

const SLOT_BYTES = 8
const INDEX_BYTES = 4

export function slotKey(process: TxId, slot: number): Uint8Array {
  return concat([idBytes(process), bigEndian(slot, SLOT_BYTES)])
}

/** The slot in a key that `slotKey` made. */
export function slotOfKey(key: Uint8Array): number {
  return Number(fromBigEndian(key.subarray(ID_BYTES, ID_BYTES + SLOT_BYTES)))
}

export function slotsKey(id: TxId, process: TxId): Uint8Array {
  return concat([idBytes(id), idBytes(process)])
}

export function outboxKey(process: TxId, slot: number, index: number): Uint8Array {
  return concat([idBytes(process), bigEndian(slot, SLOT_BYTES), bigEndian(index, INDEX_BYTES)])
}

/** `fork` null: behind all forks at this slot. */
export function forkKey(process: TxId, slot: number, fork: TxId | null): Uint8Array {
  return concat([idBytes(process), bigEndian(slot, SLOT_BYTES), fork === null ? new Uint8Array(ID_BYTES).fill(0xff) : idBytes(fork)])
}

/** `blobHash`: the SHA-256 that names the blob. */
export function snapshotUseKey(blobHash: Uint8Array, process: TxId, slot: number): Uint8Array {
  return concat([blobHash, slotKey(process, slot)])
}

export function parseOutboxKey(key: Uint8Array): { readonly process: TxId; readonly slot: number; readonly index: number } {
  const index = Number(fromBigEndian(key.subarray(ID_BYTES + SLOT_BYTES)))
  return { process: bytesToId(key.subarray(0, ID_BYTES)), slot: slotOfKey(key), index }
}

export function headWrite(process: TxId, head: ProcessHead): KvWrite {
  return { space: 'processes', key: idBytes(process), value: encodeRecord(head) }
}

export function logWrites(process: TxId, record: LogRecord): KvWrite[] {
  const slot = bigEndian(record.slot, SLOT_BYTES)
  return [
    { space: 'log', key: slotKey(process, record.slot), value: encodeRecord(record) },
    { space: 'slots', key: slotsKey(record.message, process), value: slot },
    { space: 'slots', key: slotsKey(record.assignment, process), value: slot },
    ...(record.content === undefined ? [] : [contentWrite(process, record.content, slot)]),
    ...(record.cron === undefined ? [] : [tickWrite(process, record.slot)]),
  ]
}

/** Where a head stands after this slot. */
export function movedTo(head: ProcessHead, { slot, assignment, hashChain, timestampMs, height }: LogRecord): ProcessHead {
  const cron = head.cron === undefined ? {} : { cron: { ...head.cron, height } }
  return { ...head, slot, assignment, hashChain, timestampMs, ...cron }
}

function tickWrite(process: TxId, slot: number): KvWrite {
  return { space: 'ticks', key: slotKey(process, slot), value: EMPTY }
}

/** `slot` null: the process never had it. */
export function contentWrite(process: TxId, content: string, slot: Uint8Array | null): KvWrite {
  return { space: 'contents', key: concat([idBytes(process), fromBase64url(content)]), value: slot }
}

export function forkWrite(process: TxId, slot: number, fork: TxId): KvWrite {
  return { space: 'forks', key: forkKey(process, slot, fork), value: EMPTY }
}

export function encodeRecord(record: object): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

/** For bytes that this node wrote itself. */
export function decodeRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as T
}
