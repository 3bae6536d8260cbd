import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Dice } from '../../test/index-samples.ts'
import { smallModule, WASM32 } from '../../test/small-programs.ts'
import { op } from '../../test/wasm-builder.ts'
import { utf8 } from '../base/bytes.ts'
import { parseTxId, type TxId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import { isSupportedFormat } from './formats.ts'
import type { GuestEnv, GuestModule } from './guest.ts'
import { createGuestPool, type GuestPool, type GuestPoolOptions } from './guest-pool.ts'

function id(name: string): TxId {
  return parseTxId(`${name.padEnd(42, '_')}A`)
}

function moduleOf(source: string, name = 'module'): GuestModule {
  return { id: id(name), format: 'heddle-lua-1', bytes: utf8(source) }
}

/** Counts its messages; evaluates their Data. */
const COUNTER = moduleOf(`
count = 0
function handle(msg, env)
  count = count + 1
  local value = msg.Data and assert(load(msg.Data))()
  return { ok = true, response = { Output = { count = count, value = value, process = env.Process.Id } } }
end`)

function envOf(process: TxId): GuestEnv {
  return { Process: { Id: process, Owner: id('owner'), Tags: [] }, Module: { Id: COUNTER.id, Owner: id('author'), Tags: [] } }
}

const pools: GuestPool[] = []
function startPool(options: Partial<GuestPoolOptions> = {}): GuestPool {
  const pool = createGuestPool({ workers: 1, memoryBytesMax: 256 * 1024 * 1024, log: silentLog, ...options })
  pools.push(pool)
  return pool
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()))
})

async function open(pool: GuestPool, name: string, module = COUNTER, snapshot: Uint8Array | null = null): Promise<TxId> {
  const process = id(name)
  await pool.open(process, module, envOf(process), snapshot)
  return process
}

async function countOf(pool: GuestPool, process: TxId): Promise<unknown> {
  const { result } = await pool.dryRun(process, { Data: 'return count' })
  return (result.Output as { count: number }).count - 1
}

describe('a process in a pool', () => {
  it('evaluates in the order of the calls, across two workers', async () => {
    const pool = startPool({ workers: 2 })
    const processes = [await open(pool, 'one'), await open(pool, 'two')]
    for (const process of processes) {
      const evaluations = await Promise.all(Array.from({ length: 100 }, () => pool.evaluate(process, { Data: 'return "x"' })))
      expect(evaluations.map(({ result }) => result.Output)).toEqual(
        Array.from({ length: 100 }, (_, n) => ({ count: n + 1, value: 'x', process })),
      )
      expect(evaluations.every(({ ok, gasUsed, timeMs }) => ok && gasUsed > 0 && timeMs > 0)).toBe(true)
    }
  })

  it('keeps nothing of a dry run or an error', async () => {
    const pool = startPool()
    const process = await open(pool, 'one')
    await pool.evaluate(process, {})
    expect((await pool.dryRun(process, {})).result.Output).toMatchObject({ count: 2 })
    expect(await pool.evaluate(process, { Data: 'error("no", 0)' })).toMatchObject({ ok: false, failure: 'error', result: { Error: 'no' } })
    expect(await countOf(pool, process)).toBe(1)
  })

  it('goes on from a snapshot, also in another pool', async () => {
    const [first, second] = [startPool(), startPool()]
    const process = await open(first, 'one')
    for (let n = 0; n < 5; n++) await first.evaluate(process, { Data: 'seen = (seen or "") .. math.random(9)' })
    const snapshot = await first.snapshot(process)
    await open(second, 'one', COUNTER, snapshot)
    const message = { Data: 'return seen .. math.random(1, 1000000)' }
    expect((await second.evaluate(process, message)).result).toEqual((await first.evaluate(process, message)).result)
    expect(await second.snapshot(process)).toEqual(await first.snapshot(process))
  })

  it('closes, and can be opened again', async () => {
    const pool = startPool()
    const process = await open(pool, 'one')
    await pool.evaluate(process, {})
    await pool.close(process)
    expect(pool.isOpen(process)).toBe(false)
    await expect(pool.evaluate(process, {})).rejects.toMatchObject({ code: 'guest-lost', facts: { process } })
    await open(pool, 'one')
    expect(await countOf(pool, process)).toBe(0)
    await pool.close(id('never opened'.replaceAll(' ', '_')))
  })

  it('is opened once, however often that is asked for', async () => {
    const pool = startPool()
    const [process] = await Promise.all([open(pool, 'one'), open(pool, 'one')])
    await pool.evaluate(process, {})
    await open(pool, 'one')
    expect(await countOf(pool, process)).toBe(1)
  })
})

