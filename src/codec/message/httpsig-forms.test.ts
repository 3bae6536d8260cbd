/** Forms with signatures in the vectors of other parts: their headers and bodies, without the signatures. */
import { describe, expect, it } from 'vitest'
import {
  bytesFrom,
  comparable,
  formFrom,
  isTypedError,
  messageFrom,
  readVectors,
  type Typed,
  type TypedBody,
  type TypedForm,
  tabmFrom,
  valueFrom,
} from '../../../test/ao-core-vectors.ts'
import { EMPTY, utf8 } from '../../base/bytes.ts'
import { checkContentDigest } from './content-digest.ts'
import { decodeHttpsig, decodeHttpsigParts, encodeHttpsig } from './httpsig.ts'
import { decodeStructured } from './structured.ts'
import { type HttpsigForm, isIdLike, isMessage, type Tabm, type Value } from './value.ts'

const SIGNATURES = ['signature', 'signature-input']

/** An empty body cannot be told from none, nor has its digest a header unless it is signed. */
function shown({ headers, body }: HttpsigForm): unknown {
  const isEmpty = body === null || body.length === 0
  const names = [...headers.keys()].filter((name) => !SIGNATURES.includes(name) && !(isEmpty && name === 'content-digest')).sort()
  return { headers: names.map((name) => [name, comparable(headers.get(name) as Value)]), body: comparable(body ?? EMPTY) }
}

/** As the reference has it. */
function signedForm(typed: Typed): HttpsigForm {
  return formFrom(typed as unknown as TypedForm)
}

interface SignedCase {
  readonly name: string
  readonly 'signed-linked': { readonly [key: string]: Typed }
  readonly 'signed-bundled': { readonly [key: string]: Typed }
  readonly 'tabm-linked': Typed
  readonly 'tabm-bundled': Typed
}

const signed = readVectors<{ cases: SignedCase[] }>('ao-core-messages.json').cases.flatMap((one) =>
  (['linked', 'bundled'] as const)
    .filter((form) => !isTypedError(one[`signed-${form}`]))
    .map((form) => ({ name: `${one.name}, ${form}`, http: one[`signed-${form}`]['http'] as Typed, tabm: tabmFrom(one[`tabm-${form}`]) })),
)

describe('signed messages', () => {
  it('are 61 of 63: the reference cannot sign integers of over 15 digits, nor `ao-body-key`', () => {
    expect(signed.length).toBe(2 * 61)
  })

  it.each(signed)('$name', ({ name, http, tabm }) => {
    const form = signedForm(http)
    const decoded = decodeHttpsig(form)
    expect(shown(encodeHttpsig(decoded))).toEqual(shown(form))
    const lost = name.startsWith('types-in-part-name') ? ['commitments', 'ao-body-key'] : ['commitments']
    expect(comparable(decoded, lost)).toEqual(comparable(tabm, lost))
  })
})

interface ItemCase {
  readonly name: string
  readonly http?: Typed
  readonly 'decoded-tabm': Typed
}

/** Its key `x-%41` is read as `x-A`: names of headers are percent-decoded. */
const UNREADABLE = 'uppercase-id-like-key'
const items = readVectors<{ cases: ItemCase[] }>('ao-core-ans104.json').cases.filter((one) => one.http !== undefined && isTabm(one))

function isTabm({ name }: ItemCase): boolean {
  return name !== 'ao-type-binary' // Plain data, not a message.
}

function withoutCommitments(tabm: Tabm): Tabm {
  return new Map([...tabm].filter(([key]) => key !== 'commitments'))
}

describe('messages of data items', () => {
  it.each(items)('$name', ({ name, http, 'decoded-tabm': typed }) => {
    const tabm = withoutCommitments(tabmOf(typed))
    const form = signedForm(http as Typed)
    const isBundle = name.startsWith('bundle-') // Its messages have gone through a node, which committed to them.
    expect(shown(encodeHttpsig(isBundle ? decodeHttpsig(form) : tabm))).toEqual(shown(form))
    const except = isBundle ? ['commitments'] : []
    const [read, wanted] = [comparable(decodeHttpsig(form), except), comparable(tabm, except)]
    if (name === UNREADABLE) expect(read).not.toEqual(wanted)
    else expect(read).toEqual(wanted)
  })
})

/** Lists of keys stand for the messages that they are. */
function tabmOf(typed: Typed): Tabm {
  return toTabm(valueFrom(typed)) as Tabm
}

