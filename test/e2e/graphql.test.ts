/** GraphQL as clients use it: every filter and sort, and pages that stay whole while uploads and blocks come in. */
import { bundleAndSignData, type DataItem } from '@dha-team/arbundles'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { arweaveOf, ask, bundleOf, mine, nodeOf, query, sha256, signedItem, upload } from './support/client.ts'
import { signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

type Sort = 'HEIGHT_DESC' | 'HEIGHT_ASC' | 'INGESTED_AT_DESC' | 'INGESTED_AT_ASC'

interface Edge {
  readonly cursor: string
  readonly node: { readonly id: string; readonly block: { readonly height: number } | null; readonly ingested_at: number }
}

interface Page {
  readonly count?: string
  readonly pageInfo: { readonly hasNextPage: boolean }
  readonly edges: readonly Edge[]
}

const SORTS: readonly Sort[] = ['HEIGHT_DESC', 'HEIGHT_ASC', 'INGESTED_AT_DESC', 'INGESTED_AT_ASC']
const ROUNDS = 6
const PER_ROUND = 50
const PENDING = 50
const WALK = [{ name: 'Series', values: ['walk'] }]
const TARGET = 'zoljIRyzG5hp-R4EZV2q8kFI49OAoy23_B9YJ_yEEws'

const solana = signerOf('solana')
const aptos = signerOf('aptos')

let node: TestNode
let all: readonly string[]
let made = 0

beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
  const ids: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    // Every third block gets its items from a client's own bundle.
    ids.push(...(round % 3 === 2 ? await postBundle(PER_ROUND) : await uploadSome(PER_ROUND)))
    await mine(node.url)
  }
  ids.push(...(await uploadSome(PENDING)))
  all = ids
}, 60_000)
afterAll(() => node.stop())

function nextItem(): Promise<DataItem> {
  made += 1
  return signedItem(made % 2 === 0 ? solana : aptos, `item ${made}`, {
    tags: [
      { name: 'Series', value: 'walk' },
      { name: 'Number', value: String(made) },
    ],
  })
}

/** Uploaded, and taken into a transaction that waits for its block. */
async function uploadSome(count: number): Promise<string[]> {
  const items = await Promise.all(Array.from({ length: count }, nextItem))
  await Promise.all(items.map((item) => upload(node.url, item, '/tx?receipt=none')))
  for (const { id } of items) await bundleOf(node.url, id)
  return items.map(({ id }) => id)
}

async function postBundle(count: number): Promise<string[]> {
  const items = await Promise.all(Array.from({ length: count }, nextItem))
  const arweave = arweaveOf(node.url)
  const tx = await (await bundleAndSignData(items, solana)).toTransaction({}, arweave, devWallet('alice'))
  await arweave.transactions.sign(tx, devWallet('alice'))
  expect((await arweave.transactions.post(tx)).status).toBe(200)
  return items.map(({ id }) => id)
}

async function page(variables: Record<string, unknown>): Promise<Page> {
  const text = `query ($ids: [ID!], $owners: [String!], $recipients: [String!], $tags: [TagFilter!], $block: RangeFilter, $first: Int, $after: String, $sort: SortOrder) {
    transactions(ids: $ids, owners: $owners, recipients: $recipients, tags: $tags, block: $block, first: $first, after: $after, sort: $sort) {
      count pageInfo { hasNextPage } edges { cursor node { id ingested_at block { height } } }
    }
  }`
  return (await query<{ transactions: Page }>(node.url, text, variables)).transactions
}

/** As clients walk: on from the last cursor while there is a next page. `between` runs after each page. */
async function walk(variables: Record<string, unknown>, between: (pages: number) => Promise<unknown> = async () => {}): Promise<Edge[]> {
  const edges: Edge[] = []
  for (let after: string | null = null, pages = 1; ; pages += 1) {
    const { pageInfo, edges: found }: Page = await page({ ...variables, after })
    edges.push(...found)
    if (!pageInfo.hasNextPage) return edges
    expect(found).toHaveLength(variables['first'] as number)
    after = found.at(-1)!.cursor
    await between(pages)
  }
}

const idsOf = (edges: readonly Edge[]): string[] => edges.map((edge) => edge.node.id)

async function found(variables: Record<string, unknown>): Promise<string[]> {
  return idsOf(await walk({ first: 100, ...variables }))
}

const sorted = (ids: readonly string[]): string[] => [...ids].sort()

