import { describe, expect, it } from 'vitest'
import { openTestWeave, signed, testData, wallet } from '../../../test/weave-rig.ts'
import { concat, equalBytes, toBase64url, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import type { ChunkUpload } from '../../codec/chunk-upload.ts'
import { validateDataPath, validateTxPath } from '../../codec/data-path.ts'
import { buildTree, type ChunkSplit, chunkLeaves, dataRootOf } from '../../codec/data-tree.ts'
import { textTag } from '../../codec/tags.ts'
import type { Transaction } from '../../codec/transaction.ts'
import type { Weave } from './weave.ts'

const [alice, bob, carol] = [wallet('alice'), wallet('bob'), wallet('carol')]
const BUNDLE_TAGS = [textTag('Bundle-Format', 'binary'), textTag('Bundle-Version', '2.0.0')]

function uploadsOf(data: Uint8Array, split: ChunkSplit = 'client'): ChunkUpload[] {
  const ranges = chunkLeaves(data, split)
  const tree = buildTree(ranges.map(({ leaf }) => leaf))
  return ranges
    .filter(({ startOffset, endOffset }) => endOffset > startOffset)
    .map(({ startOffset, endOffset }) => ({
      dataRoot: tree.root,
      dataBytes: BigInt(data.length),
      dataPath: tree.pathOf(startOffset),
      offset: BigInt(endOffset - 1),
      chunk: data.subarray(startOffset, endOffset),
    }))
}

/** The header alone, as clients post it before the chunks. */
function announce(weave: Weave, data: Uint8Array, key = alice, tags = BUNDLE_TAGS): Promise<Transaction> {
  return signed(weave, key, { tags, dataRoot: dataRootOf(data, 'client'), dataBytes: BigInt(data.length) })
}

async function read(weave: Weave, id: TxId, start: number, end: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of weave.readData(id, start, end)) parts.push(part)
  return concat(parts)
}

function listen(weave: Weave): TxId[] {
  const heard: TxId[] = []
  weave.onDataComplete(async (id) => void heard.push(id))
  return heard
}

describe('chunks', () => {
  it('may come in any order, twice at the same time, and make the data complete once', async () => {
    const { weave } = await openTestWeave()
    const heard = listen(weave)
    const data = testData(900_000)
    const tx = await announce(weave, data)
    await weave.acceptTransaction(tx)
    const uploads = uploadsOf(data).reverse()
    await Promise.all([...uploads.slice(1), ...uploads.slice(1)].map((upload) => weave.acceptChunk(upload)))
    expect(heard).toEqual([])
    await expect(read(weave, tx.id, 0, data.length)).rejects.toMatchObject({ code: 'not-found' })
    expect(equalBytes(await read(weave, tx.id, 100, 400_000), data.subarray(100, 400_000))).toBe(true)
    await Promise.all([weave.acceptChunk(uploads[0]!), weave.acceptChunk(uploads[0]!)])
    await weave.acceptChunk(uploads[1]!)
    expect(heard).toEqual([tx.id])
    expect(equalBytes(await read(weave, tx.id, 0, data.length), data)).toBe(true)
    expect(equalBytes(await read(weave, tx.id, 262_143, 262_146), data.subarray(262_143, 262_146))).toBe(true)
  })

  it('of unknown data, with a broken proof or other bytes are refused and leave nothing', async () => {
    const { weave, kv } = await openTestWeave()
    const data = testData(300_000)
    const [first, second] = uploadsOf(data) as [ChunkUpload, ChunkUpload]
    await expect(weave.acceptChunk(first)).rejects.toMatchObject({ code: 'chunk-refused', facts: { reason: 'data_root_not_found' } })
    await weave.acceptTransaction(await announce(weave, data))
    const bad = [
      { ...first, chunk: Uint8Array.from(first.chunk, (byte, i) => (i === 9 ? byte ^ 1 : byte)) },
      { ...first, chunk: first.chunk.subarray(1) },
      { ...first, dataPath: Uint8Array.from(first.dataPath, (byte, i) => (i === 9 ? byte ^ 1 : byte)) },
      { ...first, dataPath: second.dataPath },
    ]
    for (const upload of bad) await expect(weave.acceptChunk(upload)).rejects.toMatchObject({ facts: { reason: 'invalid_proof' } })
    for await (const { key } of kv.scan('chunks')) expect.fail(`stored ${toBase64url(key)}`)
  })

  it('that came before a restart count after it', async () => {
    const test = await openTestWeave({ completionWrites: (id) => [{ space: 'unbundling', key: Buffer.from(id), value: utf8('') }] })
    const data = testData(700_000)
    const tx = await announce(test.weave, data)
    await test.weave.acceptTransaction(tx)
    const uploads = uploadsOf(data)
    for (const upload of uploads.slice(0, -1)) await test.weave.acceptChunk(upload)
    expect(await test.kv.get('unbundling', Buffer.from(tx.id))).toBeNull()
    const { weave } = await test.reopen()
    const heard = listen(weave)
    await weave.acceptChunk(uploads[0]!)
    expect(heard).toEqual([])
    await weave.acceptChunk(uploads.at(-1)!)
    expect(heard).toEqual([tx.id])
    expect(await test.kv.get('unbundling', Buffer.from(tx.id))).not.toBeNull()
    await (await test.reopen()).weave.acceptChunk(uploads[1]!)
    expect(heard).toEqual([tx.id])
  })

  it('whose commit failed can be sent again', async () => {
    const test = await openTestWeave()
    const heard = listen(test.weave)
    const data = testData(262_145)
    const tx = await announce(test.weave, data)
    await test.weave.acceptTransaction(tx)
    const [first, second] = uploadsOf(data) as [ChunkUpload, ChunkUpload]
    await test.weave.acceptChunk(first)
    test.failNext()
    await expect(test.weave.acceptChunk(second)).rejects.toThrow('the disk is full')
    expect(heard).toEqual([])
    await test.weave.acceptChunk(second)
    expect(heard).toEqual([tx.id])
  })
})

