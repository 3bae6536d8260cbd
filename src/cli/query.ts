/** heddle query: find transactions by tags, owner or recipient. */
import { isAddress } from '../base/ids.ts'
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../base/limits.ts'
import { connect, urlOption } from './client.ts'
import { type CommandFile, listOption, textOption, UsageError } from './command.ts'
import { parseTags } from './items.ts'
import { formatBytes, type Output } from './output.ts'

const VALUE_SHOWN_MAX = 100

interface FoundTransaction {
  readonly id: string
  readonly recipient: string
  readonly owner: { readonly address: string }
  readonly data: { readonly size: string; readonly type: string | null }
  readonly tags: readonly { readonly name: string; readonly value: string }[]
  readonly block: { readonly height: number } | null
}

interface Found {
  readonly transactions: {
    readonly edges: readonly { readonly cursor: string; readonly node: FoundTransaction }[]
    readonly pageInfo: { readonly hasNextPage: boolean }
  }
}

const QUERY = `query ($tags: [TagFilter!], $owners: [String!], $recipients: [String!], $first: Int, $after: String) {
  transactions(tags: $tags, owners: $owners, recipients: $recipients, first: $first, after: $after) {
    pageInfo { hasNextPage }
    edges { cursor node { id recipient owner { address } data { size type } tags { name value } block { height } } }
  }
}`

export const query: CommandFile = {
  name: 'query',
  usage: '[--tag name=value …] [--owner <address>] [--recipient <address>]',
  wordsMax: 1,
  options: {
    ...urlOption,
    tag: {
      type: 'string',
      short: 't',
      multiple: true,
      value: 'name=value',
      help: 'tag that it carries; one name again: any of the values',
    },
    owner: { type: 'string', multiple: true, value: 'address', help: 'who signed it; may be repeated' },
    recipient: { type: 'string', multiple: true, value: 'address', help: 'whom it is for; may be repeated' },
    limit: { type: 'string', value: 'number', help: `how many to show, up to ${PAGE_SIZE_MAX} (default: ${PAGE_SIZE_DEFAULT})` },
    after: { type: 'string', value: 'cursor', help: 'go on after this cursor' },
  },
  examples: ['heddle query --tag Content-Type=text/html', 'heddle query --tag Type=Process --tag Data-Protocol=ao --limit 50'],
  async run(input, output) {
    if (input.positionals.length > 0) throw new UsageError(`query takes options only; did you mean --tag ${input.positionals[0]}?`)
    const variables = {
      tags: merge(parseTags(listOption(input, 'tag'))),
      owners: addresses(listOption(input, 'owner'), '--owner'),
      recipients: addresses(listOption(input, 'recipient'), '--recipient'),
      first: parseLimit(textOption(input, 'limit')),
      after: textOption(input, 'after') ?? null,
    }
    const { transactions } = await output.busy('searching', connect(input).graphql<Found>(QUERY, variables))
    const { edges, pageInfo } = transactions
    const next = pageInfo.hasNextPage ? (edges.at(-1)?.cursor ?? null) : null
    for (const { node } of edges) show(node, output)
    if (edges.length === 0) output.line('Nothing found.')
    if (next !== null) output.line(output.paint.dim(`More: --after ${next}`))
    output.value({ transactions: edges.map(({ node }) => node), next })
    return 0
  },
}

function show({ id, block, data, owner, recipient, tags }: FoundTransaction, { line, paint, plain }: Output): void {
  const where = block === null ? paint.yellow('pending') : `block ${block.height}`
  line(`${paint.bold(id)}  ${where}  ${formatBytes(Number(data.size))}  ${plain(data.type ?? '')}`.trimEnd())
  line(paint.dim(`  by ${owner.address}${recipient === '' ? '' : ` for ${recipient}`}`))
  for (const { name, value } of tags) line(paint.dim(`  ${oneLine(plain(name))}: ${oneLine(plain(value))}`))
}

function oneLine(text: string): string {
  const line = text.replaceAll('\n', ' ')
  return line.length > VALUE_SHOWN_MAX ? `${line.slice(0, VALUE_SHOWN_MAX)}…` : line
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return PAGE_SIZE_DEFAULT
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_SIZE_MAX) return limit
  throw new UsageError(`--limit ${text}: expected a whole number from 1 to ${PAGE_SIZE_MAX}; --after shows what follows`)
}

function addresses(words: readonly string[], option: string): readonly string[] | null {
  for (const word of words)
    if (!isAddress(word)) throw new UsageError(`${option} ${word}: expected an address of 43 characters; "heddle wallet" shows yours`)
  return words.length === 0 ? null : words
}

/** Repeats of one name mean "any of these values". */
function merge(tags: readonly { readonly name: string; readonly value: string }[]): { name: string; values: string[] }[] | null {
  const byName = Map.groupBy(tags, ({ name }) => name)
  return byName.size === 0 ? null : [...byName].map(([name, group]) => ({ name, values: group.map(({ value }) => value) }))
}
