import { describe, expect, it, vi } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { WRITE_BEHIND_BYTES_MAX } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import type { BlobName } from '../../store/blob-store.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { CachedRecords } from './cached-records.ts'
import { type Deposit, WriteBehind } from './write-behind.ts'

const NONE: ReadonlyMap<BlobName, Uint8Array> = new Map()
const put = (key: string, value = key): KvWrite => ({ space: 'values', key: utf8(key), value: utf8(value) })
const blobName: BlobName = `value-${'a'.repeat(43)}`

async function open(): Promise<{
  kv: ReturnType<typeof createMemoryKvStore>
  blobs: ReturnType<typeof createMemoryBlobStore>
  lost: () => number
  behind: WriteBehind
}> {
  const [kv, blobs] = [createMemoryKvStore(), createMemoryBlobStore()]
  const cached = await CachedRecords.open(kv, 1024 * 1024)
  let lost = 0
  return { kv, blobs, lost: () => lost, behind: new WriteBehind({ kv, cached, blobs, log: silentLog, onLost: () => lost++ }) }
}

describe('writes behind', () => {
  it('are seen before they are written, and written without being asked for', async () => {
    const { kv, behind } = await open()
    const written = new Promise<void>((resolve) => {
      const write = kv.write.bind(kv)
      vi.spyOn(kv, 'write').mockImplementation(async (batch) => {
        await write(batch)
        resolve()
      })
    })
    behind.put({ isDurable: true, writes: [put('a'), put('b')], blobs: new Map([[blobName, utf8('blob')]]) })
    expect(await behind.get('values', utf8('a'))).toEqual(utf8('a'))
    expect(await behind.blob(blobName)).toEqual(utf8('blob'))
    expect(await kv.get('values', utf8('a'))).toBeNull()
    await written
    expect(await kv.get('values', utf8('b'))).toEqual(utf8('b'))
    expect(await behind.get('values', utf8('b'))).toEqual(utf8('b'))
  })

  it('name a blob only when it is there', async () => {
    const { kv, blobs, behind } = await open()
    const order: string[] = []
    const [write, keep] = [kv.write.bind(kv), blobs.put.bind(blobs)]
    vi.spyOn(kv, 'write').mockImplementation((batch) => {
      order.push('kv')
      return write(batch)
    })
    vi.spyOn(blobs, 'put').mockImplementation(async (...blob) => {
      await keep(...blob)
      order.push('blob')
    })
    behind.put({ isDurable: true, writes: [put('a')], blobs: new Map([[blobName, utf8('blob')]]) })
    await behind.flush()
    expect(order).toEqual(['blob', 'kv'])
  })

  it('fail those who wait for them, and nobody later', async () => {
    const { kv, lost, behind } = await open()
    vi.spyOn(kv, 'write').mockRejectedValueOnce(new Error('no space'))
    behind.put({ isDurable: true, writes: [put('a')], blobs: NONE })
    const [first, second] = [behind.flush(), behind.flush()]
    await expect(first).rejects.toThrow('no space')
    await expect(second).rejects.toThrow('no space')
    expect(lost()).toBe(1)
    expect(await behind.get('values', utf8('a'))).toBeNull()
    await behind.flush()
    behind.put({ isDurable: true, writes: [put('b')], blobs: NONE })
    await behind.flush()
    expect(await kv.get('values', utf8('b'))).toEqual(utf8('b'))
  })

  it('fail also those whose writes came after ones that were lost', async () => {
    const { kv, behind } = await open()
    const failing = Promise.withResolvers<void>()
    vi.spyOn(kv, 'write').mockReturnValueOnce(failing.promise)
    behind.put({ isDurable: true, writes: [put('child')], blobs: NONE })
    const child = behind.flush()
    await Promise.resolve()
    behind.put({ isDurable: true, writes: [put('parent')], blobs: NONE })
    const parent = behind.flush()
    failing.reject(new Error('no space'))
    await expect(child).rejects.toThrow('no space')
    await expect(parent).rejects.toThrow('no space')
  })

  it('show what is durable before what is not, and wait for the next flush where there is no more room', async () => {
    const { kv, behind } = await open()
    const cached = (key: string, bytes: number): Deposit => ({
      isDurable: false,
      writes: [{ space: 'values', key: utf8(key), value: new Uint8Array(bytes) }],
      blobs: NONE,
    })
    expect(await behind.keep(cached('a', 10))).toBe(behind.generation)
    behind.put({ isDurable: true, writes: [put('a', 'durable')], blobs: NONE })
    expect(await behind.get('values', utf8('a'))).toEqual(utf8('durable'))
    await behind.flush()
    expect(await behind.get('values', utf8('a'))).toEqual(utf8('durable'))
    expect(await behind.getDurable('values', utf8('b'))).toBeNull()
    const write = vi.spyOn(kv, 'write')
    const kept = await Promise.all(['b', 'c', 'd', 'e'].map((key) => behind.keep(cached(key, 40_000))))
    expect(kept.every((generation) => generation !== null)).toBe(true)
    expect(write).toHaveBeenCalled() // A batch takes a twelfth of a mebibyte.
    expect(await behind.get('values', utf8('e'))).toHaveLength(40_000)
    expect(await behind.keep(cached('large', 100_000))).toBeNull()
    expect(await behind.get('values', utf8('large'))).toBeNull()
  })

  it('are not written over by who reads an older one at the same time', async () => {
    const { behind } = await open()
    const keep = (key: string, value: Uint8Array): Promise<number | null> =>
      behind.keep({ isDurable: false, writes: [{ space: 'paths', key: utf8(key), value }], blobs: NONE })
    const keys = Array.from({ length: 10 }, (_, ticks) => `path ${ticks}`)
    const first = behind.generation
    for (const key of keys) await keep(key, utf8('old'))
    for (let n = 0; behind.generation === first; n++) {
      await keep(`other ${n}`, new Uint8Array(20_000))
      await behind.flush()
    }
    for (const [ticks, key] of keys.entries()) {
      const reading = behind.get('paths', utf8(key))
      for (let i = 0; i < ticks; i++) await null
      behind.put({ isDurable: false, writes: [{ space: 'paths', key: utf8(key), value: utf8('new') }], blobs: NONE })
      await reading
      expect(await behind.get('paths', utf8(key)), `after ${ticks} ticks`).toEqual(utf8('new'))
    }
  })

  it('make those wait who would let too much pile up', async () => {
    const { kv, behind } = await open()
    const slow = Promise.withResolvers<void>()
    vi.spyOn(kv, 'write').mockReturnValueOnce(slow.promise)
    behind.put({
      isDurable: true,
      writes: [{ space: 'values', key: utf8('large'), value: new Uint8Array(WRITE_BEHIND_BYTES_MAX) }],
      blobs: NONE,
    })
    let hasRoom = false
    const room = behind.room().then(() => {
      hasRoom = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasRoom).toBe(false)
    slow.resolve()
    await room
    expect(hasRoom).toBe(true)
  })
})
