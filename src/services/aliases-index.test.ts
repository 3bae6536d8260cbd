import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleId, sampleRow } from '../../test/index-samples.ts'
import type { Address, TxId } from '../base/ids.ts'
import { findTag, textTag, toTextTags } from '../codec/tags.ts'
import { openSqliteIndexStore } from '../store/embedded/sqlite-index-store.ts'
import type { IndexReader, IndexStore, TagFilter, TransactionQuery } from '../store/index-store.ts'
import { ALIAS_TAG, MODULE_ALIASES, SCHEDULER_ALIASES } from './aliases.ts'
import { aliasIndex } from './aliases-index.ts'

const [ALIAS, OTHER_ALIAS, REAL_ALIAS] = [...MODULE_ALIASES.keys()] as [TxId, TxId, TxId]
const [SCHEDULER, OTHER_SCHEDULER] = SCHEDULER_ALIASES as [Address, Address]
const MODULE = sampleId(1)
const LOCATION = sampleId(2)
const STRANGER = sampleId(3)

const ao = (type: string): ReturnType<typeof textTag>[] => [textTag('Data-Protocol', 'ao'), textTag('Type', type)]
const eq = (name: string, ...values: string[]): TagFilter => ({ name, values, op: 'EQ', match: 'EXACT' })

let store: IndexStore
let index: IndexReader
let location: TxId | null = LOCATION

beforeAll(async () => {
  store = await openSqliteIndexStore(':memory:')
  const rows = [
    sampleRow(1, { id: MODULE, tags: [...ao('Module'), textTag('Name', 'runtime')] }),
    sampleRow(2, { id: LOCATION, tags: [...ao('Scheduler-Location'), textTag('Url', 'http://here')] }),
    sampleRow(3, { id: STRANGER, tags: ao('Module') }),
    sampleRow(4, { id: REAL_ALIAS, tags: ao('Module') }),
    sampleRow(5, { ownerAddress: OTHER_SCHEDULER, tags: ao('Message') }),
  ]
  await store.apply(
    rows.map((row) => ({ kind: 'row', row })),
    rows.length,
  )
  index = aliasIndex({ index: store, standIn: (id) => (MODULE_ALIASES.has(id) ? MODULE : null), location: () => location })
})
afterAll(() => store.close())

async function page(query: Partial<TransactionQuery>) {
  const { edges, hasNextPage, count } = await index.transactions({ sort: 'HEIGHT_DESC', first: 10, after: null, ...query })
  return { ids: edges.map(({ node }) => node.id), edges, hasNextPage, count }
}

/** Ids of all pages of one row each, following the cursors. */
async function walk(query: Partial<TransactionQuery>): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | null = null; ; ) {
    const { edges, hasNextPage } = await page({ ...query, first: 1, after })
    ids.push(...edges.map(({ node }) => node.id))
    if (!hasNextPage) return ids
    after = edges[0]!.cursor
  }
}

describe('a well-known module', () => {
  it('is the stand-in under its own id, without a signature, marked', async () => {
    for (const row of [await index.transaction(ALIAS), (await page({ ids: [ALIAS] })).edges[0]!.node]) {
      expect([row?.id, row?.signature.length]).toEqual([ALIAS, 0])
      expect(findTag(toTextTags(row!.tags), 'Name')).toBe('runtime')
      expect(findTag(toTextTags(row!.tags), ALIAS_TAG)).toBe(MODULE)
    }
  })

  it('is itself when it is here', async () => {
    expect((await index.transaction(REAL_ALIAS))?.signature.length).toBe(32)
    const { edges } = await page({ ids: [REAL_ALIAS] })
    expect(edges.map(({ node }) => findTag(toTextTags(node.tags), ALIAS_TAG))).toEqual([undefined])
  })

  it('passes the filters that the module passes', async () => {
    const ids = [ALIAS]
    expect((await page({ ids, tags: [eq('Data-Protocol', 'ao'), eq('Type', 'Module')] })).ids).toEqual([ALIAS])
    expect((await page({ ids, tags: [eq('Type', 'Process')] })).ids).toEqual([])
    const { ownerAddress } = (await store.transaction(MODULE))!
    expect((await page({ ids, owners: [ownerAddress] })).ids).toEqual([ALIAS])
    expect((await page({ ids, owners: [SCHEDULER] })).ids).toEqual([])
    expect((await page({ ids, height: { min: 1, max: null } })).ids).toEqual([])
  })

  it('stands in pages with others, each row once, and in their count', async () => {
    const ids = [STRANGER, OTHER_ALIAS, ALIAS, REAL_ALIAS, ALIAS]
    const whole = await page({ ids, withCount: true })
    expect([...whole.ids].sort()).toEqual([STRANGER, OTHER_ALIAS, ALIAS, REAL_ALIAS].sort())
    expect([whole.hasNextPage, whole.count]).toEqual([false, 4n])
    expect(await walk({ ids })).toEqual(whole.ids)
    expect((await page({ ids, first: 0, withCount: true })).count).toBe(4n)
  })

  it('is not among what others ask for', async () => {
    expect([...(await page({ tags: [eq('Type', 'Module')] })).ids].sort()).toEqual([MODULE, STRANGER, REAL_ALIAS].sort())
  })
})

describe('a well-known scheduler', () => {
  const tags = [eq('Data-Protocol', 'ao'), eq('Type', 'Scheduler-Location')]

  it('is where this node is', async () => {
    const { edges } = await page({ owners: [SCHEDULER], tags, first: 1 })
    const { node } = edges[0]!
    expect([node.ownerAddress, findTag(toTextTags(node.tags), 'Url'), findTag(toTextTags(node.tags), ALIAS_TAG)]).toEqual([
      SCHEDULER,
      'http://here',
      LOCATION,
    ])
    expect((await index.transaction(node.id))?.ownerAddress).toBe(SCHEDULER)
    expect((await page({ ids: [node.id] })).ids).toEqual([node.id])
    expect((await page({ ids: [node.id], owners: [OTHER_SCHEDULER] })).ids).toEqual([])
  })

  it('is among all that are listed', async () => {
    const { edges } = await page({ tags })
    const { ownerAddress } = (await store.transaction(LOCATION))!
    expect(edges.map(({ node }) => node.ownerAddress).sort()).toEqual([...SCHEDULER_ALIASES, ownerAddress].sort())
    expect((await walk({ tags })).length).toBe(SCHEDULER_ALIASES.length + 1)
  })

  it('has nothing else, and nobody else has it', async () => {
    expect((await page({ owners: [SCHEDULER] })).ids).toEqual([])
    expect((await page({ owners: [SCHEDULER], tags: [eq('Type', 'Message')] })).ids).toEqual([])
    expect((await page({ owners: [STRANGER], tags })).ids).toEqual([])
    expect((await page({ owners: [SCHEDULER], tags: [...tags, eq('Url', 'http://there')] })).ids).toEqual([])
  })

  it('is nowhere before the node has said where it is', async () => {
    location = null
    expect((await page({ owners: [SCHEDULER], tags })).ids).toEqual([])
    location = LOCATION
  })
})
