import { buildClientSchema, getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, post } from '../../../test/graphql-client.ts'
import { sampleAddress, sampleBlock, sampleHash, sampleId, sampleRow } from '../../../test/index-samples.ts'
import { utf8 } from '../../base/bytes.ts'
import { silentLog } from '../../base/log.ts'
import { textTag } from '../../codec/tags.ts'
import { openSqliteIndexStore } from '../../store/embedded/sqlite-index-store.ts'
import type { IndexStore } from '../../store/index-store.ts'
import type { Surface } from '../route.ts'
import { graphqlSurface } from './surface.ts'
import { toAr } from './views.ts'

let index: IndexStore
let surface: Surface
const logged: unknown[] = []

const L1 = sampleRow(5, {
  isDataItem: false,
  signatureType: null,
  target: sampleAddress(9),
  rewardWinston: 8_549_817_344n,
  quantityWinston: 1n,
})
const ITEM = sampleRow(6, {
  anchor: utf8('anchor'),
  tags: [textTag('Content-Type', 'text/plain'), textTag('a', '1'), textTag('a', '1'), textTag('', '')],
})
const PENDING = sampleRow(7, { tags: [{ name: utf8('raw'), value: Uint8Array.of(0xff, 0x41) }] })

beforeAll(async () => {
  index = await openSqliteIndexStore(':memory:')
  await index.apply(
    [
      { kind: 'block', block: sampleBlock(0, []) },
      { kind: 'row', row: L1 },
      { kind: 'row', row: ITEM },
      { kind: 'bundled', parent: L1.id, ids: [ITEM.id] },
      { kind: 'block', block: sampleBlock(1, [L1.id]) },
      { kind: 'row', row: PENDING },
    ],
    6,
  )
  surface = graphqlSurface({ index, log: { ...silentLog, error: (facts) => logged.push(facts) } })
})
afterAll(() => index.close())

const idsOf = async (args: string, variables?: unknown, declared = ''): Promise<string[]> => {
  const { status, body } = await post(surface, `query ${declared} { transactions(${args}) { edges { node { id } } } }`, variables)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.data.transactions.edges.map(({ node }: { node: { id: string } }) => node.id)
}

const ALL_FIELDS = `
  id anchor signature signatureType recipient owner { address key } fee { winston ar } quantity { winston ar }
  data { size type } tags { name value } block { id timestamp height previous } ingested_at parent { id } bundledIn { id }
  receipt { signature timestamp version deadlineHeight }`

