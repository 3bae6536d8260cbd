/** .state: what the program keeps: the globals that it added, or what is in one of its tables. */
import type { Entry, Listing } from '../language.ts'
import type { Session } from '../session.ts'
import { tableOf } from '../text-columns.ts'
import type { ConsoleCommand } from './command.ts'

export const state: ConsoleCommand = {
  name: 'state',
  usage: '[path]',
  summary: 'the globals, or what is in one: Inbox[1].Tags',
  takes: 'code',
  async run(text, { session, printer, wait }) {
    const path = text.trim() === '' ? null : text.trim()
    const listing = await wait('looking at the state', list(session, path))
    if (listing === null) return 'done'
    const { bold, cyan, dim } = printer.output.paint
    const { plain } = printer.output
    const { count, entries, value } = listing
    if (value !== undefined) printer.long(plain(value))
    else if (entries.length === 0) printer.line(dim(path === null ? 'the program added nothing to what every process has' : 'it is empty'))
    else
      printer.long(
        tableOf(entries.map((entry) => [bold(plain(entry.name)), dim(entry.type), sizeText(entry), cyan(plain(entry.preview))])).join('\n'),
      )
    if (count > entries.length && value === undefined) printer.line(dim(`… ${count - entries.length} more`))
    return 'done'
  },
}

export function list(session: Session, path: string | null): Promise<Listing> {
  return session.ask<Listing>({ source: session.language.list(path) })
}

function sizeText({ type, size }: Entry): string {
  if (size === null) return ''
  const unit = type === 'string' ? 'byte' : type === 'table' || /^[A-Z]/.test(type) ? (size === 1 ? 'entry' : 'entrie') : 'item'
  return `${size} ${unit}${size === 1 ? '' : 's'}`
}
