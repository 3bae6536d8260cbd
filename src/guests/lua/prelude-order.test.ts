import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, utf8 } from '../../base/bytes.ts'
import { prepareAoProgram } from './ao-program.ts'
import { AoSession } from './ao-session.ts'
import type { LuaValue } from './ao-values.ts'

const LIMITS = { memoryBytesMax: 64 * 1024 * 1024, gasMax: 500_000_000, resultBytesMax: 1024 * 1024 }
/** Keys in the order of `pairs`, and of `next`, as `kind:text`. */
const LIST = `
local function show(key) return (math.type(key) or type(key)) .. ":" .. (type(key) == "table" and "" or tostring(key)) end
function bypairs(t) local keys = {} for k, v in pairs(t) do assert(rawequal(v, t[k])) keys[#keys + 1] = show(k) end return keys end
function bynext(t)
  local keys = {}
  local k, v = next(t)
  while k ~= nil do
    assert(rawequal(v, t[k]))
    keys[#keys + 1] = show(k)
    k, v = next(t, k)
  end
  return keys
end
function make(entries) local t = {} for i = 1, #entries do t[entries[i].key] = i end return t end
function both(entries) local t = make(entries) return { bypairs(t), bynext(t) } end
function run(code) return load(code, "=code")() end`

const program = prepareAoProgram([{ name: 'list', source: utf8(LIST) }], LIMITS)
const plain = prepareAoProgram([{ name: 'list', source: utf8(LIST) }], LIMITS, { hasLuerlOrder: false })

async function call(name: string, parameters: readonly LuaValue[], { spawn } = program): Promise<LuaValue> {
  const outcome = await new AoSession(spawn('seed')).call({ function: name, parameters }, { ask: () => [] }, 'none')
  if (!outcome.ok) throw new Error(String(outcome.body))
  return outcome.value
}

const run = (code: string): Promise<LuaValue> => call('run', [code])

