import { describe, expect, it } from 'vitest'
import { formFrom, readVectors, type TypedForm, vectorKeys } from '../../../test/ao-core-vectors.ts'
import { toLatin1, utf8 } from '../../base/bytes.ts'
import { encodeAns104 } from './ans104.ts'
import { type FetchOptions, fetchMessage } from './client.ts'
import { commit } from './commit.ts'
import { withoutCommitments } from './commitment.ts'
import { encodeFlat, encodeFlatText } from './flat.ts'
import { encodeHttpMessage, encodeSignedHttpMessage } from './http-message.ts'
import { encodeJson } from './json.ts'
import { itemSigner, messageSigner } from './signers.ts'
import { encodeStructured } from './structured.ts'
import { binaryBytes, type HttpsigForm, message, type Tabm } from './value.ts'
import { committersOf, receiveHttpMessage } from './verified.ts'

const URL_ASKED = 'http://node.example/~meta@1.0/info'
const alice = messageSigner(vectorKeys['key-1'])
const bob = messageSigner(vectorKeys['key-2'])
const said = message({ action: 'Info', slot: 7, within: { deep: ['x', 1.5] }, body: 'hello' })
const signed = await commit(said, alice)

/** A node that answers this, whatever it is asked. */
function answering(reply: HttpsigForm, extra: Record<string, string> = {}, status = 200): Pick<FetchOptions, 'fetch'> {
  const headers = new Headers(extra)
  for (const [name, value] of reply.headers) headers.set(name, toLatin1(binaryBytes(value)))
  return { fetch: async () => new Response(reply.body as Uint8Array<ArrayBuffer> | null, { status, headers }) }
}

function bodyOf(text: string | Uint8Array): HttpsigForm {
  return { headers: new Map(), body: typeof text === 'string' ? utf8(text) : text }
}

const reply = encodeHttpMessage(signed, { bundle: true })

describe('a signed reply', () => {
  it('comes verified, without what nobody committed to', async () => {
    const way = { date: 'now', 'access-control-allow-origin': '*', server: 'some', 'x-added': 'by a proxy', 'priv-key': 'x' }
    const fetched = await fetchMessage(URL_ASKED, answering(reply, way, 404))
    expect(fetched.status).toBe(404)
    expect(committersOf(fetched.message)).toEqual([alice.address])
    expect(withoutCommitments(fetched.message)).toEqual(said)
  })

  it('fails when a header or the body was changed', async () => {
    const changed = { headers: new Map(reply.headers).set('action', 'Transfer'), body: reply.body }
    await expect(fetchMessage(URL_ASKED, answering(changed))).rejects.toMatchObject({ code: 'signature-invalid' })
    const other = reply.body!.map((byte, i) => (i === reply.body!.length >> 1 ? byte ^ 1 : byte))
    await expect(fetchMessage(URL_ASKED, answering({ headers: reply.headers, body: other }))).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
  })

  it('fails when it is not by who is asked for', async () => {
    await expect(fetchMessage(URL_ASKED, { ...answering(reply), by: [alice.address] })).resolves.toMatchObject({ status: 200 })
    await expect(fetchMessage(URL_ASKED, { ...answering(reply), by: [alice.address, bob.address] })).rejects.toMatchObject({
      code: 'signature-invalid',
      message: expect.stringContaining(bob.address),
    })
  })

  it('comes as it is on demand', async () => {
    const changed = { headers: new Map(reply.headers).set('action', 'Transfer'), body: reply.body }
    const fetched = await fetchMessage(URL_ASKED, { ...answering(changed, { 'x-added': 'y' }), verify: false })
    expect(fetched.message.get('action')).toBe('Transfer')
    expect(fetched.message.get('x-added')).toBe('y')
  })
})

describe('a signed reply whose body is of a form that replies may have', () => {
  const flat = encodeFlatText(encodeFlat(encodeStructured(said) as Tabm))
  it.each<[type: string, body: () => Promise<string | Uint8Array>]>([
    ['application/ans104', () => encodeAns104(message({ data: 'other' }), itemSigner(vectorKeys['key-2']))],
    ['application/json', async () => encodeJson(said)],
    ['application/flat', async () => flat],
  ])('%s: it is a body like any other, under the signature', async (type, makeBody) => {
    const body = await makeBody()
    const form = await encodeSignedHttpMessage(message({ 'content-type': type, body }), alice)
    const { message: received } = await fetchMessage(URL_ASKED, { ...answering(form), by: [alice.address] })
    expect(committersOf(received)).toEqual([alice.address])
    expect(binaryBytes(received.get('body') as string)).toEqual(typeof body === 'string' ? utf8(body) : Uint8Array.from(body))
    const other = form.body!.map((byte, i) => (i === form.body!.length - 1 ? byte ^ 1 : byte))
    await expect(fetchMessage(URL_ASKED, answering({ headers: form.headers, body: other }))).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
  })
})

