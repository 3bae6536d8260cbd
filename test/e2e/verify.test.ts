/** `heddle verify` against a node whose store somebody changed; with the built-in runtime and with aos. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toBase64url } from '../../src/base/bytes.ts'
import { sha256 } from '../../src/base/hash.ts'
import { parseTxId } from '../../src/base/ids.ts'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { decodeRecord, encodeRecord, type ResultRecord, type SnapshotRecord, slotKey } from '../../src/services/machine/records.ts'
import type { BlobStore } from '../../src/store/blob-store.ts'
import { openFileBlobStore } from '../../src/store/embedded/file-blob-store.ts'
import { openLmdbKvStore } from '../../src/store/embedded/lmdb-kv-store.ts'
import type { KvStore } from '../../src/store/kv-store.ts'
import { arweaveOf, ask } from './support/client.ts'
import { heddle, heddleJson } from './support/command.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { type Client, clientOf, RUNTIMES } from './support/processes.ts'
import type { Verified } from './support/verify.ts'
import { devWallet } from './wallets.ts'

let folder: string
let node: NodeProcess
let client: Client
let start: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-verify-'))
  const signer = itemSigner(await generateKey('ed25519'))
  start = async () => {
    node = await startProcess(folder)
    client = clientOf(node.url, signer)
  }
  await start()
})
afterAll(async () => {
  await node.stop()
  await rm(folder, { recursive: true, force: true })
})

const verify = (...words: string[]) => heddleJson<Verified>(['verify', ...words], { url: node.url })

/** Stops the node, changes its store, and starts it again. */
async function tamper(change: (kv: KvStore, blobs: BlobStore) => Promise<void>): Promise<void> {
  await node.stop()
  const [kv, blobs] = await Promise.all([openLmdbKvStore(join(folder, 'kv')), openFileBlobStore(join(folder, 'blobs'))])
  await change(kv, blobs)
  await blobs.close()
  await kv.close()
  await start()
}

async function changeResult(process: string, slot: number, change: (result: ResultRecord) => Partial<ResultRecord>): Promise<void> {
  const key = slotKey(parseTxId(process), slot)
  await tamper(async (kv) => {
    const stored = decodeRecord<ResultRecord>((await kv.get('results', key))!)
    await kv.write([{ space: 'results', key, value: encodeRecord({ ...stored, ...change(stored) }) }])
  })
}

async function snapshotRecord(kv: KvStore, process: string, slot: number): Promise<SnapshotRecord> {
  return decodeRecord<SnapshotRecord>((await kv.get('snapshots', slotKey(parseTxId(process), slot)))!)
}

/** Gives a slot to a transaction of its own kind, which no scheduler ever saw. */
async function assignTransaction(process: string): Promise<void> {
  const arweave = arweaveOf(node.url)
  const tx = await arweave.createTransaction({ data: 'from the weave' }, devWallet('alice'))
  tx.addTag('Action', 'Echo')
  await arweave.transactions.sign(tx, devWallet('alice'))
  expect((await arweave.transactions.post(tx)).status).toBe(200)
  expect((await ask(`${node.url}/?process-id=${process}&assign=${tx.id}&base-layer`, { method: 'POST' })).status).toBe(202)
  await client.result(process, tx.id)
}

