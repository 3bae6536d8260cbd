/** Modules that are broken, or mean harm: a coded refusal or a fault each, never a crash or a hang, and the next message is fine. */
import { describe, expect, it } from 'vitest'
import { buildWasm, op, text, type WasmFunction, type WasmSpec } from '../../../test/wasm-builder.ts'
import type { TxId } from '../../base/ids.ts'
import { prepareProgram } from '../formats.ts'
import type { GuestInstance, GuestLimits, GuestProgram } from '../guest.ts'
import { GuestSession, type Outcome } from '../guest-session.ts'
import { noFiles } from '../host-files.ts'
import { stateHash } from '../snapshot.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'
import { ImageBuffer } from '../wasm/state-image.ts'

const LIMITS: GuestLimits = { memoryBytesMax: 16 * 65_536, gasMax: 1_000_000, resultBytesMax: 4096 }
const ENV = { Process: { Id: 'p', Owner: 'o', Tags: [] }, Module: { Id: 'm', Owner: 'o', Tags: [] } }
const MESSAGE = encodeValue({ Id: 'i', Data: '' })
const STACK_TOP = 2 * 65_536
const REPLY = 1024
/** Where OK has the digit. */
const DIGIT = REPLY + '{"ok":true,"response":{"Output":"'.length
const OK = '{"ok":true,"response":{"Output":"0"}}\0'
/** Global 1. */
const COUNTER = 1
const COUNT = [
  ...[...op.globalGet(COUNTER), ...op.i32(1), ...op.i32Add, ...op.globalSet(COUNTER)],
  ...[...op.i32(DIGIT), ...op.i32(48), ...op.globalGet(COUNTER), ...op.i32Add, 0x3a, 0, 0],
]

interface Hostile {
  readonly handle?: readonly number[]
  readonly parameters?: readonly ('i32' | 'i64')[]
  readonly reply?: string | Uint8Array
  readonly imports?: WasmSpec['imports']
  readonly constructors?: readonly number[]
  readonly more?: readonly WasmFunction[]
  readonly without?: string
  readonly pages?: number
  readonly pagesMax?: number
  readonly table?: readonly number[]
}

/** A small module with the interface of emscripten; `handle` runs before it answers with `reply`. */
function moduleOf({
  handle = [],
  parameters = ['i32', 'i32'],
  reply = OK,
  imports = [],
  constructors = [],
  more = [],
  without,
  pages = 2,
  pagesMax,
  table,
}: Hostile) {
  const functions: WasmFunction[] = [
    { export: 'handle', params: parameters, results: ['i32'], code: [...handle, ...op.i32(REPLY)] },
    { export: 'emscripten_stack_get_current', results: ['i32'], code: op.globalGet(0) },
    { export: '_emscripten_stack_restore', params: ['i32'], code: [...op.get(0), ...op.globalSet(0)] },
    {
      export: '_emscripten_stack_alloc',
      params: ['i32'],
      results: ['i32'],
      code: [...op.globalGet(0), ...op.get(0), 0x6b, ...op.i32(-16), 0x71, ...op.globalSet(0), ...op.globalGet(0)],
    },
    { export: '__wasm_call_ctors', code: constructors },
    { export: 'setThrew', params: ['i32', 'i32'] },
    ...more,
  ]
  return buildWasm({
    imports,
    functions: functions.map((one) => (one.export === without ? { ...one, export: undefined } : one) as WasmFunction),
    memory: { pages, ...(pagesMax === undefined ? {} : { pagesMax }) },
    globals: [
      { type: 'i32', value: STACK_TOP, isMutable: true },
      { type: 'i32', value: 0, isMutable: true },
    ],
    data: [{ at: REPLY, bytes: typeof reply === 'string' ? text(reply) : reply }],
    ...(table === undefined ? {} : { table }),
  })
}

let lastModule = 0

function programOf(bytes: Uint8Array, limits: Partial<GuestLimits> = {}): GuestProgram {
  lastModule += 1
  const id = String(lastModule).padStart(43, 'm') as TxId
  return prepareProgram({ id, format: 'wasm32-unknown-emscripten4', bytes }, { ...LIMITS, ...limits }, { files: noFiles })
}

function spawn(hostile: Hostile, limits?: Partial<GuestLimits>): { readonly session: GuestSession; readonly instance: GuestInstance } {
  const instance = programOf(moduleOf(hostile), limits).spawn('p' as TxId, ENV)
  return { session: new GuestSession(instance), instance }
}

const send = (session: GuestSession): Outcome => session.evaluate(MESSAGE)
const outputOf = (outcome: Outcome): unknown => (outcome.ok ? new ValueReader(outcome.values).value() : outcome)
const hashOf = (instance: GuestInstance): string => stateHash(instance.capture(new ImageBuffer()))

