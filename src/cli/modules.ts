/** Modules of a node, as its GraphQL shows them, and how a word of the command line names one. */
import { isTxId } from '../base/ids.ts'
import { findTag, type TextTag } from '../codec/tags.ts'
import { ALIAS_TAG } from '../services/aliases.ts'
import { type NodeClient, NodeError } from './client.ts'
import { UsageError } from './command.ts'

export interface ModuleRow {
  readonly id: string
  readonly name: string | null
  readonly format: string
  readonly sizeBytes: number
  readonly owner: string
  readonly tags: readonly TextTag[]
  /** The module that this id stands for on the node; null when it is itself. */
  readonly aliasOf: string | null
}

interface FoundModule {
  readonly id: string
  readonly owner: { readonly address: string }
  readonly data: { readonly size: string }
  readonly tags: readonly TextTag[]
}

interface FoundPage {
  readonly transactions: {
    readonly edges: readonly { readonly cursor: string; readonly node: FoundModule }[]
    readonly pageInfo: { readonly hasNextPage: boolean }
  }
}

const NODE = 'id owner { address } data { size } tags { name value }'
const PAGE = `query ($tags: [TagFilter!], $after: String) {
  transactions(tags: $tags, first: 100, after: $after) { pageInfo { hasNextPage } edges { cursor node { ${NODE} } } }
}`
const ONE = `query ($id: ID!) { transaction(id: $id) { ${NODE} } }`

/** Newest first. `name`: only those with this Name tag. */
export async function listModules(node: NodeClient, name: string | null = null): Promise<ModuleRow[]> {
  const tags = [
    { name: 'Data-Protocol', values: ['ao'] },
    { name: 'Type', values: ['Module'] },
    ...(name === null ? [] : [{ name: 'Name', values: [name] }]),
  ]
  const rows: ModuleRow[] = []
  for (let after: string | null = null; ; ) {
    const { transactions }: FoundPage = await node.graphql(PAGE, { tags, after })
    rows.push(...transactions.edges.map((edge) => rowOf(edge.node)))
    const last = transactions.edges.at(-1)
    if (!transactions.pageInfo.hasNextPage || last === undefined) return rows
    after = last.cursor
  }
}

/** Null when the node has no such module. */
export async function findModule(node: NodeClient, id: string): Promise<ModuleRow | null> {
  const { transaction } = await node.graphql<{ transaction: FoundModule | null }>(ONE, { id })
  return transaction === null || findTag(transaction.tags, 'Type') !== 'Module' ? null : rowOf(transaction)
}

/** An id as it is; a name as the id of the newest module of that name, of `owner` if they have one. */
export async function moduleId(node: NodeClient, word: string, owner: string): Promise<string> {
  if (isTxId(word)) return word
  if (/^[A-Za-z0-9_-]{43}$/.test(word)) throw new UsageError(`"${word}" looks like an id, but is none; "heddle module list" shows modules`)
  const named = await listModules(node, word)
  const own = named.find((row) => row.owner === owner)
  if (own !== undefined) return own.id
  if (named.length === 1) return named[0]!.id
  if (named.length === 0)
    throw new NodeError('not-found', `no module on the node is named "${word}"; "heddle module list" shows what there is`)
  throw new NodeError(
    'not-found',
    `${named.length} modules of others are named "${word}"; name one by its id: ${named.map(({ id }) => id).join(' ')}`,
  )
}

function rowOf({ id, owner, data, tags }: FoundModule): ModuleRow {
  return {
    id,
    name: findTag(tags, 'Name') ?? null,
    format: findTag(tags, 'Module-Format') ?? '',
    sizeBytes: Number(data.size),
    owner: owner.address,
    tags,
    aliasOf: findTag(tags, ALIAS_TAG) ?? null,
  }
}
