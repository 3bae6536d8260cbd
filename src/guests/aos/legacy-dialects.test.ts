import { describe, expect, it } from 'vitest'
import { buildWasm, op, text, type WasmFunction, type WasmSpec } from '../../../test/wasm-builder.ts'
import type { TxId } from '../../base/ids.ts'
import { prepareProgram } from '../formats.ts'
import type { GuestEnv, GuestLimits, GuestProgram } from '../guest.ts'
import { GuestSession, type Outcome } from '../guest-session.ts'
import { noFiles } from '../host-files.ts'
import { stateHashOf } from '../snapshot.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'

/** C's names, and what the two kinds of binaries call them. The order of the imports is that of their function indices. */
const IMPORTS = {
  invoke_vii: ['x', 3, 0],
  _emscripten_throw_longjmp: ['p', 0, 0],
  setTempRet0: ['b', 1, 0],
  getTempRet0: ['h', 0, 1],
  environ_sizes_get: ['v', 2, 1],
  environ_get: ['u', 2, 1],
  system: ['m', 1, 1],
  _tzset_js: ['j', 3, 0],
  _gmtime_js: ['B', 2, 0],
  _localtime_js: ['C', 2, 0],
  _mktime_js: ['i', 1, 1],
  __syscall_openat: ['g', 4, 1],
  exit: ['l', 1, 0],
  _emscripten_date_now: ['a', 0, 1],
  emscripten_memcpy_big: ['k', 3, 0],
  usegas: ['usegas', 1, 0],
} as const
type Import = keyof typeof IMPORTS
const EXPORTS = {
  memory: 'E',
  __wasm_call_ctors: 'F',
  handle: 'G',
  main: 'H',
  __indirect_function_table: 'I',
  malloc: 'J',
  __errno_location: 'K',
  setThrew: 'L',
  stackSave: 'M',
  stackRestore: 'N',
  stackAlloc: 'O',
} as const
type Export = keyof typeof EXPORTS
type Kind = 'letters' | 'names'

const WASI = new Set(['environ_sizes_get', 'environ_get'])
const importIndex = (name: Import): number => Object.keys(IMPORTS).indexOf(name)
const call = (name: Import): number[] => op.call(importIndex(name))
const OWN = Object.keys(IMPORTS).length
/** Of our functions below. */
const own = { thrower: OWN, show: OWN + 1, quiet: OWN + 2 }

const REPLY_AT = 1024
const REPLY = '{"ok":true,"response":{"Output":"00000"}}\0'
const DIGITS_AT = REPLY_AT + REPLY.indexOf('00000')
const CELLS = { counter: 2048, threw: 2052, mains: 2056, order: 2060, errno: 2064, scratch: 2100, zones: 2160, time: 2200, moment: 2204 }
const STACK = { end: 4096, base: 8192 }
const load = (address: number): number[] => [...op.i32(address), ...op.i32Load()]
const store = (address: number, value: readonly number[]): number[] => [...op.i32(address), ...value, ...op.i32Store()]
const MUL = 0x6c
const SUB = 0x6b

