/**
 * Puts accepted data items into bundles: one L1 transaction carries thousands of them to the weave.
 *
 * The bundle's bytes are not written again. Its data is the bundle header (space `bundles`) followed by the items, which are read from where they lie.
 *
 * Invariants  An item leaves the queue in the same commit that adds the transaction which holds it: no item is lost or bundled twice, also across a crash.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { bigEndian, fromBigEndian } from '../base/bytes.ts'
import { errorText, HeddleError } from '../base/errors.ts'
import { bytesToId, idBytes, type TxId } from '../base/ids.ts'
import { OWN_BUNDLE_BYTES_MAX, OWN_BUNDLE_ITEM_COUNT_MAX } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { decodeBundleHeader, encodeBundleHeader } from '../codec/bundle.ts'
import { buildTree, leafOf, splitSizes } from '../codec/data-tree.ts'
import type { SigningKey } from '../codec/keys.ts'
import { textTag } from '../codec/tags.ts'
import { signTransaction, type Transaction } from '../codec/transaction.ts'
import type { KvStore, KvWrite } from '../store/kv-store.ts'
import { type Archive, decodeRecord, type ItemRecord } from './archive.ts'
import type { BundleQueue } from './intake.ts'
import type { Commit } from './journal.ts'

/** A chunk of a bundle's data with its proof. */
export interface BundleChunk {
  readonly startOffset: number
  readonly endOffset: number
  readonly dataPath: Uint8Array
}

/** The weave, as the bundler needs it. */
export interface BundleCarrier {
  /** Takes a transaction whose data the bundler can read back; `extra` is part of the same commit. */
  acceptOwnBundle(tx: Transaction, chunks: readonly BundleChunk[], extra: Commit): Promise<void>
  anchor(): Uint8Array
  feeWinston(dataBytes: bigint): bigint
}

export interface BundlerDeps {
  readonly kv: KvStore
  readonly archive: Archive
  readonly carrier: BundleCarrier
  /** Signs the bundles and pays for them. */
  readonly key: SigningKey
  /** Time from an item's arrival to its bundle. */
  readonly delayMs: number
  readonly log: Log
}

interface QueuedItem {
  readonly queueKey: Uint8Array
  readonly id: TxId
  readonly record: ItemRecord
}

/** What did not succeed, or was not committed yet, is tried again after this time, this often. */
const RETRY_MS = 1_000
const RETRIES_MAX = 60
const HEADERS_KEPT_BYTES = 64 * 1024 * 1024
const BUNDLE_TAGS = [textTag('Bundle-Format', 'binary'), textTag('Bundle-Version', '2.0.0'), textTag('App-Name', 'Heddle')]

export class Bundler implements BundleQueue {
  readonly #deps: BundlerDeps
  #arrivals: number
  #timer: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  /** Arrivals not yet seen in the queue, with the retries spent on them: their commit may take longer than `delayMs`, or have failed. */
  readonly #expected = new Map<number, number>()
  #running: Promise<unknown> | null = null
  #isStopped = true
  #isDue = false

  private constructor(deps: BundlerDeps, arrivals: number) {
    this.#deps = deps
    this.#arrivals = arrivals
  }

  static async open(deps: BundlerDeps): Promise<Bundler> {
    let last: Uint8Array | null = null
    for await (const { key } of deps.kv.scan('unbundled', { reverse: true, limit: 1 })) last = key
    const bundler = new Bundler(deps, last === null ? 0 : arrivalOf(last))
    bundler.#isDue = last !== null
    return bundler
  }

