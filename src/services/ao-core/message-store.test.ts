import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { messageStoreContract } from '../../../test/message-store.contract.ts'
import { toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { silentLog } from '../../base/log.ts'
import { commit, commitUnsigned } from '../../codec/message/commit.ts'
import { committersOf, messageId, unsignedId } from '../../codec/message/id.ts'
import { messageSigner } from '../../codec/message/signers.ts'
import { type Message, message } from '../../codec/message/value.ts'
import { verifyCommitment } from '../../codec/message/verify.ts'
import type { KvStore, Space } from '../../store/kv-store.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import type { ItemArchive } from './archived.ts'
import { DurableMessageStore, type MessageStoreDeps } from './message-store.ts'

const emptyArchive: ItemArchive = {
  find: async () => null,
  itemRaw: async () => null,
  transaction: async () => null,
  readData: async () => null,
  hasData: async () => false,
}

function openStore(parts: Partial<MessageStoreDeps> = {}): Promise<DurableMessageStore> {
  const memory = { kv: createMemoryKvStore(), blobs: createMemoryBlobStore(), archive: emptyArchive }
  return DurableMessageStore.open({ ...memory, log: silentLog, verify: verifyCommitment, ...parts })
}

describe('durable MessageStore', () => messageStoreContract(() => openStore()))

describe('durable MessageStore, on disk', () => {
  const wallet = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../dev/wallets/${name}.json`, import.meta.url), 'utf8'))
  const alice = messageSigner(wallet('alice'))

  it('has after a crash what was durable, with all that it leads to', async () => {
    const [kv, blobs] = [createMemoryKvStore(), createMemoryBlobStore()]
    const store = await openStore({ kv, blobs })
    const signed = await commit(message({ child: { deep: ['x', { y: 'z' }] }, big: 'b'.repeat(100_000), a: 'c' }), alice)
    await store.write(message({ child: { deep: ['x', { y: 'z' }] } })) // Not durable, and part of what is.
    const id = await store.write(signed, { isDurable: true })
    await store.writeAt('name', 'value', { isDurable: true })
    await store.link(`${id}/child`, 'the/child', { isDurable: true })
    const again = await openStore({ kv, blobs })
    for (const own of [id, messageId(signed, { committers: 'all' })]) {
      expect(await again.read(`${own}/child/deep/2/y`)).toBe('z')
      expect(await again.read(`${own}/big`)).toBe('b'.repeat(100_000))
    }
    expect(await again.read('name')).toBe('value')
    expect(await again.read('the/child/deep/1')).toBe('x')
  })

  it('gathers what need not be durable, and shows it at once', async () => {
    const kv = createMemoryKvStore()
    const write = vi.spyOn(kv, 'write')
    const store = await openStore({ kv })
    const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => store.write(message({ n: i }))))
    expect(write).not.toHaveBeenCalled()
    expect(await store.read(`${ids[7]}/n`)).toBe(7)
    await store.flush()
    expect(write).toHaveBeenCalledTimes(1)
    expect(await (await openStore({ kv })).read(`${ids[99]}/n`)).toBe(99)
  })

  it('acknowledges nothing that the disk did not take, and writes it again later', async () => {
    const kv = createMemoryKvStore()
    const store = await openStore({ kv })
    const full = vi.spyOn(kv, 'write').mockRejectedValueOnce(new HeddleError('store-failed', { what: 'write' }, 'the disk is full'))
    const one = message({ a: { b: 'c' } })
    await expect(store.write(one, { isDurable: true })).rejects.toMatchObject({ code: 'store-failed' })
    expect(full).toHaveBeenCalledTimes(1)
    const id = await store.write(one, { isDurable: true })
    expect(await (await openStore({ kv })).read(`${id}/a/b`)).toBe('c')
  })

  it('writes what waits when it is closed, and nothing after that', async () => {
    const kv = createMemoryKvStore()
    const store = await openStore({ kv })
    const id = await store.write(message({ a: 'x' }))
    await store.close()
    await expect(store.write(message({ a: 'y' }))).rejects.toMatchObject({ code: 'stopping' })
    expect(await (await openStore({ kv })).read(`${id}/a`)).toBe('x')
    expect(await store.read(`${id}/a`)).toBe('x')
  })

  it('writes the same again only once', async () => {
    const kv = createMemoryKvStore()
    const store = await openStore({ kv })
    await store.write(message({ a: { b: 'c' } }), { isDurable: true })
    const write = vi.spyOn(kv, 'write')
    await store.write(message({ a: { b: 'c' } }), { isDurable: true })
    expect(write).not.toHaveBeenCalled()
  })

  it('keeps equal values once', async () => {
    const kv = createMemoryKvStore()
    const store = await openStore({ kv })
    const long = 'x'.repeat(1000)
    await store.write(message({ a: long, b: long, c: { long } }), { isDurable: true })
    expect(await count(kv, 'values')).toBe(1)
  })

  it('gives the same object while it is in memory', async () => {
    const store = await openStore()
    const id = await store.write(message({ a: 'x' }))
    expect(await store.read(id)).toBe(await store.read(id))
  })

  it('shows a commitment that came later', async () => {
    const store = await openStore()
    const plain = message({ a: 'x' })
    const id = await store.write(plain)
    expect(await store.read(id)).toEqual(plain)
    const committed = commitUnsigned(plain)
    await store.write(committed)
    expect(await store.read(id)).toEqual(committed)
  })

  it('keeps no message under a signature that is not over it', async () => {
    const kv = createMemoryKvStore()
    const store = await openStore({ kv })
    const signed = await commit(message({ a: 'x' }), alice)
    const forged = new Map(signed).set('a', 'other')
    await expect(store.write(forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    await expect(store.write(message({ inner: forged }))).rejects.toMatchObject({ code: 'signature-invalid' })
    const commitments = signed.get('commitments') as Message
    const renamed = new Map([...commitments].map(([, value], i) => [toBase64url(Uint8Array.from({ length: 32 }, () => i)), value]))
    await expect(store.write(new Map(signed).set('commitments', renamed))).rejects.toMatchObject({ code: 'id-mismatch' })
    await store.flush()
    expect(await count(kv, 'paths')).toBe(0)
    expect(await store.read(messageId(signed, { committers: 'all' }))).toBeNull()
  })

  it('does not take a commitment for checked because one that cannot be checked had its id', async () => {
    const store = await openStore()
    const wanted = messageId(await commit(message({ a: 'x' }), alice), { committers: 'all' })
    const claim = (keyid: string): Message =>
      message({
        a: 'other',
        commitments: { [wanted]: { 'commitment-device': 'httpsig@1.0', type: 'hmac-sha256', keyid, committed: ['a'], signature: wanted } },
      })
    await store.write(claim(`secret:${wanted}`))
    await expect(store.write(claim('constant:ao'))).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(await store.read(wanted)).toBeNull()
  })

  it('does not take a commitment for checked because one that was had its id', async () => {
    const [kv, blobs] = [createMemoryKvStore(), createMemoryBlobStore()]
    const store = await openStore({ kv, blobs })
    const said = message({ a: 'x' })
    const [signed, other] = [await commit(said, alice), await commit(said, messageSigner(wallet('bob')))]
    const [id, otherId] = [signed, other].map((one) => messageId(one, { committers: 'all' })) as [string, string]
    const [own, foreign] = [signed.get('commitments'), other.get('commitments')] as [Message, Message]
    const stolen = new Map(foreign.get(otherId) as Message).set('signature', (own.get(id) as Message).get('signature')!)
    const forged = new Map(signed).set('commitments', new Map(own).set(id, stolen))
    await store.write(signed)
    await expect(store.write(forged, { isDurable: true })).rejects.toMatchObject({ code: 'signature-invalid' })
    await store.flush()
    const again = await openStore({ kv, blobs })
    await expect(again.write(forged)).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(await again.write(signed)).toBe(unsignedId(said))
    expect(committersOf((await again.read(id)) as Message)).toEqual([alice.address])
  })

  it('keeps the notes of commitments, and shows them to nobody by path', async () => {
    const store = await openStore()
    const signed = await commit(message({ a: 'x' }), alice)
    const id = messageId(signed, { committers: 'all' })
    const commitments = signed.get('commitments') as Message
    const noted = new Map([...commitments].map(([name, one]) => [name, new Map(one as Message).set('priv-note', 'n'.repeat(500))]))
    await store.write(new Map(signed).set('commitments', noted))
    expect(((await store.read(id)) as Message).get('commitments')).toEqual(noted)
    expect(await store.read(`${id}/commitments/${id}/priv-note`)).toBeNull()
    expect(await store.read(`${id}/commitments/${id}/type`)).toBe('rsa-pss-sha512')
  })

  it('writes messages again that it gave with links in them, also bundled ones', async () => {
    const store = await openStore()
    const signed = await commit(message({ a: { b: 'c' } }), alice, { bundle: true })
    await store.write(signed)
    const id = messageId(signed, { committers: 'all' })
    const read = (await store.read(id)) as Message
    expect(await store.write(new Map(read))).toBe(unsignedId(message({ a: { b: 'c' } })))
  })
})

async function count(kv: KvStore, space: Space): Promise<number> {
  let found = 0
  for await (const _ of kv.scan(space)) found++
  return found
}
