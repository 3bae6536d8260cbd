/** heddle result: show what a message caused. */
import { connectNode } from './client.ts'
import { type Command, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config.ts'
import { showResult } from './send.ts'
import { urlOption } from './wallets.ts'

export const result: Command = {
  name: 'result',
  usage: '<process> <message id or slot>',
  summary: 'Show the result of a message',
  options: { ...urlOption },
  examples: ['heddle result <process> <message>', 'heddle result <process> 0'],
  async run(input, output) {
    const [process, message, ...rest] = input.positionals
    if (process === undefined || message === undefined || rest.length > 0)
      throw new UsageError('result needs a process id and a message id or slot number')
    const node = connectNode(nodeUrl(textOption(input, 'url')))
    return showResult(await node.result(process, message), { process, id: message }, output)
  },
}
