/** heddle eval: run Lua in a process of yours. */
import { existsSync } from 'node:fs'
import { connect, type NodeClient, parseId, urlOption } from './client.ts'
import { type CommandFile, UsageError } from './command.ts'
import { readTextFile } from './files.ts'
import { aoTags, scheduleItem } from './items.ts'
import { showResult } from './show-result.ts'
import { signingKey, walletOption } from './wallets.ts'

const FILE_NAME = /^[^\s()=]+\.lua$/

export const evaluate: CommandFile = {
  name: 'eval',
  usage: '<process> <Lua or file.lua>',
  wordsMax: 2,
  options: { ...walletOption, ...urlOption },
  examples: [`heddle eval <process> '#Inbox'`, 'heddle eval <process> token.lua'],
  async run(input, output) {
    const [word, source] = input.positionals
    const process = parseId(word, 'a process id', '"heddle spawn" prints it')
    if (source === undefined) throw new UsageError(`the Lua to run is missing; write it between quotes, like '1 + 1', or name a file`)
    const data = namesFile(source) ? await readTextFile(source) : source
    const node = connect(input)
    const key = await signingKey(input, node)
    const id = await scheduleItem(node, { data, tags: [{ name: 'Action', value: 'Eval' }, ...aoTags('Message')], target: process }, key)
    const result = await output.busy('waiting for the result', node.result(process, id))
    const code = showResult(result, { process, id }, output)
    const owner = output.json ? null : await ownerOf(node, process)
    if (owner !== null && owner !== key.address)
      output.line(
        output.paint.yellow(
          `  ${owner} spawned this process and you signed as ${key.address}: aos runs Lua for its owner only, --wallet names another key`,
        ),
      )
    return code
  },
}

/** A file that does not exist is one too, so that a typing error is not run as Lua. */
function namesFile(source: string): boolean {
  return source.endsWith('.lua') && (FILE_NAME.test(source) || existsSync(source))
}

/** Null when GraphQL does not know. */
async function ownerOf(node: NodeClient, process: string): Promise<string | null> {
  const query = 'query ($id: ID!) { transaction(id: $id) { owner { address } } }'
  const { transaction } = await node.graphql<{ transaction: { owner: { address: string } } | null }>(query, { id: process })
  return transaction?.owner.address ?? null
}
