/** Bundles that clients post as transactions or as items: everything in them becomes readable and findable by itself. */
import { Bundle, bundleAndSignData, type DataItem } from '@dha-team/arbundles'
import type Arweave from 'arweave'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import {
  arweaveOf,
  ask,
  bundleOf,
  bytesOf,
  mine,
  nodeOf,
  pattern,
  postBytes,
  query,
  sha256,
  signedItem,
  statusOf,
  upload,
} from './support/client.ts'
import { signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

type Transaction = Awaited<ReturnType<Arweave['createTransaction']>>

const BUNDLE_TAGS = [
  { name: 'Bundle-Format', value: 'binary' },
  { name: 'Bundle-Version', value: '2.0.0' },
]
const ed25519 = signerOf('solana')
const alice = devWallet('alice')

let node: TestNode
let arweave: Arweave
beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
  arweave = arweaveOf(node.url)
})
afterAll(() => node.stop())

let texts = 0
function text(what: string): Promise<DataItem> {
  texts += 1
  return signedItem(ed25519, `${what} ${texts}`, { tags: [{ name: 'Content-Type', value: 'text/plain' }] })
}

async function bundleOfItems(items: readonly DataItem[]): Promise<Bundle> {
  return bundleAndSignData([...items], ed25519)
}

async function bundleTransaction(data: Uint8Array, tags = BUNDLE_TAGS): Promise<Transaction> {
  const tx = await arweave.createTransaction({ data }, alice)
  for (const { name, value } of tags) tx.addTag(name, value)
  await arweave.transactions.sign(tx, alice)
  return tx
}

async function postWhole(tx: Transaction): Promise<void> {
  expect((await arweave.transactions.post(tx)).status).toBe(200)
}

async function isReadable(item: DataItem): Promise<boolean> {
  const { status, body } = await ask(`${node.url}/${item.id}`)
  expect([200, 404], item.id).toContain(status)
  return status === 200 && sha256(Buffer.from(body)) === sha256(item.rawData)
}

describe('a bundle as a transaction', () => {
  it('with inline data gives out its items at once', async () => {
    const items = await Promise.all([text('first'), text('second'), text('third')])
    const tx = await (await bundleOfItems(items)).toTransaction({}, arweave, alice)
    await arweave.transactions.sign(tx, alice)
    await postWhole(tx)
    for (const item of items) {
      expect(await isReadable(item)).toBe(true)
      expect(await nodeOf(node.url, item.id)).toMatchObject({
        id: item.id,
        signature: item.signature,
        owner: { key: item.owner },
        bundledIn: { id: tx.id },
        block: null,
      })
    }
    await mine(node.url)
    const { height } = await node.info()
    const { transactions } = await query<{ transactions: { edges: { node: { id: string; block: { height: number } } }[] } }>(
      node.url,
      'query ($ids: [ID!]!) { transactions(bundledIn: $ids) { edges { node { id block { height } } } } }',
      { ids: [tx.id] },
    )
    expect(transactions.edges.map((edge) => edge.node.id).sort()).toEqual(items.map(({ id }) => id).sort())
    expect(transactions.edges.map((edge) => edge.node.block.height)).toEqual([height, height, height])
  })

  it('in chunks gives them out with its last chunk, not before', async () => {
    const large = await signedItem(ed25519, pattern(700_000), { tags: [{ name: 'Content-Type', value: 'image/png' }] })
    const small = await text('behind a large one')
    const tx = await bundleTransaction((await bundleOfItems([large, small])).getRaw())
    const uploader = await arweave.transactions.getUploader(tx)
    while (!uploader.isComplete) {
      expect(await isReadable(small)).toBe(false)
      await uploader.uploadChunk()
    }
    expect(await isReadable(small)).toBe(true)
    expect(sha256(await bytesOf(`${node.url}/${large.id}`))).toBe(sha256(large.rawData))
    const part = await ask(`${node.url}/${large.id}`, { headers: { range: 'bytes=500000-500002' } })
    expect(part).toMatchObject({ status: 206 })
    expect(part.headers.get('content-range')).toBe('bytes 500000-500002/700000')
  })

  it('whose chunks come after its block gives out items that are in that block', async () => {
    const item = await signedItem(ed25519, pattern(300_000, 7))
    const tx = await bundleTransaction((await bundleOfItems([item])).getRaw())
    const uploader = await arweave.transactions.getUploader(tx)
    await uploader.uploadChunk()
    await mine(node.url)
    const { height } = await node.info()
    while (!uploader.isComplete) await uploader.uploadChunk()
    expect(await nodeOf(node.url, item.id)).toMatchObject({ block: { height }, bundledIn: { id: tx.id } })
  })

  it('with lower-case tag names is a bundle too', async () => {
    const item = await text('lower case')
    const tags = BUNDLE_TAGS.map(({ name, value }) => ({ name: name.toLowerCase(), value }))
    await postWhole(await bundleTransaction((await bundleOfItems([item])).getRaw(), tags))
    expect(await isReadable(item)).toBe(true)
  })

  it('without the tags is data like any other', async () => {
    const item = await text('not unpacked')
    await postWhole(await bundleTransaction((await bundleOfItems([item])).getRaw(), []))
    expect(await isReadable(item)).toBe(false)
  })

  it('that brings an item which is here already changes only where it lies', async () => {
    const item = await text('known before')
    const receipt = await upload(node.url, item)
    const own = await bundleOf(node.url, item.id)
    const tx = await bundleTransaction((await bundleOfItems([item])).getRaw())
    await postWhole(tx)
    expect(await upload(node.url, item)).toEqual(receipt)
    expect(await isReadable(item)).toBe(true)
    expect([own, tx.id]).toContain((await nodeOf(node.url, item.id))?.bundledIn?.id)
    const { transactions } = await query<{ transactions: { count: string } }>(
      node.url,
      'query ($ids: [ID!]!) { transactions(ids: $ids) { count } }',
      { ids: [item.id] },
    )
    expect(transactions.count).toBe('1')
  })
})

