/** Commands that send: messages, and the signed wish to be watched over. */
import { UsageError } from '../../command.ts'
import type { Console, ConsoleCommand, Outcome } from './command.ts'
import { outcomeOf, wordsOf } from './command.ts'

const ID = /^[A-Za-z0-9_-]{43}$/
const TAG = /^[A-Za-z][\w-]*=/

export const send: ConsoleCommand = {
  name: 'send',
  usage: '[id] Action=… [data]',
  summary: 'sends a message, here if you name no process',
  takes: 'id',
  async run(text, { session, printer, wait }) {
    const words = wordsOf(text)
    const target = words[0] !== undefined && ID.test(words[0]) ? words.shift()! : session.id
    const tags = words
      .filter((word) => TAG.test(word))
      .map((word) => ({ name: word.slice(0, word.indexOf('=')), value: word.slice(word.indexOf('=') + 1) }))
    const data = words.filter((word) => !TAG.test(word)).join(' ')
    if (tags.length === 0 && data === '')
      throw new UsageError('write .send Action=Info, or .send <process> Action=Info; any tags and data will do')
    const sent = await wait('waiting for its result', session.send({ target, tags, ...(data === '' ? {} : { data }) }))
    if (sent === null) return 'done'
    if (!printer.isJson) printer.line(printer.output.paint.dim(`message ${sent.message}`))
    return outcomeOf(printer.outcome(session, sent))
  },
}

export const monitor: ConsoleCommand = {
  name: 'monitor',
  usage: '',
  summary: 'lets the node run the cron of this process',
  takes: 'nothing',
  run: (_, console) => watch('POST', console),
}

export const unmonitor: ConsoleCommand = {
  name: 'unmonitor',
  usage: '',
  summary: 'ends that again',
  takes: 'nothing',
  run: (_, console) => watch('DELETE', console),
}

async function watch(method: 'POST' | 'DELETE', { session, printer, wait }: Console): Promise<Outcome> {
  const { raw } = await session.sign({ target: session.id, tags: [], data: ' ' })
  const refused = method === 'POST' ? 'it cannot be watched' : 'watching cannot be ended'
  const answer = await wait('asking', session.node.sendItem(method, `/monitor/${session.id}`, raw, refused))
  if (answer !== null) printer.line(printer.output.paint.dim(printer.output.plain(answer)))
  return 'done'
}