describe('the same data under many transactions', () => {
  it('is kept once; each hears once that it is complete', async () => {
    const { weave } = await openTestWeave()
    const heard = listen(weave)
    const data = testData(300_000)
    const [first, second, third] = [await announce(weave, data), await announce(weave, data, bob), await announce(weave, data, carol)]
    await weave.acceptTransaction(first)
    const uploads = uploadsOf(data)
    await weave.acceptChunk(uploads[0]!)
    await Promise.all([weave.acceptTransaction(second), weave.acceptChunk(uploads[1]!)])
    await weave.acceptTransaction(third)
    expect([...heard].sort()).toEqual([first.id, second.id, third.id].sort())
    await weave.seal()
    for (const { id } of [first, second, third]) {
      const { endOffset, dataBytes } = (await weave.offsetOf(id))!
      const chunk = await weave.chunkAt(endOffset - dataBytes + 1n, { byBucket: false })
      expect(equalBytes(chunk!.bytes, data.subarray(0, 262_144)), id).toBe(true)
    }
  })

  it('is complete at once when it comes inline, whichever way it is split', async () => {
    const { weave } = await openTestWeave()
    const heard = listen(weave)
    const data = testData(262_145)
    const client = await signed(weave, alice, { data })
    const node = await signed(weave, bob, { data, dataRoot: dataRootOf(data, 'node'), dataBytes: BigInt(data.length) })
    for (const tx of [client, node]) await weave.acceptTransaction(tx)
    expect(heard).toEqual([client.id, node.id])
    for (const { id } of [client, node]) expect(equalBytes(await read(weave, id, 0, data.length), data)).toBe(true)
    const other = await signed(weave, carol, { data, dataRoot: sha256(data), dataBytes: BigInt(data.length) })
    await expect(weave.acceptTransaction(other)).rejects.toMatchObject({ code: 'data-split-unknown' })
  })

  it('is complete for all of them when it comes inline with one', async () => {
    const marked: string[] = []
    const { weave, kv } = await openTestWeave({
      completionWrites: (id) => [{ space: 'unbundling', key: Buffer.from(id), value: utf8('') }],
    })
    const heard = listen(weave)
    const data = testData(270_000)
    const waiting = await announce(weave, data)
    await weave.acceptTransaction(waiting)
    const inline = await signed(weave, bob, { data })
    const later = await announce(weave, data, carol)
    await Promise.all([weave.acceptTransaction(inline), weave.acceptTransaction(later)])
    expect([...heard].sort()).toEqual([waiting.id, inline.id, later.id].sort())
    for await (const { key } of kv.scan('unbundling')) marked.push(Buffer.from(key).toString())
    expect(marked.sort()).toEqual([waiting.id, later.id].sort()) // The inline one is no bundle.
  })

  it('of format 1 is read like any other', async () => {
    const test = await openTestWeave()
    const data = testData(270_000).fill(65, -1)
    const tx = await signed(test.weave, alice, { data, format: 1 })
    await test.weave.acceptTransaction(tx)
    await test.weave.seal()
    const { weave } = await test.reopen()
    expect(await weave.findTransaction(tx.id)).toMatchObject({ id: tx.id, format: 1, dataBytes: 270_000n })
    expect(equalBytes(await read(weave, tx.id, 0, data.length), data)).toBe(true)
    expect((await weave.chunkAt(270_000n, { byBucket: false }))?.bytes).toHaveLength(270_000 - 262_144)
  })
})

