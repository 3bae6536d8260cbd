/** What every IndexStore must do. The tests beside the implementations call it and add only what is theirs. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { sha256 } from '../src/base/hash.ts'
import { bytesToAddress, type TxId } from '../src/base/ids.ts'
import { textTag } from '../src/codec/tags.ts'
import type { IndexEvent, IndexStore, TransactionQuery } from '../src/store/index-store.ts'
import { IndexModel } from './index-model.ts'
import { Dice, Sampler, sampleAddress, sampleBlock, sampleHash, sampleId, sampleKey, sampleRow } from './index-samples.ts'

const NEWEST: TransactionQuery = { sort: 'HEIGHT_DESC', first: 100, after: null }
const OLDEST: TransactionQuery = { ...NEWEST, sort: 'HEIGHT_ASC' }

/** `open` gives an empty store. `seeds` is how many random histories are tried. */
export function indexStoreContract(open: () => Promise<IndexStore>, seeds: number): void {
  let store: IndexStore
  let position: number
  beforeAll(async () => {
    store = await open()
  })
  beforeEach(async () => {
    await store.clear()
    position = 0
  })
  afterAll(() => store.close())

  const apply = async (...events: IndexEvent[]): Promise<void> => {
    position += events.length
    await store.apply(events, position)
  }
  const row = (n: number, fields: Parameters<typeof sampleRow>[1] = {}): IndexEvent => ({ kind: 'row', row: sampleRow(n, fields) })
  const block = (height: number, ...numbers: number[]): IndexEvent => ({ kind: 'block', block: sampleBlock(height, numbers.map(sampleId)) })
  const bundled = (parent: number, ...numbers: number[]): IndexEvent => ({
    kind: 'bundled',
    parent: sampleId(parent),
    ids: numbers.map(sampleId),
  })
  const idsOf = async (query: TransactionQuery): Promise<TxId[]> => (await store.transactions(query)).edges.map(({ node }) => node.id)

  it('is empty at first', async () => {
    expect(await store.position()).toBe(0)
    expect(await store.transactions({ ...NEWEST, withCount: true })).toEqual({ edges: [], hasNextPage: false, count: 0n })
    expect(await store.transaction(sampleId(1))).toBeNull()
    expect(await store.blocks({ sort: 'HEIGHT_DESC', first: 10, after: null })).toMatchObject({ edges: [], hasNextPage: false })
    expect(await store.block(sampleHash(1))).toBeNull()
  })

  it('gives a row back as it came', async () => {
    const full = sampleRow(1, {
      signatureType: 65_535,
      signature: new Uint8Array(2048).fill(7),
      owner: new Uint8Array(512).fill(9),
      ownerAddress: bytesToAddress(sha256(new Uint8Array(512).fill(9))),
      target: sampleAddress(4),
      anchor: new Uint8Array(48).fill(3),
      tags: [
        textTag('b', '2'),
        textTag('a', '1'),
        textTag('b', '2'),
        textTag('', ''),
        { name: Uint8Array.of(0xff), value: Uint8Array.of(0, 0xfe) },
      ],
      quantityWinston: 2n ** 80n,
      rewardWinston: 1n,
      dataBytes: 2n ** 45n,
      parent: sampleId(9),
    })
    await apply({ kind: 'row', row: full }, row(2, { signatureType: null, isDataItem: false }))
    expect(await store.transaction(full.id)).toEqual({ ...full, block: null })
    expect(await store.transaction(sampleId(2))).toEqual({ ...sampleRow(2, { signatureType: null, isDataItem: false }), block: null })
    expect(await store.position()).toBe(2)
  })

  it('keeps one row for an id, whatever comes again', async () => {
    await apply(row(1), row(1, { dataBytes: 77n }))
    await apply(row(1, { dataBytes: 99n }))
    expect((await store.transactions({ ...NEWEST, withCount: true })).count).toBe(1n)
    expect((await store.transaction(sampleId(1)))!.dataBytes).toBe(1n)
  })

  it('shows the newest pending row first and mined ones by height, index, then id with the L1 transaction as the lowest', async () => {
    await apply(row(10, { isDataItem: false }), row(20, { isDataItem: false }), ...[11, 12, 13].map((n) => row(n)), bundled(20, 11, 12, 13))
    await apply(block(0, 10, 20), row(2), row(1))
    const items = [11, 12, 13].map(sampleId).sort((a, b) => Buffer.compare(Buffer.from(a, 'base64url'), Buffer.from(b, 'base64url')))
    const oldest = [sampleId(10), sampleId(20), ...items, sampleId(2), sampleId(1)]
    expect(await idsOf(OLDEST)).toEqual(oldest)
    expect(await idsOf(NEWEST)).toEqual(oldest.reverse())
  })

  it('mines what lies in a bundle to any depth, in whatever order it becomes known', async () => {
    const events = [row(5, { isDataItem: false }), bundled(5, 6), row(6), row(7), bundled(6, 7), block(0, 5), bundled(7, 8), row(8)]
    for (let turn = 0; turn < events.length; turn++) {
      await store.clear()
      position = 0
      for (const event of [...events.slice(turn), ...events.slice(0, turn)]) await apply(event)
      const { edges } = await store.transactions(NEWEST)
      expect(
        edges.map(({ node }) => node.block?.height),
        `turned by ${turn}`,
      ).toEqual([0, 0, 0, 0])
      expect((await store.transaction(sampleId(8)))!.parent, `turned by ${turn}`).toBe(sampleId(7))
    }
  })

  it('ranks items that come after their root was mined', async () => {
    await apply(row(5, { isDataItem: false }), block(0, 5))
    const numbers = Array.from({ length: 40 }, (_, i) => i + 6).filter((n) => n % 5 !== 0)
    for (const n of numbers) await apply(row(n, { parent: sampleId(5) }))
    const items = numbers.map(sampleId).sort((a, b) => Buffer.compare(Buffer.from(a, 'base64url'), Buffer.from(b, 'base64url')))
    expect(await idsOf(OLDEST)).toEqual([sampleId(5), ...items])
  })

  it('takes a block back', async () => {
    await apply(row(5, { isDataItem: false }), row(6), bundled(5, 6), block(0, 5))
    await apply({ kind: 'unblock', hash: sampleHash(0) })
    expect((await store.transactions(NEWEST)).edges.map(({ node }) => node.block)).toEqual([null, null])
    expect(await store.block(sampleHash(0))).toBeNull()
    await apply({ kind: 'block', block: sampleBlock(0, [sampleId(5)], 1) })
    expect((await store.transaction(sampleId(6)))!.block).toMatchObject({ hash: sampleHash(1000), height: 0, previous: '' })
  })

  it('drops a pending transaction, but not a mined one', async () => {
    await apply(row(5, { isDataItem: false, tags: [textTag('a', 'b')] }), row(6), bundled(5, 6), { kind: 'drop', id: sampleId(5) })
    expect(await store.transaction(sampleId(5))).toBeNull()
    expect((await store.transaction(sampleId(6)))!.parent).toBeNull()
    const tagged = { ...NEWEST, tags: [{ name: 'a', values: ['b'], op: 'EQ', match: 'EXACT' }], withCount: true } as const
    expect(await store.transactions(tagged)).toEqual({ edges: [], hasNextPage: false, count: 0n })
    await apply(
      row(10, { isDataItem: false }),
      bundled(10, 6),
      block(0, 10),
      { kind: 'drop', id: sampleId(10) },
      { kind: 'drop', id: sampleId(77) },
    )
    expect((await store.transaction(sampleId(6)))!.block?.height).toBe(0)
  })

  it('lists blocks by height, with cursors', async () => {
    await apply(...[0, 1, 2, 3, 4].map((height) => block(height)))
    const heights = async (query: Partial<Parameters<IndexStore['blocks']>[0]>) => {
      const page = await store.blocks({ sort: 'HEIGHT_DESC', first: 10, after: null, ...query })
      return [page.edges.map(({ node }) => node.height), page.hasNextPage]
    }
    expect(await heights({})).toEqual([[4, 3, 2, 1, 0], false])
    expect(await heights({ first: 2, sort: 'HEIGHT_ASC', height: { min: 1, max: null } })).toEqual([[1, 2], true])
    expect(await heights({ height: { min: 1, max: 3 } })).toEqual([[3, 2, 1], false])
    expect(await heights({ ids: [sampleHash(2), 'absent'] })).toEqual([[2], false])
    expect(await heights({ ids: [] })).toEqual([[], false])
    expect(await heights({ first: 0 })).toEqual([[], true])
    const { edges } = await store.blocks({ sort: 'HEIGHT_DESC', first: 2, after: null })
    expect(edges[0]!.cursor).toBe(Buffer.from('[4]').toString('base64url'))
    expect(await heights({ after: edges[1]!.cursor })).toEqual([[2, 1, 0], false])
    expect(await store.block(sampleHash(3))).toEqual({ hash: sampleHash(3), previous: sampleHash(2), height: 3, timestampS: 1_700_000_003 })
    await expect(store.blocks({ sort: 'HEIGHT_DESC', first: 1, after: 'x!' })).rejects.toMatchObject({
      code: 'query-invalid',
      message: /^Invalid block cursor/,
    })
  })

  it('refuses a cursor it did not give', async () => {
    for (const after of [
      'x',
      '!',
      'bnVsbA',
      Buffer.from('[1,2]').toString('base64url'),
      Buffer.from('[-1,0,true,"a",1]').toString('base64url'),
    ])
      await expect(store.transactions({ ...NEWEST, after }), after).rejects.toMatchObject({
        code: 'query-invalid',
        message: /^Invalid transaction cursor/,
      })
  })

  it('writes cursors in the form of ar-io', async () => {
    const id = 'zoljIRyzG5hp-R4EZV2q8kFI49OAoy23_B9YJ_yEEws' as TxId
    await apply(row(5, { isDataItem: false }), row(1, { id, ingestedAtS: 1_630_000_000, parent: sampleId(5) }))
    const txIds = [...Array.from({ length: 42 }, (_, i) => sampleId(100 + i)), sampleId(5)]
    await apply({ kind: 'block', block: sampleBlock(1138, txIds) })
    const { edges } = await store.transactions(NEWEST)
    expect(edges[0]!.cursor).toBe('WzExMzgsNDIsdHJ1ZSwiem9saklSeXpHNWhwLVI0RVpWMnE4a0ZJNDlPQW95MjNfQjlZSl95RUV3cyIsMTYzMDAwMDAwMF0')
  })

  it('takes an owner by address or by public key', async () => {
    await apply(row(1), row(2))
    expect(await idsOf({ ...NEWEST, owners: [sampleAddress(1)] })).toEqual([sampleId(1)])
    const key = new Uint8Array(512).fill(5)
    await apply(row(3, { owner: key, ownerAddress: bytesToAddress(sha256(key)) }))
    expect(await idsOf({ ...NEWEST, owners: [Buffer.from(key).toString('base64url')] })).toEqual([sampleId(3)])
    expect(await idsOf({ ...NEWEST, owners: ['nobody', Buffer.from(sampleKey(9)).toString('base64url')] })).toEqual([])
  })

  it('leaves nothing of a call that failed', async () => {
    await apply(row(1))
    const bad = { kind: 'block', block: { ...sampleBlock(0, [sampleId(1)]), height: 2 ** 40 } } as const
    await expect(store.apply([row(2), bad], 3)).rejects.toMatchObject({ code: 'limit-reached' })
    expect(await idsOf(NEWEST)).toEqual([sampleId(1)])
    expect(await store.position()).toBe(1)
  })

  it.each(Array.from({ length: seeds }, (_, i) => i + 1))('answers as the plain model does, history %i', async (seed) => {
    const dice = new Dice(seed)
    const model = new IndexModel()
    const sampler = new Sampler(dice, model)
    for (let round = 0; round < 12; round++) {
      for (let i = dice.below(4); i >= 0; i--) {
        const events: IndexEvent[] = []
        for (let j = dice.below(8); j >= 0; j--) {
          const event = sampler.event()
          model.apply([event])
          events.push(event)
        }
        await apply(...events)
      }
      for (let i = 0; i < 12; i++) await compare(store, model, sampler.query(), `seed ${seed} round ${round}`)
    }
  })

  it.each(Array.from({ length: seeds }, (_, i) => i + 1))(
    'a walk sees every row once while rows come and are mined, history %i',
    async (seed) => {
      const dice = new Dice(1000 + seed)
      const model = new IndexModel()
      const sampler = new Sampler(dice, model)
      const grow = async (count: number, options: Parameters<Sampler['event']>[0]): Promise<void> => {
        const events = Array.from({ length: count }, () => {
          const event = sampler.event(options)
          model.apply([event])
          return event
        })
        if (count > 0) await apply(...events)
      }
      await grow(80, {})
      const sort = dice.pick(['HEIGHT_DESC', 'HEIGHT_DESC', 'HEIGHT_ASC', 'INGESTED_AT_DESC'] as const)
      const tags = dice.chance(50) ? [{ name: 'App', values: null, op: dice.pick(['EQ', 'NEQ'] as const), match: 'EXACT' as const }] : []
      const query: TransactionQuery = { sort, tags, first: 1 + dice.below(5), after: null }
      const before = model.all(query).map(({ id }) => id)
      const seen: TxId[] = []
      for (let after: string | null = null, more = true; more; ) {
        const page = await store.transactions({ ...query, after })
        seen.push(...page.edges.map(({ node }) => node.id))
        more = page.hasNextPage
        after = page.edges.at(-1)?.cursor ?? null
        // Oldest first, a row that is put into an old root moves behind the walk.
        if (seen.length < 500) await grow(dice.below(5), { undo: false, late: sort !== 'HEIGHT_ASC' })
      }
      expect(seen.length, `seed ${seed}: repeats`).toBe(new Set(seen).size)
      expect(
        before.filter((id) => !seen.includes(id)),
        `seed ${seed}: gaps`,
      ).toEqual([])
    },
  )
}

/** The page, the count, and the walk from page to page. */
async function compare(store: IndexStore, model: IndexModel, query: TransactionQuery, where: string): Promise<void> {
  const all = model.all(query)
  const told = `${where}: ${JSON.stringify(query)}`
  const page = await store.transactions(query)
  const brief = page.edges.map(({ node: { id, parent, block } }) => ({ id, parent, block: block?.hash ?? null }))
  expect(brief, told).toEqual(all.slice(0, query.first))
  expect(page.hasNextPage, told).toBe(all.length > query.first)
  expect(page.count, told).toBe(query.withCount ? BigInt(all.length) : null)
  if (query.first === 0) return
  const walked = page.edges.map(({ node }) => node.id)
  for (let { edges, hasNextPage } = page; hasNextPage; walked.push(...edges.map(({ node }) => node.id)))
    ({ edges, hasNextPage } = await store.transactions({ ...query, after: edges.at(-1)!.cursor }))
  expect(walked, told).toEqual(all.map(({ id }) => id))
}