describe('the order of pairs and next', () => {
  it('integers from 1, then numbers, booleans, tables, functions, strings by bytes', async () => {
    const code = `local t = { b = 1, a = 1, B = 1, [""] = 1, ["\\200"] = 1, ["a\\0"] = 1, aa = 1, [3] = 1, [1] = 1, [10] = 1, [0] = 1, [-5] = 1, [1.5] = 1,
      [-0.5] = 1, [math.huge] = 1, [1 << 40] = 1, [true] = 1, [false] = 1, [{}] = 1, [2.0] = 1 }
      return { bypairs(t), bynext(t) }`
    const order = [
      ...['integer:1', 'integer:2', 'integer:3', 'integer:10', `integer:${2 ** 40}`],
      ...['integer:-5', 'float:-0.5', 'integer:0', 'float:1.5', 'float:inf', 'boolean:false', 'boolean:true', 'table:'],
      ...['string:', 'string:B', 'string:a', 'string:a\0', 'string:aa', 'string:b'],
    ]
    const [byPairs, byNext] = (await run(code)) as [LuaValue[], LuaValue[]]
    expect(byPairs.slice(0, -1)).toEqual(order)
    expect(byPairs.at(-1)).toEqual(Uint8Array.from([...utf8('string:'), 200]))
    expect(byNext).toEqual(byPairs)
  })

  it('is the same for any table, whatever order it was made in', async () => {
    const key = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 5 }),
      fc.integer({ min: -20, max: 20 }).map(BigInt),
      fc.double({ noNaN: true, noInteger: true, min: -20, max: 20 }),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 40 }), async (keys) => {
        const [byPairs, byNext] = (await call('both', [keys.map((entry) => ({ key: entry }))])) as [LuaValue[], LuaValue[]]
        const expected = [...keys].sort(byTerm).map((entry) => kindOf(entry))
        expect((byPairs as string[]).map(kindOfShown)).toEqual(expected)
        expect(byNext).toEqual(byPairs)
      }),
      { numRuns: 150 },
    )
  })

  it('is left alone where the switch is off', async () => {
    const keys = Array.from({ length: 20 }, (_, n) => ({ key: `key${n}` }))
    const [ours, theirs] = [await call('both', [keys]), await call('both', [keys], plain)]
    expect(theirs).not.toEqual(ours)
    expect(((theirs as LuaValue[][])[0] ?? []).toSorted()).toEqual(((ours as LuaValue[][])[0] ?? []).toSorted())
  })

  it('removing and changing entries on the way', async () => {
    expect(
      await run(`local t = {} for i = 1, 9 do t["k" .. i] = i t[i] = i end
        local seen = {}
        for k, v in pairs(t) do
          seen[#seen + 1] = k
          t[k] = nil
          if k == 2 then t[4] = nil end
          if k == "k3" then t.k5 = nil t.k7 = "changed" end
          if k == "k7" then assert(v == "changed") end
        end
        return { table.concat(seen, " "), next(t) == nil }`),
    ).toEqual(['1 2 3 5 6 7 8 9 k1 k2 k3 k4 k6 k7 k8 k9', true])
    expect(
      await run(`local t = { c = 1, a = 1, b = 1 } local seen = {}
        local k = next(t)
        while k do seen[#seen + 1] = k t[k] = nil k = next(t, k) end
        return table.concat(seen)`),
    ).toBe('abc')
  })

  it('appending to a list while it is walked, as Luerl has it', async () => {
    expect(await run('local t = { 1, 2 } local n = 0 for i in pairs(t) do n = n + 1 if n < 5 then t[#t + 1] = 0 end end return n')).toBe(6n)
    expect(await run('local t = { a = 1 } for k in pairs(t) do t.b = 2 t[1] = 1 end return { next(t) }')).toEqual([1n, 1n])
  })

  it('goes on after keys that are not there', async () => {
    expect(
      await run('local t = { a = 1, c = 2, [5] = 3 } return { next(t, "b"), next(t, 0), next(t, 1.5), tostring(next(t, "d")) }'),
    ).toEqual([...['c', 'a', 'a', 'nil']])
    expect(await run('return select(2, pcall(next, { a = 1 }, {}))')).toBe("invalid key to 'next'")
  })

  it('two traversals of one table, and of two, do not disturb each other', async () => {
    expect(
      await run(`local t, u, out = { b = 1, a = 1 }, { d = 1, c = 1 }, {}
        for k in pairs(t) do for l in pairs(t) do for m in pairs(u) do out[#out + 1] = k .. l .. m end end end
        local k, l = next(t), next(u)
        while k do out[#out + 1] = k .. l k, l = next(t, k), next(u, l) end
        local i, s, c = pairs(t)
        out[#out + 1] = i(s, c) .. i(s, "a") .. i(s, nil) .. tostring(i(s, "b"))
        return table.concat(out, " ")`),
    ).toBe('aac aad abc abd bac bad bbc bbd ac bd abanil')
  })

  it('keeps __pairs, protected metatables and fields that only seem to be there', async () => {
    expect(
      await run(`local t = setmetatable({ b = 1, a = 2 }, { __metatable = "no", __index = function(_, k) return "ghost" end })
        local out = {}
        for k, v in pairs(t) do out[#out + 1] = k .. v t[k] = nil end
        local p = setmetatable({}, { __pairs = function() return function(_, k) if not k then return "own", 1 end end end })
        for k in pairs(p) do out[#out + 1] = k end
        return table.concat(out, " ")`),
    ).toBe('a2 b1 own')
  })

  it('takes time that grows little faster than the table', async () => {
    const gas = async (size: number): Promise<number> => {
      const code = `local t = {} for i = 1, ${size} do t["k" .. i] = i end local n = 0 for k, v in pairs(t) do n = n + v end return n`
      const outcome = await new AoSession(program.spawn('seed')).call({ function: 'run', parameters: [code] }, { ask: () => [] })
      expect(outcome.ok).toBe(true)
      return outcome.gasUsed
    }
    expect((await gas(20_000)) / (await gas(2_000))).toBeLessThan(16)
  })
})

type Key = string | bigint | number | boolean

function rank(key: Key): number {
  if (typeof key === 'bigint') return key >= 1n ? 1 : 2
  return { number: 2, boolean: 3, string: 4, bigint: 0 }[typeof key as 'number' | 'boolean' | 'string' | 'bigint']
}

function byTerm(a: Key, b: Key): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(utf8(a), utf8(b))
  return Number(a) - Number(b)
}

/** Floats print in other ways than in JavaScript, so they are compared by kind. */
function kindOf(key: Key): string {
  if (typeof key === 'bigint') return `integer:${key}`
  return typeof key === 'number' ? 'float' : `${typeof key}:${key}`
}

function kindOfShown(shown: string): string {
  return shown.startsWith('float:') ? 'float' : shown
}
