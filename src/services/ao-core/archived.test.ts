import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import { AO_CORE_BODY_BYTES_MAX } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { createDataItemSync, type DataItem, decodeDataItem, itemSigner } from '../../codec/data-item.ts'
import { keyFromJwk } from '../../codec/keys.ts'
import { encodeAns104, receiveAns104 } from '../../codec/message/ans104.ts'
import { committersOf, messageId, unsignedId } from '../../codec/message/id.ts'
import { type Message, message } from '../../codec/message/value.ts'
import { verifyCommitment, verifyMessage } from '../../codec/message/verify.ts'
import { encodeTransaction, signTransaction, type Transaction } from '../../codec/transaction.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { Archive, recordWrite } from '../archive.ts'
import { DurableMessageStore } from './message-store.ts'

const key = keyFromJwk(JSON.parse(readFileSync(new URL('../../../dev/wallets/alice.json', import.meta.url), 'utf8')))
const signer = itemSigner(key)
const data = new Map<TxId, Uint8Array>()
const kv = createMemoryKvStore()
const blobs = createMemoryBlobStore()
let archive: Archive
let store: DurableMessageStore

beforeEach(async () => {
  archive = await Archive.open({
    kv,
    blobs,
    transactions: {
      async *readData(id, start, end) {
        yield data.get(id)!.subarray(start, end)
      },
      hasData: async (id) => data.has(id),
    },
  })
  store = await DurableMessageStore.open({ kv, blobs, archive, log: silentLog, verify: verifyCommitment })
})

async function keep(item: DataItem): Promise<TxId> {
  const { writes } = archive.storeItem(item, { payloadSha256: null, acceptedAtMs: 0, acceptedHeight: 0 })
  await kv.write(writes)
  return item.id
}

async function keepTransaction(tx: Transaction, bytes: Uint8Array | null): Promise<TxId> {
  const record = {
    kind: 'tx',
    dataRoot: '',
    dataBytes: String(tx.dataBytes),
    contentType: null,
    contentEncoding: null,
    isBundle: false,
  } as const
  await kv.write([recordWrite(tx.id, record), { space: 'bodies', key: Buffer.from(tx.id, 'base64url'), value: encodeTransaction(tx) }])
  if (bytes !== null) data.set(tx.id, bytes)
  return tx.id
}

describe('archived messages', () => {
  it('are data items, by their ids', async () => {
    const tags = [
      { name: 'Action', value: 'Eval' },
      { name: 'Data-Protocol', value: 'ao' },
    ]
    const id = await keep(createDataItemSync({ data: utf8('return 1'), tags }, signer))
    const read = (await store.read(id)) as Message
    expect(read.get('action')).toBe('Eval')
    expect(read.get('data')).toBe('return 1')
    expect(committersOf(read)).toEqual([key.address])
    expect(messageId(read, { committers: 'all' })).toBe(id)
    expect(await verifyMessage(read, { committers: 'all' })).toBe(true)
    expect(await store.read(`${id}/action`)).toBe('Eval')
    expect(await store.list(id)).toContain('data-protocol')
    expect(await store.read(id)).toBe(read)
  })

  it('can be linked to, and written again', async () => {
    const id = await keep(createDataItemSync({ data: utf8('x'), tags: [{ name: 'A', value: 'b' }] }, signer))
    await store.link(id, 'named')
    await store.link(`${id}/a`, 'tag')
    expect(await store.read('named/data')).toBe('x')
    expect(await store.read('tag')).toBe('b')
    const read = (await store.read(id)) as Message
    const unsigned = await store.write(read)
    expect(await store.read(`${unsigned}/a`)).toBe('b')
  })

  it('have what is in bundles behind links', async () => {
    const item = createDataItemSync({ data: utf8('inner'), tags: [{ name: 'type', value: 'Inner' }] }, signer)
    const inner = await receiveAns104(item.raw)
    const outer = message({ type: 'Outer', child: { a: 'b', list: ['c'] }, signed: inner })
    const id = await keep(decodeDataItem(await encodeAns104(outer, signer)))
    const read = (await store.read(id)) as Message
    expect(unsignedId(read)).toBe(unsignedId(outer))
    expect(await store.read(`${id}/child/a`)).toBe('b')
    expect(await store.read(`${id}/child/list/1`)).toBe('c')
    expect(await store.read(`${id}/signed/type`)).toBeNull()
    await keep(item) // As the unbundler does.
    expect(await store.read(`${id}/signed/type`)).toBe('Inner')
  })

  it('have what is in them also after it had to make room, and durably where they are written again', async () => {
    const open = (): Promise<DurableMessageStore> =>
      DurableMessageStore.open({ kv, blobs, archive, log: silentLog, verify: verifyCommitment, cacheBytesMax: 100_000 })
    const [first, second] = [message({ deep: { a: 'b' } }), message({ text: 't'.repeat(200) })]
    const id = await keep(decodeDataItem(await encodeAns104(message({ child: first }), signer)))
    const other = await keep(decodeDataItem(await encodeAns104(message({ child: second }), signer)))
    const small = await open()
    expect(await small.read(`${id}/child/deep/a`)).toBe('b')
    await small.write((await small.read(other)) as Message, { isDurable: true })
    for (let n = 0; n < 300; n++) {
      await small.write(message({ n, text: 'x'.repeat(500) + n }))
      if (n % 10 === 0) await small.flush()
    }
    await small.close()
    const again = await open()
    expect(await again.read(`${unsignedId(first)}/deep/a`)).toBeNull()
    expect(await again.read(`${unsignedId(second)}/text`)).toBe('t'.repeat(200))
    expect(await again.read(`${id}/child/deep/a`)).toBe('b')
    expect(await again.read(`${unsignedId(first)}/deep/a`)).toBe('b')
  })

  it('are transactions once all of their data is here', async () => {
    const bytes = utf8('the data')
    const tx = await signTransaction({ tags: [{ name: utf8('App'), value: utf8('x') }], data: bytes, rewardWinston: 5n }, key)
    const id = await keepTransaction(tx, null)
    expect(await store.read(id)).toBeNull()
    await keepTransaction(tx, bytes)
    const read = (await store.read(id)) as Message
    expect(read.get('app')).toBe('x')
    expect(read.get('data')).toBe('the data')
    expect(messageId(read, { committers: 'all' })).toBe(id)
    expect(await verifyMessage(read, { committers: 'all' })).toBe(true)
  })

  it('are not read when they are too large', async () => {
    const item = createDataItemSync({ data: new Uint8Array(AO_CORE_BODY_BYTES_MAX), tags: [] }, signer)
    await blobs.put(`item-${item.id}`, item.raw)
    await expect(store.read(await keep(item))).rejects.toMatchObject({ code: 'too-large' })
  })

  it('are not here when the archive does not have them', async () => {
    expect(await store.read(key.address)).toBeNull()
  })
})
