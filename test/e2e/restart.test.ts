/**
 * A node that is killed while uploads, transactions and AO messages come in, several times, at any moment. What it acknowledged is there when it is
 * back: bytes, index, slots, results, pushed messages, each exactly once. What it did not acknowledge is there in whole or not at all.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { arweaveOf, ask, bytesOf, pattern, query, sha256, signedItem, statusOf, until, upload } from './support/client.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { signerOf } from './support/signers.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const ROUNDS = 4
const KILL_MS_MIN = 150
const KILL_MS_MAX = 900
const UPLOADERS = 6
const LARGE_BYTES = 2 * 1024 * 1024

/** `Count` says how often a message was evaluated; each also sends one on to the second process, which counts those. */
const COUNT_AND_TELL = (process: string) => `Count = (Count or 0) + 1; Send({ Target = "${process}", Action = "Note" }); return Count`
const COUNT_NOTES = `Notes = 0; Handlers.add('note', 'Note', function (msg) Notes = Notes + 1 end)`

/** Clients report the connections that they lose here, which is the point of this test. */
beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))

const folder = mkdtempSync(join(tmpdir(), 'heddle-restart-'))
const running = new Set<NodeProcess>()
afterAll(async () => {
  for (const node of running) await node.kill()
  rmSync(folder, { recursive: true, force: true })
})

const solana = signerOf('solana')
const alice = devWallet('alice')
const signer = createDataItemSigner(devWallet('bob'))

/** What was sent, by id, and what of it was acknowledged. */
const digests = new Map<string, string>()
const acknowledged = new Set<string>()
const transactions = new Set<string>()
const messages = new Set<string>()
let sent = 0

async function start(): Promise<NodeProcess> {
  const node = await startProcess(folder)
  running.add(node)
  return node
}

const aoOf = ({ url }: NodeProcess) => connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })

/** Until the node is killed: `once` again and again. A call that fails while the node lives is a failure. */
async function whileAlive(node: NodeProcess, once: () => Promise<unknown>): Promise<void> {
  while (running.has(node)) {
    try {
      await once()
    } catch (error) {
      if (running.has(node)) throw error
    }
  }
}

async function uploadItem({ url }: NodeProcess, bytes: number): Promise<void> {
  sent += 1
  const data = bytes === 0 ? Buffer.from(`small ${sent}`) : Buffer.concat([pattern(bytes, sent), Buffer.from(String(sent))])
  const item = await signedItem(solana, data, { tags: [{ name: 'Number', value: String(sent) }] })
  digests.set(item.id, sha256(data))
  await upload(url, item, '/tx?receipt=none')
  acknowledged.add(item.id)
}

async function postTransaction({ url }: NodeProcess): Promise<void> {
  sent += 1
  const arweave = arweaveOf(url)
  const data = pattern(20_000, sent)
  const tx = await arweave.createTransaction({ data }, alice)
  await arweave.transactions.sign(tx, alice)
  digests.set(tx.id, sha256(data))
  const { status } = await arweave.transactions.post(tx)
  expect(status).toBe(200)
  acknowledged.add(tx.id)
  transactions.add(tx.id)
}

async function evaluate(node: NodeProcess, process: string, data: string): Promise<string> {
  return (await aoOf(node).message({ process, signer, tags: [{ name: 'Action', value: 'Eval' }], data })) as string
}

async function sendMessage(node: NodeProcess, process: string, data: string): Promise<void> {
  messages.add(await evaluate(node, process, data))
}

/** In whole or not at all; and if it was acknowledged, in whole. */
async function checkUpload({ url }: NodeProcess, id: string, indexed: ReadonlySet<string>): Promise<void> {
  const { status } = await ask(`${url}/${id}`, { method: 'HEAD' })
  expect([200, 404], id).toContain(status)
  expect(indexed.has(id), `GraphQL and data agree about ${id}`).toBe(status === 200)
  if (acknowledged.has(id)) expect(status, `${id} was acknowledged`).toBe(200)
  if (status === 200) expect(sha256(await bytesOf(`${url}/raw/${id}`)), id).toBe(digests.get(id))
}