describe('other replies', () => {
  it('unsigned: all of its headers but those of the way', async () => {
    const form = encodeHttpMessage(said, { bundle: true })
    const { message: received } = await fetchMessage(URL_ASKED, answering(form, { date: 'now', server: 'some', vary: '*' }))
    expect(received).toEqual(said)
    expect(committersOf(received)).toEqual([])
  })

  it('JSON, verified too', async () => {
    const json = { 'content-type': 'application/json; charset=utf-8', 'codec-device': 'json@1.0' }
    const { message: received } = await fetchMessage(URL_ASKED, answering(bodyOf(encodeJson(signed)), json))
    expect(committersOf(received)).toEqual([alice.address])
    expect(withoutCommitments(received)).toEqual(said)
    const changed = encodeJson(new Map(signed).set('slot', 8))
    await expect(fetchMessage(URL_ASKED, answering(bodyOf(changed), json))).rejects.toMatchObject({ code: 'signature-invalid' })
  })

  it('flat text', async () => {
    const { message: received } = await fetchMessage(URL_ASKED, answering(bodyOf('a/b: c\nd: e'), { 'codec-device': 'flat@1.0' }))
    expect(received).toEqual(message({ a: { b: 'c' }, d: 'e' }))
  })

  it('a data item, verified too', async () => {
    const item = await encodeAns104(message({ action: 'Info', data: 'hello' }), itemSigner(vectorKeys['key-1']))
    const { message: received } = await fetchMessage(URL_ASKED, answering(bodyOf(item), { 'content-type': 'application/ans104' }))
    expect(committersOf(received)).toEqual([alice.address])
    expect(received.get('data')).toBe('hello')
    const changed = item.map((byte, i) => (i === item.length - 1 ? byte ^ 1 : byte))
    const options = answering(bodyOf(changed), { 'content-type': 'application/ans104' })
    await expect(fetchMessage(URL_ASKED, options)).rejects.toMatchObject({ code: 'signature-invalid' })
  })
})

describe('a request', () => {
  it('is a GET, or a POST that carries a message another can verify', async () => {
    const asked: { method: string; form: HttpsigForm }[] = []
    const send: typeof fetch = async (_, init) => {
      const headers = new Headers(init?.headers)
      const body = init?.body instanceof Uint8Array ? init.body : null
      asked.push({ method: init?.method ?? '', form: { headers: new Map(headers), body } })
      return new Response('ok')
    }
    await fetchMessage(URL_ASKED, { fetch: send, headers: { accept: 'application/json' } })
    await fetchMessage(URL_ASKED, { fetch: send, message: signed })
    await fetchMessage(URL_ASKED, { fetch: send, message: said, signer: bob })
    await fetchMessage(URL_ASKED, { fetch: send, message: new Map([...said, ['priv-key', 'mine']]), method: 'PUT' })
    expect(asked.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST', 'PUT'])
    expect(asked[0]!.form.headers.get('accept')).toBe('application/json')
    expect(committersOf(await receiveHttpMessage(asked[1]!.form))).toEqual([alice.address])
    expect(committersOf(await receiveHttpMessage(asked[2]!.form))).toEqual([bob.address])
    expect(asked[3]!.form.headers.has('priv-key')).toBe(false)
  })

  it('that nobody answers, that is given up, or whose answer is too long', async () => {
    const refused: typeof fetch = () => Promise.reject(new TypeError('fetch failed'))
    await expect(fetchMessage(URL_ASKED, { fetch: refused })).rejects.toMatchObject({ code: 'peer-failed', facts: { status: null } })
    const signal = AbortSignal.abort(new Error('given up'))
    await expect(fetchMessage(URL_ASKED, { fetch: refused, signal })).rejects.toThrow('given up')
    const long = answering(bodyOf('x'.repeat(1001)))
    await expect(fetchMessage(URL_ASKED, { ...long, bytesMax: 1000 })).rejects.toMatchObject({ code: 'too-large' })
    await expect(fetchMessage(URL_ASKED, { ...long, bytesMax: 1001 })).resolves.toMatchObject({ status: 200 })
  })
})

describe('replies of the reference', () => {
  interface Transcript {
    readonly name: string
    readonly request: { readonly method: string }
    readonly response: TypedForm & { readonly status: number }
  }
  const { transcripts, address } = readVectors<{ transcripts: readonly Transcript[]; address: string }>('ao-core-http.json')
  const signedOnes = transcripts.filter(({ response }) => 'signature-input' in response.headers)

  it('are there', () => expect(signedOnes.length).toBeGreaterThan(20))

  for (const { name, request, response } of signedOnes)
    it(`${request.method === 'HEAD' ? 'cannot verify without its body' : 'verifies'}: ${name}`, async () => {
      const fetched = fetchMessage(URL_ASKED, { ...answering(formFrom(response), {}, response.status), by: [address] })
      if (request.method === 'HEAD') await expect(fetched).rejects.toMatchObject({ code: 'digest-mismatch' })
      else expect((await fetched).status).toBe(response.status)
    })
})
