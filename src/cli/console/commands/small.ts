/** Commands about the console itself. */
import type { ConsoleCommand } from './command.ts'

export const last: ConsoleCommand = {
  name: 'last',
  usage: '',
  summary: 'all of the output that was cut last',
  takes: 'nothing',
  async run(_, { printer }) {
    printer.line(printer.last() ?? printer.output.paint.dim('nothing was cut'))
    return 'done'
  },
}

export const json: ConsoleCommand = {
  name: 'json',
  usage: '',
  summary: 'results as JSON, or as text again',
  takes: 'nothing',
  async run(_, { printer }) {
    printer.isJson = !printer.isJson
    printer.line(printer.output.paint.dim(printer.isJson ? 'results are shown as JSON; .json again for text' : 'results are shown as text'))
    return 'done'
  },
}

export const quit: ConsoleCommand = {
  name: 'quit',
  usage: '',
  summary: 'leaves, as Ctrl-D does',
  takes: 'nothing',
  run: async () => 'left',
}
