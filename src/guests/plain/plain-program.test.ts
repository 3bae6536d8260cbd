import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildWasm, op, text, type WasmSpec } from '../../../test/wasm-builder.ts'
import { toText } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import { GuestFault, type GuestInstance, type GuestLimits, type GuestProgram } from '../guest.ts'
import { GuestSession } from '../guest-session.ts'
import { stateHashOf } from '../snapshot.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'
import { ImageBuffer } from '../wasm/state-image.ts'
import type { PlainImports } from './plain-imports.ts'
import { PlainInstance } from './plain-instance.ts'
import { admitPlainModule } from './plain-module.ts'
import { preparePlainProgram } from './plain-program.ts'

const ID = 'm'.repeat(43) as TxId
const PROCESS = 'p'.repeat(43) as TxId
const limits: GuestLimits = { gasMax: 1_000_000, memoryBytesMax: 2 * 1024 * 1024, resultBytesMax: 1024 }
const NOBODY = { Id: PROCESS, Owner: '', Tags: [] }

const plain = (spec: WasmSpec, imports: PlainImports = {}): PlainInstance =>
  new PlainInstance(admitPlainModule({ id: ID, bytes: buildWasm(spec) }, limits), limits, imports)

const program = (spec: WasmSpec): GuestProgram => preparePlainProgram({ id: ID, format: 'wasm-64@1.0', bytes: buildWasm(spec) }, limits)
const spawn = (guest: GuestProgram): GuestInstance => guest.spawn(PROCESS, { Process: NOBODY, Module: NOBODY })
const ask = (instance: GuestInstance, message: unknown): unknown => new ValueReader(instance.handle(encodeValue(message)).values).value()

/** fac(f64) -> f64, as the module that AO-Core nodes are tried with. */
const FACTORIAL: WasmSpec = {
  functions: [
    {
      export: 'fac',
      params: ['f64'],
      results: ['f64'],
      code: [
        ...[...op.get(0), ...op.f64(1), 0x63, 0x04, 0x7c, ...op.f64(1), 0x05],
        ...[...op.get(0), ...op.get(0), ...op.f64(1), 0xa1, ...op.call(0), 0xa2, 0x0b],
      ],
    },
  ],
}
/** A counter in a global, one in memory, and a function that grows memory. */
const COUNTERS: WasmSpec = {
  memory: { pages: 2 },
  globals: [
    { type: 'i64', value: 0, isMutable: true },
    { type: 'f64', value: 0.5, isMutable: true },
    { type: 'f32', value: 0.25, isMutable: true },
    { type: 'i32', value: -7, isMutable: true },
  ],
  functions: [
    {
      export: 'count',
      results: ['i64', 'i32', 'f64', 'f32', 'i32'],
      code: [
        ...[...op.globalGet(0), ...op.i64(1), 0x7c, ...op.globalSet(0)],
        ...[...op.i32(70_000), ...op.i32(70_000), ...op.i32Load(), ...op.i32(2), ...op.i32Add, ...op.i32Store()],
        ...[...op.globalGet(1), ...op.f64(2), 0xa2, ...op.globalSet(1), ...op.globalGet(2), ...op.globalGet(2), 0x92, ...op.globalSet(2)],
        ...[...op.globalGet(3), ...op.i32(1), 0x6b, ...op.globalSet(3)],
        ...[...op.globalGet(0), ...op.i32(70_000), ...op.i32Load(), ...op.globalGet(1), ...op.globalGet(2), ...op.globalGet(3)],
      ],
    },
    { export: 'grow', params: ['i32'], results: ['i32'], code: [...op.get(0), ...op.grow, 0x1a, 0x3f, 0] },
    { export: 'poke', params: ['i32', 'i32'], code: [...op.get(0), ...op.get(1), ...op.i32Store()] },
    { export: 'peek', params: ['i32'], results: ['i32'], code: [...op.get(0), ...op.i32Load()] },
    { export: 'fail', code: [...op.i32(0), ...op.i32(1), ...op.i32Store(), ...op.unreachable] },
  ],
}

