import fc from 'fast-check'
// hbsig has no types.
// @ts-expect-error
import { httpsig_from, httpsig_to, send, structured_from, structured_to } from 'hbsig'
import { describe, expect, it } from 'vitest'
import { comparable, readVectors, type Typed, valueFrom } from '../../../test/ao-core-vectors.ts'
import { toLatin1, toText, toTextStrict } from '../../base/bytes.ts'
import { decodeHttpsig } from './httpsig.ts'
import { encodeLegacyHttpsig } from './httpsig-legacy.ts'
import { decodeStructured } from './structured.ts'
import { Atom, Float, type HttpsigForm, isIdLike, isMessage, type Message, message, type Plain, type Value } from './value.ts'

/** As a client reads a reply: every header signed, body as text. */
async function readAsReply({ headers, body }: HttpsigForm): Promise<unknown> {
  const components = [...headers.keys()].filter((name) => name !== 'body-keys').map((name) => `"${name}"`)
  const sent = Object.fromEntries([...headers].map(([name, value]) => [name, value as string]))
  const signed = { ...sent, 'signature-input': `http-sig-0011223344556677=(${components.join(' ')});alg="rsa-pss-sha512";keyid="AAAA"` }
  const reply = { status: 200, headers: new Headers(signed), text: async () => toText(body ?? new Uint8Array()) }
  return (await send({ method: 'GET', url: 'http://127.0.0.1/', headers: {} }, async () => reply)).out
}

/** As the codec of hbsig reads it. It leaves what describes the body among the keys. */
function readAsCodec(http: object): unknown {
  const { 'body-keys': _, 'content-type': __, 'inline-body-key': ___, ...read } = structured_to(httpsig_from(http))
  return read
}

function asHttp({ headers, body }: HttpsigForm): object {
  return { ...Object.fromEntries(headers), ...(body === null ? {} : { body: toTextStrict(body) ?? toLatin1(body) }) }
}

/** What hbsig has for a value. */
function asHbsig(value: Value): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [isIdLike(key) ? key : key.toLowerCase(), asHbsig(inner)]))
  if (Array.isArray(value)) return value.map(asHbsig)
  if (value instanceof Float) return value.value
  if (value instanceof Uint8Array) return toLatin1(value) // In hbsig bytes are text in which a character is a byte.
  return value instanceof Atom ? Symbol.for(value.name) : value
}

const REPLIES: readonly (readonly [string, Plain])[] = [
  ['text', { a: '1', b: 'two', q: 'say "hi" \\ back', url: 'https://x.y/z?a=b#c' }],
  [
    'numbers',
    { n: 42, neg: -7, zero: 0, f: new Float(1.5), g: new Float(-0.25), h: new Float(1e22), i: new Float(1e-7), whole: new Float(3) },
  ],
  ['atoms', { t: true, f: false, z: null, s: new Atom('ok') }],
  ['empties', { a: '', b: [], c: {}, v: 'x' }],
  ['nested empties', { m: { a: '', b: [], c: {}, v: 'x' } }],
  ['a message of empties', { m: { a: '', b: [] } }],
  ['lists', { l: [1, 'two', true, new Float(2.5), new Atom('ok'), ''] }],
  ['lists of awkward text', { l: ['a, b', 'c"d'], m: ['世界', 'x'] }],
  ['lists in lists', { l: [[1, 2], ['x']] }],
  ['lists of messages', { l: [{ a: 1 }, { b: '2' }] }],
  ['lists of messages and others', { l: [1, { k: 'v' }, 'two', true, {}, [], { l: [{ x: 1 }, 2] }], v: 'x' }],
  ['mixed lists in lists', { l: [[1, { a: 1 }], 2, [[{ b: 2 }, [3, { c: [4, {}] }]], 'x'], { m: [5, { d: 6 }] }] }],
  ['mixed lists in messages', { m: { n: { l: ['x', { a: 1 }, ['y', { b: 2 }]], t: true }, l: [1, {}] } }],
  ['lists in messages', { m: { l: [1, 'x'], k: { l: ['a, b', 'é'] } } }],
  ['messages', { a: 'x', b: { c: 'd', n: 1, i: { t: true } } }],
  ['deep messages', { a: { b: { c: { d: 'e' } } } }],
  ['body', { body: 'hello', k: 'v' }],
  ['data', { data: 'hello', k: 'v' }],
  ['data and body', { data: 'd', body: 'b' }],
  ['a message as body', { body: { a: '1', n: 2 }, k: 'v' }],
  ['text beyond ASCII within a message', { m: { u: 'héllo 世界', x: 'a\nb' } }],
  ['large text', { big: 'x'.repeat(5000), m: { big: 'y'.repeat(20_000) } }],
  ['upper case', { Action: 'Eval', M: { 'Data-Protocol': 'ao' } }],
  ['ids as keys', { ['xXyYzZ0123456789xXyYzZ0123456789xXyYzZ01234']: 'id-keyed', k: 'v' }],
  ['a process', { device: 'process@1.0', type: 'Process', authority: ['A'.repeat(43)], 'random-seed': '1234' }],
]

