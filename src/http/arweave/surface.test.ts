import { describe, expect, it, onTestFinished } from 'vitest'
import { startSurfaces } from '../../../test/http-server.ts'
import { openTestWeave, signed, type TestWeave, type TestWeaveOptions, testData, wallet } from '../../../test/weave-rig.ts'
import { fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { idBytes, idOfSignature } from '../../base/ids.ts'
import { parseBlockJson } from '../../codec/block-json.ts'
import { textTag } from '../../codec/tags.ts'
import { decodeTransaction, encodeTransaction, type Transaction, transactionToJson } from '../../codec/transaction.ts'
import type { ArweaveDeps } from './deps.ts'
import { arweaveSurface } from './surface.ts'

const [alice, bob, erin] = [wallet('alice'), wallet('bob'), wallet('erin')]
const stranger = toBase64url(utf8('a stranger with 32 bytes address'))
const unknownId = toBase64url(new Uint8Array(32))

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

interface Client extends TestWeave {
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  send(method: string, path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  json(path: string, headers?: Record<string, string>): Promise<unknown>
}

async function openClient(options: TestWeaveOptions = {}, deps: Partial<ArweaveDeps> = {}): Promise<Client> {
  const test = await openTestWeave(options)
  onTestFinished(() => test.weave.stop())
  const { weave, clock } = test
  const nothing = { info: () => ({ heddle: { profile: 'dev' } }), peers: () => [], reset: null, itemStatus: async () => null }
  const { url } = await startSurfaces([arweaveSurface({ weave, clock, ...nothing, ...deps })])
  const fetchText = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, init)
    return { status: response.status, body: await response.text(), headers: response.headers }
  }
  return {
    ...test,
    get: (path, headers = {}) => fetchText(path, { headers }),
    send: (method, path, body, headers = {}) =>
      fetchText(path, {
        method,
        headers,
        body: body instanceof Uint8Array ? Buffer.from(body) : typeof body === 'string' ? body : JSON.stringify(body),
      }),
    json: async (path, headers = {}) => JSON.parse((await fetchText(path, { headers })).body),
  }
}

const answer = ({ status, body }: Answer): [number, string] => [status, body]

async function sent({ weave }: Client, fields: Parameters<typeof signed>[2] = {}, key = alice): Promise<Transaction> {
  const tx = await signed(weave, key, {
    data: utf8('hello permaweb'),
    tags: [textTag('Content-Type', 'text/plain'), textTag('Ünï', '☂')],
    ...fields,
  })
  await weave.acceptTransaction(tx)
  return tx
}

describe('what the node is', () => {
  it('info has the numbers of a node and what the program adds, at / and at /info', async () => {
    const client = await openClient()
    await client.weave.seal()
    const expected = {
      network: 'heddle.dev',
      version: 5,
      release: 92,
      height: 1,
      current: client.weave.tip().indepHash,
      blocks: 2,
      cached_blocks: 2,
      peers: 1,
      queue_length: 0,
      node_state_latency: 0,
      heddle: { profile: 'dev' },
    }
    expect(await client.json('/info')).toEqual(expected)
    expect(await client.json('/')).toEqual(expected)
    expect((await client.get('/', { accept: 'text/html' })).status).toBe(400)
    expect(answer(await client.send('HEAD', '/info', undefined))).toEqual([200, ''])
    expect(answer(await client.get('/height'))).toEqual([200, '1'])
    expect(answer(await client.get('/time'))).toEqual([200, '1750000000'])
    expect(await client.json('/peers')).toHaveLength(1)
    expect(await client.json('/queue')).toEqual([])
    expect(await client.json(`/is_tx_blacklisted/${unknownId}`)).toBe(false)
  })

  it('writes for another network are told so; no network means this one', async () => {
    const client = await openClient()
    const wrong = await client.send('POST', '/tx', {}, { 'x-network': 'arweave.N.1' })
    expect(answer(wrong)).toEqual([412, '{"error":"wrong_network"}'])
    expect((await client.get('/info', { 'x-network': 'arweave.N.1' })).status).toBe(200)
    expect((await client.send('POST', '/tx', {}, { 'x-network': 'heddle.dev' })).status).toBe(400)
  })
})