  /** Begins to bundle by itself. What came before, such as the built-in module, waits for company unless an earlier run left something. */
  start(): void {
    this.#isStopped = false
    if (this.#isDue) this.#schedule()
  }

  /** Called before the commit that brings the item, and part of it. */
  enqueue(id: TxId): KvWrite {
    this.#arrivals += 1
    this.#expected.set(this.#arrivals, 0)
    this.#schedule()
    return { space: 'unbundled', key: Buffer.concat([bigEndian(this.#arrivals, 8), idBytes(id)]), value: new Uint8Array(0) }
  }

  /** Bundles what waits now, not what comes meanwhile: under a steady stream that would make many bundles of a few items. Returns the transactions made. */
  async flush(): Promise<Transaction[]> {
    while (this.#running !== null) await this.#running
    const made: Transaction[] = []
    const upTo = this.#arrivals
    const work = (async () => {
      for (let tx = await this.#bundleOnce(upTo); tx !== null; tx = await this.#bundleOnce(upTo)) made.push(tx)
    })()
    this.#running = work
    try {
      await work
    } finally {
      this.#running = null
    }
    return made
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of [this.#timer, this.#retry]) if (timer !== null) clearTimeout(timer)
    this.#timer = null
    this.#retry = null
    await this.#running?.catch(() => {})
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#run()
    }, this.#deps.delayMs)
  }

  async #run(): Promise<void> {
    try {
      await this.flush()
      if (this.#expected.size > 0) this.#retryLater()
    } catch (error) {
      this.#deps.log.error({ problem: errorText(error) }, 'bundling failed; the items wait for the next try')
      this.#retryLater()
    }
  }

  #retryLater(): void {
    if (this.#retry !== null || this.#isStopped) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      for (const [arrival, retries] of this.#expected) {
        if (retries < RETRIES_MAX) this.#expected.set(arrival, retries + 1)
        else this.#expected.delete(arrival)
      }
      void this.#run()
    }, RETRY_MS)
  }

  async #bundleOnce(upTo: number): Promise<Transaction | null> {
    const { carrier, key } = this.#deps
    const items = await this.#next(upTo)
    if (items.length === 0) return null
    const header = encodeBundleHeader(items.map(({ id, record }) => ({ id, itemBytes: record.itemBytes })))
    const dataBytes = items.reduce((sum, { record }) => sum + record.itemBytes, header.length)
    const { root, chunks } = await this.#chunk(header, items, dataBytes)
    const tx = await signTransaction(
      {
        lastTx: carrier.anchor(),
        rewardWinston: carrier.feeWinston(BigInt(dataBytes)),
        tags: BUNDLE_TAGS,
        dataBytes: BigInt(dataBytes),
        dataRoot: root,
      },
      key,
    )
    await carrier.acceptOwnBundle(tx, chunks, {
      writes: [
        { space: 'bundles', key: idBytes(tx.id), value: header },
        ...items.map(({ queueKey }): KvWrite => ({ space: 'unbundled', key: queueKey, value: null })),
      ],
      events: [{ kind: 'bundled', parent: tx.id, ids: items.map(({ id }) => id) }],
    })
    return tx
  }

  /** The oldest items that fit into one bundle, of the first `upTo` that arrived. */
  async #next(upTo: number): Promise<QueuedItem[]> {
    const { kv } = this.#deps
    const keys: Uint8Array[] = []
    for await (const { key } of kv.scan('unbundled', { lt: bigEndian(upTo + 1, 8), limit: OWN_BUNDLE_ITEM_COUNT_MAX })) keys.push(key)
    for (const key of keys) this.#expected.delete(arrivalOf(key))
    const records = await kv.getMany(
      'items',
      keys.map((key) => key.subarray(8)),
    )
    const items: QueuedItem[] = []
    let bytes = 0
    for (const [i, queueKey] of keys.entries()) {
      const id = bytesToId(queueKey.subarray(8))
      const record = records[i] === null ? null : decodeRecord(records[i]!)
      if (record?.kind !== 'item')
        throw new HeddleError('store-failed', { what: 'unbundled' }, `${id} waits for a bundle but is not stored; run "heddle doctor"`)
      bytes += record.itemBytes
      if (items.length > 0 && bytes > OWN_BUNDLE_BYTES_MAX) break
      items.push({ queueKey, id, record })
    }
    return items
  }

  async #chunk(header: Uint8Array, items: readonly QueuedItem[], dataBytes: number): Promise<{ root: Uint8Array; chunks: BundleChunk[] }> {
    const hashes = await hashPieces(this.#read(header, items), splitSizes(dataBytes, 'client'))
    let endOffset = 0
    const ranges = hashes.map(({ size, digest }) => {
      const startOffset = endOffset
      endOffset += size
      return { startOffset, endOffset, leaf: leafOf(digest, endOffset) }
    })
    const tree = buildTree(ranges.map(({ leaf }) => leaf))
    const chunks = ranges
      .filter(({ startOffset, endOffset: end }) => end > startOffset)
      .map(({ startOffset, endOffset: end }) => ({ startOffset, endOffset: end, dataPath: tree.pathOf(startOffset) }))
    return { root: tree.root, chunks }
  }

  async *#read(header: Uint8Array, items: readonly QueuedItem[]): AsyncIterable<Uint8Array> {
    yield header
    for (const { id, record } of items) yield* this.#deps.archive.itemRange(id, record, 0, record.itemBytes)
  }
}

/** Reads back the data of bundles that this node made. */
export class BundleReader {
  readonly #kv: KvStore
  readonly #archive: Archive
  readonly #headers = new LRUCache<TxId, Uint8Array>({ maxSize: HEADERS_KEPT_BYTES, sizeCalculation: (header) => header.length })

