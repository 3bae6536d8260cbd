/** The bits of a NaN depend on the processor; in metered modules they do not. */
import { describe, expect, it } from 'vitest'
import { buildWasm, op, type WasmType } from '../../../test/wasm-builder.ts'
import { meterModule } from './meter.ts'

const CANONICAL = { f32: 0xffc00000n, f64: 0xfff8000000000000n }
/** Quiet with other bits set, signalling, and positive. */
const PAYLOADS = { f32: [0x7fc01234n, 0xff812345n, 0x7fc00000n], f64: [0x7ff8000000001234n, 0xfff4000000000001n, 0x7ff8000000000000n] }
const ONE = { f32: 0x3f800000n, f64: 0x3ff0000000000000n }

type Float = 'f32' | 'f64'
const INTEGER = { f32: 'i32', f64: 'i64' } as const
const REINTERPRET = { f32: { toInt: 0xbc, toFloat: 0xbe }, f64: { toInt: 0xbd, toFloat: 0xbf } }

/** Runs code over two floats, given and taken as bits, since JavaScript may change those of a NaN. */
function bits(type: Float, code: readonly number[], a: bigint, b: bigint, result: Float = type): bigint {
  const integer: WasmType = INTEGER[type]
  const floats = [0, 1].flatMap((index) => [...op.get(index), REINTERPRET[type].toFloat, ...op.set(index + 2)])
  const bytes = buildWasm({
    memory: { pages: 1 },
    functions: [
      {
        export: 'run',
        params: [integer, integer],
        results: [INTEGER[result]],
        locals: [type, type],
        code: [...floats, ...code, REINTERPRET[result].toInt],
      },
    ],
  })
  const metered = meterModule(bytes, { module: 'test', memoryBytesMax: 65_536, gas: 1000n })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes))
  const run = exports['run'] as (...values: (bigint | number)[]) => bigint | number
  const given = [a, b].map((value) => (type === 'f64' ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value))))
  return BigInt.asUintN(result === 'f64' ? 64 : 32, BigInt(run(...given)))
}

const [A, B] = [op.get(2), op.get(3)]
const UNARY = ['ceil', 'floor', 'trunc', 'nearest', 'sqrt']
const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max']
const FIRST = { f32: 0x8d, f64: 0x9b }

describe.each(['f32', 'f64'] as const)('%s', (type) => {
  it.each(UNARY)('%s of any NaN', (name) => {
    const opcode = FIRST[type] + UNARY.indexOf(name)
    for (const nan of PAYLOADS[type]) expect(bits(type, [...A, opcode], nan, 0n), nan.toString(16)).toBe(CANONICAL[type])
  })

  it.each(BINARY)('%s with any NaN on either side', (name) => {
    const opcode = FIRST[type] + UNARY.length + BINARY.indexOf(name)
    for (const nan of PAYLOADS[type])
      for (const [a, b] of [
        [nan, ONE[type]],
        [ONE[type], nan],
        [nan, nan],
      ] as const)
        expect(bits(type, [...A, ...B, opcode], a, b), nan.toString(16)).toBe(CANONICAL[type])
  })

  it('NaNs that arithmetic makes of numbers', () => {
    const infinity = type === 'f32' ? 0x7f800000n : 0x7ff0000000000000n
    const [add, sub, mul, div] = [5, 6, 7, 8].map((offset) => FIRST[type] + offset)
    expect(bits(type, [...A, ...B, div!], 0n, 0n)).toBe(CANONICAL[type])
    expect(bits(type, [...A, ...B, mul!], 0n, infinity)).toBe(CANONICAL[type])
    expect(bits(type, [...A, ...B, sub!], infinity, infinity)).toBe(CANONICAL[type])
    expect(bits(type, [...A, ...A, add!, ...B, sub!], infinity, infinity)).toBe(CANONICAL[type])
    expect(bits(type, [...A, FIRST[type] + 4], ONE[type] | (1n << (type === 'f32' ? 31n : 63n)), 0n)).toBe(CANONICAL[type]) // Root of -1.
  })

  it('leaves NaNs alone that are only moved, or whose sign is set', () => {
    const sign = 1n << (type === 'f32' ? 31n : 63n)
    const [abs, neg, copysign] = [FIRST[type] - 2, FIRST[type] - 1, FIRST[type] + 11]
    const [load, store] = type === 'f32' ? [0x2a, 0x38] : [0x2b, 0x39]
    for (const nan of PAYLOADS[type]) {
      expect(bits(type, A, nan, 0n)).toBe(nan)
      expect(bits(type, [...A, abs], nan, 0n)).toBe(nan & ~sign)
      expect(bits(type, [...A, neg], nan, 0n)).toBe(nan ^ sign)
      expect(bits(type, [...A, ...B, copysign], nan, sign)).toBe(nan | sign)
      expect(bits(type, [...A, ...B, ...op.i32(1), 0x1b], nan, 0n)).toBe(nan) // select
      expect(bits(type, [...op.i32(8), ...A, store, 0, 0, ...op.i32(8), load, 0, 0], nan, 0n)).toBe(nan)
    }
  })
})

