/** ao-core-libs 0.0.9, unmodified, in both signing formats. What it spoils itself is asserted as it is: the node says so instead of taking half a message. */
import { createHash, createPrivateKey, constants as cryptoConstants, sign as signBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeJson, requireVerified } from '../../src/codec/index.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { type Comparable, comparable, comparableValue, without } from './support/ao-core.ts'
import { echo } from './support/ao-core-echo.ts'
import { AOCore, createSigner, type LibsSigner, type Request } from './support/ao-core-libs.ts'
import { devWallet } from './wallets.ts'

type Method = 'GET' | 'POST'

const alice = devWallet('alice')
const ALICE = 'BbZQTjVPIl8ZvNLK8_lI3EqBq18IGUnZF7IY5SO4tdk'
const AS_JSON = { 'require-codec': 'application/json', 'accept-bundle': 'true' }
/** What the library adds. */
const ADDED = ['signing-format', 'require-codec', 'accept-bundle', 'commitments', 'status', 'data-protocol', 'type', 'variant']
/** What HTTP and fetch add to a message that nobody signed. */
const OF_HTTP = ['accept', 'accept-encoding', 'accept-language', 'connection', 'host', 'method', 'path', 'sec-fetch-mode', 'user-agent']

let node: TestNode
let signed: Request
let unsigned: Request

beforeAll(async () => {
  node = await startTestNode({ devices: [echo] })
  signed = AOCore.init({ jwk: alice, url: node.url }).request
  unsigned = AOCore.init({ url: node.url }).request
})
afterAll(() => node?.stop())

/** What of a message arrived, as the node tells it in JSON that it signs. */
async function arrived(request: Request, fields: Readonly<Record<string, unknown>>): Promise<Comparable> {
  const response = await request({ path: '~hbsig@1.0/back', ...fields, ...AS_JSON })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const message = await requireVerified(decodeJson(await response.text()))
  return without(comparableValue(message), [...ADDED, ...OF_HTTP])
}

async function refusal(response: Response): Promise<readonly (string | number | null)[]> {
  await response.text()
  return [response.status, response.headers.get('failure')]
}

const KINDS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  texts: { fruit: 'pear', colour: 'light green' },
  'upper-case keys': { Fruit: 'pear' },
  integers: { count: 3, less: -3 },
  floats: { weight: 2.5 },
  atoms: { state: Symbol('waiting') },
  'lists of texts': { list: ['pear', 'plum'] },
  'lists of integers': { list: [1, 2, 3] },
  'lists of every kind that it has': { list: ['pear', 3, 2.5, Symbol('ok')] },
  'empty text': { text: '' },
  'empty list': { list: [] },
  null: { fruit: 'pear' },
}

describe.each<readonly [string, () => Request]>([
  ['signed', () => signed],
  ['unsigned', () => unsigned],
])('ao-core-libs, httpsig, %s', (_name, request) => {
  describe.each<Method>(['GET', 'POST'])('by %s', (method) => {
    it.each(Object.entries(KINDS))('%s', async (_kind, fields) => {
      const sent = _kind === 'null' ? { ...fields, gone: null } : fields
      expect(await arrived(request(), { method, ...sent })).toEqual(comparable(fields))
    })
    it('asks with a query in the path', async () => {
      expect(await (await request()({ method, path: '~message@1.0/fruit?fruit=pear' })).text()).toBe('pear')
    })
    it.each([
      ['booleans', { ripe: true }],
      ['texts beyond Latin-1', { text: '梨' }],
    ])('refuses %s itself', async (_kind, fields) => {
      await expect(request()({ method, path: '~hbsig@1.0/back', ...fields })).rejects.toMatchObject({ code: 'REQUEST_FORMATTING_FAILED' })
    })
  })
})

/** These need a body, in whatever form. */
const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'large data': { data: 'pear '.repeat(1_000) },
  'data with a line feed': { data: 'one\ntwo' },
  'texts with line feeds': { data: 'one\ntwo', note: 'three\nfour' },
  'two messages within': { basket: { fruit: 'pear', count: 3 }, bag: { fruit: 'plum', deep: { x: 'y' } } },
}

