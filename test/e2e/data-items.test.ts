/** Signed data items of every signature type, from @dha-team/arbundles to a block and back. */
import { createPublicKey, verify } from 'node:crypto'
import { Bundle, DataItem, deepHash } from '@dha-team/arbundles'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { arweaveOf, ask, bundleOf, bytesOf, mine, nodeOf, type Receipt, sha256, signedItem, statusOf, upload } from './support/client.ts'
import { SIGNERS } from './support/signers.ts'

const DOORS = ['/tx', '/v1/tx', '/tx/arweave', '/v1/tx/ethereum']
const TAGS = [
  { name: 'Content-Type', value: 'text/plain' },
  { name: 'App-Name', value: 'Test' },
  { name: 'App-Name', value: 'Zweiter Wert äöü' },
]
const TARGET = 'zoljIRyzG5hp-R4EZV2q8kFI49OAoy23_B9YJ_yEEws'

let node: TestNode
beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
})
afterAll(() => node.stop())

/** As a client checks it: RSA-PSS without salt over the deep hash of what is promised. */
async function isReceiptSigned(receipt: Receipt): Promise<boolean> {
  const promised = ['Bundlr', receipt.version, receipt.id, String(receipt.deadlineHeight), String(receipt.timestamp)]
  const message = await deepHash(promised.map((text) => new TextEncoder().encode(text)))
  const key = createPublicKey({ key: { kty: 'RSA', n: receipt.public, e: 'AQAB' }, format: 'jwk' })
  return verify('sha256', message, { key, padding: 6, saltLength: 0 }, Buffer.from(receipt.signature, 'base64url'))
}

/** arbundles 1.0.4 reads past the item when `Bundle.get` is given an id. */
function itemIn(bundle: Bundle, id: string): DataItem | undefined {
  return bundle.items.find((item) => item.id === id)
}

