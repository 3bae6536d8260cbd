import { createHash } from 'node:crypto'
import Arweave from 'arweave'
import type { JWKInterface } from 'arweave/node/lib/wallet.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { devWallet } from './wallets.ts'

/** Sizes around every border of the chunk split, and two that take many chunks. */
const SIZES = [0, 1, 262_143, 262_144, 262_145, 294_911, 294_912, 524_288, 5 * 1024 * 1024, 30 * 1024 * 1024]

let node: TestNode
let arweave: Arweave
const alice = devWallet('alice')

beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
  arweave = clientOf(node.url)
})
afterAll(() => node.stop())

function clientOf(url: string): Arweave {
  const { hostname, port } = new URL(url)
  return Arweave.init({ host: hostname, port, protocol: 'http' })
}

function dataOf(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) data[i] = (i * 7 + (i >> 8) + (i >> 16) * 13) & 255
  return data
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function get(path: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  const response = await fetch(`${node.url}${path}`, init)
  return { status: response.status, body: await response.text() }
}

const mine = (): Promise<unknown> => get('/mine')

async function signedTransaction(fields: Parameters<Arweave['createTransaction']>[0], key: JWKInterface = alice) {
  const tx = await arweave.createTransaction(fields, key)
  await arweave.transactions.sign(tx, key)
  return tx
}

describe('transfers', () => {
  it('move money at once, and for good with the next block', async () => {
    const key = await arweave.wallets.generate()
    const address = await arweave.wallets.jwkToAddress(key)
    expect(await arweave.wallets.getBalance(address)).toBe('0')
    const tx = await signedTransaction({ target: address, quantity: arweave.ar.arToWinston('2') })
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    expect(await arweave.wallets.getBalance(address)).toBe('2000000000000')
    expect((await arweave.transactions.getStatus(tx.id)).status).toBe(202)
    await mine()
    const { status, confirmed } = await arweave.transactions.getStatus(tx.id)
    expect(status).toBe(200)
    expect(confirmed).toMatchObject({ number_of_confirmations: 1, block_height: (await node.info()).height })
    expect(await arweave.transactions.verify(await arweave.transactions.get(tx.id))).toBe(true)
    expect(await arweave.wallets.getLastTransactionID(await arweave.wallets.jwkToAddress(alice))).toBe(tx.id)
    const block = await arweave.blocks.get(confirmed!.block_indep_hash)
    expect(block.txs).toContain(tx.id)
    expect((await arweave.blocks.getCurrent()).indep_hash).toBe(block.indep_hash)
  })

  it('spend minted money without a block in between', async () => {
    const key = await arweave.wallets.generate()
    const address = await arweave.wallets.jwkToAddress(key)
    const { height } = await node.info()
    expect((await get(`/mint/${address}/1000000000000000000000`)).body).toBe('1000000000000000000000')
    expect((await node.info()).height).toBe(height)
    const tx = await signedTransaction({ target: await arweave.wallets.jwkToAddress(alice), quantity: '9007199254740993' }, key)
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    await mine()
    const spent = 9007199254740993n + BigInt(tx.reward)
    expect(await arweave.wallets.getBalance(address)).toBe(String(1000000000000000000000n - spent))
  })
})

