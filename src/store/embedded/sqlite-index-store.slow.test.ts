import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleBlock, sampleId, sampleRow } from '../../../test/index-samples.ts'
import { indexStoreContract } from '../../../test/index-store.contract.ts'
import type { TransactionQuery } from '../index-store.ts'
import { openSqliteIndexStore } from './sqlite-index-store.ts'

const WRITER = fileURLToPath(new URL('../../../test/index-writer.ts', import.meta.url))
const NEWEST: TransactionQuery = { sort: 'HEIGHT_DESC', first: 0, after: null, withCount: true }

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-index-'))
})
afterAll(() => rm(folder, { recursive: true }))
const freshFile = (): string => join(folder, `${++files}.sqlite`)

describe('in memory', () => {
  indexStoreContract(() => openSqliteIndexStore(':memory:'), 12)
})

describe('in a file', () => {
  indexStoreContract(() => openSqliteIndexStore(freshFile()), 4)

  it('is there again after a restart, with its position', async () => {
    const file = freshFile()
    const before = await openSqliteIndexStore(file)
    await before.apply([{ kind: 'row', row: sampleRow(5, { isDataItem: false }) }], 1)
    await before.close()
    const after = await openSqliteIndexStore(file)
    expect(await after.position()).toBe(1)
    await after.apply([{ kind: 'block', block: sampleBlock(0, [sampleId(5)]) }], 2)
    expect((await after.transaction(sampleId(5)))!.block?.height).toBe(0)
    await after.close()
  })

  it('holds whole calls and the right position after the process was killed', async () => {
    const file = freshFile()
    const acknowledged = await runAndKill(file, 400)
    const store = await openSqliteIndexStore(file)
    const position = await store.position()
    expect(position).toBeGreaterThanOrEqual(acknowledged)
    expect((await store.transactions(NEWEST)).count).toBe(BigInt(position - Math.floor(position / 10)))
    const blocks = Math.floor(position / 20)
    expect((await store.blocks({ sort: 'HEIGHT_DESC', first: 1, after: null })).edges[0]?.node.height).toBe(blocks - 1)
    expect((await store.transactions({ ...NEWEST, height: { min: 0, max: blocks } })).count).toBe(BigInt(blocks * 9))
    await store.close()
  })

  it('starts anew when the file is no database', async () => {
    const file = freshFile()
    await writeFile(file, 'this was never a database, but it is long enough to be taken for one '.repeat(100))
    const store = await openSqliteIndexStore(file)
    expect(await store.position()).toBe(0)
    await store.close()
  })

  it('refuses calls after it was closed', async () => {
    const store = await openSqliteIndexStore(freshFile())
    await store.close()
    await expect(store.position()).rejects.toMatchObject({ code: 'stopping' })
  })
})

describe('by the thread for long queries', () => {
  indexStoreContract(() => openSqliteIndexStore(freshFile(), { fastMs: -1 }), 2)

  it('gives up in the end, saying what to do', async () => {
    const store = await openSqliteIndexStore(freshFile(), { fastMs: -1, longMs: -1 })
    await expect(store.transactions({ ...NEWEST, first: 1 })).rejects.toMatchObject({ code: 'limit-reached', message: /add a rarer tag/ })
    await store.close()
  })
})

/** Resolves to the last position that the process told. */
function runAndKill(file: string, atLeast: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    child.stdout.on('data', (chunk: Buffer) => {
      told += chunk
      if (lastNumber(told) >= atLeast) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (_code, signal) =>
      signal === 'SIGKILL' ? resolve(lastNumber(told)) : reject(new Error(`the writer ended by itself: ${told}`)),
    )
  })
}

/** Of the whole lines: the last may have been cut. */
function lastNumber(told: string): number {
  return Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1))
}
