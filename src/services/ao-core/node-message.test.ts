import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { NODE_HISTORY_SHOWN_MAX } from '../../base/limits.ts'
import { createDataItemSync, itemSigner } from '../../codec/data-item.ts'
import { keyFromJwk } from '../../codec/keys.ts'
import { receiveAns104 } from '../../codec/message/ans104.ts'
import { commit } from '../../codec/message/commit.ts'
import { messageSigner } from '../../codec/message/signers.ts'
import { Atom, isList, type Message, message, type Plain, type Value } from '../../codec/message/value.ts'
import { requireVerified } from '../../codec/message/verified.ts'
import { markReceived } from '../../kernel/received.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { NodeOptions } from './node-message.ts'
import { configuredOptions } from './node-options.ts'

const jwk = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
const operator = messageSigner(jwk('dave'))
const stranger = messageSigner(jwk('alice'))

interface Given {
  readonly kv?: KvStore
  readonly operator?: string
  readonly options?: Record<string, unknown>
  readonly port?: () => number | null
}

function open({ kv = createMemoryKvStore(), operator: own, options = {}, port = () => 1984 }: Given = {}): Promise<NodeOptions> {
  return NodeOptions.open({
    kv,
    facts: { address: operator.address, isDevelopment: true, devices: ['message@1.0', 'meta@1.0'] },
    configured: configuredOptions(own, options),
    port,
    verify: async (request) => {
      await requireVerified(request)
    },
  })
}

/** Says which node it is for. */
const signed = (keys: { readonly [key: string]: Plain }, by = operator): Promise<Message> =>
  commit(message({ address: operator.address, ...keys }), by)
const notAllowed = { code: 'not-allowed' }