describe('the weave by offset', () => {
  it('gives every chunk with proofs that hold from the block down', async () => {
    const { weave } = await openTestWeave()
    const sizes = [1, 262_143, 262_144, 262_145, 294_911, 524_289]
    for (const [i, size] of sizes.entries()) {
      await weave.acceptTransaction(await signed(weave, [alice, bob, carol][i % 3]!, { data: testData(size) }))
      if (i === 2) await weave.seal()
    }
    const block = await weave.seal()
    const blockStart = block.weaveBytes - block.blockBytes
    let offset = blockStart
    let chunks = 0
    while (offset < block.weaveBytes) {
      const chunk = await weave.chunkAt(offset + 1n, { byBucket: false })
      if (chunk === null) {
        offset = ((offset + 262_144n) / 262_144n) * 262_144n
        continue
      }
      const data = validateTxPath(block.txRoot, offset - blockStart, block.blockBytes, chunk.txPath)!
      const range = validateDataPath(
        data.chunkHash,
        offset - blockStart - data.startOffset,
        data.endOffset - data.startOffset,
        chunk.dataPath,
      )!
      expect(equalBytes(range.chunkHash, sha256(chunk.bytes))).toBe(true)
      expect(chunk.endOffset).toBe(blockStart + data.startOffset + range.endOffset)
      const last = await weave.chunkAt(chunk.endOffset, { byBucket: false })
      expect(last?.endOffset).toBe(chunk.endOffset)
      offset = chunk.endOffset
      chunks += 1
    }
    expect(chunks).toBe(7)
  })

  it('finds a chunk by its bucket, padding included', async () => {
    const { weave } = await openTestWeave()
    const tx = await signed(weave, alice, { data: testData(262_145) })
    await weave.acceptTransaction(tx)
    await weave.seal()
    const at = async (offset: bigint, byBucket: boolean) => (await weave.chunkAt(offset, { byBucket }))?.endOffset ?? null
    expect([await at(1n, false), await at(131_073n, false), await at(131_074n, false)]).toEqual([131_073n, 131_073n, 262_145n])
    expect([await at(262_146n, false), await at(0n, false), await at(10n ** 30n, true)]).toEqual([null, null, null])
    expect([await at(1n, true), await at(262_144n, true), await at(262_145n, true), await at(524_288n, true)]).toEqual([
      131_073n,
      131_073n,
      262_145n,
      262_145n,
    ])
    expect(await at(524_289n, true)).toBeNull()
  })

  it('lists what is here as intervals of whole buckets', async () => {
    const { weave } = await openTestWeave()
    const data = testData(1_000_000)
    await weave.acceptTransaction(await signed(weave, alice, { data: testData(5) }))
    await weave.seal()
    await weave.acceptTransaction(await announce(weave, data))
    await weave.seal()
    const uploads = uploadsOf(data)
    await weave.acceptChunk(uploads[1]!)
    await weave.acceptChunk(uploads[3]!)
    const bucket = 262_144n
    expect(await weave.syncRecord(0n, null, 10)).toEqual([
      { startOffset: 0n, endOffset: bucket },
      { startOffset: 2n * bucket, endOffset: 3n * bucket },
      { startOffset: 4n * bucket, endOffset: 5n * bucket },
    ])
    expect(await weave.syncRecord(0n, null, 2)).toHaveLength(2)
    expect(await weave.syncRecord(2n * bucket, 4n * bucket, 10)).toEqual([{ startOffset: 2n * bucket, endOffset: 3n * bucket }])
    await weave.acceptChunk(uploads[0]!)
    await weave.acceptChunk(uploads[2]!)
    expect(await weave.syncRecord(0n, null, 10)).toEqual([{ startOffset: 0n, endOffset: 5n * bucket }])
  })
})

describe('a bundle of this node', () => {
  it('is served chunk by chunk from where its bytes are made, in one commit with what the bundler adds', async () => {
    const data = testData(600_000)
    const reads: string[] = []
    const test = await openTestWeave({
      async *readComposite(id, start, end) {
        reads.push(id)
        yield data.subarray(start, start + 10)
        yield data.subarray(start + 10, end)
      },
    })
    const { weave, kv, events } = test
    const heard = listen(weave)
    const tx = await signed(weave, alice, { tags: BUNDLE_TAGS, dataRoot: dataRootOf(data, 'client'), dataBytes: 600_000n })
    const proofs = uploadsOf(data).map(({ dataPath, chunk, offset }) => ({
      dataPath,
      startOffset: Number(offset) + 1 - chunk.length,
      endOffset: Number(offset) + 1,
    }))
    const own = {
      writes: [{ space: 'bundles', key: utf8('k'), value: utf8('v') } as const],
      events: [{ kind: 'bundled', parent: tx.id, ids: [] } as const],
    }
    await weave.acceptOwnBundle(tx, proofs, own)
    expect(events.slice(-2).map(({ kind }) => kind)).toEqual(['row', 'bundled'])
    expect(await kv.get('bundles', utf8('k'))).toEqual(utf8('v'))
    expect(heard).toEqual([])
    await weave.seal()
    expect(equalBytes(await read(weave, tx.id, 262_000, 300_000), data.subarray(262_000, 300_000))).toBe(true)
    const chunk = await (await test.reopen()).weave.chunkAt(600_000n, { byBucket: false })
    expect(equalBytes(chunk!.bytes, data.subarray(524_288))).toBe(true)
    expect(new Set(reads)).toEqual(new Set([tx.id]))
    expect(await weave.syncRecord(0n, null, 5)).toEqual([{ startOffset: 0n, endOffset: 786_432n }])
  })
})
