import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildWasm, op, type WasmSpec } from '../../../test/wasm-builder.ts'
import { WasmCursor } from './cursor.ts'
import { legacyCost } from './legacy-cost.ts'
import { LEGACY_GAS_EXPORT } from './legacy-meter.ts'
import { GAS_EXPORT, type MeterOptions, meterModule } from './meter.ts'

/** What AO units of the first network put between a module and its evaluation. */
const original = createRequire(import.meta.url)('@permaweb/wasm-metering') as {
  meterWASM(bytes: Uint8Array, options: { readonly meterType: 'i32' | 'i64' }): Uint8Array
}
const PLENTY = 1n << 60n
const options: MeterOptions = { module: 'test', memoryBytesMax: 1024 * 1024, gas: PLENTY }

type Run = (...args: unknown[]) => unknown
interface Loaded {
  readonly run: Run
  used(): bigint
}

/** The module as it is counted upstream: a host call per run of instructions. */
function loadOriginal(bytes: Uint8Array, meterType: 'i32' | 'i64' = 'i32'): Loaded {
  const wasm = original.meterWASM(bytes, { meterType })
  let used = 0
  const usegas = (amount: number | bigint): void => {
    used += Number(amount)
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm)), { metering: { usegas } })
  return { run: exports['run'] as Run, used: () => BigInt(used) }
}

function load(bytes: Uint8Array, source: 'table' | 'import', gas = PLENTY): Loaded & { readonly coarse: () => bigint } {
  const metered = meterModule(bytes, { ...options, legacyGas: { source, gas } })
  const usegas = (): never => {
    throw new Error('the host was called')
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), { metering: { usegas } })
  const counter = exports[LEGACY_GAS_EXPORT] as WebAssembly.Global<'i64'>
  const coarse = exports[GAS_EXPORT] as WebAssembly.Global<'i64'>
  return { run: exports['run'] as Run, used: () => gas - counter.value, coarse: () => PLENTY - coarse.value }
}

const SUM: WasmSpec = {
  functions: [
    {
      export: 'run',
      params: ['i32'],
      results: ['i32'],
      locals: ['i32'],
      code: [
        ...[0x02, 0x40, 0x03, 0x40, ...op.get(0), 0x45, 0x0d, 1], // until n is 0
        ...[...op.get(1), ...op.get(0), 0x6a, ...op.set(1), ...op.get(0), ...op.i32(1), 0x6b, ...op.set(0)],
        ...[0x0c, 0, 0x0b, 0x0b, ...op.get(1)],
      ],
    },
  ],
}

describe('the cost of each instruction', () => {
  /** What the original writes in front of an instruction, less what the charge itself costs. */
  const originalCost = (opcode: number): number => {
    const code = [opcode, ...IMMEDIATES(opcode)]
    const bytes = original.meterWASM(buildWasm({ functions: [{ code }] }), { meterType: 'i32' })
    const at = Buffer.from(bytes).indexOf(Uint8Array.from([...code, 0x0b]))
    const body = Buffer.from(bytes.subarray(at - 12, at))
    const constant = body.lastIndexOf(0x41)
    if (constant === -1 || body.at(-2) !== 0x10) return 0 // No charge.
    const shown = new WasmCursor(body, 'test', constant + 1)
    const cost = shown.u32() // Never as large as to be taken for a negative number.
    return cost - 91
  }
  const IMMEDIATES = (opcode: number): readonly number[] => {
    if (opcode >= 0x02 && opcode <= 0x04) return [0x40]
    if (opcode === 0x0e || opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) return [0, 0]
    if (opcode === 0x43) return [0, 0, 0, 0]
    if (opcode === 0x44) return [0, 0, 0, 0, 0, 0, 0, 0]
    return [0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x3f, 0x40, 0x41, 0x42].includes(opcode) ? [0] : []
  }
  const known = [...Array(0xc5).keys()].filter(
    (opcode) =>
      !(opcode >= 0x06 && opcode <= 0x0a) &&
      !(opcode >= 0x12 && opcode <= 0x19) &&
      !(opcode >= 0x1c && opcode <= 0x1f) &&
      !(opcode >= 0x25 && opcode <= 0x27),
  )

  it('is the original one, for all that it knows', () => {
    expect(known).toHaveLength(0xc5 - 5 - 8 - 4 - 3)
    expect(known.map((opcode) => [opcode.toString(16), legacyCost(opcode)])).toEqual(
      known.map((opcode) => [opcode.toString(16), originalCost(opcode)]),
    )
  })

  it.each([0x12, 0x1c, 0x25, 0xd0, 0xfc])('the original cannot load instruction %i, which costs nothing here', (opcode) => {
    expect(() => originalCost(opcode)).toThrow()
    expect(legacyCost(opcode)).toBe(0)
  })
})

