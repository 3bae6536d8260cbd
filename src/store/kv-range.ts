/** What the KvStore implementations share: bounds of a scan as one half-open interval, and the check of a batch. */
import { compareBytes, concat } from '../base/bytes.ts'
import { KV_KEY_BYTES_MAX, type KvRange, type KvWrite } from './kv-store.ts'

/** Keys k with low <= k < high in byte order; null is no bound. */
export interface KeyBounds {
  readonly low: Uint8Array | null
  readonly high: Uint8Array | null
}

export function keyBounds({ prefix, gte, gt, lt, lte }: KvRange): KeyBounds {
  return {
    low: largest([gte, gt && successor(gt), prefix]),
    high: smallest([lt, lte && successor(lte), prefix && prefixEnd(prefix)]),
  }
}

/** Throws RangeError, since only a bug makes such a key. */
export function checkKey(key: Uint8Array): void {
  if (key.length < 1 || key.length > KV_KEY_BYTES_MAX)
    throw new RangeError(`a key has 1 to ${KV_KEY_BYTES_MAX} bytes, this one has ${key.length}`)
}

export function checkBatch(batch: readonly KvWrite[]): void {
  for (const { key } of batch) checkKey(key)
}

/** The smallest key above `key`. */
function successor(key: Uint8Array): Uint8Array {
  return concat([key, Uint8Array.of(0)])
}

/** The smallest key above all that begin with `prefix`; null when there is none (nothing but 0xff). */
function prefixEnd(prefix: Uint8Array): Uint8Array | null {
  const last = prefix.findLastIndex((byte) => byte !== 0xff)
  if (last === -1) return null
  const end = Uint8Array.from(prefix.subarray(0, last + 1)) // Not slice: a Buffer's would share memory with the prefix.
  end[last]! += 1
  return end
}

type Bound = Uint8Array | null | undefined

function largest(bounds: readonly Bound[]): Uint8Array | null {
  let found: Uint8Array | null = null
  for (const bound of bounds) if (bound && bound.length > 0 && (found === null || compareBytes(bound, found) > 0)) found = bound
  return found
}

function smallest(bounds: readonly Bound[]): Uint8Array | null {
  let found: Uint8Array | null = null
  for (const bound of bounds) if (bound && (found === null || compareBytes(bound, found) < 0)) found = bound
  return found
}