describe('programs that cannot run', () => {
  it('are refused with the reason, and harm nobody', async () => {
    const pool = startPool()
    const good = await open(pool, 'good')
    await expect(open(pool, 'broken', moduleOf('this is no Lua', 'broken'))).rejects.toMatchObject({
      code: 'module-unsupported',
      message: expect.stringContaining('syntax error'),
    })
    await expect(open(pool, 'wasm', { ...COUNTER, id: id('wasm'), format: 'wasm-unknown' })).rejects.toMatchObject({
      code: 'module-unsupported',
      message: expect.stringContaining('heddle-lua-1'),
    })
    await expect(open(pool, 'damaged', COUNTER, utf8('no snapshot'))).rejects.toMatchObject({ code: 'encoding-invalid' })
    expect(pool.isOpen(id('broken'))).toBe(false)
    expect(await countOf(pool, good)).toBe(0)
  })

  it('knows its formats', () => {
    expect(isSupportedFormat('heddle-lua-1')).toBe(true)
    expect(isSupportedFormat('wasm64-unknown-emscripten-draft_2024_02_15')).toBe(true)
    expect(isSupportedFormat('wasm-unknown')).toBe(false)
  })
})

describe('programs that do not end', () => {
  const ENDLESS = { Data: 'while true do end' }
  const unmetered = { timeMsMax: 400, gasMax: 2 ** 52 }

  it('run out of gas first; the next message is served at once', async () => {
    const pool = startPool({ gasMax: 1_000_000 })
    const process = await open(pool, 'one')
    expect(await pool.evaluate(process, ENDLESS)).toMatchObject({
      ok: false,
      failure: 'gas',
      gasUsed: 1_000_000,
      result: { Error: 'out of gas: limit 1000000' },
    })
    expect((await pool.evaluate(process, {})).result.Output).toMatchObject({ count: 1 })
  })

  it('are stopped by the clock otherwise, which costs the other processes of the worker no more than being opened again', async () => {
    const pool = startPool(unmetered)
    const [bad, neighbour] = [await open(pool, 'bad'), await open(pool, 'neighbour')]
    const lost: TxId[] = []
    pool.onLost((process) => {
      expect(pool.isOpen(process)).toBe(false)
      lost.push(process)
    })
    const snapshot = await pool.snapshot(neighbour)
    const [evaluation, behind] = await Promise.allSettled([pool.evaluate(bad, ENDLESS), pool.evaluate(neighbour, {})])
    expect(evaluation).toMatchObject({
      value: {
        ok: false,
        failure: 'time',
        result: { Error: 'out of time: this node stops a message that runs for more than 400 ms', Messages: [] },
      },
    })
    expect(behind).toMatchObject({ reason: { code: 'guest-lost', facts: { process: neighbour } } })
    expect(lost.sort()).toEqual([bad, neighbour].sort())
    await open(pool, 'neighbour', COUNTER, snapshot)
    expect((await pool.evaluate(neighbour, {})).result.Output).toMatchObject({ count: 1 })
  })

  it('are lost by the clock when they do not even start', async () => {
    const pool = startPool(unmetered)
    await expect(open(pool, 'slow', moduleOf('while true do end', 'slow'))).rejects.toMatchObject({
      code: 'guest-lost',
      facts: { cause: 'time' },
      message: expect.stringContaining('more than 400 ms'),
    })
    expect(await countOf(pool, await open(pool, 'one'))).toBe(0)
  })
})

describe('a message that takes long', () => {
  const LONG = { Data: 'local from = 0 while from < 40000000 do from = from + 1 end' }

  it('does not keep the other processes of its worker waiting: they are given up, to be opened in another one', async () => {
    const pool = startPool()
    const [slow, open1, idle] = [await open(pool, 'slow'), await open(pool, 'open1'), await open(pool, 'idle')]
    const lost: TxId[] = []
    pool.onLost((process) => lost.push(process))
    let isDone = false
    const working = pool.evaluate(slow, LONG).finally(() => {
      isDone = true
    })
    const behind = [pool.evaluate(open1, {}), pool.dryRun(open1, {})]
    const opening = open(pool, 'new')
    for (const job of [...behind, opening])
      await expect(job).rejects.toMatchObject({ code: 'guest-lost', message: expect.stringContaining('busy') })
    expect(lost).toEqual([open1])
    expect([pool.isOpen(open1), pool.isOpen(idle), pool.isOpen(slow)]).toEqual([false, true, true])
    await open(pool, 'open1')
    expect((await pool.evaluate(open1, {})).result.Output).toMatchObject({ count: 1 })
    expect(isDone).toBe(false)
    expect(await working).toMatchObject({ ok: true })
    expect(await Promise.all([countOf(pool, slow), countOf(pool, open1), countOf(pool, idle)])).toEqual([1, 1, 0])
  })

  it('is alone with its process: what waits in the same process keeps its place', async () => {
    const pool = startPool()
    const slow = await open(pool, 'slow')
    const [, second] = await Promise.all([pool.evaluate(slow, LONG), pool.evaluate(slow, {})])
    expect(second!.result.Output).toMatchObject({ count: 2 })
  })
})

