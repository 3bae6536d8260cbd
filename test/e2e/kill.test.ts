/** A node that is killed in the middle of work: whatever it acknowledged is there when it is back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { concat, fromBase64url, toBase64url } from '../../src/base/bytes.ts'
import { buildTree, chunkLeaves } from '../../src/codec/data-tree.ts'
import { signTransaction, type Transaction, transactionToJson } from '../../src/codec/transaction.ts'
import { wallet } from '../weave-rig.ts'

const ROUNDS = 3
const KILL_AFTER_MS = 350
const HEDDLE = fileURLToPath(new URL('../../bin/heddle.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'heddle-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Running {
  readonly url: string
  readonly child: ChildProcess
}

interface Acknowledged {
  readonly id: string
  readonly data: Uint8Array
  chunks: number
}

async function start(): Promise<Running> {
  const child = spawn(process.execPath, [HEDDLE, 'start', '--port', '0', '--data', folder, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(child.stdout!)) {
    const { event, url } = JSON.parse(line) as { event: string; url: string }
    if (event === 'ready') return { url, child }
  }
  throw new Error('the node ended before it was ready')
}

async function kill({ child }: Running): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

function dataOf(seed: number): Uint8Array {
  return Uint8Array.from({ length: 270_000 + seed }, (_, i) => (i * 13 + seed * 7 + (i >> 9)) & 255)
}

function chunksOf(data: Uint8Array): { readonly root: Uint8Array; readonly bodies: string[] } {
  const ranges = chunkLeaves(data, 'client')
  const tree = buildTree(ranges.map(({ leaf }) => leaf))
  const bodies = ranges.map(({ startOffset, endOffset }) =>
    JSON.stringify({
      data_root: toBase64url(tree.root),
      data_size: String(data.length),
      data_path: toBase64url(tree.pathOf(startOffset)),
      offset: String(endOffset - 1),
      chunk: toBase64url(data.subarray(startOffset, endOffset)),
    }),
  )
  return { root: tree.root, bodies }
}

async function post(url: string, body: string): Promise<boolean> {
  const { status } = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return status === 200
}

async function header(url: string, data: Uint8Array, root: Uint8Array): Promise<Transaction> {
  const [anchor, price] = await Promise.all(
    ['tx_anchor', `price/${data.length}`].map(async (path) => (await fetch(`${url}/${path}`)).text()),
  )
  const fields = { lastTx: fromBase64url(anchor!), rewardWinston: BigInt(price!), dataRoot: root, dataBytes: BigInt(data.length) }
  return signTransaction(fields, wallet('alice'))
}

/** Uploads one after another until the node is gone; notes only what was acknowledged. */
async function uploadUntilGone(url: string, seeds: () => number, done: Acknowledged[]): Promise<void> {
  try {
    for (;;) {
      const data = dataOf(seeds())
      const { root, bodies } = chunksOf(data)
      const tx = await header(url, data, root)
      if (!(await post(`${url}/tx`, JSON.stringify(transactionToJson(tx))))) throw new Error('a good transaction was refused')
      const acknowledged = { id: tx.id, data, chunks: 0 }
      done.push(acknowledged)
      for (const body of bodies) if (await post(`${url}/chunk`, body)) acknowledged.chunks += 1
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error // fetch failed: the node is gone.
  }
}

async function check(url: string, { id, data, chunks }: Acknowledged): Promise<void> {
  expect((await fetch(`${url}/tx/${id}`)).status, id).toBe(200)
  const ends = chunksOf(data).bodies.map((body) => Number((JSON.parse(body) as { offset: string }).offset))
  const parts = await Promise.all(
    ends.slice(0, chunks).map(async (offset) => {
      const response = await fetch(`${url}/unconfirmed_chunk/${id}/${offset}`)
      expect(response.status, `chunk at ${offset} of ${id}`).toBe(200)
      return fromBase64url(((await response.json()) as { chunk: string }).chunk)
    }),
  )
  const bytes = concat(parts)
  expect(Buffer.compare(bytes, data.subarray(0, bytes.length)), id).toBe(0)
}

it('keeps what was acknowledged, and its chain, through kill -9', async () => {
  const done: Acknowledged[] = []
  let seed = 0
  for (let round = 0; round < ROUNDS; round++) {
    const running = await start()
    const uploads = Array.from({ length: 4 }, () => uploadUntilGone(running.url, () => seed++, done))
    await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS + round * 100))
    await kill(running)
    await Promise.all(uploads)
    const again = await start()
    for (const acknowledged of done) await check(again.url, acknowledged)
    await fetch(`${again.url}/mine`)
    for (const { id } of done)
      expect(await (await fetch(`${again.url}/tx/${id}/status`)).json()).toMatchObject({ block_height: expect.any(Number) })
    const { height, current } = (await (await fetch(`${again.url}/info`)).json()) as { height: number; current: string }
    expect(((await (await fetch(`${again.url}/block/height/${height}`)).json()) as { indep_hash: string }).indep_hash).toBe(current)
    await kill(again)
  }
  expect(done.length).toBeGreaterThan(ROUNDS)
})
