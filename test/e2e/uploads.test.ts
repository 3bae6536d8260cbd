/** Uploads that are large, many at once, cut off, or repeated. */

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Bundle, createData } from '@dha-team/arbundles'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  arweaveOf,
  ask,
  bundleOf,
  bytesOf,
  nodeOf,
  pattern,
  postBytes,
  query,
  type Receipt,
  sha256,
  signedItem,
  statusOf,
  until,
  upload,
} from './support/client.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { signerOf } from './support/signers.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 30 * MIB
const LARGER_BYTES = 150 * MIB
/** An item five times as large may not take nearly as much more memory. */
const PEAK_GROWTH_MAX = (LARGER_BYTES - LARGE_BYTES) / 2

const solana = signerOf('solana')
const folder = mkdtempSync(join(tmpdir(), 'heddle-uploads-'))

let node: NodeProcess
beforeAll(async () => {
  node = await startProcess(folder)
})
afterAll(async () => {
  await node.kill()
  rmSync(folder, { recursive: true, force: true })
})

async function largeItem(seed: number, bytes = LARGE_BYTES): Promise<Buffer> {
  const data = Buffer.alloc(bytes, pattern(MIB, seed))
  for (let at = 0; at < bytes; at += MIB) data.writeUInt32LE(at, at)
  const item = createData(data, solana, { tags: [{ name: 'Content-Type', value: 'video/mp4' }] })
  await item.sign(solana)
  return item.getRaw()
}

function idOf(raw: Uint8Array): string {
  return sha256(raw.subarray(2, 66))
}

