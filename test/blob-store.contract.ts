/** What every BlobStore must do. The tests beside the implementations call it and add only what is theirs. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { concat, toText, utf8 } from '../src/base/bytes.ts'
import { BLOB_PIECE_BYTES_MAX } from '../src/base/limits.ts'
import type { BlobName, BlobStore } from '../src/store/blob-store.ts'
import { blobName, pattern } from './blob-names.ts'

/** `open` gives an empty store each time. */
export function blobStoreContract(open: () => Promise<BlobStore>): void {
  let store: BlobStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const name = blobName(1)
  const readText = async (of: BlobName): Promise<string | null> => {
    const found = await store.read(of, 0, Number.MAX_SAFE_INTEGER)
    return found && toText(found)
  }

  it('knows nothing of an absent name', async () => {
    expect(await store.read(name, 0, 10)).toBeNull()
    expect(await store.sizeBytes(name)).toBeNull()
    await expect(collect(store.stream(name, 0, 10))).rejects.toMatchObject({ code: 'not-found' })
    await store.delete(name)
  })

  it('reads what was put, of any kind and size', async () => {
    let n = 0
    for (const kind of ['item', 'chunk', 'snapshot', 'module'] as const) {
      for (const size of [0, 1, 1000, BLOB_PIECE_BYTES_MAX, BLOB_PIECE_BYTES_MAX + 1, 3_000_000]) {
        const of = blobName(n++, kind)
        await store.put(of, pattern(size))
        expect(await store.sizeBytes(of), of).toBe(size)
        expect(Buffer.compare((await store.read(of, 0, size))!, pattern(size)), `${kind} of ${size} bytes`).toBe(0)
      }
    }
  })

  it('reads ranges, and clamps them to what is there', async () => {
    await store.put(name, utf8('0123456789'))
    const cases: [number, number, string][] = [
      [0, 10, '0123456789'],
      [0, 0, ''],
      [3, 7, '3456'],
      [9, 10, '9'],
      [8, 100, '89'],
      [10, 12, ''],
      [50, 60, ''],
      [7, 3, ''],
    ]
    for (const [start, end, expected] of cases) {
      expect(toText((await store.read(name, start, end))!), `read ${start} to ${end}`).toBe(expected)
      expect(toText(concat(await collect(store.stream(name, start, end)))), `stream ${start} to ${end}`).toBe(expected)
    }
  })

  it('streams in pieces that are not too large', async () => {
    const bytes = pattern(BLOB_PIECE_BYTES_MAX * 3 + 17)
    await store.put(name, bytes)
    const pieces = await collect(store.stream(name, 0, bytes.length))
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(BLOB_PIECE_BYTES_MAX)
    expect(Buffer.compare(concat(pieces), bytes)).toBe(0)
    const part = concat(await collect(store.stream(name, 5, BLOB_PIECE_BYTES_MAX * 2 + 3)))
    expect(Buffer.compare(part, bytes.subarray(5, BLOB_PIECE_BYTES_MAX * 2 + 3))).toBe(0)
  })

  it('gives bytes that later calls do not change', async () => {
    const mine = utf8('mine')
    await store.put(name, mine)
    mine.fill(0)
    const read = (await store.read(name, 0, 4))!
    read.fill(0)
    expect(await readText(name)).toBe('mine')
  })

  it('the first bytes under a name stay', async () => {
    await store.put(name, utf8('first'))
    await store.put(name, utf8('second, longer'))
    const draft = await store.draft()
    await draft.append(utf8('third'))
    await draft.keep(name)
    expect(await readText(name)).toBe('first')
  })

  it('puts of one name at once leave one of them whole', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(5000))
    await Promise.all(texts.map((text) => store.put(name, utf8(text))))
    expect(texts).toContain(await readText(name))
  })

  it('takes many puts at once', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.put(blobName(i), utf8(`blob ${i}`))))
    for (let i = 0; i < 100; i++) expect(await readText(blobName(i)), `blob ${i}`).toBe(`blob ${i}`)
  })

  it('deletes; the name is free again', async () => {
    await store.put(name, utf8('old'))
    await store.delete(name)
    expect(await store.sizeBytes(name)).toBeNull()
    await store.put(name, utf8('new'))
    expect(await readText(name)).toBe('new')
  })

  it('put and delete of one name at once leave the blob whole or absent', async () => {
    for (let i = 0; i < 20; i++) {
      const bytes = pattern(10_000 + i)
      await Promise.all([store.put(name, bytes), store.delete(name), store.put(name, bytes), store.delete(name)])
      expect([null, bytes.length], `round ${i}`).toContain(await store.sizeBytes(name))
      await store.delete(name)
    }
  })

  it('a draft reads what it holds and becomes a blob when it is kept', async () => {
    const draft = await store.draft()
    expect(await draft.read(0, 10)).toHaveLength(0)
    await draft.append(utf8('hello '))
    expect(toText(await draft.read(0, 5))).toBe('hello')
    await draft.append(utf8('wide '))
    await draft.append(utf8('world'))
    expect(toText(await draft.read(3, 9))).toBe('lo wid')
    expect(toText(await draft.read(11, 99))).toBe('world')
    expect(await store.sizeBytes(name)).toBeNull()
    await draft.keep(name)
    expect(await readText(name)).toBe('hello wide world')
  })

  it('a draft takes appends without waiting in between, and large ones', async () => {
    const bytes = pattern(5_000_000)
    const draft = await store.draft()
    const appends: Promise<void>[] = []
    for (let at = 0; at < bytes.length; at += 700_001) appends.push(draft.append(bytes.subarray(at, at + 700_001)))
    await draft.keep(name)
    await Promise.all(appends)
    expect(Buffer.compare((await store.read(name, 0, bytes.length))!, bytes)).toBe(0)
  })

  it('an empty draft becomes an empty blob', async () => {
    const draft = await store.draft()
    await draft.keep(name)
    expect(await store.sizeBytes(name)).toBe(0)
    expect(await collect(store.stream(name, 0, 10))).toEqual([])
  })

  it('a dropped draft is gone; dropping again, or after keep, changes nothing', async () => {
    const dropped = await store.draft()
    await dropped.append(utf8('x'))
    await dropped.drop()
    await dropped.drop()
    const ended = { code: 'store-failed' }
    await expect(dropped.append(utf8('y'))).rejects.toMatchObject(ended)
    await expect(dropped.read(0, 1)).rejects.toMatchObject(ended)
    await expect(dropped.keep(name)).rejects.toMatchObject(ended)
    const kept = await store.draft()
    await kept.append(utf8('kept'))
    await kept.keep(name)
    await kept.drop()
    expect(await readText(name)).toBe('kept')
  })

  it('an aborted stream ends with the reason', async () => {
    await store.put(name, pattern(BLOB_PIECE_BYTES_MAX * 8))
    const abort = new AbortController()
    const read = async (): Promise<void> => {
      for await (const _ of store.stream(name, 0, BLOB_PIECE_BYTES_MAX * 8, abort.signal)) abort.abort(new Error('client left'))
    }
    await expect(read()).rejects.toThrow('client left')
    await expect(collect(store.stream(name, 0, 1, abort.signal))).rejects.toThrow('client left')
  })

  it('a stream may be left early, and goes on when its blob is deleted', async () => {
    const size = BLOB_PIECE_BYTES_MAX * 4
    await store.put(name, pattern(size))
    for await (const piece of store.stream(name, 0, size)) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    const pieces: Uint8Array[] = []
    for await (const piece of store.stream(name, 0, size)) {
      pieces.push(piece)
      await store.delete(name)
    }
    expect(Buffer.compare(concat(pieces), pattern(size))).toBe(0)
  })

  it('clear removes every blob; the store goes on', async () => {
    const kinds = ['item', 'chunk', 'snapshot', 'module'] as const
    for (const kind of kinds) await store.put(blobName(1, kind), utf8(kind))
    await Promise.all([store.clear(), store.clear()])
    for (const kind of kinds) expect(await store.sizeBytes(blobName(1, kind)), kind).toBeNull()
    await Promise.all([store.put(blobName(2), utf8('during')), store.clear(), store.put(blobName(3), utf8('after'))])
    await store.put(name, utf8('again'))
    expect(await readText(name)).toBe('again')
  })

  it('refuses names that are no names', async () => {
    for (const bad of [
      'item-../../../etc/passwd',
      'item-',
      `other-${'A'.repeat(43)}`,
      `item-${'A'.repeat(42)}/`,
      `item-${'A'.repeat(44)}`,
    ]) {
      const refused = { code: 'encoding-invalid' }
      await expect(store.put(bad as BlobName, utf8('x')), bad).rejects.toMatchObject(refused)
      await expect(store.read(bad as BlobName, 0, 1), bad).rejects.toMatchObject(refused)
      await expect(store.delete(bad as BlobName), bad).rejects.toMatchObject(refused)
    }
  })

  it('close waits for puts; afterwards everything is refused', async () => {
    const put = store.put(name, pattern(100_000))
    const refusedOrDone = put.then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
    await store.close()
    expect(['done', 'store-failed']).toContain(await refusedOrDone)
    const refused = { code: 'store-failed' }
    await expect(store.put(name, utf8('x'))).rejects.toMatchObject(refused)
    await expect(store.read(name, 0, 1)).rejects.toMatchObject(refused)
    await expect(store.sizeBytes(name)).rejects.toMatchObject(refused)
    await expect(store.draft()).rejects.toMatchObject(refused)
    await expect(collect(store.stream(name, 0, 1))).rejects.toMatchObject(refused)
    await expect(store.clear()).rejects.toMatchObject(refused)
    await store.close()
  })
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}
