/** .trace: the tree of what a message caused. */
import { parseId } from '../../client.ts'
import { UsageError } from '../../command.ts'
import { settled, showTrace } from '../../trace.ts'
import { type ConsoleCommand, wordsOf } from './command.ts'

const NODES_MAX = 500
const WAIT_MS = 10_000

export const trace: ConsoleCommand = {
  name: 'trace',
  usage: '[message]',
  summary: 'what a message, or the last statement, caused',
  takes: 'id',
  async run(text, { session, printer, wait }) {
    const [word] = wordsOf(text)
    const message = word === undefined ? session.evaluations.at(-1)?.message : parseId(word, 'a message id', '.inbox and .send show ids')
    if (message === undefined) throw new UsageError('nothing was run here yet; name a message: .trace <id>')
    const found = await wait(
      'waiting until all of it is done',
      settled(session.node, `/heddle/traces/${message}?limit=${NODES_MAX}`, WAIT_MS),
    )
    if (found === null) return 'done'
    const lines: string[] = []
    showTrace(found, { ...printer.output, line: (line = '') => lines.push(line) }, false)
    printer.long(printer.isJson ? JSON.stringify(found) : lines.join('\n'))
    return 'done'
  },
}