describe('a nested bundle', () => {
  it('is unpacked to its last level, each item in its immediate bundle', async () => {
    const deepest = await Promise.all([text('deepest'), text('deepest too')])
    const inner = await signedItem(ed25519, (await bundleOfItems(deepest)).getRaw(), { tags: BUNDLE_TAGS })
    const beside = await text('beside')
    const outer = await signedItem(ed25519, (await bundleOfItems([inner, beside])).getRaw(), { tags: BUNDLE_TAGS })
    const tx = await bundleTransaction((await bundleOfItems([outer])).getRaw())
    await postWhole(tx)
    for (const item of [...deepest, beside]) expect(await isReadable(item)).toBe(true)
    const parents = [
      [outer, tx.id],
      [inner, outer.id],
      [beside, outer.id],
      [deepest[0]!, inner.id],
    ] as const
    for (const [item, parent] of parents) expect((await nodeOf(node.url, item.id))?.bundledIn).toEqual({ id: parent })
    expect(await statusOf(node.url, deepest[0]!.id)).toMatchObject({ bundleId: tx.id, parentDataItemId: inner.id })
    await mine(node.url)
    const { height } = await node.info()
    expect((await nodeOf(node.url, deepest[1]!.id))?.block?.height).toBe(height)
  })

  it('may be uploaded as a data item', async () => {
    const items = await Promise.all([text('in an item'), text('in an item too')])
    const holder = await signedItem(ed25519, (await bundleOfItems(items)).getRaw(), { tags: BUNDLE_TAGS })
    await upload(node.url, holder)
    for (const item of items) {
      expect(await isReadable(item)).toBe(true)
      expect(await nodeOf(node.url, item.id)).toMatchObject({ bundledIn: { id: holder.id }, block: null })
    }
    await bundleOf(node.url, holder.id)
    await mine(node.url)
    const { height } = await node.info()
    for (const item of items) expect((await nodeOf(node.url, item.id))?.block?.height).toBe(height)
  })
})

