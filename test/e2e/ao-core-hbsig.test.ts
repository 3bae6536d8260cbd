/** The package hbsig, unmodified: it signs messages of every kind as the nodes of its time wanted them, and reads replies in their form. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { committedOnly, decodeJson, receiveHttpMessage, unsignedId } from '../../src/codec/index.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { comparable, comparableValue, formOf, signedReply, without } from './support/ao-core.ts'
import { CASES, type PlainMessage } from './support/ao-core-cases.ts'
import { echo } from './support/ao-core-echo.ts'
import { hbsig, type Sign, type SignedRequest } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

const alice = devWallet('alice')

/** What hbsig itself spoils before it is sent, and the code that it is refused with. */
const SPOILED: Readonly<Record<string, string>> = {
  'very small and very large floats': 'takes 2.5e21 for an integer, and writes it with an exponent',
  'list of texts with commas and quotes': 'does not escape quotes within a list',
  'accents within': 'takes the digest of the body in Latin-1, and sends it in UTF-8',
}
/** HTTP has no spaces around values. */
const ARRIVES_AS: Readonly<Record<string, PlainMessage>> = { 'spaces at the ends': { text: 'pear' } }

/** What hbsig sends and cannot read in a reply, in whatever form that is. Our own codec reads them all. */
const UNREADABLE: Readonly<Record<string, string>> = {
  'accents alone': 'reads headers in Latin-1, and a body under the key `body` alone',
  'accents beside others': 'reads headers in Latin-1, and lines of parts alone',
  'other scripts': 'as accents',
  emoji: 'as accents',
  'line feed alone': 'reads a body under the key `body` alone',
  'line feed beside others': 'the same',
  'two texts with line feeds': 'reads lines of parts alone',
  'tab and carriage return': 'as line feeds',
  'bytes alone': 'reads bodies as UTF-8',
  'bytes beside others': 'the same',
  'two binaries': 'the same',
  'bytes within': 'the same',
  'bytes of control characters': 'the same',
  'body of bytes': 'the same',
  'data of bytes': 'the same',
  'body of bytes beside others': 'the same',
  'data of 100,000 bytes': 'reads a body under the key `body` alone',
}

/** What hbsig puts into a message besides what it was given. */
const ADDED = ['path', 'content-length', 'content-type', 'inline-body-key', 'status']

const ADDED_BY_NODE = new Set(['status', 'commitments'])

let node: TestNode
let sign: Sign
let address: string

beforeAll(async () => {
  node = await startTestNode({ devices: [echo] })
  sign = hbsig.createSigner(alice, node.url)
  address = await (await fetch(`${node.url}/~meta@1.0/info/address`)).text()
})
afterAll(() => node?.stop())

function post({ url, method, headers, body }: SignedRequest): Promise<Response> {
  return fetch(url, { method, headers, body: (body as Blob | undefined) ?? null })
}

function sentAs(name: string): PlainMessage {
  return ARRIVES_AS[name] ?? (CASES[name] as PlainMessage)
}

const sound = Object.keys(CASES).filter((name) => SPOILED[name] === undefined)

describe('hbsig: what is sent arrives', () => {
  it.each(sound)('%s', async (name) => {
    const signed = await sign({ path: '/~hbsig@1.0/msg2', ...CASES[name] }, { path: false })
    const { out } = await hbsig.send(signed)
    expect(without(comparable(hbsig.erl_str_from(out as string)), ADDED)).toEqual(comparable(sentAs(name)))
  })
  it.each(Object.keys(SPOILED))('%s: refused', async (name) => {
    const signed = await sign({ path: '/~hbsig@1.0/msg2', ...CASES[name] }, { path: false })
    const response = await post(signed)
    expect(response.status).toBe(400)
    expect(response.headers.get('failure')).toMatch(/^(encoding-invalid|digest-mismatch)$/)
  })
})

describe('hbsig: what the node sends back is what was sent', () => {
  it.each(sound)('%s', async (name) => {
    const signed = await sign({ path: '/~hbsig@1.0/back', ...CASES[name] }, { path: false })
    expect(without(await signedReply(await post(signed)), ADDED)).toEqual(comparable(sentAs(name)))
    const { out, signer, hashpath } = await hbsig.send(signed)
    expect({ signer, hashpath }).toEqual({ signer: address, hashpath: expect.stringMatching(/^[\w-]{43}\/[\w-]{43}$/) })
    const read = without(comparable(out), ADDED)
    if (UNREADABLE[name] === undefined) expect(read).toEqual(comparable(sentAs(name)))
    else expect(read).not.toEqual(comparable(sentAs(name)))
  })
})

describe('hbsig: what is sent says the same in other codecs, and has one id', () => {
  it.each(sound)('%s', async (name) => {
    const ask = async (path: string): Promise<Response> =>
      post(await sign({ path: `/~hbsig@1.0/back${path}`, ...CASES[name] }, { path: false }))
    const sent = comparable(sentAs(name))
    expect(comparableValue(decodeJson(await (await ask('/~json@1.0/serialize')).text()))).toMatchObject(sent as object)
    const arrived = committedOnly(await receiveHttpMessage(await formOf(await ask(''))))
    const id = await (await ask('/id')).text()
    expect(id).toBe(unsignedId(new Map([...arrived].filter(([key]) => !ADDED_BY_NODE.has(key)))))
  })
})

