/**
 * ANS-104 bundle: many data items in the data of one transaction, or of one item.
 *
 * Wire        u256 count, then for each item u256 size and 32 bytes of id, then the items one after the other; integers little-endian.
 *             No items at all is 32 zero bytes. Bytes after the last item are ignored.
 * Source      ANS-104 section 3; checked against @dha-team/arbundles 1.0.4
 * Invariants  A header decodes only if the table and all items fit into the bundle, so every position that it gives exists. That an entry is
 *             too small for an item, names another id or repeats one is the entry's own fault: `bundle-reader.ts` skips it alone.
 */
import { concat, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { idBytes, type TxId } from '../base/ids.ts'
import { BUNDLE_ITEM_COUNT_MAX, ITEM_BYTES_MIN } from '../base/limits.ts'

export interface BundleEntry {
  readonly id: TxId
  readonly itemBytes: number
}

export interface BundleHeader {
  readonly count: number
  /** The items start here. */
  readonly headerBytes: number
  /** `startOffset` counts from the bundle's first byte. */
  readonly entries: readonly (BundleEntry & { readonly startOffset: number })[]
}

/** What tells other programs that a transaction or item holds a bundle. */
export const BUNDLE_TAGS = [
  { name: 'Bundle-Format', value: 'binary' },
  { name: 'Bundle-Version', value: '2.0.0' },
] as const

export const BUNDLE_COUNT_BYTES = 32
const SIZE_BYTES = 32
const ENTRY_BYTES = SIZE_BYTES + 32

export function bundleHeaderBytes(count: number): number {
  return BUNDLE_COUNT_BYTES + count * ENTRY_BYTES
}

/** Header of a bundle of these items, in this order. Fails on a repeated id and on sizes that no item has. */
export function encodeBundleHeader(entries: readonly BundleEntry[]): Uint8Array {
  const out = new Uint8Array(bundleHeaderBytes(entries.length))
  const seen = new Set<TxId>()
  writeU256(out, 0, entries.length)
  entries.forEach(({ id, itemBytes }, i) => {
    if (seen.has(id)) throw invalidEntry(i, `repeats ${id}`)
    if (!Number.isSafeInteger(itemBytes) || itemBytes < ITEM_BYTES_MIN)
      throw invalidEntry(i, `has ${itemBytes} bytes, an item has ${ITEM_BYTES_MIN} or more`)
    seen.add(id)
    writeU256(out, bundleHeaderBytes(i), itemBytes)
    out.set(idBytes(id), bundleHeaderBytes(i) + SIZE_BYTES)
  })
  return out
}

/** A whole bundle in memory. */
export function encodeBundle(items: readonly { readonly id: TxId; readonly raw: Uint8Array }[]): Uint8Array {
  const header = encodeBundleHeader(items.map(({ id, raw }) => ({ id, itemBytes: raw.length })))
  return concat([header, ...items.map(({ raw }) => raw)])
}

/** Number of items, from the first 32 bytes: how much to read before `decodeBundleHeader`. */
export function decodeBundleCount(prefix: Uint8Array, totalBytes: number, countMax = BUNDLE_ITEM_COUNT_MAX): number {
  if (totalBytes < BUNDLE_COUNT_BYTES) throw invalid(totalBytes, `has ${totalBytes} bytes, its count alone takes ${BUNDLE_COUNT_BYTES}`)
  needs(prefix, BUNDLE_COUNT_BYTES)
  const count = readU256(prefix, 0)
  if (bundleHeaderBytes(count) > totalBytes) throw invalid(0, `of ${totalBytes} bytes cannot list ${count} items`)
  if (count > countMax)
    throw new HeddleError(
      'too-large',
      { what: 'bundle items', size: count, max: countMax },
      `bundle of ${count} items; at most ${countMax} are taken, split it`,
    )
  return count
}

/** Decodes the header from the first bytes of a bundle of `totalBytes`; fails when `prefix` does not hold all of it. */
export function decodeBundleHeader(prefix: Uint8Array, totalBytes: number, countMax = BUNDLE_ITEM_COUNT_MAX): BundleHeader {
  const count = decodeBundleCount(prefix, totalBytes, countMax)
  const headerBytes = bundleHeaderBytes(count)
  needs(prefix, headerBytes)
  let startOffset = headerBytes
  const entries = Array.from({ length: count }, (_, i) => {
    const at = bundleHeaderBytes(i)
    const itemBytes = readU256(prefix, at)
    const entry = { id: toBase64url(prefix.subarray(at + SIZE_BYTES, at + ENTRY_BYTES)) as TxId, startOffset, itemBytes }
    startOffset += itemBytes
    if (startOffset > totalBytes) throw invalid(at, `item ${i} ends at byte ${startOffset} of ${totalBytes}`)
    return entry
  })
  return { count, headerBytes, entries }
}

/** Exact below 2^53; above, large enough to be refused by every caller. */
function readU256(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = SIZE_BYTES - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function writeU256(out: Uint8Array, at: number, value: number): void {
  new DataView(out.buffer, out.byteOffset).setBigUint64(at, BigInt(value), true)
}

function needs(prefix: Uint8Array, size: number): void {
  if (prefix.length < size) throw invalid(prefix.length, `header needs ${size} bytes, but only ${prefix.length} were given`)
}

function invalidEntry(index: number, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field: `items.${index}` }, `bundle cannot be made: item ${index} ${problem}`)
}

function invalid(at: number, problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'bundle', at }, `bundle ${problem} (byte ${at})`)
}
