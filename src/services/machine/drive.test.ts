import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { wallet } from '../../../test/weave-rig.ts'
import { toText, utf8 } from '../../base/bytes.ts'
import { addressOfKey, type BlockHash, type TxId } from '../../base/ids.ts'
import { createDataItem, type DataItem, type ItemSigner, itemSigner } from '../../codec/data-item.ts'
import { generateKey } from '../../codec/keys.ts'
import type { TextTag } from '../../codec/tags.ts'
import { encodeTransaction, signTransaction, transactionToJson } from '../../codec/transaction.ts'
import type { FileContext } from '../../guests/host-bridge.ts'
import { openSqliteIndexStore } from '../../store/embedded/sqlite-index-store.ts'
import type { IndexEvent, IndexStore } from '../../store/index-store.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { Archive, recordWrite } from '../archive.ts'
import { itemRow, transactionRow } from '../rows.ts'
import { createDrive, type DriveDeps } from './drive.ts'
import { DriveLog } from './drive-log.ts'

const PROCESS = `${'p'.repeat(42)}A`
const SIGNAL = new AbortController().signal
/** When everything here came, unless said otherwise. */
const CAME_S = 1_000
const EXTENDED: TextTag = { name: 'Extension', value: 'WeaveDrive' }

let kv: KvStore
let archive: Archive
let index: IndexStore
let blocks: Map<number, string>
let scheduler: ItemSigner
let stranger: ItemSigner
let position: number
let anchors: number

beforeEach(async () => {
  kv = createMemoryKvStore()
  const readData = async function* (): AsyncIterable<Uint8Array> {}
  archive = await Archive.open({ kv, blobs: createMemoryBlobStore(), transactions: { readData, hasData: async () => false } })
  index = await openSqliteIndexStore(':memory:')
  onTestFinished(() => index.close())
  blocks = new Map()
  ;[scheduler, stranger] = [itemSigner(await generateKey('ed25519')), itemSigner(await generateKey('ed25519'))]
  position = 0
  anchors = 0
})

async function learn(events: readonly IndexEvent[]): Promise<void> {
  position += events.length
  await index.apply(events, position)
}

/** An item that this node takes in; `seal` puts it into a block. */
async function upload(data: string, tags: readonly TextTag[] = [], signer = stranger, atS = CAME_S): Promise<DataItem> {
  const item = await createDataItem({ data, tags, anchor: new Uint8Array(32).fill(++anchors) }, signer)
  const { writes } = archive.storeItem(item, { payloadSha256: new Uint8Array(32), acceptedAtMs: atS * 1000, acceptedHeight: 0 })
  await kv.write(writes)
  await learn([{ kind: 'row', row: itemRow(item, { parent: null, ingestedAtS: atS }) }])
  return item
}

async function attest(id: string, signer = scheduler, atS = CAME_S): Promise<DataItem> {
  const tags = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Attestation' },
    { name: 'Message', value: id },
  ]
  return upload('attested', tags, signer, atS)
}

async function seal(height: number, items: readonly DataItem[] = []): Promise<void> {
  const hash = hashOf(height)
  blocks.set(height, JSON.stringify({ height, indep_hash: hash }))
  const previous = height === 0 ? '' : hashOf(height - 1)
  await learn([{ kind: 'block', block: { hash, previous, height, timestampS: CAME_S, txIds: items.map(({ id }) => id) } }])
}

function hashOf(height: number): BlockHash {
  return Buffer.alloc(48, height + 1).toString('base64url') as BlockHash
}

interface Asking {
  readonly height?: number
  readonly slot?: number | null
  readonly id?: string
  readonly timestampMs?: number
  readonly tags?: readonly TextTag[]
  readonly moduleTags?: readonly TextTag[]
  readonly countsPending?: boolean
}

function deps(countsPending = false): DriveDeps {
  const weave = {
    hashAt: async (height: number) => (blocks.has(height) ? hashOf(height) : null),
    blockJson: async (hash: BlockHash) => [...blocks].find(([height]) => hashOf(height) === hash)?.[1] ?? null,
  }
  return { archive, weave, index, log: new DriveLog(kv), countsPending }
}

/** The text of the file, null when there is none. */
async function read(path: string, asking: Asking = {}): Promise<string | null> {
  const { tags = [EXTENDED], moduleTags = [], height = 10, slot = 1, id = 'message', timestampMs = 0 } = asking
  const message: FileContext = { id, slot, height, timestampMs }
  const env = {
    Process: { Id: PROCESS, Owner: 'o', Tags: [{ name: 'Scheduler', value: addressOfKey(scheduler.owner) }, ...tags] },
    Module: { Id: 'm', Owner: 'o', Tags: moduleTags },
  }
  const file = await createDrive(deps(asking.countsPending)).open({ env, message, path }, SIGNAL)
  return file === null ? null : toText(await file.read(0, file.sizeBytes, SIGNAL))
}