describe('a call', () => {
  it('gives the list of results', () => {
    expect(plain(FACTORIAL).call('fac', [5])).toEqual([120])
    expect(plain(FACTORIAL).call('fac', [20n])).toEqual([2432902008176640000])
  })

  it('gives none, or several', () => {
    const { functions } = COUNTERS
    const counters = plain(COUNTERS)
    expect(functions).toHaveLength(5)
    expect(counters.call('poke', [8, 1])).toEqual([])
    expect(counters.call('count', [])).toEqual([1n, 2, 1, 0.5, -8])
  })

  it.each([
    ['i32', -1, -1],
    ['i32', 4294967295, -1],
    ['i64', 5, 5n],
    ['i64', 2n ** 64n - 1n, -1n],
    ['f32', 0.1, Math.fround(0.1)],
    ['f64', -0, -0],
    ['f64', Number.NaN, Number.NaN],
  ] as const)('takes and gives %s', (type, value, expected) => {
    const same = plain({ functions: [{ export: 'same', params: [type], results: [type], code: op.get(0) }] })
    expect(same.call('same', [value])).toEqual([expected])
  })

  it.each([
    ['i32', 1.5, /1\.5, an i32/],
    ['i32', 2 ** 32, /4294967296/],
    ['i64', 2n ** 64n, /64 bits/],
    ['i64', 0.5, /integer/],
    ['f64', '7', /a string, an f64 is a number/],
    ['i32', null, /nil/],
  ] as const)('refuses what is no %s: %s', (type, value, problem) => {
    const same = plain({ functions: [{ export: 'same', params: [type], results: [type], code: op.get(0) }] })
    expect(() => same.call('same', [value])).toThrow(
      expect.objectContaining({ name: 'GuestFault', kind: 'error', message: expect.stringMatching(problem) }),
    )
  })

  it('tells a wrong name or count', () => {
    const fac = plain(FACTORIAL)
    expect(() => fac.call('fib', [1])).toThrow(/no function "fib"/)
    expect(() => fac.call('constructor', [])).toThrow(/no function/)
    expect(() => fac.call('fac', [1, 2])).toThrow(/takes 1 parameters, 2/)
  })

  it('works in a module without a memory, and one that keeps it to itself', () => {
    expect(() => plain(FACTORIAL).memory).toThrow(/no memory/)
    const hidden = plain({ ...COUNTERS, memory: { pages: 2, export: null } })
    hidden.call('poke', [100, 7])
    expect(hidden.memory.readI32(100)).toBe(7)
  })

  it('takes 64 bit addresses', () => {
    const wide = plain({
      memory: { pages: 1, is64: true },
      functions: [{ export: 'peek', params: ['i64'], results: ['i32'], code: [...op.get(0), 0x28, 2, 0] }],
      data: [{ at: 64, bytes: Uint8Array.of(5) }],
    })
    expect(wide.call('peek', [64])).toEqual([5])
  })
})

describe('imports', () => {
  const CALLER: WasmSpec = {
    memory: { pages: 1 },
    imports: [
      { module: 'host', name: 'add', params: ['i32', 'i64', 'f64'], results: ['i64'] },
      { module: 'host', name: 'missing', params: ['i32', 'i64'], results: ['i64'] },
      { module: '__proto__', name: 'toString', results: ['i32', 'f64'] },
      { module: 'host', name: 'fail' },
    ],
    functions: [
      { export: 'add', results: ['i64'], code: [...op.i32(1), ...op.i64(2), ...op.f64(3), ...op.call(0)] },
      { export: 'ask', results: ['i64'], code: [...op.i32(1), ...op.i64(2), ...op.call(1)] },
      { export: 'odd', results: ['i32', 'f64'], code: op.call(2) },
      { export: 'fail', results: ['i32'], code: [0x06, 0x40, ...op.call(3), 0x19, 0x0b, ...op.i32(1)] }, // Catches everything.
    ],
  }
  const imports: PlainImports = {
    host: {
      add: (_guest, a, b, c) => BigInt(a!) + (b as bigint) + BigInt(c!),
      fail: () => {
        throw new GuestFault('error', 'the host says no')
      },
    },
  }

  it('are answered from the table, by their types', () => expect(plain(CALLER, imports).call('add', [])).toEqual([6n]))

  it('that are missing answer zeros and are noted', () => {
    const caller = plain(CALLER, imports)
    expect(caller.call('ask', [])).toEqual([0n])
    expect(caller.call('odd', [])).toEqual([0, 0])
    expect(caller.undefinedCalls).toEqual([
      { module: 'host', function: 'missing', parameters: [1, 2n] },
      { module: '__proto__', function: 'toString', parameters: [] },
    ])
    caller.begin()
    expect(caller.undefinedCalls).toEqual([])
  })

  it('whose fault the guest catches end the call all the same', () => {
    const caller = plain(CALLER, imports)
    expect(() => caller.call('fail', [])).toThrow(/the host says no/)
    expect(caller.gasUsed).toBe(1)
    caller.begin()
    expect(caller.call('add', [])).toEqual([6n])
  })

  it('that have bugs of their own do not become results', () => {
    const caller = plain(CALLER, {
      host: {
        fail: () => {
          throw new TypeError('a bug of the host')
        },
      },
    })
    expect(() => caller.call('fail', [])).toThrow(new TypeError('a bug of the host'))
    caller.begin()
    expect(() => caller.call('fail', [])).toThrow(TypeError)
  })

  it('that give what the module does not expect end the call', () => {
    expect(() => plain(CALLER, { host: { add: () => 0.5 } }).call('add', [])).toThrow(/result 1 of host\.add is 0\.5/)
  })

  it('charge for their work', () => {
    const caller = plain(CALLER, { host: { add: (guest) => guest.charge(5000) ?? 0n } })
    caller.call('add', [])
    expect(caller.gasUsed).toBe(5001)
    expect(() => plain(CALLER, { host: { add: (guest) => guest.charge(2_000_000) ?? 0n } }).call('add', [])).toThrow(/out of gas/)
  })
})