describe('blocks', () => {
  it('are found by height, by hash and as the newest', async () => {
    const client = await openClient()
    const { weave } = client
    await sent(client)
    const block = await weave.seal()
    const texts = await Promise.all(
      ['/block/current', '/current_block', '/block/height/1', `/block/hash/${block.indepHash}`].map((path) => client.get(path)),
    )
    expect(new Set(texts.map(({ body }) => body)).size).toBe(1)
    expect(parseBlockJson(JSON.parse(texts[0]!.body)).indepHash).toBe(block.indepHash)
    expect(texts[0]!.headers.get('content-type')).toContain('application/json')
    expect(answer(await client.get('/block/height/-1'))).toEqual([400, 'Invalid height.'])
    expect(answer(await client.get('/block/height/2'))).toEqual([404, 'Block not found.'])
    expect(answer(await client.get('/block/hash/short'))).toEqual([404, 'Block not found.'])
    expect(answer(await client.get(`/block/hash/${'A'.repeat(64)}`))).toEqual([404, 'Block not found.'])
  })

  it('are listed newest first', async () => {
    const client = await openClient()
    const { weave } = client
    await sent(client)
    for (let i = 0; i < 3; i++) await weave.seal()
    const hashes = (await Promise.all([3, 2, 1, 0].map((height) => weave.hashAt(height)))) as string[]
    expect(await client.json('/recent_hash_list')).toEqual(hashes)
    expect(answer(await client.get('/tx_anchor'))).toEqual([200, hashes[0]])
    expect(await client.json('/block_index/0/2')).toEqual(hashes.slice(1))
    expect(await client.json('/hash_list/1/9', { 'x-block-format': '2' })).toEqual(hashes.slice(0, 3))
    const entries = (await client.json('/block_index/0/1', { 'x-block-format': '3' })) as object[]
    expect(entries).toEqual([
      { tx_root: expect.stringMatching(/^.{43}$/), weave_size: '262144', hash: hashes[2] },
      { tx_root: '', weave_size: '0', hash: hashes[3] },
    ])
    expect(await client.json('/recent')).toMatchObject({ forks: [], blocks: hashes.map((id, i) => ({ id, height: 3 - i })) })
    const refusals = ['/block_index', '/block_index/2/1', '/block_index/9/9', '/block_index/0/10000', '/block_index/a/1']
    const errors = await Promise.all(refusals.map(async (path) => ((await client.json(path)) as { error: string }).error))
    expect(errors).toEqual(['not_supported_since_fork_2_6', 'start_bigger_than_end', 'start_too_big', 'range_too_big', 'invalid_range'])
  })
})