describe('hbsig: ways to sign', () => {
  const fields = { fruit: 'pear', count: 3 }
  const told = async (signed: SignedRequest) => comparable(hbsig.erl_str_from((await hbsig.send(signed)).out as string))

  it('signs the path, which then counts instead of the URL', async () => {
    const signed = await sign({ path: '/~hbsig@1.0/msg2', ...fields })
    expect(hbsig.decodeSigInput(signed.headers['signature-input'] as string)).toMatchObject({
      [labelOf(signed)]: { components: expect.arrayContaining(['@path']) },
    })
    expect(await told({ ...signed, url: `${node.url}/~message@1.0/keys` })).toEqual(comparable({ ...fields, path: '/~hbsig@1.0/msg2' }))
  })
  it('signs another path than that of the URL', async () => {
    const signed = await sign({ path: '/~hbsig@1.0/msg2', ...fields }, { path: '/~message@1.0/keys' })
    expect(new URL(signed.url).pathname).toBe('/~message@1.0/keys')
    expect(await told(signed)).toEqual(comparable({ ...fields, path: '/~hbsig@1.0/msg2' }))
  })
  it('signs headers and body that are encoded already', async () => {
    const headers = { fruit: 'pear', count: '3', 'ao-types': 'count="integer"' }
    const path = '/~hbsig@1.0/msg2'
    expect(await told(await sign({ path, headers: { ...headers } }, { encoded: true }))).toEqual(comparable({ ...fields, path }))
    const again = await hbsig.sign({ url: node.url, path, msg: { headers: { ...headers } }, jwk: alice })
    expect(await told(again)).toEqual(comparable({ ...fields, path }))
  })
  it('signs a GET, whose fields are headers', async () => {
    expect(await told(await sign({ path: '/~hbsig@1.0/msg2', method: 'GET', ...fields }, { path: false }))).toEqual(comparable(fields))
  })
  it('throws what the node says when something is wrong', async () => {
    await expect(hbsig.send(await sign({ path: '/~nobody@1.0/key' }))).rejects.toThrow('404: device `nobody@1.0` is not on this node')
    await expect(hbsig.send(await sign({ path: '/~message@1.0/nothing-here' }))).rejects.toThrow('404: ')
  })
})

describe('hbsig: signatures', () => {
  it('are refused once anything that they cover is changed', async () => {
    const signed = await sign({ path: '/~hbsig@1.0/msg2', fruit: 'pear', count: 3 })
    const changed = { ...signed, headers: { ...signed.headers, fruit: 'plum' } }
    await expect(hbsig.send(changed)).rejects.toThrow(/^400: signature http-sig-[0-9a-f]{16} does not hold/)
    const renamed = {
      ...signed,
      headers: { ...signed.headers, signature: (signed.headers['signature'] as string).replace(/=:../, '=:AA') },
    }
    await expect(hbsig.send(renamed)).rejects.toThrow(/^400: signature/)
  })
  it('reads who signed a reply', async () => {
    const { headers } = await hbsig.send(await sign({ path: '/~hbsig@1.0/back', fruit: 'pear' }))
    const key = hbsig.extractPubKey(headers)
    expect(hbsig.toAddr((key as Buffer).toString('base64'))).toBe(address)
    const [signature] = Object.values(hbsig.decodeSigInput(headers['signature-input'] as string))
    expect(signature).toMatchObject({
      params: { alg: 'rsa-pss-sha512', tag: expect.stringContaining('/') },
      components: expect.arrayContaining(['fruit']),
    })
  })
  it('are verified by hbsig, which takes those of replies for good, and any others too', async () => {
    const { headers } = await hbsig.send(await sign({ path: '/~hbsig@1.0/back', fruit: 'pear', basket: { count: 1 } }))
    const reply = { url: node.url, method: 'GET', headers }
    expect(await hbsig.verify(reply)).toMatchObject({ valid: true, verified: true, algorithm: 'rsa-pss-sha512' })
    const changed = { ...reply, headers: { ...headers, fruit: 'plum' } }
    expect(await hbsig.verify(changed)).toMatchObject({ valid: true, verified: true }) // It does not look at what its verifier answers.
  })
})

describe('hbsig: commit', () => {
  const posted = (body: unknown) => sign({ path: '/~hbsig@1.0/msg2', body: body as PlainMessage }, { path: false })

  it('makes messages with commitments, which hold inside of others', async () => {
    const committed = await hbsig.commit({ fruit: 'pear', count: 3 }, { signer: sign, path: false })
    const [id] = Object.keys(committed.commitments)
    const told = comparable(hbsig.erl_str_from((await hbsig.send(await posted(committed))).out as string))
    expect(told).toMatchObject({ body: { fruit: '"pear"', count: 3 } })
    expect(Object.keys((told as { readonly body: { readonly commitments: object } }).body.commitments)).toContain(
      (id as string).toLowerCase(),
    )
  })
  it('is found out when they do not hold', async () => {
    const committed = await hbsig.commit({ fruit: 'pear', count: 3 }, { signer: sign, path: false })
    const response = await post(await posted({ ...committed, fruit: 'plum' }))
    expect([response.status, response.headers.get('failure')]).toEqual([400, 'signature-invalid'])
  })
})

function labelOf({ headers }: SignedRequest): string {
  return (headers['signature'] as string).split('=')[0] as string
}