describe('what is wrong in a bundle', () => {
  it('costs the bad items only', async () => {
    const items = await Promise.all(['good', 'bad signature', 'good', 'bad data', 'good'].map(text))
    const raw = Buffer.from((await bundleOfItems(items)).getRaw())
    const starts = items.map((_, i) => 32 + 64 * items.length + items.slice(0, i).reduce((sum, item) => sum + item.getRaw().length, 0))
    raw[starts[1]! + 2]! ^= 1
    raw[starts[4]! - 1]! ^= 1
    const tx = await bundleTransaction(raw)
    await postWhole(tx)
    expect(await Promise.all(items.map(isReadable))).toEqual([true, false, true, false, true])
    expect(await Promise.all(items.map(async ({ id }) => (await nodeOf(node.url, id)) !== null))).toEqual([true, false, true, false, true])
    expect(sha256(await bytesOf(`${node.url}/${tx.id}`))).toBe(sha256(raw))
  })

  it('leaves the transaction as data when it is no bundle at all', async () => {
    for (const data of [pattern(5_000), new Uint8Array(32), Buffer.concat([Buffer.from([255, 255, 255]), Buffer.alloc(100)])]) {
      const tx = await bundleTransaction(data)
      await postWhole(tx)
      expect(sha256(await bytesOf(`${node.url}/${tx.id}`))).toBe(sha256(data))
      expect(await nodeOf(node.url, tx.id)).toMatchObject({ id: tx.id })
    }
  })

  it('leaves a bundle shut whose end is missing', async () => {
    const items = await Promise.all(['whole', 'whole', 'cut'].map(text))
    const raw = (await bundleOfItems(items)).getRaw()
    const tx = await bundleTransaction(raw.subarray(0, raw.length - 10))
    await postWhole(tx)
    expect(await Promise.all(items.map(isReadable))).toEqual([false, false, false])
    expect(await nodeOf(node.url, tx.id)).toMatchObject({ id: tx.id })
  })

  it('in a nested bundle leaves the others of both levels', async () => {
    const inside = await Promise.all([text('inside'), text('inside, spoilt')])
    const raw = Buffer.from((await bundleOfItems(inside)).getRaw())
    raw[raw.length - 1]! ^= 1
    const holder = await signedItem(ed25519, raw, { tags: BUNDLE_TAGS })
    const broken = await signedItem(ed25519, 'tagged as a bundle, but none', { tags: BUNDLE_TAGS })
    const beside = await text('beside')
    await postWhole(await bundleTransaction((await bundleOfItems([holder, broken, beside])).getRaw()))
    expect(await Promise.all([...inside, broken, beside].map(isReadable))).toEqual([true, false, true, true])
  })
})

it('an arbundles bundle and the one that the node makes of the same items verify alike', async () => {
  const items = await Promise.all([text('a'), text('b')])
  await Promise.all(items.map((item) => upload(node.url, item)))
  const id = await bundleOf(node.url, items[0]!.id)
  const made = new Bundle(Buffer.from(await bytesOf(`${node.url}/raw/${id}`)))
  expect(await made.verify()).toBe(true)
  expect(made.getIds()).toContain(items[0]!.id)
})

describe('an AO message that came inside a bundle first', () => {
  it('is still scheduled when it is sent, once', async () => {
    const { modules, units } = (await node.info()).heddle
    const ao = (type: string, tags: { name: string; value: string }[]) => [
      ...tags,
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Type', value: type },
    ]
    const send = (item: DataItem) => postBytes(`${node.url}/`, item.getRaw())
    const process = await signedItem(ed25519, ' ', {
      tags: ao('Process', [
        { name: 'Module', value: modules.default },
        { name: 'Scheduler', value: units.scheduler },
      ]),
    })
    expect((await send(process)).status).toBe(202)
    const message = await signedItem(ed25519, 'return 6 * 7', {
      target: process.id,
      tags: ao('Message', [{ name: 'Action', value: 'Eval' }]),
    })
    const tx = await (await bundleOfItems([message])).toTransaction({}, arweave, alice)
    await arweave.transactions.sign(tx, alice)
    await postWhole(tx)
    const result = `${node.url}/result/${message.id}?process-id=${process.id}`
    expect((await ask(result)).status).toBe(404)
    expect((await send(message)).status).toBe(202)
    expect((await send(message)).status).toBe(202)
    expect(JSON.parse((await ask(result)).body).Output.data).toBe('42')
    const { body } = await ask(`${node.url}/${process.id}/latest`)
    expect(JSON.parse(body).assignment.tags).toContainEqual({ name: 'Nonce', value: '1' })
  })
})