describe('wallets and prices', () => {
  it('balances are whole numbers of any size, known at once', async () => {
    const client = await openClient()
    await sent(client, { target: fromBase64url(stranger), quantityWinston: 9007199254740993n, data: utf8('') })
    expect(answer(await client.get(`/wallet/${stranger}/balance`))).toEqual([200, '9007199254740993'])
    expect(answer(await client.get(`/wallet/${unknownId}/balance`))).toEqual([200, '0'])
    expect(answer(await client.get('/wallet/nobody/balance'))).toEqual([400, 'Invalid address.'])
    expect(answer(await client.get('/wallet/nobody/last_tx'))).toEqual([400, 'Invalid address.'])
    expect(answer(await client.get(`/wallet/${bob.address}/last_tx`))).toEqual([200, ''])
  })

  it('an address may carry its checksum', async () => {
    const client = await openClient()
    // CRC-32 of the address bytes, computed with Python's zlib.
    expect(answer(await client.get('/wallet/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:GQpVrQ/balance'))).toEqual([200, '0'])
    expect((await client.get('/wallet/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:GQpVrA/balance')).status).toBe(400)
  })

  it('the account list is that of the tip, page by page', async () => {
    const client = await openClient()
    const { weave } = client
    const root = toBase64url(weave.tip().walletList)
    const { wallets } = (await client.json(`/wallet_list/${root}`)) as { wallets: { address: string; balance: string; last_tx: string }[] }
    expect(wallets).toHaveLength(5)
    expect(wallets.find(({ address }) => address === alice.address)).toEqual({
      address: alice.address,
      balance: String(10n ** 18n),
      last_tx: '',
    })
    const next = wallets[3]!.address
    expect(((await client.json(`/wallet_list/${root}/${next}`)) as { wallets: object[] }).wallets).toEqual(wallets.slice(3))
    expect(answer(await client.get(`/wallet_list/${'A'.repeat(64)}`))).toEqual([404, 'Root hash not found.'])
    expect(answer(await client.get(`/wallet_list/${root}/${alice.address}/balance`))).toEqual([200, String(10n ** 18n)])
    expect(answer(await client.get(`/block/height/0/wallet/${alice.address}/balance`))).toEqual([200, String(10n ** 18n)])
    expect(answer(await client.get('/total_supply'))).toEqual([200, String(5n * 10n ** 18n)])
    expect(answer(await client.get('/inflation/1'))).toEqual([200, '29012933317731'])
    expect(answer(await client.get('/inflation/x'))).toEqual([400, '{"error":"height_must_be_an_integer"}'])
    expect(answer(await client.get('/inflation/-1'))).toEqual([400, '{"error":"height_must_be_non_negative"}'])
  })

  it('rewards wait for some blocks', async () => {
    const client = await openClient()
    const { rewardWinston } = await client.weave.seal()
    const miner = wallet('dave').address
    expect(answer(await client.get(`/wallet/${miner}/reserved_rewards_total`))).toEqual([200, String(rewardWinston)])
    expect(answer(await client.get(`/wallet/${miner}/balance`))).toEqual([200, String(10n ** 18n)])
    for (let i = 0; i < 10; i++) await client.weave.seal()
    expect(answer(await client.get(`/wallet/${miner}/balance`))).toEqual([200, String(10n ** 18n + rewardWinston)])
  })

  it('prices come as text, or as an object to who asks for JSON', async () => {
    const client = await openClient()
    const plain = await client.get('/price/1')
    expect([...answer(plain), plain.headers.get('arweave-denomination')]).toEqual([200, '185021129', '1'])
    expect(await client.json('/price/1', { accept: 'application/json' })).toEqual({ fee: '185021129', denomination: 1 })
    expect((await client.get('/price/1', { accept: 'application/json, */*' })).body).toBe('185021129')
    for (const path of ['/price2/1', '/optimistic_price/1']) expect(await client.json(path)).toEqual({ fee: '185021129', denomination: 1 })
    expect((await client.get('/v2price/1', { accept: 'application/json' })).body).toBe('185021129')
    expect((await client.get(`/price/0/${stranger}`)).body).toBe(String(2238209n + 13945230104n))
    expect((await client.get(`/price/0/${alice.address}`)).body).toBe('2238209')
    expect(answer(await client.get('/price/x'))).toEqual([400, '{"error":"size_must_be_an_integer"}'])
    expect(answer(await client.get('/price/1/nobody'))).toEqual([400, 'Invalid address.'])
    expect((await client.get('/price/arweave/1')).body).toBe('Request type not found.') // The bundler's, which is not here.
  })
})