/** What the program does for a message, and what of it becomes the Output. */
const ACTIONS: Readonly<Record<string, readonly number[]>> = {
  c: [...store(CELLS.counter, [...load(CELLS.counter), ...op.i32(1), ...op.i32Add]), ...load(CELLS.counter)],
  // Setjmp as it was: the value that longjmp gives travels in TempRet0.
  j: [
    ...op.i32(0),
    ...op.i32(1),
    ...op.i32(2),
    ...call('invoke_vii'),
    ...load(CELLS.threw),
    ...op.i32(100),
    MUL,
    ...call('getTempRet0'),
    0x6a,
  ],
  v: [...op.i32(1), ...op.i32(7), ...op.i32(2), ...call('invoke_vii'), ...load(CELLS.threw)],
  e: [
    ...[...op.i32(CELLS.scratch), ...op.i32(CELLS.scratch + 4), ...call('environ_sizes_get'), ...op.drop],
    ...[...load(CELLS.scratch), ...op.i32(1000), MUL, ...load(CELLS.scratch + 4), 0x6a],
  ],
  // The first letter of the last entry's value.
  E: [...[...op.i32(CELLS.scratch), ...op.i32(2400), ...call('environ_get'), ...op.drop], ...[...load(CELLS.scratch + 16), 0x2d, 0, 5]],
  s: [...op.i32(REPLY_AT), ...call('system'), ...op.drop, ...load(CELLS.errno)],
  z: [
    ...[...op.i32(CELLS.time), ...op.i32(CELLS.time + 4), ...op.i32(CELLS.zones), ...call('_tzset_js')],
    ...[...load(CELLS.zones), 0x2d, 0, 0, ...load(CELLS.zones), ...op.i32(100), 0x70, ...op.i32(100), MUL, 0x6a],
  ],
  g: [
    ...store(CELLS.time, op.i32(86_400 * 366)),
    ...op.i32(CELLS.time),
    ...op.i32(CELLS.moment),
    ...call('_gmtime_js'),
    ...load(CELLS.moment + 20),
  ],
  l: [
    ...store(CELLS.time, op.i32(3600)),
    ...op.i32(CELLS.time),
    ...op.i32(CELLS.moment),
    ...call('_localtime_js'),
    ...load(CELLS.moment + 8),
  ],
  // 31 April 1970 at 0:00 is 1 May; the year stays as it was.
  t: [
    ...[...store(CELLS.moment, op.i32(0)), ...store(CELLS.moment + 4, op.i32(0)), ...store(CELLS.moment + 8, op.i32(0))],
    ...[...store(CELLS.moment + 12, op.i32(31)), ...store(CELLS.moment + 16, op.i32(3)), ...store(CELLS.moment + 20, op.i32(70))],
    ...[...op.i32(CELLS.moment), ...call('_mktime_js'), ...op.i32(86_400), 0x6d, ...load(CELLS.moment + 16), ...op.i32(1000), MUL, 0x6a],
  ],
  o: [...op.i32(-100), ...op.i32(REPLY_AT), ...op.i32(0), ...op.i32(0), ...call('__syscall_openat'), ...op.i32(100), 0x6a],
  x: [...op.i32(3), ...call('exit'), ...op.i32(0)],
  d: [...call('_emscripten_date_now'), 0xaa],
  m: [...load(CELLS.mains), ...op.i32(10), MUL, ...load(CELLS.order), 0x6a],
  k: [
    ...store(CELLS.scratch, op.i32(77)),
    ...op.i32(CELLS.time),
    ...op.i32(CELLS.scratch),
    ...op.i32(4),
    ...call('emscripten_memcpy_big'),
    ...load(CELLS.time),
  ],
  b: [...op.get(0), ...op.get(1), SUB],
  u: [...op.i32(123), ...call('usegas'), ...op.i32(5)],
  U: [...op.forever([...op.i32(1_000_000), ...call('usegas')]), ...op.i32(0)],
  w: [...store(CELLS.counter, op.i32(99)), 0x00, ...op.i32(0)],
}