describe('a data item', () => {
  for (const [i, { name, type, make }] of SIGNERS.entries()) {
    it(`signed as ${name} (type ${type}) is readable and found at once, and settles in a block`, async () => {
      const data = `signed by ${name}`
      const anchor = `${i}`.padEnd(32, 'a')
      const item = await signedItem(make(), data, { tags: TAGS, target: TARGET, anchor })
      expect(item.signatureType).toBe(type)
      const before = (await node.info()).height
      const receipt = await upload(node.url, item, DOORS[i % DOORS.length])
      expect(receipt).toMatchObject({ id: item.id, owner: sha256(item.rawOwner), version: '0.2.0', deadlineHeight: before + 200 })
      expect(Math.abs(Date.now() - receipt.timestamp)).toBeLessThan(60_000)
      expect(receipt.dataCaches).toEqual([new URL(node.url).host])
      expect(await isReceiptSigned(receipt)).toBe(true)
      expect(await isReceiptSigned({ ...receipt, deadlineHeight: receipt.deadlineHeight + 1 })).toBe(false)

      expect(await ask(`${node.url}/${item.id}`)).toMatchObject({ status: 200, body: data })
      expect(await ask(`${node.url}/raw/${item.id}`)).toMatchObject({ status: 200, body: data })
      expect(await nodeOf(node.url, item.id)).toMatchObject({
        id: item.id,
        anchor: Buffer.from(anchor).toString('base64url'),
        signature: item.signature,
        recipient: TARGET,
        owner: { address: sha256(item.rawOwner), key: item.owner },
        data: { size: String(Buffer.byteLength(data)), type: 'text/plain' },
        tags: TAGS,
        block: null,
      })

      const bundleId = await bundleOf(node.url, item.id)
      await mine(node.url)
      const { height, current } = await node.info()
      expect(await nodeOf(node.url, item.id)).toMatchObject({ bundledIn: { id: bundleId }, block: { id: current, height } })
      expect(await statusOf(node.url, item.id)).toMatchObject({ status: 'CONFIRMED', info: 'pending', bundleId, blockHeight: height })
      const raw = (await arweaveOf(node.url).transactions.getData(bundleId, { decode: true })) as Uint8Array
      const bundle = new Bundle(Buffer.from(raw))
      expect(await bundle.verify()).toBe(true)
      expect(itemIn(bundle, item.id)?.getRaw().equals(item.getRaw())).toBe(true)
    })
  }

  it('may be bare: no tags, no target, no anchor, no data', async () => {
    const item = await signedItem(SIGNERS[0]!.make(), '')
    await upload(node.url, item)
    const { status, headers, body } = await ask(`${node.url}/${item.id}`)
    expect({ status, body, length: headers.get('content-length') }).toEqual({ status: 200, body: '', length: '0' })
    expect(await nodeOf(node.url, item.id)).toMatchObject({
      anchor: '',
      recipient: '',
      tags: [],
      data: { size: '0', type: null },
    })
  })

  it('posted again gets the receipt of the first time, from every door and after its block', async () => {
    const item = await signedItem(SIGNERS[1]!.make(), 'the same again')
    const all = await Promise.all([...DOORS, ...DOORS].map((door) => upload(node.url, item, door)))
    await bundleOf(node.url, item.id)
    await mine(node.url)
    for (const receipt of [...all, await upload(node.url, item)]) expect(receipt).toEqual(all[0])
    const bundle = new Bundle(Buffer.from(await bytesOf(`${node.url}/${await bundleOf(node.url, item.id)}`)))
    expect(bundle.getIds().filter((id) => id === item.id)).toHaveLength(1)
  })

  it('without a content type is taken for what it is', async () => {
    const item = await signedItem(SIGNERS[1]!.make(), 'no content type')
    expect((await ask(`${node.url}/tx`, { method: 'POST', body: item.getRaw() })).status).toBe(200)
    expect((await ask(`${node.url}/raw/${item.id}`)).body).toBe('no content type')
  })

  it('with as many tags as the standard allows keeps them all, in order', async () => {
    const tags = Array.from({ length: 128 }, (_, i) => ({ name: `n${i % 64}`, value: `v${i}` }))
    const item = await signedItem(SIGNERS[1]!.make(), 'x', { tags })
    await upload(node.url, item)
    expect((await nodeOf(node.url, item.id))?.tags).toEqual(tags)
  })

  it('has a status as transactions have it, too', async () => {
    const { transactions } = arweaveOf(node.url)
    const item = await signedItem(SIGNERS[1]!.make(), 'where does it stand')
    await upload(node.url, item)
    expect(await transactions.getStatus(item.id)).toEqual({ status: 202, confirmed: null })
    const bundleId = await bundleOf(node.url, item.id)
    await mine(node.url)
    const { height, current } = await node.info()
    expect(await transactions.getStatus(item.id)).toEqual({
      status: 200,
      confirmed: expect.objectContaining({ block_height: height, block_indep_hash: current, number_of_confirmations: 1, bundleId }),
    })
  })

  it('becomes permanent with 18 blocks', async () => {
    const item = await signedItem(SIGNERS[1]!.make(), 'for good')
    await upload(node.url, item)
    expect(await statusOf(node.url, item.id)).toMatchObject({ status: 'CONFIRMED' })
    await bundleOf(node.url, item.id)
    await ask(`${node.url}/mine/17`)
    expect(await statusOf(node.url, item.id)).toMatchObject({ status: 'CONFIRMED' })
    await mine(node.url)
    expect(await statusOf(node.url, item.id)).toMatchObject({ status: 'FINALIZED', info: 'permanent' })
  })

  it('is proven valid by the bytes that the node serves', async () => {
    const item = await signedItem(SIGNERS[4]!.make(), 'proof', { tags: TAGS })
    await upload(node.url, item)
    const bundle = await bundleOf(node.url, item.id)
    const raw = Buffer.from(await bytesOf(`${node.url}/raw/${bundle}`))
    expect(await DataItem.verify(itemIn(new Bundle(raw), item.id)!.getRaw())).toBe(true)
  })
})