describe('a transaction', () => {
  it('is served in whole and in parts, while pending and after', async () => {
    const client = await openClient()
    const tx = await sent(client)
    const json = transactionToJson(tx)
    expect(await client.json(`/tx/${tx.id}`)).toEqual({ ...json, data: '' })
    expect(await client.json(`/unconfirmed_tx/${tx.id}`)).toEqual({ ...json, data: '' })
    expect(await client.json('/tx/pending')).toEqual([tx.id])
    for (const part of ['status', 'signature', 'tags', 'data_root'])
      expect(answer(await client.get(`/tx/${tx.id}/${part}`)), part).toEqual([202, 'Pending'])
    expect(answer(await client.get(`/tx/${tx.id}/offset`))).toEqual([404, ''])
    expect(answer(await client.get(`/tx/${tx.id}/data`))).toEqual([200, 'aGVsbG8gcGVybWF3ZWI'])
    const block = await client.weave.seal()
    await client.weave.seal()
    expect(await client.json(`/tx/${tx.id}/status`)).toEqual({
      block_height: 1,
      block_indep_hash: block.indepHash,
      number_of_confirmations: 2,
    })
    expect(await client.json(`/tx/${tx.id}/offset`)).toEqual({ offset: '14', size: '14' })
    expect(await client.json(`/tx/${tx.id}/tags`)).toEqual(json.tags)
    for (const part of ['id', 'last_tx', 'owner', 'target', 'quantity', 'data_root', 'data_size', 'reward', 'signature'] as const)
      expect(answer(await client.get(`/tx/${tx.id}/${part}`)), part).toEqual([200, json[part]])
    expect((await client.get(`/tx/${tx.id}/format`)).body).toBe('2')
    expect(answer(await client.get(`/tx/${tx.id}/colour`))).toEqual([400, '{"error":"invalid_field"}'])
    const data = await client.get(`/tx/${tx.id}/data.txt`)
    expect([...answer(data), data.headers.get('content-type')]).toEqual([200, 'hello permaweb', 'text/plain'])
    expect(await client.json('/tx/pending')).toEqual([])
  })

  it('of ECDSA keeps its empty owner, and format 1 its data', async () => {
    const client = await openClient()
    const one = await sent(client, {}, erin)
    const two = await sent(client, { format: 1 })
    await client.weave.seal()
    expect(await client.json(`/tx/${one.id}`)).toMatchObject({ owner: '', format: 2 })
    expect(await client.json(`/tx/${two.id}`)).toEqual(transactionToJson(two))
    const { body } = await client.get(`/tx/${two.id}/data`)
    expect(body).toBe('aGVsbG8gcGVybWF3ZWI')
  })

  it('has a binary form, in and out', async () => {
    const client = await openClient()
    const tx = await signed(client.weave, alice, { data: testData(1000) })
    expect(answer(await client.send('POST', '/tx2', encodeTransaction(tx)))).toEqual([200, 'OK'])
    expect((await client.send('POST', '/tx2', 'garbage', { 'arweave-tx-id': tx.id })).status).toBe(208)
    expect(answer(await client.send('POST', '/tx2', 'garbage'))[0]).toBe(400)
    const { url } = await startSurfaces([
      arweaveSurface({
        weave: client.weave,
        clock: client.clock,
        info: () => ({}),
        peers: () => [],
        reset: null,
        itemStatus: async () => null,
      }),
    ])
    for (const path of ['tx2', 'unconfirmed_tx2']) {
      const bytes = new Uint8Array(await (await fetch(`${url}/${path}/${tx.id}`)).arrayBuffer())
      expect(decodeTransaction(bytes)).toMatchObject({ id: tx.id, dataBytes: 1000n })
    }
  })

  it('is taken as JSON whatever the content type says, but for bytes of a data item', async () => {
    const client = await openClient()
    const tx = await signed(client.weave, alice, { data: testData(5) })
    const body = JSON.stringify(transactionToJson({ ...tx, format: 2 }))
    const withData = body.replace('"data":""', `"data":"${toBase64url(tx.data)}"`)
    expect(answer(await client.send('POST', '/tx', withData, { 'content-type': 'text/plain' }))).toEqual([200, 'OK'])
    expect((await client.send('POST', '/tx', withData, { 'content-type': 'application/octet-stream' })).body).toBe(
      'Request type not found.',
    )
    expect((await client.send('POST', '/tx', new Uint8Array([1, 0, 5]))).body).toBe('Request type not found.')
    expect((await client.send('POST', '/tx', '', { 'content-type': 'application/json' })).body).toMatch(/^Invalid JSON\./)
  })

  it('that is unknown, malformed or refused says so', async () => {
    const item = `${'B'.repeat(42)}A`
    const client = await openClient({}, { itemStatus: async (id) => (id === item ? { status: 'FINALIZED' } : null) })
    for (const path of [
      `/tx/${unknownId}`,
      `/tx/${unknownId}/data`,
      `/tx/${unknownId}/data.png`,
      `/tx/${unknownId}/owner`,
      `/tx/${unknownId}/status`,
      `/tx/${item}`,
    ])
      expect(answer(await client.get(path)), path).toEqual([404, 'Not Found.'])
    expect(await client.json(`/tx/${item}/status`)).toEqual({ status: 'FINALIZED' })
    expect(answer(await client.get('/tx/short'))).toEqual([400, 'Invalid hash.'])
    expect((await client.get('/tx/%zz')).body).toMatch(/^Invalid request\. the path/)
    expect(answer(await client.get('/tx/short/status'))).toEqual([400, 'Invalid address.'])
    expect(answer(await client.get('/tx/short/offset'))).toEqual([400, '{"error":"invalid_address"}'])
    const self = await signed(client.weave, alice, { target: idBytes(alice.address), quantityWinston: 1n, rewardWinston: 1n })
    const refused = await client.send('POST', '/tx', transactionToJson(self))
    expect(refused.body).toMatch(/^Transaction verification failed\. same_owner_as_target tx_too_cheap/)
    expect(refused.headers.get('heddle-reason')).toContain('same_owner_as_target')
    expect(answer(await client.get(`/tx/${self.id}`))).toEqual([410, 'same_owner_as_target tx_too_cheap'])
    client.clock.advance(31 * 60 * 1000)
    expect((await client.get(`/tx/${self.id}`)).status).toBe(404)
    const signature = new Uint8Array(65)
    const unsigned = { ...(await signed(client.weave, erin, { data: testData(4) })), signature, id: idOfSignature(signature) }
    expect(answer(await client.send('POST', '/tx', transactionToJson(unsigned)))).toEqual([400, 'Invalid signature type.'])
  })
})

