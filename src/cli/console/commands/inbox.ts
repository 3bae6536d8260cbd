/** .inbox: the newest messages that no handler took, readable. */
import type { InboxEntry } from '../language.ts'
import { type ConsoleCommand, parseCount } from './command.ts'

const USUAL = 5
const MAX = 100
/** In every message, so it says nothing about this one. */
const EVERYWHERE = /^(?:Data-Protocol|Variant|Type|Action|SDK|Sdk|From-Process|From-Module|Pushed-For|Reference|Content-Type)$/

export const inbox: ConsoleCommand = {
  name: 'inbox',
  usage: '[count]',
  summary: 'messages that no handler took, newest first',
  takes: 'nothing',
  async run(text, { session, printer, wait }) {
    const { bold, cyan, dim } = printer.output.paint
    const { plain } = printer.output
    const question = session.language.inbox(Math.min(MAX, parseCount(text, USUAL)))
    if (question === null) {
      printer.line(dim(`a ${session.language.name} process keeps no inbox: what no handler takes is only told, as it comes`))
      return 'done'
    }
    const entries = await wait('reading the inbox', session.ask<readonly InboxEntry[]>({ source: question }))
    if (entries === null) return 'done'
    if (entries.length === 0) printer.line(dim('the inbox is empty'))
    for (const { index, from, action, timestamp, id, data, tags } of entries) {
      const when = /^\d{12,14}$/.test(timestamp) ? `  ${new Date(Number(timestamp)).toISOString().replace(/\.\d+Z$/, 'Z')}` : ''
      printer.line(`${bold(`[${index}]`)} ${cyan(plain(action ?? 'no action'))}  from ${plain(from)}${dim(when)}`)
      const own = tags.filter(([name]) => !EVERYWHERE.test(name)).map(([name, value]) => `${name}=${value}`)
      if (own.length > 0) printer.line(`    ${dim(plain(own.join('  ')))}`)
      if (data.trim() !== '') printer.line(plain(data.trimEnd()).replace(/^/gm, '    '))
      printer.line(`    ${dim(id)}`)
    }
    return 'done'
  },
}
