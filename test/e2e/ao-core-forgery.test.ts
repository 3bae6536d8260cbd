/** Signatures that were forged, tampered with or used again, wherever messages come in: none is believed, and nothing that they say is done. */
import { createHash } from 'node:crypto'
import { ArweaveSigner, createData } from '@dha-team/arbundles'
import { describe, expect, it } from 'vitest'
import {
  commit,
  decodeHttpMessage,
  encodeJson,
  encodeSignedHttpMessage,
  type HttpsigForm,
  type Message,
  message,
  messageSigner,
  type Plain,
} from '../../src/codec/index.ts'
import type { RawHeaders } from '../strict-http.ts'
import { AS_JSON, badInputRig, refusal, SET, told } from './support/ao-core-faults.ts'
import { hbsig } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

const operatorKey = devWallet('dave')
const operator = messageSigner(operatorKey)
const malloryKey = devWallet('alice')
const mallory = messageSigner(malloryKey)

const { door, url, restart, acceptOptions } = badInputRig()

function changedHeaders({ headers, body }: HttpsigForm, changes: Readonly<Record<string, string>>): HttpsigForm {
  return { headers: new Map([...headers, ...Object.entries(changes)]), body }
}

async function signed(fields: Readonly<Record<string, Plain>>, signer = mallory): Promise<HttpsigForm> {
  return encodeSignedHttpMessage(message(fields), signer, { bundle: true })
}

