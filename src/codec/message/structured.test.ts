import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyMessage, anyValue } from '../../../test/ao-core-arbitrary.ts'
import { failureOf } from '../../../test/ao-core-failures.ts'
import {
  comparable,
  isTypedError,
  messageFrom,
  readVectors,
  type Typed,
  type TypedObject,
  tabmFrom,
  valueFrom,
} from '../../../test/ao-core-vectors.ts'
import { linkId } from './id.ts'
import { decodeStructured, encodeStructured, restoreTypes } from './structured.ts'
import { Atom, Float, float, Link, type Message, message, type Tabm, type Value } from './value.ts'

interface MessageCase {
  readonly name: string
  readonly input: TypedObject
  readonly 'tabm-bundled': Typed
  readonly 'tabm-linked': Typed
  readonly 'roundtrip-bundled': Typed
}

const { cases } = readVectors<{ cases: MessageCase[] }>('ao-core-messages.json')
const legacy = readVectors<{ cases: { name: string; input: TypedObject; structured_from: Typed }[] }>('ao-core-hbsig.json').cases

describe('vectors of the reference', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s encodes whole', (_, one) => {
    expect(comparable(encodeStructured(messageFrom(one.input)) as Message)).toEqual(comparable(valueFrom(one['tabm-bundled'])))
  })

  test.each(cases.map((one) => [one.name, one] as const))('%s encodes with links', (_, one) => {
    expect(comparable(encodeStructured(messageFrom(one.input), linkId) as Message)).toEqual(comparable(valueFrom(one['tabm-linked'])))
  })

  test.each(cases.map((one) => [one.name, one] as const))('%s decodes', (_, one) => {
    expect(comparable(decodeStructured(tabmFrom(one['tabm-bundled'])))).toEqual(comparable(valueFrom(one.input)))
  })
})

describe('vectors of hbsig 0.1.5', () => {
  test.each(legacy.map((one) => [one.name, one] as const))('%s decodes', (_, one) => {
    const wanted = new Map([...messageFrom(one.input)].map(([key, value]) => [key.toLowerCase(), value])) // hbsig lowers keys of the first level.
    expect(comparable(decodeStructured(tabmFrom(one.structured_from)))).toEqual(comparable(wanted))
  })
})

describe('encoding', () => {
  test('drops what is private or made anew', () => {
    const given = message({
      a: '1',
      'priv-key': 'x',
      private: 'y',
      'content-digest': 'z',
      unsigned_id: 'u',
      'ao-types': 'a="integer"',
      sub: { priv: 1, b: 2 },
    })
    expect(encodeStructured(given)).toEqual(
      new Map<string, unknown>([
        ['a', '1'],
        ['sub', tabm({ b: '2', 'ao-types': 'b="integer"' })],
      ]),
    )
  })

  test('keeps commitments inline where children become links', () => {
    const commitment = message({ signature: 'x', committed: ['a'] })
    const encoded = encodeStructured(message({ a: { b: 1 }, commitments: { id: commitment } }), () => 'LINK')
    expect(encoded.get('a+link')).toBe('LINK')
    expect(encoded.get('commitments')).toEqual(tabm({ id: { signature: 'x', committed: { '1': 'a', 'ao-types': '.="list"' } } }))
  })

  test('a list at the top, and links within lists', () => {
    const encoded = encodeStructured(['a', new Link('ID'), 2])
    expect(encoded).toEqual(tabm({ '1': 'a', '2+link': 'ID', '3': '2', 'ao-types': '.="list", 3="integer"' }))
    expect(decodeStructured(encoded)).toEqual(['a', new Link('ID'), 2])
  })

  test('gives a message of binaries back as it is', () => {
    const given = message({ a: '1', b: new Uint8Array([255]) })
    expect(encodeStructured(given)).toBe(given)
    expect(decodeStructured(given as Tabm)).toBe(given)
    const deep = message({ a: { b: { c: '1' } } })
    expect(decodeStructured(deep as Tabm)).toBe(deep)
  })

  test('sorts types by the bytes of the keys, before these are escaped', () => {
    const given = message({ b: 1, B: 1, é: 1, '10': 1, '2': 1, '\u{1f600}': 1, '\uffee': 1, 'a/b': 1 })
    const types = String(encodeStructured(given).get('ao-types')).split(', ')
    expect(types.map((type) => type.split('=')[0])).toEqual(['10', '2', '%42', 'a/b', 'b', '%c3%a9', '%ef%bf%ae', '%f0%9f%98%80'])
  })

  test('refuses a link whose target must be looked up', () => {
    const lazy = new Map([['k', new Link('some/place', true)]])
    expect(failureOf(() => encodeStructured(lazy))?.message).toContain('the link at `k` names a place, "some/place"')
  })

  test('takes a fraction for a float, and refuses what no value can be', () => {
    expect(encodeStructured(new Map([['f', 0.5]])).get('ao-types')).toBe('f="float"')
    expect(() => encodeStructured(new Map([['f', Number.NaN]]))).toThrow(TypeError)
  })
})

