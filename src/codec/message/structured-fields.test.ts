import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyTextOf } from '../../../test/ao-core-arbitrary.ts'
import { failureOf } from '../../../test/ao-core-failures.ts'
import {
  formatDictionary,
  formatItem,
  formatList,
  parseDictionary,
  parseItem,
  parseList,
  type SfBare,
  type SfItem,
  type SfParameters,
  type SfValue,
} from './structured-fields.ts'

describe('reading', () => {
  test('a signature input, with the text of each member as it came', () => {
    const text =
      'comm-a=("x" "@path" "content-digest");alg="rsa-pss-sha512";keyid="publickey:ab+/=";created=1700000000, sig1=();alg="hmac-sha256"'
    const members = parseDictionary(text)
    expect([...members.keys()]).toEqual(['comm-a', 'sig1'])
    const first = members.get('comm-a')!
    expect(first.raw).toBe('("x" "@path" "content-digest");alg="rsa-pss-sha512";keyid="publickey:ab+/=";created=1700000000')
    expect(items(first.value)).toEqual(['x', '@path', 'content-digest'])
    expect(parameters(first.value)).toEqual({ alg: 'rsa-pss-sha512', keyid: 'publickey:ab+/=', created: 1700000000 })
    expect(items(members.get('sig1')!.value)).toEqual([])
    expect(members.get('sig1')!.raw).toBe('();alg="hmac-sha256"')
  })

  test('keys that RFC 8941 would refuse', () => {
    const members = parseDictionary('.="list", 1="integer", %44ata=atom, Data-Protocol="x", a/b?c&d="y", clé="z"')
    expect([...members].map(([key, { value }]) => [key, bareValue(value)])).toEqual([
      ['.', 'list'],
      ['1', 'integer'],
      ['%44ata', 'atom'],
      ['Data-Protocol', 'x'],
      ['a/b?c&d', 'y'],
      ['clé', 'z'],
    ])
  })

  test.each<[string, string, unknown]>([
    ['"text"', 'string', 'text'],
    ['""', 'string', ''],
    ['"a \\"quoted\\" \\\\ b"', 'string', 'a "quoted" \\ b'],
    ['"a lone \\n backslash"', 'string', 'a lone \\n backslash'],
    ['"héllo\n世界"', 'string', 'héllo\n世界'],
    ['token', 'token', 'token'],
    ['*t/o:k', 'token', '*t/o:k'],
    ['0', 'integer', 0],
    ['-0', 'integer', 0],
    ['007', 'integer', 7],
    ['-42', 'integer', -42],
    ['9007199254740991', 'integer', 9007199254740991],
    ['9007199254740993', 'integer', 9007199254740993n],
    ['-1234567890123456789012', 'integer', -1234567890123456789012n],
    ['1.5', 'decimal', 1.5],
    ['-0.125', 'decimal', -0.125],
    ['?1', 'boolean', true],
    ['?0', 'boolean', false],
    ['  spaced  ', 'token', 'spaced'],
  ])('%s is a %s', (text, kind, value) => {
    expect(parseItem(text)).toEqual({ kind, value, parameters: new Map() })
  })

  test('bytes in either alphabet', () => {
    for (const text of [':+/8=:', ':-_8:']) expect([...(parseItem(text).value as Uint8Array)], text).toEqual([251, 255])
    expect([...(parseItem('::').value as Uint8Array)]).toEqual([])
  })

  test('lists, with inner lists, parameters and odd spaces', () => {
    const list = parseList(' a ,\t"b";q=0.5; w, ( 1  2 );x, ?0')
    expect(list.map((value) => (value.kind === 'list' ? items(value) : bareValue(value)))).toEqual(['a', 'b', [1, 2], false])
    expect(parameters(list[1]!)).toEqual({ q: 0.5 })
    expect(parseList('')).toEqual([])
    expect(parseList('a,').length).toBe(1)
  })

  test('a key alone is true, and of two the last counts', () => {
    const members = parseDictionary('a, b;x=1, c=1, c=2')
    expect(members.get('a')).toEqual({ value: { kind: 'boolean', value: true, parameters: new Map() }, raw: '' })
    expect(members.get('b')?.raw).toBe(';x=1')
    expect(bareValue(members.get('c')!.value)).toBe(2)
    expect(parseDictionary('').size).toBe(0)
  })

  test('`__proto__` is a key like any other', () => {
    const members = parseDictionary('__proto__=1;__proto__=2')
    expect([...members.keys()]).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['kind']).toBeUndefined()
  })
})

