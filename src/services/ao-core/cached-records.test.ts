import { describe, expect, it, vi } from 'vitest'
import { walletOf } from '../../../test/ao-core-kernel.ts'
import { fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { AO_CORE_CACHE_BYTES_MAX } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { commit, commitUnsigned } from '../../codec/message/commit.ts'
import { linkId, messageId, unsignedId } from '../../codec/message/id.ts'
import { messageSigner } from '../../codec/message/signers.ts'
import { isMessage, Link, type Message, message, type Value } from '../../codec/message/value.ts'
import { verifyCommitment } from '../../codec/message/verify.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { CachedRecords, cachedBytes } from './cached-records.ts'
import { DurableMessageStore } from './message-store.ts'

const BYTES_MAX = 600_000
const DURABLE = { isDurable: true }
const nothing = async (): Promise<null> => null
const archive = { find: nothing, itemRaw: nothing, transaction: nothing, readData: nothing, hasData: async () => false }

/** A store whose memory can be forgotten by opening it anew. */
function disk(): { readonly kv: KvStore; open(cacheBytesMax?: number): Promise<DurableMessageStore> } {
  const [kv, blobs] = [createMemoryKvStore(), createMemoryBlobStore()]
  const open = (cacheBytesMax = BYTES_MAX): Promise<DurableMessageStore> =>
    DurableMessageStore.open({ kv, blobs, archive, log: silentLog, verify: verifyCommitment, cacheBytesMax })
  return { kv, open }
}

async function used(kv: KvStore): Promise<number> {
  const records: KvWrite[] = []
  for await (const { key, value } of kv.scan('cached')) records.push({ space: 'messages', key, value })
  return cachedBytes(records)
}

/** Writes as much as fills the cache so many times, and gives the ids. */
async function fill(store: DurableMessageStore, times: number, name: string): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < times * 600; n++) {
    ids.push(await store.write(message({ [name]: n, text: 'x'.repeat(400 + (n % 200)) + n })))
    if (n % 20 === 0) await store.flush()
  }
  await store.flush()
  return ids
}

async function whole(store: DurableMessageStore, value: Value | null): Promise<Value | null> {
  if (value instanceof Link) return whole(store, await store.read(value.id))
  if (!isMessage(value)) return value
  const entries = [...value].map(async ([key, item]): Promise<[string, Value]> => [key, (await whole(store, item)) as Value])
  return new Map(await Promise.all(entries))
}

