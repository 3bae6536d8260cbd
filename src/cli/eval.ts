/** heddle eval: run Lua in a process of yours, or try it on the state after an earlier slot, where it leaves no trace. */
import { existsSync } from 'node:fs'
import { connect, type NodeClient, parseId, type ResultJson, urlOption } from './client.ts'
import { type CommandFile, type CommandInput, textOption, UsageError } from './command.ts'
import { readTextFile } from './files.ts'
import { aoTags, scheduleItem } from './items.ts'
import type { Output } from './output.ts'
import { parseSlot, processInfo } from './process-info.ts'
import { showOutcome, showResult } from './show-result.ts'
import { signingKey, walletOption } from './wallets.ts'

const FILE_NAME = /^[^\s()=]+\.lua$/

export const evaluate: CommandFile = {
  name: 'eval',
  usage: '<process> <Lua or file.lua> [--at <slot>]',
  wordsMax: 2,
  options: {
    ...walletOption,
    ...urlOption,
    at: { type: 'string', value: 'slot', help: 'run it on the state after this slot; nothing is sent and nothing changes' },
  },
  examples: [`heddle eval <process> '#Inbox'`, 'heddle eval <process> token.lua', `heddle eval <process> 'Balances' --at 7`],
  async run(input, output) {
    const [word, source] = input.positionals
    const process = parseId(word, 'a process id', '"heddle spawn" prints it')
    if (source === undefined) throw new UsageError(`the Lua to run is missing; write it between quotes, like '1 + 1', or name a file`)
    const data = namesFile(source) ? await readTextFile(source) : source
    const node = connect(input)
    if (input.values['at'] !== undefined)
      return evaluateAt(parseSlot(textOption(input, 'at'), 'at'), { node, process, data }, input, output)
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

/** A dry run is signed by nobody: it is for the owner of the process unless a wallet is named. */
async function evaluateAt(
  slot: number,
  { node, process, data }: { readonly node: NodeClient; readonly process: string; readonly data: string },
  input: CommandInput,
  output: Output,
): Promise<number> {
  const isNamed = textOption(input, 'wallet') !== undefined
  const owner = isNamed ? (await signingKey(input, node)).address : (await processInfo(node, process)).env.Process.Owner
  const message = { Owner: owner, Data: data, Tags: [{ name: 'Action', value: 'Eval' }, ...aoTags('Message')] }
  const path = `/dry-run?process-id=${process}&to=${slot}`
  const result = await output.busy(`computing slot ${slot}`, node.postJson<ResultJson>(path, message, `it cannot run at slot ${slot}`))
  return showOutcome(result, { process, slot }, output)
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
