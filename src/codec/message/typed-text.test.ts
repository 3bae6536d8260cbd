import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyLiteral } from '../../../test/ao-core-arbitrary.ts'
import { type Typed, valueFrom } from '../../../test/ao-core-vectors.ts'
import { HeddleError } from '../../base/errors.ts'
import { decodeTypes, encodeTypes } from './ao-types.ts'
import { ownText } from './own-text.ts'
import { decodeTyped, encodeTyped, type Literal } from './typed-text.ts'

describe('a value after `key+type=`', () => {
  test.each<[string, string, Typed]>([
    ['integer', '7', 7],
    ['Integer', ' -7 ', -7],
    ['integer', '+7', 7],
    ['integer', '-0', 0],
    ['integer', '9007199254740993', { $int: '9007199254740993' }],
    ['float', '1.5', { $float: '1.5' }],
    ['float', '15', { $float: '15' }],
    ['float', '1.', { $float: '1' }],
    ['float', '1.50000000000000000000e+00', { $float: '1.5' }],
    ['atom', 'true', true],
    ['atom', '"null"', null],
    ['atom', 'ok', { $atom: 'ok' }],
    ['list', '1,2', [1, 2]],
    ['list', '"1","2"', ['1', '2']],
    ['list', 'a, (1 b), :AQI=:', ['a', [1, 'b'], { $b64: 'AQI=' }]],
    ['list', '"(ao-type-binary)", "(ao-type-", "(ao-type-empty-message)"', ['', '(ao-type-', {}]],
    ['map', 'a=1, b', { a: 1, b: true }],
    ['map', '{"a":[1.0]}', { a: [{ $float: '1' }] }],
    ['binary', '7', '7'],
    ['colour', 'red', 'red'],
    ['empty-list', '', []],
    ['empty-list', 'not', 'not'],
  ])('%s of %s', (type, text, wanted) => {
    const value = decodeTyped(type, text)
    expect(Array.isArray(value) ? value.map(plainBytes) : value).toEqual(valueFrom(wanted))
  })

  test('bytes are binaries as they are, and no number', () => {
    const bytes = new Uint8Array([0xff])
    expect(decodeTyped('binary', bytes)).toBe(bytes)
    expect(decodeTyped('integer', new Uint8Array([0x37]))).toBe(7)
    expect(() => decodeTyped('integer', bytes)).toThrow(HeddleError)
  })
})

test('every literal reads back', () => {
  fc.assert(
    fc.property(anyLiteral, (value) => {
      const { type, text } = encodeTyped(value as Literal)
      expect(decodeTyped(type, text)).toEqual(value)
    }),
    { numRuns: 500 },
  )
})

test('floats read back from any form that JavaScript prints, to the last bit', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(decodeTyped('float', value.toString())).toEqual({ value: value === 0 ? 0 : value }) // It prints -0 as 0.
      expect(encodeTyped(decodeTyped('float', value.toExponential()) as Literal).text).toMatch(/^-?\d\.\d{20}e[+-]\d{2,3}$/)
    }),
  )
})

test('any text of any type decodes or is refused', () => {
  const type = fc.constantFrom('integer', 'float', 'atom', 'list', 'map', 'base64url', 'binary', 'empty-list', '__proto__')
  const pieces = fc.constantFrom('(ao-type-', 'list', 'map', ') ', '"', '\\', ',', '{', '}', '=', ':', '1', '-', '.', 'e9', ' ', '%', 'é')
  fc.assert(
    fc.property(type, fc.array(pieces), (name, text) => {
      try {
        decodeTyped(name, text.join(''))
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 2000 },
  )
})

describe('ao-types', () => {
  test('are sorted and escaped, and read back', () => {
    const types = new Map([
      ['b', 'integer'],
      ['.', 'list'],
      ['Data-Protocol', 'atom'],
      ['a=b, "c"', 'float'],
    ])
    expect(encodeTypes(types)).toBe('.="list", %44ata-%50rotocol="atom", a%3db%2c%20%22c%22="float", b="integer"')
    expect(decodeTypes(encodeTypes(types))).toEqual(types)
    expect(encodeTypes(new Map())).toBe('')
  })

  test('of any keys read back', () => {
    const keys = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, fc.constantFrom('integer', 'atom'))), (entries) => {
        const types = new Map(entries)
        expect(decodeTypes(encodeTypes(types))).toEqual(types)
      }),
    )
  })

  test('are the same however many there were before', () => {
    for (let i = 0; i < 3000; i++) expect(decodeTypes(`k${i}="Integer"`)).toEqual(new Map([[`k${i}`, 'integer']]))
    expect(decodeTypes(undefined).size).toBe(0)
    expect(decodeTypes(new Uint8Array([0x61, 0x3d, 0x62]))).toEqual(new Map([['a', 'b']]))
  })

  test('without end are too large', () => {
    const types = Array.from({ length: 50_001 }, (_, i) => `k${i}=atom`).join(',')
    expect(() => decodeTypes(types)).toThrow('more than 50000 members in a dictionary')
  })
})

test('a text of its own is the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      expect(ownText(text)).toBe(text)
    }),
  )
})

function plainBytes(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value
}