describe('uploads', () => {
  for (const size of SIZES) {
    it(`of ${size} bytes are readable before and after the block`, async () => {
      const data = dataOf(size)
      // An empty upload needs something to be a transaction at all.
      const fields = size === 0 ? { target: await arweave.wallets.jwkToAddress(devWallet('bob')), quantity: '1' } : { data }
      const tx = await signedTransaction(fields)
      expect((await arweave.transactions.post(tx)).status).toBe(200)
      expect(await dataBeforeBlock(tx.id, size)).toBe(sha256(data))
      await mine()
      expect((await arweave.transactions.getStatus(tx.id)).status).toBe(200)
      if (size === 0) {
        expect((await get(`/tx/${tx.id}/data`)).body).toBe('')
        return
      }
      expect(sha256((await arweave.transactions.getData(tx.id, { decode: true })) as Uint8Array)).toBe(sha256(data))
      expect(sha256(await arweave.chunks.downloadChunkedData(tx.id))).toBe(sha256(data))
    })
  }

  async function dataBeforeBlock(id: string, size: number): Promise<string> {
    if (size > 12 * 1024 * 1024) return sha256(await rawData(id))
    const { body } = await get(`/tx/${id}/data`)
    return sha256(Buffer.from(body, 'base64url'))
  }

  async function rawData(id: string): Promise<Uint8Array> {
    return new Uint8Array(await (await fetch(`${node.url}/raw/${id}`)).arrayBuffer())
  }

  it('go on from a saved uploader, also after its transaction was mined', async () => {
    const data = dataOf(1_000_000)
    const tx = await signedTransaction({ data })
    const first = await arweave.transactions.getUploader(tx)
    await first.uploadChunk()
    await first.uploadChunk()
    const saved = JSON.parse(JSON.stringify(first))
    await mine()
    expect((await get(`/tx/${tx.id}/data`)).status).toBe(404)
    const second = await arweave.transactions.getUploader(saved, data)
    while (!second.isComplete) await second.uploadChunk()
    expect(sha256(await arweave.chunks.downloadChunkedData(tx.id))).toBe(sha256(data))
  })

  it('go on from the id alone, while pending, and repeat chunks that are here', async () => {
    const data = dataOf(900_001)
    const tx = await signedTransaction({ data })
    const first = await arweave.transactions.getUploader(tx)
    await first.uploadChunk()
    await first.uploadChunk()
    const second = await arweave.transactions.getUploader(tx.id, data)
    while (!second.isComplete) await second.uploadChunk()
    await mine()
    expect(sha256(await arweave.chunks.downloadChunkedData(tx.id))).toBe(sha256(data))
  })

  it('of the same data under two transactions are stored once and served under both', async () => {
    const data = dataOf(400_000)
    const first = await signedTransaction({ data })
    const uploader = await arweave.transactions.getUploader(first)
    while (!uploader.isComplete) await uploader.uploadChunk()
    const second = await signedTransaction({ data, last_tx: await arweave.transactions.getTransactionAnchor() })
    second.data = new Uint8Array(0)
    expect((await arweave.api.post('tx', second)).status).toBe(200)
    await mine()
    for (const { id } of [first, second]) expect(sha256(await arweave.chunks.downloadChunkedData(id))).toBe(sha256(data))
  })

  it('survive a restart', async () => {
    const data = dataOf(300_000)
    const tx = await signedTransaction({ data })
    const uploader = await arweave.transactions.getUploader(tx)
    while (!uploader.isComplete) await uploader.uploadChunk()
    const { current } = await node.info()
    node = await node.restart()
    arweave = clientOf(node.url)
    expect((await node.info()).current).toBe(current)
    expect((await get('/tx/pending')).body).toContain(tx.id)
    await mine()
    expect(sha256(await arweave.chunks.downloadChunkedData(tx.id))).toBe(sha256(data))
  })
})

