/** Mutable globals of a module as whole numbers, whatever their type, which is how state images keep them. */
import type { Word } from './imports.ts'

export interface Global<Value extends Word> {
  value: Value
}

/** A float is kept as its bits, below all integers of 32 bits. */
const FLOAT_BITS = -(1n << 32n)
const scratch = new DataView(new ArrayBuffer(8))

export function globalBits(value: Word): bigint {
  if (typeof value === 'bigint') return value
  if ((value | 0) === value && !Object.is(value, -0)) return BigInt(value)
  scratch.setFloat64(0, value)
  return FLOAT_BITS - scratch.getBigUint64(0)
}

/** `like` is any value of the same global. */
export function valueOfBits(bits: bigint, like: Word): Word {
  if (typeof like === 'bigint') return bits
  if (bits > FLOAT_BITS) return Number(bits)
  scratch.setBigUint64(0, FLOAT_BITS - bits)
  return scratch.getFloat64(0)
}