/** `renamed`: imports that later compilers call otherwise. */
function module(kind: Kind, renamed: Readonly<Record<string, string>> = {}): Uint8Array {
  const isLetters = kind === 'letters'
  const importOf = ([name, [letter, params, results]]: readonly [string, readonly [string, number, number]]) => ({
    module: name === 'usegas' ? 'metering' : isLetters ? 'a' : WASI.has(name) ? 'wasi_snapshot_preview1' : 'env',
    name: isLetters ? letter : (renamed[name] ?? name),
    params: new Array<'i32'>(params).fill('i32'),
    results: new Array<'i32' | 'f64'>(results).fill(name === '_emscripten_date_now' ? 'f64' : 'i32'),
  })
  const exported = (name: Export): string => (isLetters ? EXPORTS[name] : name)
  const chosen = Object.entries(ACTIONS).flatMap(([letter, code]) => [
    ...[...op.get(0), 0x2d, 0, 6, ...op.i32(letter.charCodeAt(0)), ...op.i32Eq],
    ...op.ifThen([...code, ...op.set(2)]),
  ])
  const digit = (at: number, unit: number): number[] => [
    ...[...op.i32(DIGITS_AT + at), ...op.get(0), ...op.i32(unit), 0x6e, ...op.i32(10), 0x70, ...op.i32(48), 0x6a, 0x3a, 0, 0],
  ]
  const functions: WasmFunction[] = [
    { params: ['i32', 'i32'], code: [...op.i32(7), ...call('setTempRet0'), ...call('_emscripten_throw_longjmp')] },
    { params: ['i32'], code: [10_000, 1000, 100, 10, 1].flatMap((unit, at) => digit(at, unit)) },
    { params: ['i32', 'i32'], code: [...op.get(0), ...op.get(1), 0x6a, ...op.drop] },
    {
      export: exported('handle'),
      params: ['i32', 'i32'],
      results: ['i32'],
      locals: ['i32'],
      code: [...store(CELLS.threw, op.i32(0)), ...chosen, ...op.get(2), ...op.call(own.show), ...op.i32(REPLY_AT)],
    },
    // Both note that they ran; main comes last.
    { export: exported('__wasm_call_ctors'), code: store(CELLS.order, op.i32(1)) },
    {
      export: exported('main'),
      params: ['i32', 'i32'],
      results: ['i32'],
      code: [
        ...store(CELLS.mains, [...load(CELLS.mains), ...op.i32(1), 0x6a]),
        ...store(CELLS.order, [...load(CELLS.order), ...op.i32(1), 0x6a]),
        ...op.i32(0),
      ],
    },
    {
      export: exported('malloc'),
      params: ['i32'],
      results: ['i32'],
      code: [...op.globalGet(1), ...op.globalGet(1), ...op.get(0), 0x6a, ...op.globalSet(1)],
    },
    { export: exported('__errno_location'), results: ['i32'], code: op.i32(CELLS.errno) },
    { export: exported('setThrew'), params: ['i32', 'i32'], code: store(CELLS.threw, op.get(0)) },
    { export: exported('stackSave'), results: ['i32'], code: op.globalGet(0) },
    { export: exported('stackRestore'), params: ['i32'], code: [...op.get(0), ...op.globalSet(0)] },
    {
      export: exported('stackAlloc'),
      params: ['i32'],
      results: ['i32'],
      code: [...op.globalGet(0), ...op.get(0), SUB, ...op.globalSet(0), ...op.globalGet(0)],
    },
  ]
  if (!isLetters) {
    functions.push(
      { export: 'emscripten_stack_init', code: [] },
      { export: 'emscripten_stack_get_base', results: ['i32'], code: op.i32(STACK.base) },
      { export: 'emscripten_stack_get_end', results: ['i32'], code: op.i32(STACK.end) },
      { export: 'sbrk', params: ['i32'], results: ['i32'], code: op.globalGet(1) },
    )
  }
  const spec: WasmSpec = {
    imports: Object.entries(IMPORTS).map(importOf),
    functions,
    memory: { pages: 2, pagesMax: 8, export: exported('memory') },
    globals: [
      { type: 'i32', value: STACK.base, isMutable: true },
      { type: 'i32', value: STACK.base, isMutable: true },
    ],
    table: [own.thrower, own.quiet],
    tableExport: exported('__indirect_function_table'),
    data: [{ at: REPLY_AT, bytes: text(REPLY) }],
  }
  return buildWasm(spec)
}

const PROCESS = 'p'.repeat(43) as TxId
const ENV: GuestEnv = { Process: { Id: PROCESS, Owner: 'o', Tags: [] }, Module: { Id: 'm', Owner: 'w', Tags: [] } }
const limits: GuestLimits = { gasMax: 1_000_000, memoryBytesMax: 2 ** 20, resultBytesMax: 10_000, legacyGasMax: 10_000_000 }
const FORMATS = { letters: 'wasm32-unknown-emscripten', names: 'wasm32-unknown-emscripten2' } as const

const prepare = (kind: Kind): GuestProgram =>
  prepareProgram({ id: `${kind}`.padEnd(43, 'm') as TxId, format: FORMATS[kind], bytes: module(kind) }, limits, { files: noFiles })
/** The sixth byte of the message is the action. */
const send = (session: GuestSession, action: string): Outcome => session.evaluate(encodeValue({ A: action }))
const output = (outcome: Outcome): number => Number(outcome.ok ? new ValueReader(outcome.values).value() : Number.NaN)