describe('what need not be durable', () => {
  it('has its bytes and no more, and the oldest goes first', async () => {
    const { kv, open } = disk()
    const store = await open()
    let most = 0
    const write = kv.write.bind(kv)
    vi.spyOn(kv, 'write').mockImplementation(async (batch) => {
      await write(batch)
      most = Math.max(most, await used(kv))
    })
    const ids = await fill(store, 4, 'n')
    expect(most).toBeLessThanOrEqual(BYTES_MAX)
    expect(most).toBeGreaterThan(BYTES_MAX / 2)
    const cached = await CachedRecords.open(kv, BYTES_MAX)
    const found: boolean[] = []
    for (const id of ids) found.push((await cached.get('messages', fromBase64url(id))) !== null)
    const first = found.indexOf(true)
    expect(first).toBeGreaterThan(ids.length / 2)
    expect(found.slice(first).every(Boolean)).toBe(true)
    expect(found.length - first).toBeGreaterThan(100)
  })

  it('leaves alone what is durable, also of the same content', async () => {
    const { open } = disk()
    const store = await open()
    const signed = await commit(
      message({ child: { deep: ['x', { y: 'z'.repeat(1000) }] }, big: 'b'.repeat(100_000), a: 'c' }),
      messageSigner(walletOf('alice')),
    )
    await store.write(signed)
    await store.writeAt('a/path', 'v'.repeat(1000))
    await store.write(signed, DURABLE)
    await store.writeAt('a/path', 'v'.repeat(1000), DURABLE)
    await store.write(signed)
    await store.writeAt('a/path', 'other')
    await fill(store, 3, 'n')
    const again = await open()
    for (const id of [unsignedId(signed), messageId(signed, { committers: 'all' })]) {
      expect(await again.read(`${id}/child/deep/2/y`)).toBe('z'.repeat(1000))
      expect(await again.read(`${id}/big`)).toBe('b'.repeat(100_000))
    }
    expect(await again.read('a/path')).toBe('v'.repeat(1000))
    expect(await again.match(message({ a: 'c' }))).toEqual([unsignedId(signed)])
  })

  it('becomes durable with what is durable and links to it', async () => {
    const { kv, open } = disk()
    const store = await open(AO_CORE_CACHE_BYTES_MAX)
    const alice = messageSigner(walletOf('alice'))
    const noted = commitUnsigned(message({ text: 't'.repeat(300) }))
    const leaf = await commit(message({ noted, big: 'b'.repeat(100_000) }), alice)
    const middle = message({ leaf, list: [1, { two: 'l'.repeat(200) }] })
    await store.write(middle)
    const outer = await commit(message({ deep: { link: new Link(linkId(middle)) } }), alice)
    await store.write(outer, DURABLE)
    const value = 'w'.repeat(2000)
    await store.write(message({ named: { value } }))
    await store.link(`${unsignedId(message({ named: { value } }))}/named`, 'the/name', DURABLE)
    const linked = await commit(message({ other: value }), alice)
    await store.write(linked)
    await store.writeAt('a/link', new Link(linkId(linked)), DURABLE)
    const gone: KvWrite[] = []
    for await (const { key } of kv.scan('cached')) gone.push({ space: 'cached', key, value: null })
    await kv.write(gone)
    const again = await open()
    const read = (await whole(again, await again.read(messageId(outer, { committers: 'all' })))) as Message
    expect(linkId((read.get('deep') as Message).get('link') as Message)).toBe(linkId(middle))
    expect(await again.read(`${unsignedId(outer)}/deep/link/list/2/two`)).toBe('l'.repeat(200))
    expect(await again.read(`${linkId(leaf)}/noted/text`)).toBe('t'.repeat(300))
    expect(await again.read('the/name/value')).toBe(value)
    expect(await whole(again, await again.read('a/link'))).toEqual(linked)
  })

  it('lives on when it is read', async () => {
    const { open } = disk()
    const [kept, other] = [message({ text: 'k'.repeat(1000), child: { a: 'b' } }), message({ text: 'o'.repeat(1000) })]
    const first = await open()
    await first.write(kept)
    await first.write(other)
    await first.writeAt('computed/x', 'y'.repeat(500))
    await first.close()
    for (let round = 0; round < 10; round++) {
      const store = await open()
      await fill(store, 0.2, `round ${round}`)
      expect(await whole(store, await store.read(unsignedId(kept))), `round ${round}`).toEqual(kept)
      expect(await store.read('computed/x')).toBe('y'.repeat(500))
      await store.close()
    }
    expect(await (await open()).read(unsignedId(other))).toBeNull()
  })

  it('is nothing where a part of it is gone, and whole when it is written again', async () => {
    const { kv, open } = disk()
    const store = await open()
    const [alone, signed] = [message({ text: 't'.repeat(1000) }), await commit(message({ a: 'x' }), messageSigner(walletOf('alice')))]
    const large = message({ large: 'l'.repeat(200_000) })
    const big = await open(10_000_000)
    await big.write(large)
    await big.flush()
    await store.write(alone)
    await store.write(signed)
    await store.writeAt('computed/x', 'y'.repeat(500))
    await store.flush()
    const parts: KvWrite[] = []
    for await (const { key } of kv.scan('cached')) if (key[4] === 1 || key[4] === 2) parts.push({ space: 'cached', key, value: null })
    await kv.write(parts.filter(({ key }) => key.length !== 37 || key[4] === 2)) // All commitments, and pieces of values.
    expect(await (await open()).read(unsignedId(large))).toBeNull()
    await kv.write(parts)
    const again = await open()
    const ids = [unsignedId(alone), messageId(signed, { committers: 'all' }), 'computed/x', `${unsignedId(alone)}/text`]
    for (const id of ids) expect(await again.read(id), id).toBeNull()
    await expect(again.link(unsignedId(alone), 'elsewhere', DURABLE)).rejects.toMatchObject({ code: 'not-found' })
    await again.write(alone)
    await again.write(signed)
    expect(await again.read(unsignedId(alone))).toEqual(alone)
    expect(await again.read(ids[1]!)).toEqual(signed)
  })

  it('is not kept when it is too large or when there is no room at all', async () => {
    const { kv, open } = disk()
    const large = message({ large: 'l'.repeat(BYTES_MAX) })
    const store = await open()
    expect(await store.write(large)).toBe(unsignedId(large))
    const none = await open(0)
    expect(await none.write(message({ a: 'x' }))).toBe(unsignedId(message({ a: 'x' })))
    await Promise.all([store.flush(), none.flush()])
    expect(await used(kv)).toBe(0)
    await none.write(large, DURABLE)
    expect(await (await open()).read(`${unsignedId(large)}/large`)).toBe('l'.repeat(BYTES_MAX))
  })

  it('makes room when it gets less than it had', async () => {
    const { kv, open } = disk()
    const roomy = await open(AO_CORE_CACHE_BYTES_MAX)
    const [last] = (await fill(roomy, 4, 'n')).slice(-1)
    await roomy.close()
    expect(await used(kv)).toBeGreaterThan(2 * BYTES_MAX)
    const same = await open(AO_CORE_CACHE_BYTES_MAX / 2)
    expect(await same.read(`${last}/n`)).toBe(4 * 600 - 1)
    await open()
    expect(await used(kv)).toBeLessThanOrEqual(BYTES_MAX)
    const store = await open()
    await fill(store, 1, 'm')
    expect(await used(kv)).toBeLessThanOrEqual(BYTES_MAX)
    await open(0)
    expect(await used(kv)).toBe(0)
  })

  it('counts on after a failure and after a crash at any batch', async () => {
    const { kv, open } = disk()
    const write = kv.write.bind(kv)
    let batches = 0
    let most = 0
    vi.spyOn(kv, 'write').mockImplementation(async (batch) => {
      batches += 1
      if (batches % 7 === 0) throw new Error('no space')
      await write(batch)
      most = Math.max(most, await used(kv)) // Judged below: what is thrown here is taken for a failure of the store.
    })
    for (let round = 0; round < 12; round++) {
      const store = await open()
      for (let n = 0; n < 200; n++) {
        await store.write(message({ round, n, text: `${'x'.repeat(500)}${round} ${n}` }))
        if (n % 20 === 0) await store.flush().catch(() => {})
      }
    }
    expect(batches).toBeGreaterThan(100)
    expect(most).toBeLessThanOrEqual(BYTES_MAX)
    expect(await used(kv)).toBeGreaterThan(BYTES_MAX / 4)
  })
})