async function indexedIds({ url }: NodeProcess): Promise<Set<string>> {
  const ids = [...digests.keys()]
  const found = new Set<string>()
  for (let at = 0; at < ids.length; at += 500) {
    const text = 'query ($ids: [ID!]!) { transactions(ids: $ids, first: 1000) { edges { node { id } } } }'
    const { transactions: page } = await query<{ transactions: { edges: { node: { id: string } }[] } }>(url, text, {
      ids: ids.slice(at, at + 500),
    })
    for (const edge of page.edges) found.add(edge.node.id)
  }
  return found
}

async function nonceOf({ url }: NodeProcess, process: string, id: string): Promise<number> {
  const { status, body } = await ask(`${url}/${id}?process-id=${process}`)
  expect(status, `${id} has a slot`).toBe(200)
  const { assignment } = JSON.parse(body) as { assignment: { tags: { name: string; value: string }[] } }
  return Number(assignment.tags.find(({ name }) => name === 'Nonce')?.value)
}

async function checkAll(node: NodeProcess, teller: string): Promise<void> {
  const indexed = await indexedIds(node)
  for (const id of digests.keys()) await checkUpload(node, id, indexed)
  const nonces = new Set<number>()
  for (const id of messages) {
    const nonce = await nonceOf(node, teller, id)
    nonces.add(nonce)
    const { Output, Error: problem } = await aoOf(node).result({ process: teller, message: id })
    expect(problem, id).toBe(undefined)
    // The process itself has nonce 0, and every later message counted one more.
    expect((Output as { data: unknown }).data, `${id} was evaluated once, in its turn`).toBe(String(nonce))
  }
  expect(nonces.size).toBe(messages.size)
}

it(`loses nothing in ${ROUNDS} kills`, { timeout: 120_000 }, async () => {
  let node = await start()
  const info = (await (await fetch(`${node.url}/info`)).json()) as {
    heddle: { modules: { default: string }; units: { scheduler: string } }
  }
  const spawn = () => aoOf(node).spawn({ module: info.heddle.modules.default, scheduler: info.heddle.units.scheduler, signer })
  const [teller, listener] = [await spawn(), await spawn()]
  await aoOf(node).result({ process: listener, message: await evaluate(node, listener, COUNT_NOTES) })

  for (let round = 0; round < ROUNDS; round += 1) {
    const target = node
    const load = [
      ...Array.from({ length: UPLOADERS }, () => whileAlive(target, () => uploadItem(target, 0))),
      whileAlive(target, () => uploadItem(target, LARGE_BYTES)),
      whileAlive(target, () => postTransaction(target)),
      whileAlive(target, () => sendMessage(target, teller, COUNT_AND_TELL(listener))),
    ]
    const delayMs = KILL_MS_MIN + Math.random() * (KILL_MS_MAX - KILL_MS_MIN)
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    running.delete(node)
    await node.kill()
    await Promise.all(load)
    node = await start()
    await checkAll(node, teller)
  }

  expect([acknowledged.size, transactions.size, messages.size].every((count) => count > 0)).toBe(true)
  await settles(node)
  const count = await evaluated(node, teller, 'return Count')
  await until('every push arrived', async () => ((await evaluated(node, listener, 'return Notes')) === count ? true : null))
  expect(await evaluated(node, listener, 'return Notes')).toBe(count)
  await verifyAllProcesses(node.url)
  expect(await node.stop()).toBe(0)
  running.delete(node)
})

/** Everything acknowledged gets into a block. */
async function settles({ url }: NodeProcess): Promise<void> {
  for (const id of acknowledged)
    await until(`${id} is in a block`, async () => {
      if (!transactions.has(id)) return (await statusOf(url, id)).blockHeight ?? null
      return (await ask(`${url}/tx/${id}/status`)).status === 200 ? true : null
    })
}

async function evaluated(node: NodeProcess, process: string, code: string): Promise<unknown> {
  const { Output } = await aoOf(node).result({ process, message: await evaluate(node, process, code) })
  return (Output as { data: unknown }).data
}