describe('a module is refused when', () => {
  const table = [0x70, 0, 1]
  const refused = (bytes: Uint8Array, problem: RegExp): void =>
    expect(() => preparePlainProgram({ id: ID, format: 'wasm-64@1.0', bytes }, limits)).toThrow(
      expect.objectContaining({ code: 'module-unsupported', message: expect.stringMatching(problem) }),
    )
  const code = (code: readonly number[], more: WasmSpec = {}): Uint8Array => buildWasm({ ...more, functions: [{ export: 'run', code }] })

  it('it changes its tables', () => refused(code([...op.i32(0), 0xd2, 0, 0x26, 0], { table: [0] }), /function tables/))
  it('it drops segments', () => refused(code([0xfc, 0x09, 0], { memory: { pages: 1 }, data: [{ at: 0, bytes: text('x') }] }), /segments/))
  it('it is not wasm', () => refused(text('hello, this is no module'), /not a WebAssembly/))
  it('it is not valid', () => refused(code([0x6a]), /not valid/))
  it('its start function fails or does not end', () => {
    refused(buildWasm({ functions: [{ code: op.unreachable }], start: 0 }), /does not start/)
    refused(buildWasm({ functions: [{ code: op.forever() }], start: 0 }), /does not start/)
    refused(buildWasm({ functions: [{ code: op.call(0) }], start: 0 }), /does not start/)
  })
  it('its memory begins beyond the limit', () => refused(buildWasm({ memory: { pages: 33 }, functions: [] }), /2162688 bytes/))
  it('it imports a table', () => {
    const name = [1, 0x65, 1, 0x74]
    refused(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 9, 1, ...name, 1, ...table]), /only functions/)
  })
})

describe('failures', () => {
  it.each([
    ['trap', 'trap', { functions: [{ export: 'run', code: op.unreachable }] }],
    ['an endless loop', 'gas', { functions: [{ export: 'run', code: op.forever() }] }],
    ['endless recursion', 'stack', { functions: [{ export: 'run', code: op.call(0) }] }],
    ['a bad address', 'trap', { memory: { pages: 1 }, functions: [{ export: 'run', code: [...op.i32(-4), ...op.i32Load(), ...op.drop] }] }],
  ] satisfies readonly (readonly [string, string, WasmSpec])[])('%s is a fault', (_name, kind, spec) => {
    const instance = plain(spec)
    if (kind === 'stack') {
      // With so much gas the machine's stack ends first.
      const deep = new PlainInstance(admitPlainModule({ id: ID, bytes: buildWasm(spec) }, limits), { ...limits, gasMax: 1e12 }, {})
      expect(() => deep.call('run', [])).toThrow(expect.objectContaining({ kind }))
      expect(deep.gasUsed).toBe(1e12) // Not how far this machine came.
    } else expect(() => instance.call('run', [])).toThrow(expect.objectContaining({ name: 'GuestFault', kind }))
  })

  it('memory ends at the limit, as the guest sees it', () => {
    const counters = plain(COUNTERS)
    expect(counters.call('grow', [30])).toEqual([32])
    expect(counters.call('grow', [1])).toEqual([32])
  })
})

