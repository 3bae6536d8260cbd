import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type LuaVectors, REPORT } from '../../../test/lua53-cases.ts'
import { utf8 } from '../../base/bytes.ts'
import { parseTxId } from '../../base/ids.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'
import { prepareAoProgram } from './ao-program.ts'
import { AoSession } from './ao-session.ts'
import { LUA_FORMAT, prepareLuaProgram } from './lua-program.ts'

const { cases } = JSON.parse(readFileSync(new URL('../../../test/vectors/lua53.json', import.meta.url), 'utf8')) as LuaVectors
const LIMITS = { memoryBytesMax: 128 * 1024 * 1024, gasMax: 1_000_000_000, resultBytesMax: 1024 * 1024 }
const PROCESS = parseTxId(`${'p'.repeat(42)}A`)
const OWNER = { Id: PROCESS, Owner: PROCESS, Tags: [] }

interface Difference {
  readonly why: string
  /** Regular expression for our result, and what it is in the real one. */
  readonly ours: RegExp
  readonly only?: 'lua@5.3a' | 'heddle-lua-1'
}

/** All that differs. Of the binary: it was built with musl for 32 bits; its C library rounds some results otherwise in the last place. */
const DIFFERENT: ReadonlyMap<string, Difference> = new Map([
  ['integers 32', { why: 'exp and log of musl', ours: /f:2\.7182818284590455 .* f:3\.0000000000000004$/ }],
  ['integers 34', { why: 'cosh of musl', ours: /f:1\.5430806348152439 / }],
  ['numbers as text 18', { why: 'printf of musl rounds 1.5 to 1 with %.0f', ours: / 0 1 2"$/ }],
  ['strings 57', { why: 'long and size_t have 4 bytes', ours: / 12 16 19 20 10 12 4$/ }],
  ['strings 76', { why: 'string.dump is taken away', ours: /^true 0 "function"$/ }],
  ['tables 9', { why: 'the binary passes the index as another type than it prints', ours: /\(table\) at index 0 / }],
  ['tables 10', { why: 'the same', ours: /\(nil\) at index 0 / }],
  ['tables 11', { why: 'the same', ours: /\(nil\) at index 0 / }],
  ['tables 34', { why: 'Luerl goes on after any key', ours: /^true nil$/, only: 'lua@5.3a' }],
  ['os 1', { why: 'the library of aos has a zero in %c', ours: /"Fri Jan 02 /, only: 'heddle-lua-1' }],
  ['coroutines 27', { why: 'wrap is written in Lua', ours: /cannot resume non-suspended coroutine"$/, only: 'lua@5.3a' }],
])

describe.each([
  [
    'heddle-lua-1',
    () => {
      const source = `${REPORT} function handle(msg) return { ok = true, response = { Output = report(msg.Data) } } end`
      const program = prepareLuaProgram({ id: PROCESS, format: LUA_FORMAT, bytes: utf8(source) }, LIMITS)
      return async (code: string): Promise<unknown> =>
        decodeValue(program.spawn(PROCESS, { Process: OWNER, Module: OWNER }).handle(encodeValue({ Data: code })).values)
    },
  ],
  [
    'lua@5.3a',
    () => {
      const program = prepareAoProgram([{ name: 'report', source: utf8(REPORT) }], LIMITS)
      return async (code: string): Promise<unknown> => {
        const outcome = await new AoSession(program.spawn('seed')).call({ function: 'report', parameters: [code] }, { ask: () => [] })
        return outcome.ok ? outcome.value : outcome.body
      }
    },
  ],
])('Lua 5.3 as %s runs it is that of the real one', (format, prepare) => {
  const run = prepare()
  it('has its cases', () => expect(cases.length).toBeGreaterThan(400))

  it.each(cases)('$name: $code', async ({ name, code, result }) => {
    const difference = DIFFERENT.get(name)
    if (difference === undefined || (difference.only ?? format) !== format) expect(await run(code)).toBe(result)
    else {
      expect(await run(code), difference.why).toMatch(difference.ours)
      expect(result).not.toMatch(difference.ours)
    }
  })
})
