/** Commands about processes: what this one is, and others. */
import { parseTxId } from '../../../base/ids.ts'
import { forkTags } from '../../../services/machine/fork.ts'
import { UsageError } from '../../command.ts'
import { findProcess, spawnProcess } from '../find-process.ts'
import { tagOf } from '../session.ts'
import { tableOf } from '../text-columns.ts'
import type { ConsoleCommand } from './command.ts'
import { wordsOf } from './command.ts'

export const info: ConsoleCommand = {
  name: 'info',
  usage: '',
  summary: 'id, module, owner, last slot',
  takes: 'nothing',
  async run(_, { session, printer, wait }) {
    const now = await wait('asking', session.info())
    if (now === null) return 'done'
    const { dim } = printer.output.paint
    const { plain } = printer.output
    const module = tagOf(now.env.Module.Tags, 'Name')
    const rows = [
      ['process', session.id],
      ['name', plain(session.name ?? '—')],
      ['owner', session.isOwner ? `${session.owner} (you)` : session.owner],
      ...(session.isOwner ? [] : [['you', session.key.address]]),
      ['module', `${now.module}${module === undefined ? '' : ` ${plain(module)}`} (${plain(session.format)})`],
      ['last slot', String(now.slot)],
      ...(now.fork === null ? [] : [['fork', `of ${now.fork.of} at slot ${now.fork.at}`]]),
      ['node', session.node.url],
    ]
    printer.line(tableOf(rows.map(([name = '', value = '']) => [dim(name), value])).join('\n'))
    return 'done'
  },
}

export const spawn: ConsoleCommand = {
  name: 'spawn',
  usage: '[name]',
  summary: 'starts a new process; .open goes there',
  takes: 'nothing',
  async run(text, { session, printer, wait }) {
    const [name] = wordsOf(text)
    const process = await wait('starting the process', spawnProcess(session.node, session.key, { name }))
    if (process !== null) printer.line(`${printer.output.paint.green('✓')} process ${process}`)
    return 'done'
  },
}

export const fork: ConsoleCommand = {
  name: 'fork',
  usage: '[slot] [name]',
  summary: 'starts a process with the state of this one',
  takes: 'nothing',
  async run(text, { session, printer, wait }) {
    const words = wordsOf(text)
    const slot = /^\d+$/.test(words[0] ?? '') ? Number(words.shift()) : null
    const now = await session.info()
    const at = slot ?? now.slot
    const options = { name: words[0], module: now.module, tags: forkTags({ of: parseTxId(session.id), at }) }
    const process = await wait('computing its state', spawnProcess(session.node, session.key, options))
    if (process !== null) printer.line(`${printer.output.paint.green('✓')} process ${process}, as this one was after slot ${at}`)
    return 'done'
  },
}

export const open: ConsoleCommand = {
  name: 'open',
  usage: '<id or name>',
  summary: 'goes on with another process',
  takes: 'id',
  async run(text, { session, open: goTo, wait }) {
    const [word] = wordsOf(text)
    if (word === undefined) throw new UsageError('write .open and the id or the name of a process')
    const process = await wait('looking for it', findProcess(session.node, session.key.address, word))
    if (process !== null) await goTo(process)
    return 'done'
  },
}