describe('state', () => {
  it('is put back exactly, also what grew', () => {
    const counters = plain(COUNTERS)
    counters.call('count', [])
    const before = new ImageBuffer()
    const image = counters.capture(before)
    const { stateBytes } = counters
    counters.begin()
    counters.call('grow', [3])
    counters.call('poke', [200_000, 9])
    counters.call('count', [])
    expect(() => counters.call('fail', [])).toThrow()
    counters.apply(image)
    expect(counters.stateBytes).toBe(stateBytes)
    expect(counters.call('grow', [0])).toEqual([2])
    expect(counters.call('peek', [0])).toEqual([0])
    expect(counters.call('count', [])).toEqual([2n, 4, 2, 1, -9])
  })

  it('is the same after the same calls, however often they failed between', () => {
    const calls = fc.array(
      fc.oneof(
        fc.constant(['count', []] as const),
        fc.tuple(fc.constant('poke' as const), fc.tuple(fc.nat(131_000), fc.nat())),
        fc.tuple(fc.constant('grow' as const), fc.tuple(fc.nat(2))),
      ),
      { maxLength: 12 },
    )
    const guest = program(COUNTERS)
    fc.assert(
      fc.property(calls, (list) => {
        const [straight, disturbed] = [spawn(guest), spawn(guest)]
        const session = new GuestSession(disturbed)
        for (const [name, parameters] of list) {
          const message = { function: name, parameters }
          ask(straight, message)
          session.dryRun(encodeValue({ function: 'grow', parameters: [1] }))
          expect(session.evaluate(encodeValue({ function: 'fail' })).ok).toBe(false)
          expect(session.evaluate(encodeValue(message)).ok).toBe(true)
        }
        session.close()
        expect(stateHashOf(disturbed.snapshot())).toBe(stateHashOf(straight.snapshot()))
        const thawed = guest.thaw(disturbed.snapshot(), { Process: NOBODY, Module: NOBODY })
        expect(stateHashOf(thawed.snapshot())).toBe(stateHashOf(straight.snapshot()))
        expect(ask(thawed, { function: 'count' })).toEqual(ask(straight, { function: 'count' }))
      }),
      { numRuns: 20 },
    )
  })

  it('of a fresh process takes next to nothing', () => {
    const guest = program(COUNTERS)
    expect(spawn(guest).snapshot().length).toBeLessThan(700)
  })

  it('has NaNs that come back as they are', () => {
    const spec: WasmSpec = {
      globals: [{ type: 'f64', value: 0, isMutable: true }],
      functions: [
        { export: 'set', params: ['i64'], code: [...op.get(0), 0xbf, ...op.globalSet(0)] },
        { export: 'get', results: ['i64'], code: [...op.globalGet(0), 0xbd] },
      ],
    }
    const instance = plain(spec)
    instance.call('set', [0x7ff8_0000_0000_0001n])
    const hot = instance.call('get', [])
    instance.apply(instance.capture(new ImageBuffer()))
    expect(instance.call('get', [])).toEqual(hot)
    instance.call('set', [0x8000_0000_0000_0000n])
    instance.apply(instance.capture(new ImageBuffer()))
    expect(instance.call('get', [])).toEqual([-(2n ** 63n)]) // Minus zero.
  })

  it('of a scattered memory fits a snapshot', () => {
    const guest = program({ ...COUNTERS, memory: { pages: 32 } })
    const instance = spawn(guest)
    // 256 of 512 pages, and then a few hundred more with small holes.
    for (let at = 0; at < 32 * 65_536; at += 8192) ask(instance, { function: 'poke', parameters: [at, 7] })
    const thawed = guest.thaw(instance.snapshot(), { Process: NOBODY, Module: NOBODY })
    expect(stateHashOf(thawed.snapshot())).toBe(stateHashOf(instance.snapshot()))
    expect(ask(thawed, { function: 'peek', parameters: [8192 * 255] })).toMatchObject({ output: [7] })
  })
})

