/**
 * The chain of blocks on disk and what is looked up by it: blocks by hash and height, transactions by id and by their place on the weave.
 *
 * Wire        space `blocks`: hash -> block JSON, kept also when a block left the chain; `heights`: u64 -> hash; `included`: id -> JSON of Inclusion;
 *             `offsets`: u128 absolute end offset -> id, for transactions with data
 * Invariants  `heights`, `included` and `offsets` describe exactly the current chain. The newest blocks are in memory: anchors are checked against them.
 */
import { LRUCache } from 'lru-cache'
import { asBuffer, bigEndian, fromBase64url, fromBigEndian, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { type BlockHash, bytesToBlockHash, bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { ANCHOR_DEPTH_MAX, BLOCK_CACHE_MAX } from '../../base/limits.ts'
import type { Block } from '../../codec/block.ts'
import { blockToJson, parseBlockJson } from '../../codec/block-json.ts'
import type { TxRoot } from '../../codec/tx-root.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'

/** Where a transaction stands on the current chain. */
export interface Inclusion {
  readonly block: BlockHash
  readonly height: number
  /** Absolute offset of the last byte of its data, one-based. */
  readonly endOffset: bigint
}

/** A transaction with data, found by an offset inside it. */
export interface Extent {
  readonly id: TxId
  readonly endOffset: bigint
}

/** Needed in memory: anchors, and rewards that are still locked. */
const RECENT_BLOCKS = 2 * ANCHOR_DEPTH_MAX

export class Chain {
  readonly #kv: KvStore
  readonly #blocks = new LRUCache<BlockHash, Block>({ max: BLOCK_CACHE_MAX })
  /** Newest first. */
  #recent: Block[] = []

  constructor(kv: KvStore) {
    this.#kv = kv
  }

  /** Reads the newest blocks; false when there is no chain yet. */
  async load(): Promise<boolean> {
    this.#blocks.clear()
    this.#recent = []
    for await (const { value } of this.#kv.scan('heights', { reverse: true, limit: RECENT_BLOCKS })) {
      const block = await this.block(bytesToBlockHash(value))
      if (block === null) throw new HeddleError('store-failed', { what: 'blocks' }, 'a block of the chain is gone; run "heddle doctor"')
      this.#recent.push(block)
    }
    return this.#recent.length > 0
  }

  get tip(): Block {
    return this.#recent[0]!
  }

  /** Newest first. */
  recent(count: number): readonly Block[] {
    return this.#recent.slice(0, count)
  }

  /** A block of the current chain that is at most as old as the anchors. */
  recentAt(height: number): Block | null {
    return this.#recent[this.tip.height - height] ?? null
  }

  isRecentHash(anchor: Uint8Array): boolean {
    const hash = toBase64url(anchor)
    return this.recent(ANCHOR_DEPTH_MAX).some(({ indepHash }) => indepHash === hash)
  }

  async block(hash: BlockHash): Promise<Block | null> {
    const kept = this.#blocks.get(hash)
    if (kept !== undefined) return kept
    const text = await this.blockJson(hash)
    if (text === null) return null
    const block = parseBlockJson(JSON.parse(text))
    this.#blocks.set(hash, block)
    return block
  }

  async blockJson(hash: BlockHash): Promise<string | null> {
    const value = await this.#kv.get('blocks', idBytes(hash))
    return value === null ? null : asBuffer(value).toString('utf8')
  }

  /** On the current chain. */
  async blockAt(height: number): Promise<Block | null> {
    const recent = this.recentAt(height)
    if (recent !== null) return recent
    const hash = await this.hashAt(height)
    return hash === null ? null : this.block(hash)
  }

  /** Of the last block that was made by then; 0 when none was. Timestamps of blocks never fall. */
  async heightAt(timestampS: number): Promise<number> {
    const recent = this.#recent.find((block) => block.timestampS <= timestampS)
    if (recent !== undefined) return recent.height
    let low = 0
    let high = (this.#recent.at(-1)?.height ?? 0) - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const block = await this.blockAt(middle)
      if (block !== null && block.timestampS <= timestampS) low = middle
      else high = middle - 1
    }
    return low
  }

  async hashAt(height: number): Promise<BlockHash | null> {
    if (!Number.isSafeInteger(height)) return null
    const value = await this.#kv.get('heights', bigEndian(height, 8))
    return value === null ? null : bytesToBlockHash(value)
  }

  /** Hashes from one height to another, newest first. */
  async hashes(from: number, to: number): Promise<BlockHash[]> {
    const hashes: BlockHash[] = []
    const range = { gte: bigEndian(from, 8), lte: bigEndian(to, 8), reverse: true }
    for await (const { value } of this.#kv.scan('heights', range)) hashes.push(bytesToBlockHash(value))
    return hashes
  }

  async inclusion(id: TxId): Promise<Inclusion | null> {
    const value = await this.#kv.get('included', idBytes(id))
    return value === null ? null : decodeInclusion(value)
  }

  /** The first transaction with data that ends at or after this absolute offset, and those behind it. */
  async *extentsFrom(offset: bigint): AsyncIterable<Extent> {
    for await (const { key, value } of this.#kv.scan('offsets', { gte: bigEndian(offset, 16) })) {
      yield { id: bytesToId(value), endOffset: fromBigEndian(key) }
    }
  }

  async extentAt(offset: bigint): Promise<Extent | null> {
    for await (const { key, value } of this.#kv.scan('offsets', { gte: bigEndian(offset, 16), limit: 1 })) {
      return { id: bytesToId(value), endOffset: fromBigEndian(key) }
    }
    return null
  }

  /** After the commit of `appendWrites`. */
  append(block: Block): void {
    this.#blocks.set(block.indepHash, block)
    this.#recent = [block, ...this.#recent.slice(0, RECENT_BLOCKS - 1)]
  }

  /** After the commit of `removeWrites`. */
  async removeTip(): Promise<void> {
    this.#recent = this.#recent.slice(1)
    const oldest = this.#recent.at(-1)
    if (oldest === undefined || oldest.height === 0) return
    const hash = await this.hashAt(oldest.height - 1)
    const block = hash === null ? null : await this.block(hash)
    if (block !== null) this.#recent.push(block)
  }
}

export function appendWrites(block: Block, txRoot: TxRoot): KvWrite[] {
  const blockStart = block.weaveBytes - block.blockBytes
  const hash = idBytes(block.indepHash)
  return [
    { space: 'blocks', key: hash, value: Buffer.from(JSON.stringify(blockToJson(block))) },
    { space: 'heights', key: bigEndian(block.height, 8), value: hash },
    ...txRoot.entries.flatMap((entry): KvWrite[] => {
      const inclusion = { block: block.indepHash, height: block.height, endOffset: blockStart + entry.endOffset }
      const included: KvWrite = { space: 'included', key: idBytes(entry.id), value: encodeInclusion(inclusion) }
      if (entry.dataBytes === 0n) return [included]
      return [included, { space: 'offsets', key: bigEndian(inclusion.endOffset, 16), value: idBytes(entry.id) }]
    }),
  ]
}

export function removeWrites(block: Block, txRoot: TxRoot): KvWrite[] {
  const blockStart = block.weaveBytes - block.blockBytes
  return [
    { space: 'heights', key: bigEndian(block.height, 8), value: null },
    ...txRoot.entries.flatMap((entry): KvWrite[] => [
      { space: 'included', key: idBytes(entry.id), value: null },
      ...(entry.dataBytes === 0n ? [] : [{ space: 'offsets', key: bigEndian(blockStart + entry.endOffset, 16), value: null } as const]),
    ]),
  ]
}

function encodeInclusion({ block, height, endOffset }: Inclusion): Uint8Array {
  return Buffer.from(JSON.stringify({ block, height, endOffset: String(endOffset) }))
}

function decodeInclusion(bytes: Uint8Array): Inclusion {
  const { block, height, endOffset } = JSON.parse(asBuffer(bytes).toString('utf8')) as { block: string; height: number; endOffset: string }
  return { block: bytesToBlockHash(fromBase64url(block)), height, endOffset: BigInt(endOffset) }
}