describe('decoding what others write', () => {
  test.each<[string, Typed, Typed]>([
    ['bare types in any case', { n: '1', f: '15', 'ao-types': 'n=Integer,f=FLOAT' }, { n: 1, f: { $float: '15' } }],
    ['quoted atoms', { t: '"true"', x: '"ok"', 'ao-types': 't="atom", x="atom"' }, { t: true, x: { $atom: 'ok' } }],
    ['booleans of structured fields', { t: '?1', f: '?0', 'ao-types': 't="atom", f="atom"' }, { t: true, f: false }],
    ['empties', { 'ao-types': 'a="empty-binary", b="empty-list", c="empty-message"' }, { a: '', b: [], c: {} }],
    ['empties that are there', { b: '', c: '', 'ao-types': 'b="empty-list", c="empty-message"' }, { b: [], c: {} }],
    ['an empty message that has only the word', { m: { 'ao-types': 'empty-message' } }, { m: {} }],
    [
      'a list in one text',
      { l: '"(ao-type-integer) 1", "two", 3, 4.5, ?1, true', 'ao-types': 'l="list"' },
      { l: [1, 'two', 3, { $float: '4.5' }, true, true] },
    ],
    [
      'a list without quotes',
      { l: '(ao-type-integer) 1,(ao-type-binary) two, too,(ao-type-atom) ok', 'ao-types': 'l=list' },
      { l: [1, 'two, too', { $atom: 'ok' }] },
    ],
    ['an empty text for a list', { l: '', 'ao-types': 'l="list"' }, { l: [] }],
    ['a list whose parent says so', { l: { '1': { a: '1' }, '2': 'x' }, 'ao-types': 'l="list"' }, { l: [{ a: '1' }, 'x'] }],
    ['empty items of a list', { l: { '1': 'x', 'ao-types': '.="list", 2="empty-list", 3="empty-binary"' } }, { l: ['x', [], ''] }],
    ['a list with commitments', { l: { '1': 'x', commitments: { i: {} }, 'ao-types': '.="list"' } }, { l: ['x'] }],
    ['a map in one text', { m: 'a=1, b="x", c=1.5, d', 'ao-types': 'm="map"' }, { m: { a: 1, b: 'x', c: { $float: '1.5' }, d: true } }],
    ['a map as JSON', { l: '"(ao-type-map) {\\"a\\":1}"', 'ao-types': 'l="list"' }, { l: [{ a: 1 }] }],
    ['types nobody knows', { a: 'x', b: '1', 'ao-types': 'a="colour", b=5, c="shape"' }, { a: 'x', b: '1' }],
    [
      'keys that are not escaped',
      { 'Data-Protocol': '1', 'a/b': '2', 'ao-types': 'Data-Protocol="integer", a/b="integer"' },
      { 'Data-Protocol': 1, 'a/b': 2 },
    ],
    ['a key that is the mark of lists', { '.': '5', 'ao-types': '.="integer"' }, { '.': 5 }],
    ['bytes as base64url', { b: '-_8', 'ao-types': 'b="base64url"' }, { b: { $b64: '+/8=' } }],
    ['links', { 'a+link': 'ID', 'b+link': 'ID2', b: 'here', '+link': 'x' }, { a: { $link: 'ID' }, b: 'here', '+link': 'x' }],
    ['private keys', { a: '1', 'priv-x': '2', 'priv-y+link': 'ID', 'ao-types': 'privz="empty-list"' }, { a: '1' }],
  ])('%s', (_, given, wanted) => {
    expect(comparable(decodeStructured(tabmFrom(given)))).toEqual(comparable(valueFrom(wanted)))
  })

  test('nested lists in one text, to the limit', () => {
    const inner = '"(ao-type-list) \\"(ao-type-integer) 2\\", \\"(ao-type-list) \\\\\\"x\\\\\\"\\""'
    expect(decodeStructured(tabmFrom({ l: inner, 'ao-types': 'l="list"' }))).toEqual(message({ l: [[2, ['x']]] }))
    const deep = '(ao-type-list) '.repeat(102)
    expect(failureOf(() => decodeStructured(tabmFrom({ l: deep, 'ao-types': 'l="list"' })))).toMatchObject({ code: 'too-large' })
  })
})

