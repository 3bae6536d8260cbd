/**
 * Takes bundles apart as they stream: `readBundle` one level, `unbundle` all levels with every item verified.
 *
 * Source      ANS-104 section 3 (layout in `bundle.ts`); what to skip as gateways do
 * Invariants  Memory: the table, one item header at a time, and the piece of the stream in hand; data is hashed as it passes, never held.
 *             A bad item is reported and skipped, its neighbours are read. Only a bad table, or a stream that ends early, fails as a whole.
 *             Positions are exact, so data can be read again later from wherever the bundle is kept.
 */
import { HeddleError } from '../base/errors.ts'
import { createSha384, sha384 } from '../base/hash.ts'
import type { TxId } from '../base/ids.ts'
import { BUNDLE_DEPTH_MAX, BUNDLE_ITEM_COUNT_MAX, ITEM_BYTES_MIN } from '../base/limits.ts'
import { BUNDLE_COUNT_BYTES, bundleHeaderBytes, decodeBundleCount, decodeBundleHeader } from './bundle.ts'
import { ByteSource } from './byte-source.ts'
import { decodeItemHeader, type ItemHeader, itemHeaderBytes, itemHeaderBytesMax, verifyStreamedItem } from './data-item.ts'
import { isBundle, toTextTags } from './tags.ts'

/** Where an item stands, and which id the bundle's table gives it. */
interface Place {
  readonly id: TxId
  readonly index: number
  /** Of the item's first byte. */
  readonly startOffset: number
  readonly itemBytes: number
}

export interface ReadItem extends Place {
  readonly kind: 'item'
  readonly header: ItemHeader
  readonly dataSha384: Uint8Array
}

export interface BadItem extends Place {
  readonly kind: 'bad'
  readonly problem: HeddleError
}

interface Nested {
  /** Ids of the items that the bundle stands in, outermost first; empty in the outermost bundle. */
  readonly parents: readonly TxId[]
}

export type Unbundled =
  | (ReadItem & Nested)
  | (BadItem & Nested)
  /** The same valid item again, in this bundle or another: nothing to do. */
  | (Place & Nested & { readonly kind: 'repeat' })

export interface BundleLimits {
  /** Bundles in bundles; 1 takes the outermost apart only. */
  readonly depthMax?: number
  /** Items of all levels together. */
  readonly countMax?: number
}

/** Reads bytes `startOffset` to before `endOffset` of whatever holds the outermost bundle. */
export type RangeReader = (startOffset: number, endOffset: number) => AsyncIterable<Uint8Array>

const VERIFY_AHEAD = 16 // Signatures checked at once, while the stream is read on.

/**
 * The items of one bundle, in order, decoded but not verified: `verifyStreamedItem(header, dataSha384)` does that.
 * Offsets count from the bundle's first byte. Stopping early closes the stream. `onCount` hears the number of items before the first of them.
 */
export async function* readBundle(
  pieces: AsyncIterable<Uint8Array>,
  totalBytes: number,
  countMax = BUNDLE_ITEM_COUNT_MAX,
  onCount: (count: number) => void = () => {},
): AsyncGenerator<ReadItem | BadItem, void, undefined> {
  const source = new ByteSource(pieces, 'bundle')
  try {
    const start = await source.peek(Math.min(totalBytes, BUNDLE_COUNT_BYTES))
    const count = decodeBundleCount(start, totalBytes, countMax)
    const { entries } = decodeBundleHeader(await source.take(bundleHeaderBytes(count)), totalBytes, countMax)
    onCount(count)
    for (const [index, entry] of entries.entries()) yield await readItem(source, { ...entry, index })
  } finally {
    await source.close()
  }
}

/**
 * Every item of a bundle and of the bundles in it, verified. An item comes after the bundle item that holds it, and each valid id once.
 * Offsets are those of `read`. A nested bundle that cannot be taken apart, or is too deep, is reported as bad after its own item was given out as valid.
 */
export async function* unbundle(
  read: RangeReader,
  extent: { readonly startOffset: number; readonly bundleBytes: number },
  limits: BundleLimits = {},
): AsyncGenerator<Unbundled, void, undefined> {
  const walk = new Walk(read, limits.depthMax ?? BUNDLE_DEPTH_MAX, limits.countMax ?? BUNDLE_ITEM_COUNT_MAX)
  yield* walk.bundle(extent.startOffset, extent.bundleBytes, [])
}

class Walk {
  readonly #read: RangeReader
  readonly #depthMax: number
  readonly #countMax: number
  readonly #seen = new Set<TxId>()
  #count = 0

  constructor(read: RangeReader, depthMax: number, countMax: number) {
    this.#read = read
    this.#depthMax = depthMax
    this.#countMax = countMax
  }

