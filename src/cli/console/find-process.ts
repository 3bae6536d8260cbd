/** Which process a word means, and how a new one begins. */
import type { SigningKey } from '../../codec/keys.ts'
import type { TextTag } from '../../codec/tags.ts'
import type { NodeClient } from '../client.ts'
import { CommandError } from '../command.ts'
import { aoTags, scheduleItem } from '../items.ts'

const ID = /^[A-Za-z0-9_-]{43}$/
const QUERY = `query ($owners: [String!], $tags: [TagFilter!]) {
  transactions(owners: $owners, tags: $tags, first: 1, sort: HEIGHT_DESC) { edges { node { id } } }
}`
const NO_DATA = ' '

interface Found {
  readonly transactions: { readonly edges: readonly { readonly node: { readonly id: string } }[] }
}

/** No process has this name. */
export class ProcessMissing extends CommandError {
  override readonly name = 'ProcessMissing'
}

/** The id itself, or the newest process of this owner: with that name, or with any when none is asked for. */
export async function findProcess(node: NodeClient, owner: string, word: string | null): Promise<string> {
  if (word !== null && ID.test(word)) return word
  const tags = [
    { name: 'Data-Protocol', values: ['ao'] },
    { name: 'Type', values: ['Process'] },
    ...(word === null ? [] : [{ name: 'Name', values: [word] }]),
  ]
  const { transactions } = await node.graphql<Found>(QUERY, { owners: [owner], tags })
  const id = transactions.edges[0]?.node.id
  if (id !== undefined) return id
  const which = word === null ? 'has no process' : `has no process with the name "${word}"`
  throw new ProcessMissing('not-found', `${owner} ${which} on ${node.url}; --spawn starts one`)
}

export interface NewProcess {
  readonly name?: string | undefined
  /** The node's default if none is named. */
  readonly module?: string
  readonly tags?: readonly TextTag[]
}

/** Resolves once it has begun. */
export async function spawnProcess(node: NodeClient, key: SigningKey, { name, module, tags = [] }: NewProcess): Promise<string> {
  const { heddle } = await node.info()
  const all = [
    ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
    ...aoTags('Process'),
    { name: 'Module', value: module ?? heddle.modules.default },
    { name: 'Scheduler', value: heddle.units.scheduler },
    ...tags,
  ]
  const process = await scheduleItem(node, { data: NO_DATA, tags: all }, key)
  const begun = await node.result(process, process)
  if (begun.Error !== undefined) throw new CommandError('refused', `process ${process} did not begin: ${begun.Error.trim()}`)
  return process
}
