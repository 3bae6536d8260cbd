import { describe, expect, it } from 'vitest'
import { EVAL, envOf, evalProgram, id, LIMITS, MODULE, Process, program, spawn, TIMESTAMP } from '../../../test/lua-rig.ts'
import { utf8 } from '../../base/bytes.ts'
import { readSnapshotHeader } from '../snapshot.ts'
import { encodeValue } from '../value-codec.ts'
import { ImageBuffer } from '../wasm/state-image.ts'
import { LUA_FORMAT, prepareLuaProgram } from './lua-program.ts'

describe('values across the border', () => {
  it('a message arrives as Lua has it', () => {
    const message = {
      Id: id('message'),
      Tags: [
        { name: 'Action', value: 'Grüße' },
        { name: 'A', value: '' },
      ],
      Nonce: 7,
      'Hash-Chain': null,
      Missing: undefined,
      Cron: false,
      Float: 1.5,
      Big: 2n ** 62n,
      Deep: { list: [1, [2, {}]] },
    }
    const seen = spawn().run(
      `local m = ...
       return { m.Id, m.Tags[1].name .. m.Tags[1].value, #m.Tags[1].value, #m.Tags[2].value, math.type(m.Nonce), tostring(m["Hash-Chain"]),
         tostring(m.Missing), tostring(m.Cron), math.type(m.Float), m.Big == 1 << 62, m.Deep.list[2][1], #m.Deep.list }`,
      message,
    )
    expect(seen).toEqual([message.Id, 'ActionGrüße', 7, 0, 'integer', 'nil', 'nil', 'false', 'float', true, 2, 2])
  })

  it('every byte survives, both ways, small and large', () => {
    const process = spawn('function handle(msg) return { ok = true, response = { Output = msg.Data } } end')
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const large = new Uint8Array(300_000).map((_, at) => (at * 31) ^ (at >> 8))
    expect(process.send({ Data: all }).result.Output).toEqual(all)
    expect(process.send({ Data: large }).result.Output).toEqual(large)
    expect(process.send({ Data: 'Grüße \0 世界' }).result.Output).toBe('Grüße \0 世界')
    expect(process.send({ Data: '\ufeffmark' }).result.Output).toBe('\ufeffmark')
  })

  it('results keep their kinds', () => {
    const output = spawn().run(`return { list = { 1, 2.5, "x" }, empty = {}, map = { a = true, b = false }, sparse = { [1] = 1, [3] = 3 },
      tag = { name = "n", value = "v" }, more = { name = "n", value = "v", other = 1 }, number = { name = 1, value = 2 }, inf = 1/0, int = 3.0 }`)
    expect(output).toEqual({
      list: [1, 2.5, 'x'],
      empty: [],
      map: { a: true, b: false },
      sparse: { '1': 1, '3': 3 },
      tag: { name: 'n', value: 'v' },
      more: { name: 'n', value: 'v', other: 1 },
      number: { name: 1, value: 2 },
      inf: Number.POSITIVE_INFINITY,
      int: 3,
    })
  })

  it('what a program leaves out has its default', () => {
    const { result } = spawn('function handle() return { ok = true, response = {} } end').send({})
    expect(result).toEqual({ Output: '', Messages: [], Spawns: [], Assignments: [] })
    expect(spawn('function handle() return { ok = true, response = { Output = 5 } } end').send({}).result.Output).toBe('5')
  })

  it('the environment is there, the same in every call', () => {
    const process = spawn()
    expect(process.run('local _, env = ... return env.Process.Id .. env.Process.Tags[1].value')).toBe(`${id('process')}Tést`)
    process.run('local _, env = ... first = env')
    expect(process.run('local _, env = ... return first == env')).toBe(true)
  })

  it.each([
    ['a function', 'return print', /contains a function/],
    ['a table in itself', 'local t = {} t.t = t return t', /deeper than 100/],
    ['a table as key', 'return { [{}] = 1 }', /a table as a key/],
    ['too much', 'return string.rep("x", 2000000)', /larger than 1048576 bytes/],
  ])('refuses %s in a result', (_name, code, problem) => expect(spawn().error(code)).toMatch(problem))

  it.each([
    ['nothing', 'return nil', 'handle returned a nil, expected a table with ok and response'],
    ['a text', 'return "x"', 'handle returned a string, expected a table with ok and response'],
    ['no response', 'return { ok = true }', 'handle returned a response that is a nil, expected a table'],
    [
      'messages that are no list',
      'return { ok = true, response = { Messages = { Target = "x" } } }',
      'response.Messages is a table, expected a list',
    ],
    ['spawns that are no table', 'return { ok = true, response = { Spawns = "x" } }', 'response.Spawns is a string, expected a list'],
  ])('says what is wrong with a handle that returns %s', (_name, body, problem) => {
    expect(spawn(`function handle() ${body} end`).send({}).result.Error).toBe(problem)
  })
})