  async *bundle(startOffset: number, bundleBytes: number, parents: readonly TxId[]): AsyncGenerator<Unbundled, void, undefined> {
    const left = this.#countMax - this.#count
    const items = readBundle(this.#read(startOffset, startOffset + bundleBytes), bundleBytes, left, (count) => {
      this.#count += count // At once: the tables of all open levels are in memory.
    })
    for await (const found of verified(items)) {
      const item = { ...found, startOffset: startOffset + found.startOffset, parents }
      if (item.kind === 'bad') yield item
      else if (this.#seen.has(item.id))
        yield { kind: 'repeat', id: item.id, index: item.index, startOffset: item.startOffset, itemBytes: item.itemBytes, parents }
      else yield* this.#first(item)
    }
  }

  async *#first(item: ReadItem & Nested): AsyncGenerator<Unbundled, void, undefined> {
    this.#seen.add(item.id)
    yield item
    if (!isBundle(toTextTags(item.header.tags))) return
    try {
      if (item.parents.length + 1 >= this.#depthMax) throw tooDeep(item.id, this.#depthMax)
      yield* this.bundle(item.startOffset + item.header.headerBytes, item.header.dataBytes, [...item.parents, item.id])
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      const { id, index, startOffset, itemBytes, parents } = item
      yield { kind: 'bad', id, index, startOffset, itemBytes, parents, problem: error }
    }
  }
}

/** The same items in the same order, those with a wrong signature turned into bad ones. */
async function* verified(items: AsyncIterable<ReadItem | BadItem>): AsyncGenerator<ReadItem | BadItem, void, undefined> {
  const ahead: Promise<ReadItem | BadItem>[] = []
  let failure: unknown = null
  try {
    for await (const item of items) {
      ahead.push(item.kind === 'bad' ? Promise.resolve(item) : verifiedItem(item))
      if (ahead.length >= VERIFY_AHEAD) yield await ahead.shift()!
    }
  } catch (error) {
    failure = error // After what was read before it.
  }
  for (const item of ahead) yield await item
  if (failure !== null) throw failure
}

async function verifiedItem(item: ReadItem): Promise<ReadItem | BadItem> {
  if (await verifyStreamedItem(item.header, item.dataSha384)) return item
  return bad(
    item,
    new HeddleError('signature-invalid', { id: item.id }, `item ${item.id} is not signed by its owner, or was changed since`),
  )
}

async function readItem(source: ByteSource, place: Place): Promise<ReadItem | BadItem> {
  const header = headerAt(await source.peek(Math.min(place.itemBytes, itemHeaderBytesMax())), place)
  if (header instanceof HeddleError) {
    await source.pass(place.itemBytes)
    return bad(place, header)
  }
  await source.pass(header.headerBytes)
  const { id, index, startOffset, itemBytes } = place
  return { kind: 'item', id, index, startOffset, itemBytes, header, dataSha384: await hashNext(source, header.dataBytes) }
}

/** Its bytes are copied: what `prefix` looks at is reused by the stream, or much larger. */
function headerAt(prefix: Uint8Array, { id, index, itemBytes }: Place): ItemHeader | HeddleError {
  try {
    if (itemBytes < ITEM_BYTES_MIN) return tooSmall(index, itemBytes)
    const header = decodeItemHeader(new Uint8Array(prefix.subarray(0, itemHeaderBytes(prefix, itemBytes))), itemBytes)
    return header.id === id ? header : mismatch(index, id, header.id)
  } catch (error) {
    if (error instanceof HeddleError) return error
    throw error
  }
}

async function hashNext(source: ByteSource, size: number): Promise<Uint8Array> {
  if (size <= source.ready) return sha384(await source.take(size))
  const running = createSha384()
  await source.pass(size, running.update)
  return running.digest()
}

function bad({ id, index, startOffset, itemBytes }: Place, problem: HeddleError): BadItem {
  return { kind: 'bad', id, index, startOffset, itemBytes, problem }
}

function tooSmall(index: number, itemBytes: number): HeddleError {
  const message = `item ${index} of the bundle has ${itemBytes} bytes, an item has ${ITEM_BYTES_MIN} or more`
  return new HeddleError('encoding-invalid', { format: 'data item', at: itemBytes }, message)
}

function mismatch(index: number, claimed: TxId, actual: TxId): HeddleError {
  return new HeddleError('id-mismatch', { claimed, actual }, `item ${index} is listed as ${claimed}, but its signature makes it ${actual}`)
}

function tooDeep(id: TxId, max: number): HeddleError {
  return new HeddleError(
    'limit-reached',
    { what: 'bundle depth', max },
    `the bundle in item ${id} is nested deeper than ${max}; it was not taken apart`,
  )
}
