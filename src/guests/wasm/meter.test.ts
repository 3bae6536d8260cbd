import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildWasm } from '../../../test/wasm-builder.ts'
import { WasmWriter } from './cursor.ts'
import { GAS_EXPORT, type MeterOptions, meterModule, STACK_LOW_EXPORT } from './meter.ts'

const I32 = 0x7f
const I64 = 0x7e
const F64 = 0x7c
const V128 = 0x7b
const options: MeterOptions = { module: 'test', memoryBytesMax: 1024 * 1024, gas: 1_000_000n }

interface Parts {
  readonly params?: readonly number[]
  readonly results?: readonly number[]
  /** Groups of local variables: [count, type]. */
  readonly locals?: readonly (readonly [number, number])[]
  /** Without the last `end`. */
  readonly code: readonly number[]
  readonly memory?: readonly number[]
  readonly table?: readonly number[]
  readonly globals?: readonly (readonly number[])[]
  readonly tag?: boolean
  readonly data?: readonly number[]
  readonly start?: boolean
  readonly exportName?: string
  readonly typeForm?: number
}

/** A module with one function, exported as `run`. */
function assemble(parts: Parts): Uint8Array {
  const { params = [], results = [], locals = [], code, globals = [] } = parts
  const out = new WasmWriter()
  out.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const section = (id: number, content: readonly number[] | undefined): void => {
    if (content === undefined) return
    out.byte(id)
    out.u32(content.length)
    out.raw(content)
  }
  const name = (text: string): number[] => [text.length, ...Buffer.from(text)]
  const types = [parts.typeForm ?? 0x60, params.length, ...params, results.length, ...results]
  const body = [locals.length, ...locals.flat(), ...code, 0x0b]
  section(1, parts.tag ? [2, ...types, 0x60, 1, I32, 0] : [1, ...types])
  section(3, [1, 0])
  section(4, parts.table && [1, ...parts.table])
  section(5, parts.memory && [1, ...parts.memory])
  section(13, parts.tag ? [1, 0, 1] : undefined)
  section(6, globals.length > 0 ? [globals.length, ...globals.flat()] : undefined)
  section(7, [1, ...name(parts.exportName ?? 'run'), 0, 0])
  section(8, parts.start ? [0] : undefined)
  section(12, parts.data && [1])
  const size = new WasmWriter()
  size.u32(body.length)
  section(10, [1, ...size.toBytes(), ...body])
  section(11, parts.data && [1, 1, parts.data.length, ...parts.data])
  return out.toBytes().slice()
}

function load(bytes: Uint8Array): { run: (...args: unknown[]) => unknown; gas: WebAssembly.Global<'i64'> } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  return { run: exports['run'] as (...args: unknown[]) => unknown, gas: exports[GAS_EXPORT] as WebAssembly.Global<'i64'> }
}

function metered(parts: Parts): ReturnType<typeof load> {
  return load(meterModule(assemble(parts), options).bytes)
}

const localGet = (index: number): number[] => [0x20, index]
const localSet = (index: number): number[] => [0x21, index]
const i32Const = (value: number): number[] => {
  const out = new WasmWriter()
  out.s64(BigInt(value))
  return [0x41, ...out.toBytes()]
}

/** Sums n, n-1 … 1 in a loop. */
const SUM: Parts = {
  params: [I32],
  results: [I32],
  locals: [[1, I32]],
  code: [
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...[...localGet(0), 0x45, 0x0d, 1], // leave when n is 0
    ...[...localGet(1), ...localGet(0), 0x6a, ...localSet(1)],
    ...[...localGet(0), ...i32Const(1), 0x6b, ...localSet(0)],
    ...[0x0c, 0, 0x0b, 0x0b],
    ...localGet(1),
  ],
}