describe('recursion in a worker ends in an error of the program, not of the machine', () => {
  let shared: GuestPool | undefined
  afterAll(() => shared?.stop())
  it.each([
    ['plain', 'local function f() return 1 + f() end return f()'],
    ['pcall', 'local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end return f()'],
    ['gsub', 'local function f() return (("a"):gsub("a", f)) end return f()'],
    ['sort', 'local function f() table.sort({ 1, 2, 3 }, f) end return f()'],
    ['coroutine', 'local function f() return coroutine.wrap(f)() end return f()'],
    ['metamethod', 'local t = setmetatable({}, { __index = function(t, k) return t[k .. 1] end }) return t.x'],
    ['tostring', 'local t = setmetatable({}, { __tostring = function(t) return tostring(t) end }) return tostring(t)'],
    ['load', 'local function f() return assert(load(f))() end return f()'],
    ['nested tables', 'local s = "return " .. ("{"):rep(190) .. ("}"):rep(190) for _ = 1, 3 do load(s)() end error("stack overflow")'],
  ])('%s', async (_name, code) => {
    if (shared === undefined) {
      shared = createGuestPool({ workers: 1, memoryBytesMax: 256 * 1024 * 1024, log: silentLog })
      await open(shared, 'one')
    }
    const [pool, process] = [shared, id('one')]
    const evaluation = await pool.evaluate(process, { Data: code })
    expect(evaluation).toMatchObject({
      ok: false,
      failure: 'error',
      result: { Error: expect.stringMatching(/overflow|error in error handling/) },
    })
    expect(await countOf(pool, process)).toBe(0)
  })
})

describe('memory', () => {
  it('is made room in by evicting the least recently used process, whose state is handed over', async () => {
    const pool = startPool({ memoryBytesMax: 2 * 1024 * 1024 })
    const evicted = new Map<TxId, Uint8Array>()
    const order: TxId[] = []
    const handedOver = new Promise<void>((resolve) =>
      pool.onEvicted(async (process, takeSnapshot) => {
        expect(pool.isOpen(process)).toBe(false)
        order.push(process)
        if (process !== id('first')) return
        evicted.set(process, await takeSnapshot())
        resolve()
      }),
    )
    const first = await open(pool, 'first')
    await pool.evaluate(first, { Data: 'kept = "state"' })
    const others = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => open(pool, name)))
    await handedOver
    expect(order[0]).toBe(first)
    expect(pool.isOpen(first)).toBe(false)
    expect(pool.isOpen(others.at(-1)!)).toBe(true)
    await open(pool, 'first', COUNTER, evicted.get(first) ?? null)
    expect((await pool.evaluate(first, { Data: 'return kept' })).result.Output).toMatchObject({ count: 2, value: 'state' })
  })

  it('is made room in only after everybody has noted what the process did last', async () => {
    const pool = startPool({ memoryBytesMax: 1 })
    const seen = new Map<TxId, string>()
    const wrong: string[] = []
    pool.onEvicted((process) => {
      if (seen.get(process) !== 'noted') wrong.push(process)
    })
    const note = async (process: TxId, work: Promise<unknown>): Promise<void> => {
      seen.set(process, 'under way')
      await work
      for (let hops = 0; hops < 5; hops++) await null // As many as callers take until they come to it.
      seen.set(process, 'noted')
    }
    for (let round = 0; round < 20; round++)
      await Promise.all(
        ['a', 'b', 'c'].map(async (name) => {
          await note(id(name), open(pool, name))
          if (pool.isOpen(id(name))) await note(id(name), pool.evaluate(id(name), {}))
        }),
      )
    expect(seen.size).toBe(3)
    expect(wrong).toEqual([])
  })

  it('ends for one program without ending for its neighbours', async () => {
    const pool = startPool({ guestMemoryBytesMax: 32 * 1024 * 1024 })
    const [greedy, neighbour] = [await open(pool, 'greedy'), await open(pool, 'neighbour')]
    const evaluation = await pool.evaluate(greedy, { Data: 'local t = {} while true do t[#t + 1] = ("x"):rep(1024):rep(64) end' })
    expect(evaluation).toMatchObject({
      ok: false,
      failure: 'memory',
      result: { Error: expect.stringMatching(/not enough memory.*\(limit 33554432 bytes\)/) },
    })
    expect(await countOf(pool, greedy)).toBe(0)
    expect(await countOf(pool, neighbour)).toBe(0)
  })
})

