import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { AO_REQUEST_GAS } from '../../base/limits.ts'
import { readSnapshotHeader } from '../snapshot.ts'
import { type AoInstance, type AoSettings, prepareAoProgram } from './ao-program.ts'
import { type AoHost, type AoKeep, type AoOutcome, AoSession } from './ao-session.ts'
import type { AoRequest, LuaValue } from './ao-values.ts'

const LIMITS = { memoryBytesMax: 64 * 1024 * 1024, gasMax: 50_000_000, resultBytesMax: 1024 * 1024 }
const MODULE = `
function run(code, ...) return load(code, "=code")(...) end
function same(...) return ... end`

const noHost: AoHost = { ask: ({ name }) => Promise.reject(new Error(`asked ${name}`)) }

function program(
  source: string | readonly (readonly [name: string, source: string])[] = MODULE,
  settings: AoSettings = {},
  limits = LIMITS,
) {
  const modules = typeof source === 'string' ? ([['test', source]] as const) : source
  return prepareAoProgram(
    modules.map(([name, text]) => ({ name, source: utf8(text) })),
    limits,
    settings,
  )
}

const testProgram = program()

class Rig {
  readonly instance: AoInstance
  readonly session: AoSession

  constructor(instance: AoInstance) {
    this.instance = instance
    this.session = new AoSession(instance)
  }

  call(name: string, parameters: readonly LuaValue[] = [], host = noHost, keep: AoKeep = 'all'): Promise<AoOutcome> {
    return this.session.call({ function: name, parameters, timeMs: 1_700_000_000_123 }, host, keep)
  }

  /** Value of a call that must succeed. */
  async value(name: string, parameters: readonly LuaValue[] = [], host = noHost): Promise<LuaValue> {
    const outcome = await this.call(name, parameters, host)
    if (!outcome.ok) throw new Error(String(outcome.body))
    return outcome.value
  }

  run(code: string, ...parameters: LuaValue[]): Promise<LuaValue> {
    return this.value('run', [code, ...parameters])
  }

  async body(code: string, host = noHost): Promise<LuaValue> {
    const outcome = await this.call('run', [code], host)
    expect(outcome.ok).toBe(false)
    return outcome.ok ? null : outcome.body
  }

  hash(): string {
    return readSnapshotHeader(this.session.snapshot()).stateHash
  }
}

function spawn(source?: Parameters<typeof program>[0], settings: AoSettings = {}): Rig {
  return new Rig((source === undefined ? testProgram : program(source, settings)).spawn('seed'))
}

/** Answers in order, and remembers what was asked. */
function answering(...answers: readonly (readonly LuaValue[])[]): AoHost & { readonly asked: AoRequest[] } {
  const asked: AoRequest[] = []
  return {
    asked,
    ask(request) {
      asked.push(request)
      return Promise.resolve(answers[asked.length - 1] ?? [])
    },
  }
}

describe('calls', () => {
  it('base, request and options go in, a result comes out', async () => {
    const rig = spawn(`
      function hello(base, req, opts) base.hello = req.name or "world" base.opts = opts return base end
      function error_response() return "error", "Very bad, but Lua caught it." end
      function assoctable() return { a = 1, b = 2, c = 3 } end
      function ListTable() return { 1, 2, 3 } end`)
    expect(await rig.call('hello', [{ 'test-value': 42n }, { name: 'Alice' }, {}])).toMatchObject({
      ok: true,
      status: 'ok',
      value: { 'test-value': 42n, hello: 'Alice', opts: {} },
    })
    expect(await rig.call('error_response')).toMatchObject({ ok: true, status: 'error', value: 'Very bad, but Lua caught it.' })
    expect(await rig.value('assoctable')).toEqual({ a: 1n, b: 2n, c: 3n })
    expect(await rig.value('ListTable')).toEqual([1n, 2n, 3n])
  })

  it('modules share one state, in order, each under its name', async () => {
    const rig = spawn([
      ['first', 'x = 1 function get() return x end'],
      ['second', 'x = x + 1\nfunction get2() return get() + 1 end\nfunction bad()\n error("no")\nend'],
    ])
    expect(await rig.value('get')).toBe(2n)
    expect(await rig.value('get2')).toBe(3n)
    expect(await rig.call('bad')).toMatchObject({
      ok: false,
      status: 500,
      kind: 'error',
      body: 'second:4: no',
      trace: [{ function: 'bad', line: 'second:4' }],
    })
    expect(rig.session.functions()).toEqual(expect.arrayContaining(['assert', 'bad', 'get', 'get2', 'pairs']))
    expect(rig.session.functions()).not.toContain('x')
  })

  it.each([
    ['nothing', 'return', /returned 0 values/],
    ['three values', 'return "ok", 1, 2', /returned 3 values/],
    ['a status that is no text', 'return 200, {}', /its status, is no text/],
    ['a function', 'return print', /contains a function/],
    ['a coroutine inside', 'return { co = coroutine.create(print) }', /contains a thread/],
    ['a table in itself', 'local t = {} t.t = t return t', /deeper than 100/],
    ['a table as key', 'return { [{}] = 1 }', /a table as a key/],
    ['too much', 'return string.rep("x", 2000000)', /larger than 1048576 bytes/],
  ])('a function that returns %s has failed', async (_name, code, problem) => {
    const rig = spawn()
    const before = rig.hash()
    expect(await rig.body(`changed = true ${code}`)).toMatch(problem)
    expect(rig.hash()).toBe(before)
  })

  it('a missing function is an error', async () => {
    expect(await spawn().call('nope')).toMatchObject({ ok: false, status: 500, body: "attempt to call a nil value (global 'nope')" })
  })

  it('time is what the caller says, in seconds', async () => {
    expect(await spawn().run('return { os.time(), os.date("!%F") }')).toEqual([1_700_000_000n, '2023-11-14'])
  })
})

