/**
 * Reads the weave: transactions, their data, and chunks by their absolute offset with the two proofs that lead to them from a block.
 *
 * Invariants  An absolute offset is one-based: the byte before it is the end of what came before. A chunk answers for every byte of it, or, by
 *             bucket, for every byte of the 256 KiB that it owns, padding included.
 */
import { LRUCache } from 'lru-cache'
import { asBuffer, fromBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { type BlockHash, idBytes, type TxId } from '../../base/ids.ts'
import { BLOCK_CACHE_MAX, CHUNK_BYTES_MAX } from '../../base/limits.ts'
import type { Block } from '../../codec/block.ts'
import { decodeTransaction, ownerAddress, type Transaction } from '../../codec/transaction.ts'
import { buildTxRoot, paddedBytes, type TxRoot, weaveDataRoot } from '../../codec/tx-root.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { decodeRecord, type TransactionRecord } from '../archive.ts'
import type { Chain } from './chain.ts'
import type { ChunkStore, StoredChunk } from './chunk-store.ts'
import { type DataKey, encodeDataKey } from './data-key.ts'
import type { PendingTransaction } from './mempool.ts'

export interface WeaveChunk {
  readonly bytes: Uint8Array
  readonly dataPath: Uint8Array
  readonly txPath: Uint8Array
  /** Absolute, one-based. */
  readonly endOffset: bigint
}

export interface Interval {
  /** First byte, not included. */
  readonly startOffset: bigint
  readonly endOffset: bigint
}

export interface PendingChunk {
  readonly bytes: Uint8Array
  readonly dataPath: Uint8Array
}

const CHUNK = BigInt(CHUNK_BYTES_MAX)

export class WeaveReader {
  readonly #kv: KvStore
  readonly #chain: Chain
  readonly #chunks: ChunkStore
  readonly #txRoots = new LRUCache<BlockHash, TxRoot>({ max: BLOCK_CACHE_MAX })

  constructor(kv: KvStore, chain: Chain, chunks: ChunkStore) {
    this.#kv = kv
    this.#chain = chain
    this.#chunks = chunks
  }

  /** Of format 2 without its data; null for what is no transaction. */
  async findTransaction(id: TxId): Promise<Transaction | null> {
    const [record, body] = await Promise.all([this.#record(id), this.#kv.get('bodies', idBytes(id))])
    return record === null || body === null ? null : decodeTransaction(asBuffer(body))
  }

  /** What the mempool keeps of a stored transaction. */
  async pendingSource(id: TxId): Promise<Pick<PendingTransaction, 'tx' | 'dataRoot' | 'sender'>> {
    const tx = await this.findTransaction(id)
    if (tx === null) throw new HeddleError('store-failed', { what: 'bodies' }, `transaction ${id} is gone; run "heddle doctor"`)
    return { tx, dataRoot: weaveDataRoot(tx), sender: ownerAddress(tx) }
  }

  /** Under which key the data lies; null for an unknown transaction. */
  async dataKey(id: TxId): Promise<DataKey | null> {
    const record = await this.#record(id)
    return record === null ? null : { root: fromBase64url(record.dataRoot), sizeBytes: Number(record.dataBytes) }
  }

  /** Is every byte of a transaction's data here? Also true for those without data. */
  async hasData(id: TxId): Promise<boolean> {
    const key = await this.dataKey(id)
    return key !== null && (key.sizeBytes === 0 || (await this.#isComplete(key)))
  }

  async *readData(id: TxId, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const key = await this.dataKey(id)
    if (key === null) throw new HeddleError('not-found', { what: 'transaction', id }, `transaction ${id} is not known here`)
    yield* this.#chunks.read(key, start, Math.min(end, key.sizeBytes), signal)
  }

  /** The chunk of a transaction that holds the byte at `offset`, 0 the first. */
  async chunkOf(id: TxId, offset: bigint): Promise<PendingChunk | null> {
    const key = await this.dataKey(id)
    if (key === null || offset >= key.sizeBytes) return null
    const chunk = await this.#chunks.find(key, Number(offset))
    return chunk === null ? null : { bytes: await this.#chunks.bytesOf(chunk), dataPath: chunk.dataPath }
  }

  async chunkAt(offset: bigint, { byBucket }: { readonly byBucket: boolean }): Promise<WeaveChunk | null> {
    if (offset < 1n) return null
    const place = byBucket ? await this.#inBucket(offset) : await this.#atByte(offset)
    if (place === null) return null
    const { id, startOffset, chunk } = place
    return {
      bytes: await this.#chunks.bytesOf(chunk),
      dataPath: chunk.dataPath,
      txPath: await this.#txPath(id, startOffset),
      endOffset: startOffset + BigInt(chunk.endOffset),
    }
  }

  /** Intervals of buckets whose chunk is here, joined where they touch, up to `limit` of them. */
  async syncRecord(start: bigint, end: bigint | null, limit: number): Promise<Interval[]> {
    const intervals: { startOffset: bigint; endOffset: bigint }[] = []
    for await (const bucket of this.#buckets(start)) {
      if (end !== null && bucket.startOffset >= end) break
      const last = intervals.at(-1)
      if (last !== undefined && last.endOffset === bucket.startOffset) last.endOffset = bucket.endOffset
      else if (intervals.length === limit) break
      else intervals.push({ ...bucket })
    }
    return intervals
  }

  /** The tree over a block's transactions. */
  async txRoot(block: Block): Promise<TxRoot> {
    const kept = this.#txRoots.get(block.indepHash)
    if (kept !== undefined) return kept
    const bodies = await this.#kv.getMany('bodies', block.txs.map(idBytes))
    const txs = bodies.map((body, i) => {
      if (body === null)
        throw new HeddleError('store-failed', { what: 'bodies' }, `transaction ${block.txs[i]} is gone; run "heddle doctor"`)
      return decodeTransaction(asBuffer(body))
    })
    const txRoot = buildTxRoot(txs)
    this.#txRoots.set(block.indepHash, txRoot)
    return txRoot
  }

  keepTxRoot(block: Block, txRoot: TxRoot): void {
    this.#txRoots.set(block.indepHash, txRoot)
  }

  async #record(id: TxId): Promise<TransactionRecord | null> {
    const value = await this.#kv.get('items', idBytes(id))
    const record = value === null ? null : decodeRecord(value)
    return record?.kind === 'tx' ? record : null
  }

  async #atByte(offset: bigint): Promise<Place | null> {
    const extent = await this.#chain.extentAt(offset)
    if (extent === null) return null
    const key = await this.dataKey(extent.id)
    if (key === null) return null
    const startOffset = extent.endOffset - BigInt(key.sizeBytes)
    if (offset <= startOffset) return null // In the padding before it.
    const chunk = await this.#chunks.find(key, Number(offset - startOffset - 1n))
    return chunk === null ? null : { id: extent.id, startOffset, chunk }
  }

  async #inBucket(offset: bigint): Promise<Place | null> {
    const bucketStart = ((offset - 1n) / CHUNK) * CHUNK
    const extent = await this.#chain.extentAt(bucketStart + 1n)
    if (extent === null) return null
    const key = await this.dataKey(extent.id)
    if (key === null) return null
    const startOffset = extent.endOffset - BigInt(key.sizeBytes)
    if (bucketStart < startOffset) return null
    const within = Number(bucketStart - startOffset)
    for await (const chunk of this.#chunks.all(key, within)) {
      return chunk.endOffset <= within + CHUNK_BYTES_MAX ? { id: extent.id, startOffset, chunk } : null
    }
    return null
  }

  async #txPath(id: TxId, startOffset: bigint): Promise<Uint8Array> {
    const inclusion = await this.#chain.inclusion(id)
    const block = inclusion === null ? null : await this.#chain.block(inclusion.block)
    if (block === null) throw new HeddleError('not-found', { what: 'block', id }, `transaction ${id} left its block; ask again`)
    return (await this.txRoot(block)).pathOf(startOffset - (block.weaveBytes - block.blockBytes))
  }

  async #isComplete(key: DataKey): Promise<boolean> {
    return (await this.#kv.get('roots', encodeDataKey(key)))?.[0] === 1
  }

  async *#buckets(start: bigint): AsyncIterable<Interval> {
    for await (const { id, endOffset } of this.#chain.extentsFrom(start + 1n)) {
      const key = await this.dataKey(id)
      if (key === null) continue
      const first = endOffset - BigInt(key.sizeBytes)
      const skip = start > first ? Number(((start - first) / CHUNK) * CHUNK) : 0
      if (await this.#isComplete(key)) {
        yield { startOffset: first + BigInt(skip), endOffset: first + paddedBytes(BigInt(key.sizeBytes)) }
        continue
      }
      for await (const chunk of this.#chunks.all(key, skip)) {
        const end = first + paddedBytes(BigInt(chunk.endOffset))
        yield { startOffset: end - CHUNK, endOffset: end }
      }
    }
  }
}

interface Place {
  readonly id: TxId
  /** Absolute offset before the first byte of the transaction's data. */
  readonly startOffset: bigint
  readonly chunk: StoredChunk
}