describe('modules', () => {
  it('may return the handler', () => {
    expect(spawn('return function() return { ok = true, response = { Output = "returned" } } end').send({}).result.Output).toBe('returned')
    expect(spawn('return { handle = function() return { ok = true, response = { Output = "table" } } end }').send({}).result.Output).toBe(
      'table',
    )
  })

  it('may be large, or tiny', () => {
    const filler = Array.from({ length: 20_000 }, (_, n) => `local function f${n % 100}() return ${n} end`).map((line, n) =>
      n % 100 === 0 ? `do end ${line}` : line,
    )
    const source = `${filler.slice(0, 100).join('\n')}\n--${'x'.repeat(500_000)}\n${EVAL}`
    expect(spawn(source).run('return 1')).toBe(1)
    expect(spawn('x = 1').send({}).result.Error).toBe("the module has no function 'handle'")
  })

  it.each([
    ['does not parse', 'function handle( end', /module:1: <name> or '...' expected near 'end'/],
    ['fails when it runs', 'error("no start")', /no start/],
    ['never ends', 'while true do end', /out of gas/],
    ['is compiled code', '\x1bLua', /attempt to load a binary chunk/],
  ])('is refused when it %s', (_name, source, reason) => {
    expect(() => program(source, { ...LIMITS, gasMax: 1_000_000 })).toThrow(
      expect.objectContaining({ code: 'module-unsupported', message: expect.stringMatching(reason) }),
    )
  })
})