describe('failing', () => {
  test.each([
    ['a=', 2],
    ['a="', 2],
    ['a="x', 2],
    ['=1', 0],
    ['a=1 b=2', 4],
    ['a=(1', 4],
    ['a=(1"x")', 4],
    ['a=((1))', 3],
    ['a=?2', 2],
    ['a=:€:', 2],
    ['a=:QUI', 2],
    ['a=-', 3],
    ['a=1.', 4],
    ['a=1e5', 3],
    ['a;=1', 2],
    [',', 0],
  ])('%s, where it stops', (text, at) => {
    expect(failureOf(() => parseDictionary(text))).toMatchObject({ code: 'encoding-invalid', facts: { format: 'structured fields', at } })
  })

  test('an item with something after it', () => {
    expect(failureOf(() => parseItem('a b'))?.message).toContain('expected one item and nothing after it at position 2 and found "b"')
  })

  test('numbers without end', () => {
    expect(failureOf(() => parseItem('9'.repeat(201)))).toMatchObject({ code: 'too-large', facts: { size: 201, max: 200 } })
    expect(parseItem('9'.repeat(200)).value).toBe(10n ** 200n - 1n)
  })

  test('lists without end', () => {
    expect(failureOf(() => parseList('1,'.repeat(200_001)))).toMatchObject({ code: 'too-large' })
    expect(failureOf(() => parseList(`(${'1 '.repeat(200_001)})`))).toMatchObject({ code: 'too-large' })
  })

  test('in time that grows with the text alone', () => {
    const hard = [
      '"\\'.repeat(50_000),
      '('.repeat(100_000),
      ';'.repeat(100_000),
      `a=${'('.repeat(100_000)}`,
      'a;b'.repeat(50_000),
      ' '.repeat(100_000),
    ]
    const start = performance.now()
    for (const text of hard) for (const parse of [parseDictionary, parseList, parseItem]) failureOf(() => parse(text))
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('properties', () => {
  test('what is written reads back', () => {
    fc.assert(
      fc.property(fc.array(value), (values) => {
        expect(structuredClone(parseList(formatList(values)))).toEqual(values)
      }),
    )
    fc.assert(
      fc.property(fc.dictionary(key, value), (entries) => {
        const members = parseDictionary(formatDictionary(Object.entries(entries)))
        expect([...members.keys()].sort()).toEqual(Object.keys(entries).sort())
        for (const [name, member] of members) {
          expect(structuredClone(member.value)).toEqual(entries[name])
          expect(member.raw || '?1').toBe(formatItem(member.value))
        }
      }),
    )
  })

  test('any text is read or refused', () => {
    const pieces = ['"', '\\', '(', ')', ' ', ';', ',', '=', ':', '?', '1', '-', '.', 'a', '%', '世', '\u0000', '\n']
    const text = anyTextOf(pieces)
    fc.assert(
      fc.property(text, (any) => {
        for (const parse of [parseDictionary, parseList, parseItem]) failureOf(() => parse(any))
      }),
      { numRuns: 1000 },
    )
  })
})

const key = fc.stringMatching(/^[a-zA-Z0-9.%_*-]+$/)
const bare: fc.Arbitrary<SfBare> = fc.oneof(
  fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'binary' }) }),
  fc.record({ kind: fc.constant('token' as const), value: fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*$/) }),
  fc.record({ kind: fc.constant('integer' as const), value: fc.maxSafeInteger().map((integer) => integer + 0) }),
  fc.record({ kind: fc.constant('decimal' as const), value: fc.integer().map((integer) => integer / 1000) }),
  fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array() }),
)
const somes: fc.Arbitrary<SfParameters> = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((entries) => new Map(entries))
const item: fc.Arbitrary<SfItem> = fc.tuple(bare, somes).map(([one, some]) => ({ ...one, parameters: some }))
const list: fc.Arbitrary<SfValue> = fc.record({
  kind: fc.constant('list' as const),
  items: fc.array(item, { maxLength: 4 }),
  parameters: somes,
})
const value: fc.Arbitrary<SfValue> = fc.oneof(item, list)

function bareValue(one: SfValue): unknown {
  return one.kind === 'list' ? undefined : one.value
}

function items(one: SfValue): unknown[] {
  return one.kind === 'list' ? one.items.map((inner) => inner.value) : []
}

function parameters(one: SfValue): Record<string, unknown> {
  return Object.fromEntries([...one.parameters].filter(([, { kind }]) => kind !== 'boolean').map(([name, { value: held }]) => [name, held]))
}