describe('a module is refused', () => {
  const refused = (bytes: Uint8Array, reason: string): void => {
    const expected = expect.objectContaining({ code: 'module-unsupported', message: expect.stringContaining(reason) })
    expect(() => programOf(bytes), reason).toThrow(expected)
  }

  it('when it is no WebAssembly, or cut short, or not valid', () => {
    const whole = moduleOf({})
    refused(text('hello, this is text'), 'it is not a WebAssembly 1.0 binary')
    refused(new Uint8Array(0), 'cut short')
    for (const size of [9, 40, whole.length - 5])
      expect(() => programOf(whole.subarray(0, size)), String(size)).toThrow(expect.objectContaining({ code: 'module-unsupported' }))
    refused(moduleOf({ handle: [...op.drop] }), 'it is not valid')
  })

  it('when it lacks what a host needs', () => {
    refused(moduleOf({ without: 'handle' }), 'it exports no handle')
    refused(moduleOf({ without: '_emscripten_stack_alloc' }), 'does not export its stack')
    refused(buildWasm({ functions: [{ export: 'fac', params: ['f64'], results: ['f64'], code: op.get(0) }] }), 'it exports no memory')
    refused(moduleOf({ parameters: ['i32'] }), 'handle does not take')
  })

  it('when it imports what is not there, by name', () => {
    const imports = [
      { module: 'env', name: 'launch_missiles', params: ['i32'] },
      { module: 'env', name: 'emscripten_date_now', results: ['f64'] },
      { module: 'wasi_snapshot_preview1', name: 'sock_open', results: ['i32'] },
    ] as const
    refused(moduleOf({ imports }), 'it imports env.launch_missiles, wasi_snapshot_preview1.sock_open, which this node does not have')
    refused(moduleOf({ imports: [{ module: 'env', name: 'constructor' }] }), 'env.constructor')
  })

  it('when it wants more memory than there is', () => {
    refused(moduleOf({ pages: 8193 }), 'its memory starts with 536936448 bytes')
    const huge = buildWasm({
      memory: { pages: 1_048_576, is64: true },
      functions: [{ export: 'handle', params: ['i64', 'i64'], results: ['i64'], code: op.i64(0) }],
    })
    expect(() => programOf(huge)).toThrow(expect.objectContaining({ code: 'module-unsupported' }))
  })

  it('when its start loops, traps or leaves', () => {
    refused(moduleOf({ constructors: op.forever() }), 'it does not start: out of gas')
    refused(moduleOf({ constructors: op.unreachable }), 'it does not start: the program crashed: unreachable')
    const imports = [{ module: 'env', name: 'exit', params: ['i32'] }] as const
    refused(
      moduleOf({ imports, constructors: [...op.i32(3), ...op.call(0)] }),
      'it does not start: the program tried to end itself, with status 3',
    )
  })

  it('when it changes its function table', () => {
    refused(moduleOf({ table: [0], handle: [...op.i32(0), 0xd0, 0x70, 0x26, 0] }), 'changes its function tables')
  })
})

describe('a reply', () => {
  const replies: readonly (readonly [name: string, reply: string | Uint8Array, reason: string])[] = [
    ['that is empty', '\0', 'returned nothing'],
    ['that is no JSON', 'oh no\0', 'no JSON object: oh no'],
    ['that is JSON but no object', '7\0', 'no JSON object: 7'],
    ['that is null', 'null\0', 'no JSON object: null'],
    ['without ok', '{"response":{"Output":1}}\0', '{"Output":1}'],
    ['without a result', '{"ok":true}\0', 'without a result'],
    ['that says it failed', '{"ok":false,"response":"[string \\"x\\"]:1: boom"}\0', '[string "x"]:1: boom'],
    ['that says it failed, and not why', '{"ok":false}\0', 'without saying why'],
    ['that nests too deep', `{"ok":true,"response":{"Output":${'['.repeat(200)}${']'.repeat(200)}}}\0`, 'cannot be kept'],
    ['that is too long', `{"ok":true,"response":{"Output":"${'x'.repeat(5000)}"}}\0`, 'gave more than 4096 bytes of text'],
  ]
  it.each(replies)('%s is an error', (_name, reply, reason) => {
    const { session, instance } = spawn({ reply, handle: [...op.globalGet(COUNTER), ...op.i32(1), ...op.i32Add, ...op.globalSet(COUNTER)] })
    const before = hashOf(instance)
    for (let i = 0; i < 2; i++) expect(send(session)).toMatchObject({ ok: false, kind: 'error', text: expect.stringContaining(reason) })
    expect(hashOf(instance)).toBe(before)
  })

  it.each([
    ['before its memory', op.i32(-16)],
    ['beyond its memory', op.i32(3 * 65_536)],
    ['without an end', [...op.i32(STACK_TOP - 1), ...op.i32(88), 0x3a, 0, 0, ...op.i32(STACK_TOP - 1)]],
  ])('%s is a trap', (_name, code) => {
    const { session } = spawn({ handle: [...code, ...op.return] })
    expect(send(session)).toMatchObject({ ok: false, kind: 'trap' })
  })

  it('may hold any JSON, which comes out as it is', () => {
    const response = { Output: { a: [1, 2.5, null, true], __proto__x: 'ü' }, Messages: [{ Target: 't' }], Extra: 1, Error: '' }
    const { session } = spawn({ reply: `${JSON.stringify({ ok: true, response })}\0` })
    const outcome = send(session)
    const reader = new ValueReader(outcome.ok ? outcome.values : new Uint8Array(0))
    expect(Array.from({ length: 5 }, () => reader.value())).toEqual([response.Output, response.Messages, null, null, null])
  })
})

