import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { sha256 } from '../base/hash.ts'
import { silentLog } from '../base/log.ts'
import { createDataItemSync, type DataItem, itemSigner } from '../codec/data-item.ts'
import { generateKey } from '../codec/keys.ts'
import { createMemoryBlobStore } from '../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../store/memory/memory-kv-store.ts'
import { Archive } from './archive.ts'
import { type BundleCarrier, Bundler } from './bundler.ts'

const DELAY_MS = 20
const signer = itemSigner(await generateKey('ed25519'))
const key = await generateKey('secp256k1')
let count = 0

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function newItem(): DataItem {
  count += 1
  return createDataItemSync({ data: `item ${count}` }, signer)
}

async function open(isBroken: () => boolean = () => false) {
  const kv = createMemoryKvStore()
  const nothing = { readData: () => Promise.reject(new Error('no transactions here')) as never, hasData: async () => false }
  const archive = await Archive.open({ kv, blobs: createMemoryBlobStore(), transactions: nothing })
  const bundled: string[][] = []
  const carrier: BundleCarrier = {
    async acceptOwnBundle(_tx, _chunks, { writes, events }) {
      if (isBroken()) throw new Error('the carrier is down')
      await kv.write(writes)
      bundled.push(events.flatMap((event) => (event.kind === 'bundled' ? event.ids : [])))
    },
    anchor: () => new Uint8Array(0),
    feeWinston: () => 1n,
  }
  const bundler = await Bundler.open({ kv, archive, carrier, key, delayMs: DELAY_MS, log: silentLog })
  bundler.start()
  const commit = (item: DataItem, queued: ReturnType<Bundler['enqueue']>): Promise<void> => {
    const { writes } = archive.storeItem(item, { payloadSha256: sha256(item.data), acceptedAtMs: 0, acceptedHeight: 0 })
    return kv.write([...writes, queued])
  }
  return { bundler, bundled, commit }
}

it('takes what arrived along after the delay, in order', async () => {
  const { bundler, bundled, commit } = await open()
  const items = [newItem(), newItem()]
  for (const item of items) await commit(item, bundler.enqueue(item.id))
  await vi.advanceTimersByTimeAsync(DELAY_MS - 1)
  expect(bundled).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  await vi.waitFor(() => expect(bundled).toEqual([items.map(({ id }) => id)]))
  await bundler.stop()
})

it('does not forget an item whose commit takes longer than the delay', async () => {
  const { bundler, bundled, commit } = await open()
  const item = newItem()
  const queued = bundler.enqueue(item.id)
  await vi.advanceTimersByTimeAsync(10 * DELAY_MS)
  await commit(item, queued)
  expect(bundled).toEqual([])
  await vi.advanceTimersByTimeAsync(2_000)
  await vi.waitFor(() => expect(bundled).toEqual([[item.id]]))
  await bundler.stop()
})

it('stops waiting for an item that was never committed', async () => {
  const { bundler } = await open()
  const others = vi.getTimerCount() // Test files share a process, so a timer may belong to another.
  bundler.enqueue(newItem().id)
  expect(vi.getTimerCount()).toBeGreaterThan(others)
  await vi.advanceTimersByTimeAsync(10 * 60_000)
  expect(vi.getTimerCount()).toBeLessThanOrEqual(others)
  await bundler.stop()
})

it('tries again when a bundle was not taken', async () => {
  let isBroken = true
  const { bundler, bundled, commit } = await open(() => isBroken)
  const item = newItem()
  await commit(item, bundler.enqueue(item.id))
  await vi.advanceTimersByTimeAsync(3_000)
  expect(bundled).toEqual([])
  isBroken = false
  await vi.advanceTimersByTimeAsync(2_000)
  await vi.waitFor(() => expect(bundled).toEqual([[item.id]]))
  await bundler.stop()
})