describe('generations', () => {
  const record = (key: string): KvWrite => ({ space: 'values', key: utf8(key), value: new Uint8Array(1000) })

  it('are seen while they are young or old, and emptied twice as fast as they fill', async () => {
    const kv = createMemoryKvStore()
    const cached = await CachedRecords.open(kv, 60_000)
    const put = async (...keys: string[]): Promise<void> => {
      const { generation } = cached
      const writes = keys.map(record)
      const bytes = cachedBytes(writes)
      expect(bytes).toBeLessThanOrEqual(cached.batchBytesMax)
      cached.seal(bytes)
      await cached.commit({ generation, writes, bytes }, [])
    }
    const perGeneration = Math.ceil(60_000 / 4 / cachedBytes([record('xxx')]))
    const first = cached.generation
    for (let n = 0; cached.generation === first; n++) await put(`a${String(n).padStart(2, '0')}`)
    expect(await cached.get('values', utf8('a00'))).toMatchObject({ isOld: true })
    for (let n = 0; n < perGeneration; n++) await put(`b${String(n).padStart(2, '0')}`)
    expect(cached.generation).toBe(first + 2)
    expect(await cached.get('values', utf8('a00'))).toBeNull()
    expect(await cached.get('values', utf8('b00'))).toMatchObject({ isOld: true })
    expect(await cached.get('messages', utf8('b00'))).toBeNull()
    const left = async (): Promise<number> => {
      let count = 0
      for await (const { key } of kv.scan('cached')) if (key[3] === first) count++
      return count
    }
    const before = await left()
    await put('c00')
    expect(await left()).toBe(before - 2)
    expect(toBase64url((await cached.firstKey('values', utf8('b'), utf8('b')))!)).toBe(toBase64url(utf8('b00')))
    expect(await cached.firstKey('values', utf8('a'), utf8('a'))).toBeNull()
  })
})