describe('/data', () => {
  it('needs an attestation by the scheduler or an attestor, in a block that the message has seen', async () => {
    const item = await upload('hello')
    await seal(3, [item])
    const path = `/data/${item.id}`
    expect(await read(path, { slot: 1 })).toBe(null)
    await seal(4, [await attest(item.id, stranger)])
    expect(await read(path, { slot: 2 })).toBe(null)
    expect(await read(path, { slot: 3, tags: [EXTENDED, { name: 'Attestor', value: addressOfKey(stranger.owner) }] })).toBe('hello')
    await seal(5, [await attest(item.id)])
    expect(await read(path, { slot: 4, height: 4 })).toBe(null)
    expect(await read(path, { slot: 5, height: 5 })).toBe('hello')
  })

  it('needs the extension on process or module', async () => {
    const item = await upload('hello')
    await seal(3, [item, await attest(item.id)])
    const path = `/data/${item.id}`
    expect(await read(path, { slot: 1, tags: [] })).toBe(null)
    expect(await read(path, { slot: 2, tags: [{ name: 'Extension', value: 'weavedrive' }] })).toBe(null)
    expect(await read(path, { slot: 3, tags: [], moduleTags: [EXTENDED] })).toBe('hello')
  })

  it('halts modules of 64 bits that look for what they may not see', async () => {
    const item = await upload('hello')
    await seal(3, [item])
    const [wide, narrow] = ['wasm64-unknown-emscripten-draft_2024_02_15', 'wasm32-unknown-emscripten4'].map((value) => [
      EXTENDED,
      { name: 'Module-Format', value },
    ])
    const halted = { name: 'GuestFault', kind: 'error', message: 'HALT: FILE NOT FOUND' }
    await expect(read(`/data/${item.id}`, { slot: 1, moduleTags: wide! })).rejects.toMatchObject(halted)
    expect(await read(`/data/${item.id}`, { slot: 2, moduleTags: narrow! })).toBe(null)
    expect(await read(`/tx/${item.id}`, { slot: 3, moduleTags: wide! })).toBe(null)
    await seal(4, [await attest(item.id)])
    await expect(read(`/data/${item.id}`, { slot: 1, moduleTags: wide! })).rejects.toMatchObject(halted)
    expect(await read(`/data/${item.id}`, { slot: 4, moduleTags: wide! })).toBe('hello')
  })

  it('is open to what the process boots from', async () => {
    const item = await upload('boot')
    await seal(3, [item])
    const tags = [{ name: 'On-Boot', value: item.id }]
    expect(await read(`/data/${item.id}`, { tags })).toBe('boot')
    expect(await read(`/data/${item.id}`, { tags, slot: 2, height: 2 })).toBe(null)
  })

  it('goes by the Availability-Type of the process, then of the module', async () => {
    const item = await upload('hello')
    const available = await upload(
      ' ',
      [
        { name: 'Data-Protocol', value: 'WeaveDrive' },
        { name: 'Type', value: 'Available' },
        { name: 'ID', value: item.id },
      ],
      scheduler,
    )
    await seal(3, [item, available])
    const path = `/data/${item.id}`
    const mode = (value: string): TextTag => ({ name: 'Availability-Type', value })
    expect(await read(path, { slot: 1 })).toBe(null)
    expect(await read(path, { slot: 2, tags: [EXTENDED, mode('Individual')] })).toBe('hello')
    expect(await read(path, { slot: 3, moduleTags: [mode('Individual')] })).toBe('hello')
    expect(await read(path, { slot: 4, tags: [EXTENDED, mode('Assignments')], moduleTags: [mode('Individual')] })).toBe(null)
    await expect(read(path, { slot: 5, tags: [EXTENDED, mode('Library')] })).rejects.toMatchObject({ name: 'GuestFault', kind: 'error' })
    await expect(read(path, { slot: 6, tags: [EXTENDED, mode('Sometimes')] })).rejects.toThrow('Unsupported WeaveDrive mode: Sometimes')
    await expect(read(path, { slot: 6, tags: [EXTENDED, mode('Sometimes')] })).rejects.toMatchObject({ name: 'GuestFault' })
  })

  it('reads parts of what is not all here as not there', async () => {
    const tx = await signTransaction(
      { lastTx: new Uint8Array(48), rewardWinston: 1n, dataBytes: 300n, dataRoot: new Uint8Array(32) },
      wallet('alice'),
    )
    const record = { kind: 'tx', dataRoot: '', dataBytes: '300', contentType: null, contentEncoding: null, isBundle: false } as const
    await kv.write([recordWrite(tx.id, record), { space: 'bodies', key: Buffer.from(tx.id, 'base64url'), value: encodeTransaction(tx) }])
    await learn([{ kind: 'row', row: transactionRow(tx, CAME_S) }])
    await seal(3, [{ id: tx.id } as DataItem, await attest(tx.id)])
    expect(await read(`/data/${tx.id}`)).toBe(null)
    const { ownerAddress, ...fields } = JSON.parse((await read(`/tx/${tx.id}`))!) as Record<string, unknown>
    expect(fields).toEqual(transactionToJson(tx))
    expect(ownerAddress).toBe(wallet('alice').address)
    expect(await read(`/tx/${tx.id}`, { slot: 2, height: 2 })).toBe(null)
  })
})