describe('counting', () => {
  it('takes one unit for the call and one for each turn of the loop', () => {
    const { run, gas } = metered(SUM)
    gas.value = 1000n
    expect(run(10)).toBe(55)
    expect(gas.value).toBe(1000n - 1n - 11n)
  })

  it('stops a loop that has used up its gas, and not one unit earlier', () => {
    const { run, gas } = metered(SUM)
    gas.value = 12n
    expect(run(10)).toBe(55)
    gas.value = 11n
    expect(() => run(10)).toThrow(WebAssembly.RuntimeError)
    expect(gas.value).toBe(-1n)
  })

  it('covers the start function with the gas it was given', () => {
    const endless: Parts = { code: [0x03, 0x40, 0x0c, 0, 0x0b], start: true }
    expect(() => metered(endless)).toThrow(WebAssembly.RuntimeError)
    expect(() => metered({ code: [0x01], start: true })).not.toThrow()
  })

  it.each([
    ['memory.fill', [...i32Const(0), ...i32Const(7), ...localGet(0), 0xfc, 11, 0], 2048, 65n],
    ['memory.copy', [...i32Const(0), ...i32Const(9), ...localGet(0), 0xfc, 10, 0, 0], 5000, 157n],
    ['memory.init', [...i32Const(0), ...i32Const(0), ...localGet(0), 0xfc, 8, 0, 0], 3, 1n],
    ['memory.grow', [...localGet(0), 0x40, 0, 0x1a], 2, 4097n],
  ])('charges %s for its size', (_name, code, size, units) => {
    const { run, gas } = metered({ params: [I32], memory: [0, 1], data: [1, 2, 3], code })
    gas.value = 10_000n
    run(size)
    expect(gas.value).toBe(10_000n - 1n - units)
  })

  it('charges bulk work before it is done', () => {
    const { run, gas } = metered({ params: [I32], memory: [0, 16], code: [...i32Const(0), ...i32Const(7), ...localGet(0), 0xfc, 11, 0] })
    gas.value = 100n
    expect(() => run(1024 * 1024)).toThrow(WebAssembly.RuntimeError)
    expect(gas.value).toBeLessThan(0n)
  })

  it('charges bulk work in 64-bit memories', () => {
    const code = [0x42, 0, ...i32Const(7), ...localGet(0), 0xfc, 11, 0]
    const { run, gas } = metered({ params: [I64], memory: [4, 1], code })
    gas.value = 1000n
    run(4096n)
    expect(gas.value).toBe(1000n - 1n - 129n)
  })
})

