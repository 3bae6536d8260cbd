/** The codecs of the package hbsig, unmodified, against ours: each reads what the other writes, and the ids and hashpaths that it computes are ours. */
import { describe, expect, it } from 'vitest'
import { toText } from '../../src/base/bytes.ts'
import {
  atom,
  commitmentsOf,
  decodeFlat,
  decodeHttpMessage,
  decodeHttpsig,
  decodeStructured,
  encodeFlat,
  encodeHttpMessage,
  encodeStructured,
  float,
  hashpath,
  type Message,
  type Tabm,
  unsignedId,
  type Value,
} from '../../src/codec/index.ts'
import type { Binary } from '../../src/codec/message/value.ts'
import { comparable, comparableValue, without } from './support/ao-core.ts'
import { CASES, type Plain, type PlainMessage } from './support/ao-core-cases.ts'
import { hbsig } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

/** Those that hbsig's codecs spoil, see ao-core-hbsig.test.ts. Here nobody writes UTF-8 over Latin-1. */
const SPOILED = new Set(['very small and very large floats', 'list of texts with commas and quotes'])
/** It reads parts as Latin-1; what it writes itself it keeps out of parts. */
const NOT_TEXT = new Set(['two binaries'])
const names = Object.keys(CASES).filter((name) => !SPOILED.has(name))
/** What hbsig's decoder leaves in a message. */
const LEFT = ['content-type', 'body-keys', 'inline-body-key']

type Fields = Readonly<Record<string, unknown>>

/** Strings, Buffers and objects of those as our codec has them. */
function toTabm(fields: unknown): Tabm {
  return new Map(Object.entries(fields as Fields).map(([key, value]) => [key, isPlainObject(value) ? toTabm(value) : (value as Binary)]))
}

function fromTabm(tabm: Tabm): Fields {
  return Object.fromEntries([...tabm].map(([key, value]) => [key, value instanceof Map ? fromTabm(value) : value]))
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

function toMessage(plain: PlainMessage): Message {
  return toValue(plain) as Message
}

function toValue(plain: Plain): Value {
  if (typeof plain === 'symbol') return atom(plain.description ?? '')
  if (typeof plain === 'number') return Number.isInteger(plain) ? plain : float(plain)
  if (typeof plain !== 'object' || plain === null || plain instanceof Uint8Array) return plain
  if (Array.isArray(plain)) return plain.map(toValue)
  return new Map(Object.entries(plain).map(([key, value]) => [key, toValue(value as Plain)]))
}

function hbsigTabm(name: string): Fields {
  return hbsig.structured_from(hbsig.normalize(CASES[name]))
}

/** Its decoder takes a body as text, or as bytes where it is none. */
function bodyFor(body: Uint8Array): string | Buffer {
  const text = toText(body)
  return Buffer.from(text).equals(body) ? text : Buffer.from(body)
}

describe('structured@1.0 of hbsig', () => {
  it.each(names)('%s', (name) => {
    expect(comparableValue(decodeStructured(toTabm(hbsigTabm(name))))).toEqual(comparable(CASES[name]))
  })
})

describe('httpsig@1.0 of hbsig', () => {
  it.each(names)('%s: we read what it writes', (name) => {
    const { body, ...headers } = hbsig.httpsig_to(hbsig.normalize(hbsigTabm(name))) as { readonly body?: string | Buffer }
    const bytes = typeof body === 'string' ? Buffer.from(body, name.startsWith('accents') ? 'utf8' : 'latin1') : (body ?? null)
    expect(comparableValue(decodeStructured(decodeHttpsig({ headers: toTabm(headers) as never, body: bytes })))).toEqual(
      comparable(CASES[name]),
    )
  })
  it('reads what we write for it, wherever it can read what it writes itself', () => {
    const read: string[] = []
    for (const name of names.filter((one) => !NOT_TEXT.has(one))) {
      const sent = comparable(CASES[name])
      const own = attempt(() => hbsig.structured_to(hbsig.httpsig_from(hbsig.httpsig_to(hbsig.normalize(hbsigTabm(name))))))
      if (JSON.stringify(sorted(own)) !== JSON.stringify(sorted(sent))) continue
      const { headers, body } = encodeHttpMessage(toMessage(CASES[name] as PlainMessage), { dialect: 'g0' })
      const form = { ...Object.fromEntries(headers), ...(body === null ? {} : { body: bodyFor(body) }) }
      expect([name, attempt(() => hbsig.structured_to(hbsig.httpsig_from(form)))]).toEqual([name, sent])
      read.push(name)
    }
    expect(read.length).toBeGreaterThan(60)
  })
})

function attempt(work: () => unknown): unknown {
  try {
    return without(comparable(work()), LEFT)
  } catch (error) {
    return String(error)
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, item]) => [key, sorted(item)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

describe('flat@1.0 of hbsig', () => {
  const trees: Readonly<Record<string, PlainMessage>> = {
    'one level': { fruit: 'pear', colour: 'green' },
    'three levels': { a: { b: { c: 'pear' }, d: 'plum' }, e: 'fig' },
    'text with punctuation': { basket: { note: 'a: b, c=d' } },
  }
  it.each(Object.entries(trees))('%s', (_name, tree) => {
    const flat = hbsig.flat_to(tree)
    expect(Object.fromEntries(encodeFlat(encodeStructured(toMessage(tree))))).toEqual(flat)
    expect(comparable(fromTabm(decodeFlat(toTabm(flat) as never)))).toEqual(comparable(tree))
    expect(hbsig.flat_from(flat)).toEqual(tree)
  })
})

describe('ids and hashpaths of hbsig', () => {
  it('chains hashpaths as we do', () => {
    const [first, second, third] = ['a', 'b', 'c'].map((key) => unsignedId(new Map([[key, '1']]))) as [string, string, string]
    const path = hashpath(first, second)
    expect(hbsig.base(path)).toBe(hashpath(path, third).split('/')[0])
  })
  it('takes the id of a signature for that of the commitment', async () => {
    const sign = hbsig.createSigner(devWallet('alice'), 'http://localhost')
    const { headers } = await sign({ path: '/x', fruit: 'pear' })
    const form = { headers: new Map(Object.entries(headers)), body: null }
    const [commitment] = commitmentsOf(decodeHttpMessage(form))
    expect(commitment?.id).toBe(hbsig.rsaid(headers))
  })
})
