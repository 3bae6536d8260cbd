/**
 * Numbers between JavaScript and WebAssembly, checked and without hidden bits.
 *
 * Invariants  A NaN that crosses is the one of JavaScript: its other bits would depend on what compiled the code that handles it.
 */
import { GuestFault } from '../guest.ts'
import { F32, F64, I32, I64 } from '../wasm/layout.ts'

/** i64 is a bigint, the others are numbers. */
export type PlainValue = number | bigint

const TYPE_NAMES = new Map([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
])

export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? 'reference'
}

/** As the guest takes it; integers may come signed or unsigned, and i64 also as a number without fraction. */
export function toWasm(value: unknown, type: number, what: string): PlainValue {
  if (type === I32 || type === I64) {
    const bits = type === I32 ? 32n : 64n
    const whole = toInteger(value)
    if (whole === null || whole < -(1n << (bits - 1n)) || whole >= 1n << bits)
      throw new GuestFault('error', `${what} is ${shown(value)}, an ${typeName(type)} is an integer of ${bits} bits`)
    return type === I32 ? Number(BigInt.asIntN(32, whole)) : BigInt.asIntN(64, whole)
  }
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new GuestFault('error', `${what} is ${shown(value)}, an ${typeName(type)} is a number`)
  return withoutPayload(Number(value))
}

/** What a function gave: nothing, one value, or several. */
export function fromWasm(result: unknown): readonly PlainValue[] {
  if (result === undefined) return []
  const values = Array.isArray(result) ? (result as readonly PlainValue[]) : [result as PlainValue]
  return values.map((value) => (typeof value === 'number' ? withoutPayload(value) : value))
}

/** What answers where nobody does. */
export function zeroOf(type: number): PlainValue {
  return type === I64 ? 0n : 0
}

/** A global variable as the bits that a state image keeps. */
export function toBits(value: PlainValue, type: number): bigint {
  if (typeof value === 'bigint') return value
  const view = new DataView(new ArrayBuffer(8))
  if (type === F64) {
    view.setFloat64(0, withoutPayload(value))
    return view.getBigInt64(0)
  }
  if (type === I32) return BigInt(value)
  view.setFloat32(0, withoutPayload(value))
  return BigInt(view.getInt32(0))
}

export function fromBits(bits: bigint, type: number): PlainValue {
  if (type === I64) return BigInt.asIntN(64, bits)
  if (type === I32) return Number(BigInt.asIntN(32, bits))
  const view = new DataView(new ArrayBuffer(8))
  if (type === F64) {
    view.setBigInt64(0, BigInt.asIntN(64, bits))
    return withoutPayload(view.getFloat64(0))
  }
  view.setInt32(0, Number(BigInt.asIntN(32, bits)))
  return withoutPayload(view.getFloat32(0))
}

export function withoutPayload(value: number): number {
  return Number.isNaN(value) ? Number.NaN : value
}

function toInteger(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null
}

function shown(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : `a ${value === null ? 'nil' : typeof value}`
}