describe('a program', () => {
  it('keeps what is in its globals and memory', () => {
    const { session, instance } = spawn({ handle: COUNT })
    expect([1, 2, 3].map(() => outputOf(send(session)))).toEqual(['1', '2', '3'])
    expect(outputOf(session.dryRun(MESSAGE))).toBe('4')
    expect(outputOf(send(session))).toBe('4')
    expect(hashOf(instance)).toHaveLength(64)
  })

  it.each([
    ['loops', op.forever(), 'gas', 'out of gas: limit 1000000'],
    ['traps', op.unreachable, 'trap', 'the program crashed: unreachable'],
    ['recurses', [...op.get(0), ...op.get(1), ...op.call(0), ...op.drop], 'stack', 'stack overflow'],
    ['reads outside', [...op.i32(2 ** 30), ...op.i32Load(), ...op.drop], 'trap', 'memory access out of bounds'],
  ])('that %s is stopped, and goes on with the next message', (_name, code, kind, reason) => {
    const onSecond = [...op.globalGet(COUNTER), ...op.i32(2), 0x4e, ...op.ifThen(code)]
    const { session, instance } = spawn({ handle: [...COUNT, ...onSecond] }, kind === 'stack' ? { gasMax: 100_000_000 } : {})
    expect(outputOf(send(session))).toBe('1')
    const before = hashOf(instance)
    for (let i = 0; i < 3; i++) {
      expect(send(session)).toMatchObject({ ok: false, kind, text: expect.stringContaining(reason) })
      expect(hashOf(instance)).toBe(before)
    }
    expect(instance.gasUsed).toBeGreaterThan(0)
  })

  it('that grows its memory gets as much as it may have, and is as small as before when that is taken back', () => {
    const size = [...op.i32(DIGIT), ...op.i32(48), 0x3f, 0, ...op.i32Add, 0x3a, 0, 0]
    const grow = [...op.i32(3), ...op.grow, ...op.drop]
    const { session } = spawn({ handle: [...grow, ...size] })
    expect(outputOf(session.dryRun(MESSAGE))).toBe('5')
    expect(outputOf(session.dryRun(MESSAGE))).toBe('5')
    expect(outputOf(send(session))).toBe('5')
    expect(outputOf(session.dryRun(MESSAGE))).toBe('8')
    const greedy = spawn({ handle: [...op.i32(20), ...op.grow, ...op.i32(-1), ...op.i32Eq, ...op.ifThen(COUNT)] })
    expect(outputOf(send(greedy.session)), 'growing failed').toBe('1')
  })

  it('that has more memory from the start than its process asked for keeps it, and gets no more', () => {
    const imports = [{ module: 'env', name: 'emscripten_resize_heap', params: ['i32'], results: ['i32'] }] as const
    const asks = [...op.i32(DIGIT), ...op.i32(48), ...op.i32(2_000_000), ...op.call(0), ...op.i32Add, 0x3a, 0, 0]
    expect(outputOf(send(spawn({ imports, handle: asks, pages: 20 }).session))).toBe('0')
    expect(outputOf(send(spawn({ imports, handle: asks, pages: 20 }, { memoryBytesMax: 40 * 65_536 }).session))).toBe('1')
  })

  it('that catches all exceptions does not catch those of the host', () => {
    const imports = [
      { module: 'env', name: 'exit', params: ['i32'] },
      { module: 'env', name: '_emscripten_memcpy_js', params: ['i32', 'i32', 'i32'] },
    ] as const
    const caught = (code: readonly number[]): number[] => [0x06, 0x40, ...code, 0x19, 0x0b]
    const leaves = spawn({ imports, handle: caught([...op.i32(0), ...op.call(0)]) })
    expect(send(leaves.session)).toMatchObject({ ok: false, kind: 'trap', text: expect.stringContaining('tried to end itself') })
    const copies = caught(op.forever([...op.i32(0), ...op.i32(0), ...op.i32(60_000), ...op.call(1)]))
    expect(send(spawn({ imports, handle: copies }).session)).toMatchObject({ ok: false, kind: 'gas' })
  })

  it('that calls a function that is not in its table, or jumps to nowhere, traps', () => {
    const imports = [
      { module: 'env', name: 'invoke_v', params: ['i32'] },
      { module: 'env', name: '_emscripten_throw_longjmp' },
    ] as const
    const handle = [...op.i32(7), ...op.call(0)]
    expect(send(spawn({ imports, table: [2], handle }).session)).toMatchObject({ ok: false, kind: 'trap' })
    expect(send(spawn({ imports, handle }).session)).toMatchObject({ ok: false, kind: 'trap' })
    expect(send(spawn({ imports, handle: op.call(1) }).session)).toMatchObject({
      ok: false,
      kind: 'trap',
      text: expect.stringContaining('jumped'),
    })
  })

  it('that gets a message larger than its stack is not overwritten by it', () => {
    const { session, instance } = spawn({ handle: COUNT })
    const before = hashOf(instance)
    const large = session.evaluate(encodeValue({ Data: 'x'.repeat(200_000) }))
    expect(large).toMatchObject({ ok: false })
    expect(hashOf(instance)).toBe(before)
    expect(outputOf(send(session))).toBe('1')
  })
})

