/** Checks a chain as a stranger would: from the public HTTP API alone, with arweave-js for what it knows. */
import Arweave from 'arweave'
import { validatePath } from 'arweave/node/lib/merkle.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fromBase64url, toBase64url } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/base/hash.ts'
import type { Address } from '../../src/base/ids.ts'
import { AccountTrie } from '../../src/codec/account-trie.ts'
import { type Block, blockHash, hasHonestMints, verifyBlock } from '../../src/codec/block.ts'
import { parseBlockJson } from '../../src/codec/block-json.ts'
import { nextHashListMerkle } from '../../src/codec/hash-list-merkle.ts'
import { parseTransactionJson, verifyTransaction } from '../../src/codec/transaction.ts'
import { buildTxRoot } from '../../src/codec/tx-root.ts'
import { inflation } from '../../src/rules/inflation.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { devWallet } from './wallets.ts'

let node: TestNode
let arweave: Arweave

beforeAll(async () => {
  node = await startTestNode({ seal: 'auto', sealMs: 20 })
  const { hostname, port } = new URL(node.url)
  arweave = Arweave.init({ host: hostname, port, protocol: 'http' })
})
afterAll(() => node.stop())

async function getJson<T>(path: string): Promise<T> {
  const response = await fetch(`${node.url}${path}`)
  expect(response.status, path).toBe(200)
  return response.json() as Promise<T>
}

async function upload(data: Uint8Array): Promise<string> {
  const tx = await arweave.createTransaction({ data }, devWallet('alice'))
  await arweave.transactions.sign(tx, devWallet('alice'))
  const uploader = await arweave.transactions.getUploader(tx)
  while (!uploader.isComplete) await uploader.uploadChunk()
  return tx.id
}

async function confirmed(id: string): Promise<number> {
  for (;;) {
    const { confirmed } = await arweave.transactions.getStatus(id)
    if (confirmed !== null) return confirmed.block_height
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

it('every hash, root, signature and proof of the chain holds', async () => {
  const stranger = toBase64url(new Uint8Array(32).fill(9)) as Address
  await fetch(`${node.url}/mint/${stranger}/123456789`)
  const sizes = [10, 262_144, 300_000, 700_001]
  const ids = await Promise.all(sizes.map((size) => upload(Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255))))
  for (const id of ids) await confirmed(id)
  await fetch(`${node.url}/mine/12`)

  const { height, current } = await node.info()
  let previous: Block | null = null
  for (let at = 0; at <= height; at++) {
    const block = parseBlockJson(await getJson(`/block/height/${at}`))
    expect(blockHash(block), `height ${at}`).toBe(block.indepHash)
    expect(block.previousBlock).toBe(previous?.indepHash ?? null)
    if (previous !== null) await checkChild(block, previous)
    previous = block
  }
  expect(previous?.indepHash).toBe(current)
  const supply = BigInt(await (await fetch(`${node.url}/total_supply`)).text())
  const locked = (await Promise.all(Array.from({ length: 10 }, (_, i) => getJson<{ reward: string }>(`/block/height/${height - i}`))))
    .map(({ reward }) => BigInt(reward))
    .reduce((a, b) => a + b, 0n)
  const created = Array.from({ length: height }, (_, i) => inflation(i + 1)).reduce((a, b) => a + b, 5n * 10n ** 18n + 123456789n)
  expect(supply + locked + previous!.rewardPoolWinston).toBe(created + previous!.debtSupplyWinston)
  await checkAccounts(previous!)
  for (const id of ids) await checkChunks(id)
})

async function checkChild(block: Block, previous: Block): Promise<void> {
  expect(await verifyBlock(block)).toBe(true)
  expect(hasHonestMints(block)).toBe(true)
  expect(block.hashListMerkle).toEqual(nextHashListMerkle(previous))
  expect(block.timestampS).toBeGreaterThanOrEqual(previous.timestampS)
  const txs = await Promise.all(block.txs.map(async (id) => parseTransactionJson(await getJson(`/tx/${id}`))))
  for (const tx of txs) expect(await verifyTransaction(tx), tx.id).toBe(true)
  const { root, blockBytes } = buildTxRoot(txs)
  expect(toBase64url(block.txRoot)).toBe(toBase64url(root))
  expect([block.blockBytes, block.weaveBytes]).toEqual([blockBytes, previous.weaveBytes + blockBytes])
}

async function checkAccounts(tip: Block): Promise<void> {
  const root = toBase64url(tip.walletList)
  const { wallets } = await getJson<{ wallets: { address: Address; balance: string; last_tx: string }[] }>(`/wallet_list/${root}`)
  const trie = AccountTrie.of(
    wallets.map(({ address, balance, last_tx }) => [address, { balanceWinston: BigInt(balance), lastTx: fromBase64url(last_tx) }]),
  )
  expect(toBase64url(trie.root())).toBe(root)
}

async function checkChunks(id: string): Promise<void> {
  const { offset, size } = await getJson<{ offset: string; size: string }>(`/tx/${id}/offset`)
  const { data_root: root } = await getJson<{ data_root: string }>(`/tx/${id}`)
  const { txRoot, blockStart, blockBytes } = await blockOf(id)
  const start = Number(offset) - Number(size)
  for (let at = start; at < Number(offset); ) {
    const chunk = await getJson<{ chunk: string; tx_path: string; data_path: string }>(`/chunk/${at + 1}`)
    const bytes = fromBase64url(chunk.chunk)
    const dataPath = fromBase64url(chunk.data_path)
    const txPath = fromBase64url(chunk.tx_path)
    const proven = await validatePath(fromBase64url(root), at - start, 0, Number(size), dataPath)
    expect(proven, `chunk at ${at} of ${id}`).toMatchObject({ leftBound: at - start, rightBound: at - start + bytes.length })
    expect(toBase64url(dataPath.subarray(-64, -32))).toBe(toBase64url(sha256(bytes)))
    expect(await validatePath(txRoot, at - blockStart, 0, blockBytes, txPath)).not.toBe(false)
    expect(toBase64url(txPath.subarray(-64, -32))).toBe(root)
    at += bytes.length
  }
}

async function blockOf(id: string): Promise<{ txRoot: Uint8Array; blockStart: number; blockBytes: number }> {
  const block = parseBlockJson(await getJson(`/block/height/${await confirmed(id)}`))
  return { txRoot: block.txRoot, blockStart: Number(block.weaveBytes - block.blockBytes), blockBytes: Number(block.blockBytes) }
}
