/** heddle query: find transactions by tags, owner or recipient. */
import { connectNode, parseTags } from './client.ts'
import { type Command, listOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import { formatBytes } from './output.ts'
import { urlOption } from './wallets.ts'

interface Found {
  readonly transactions: {
    readonly edges: readonly {
      readonly cursor: string
      readonly node: {
        readonly id: string
        readonly recipient: string
        readonly owner: { readonly address: string }
        readonly data: { readonly size: string; readonly type: string | null }
        readonly tags: readonly { readonly name: string; readonly value: string }[]
        readonly block: { readonly height: number } | null
      }
    }[]
    readonly pageInfo: { readonly hasNextPage: boolean }
  }
}

const QUERY = `query ($tags: [TagFilter!], $owners: [String!], $recipients: [String!], $first: Int, $after: String) {
  transactions(tags: $tags, owners: $owners, recipients: $recipients, first: $first, after: $after) {
    pageInfo { hasNextPage }
    edges { cursor node { id recipient owner { address } data { size type } tags { name value } block { height } } }
  }
}`

export const query: Command = {
  name: 'query',
  usage: '[--tag name=value …] [--owner <address>] [--recipient <address>]',
  summary: 'Find transactions and data items',
  options: {
    ...urlOption,
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'tag that it carries; may be repeated' },
    owner: { type: 'string', multiple: true, value: 'address', help: 'who signed it; may be repeated' },
    recipient: { type: 'string', multiple: true, value: 'address', help: 'whom it is for; may be repeated' },
    limit: { type: 'string', value: 'number', help: 'how many to show (default: 10)' },
    after: { type: 'string', value: 'cursor', help: 'go on after this cursor' },
  },
  examples: ['heddle query --tag Content-Type=text/html', 'heddle query --tag Type=Process --tag Data-Protocol=ao --limit 50'],
  async run(input, output) {
    if (input.positionals.length > 0) throw new UsageError(`query takes options only; did you mean --tag ${input.positionals[0]}?`)
    const first = Number(textOption(input, 'limit') ?? '10')
    if (!Number.isInteger(first) || first < 1) throw new UsageError(`--limit ${textOption(input, 'limit')}: expected a whole number from 1`)
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    const { transactions } = await node.graphql<Found>(QUERY, {
      tags: merge(parseTags(listOption(input, 'tag'))),
      owners: orNull(listOption(input, 'owner')),
      recipients: orNull(listOption(input, 'recipient')),
      first,
      after: textOption(input, 'after') ?? null,
    })
    for (const { node: found } of transactions.edges) {
      const where = found.block === null ? output.paint.yellow('pending') : `block ${found.block.height}`
      output.line(`${output.paint.bold(found.id)}  ${where}  ${formatBytes(Number(found.data.size))}  ${found.data.type ?? ''}`.trimEnd())
      output.line(output.paint.dim(`  by ${found.owner.address}${found.recipient === '' ? '' : ` for ${found.recipient}`}`))
      for (const { name, value } of found.tags) output.line(output.paint.dim(`  ${name}: ${value.slice(0, 100)}`))
    }
    const next = transactions.edges.at(-1)?.cursor
    if (transactions.edges.length === 0) output.line('Nothing found.')
    if (transactions.pageInfo.hasNextPage && next !== undefined) output.line(output.paint.dim(`More: --after ${next}`))
    output.value({
      transactions: transactions.edges.map(({ node: found }) => found),
      next: transactions.pageInfo.hasNextPage ? next : null,
    })
    return 0
  },
}

/** Repeats of one name mean "any of these values". */
function merge(tags: readonly { readonly name: string; readonly value: string }[]): { name: string; values: string[] }[] | null {
  const byName = Map.groupBy(tags, ({ name }) => name)
  return byName.size === 0 ? null : [...byName].map(([name, group]) => ({ name, values: group.map(({ value }) => value) }))
}

function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list
}
