import { beforeEach, describe, expect, it } from 'vitest'
import { openTestKernel, type TestKernel, walletOf } from '../../test/ao-core-kernel.ts'
import { toBase64url, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { commit } from '../codec/message/commit.ts'
import { messageId, unsignedId } from '../codec/message/id.ts'
import { messageSigner } from '../codec/message/signers.ts'
import { type Message, message, type Plain } from '../codec/message/value.ts'
import { markReceived } from '../kernel/received.ts'

const stranger = messageSigner(walletOf('alice'))
let rig: TestKernel

beforeEach(async () => {
  rig = await openTestKernel()
})

async function received(keys: { readonly [key: string]: Plain }, signer = rig.operator): Promise<Message> {
  const signed = await commit(message(keys), signer)
  markReceived(signed)
  return signed
}

const refusal = (status: number, body: string): unknown => ({ status: 'error', value: message({ status, body }) })

describe('cache@1.0 and lookup@1.0', () => {
  it('read messages by any of their ids, keys of them, and values', async () => {
    const signed = await commit(message({ a: 'x', child: { b: 'y' } }), stranger)
    const id = await rig.store.write(signed)
    for (const device of ['cache@1.0', 'lookup@1.0']) {
      expect((await rig.get(`/~${device}/read&target=${id}/a`)).value).toBe('x')
      expect((await rig.get(`/~${device}/read/b?target=${messageId(signed, { committers: 'all' })}/child`)).value).toBe('y')
      expect((await rig.get(`/~${device}/read/a?target=${id}`)).value).toBe('x')
      expect((await rig.get(`/~${device}/read&target=${stranger.address}`)).status).toBe('not_found')
      expect((await rig.get(`/~${device}/read?target=${id}/commitments/x/priv-note`)).status).toBe('not_found')
      expect((await rig.get(`/~${device}/read`)).status).toBe('error')
    }
  })

  it('write for those who may, durably', async () => {
    const { status, value } = await rig.get('/~cache@1.0/write', await received({ body: 'a value', method: 'POST' }))
    const hash = toBase64url(sha256(utf8('a value')))
    expect({ status, value }).toEqual({ status: 'ok', value: message({ status: 200, path: `data/${hash}` }) })
    expect((await rig.get(`/~cache@1.0/read?target=data/${hash}`)).value).toBe('a value')
    expect((await rig.get(`/~cache@1.0/read&target=${hash}`)).value).toBe('a value')
    const body = message({ k: 'v', deep: { er: 'x' } })
    const whole = await rig.get('/~cache@1.0/write', await received({ body }))
    expect(whole.value).toEqual(message({ status: 200, path: unsignedId(body) }))
    expect((await rig.get(`/${unsignedId(body)}/deep/er`)).value).toBe('x')
  })

  it('write batches', async () => {
    const batch = {
      type: 'batch',
      body: {
        one: { body: 'first' },
        two: { operation: 'link', source: `data/${toBase64url(sha256(utf8('first')))}`, destination: 'named' },
      },
    }
    expect((await rig.get('/~cache@1.0/write', await received(batch))).status).toBe('ok')
    expect(await rig.store.read('named')).toBe('first')
  })

  it('link for those who may', async () => {
    const id = await rig.store.write(message({ a: 'x' }))
    const linked = await rig.get('/~cache@1.0/link', await received({ source: id, destination: 'my/name' }))
    expect(linked).toMatchObject({ status: 'ok', value: message({ status: 200 }) })
    expect((await rig.get('/~cache@1.0/read?target=my/name/a')).value).toBe('x')
  })

  it('read anew each time, whatever the client says of the cache', async () => {
    const read = async (): Promise<unknown> => (await rig.get('/~cache@1.0/read?target=name', message({ 'cache-control': 'always' }))).value
    await rig.store.writeAt('name', 'one')
    expect(await read()).toBe('one')
    await rig.store.writeAt('name', 'two')
    expect(await read()).toBe('two')
  })

  it('write nothing for others', async () => {
    const refused = refusal(403, 'Not authorized to write to the cache.')
    for (const keys of [message({ body: 'x' }), await received({ body: 'x' }, stranger)]) {
      expect(await rig.get('/~cache@1.0/write', keys)).toMatchObject(refused as object)
      expect(await rig.get('/~cache@1.0/link', keys)).toMatchObject(refused as object)
    }
    const forged = new Map(await commit(message({ body: 'x' }), rig.operator)).set('body', 'forged')
    await expect(rig.get('/~cache@1.0/write', forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(await rig.store.read(toBase64url(sha256(utf8('forged'))))).toBeNull()
  })

  it('write what was signed, not what a path added to it', async () => {
    const request = new Map(await received({ source: await rig.store.write(message({ a: 'x' })) })).set('destination', 'added')
    expect(await rig.get('/~cache@1.0/link', request)).toMatchObject({ status: 'error' })
    expect(await rig.store.read('added')).toBeNull()
  })

  it('refuse what they cannot write', async () => {
    expect(await rig.get('/~cache@1.0/write', await received({ a: 'b' }))).toMatchObject(refusal(400, 'No body to write.') as object)
    for (const keys of [{ body: 5 }, { type: 'other', body: 'x' }, { type: 'batch', body: 'x' }, { type: 'batch', body: { a: 'x' } }])
      expect(await rig.get('/~cache@1.0/write', await received(keys))).toMatchObject(refusal(400, 'Invalid write type.') as object)
    const source = await rig.store.write(message({ a: 'x' }))
    for (const destination of ['/computed/x/y', 'computation/x/y', '//computation//x'])
      expect(await rig.get('/~cache@1.0/link', await received({ source, destination }))).toMatchObject(
        refusal(400, 'Nothing is linked to the place of results.') as object,
      )
    await expect(rig.get('/~cache@1.0/link', await received({ source: 'nothing', destination: 'x' }))).rejects.toMatchObject({
      code: 'not-found',
    })
    const unproven = new Map(await commit(message({ a: 'x' }), stranger)).set('a', 'other')
    const request = await received({ body: { k: unproven } })
    await expect(rig.get('/~cache@1.0/write', request)).rejects.toMatchObject({ code: 'signature-invalid' })
  })
})