describe('hbsig reads replies', () => {
  it.each(REPLIES)('%s', async (_name, plain) => {
    const value = message(plain as { readonly [key: string]: Plain })
    expect(await readAsReply(encodeLegacyHttpsig(value, 'g0'))).toEqual(asHbsig(value))
  })
})

describe('hbsig reads random replies', () => {
  const word = fc.stringMatching(/^[a-z]{1,4}$/).filter((text) => !['body', 'data', 'te'].includes(text))
  const { value } = fc.letrec<{ value: Plain; list: Plain; fields: Plain }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, word, fc.integer(), fc.boolean(), fc.constant(''), tie('list'), tie('fields')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    fields: fc.dictionary(word, tie('value'), { maxKeys: 3 }),
  }))
  it('whatever lists and messages are in each other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(word, value, { minKeys: 1, maxKeys: 3 }), async (plain) => {
        const said = message(plain)
        const form = encodeLegacyHttpsig(said, 'g0')
        expect(await readAsReply(form)).toEqual(asHbsig(said))
        expect(comparable(decodeStructured(decodeHttpsig(form)))).toEqual(comparable(said))
      }),
    )
  })
})

interface HbsigCase {
  readonly name: string
  readonly input: Typed
}
const { cases } = readVectors<{ cases: HbsigCase[] }>('ao-core-hbsig.json')

describe('hbsig decodes', () => {
  it.each(cases)('$name as well as its own form', ({ input }) => {
    const value = valueFrom(input) as Message
    const read = readAsCodec(asHttp(encodeLegacyHttpsig(value, 'g0')))
    // It reads atoms as text, loses values beside messages, and so on: then as it reads what it wrote itself.
    const own = readAsCodec(httpsig_to(structured_from(asHbsig(value))))
    expect([asHbsig(value), own]).toContainEqual(read)
  })
})

describe('our own reader reads', () => {
  it.each(REPLIES)('%s in both older forms', (_name, plain) => {
    const value = message(plain as { readonly [key: string]: Plain })
    const lower = comparable(lowerKeys(value))
    expect(comparable(decodeStructured(decodeHttpsig(encodeLegacyHttpsig(value, 'g0'))))).toEqual(lower)
    expect(comparable(decodeStructured(decodeHttpsig(encodeLegacyHttpsig(value, 'g1'))))).toEqual(lower)
  })
})

function lowerKeys(value: Value): Value {
  if (Array.isArray(value)) return value.map(lowerKeys)
  return isMessage(value) ? new Map([...value].map(([key, inner]) => [isIdLike(key) ? key : key.toLowerCase(), lowerKeys(inner)])) : value
}