describe('a walk over 350 items in six blocks and pending', () => {
  for (const [sort, first] of [
    ['HEIGHT_DESC', 1],
    ['HEIGHT_DESC', 100],
    ['HEIGHT_ASC', 7],
    ['HEIGHT_ASC', 50],
    ['INGESTED_AT_DESC', 33],
    ['INGESTED_AT_ASC', 100],
  ] as const)
    it(`by ${sort} in pages of ${first} finds each of them once`, async () => {
      const edges = await walk({ tags: WALK, sort, first })
      expect(sorted(idsOf(edges))).toEqual(sorted(all))
    })

  it('is in order: pending first or last, then by height; and ascending is descending turned round', async () => {
    const [down, up, late, early] = (await Promise.all(SORTS.map((sort) => walk({ tags: WALK, sort, first: 100 })))) as [
      Edge[],
      Edge[],
      Edge[],
      Edge[],
    ]
    const heights = down.map((edge) => edge.node.block?.height ?? Number.POSITIVE_INFINITY)
    expect(heights).toEqual([...heights].sort((a, b) => b - a))
    expect(heights.filter((height) => height === Number.POSITIVE_INFINITY)).toHaveLength(PENDING)
    expect(new Set(heights).size).toBe(ROUNDS + 1)
    expect(idsOf(up)).toEqual(idsOf(down).reverse())
    const times = late.map((edge) => edge.node.ingested_at)
    expect(times).toEqual([...times].sort((a, b) => b - a))
    expect(idsOf(early)).toEqual(idsOf(late).reverse())
  })

  it('knows how many there are, whatever the page', async () => {
    expect((await page({ tags: WALK, first: 1 })).count).toBe(String(all.length))
    expect((await page({ tags: WALK, first: 0 })).edges).toEqual([])
    expect((await page({ tags: WALK, first: 0 })).pageInfo.hasNextPage).toBe(true)
    expect((await page({ tags: WALK, first: 1000 })).edges).toHaveLength(all.length)
    expect((await page({ tags: WALK, first: all.length })).pageInfo.hasNextPage).toBe(false)
    expect((await page({ tags: WALK, first: all.length - 1 })).pageInfo.hasNextPage).toBe(true)
    expect((await page({ tags: WALK })).edges).toHaveLength(10)
  })
})

