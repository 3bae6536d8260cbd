/** .handlers: who takes which messages, in the order in which they are asked. */
import type { HandlerEntry } from '../language.ts'
import { tableOf } from '../text-columns.ts'
import type { ConsoleCommand } from './command.ts'

export const handlers: ConsoleCommand = {
  name: 'handlers',
  usage: '',
  summary: 'who takes which messages, in their order',
  takes: 'nothing',
  async run(_, { session, printer, wait }) {
    const { bold, dim } = printer.output.paint
    const { plain } = printer.output
    const question = session.language.handlers()
    if (question === null) {
      printer.line(dim(`the handlers of a ${session.language.name} process are its own; its source says which there are`))
      return 'done'
    }
    const entries = await wait('reading the handlers', session.ask<readonly HandlerEntry[]>({ source: question }))
    if (entries === null) return 'done'
    printer.long(
      tableOf(
        entries.map(({ name, pattern, runs }, i) => [
          dim(String(i + 1).padStart(3)),
          bold(plain(name)),
          plain(pattern),
          runs === '' || runs === 'inf' ? '' : dim(`${runs} more times`),
        ]),
      ).join('\n'),
    )
    return 'done'
  },
}
