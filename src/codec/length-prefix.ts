/** Big-endian lengths before byte strings and lists, as Arweave's binary forms and block hashes have them. */
import { bigEndian, concat } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'

export type PrefixBytes = 1 | 2 | 3

export function lengthPrefix(length: number, prefixBytes: PrefixBytes, what: string): Uint8Array {
  const max = 2 ** (8 * prefixBytes) - 1
  if (length <= max) return bigEndian(length, prefixBytes)
  throw new HeddleError('too-large', { what, size: length, max }, `${what} has length ${length}, its wire form holds at most ${max}`)
}

export function prefixed(bytes: Uint8Array, prefixBytes: PrefixBytes, what: string): Uint8Array {
  return concat([lengthPrefix(bytes.length, prefixBytes, what), bytes])
}