describe('signatures that do not hold', () => {
  const refused = [400, 'signature-invalid']

  it('of messages in headers: another value, another key, fewer keys', async () => {
    const form = await signed({ fruit: 'pear', colour: 'green' })
    expect((await door.postForm(SET, form)).status).toBe(200)
    expect(refusal(await door.postForm(SET, changedHeaders(form, { fruit: 'plum' })))).toEqual(refused)
    const fewer = { headers: new Map([...form.headers].filter(([name]) => name !== 'colour')), body: null }
    expect(refusal(await door.postForm(SET, fewer))).toEqual(refused)
  })
  it('of messages in headers: made by one, claimed for another', async () => {
    const form = await signed({ fruit: 'pear' })
    const key = Buffer.from(operator.publicKey).toString('base64')
    const input = String(form.headers.get('signature-input')).replace(/publickey:[^"]*/, `publickey:${key}`)
    expect(refusal(await door.postForm(SET, changedHeaders(form, { 'signature-input': input })))).toEqual(refused)
  })
  it('of messages in headers: a list that says more than was signed', async () => {
    const form = await signed({ fruit: 'pear' })
    const input = String(form.headers.get('signature-input')).replaceAll('("fruit"', '("fruit" "quantity"')
    expect(refusal(await door.postForm(SET, changedHeaders(form, { 'signature-input': input, quantity: '5' })))).toEqual(refused)
    const less = String(form.headers.get('signature-input')).replaceAll('("fruit"', '(')
    expect(refusal(await door.postForm(SET, changedHeaders(form, { 'signature-input': less })))).toEqual(refused)
  })
  it('of messages in headers: digests that somebody made up', async () => {
    const digest = `comm-x=:${Buffer.alloc(32, 1).toString('base64')}:`
    const headers: RawHeaders = [
      ['fruit', 'pear'],
      ['signature', digest],
      ['signature-input', 'comm-x=("fruit");alg="hmac-sha256";keyid="constant:ao"'],
    ]
    expect(refusal(await door.get(SET, [...headers, ...AS_JSON]))).toEqual(refused)
  })
  it('of messages in headers: keys that are not signed do not come along', async () => {
    const form = await signed({ fruit: 'pear' })
    expect(told(await door.postForm('/~message@1.0/quantity', changedHeaders(form, { quantity: '5' })))).toMatchObject({ status: 404 })
    expect(told(await door.postForm('/~message@1.0/fruit', changedHeaders(form, { quantity: '5' })))).toMatchObject({ body: 'pear' })
  })
  it('of messages with a body: the body, a part of it, its digest', async () => {
    const alone = await signed({ body: 'some text', fruit: 'pear' })
    expect((await door.postForm(SET, alone)).status).toBe(200)
    expect(refusal(await door.postForm(SET, { ...alone, body: Buffer.from('other text') }))).toEqual([400, 'digest-mismatch'])
    const digest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    expect(refusal(await door.postForm(SET, { ...changedHeaders(alone, { 'content-digest': digest }), body: null }))).toEqual(refused)
    const parts = await signed({ basket: { fruit: 'pear' }, bag: { fruit: 'plum' } })
    const other = Buffer.from(
      Buffer.from(parts.body as Uint8Array)
        .toString()
        .replace('pear', 'peas'),
    )
    expect(refusal(await door.postForm(SET, { ...parts, body: other }))).toEqual([400, 'digest-mismatch'])
  })
  it('of older generations', async () => {
    const sign = hbsig.createSigner(malloryKey, url())
    const { headers } = await sign({ path: SET, fruit: 'pear' })
    const forged = Object.entries({ ...headers, fruit: 'plum' })
    expect(refusal(await door.get(SET, [...forged, ...AS_JSON]))).toEqual(refused)
    const input = (headers['signature-input'] as string).replace(
      /keyid="[^"]*"/,
      `keyid="${Buffer.from(operator.publicKey).toString('base64url')}"`,
    )
    expect(refusal(await door.get(SET, [...Object.entries({ ...headers, 'signature-input': input }), ...AS_JSON]))).toEqual(refused)
  })
  it.each<readonly [string, (commitment: Record<string, unknown>, message: Record<string, unknown>) => void]>([
    ['another value', (_, all) => Object.assign(all, { fruit: 'plum' })],
    [
      'a committed list that says more',
      (one, all) =>
        Object.assign(all, { quantity: 5 }) && Object.assign(one, { committed: [...(one['committed'] as string[]), 'quantity'] }),
    ],
    ['a committed list that says less', (one) => Object.assign(one, { committed: [] })],
    ['a committed list that is none', (one) => Object.assign(one, { committed: 'fruit' })],
    ['another committer', (one) => Object.assign(one, { committer: operator.address })],
    ['another key', (one) => Object.assign(one, { keyid: `publickey:${Buffer.from(operator.publicKey).toString('base64')}` })],
    ['another type', (one) => Object.assign(one, { type: 'hmac-sha256' })],
    ['a type that nobody knows', (one) => Object.assign(one, { type: 'trust-me' })],
    ['no signature', (one) => delete one['signature']],
    ['a signature that is no text', (one) => Object.assign(one, { signature: 5 })],
    ['a device that nobody knows', (one) => Object.assign(one, { 'commitment-device': 'nobody@1.0' })],
  ])('of messages in JSON: %s', async (_what, spoil) => {
    const json = JSON.parse(encodeJson(await commit(message({ fruit: 'pear' }), mallory))) as Record<string, unknown>
    const good = await door.postJson(JSON.stringify(json), '/~message@1.0/committers')
    expect(told(good)).toMatchObject({ 1: mallory.address })
    const all = json['commitments'] as Record<string, Record<string, unknown>>
    for (const one of Object.values(all)) if (one['type'] === 'rsa-pss-sha512') spoil(one, json)
    const [status, failure] = refusal(await door.postJson(JSON.stringify(json), '/~message@1.0/committers'))
    expect([status, failure === 'signature-invalid' || failure === 'encoding-invalid']).toEqual([400, true])
  })
  it('of messages in JSON: an id that is not that of the signature', async () => {
    const json = JSON.parse(encodeJson(await commit(message({ fruit: 'pear' }), mallory))) as { commitments: Record<string, unknown> }
    json.commitments = Object.fromEntries(Object.values(json.commitments).map((one, i) => [`${i}`.repeat(43), one]))
    const [status] = refusal(await door.postJson(JSON.stringify(json), '/~message@1.0/committers'))
    expect(status).toBe(400)
  })
  it('of messages within others', async () => {
    const inner = await commit(message({ fruit: 'pear' }), mallory)
    const forged = new Map(inner).set('fruit', 'plum')
    const within = (child: Message): string => encodeJson(new Map([['basket', child]]))
    expect((await door.postJson(within(inner))).status).toBe(200)
    expect(refusal(await door.postJson(within(forged)))).toEqual(refused)
  })
  it('of data items', async () => {
    const signer = new ArweaveSigner(malloryKey)
    const item = createData('some data', signer, { tags: [{ name: 'Fruit', value: 'pear' }] })
    await item.sign(signer)
    const raw = item.getRaw()
    const asItem: RawHeaders = [['codec-device', 'ans104@1.0'], ['content-type', 'application/ans104'], ...AS_JSON]
    expect(told(await door.post('/~message@1.0/fruit', asItem, raw))).toMatchObject({ body: 'pear' })
    for (const at of [5, 600, raw.length - 1]) {
      const changed = Buffer.from(raw)
      changed[at] = (changed[at] as number) ^ 1
      expect(refusal(await door.post('/~message@1.0/fruit', asItem, changed))).toEqual(refused)
    }
    expect(refusal(await door.post('/~message@1.0/fruit', asItem, raw.subarray(0, 700)))[0]).toBe(400)
    expect(refusal(await door.post('/~message@1.0/fruit', asItem, ''))[0]).toBe(400)
    expect(refusal(await door.post('/~message@1.0/fruit', asItem, 'x'.repeat(2_000)))[0]).toBe(400)
  })
  it.each<readonly [string, Readonly<Record<string, string>>]>([
    ['one header without the other', { 'signature-input': 'a=("fruit");alg="rsa-pss-sha512";keyid="k"' }],
    ['the other without the one', { signature: 'a=:AAAA:' }],
    ['other labels', { signature: 'a=:AAAA:', 'signature-input': 'b=("fruit");alg="rsa-pss-sha512";keyid="k"' }],
    ['nothing that can be read', { signature: '((', 'signature-input': '))' }],
    ['no list', { signature: 'a=:AAAA:', 'signature-input': 'a=fruit' }],
    ['no key', { signature: 'a=:AAAA:', 'signature-input': 'a=("fruit")' }],
    ['an algorithm that nobody knows', { signature: 'a=:AAAA:', 'signature-input': 'a=("fruit");alg="trust-me";keyid="k"' }],
    ['a component that is not there', { signature: 'a=:AAAA:', 'signature-input': 'a=("colour");alg="rsa-pss-sha512";keyid="k"' }],
    ['an empty signature', { signature: 'a=::', 'signature-input': 'a=("fruit");alg="rsa-pss-sha512";keyid="k"' }],
    ['a hundred signatures', hundredSignatures()],
  ])('headers with %s', async (_what, headers) => {
    const [status, failure] = refusal(await door.get(SET, [['fruit', 'pear'], ...Object.entries(headers), ...AS_JSON]))
    expect([
      [400, 'signature-invalid'],
      [400, 'encoding-invalid'],
      [413, 'too-large'],
    ]).toContainEqual([status, failure])
  })
})

function hundredSignatures(): Record<string, string> {
  const labels = Array.from({ length: 100 }, (_, i) => `s${i}`)
  return {
    signature: labels.map((label) => `${label}=:AAAA:`).join(', '),
    'signature-input': labels.map((label) => `${label}=("fruit");alg="rsa-pss-sha512";keyid="k"`).join(', '),
  }
}

describe('digests of bodies', () => {
  it.each([
    ['sha-256=:AAAA:', 'digest-mismatch'],
    ['sha-512=:AAAA:', 'digest-mismatch'],
    ['sha-256=:_7_8:', 'digest-mismatch'],
    ['md5=:AAAA:', 'encoding-invalid'],
    ['(((', 'encoding-invalid'],
  ])('%s', async (digest, failure) => {
    expect(refusal(await door.post(SET, [['content-digest', digest], ...AS_JSON], 'text'))).toEqual([400, failure])
    expect(refusal(await door.get(SET, [['content-digest', digest], ...AS_JSON]))[0]).toBe(400)
  })
  it.each(['base64', 'base64url'] as const)('that are right, in %s', async (alphabet) => {
    const digest = createHash('sha256').update('some text').digest(alphabet)
    expect((await door.post(SET, [['content-digest', `sha-256=:${digest}:`], ...AS_JSON], 'some text')).status).toBe(200)
  })
})

describe('requests to change the options', () => {
  const INFO = '/~meta@1.0/info'

  it('by nobody, or by somebody else', async () => {
    expect(told(await door.post(INFO, [['test_option', 'set'], ...AS_JSON], ''))).toMatchObject({ status: 400, body: 'Unauthorized' })
    expect(told(await door.postJson('{"test_option":"set"}', INFO))).toMatchObject({ status: 400, body: 'Unauthorized' })
    expect(told(await door.postForm(INFO, await signed({ test_option: 'set' })))).toMatchObject({ status: 400, body: 'Unauthorized' })
  })
  it('by somebody who names the operator', async () => {
    const key = Buffer.from(operator.publicKey).toString('base64')
    const form = await signed({ test_option: 'set' })
    const input = String(form.headers.get('signature-input')).replace(/publickey:[^"]*/, `publickey:${key}`)
    expect(refusal(await door.postForm(INFO, changedHeaders(form, { 'signature-input': input })))).toEqual([400, 'signature-invalid'])
    const json = JSON.parse(encodeJson(await commit(message({ test_option: 'set' }), mallory))) as {
      commitments: Record<string, Record<string, string>>
    }
    for (const one of Object.values(json.commitments)) if (one['committer'] !== undefined) one['committer'] = operator.address
    expect(refusal(await door.postJson(JSON.stringify(json), INFO))).toEqual([400, 'signature-invalid'])
  })
  it('by the operator, changed on their way', async () => {
    const form = await signed({ test_option: 'set' }, operator)
    expect(refusal(await door.postForm(INFO, changedHeaders(form, { test_option: 'other' })))).toEqual([400, 'signature-invalid'])
    const sign = hbsig.createSigner(operatorKey, url())
    const { headers } = await sign({ path: INFO, test_option: 'set' })
    expect(refusal(await door.post(INFO, [...Object.entries({ ...headers, test_option: 'other' }), ...AS_JSON], ''))).toEqual([
      400,
      'signature-invalid',
    ])
    const otherPath = { ...headers, path: '/~meta@1.0/build' }
    expect(refusal(await door.post(INFO, [...Object.entries(otherPath), ...AS_JSON], ''))).toEqual([400, 'signature-invalid'])
  })
  it('by the operator are done, with what was signed and nothing else, and once', async () => {
    const form = await signed({ test_option: 'set' }, operator)
    const first = await door.postForm(`${INFO}?test_other=query&priv_test=x`, changedHeaders(form, { test_another: 'header' }))
    expect(told(first)).toMatchObject({ status: 200, 'history-length': 1 })
    const changed = JSON.parse(await door.options()) as Record<string, unknown>
    expect(changed).toMatchObject({ test_option: 'set' })
    expect(Object.keys(changed).filter((key) => key.startsWith('test_'))).toEqual(['test_option'])
    await acceptOptions()

    const again: readonly [string, HttpsigForm][] = [
      ['the same', form],
      ['in another order', { ...form, headers: new Map([...form.headers].reverse()) }],
      ['under another label', relabelled(form)],
      ['with the signature of another beside it', await alsoSigned({ test_option: 'set' }, form)],
    ]
    for (const [how, replay] of again) expect([how, refusal(await door.postForm(INFO, replay))]).toEqual([how, [400, undefined]])
    expect((await door.postForm(`${INFO}&test_other=path`, form)).status).toBe(400)
    expect(refusal(await door.postJson(encodeJson(decodeHttpMessage(form)), INFO))).toEqual([400, undefined])
  })
  it('by the operator are not done again after a restart', async () => {
    const form = await signed({ test_later: 'set' }, operator)
    expect((await door.postForm(INFO, form)).status).toBe(200)
    await restart()
    await acceptOptions()
    expect(JSON.parse(await door.options())).toMatchObject({ test_option: 'set', test_later: 'set' })
    expect((await door.postForm(INFO, form)).status).toBe(400)
  })
})

function relabelled({ headers, body }: HttpsigForm): HttpsigForm {
  const rename = (value: unknown): string => String(value).replaceAll('comm-', 'other-')
  return {
    headers: new Map([
      ...headers,
      ['signature', rename(headers.get('signature'))],
      ['signature-input', rename(headers.get('signature-input'))],
    ]),
    body,
  }
}

/** The same message, signed by two, of whom the first is the one of this form. */
async function alsoSigned(fields: Readonly<Record<string, Plain>>, form: HttpsigForm): Promise<HttpsigForm> {
  const other = await signed(fields)
  const both = (name: string): string => `${form.headers.get(name)}, ${other.headers.get(name)}`
  return changedHeaders(form, { signature: both('signature'), 'signature-input': both('signature-input') })
}