describe('nothing of the machine', () => {
  it('has no way out', () => {
    const names = [
      ...['package', 'require', 'dofile', 'loadfile', 'string.dump', 'os.exit'],
      ...[
        'debug.sethook',
        'debug.setlocal',
        'debug.getupvalue',
        'debug.setupvalue',
        'debug.upvaluejoin',
        'debug.getregistry',
        'debug.debug',
      ],
    ]
    expect(spawn().run(`return { ${names.map((name) => `tostring(${name})`).join(', ')} }`)).toEqual(names.map(() => 'nil'))
    expect(spawn().run('return debug.traceback("here")')).toMatch(/^here\nstack traceback:/)
    const tries = [
      'io.open("/etc/passwd")',
      'io.open("x", "w")',
      'io.open("/data/x", "w")',
      'os.remove("/x")',
      'os.rename("/x", "/y")',
      'io.tmpfile()',
    ]
    for (const attempt of [...tries, 'os.execute("ls")', 'os.getenv("HOME")'])
      expect(spawn().run(`return tostring((${attempt}))`), attempt).toBe('nil')
    expect(spawn().run('return os.execute()')).toBe(false)
    expect(() => spawn().run('return io.popen("ls")')).toThrow('not supported')
    expect(spawn().run('io.write("seen by nobody") return io.type(io.stdout)')).toBe('file')
  })

  it('tells about functions, but nothing of its own', () => {
    expect(
      spawn().run(
        'local function f(a, b) end return { debug.getinfo(f, "u").nparams, debug.getlocal(f, 2), debug.getinfo(1, "l").currentline }',
      ),
    ).toEqual([2, 'b', 1])
    const own =
      'local level, found = 1, 0 while debug.getinfo(level) do if debug.getinfo(level).func == nil then found = found + 1 end level = level + 1 end return found > 0'
    expect(spawn().run(own)).toBe(true)
    expect(() => spawn().run('debug.getlocal(1, 1)')).toThrow('function expected')
    expect(
      spawn().run(
        'local t = coroutine.create(function() coroutine.yield() end) coroutine.resume(t) return { debug.getinfo(t, 1, "l").currentline, debug.getinfo(99) == nil }',
      ),
    ).toEqual([1, true])
  })

  it('loads text only', () => {
    expect(spawn().run('local f, e = load("\\27Lua") return e')).toMatch(/binary chunk/)
    expect(spawn().run('local f, e = load(function() return nil end, "x", "b") return e')).toBe(
      "attempt to load a text chunk (mode is 'b')",
    )
    expect(spawn().run('return load("return a", "x", "t", { a = 5 })()')).toBe(5)
    expect(spawn().run('return pcall(load("return a.b", "x", "bt", nil))')).toBe(false)
  })

  it('time is the message', () => {
    const process = spawn()
    expect(process.run('return os.time()')).toBe(TIMESTAMP)
    expect(process.run('return os.time()', { Timestamp: '12345' })).toBe(12345)
    expect(process.run('return { os.clock(), os.difftime(5, 3), os.date("!%Y-%m-%dT%H:%M:%S") }')).toEqual([0, 2, '2023-11-14T22:13:20'])
  })

  it('dates are those of the calendar', () => {
    const process = spawn()
    for (const seconds of [0, 951_782_400, 1_704_067_199, 1_709_164_800, 4_102_444_800, -1, -2_208_988_800, 253_402_300_799]) {
      const date = new Date(seconds * 1000)
      const fields = process.run(
        `local d = os.date("*t", ${seconds}) return { d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.isdst, os.time(d) }`,
      )
      expect(fields, String(seconds)).toEqual([
        ...[
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ],
        ...[date.getUTCDay() + 1, false, seconds],
      ])
      const day = (date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000
      expect(process.run(`return os.date("*t", ${seconds}).yday`), String(seconds)).toBe(Math.floor(day) + 1)
    }
  })

  it('formats as C does', () => {
    const process = spawn()
    const at = Date.UTC(2024, 11, 30, 15, 4, 5) / 1000
    expect(
      process.run(`return os.date("%a %A %b %B %d %e %H %I %j %m %M %p %S %u %U %V %G %w %W %y %Y %%|%c|%x|%X|%D|%F|%R|%r|%z%Z", ${at})`),
    ).toBe(
      'Mon Monday Dec December 30 30 15 03 365 12 04 PM 05 1 52 01 2025 1 53 24 2024 %|Mon Dec 30 15:04:05 2024|12/30/24|15:04:05|12/30/24|2024-12-30|15:04|03:04:05 PM|+0000UTC',
    )
    expect(process.error('return os.date("%Q")')).toMatch(/invalid conversion specifier '%Q'/)
    expect(process.error('return os.time({ year = 2024 })')).toMatch(/field 'month' missing|field 'day' missing/)
  })

  it('chance and hashing come from the process id alone', () => {
    const code =
      'local t = {} for i = 1, 20 do t["key" .. i] = i end local o = "" for k in pairs(t) do o = o .. k end return o .. math.random(1, 1000000) .. tostring({})'
    const first = spawn().run(code)
    expect(spawn().run(code)).toBe(first)
    const random = (process: string): unknown => spawn(undefined, id(process)).run('return { math.random(1, 1000000), math.random() }')
    expect(random('a')).toEqual(random('a'))
    expect(random('a')).not.toEqual(random('b'))
  })

  it('sorts alike although the pivots of big sorts are random elsewhere', () => {
    const code =
      'local t = {} for i = 1, 5000 do t[i] = (i * 7919) % 5003 end local n = 0 table.sort(t, function(a, b) n = n + 1 return a < b end) return n'
    expect(spawn().run(code)).toBe(spawn().run(code))
  })

  it('not-a-number prints the same everywhere', () => {
    expect(spawn().run('local z = 0.0 return { tostring(z / z), tostring(-(z / z)), string.format("%g", z / z) }')).toEqual([
      '-nan',
      'nan',
      '-nan',
    ])
  })

  it('offers a harmless garbage collector', () => {
    expect(
      spawn().run('return { math.type(collectgarbage("count")), collectgarbage("stop"), collectgarbage("setpause", 1), collectgarbage() }'),
    ).toEqual(['float', 0, 0, 0])
  })
})

describe('failures take everything back', () => {
  const CHANGE = 'for i = 1, 2000 do junk = junk or {} junk[i] = ("x"):rep(i) end counter = (counter or 0) + 1 math.random() '
  it.each([
    ['an error', 'error("boom")', 'error', 'data:1: boom'],
    ['an error without text', 'error({ code = 1 })', 'error', /^table: 0x/],
    ['an error object with a text', 'error(setmetatable({}, { __tostring = function() return "told" end }))', 'error', 'told'],
    ['no error object', 'error(nil)', 'error', 'nil'],
    ['a loop without end', 'while true do end', 'gas', 'out of gas: limit 50000000'],
    ['a loop that hides in pcall', 'while true do pcall(function() while true do end end) end', 'gas', 'out of gas: limit 50000000'],
    ['a loop in a coroutine', 'coroutine.wrap(function() while true do end end)()', 'gas', 'out of gas: limit 50000000'],
    ['a slow pattern', 'return ("a"):rep(30000):find((".-"):rep(8) .. "b")', 'gas', 'out of gas: limit 50000000'],
    [
      'too much memory',
      'local t = {} for i = 1, 200 do t[i] = ("x"):rep(1024):rep(1024) .. i end',
      'memory',
      /not enough memory \(limit 134217728 bytes\)/,
    ],
    ['a string that is too long', 'return ("x"):rep(1 << 40)', 'error', /resulting string too large/],
    ['endless recursion', 'local function f() return 1 + f() end return f()', 'error', /stack overflow/],
    ['endless recursion through C', 'local function f() return (("a"):gsub("a", f)) end return f()', 'error', /C stack overflow/],
    ['a deep expression', 'return load("return " .. ("("):rep(10000))() or error("deep")', 'error', /attempt to call a nil value/],
  ])('%s', (_name, code, kind, text) => {
    const process = spawn()
    process.run('counter = 1')
    const before = process.hash()
    const { ok, result, failure } = process.send({ Data: CHANGE + code })
    expect(ok).toBe(false)
    expect(failure).toBe(kind)
    expect(result).toEqual({
      Output: '',
      Messages: [],
      Spawns: [],
      Assignments: [],
      Error: typeof text === 'string' ? text : expect.stringMatching(text),
    })
    expect(process.hash()).toBe(before)
    expect(process.run('return { counter, tostring(junk) }')).toEqual([1, 'nil'])
  })

  it('the error that a program reports itself', () => {
    const process = spawn(
      'n = 0 function handle(msg) n = n + 1 return { ok = true, response = { Output = n, Messages = { {} }, Error = msg.Fail and "no" } } end',
    )
    expect(process.send({ Fail: true })).toMatchObject({ ok: false, result: { Output: '1', Messages: [], Error: 'no' }, failure: 'error' })
    expect(process.send({}).result.Output).toBe('1')
  })

  it('an error that the program caught is none, and memory it ran out of can be used again', () => {
    const process = spawn()
    expect(
      process.run('local ok, e = pcall(function() local t = {} while true do t[#t + 1] = ("x"):rep(1024):rep(1024) end end) return e'),
    ).toBe('not enough memory')
    expect(process.run('return #("x"):rep(1 << 20)')).toBe(1 << 20)
  })

  it('sixty failures in a row leave no trace', () => {
    const process = spawn()
    process.run(CHANGE)
    const before = process.hash()
    for (let n = 0; n < 60; n++) process.error(`${CHANGE} error(${n})`)
    expect(process.hash()).toBe(before)
  })

  it('also when more processes take turns than copies of their states fit', () => {
    const processes = Array.from({ length: 50 }, () => spawn())
    for (const process of processes) process.run('big, n = ("x"):rep(1 << 20), 0')
    for (const [at, process] of [...processes, ...processes].entries()) {
      process.run('n = n + 1')
      const before = at % 20 === 0 ? process.hash() : null
      process.error(`${CHANGE} n = "spoilt" error("no")`)
      if (before !== null) expect(process.hash()).toBe(before)
    }
    expect(processes.map((process) => process.run('return n'))).toEqual(processes.map(() => 2))
    for (const process of processes) process.session.close()
  })
})

describe('gas', () => {
  it('is the same for the same message in the same state', () => {
    const code = 'local s = 0 for i = 1, 1000 do s = s + #tostring(i) end return s'
    const used = (): number => spawn().send({ Data: code }).gasUsed
    expect(used()).toBe(used())
    expect(used()).toBeGreaterThan(1000)
  })

  it('counts bulk copies', () => {
    const used = (size: number): number => spawn().send({ Data: `local s = ("x"):rep(1024):rep(${size}) return #(s .. s)` }).gasUsed
    expect(used(2000) - used(1000)).toBeGreaterThan(2000)
  })
})

describe('state', () => {
  const LIFE = [
    't = {} for i = 1, 300 do t["k" .. i] = { i } end',
    'for k in pairs(t) do if #k == 3 then t[k] = nil end end',
    'x = math.random(1, 1 << 30)',
    'collectgarbage() return 1',
  ]
  const NEXT =
    'local o = {} for k, v in pairs(t) do o[#o + 1] = k .. tostring(v) end return table.concat(o) .. math.random() .. collectgarbage("count") .. x'

  it('a copy in another instance goes on exactly as the original', () => {
    const original = spawn()
    for (const step of LIFE) original.run(step)
    const snapshot = original.instance.snapshot()
    const copy = new Process(evalProgram.thaw(snapshot, envOf(id('thawed'))))
    expect(copy.hash()).toBe(original.hash())
    for (let round = 0; round < 3; round++) {
      const [here, there] = [original.send({ Data: NEXT }), copy.send({ Data: NEXT })]
      expect(there).toEqual(here) // The gas too.
    }
    expect(copy.hash()).toBe(original.hash())
  })

  it('the same messages give the same state, whatever failed or was only tried between them', () => {
    const [calm, eventful] = [spawn(), spawn()]
    for (const step of LIFE) {
      calm.run(step)
      eventful.error(`local t = {} for i = 1, 200 do t[i] = ("x"):rep(1024):rep(1024) end`)
      eventful.session.dryRun(encodeValue({ Timestamp: 5, Data: `${LIFE.join(' ').replaceAll('return 1', '')}` }))
      eventful.run(step)
    }
    expect(eventful.hash()).toBe(calm.hash())
  })

  it('everything outside of the ranges is dead: a captured image put over another process is that process', () => {
    const [first, second] = [spawn(undefined, id('one')), spawn(undefined, id('two'))]
    for (const step of LIFE) first.run(step)
    second.run('big = {} for i = 1, 200000 do big[i] = {} end')
    second.instance.apply(first.instance.capture(new ImageBuffer()))
    expect(second.hash()).toBe(first.hash())
    expect(new Process(second.instance).run(NEXT)).toBe(first.run(NEXT))
  })

  it('processes of one module share nothing', () => {
    const [one, two] = [spawn(undefined, id('one')), spawn(undefined, id('two'))]
    one.run('shared = 1')
    expect(two.run('return tostring(shared)')).toBe('nil')
  })

  it('snapshots of another module or a damaged one are refused', () => {
    const snapshot = spawn().instance.snapshot()
    expect(readSnapshotHeader(snapshot)).toMatchObject({ version: 2, module: MODULE, format: LUA_FORMAT })
    expect(snapshot.length).toBeLessThan(150_000)
    const other = prepareLuaProgram({ id: id('other'), format: LUA_FORMAT, bytes: utf8(EVAL) }, LIMITS)
    expect(() => other.thaw(snapshot, envOf(id('thawed')))).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
    for (const size of [0, 3, 8, 100, snapshot.length - 1])
      expect(() => evalProgram.thaw(snapshot.slice(0, size), envOf(id('thawed'))), String(size)).toThrow(
        expect.objectContaining({ code: 'encoding-invalid' }),
      )
    for (let at = 0; at < snapshot.length; at += 997) {
      const damaged = snapshot.slice()
      damaged[at] = damaged[at]! ^ 0x55
      expect(() => evalProgram.thaw(damaged, envOf(id('thawed'))), `byte ${at}`).toThrow(
        expect.objectContaining({ code: 'encoding-invalid' }),
      )
    }
  })

  it('a large state is taken back by repeating what came after its last copy', () => {
    const [calm, eventful] = [spawn(), spawn()]
    const grow = 'big = {} for i = 1, 10000 do big[i] = "entry" .. i end'
    const steps = [grow, ...Array.from({ length: 12 }, (_, n) => `big[${n + 1}] = "changed" .. math.random() log = (log or "") .. ${n}`)]
    for (const [n, step] of steps.entries()) {
      calm.run(step)
      eventful.run(step)
      if (n % 3 === 2) eventful.error('big = nil error("no")')
      if (n % 4 === 3) eventful.session.dryRun(encodeValue({ Data: 'big = nil' }))
    }
    expect(calm.instance.stateBytes).toBeGreaterThan(512 * 1024)
    expect(eventful.hash()).toBe(calm.hash())
  })
})