describe('refusing', () => {
  test.each<[string, Typed, string]>([
    ['an integer that is none', { n: '1x', 'ao-types': 'n="integer"' }, '"1x" is not of type integer; expected only digits'],
    ['an empty integer', { n: '', 'ao-types': 'n="integer"' }, '"" is not of type integer'],
    ['bytes as an integer', { n: { $b64: '/w==' }, 'ao-types': 'n="integer"' }, 'is not of type integer'],
    ['a float that is none', { f: '0x10', 'ao-types': 'f="float"' }, '"0x10" is not of type float; expected a finite number'],
    ['an infinite float', { f: '1e999', 'ao-types': 'f="float"' }, 'is not of type float'],
    ['types that are no dictionary', { 'ao-types': '="' }, 'structured fields: expected a key at position 0'],
    ['types that are a message', { 'ao-types': { a: 'b' } }, '`ao-types` is not text'],
    ['a list with a gap', { '1': 'a', '3': 'c', 'ao-types': '.="list"' }, 'a list of 2 keys has no item 2; its keys must be 1 to 2'],
    ['a list with a name in it', { '1': 'a', x: 'c', 'ao-types': '.="list"' }, 'has no item 2'],
    ['a list in one text that is none', { l: 'a b', 'ao-types': 'l="list"' }, 'expected a comma or the end'],
    ['bytes that are not base64url', { b: '+', 'ao-types': 'b="base64url"' }, 'base64url value: "+" has characters'],
  ])('%s', (_, given, problem) => {
    const error = failureOf(() => decodeStructured(tabmFrom(given)))
    expect(error?.code).toBe('encoding-invalid')
    expect(error?.message).toContain(problem)
  })

  test('numbers without end', () => {
    for (const type of ['integer', 'float']) {
      expect(
        failureOf(() => decodeStructured(tabmFrom({ n: '1'.repeat(100_000), 'ao-types': `n="${type}"` }))),
        type,
      ).toMatchObject({ code: 'too-large' })
    }
  })

  test('messages without bottom, both ways', () => {
    let deep: Value = 'x'
    for (let i = 0; i < 10_000; i++) deep = i % 2 === 0 ? new Map([['k', deep]]) : [deep]
    expect(failureOf(() => encodeStructured(deep as Message))).toMatchObject({ code: 'too-large' })
    let tabm: Tabm = new Map([
      ['n', '1'],
      ['ao-types', 'n="integer"'],
    ])
    for (let i = 0; i < 10_000; i++) tabm = new Map([['k', tabm]])
    expect(failureOf(() => decodeStructured(tabm))).toMatchObject({ code: 'too-large' })
  })

  test('a hundred levels are fine, and cost no more than they are', () => {
    let deep: Message = message({ n: 1 })
    for (let i = 0; i < 98; i++) deep = new Map([['k', deep]])
    expect(comparable(decodeStructured(encodeStructured(deep)))).toEqual(deep)
  })
})

