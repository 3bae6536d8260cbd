import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleBlock, sampleId, sampleRow } from '../../../test/index-samples.ts'
import { indexStoreContract } from '../../../test/index-store.contract.ts'
import { openSqliteIndexStore } from './sqlite-index-store.ts'

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-index-'))
})
afterAll(() => rm(folder, { recursive: true }))
const freshFile = (): string => join(folder, `${++files}.sqlite`)

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

describe('in memory', () => {
  indexStoreContract(() => openSqliteIndexStore(':memory:'), 40)
})