describe('between the widths', () => {
  it.each(PAYLOADS.f64)('demotes %x', (nan) => expect(bits('f64', [...A, 0xb6], nan, 0n, 'f32')).toBe(CANONICAL.f32))
  it.each(PAYLOADS.f32)('promotes %x', (nan) => expect(bits('f32', [...A, 0xbb], nan, 0n, 'f64')).toBe(CANONICAL.f64))
})

describe('vectors', () => {
  const f32x4 = { unary: [0x67, 0x68, 0x69, 0x6a, 0xe3], binary: [0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9], splat: 0x13, lane: 0x1f }
  const f64x2 = { unary: [0x74, 0x75, 0x7a, 0x94, 0xef], binary: [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5], splat: 0x14, lane: 0x21 }
  const vector = (sub: number): number[] => [0xfd, ...(sub < 0x80 ? [sub] : [(sub & 0x7f) | 0x80, sub >> 7])]
  /** All lanes hold the first float, but lane 1, which holds the second. */
  const lanes = (shape: typeof f32x4): number[] => [...A, ...vector(shape.splat), ...B, ...vector(shape.lane + 1), 1]

  it.each([
    ['f32', f32x4],
    ['f64', f64x2],
  ] as const)('of %s are made canonical lane by lane', (type, shape) => {
    for (const nan of PAYLOADS[type]) {
      for (const sub of shape.unary) {
        const code = [...lanes(shape), ...vector(sub), ...vector(shape.lane)]
        expect(bits(type, [...code, 0], nan, ONE[type]), sub.toString(16)).toBe(CANONICAL[type])
        expect(bits(type, [...code, 1], nan, ONE[type]), sub.toString(16)).toBe(ONE[type])
      }
      for (const sub of shape.binary) {
        const ones = [...B, ...vector(shape.splat)]
        for (const code of [
          [...lanes(shape), ...ones],
          [...ones, ...lanes(shape)],
        ]) {
          const run = [...code, ...vector(sub), ...vector(shape.lane)]
          expect(bits(type, [...run, 0], nan, ONE[type]), sub.toString(16)).toBe(CANONICAL[type])
          expect(bits(type, [...run, 1], nan, ONE[type]) === CANONICAL[type], sub.toString(16)).toBe(false)
        }
      }
    }
  })

  it('between the widths', () => {
    for (const nan of PAYLOADS.f64)
      expect(bits('f64', [...A, ...vector(f64x2.splat), ...vector(0x5e), ...vector(f32x4.lane), 0], nan, 0n, 'f32')).toBe(CANONICAL.f32)
    for (const nan of PAYLOADS.f32)
      expect(bits('f32', [...A, ...vector(f32x4.splat), ...vector(0x5f), ...vector(f64x2.lane), 0], nan, 0n, 'f64')).toBe(CANONICAL.f64)
  })
})
