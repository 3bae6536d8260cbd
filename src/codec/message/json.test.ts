import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyMessage, anyTextOf, anyValue } from '../../../test/ao-core-arbitrary.ts'
import { failureOf } from '../../../test/ao-core-failures.ts'
import {
  comparable,
  isTypedError,
  messageFrom,
  readVectors,
  type Typed,
  type TypedObject,
  valueFrom,
} from '../../../test/ao-core-vectors.ts'
import { decodeJson, decodeJsonValue, encodeJson } from './json.ts'
import { parseJsonText } from './json-text.ts'
import { EMPTY_MESSAGE, Float, Link, type Message, message, type Value } from './value.ts'

interface Transcript {
  readonly name: string
  readonly response: { readonly headers: Record<string, string>; readonly body?: { readonly utf8?: string } }
}

const { cases } = readVectors<{ cases: { name: string; input: TypedObject; json: Typed }[] }>('ao-core-messages.json')
/** The reference has no JSON for a long integer, nor for bytes that are not UTF-8. */
const REFUSED = { 'int-types': '"big":123456789012345678901234567890', 'binary-value': '"bin":"AAECA__-_Q"' }

describe('vectors of the reference', () => {
  const [refused, texts] = [cases.filter((one) => isTypedError(one.json)), cases.filter((one) => !isTypedError(one.json))]

  test.each(texts.map((one) => [one.name, one] as const))('%s is the same text', (_, one) => {
    expect(encodeJson(messageFrom(one.input))).toBe(one.json)
    expect(comparable(decodeJson(one.json as string))).toEqual(comparable(valueFrom(one.input)))
  })

  test('what it refuses has a text here, and reads back', () => {
    expect(refused.map(({ name }) => name)).toEqual(Object.keys(REFUSED))
    for (const { name, input } of refused) {
      const text = encodeJson(messageFrom(input))
      expect(text, name).toContain(REFUSED[name as keyof typeof REFUSED])
      expect(comparable(decodeJson(text)), name).toEqual(comparable(messageFrom(input)))
    }
  })
})

test('what a node of the reference answered as JSON reads and writes to the same', () => {
  const { transcripts } = readVectors<{ transcripts: Transcript[] }>('ao-core-http.json')
  const bodies = transcripts.filter(({ response }) => response.headers['content-type'] === 'application/json' && response.body?.utf8)
  expect(bodies.length).toBeGreaterThan(15)
  for (const { name, response } of bodies) {
    const text = response.body!.utf8!
    expect(JSON.parse(encodeJson(decodeJson(text))), name).toEqual(JSON.parse(text))
  }
})

describe('encoding', () => {
  test('children as links, but not commitments', () => {
    const given = message({ a: { b: 1 }, l: [1], commitments: { id: { committed: ['a'], ok: true } }, priv: 'x', far: new Link('FAR') })
    const ids = new Map<unknown, string>([
      [given.get('a'), 'A'],
      [given.get('l'), 'L'],
    ])
    expect(encodeJson(given, { linkOf: (child) => ids.get(child)! })).toBe(
      '{"a+link":"A","commitments":{"id":{"ao-types":"ok=\\"atom\\"","committed":["a"],"ok":"true"}},"far+link":"FAR","l+link":"L"}',
    )
  })

  test('a list with a link or a child to link is an object', () => {
    expect(encodeJson(['a', new Link('ID')])).toBe('{"1":"a","2+link":"ID","ao-types":".=\\"list\\""}')
    expect(encodeJson([EMPTY_MESSAGE], { linkOf: () => 'ID' })).toBe('{"1+link":"ID","ao-types":".=\\"list\\""}')
  })

  test('floats keep their dot', () => {
    const floats = [0, -0, 1, -3, 0.1, 1e15, 2 ** 53, 1e22, 1.5e300, 1e-7, 1.5e-9].map((value) => new Float(value))
    expect(encodeJson(floats)).toBe('[0.0,-0.0,1.0,-3.0,0.1,1000000000000000.0,9.007199254740992e15,1.0e22,1.5e300,1.0e-7,1.5e-9]')
    expect(decodeJsonValue(encodeJson(floats))).toEqual(floats)
  })
})