describe('values', () => {
  it('integers, floats, bytes, booleans and nil come back as they went in', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const large = new Uint8Array(100_000).map((_, at) => (at * 31) ^ (at >> 8))
    const values: LuaValue = {
      ...{
        small: 5n,
        big: 2n ** 53n + 1n,
        most: 2n ** 63n - 1n,
        least: -(2n ** 63n),
        half: 0.5,
        three: 3,
        zero: -0,
        inf: Number.POSITIVE_INFINITY,
      },
      ...{ yes: true, no: false, text: 'Grüße \0 世界', empty: '', bytes, large, list: [1n, [2n, {}], 'x'], map: { a: { b: {} } } },
    }
    const back = (await spawn().value('same', [values])) as Record<string, LuaValue>
    expect(back).toEqual(values)
    expect(Object.is(back['zero'], -0)).toBe(true)
    expect(await spawn().run('local v = ... return math.type(v.small) .. math.type(v.three) .. tostring(v.three) .. v.big', values)).toBe(
      'integerfloat3.09007199254740993',
    )
  })

  it('any value comes back as it went in', async () => {
    const { value } = fc.letrec<{ value: LuaValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double({ noNaN: true }),
        fc.boolean(),
        fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
        fc.uint8Array().map((bytes) => Uint8Array.from([0xff, ...bytes])),
        fc.array(tie('value'), { minLength: 1, maxLength: 5 }),
        fc.dictionary(
          fc.string({ unit: 'grapheme', maxLength: 8 }).filter((key) => !/^[1-9]/.test(key) && key !== '__proto__'),
          tie('value'),
          { noNullPrototype: true },
        ),
      ),
    }))
    const rig = spawn()
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        expect(await rig.value('same', [given])).toEqual(given)
      }),
      { numRuns: 200 },
    )
  })

  it('parameters may be nil, also the last', async () => {
    expect(await spawn().run('return { select("#", ...), select(2, ...) == nil }', 1n, null, null)).toEqual([3n, true])
    expect(await spawn().value('same', [null])).toBe(null)
  })

  it('numbered maps are lists, both ways', async () => {
    expect(await spawn().run('local m = ... return #m .. m[2]', { '2': 'b', '1': 'a' })).toBe('2b')
    expect(await spawn().run('return { ["1"] = "a", ["2"] = "b" }')).toEqual(['a', 'b'])
    expect(await spawn().run('return { [1] = "a", [3] = "b" }')).toEqual({ '1': 'a', '3': 'b' })
    expect(await spawn().run('return { [true] = 1, [1.5] = 2, x = 3 }')).toEqual({ true: 1n, '1.5': 2n, x: 3n })
  })

  it('what does not fit is refused before the call', async () => {
    const deep = (depth: number): LuaValue => (depth === 0 ? 1n : [deep(depth - 1)])
    const rig = spawn()
    await expect(rig.value('same', [2n ** 63n])).rejects.toMatchObject({ code: 'request-invalid' })
    await expect(rig.value('same', [deep(200)])).rejects.toMatchObject({ code: 'too-large' })
    expect(await rig.value('same', [1n])).toBe(1n)
  })

  it('names of keys that JavaScript treats specially', async () => {
    const value = (await spawn().run('return { __proto__ = { x = 1 }, constructor = 2 }')) as Record<string, LuaValue>
    expect(Object.keys(value).sort()).toEqual(['__proto__', 'constructor'])
  })
})

