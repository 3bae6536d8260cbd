/**
 * Snapshots of processes: the state of the instance after a slot, so that neither opening a process nor looking at its past replays all of its log.
 *
 * Invariants  A snapshot is a shortcut, never the truth: one that is missing or damaged is passed over, and the log is replayed from an older one.
 *             The blob is named by the hash of its content and goes with the last slot, of any process, that needs it.
 *             The newest few are kept. Of older ones as many as it takes that the gap to the next older one is at most half their age, and
 *             never more than SNAPSHOT_GAP_MESSAGES_MAX beyond what was taken.
 */
import { EMPTY, fromBase64url, toBase64url } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { SNAPSHOT_GAP_MESSAGES_MAX, SNAPSHOTS_KEPT, SNAPSHOTS_UNDER_WAY_MAX } from '../../base/limits.ts'
import { stateHashOf } from '../../guests/snapshot.ts'
import type { BlobName, BlobStore } from '../../store/blob-store.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { decodeRecord, encodeRecord, type SnapshotRecord, slotKey, snapshotUseKey } from './records.ts'

export interface Snapshot {
  readonly slot: number
  readonly bytes: Uint8Array
}

/** A fresh process: what a process without snapshots is opened from. */
const BEFORE_ALL = -1

export class Snapshots {
  readonly #kv: Pick<KvStore, 'scan' | 'write'>
  readonly #blobs: Pick<BlobStore, 'put' | 'read' | 'delete'>
  /** What is done to a blob, one after another, so that none is deleted while another slot begins to need it. */
  readonly #turns = new Map<string, Promise<void>>()
  #underWay = 0
  readonly #waiting: (() => void)[] = []

  constructor(kv: Pick<KvStore, 'scan' | 'write'>, blobs: Pick<BlobStore, 'put' | 'read' | 'delete'>) {
    this.#kv = kv
    this.#blobs = blobs
  }

  /** Those at or before this slot that are undamaged; each is read when it is asked for. */
  async *newestFirst(process: TxId, slot: number): AsyncIterable<Snapshot> {
    for (const record of await this.list(process, slot)) {
      const bytes = await this.#blobs.read(blobOf(record), 0, record.sizeBytes)
      if (bytes !== null && toBase64url(sha256(bytes)) === record.sha256) yield { slot: record.slot, bytes }
    }
  }

  /** What is kept at or before this slot, newest first. */
  async list(process: TxId, slot = Number.MAX_SAFE_INTEGER): Promise<SnapshotRecord[]> {
    const found: SnapshotRecord[] = []
    if (slot < 0) return found
    const range = { gte: slotKey(process, 0), lte: slotKey(process, slot), reverse: true }
    for await (const { value } of this.#kv.scan('snapshots', range)) found.push(decodeRecord<SnapshotRecord>(value))
    return found
  }

  /** The bytes as they are in the store, damaged or not; null when they are gone. */
  read(record: SnapshotRecord): Promise<Uint8Array | null> {
    return this.#blobs.read(blobOf(record), 0, record.sizeBytes)
  }

  async save(process: TxId, slot: number, bytes: Uint8Array): Promise<SnapshotRecord> {
    const record: SnapshotRecord = { slot, sha256: toBase64url(sha256(bytes)), sizeBytes: bytes.length, stateHash: stateHashOf(bytes) }
    const others = (await this.list(process)).filter((known) => known.slot !== slot || known.sha256 !== record.sha256)
    const kept = others.filter((known) => known.slot !== slot)
    const surplus = new Set(surplusSlots([slot, ...kept.map((known) => known.slot)]))
    await this.#inTurn(record.sha256, async () => {
      await this.#blobs.put(blobOf(record), bytes)
      await this.#kv.write([
        { space: 'snapshots', key: slotKey(process, slot), value: encodeRecord(record) },
        { space: 'snapshotUses', key: snapshotUseKey(fromBase64url(record.sha256), process, slot), value: EMPTY },
      ])
    })
    await this.#drop(
      process,
      others.filter((known) => surplus.has(known.slot) || known.slot === slot),
      slot,
    )
    return record
  }

  /** Forgets those after this slot: the log that they belong to is not the process's any more. */
  async dropAfter(process: TxId, slot: number): Promise<void> {
    await this.#drop(
      process,
      (await this.list(process)).filter((record) => record.slot > slot),
    )
  }

  /** Runs when few others do: for those that many processes may ask for at once. */
  async whenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#underWay >= SNAPSHOTS_UNDER_WAY_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      this.#waiting.shift()?.()
    }
  }

  /** `replaced` is a slot whose record says something else by now. */
  async #drop(process: TxId, records: readonly SnapshotRecord[], replaced?: number): Promise<void> {
    if (records.length === 0) return
    await this.#kv.write(
      records.flatMap(({ slot, sha256: hash }): KvWrite[] => [
        ...(slot === replaced ? [] : [{ space: 'snapshots', key: slotKey(process, slot), value: null } as const]),
        { space: 'snapshotUses', key: snapshotUseKey(fromBase64url(hash), process, slot), value: null },
      ]),
    )
    for (const record of records)
      await this.#inTurn(record.sha256, async () => {
        if (!(await this.#isUsed(record))) await this.#blobs.delete(blobOf(record))
      })
  }

  async #isUsed(record: SnapshotRecord): Promise<boolean> {
    for await (const _ of this.#kv.scan('snapshotUses', { prefix: fromBase64url(record.sha256), limit: 1 })) return true
    return false
  }

  async #inTurn(blob: string, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(blob) ?? Promise.resolve()
    const turn = before.then(work)
    const settled = turn.catch(() => {})
    this.#turns.set(blob, settled)
    await turn.finally(() => {
      if (this.#turns.get(blob) === settled) this.#turns.delete(blob)
    })
  }
}

/** Those that can go, of slots in any order. */
export function surplusSlots(slots: readonly number[]): number[] {
  const descending = [...slots].sort((a, b) => b - a)
  const newest = descending[0] ?? 0
  const surplus: number[] = []
  let nextNewer = descending[SNAPSHOTS_KEPT - 1] ?? newest
  for (let i = SNAPSHOTS_KEPT; i < descending.length; i++) {
    const slot = descending[i]!
    const nextOlder = descending[i + 1] ?? BEFORE_ALL
    const gapMax = Math.min((newest - slot) / 2, SNAPSHOT_GAP_MESSAGES_MAX)
    if (nextNewer - nextOlder <= gapMax) surplus.push(slot)
    else nextNewer = slot
  }
  return surplus
}

function blobOf(record: SnapshotRecord): BlobName {
  return `snapshot-${record.sha256}`
}
