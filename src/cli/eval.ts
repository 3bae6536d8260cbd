/** heddle eval: run Lua in a process of yours. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connectNode } from './client.ts'
import { type Command, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import { MESSAGE_TAGS, showResult } from './send.ts'
import { signingKey, urlOption, walletOption } from './wallets.ts'

export const evaluate: Command = {
  name: 'eval',
  usage: '<process> <Lua or file.lua>',
  summary: 'Run Lua in a process that you own',
  options: { ...walletOption, ...urlOption },
  examples: [`heddle eval <process> '#Inbox'`, 'heddle eval <process> token.lua'],
  async run(input, output) {
    const [process, source, ...rest] = input.positionals
    if (process === undefined || source === undefined || rest.length > 0)
      throw new UsageError('eval needs a process id and Lua code, or a file that holds it')
    const data = source.endsWith('.lua') && existsSync(source) ? await readFile(source, 'utf8') : source
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    const key = await signingKey(input, node)
    const id = await node.schedule({ data, tags: [{ name: 'Action', value: 'Eval' }, ...MESSAGE_TAGS], target: process }, key)
    return showResult(await node.result(process, id), { process, id }, output)
  },
}