describe.each(RUNTIMES)('with $name', (runtime) => {
  let process: string

  beforeAll(async () => {
    process = await client.spawn(runtime)
    const codes = [
      `Handlers.add('echo', 'Echo', function (msg) msg.reply({ Data = msg.Data, Random = tostring(math.random(1000000)) }) end)`,
      'Count = 1; return Count',
      'return string.rep("x", 100000)',
    ]
    for (const code of codes) await client.evaluate(process, code)
    for (const data of ['hello', 'wörld']) await client.send(process, [{ name: 'Action', value: 'Echo' }], data)
    await client.send(process, [{ name: 'Action', value: 'Eval' }], 'error("on purpose")')
    await assignTransaction(process)
    await heddle(['snapshot', process], { url: node.url })
    await client.evaluate(process, 'Count = Count + 1; return Count')
    await heddle(['snapshot', process], { url: node.url })
    await client.evaluate(process, 'Count = Count + 1; return Count')
  })

  it('finds nothing where nothing was changed', async () => {
    const [people, programs, partly] = await Promise.all([
      heddle(['verify', process], { url: node.url }),
      verify(process),
      verify(process, '--to', '2'),
    ])
    expect(people).toEqual({ code: 0, stdout: '10 slots, 2 snapshots verified\n', stderr: '' })
    expect(programs).toEqual({ code: 0, value: { ok: true, processes: 1, slots: 10, snapshots: 2, mismatches: [], notComparable: [] } })
    expect(partly.value).toMatchObject({ slots: 3, snapshots: 0 })
  })

  it('names the slot of a result that was changed, and what differs', async () => {
    let stored: ResultRecord | null = null
    await changeResult(process, 5, (result) => {
      stored = result
      return { messages: [{ ...result.messages[0], Data: 'forged' }] }
    })
    const { code, value } = await verify(process)
    expect([code, value.ok]).toEqual([1, false])
    expect(value.mismatches).toEqual([{ process, slot: 5, what: 'messages[0].Data: stored "forged", computed "wörld"' }])
    const people = await heddle(['verify', process], { url: node.url })
    expect(people.code).toBe(1)
    expect(people.stdout).toMatch(/^slot 5: messages\[0\]\.Data: stored .*\n10 slots, 2 snapshots verified, 1 differ\n$/)
    expect((await verify(process, '--to', '4')).code).toBe(0)
    await changeResult(process, 5, () => stored!)
    expect((await verify(process)).code).toBe(0)
  })

  it('names a snapshot whose bytes were damaged, and the process goes on without it', async () => {
    await tamper(async (kv, blobs) => {
      const { sha256: name, sizeBytes } = await snapshotRecord(kv, process, 8)
      const bytes = Uint8Array.from((await blobs.read(`snapshot-${name}`, 0, sizeBytes))!)
      bytes[bytes.length >> 1]! ^= 1
      await blobs.delete(`snapshot-${name}`)
      await blobs.put(`snapshot-${name}`, bytes)
    })
    const { code, value } = await verify(process)
    expect(code).toBe(1)
    expect(value.mismatches).toEqual([{ process, slot: 8, what: expect.stringContaining('not those that were stored') }])
    expect(await client.evaluate(process, 'return Count')).toBe('3')
  })

  it('names a snapshot that was replaced by one of another slot, down to what follows from it', async () => {
    await heddle(['snapshot', process], { url: node.url })
    await tamper(async (kv, blobs) => {
      const old = await snapshotRecord(kv, process, 7)
      const bytes = (await blobs.read(`snapshot-${old.sha256}`, 0, old.sizeBytes))!
      expect(toBase64url(sha256(bytes))).toBe(old.sha256)
      await kv.write([{ space: 'snapshots', key: slotKey(parseTxId(process), 10), value: encodeRecord({ ...old, slot: 10 }) }])
    })
    expect(await client.evaluate(process, 'return Count')).toBe('1') // The node cannot know; who verifies can.
    const { code, value } = await verify(process)
    expect(code).toBe(1)
    const slots = value.mismatches.map(({ slot }) => slot)
    expect(slots).toEqual(expect.arrayContaining([10, 11]))
    expect(value.mismatches.find(({ slot }) => slot === 10)?.what).toContain('snapshot: state hash: stored')
    expect(value.mismatches.find(({ slot }) => slot === 11)?.what).toMatch(/^output\.\w+: stored .*1.*, computed .*3/s)
  })
})

it('a node that is gone, or is none, is said in words', async () => {
  const process = await client.spawn(RUNTIMES[0])
  const ran = await heddle(['verify', process], { url: 'http://127.0.0.1:9' })
  expect([ran.code, ran.stdout]).toEqual([1, ''])
  expect(ran.stderr).toContain('no node answers')
})
