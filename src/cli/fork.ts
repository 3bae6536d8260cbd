/** heddle fork: a new process that begins with the state of another one. */
import { parseTxId } from '../base/ids.ts'
import { forkTags } from '../services/machine/fork.ts'
import { connect, parseId, urlOption } from './client.ts'
import { type CommandFile, listOption, textOption } from './command.ts'
import { aoTags, parseTags, scheduleItem } from './items.ts'
import { parseSlot, processInfo } from './process-info.ts'
import { signingKey, walletOption } from './wallets.ts'

const NO_DATA = ' '

export const fork: CommandFile = {
  name: 'fork',
  usage: '<process> [--at <slot>]',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    at: { type: 'string', value: 'slot', help: 'the slot after which it goes its own way (default: the last)' },
    name: { type: 'string', short: 'n', help: 'value of the Name tag' },
    tag: { type: 'string', short: 't', multiple: true, value: 'name=value', help: 'further tags; may be repeated' },
  },
  examples: ['heddle fork <process> --at 7', 'heddle fork <process> --name try-it'],
  async run(input, output) {
    const original = parseId(input.positionals[0], 'a process id', '"heddle spawn" prints it')
    const named = textOption(input, 'at')
    const slot = named === undefined ? null : parseSlot(named, 'at')
    const name = textOption(input, 'name')
    const further = parseTags(listOption(input, 'tag'))
    const node = connect(input)
    const [{ heddle }, key, stored] = await Promise.all([node.info(), signingKey(input, node), processInfo(node, original)])
    const at = slot ?? stored.slot
    const tags = [
      ...(name === undefined ? [] : [{ name: 'Name', value: name }]),
      ...further,
      ...aoTags('Process'),
      { name: 'Module', value: stored.module },
      { name: 'Scheduler', value: heddle.units.scheduler },
      ...forkTags({ of: parseTxId(original), at }),
    ]
    const process = await scheduleItem(node, { data: NO_DATA, tags }, key)
    const begun = await output.busy('computing its state', node.result(process, process))
    const { bold, dim, green, red, yellow } = output.paint
    output.line(`${begun.Error === undefined ? green('✓') : yellow('!')} process ${bold(process)}`)
    if (begun.Error !== undefined) output.line(red(output.plain(begun.Error)))
    else output.line(dim(`  it is ${original} as it was after slot ${at}; try: heddle eval ${process} '1 + 1'`))
    output.value({ process, original, at, result: begun })
    return begun.Error === undefined ? 0 : 1
  },
}
