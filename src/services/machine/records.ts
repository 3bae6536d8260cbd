/**
 * What the machine keeps, and under which keys.
 *
 * Spaces      processes: id -> ProcessHead. log: id + slot -> LogRecord. slots: message or assignment id + process id -> slot.
 *             results: id + slot -> ResultRecord, or a pointer to a blob when it is large. outbox: id + slot + index -> empty, while not delivered.
 *             snapshots: id + slot -> SnapshotRecord. forks: id + slot + id of the fork -> empty. traces: id + id it caused -> empty. monitors: id -> MonitorRecord.
 * Invariants  Slots of one process have no gaps, in the log and in the results; results never run ahead of the log.
 */
import { bigEndian, concat, EMPTY, fromBigEndian } from '../../base/bytes.ts'
import { bytesToId, ID_BYTES, idBytes, type TxId } from '../../base/ids.ts'
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
}

export interface LogRecord {
  readonly slot: number
  readonly assignment: TxId
  /** The process's own id at slot 0. */
  readonly message: TxId
  readonly timestampMs: number
  readonly height: number
  readonly hashChain: string
  /** Keys of the message that an `assign` left out. */
  readonly exclude: readonly string[]
  /** The id of the item from outside that set this off. */
  readonly origin: string
  /** How many pushes lie between that item and this one. */
  readonly depth: number
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

export interface MonitorRecord {
  readonly process: TxId
  readonly owner: string
  readonly item: TxId
  readonly sinceMs: number
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
  ]
}

export function forkWrite(process: TxId, slot: number, fork: TxId): KvWrite {
  return { space: 'forks', key: forkKey(process, slot, fork), value: EMPTY }
}

export function traceWrite(cause: TxId, caused: TxId): KvWrite {
  return { space: 'traces', key: concat([idBytes(cause), idBytes(caused)]), value: EMPTY }
}

export function encodeRecord(record: object): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

/** For bytes that this node wrote itself. */
export function decodeRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as T
}
