/** heddle result: show what a message caused. */
import { connect, parseId, urlOption } from './client.ts'
import { type CommandFile, UsageError } from './command.ts'
import { showResult } from './show-result.ts'

const SLOT = /^\d{1,15}$/

export const result: CommandFile = {
  name: 'result',
  usage: '<process> <message id or slot>',
  wordsMax: 2,
  options: { ...urlOption },
  examples: ['heddle result <process> <message>', 'heddle result <process> 0'],
  async run(input, output) {
    const [process, message] = input.positionals
    const from = parseId(process, 'a process id', '"heddle spawn" prints it')
    if (message === undefined) throw new UsageError('a message id or slot number is missing; "heddle send" prints the id')
    if (!SLOT.test(message)) parseId(message, 'a slot number or message id', '"heddle send" prints the id')
    const node = connect(input)
    const found = await output.busy('waiting for the result', node.result(from, message))
    return showResult(found, { process: from, id: message }, output)
  },
}