describe('the same results', () => {
  /** Expressions over i64 variables 0 and 1 that leave one value. */
  const operators = [0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a]
  const { expression } = fc.letrec<{ expression: number[] }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(localGet(0), localGet(1), [0x42, 0x7f], [0x42, 5]),
      fc.tuple(tie('expression'), tie('expression'), fc.constantFrom(...operators)).map(([left, right, op]) => [...left, ...right, op]),
      fc
        .tuple(tie('expression'), tie('expression'), tie('expression'))
        .map(([test, yes, no]) => [...test, 0x50, 0x04, I64, ...yes, 0x05, ...no, 0x0b]),
      // A block whose loop runs 0 to 7 times, changing variable 0.
      fc
        .tuple(tie('expression'), tie('expression'))
        .map(([count, step]) => [
          ...[...count, 0x42, 7, 0x83, ...localSet(2)],
          ...[0x02, 0x40, 0x03, 0x40, ...localGet(2), 0x50, 0x0d, 1],
          ...[...step, ...localSet(0), ...localGet(2), 0x42, 1, 0x7d, ...localSet(2), 0x0c, 0, 0x0b, 0x0b],
          ...localGet(0),
        ]),
    ),
  }))
  const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

  it('random programs compute what they computed before', () => {
    fc.assert(
      fc.property(expression, i64, i64, (code, a, b) => {
        const parts: Parts = { params: [I64, I64], results: [I64], locals: [[1, I64]], code }
        const plain = load(assemble(parts))
        const counted = metered(parts)
        // Nested loops share a counter variable and may never end: the counted one says so.
        let expected: unknown
        try {
          expected = counted.run(a, b)
        } catch {
          expect(counted.gas.value).toBe(-1n)
          return
        }
        expect(plain.run(a, b)).toBe(expected)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['legacy exceptions', { params: [I32], results: [I32], tag: true, code: [0x06, I32, ...localGet(0), 0x08, 0, 0x07, 0, 0x0b] }],
    [
      'catch_all and rethrow',
      {
        params: [I32],
        results: [I32],
        tag: true,
        code: [0x06, I32, 0x06, I32, ...localGet(0), 0x08, 0, 0x19, 0x09, 0, 0x0b, 0x07, 0, 0x0b],
      },
    ],
    [
      'delegate',
      { params: [I32], results: [I32], tag: true, code: [0x06, I32, 0x06, I32, ...localGet(0), 0x08, 0, 0x18, 0, 0x07, 0, 0x0b] },
    ],
    [
      'try_table',
      { params: [I32], results: [I32], tag: true, code: [0x02, I32, 0x1f, 0x40, 1, 0, 0, 0, ...localGet(0), 0x08, 0, 0x0b, 0x00, 0x0b] },
    ],
    ['br_table', { params: [I32], results: [I32], code: [0x02, I32, ...localGet(0), ...localGet(0), 0x0e, 2, 0, 0, 0, 0x0b] }],
    [
      'tail call',
      { params: [I32], results: [I32], code: [...localGet(0), 0x45, 0x04, 0x40, ...i32Const(42), 0x0f, 0x0b, ...i32Const(0), 0x12, 0] },
    ],
    ['select with a type', { params: [I32], results: [I32], code: [...localGet(0), ...i32Const(3), ...localGet(0), 0x1c, 1, I32] }],
    ['references', { params: [I32], results: [I32], table: [0x70, 0, 4], code: [0xd0, 0x70, 0xd1, ...localGet(0), 0x6a] }],
    ['multi-value blocks', { params: [I32], results: [I32], code: [...localGet(0), 0x03, 0, 0x0b] }],
    [
      'vectors',
      {
        params: [I32],
        results: [I32],
        memory: [0, 1],
        code: [...localGet(0), 0xfd, 17, 0xfd, 0x0c, ...new Array<number>(16).fill(1), 0xfd, 0xae, 0x01, 0xfd, 27, 2],
      },
    ],
    [
      'vector lanes in memory',
      {
        params: [I32],
        results: [I32],
        memory: [0, 1],
        code: [...i32Const(0), ...localGet(0), 0xfd, 17, 0xfd, 90, 2, 0, 1, ...i32Const(0), 0x28, 2, 0],
      },
    ],
    ['saturating conversion', { params: [I32], results: [I32], code: [...localGet(0), 0xb7, 0xfc, 2] }],
    ['sign extension', { params: [I32], results: [I32], code: [...localGet(0), 0xc0] }],
  ] satisfies readonly (readonly [string, Parts])[])('%s', (_name, parts) => {
    const plain = load(assemble(parts))
    const counted = metered(parts)
    expect(counted.run(200)).toBe(plain.run(200))
    expect(counted.gas.value).toBeLessThan(options.gas)
  })

  it('keeps real binaries valid', () => {
    const require = createRequire(import.meta.url)
    const lua = ['5.0.3', '5.1.5', '5.2.4', '5.3.6', '5.4.7', '5.5.0'].map(
      (version) => `lua-wasm-bindings/dist/glue/glue-lua-${version}.wasm`,
    )
    const curve = join(dirname(require.resolve('tiny-secp256k1')), '../secp256k1.wasm')
    for (const file of [...lua.map((path) => require.resolve(path)), curve]) {
      const { bytes, unkeepable } = meterModule(readFileSync(file), { ...options, memoryBytesMax: 2 ** 31 })
      expect(WebAssembly.validate(bytes), file).toBe(true)
      expect(unkeepable, file).toBe(null)
    }
  })
})

describe('one NaN', () => {
  const CANONICAL = 0xfff8000000000000n
  const bits = (code: readonly number[]): unknown => {
    const run = metered({ params: [F64, F64], results: [I64], code: [...code, 0xbd] }).run(Number.NaN, 1) as bigint
    return BigInt.asUintN(64, run)
  }

  it.each([
    ['add', 0xa0],
    ['sub', 0xa1],
    ['mul', 0xa2],
    ['div', 0xa3],
    ['min', 0xa4],
    ['max', 0xa5],
  ])('f64.%s', (_name, opcode) => expect(bits([...localGet(0), ...localGet(1), opcode])).toBe(CANONICAL))

  it('f64.sqrt of a negative number', () => expect(bits([...localGet(1), 0x9a, 0x9f])).toBe(CANONICAL))
  it('f64.neg only turns the sign, as everywhere', () => expect(bits([...localGet(1), 0x9a, 0x9f, 0x9a])).toBe(CANONICAL ^ (1n << 63n)))
  it('f64.promote', () => expect(bits([...localGet(0), 0xb6, 0xbb])).toBe(CANONICAL))

  it('leaves numbers alone', () => {
    const { run } = metered({ params: [F64, F64], results: [F64], code: [...localGet(0), ...localGet(1), 0xa3] })
    fc.assert(fc.property(fc.double(), fc.double(), (a, b) => Object.is(run(a, b), a / b)))
  })

  it('f64x2.div, in each lane by itself', () => {
    const lanes = (lane: number): bigint => {
      const divided = [
        0xfd,
        0x0c,
        ...new Array<number>(16).fill(0),
        0xfd,
        0x0c,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xf0,
        0x3f,
        0xfd,
        0xf3,
        0x01,
      ]
      const { run } = metered({ results: [I64], locals: [[1, V128]], code: [...divided, 0xfd, 29, lane] })
      return BigInt.asUintN(64, run() as bigint)
    }
    expect(lanes(0)).toBe(CANONICAL) // 0 / 0
    expect(lanes(1)).toBe(0n) // 0 / 1
  })
})

describe('what it tells and caps', () => {
  it('exports the mutable globals', () => {
    const parts: Parts = {
      code: [],
      globals: [
        [I32, 1, 0x41, 7, 0x0b],
        [I32, 0, 0x41, 8, 0x0b],
        [I64, 1, 0x42, 9, 0x0b],
      ],
    }
    const module = meterModule(assemble(parts), options)
    expect(module.globals).toEqual(['heddle.global.0', 'heddle.global.2'])
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes))
    expect((exports['heddle.global.2'] as WebAssembly.Global<'i64'>).value).toBe(9n)
  })

  it('keeps the lowest stack pointer', () => {
    const code = [0x23, 0, ...localGet(0), 0x6b, 0x24, 0, 0x23, 0, ...localGet(0), 0x6a, 0x24, 0] // Down and up again.
    const stack = [I32, 1, 0x41, 0xe0, 0, 0x0b]
    const { bytes } = meterModule(assemble({ params: [I32], code, globals: [stack, stack] }), { ...options, stackPointer: 0 })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
    const low = exports[STACK_LOW_EXPORT] as WebAssembly.Global<'i32'>
    const run = exports['run'] as (size: number) => void
    expect(low.value).toBe(-1)
    for (const size of [10, 50, 20]) run(size)
    expect(low.value).toBe(96 - 50)
    expect((exports['heddle.global.0'] as WebAssembly.Global<'i32'>).value).toBe(96)
    expect(() => meterModule(assemble({ code: [] }), { ...options, stackPointer: 3 })).toThrow(/stack pointer/)
  })

  it('lets memory begin smaller than the module asks for', () => {
    const { bytes } = meterModule(assemble({ memory: [0, 200, 1], results: [I32], code: [0x3f, 0] }), {
      ...options,
      memoryBytesMin: 65_537,
    })
    expect(load(bytes).run()).toBe(2)
  })

  it('ends memory at the limit', () => {
    const { run } = metered({ params: [I32], results: [I32], memory: [0, 1], code: [...localGet(0), 0x40, 0] })
    expect(run(15)).toBe(1)
    expect(run(1)).toBe(-1)
  })

  it('has no larger limit than addresses of 32 bits', () => {
    const { bytes } = meterModule(assemble({ memory: [0, 1], code: [] }), { ...options, memoryBytesMax: 2 ** 34 })
    expect(WebAssembly.validate(bytes)).toBe(true)
    expect(WebAssembly.validate(meterModule(assemble({ memory: [4, 1], code: [] }), { ...options, memoryBytesMax: 2 ** 34 }).bytes)).toBe(
      true,
    )
  })

  it('says that tables change', () => {
    const set: Parts = { table: [0x70, 0, 4], code: [...i32Const(0), 0xd0, 0x70, 0x26, 0] }
    expect(meterModule(assemble(set), options).changesTables).toBe(true)
    expect(meterModule(assemble(SUM), options).changesTables).toBe(false)
  })

  it.each([
    ['changed tables', { table: [0x70, 0, 4], code: [...i32Const(0), 0xd0, 0x70, 0x26, 0] }, /function tables/],
    ['tables that grow', { table: [0x70, 0, 4], code: [0xd0, 0x70, ...i32Const(1), 0xfc, 15, 0, 0x1a] }, /function tables/],
    ['dropped data', { memory: [0, 1], data: [1], code: [0xfc, 9, 0] }, /segments/],
    ['nothing', SUM, null],
  ] satisfies readonly (readonly [string, Parts, RegExp | null])[])('says what could not be kept: %s', (_name, parts, reason) => {
    const { unkeepable } = meterModule(assemble(parts), options)
    if (reason === null) expect(unkeepable).toBe(null)
    else expect(unkeepable).toMatch(reason)
  })

  it('says which memories are 64-bit', () => {
    expect(meterModule(assemble({ memory: [4, 1], code: [] }), options).isMemory64).toBe(true)
    expect(meterModule(assemble({ memory: [0, 1], code: [] }), options).isMemory64).toBe(false)
  })
})