describe('decoding', () => {
  test.each<[string, Typed]>([
    ['{"__proto__":{"x":1},"constructor":"y"}', JSON.parse('{"__proto__":{"x":1},"constructor":"y"}')],
    ['{"a":1,"a":2}', { a: 2 }],
    [' \n{ "a" :\t[ ] , "b" : { } }\r\n', { a: [], b: {} }],
    [
      '{"n":-0,"i":9007199254740993,"f":1.0,"e":1e3,"E":1E-2}',
      { n: 0, i: { $int: '9007199254740993' }, f: { $float: '1' }, e: { $float: '1000' }, E: { $float: '0.01' } },
    ],
    ['{"t":true,"f":false,"z":null}', { t: true, f: false, z: null }],
    ['{"s":"\\u00e9\\n\\"\\\\\\/\\ud83d\\ude00\\b\\f\\r\\t"}', { s: 'é\n"\\/😀\b\f\r\t' }],
    ['{"s":"\\ud83d","t":"\\ude00x"}', { s: '�', t: '�x' }],
    ['{"a":"true","b":"5","ao-types":"a=\\"atom\\", b=\\"integer\\", c=\\"empty-list\\""}', { a: true, b: 5, c: [] }],
    ['{"l":{"1":"x","2":"ok","ao-types":".=\\"list\\", 2=\\"atom\\""}}', { l: ['x', { $atom: 'ok' }] }],
    ['[{"m":"x","ao-types":"m=\\"atom\\""}]', { '1': { m: { $atom: 'x' } } }],
    ['{"a+link":"ID","priv":"x"}', { a: { $link: 'ID' } }],
    ['\ufeff{}', {}],
  ])('%s', (text, wanted) => {
    expect(decodeJson(text)).toEqual(valueFrom(wanted))
  })

  test('pollutes nothing', () => {
    decodeJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test.each([
    ['', 0, 'a value'],
    ['{', 1, 'a key in quotes'],
    ['{"a"', 4, 'a colon'],
    ['{"a":', 5, 'a value'],
    ['{"a":1', 6, 'a comma or `}`'],
    ['{"a":1,}', 7, 'a key in quotes'],
    ['[1,]', 3, 'a value'],
    ['[1 2]', 3, 'a comma or `]`'],
    ['{}x', 2, 'the end'],
    ["{'a':1}", 1, 'a key in quotes'],
    ['{"a":"\n"}', 6, 'line breaks as \\n'],
    ['{"a":"x', 7, 'a closing quote'],
    ['{"a":"\\x"}', 6, 'an escape'],
    ['{"a":"\\u12g4"}', 6, 'four hexadecimal digits'],
    ['{"a":01}', 5, 'a number that does not begin with 0'],
    ['{"a":1.}', 7, 'a digit'],
    ['{"a":1e}', 7, 'a digit'],
    ['{"a":-}', 6, 'a digit'],
    ['{"a":1e999}', 5, 'finite'],
    ['{"a":NaN}', 5, 'a value'],
    ['{"a":tru}', 5, 'a value'],
  ])('%s is refused where it breaks', (text, at, expected) => {
    const error = failureOf(() => decodeJson(text))
    expect(error).toMatchObject({ code: 'encoding-invalid', facts: { format: 'json', at } })
    expect(error?.message).toContain(expected)
  })

  test('one word is no message', () => {
    expect(failureOf(() => decodeJson('"x"'))?.message).toContain('expected an object or a list')
    expect(decodeJsonValue('"x"')).toBe('x')
  })

  test.each([
    ['deep lists', '['.repeat(1_000_000)],
    ['deep objects', '{"a":'.repeat(1_000_000)],
    ['many values', `[${'1,'.repeat(200_001)}1]`],
    ['many keys', `{${Array.from({ length: 10_001 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['a long key', `{"${'k'.repeat(1025)}":1}`],
    ['a long integer', `{"a":${'1'.repeat(100_000)}}`],
  ])('%s are too large', (_, text) => {
    expect(failureOf(() => decodeJson(text))?.code).toBe('too-large')
  })

  test('a long list of atoms, which is an object, is not', () => {
    const list = Array.from({ length: 20_000 }, (_, i) => i % 2 === 0)
    expect(decodeJsonValue(encodeJson(list))).toEqual(list)
  })

  test('as deep as messages may be', () => {
    const deep = `${'{"a":'.repeat(99)}{"t":"true","ao-types":"t=\\"atom\\""}${'}'.repeat(99)}`
    expect(encodeJson(decodeJson(deep))).toHaveLength(deep.length)
  })

  test('what is kept of a body does not keep the body', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    collect()
    const before = process.memoryUsage().heapUsed
    const kept = Array.from(
      { length: 50 },
      (_, i) =>
        decodeJson(`{"a-key-that-is-long-enough-${i}":"a value that is long enough","fill":"${'x'.repeat(1_000_000)}"}`)
          .keys()
          .next().value,
    )
    collect()
    expect(kept[7]).toBe('a-key-that-is-long-enough-7')
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000)
  })

  test('messages without bottom are refused', () => {
    let endless: Value = 'x'
    for (let i = 0; i < 10_000; i++) endless = i % 2 === 0 ? [endless] : new Map([['k', endless]])
    expect(failureOf(() => encodeJson(endless as Message))?.code).toBe('too-large')
  })
})

describe('properties', () => {
  test('every message reads back as it was', () => {
    fc.assert(
      fc.property(anyMessage({ hasLinks: true }), (given) => {
        const text = encodeJson(given)
        expect(() => JSON.parse(text)).not.toThrow()
        expect(comparable(decodeJson(text))).toEqual(comparable(given))
      }),
      { numRuns: 500 },
    )
  })

  test('so does every list', () => {
    fc.assert(
      fc.property(fc.array(anyValue({ depth: 2, hasLinks: true })), (given) => {
        expect(comparable(decodeJsonValue(encodeJson(given)))).toEqual(comparable(given))
      }),
    )
  })

  test('what JSON.parse reads is read, to the same text', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(plainText(parseJsonText(text)))).toEqual(JSON.parse(text, (_, held) => (held === 0 ? 0 : held))) // Of integers -0 is 0.
      }),
      { numRuns: 500 },
    )
  })

  test('any text decodes or is refused', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'u',
      '00',
      '1',
      '-',
      '.',
      'e',
      'true',
      'null',
      ' ',
      '"ao-types"',
      '"a"',
      '\ud800',
    ]
    fc.assert(
      fc.property(anyTextOf(pieces), (text) => {
        failureOf(() => decodeJson(text))
      }),
      { numRuns: 1000 },
    )
  })
})

function plainText(value: Value): string {
  if (value instanceof Float) return JSON.stringify(value.value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map((item: Value) => plainText(item)).join(',')}]`
  if (!(value instanceof Map)) return JSON.stringify(value)
  return `{${[...value].map(([key, held]) => `${JSON.stringify(key)}:${plainText(held)}`).join(',')}}`
}

describe('long strings', () => {
  const long = fc
    .array(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('"', '\\', '\\"', '\n', '\ud800', 'x'.repeat(150))), {
      minLength: 2,
      maxLength: 12,
    })
    .map((pieces) => pieces.join(''))

  test('are read as short ones are', () => {
    fc.assert(
      fc.property(long, (text) => {
        expect(decodeJson(`{"a":${JSON.stringify(text)},"b":1}`)).toEqual(
          new Map<string, unknown>([
            ['a', text.toWellFormed()],
            ['b', 1],
          ]),
        )
      }),
    )
  })

  test.each([
    ['never closed', `{"a":"${'x'.repeat(300)}`, 306],
    ['closed by an escaped quote', `{"a":"${'x'.repeat(300)}\\"}`, 309],
    ['with a line break', `{"a":"${'x'.repeat(300)}\n"}`, 306],
    ['with an escape that is none', `{"a":"${'x'.repeat(300)}\\q"}`, 306],
  ])('%s fail where they are wrong', (_what, text, at) => {
    expect(() => decodeJson(text)).toThrow(`at position ${at}`)
  })

  test('of over a megabyte are bytes, as they are from everywhere else', () => {
    expect(decodeJson(`{"a":"${'x'.repeat(1_100_000)}"}`).get('a')).toEqual(new Uint8Array(1_100_000).fill(120))
  })
})