describe('fields', () => {
  it('shows an L1 transaction', async () => {
    const { body } = await post(surface, `{ transaction(id: "${L1.id}") { ${ALL_FIELDS} } }`)
    expect(body).toEqual({
      data: {
        transaction: {
          id: L1.id,
          anchor: '',
          signature: Buffer.from(L1.signature).toString('base64url'),
          signatureType: null,
          recipient: L1.target,
          owner: { address: L1.ownerAddress, key: Buffer.from(L1.owner).toString('base64url') },
          fee: { winston: '8549817344', ar: '0.008549817344' },
          quantity: { winston: '1', ar: '0.000000000001' },
          data: { size: '5', type: null },
          tags: [],
          block: { id: sampleHash(1), timestamp: 1_700_000_001, height: 1, previous: sampleHash(0) },
          ingested_at: 1_700_000_005,
          parent: null,
          bundledIn: null,
          receipt: null,
        },
      },
    })
  })

  it('shows an item with its parent, its tags in order with repeats, and empty strings where nothing is', async () => {
    const { body } = await post(surface, `{ transaction(id: "${ITEM.id}") { ${ALL_FIELDS} } }`)
    expect(body.data.transaction).toMatchObject({
      anchor: Buffer.from('anchor').toString('base64url'),
      signatureType: 2,
      recipient: '',
      fee: { winston: '0', ar: '0.000000000000' },
      data: { type: 'text/plain' },
      tags: [
        { name: 'Content-Type', value: 'text/plain' },
        { name: 'a', value: '1' },
        { name: 'a', value: '1' },
        { name: '', value: '' },
      ],
      parent: { id: L1.id },
      bundledIn: { id: L1.id },
    })
  })

  it('shows a pending item without a block, and bytes that are no text', async () => {
    const { body } = await post(surface, `{ transaction(id: "${PENDING.id}") { block { id } bundledIn { id } tags { name value } } }`)
    expect(body.data.transaction).toEqual({ block: null, bundledIn: null, tags: [{ name: 'raw', value: '\ufffdA' }] })
  })

  it('writes winston as AR with twelve decimals', () => {
    expect([0n, 1n, 8_549_817_344n, 10n ** 12n, 123_456n * 10n ** 12n + 1n].map(toAr)).toEqual([
      '0.000000000000',
      '0.000000000001',
      '0.008549817344',
      '1.000000000000',
      '123456.000000000001',
    ])
  })

  it('answers null for what it does not know', async () => {
    const { body } = await post(
      surface,
      `{ transaction(id: "${sampleId(99)}") { id } bad: transaction(id: "x") { id } block(id: null) { id } other: block(id: "y") { id } }`,
    )
    expect(body).toEqual({ data: { transaction: null, bad: null, block: null, other: null } })
  })

  it('shows receipts where the node has them', async () => {
    const receipt = { signature: 'c2ln', timestamp: '1', version: '1.0.0', deadlineHeight: 7 }
    const withReceipts = graphqlSurface({ index, log: silentLog, receiptOf: async (id) => (id === ITEM.id ? receipt : null) })
    const query =
      'query ($ids: [ID!]) { transactions(ids: $ids) { edges { node { receipt { signature timestamp version deadlineHeight } } } } }'
    const { body } = await post(withReceipts, query, { ids: [ITEM.id, L1.id] })
    expect(body.data.transactions.edges.map(({ node }: { node: object }) => node)).toEqual([{ receipt }, { receipt: null }])
  })
})

