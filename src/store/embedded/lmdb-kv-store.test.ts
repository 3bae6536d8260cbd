import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { kvStoreContract } from '../../../test/kv-store.contract.ts'
import { type BatchName, PARTS, partOf } from '../../../test/kv-writer-batch.ts'
import { tempFolder } from '../../../test/temp-folder.ts'
import { bigEndian, utf8 } from '../../base/bytes.ts'
import type { KvStore } from '../kv-store.ts'
import { openLmdbKvStore } from './lmdb-kv-store.ts'

const WRITER = fileURLToPath(new URL('../../../test/kv-writer.ts', import.meta.url))

describe('LMDB KvStore', () => {
  kvStoreContract(async () => openLmdbKvStore(await tempFolder()))

  it('finds everything again after it was closed', async () => {
    const folder = await tempFolder()
    const first = await openLmdbKvStore(folder)
    await first.write([{ space: 'meta', key: utf8('a'), value: utf8('kept') }])
    await first.close()
    const second = await openLmdbKvStore(folder)
    expect(Buffer.from((await second.get('meta', utf8('a')))!).toString()).toBe('kept')
    await second.close()
  })

  it('takes a folder whose name looks like a file', async () => {
    const folder = join(await tempFolder(), 'data.v1')
    await (await openLmdbKvStore(folder)).close()
    expect(await readdir(folder)).toContain('data.mdb')
  })

  it('grows far beyond its first map, also while a scan holds an old snapshot', async () => {
    const folder = await tempFolder()
    const store = await openLmdbKvStore(folder, { mapBytes: 1024 * 1024 })
    const value = Buffer.alloc(16 * 1024, 5)
    const fill = (from: number, count: number): Promise<void> =>
      store.write(Array.from({ length: count }, (_, i) => ({ space: 'bodies', key: bigEndian(from + i, 8), value })))
    await fill(0, 500)
    let seen = 0
    for await (const entry of store.scan('bodies')) {
      expect(Buffer.compare(entry.value, value)).toBe(0)
      if (seen % 100 === 0) await fill(1000 + seen * 10, 500)
      seen += 1
    }
    expect(seen).toBe(500)
    expect((await stat(join(folder, 'data.mdb'))).size).toBeGreaterThan(32 * 1024 * 1024)
    for (const key of [0, 499, 1000, 1499, 5000, 5499])
      expect(await store.get('bodies', bigEndian(key, 8)), `key ${key}`).toHaveLength(value.length)
    await store.close()
  })

  it('says what failed when the folder cannot be used', async () => {
    const file = join(await tempFolder(), 'file')
    await writeFile(file, 'not a folder')
    await expect(openLmdbKvStore(file)).rejects.toMatchObject({ code: 'store-failed' })
  })

  it('killed amid writes, it keeps every acknowledged batch and no part of another', { timeout: 30_000 }, async () => {
    const folder = await tempFolder()
    const writers = 16
    for (let round = 0; round < 3; round++) {
      const writer = startWriter([WRITER, folder, String(writers), String(round)])
      const acknowledged = await acknowledgedUntil(writer, 300 * (round + 1))
      await checkBatches(folder, { round, writers, acknowledged })
    }
  })

  it('a full disk fails the write whole, with store-failed, and loses nothing', { timeout: 30_000 }, async () => {
    const folder = await tempFolder()
    const limited = ['-c', 'ulimit -f 12000; exec "$0" "$@"', process.execPath, WRITER, folder, '4', '0']
    const acknowledged = await acknowledgedUntil(startWriter(limited, '/bin/sh'), Number.POSITIVE_INFINITY)
    expect(acknowledged.failure).toBe('store-failed')
    expect(acknowledged.counts.size).toBe(4)
    await checkBatches(folder, { round: 0, writers: 4, acknowledged })
    await rm(folder, { recursive: true })
  })
})

/** Per writer, how many batches it was told are durable. */
interface Acknowledged {
  readonly counts: ReadonlyMap<number, number>
  readonly failure: string | null
}

function startWriter(args: readonly string[], command = process.execPath): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
}

/** Reads acknowledgements until there are `enough`, kills the writer, and reads what it still had said. */
async function acknowledgedUntil(writer: ChildProcess, enough: number): Promise<Acknowledged> {
  const counts = new Map<number, number>()
  let failure: string | null = null
  let lines = 0
  const exit = once(writer, 'exit')
  for await (const line of createInterface({ input: writer.stdout! })) {
    const [name, number] = line.split(' ')
    if (number === undefined) failure = line
    else counts.set(Number(name), Number(number) + 1)
    lines += 1
    if (lines === enough) writer.kill('SIGKILL')
  }
  await exit
  return { counts, failure }
}

async function checkBatches(folder: string, of: { round: number; writers: number; acknowledged: Acknowledged }): Promise<void> {
  const store = await openLmdbKvStore(folder)
  let total = 0
  for (let writer = 0; writer < of.writers; writer++) {
    const told = of.acknowledged.counts.get(writer) ?? 0
    for (let number = 0; ; number++) {
      const present = await partsPresent(store, { round: of.round, writer, number })
      const name = `round ${of.round}, writer ${writer}, batch ${number} of ${told} acknowledged`
      if (number < told) expect(present, name).toBe(PARTS.length)
      else expect([0, PARTS.length], name).toContain(present)
      if (present === 0) break
      total += 1
    }
  }
  expect(total).toBeGreaterThan(0)
  await store.close()
}

async function partsPresent(store: KvStore, name: BatchName): Promise<number> {
  let present = 0
  for (const part of PARTS) {
    const { space, key, value } = partOf(part, name)
    const found = await store.get(space, key)
    if (found !== null && Buffer.compare(found, value) === 0) present += 1
  }
  return present
}
