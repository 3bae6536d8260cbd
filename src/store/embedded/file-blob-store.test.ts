import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { blobBytes, blobName, pattern } from '../../../test/blob-names.ts'
import { blobStoreContract } from '../../../test/blob-store.contract.ts'
import { tempFolder } from '../../../test/temp-folder.ts'
import { openFileBlobStore } from './file-blob-store.ts'

const WRITER = fileURLToPath(new URL('../../../test/blob-writer.ts', import.meta.url))

describe('file BlobStore', () => {
  blobStoreContract(async () => openFileBlobStore(await tempFolder()))

  it('finds blobs again after it was closed, in two levels of folders', async () => {
    const folder = await tempFolder()
    const first = await openFileBlobStore(folder)
    await first.put(blobName(1), pattern(10))
    await first.close()
    const second = await openFileBlobStore(folder)
    expect(await second.sizeBytes(blobName(1))).toBe(10)
    const files = (await readdir(folder, { recursive: true })).filter((path) => path.includes(blobName(1)))
    expect(files).toHaveLength(1)
    expect(files[0]).toMatch(/^item[\\/][0-9a-f]{2}[\\/]item-/)
    await second.close()
  })

  it('leaves no draft behind: kept, dropped, refused, or open at the end', async () => {
    const folder = await tempFolder()
    const store = await openFileBlobStore(folder)
    await store.put(blobName(1), pattern(10))
    await store.put(blobName(1), pattern(20))
    const drafts = await Promise.all([store.draft(), store.draft(), store.draft()])
    for (const draft of drafts) await draft.append(pattern(10))
    await drafts[0].keep(blobName(1))
    await drafts[1].drop()
    expect(await readdir(join(folder, 'drafts'))).toHaveLength(1)
    await store.close()
    expect(await readdir(join(folder, 'drafts'))).toEqual([])
  })

  it('removes drafts of a process that died', async () => {
    const folder = await tempFolder()
    await (await openFileBlobStore(folder)).close()
    await writeFile(join(folder, 'drafts', '17'), 'half')
    const store = await openFileBlobStore(folder)
    expect(await readdir(join(folder, 'drafts'))).toEqual([])
    await store.close()
  })

  it.skipIf(process.platform !== 'linux')('closes every file that it opened', async () => {
    const store = await openFileBlobStore(await tempFolder())
    const size = 2_000_000
    await store.put(blobName(1), pattern(size))
    const open = async (): Promise<number> => (await readdir('/proc/self/fd')).length
    const before = await open()
    for (let i = 0; i < 20; i++) {
      await store.read(blobName(1), 0, 10)
      for await (const _ of store.stream(blobName(1), 0, size)) break
      const abort = new AbortController()
      const aborted = store.stream(blobName(1), 0, size, abort.signal)[Symbol.asyncIterator]()
      await aborted.next()
      abort.abort()
      await expect(aborted.next()).rejects.toThrow()
      await (await store.draft()).drop()
    }
    expect(await open()).toBeLessThanOrEqual(before + 2)
    await store.close()
  })

  it('says what failed when the folder cannot be used', async () => {
    const file = join(await tempFolder(), 'file')
    await writeFile(file, 'not a folder')
    await expect(openFileBlobStore(file)).rejects.toMatchObject({ code: 'store-failed' })
  })

  it('killed amid puts, it keeps every acknowledged blob and none in part', { timeout: 30_000 }, async () => {
    const folder = await tempFolder()
    const { acknowledged, failed } = await writtenUntil(200, process.execPath, [WRITER, folder, '16'])
    expect(failed.size).toBe(0)
    await checkBlobs(folder, acknowledged)
  })

  it('a full disk fails the put with store-failed, and leaves nothing of the blob', { timeout: 30_000 }, async () => {
    const folder = await tempFolder()
    const limited = ['-c', 'ulimit -f 150; exec "$0" "$@"', process.execPath, WRITER, folder, '4']
    const { acknowledged, failed } = await writtenUntil(100, '/bin/sh', limited)
    expect(new Set(failed.values())).toEqual(new Set(['store-failed']))
    expect([...failed.keys()].filter((n) => n % 3 === 0)).not.toEqual([])
    expect(acknowledged).not.toEqual([])
    await checkBlobs(folder, acknowledged)
    const store = await openFileBlobStore(folder)
    for (const n of failed.keys()) expect(await store.sizeBytes(blobName(n)), `blob ${n}`).toBeNull()
    await store.close()
  })
})

/** Runs the writer until it printed `lines` lines, kills it, and returns what it said. */
async function writtenUntil(
  lines: number,
  command: string,
  args: readonly string[],
): Promise<{ acknowledged: readonly number[]; failed: ReadonlyMap<number, string> }> {
  const writer = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(writer, 'exit')
  const acknowledged: number[] = []
  const failed = new Map<number, string>()
  for await (const line of createInterface({ input: writer.stdout })) {
    const [number, code] = line.split(' ')
    if (code === undefined) acknowledged.push(Number(number))
    else failed.set(Number(number), code)
    if (acknowledged.length + failed.size === lines) writer.kill('SIGKILL')
  }
  await exit
  return { acknowledged, failed }
}

async function checkBlobs(folder: string, acknowledged: readonly number[]): Promise<void> {
  const store = await openFileBlobStore(folder)
  for (let n = 0; n <= Math.max(...acknowledged) + 20; n++) {
    const size = await store.sizeBytes(blobName(n))
    if (size === null) expect(acknowledged, `blob ${n} is absent`).not.toContain(n)
    else expect(Buffer.compare((await store.read(blobName(n), 0, size))!, blobBytes(n)), `blob ${n}`).toBe(0)
  }
  await store.close()
}
