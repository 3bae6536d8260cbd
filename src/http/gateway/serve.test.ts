import { describe, expect, it } from 'vitest'
import { sha256 } from '../../base/hash.ts'
import { createDataItemSync, itemSigner } from '../../codec/data-item.ts'
import { generateKey } from '../../codec/keys.ts'
import { Archive, itemRecord, recordWrite } from '../../services/archive.ts'
import type { BlobStore } from '../../store/blob-store.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import type { Request } from '../route.ts'
import { DataServer } from './serve.ts'

const signer = itemSigner(await generateKey('ed25519'))

/** A server over one item of this size, and how often its bytes were read from the store. */
async function serverOf(dataBytes: number) {
  const item = createDataItemSync({ data: new Uint8Array(dataBytes).fill(7) }, signer)
  const blobs = createMemoryBlobStore()
  let reads = 0
  const counting: Pick<BlobStore, 'stream'> = {
    stream(...range) {
      reads += 1
      return blobs.stream(...range)
    },
  }
  const kv = createMemoryKvStore()
  await blobs.put(`item-${item.id}`, item.raw)
  const record = itemRecord(item, { at: 'blob', payloadSha256: sha256(item.data), acceptedAtMs: 0, acceptedHeight: 0 })
  await kv.write([recordWrite(item.id, record)])
  const nothing = { readData: () => Promise.reject(new Error('no transactions here')) as never, hasData: async () => false }
  const server = new DataServer(await Archive.open({ kv, blobs: counting as BlobStore, transactions: nothing }))
  const request = { headers: {}, signal: new AbortController().signal } as unknown as Request
  return {
    async get(): Promise<number> {
      const response = await server.serve(item.id, request, { raw: false })
      const body = response!.body
      if (body instanceof Uint8Array) return body.length
      let size = 0
      for await (const part of body as AsyncIterable<Uint8Array>) size += part.length
      return size
    },
    reads: () => reads,
  }
}

describe('what is kept in memory', () => {
  it('is data of up to 1 MiB: read from the store once', async () => {
    const { get, reads } = await serverOf(1024 * 1024)
    for (let i = 0; i < 3; i += 1) expect(await get()).toBe(1024 * 1024)
    expect(reads()).toBe(1)
  })

  it('is nothing larger: streamed from the store each time', async () => {
    const { get, reads } = await serverOf(1024 * 1024 + 1)
    for (let i = 0; i < 3; i += 1) expect(await get()).toBe(1024 * 1024 + 1)
    expect(reads()).toBe(3)
  })
})