function toTabm(value: Value): Value {
  if (!Array.isArray(value)) return isMessage(value) ? new Map([...value].map(([key, inner]) => [key, toTabm(inner)])) : value
  return new Map([...value.map((item, i) => [String(i + 1), toTabm(item)] as const), ['ao-types', '.="list"'] as const])
}

interface HashpathVectors {
  readonly 'inner-signed': { readonly 'http-bundled': Typed }
  readonly 'multi-commitment': { readonly http: Typed; readonly message: Typed }
  readonly 'subset-commitment': { readonly http: Typed; readonly message?: Typed }
}

describe('messages of hashpaths', () => {
  const vectors = readVectors<HashpathVectors>('ao-core-hashpath.json')

  it.each(['multi-commitment', 'subset-commitment'] as const)('%s', (name) => {
    const form = signedForm(vectors[name].http)
    const decoded = decodeHttpsig(form)
    expect(shown(encodeHttpsig(decoded))).toEqual(shown(form))
    const expected = vectors[name].message
    if (expected !== undefined) expect(comparable(decodeStructured(decoded))).toEqual(comparable(messageFrom(expected)))
  })

  it('has a signed message within a message', () => {
    const form = signedForm(vectors['inner-signed']['http-bundled'])
    const { tabm, bodyKeys } = decodeHttpsigParts(form)
    expect(bodyKeys).toEqual(['body'])
    expect(shown(encodeHttpsig(tabm))).toEqual(shown(form))
    const body = tabm.get('body') as Tabm
    expect([...body.keys()].sort()).toEqual(['commitments', 'inner'])
    expect([...(body.get('commitments') as Tabm).keys()].every(isIdLike)).toBe(true)
  })
})

interface HbsigCase {
  readonly name: string
  readonly input: Typed
  readonly httpsig_to: { readonly [key: string]: Typed }
  readonly signed?: { readonly headers: { readonly [key: string]: Typed }; readonly body: TypedBody | null }
}

/** Keys that its requests carry beside the message. */
const REQUEST_KEYS = ['path', 'content-length']

describe('messages of hbsig', () => {
  const { cases } = readVectors<{ cases: HbsigCase[] }>('ao-core-hbsig.json')
  const expected = (input: Typed): Value => comparable(lowerKeys(valueFrom(input)))

  it.each(cases)('$name, its encoding', ({ input, httpsig_to: encoded }) => {
    const { body, ...headers } = encoded
    const form = formFrom({ headers, ...(body === undefined ? {} : { body: bodyOf(body) }) })
    expect(comparable(decodeStructured(decodeHttpsig(form)))).toEqual(expected(input))
  })

  it.each(cases.filter((one) => one.signed !== undefined))('$name, its request', ({ input, signed: request }) => {
    const form = formFrom({ headers: request?.headers ?? {}, body: request?.body ?? {} })
    expect(comparable(decodeStructured(decodeHttpsig(form)), REQUEST_KEYS)).toEqual(expected(input))
  })
})

describe('digests of bodies', () => {
  const hbsig = readVectors<{ cases: HbsigCase[] }>('ao-core-hbsig.json').cases.flatMap(({ name, signed: request }) =>
    request === undefined ? [] : [{ name: `hbsig, ${name}`, form: formFrom({ headers: request.headers, body: request.body ?? {} }) }],
  )
  const all = [...hbsig, ...signed.map(({ name, http }) => ({ name, form: signedForm(http) }))]

  it.each(all.filter(({ form }) => form.headers.has('content-digest')))('$name', ({ form }) => {
    expect(() => checkContentDigest(form.headers.get('content-digest') ?? '', form.body ?? EMPTY)).not.toThrow()
    expect(() => checkContentDigest(form.headers.get('content-digest') ?? '', utf8('another'))).toThrow('content-digest')
  })
})

function bodyOf(typed: Typed): TypedBody {
  return typeof typed === 'string' ? { utf8: typed } : { b64: Buffer.from(bytesOf(valueFrom(typed))).toString('base64') }
}

function bytesOf(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : bytesFrom({ utf8: value as string })
}

function lowerKeys(value: Value): Value {
  if (Array.isArray(value)) return value.map(lowerKeys)
  return isMessage(value) ? new Map([...value].map(([key, inner]) => [key.toLowerCase(), lowerKeys(inner)])) : value
}
