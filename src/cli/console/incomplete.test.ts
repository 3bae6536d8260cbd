import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsIncomplete, isLuaIncomplete } from './incomplete.ts'

/** Complete Lua as words; in a block every cut between two words leaves it open. */
const name = fc.constantFrom('a', 'b', 'Balances', 't.x', 'ends', 'function_', 'doing')
const literal = fc.constantFrom(
  '1',
  '0x1F',
  '"end"',
  `'do'`,
  '[[function ]]',
  '[==[ ]] then ]==]',
  'nil',
  'true',
  '...',
  '{}',
  '{ 1, a = 2 }',
)
const expression = fc.oneof(
  name,
  literal,
  fc.tuple(name, literal).map(([a, b]) => `${a} + ${b}`),
  name.map((a) => `#${a}`),
)
const comment = fc.constantFrom('', '', ' -- end end', ' --[[ do\nfunction ]]')
const simple = fc.tuple(name, expression, comment).map(([a, b, c]) => `${a} = ${b}${c}\n`)
const { block } = fc.letrec<{ block: string; statement: string }>((tie) => ({
  statement: fc.oneof({ depthSize: 'small', withCrossShrink: true }, simple, tie('block')),
  block: fc
    .tuple(fc.array(tie('statement'), { maxLength: 3 }), expression, fc.constantFrom(...Object.keys(frames())))
    .map(([body, value, kind]) => {
      const [head, tail] = frames(value)[kind]!
      return `${head}\n${body.join('')}${tail}\n`
    }),
}))

function frames(value = 'x'): Record<string, readonly [string, string]> {
  return {
    do: ['do', 'end'],
    while: [`while ${value} do`, 'end'],
    for: [`for i = 1, ${value} do`, 'end'],
    forIn: [`for k, v in pairs(${value}) do`, 'end'],
    if: [`if ${value} then`, 'end'],
    ifElse: [`if ${value} then\nelseif not ${value} then\na()\nelse`, 'end'],
    function: ['local function f(a, ...)', 'end'],
    anonymous: [`f(function(x)`, 'end)'],
    repeat: ['repeat', `until ${value}`],
    table: ['t = { f = function()', 'end, 2 }'],
  }
}

describe('Lua that goes on', () => {
  it('a whole program does not', () => {
    fc.assert(fc.property(fc.array(fc.oneof(simple, block), { minLength: 1, maxLength: 4 }), (parts) => !isLuaIncomplete(parts.join(''))))
  })

  it('a program that is cut inside of a block does', () => {
    fc.assert(
      fc.property(fc.array(simple, { maxLength: 2 }), block, fc.double({ min: 0, max: 1, noNaN: true }), (before, last, share) => {
        // Behind what opens it, and before what closes it.
        const from = last.indexOf('\n')
        const cut = from + Math.floor(share * (last.trimEnd().lastIndexOf('\n') + 1 - from))
        // A cut in the middle of a word is a different word, and in a quoted text an error.
        fc.pre(!/\w/.test(last[cut - 1]!) || !/\w/.test(last[cut] ?? ' '))
        fc.pre(!isInsideQuotes(last, cut))
        return isLuaIncomplete(before.join('') + last.slice(0, cut))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    'a =',
    'a = 1 +',
    'return a,',
    'local',
    'x and',
    'not',
    'f(',
    't = {',
    't[',
    'a.',
    'a:',
    'x = [[',
    'x = [==[ ]]',
    '--[[ note',
    'if x',
    'for i = 1, 3',
    'x = "a\\',
  ])('%s', (text) => expect(isLuaIncomplete(text)).toBe(true))

  it.each([
    '',
    '  ',
    '-- note',
    '1 + 1',
    'return',
    'f()',
    'x = "a',
    'end',
    'x = )',
    'if x end',
    'break',
    '::top::',
    'goto top',
    'x = "\\"" .. \'\\\'\'',
    '}',
    'until x',
    'return f{...}',
    'a = "function"',
    '@',
  ])('not %s', (text) => expect(isLuaIncomplete(text)).toBe(false))

  it('never fails', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (text) => typeof isLuaIncomplete(text) === 'boolean'))
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (text) => typeof isJsIncomplete(text) === 'boolean'))
  })
})

/** Of short strings only: a long one is open wherever it is cut. */
function isInsideQuotes(text: string, cut: number): boolean {
  return [...text.matchAll(/"end"|'do'/g)].some(({ index, 0: found }) => cut > index && cut < index + found.length)
}

describe('JavaScript that goes on', () => {
  it.each([
    'f(',
    'const f = () => {',
    '[1,',
    'a +',
    'x =',
    '`a',
    '`a $' + '{b',
    '`a $' + '{`b` + "}"',
    '/* note',
    'if (x) {',
    'a ?',
    'on("Inc", (msg) => {',
    'x = /[{]/.test(`',
  ])('%s', (text) => expect(isJsIncomplete(text)).toBe(true))

  it.each([
    '',
    'f()',
    'x = /[{(]/.test("{")',
    'a / b',
    '"{"',
    "'('",
    '`a $' + '{b} c`',
    '`$' + '{`$' + '{a}`}`',
    '// {',
    'x++',
    '}',
    'a = "{',
    'return /{/',
    '({ a: 1 })',
    'x = { a: `}` }',
  ])('not %s', (text) => expect(isJsIncomplete(text)).toBe(false))
})
