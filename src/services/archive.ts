/**
 * What this node holds, by id: where the bytes of every transaction and data item lie, and how to read them.
 *
 * A data item's bytes are kept once: in the KvStore (small), as a blob (large), or inside the data of the bundle that brought it.
 * A transaction's data is the weave's business; the archive asks it through `TransactionData`.
 */
import { bigEndian, fromBigEndian, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { idBytes, type TxId } from '../base/ids.ts'
import { CHUNK_BYTES_MAX } from '../base/limits.ts'
import { type DataItem, decodeItemHeader, type ItemHeader, itemHeaderBytesMax } from '../codec/data-item.ts'
import { findTagIgnoringCase, isBundle, type TextTag, toTextTags } from '../codec/tags.ts'
import { decodeTransaction, type Transaction } from '../codec/transaction.ts'
import type { BlobStore } from '../store/blob-store.ts'
import { KV_VALUE_BYTES_MAX, type KvStore, type KvWrite } from '../store/kv-store.ts'

export interface TransactionRecord {
  readonly kind: 'tx'
  readonly dataRoot: string
  readonly dataBytes: string
  readonly contentType: string | null
  readonly contentEncoding: string | null
  readonly isBundle: boolean
}

export interface ItemRecord {
  readonly kind: 'item'
  /** `raw`: key in the space of that name. `blob`: blob `item-<id>`. `parent`: inside the data of that bundle, from byte `start`. */
  readonly at: { readonly raw: number } | 'blob' | { readonly parent: TxId; readonly start: number }
  readonly itemBytes: number
  readonly headerBytes: number
  readonly contentType: string | null
  readonly contentEncoding: string | null
  /** SHA-256 of the payload, base64url; null for items that came inside a bundle. */
  readonly digest: string | null
  /** Unix time and chain height when this node acknowledged it: a repeat gets the same receipt. */
  readonly acceptedAtMs: number
  readonly acceptedHeight: number
  readonly isBundle: boolean
  /** Data-Protocol=ao: its tags are worth showing to those who read it. Absent in others. */
  readonly isAo?: true
  /** Fetched from elsewhere to be read: no handler has seen it. */
  readonly isForeign?: true
}

export type StoredRecord = TransactionRecord | ItemRecord

/** The data of L1 transactions, as far as it is here. */
export interface TransactionData {
  /** Bytes [start, end) in pieces; throws `not-found` when a byte is missing. */
  readData(id: TxId, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>
  /** Is every byte here? */
  hasData(id: TxId): Promise<boolean>
}

export interface StoredItem {
  readonly record: ItemRecord
  readonly writes: readonly KvWrite[]
}

export interface ArchiveDeps {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly transactions: TransactionData
}

export class Archive {
  readonly #kv: KvStore
  readonly #blobs: BlobStore
  readonly #transactions: TransactionData
  /** Of the newest entry in the space `raw`. Ascending keys fill pages one after the other; ids would touch a random page each. */
  #lastRaw: number

  private constructor({ kv, blobs, transactions }: ArchiveDeps, lastRaw: number) {
    this.#kv = kv
    this.#blobs = blobs
    this.#transactions = transactions
    this.#lastRaw = lastRaw
  }

  static async open(deps: ArchiveDeps): Promise<Archive> {
    let last = 0
    for await (const { key } of deps.kv.scan('raw', { reverse: true, limit: 1 })) last = Number(fromBigEndian(key))
    return new Archive(deps, last)
  }

  /** The record of a new item and the writes that store it; a large item must be in the BlobStore already. */
  storeItem(item: DataItem, origin: Omit<ItemOrigin, 'at'>): StoredItem {
    if (!fitsKv(item.raw.length)) {
      const record = itemRecord(item, { ...origin, at: 'blob' })
      return { record, writes: [recordWrite(item.id, record)] }
    }
    this.#lastRaw += 1
    const record = itemRecord(item, { ...origin, at: { raw: this.#lastRaw } })
    return { record, writes: [recordWrite(item.id, record), { space: 'raw', key: bigEndian(this.#lastRaw, 8), value: item.raw }] }
  }

  async find(id: TxId): Promise<StoredRecord | null> {
    const bytes = await this.#kv.get('items', idBytes(id))
    return bytes === null ? null : decodeRecord(bytes)
  }

  async has(id: TxId): Promise<boolean> {
    return (await this.#kv.get('items', idBytes(id))) !== null
  }

  /** Which of these are held, in one look-up. */
  async known(ids: readonly TxId[]): Promise<Set<TxId>> {
    const found = await this.#kv.getMany('items', ids.map(idBytes))
    return new Set(ids.filter((_, i) => found[i] !== null))
  }

  /** Null when the id is unknown or an L1 transaction's. */
  async itemHeader(id: TxId): Promise<ItemHeader | null> {
    const record = await this.find(id)
    if (record?.kind !== 'item') return null
    const prefix = await collect(this.#itemBytes(id, record, 0, Math.min(record.itemBytes, itemHeaderBytesMax())))
    return decodeItemHeader(prefix, record.itemBytes)
  }

  /** The L1 transaction without its data; null when the id is unknown or a data item's. */
  async transaction(id: TxId): Promise<Transaction | null> {
    const record = await this.find(id)
    if (record?.kind !== 'tx') return null
    const header = await this.#kv.get('bodies', idBytes(id))
    if (header === null)
      throw new HeddleError('store-failed', { what: 'bodies' }, `the header of transaction ${id} is gone; run "heddle doctor"`)
    return decodeTransaction(header)
  }

  /** The whole data item as it was signed; null when unknown, `too-large` beyond `maxBytes`. */
  async itemRaw(id: TxId, maxBytes: number): Promise<Uint8Array | null> {
    const record = await this.find(id)
    if (record?.kind !== 'item') return null
    if (record.itemBytes > maxBytes) throw tooLarge(`data item ${id}`, record.itemBytes, maxBytes)
    return collect(this.#itemBytes(id, record, 0, record.itemBytes))
  }

  /** Bytes [start, end) of a whole data item, header included: what a bundle that holds it is made of. */
  itemRange(id: TxId, record: ItemRecord, start: number, end: number): AsyncIterable<Uint8Array> {
    return this.#itemBytes(id, record, start, end)
  }

  /** The payload; null when unknown or not all here, `too-large` beyond `maxBytes`. */
  async readData(id: TxId, maxBytes: number): Promise<Uint8Array | null> {
    const record = await this.find(id)
    if (record === null) return null
    const size = dataBytesOf(record)
    if (size > maxBytes) throw tooLarge(`data of ${id}`, size, maxBytes)
    return collect(this.streamData(id, record, 0, size))
  }

  /** Can the whole payload be read? Items are stored whole; the data of transactions may still be on its way. */
  async hasData(id: TxId, record: StoredRecord): Promise<boolean> {
    return record.kind === 'item' || this.#transactions.hasData(id)
  }

  /** Bytes [start, end) of the payload. */
  streamData(id: TxId, record: StoredRecord, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    if (record.kind === 'tx') return this.#transactions.readData(id, start, end, signal)
    return this.#itemBytes(id, record, record.headerBytes + start, record.headerBytes + end, signal)
  }

  async *#itemBytes(id: TxId, record: ItemRecord, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    if (record.at === 'blob') {
      yield* this.#blobs.stream(`item-${id}`, start, end, signal)
    } else if ('raw' in record.at) {
      const raw = await this.#kv.get('raw', bigEndian(record.at.raw, 8))
      if (raw === null) throw new HeddleError('store-failed', { what: 'raw' }, `the bytes of data item ${id} are gone; run "heddle doctor"`)
      yield raw.subarray(start, end)
    } else {
      const parent = await this.find(record.at.parent)
      if (parent === null)
        throw new HeddleError(
          'not-found',
          { what: 'bundle', id: record.at.parent },
          `bundle ${record.at.parent}, which holds ${id}, is not here`,
        )
      yield* this.streamData(record.at.parent, parent, record.at.start + start, record.at.start + end, signal)
    }
  }
}

export function dataBytesOf(record: StoredRecord): number {
  return record.kind === 'tx' ? Number(record.dataBytes) : record.itemBytes - record.headerBytes
}

export interface ItemOrigin {
  readonly at: ItemRecord['at']
  readonly payloadSha256: Uint8Array | null
  readonly acceptedAtMs: number
  readonly acceptedHeight: number
  readonly isForeign?: true
}

export function itemRecord(header: ItemHeader, { at, payloadSha256, acceptedAtMs, acceptedHeight, isForeign }: ItemOrigin): ItemRecord {
  const tags = toTextTags(header.tags)
  return {
    kind: 'item',
    at,
    acceptedAtMs,
    acceptedHeight,
    itemBytes: header.headerBytes + header.dataBytes,
    headerBytes: header.headerBytes,
    contentType: findTagIgnoringCase(tags, 'Content-Type') ?? null,
    contentEncoding: findTagIgnoringCase(tags, 'Content-Encoding') ?? null,
    digest: payloadSha256 === null ? null : toBase64url(payloadSha256),
    isBundle: isBundle(tags),
    ...(isAo(tags) ? { isAo: true } : {}),
    ...(isForeign === true ? { isForeign } : {}),
  }
}

function isAo(tags: readonly TextTag[]): boolean {
  return tags.some(({ name, value }) => name === 'Data-Protocol' && value === 'ao')
}

export function recordWrite(id: TxId, record: StoredRecord): KvWrite {
  return { space: 'items', key: idBytes(id), value: Buffer.from(JSON.stringify(record)) }
}

export function decodeRecord(bytes: Uint8Array): StoredRecord {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as StoredRecord
}

/** Does an item of this size live in the KvStore (else it is a blob)? */
export function fitsKv(itemBytes: number): boolean {
  return itemBytes <= KV_VALUE_BYTES_MAX
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** Cuts or joins pieces so that each but the last has exactly `size` bytes. */
export async function* regroup(source: AsyncIterable<Uint8Array>, size = CHUNK_BYTES_MAX): AsyncIterable<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (let part of source) {
    while (heldBytes + part.length >= size) {
      const take = size - heldBytes
      yield held.length === 0 ? part.subarray(0, take) : Buffer.concat([...held, part.subarray(0, take)])
      held = []
      heldBytes = 0
      part = part.subarray(take)
    }
    if (part.length > 0) {
      held.push(part)
      heldBytes += part.length
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}

function tooLarge(what: string, size: number, max: number): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what, size, max }, `${what} has ${size} bytes, at most ${max} can be read at once; ask for a range`)
}