describe('properties', () => {
  test('every message reads back as it was', () => {
    fc.assert(
      fc.property(anyMessage({ hasLinks: true }), (given) => {
        expect(comparable(decodeStructured(encodeStructured(given)))).toEqual(comparable(given))
      }),
      { numRuns: 500 },
    )
  })

  test('so does every list', () => {
    fc.assert(
      fc.property(fc.array(anyValue({ depth: 2 })), (given) => {
        expect(comparable(decodeStructured(encodeStructured(given)))).toEqual(comparable(given))
      }),
    )
  })

  test('encoded messages have binaries and messages only, and encode the same again', () => {
    fc.assert(
      fc.property(anyMessage(), (given) => {
        const encoded = encodeStructured(given)
        expect(isTabm(encoded)).toBe(true)
        expect(encodeStructured(decodeStructured(encoded))).toEqual(encoded)
      }),
    )
  })

  test('any types over any values decode or are refused, and change nothing else', () => {
    const type = fc.constantFrom('integer', 'float', 'atom', 'list', 'map', 'base64url', 'empty-list', 'empty-message', 'x', '1')
    const types = fc.oneof(
      fc
        .array(fc.tuple(fc.constantFrom('.', 'a', 'b', '1', '2', '__proto__'), type))
        .map((all) => all.map(([key, one]) => `${key}="${one}"`).join(', ')),
      fc.string({ unit: 'binary' }),
    )
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '"x"', '(ao-type-list) (1 2)', '"(ao-type-map) {"', '(ao-type-', '{"a":1}', 'true'),
    )
    const keys = fc.constantFrom('a', 'b', '1', '2', '__proto__', 'a+link', 'priv')
    fc.assert(
      fc.property(types, fc.array(fc.tuple(keys, text)), (annotation, entries) => {
        const given: Tabm = new Map<string, string>([...entries, ['ao-types', annotation]])
        failureOf(() => decodeStructured(given))
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })
})

test('values that have a kind already keep it', () => {
  const given = message({ n: 5, 'ao-types': 'n="atom", t="atom"', t: 'true', l: [{ 'ao-types': '.="list"', '1': 'x' }] })
  expect(restoreTypes(given)).toEqual(message({ n: 5, t: true, l: [['x']] }))
})

test('floats are as C prints them with twenty digits', () => {
  const texts: [number, string][] = [
    [2 ** -31, '4.65661287307739257812e-10'], // A tie: the even digit.
    [3 * 2 ** -31, '1.39698386192321777344e-09'],
    [-0, '-0.00000000000000000000e+00'],
    [5e-324, '4.94065645841246544177e-324'],
    [Number.MAX_VALUE, '1.79769313486231570815e+308'],
  ]
  for (const [value, text] of texts) expect(encodeStructured(new Map([['f', float(value)]])).get('f'), text).toBe(text)
  expect(decodeStructured(tabmFrom({ f: '-0.0', 'ao-types': 'f="float"' }))).toEqual(new Map([['f', new Float(-0)]]))
})

test('atoms of odd names read back', () => {
  for (const name of ['', ' ', '"', '""', '"a', '"a"', '?1', '?0', 'a b', 'ünder', '1']) {
    const given = new Map([['a', new Atom(name)]])
    expect(decodeStructured(encodeStructured(given)), name).toEqual(given)
  }
})

test('the reference refuses what it cannot decode; here it decodes', () => {
  const refused = cases.filter((one) => isTypedError(one['roundtrip-bundled'])).map(({ name }) => name)
  expect(refused).toEqual(['int-types'])
})

function tabm(plain: { readonly [key: string]: unknown }): Tabm {
  return message(plain as Parameters<typeof message>[0]) as Tabm
}

function isTabm(value: unknown): boolean {
  if (value instanceof Map) return [...value.values()].every(isTabm)
  return typeof value === 'string' || value instanceof Uint8Array
}