describe('the number of instances', () => {
  it('has an end of its own, however small they are', async () => {
    const pool = startPool({ workers: 2, instancesMax: 5 })
    const evicted = new Set<TxId>()
    pool.onEvicted((process) => evicted.add(process))
    const processes: TxId[] = []
    for (let n = 0; n < 12; n++) processes.push(await open(pool, `p${n}`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(processes.map((process) => pool.isOpen(process))).toEqual(processes.map((_, n) => n >= 7))
    expect([...evicted]).toEqual(processes.slice(0, 7))
  })
})

describe('a result of a great many values', () => {
  const HEAD = '{"ok":true,"response":{"Messages":['
  const LIST_AT = 70_000
  const word = (four: string): number[] => op.i32(new DataView(utf8(four).buffer).getInt32(0, true))
  /** Answers a list of 1.3 million empty objects: small as text, large as values. */
  const LIST = smallModule(WASM32, {
    memory: { pages: 128 },
    locals: ['i32'],
    handle: [
      ...op.i32(LIST_AT),
      ...op.set(2),
      ...[0x03, 0x40], // loop
      ...['{},{', '},{}', ',{},'].flatMap((four, i) => [...op.get(2), ...word(four), ...op.i32Store(i * 4)]),
      ...[...op.get(2), ...op.i32(12), ...op.i32Add, ...op.set(2)],
      ...[...op.get(2), ...op.i32(4_000_000), 0x48, 0x0d, 0, 0x0b], // i32.lt_s, br_if, end
      ...[...op.get(2), ...word('0]}}'), ...op.i32Store()],
      ...op.i32(LIST_AT - HEAD.length),
    ],
    data: [{ at: LIST_AT - HEAD.length, bytes: utf8(HEAD) }],
  })

  it.each([
    ['from aos', LIST, {}],
    ['from Lua', COUNTER, { Data: 'local t = {} for i = 1, 600000 do t[i] = true end return t' }],
  ])('is an error, %s', async (_name, module, message) => {
    const pool = startPool()
    const [greedy, neighbour] = [await open(pool, 'greedy', module), await open(pool, 'neighbour')]
    expect(await pool.evaluate(greedy, message)).toMatchObject({
      ok: false,
      failure: 'error',
      result: { Error: expect.stringContaining('may hold 500000 values'), Messages: [] },
    })
    expect(await countOf(pool, neighbour)).toBe(0)
  })
})

describe('workers that are killed at random', () => {
  it('lose no message that was answered, and repeat none', async () => {
    const dice = new Dice(7)
    const workers = new Set<{ crash(): void }>()
    const pool = startPool({ workers: 2, onWorker: (worker) => workers.add(worker) })
    const counts = new Map<TxId, number>()
    const kill = (): void => {
      const victim = dice.pick([...workers].slice(-3))
      workers.delete(victim)
      victim.crash()
    }
    const work = async (process: TxId): Promise<void> => {
      let snapshot: Uint8Array | null = null
      let kept = 0
      while (kept < 60) {
        try {
          if (!pool.isOpen(process)) {
            await open(pool, process.slice(0, 2), COUNTER, snapshot)
            expect(await countOf(pool, process)).toBe(kept)
          }
          const evaluations = await Promise.all([1, 2, 3].map(() => pool.evaluate(process, {})))
          const next = kept + evaluations.length
          expect(evaluations.map(({ result }) => (result.Output as { count: number }).count)).toEqual([kept + 1, kept + 2, kept + 3])
          snapshot = await pool.snapshot(process)
          kept = next
          if (dice.chance(8)) kill()
        } catch (error) {
          expect(error).toMatchObject({ code: 'guest-lost' })
          await pool.close(process).catch(() => {}) // What was evaluated beyond the last snapshot is done again.
        }
      }
      counts.set(process, kept)
    }
    await Promise.all(['p0', 'p1', 'p2', 'p3'].map((name) => work(id(name))))
    expect([...counts.values()]).toEqual([60, 60, 60, 60])
    expect(workers.size).toBeGreaterThan(2)
  })
})

describe('stopping', () => {
  it('says so to whoever waits, and to whoever comes later', async () => {
    const pool = startPool({ gasMax: 2 ** 52 })
    const process = await open(pool, 'one')
    const waiting = pool.evaluate(process, { Data: 'while true do end' })
    const refused = expect(waiting).rejects.toMatchObject({ code: 'stopping' })
    await pool.stop()
    await refused
    await expect(pool.evaluate(process, {})).rejects.toMatchObject({ code: 'stopping' })
    await expect(open(pool, 'two')).rejects.toMatchObject({ code: 'stopping' })
  })
})