describe('bad input', () => {
  const post = (path: string, body: unknown): Promise<{ status: number; body: string }> =>
    get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  async function refusal(change: (json: Record<string, unknown>) => object): Promise<{ status: number; body: string }> {
    const tx = await signedTransaction({ data: 'a small page' })
    const before = await node.info()
    const answer = await post('/tx', change(tx.toJSON() as unknown as Record<string, unknown>))
    expect((await get(`/tx/${tx.id}`)).status).not.toBe(200)
    expect(await node.info()).toEqual(before)
    return answer
  }

  it('names what is wrong with a transaction', async () => {
    expect(await refusal((tx) => ({ ...tx, reward: String(BigInt(tx['reward'] as string) + 1n) }))).toMatchObject({
      status: 400,
      body: expect.stringMatching(/^Transaction verification failed\..*tx_signature_not_valid/),
    })
    expect(await refusal((tx) => ({ ...tx, reward: 5 }))).toMatchObject({
      status: 400,
      body: expect.stringMatching(/^Invalid JSON\. reward/),
    })
    expect(await refusal((tx) => ({ ...tx, id: 'short' }))).toMatchObject({ status: 400 })
    expect(await refusal((tx) => ({ ...tx, data: Buffer.from('another page').toString('base64url') }))).toEqual({
      status: 400,
      body: 'The attached data is split in an unknown way.',
    })
    expect(await post('/tx', '{"format":2')).toMatchObject({ status: 400, body: expect.stringMatching(/^Invalid JSON\./) })
    expect((await post('/tx', `{"data":"${'A'.repeat(15 * 1024 * 1024)}"}`)).status).toBe(413)
  })

  it('refuses an unknown anchor, a low fee, money that is not there, a signature of somebody else', async () => {
    const stranger = await signedTransaction({ data: 'x', last_tx: 'A'.repeat(64) })
    expect(await post('/tx', stranger.toJSON())).toEqual({ status: 400, body: 'Invalid anchor (last_tx).' })
    const cheap = await signedTransaction({ data: 'x', reward: '1' })
    expect(await post('/tx', cheap.toJSON())).toMatchObject({
      status: 400,
      body: expect.stringContaining('tx_too_cheap: reward 1 is below'),
    })
    expect(await get(`/tx/${cheap.id}`)).toEqual({ status: 410, body: 'tx_too_cheap' })
    const poor = await signedTransaction({ data: 'x' }, await arweave.wallets.generate())
    expect(await post('/tx', poor.toJSON())).toMatchObject({ status: 400, body: expect.stringContaining('overspend: wallet') })
    const forged = await signedTransaction({ data: 'x' })
    expect((await post('/tx', { ...(forged.toJSON() as unknown as object), owner: devWallet('bob').n })).status).toBe(400)
  })

  it('answers 208 to a repeat, and refuses an anchor that still waits', async () => {
    const tx = await signedTransaction({ data: 'twice' })
    expect((await post('/tx', tx.toJSON())).status).toBe(200)
    expect(await post('/tx', tx.toJSON())).toEqual({ status: 208, body: 'Transaction already processed.' })
    const next = await signedTransaction({ data: 'after', last_tx: tx.id })
    expect(await post('/tx', next.toJSON())).toEqual({ status: 400, body: 'Invalid anchor (last_tx from mempool).' })
    await mine()
    expect((await post('/tx', tx.toJSON())).status).toBe(208)
    expect((await post('/tx', next.toJSON())).status).toBe(200)
  })

  it('names what is wrong with a chunk, by the words that arweave-js knows', async () => {
    const tx = await signedTransaction({ data: dataOf(310_001) })
    const chunk = tx.getChunk(0, tx.data)
    expect((await post('/chunk', chunk)).body).toContain('"error":"data_root_not_found"')
    const head = await signedTransaction({ data: dataOf(310_001) })
    const body = { ...(head.toJSON() as unknown as object), data: '' }
    expect((await post('/tx', body)).status).toBe(200)
    const bytes = Buffer.from(chunk.chunk, 'base64url')
    bytes[0]! ^= 1
    expect((await post('/chunk', { ...chunk, chunk: bytes.toString('base64url') })).body).toContain('"error":"invalid_proof"')
    const path = Buffer.from(chunk.data_path, 'base64url')
    path[5]! ^= 1
    expect((await post('/chunk', { ...chunk, data_path: path.toString('base64url') })).body).toContain('"error":"invalid_proof"')
    expect((await post('/chunk', { ...chunk, chunk: Buffer.alloc(262_145).toString('base64url') })).body).toContain(
      '"error":"chunk_too_big"',
    )
    expect((await post('/chunk', '{')).body).toContain('"error":"invalid_json"')
    expect((await post('/chunk', `"${'x'.repeat(800_000)}"`)).status).toBe(413)
    expect(await post('/chunk', chunk)).toEqual({ status: 200, body: '' })
    expect(await post('/chunk', chunk)).toEqual({ status: 200, body: '' })
  })

  it('refuses tags beyond the limits and malformed ids', async () => {
    const tx = await arweave.createTransaction({ data: 'x' }, alice)
    tx.addTag('name', 'v'.repeat(2048))
    await arweave.transactions.sign(tx, alice)
    expect((await post('/tx', tx.toJSON())).body).toContain('tx_fields_too_large')
    expect(await get('/tx/short')).toEqual({ status: 400, body: 'Invalid hash.' })
    expect(await get(`/tx/${'A'.repeat(43)}`)).toEqual({ status: 404, body: 'Not Found.' })
    expect(await get('/tx/short/status')).toEqual({ status: 400, body: 'Invalid address.' })
    expect((await get('/tx/short/offset')).status).toBe(400)
    expect(await get('/wallet/nobody/balance')).toEqual({ status: 400, body: 'Invalid address.' })
    expect(await get('/block/height/x')).toEqual({ status: 400, body: 'Invalid height.' })
    expect(await get('/block/height/999999')).toEqual({ status: 404, body: 'Block not found.' })
    expect((await get('/chunk/x')).status).toBe(400)
    expect((await get('/chunk/99999999999')).status).toBe(404)
  })
})
