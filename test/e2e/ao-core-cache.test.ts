/** Nobody fills the disk of a node with GET requests: what need not be kept has its bytes, and what was written to be kept stays. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { keyFromJwk } from '../../src/codec/keys.ts'
import { encodeAns104 } from '../../src/codec/message/ans104.ts'
import { message, type Plain } from '../../src/codec/message/value.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { devWallet } from './wallets.ts'

const CACHE_BYTES = 4 * 1024 * 1024
/** Of pages that LMDB keeps for its transactions. */
const SLACK_BYTES = 1024 * 1024
const REQUESTS = 1200
const AT_ONCE = 8
const operator = itemSigner(keyFromJwk(devWallet('dave')))

let node: TestNode
beforeAll(async () => {
  node = await startTestNode({ aoCacheBytes: CACHE_BYTES, aoOptions: { force_signed: false } })
})
afterAll(() => node.stop())

const text = async (path: string): Promise<string> => (await fetch(`${node.url}${path}`)).text()

async function write(keys: { readonly [key: string]: Plain }): Promise<string> {
  const body = await encodeAns104(message(keys), operator)
  const headers = { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0', accept: 'application/json' }
  const reply = await fetch(`${node.url}/~cache@1.0/write`, { method: 'POST', headers, body })
  expect(reply.status).toBe(200)
  return ((await reply.json()) as { readonly path: string }).path
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

/** A request that has base, request and result kept, and a part of the reply; `n` makes it one that nobody has made before. */
async function ask(n: number): Promise<string> {
  const headers = { 'cache-control': 'always', 'large-header': `${'h'.repeat((n * 97) % 3000)}${n}` }
  const reply = await fetch(`${node.url}/~message@1.0&n=${n}&text=${'t'.repeat(n % 300)}/set&k=${n}&part=(~message@1.0&inner=${n})`, {
    headers,
  })
  await reply.arrayBuffer()
  expect(reply.status).toBe(200)
  return reply.headers.get('part+link') ?? ''
}

it('keeps to its bytes under a flood of distinct requests, and loses nothing that is durable', { timeout: 120_000 }, async () => {
  const values = Array.from({ length: 20 }, (_, i) => `value ${i} `.repeat(1 + i * 500))
  const written: string[] = []
  for (const value of values) written.push(await write({ body: { deep: { er: value } } }))
  const kv = join(node.folder, 'kv')
  const [before, everything] = [bytesOf(kv), bytesOf(node.folder)]
  let [most, last] = [0, '']
  for (let n = 0; n < REQUESTS; n += AT_ONCE) {
    const links = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => ask(n + i)))
    last = links.at(-1)!
    most = Math.max(most, bytesOf(kv))
  }
  expect(most - before).toBeGreaterThan(CACHE_BYTES / 2)
  expect(most - before).toBeLessThan(CACHE_BYTES + SLACK_BYTES)
  expect(bytesOf(node.folder) - everything - (bytesOf(kv) - before)).toBeLessThan(SLACK_BYTES) // Nor does it go anywhere else.
  expect(await text(`/${last}/inner`)).toBe(String(REQUESTS - 1))
  for (const [i, id] of written.entries()) expect(await text(`/${id}/deep/er`)).toBe(values[i])
  node = await node.restart()
  for (const [i, id] of written.entries()) expect(await text(`/${id}/deep/er`)).toBe(values[i])
  expect(await text(`/${last}/inner`)).toBe(String(REQUESTS - 1))
  for (let n = 0; n < 200; n++) await ask(REQUESTS + n)
  expect(bytesOf(kv) - before).toBeLessThan(CACHE_BYTES + SLACK_BYTES)
})

it('is empty after a reset', async () => {
  const id = await write({ body: { a: 'durable' } })
  const link = await ask(9999)
  expect(await text(`/${link}/inner`)).toBe('9999')
  expect((await fetch(`${node.url}/reset`)).status).toBe(200)
  expect((await fetch(`${node.url}/${id}/a`)).status).toBe(404)
  expect((await fetch(`${node.url}/${link}/inner`)).status).toBe(404)
  expect(await text(`/${await ask(9999)}/inner`)).toBe('9999')
})