describe('ao-core-libs, httpsig, messages with a body', () => {
  it.each(Object.entries(BODIES))('%s: posted unsigned', async (_name, fields) => {
    expect(await arrived(unsigned, { method: 'POST', ...fields })).toEqual(comparable(fields))
  })
  it('takes a list of messages for a message with the keys 0, 1 and so on', async () => {
    expect(await arrived(unsigned, { method: 'POST', list: [{ n: 'a' }, { n: 'b' }] })).toEqual(
      comparable({ list: { 0: { n: 'a' }, 1: { n: 'b' } } }),
    )
  })
  it('says `undefined` for the only value that needs the body, unless its key is `data`', async () => {
    expect(await arrived(unsigned, { method: 'POST', note: 'one\ntwo' })).toEqual(comparable({ note: 'undefined' }))
    expect(await arrived(unsigned, { method: 'POST', basket: { fruit: 'pear' } })).toEqual(comparable({ basket: 'undefined' }))
  })
  it.each(Object.entries(BODIES))('%s: the body is lost when it is signed, which the digest tells', async (_name, fields) => {
    expect(await refusal(await signed({ method: 'POST', path: '~hbsig@1.0/back', ...fields }))).toEqual([400, 'digest-mismatch'])
  })
  it.each(Object.entries(BODIES))('%s: a GET has no body', async (_name, fields) => {
    expect(await refusal(await unsigned({ method: 'GET', path: '~hbsig@1.0/back', ...fields }))).toEqual([400, 'digest-mismatch'])
  })
  it('signs texts of Latin-1 in UTF-8 and sends them in Latin-1, so that they do not hold', async () => {
    expect(await refusal(await signed({ method: 'POST', path: '~hbsig@1.0/back', text: 'crème' }))).toEqual([400, 'signature-invalid'])
  })
})

describe('ao-core-libs, ans104', () => {
  const ask = (fields: Readonly<Record<string, unknown>>): Promise<Response> => signed({ 'signing-format': 'ans104', ...fields })
  const arrivedItem = (fields: Readonly<Record<string, unknown>>): Promise<Comparable> =>
    arrived(signed, { 'signing-format': 'ans104', ...fields })

  it('carries tags as texts, and data of any kind', async () => {
    expect(await arrivedItem({ Fruit: 'pear', count: 3, ripe: true, text: 'crème 梨' })).toEqual(
      comparable({ fruit: 'pear', count: '3', ripe: 'true', text: 'crème 梨' }),
    )
    expect(await arrivedItem({ data: 'one\ntwo'.repeat(1_000) })).toEqual(comparable({ data: 'one\ntwo'.repeat(1_000) }))
    expect(await (await ask({ path: '~message@1.0/data', data: Buffer.from([0, 1, 128, 255]) })).arrayBuffer()).toEqual(
      new Uint8Array([0, 1, 128, 255]).buffer,
    )
  })
  it('is known by its signature', async () => {
    const committers = await (await ask({ path: '~message@1.0/committers', ...AS_JSON })).json()
    expect(committers).toMatchObject({ 1: ALICE })
    expect(await (await ask({ path: '~message@1.0/verify', committers: 'all' })).text()).toBe('true')
  })
  it('always fails without a signer: what is posted is no data item', async () => {
    expect(await refusal(await unsigned({ 'signing-format': 'ans104', path: '~message@1.0/fruit' }))).toEqual([400, 'encoding-invalid'])
  })
})

describe('ao-core-libs, signers', () => {
  it.each(['ans104', 'httpsig'])('takes a signer instead of a key: %s', async (format) => {
    const { request } = AOCore.init({ signer: createSigner(alice), url: node.url })
    const response = await request({ 'signing-format': format, path: '~message@1.0/committers', ...AS_JSON })
    expect(await response.json()).toMatchObject({ 1: ALICE })
  })
  it('is refused when its signer signs something else', async () => {
    const forger: LibsSigner = async (create, format) => {
      const base = await create({ type: 1, publicKey: Buffer.from(alice.n, 'base64url'), alg: 'rsa-pss-sha512' })
      const key = createPrivateKey({ key: alice as never, format: 'jwk' })
      const other = Buffer.concat([base, Buffer.from(format)])
      const signature = signBytes('sha512', other, { key, padding: cryptoConstants.RSA_PKCS1_PSS_PADDING })
      return { signature, address: createHash('sha256').update(Buffer.from(alice.n, 'base64url')).digest('base64url') }
    }
    const { request } = AOCore.init({ signer: forger, url: node.url })
    expect(await refusal(await request({ path: '~message@1.0/committers', fruit: 'pear' }))).toEqual([400, 'signature-invalid'])
  })
})