describe('arguments', () => {
  it('takes null as no filter, but for bundledIn', async () => {
    const all = [PENDING.id, ITEM.id, L1.id]
    expect(await idsOf('ids: null, owners: null, recipients: null, tags: null, block: null, after: null, first: null, sort: null')).toEqual(
      all,
    )
    expect(await idsOf('after: "", tags: [], ingested_at: { min: null }')).toEqual(all)
    expect(await idsOf('bundledIn: null')).toEqual([L1.id])
    expect(await idsOf('bundledIn: $in', { in: null }, '($in: [ID!])')).toEqual([L1.id])
    expect(await idsOf('bundledIn: $in', {}, '($in: [ID!])')).toEqual(all)
    expect(await idsOf(`bundledIn: ["${L1.id}"]`)).toEqual([ITEM.id])
    expect(await idsOf(`parent: "${L1.id}"`)).toEqual([ITEM.id])
  })

  it('takes an empty list of ids, owners, recipients or values as nothing', async () => {
    for (const args of ['ids: []', 'owners: []', 'recipients: []', 'tags: { name: "a", values: [] }'])
      expect(await idsOf(args), args).toEqual([])
  })

  it('takes one value where a list is expected', async () => {
    expect(await idsOf(`ids: "${L1.id}"`)).toEqual([L1.id])
    expect(await idsOf('tags: { name: "a", values: "1" }')).toEqual([ITEM.id])
    expect(await idsOf(`owners: "${ITEM.ownerAddress}" recipients: null`)).toEqual([ITEM.id])
    expect(await idsOf(`recipients: "${sampleAddress(9)}"`)).toEqual([L1.id])
  })

  it('knows the operators and matches of tag filters', async () => {
    expect(await idsOf('tags: [{ name: "Content-Type", values: ["text/*"], match: WILDCARD }]')).toEqual([ITEM.id])
    expect(await idsOf('tags: [{ name: "Content-Type", values: ["text/*"] }]')).toEqual([])
    expect(await idsOf('tags: [{ name: "Content-Type", values: ["Plain nothing"], match: FUZZY_OR }]')).toEqual([ITEM.id])
    expect(await idsOf('tags: [{ name: "a", values: ["1"], op: NEQ }]')).toEqual([PENDING.id, L1.id])
    expect(await idsOf('tags: [{ name: "a" }]')).toEqual([ITEM.id])
    expect(await idsOf('tags: [{ values: ["1"] }]')).toEqual([ITEM.id])
    expect(await idsOf('tags: [{ name: "", values: [""] }]')).toEqual([ITEM.id])
    expect(await idsOf('tags: [{ name: "A", values: ["1"] }]')).toEqual([])
  })

  it('leaves pending rows out when a height is asked for', async () => {
    expect(await idsOf('block: { min: 0 }')).toEqual([PENDING.id, ITEM.id, L1.id])
    expect(await idsOf('block: { min: 0, max: 100 }')).toEqual([ITEM.id, L1.id])
    expect(await idsOf('block: { min: 1 }')).toEqual([ITEM.id, L1.id])
    expect(await idsOf('block: { min: 2 }')).toEqual([])
    expect(await idsOf('block: { max: 0 }')).toEqual([])
  })

  it('takes the input type of either schema, and ID and String in each other’s place', async () => {
    for (const type of ['RangeFilter', 'BlockFilter', 'BlockFilter!'])
      expect(await idsOf('block: $b', { b: { min: 1, max: 1 } }, `($b: ${type})`), type).toEqual([ITEM.id, L1.id])
    expect(await idsOf('ids: $i', { i: [L1.id] }, '($i: [String!]!)')).toEqual([L1.id])
    expect(await idsOf('owners: $o', { o: [ITEM.ownerAddress] }, '($o: [ID!])')).toEqual([ITEM.id])
    const { body } = await post(surface, 'query ($id: ID!, $tx: String!) { block(id: $id) { height } transaction(id: $tx) { id } }', {
      id: sampleHash(1),
      tx: L1.id,
    })
    expect(body.data).toEqual({ block: { height: 1 }, transaction: { id: L1.id } })
  })

  it('still refuses variables that do not fit', async () => {
    for (const [declared, args] of [
      ['$x: Int', 'ids: [$x]'],
      ['$x: [String!]', 'after: $x'],
      ['$x: String', 'owners: [$x]'],
      ['$x: RangeFilter', 'tags: $x'],
    ] as const) {
      const { status, body } = await post(surface, `query (${declared}) { transactions(${args}) { edges { cursor } } }`, { x: null })
      expect([status, body.errors?.[0]?.extensions.code], declared).toEqual([400, 'GRAPHQL_VALIDATION_FAILED'])
    }
  })

  it('counts when asked to, also on a later page', async () => {
    const first = await post(surface, '{ transactions(first: 1) { count pageInfo { hasNextPage } edges { cursor } } }')
    expect(first.body.data.transactions).toMatchObject({ count: '3', pageInfo: { hasNextPage: true } })
    const after = first.body.data.transactions.edges[0].cursor
    const second = await post(
      surface,
      'query ($after: String) { transactions(first: 2, after: $after) { count pageInfo { hasNextPage } edges { cursor } } }',
      { after },
    )
    expect(second.body.data.transactions).toMatchObject({ count: '3', pageInfo: { hasNextPage: false } })
    expect(second.body.data.transactions.edges).toHaveLength(2)
  })

  it('pages blocks', async () => {
    const { body } = await post(
      surface,
      '{ blocks(first: 1, height: { min: 0 }, sort: HEIGHT_ASC) { pageInfo { hasNextPage } edges { cursor node { id timestamp height previous } } } networkInfo { height } }',
    )
    expect(body.data).toEqual({
      blocks: {
        pageInfo: { hasNextPage: true },
        edges: [{ cursor: 'WzBd', node: { id: sampleHash(0), timestamp: 1_700_000_000, height: 0, previous: '' } }],
      },
      networkInfo: { height: 1 },
    })
  })
})