describe('errors', () => {
  it('carry the error and where it was', async () => {
    const rig = spawn(`local function inner(t)
  return t.x.y
end
function outer()
  local z = inner({})
  return z
end
function thrown() error({ code = 7, list = { 1 } }) end
function told() error(setmetatable({}, { __tostring = function() return "told" end })) end
function number() error(5) end
function none() error() end
function unwritable() error({ f = print }) end`)
    expect(await rig.call('outer')).toEqual({
      ...{ ok: false, status: 500, kind: 'error', body: "test:2: attempt to index a nil value (field 'x')", gasUsed: expect.any(Number) },
      trace: [
        { function: 'inner', line: 'test:2' },
        { function: 'outer', line: 'test:5' },
      ],
    })
    expect(await rig.call('thrown')).toMatchObject({ body: { code: 7n, list: [1n] }, trace: [{ function: 'thrown', line: 'test:8' }] })
    expect(await rig.call('told')).toMatchObject({ body: 'told' })
    expect(await rig.call('number')).toMatchObject({ body: '5' })
    expect(await rig.call('none')).toMatchObject({ body: 'nil' })
    expect(await rig.call('unwritable')).toMatchObject({ body: expect.stringMatching(/^table: 0x/) })
  })

  it.each([
    ['a loop without end', 'while true do end', 'gas', 'out of gas: limit 50000000'],
    ['a loop that hides in pcall', 'while true do pcall(function() while true do end end) end', 'gas', 'out of gas: limit 50000000'],
    ['a loop in a coroutine', 'coroutine.wrap(function() while true do end end)()', 'gas', 'out of gas: limit 50000000'],
    ['too much memory', 'local t = {} for i = 1, 99 do t[i] = ("x"):rep(1024):rep(1024) .. i end', 'memory', /not enough memory/],
    ['endless recursion', 'local function f() return 1 + f() end return f()', 'error', /stack overflow/],
  ])('%s is taken back', async (_name, code, kind, body) => {
    const rig = spawn()
    await rig.run('counter = 1 return 1')
    const before = rig.hash()
    const outcome = await rig.call('run', [`counter = 2 junk = ("x"):rep(100000) ${code}`])
    expect(outcome).toMatchObject({ ok: false, status: 500, kind, body: typeof body === 'string' ? body : expect.stringMatching(body) })
    expect(rig.hash()).toBe(before)
    expect(await rig.run('return counter')).toBe(1n)
  })

  it.each([
    ['does not parse', 'function (', /test:1: <name> expected near '\('/],
    ['fails', 'error("no start")', /test:1: no start/],
    ['is compiled', '\x1bLua', /attempt to load a binary chunk/],
    ['never ends', 'while true do end', /out of gas/],
    ['asks AO-Core', 'ao.resolve("/x")', /global 'ao'/],
  ])('a module that %s is refused', (_name, source, reason) => {
    expect(() => program(source)).toThrow(expect.objectContaining({ code: 'module-unsupported', message: expect.stringMatching(reason) }))
  })
})