describe('a standalone module', () => {
  const imports = [{ module: 'wasi_snapshot_preview1', name: 'proc_exit', params: ['i32'] }] as const
  const startWith = (status: number): WasmFunction[] => [
    { export: '_start', code: [...op.i32(5), ...op.globalSet(COUNTER), ...op.i32(status), ...op.call(0), ...op.unreachable] },
  ]

  it('begins with _start, which ends by leaving, and then takes messages', () => {
    const { session } = spawn({ imports, more: startWith(0), handle: COUNT })
    expect([1, 2].map(() => outputOf(send(session)))).toEqual(['6', '7'])
  })

  it('that leaves with a failure is refused', () => {
    const expected = expect.objectContaining({ code: 'module-unsupported', message: expect.stringContaining('with status 1') })
    expect(() => spawn({ imports, more: startWith(1) })).toThrow(expected)
  })
})

describe('a module with stack and heap of its own', () => {
  const HEAP = 3 * 65_536
  const regions = (sbrk: readonly number[]): WasmFunction[] => [
    { export: 'emscripten_stack_get_end', results: ['i32'], code: op.i32(65_536) },
    { export: 'emscripten_stack_get_base', results: ['i32'], code: op.i32(STACK_TOP) },
    { export: 'sbrk', params: ['i32'], results: ['i32'], code: sbrk },
  ]

  it('keeps what lies outside of its stack', () => {
    const { session, instance } = spawn({ handle: COUNT, pages: 4, more: regions(op.i32(HEAP)) })
    expect(instance.stateBytes).toBe(65_536 + HEAP - STACK_TOP)
    expect([1, 2].map(() => outputOf(send(session)))).toEqual(['1', '2'])
  })

  it('is stopped when its stack runs over', () => {
    const deep = [...op.i32(1000), ...op.globalSet(0), ...COUNT]
    const { session, instance } = spawn({ handle: deep, pages: 4, more: regions(op.i32(HEAP)) })
    const before = hashOf(instance)
    expect(send(session)).toMatchObject({ ok: false, kind: 'stack' })
    expect(hashOf(instance)).toBe(before)
  })

  it('that lies about its heap, or loops when asked, fails its messages and nothing else', () => {
    const later = (code: readonly number[]): WasmFunction[] => regions([...op.globalGet(COUNTER), ...op.ifThen(code), ...op.i32(HEAP)])
    for (const code of [op.forever(), op.unreachable, [...op.i32(-1), ...op.return], [...op.i32(5), ...op.return]]) {
      const { session, instance } = spawn({ handle: COUNT, pages: 4, more: later(code) })
      const before = hashOf(instance)
      expect(send(session)).toMatchObject({ ok: false })
      expect(hashOf(instance)).toBe(before)
    }
  })

  it('that gives memory back leaves nothing in it', () => {
    const shrinks = regions([...op.i32(HEAP), ...op.globalGet(COUNTER), ...op.i32(65_536 / 2), 0x6c, 0x6b])
    const dirty = [...op.i32(HEAP - 8), ...op.i32(7), ...op.i32Store()]
    const { session, instance } = spawn({ handle: [...COUNT, ...dirty], pages: 4, more: shrinks })
    expect(outputOf(send(session))).toBe('1')
    const memory = instance.memory?.() ?? new Uint8Array(0)
    expect(memory.subarray(HEAP - 32_768).every((byte) => byte === 0)).toBe(true)
  })
})