describe('what a run costs', () => {
  /** Expressions over i64 variables 0 and 1 that leave one value; 2 is a loop counter. Function 0 is the module itself, 1 a helper. */
  const { expression } = fc.letrec<{ expression: number[] }>((tie) => {
    const two = fc.tuple(tie('expression'), tie('expression'))
    const three = fc.tuple(tie('expression'), tie('expression'), tie('expression'))
    return {
      expression: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(op.get(0), op.get(1), op.i64(-1), op.i64(5), [0x3f, 0, 0xad], [...op.i32(0), 0x40, 0, 0xac], [0x01, ...op.get(1)]),
        fc
          .tuple(two, fc.constantFrom(0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a))
          .map(([[left, right], operator]) => [...left, ...right, operator]),
        two.map(([left, right]) => [...left, ...right, 0x42, 1, 0x84, 0x80]), // Divided by something odd.
        two.map(([value, place]) => [...place, 0xa7, ...op.i32(0xfff8), 0x71, 0x29, 3, 0, ...value, 0x7c]),
        two.map(([value, place]) => [...place, 0xa7, ...op.i32(0xfff8), 0x71, ...value, 0x37, 3, 0, ...op.get(0)]),
        three.map(([test, yes, no]) => [...test, 0x50, 0x04, 0x7e, ...yes, 0x05, ...no, 0x0b]),
        two.map(([test, change]) => [...test, 0x50, 0x04, 0x40, ...change, ...op.set(0), 0x0b, ...op.get(0)]), // No else.
        two.map(([test, value]) => [0x02, 0x7e, ...value, ...test, 0xa7, 0x0d, 0, 0x1a, ...op.get(1), 0x0b]), // br_if
        two.map(([test, value]) => [0x02, 0x7e, 0x02, 0x7e, ...value, ...test, 0xa7, ...op.i32(3), 0x71, 0x0e, 2, 0, 1, 0, 0x0b, 0x0b]),
        two.map(([value, test]) => [...test, 0x50, 0x04, 0x40, ...value, 0x0f, 0x0b, ...op.get(1)]), // return
        three.map(([a, b, test]) => [...a, ...b, ...test, 0x50, 0x1b]), // select
        tie('expression').map((value) => [...value, ...op.call(1)]),
        tie('expression').map((value) => [...value, ...op.get(0), 0xa7, ...op.i32(1), 0x71, 0x11, 0, 0]), // call_indirect
        tie('expression').map((value) => [...value, 0xb9, 0x44, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0xa2, 0x9c, 0xbd]), // floats
        // A block whose loop runs 0 to 7 times, changing variable 0.
        two.map(([count, step]) => [
          ...[...count, 0x42, 7, 0x83, ...op.set(2)],
          ...[0x02, 0x40, 0x03, 0x40, ...op.get(2), 0x50, 0x0d, 1],
          ...[...step, ...op.set(0), ...op.get(2), 0x42, 1, 0x7d, ...op.set(2), 0x0c, 0, 0x0b, 0x0b],
          ...op.get(0),
        ]),
      ),
    }
  })
  const program = (code: readonly number[]): Uint8Array =>
    buildWasm({
      memory: { pages: 2, pagesMax: 2 },
      functions: [
        { params: ['i64'], results: ['i64'], code: [...op.get(0), ...op.i64(3), 0x7c] },
        {
          params: ['i64'],
          results: ['i64'],
          locals: ['i64', 'i32'],
          code: [...op.get(0), 0x50, 0x04, 0x7e, ...op.i64(1), 0x05, ...op.get(0), 0x0b],
        },
        { export: 'run', params: ['i64', 'i64'], results: ['i64'], locals: ['i64'], code },
      ],
      table: [0, 1],
    })
  const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  /** Result, or the fact that it trapped. */
  const outcome = (run: () => unknown): unknown => {
    try {
      return run()
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return 'trap'
      throw error
    }
  }

  it.each(['i32', 'i64'] as const)('is the original one for random programs, charged as %s', (meterType) => {
    let compared = 0
    fc.assert(
      fc.property(expression, i64, i64, (code, a, b) => {
        const bytes = program(code)
        const ours = load(bytes, 'table', 20_000_000n) // Nested loops share a counter variable and may never end.
        const result = outcome(() => ours.run(a, b))
        if (ours.used() > 20_000_000n) return
        const theirs = loadOriginal(bytes, meterType)
        expect(outcome(() => theirs.run(a, b))).toBe(result)
        expect(ours.used()).toBe(theirs.used())
        compared++
      }),
      { numRuns: 300 },
    )
    expect(compared).toBeGreaterThan(150)
  })

  it('is the same when the binary comes metered already', () => {
    let compared = 0
    fc.assert(
      fc.property(expression, i64, i64, fc.constantFrom('i32' as const, 'i64' as const), (code, a, b, meterType) => {
        const bytes = program(code)
        const ours = load(bytes, 'table', 5_000_000n)
        const result = outcome(() => ours.run(a, b))
        if (ours.used() > 5_000_000n) return
        const premetered = load(Uint8Array.from(original.meterWASM(bytes, { meterType })), 'import', 5_000_000n)
        expect(outcome(() => premetered.run(a, b))).toBe(result)
        expect(premetered.used()).toBe(ours.used())
        compared++
      }),
      { numRuns: 150 },
    )
    expect(compared).toBeGreaterThan(75)
  })

  it('counts each message from what the host sets', () => {
    const { run, used } = load(buildWasm(SUM), 'table')
    run(3)
    const three = used()
    run(3)
    expect(used()).toBe(2n * three)
  })
})

