import { describe, expect, it } from 'vitest'
import { EVAL, envOf, id, LIMITS, Process, program, spawn } from '../../../test/lua-rig.ts'
import type { FailureKind } from '../guest.ts'

const NEXT = 'n = (n or 0) + 1 local t = {} for i = 1, 100 do t[i] = tostring(i) end return { n, #table.concat(t, ","), pcall(error, "x") }'
const GAS_MAX = 5_000_000
const GAS = `out of gas: limit ${GAS_MAX}`
/** Little gas, so that what never ends ends soon. */
const brief = program(EVAL, { ...LIMITS, gasMax: GAS_MAX })

/** The next message is as if nothing had been, and no slower. */
function expectNormal(process: Process): void {
  const startedMs = performance.now()
  expect(process.run(NEXT)).toEqual([2, 291, false, 'x'])
  expect(performance.now() - startedMs).toBeLessThan(1000)
}

describe('a message that fails is taken back whole, with a clear text', () => {
  const loop = 'while true do end'
  it.each<[name: string, code: string, kind: FailureKind, text: string | RegExp]>([
    ['a result nested deeper than allowed', 'local t = {} for _ = 1, 101 do t = { t } end return t', 'error', /nests deeper than 100/],
    ['a result nested very deeply', 'local t = {} for _ = 1, 200000 do t = { t } end return t', 'error', /nests deeper than 100/],
    ['a table that contains itself', 'local t = {} t[1] = t return t', 'error', /or contains itself/],
    ['a coroutine in the result', 'return coroutine.create(print)', 'error', /contains a thread/],
    ['not-a-number as a key', 'local t = {} t[0/0] = 1', 'error', /index is NaN/],
    ['a huge string', 'return ("x"):rep(1 << 30)', 'memory', /not enough memory/],
    ['a string of strings', 'local s = ("x"):rep(1e5) return s:rep(1e4, s)', 'memory', /not enough memory/],
    ['doubling a string', 'local s = "x" while true do s = s .. s end', 'memory', /not enough memory/],
    ['a string longer than any', 'return ("x"):rep(math.maxinteger)', 'error', /resulting string too large/],
    ['a table that grows', 'local t = {} for i = 1, 1e7 do t = { t, ("x"):rep(1024):rep(1024) .. i } end', 'memory', /not enough memory/],
    ['a slow pattern', 'return ("a"):rep(30000):find((".-"):rep(9) .. "b")', 'gas', GAS],
    ['a pattern of many parts', 'return ("a"):rep(300000):match(("a?"):rep(40) .. ("a"):rep(40) .. "b")', 'gas', GAS],
    ['a deep pattern', 'return ("x"):rep(500000):match((".?"):rep(500000))', 'error', /pattern too complex/],
    ['too many captures', 'return ("x"):rep(99):match(("(x)"):rep(99))', 'error', /too many captures/],
    ['many arguments', 'return select("#", table.unpack({}, 1, 1e7))', 'error', /too many results to unpack/],
    ['a huge format', 'return ("%99.99f"):rep(1e6):format(1)', 'error', /bad argument #2 to 'format'/],
    ['error(nil)', 'error(nil)', 'error', 'nil'],
    ['error with a number', 'error(5)', 'error', '5'],
    ['error with a function', 'error(print)', 'error', /^(builtin|function): /],
    ['error with a coroutine', 'error(coroutine.create(print))', 'error', /^thread: /],
    [
      'an error whose text is no text',
      'error(setmetatable({}, { __tostring = function() return {} end }))',
      'error',
      '(error object is a table value)',
    ],
    [
      'an error whose text fails',
      'error(setmetatable({}, { __tostring = function() error("again") end }))',
      'error',
      '(error object is a table value)',
    ],
    ['an error whose text never ends', `error(setmetatable({}, { __tostring = function() ${loop} end }))`, 'gas', GAS],
    ['an error of a megabyte', 'error(("e"):rep(1 << 20), 0)', 'error', /^e{1000}/],
    ['yielding from handle', 'coroutine.yield(1)', 'error', 'attempt to yield from outside a coroutine'],
    ['a tower of coroutines', 'local function f() return coroutine.wrap(f)() end return f()', 'error', /C stack overflow/],
    ['coroutines without end', 'local t = {} while true do t[#t + 1] = coroutine.create(print) end', 'memory', /not enough memory/],
    [
      'wrap around wrap',
      'local f = print for _ = 1, 1e5 do f = coroutine.wrap(f) end while true do coroutine.wrap(coroutine.wrap(f))() end',
      'error',
      /./,
    ],
    ['recursion', 'local function f() return 1 + f() end return f()', 'error', /stack overflow/],
    ['recursion through gsub', 'local function f() return (("a"):gsub("a", f)) end return f()', 'error', /C stack overflow/],
    ['recursion through sort', 'local function f() table.sort({ 1, 2, 3 }, f) end return f()', 'error', /C stack overflow/],
    [
      'recursion through tostring',
      'local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) return tostring(t)',
      'error',
      /C stack overflow/,
    ],
    ['recursion through pcall', 'local function f() return select(2, pcall(f)) end return f():x()', 'error', /./],
    ['recursion through load', 'local function f() return load(function() f() end) end f() error("end")', 'error', /./],
    [
      'a loop of __index',
      'local t = {} for i = 1, 3000 do t = setmetatable({}, { __index = t }) end return t.x.y',
      'error',
      /'__index' chain too long/,
    ],
    ['a deep text to load', 'local f, e = load("x = " .. ("{"):rep(1e5), "=deep") error(e, 0)', 'error', /C levels|overflow/],
    ['a text to load that never ends', 'return load(function() return "x = 1 " end)', 'gas', GAS],
    ['a loop', loop, 'gas', GAS],
    ['a loop in pcall', `while true do pcall(function() ${loop} end) end`, 'gas', GAS],
    ['a loop in an xpcall handler', `xpcall(error, function() ${loop} end)`, 'gas', GAS],
    ['a loop of failing handlers', 'while true do xpcall(error, function() error("again") end) end', 'gas', GAS],
    ['a loop in a coroutine', `coroutine.wrap(function() pcall(function() ${loop} end) end)()`, 'gas', GAS],
    ['a loop in a gsub callback', `("x"):gsub(".", function() ${loop} end)`, 'gas', GAS],
    ['a loop in a comparison', `table.sort({ 2, 1 }, function() ${loop} end)`, 'gas', GAS],
    ['a loop in __index', `return setmetatable({}, { __index = function() ${loop} end }).x`, 'gas', GAS],
    ['a loop in __gc', `setmetatable({}, { __gc = function() ${loop} end }) collectgarbage()`, 'gas', GAS],
    [
      'a loop in __gc while the result is written',
      `for _ = 1, 9 do setmetatable({}, { __gc = function() ${loop} end }) end return ("x"):rep(1e6):gsub("x", "y")`,
      'gas',
      GAS,
    ],
    ['a loop in load', `load(function() ${loop} end)`, 'gas', GAS],
    [
      'an error in __gc',
      'setmetatable({}, { __gc = function() error("late") end }) collectgarbage()',
      'error',
      /error in __gc metamethod \(data:1: late\)/,
    ],
    [
      '__gc that makes more of its kind',
      'local function f() setmetatable({}, { __gc = f }) end f() while true do collectgarbage() end',
      'gas',
      GAS,
    ],
    ['collecting without end', 'while true do collectgarbage() end', 'gas', GAS],
    [
      'stopping the collector',
      'collectgarbage("stop") local t = {} for i = 1, 1e7 do t = { t, ("x"):rep(1024):rep(1024) .. i } end',
      'memory',
      /not enough memory/,
    ],
    ['an unknown option of the collector', 'collectgarbage("generational")', 'error', /invalid option 'generational'/],
    ['os.exit', 'os.exit(1)', 'error', /field 'exit'/],
    [
      'sorting without an order',
      'local t = {} for i = 1, 500 do t[i] = i % 7 end table.sort(t, function() return true end)',
      'error',
      /invalid order function/,
    ],
    ['moving a table of the greatest size', 'table.move({ 1 }, 1, math.maxinteger - 1, 2, {})', 'gas', GAS],
  ])('%s', (_name, code, kind, text) => {
    const process = kind === 'gas' ? new Process(brief.spawn(id('process'), envOf(id('process')))) : spawn()
    process.run(NEXT)
    const before = process.hash()
    const { ok, result, failure } = process.send({ Data: `junk = { ("x"):rep(1e5) } handle = nil n = 99 ${code}` })
    expect({ ok, failure }).toEqual({ ok: false, failure: kind })
    expect(result.Error).toEqual(typeof text === 'string' ? text : expect.stringMatching(text))
    expect(process.hash()).toBe(before)
    expectNormal(process)
  })
})

describe('what a program can do to itself stays its own', () => {
  it.each([
    ['functions of Lua', 'pcall, error, tostring, type, next, select, load, rawget, rawlen, pairs = nil'],
    ['libraries', 'string, table, math, utf8, coroutine, os = nil'],
    [
      'what is in libraries',
      'for _, l in pairs({ string, table, math, os }) do for k in pairs(l) do l[k] = function() error("mine") end end end',
    ],
    ['_G', '_G = nil _ENV = nil'],
    ['the environment', 'local _, env = ... env.Process = nil'],
    [
      'the metatable of strings',
      'local m = getmetatable("") for k in pairs(m) do m[k] = nil end m.__len = error m.__concat = error m.__eq = error m.__lt = error',
    ],
    ['the metatable of _G', 'setmetatable(_G, { __index = error, __newindex = error, __pairs = error, __metatable = false })'],
    ['finalizers', 'keep = setmetatable({}, { __gc = function(k) keep = k again = (again or 0) + 1 end }) keep = nil collectgarbage()'],
  ])('overwriting %s breaks neither results nor errors', (_name, code) => {
    const process = spawn(`
      local load, coroutine, pairs, error, gsub, concat, pcall = load, coroutine, pairs, error, string.gsub, table.concat, pcall
      function handle(msg, env)
        if msg.Code then local _ = load(msg.Code)(msg, env) end
        if msg.Fail then error({}) end
        return { ok = true, response = { Output = { list = { 1, 2.5, "x" }, map = { a = true } }, Messages = { { Tags = { { name = "n", value = "v" } } } } } }
      end`)
    for (const fields of [{ Code: code }, {}, { Fail: true }, {}]) {
      const { ok, result } = process.send(fields)
      if ('Fail' in fields) expect(result.Error).toMatch(/^table: 0x/)
      else
        expect({ ok, ...result }).toEqual({
          ...{ ok: true, Output: { list: [1, 2.5, 'x'], map: { a: true } } },
          ...{ Messages: [{ Tags: [{ name: 'n', value: 'v' }] }], Spawns: [], Assignments: [] },
        })
    }
  })

  it.each([
    ['nil', /the module has no function 'handle'/],
    ['5', /the global 'handle' is a number, expected a function/],
    ['{}', /the global 'handle' is a table, expected a function/],
    ['setmetatable({}, { __call = function() return { ok = true, response = { Output = "called" } } end })', null],
  ])('overwriting handle with %s', (value, problem) => {
    const process = spawn()
    process.run(`handle = ${value} return 1`)
    for (let round = 0; round < 2; round++) {
      const { ok, result } = process.send({ Data: 'return 1' })
      if (problem === null) expect(result.Output).toBe('called')
      else expect({ ok, Error: result.Error }).toEqual({ ok: false, Error: expect.stringMatching(problem) })
    }
  })

  it.each([
    ['an error in pcall', 'return select(2, pcall(error, { 1 }))[1]', 1],
    ['memory in pcall', 'return pcall(function() local t = {} while true do t[#t + 1] = ("x"):rep(1024):rep(1024) .. #t end end)', false],
    ['a long string in pcall, often', 'for _ = 1, 100 do pcall(string.rep, "x", 1 << 27) end return #("x"):rep(1 << 20)', 1 << 20],
    [
      'the stack in pcall',
      'local function f() return 1 + f() end local ok, e = pcall(f) return { ok, e:match("stack overflow") }',
      [false, 'stack overflow'],
    ],
    ['the C stack in pcall', 'local function f() return (("a"):gsub("a", f)) end return pcall(f)', false],
    ['errors in an error handler', 'return xpcall(error, function() error("again") end)', false],
    ['the stack in an error handler', 'local function f() return 1 + f() end return xpcall(f, f)', false],
    ['an error in __gc, caught', 'setmetatable({}, { __gc = function() error("late") end }) return pcall(collectgarbage)', false],
    ['a dead coroutine', 'local co = coroutine.create(print) coroutine.resume(co) return coroutine.resume(co)', false],
    ['the collector in a finalizer', 'setmetatable({}, { __gc = function() collectgarbage() end }) collectgarbage() return 1', 1],
    ['infinity as a key', 'local t = {} t[1/0] = 1 return t[math.huge]', 1],
  ])('a program goes on after %s', (_name, code, value) => {
    const process = spawn()
    process.run(NEXT)
    expect(process.run(code)).toEqual(value)
    expectNormal(process)
  })
})
