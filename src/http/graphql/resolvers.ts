/** From GraphQL arguments to index queries and back. */
import { HeddleError } from '../../base/errors.ts'
import { isTxId } from '../../base/ids.ts'
import { GRAPHQL_LIST_MAX, GRAPHQL_TAG_FILTERS_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../../base/limits.ts'
import type { BlockQuery, IndexReader, SortOrder, TagFilter, TransactionQuery } from '../../store/index-store.ts'
import type { Effort } from './effort.ts'
import { BlockView, type Receipt, TransactionView } from './views.ts'

export interface GraphqlContext {
  readonly index: IndexReader
  readonly receiptOf: (id: string) => Promise<Receipt | null>
  readonly effort: Effort
}

type Maybe<T> = T | null | undefined

interface Range {
  readonly min?: Maybe<number>
  readonly max?: Maybe<number>
}

interface TagArgs {
  readonly name?: Maybe<string>
  readonly values?: Maybe<readonly Maybe<string>[]>
  readonly op?: Maybe<TagFilter['op']>
  readonly match?: Maybe<TagFilter['match']>
}

interface PageArgs {
  readonly ids?: Maybe<readonly string[]>
  readonly first?: Maybe<number>
  readonly after?: Maybe<string>
  readonly sort?: Maybe<SortOrder>
}

interface TransactionsArgs extends PageArgs {
  readonly owners?: Maybe<readonly string[]>
  readonly recipients?: Maybe<readonly string[]>
  readonly tags?: Maybe<readonly TagArgs[]>
  readonly bundledIn?: Maybe<readonly string[]>
  readonly parent?: Maybe<readonly string[]>
  readonly ingested_at?: Maybe<Range>
  readonly block?: Maybe<Range>
}

interface BlocksArgs extends PageArgs {
  readonly height?: Maybe<Range>
}

export const root = {
  async transaction({ id }: { readonly id: string }, { index, receiptOf, effort }: GraphqlContext) {
    const row = isTxId(id) ? await index.transaction(id) : null
    effort.spend(1, row?.tags.length ?? 0)
    return row === null ? null : new TransactionView(row, receiptOf)
  },

  /** The page and the count are each asked for only if they are selected. */
  transactions(args: TransactionsArgs, { index, receiptOf, effort }: GraphqlContext) {
    const query = toTransactionQuery(args)
    const page = once(() => {
      effort.spend(query.first)
      return index.transactions(query)
    })
    return {
      count: async () => {
        const { count } = await index.transactions({ ...query, first: 0, after: null, withCount: true })
        return count === null ? null : String(count)
      },
      pageInfo: async () => ({ hasNextPage: (await page()).hasNextPage }),
      edges: async () => {
        const { edges } = await page()
        effort.spend(
          0,
          edges.reduce((tags, { node }) => tags + node.tags.length, 0),
        )
        return edges.map(({ cursor, node }) => ({ cursor, node: new TransactionView(node, receiptOf) }))
      },
    }
  },

  async block({ id }: { readonly id?: Maybe<string> }, { index }: GraphqlContext) {
    const block = id ? await index.block(id) : null
    return block === null ? null : new BlockView(block)
  },

  blocks(args: BlocksArgs, { index, effort }: GraphqlContext) {
    const query = toBlockQuery(args)
    const page = once(() => {
      effort.spend(query.first)
      return index.blocks(query)
    })
    return {
      pageInfo: async () => ({ hasNextPage: (await page()).hasNextPage }),
      edges: async () => (await page()).edges.map(({ cursor, node }) => ({ cursor, node: new BlockView(node) })),
    }
  },

  networkInfo: (_args: object, { index }: GraphqlContext) => ({
    height: async () => (await index.blocks({ sort: 'HEIGHT_DESC', first: 1, after: null })).edges[0]?.node.height ?? null,
  }),
}

function toTransactionQuery(args: TransactionsArgs): TransactionQuery {
  const parents = args.bundledIn === undefined ? args.parent : args.bundledIn
  return {
    ...pageOf(args),
    ids: listOf(args.ids, 'ids'),
    owners: listOf(args.owners, 'owners'),
    recipients: listOf(args.recipients, 'recipients'),
    tags: listOf(args.tags, 'tags', GRAPHQL_TAG_FILTERS_MAX)?.map(toTagFilter) ?? null,
    // Written out, null is a filter here: only L1 transactions.
    bundledIn: parents === null ? 'none' : listOf(parents, 'bundledIn'),
    height: rangeOf(args.block),
    ingestedAtS: rangeOf(args.ingested_at),
  }
}

function toBlockQuery(args: BlocksArgs): BlockQuery {
  const { sort, ...page } = pageOf(args)
  return { ...page, sort: sort.endsWith('ASC') ? 'HEIGHT_ASC' : 'HEIGHT_DESC', ids: listOf(args.ids, 'ids'), height: rangeOf(args.height) }
}

function toTagFilter({ name, values, op, match }: TagArgs): TagFilter {
  const texts = listOf(values, 'values')?.filter((value) => value !== null && value !== undefined) ?? null
  return { name: name ?? null, values: texts, op: op ?? 'EQ', match: match ?? 'EXACT' }
}

function pageOf({ first, after, sort }: PageArgs): Pick<TransactionQuery, 'first' | 'after' | 'sort'> {
  const size = first ?? PAGE_SIZE_DEFAULT
  if (size < 0) throw badInput(`"first" is ${size}; it must be 0 or more`)
  return { first: Math.min(size, PAGE_SIZE_MAX), after: after || null, sort: sort ?? 'HEIGHT_DESC' }
}

function rangeOf(range: Maybe<Range>): { readonly min: number | null; readonly max: number | null } | null {
  const [min, max] = [range?.min ?? null, range?.max ?? null]
  return min === null && max === null ? null : { min, max }
}

function listOf<T>(list: Maybe<readonly T[]>, name: string, max: number = GRAPHQL_LIST_MAX): readonly T[] | null {
  if (list === null || list === undefined) return null
  if (list.length > max) throw badInput(`"${name}" lists ${list.length} entries, at most ${max} are allowed; ask in several queries`)
  return list
}

function badInput(message: string): HeddleError {
  return new HeddleError('query-invalid', { code: 'BAD_USER_INPUT' }, message)
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