describe('ao', () => {
  it('asks the host, with values both ways, as often as it likes', async () => {
    const host = answering(['ok', { body: 'Hello' }], [42n], ['ok'])
    const value = await spawn().value(
      'run',
      [
        `local status, res = ao.resolve({ path = "/hello", n = 1 << 60 }, "x", nil)
         local n = ao.get("a/b", { x = 1.5 })
         ao.event("group", { "seen", n })
         return { status, res.body, n }`,
      ],
      host,
    )
    expect(value).toEqual(['ok', 'Hello', 42n])
    expect(host.asked).toEqual([
      { name: 'resolve', args: [{ path: '/hello', n: 2n ** 60n }, 'x', null] },
      { name: 'get', args: ['a/b', { x: 1.5 }] },
      { name: 'event', args: ['group', ['seen', 42n]] },
    ])
  })

  it('asks through pcall, metamethods, iterators and coroutines, which see nothing of it', async () => {
    const host: AoHost = { ask: ({ args }) => [`<${String(args[0])}>`] }
    const code = `
      local out = {}
      local function add(x) out[#out + 1] = tostring(x) end
      add(select(2, pcall(function() return ao.get(1) end)))
      add(setmetatable({}, { __index = function(_, k) return ao.get(k) end }).two)
      add(setmetatable({}, { __add = function() return ao.get(3) end }) + 1)
      for v in function(_, last) if not last then return ao.get(4) end end do add(v) end
      local co = coroutine.wrap(function(a)
        add(ao.get(a))
        local b = coroutine.yield(ao.get(6))
        local inner = coroutine.create(function() add(ao.get(b)) coroutine.yield("y") error("inner " .. ao.get(8)) end)
        add(select(2, coroutine.resume(inner)))
        add(select(2, coroutine.resume(inner)))
        return "end"
      end)
      add(co(5)) add(co(7)) 
      local ok, e = xpcall(function() error(ao.get(9)) end, function(m) return "handled " .. m end)
      add(e)
      add(coroutine.status(coroutine.create(print)))
      return out`
    expect(await spawn().value('run', [code], host)).toEqual([
      ...['<1>', '<two>', '<3>', '<4>', '<5>', '<6>', '<7>', 'y', 'code:11: inner <8>', 'end', 'handled code:17: <9>', 'suspended'],
    ])
  })

  it('says where it cannot be asked', async () => {
    const host = answering()
    for (const code of [
      'local t = { 3, 2, 1 } table.sort(t, function(a, b) return ao.get("x") end)',
      '("x"):gsub(".", function() return ao.get("x") end)',
      'return tostring(setmetatable({}, { __tostring = function() return ao.get("x") end }))',
    ])
      expect(await spawn().body(code, host), code).toMatch(/^(code:1: )?ao\.get cannot be called from here: it waits/)
    expect(await spawn().body('ao.resolve(print)', host)).toMatch(/contains a function/)
    expect(host.asked).toEqual([])
  })

  it('a call looks like the main coroutine', async () => {
    expect(await spawn().body('coroutine.yield(1)')).toBe('attempt to yield from outside a coroutine')
    expect(
      await spawn().run(`local _, main = coroutine.running()
        local inside = coroutine.wrap(function() return { select(2, coroutine.running()), coroutine.isyieldable() } end)()
        return { main, coroutine.isyieldable(), inside[1], inside[2] }`),
    ).toEqual([true, false, false, true])
  })

  it('each question costs gas', async () => {
    const host: AoHost = { ask: () => [] }
    const used = async (times: number): Promise<number> =>
      (await spawn().call('run', [`for i = 1, ${times} do ao.event("x") end return 1`], host)).gasUsed
    expect((await used(11)) - (await used(1))).toBeGreaterThan(10 * AO_REQUEST_GAS)
    const endless = await spawn().call('run', ['while true do ao.event("x") end'], host)
    expect(endless).toMatchObject({ ok: false, kind: 'gas', gasUsed: LIMITS.gasMax })
  })

  it('keeps what a module has in `ao`', async () => {
    const rig = spawn('ao = { id = 7, resolve = 1 } function get() return ao.id .. type(ao.resolve) end')
    expect(await rig.value('get')).toBe('7function')
  })

  it('one call at a time; a host that fails takes the call back', async () => {
    const rig = spawn()
    const before = rig.hash()
    let answer: (values: readonly LuaValue[]) => void = () => undefined
    const waiting = rig.call('run', ['x = 1 return ao.get("x")'], { ask: () => new Promise((resolve) => (answer = resolve)) })
    await expect(rig.run('return 1')).rejects.toMatchObject({ code: 'limit-reached' })
    expect(() => rig.session.snapshot()).toThrow(expect.objectContaining({ code: 'limit-reached' }))
    answer(['late'])
    expect(await waiting).toMatchObject({ ok: true, value: 'late' })
    const after = rig.hash()
    expect(after).not.toBe(before)
    await expect(rig.call('run', ['x = 2 return ao.get("x")'])).rejects.toThrow('asked get')
    expect(rig.hash()).toBe(after)
    expect(await rig.run('return x')).toBe(1n)
  })
})