describe('chunks', () => {
  it('come out as JSON, as binary, and as proofs alone', async () => {
    const client = await openClient()
    const data = testData(300_000)
    const tx = await sent(client, { data })
    const pending = (await client.json(`/unconfirmed_chunk/${tx.id}/262144`)) as { chunk: string }
    expect(fromBase64url(pending.chunk)).toEqual(Buffer.from(data.subarray(262_144)))
    await client.weave.seal()
    const first = await client.get('/chunk/262144')
    expect(first.headers.get('arweave-absolute-end-offset')).toBe('262144')
    const { chunk, tx_path, data_path, ...rest } = JSON.parse(first.body)
    expect(rest).toEqual({ packing: 'unpacked', absolute_end_offset: '262144', chunk_size: '262144' })
    expect(fromBase64url(chunk).length + fromBase64url(tx_path).length + fromBase64url(data_path).length).toBe(262_144 + 160 + 160)
    expect(await client.json('/chunk_proof/1')).toEqual({ tx_path, data_path, absolute_end_offset: '262144' })
    const binary = await client.get('/chunk2/300000')
    expect(binary.status).toBe(200)
    expect(binary.body.endsWith('\u0008unpacked')).toBe(true)
    expect(answer(await client.get('/chunk/300001'))).toEqual([404, ''])
    expect((await client.get('/chunk/300001', { 'x-bucket-based-offset': '1' })).status).toBe(200)
    expect(answer(await client.get('/chunk/one'))).toEqual([400, '{"error":"invalid_offset"}'])
    expect(answer(await client.get(`/unconfirmed_chunk/${unknownId}/0`))).toEqual([404, ''])
    expect(await client.json('/data_sync_record')).toEqual([{ '524288': '0' }])
    expect(await client.json('/data_sync_record/0/1')).toEqual([{ '524288': '0' }])
    expect(await client.json('/data_sync_record/262144/524288/5')).toEqual([{ '524288': '262144' }])
    const errors = ['x/1', '0/0', '0/10001', '5/5/1', '0/x/1'].map((range) => client.json(`/data_sync_record/${range}`))
    expect((await Promise.all(errors)).map((error) => (error as { error: string }).error)).toEqual([
      'invalid_start_encoding',
      'invalid_limit_value',
      'limit_too_big',
      'invalid_range',
      'invalid_end_encoding',
    ])
  })
})