describe('over HTTP', () => {
  const QUERY = '{ block(id: null) { id } }'

  it('takes GET with variables', async () => {
    const search = new URLSearchParams({
      query: 'query A($id: ID!) { transaction(id: $id) { id } } query B { blocks { edges { cursor } } }',
      variables: JSON.stringify({ id: L1.id }),
      operationName: 'A',
    })
    const { status, contentType, body } = await ask(surface, { method: 'GET', url: `/graphql?${search}` })
    expect([status, contentType, body]).toEqual([200, 'application/json; charset=utf-8', { data: { transaction: { id: L1.id } } }])
  })

  it('shows browsers a page, but answers them too', async () => {
    const page = await ask(surface, { method: 'GET', headers: { accept: 'text/html,*/*' } })
    expect([page.status, page.contentType]).toEqual([200, 'text/html; charset=utf-8'])
    const answer = await ask(surface, {
      method: 'GET',
      url: `/graphql?query=${encodeURIComponent(QUERY)}`,
      headers: { accept: 'text/html' },
    })
    expect(answer.body).toEqual({ data: { block: null } })
    expect((await ask(surface, { method: 'GET' })).status).toBe(400)
  })

  it('takes a body without a content type, null or absent extras, and a list of queries', async () => {
    for (const extra of [
      {},
      { variables: null, operationName: null },
      { variables: {}, extensions: { persistedQuery: {} } },
      { variables: '{}', operationName: '' },
    ])
      expect((await ask(surface, { body: JSON.stringify({ query: QUERY, ...extra }) })).body, JSON.stringify(extra)).toEqual({
        data: { block: null },
      })
    expect((await ask(surface, { body: QUERY, headers: { 'content-type': 'application/graphql' } })).body).toEqual({
      data: { block: null },
    })
    const batch = await ask(surface, { body: JSON.stringify([{ query: QUERY }, { query: '{' }]) })
    expect([batch.status, batch.body[0], batch.body[1].errors[0].extensions.code]).toEqual([
      200,
      { data: { block: null } },
      'GRAPHQL_PARSE_FAILED',
    ])
  })

  it('answers 400 to bodies that are no request', async () => {
    for (const body of [
      '',
      '{',
      'null',
      '[1]',
      '"x"',
      '{}',
      '{"query":1}',
      '{"query":"{a}","variables":[]}',
      '{"query":"{a}","operationName":1}',
      Uint8Array.of(0xff),
    ]) {
      const answer = await ask(surface, { body })
      expect([answer.status, answer.body.errors[0].extensions.code], String(body)).toEqual([400, 'BAD_REQUEST'])
    }
    const large = await ask(surface, { body: 'x'.repeat(2 * 1024 * 1024) })
    expect(large.status).toBe(413)
  })

  it('tells what is wrong with a query, with its place', async () => {
    const parse = await post(surface, '{ transactions(')
    expect(parse).toMatchObject({
      status: 400,
      body: { errors: [{ locations: [{ line: 1, column: 16 }], extensions: { code: 'GRAPHQL_PARSE_FAILED' } }] },
    })
    const validation = await post(surface, '{ transactions { nothing } }')
    expect(validation).toMatchObject({
      status: 400,
      body: { errors: [{ locations: [{ line: 1, column: 18 }], extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
    })
    const variables = await post(surface, 'query ($n: Int!) { transactions(first: $n) { edges { cursor } } }', { n: 'x' })
    expect(variables).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] } })
    const operation = await post(surface, QUERY, {}, { operationName: 'Absent' })
    expect(operation).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] } })
    const cursor = await post(surface, '{ transactions(after: "junk") { edges { cursor } } }')
    expect(cursor).toMatchObject({
      status: 400,
      body: { data: null, errors: [{ message: /^Invalid transaction cursor/, extensions: { code: 'BAD_USER_INPUT' } }] },
    })
    const negative = await post(surface, '{ transactions(first: -1) { edges { cursor } } }')
    expect(negative).toMatchObject({ status: 400, body: { errors: [{ message: /"first" is -1/, path: ['transactions'] }] } })
  })

  it('keeps the parts that went well, and what failed for the log', async () => {
    const broken = graphqlSurface({
      index: { ...index, blocks: () => Promise.reject(new Error('secret')), block: (id) => index.block(id) },
      log: { ...silentLog, error: (facts) => logged.push(facts) },
    })
    const { status, body } = await post(broken, '{ block(id: null) { id } networkInfo { height } }')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      data: { block: null, networkInfo: { height: null } },
      errors: [{ message: 'Internal server error', path: ['networkInfo', 'height'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    })
    expect(logged).toMatchObject([{ err: { message: 'secret' } }])
  })

  it('answers introspection', async () => {
    const { body } = await post(surface, getIntrospectionQuery())
    expect(buildClientSchema(body.data).getType('TransactionConnection')).toBeDefined()
  })
})