describe('the limit', () => {
  const bytes = buildWasm(SUM)
  const cost = (n: number): bigint => {
    const theirs = loadOriginal(bytes)
    theirs.run(n)
    return theirs.used()
  }

  it('stops a loop beside the coarse gas, which it leaves as it was', () => {
    const short = load(bytes, 'table', cost(10) - 1_000n)
    expect(() => short.run(10)).toThrow(WebAssembly.RuntimeError)
    expect(short.used()).toBeGreaterThan(cost(10) - 1_000n)
    const enough = load(bytes, 'table', cost(10))
    expect(enough.run(10)).toBe(55)
    expect(enough.used()).toBe(cost(10))
    expect(enough.coarse()).toBe(12n)
  })

  it('shows at the end what was used after the last loop', () => {
    const last = load(bytes, 'table', cost(10) - 1n)
    last.run(10)
    expect(last.used()).toBe(cost(10)) // Below zero by one: the host sees it.
  })

  it('is reached by a binary that counts by itself', () => {
    const { run, used } = load(
      buildWasm({
        imports: [{ module: 'metering', name: 'usegas', params: ['i32'] }],
        functions: [{ export: 'run', code: op.forever([...op.i32(1000), ...op.call(0)]) }],
      }),
      'import',
      100_000n,
    )
    expect(() => run()).toThrow(WebAssembly.RuntimeError)
    expect(used()).toBe(101_000n)
  })
})

describe('where the charges come from', () => {
  const usegas = { module: 'metering', name: 'usegas', params: ['i32'] } as const
  const count = (spec: WasmSpec, source: 'table' | 'import'): ReturnType<typeof meterModule> =>
    meterModule(buildWasm(spec), { ...options, legacyGas: { source, gas: 1n } })

  it('refuses to meter what is metered already, as upstream does', () => {
    const spec: WasmSpec = { imports: [usegas], functions: [{ code: [] }] }
    expect(() => original.meterWASM(buildWasm(spec), { meterType: 'i32' })).toThrow('not allowed')
    expect(() => count(spec, 'table')).toThrow(
      expect.objectContaining({ code: 'module-unsupported', message: expect.stringMatching(/metering/) }),
    )
  })

  it('has no legacy count for a binary that does not count', () => {
    const metered = count(SUM, 'import')
    expect(metered.hasLegacyGas).toBe(false)
    expect(metered.bytes).toEqual(meterModule(buildWasm(SUM), options).bytes)
  })

  it('leaves calls that charge fractions to the host', () => {
    const metered = count(
      { imports: [{ ...usegas, params: ['f64'] }], functions: [{ export: 'run', code: [...op.f64(2.5), ...op.call(0)] }] },
      'import',
    )
    const seen: number[] = []
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
      metering: { usegas: (amount: number) => seen.push(amount) && undefined },
    })
    ;(exports['run'] as Run)()
    expect(seen).toEqual([2.5])
  })

  it('counts beside the stack pointer too', () => {
    const metered = meterModule(buildWasm({ ...SUM, memory: { pages: 1 }, globals: [{ type: 'i32', value: 64, isMutable: true }] }), {
      ...options,
      stackPointer: 0,
      legacyGas: { source: 'table', gas: 5n },
    })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes))
    expect((exports[LEGACY_GAS_EXPORT] as WebAssembly.Global<'i64'>).value).toBe(5n)
    expect(metered.hasLegacyGas).toBe(true)
  })

  it('tells what the module imports', () => {
    const { imports } = count(
      { imports: [{ module: 'env', name: 'now', params: ['i32', 'f64'], results: ['i64'] }], functions: [] },
      'import',
    )
    expect(imports).toEqual([{ module: 'env', name: 'now', params: [0x7f, 0x7c], results: [0x7e] }])
  })
})