describe('node message', () => {
  it('says who and what the node is', async () => {
    const node = await open()
    expect(node.get('address')).toBe(operator.address)
    expect(node.get('operator')).toBe(operator.address)
    expect(node.get('port')).toBe(1984)
    expect(node.get('initialized')).toBe(true)
    expect(node.get('force_signed')).toBe(true)
    expect(node.get('force-signed')).toBe(true)
    expect(node.get('cache_writers')).toEqual([operator.address])
    expect(node.get('preloaded_devices')).toEqual([message({ name: 'message@1.0' }), message({ name: 'meta@1.0' })])
    expect(node.get('node_history')).toEqual([])
    expect(node.get('nothing')).toBeUndefined()
    expect(node.options).toBe(node.options)
  })

  it('has its port when it listens', async () => {
    let port: number | null = null
    const node = await open({ port: () => port })
    expect(node.get('port')).toBeUndefined()
    port = 7
    expect(node.get('port')).toBe(7)
  })

  it('is set by the settings, and by the operator after them', async () => {
    const kv = createMemoryKvStore()
    const node = await open({ kv, options: { 'Force-Signed': 'false', mine: { deep: [1.5] } } })
    expect(node.get('force_signed')).toBe(false)
    await node.update(await signed({ force_signed: 'true', default_request: '/x' }))
    const again = await open({ kv, options: { force_signed: false, default_request: '/y' } })
    expect(again.get('force_signed')).toBe(true)
    expect(again.get('default_request')).toBe('/x')
  })

  it('refuses settings that no option can be', () => {
    expect(() => configuredOptions('nobody', {})).toThrow(expect.objectContaining({ code: 'config-invalid' }))
    expect(() => configuredOptions(undefined, { force_signed: 'perhaps' })).toThrow(/force_signed/)
    expect(() => configuredOptions(undefined, { address: stranger.address })).toThrow(/address/)
  })

  it('takes what the operator signed, and notes it', async () => {
    const kv = createMemoryKvStore()
    const node = await open({ kv })
    const request = await signed({ 'my-opt': 'bar', force_signed: false, on: { request: { device: 'x@1.0' } } })
    expect(await node.update(request)).toEqual({ updates: 1 })
    for (const one of [node, await open({ kv })]) {
      expect(one.get('my-opt')).toBe('bar')
      expect(one.get('force_signed')).toBe(false)
      expect((one.get('on') as Message).get('request')).toEqual(message({ device: 'x@1.0' }))
      expect(one.get('node_history')).toEqual([request])
    }
  })

  it('takes data items of the operator', async () => {
    const tags = [
      { name: 'My-Opt', value: 'bar' },
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Path', value: '/~meta@1.0/info' },
    ]
    const item = createDataItemSync({ data: utf8('1984'), tags }, itemSigner(keyFromJwk(jwk('dave'))))
    const node = await open()
    await node.update(await receiveAns104(item.raw))
    expect(node.get('my-opt')).toBe('bar')
    expect(node.options.has('data')).toBe(false)
    expect(node.options.has('data-protocol')).toBe(false)
  })

  it('takes what does not say what it is for only if options are all of it', async () => {
    const node = await open()
    const upload = createDataItemSync(
      {
        data: 'a page',
        tags: [
          { name: 'App-Name', value: 'x' },
          { name: 'Mode', value: 'dark' },
        ],
      },
      itemSigner(keyFromJwk(jwk('dave'))),
    )
    await expect(node.update(await receiveAns104(upload.raw))).rejects.toMatchObject(notAllowed)
    await expect(node.update(await commit(message({ force_signed: false, hello: 'world' }), operator))).rejects.toMatchObject(notAllowed)
    await expect(node.update(await commit(message({ data: 'nothing to set' }), operator))).rejects.toMatchObject(notAllowed)
    expect([node.get('force_signed'), node.get('mode')]).toEqual([true, new Atom('debug')])
    await node.update(await commit(message({ hello: 'world' }), operator))
    await node.update(await commit(message({ 'Force-Signed': false, cache_writers: [] }), operator))
    expect(node.get('force_signed')).toBe(false)
  })

  it('takes nothing from anybody else', async () => {
    const node = await open()
    await expect(node.update(message({ a: 'b' }))).rejects.toMatchObject(notAllowed)
    await expect(node.update(await signed({ a: 'b' }, stranger))).rejects.toMatchObject(notAllowed)
    const forged = new Map(await signed({ a: 'b' })).set('a', 'c')
    await expect(node.update(forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(node.options.has('a')).toBe(false)
    expect(node.get('node_history')).toEqual([])
  })

  it('takes no request twice, also after a restart', async () => {
    const kv = createMemoryKvStore()
    const request = await signed({ a: 'one' })
    await (await open({ kv })).update(request)
    const node = await open({ kv })
    await node.update(await signed({ a: 'two' }))
    await expect(node.update(request)).rejects.toMatchObject(notAllowed)
    expect(node.get('a')).toBe('two')
    const both = await commit(request, stranger)
    await expect(node.update(both)).rejects.toMatchObject(notAllowed)
    const others = await Promise.allSettled([node.update(await signed({ a: '3' })), node.update(await signed({ a: '4' }))])
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    const again = await signed({ a: '5' })
    const twice = await Promise.allSettled([node.update(again), node.update(again)])
    expect(twice.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  it('takes what was signed, whatever the path of the request made of it', async () => {
    const node = await open()
    const received = await signed({ a: 'signed', path: '/~meta@1.0/info?a=other' })
    markReceived(received)
    const request = new Map<string, Value>([...received, ['a', 'other'], ['path', 'info'], ['b', 'extra'], ['method', 'POST']])
    await node.update(request)
    expect(node.get('a')).toBe('signed')
    expect(node.options.has('b')).toBe(false)
    expect(node.options.has('path')).toBe(false)
  })

  it('takes of several signers’ words those of the operator', async () => {
    const node = await open()
    const all = message({ address: operator.address, a: 'mine', b: 'theirs' })
    const own = await commit(all, operator, { committed: ['address', 'a'] })
    await node.update(await commit(own, stranger, { committed: ['address', 'a', 'b'] }))
    expect(node.get('a')).toBe('mine')
    expect(node.options.has('b')).toBe(false)
  })

  it('shows and keeps nothing private', async () => {
    const node = await open({ options: { priv_key: 'secret', identities: { one: { priv_wallet: 'secret', address: 'x' } } } })
    await node.update(await signed({ 'priv-mine': 'secret', shown: { priv: 'secret', a: 'b' } }))
    expect(node.get('priv_key')).toBe('secret')
    expect([...node.options.keys()].filter((key) => key.startsWith('priv'))).toEqual([])
    expect(node.get('identities')).toEqual(message({ one: { address: 'x' } }))
    expect(node.get('shown')).toEqual(message({ a: 'b' }))
  })

  it('refuses what an option cannot be, and what the node computes', async () => {
    const node = await open()
    const refused: { readonly [key: string]: Plain }[] = [
      { force_signed: 'perhaps' },
      { operator: 'nobody' },
      { initialized: 'x' },
      { port: 1 },
      { cache_writers: 5 },
    ]
    for (const keys of refused)
      await expect(node.update(await signed(keys)), JSON.stringify(keys)).rejects.toMatchObject({ code: 'request-invalid' })
    await expect(node.update(await signed({ long: 'x'.repeat(70_000) }))).rejects.toMatchObject({ code: 'too-large' })
    expect(await node.update(await signed({ port: 1984, address: operator.address }))).toEqual({ updates: 1 })
  })

  it('can be made permanent', async () => {
    const kv = createMemoryKvStore()
    await (await open({ kv })).update(await signed({ initialized: 'permanent' }))
    const node = await open({ kv })
    expect(node.get('initialized')).toEqual(new Atom('permanent'))
    await expect(node.update(await signed({ a: 'b' }))).rejects.toThrow(
      'The node message of this machine is already permanent. It cannot be changed.',
    )
  })

  it('can be given away, and be anybody’s only where the operator says so', async () => {
    const node = await open()
    expect(node.isOperator(message({}))).toBe(false)
    await node.update(await signed({ operator: stranger.address }))
    await expect(node.update(await signed({ a: 'b' }))).rejects.toMatchObject(notAllowed)
    await node.update(await signed({ operator: 'unclaimed' }, stranger))
    await node.update(message({ a: 'anybody', accept: 'text/html' }))
    expect(node.get('a')).toBe('anybody')
    expect(node.options.has('accept')).toBe(false)
    expect(node.isOperator(message({}))).toBe(true)
    expect((await open({ operator: 'unclaimed' })).isOperator(message({}))).toBe(true)
  })

  it('changes nothing that is not on disk', async () => {
    const kv = createMemoryKvStore()
    const node = await open({ kv })
    vi.spyOn(kv, 'write').mockRejectedValueOnce(new HeddleError('store-failed', { what: 'write' }, 'the disk is full'))
    const request = await signed({ a: 'b' })
    await expect(node.update(request)).rejects.toMatchObject({ code: 'store-failed' })
    expect(node.options.has('a')).toBe(false)
    expect(await node.update(request)).toEqual({ updates: 1 })
  })

  it('takes what is under way when it stops, and nothing after that', async () => {
    const node = await open()
    const update = node.update(await signed({ a: 'b' }))
    const stopped = node.stop()
    await expect(node.update(message({ a: 'c' }))).rejects.toMatchObject({ code: 'stopping' })
    await Promise.all([update, stopped])
    expect(node.get('a')).toBe('b')
  })

  it('shows the first change and the newest ones', async () => {
    const kv = createMemoryKvStore()
    const node = await open({ kv, operator: 'unclaimed' })
    for (let n = 1; n <= NODE_HISTORY_SHOWN_MAX + 20; n++) await node.update(message({ n }))
    for (const one of [node, await open({ kv, operator: 'unclaimed' })]) {
      const history = one.get('node_history')
      if (!isList(history)) throw new TypeError('the history is no list')
      expect(history).toHaveLength(NODE_HISTORY_SHOWN_MAX)
      expect(history[0]).toEqual(message({ n: 1 }))
      expect(history.at(-1)).toEqual(message({ n: NODE_HISTORY_SHOWN_MAX + 20 }))
      expect(await one.update(message({ more: true }))).toMatchObject({ updates: expect.any(Number) })
    }
  })
})
