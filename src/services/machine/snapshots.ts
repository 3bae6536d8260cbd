/**
 * Snapshots of processes: the state of the instance after a slot, so that opening a process does not replay all of its log.
 *
 * Invariants  A snapshot is a shortcut, never the truth: one that is missing or damaged is passed over, and the log is replayed from an older one.
 *             The newest few are kept; the blob is named by the hash of its content.
 */
import { toBase64url } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { SNAPSHOTS_KEPT } from '../../base/limits.ts'
import type { BlobName, BlobStore } from '../../store/blob-store.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { decodeRecord, encodeRecord, type SnapshotRecord, slotKey } from './records.ts'

export interface Snapshot {
  readonly slot: number
  readonly bytes: Uint8Array
}

export class Snapshots {
  readonly #kv: Pick<KvStore, 'scan' | 'write'>
  readonly #blobs: Pick<BlobStore, 'put' | 'read' | 'delete'>

  constructor(kv: Pick<KvStore, 'scan' | 'write'>, blobs: Pick<BlobStore, 'put' | 'read' | 'delete'>) {
    this.#kv = kv
    this.#blobs = blobs
  }

  /** Those at or before this slot that are undamaged; each is read when it is asked for. */
  async *newestFirst(process: TxId, slot: number): AsyncIterable<Snapshot> {
    for (const record of await this.#records(process, slot)) {
      const bytes = await this.#blobs.read(blobOf(record), 0, record.sizeBytes)
      if (bytes !== null && toBase64url(sha256(bytes)) === record.sha256) yield { slot: record.slot, bytes }
    }
  }

  async save(process: TxId, slot: number, bytes: Uint8Array): Promise<void> {
    const record: SnapshotRecord = { slot, sha256: toBase64url(sha256(bytes)), sizeBytes: bytes.length }
    await this.#blobs.put(blobOf(record), bytes)
    const all = [record, ...(await this.#records(process, slot)).filter((known) => known.slot !== slot)]
    const old = all.slice(SNAPSHOTS_KEPT)
    await this.#kv.write([
      { space: 'snapshots', key: slotKey(process, slot), value: encodeRecord(record) },
      ...old.map((known): KvWrite => ({ space: 'snapshots', key: slotKey(process, known.slot), value: null })),
    ])
    const needed = new Set(all.slice(0, SNAPSHOTS_KEPT).map(({ sha256: hash }) => hash)) // Slots may share a state, and so a blob.
    for (const known of old) if (!needed.has(known.sha256)) await this.#blobs.delete(blobOf(known))
  }

  /** Newest first. */
  async #records(process: TxId, slot: number): Promise<SnapshotRecord[]> {
    const found: SnapshotRecord[] = []
    for await (const { value } of this.#kv.scan('snapshots', {
      gte: slotKey(process, 0),
      lte: slotKey(process, Math.max(slot, 0)),
      reverse: true,
    }))
      found.push(decodeRecord<SnapshotRecord>(value))
    return found
  }
}

function blobOf(record: SnapshotRecord): BlobName {
  return `snapshot-${record.sha256}`
}
