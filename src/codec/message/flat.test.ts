import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyKey, anyMessage, anyText, anyTextOf } from '../../../test/ao-core-arbitrary.ts'
import { failureOf } from '../../../test/ao-core-failures.ts'
import { comparable, messageFrom, readVectors, type Typed, type TypedObject, tabmFrom, valueFrom } from '../../../test/ao-core-vectors.ts'
import { decodeFlat, decodeFlatText, encodeFlat, encodeFlatText, type FlatMessage } from './flat.ts'
import { decodeStructured, encodeStructured } from './structured.ts'
import type { Message, Tabm, Value } from './value.ts'

const { cases } = readVectors<{ cases: { name: string; input: TypedObject; 'tabm-bundled': Typed; flat: Typed }[] }>(
  'ao-core-messages.json',
)
/** Messages without keys vanish in the flat form, and a key with a slash comes back as a level. */
const LOSSY = ['empty-map', 'all-empties', 'list-of-maps', 'slash-in-key']

describe('vectors of the reference', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const flat = encodeFlat(encodeStructured(messageFrom(one.input)))
    expect(comparable(flat)).toEqual(comparable(valueFrom(one.flat)))
    const back = comparable(decodeFlat(flat) as Message)
    if (LOSSY.includes(name)) expect(back).not.toEqual(comparable(valueFrom(one['tabm-bundled'])))
    else expect(back).toEqual(comparable(valueFrom(one['tabm-bundled'])))
  })

  test('as text, all but those with line breaks or bytes', () => {
    const refused = cases.filter(({ flat }) => failureOf(() => encodeFlatText(messageFrom(flat) as FlatMessage)) !== null)
    expect(refused.map(({ name }) => name)).toEqual(['binary-value', 'newline-value', 'crlf-body'])
    for (const { name, flat } of cases.filter((one) => !refused.includes(one))) {
      const given = messageFrom(flat) as FlatMessage
      expect(decodeFlatText(encodeFlatText(given)), name).toEqual(given)
    }
  })
})

test('text as a file for people', () => {
  const text =
    'port: 8734\r\nurl: https://x.y: 80/\nstore/1/name: main\nstore/ao-types: .="list"\nempty:\n\nno colon\nport: 8735\nao-types: port="integer"'
  const message = decodeStructured(decodeFlat(decodeFlatText(text)))
  expect(message).toEqual(valueFrom({ port: 8735, url: 'https://x.y: 80/', store: [{ name: 'main' }], empty: '' }))
  expect(encodeFlatText(encodeFlat(encodeStructured(message as Message)))).toBe(
    'ao-types: port="integer"\nempty: \nport: 8735\nstore/1/name: main\nstore/ao-types: .="list"\nurl: https://x.y: 80/\n',
  )
})

test('private keys stay out, at every level and both ways', () => {
  expect(encodeFlat(tabmFrom({ a: { 'priv-x': '1', b: '2' }, priv: '3' }))).toEqual(new Map([['a/b', '2']]))
  expect(decodeFlat(flatOf({ 'a/priv-x': '1', 'priv/b': '2', 'a/b': '3' }))).toEqual(tabmFrom({ a: { b: '3' } }))
})

test('slashes around and between parts count once', () => {
  expect(decodeFlat(flatOf({ '/a//b/': '1' }))).toEqual(tabmFrom({ a: { b: '1' } }))
  expect(encodeFlat(tabmFrom({ '/a/': { '/b': '1' } }))).toEqual(new Map([['a/b', '1']]))
})

test('`__proto__` is a part like any other', () => {
  expect(decodeFlat(flatOf(JSON.parse('{"__proto__/x":"1"}')))).toEqual(new Map([['__proto__', new Map([['x', '1']])]]))
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})

describe('refusing', () => {
  test('two values for one path', () => {
    for (const flat of [
      { a: '1', 'a/b': '2' },
      { 'a/b': '2', a: '1' },
      { 'a/b': '1', '/a/b': '2' },
    ]) {
      expect(
        failureOf(() => decodeFlat(flatOf(flat))),
        JSON.stringify(flat),
      ).toMatchObject({ code: 'encoding-invalid', facts: { format: 'flat@1.0' } })
    }
    expect(failureOf(() => encodeFlat(tabmFrom({ a: { b: '1' }, 'a/b': '2' })))?.message).toContain('`a/b` is twice')
  })

  test('names that text has no place for', () => {
    for (const key of ['a: b', 'a\nb']) expect(failureOf(() => encodeFlatText(new Map([[key, 'x']])))?.code, key).toBe('encoding-invalid')
  })

  test('depth and number without end', () => {
    expect(failureOf(() => decodeFlat(flatOf({ [`a${'/a'.repeat(100)}`]: 'x' })))?.code).toBe('too-large')
    expect(failureOf(() => decodeFlatText('a'.repeat(10).concat(': x\n').repeat(10)))).toBeNull()
    const lines = Array.from({ length: 200_001 }, (_, i) => `k${i}: v`).join('\n')
    expect(failureOf(() => decodeFlatText(lines))?.code).toBe('too-large')
    let deep: Tabm = new Map([['a', 'x']])
    for (let i = 0; i < 10_000; i++) deep = new Map([['a', deep]])
    expect(failureOf(() => encodeFlat(deep))?.code).toBe('too-large')
  })
})

describe('properties', () => {
  const key = anyKey.filter((text) => !text.includes('/'))

  test('every message without empty messages reads back as it was', () => {
    fc.assert(
      fc.property(anyMessage({ key, hasLinks: true }), (given) => {
        fc.pre(!hasEmptyMessage(given))
        expect(comparable(decodeStructured(decodeFlat(encodeFlat(encodeStructured(given)))))).toEqual(comparable(given))
      }),
      { numRuns: 500 },
    )
  })

  test('text reads back too, where it can be written', () => {
    const line = anyText.filter((text) => !text.includes('\n') && !text.endsWith('\r'))
    fc.assert(
      fc.property(anyMessage({ key: fc.stringMatching(/^[a-z0-9-]{1,8}$/), binary: line }), (given) => {
        const flat = encodeFlat(encodeStructured(given))
        expect(decodeFlatText(encodeFlatText(flat))).toEqual(flat)
      }),
    )
  })

  test('any text decodes or is refused', () => {
    const pieces = ['a', 'b', '/', ': ', ':', '\n', '\r\n', ' ', '__proto__', 'priv', '\ud800']
    fc.assert(
      fc.property(anyTextOf(pieces), (text) => {
        failureOf(() => decodeStructured(decodeFlat(decodeFlatText(text))))
      }),
      { numRuns: 500 },
    )
  })
})

function flatOf(plain: Record<string, string>): FlatMessage {
  return new Map(Object.entries(plain))
}

function hasEmptyMessage(value: Value): boolean {
  if (value instanceof Map) return value.size === 0 || [...value.values()].some(hasEmptyMessage)
  return Array.isArray(value) && value.some(hasEmptyMessage)
}