describe('messages', () => {
  it('name a function and its parameters', () => {
    expect(ask(spawn(program(FACTORIAL)), { function: 'fac', parameters: [5] })).toEqual({
      type: 'ok',
      output: [120],
      types: ['f64'],
      'undefined-calls': [],
    })
  })

  it('without a function do nothing', () => expect(ask(spawn(program(FACTORIAL)), { path: 'compute' })).toBe(''))

  it('carry large integers as text', () => {
    const spec: WasmSpec = { functions: [{ export: 'large', results: ['i64'], code: op.i64(2n ** 62n) }] }
    expect(ask(spawn(program(spec)), { function: 'large' })).toMatchObject({ output: ['4611686018427387904'], types: ['i64'] })
  })

  it.each([
    [{ function: 7 }, /its name/],
    [{ function: 'fac', parameters: 5 }, /a list/],
    [{ function: 'fac', parameters: ['x'] }, /no function "malloc"/],
    [{ function: 'fac', parameters: [1], returns: 'text' }, /no memory/],
  ])('that make no sense are refused: %j', (message, problem) => {
    expect(() => ask(spawn(program(FACTORIAL)), message)).toThrow(
      expect.objectContaining({ name: 'GuestFault', message: expect.stringMatching(problem) }),
    )
  })

  /** malloc takes from a heap that only grows; `upper` writes upper case over its text and gives its address. */
  const TEXTS: WasmSpec = {
    memory: { pages: 1 },
    imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', params: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] }],
    globals: [{ type: 'i32', value: 1024, isMutable: true }],
    functions: [
      {
        export: 'malloc',
        params: ['i32'],
        results: ['i32'],
        code: [...op.globalGet(0), ...op.globalGet(0), ...op.get(0), ...op.i32Add, ...op.globalSet(0)],
      },
      { export: 'free', params: ['i32'], code: [...op.get(0), ...op.globalSet(0)] },
      {
        export: 'upper',
        params: ['i32'],
        results: ['i32'],
        locals: ['i32'],
        code: [
          ...[...op.get(0), ...op.set(1), 0x02, 0x40, 0x03, 0x40, ...op.get(1), 0x2d, 0, 0, 0x45, 0x0d, 1],
          ...[...op.get(1), ...op.get(1), 0x2d, 0, 0, ...op.i32(0xdf), 0x71, 0x3a, 0, 0],
          ...[...op.get(1), ...op.i32(1), ...op.i32Add, ...op.set(1), 0x0c, 0, 0x0b, 0x0b, ...op.get(0)],
        ],
      },
      {
        export: 'print',
        params: ['i32', 'i32'],
        results: ['i32'],
        code: [
          ...[...op.i32(8), ...op.get(0), ...op.i32Store(), ...op.i32(12), ...op.get(1), ...op.i32Store()],
          ...[...op.i32(1), ...op.i32(8), ...op.i32(1), ...op.i32(16), ...op.call(0), ...op.drop, ...op.i32(16), ...op.i32Load()],
        ],
      },
    ],
  }

  it('pass texts through the memory of the module and leave none there', () => {
    const instance = spawn(program(TEXTS))
    for (const word of ['hello', 'process'])
      expect(ask(instance, { function: 'upper', parameters: [word], returns: 'text' })).toMatchObject({
        text: word.toUpperCase(),
        output: [1024],
      })
  })

  it('show what the module printed', () => {
    const answer = ask(spawn(program(TEXTS)), { function: 'print', parameters: ['printed text', 7] })
    expect(answer).toMatchObject({ output: [7], printed: 'printed' })
  })

  it('stop at a bad address of a text', () => {
    const spec: WasmSpec = { memory: { pages: 1 }, functions: [{ export: 'wild', results: ['i32'], code: op.i32(-1) }] }
    expect(() => ask(spawn(program(spec)), { function: 'wild', returns: 'text' })).toThrow(/not in its memory/)
  })

  it('can be placed by hand too', () => {
    const instance = new PlainInstance(admitPlainModule({ id: ID, bytes: buildWasm(TEXTS) }, limits), limits, {})
    const address = instance.placeText('by hand')
    expect(toText(instance.memory.cString(address, 100))).toBe('by hand')
    expect(() => instance.place(new Uint8Array(100_000))).toThrow(/not in its memory/)
  })
})
