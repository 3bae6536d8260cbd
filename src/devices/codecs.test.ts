import { beforeEach, describe, expect, it } from 'vitest'
import { openTestKernel, type TestKernel, walletOf } from '../../test/ao-core-kernel.ts'
import { toText, utf8 } from '../base/bytes.ts'
import { createDataItemSync, decodeDataItem, itemSigner } from '../codec/data-item.ts'
import { keyFromJwk } from '../codec/keys.ts'
import { decodeAns104 } from '../codec/message/ans104.ts'
import { commit } from '../codec/message/commit.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { committersOf, linkId, unsignedId } from '../codec/message/id.ts'
import { messageSigner } from '../codec/message/signers.ts'
import { encodeTxJson } from '../codec/message/tx.ts'
import { Atom, binaryBytes, Float, type Message, message, type Value } from '../codec/message/value.ts'
import { verifyMessage } from '../codec/message/verify.ts'
import { signTransaction } from '../codec/transaction.ts'

const signal = new AbortController().signal
const alice = keyFromJwk(walletOf('alice'))
let rig: TestKernel

beforeEach(async () => {
  rig = await openTestKernel()
})

/** What the device answers to a key upon this base. */
async function ask(device: string, path: string, base: Message, request: Record<string, Value> = {}): Promise<Value> {
  const env = rig.kernel.env(signal)
  const { status, value } = await env.resolve(
    new Map([...base, ['device', device]]),
    new Map<string, Value>([...Object.entries(request), ['path', path]]),
  )
  expect(status, String(value)).toBe('ok')
  return value as Value
}

const body = (value: Value): string => toText(binaryBytes((value as Message).get('body') as string))
const kinds = message({
  text: 'täxt',
  n: 7,
  f: new Float(1.5),
  yes: true,
  word: new Atom('ok'),
  list: [1, 'two', { three: 3 }],
  deep: { er: { a: 'b' } },
})

describe('json@1.0', () => {
  it('serializes and deserializes', async () => {
    const encoded = (await ask('json@1.0', 'serialize', kinds)) as Message
    expect(encoded.get('content-type')).toBe('application/json')
    expect(JSON.parse(body(encoded))).toMatchObject({ device: 'json@1.0', n: 7, f: 1.5, yes: 'true', deep: { er: { a: 'b' } } })
    const decoded = (await ask('json@1.0', 'deserialize', encoded)) as Message
    expect(unsignedId(decoded)).toBe(unsignedId(new Map([...kinds, ['device', 'json@1.0']])))
    expect(await ask('json@1.0', 'deserialize', message({ mine: '[1,{"a":"b"}]' }), { target: 'mine' })).toEqual([1, message({ a: 'b' })])
    expect(await ask('json@1.0', 'content-type', kinds)).toBe('application/json')
  })

  it('answers over a path', async () => {
    const { value } = await rig.get('/~message@1.0&hello=world&n+integer=3/~json@1.0/serialize')
    expect(JSON.parse(body(value))).toEqual({ device: 'json@1.0', hello: 'world', n: 3 })
    const suffixed = await rig.get('/~message@1.0&hello=world/serialize~json@1.0')
    expect(JSON.parse(body(suffixed.value))).toEqual({ device: 'json@1.0', hello: 'world' })
  })

  it('loads links where a bundle is wanted', async () => {
    const child = message({ a: 'b' })
    const id = await rig.store.write(message({ child }))
    const read = (await rig.store.read(id)) as Message
    expect(JSON.parse(body(await ask('json@1.0', 'serialize', read)))).toEqual({ device: 'json@1.0', 'child+link': linkId(child) })
    expect(JSON.parse(body(await ask('json@1.0', 'serialize', read, { bundle: true })))).toEqual({ device: 'json@1.0', child: { a: 'b' } })
  })

  it('refuses what is no JSON, and commitments that do not hold', async () => {
    const env = rig.kernel.env(signal)
    const on = (text: string): Promise<unknown> => env.resolve(message({ device: 'json@1.0', body: text }), 'deserialize')
    await expect(on('{"a":')).rejects.toMatchObject({ code: 'encoding-invalid' })
    const missing = await env.resolve(message({ device: 'json@1.0' }), 'deserialize')
    expect(missing).toMatchObject({
      status: 'error',
      value: message({ status: 404, body: 'JSON payload not found in the base message. Searched for: body' }),
    })
    const signed = await commit(message({ a: 'x' }), messageSigner(walletOf('alice')))
    const forged = new Map(signed).set('a', 'other')
    const text = body(await ask('json@1.0', 'serialize', message({ forged })))
    await expect(on(text)).rejects.toMatchObject({ code: 'signature-invalid' })
    const whole = (await on(body(await ask('json@1.0', 'serialize', message({ signed }))))) as { value: Message }
    expect(await verifyMessage(whole.value.get('signed') as Message, { committers: 'all' })).toBe(true)
  })
})

describe('flat@1.0', () => {
  it('flattens and nests again', async () => {
    const nested = message({ a: 'x', deep: { er: { b: 'y' } }, n: 5 })
    const flat = (await ask('flat@1.0', 'to', nested)) as Message
    expect(flat).toEqual(message({ a: 'x', 'ao-types': 'n="integer"', 'deep/er/b': 'y', n: '5' }))
    expect(await ask('flat@1.0', 'from', flat)).toEqual(nested)
    const text = (await ask('flat@1.0', 'serialize', nested)) as Message
    expect(body(text)).toBe('a: x\nao-types: n="integer"\ndeep/er/b: y\nn: 5\n')
    expect(await ask('flat@1.0', 'deserialize', text)).toEqual(nested)
  })
})

