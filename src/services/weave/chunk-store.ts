/**
 * Chunks of transaction data, each with the proof that binds it to its data root.
 *
 * Wire        space `chunks`: data root 32 + data size u64 + end offset u64 -> u8 kind, u64 start offset, u32 path length, path, then
 *             kind 0: the bytes; 1: SHA-256 of the bytes, which are the blob `chunk-<sha256>`; 2: id of the transaction whose composite data holds them
 * Invariants  What is stored was proven, so reading checks nothing again. Chunks of one data root never overlap.
 *             A blob is durable before the record that names it.
 */
import { asBuffer, bigEndian, concat, fromBigEndian, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { CHUNK_INLINE_BYTES_MAX } from '../../base/limits.ts'
import type { BlobName, BlobStore } from '../../store/blob-store.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { type DataKey, encodeDataKey } from './data-key.ts'

export interface StoredChunk {
  readonly startOffset: number
  readonly endOffset: number
  readonly dataPath: Uint8Array
  readonly at: ChunkPlace
}

type ChunkPlace =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly name: BlobName }
  | { readonly kind: 'composite'; readonly id: TxId }

/** Where a chunk lies in its data, and its proof. */
export interface ChunkProof {
  readonly startOffset: number
  readonly endOffset: number
  readonly dataPath: Uint8Array
}

/** Random access to the data of a transaction that this node put together from items it holds already. */
export type CompositeReader = (id: TxId, start: number, end: number) => AsyncIterable<Uint8Array>

const KINDS = ['inline', 'blob', 'composite'] as const
const HEAD_BYTES = 1 + 8 + 4

export class ChunkStore {
  readonly #kv: KvStore
  readonly #blobs: BlobStore
  readonly #readComposite: CompositeReader

  constructor(kv: KvStore, blobs: BlobStore, readComposite: CompositeReader) {
    this.#kv = kv
    this.#blobs = blobs
    this.#readComposite = readComposite
  }

  async has(key: DataKey, endOffset: number): Promise<boolean> {
    return (await this.#kv.get('chunks', recordKey(key, endOffset))) !== null
  }

  /** The chunk that holds the byte at `offset`, 0 being the first. */
  async find(key: DataKey, offset: number): Promise<StoredChunk | null> {
    for await (const chunk of this.#scan(key, offset, 1)) return chunk.startOffset <= offset ? chunk : null
    return null
  }

  /** Stored chunks in order, from the first that ends after `offset`. */
  all(key: DataKey, offset = 0): AsyncIterable<StoredChunk> {
    return this.#scan(key, offset, undefined)
  }

  /** Makes the bytes durable where they are large, and returns the write of the record, which the caller commits. */
  async prepare(key: DataKey, proof: ChunkProof, bytes: Uint8Array): Promise<KvWrite> {
    if (bytes.length + proof.dataPath.length <= CHUNK_INLINE_BYTES_MAX) return recordWrite(key, proof, { kind: 'inline', bytes })
    const name: BlobName = `chunk-${toBase64url(sha256(bytes))}`
    await this.#blobs.put(name, bytes)
    return recordWrite(key, proof, { kind: 'blob', name })
  }

  compositeWrite(key: DataKey, proof: ChunkProof, id: TxId): KvWrite {
    return recordWrite(key, proof, { kind: 'composite', id })
  }

  async bytesOf(chunk: StoredChunk): Promise<Uint8Array> {
    return this.#bytesBetween(chunk, chunk.startOffset, chunk.endOffset)
  }

  /** Bytes [start, end) of the data, in order; throws `not-found` when the next one is not here. */
  async *read(key: DataKey, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    let at = start
    if (at >= end) return
    for await (const chunk of this.#scan(key, start, undefined)) {
      signal?.throwIfAborted()
      if (chunk.startOffset > at) throw missing(key, at)
      const stop = Math.min(chunk.endOffset, end)
      yield await this.#bytesBetween(chunk, at, stop)
      at = stop
      if (at === end) return
    }
    throw missing(key, at)
  }

  async #bytesBetween(chunk: StoredChunk, start: number, end: number): Promise<Uint8Array> {
    switch (chunk.at.kind) {
      case 'inline':
        return chunk.at.bytes.subarray(start - chunk.startOffset, end - chunk.startOffset)
      case 'blob': {
        const bytes = await this.#blobs.read(chunk.at.name, start - chunk.startOffset, end - chunk.startOffset)
        if (bytes === null) throw new HeddleError('store-failed', { what: chunk.at.name }, `${chunk.at.name} is gone; run "heddle doctor"`)
        return bytes
      }
      case 'composite': {
        const parts: Uint8Array[] = []
        for await (const part of this.#readComposite(chunk.at.id, start, end)) parts.push(part)
        return parts.length === 1 ? parts[0]! : concat(parts)
      }
    }
  }

  async *#scan(key: DataKey, offset: number, limit: number | undefined): AsyncIterable<StoredChunk> {
    const prefix = encodeDataKey(key)
    const range = { prefix, gt: concat([prefix, bigEndian(offset, 8)]), ...(limit === undefined ? {} : { limit }) }
    for await (const entry of this.#kv.scan('chunks', range)) yield decodeRecord(entry.key, entry.value)
  }
}

function recordKey(key: DataKey, endOffset: number): Uint8Array {
  return concat([encodeDataKey(key), bigEndian(endOffset, 8)])
}

function recordWrite(key: DataKey, { startOffset, endOffset, dataPath }: ChunkProof, at: ChunkPlace): KvWrite {
  const head = concat([Uint8Array.of(KINDS.indexOf(at.kind)), bigEndian(startOffset, 8), bigEndian(dataPath.length, 4), dataPath])
  return { space: 'chunks', key: recordKey(key, endOffset), value: concat([head, placeBytes(at)]) }
}

function placeBytes(at: ChunkPlace): Uint8Array {
  switch (at.kind) {
    case 'inline':
      return at.bytes
    case 'blob':
      return Buffer.from(at.name.slice('chunk-'.length), 'base64url')
    case 'composite':
      return idBytes(at.id)
  }
}

function decodeRecord(key: Uint8Array, value: Uint8Array): StoredChunk {
  const view = asBuffer(value)
  const pathEnd = HEAD_BYTES + view.readUInt32BE(9)
  const rest = view.subarray(pathEnd)
  return {
    startOffset: Number(fromBigEndian(view.subarray(1, 9))),
    endOffset: Number(fromBigEndian(key.subarray(key.length - 8))),
    dataPath: view.subarray(HEAD_BYTES, pathEnd),
    at: placeOf(KINDS[view[0]!]!, rest),
  }
}

function placeOf(kind: (typeof KINDS)[number], rest: Uint8Array): ChunkPlace {
  switch (kind) {
    case 'inline':
      return { kind, bytes: rest }
    case 'blob':
      return { kind, name: `chunk-${toBase64url(rest)}` }
    case 'composite':
      return { kind, id: bytesToId(rest) }
  }
}

function missing(key: DataKey, offset: number): HeddleError<'not-found'> {
  return new HeddleError(
    'not-found',
    { what: 'data', id: toBase64url(key.root) },
    `byte ${offset} of ${key.sizeBytes} of the data with root ${toBase64url(key.root)} has not been uploaded; send the chunk that holds it`,
  )
}