describe.each(['letters', 'names'] as const)('modules with %s', (kind) => {
  const program = prepare(kind)
  const session = new GuestSession(program.spawn(PROCESS, ENV))
  const answer = (action: string): number => output(send(session, action))

  it('run their constructors, and then main once', () => expect([answer('m'), answer('m')]).toEqual([12, 12]))
  it('keep their state', () => expect([answer('c'), answer('c')]).toEqual([1, 2]))

  it('come back from a longjmp with what it carried', () => {
    expect(answer('j')).toBe(107)
    expect(answer('v')).toBe(0) // A call that does not jump.
  })

  it('find an environment', () => {
    const user = 'web_user'
    const entries = [`USER=${user}`, `LOGNAME=${user}`, 'PATH=/', 'PWD=/', `HOME=/home/${user}`, 'LANG=C.UTF-8', '_=./this.program']
    expect(answer('e')).toBe(entries.length * 1000 + entries.join('\0').length + 1)
    expect(answer('E')).toBe('/'.charCodeAt(0))
  })

  it('have no shell', () => expect(answer('s')).toBe(52))

  it('know the time zone, and keep its name', () => {
    const first = answer('z')
    expect(first % 100).toBe('C'.charCodeAt(0))
    expect(answer('z')).toBe(first) // At the same address.
  })

  it('have 32 bit times at addresses', () => {
    expect(answer('g')).toBe(71)
    expect(answer('l')).toBe(1)
    expect(answer('t')).toBe(4 * 1000 + 120)
    expect(answer('d')).toBe(0)
  })

  it('open what is not there', () => expect(answer('o')).toBe(kind === 'letters' ? 100 : 100 - 44))
  it('copy memory', () => expect(answer('k')).toBe(77))

  it('get room for four bytes for each character', () => {
    const env = JSON.stringify(ENV)
    expect(answer('b')).toBe(env.length * 4 + 1)
  })

  it('report the gas that they count themselves', () => {
    expect(send(session, 'u')).toMatchObject({ ok: true, gasUsed: 123 })
    expect(send(session, 'c')).toMatchObject({ ok: true, gasUsed: 0 })
  })

  it.each([
    ['U', 'gas', 'out of gas: limit 10000000'],
    ['x', 'trap', 'end itself'],
    ['w', 'trap', 'unreachable'],
  ])('%s ends as %s and leaves nothing behind', (action, kindOfFault, problem) => {
    const before = stateHashOf(session.snapshot())
    const outcome = send(session, action)
    expect(outcome).toMatchObject({ ok: false, kind: kindOfFault, text: expect.stringContaining(problem) })
    if (action === 'U') expect(outcome.gasUsed).toBe(10_000_000)
    expect(stateHashOf(session.snapshot())).toBe(before)
  })

  it('thaw and go on', () => {
    const thawed = new GuestSession(program.thaw(session.snapshot(), ENV))
    expect(output(send(thawed, 'c'))).toBe(output(send(session, 'c')))
    expect(stateHashOf(thawed.snapshot())).toBe(stateHashOf(session.snapshot()))
    thawed.close()
  })
})

describe('modules of the third format', () => {
  const bytes = module('names', { system: '_emscripten_system', _emscripten_date_now: 'emscripten_date_now' })
  const id = 'third'.padEnd(43, 'm') as TxId
  const program = prepareProgram({ id, format: 'wasm32-unknown-emscripten3', bytes }, limits, { files: noFiles })
  const session = new GuestSession(program.spawn(PROCESS, ENV))
  const answer = (action: string): number => output(send(session, action))

  it('run main once, like older ones, and keep their state', () => {
    expect([answer('m'), answer('m')]).toEqual([12, 12])
    expect([answer('c'), answer('c')]).toEqual([1, 2])
  })

  it('jump, and find clock, environment and room for strings as later ones', () => {
    expect([answer('j'), answer('v')]).toEqual([107, 0])
    expect([answer('d'), answer('e')]).toEqual([10_000, 0])
    expect(answer('b')).toBe(JSON.stringify(ENV).length + 1)
  })

  it('report the gas that they count themselves, and thaw and go on', () => {
    expect(send(session, 'u')).toMatchObject({ ok: true, gasUsed: 123 })
    const thawed = new GuestSession(program.thaw(session.snapshot(), ENV))
    expect(output(send(thawed, 'c'))).toBe(answer('c'))
    thawed.close()
  })
})

describe('refused', () => {
  it('an import that is no letter of theirs', () => {
    for (const name of ['Z', 'constructor', '__proto__']) {
      const bytes = buildWasm({
        imports: [{ module: 'a', name }],
        functions: ['G', 'M', 'N', 'O'].map(
          (letter) => ({ export: letter, params: ['i32', 'i32'], results: ['i32'], code: op.i32(0) }) as const,
        ),
        memory: { pages: 1, export: 'E' },
      })
      expect(() =>
        prepareProgram({ id: name.padEnd(43, 'x') as TxId, format: FORMATS.letters, bytes }, limits, { files: noFiles }),
      ).toThrow(expect.objectContaining({ code: 'module-unsupported', message: expect.stringContaining(`a.${name}`) }))
    }
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