describe('refuses', () => {
  it.each([
    ['relaxed SIMD', { code: [0xfd, 0x80, 0x02] }, /relaxed SIMD/],
    ['threads', { code: [0xfe, 0x03, 0] }, /threads/],
    ['shared memory', { memory: [3, 1, 1], code: [] }, /threads/],
    ['garbage-collected instructions', { code: [0xfb, 0] }, /garbage-collected/],
    ['garbage-collected types', { typeForm: 0x5f, code: [] }, /garbage-collected/],
    ['unknown instructions', { code: [0xc5] }, /0xc5/],
    ['memory that begins too large', { memory: [0, 17], code: [] }, /1114112 bytes/],
    ['large tables', { table: [0x70, 0, 0xc0, 0x84, 0x3d], code: [] }, /1000000 entries/],
    ['mutable references', { globals: [[0x6f, 1, 0xd0, 0x6f, 0x0b]], code: [] }, /mutable global/],
    ['names kept for the host', { exportName: 'heddle.gas', code: [] }, /heddle\.gas/],
  ] satisfies readonly (readonly [string, Parts, RegExp])[])('%s', (_name, parts, problem) => {
    expect(() => meterModule(assemble(parts), options)).toThrow(
      expect.objectContaining({ code: 'module-unsupported', message: expect.stringMatching(problem) }),
    )
  })

  it('more names than there is room for', () => {
    const globals = new Array<{ type: 'i32'; value: number }>(10_001).fill({ type: 'i32', value: 1 })
    expect(() => meterModule(buildWasm({ globals }), options)).toThrow(/section 6 has 10001 entries/)
    expect(() => meterModule(buildWasm({ globals: globals.slice(1) }), options)).not.toThrow()
  })

  it('any other bytes, with a code', () => {
    const whole = assemble(SUM)
    const damaged = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, byte, size]) => {
      const bytes = whole.slice(0, size)
      if (at < size) bytes[at] = byte
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        try {
          meterModule(bytes, options)
        } catch (error) {
          expect(error).toMatchObject({ code: 'module-unsupported' })
        }
      }),
      { numRuns: 500 },
    )
  })
})
