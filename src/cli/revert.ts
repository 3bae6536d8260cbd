/** heddle revert: take a process back to an earlier slot, on a development network. */
import { connect, parseId, urlOption } from './client.ts'
import { type CommandFile, textOption } from './command.ts'
import { parseSlot, processPath } from './process-info.ts'

interface Reverted {
  readonly slot: number
  readonly forgotten: number
}

export const revert: CommandFile = {
  name: 'revert',
  usage: '<process> --to <slot>',
  wordsMax: 1,
  options: { ...urlOption, to: { type: 'string', value: 'slot', help: 'the last slot that stays' } },
  examples: ['heddle revert <process> --to 7'],
  async run(input, output) {
    const process = parseId(input.positionals[0], 'a process id', '"heddle spawn" prints it')
    const to = parseSlot(textOption(input, 'to'), 'to')
    const reverting = connect(input).postJson<Reverted>(`${processPath(process)}/revert`, { to }, 'nothing was reverted')
    const { slot, forgotten } = await output.busy('reverting', reverting)
    output.line(
      forgotten === 0
        ? `process ${process} ends with slot ${slot} already`
        : `process ${process} goes on after slot ${slot}; ${forgotten} forgotten`,
    )
    output.value({ process, slot, forgotten })
    return 0
  },
}
