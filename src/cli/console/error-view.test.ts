import { describe, expect, it } from 'vitest'
import type { Paint } from '../output.ts'
import { markedLine, readError } from './error-view.ts'
import { jsLanguage } from './js-language.ts'
import type { Language } from './language.ts'
import { luaLanguage } from './lua-language.ts'
import { plainSource, type Source } from './source.ts'

const same = (text: string): string => text
const PAINT: Paint = { bold: same, dim: same, green: same, red: same, cyan: same, yellow: same }

function view(text: string, source: Source, language: Language = luaLanguage): string[] {
  const error = readError(text, language, source)
  return [error.printed, error.message, ...markedLine(error, source, PAINT)]
}

describe('errors of Lua', () => {
  it('what was printed, the error and its spot', () => {
    const source = plainSource(`print('a')\nlocal t = nil\nt.x = 1`)
    expect(view(`a\n\n\x1b[31merror:\n\x1b[0m[string "aos"]:3: attempt to index a nil value (local 't')`, source)).toEqual([
      'a',
      `line 3: attempt to index a nil value (local 't')`,
      '3 │ t.x = 1',
      '  │ ^',
    ])
  })

  it('one line needs no number, a syntax error names the word', () => {
    expect(view(`[string "aos"]:1: unexpected symbol near '='`, plainSource('x = = 1'))).toEqual([
      '',
      `unexpected symbol near '='`,
      '1 │ x = = 1',
      '  │     ^',
    ])
    expect(view(`[string "aos"]:1: 'end' expected near <eof>`, plainSource('if 中 then'))).toEqual([
      '',
      `'end' expected near <eof>`,
      '1 │ if 中 then',
      '  │ ^^^^^^^^^^',
    ])
  })

  it('places in the files of aos are left out', () => {
    expect(view(`\n\n\x1b[31merror:\n\x1b[0m[string ".eval"]:20: [string "aos"]:1: boom`, plainSource(`error('boom')`))[1]).toBe('boom')
    expect(view('out of gas: limit 7', plainSource('while true do end'))).toEqual(['', 'out of gas: limit 7'])
    expect(view(`[string "aos"]:9: from an earlier one`, plainSource('f()'))).toEqual(['', 'from an earlier one'])
  })

  it('lines of a loaded file have its name', () => {
    const source: Source = {
      text: 'x\ny',
      label: 'a.lua',
      originOf: (line) => (line === 2 ? { file: 'lib/a.lua', line: 7, text: '\treturn nope()' } : null),
    }
    expect(view(`[string "aos"]:2: attempt to call a nil value (global 'nope')`, source)).toEqual([
      '',
      `lib/a.lua:7: attempt to call a nil value (global 'nope')`,
      'lib/a.lua:7 │   return nope()',
      '            │          ^^^^',
    ])
  })
})

describe('errors of JavaScript', () => {
  it('tell line and column', () => {
    const text = 'ReferenceError: x is not defined\n    at f (eval-3.js:2:8)\n    at <eval> (eval-3.js:4:1)'
    expect(view(text, plainSource('const f = () => {\nreturn x\n}\nf()'), jsLanguage)).toEqual([
      '',
      'ReferenceError: x is not defined\n    at f line 2\n    at <eval> line 4',
      '2 │ return x',
      '  │        ^',
    ])
  })
})
