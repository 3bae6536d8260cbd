/**
 * The class HB of the package wao, unmodified: what of it concerns messages, codecs, options, cache and lookup.
 *
 * Left out are its methods for processes (spawn…, schedule…, message…, compute…, now, slot, messages, cacheScript, getLua) and the relay (results, dryrun),
 * whose devices are not here yet, and those for a device that only nodes of wao have (cacheBinary, getImage).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { comparable, without } from './support/ao-core.ts'
import { echo } from './support/ao-core-echo.ts'
import { HB, type Hb } from './support/ao-core-hb.ts'
import { hbsig } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

const operator = devWallet('dave')
const stranger = devWallet('alice')
const tree = { count: 1, fruit: 'pear', list: [1, { a: [2, 3] }], basket: { size: 3 } }

let node: TestNode
let hb: Hb

beforeAll(async () => {
  node = await startTestNode({ devices: [echo] })
  hb = await new HB({ url: node.url }).init(operator)
})
afterAll(() => node?.stop())

describe('wao HB: messages', () => {
  it('knows the node', async () => {
    expect(hb.operator).toBe(hb.addr)
    const another = await new HB({ url: node.url, jwk: stranger }).init(stranger)
    expect(another.operator).toBe(hb.addr)
    expect(another.addr).not.toBe(hb.addr)
  })
  it('gets keys', async () => {
    expect(await hb.g('/~message@1.0&hello=world/hello')).toBe('world')
    expect(await hb.g('/~message@1.0/hello', { hello: 'world' })).toBe('world')
    expect(await hb.g('/~message@1.0&n+integer=5/n')).toBe('5')
    expect(await hb.g('/~message@1.0&l+list=1,2/l')).toMatchObject({ 1: 1, 2: 2 })
  })
  it('sets keys, by GET and signed by POST', async () => {
    expect(await hb.g('/~message@1.0/set', { hello: 'world' })).toMatchObject({ hello: 'world' })
    expect(await hb.p('/~message@1.0/set', { hello: 'world' })).toMatchObject({ hello: 'world' })
    expect(await hb.p('/~message@1.0/set/hello', { hello: 'world' })).toBe('world')
  })
  it('sets keys of every kind', async () => {
    expect(await hb.p('/~message@1.0/set', tree)).toMatchObject(tree)
    expect(await hb.p('/~message@1.0/set', { ripe: true, weight: 1.5, gone: null, text: '' })).toMatchObject({
      ripe: true,
      weight: 1.5,
      gone: null,
      text: '',
    })
  })
  it('has the node commit, which is then the first to sign the reply', async () => {
    const { headers, out } = await hb.post({ path: '/~message@1.0/commit', hello: 'world' })
    expect(out).toMatchObject({ hello: 'world' })
    expect(hbsig.toAddr((hbsig.extractPubKey(headers) as Buffer).toString('base64'))).toBe(hb.operator)
  })
  it('asks messages about themselves', async () => {
    expect(await hb.p('/~message@1.0/verify', { fruit: 'pear', count: 3, committers: 'all' })).toBe('"true"')
    expect(await hb.p('/~message@1.0/committers', { fruit: 'pear' })).toMatchObject({ 1: hb.addr })
    expect(Object.values((await hb.p('/~message@1.0/committed', { fruit: 'pear', committers: 'all' })) as object)).toContain('fruit')
    expect(await hb.p('/~message@1.0/id', { fruit: 'pear' })).toMatch(/^[\w-]{43}$/)
    expect(Object.values((await hb.p('/~message@1.0/keys', { fruit: 'pear' })) as object)).toContain('fruit')
  })
  it('has one id for a message, whoever signs it and however', async () => {
    const id = await hb.p('/~hbsig@1.0/back/id', tree, { path: false })
    expect(id).toMatch(/^[\w-]{43}$/)
    const another = await new HB({ url: node.url, jwk: stranger }).init(stranger)
    expect(await another.p('/~hbsig@1.0/back/id', tree, { path: false })).toBe(id)
  })
  it('hears what is wrong', async () => {
    await expect(hb.p('/~message@1.0/nothing-here')).rejects.toThrow(/^404: /)
    await expect(hb.p('/~nobody@1.0/key')).rejects.toThrow('404: device `nobody@1.0` is not on this node')
    expect((await hb.get({ path: '/~message@1.0/nothing-here' })).status).toBe(404)
  })
})

describe('wao HB: JSON', () => {
  it('serialises what is posted', async () => {
    const { body } = (await hb.p('/~json@1.0/serialize', tree)) as { readonly body: string }
    expect(JSON.parse(body)).toMatchObject(tree)
    expect(await hb.postJSON({ path: '/~message@1.0/set', ...tree })).toMatchObject(tree)
    expect(await hb.getJSON({ path: '/~message@1.0/set', fruit: 'pear' })).toMatchObject({ fruit: 'pear' })
  })
  it.each([
    ['body', {}],
    ['json', { target: 'json' }],
  ])('deserialises the key %s', async (key, target) => {
    const { headers, out } = await hb.post({
      path: '/~json@1.0/deserialize',
      ...target,
      [key]: JSON.stringify({ a: 1, b: [1, 2], c: { d: 4 } }),
    })
    expect(headers).toMatchObject({ a: '1', b: '"(ao-type-integer) 1", "(ao-type-integer) 2"', 'body-keys': '"c"' })
    expect(out).toEqual({ a: 1, b: [1, 2], c: { d: 4 } })
  })
})

describe('wao HB: commitments of its own', () => {
  it('commits to messages that are sent within others', async () => {
    const committed = await hb.commit({ fruit: 'pear', count: 3 }, { path: false })
    const told = comparable(hbsig.erl_str_from((await hb.p('/~hbsig@1.0/msg2', { body: committed }, { path: false })) as string))
    expect(told).toMatchObject({
      body: { fruit: '"pear"', count: 3, commitments: { [committer(committed)]: { committer: `"${hb.addr}"` } } },
    })
  })
  it('signs what is encoded already', async () => {
    const signed = await hb.signEncoded({ path: '/~hbsig@1.0/msg2', headers: { count: '3', 'ao-types': 'count="integer"' } })
    const told = comparable(hbsig.erl_str_from((await hb.send(signed)).out as string))
    expect(without(told, ['path'])).toEqual({ count: 3 })
  })
})

/** The id of the commitment by somebody, as keys arrive. */
function committer({ commitments }: { readonly commitments: Readonly<Record<string, { readonly committer?: string }>> }): string {
  const [id] = Object.entries(commitments).find(([, commitment]) => commitment.committer !== undefined) ?? ['none']
  return id.toLowerCase()
}

