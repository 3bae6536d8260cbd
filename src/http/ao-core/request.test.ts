import { describe, expect, it } from 'vitest'
import { httpRig, JSON_HEADERS, json, OPERATOR, type Reply, STRANGER, signedRequest } from '../../../test/ao-core-http-rig.ts'
import { vectorKeys } from '../../../test/ao-core-vectors.ts'
import { exchange, getRaw } from '../../../test/http-server.ts'
import { toText } from '../../base/bytes.ts'
import { createDataItemSync } from '../../codec/data-item.ts'
import { keyFromJwk } from '../../codec/keys.ts'
import { commit } from '../../codec/message/commit.ts'
import { encodeJson } from '../../codec/message/json.ts'
import { itemSigner } from '../../codec/message/signers.ts'
import { encodeTx, encodeTxJson } from '../../codec/message/tx.ts'
import { message } from '../../codec/message/value.ts'

const { server, get, post } = httpRig()

describe('a request', () => {
  it('has the bytes of its headers', async () => {
    const answer = await exchange(
      server().port,
      Buffer.from('GET /~message@1.0/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: clé ✓\r\n\r\n'),
    )
    expect(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8')).toBe('clé ✓')
    expect(await getRaw(server().port, 'http://other.host/~message@1.0&k=v/k')).toMatch(/\r\n\r\nv$/)
  })

  it('takes bodies in every codec', async () => {
    expect(toText((await post('/~message@1.0/n', { 'content-type': 'application/json; charset=utf-8' }, '{"n":7}')).body)).toBe('7')
    expect(toText((await post('/~message@1.0/a/b', { 'codec-device': 'flat@1.0' }, 'a/b: x\n')).body)).toBe('x')
    expect(toText((await post('/~message@1.0/body', { 'content-type': 'application/octet-stream' }, 'raw')).body)).toBe('raw')
    const multipart =
      '--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--b--\r\n'
    expect((await post('/~message@1.0/keys', { 'content-type': 'multipart/form-data; boundary=b' }, multipart)).status).toBe(200)
    const item = createDataItemSync({ data: Buffer.from('d'), tags: [{ name: 'Action', value: 'Eval' }] }, itemSigner(vectorKeys['key-2']))
    expect(toText((await post('/~message@1.0/action', { 'content-type': 'application/ans104' }, item.raw)).body)).toBe('Eval')
    expect(toText((await post('/~message@1.0/committers/1?codec-device=ans104@1.0', {}, item.raw)).body)).toBe(STRANGER.address)
    expect((await post('/~message@1.0/keys', { 'content-type': 'application/json' }, '')).status).toBe(200)
    const tx = await encodeTx(message({ action: 'Eval', data: 'd' }), keyFromJwk(vectorKeys['key-2']))
    expect(toText((await post('/~message@1.0/committers/1', { 'codec-device': 'tx@1.0' }, encodeTxJson(tx))).body)).toBe(STRANGER.address)
    const changed = JSON.stringify({ ...JSON.parse(encodeTxJson(tx)), reward: '1' })
    expect((await post('/~message@1.0/action', { 'codec-device': 'tx@1.0' }, changed)).headers['failure']).toBe('signature-invalid')
  })

  it('keeps what is signed and the keys of HTTP, nothing else', async () => {
    const { headers, body } = await signedRequest({ a: 'x', n: 1 })
    const reply = await post('/~message@1.0/keys', { ...headers, 'x-other': '1', accept: 'application/json' }, body)
    expect(
      Object.values(json(reply))
        .filter((value) => typeof value === 'string')
        .sort(),
    ).toEqual(['a', 'accept', 'accept-bundle', 'commitments', 'device', 'method', 'n'])
    expect(toText((await post('/~message@1.0/verify&committers=all', headers, body)).body)).toBe('true')
  })

  it('goes where its signed path says, not its URL', async () => {
    const { headers, body } = await signedRequest({ a: 'x', path: '/~message@1.0/a' })
    expect(toText((await post('/~message@1.0/n?n=7', headers, body)).body)).toBe('x')
    const signed = await signedRequest({ a: 'x', path: '/~message@1.0/verify&committers=all', method: 'POST' })
    expect(toText((await post('/x', signed.headers, signed.body)).body)).toBe('true')
    const process = await signedRequest({ type: 'Process', path: '/~message@1.0/type' })
    expect(toText((await post('/~message@1.0/path', process.headers, process.body)).body)).toBe('/~message@1.0/type')
  })

  it('has wishes in signed tags, in the URL and in headers', async () => {
    const tags = [
      { name: 'require-codec', value: 'application/json' },
      { name: 'accept-bundle', value: 'true' },
    ]
    const item = createDataItemSync({ data: Buffer.from('d'), tags }, itemSigner(vectorKeys['key-2']))
    const reply = await post('/~echo@1.0/nested', { 'content-type': 'application/ans104', accept: '*/*' }, item.raw)
    expect(json(reply)).toMatchObject({ child: { c: 'd' } })
    const { headers, body } = await signedRequest({ a: 'x' })
    expect(json(await post('/~echo@1.0/flat?require-codec=json@1.0', headers, body))).toMatchObject({ n: 7 })
    expect(json(await post('/~echo@1.0/flat', { ...headers, 'require-codec': 'json@1.0' }, body))).toMatchObject({ n: 7 })
  })

  it('drops private keys, and keeps cookies and authorization to itself', async () => {
    const reply = await get('/~echo@1.0/request&private=1?priv=2', {
      'priv-x': '1',
      cookie: 'a=b',
      authorization: 'Basic x',
      ...JSON_HEADERS,
    })
    expect(Object.keys(json(reply)).join()).not.toMatch(/priv|cookie|authorization/)
    const posted = await post(
      '/~echo@1.0/request',
      { 'content-type': 'application/json', ...JSON_HEADERS },
      '{"priv":1,"a":{"priv-b":2,"c":3}}',
    )
    expect(toText(posted.body)).not.toContain('priv')
  })

  it('says who its peer is by the connection, not by a header', async () => {
    const reply = await get('/~echo@1.0/request', {
      'ao-peer-port': '1984',
      'ao-peer': '6.6.6.6:6',
      'x-real-ip': '6.6.6.6',
      ...JSON_HEADERS,
    })
    expect(json(reply)).toMatchObject({ 'ao-peer': '127.0.0.1:1984' })
    expect(json(await get('/~echo@1.0/request', { 'ao-peer': '6.6.6.6:6', ...JSON_HEADERS }))['ao-peer']).toBeUndefined()
  })
})

describe('what does not verify is refused', () => {
  const refused = async (reply: Promise<Reply>, code: string): Promise<void> => {
    const { status, headers } = await reply
    expect([status, headers['failure']]).toEqual([400, code])
  }

  it('a signature over something else, or by somebody else', async () => {
    const { headers, body } = await signedRequest({ a: 'x' })
    await refused(post('/~message@1.0/a', { ...headers, a: 'y' }, body), 'signature-invalid')
    await refused(
      post('/~message@1.0/a', { ...headers, 'signature-input': headers['signature-input']!.replaceAll('"a"', '"b"'), b: 'x' }, body),
      'signature-invalid',
    )
    const other = await signedRequest({ a: 'x' }, OPERATOR)
    await refused(post('/~message@1.0/a', { ...headers, signature: other.headers['signature']! }, body), 'encoding-invalid') // Its label is not in the other header.
  })

  it('a body that is not the one of its digest', async () => {
    const { headers, body } = await signedRequest({ a: 'x', body: 'hello' })
    expect(toText((await post('/~message@1.0/body', headers, body)).body)).toBe('hello')
    await refused(post('/~message@1.0/body', headers, 'hullo'), 'digest-mismatch')
    await refused(post('/~message@1.0/body', { 'content-digest': 'sha-256=:AAAA:' }, 'hello'), 'digest-mismatch')
  })

  it('a message in JSON, also deep inside', async () => {
    const signed = await commit(message({ a: 'x' }), STRANGER)
    const type = { 'content-type': 'application/json' }
    expect(toText((await post('/~message@1.0/committers/1', type, encodeJson(signed))).body)).toBe(STRANGER.address)
    await refused(post('/~message@1.0/a', type, encodeJson(signed).replace('"a":"x"', '"a":"y"')), 'signature-invalid')
    const inner = encodeJson(message({ k: { l: [signed] } })).replace('"a":"x"', '"a":"y"')
    await refused(post('/~message@1.0/k', type, inner), 'signature-invalid')
  })

  it('a data item', async () => {
    const item = createDataItemSync({ data: Buffer.from('data'), tags: [] }, itemSigner(vectorKeys['key-2']))
    const forged = item.raw.slice()
    forged[forged.length - 1]! ^= 1
    await refused(post('/~message@1.0/data', { 'content-type': 'application/ans104' }, forged), 'signature-invalid')
  })

  it('commitments and keys that come by the path', async () => {
    const { headers, body } = await signedRequest({ 'my-flag': '1', address: OPERATOR.address }, OPERATOR)
    const reply = await post('/~meta@1.0/info?my-flag=2&evil=1', headers, body)
    expect(reply.status).toBe(400)
    expect(server().node.get('my-flag')).toBeUndefined()
    const forged = await post('/~meta@1.0/info?commitments=1', { 'content-type': 'application/json' }, '{"my-flag":1}')
    expect([forged.status, server().node.get('my-flag')]).toEqual([400, undefined])
    expect((await post('/~meta@1.0/info?evil=1', headers, body)).status).toBe(200)
    expect([server().node.get('my-flag'), server().node.get('evil')]).toEqual(['1', undefined])
  })
})
