import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { luaStringText, luaTokens } from './lua-tokens.ts'

const shown = (source: string): string[] => luaTokens(source).map(({ kind, text }) => `${kind} ${text}`)

describe('tokens of Lua', () => {
  it('names, keywords, numbers and operators', () => {
    expect(shown('local x_1 = 0x1F//2 .. "a" ~= 1e-3 -- note')).toEqual([
      'keyword local',
      'name x_1',
      'operator =',
      'number 0x1F',
      'operator //',
      'number 2',
      'operator ..',
      'string "a"',
      'operator ~=',
      'number 1e-3',
    ])
  })

  it('strings with escapes, over lines and in brackets of any level', () => {
    expect(shown(`'a\\'b' "c\\\nd" [[e\n]f]] [=[g]]h]=]`)).toEqual([
      `string 'a\\'b'`,
      'string "c\\\nd"',
      'string [[e\n]f]]',
      'string [=[g]]h]=]',
    ])
    expect(luaTokens(`[==[a]==] 'b' "c"`).map(luaStringText)).toEqual(['a', 'b', 'c'])
  })

  it('says what the source ends within', () => {
    expect(luaTokens('x = [[a').at(-1)).toMatchObject({ kind: 'string', isClosed: false })
    expect(luaTokens('--[[a').at(-1)).toMatchObject({ kind: 'comment', isClosed: false })
    expect(luaTokens('--[[a]] x')).toEqual([{ kind: 'name', text: 'x', at: 8, isClosed: true }])
    expect(luaTokens('"a\nb').map(({ kind }) => kind)).toEqual(['other', 'name'])
  })

  it('takes any text, in order and inside of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('[', ']', '=', '-', '"', "'", '\\', '\n', 'a', '1', '.', 'z', ' ') }), (source) => {
        let end = 0
        for (const { at, text } of luaTokens(source)) {
          expect(at).toBeGreaterThanOrEqual(end)
          expect(source.slice(at, at + text.length)).toBe(text)
          end = at + text.length
        }
      }),
    )
  })
})