describe('what waits for its block', () => {
  it('counts from when it came, on a network of this node alone', async () => {
    const item = await upload('hello')
    await attest(item.id, scheduler, CAME_S + 5)
    const path = `/data/${item.id}`
    expect(await read(path, { slot: 1, timestampMs: (CAME_S + 9) * 1000 })).toBe(null)
    expect(await read(path, { slot: 2, timestampMs: (CAME_S + 4) * 1000 + 999, countsPending: true })).toBe(null)
    expect(await read(path, { slot: 3, timestampMs: (CAME_S + 5) * 1000, countsPending: true })).toBe('hello')
  })
})

describe('/block and /tx', () => {
  it('shows blocks up to that of the message', async () => {
    await seal(3)
    await seal(4)
    expect(JSON.parse((await read('/block/3', { height: 3, tags: [] }))!)).toEqual({ height: 3, indep_hash: hashOf(3) })
    expect(await read('/block/4', { height: 3 })).toBe(null)
    expect(await read('/block/9', { height: 3 })).toBe(null)
  })

  it('has no data items among its transactions, and nothing under other names', async () => {
    const item = await upload('hello')
    await seal(3, [item])
    const paths = [`/tx/${item.id}`, `/headers/${item.id}`, '/block/x', `/tx/${item.id}/data`, '/data/', '/etc/passwd']
    for (const [slot, path] of paths.entries()) expect([path, await read(path, { slot })]).toEqual([path, null])
  })
})

describe('evaluating a message again', () => {
  it('shows what it was shown, when more is there by then', async () => {
    const item = await upload('late')
    const path = `/data/${item.id}`
    expect(await read(path, { slot: 7 })).toBe(null)
    await seal(3, [item, await attest(item.id)])
    expect(await read(path, { slot: 7 })).toBe(null)
    expect(await read(path, { slot: 8 })).toBe('late')
    expect(await read(path, { slot: 7, id: 'another message that got the slot' })).toBe('late')
  })

  it('shows what it was shown, when a block was taken back', async () => {
    const item = await upload('hello')
    await seal(3, [item, await attest(item.id)])
    const paths = [`/data/${item.id}`, '/block/3']
    const before = await Promise.all(paths.map((path) => read(path)))
    await learn([{ kind: 'unblock', hash: hashOf(3) }])
    blocks.clear()
    expect(await Promise.all(paths.map((path) => read(path)))).toEqual(before)
    expect(await Promise.all(paths.map((path) => read(path, { slot: 2 })))).toEqual([null, null])
  })

  it('repeats faults, and keeps nothing of dry runs', async () => {
    const item = await upload('hello')
    const tags = [EXTENDED, { name: 'Availability-Type', value: 'Library' }]
    const path = `/data/${item.id}`
    await expect(read(path, { tags })).rejects.toThrow('Library')
    expect(await read(path, { slot: null })).toBe(null)
    await seal(3, [item, await attest(item.id)])
    await expect(read(path, { tags })).rejects.toMatchObject({ name: 'GuestFault', message: expect.stringContaining('Library') })
    expect(await read(path, { slot: null })).toBe('hello')
  })

  it('is trouble, not absence, when what was shown is gone', async () => {
    const item = await upload('hello')
    await seal(3, [item, await attest(item.id)])
    const path = `/data/${item.id}`
    expect(await read(path)).toBe('hello')
    await kv.write([{ space: 'items', key: Buffer.from(item.id, 'base64url'), value: null }])
    const error: unknown = await read(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'Error', message: expect.stringContaining('is gone') })
  })
})

it('reads any part of a large item', async () => {
  const text = Array.from({ length: 30_000 }, (_, i) => String(i)).join(' ')
  const item = await upload(text.slice(0, 60_000))
  await seal(3, [item, await attest(item.id)])
  const env = {
    Process: { Id: PROCESS, Owner: 'o', Tags: [EXTENDED, { name: 'Scheduler', value: addressOfKey(scheduler.owner) }] },
    Module: { Id: 'm', Owner: 'o', Tags: [] },
  }
  const message = { id: 'message' as TxId, slot: 1, height: 3, timestampMs: 0 }
  const file = (await createDrive(deps()).open({ env, message, path: `/data/${item.id}` }, SIGNAL))!
  expect(file.sizeBytes).toBe(60_000)
  expect(toText(await file.read(59_990, 60_000, SIGNAL))).toBe(text.slice(59_990, 60_000))
  expect(toText(await file.read(1_000, 1_010, SIGNAL))).toBe(toText(utf8(text).subarray(1_000, 1_010)))
})