describe('sandbox', () => {
  const look = 'local names = {} for i, v in ipairs({ io, os.execute, os.getenv, load, require, package }) do names[i] = v end return names'

  it('has no way out without one either', async () => {
    const names = ['io', 'dofile', 'loadfile', 'string.dump', 'os.execute', 'os.getenv', 'debug.getinfo']
    expect(await spawn().run(`return { ${names.map((name) => `tostring(${name})`).join(', ')} }`)).toEqual(names.map(() => 'nil'))
  })

  it('requires what is loaded or preloaded, never files', async () => {
    const rig = spawn(`package.preload["a.b"] = function(name) calls = (calls or 0) + 1 return { name = name } end
      package.loaded.own = { x = 5 }`)
    await expect(rig.value('require', ['a.b'])).resolves.toEqual({ name: 'a.b' })
    await expect(rig.value('require', ['a.b'])).resolves.toEqual({ name: 'a.b' })
    await expect(rig.value('require', ['own'])).resolves.toEqual({ x: 5n })
    expect(await rig.call('require', ['nope'])).toMatchObject({
      ok: false,
      body: "module 'nope' not found:\n\tno field package.preload['nope']",
    })
    expect(rig.session.functions()).toContain('require')
  })

  it('puts `sandboxed` in the place of what it names, after the modules have run', async () => {
    const rig = spawn(`loaded = load("return 5")() function look() ${look} end function fail() return os.getenv("PWD") end`, {
      sandbox: true,
    })
    expect(await rig.value('look')).toEqual(Array(6).fill('sandboxed'))
    expect(await rig.call('fail')).toMatchObject({ ok: false, body: "test:1: attempt to call a string value (field 'getenv')" })
  })

  it('takes lists and maps', async () => {
    const source = 'function look() return { tostring(os.time), tostring(print), tostring(my), tostring(math.random) } end my = { own = 1 }'
    expect(await spawn(source, { sandbox: ['os.time', ['_G', 'print'], '_G/math/random'] }).value('look')).toEqual([
      ...['sandboxed', 'sandboxed', expect.stringMatching(/^table/), 'sandboxed'],
    ])
    expect(await spawn(source, { sandbox: { 'os/time': 'gone', my: 5n } }).value('look')).toMatchObject([
      'gone',
      expect.anything(),
      '5',
      expect.anything(),
    ])
    expect(() => program(source, { sandbox: ['a..b'] }).spawn('x')).toThrow(expect.objectContaining({ code: 'request-invalid' }))
  })
})

describe('state', () => {
  const LIFE = [
    't = {} for i = 1, 300 do t["k" .. i] = { i } end return 1',
    'x = math.random(1, 1 << 30) return ao.get("x")',
    'n = (n or 0) + 1 return n',
  ]
  const NEXT =
    'local o = {} for k, v in pairs(t) do o[#o + 1] = k .. tostring(v) end return table.concat(o) .. math.random() .. collectgarbage("count") .. x'
  const host: AoHost = { ask: () => ['answer'] }

  it('a thawed copy goes on exactly as the original', async () => {
    const original = spawn()
    for (const step of LIFE) await original.value('run', [step], host)
    const copy = new Rig(testProgram.thaw(original.session.snapshot()))
    expect(copy.hash()).toBe(original.hash())
    for (let round = 0; round < 3; round++) {
      const outcome = await original.call('run', [NEXT])
      expect(outcome).toMatchObject({ ok: true })
      expect(await copy.call('run', [NEXT])).toEqual(outcome)
    }
    expect(copy.hash()).toBe(original.hash())
    expect(() => program('x = 1').thaw(original.session.snapshot())).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })

  it('failures and reads in between leave no trace', async () => {
    const [calm, eventful] = [spawn(), spawn()]
    for (const step of LIFE) {
      await calm.value('run', [step], host)
      await eventful.body('junk = ("x"):rep(200000) ao.get(1) error("no")', host)
      expect(await eventful.call('run', ['n = 99 return n'], host, 'none')).toMatchObject({ ok: true, value: 99n })
      await eventful.value('run', [step], host)
    }
    expect(eventful.hash()).toBe(calm.hash())
  })

  it('as upstream has it, only calls that return tables change the state', async () => {
    const rig = spawn()
    await rig.call('run', ['n = 1 return n'], noHost, 'tables')
    expect(await rig.run('return tostring(n)')).toBe('nil')
    await rig.call('run', ['n = 1 return { n = n }'], noHost, 'tables')
    expect(await rig.run('return n')).toBe(1n)
  })

  it('chance comes from the seed alone', async () => {
    const random = (seed: string): Promise<LuaValue> =>
      new Rig(testProgram.spawn(seed)).run('return { math.random(1, 1000000), math.random() }')
    expect(await random('a')).toEqual(await random('a'))
    expect(await random('a')).not.toEqual(await random('b'))
  })

  it('has an id that follows sources and settings', () => {
    const ids = [
      program(),
      program(MODULE, { sandbox: true }),
      program(MODULE, { hasLuerlOrder: false }),
      program([['other', MODULE]]),
    ].map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
    expect(program().id).toBe(testProgram.id)
  })
})