  constructor(kv: KvStore, archive: Archive) {
    this.#kv = kv
    this.#archive = archive
  }

  /** Bytes [start, end) of the bundle's data. */
  async *read(id: TxId, start: number, end: number): AsyncIterable<Uint8Array> {
    const header = await this.#header(id)
    if (start < header.length) yield header.subarray(start, Math.min(end, header.length))
    const { entries } = decodeBundleHeader(header, Number.MAX_SAFE_INTEGER)
    for (let i = firstEndingAfter(entries, start); i < entries.length; i++) {
      const { id: itemId, startOffset, itemBytes } = entries[i]!
      if (startOffset >= end) return
      const record = await this.#archive.find(itemId)
      if (record?.kind !== 'item')
        throw new HeddleError('not-found', { what: 'data item', id: itemId }, `item ${itemId} of bundle ${id} is not here`)
      yield* this.#archive.itemRange(itemId, record, Math.max(0, start - startOffset), Math.min(itemBytes, end - startOffset))
    }
  }

  async #header(id: TxId): Promise<Uint8Array> {
    const kept = this.#headers.get(id)
    if (kept !== undefined) return kept
    const header = await this.#kv.get('bundles', idBytes(id))
    if (header === null) throw new HeddleError('not-found', { what: 'bundle', id }, `bundle ${id} was not made here`)
    this.#headers.set(id, header)
    return header
  }
}

/** How many items came before, of a key in space `unbundled`. */
function arrivalOf(queueKey: Uint8Array): number {
  return Number(fromBigEndian(queueKey.subarray(0, 8)))
}

/** Binary search: the first entry with a byte after `offset`. */
function firstEndingAfter(entries: readonly { readonly startOffset: number; readonly itemBytes: number }[], offset: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    const { startOffset, itemBytes } = entries[middle]!
    if (startOffset + itemBytes > offset) high = middle
    else low = middle + 1
  }
  return low
}

/** SHA-256 of consecutive pieces of these sizes. */
async function hashPieces(source: AsyncIterable<Uint8Array>, sizes: readonly number[]): Promise<{ size: number; digest: Uint8Array }[]> {
  const done: { size: number; digest: Uint8Array }[] = []
  let hash = createHash('sha256')
  let filled = 0
  for await (let part of source) {
    while (part.length > 0) {
      const size = sizes[done.length]!
      const take = Math.min(part.length, size - filled)
      hash.update(part.subarray(0, take))
      filled += take
      part = part.subarray(take)
      if (filled < size) continue
      done.push({ size, digest: hash.digest() })
      hash = createHash('sha256')
      filled = 0
    }
  }
  if (done.length < sizes.length) done.push({ size: filled, digest: hash.digest() }) // The last chunk has no bytes when they come out even.
  return done
}
