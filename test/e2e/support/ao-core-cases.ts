/** Messages of every kind that clients of AO-Core send, each with a name. Plain JavaScript, as those clients take it: atoms are symbols, binaries Buffers. */

export type Plain = string | number | boolean | null | symbol | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain }
export type PlainMessage = { readonly [key: string]: Plain }

const SOME_BYTES = Buffer.from([0, 1, 127, 128, 200, 255])
const NO_BYTES = Buffer.alloc(0)
const ok = Symbol('ok')

function repeated(text: string, times: number): string {
  return text.repeat(times)
}

/** So many levels of `{ down: … }` around a value. */
function nested(levels: number, value: Plain): Plain {
  return levels === 0 ? value : { down: nested(levels - 1, value) }
}

const FLAT: Record<string, PlainMessage> = {
  'one text': { fruit: 'pear' },
  'several texts': { fruit: 'pear', colour: 'green', shape: 'round' },
  integer: { count: 12 },
  'negative integer': { count: -12 },
  zero: { count: 0 },
  'largest integers of 32 bits': { top: 2 ** 31 - 1, bottom: -(2 ** 31) },
  'integer of 15 digits': { count: 999_999_999_999_999 },
  float: { weight: 2.75 },
  'negative float': { weight: -0.125 },
  'float that no decimal is': { weight: 0.1 },
  'very small and very large floats': { small: 1.5e-7, large: 2.5e21 },
  true: { ripe: true },
  false: { ripe: false },
  null: { ripe: null },
  atom: { state: Symbol('waiting') },
  'every plain kind': { text: 'pear', count: 3, weight: 1.5, ripe: true, gone: null, state: ok },
  'digits as text': { code: '0012' },
  'text that looks like other kinds': { a: 'true', b: 'null', c: '1.5', d: '[]', e: '{}' },
  'text with punctuation': { text: `a, b; c="d": (e) \\ f 'g' <h>` },
  'text with colons': { text: 'https://example.com:80/x?y=1&z=2' },
  'one letter': { a: 'b' },
  'base64 text': { text: SOME_BYTES.toString('base64') },
  'many keys': Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key-${i}`, `value ${i}`])),
}

const KEYS: Record<string, PlainMessage> = {
  'upper-case key': { Fruit: 'pear' },
  'camel-case keys with types': { fruitCount: 3, isRipe: true },
  'dashes and underscores': { 'fruit-count': 1, fruit_count: 2, fruitcount: 3 },
  'underscores at the ends': { _count: 1, count: 2, count_: 3 },
  'numbers as keys': { 1: 'one', 2: 'two' },
  'a number as a key among others': { 7: 'seven', fruit: 'pear' },
  'numbers as keys of a message within': { basket: { 1: 'one', 3: 'three' } },
  'key with a dot': { 'fruit.kind': 'pear' },
  'long key': { [repeated('k', 60)]: 'value' },
}

const EMPTY: Record<string, PlainMessage> = {
  'nothing at all': {},
  'empty text': { text: '' },
  'empty binary': { bytes: NO_BYTES },
  'empty list': { list: [] },
  'empty message': { within: {} },
  'all the empties': { text: '', list: [], within: {} },
  'empties beside values': { text: '', list: [], within: {}, fruit: 'pear', count: 2 },
  'empties within': { basket: { text: '', list: [], within: {}, fruit: 'pear' } },
  'only empties within': { basket: { list: [], within: {} } },
  'empty messages in a list': { list: [{}, {}] },
  'empty and other messages in a list': { list: [{}, { fruit: 'pear' }, {}] },
  'empty lists in a list': { list: [[], [[]]] },
  'empty text in a list': { list: ['', 'pear', ''] },
}

const LISTS: Record<string, PlainMessage> = {
  'list of integers': { list: [1, 2, 3] },
  'list of texts': { list: ['pear', 'plum', 'fig'] },
  'list of texts with commas and quotes': { list: ['a, b', 'say "hi"', 'c\\d'] },
  'list of floats': { list: [1.5, -2.25] },
  'list of booleans': { list: [true, false] },
  'list of atoms': { list: [ok, Symbol('failed')] },
  'list with null': { list: [1, null] },
  'list of one': { list: ['pear'] },
  'list of every plain kind': { list: ['pear', 3, 1.5, true, null, ok] },
  'list of lists': {
    list: [
      [1, 2],
      [3, 4],
    ],
  },
  'lists among others in a list': { list: [1, [2, 3], 'four'] },
  'deep lists': { list: [1, [2, [3, [4]]]] },
  'list of messages': { list: [{ fruit: 'pear' }, { fruit: 'plum' }] },
  'list of messages with types': {
    list: [
      { fruit: 'pear', count: 1 },
      { fruit: 'plum', count: 2, ripe: true },
    ],
  },
  'list of messages with lists': { list: [{ counts: [1, 2] }, { counts: [3] }] },
  'list of lists of messages': { list: [[{ x: 1 }, { x: 2 }], [{ x: 3 }]] },
  'messages and other kinds in a list': { list: [1, { fruit: 'pear' }, 'plum', [2]] },
  'list of eleven': { list: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] },
  'several lists': { counts: [1, 2], fruits: ['pear'], states: [ok] },
}

const NESTED: Record<string, PlainMessage> = {
  'message within': { basket: { fruit: 'pear' } },
  'message with types within': { basket: { fruit: 'pear', count: 3, weight: 1.5, ripe: true, state: ok } },
  'two messages within': { basket: { fruit: 'pear' }, bag: { fruit: 'plum' } },
  'three levels': { a: { b: { c: 'pear' } } },
  'values on every level': { n: 1, a: { n: 2, b: { n: 3, c: { n: 4 } } } },
  'eight levels': { top: nested(8, 'pear') },
  'lists within': { basket: { counts: [1, 2, 3], fruits: ['pear', 'plum'] } },
  'lists of messages within': { basket: { fruits: [{ name: 'pear' }, { name: 'plum' }] } },
  'upper-case keys within': { basket: { Fruit: 'pear' } },
  'mixed tree': {
    name: 'shop',
    open: true,
    shelves: [
      { kind: 'fruit', items: ['pear', 'plum'], size: { width: 2, height: 1.5 } },
      { kind: 'nuts', items: [], size: { width: 1, height: 0.5 } },
    ],
    owner: { name: 'Ann', since: 1999, tags: [ok, 'kind'] },
  },
}

const TEXTS: Record<string, PlainMessage> = {
  'accents alone': { text: 'crème brûlée' },
  'accents beside others': { text: 'crème brûlée', count: 2 },
  'other scripts': { text: '梨とスモモ' },
  emoji: { text: '🍐🍇' },
  'accents within': { basket: { fruit: 'pêche' } },
  'accents in a list': { list: ['pêche', 'poire'] },
  'line feed alone': { text: 'one\ntwo' },
  'line feed beside others': { text: 'one\ntwo', count: 2 },
  'two texts with line feeds': { first: 'one\ntwo', second: 'three\nfour' },
  'line feed within': { basket: { text: 'one\ntwo' } },
  'tab and carriage return': { text: 'one\ttwo\r\nthree' },
  'spaces at the ends': { text: '  pear  ' },
}

const BYTES: Record<string, PlainMessage> = {
  'bytes alone': { bytes: SOME_BYTES },
  'bytes beside others': { bytes: SOME_BYTES, count: 2 },
  'two binaries': { first: SOME_BYTES, second: Buffer.from([255]) },
  'bytes within': { basket: { bytes: SOME_BYTES } },
  'bytes of control characters': { bytes: Buffer.from([1, 2, 3]) },
}

const BODIES: Record<string, PlainMessage> = {
  'body of text': { body: 'pear' },
  'data of text': { data: 'pear' },
  'body and data of text': { body: 'pear', data: 'plum' },
  'body beside others': { body: 'pear', colour: 'green', count: 2 },
  'data beside others': { data: 'pear', colour: 'green', count: 2 },
  'body and data beside others': { body: 'pear', data: 'plum', colour: 'green' },
  'body an integer': { body: 4 },
  'data an integer': { data: 4 },
  'body a float': { body: 4.5 },
  'body true': { body: true },
  'data an atom': { data: ok },
  'body of bytes': { body: SOME_BYTES },
  'data of bytes': { data: SOME_BYTES },
  'body of bytes beside others': { body: SOME_BYTES, colour: 'green', list: [1, 2] },
  'body a message': { body: { fruit: 'pear', count: 2 } },
  'data a message': { data: { fruit: 'pear', count: 2 } },
  'body and data messages': { body: { fruit: 'pear' }, data: { fruit: 'plum' } },
  'body a tree': { body: { a: { b: 1 }, c: [1, 2] }, note: 'tree' },
  'data in a message within': { basket: { data: 'pear' } },
  'body in a message within': { basket: { body: 'pear', count: 1 } },
  'body a list': { body: [1, 2, 3] },
  'data a list of messages': { data: [{ n: 1 }, { n: 2 }] },
  'empty body': { body: '' },
  'empty message as body': { body: {} },
  'empty list as data': { data: [] },
  'body with a line feed': { body: 'one\ntwo' },
  'JSON as body': { body: JSON.stringify({ a: [1, { b: null }] }) },
}

const LARGE: Record<string, PlainMessage> = {
  'text of 4,000 bytes': { text: repeated('pear', 1000) },
  'text of 5,000 bytes': { text: repeated('plums', 1000) },
  'data of 100,000 bytes': { data: repeated('0123456789', 10_000) },
  'body of 100,000 bytes beside others': { body: repeated('0123456789', 10_000), count: 1 },
  'large text within': { basket: { text: repeated('plums', 1000), count: 1 } },
  'list of 300': { list: Array.from({ length: 300 }, (_, i) => i) },
}

export const CASES: Readonly<Record<string, PlainMessage>> = {
  ...FLAT,
  ...KEYS,
  ...EMPTY,
  ...LISTS,
  ...NESTED,
  ...TEXTS,
  ...BYTES,
  ...BODIES,
  ...LARGE,
}
