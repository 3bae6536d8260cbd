/** heddle send: send a message to a process and show what it caused. */
import { connect, parseId, urlOption } from './client.ts'
import { type CommandFile, flag, listOption, textOption } from './command.ts'
import { aoTags, parseTags, scheduleItem } from './items.ts'
import { showResult } from './show-result.ts'
import { signingKey, walletOption } from './wallets.ts'

/** aoconnect sends the same: some processes take an item without data for broken. */
const NO_DATA = ' '

export const send: CommandFile = {
  name: 'send',
  usage: '<process> [--action <name>] [--data <text>] [--tag name=value …]',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    action: { type: 'string', short: 'a', help: 'value of the Action tag' },
    data: { type: 'string', short: 'd', help: 'the message body' },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
    'no-wait': { type: 'boolean', help: 'return once it is scheduled, without its result' },
  },
  examples: ['heddle send <process> --action Info', 'heddle send <process> -a Transfer -t Recipient=<address> -t Quantity=100'],
  async run(input, output) {
    const process = parseId(input.positionals[0], 'a process id', '"heddle spawn" prints it')
    const action = textOption(input, 'action')
    const tags = [
      ...(action === undefined ? [] : [{ name: 'Action', value: action }]),
      ...parseTags(listOption(input, 'tag')),
      ...aoTags('Message'),
    ]
    const node = connect(input)
    const key = await signingKey(input, node)
    const id = await scheduleItem(node, { data: textOption(input, 'data') ?? NO_DATA, tags, target: process }, key)
    if (flag(input, 'no-wait')) {
      output.line(id)
      output.value({ id, process })
      return 0
    }
    return showResult(await output.busy('waiting for the result', node.result(process, id)), { process, id }, output)
  },
}