describe('development', () => {
  it('mints, mines, sets balances and drops as ArLocal does', async () => {
    const client = await openClient()
    const { weave } = client
    expect(answer(await client.get(`/mint/${stranger}/100000000000000000001`))).toEqual([200, '100000000000000000001'])
    expect((await client.get(`/mint/${stranger}/1.5`)).status).toBe(400)
    expect((await client.get(`/mint/${toBase64url(alice.publicKey)}/1`)).body).toMatch(/^Invalid address\. /)
    expect(weave.height()).toBe(0)
    expect(await client.json('/mine')).toMatchObject({ height: 1, blocks: 2 })
    expect(await client.json('/mine/3')).toMatchObject({ height: 4, current: weave.tip().indepHash })
    expect(await client.json('/mineWithFails')).toMatchObject({ height: 5 })
    expect((await client.get('/mine/100000')).status).toBe(400)
    const created = await client.send(
      'POST',
      '/wallet',
      '{"address":"pLPrkgQBFCpaJm1DIksYSPaeMNy6evqoLPCPAlZ-YG8","balance":90071992547409931}',
    )
    expect(answer(created)).toEqual([200, '{"address":"pLPrkgQBFCpaJm1DIksYSPaeMNy6evqoLPCPAlZ-YG8","balance":90071992547409931}'])
    expect(JSON.parse((await client.send('POST', '/wallet', '')).body)).toEqual({ address: expect.stringMatching(/^.{43}$/), balance: 0 })
    expect(answer(await client.send('POST', '/wallet', { address: 'x' }))[0]).toBe(422)
    expect(answer(await client.send('PATCH', `/wallet/${alice.address}/balance`, { balance: 7 }))).toEqual([200, '{"balance":7}'])
    expect((await client.get(`/wallet/${alice.address}/balance`)).body).toBe('7')
    expect(answer(await client.send('PATCH', `/wallet/${alice.address}/balance`, {}))).toEqual([
      422,
      '{"status":422,"error":"Balance is required !"}',
    ])
    expect((await client.send('PATCH', `/wallet/${alice.address}/balance`, { balance: 1e21 })).status).toBe(400)
    const tx = await sent(client, {}, bob)
    expect(answer(await client.send('DELETE', `/tx/${tx.id}`, ''))).toEqual([200, 'OK'])
    expect((await client.get(`/tx/${tx.id}`)).status).toBe(404)
    expect((await client.send('DELETE', `/tx/${tx.id}`, '')).status).toBe(404)
    await weave.acceptTransaction(tx)
    await weave.seal()
    expect((await client.send('DELETE', `/tx/${tx.id}`, '')).status).toBe(400)
    expect((await client.get('/reset')).status).toBe(403)
  })

  it('resets through the one who knows all services', async () => {
    let resets = 0
    const client = await openClient({}, { reset: async () => void resets++ })
    expect(answer(await client.get('/reset'))).toEqual([200, 'reset done'])
    expect(resets).toBe(1)
  })
})