describe('filters', () => {
  const series = (values: string[], more: object = {}) => ({ name: 'Series', values, ...more })
  let one: DataItem
  let two: DataItem
  let odd: DataItem

  beforeAll(async () => {
    const tags = (...list: [string, string][]) => list.map(([name, value]) => ({ name, value }))
    one = await signedItem(solana, 'one', {
      target: TARGET,
      tags: tags(['Series', 'filters'], ['Kind', 'alpha'], ['Kind', 'beta'], ['Content-Type', 'text/plain'], ['Empty', '']),
    })
    two = await signedItem(signerOf('ethereum'), 'two', {
      anchor: 'a'.repeat(32),
      tags: tags(['Series', 'filters'], ['Kind', 'gamma'], ['Content-Type', 'image/png'], ['Größe', 'übergroß ☃'], ['say "hi"', 'a\nb']),
    })
    odd = await signedItem(solana, 'odd', { tags: tags(['series', 'filters'], ['Series', 'FILTERS'], ['', 'nameless']) })
    for (const item of [one, two, odd]) await upload(node.url, item)
  })

  it('by id, one or many, and of an empty list nothing', async () => {
    expect(await found({ ids: [one.id] })).toEqual([one.id])
    expect(sorted(await found({ ids: [one.id, two.id, 'A'.repeat(43), 'nonsense'] }))).toEqual(sorted([one.id, two.id]))
    expect(await found({ ids: [] })).toEqual([])
    expect(await found({ ids: null, tags: [series(['filters'])], owners: null, recipients: null, block: null })).toHaveLength(2)
  })

  it('by owner and recipient', async () => {
    const owner = sha256(two.rawOwner)
    expect(await found({ owners: [owner] })).toEqual([two.id])
    expect(await found({ owners: [two.owner] })).toEqual([two.id])
    expect(await found({ recipients: [TARGET] })).toEqual([one.id])
    expect(await found({ recipients: [TARGET], owners: [owner] })).toEqual([])
    expect(sorted(await found({ owners: [owner, sha256(one.rawOwner)], tags: [series(['filters', 'FILTERS'])] }))).toEqual(
      sorted([one.id, two.id, odd.id]),
    )
  })

  const cases: readonly (readonly [what: string, tags: readonly object[], expected: readonly ('one' | 'two' | 'odd')[]])[] = [
    ['a name and a value, exactly', [series(['filters'])], ['one', 'two']],
    ['any of several values', [series(['filters', 'FILTERS'])], ['one', 'two', 'odd']],
    ['all of several filters', [series(['filters']), { name: 'Kind', values: ['beta', 'delta'] }], ['one']],
    ['a repeated name, either value', [{ name: 'Kind', values: ['alpha', 'beta'] }], ['one']],
    [
      'two values of a repeated name',
      [
        { name: 'Kind', values: ['alpha'] },
        { name: 'Kind', values: ['beta'] },
      ],
      ['one'],
    ],
    ['a name alone', [{ name: 'Kind' }], ['one', 'two']],
    ['an empty value', [{ name: 'Empty', values: [''] }], ['one']],
    ['an empty name', [{ name: '', values: ['nameless'] }], ['odd']],
    ['letters beyond ASCII', [{ name: 'Größe', values: ['übergroß ☃'] }], ['two']],
    ['quotes and line ends', [{ name: 'say "hi"', values: ['a\nb'] }], ['two']],
    ['a wildcard', [series(['filters']), { name: 'Content-Type', values: ['image/*'], match: 'WILDCARD' }], ['two']],
    ['a wildcard without a star', [series(['filt']), { name: 'Kind', values: ['alpha'], match: 'WILDCARD' }], []],
    ['what is not so', [series(['filters']), { name: 'Kind', values: ['alpha'], op: 'NEQ' }], ['two']],
    ['no values at all', [series([])], []],
    ['another case of the name', [{ name: 'series', values: ['filters'] }], ['odd']],
  ]
  for (const [what, tags, expected] of cases)
    it(`by tag: ${what}`, async () => {
      const known = { one: one.id, two: two.id, odd: odd.id }
      expect(sorted(await found({ tags }))).toEqual(sorted(expected.map((name) => known[name])))
    })

  it('by block: both ends belong, and any upper end leaves pending out', async () => {
    const { height } = await node.info()
    const of = async (min: number | null, max: number | null) => (await found({ tags: WALK, block: { min, max } })).length
    expect(await of(1, 1)).toBe(PER_ROUND)
    expect(await of(2, 4)).toBe(3 * PER_ROUND)
    expect(await of(0, height)).toBe(ROUNDS * PER_ROUND)
    expect(await of(null, 1000)).toBe(ROUNDS * PER_ROUND)
    expect(await of(2, null)).toBe((ROUNDS - 1) * PER_ROUND)
    expect(await of(0, null)).toBe(all.length)
    expect(await of(4, 2)).toBe(0)
  })

  it('by the time of arrival', async () => {
    const now = Math.floor(Date.now() / 1000)
    const text = (min: number, max: number) =>
      `{ transactions(tags: { name: "Series", values: "walk" }, ingested_at: { min: ${min}, max: ${max} }, first: 1) { count } }`
    const count = async (min: number, max: number) =>
      Number((await query<{ transactions: { count: string } }>(node.url, text(min, max))).transactions.count)
    expect(await count(now - 600, now + 60)).toBe(all.length)
    expect(await count(now + 60, now + 600)).toBe(0)
  })

  it('by bundle: the items in it; null for what is in none', async () => {
    const parent = (await nodeOf(node.url, all[0]!))!.bundledIn!.id
    const text = (list: string) => `{ transactions(bundledIn: ${list}, first: 1000) { edges { node { id bundledIn { id } } } } }`
    type Found = { transactions: { edges: { node: { id: string; bundledIn: { id: string } | null } }[] } }
    const inside = (await query<Found>(node.url, text(`"${parent}"`))).transactions.edges
    expect(inside.map((edge) => edge.node.id)).toContain(all[0])
    expect(inside.every((edge) => edge.node.bundledIn?.id === parent)).toBe(true)
    const outside = (await query<Found>(node.url, text('null'))).transactions.edges
    expect(outside.map((edge) => edge.node.id)).toContain(parent)
    expect(outside.every((edge) => edge.node.bundledIn === null)).toBe(true)
  })
})