/** Sends the parts with pauses for the event loop between them; without a length the body goes out in HTTP chunks. */
function send(path: string, parts: Iterable<Uint8Array>, headers: Record<string, string>, cutAfter = Number.POSITIVE_INFINITY) {
  return new Promise<{ status: number; body: string } | null>((resolve, reject) => {
    const sent = httpRequest(
      `${node.url}${path}`,
      { method: 'POST', headers: { 'content-type': 'application/octet-stream', ...headers } },
      (response) => {
        let body = ''
        response.on('data', (part: Buffer) => {
          body += part.toString()
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    sent.on('error', (error: NodeJS.ErrnoException) => (cutAfter === Number.POSITIVE_INFINITY ? reject(error) : resolve(null)))
    const write = async () => {
      let count = 0
      for (const part of parts) {
        if (count === cutAfter) return void sent.destroy()
        count += 1
        if (!sent.write(part)) await new Promise((drained) => sent.once('drain', drained))
      }
      sent.end()
    }
    write().catch(reject)
  })
}

function* slices(bytes: Uint8Array, size = 64 * 1024): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('a large item', () => {
  it('of 30 MB is readable at once, is bundled, and comes back from its chunks', async () => {
    const raw = await largeItem(1)
    const data = raw.subarray(raw.length - LARGE_BYTES)
    const answer = await send('/tx', slices(raw), { 'content-length': String(raw.length) })
    expect(answer?.status).toBe(200)
    const { id } = JSON.parse(answer!.body) as Receipt
    const small = await signedItem(solana, 'beside the large one')
    await upload(node.url, small)
    expect(await digestOf(`/${id}`)).toBe(sha256(data))
    expect((await ask(`${node.url}/${id}`, { method: 'HEAD' })).headers.get('etag')).toBe(`"${sha256(data)}"`)
    const bundle = await sealedBundleOf(id)
    expect(await nodeOf(node.url, id)).toMatchObject({
      data: { size: String(LARGE_BYTES), type: 'video/mp4' },
      bundledIn: { id: bundle },
      block: {},
    })
    const downloaded = new Bundle(Buffer.from(await arweaveOf(node.url).chunks.downloadChunkedData(bundle)))
    const found = downloaded.items.find((item) => item.id === id)
    expect(found?.getRaw().equals(raw)).toBe(true)
  })

  it('is never held in memory: five times the size takes hardly more', async (t) => {
    const before = node.peakBytes()
    t.skip(before === null, 'memory is only known on Linux')
    const raw = await largeItem(2, LARGER_BYTES)
    expect((await send('/tx', slices(raw), { 'content-length': String(raw.length) }))?.status).toBe(200)
    expect(await digestOf(`/${idOf(raw)}`)).toBe(sha256(raw.subarray(raw.length - LARGER_BYTES)))
    await digestOf(`/raw/${await sealedBundleOf(idOf(raw))}`)
    expect(node.peakBytes()! - before!).toBeLessThan(PEAK_GROWTH_MAX)
  })

  it('is accepted without a length, and again with the same receipt', async () => {
    const raw = await largeItem(3, 3 * MIB)
    const first = await send('/v1/tx', slices(raw), {})
    expect(first?.status).toBe(200)
    expect(await send('/tx/arweave', slices(raw), { 'content-length': String(raw.length) })).toEqual(first)
    expect(await postBytes(`${node.url}/tx`, raw)).toMatchObject({ status: 200, body: first!.body })
  })

  it('needs no content type, however large', async () => {
    const raw = await largeItem(6, 16 * MIB)
    const { status, body } = await ask(`${node.url}/tx`, { method: 'POST', body: raw })
    expect({ status, id: (JSON.parse(body) as Receipt).id }).toEqual({ status: 200, id: idOf(raw) })
  })

  it('leaves nothing when its sender goes away, and can be sent again', async () => {
    const raw = await largeItem(4, 5 * MIB)
    const id = idOf(raw)
    for (const headers of [{ 'content-length': String(raw.length) }, {}] as Record<string, string>[]) {
      expect(await send('/tx', slices(raw), headers, 30)).toBe(null)
      expect((await ask(`${node.url}/${id}`)).status).toBe(404)
      expect(await nodeOf(node.url, id)).toBe(null)
      await until('its draft is gone', async () => (readdirSync(join(folder, 'blobs', 'drafts')).length === 0 ? true : null))
    }
    expect((await send('/tx', slices(raw), {}))?.status).toBe(200)
    expect((await ask(`${node.url}/${id}`, { method: 'HEAD' })).status).toBe(200)
  })

  it('whose content was changed is refused', async () => {
    const raw = await largeItem(5, 3 * MIB)
    const id = idOf(raw)
    raw[2 * MIB]! ^= 1
    const answer = await send('/tx', slices(raw), {})
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('Invalid Data Item!') })
    expect((await ask(`${node.url}/${id}`)).status).toBe(404)
  })
})

/** The bundle that took the item, once it is in a block. */
async function sealedBundleOf(id: string): Promise<string> {
  await until(`${id} is in a block`, async () => ((await statusOf(node.url, id)).blockHeight === undefined ? null : true))
  return bundleOf(node.url, id)
}

/** Of a body that is not held in memory. */
async function digestOf(path: string): Promise<string> {
  const response = await fetch(`${node.url}${path}`)
  expect(response.status, path).toBe(200)
  const hash = createHash('sha256')
  for await (const part of response.body!) hash.update(part)
  return hash.digest('base64url')
}

describe('many uploads at once', () => {
  it('are all acknowledged, readable, found, and in a block', async () => {
    const items = await Promise.all(
      Array.from({ length: 400 }, (_, i) => signedItem(solana, `many ${i}`, { tags: [{ name: 'Batch', value: 'many' }] })),
    )
    const receipts = await Promise.all(items.map((item) => upload(node.url, item, '/tx?receipt=none')))
    expect(receipts.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    const text = '{ transactions(tags: { name: "Batch", values: "many" }, first: 1000) { count edges { node { id } } } }'
    const { transactions } = await query<{ transactions: { count: string; edges: unknown[] } }>(node.url, text)
    expect([transactions.count, transactions.edges.length]).toEqual(['400', 400])
    const bodies = await Promise.all(items.map(({ id }) => bytesOf(`${node.url}/${id}`)))
    expect(bodies.map((bytes) => Buffer.from(bytes).toString())).toEqual(items.map((_, i) => `many ${i}`))
    for (const { id } of items) await sealedBundleOf(id)
  })

  it('of one item are one item', async () => {
    const item = await signedItem(solana, 'sent by everybody')
    const receipts = await Promise.all(Array.from({ length: 30 }, () => upload(node.url, item)))
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1)
    const { transactions } = await query<{ transactions: { count: string } }>(node.url, `{ transactions(ids: "${item.id}") { count } }`)
    expect(transactions.count).toBe('1')
  })
})
