/**
 * Results by process and slot. Large ones lie in the BlobStore, with a pointer in their place.
 *
 * Invariants  Text of a program that is not UTF-8 is kept exactly: as {"$bytes": base64url}, in a record that says `packed`.
 */
import { fromBase64url, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import type { BlobName, BlobStore } from '../../store/blob-store.ts'
import { KV_VALUE_BYTES_MAX, type KvEntry, type KvStore, type KvWrite } from '../../store/kv-store.ts'
import { decodeRecord, encodeRecord, type ResultRecord, slotKey, slotOfKey } from './records.ts'

export interface ResultRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly upTo: number
  readonly reverse: boolean
}

export interface ScannedResult {
  readonly result: ResultRecord
  readonly sizeBytes: number
}

/** A result on its way to the store. */
export interface EncodedResult {
  readonly write: KvWrite
  /** To be put into the BlobStore before the write. */
  readonly blob: { readonly name: BlobName; readonly bytes: Uint8Array } | null
  readonly sizeBytes: number
}

interface BlobPointer {
  readonly blob: string
  readonly sizeBytes: number
}

const SCAN_BATCH = 100

export class ResultStore {
  readonly #kv: Pick<KvStore, 'get' | 'scan'>
  readonly #blobs: Pick<BlobStore, 'put' | 'read'>

  constructor(kv: Pick<KvStore, 'get' | 'scan'>, blobs: Pick<BlobStore, 'put' | 'read'>) {
    this.#kv = kv
    this.#blobs = blobs
  }

  async find(process: TxId, slot: number): Promise<ResultRecord | null> {
    return (await this.findSized(process, slot))?.result ?? null
  }

  async findSized(process: TxId, slot: number): Promise<ScannedResult | null> {
    const value = await this.#kv.get('results', slotKey(process, slot))
    return value === null ? null : this.#decode(value)
  }

  /** -1 when nothing was evaluated yet. */
  async lastSlot(process: TxId): Promise<number> {
    const range = { gte: slotKey(process, 0), lte: slotKey(process, Number.MAX_SAFE_INTEGER), reverse: true, limit: 1 }
    for await (const { key } of this.#kv.scan('results', range)) return slotOfKey(key)
    return -1
  }

  /** Large results are read when it is their turn. */
  async *scan(process: TxId, { after, upTo, reverse }: ResultRange): AsyncIterable<ScannedResult> {
    let low = after + 1
    let high = Math.min(upTo, Number.MAX_SAFE_INTEGER)
    while (low <= high) {
      const batch: KvEntry[] = []
      const range = { gte: slotKey(process, low), lte: slotKey(process, high), reverse, limit: SCAN_BATCH }
      for await (const entry of this.#kv.scan('results', range)) batch.push(entry)
      for (const { value } of batch) yield this.#decode(value)
      const last = batch.at(-1)
      if (last === undefined || batch.length < SCAN_BATCH) return
      if (reverse) high = slotOfKey(last.key) - 1
      else low = slotOfKey(last.key) + 1
    }
  }

  encode(process: TxId, record: ResultRecord): EncodedResult {
    const bytes = encodeRecord(packResult(record))
    const sizeBytes = bytes.length
    const key = slotKey(process, record.slot)
    if (sizeBytes <= KV_VALUE_BYTES_MAX) return { write: { space: 'results', key, value: bytes }, blob: null, sizeBytes }
    const blob = toBase64url(sha256(bytes))
    const value = encodeRecord({ blob, sizeBytes } satisfies BlobPointer)
    return { write: { space: 'results', key, value }, blob: { name: `result-${blob}`, bytes }, sizeBytes }
  }

  /** What to write; a large result is put into the BlobStore first. */
  async prepare({ write, blob }: EncodedResult): Promise<KvWrite> {
    if (blob !== null) await this.#blobs.put(blob.name, blob.bytes)
    return write
  }

  async #decode(value: Uint8Array): Promise<ScannedResult> {
    const record = decodeRecord<ResultRecord | BlobPointer>(value)
    if (!('blob' in record)) return { result: unpackResult(record), sizeBytes: value.length }
    const bytes = await this.#blobs.read(`result-${record.blob}`, 0, record.sizeBytes)
    if (bytes === null)
      throw new HeddleError('store-failed', { what: 'results' }, `result blob ${record.blob} is gone; run "heddle doctor"`)
    return { result: unpackResult(decodeRecord<ResultRecord>(bytes)), sizeBytes: bytes.length }
  }
}

/** The same value with every byte string in it replaced. */
export function mapBytes<T>(value: T, replace: (bytes: Uint8Array) => unknown): T {
  if (!holdsBytes(value)) return value
  return mapDeep(value, (part) => (part instanceof Uint8Array ? replace(part) : undefined)) as T
}

/** As JSON can carry it. */
export function packResult(record: ResultRecord): ResultRecord & { readonly packed?: true } {
  return holdsBytes(record) ? { ...mapBytes(record, (bytes) => ({ $bytes: toBase64url(bytes) })), packed: true } : record
}

export function unpackResult({ packed, ...record }: ResultRecord & { readonly packed?: true }): ResultRecord {
  return packed === true ? (mapDeep(record, (part) => (isPacked(part) ? fromBase64url(part.$bytes) : undefined)) as ResultRecord) : record
}

function holdsBytes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Uint8Array) return true
  return Array.isArray(value) ? value.some(holdsBytes) : Object.values(value).some(holdsBytes)
}

/** Replaces the parts for which `replace` gives something, and looks into the rest. */
function mapDeep(value: unknown, replace: (part: object) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const replaced = replace(value)
  if (replaced !== undefined) return replaced
  if (Array.isArray(value)) return value.map((part) => mapDeep(part, replace))
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapDeep(part, replace)]))
}

function isPacked(part: object): part is { readonly $bytes: string } {
  return '$bytes' in part && typeof part.$bytes === 'string' && Object.keys(part).length === 1
}