describe('what clients write', () => {
  it('single values for lists, missing commas, comments, aliases, fragments, directives', async () => {
    const text = `
      # two questions at once
      query Both($more: Boolean!) {
        first: transactions(first: 1 tags: { name: "Series" values: "walk" } sort: HEIGHT_ASC) { ...Page }
        second: transactions(first: 2, ids: "${all[0]}") { ...Page edges { node { tags @include(if: $more) { name value } } } }
      }
      fragment Page on TransactionConnection { pageInfo { hasNextPage } edges { cursor node { id } } }`
    const data = await query<Record<'first' | 'second', { edges: { node: { id: string; tags?: unknown[] } }[] }>>(node.url, text, {
      more: true,
    })
    expect(all).toContain(data.first.edges[0]?.node.id)
    expect(data.second.edges).toHaveLength(1)
    expect(data.second.edges[0]?.node.tags).toHaveLength(2)
  })

  it('the block filter under its older name, and GET instead of POST', async () => {
    const old = 'query ($range: BlockFilter) { transactions(block: $range, first: 1) { count } }'
    expect(
      Number((await query<{ transactions: { count: string } }>(node.url, old, { range: { min: 1, max: 1 } })).transactions.count),
    ).toBeGreaterThan(PER_ROUND)
    const { status, body } = await ask(
      `${node.url}/graphql?query=${encodeURIComponent('{ block(id: null) { id } blocks(first: 1) { edges { node { height } } } }')}`,
    )
    expect({ status, data: JSON.parse(body).data.block }).toEqual({ status: 200, data: null })
  })

  it('the receipt of an upload, as Irys clients check it', async () => {
    const item = await signedItem(solana, 'with a receipt')
    const { signature, timestamp, version, deadlineHeight } = await upload(node.url, item)
    const text = 'query ($id: ID!) { transaction(id: $id) { receipt { signature timestamp version deadlineHeight } } }'
    const { transaction } = await query<{ transaction: { receipt: unknown } }>(node.url, text, { id: item.id })
    expect(transaction.receipt).toEqual({ signature, timestamp: String(timestamp), version, deadlineHeight })
  })

  it('blocks: by height, by id, sorted and paged', async () => {
    interface Blocks {
      readonly blocks: {
        readonly pageInfo: { readonly hasNextPage: boolean }
        readonly edges: readonly { readonly cursor: string; readonly node: Block }[]
      }
    }
    interface Block {
      readonly id: string
      readonly height: number
      readonly timestamp: number
      readonly previous: string
    }
    const ask = async (args: string): Promise<Blocks['blocks']> =>
      (
        await query<Blocks>(
          node.url,
          `{ blocks(${args}) { pageInfo { hasNextPage } edges { cursor node { id height timestamp previous } } } }`,
        )
      ).blocks
    const { edges } = await ask('height: { min: 1, max: 4 }, sort: HEIGHT_ASC')
    expect(edges.map((edge) => edge.node.height)).toEqual([1, 2, 3, 4])
    for (const [i, edge] of edges.entries()) if (i > 0) expect(edge.node.previous).toBe(edges[i - 1]!.node.id)
    expect((await ask(`ids: ["${edges[1]!.node.id}"]`)).edges[0]?.node).toEqual(edges[1]!.node)
    const walked: number[] = []
    for (let after = ''; ; ) {
      const found = await ask(`first: 2, after: "${after}"`)
      walked.push(...found.edges.map((edge) => edge.node.height))
      if (!found.pageInfo.hasNextPage) break
      after = found.edges.at(-1)!.cursor
    }
    const { height } = await node.info()
    expect(walked).toEqual(Array.from({ length: height + 1 }, (_, i) => height - i))
  })
})

describe('a walk while items arrive and blocks are made', () => {
  for (const sort of SORTS)
    it(`by ${sort} still finds each item that was there, once, and none twice`, async () => {
      const before = await found({ tags: WALK })
      let arriving: Promise<unknown> = Promise.resolve()
      const edges = await walk({ tags: WALK, sort, first: 23 }, async (pages) => {
        arriving = Promise.all([
          arriving,
          Promise.all([nextItem(), nextItem()]).then((items) => Promise.all(items.map((item) => upload(node.url, item)))),
        ])
        if (pages % 4 === 0) await mine(node.url)
      })
      await arriving
      const ids = idsOf(edges)
      expect(ids).toHaveLength(new Set(ids).size)
      const seen = new Set(ids)
      expect(before.filter((id) => !seen.has(id))).toEqual([])
    })
})
