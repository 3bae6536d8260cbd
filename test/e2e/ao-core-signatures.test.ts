/** Signatures of messages against software that is not ours: http-message-signatures 1.0.6, and hbsig 0.1.5 as a signer. */
import { constants, createPublicKey, verify as verifyWith } from 'node:crypto'
import { httpbis } from 'http-message-signatures'
import { describe, expect, it } from 'vitest'
import { toBase64url, utf8 } from '../../src/base/bytes.ts'
import { commit } from '../../src/codec/message/commit.ts'
import { commitmentsOf } from '../../src/codec/message/commitment.ts'
import { encodeHttpMessage } from '../../src/codec/message/http-message.ts'
import { committersOf } from '../../src/codec/message/id.ts'
import { messageSigner } from '../../src/codec/message/signers.ts'
import { float, type HttpsigForm, type Message, message } from '../../src/codec/message/value.ts'
import { verifyMessage, verifyReceived } from '../../src/codec/message/verify.ts'
import { vectorKeys } from '../ao-core-vectors.ts'
import { hbsig } from './support/ao-core-hbsig.ts'

const jwk = { ...vectorKeys['key-1'] }
const signer = messageSigner(jwk)
const verifierKey = createPublicKey({ key: { kty: 'RSA', n: vectorKeys['key-1'].n, e: 'AQAB' }, format: 'jwk' })
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
const ALL = { commitmentIds: 'all' } as const

describe('http-message-signatures', () => {
  it.each([
    ['text', message({ a: '1', b: 'two words', 'data-protocol': 'ao' })],
    ['types and a body', message({ n: 1, f: float(1.5), t: true, body: 'the body' })],
    ['data', message({ data: 'return 1', action: 'Eval' })],
    ['messages within', message({ l: [1, [2]], inner: { a: 'b' } })],
    ['a status', message({ status: 200, body: 'x' })],
    ['a value that no header can hold', message({ a: 'two\nlines', b: 'é', c: '1' })],
  ])('verifies our signatures: %s', async (_, content) => {
    const form = encodeHttpMessage(await commit(content, signer, { wire: true }))
    expect(await verifiedByOthers(rsaOnly(form))).toBe(true)
    const [name, value] = [...form.headers].find(([header]) => !header.startsWith('signature') && header !== 'content-type')!
    expect(await verifiedByOthers(rsaOnly({ ...form, headers: new Map([...form.headers, [name, `${value}x`]]) }))).toBe(false)
  })

  it('signs what we verify', async () => {
    const request = {
      method: 'POST',
      url: 'http://localhost/~message@1.0/set?x=1',
      headers: { host: 'localhost', a: '1', 'content-digest': 'sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:' },
    }
    const fields = ['@method', '@path', '@authority', '@query', 'a', 'content-digest']
    const signing = {
      id: toBase64url(signer.publicKey),
      alg: 'rsa-pss-sha512',
      sign: async (base: Buffer) => Buffer.from(await signer.sign(base)),
    }
    const signed = await httpbis.signMessage({ key: signing, fields, name: 'mine' }, request)
    const form = {
      headers: new Map(Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), String(value)])),
      body: utf8('abc'),
    }
    const derived = new Map([
      ['method', 'POST'],
      ['path', '/~message@1.0/set'],
      ['authority', 'localhost'],
      ['query', '?x=1'],
    ])
    const { message: received } = await verifyReceived(form, { derived })
    expect(committersOf(received)).toEqual([signer.address])
    expect(received.get('body')).toBe('abc')
    expect(await verifyMessage(received, ALL)).toBe(true)
    await expect(verifyReceived(form, { derived: new Map([...derived, ['query', '?x=2']]) })).rejects.toMatchObject({
      code: 'signature-invalid',
    })
    await expect(verifyReceived(form, { derived, nowMs: Date.now() + 3_600_000 })).rejects.toThrow(/expired/)
  })
})

describe('hbsig', () => {
  const sign = hbsig.createSigner(jwk as Parameters<typeof hbsig.createSigner>[0], 'http://127.0.0.1:1')

  it.each([
    ['text and numbers', { a: '1', n: 42, Action: 'Eval', data: 'return 1' }],
    ['messages and lists within', { a: '1', nested: { x: 1, y: { z: true } }, l: [{ q: true }, 2, 'x'] }],
    ['empty values', { e: '', l: [], m: {}, a: 'x' }],
  ])('commits to messages that we verify within others: %s', async (_, content) => {
    const inner = await hbsig.commit(content, { signer: sign, path: false })
    const outer = await sign({ path: '/~scheduler@1.0/schedule', method: 'POST', body: inner }, { path: true })
    const body = new Uint8Array(await new Response(outer.body).arrayBuffer())
    const form: HttpsigForm = { headers: new Map(Object.entries(outer.headers)), body }
    const { message: received, dialect } = await verifyReceived(form)
    expect(dialect).toBe('g0')
    expect(committersOf(received)).toEqual([signer.address])
    expect(await verifyMessage(received, ALL)).toBe(true)
    const within = received.get('body') as Message
    expect(commitmentsOf(within).map(({ id }) => id)).toEqual([Object.keys(inner.commitments)[0]])
    expect(committersOf(within)).toEqual([signer.address])
    expect(await verifyMessage(within, ALL)).toBe(true)
    expect([...within.keys()].filter((key) => key !== 'commitments').sort()).toEqual(
      Object.keys(content)
        .map((key) => key.toLowerCase())
        .sort(),
    )
  })
})

/** The RSA signature alone: the verifier cannot be told which of several to take. */
function rsaOnly({ headers, body }: HttpsigForm): HttpsigForm {
  const pick = (name: string): [string, string] => {
    const members = String(headers.get(name)).split(/, (?=comm-)/)
    const label = String(headers.get('signature-input'))
      .split(/, (?=comm-)/)
      .find((member) => member.includes('rsa-pss-sha512'))!
      .split('=(')[0]!
    return [name, members.find((member) => member.startsWith(`${label}=`))!]
  }
  return { headers: new Map([...headers, pick('signature'), pick('signature-input')]), body }
}

async function verifiedByOthers({ headers }: HttpsigForm): Promise<boolean | null> {
  const response = { status: 200, headers: Object.fromEntries([...headers].map(([name, value]) => [name, String(value)])) }
  const keyLookup = async () => ({
    algs: ['rsa-pss-sha512'],
    verify: async (data: Buffer, signature: Buffer) => verifyWith('sha512', data, { key: verifierKey, ...pss }, signature),
  })
  return httpbis.verifyMessage({ keyLookup }, response)
}