describe('limits', () => {
  const refused = async (query: string, code: string, variables?: unknown): Promise<void> => {
    const { status, body } = await post(surface, query, variables)
    expect([status, body.errors?.[0]?.extensions.code], query.slice(0, 100)).toEqual([400, code])
  }

  it('refuses queries that are too long, too deep or too wide', async () => {
    await refused(`{ ${'block(id: "x") { id } '.repeat(2000)} }`, 'GRAPHQL_PARSE_FAILED')
    await refused(`{ transactions { ${'... { '.repeat(12)} count ${'} '.repeat(12)} } }`, 'GRAPHQL_VALIDATION_FAILED')
    await refused(`{ ${Array.from({ length: 51 }, (_, i) => `a${i}: block(id: null) { id }`).join(' ')} }`, 'GRAPHQL_VALIDATION_FAILED')
    const spread = Array.from({ length: 51 }, (_, i) => `a${i}: block(id: null) { id }`)
    await refused(
      `{ ...A ...B } fragment A on Query { ${spread.slice(0, 26).join(' ')} } fragment B on Query { ${spread.slice(26).join(' ')} }`,
      'GRAPHQL_VALIDATION_FAILED',
    )
    await refused(
      `{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }`,
      'GRAPHQL_VALIDATION_FAILED',
    )
    await refused('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', 'GRAPHQL_VALIDATION_FAILED')
  })

  it('refuses lists that are too long', async () => {
    const ids = Array.from({ length: 1001 }, (_, i) => sampleId(i))
    await refused('query ($ids: [ID!]) { transactions(ids: $ids) { edges { cursor } } }', 'BAD_USER_INPUT', { ids })
    const tags = Array.from({ length: 21 }, () => ({ name: 'a', values: ['b'] }))
    await refused('query ($tags: [TagFilter!]) { transactions(tags: $tags) { edges { cursor } } }', 'BAD_USER_INPUT', { tags })
  })

  it('refuses answers that would be too large', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `t${i}: id`).join(' ')
    await refused(`{ transactions(first: 1000) { edges { node { ${many} } } } }`, 'BAD_USER_INPUT')
    const aliases = Array.from(
      { length: 50 },
      (_, i) => `t${i}: transactions(first: 1000) { edges { node { id owner { address } tags { name value } } } }`,
    )
    await refused(`{ ${aliases.join(' ')} }`, 'BAD_USER_INPUT')
  })

  it('takes more rows than it gives without a word', async () => {
    expect(await idsOf('first: 100000')).toHaveLength(3)
  })

  it('gives up on fields repeated without end in reasonable time', async () => {
    const start = performance.now()
    await refused(`{ transactions { edges { node { ${'id '.repeat(9_900)} } } } }`, 'GRAPHQL_VALIDATION_FAILED')
    await refused(`{ transactions { ${'edges { node { id } } '.repeat(1_200)} } }`, 'GRAPHQL_VALIDATION_FAILED')
    expect(performance.now() - start).toBeLessThan(2_000)
  })
})
