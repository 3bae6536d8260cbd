/**
 * What became of the entries of an outbox: written with each item that is made of them, so that what a message caused can be told later.
 *
 * Space       traces: process id + slot + index in the outbox + part of the entry -> kind, id, whom it is for
 * Wire        value: one letter for the kind, 32 bytes of the id of the item or assigned message, 32 bytes of the process or wallet that it is for
 * Invariants  One entry per thing sent, in the order of the outbox. It is in the commit that stores the item, so it is there exactly when the item is.
 */
import { bigEndian, concat, fromBigEndian, utf8 } from '../../base/bytes.ts'
import { bytesToId, ID_BYTES, idBytes, type TxId } from '../../base/ids.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { slotKey } from './records.ts'

export type TraceKind = 'message' | 'spawn' | 'assignment'

/** Which part of which entry. */
export interface TracePlace {
  readonly process: TxId
  readonly slot: number
  readonly index: number
  /** An entry may become several items: a spawn and what tells of it, a message and its assignments. */
  readonly part: number
}

export interface TraceEntry {
  readonly index: number
  readonly part: number
  readonly kind: TraceKind
  readonly id: TxId
  readonly target: TxId
}

const INDEX_BYTES = 4
const PART_BYTES = 2
const PARTS_MAX = 256 ** PART_BYTES
/** Behind all that a program can send from slot 0. */
const PRESENTED_INDEX = 0xffff_ffff
const LETTERS: Readonly<Record<TraceKind, string>> = { message: 'm', spawn: 's', assignment: 'a' }
const KINDS: ReadonlyMap<string, TraceKind> = new Map(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as TraceKind]))

export function traceWrite(place: TracePlace, kind: TraceKind, id: TxId, target: TxId): KvWrite {
  return { space: 'traces', key: traceKey(place), value: concat([utf8(LETTERS[kind]), idBytes(id), idBytes(target)]) }
}

/** Of a process that is addressed to another one, which therefore gets it assigned. */
export function processTrace(process: TxId, target: TxId): KvWrite {
  return traceWrite({ process, slot: 0, index: PRESENTED_INDEX, part: 0 }, 'assignment', process, target)
}

/** Where it stands among all that a slot caused, as one number. */
export function positionOf({ index, part }: Pick<TracePlace, 'index' | 'part'>): number {
  return index * PARTS_MAX + part
}

/** What a slot caused, behind this position; -1 for all. */
export async function readTraces(
  kv: Pick<KvStore, 'scan'>,
  process: TxId,
  slot: number,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<TraceEntry[]> {
  const first = { index: Math.floor((after + 1) / PARTS_MAX), part: (after + 1) % PARTS_MAX }
  const range = { gte: traceKey({ process, slot, ...first }), lt: slotKey(process, slot + 1), limit }
  const found: TraceEntry[] = []
  for await (const { key, value } of kv.scan('traces', range)) found.push(parse(key, value))
  return found
}

/** Forgets what slots after this one caused. */
export async function traceRemovals(kv: Pick<KvStore, 'scan'>, process: TxId, slot: number): Promise<KvWrite[]> {
  const writes: KvWrite[] = []
  const range = { gte: slotKey(process, slot + 1), lt: slotKey(process, Number.MAX_SAFE_INTEGER) }
  for await (const { key } of kv.scan('traces', range)) writes.push({ space: 'traces', key, value: null })
  return writes
}

function traceKey({ process, slot, index, part }: TracePlace): Uint8Array {
  return concat([slotKey(process, slot), bigEndian(index, INDEX_BYTES), bigEndian(part, PART_BYTES)])
}

function parse(key: Uint8Array, value: Uint8Array): TraceEntry {
  const indexAt = key.length - INDEX_BYTES - PART_BYTES
  return {
    index: Number(fromBigEndian(key.subarray(indexAt, indexAt + INDEX_BYTES))),
    part: Number(fromBigEndian(key.subarray(indexAt + INDEX_BYTES))),
    kind: KINDS.get(String.fromCharCode(value[0] ?? 0)) ?? 'message',
    id: bytesToId(value.subarray(1, 1 + ID_BYTES)),
    target: bytesToId(value.subarray(1 + ID_BYTES)),
  }
}
