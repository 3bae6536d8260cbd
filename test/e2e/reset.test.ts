/** GET /reset: a test suite's way to begin anew without another process. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { arweaveOf, ask, bundleOf, mine, nodeOf, pattern, postBytes, query, signedItem, upload } from './support/client.ts'
import { signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

const solana = signerOf('solana')

let node: TestNode
beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
})
afterAll(() => node.stop())

it('forgets everything but the node itself, which goes on at the same address', async () => {
  const fresh = await node.info()
  const arweave = arweaveOf(node.url)
  for (const round of [1, 2]) {
    const items = await Promise.all(['small', pattern(2_000_000)].map((data) => signedItem(solana, data)))
    for (const item of items) await upload(node.url, item)
    const tx = await arweave.createTransaction({ data: 'a page' }, devWallet('alice'))
    await arweave.transactions.sign(tx, devWallet('alice'))
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    await bundleOf(node.url, items[0]!.id)
    await mine(node.url)
    const ids = [...items.map(({ id }) => id), tx.id]
    for (const id of ids) expect((await ask(`${node.url}/${id}`)).status, `${id} in round ${round}`).toBe(200)

    expect(await ask(`${node.url}/reset`)).toMatchObject({ status: 200, body: 'reset done' })
    expect(await node.info()).toEqual(fresh)
    for (const id of ids) {
      expect((await ask(`${node.url}/${id}`)).status).toBe(404)
      expect(await nodeOf(node.url, id)).toBe(null)
    }
    const { blocks } = await query<{ blocks: { edges: unknown[] } }>(node.url, '{ blocks { edges { node { height } } } }')
    expect(blocks.edges).toEqual([{ node: { height: 0 } }])
    expect((await ask(`${node.url}/raw/${fresh.heddle.modules.default}`)).status).toBe(200)
  }
})

it('does not disturb uploads that come in meanwhile', async () => {
  const items = await Promise.all(Array.from({ length: 60 }, (_, i) => signedItem(solana, `meanwhile ${i}`)))
  const uploads = items.map(async (item, i) => {
    await new Promise((resolve) => setTimeout(resolve, i / 2))
    return postBytes(`${node.url}/tx`, item.getRaw())
  })
  expect((await ask(`${node.url}/reset`)).status).toBe(200)
  for (const { status, body } of await Promise.all(uploads)) expect([200, 503], body).toContain(status)
  for (const { id } of items) {
    const { status } = await ask(`${node.url}/${id}`)
    expect((await nodeOf(node.url, id)) !== null, id).toBe(status === 200)
  }
  const last = await signedItem(solana, 'afterwards')
  await upload(node.url, last)
  await bundleOf(node.url, last.id)
  expect(await nodeOf(node.url, last.id)).toMatchObject({ id: last.id })
})

it('asked for several times at once is done once for all', async () => {
  const fresh = { ...(await node.info()), height: 0 }
  await upload(node.url, await signedItem(solana, 'gone soon'))
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(`${node.url}/reset`)))
  expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(Array(4).fill('200 reset done'))
  expect(await node.info()).toMatchObject({ network: fresh.network, height: 0, heddle: fresh.heddle })
  const item = await signedItem(solana, 'after them all')
  await upload(node.url, item)
  await bundleOf(node.url, item.id)
})