describe('wao HB: options of the node', () => {
  it('reads them', async () => {
    expect(await hb.g('/~meta@1.0/info')).toMatchObject({ address: hb.addr, initialized: true, port: Number(new URL(node.url).port) })
    expect(await hb.g('/~meta@1.0/info/address')).toBe(hb.addr)
    expect(await hb.g('/~meta@1.0/build')).toMatchObject({ node: 'Heddle' })
  })
  it('changes them, if it is the operator', async () => {
    const another = await new HB({ url: node.url, jwk: stranger }).init(stranger)
    await expect(another.p('/~meta@1.0/info', { test_config: 1 })).rejects.toThrow('400: Unauthorized')
    expect(await hb.g('/~meta@1.0/info')).not.toHaveProperty('test_config')
    expect(await hb.p('/~meta@1.0/info', { test_config: 123 })).toMatchObject({ body: expect.stringContaining('Node message updated') })
    expect(await hb.g('/~meta@1.0/info')).toMatchObject({ test_config: 123 })
    expect(await hb.getJSON({ path: '/~meta@1.0/info' })).toMatchObject({ test_config: 123 })
  })
  it('does not change them twice with one request', async () => {
    const signed = await hb.sign({ path: '/~meta@1.0/info', once: 1 })
    await hb.send(signed)
    await hb.p('/~meta@1.0/info', { once: 2 })
    await expect(hb.send(signed)).rejects.toThrow(/^400: /)
    expect(await hb.g('/~meta@1.0/info')).toMatchObject({ once: 2 })
  })
})

describe('wao HB: cache and lookup', () => {
  it('writes, links and reads, if it may', async () => {
    expect(await hb.p('/~meta@1.0/info', { cache_writers: [hb.addr] })).toBeDefined()
    expect(((await hb.getJSON({ path: '/~meta@1.0/info' })) as { readonly cache_writers: unknown }).cache_writers).toEqual([hb.addr])
    const { path } = (await hb.p('/~cache@1.0/write', { body: Buffer.from('abc') })) as { readonly path: string }
    expect(await hb.g('/~cache@1.0/read', { target: path })).toBe('abc')
    await hb.p('/~cache@1.0/link', { source: path, destination: 'new_location' })
    expect(await hb.g('/~cache@1.0/read', { target: 'new_location' })).toBe('abc')
    expect(await hb.g('/~lookup@1.0/read', { target: path })).toBe('abc')
  })
  it('does not write for strangers', async () => {
    const another = await new HB({ url: node.url, jwk: stranger }).init(stranger)
    await expect(another.p('/~cache@1.0/write', { body: 'abc' })).rejects.toThrow('403: Not authorized')
    await expect(another.p('/~cache@1.0/link', { source: 'a', destination: 'b' })).rejects.toThrow('403: Not authorized')
  })
  it('writes messages, and reads their keys by their id', async () => {
    const { path } = (await hb.p('/~cache@1.0/write', { body: { fruit: 'pear', basket: { size: 3 } } })) as { readonly path: string }
    expect(path).toMatch(/^[\w-]{43}$/)
    expect(await hb.g(`/${path}/fruit`)).toBe('pear')
    expect(await hb.g(`/${path}/basket/size`)).toBe('3')
    expect(await hb.getJSON({ path: `/${path}` })).toMatchObject({ fruit: 'pear' })
  })
})

/** Nothing marks an unsigned GET as one of a client that reads the oldest form only. It is answered in the present one. */
describe('wao HB: unsigned GETs', () => {
  it('reads plain values and keys of messages', async () => {
    expect(await hb.g('/~message@1.0/set', { fruit: 'pear', 'count+integer': 3 })).toMatchObject({ fruit: 'pear' })
    expect(await hb.g('/~message@1.0&count+integer=3&weight+float=1.5&ripe+atom=true/set')).toMatchObject({
      count: 3,
      weight: 1.5,
      ripe: true,
    })
  })
  it('reads every reply, whatever its signatures look like', async () => {
    const words = Array.from({ length: 40 }, (_, i) => `word${i}`)
    for (const word of words) expect(await hb.g(`/~message@1.0&word=${word}/word`)).toBe(word)
  })
  it('sees links where messages are within, and the key that they are parts under', async () => {
    const body = JSON.stringify({ basket: { size: 3 } })
    expect(await hb.g('/~json@1.0/deserialize', { body: encodeURIComponent(body) })).toMatchObject({
      'basket+link': expect.stringMatching(/^[\w-]{43}$/),
    })
  })
  it('does not know who signed, since key ids have a scheme now', async () => {
    const { headers } = await hb.get({ path: '/~message@1.0/commit', hello: 'world' })
    expect(hbsig.toAddr((hbsig.extractPubKey(headers) as Buffer).toString('base64'))).not.toBe(hb.operator)
  })
})