describe('structured@1.0', () => {
  it('writes types down and reads them', async () => {
    const tabm = (await ask('structured@1.0', 'from', kinds)) as Message
    expect(tabm.get('f')).toBe('1.50000000000000000000e+00')
    expect(tabm.get('ao-types')).toBe('f="float", n="integer", word="atom", yes="atom"')
    expect(await ask('structured@1.0', 'to', tabm)).toEqual(kinds)
    await expect(rig.kernel.env(signal).resolve(new Map([...kinds, ['device', 'structured@1.0']]), 'to')).rejects.toMatchObject({
      code: 'request-invalid',
    })
  })
})

describe('httpsig@1.0', () => {
  it('gives headers and body, and takes them', async () => {
    const signed = await commit(message({ a: 'x', body: 'the body', n: 5 }), messageSigner(walletOf('alice')))
    const form = (await ask('httpsig@1.0', 'to', signed)) as Message
    expect(form.get('a')).toBe('x')
    expect(form.get('body')).toBe('the body')
    expect(form.get('signature-input')).toContain('rsa-pss-sha512')
    const back = (await ask('httpsig@1.0', 'from', form)) as Message
    expect(unsignedId(back)).toBe(unsignedId(signed))
    expect(committersOf(back)).toEqual(committersOf(signed))
    const text = (await ask('httpsig@1.0', 'serialize', message({ a: 'x', body: 'the body' }))) as string
    expect(text).toMatch(/^a: x\r\ncontent-digest: sha-256=:[^\r]+\r\n\r\nthe body$/)
    const parts = (await ask('httpsig@1.0', 'serialize', message({ a: 'x' }), { format: 'components' })) as Message
    expect((parts.get('headers') as Message).get('a')).toBe('x')
    const forged = new Map(form).set('a', 'other')
    await expect(rig.kernel.env(signal).resolve(forged.set('device', 'httpsig@1.0'), 'from')).rejects.toMatchObject({
      code: 'signature-invalid',
    })
  })
})

describe('ans104@1.0', () => {
  const item = createDataItemSync({ data: utf8('data'), tags: [{ name: 'App', value: 'x' }] }, itemSigner(alice))

  it('gives signed items back bit by bit, also when a path cast them', async () => {
    const id = await rig.store.write(decodeAns104(item))
    expect(id).toBeDefined()
    const { value } = await rig.get(`/${item.id}~ans104@1.0/serialize`)
    expect((value as Message).get('content-type')).toBe('application/ans104')
    expect(Buffer.from(binaryBytes((value as Message).get('body') as Uint8Array)).equals(item.raw)).toBe(true)
    const decoded = (await ask('ans104@1.0', 'deserialize', message({ body: item.raw }))) as Message
    expect(decoded).toEqual(decodeAns104(item))
  })

  it('takes no item whose signature does not hold', async () => {
    const bad = Uint8Array.from(item.raw)
    bad[bad.length - 1]! ^= 1
    await expect(rig.kernel.env(signal).resolve(message({ device: 'ans104@1.0', body: bad }), 'deserialize')).rejects.toMatchObject({
      code: 'signature-invalid',
    })
  })

  it('commits in the node’s name', async () => {
    const signed = (await ask('ans104@1.0', 'commit', message({ a: 'x', data: 'y' }))) as Message
    expect(committersOf(signed)).toEqual([rig.operator.address])
    expect(commitmentsOf(signed)[0]).toMatchObject({ device: 'ans104@1.0', type: 'rsa-pss-sha256', committed: ['data', 'a'] })
    expect(await verifyMessage(signed, { committers: 'all' })).toBe(true)
    const through = (await rig.get('/~message@1.0&a=x/commit?commitment-device=ans104@1.0')).value as Message
    expect(committersOf(through)).toEqual([rig.operator.address])
    const bytes = (await ask('ans104@1.0', 'serialize', signed)) as Message
    expect(decodeDataItem(binaryBytes(bytes.get('body') as Uint8Array)).id).toBe(commitmentsOf(signed)[0]!.id)
    expect(committersOf((await ask('ans104@1.0', 'commit', message({ A: 'x' }), { type: 'unsigned' })) as Message)).toEqual([])
  })
})

describe('tx@1.0', () => {
  it('gives and takes transactions', async () => {
    const tx = await signTransaction({ data: utf8('data'), tags: [{ name: utf8('App'), value: utf8('x') }], rewardWinston: 1n }, alice)
    const decoded = (await ask('tx@1.0', 'deserialize', message({ body: encodeTxJson(tx) }))) as Message
    expect(decoded.get('app')).toBe('x')
    expect(JSON.parse(body(await ask('tx@1.0', 'serialize', decoded)))).toEqual(JSON.parse(encodeTxJson(tx)))
  })

  it('signs nothing for whoever asks, since a transaction spends', async () => {
    const outcome = rig.kernel
      .env(new AbortController().signal)
      .apply('tx@1.0', 'commit', message({ quantity: '1' }), message({ type: 'signed' }))
    expect((await outcome).status).toBe('forbidden')
    expect(committersOf((await ask('tx@1.0', 'commit', message({ A: 'x' }), { type: 'unsigned' })) as Message)).toEqual([])
  })
})
