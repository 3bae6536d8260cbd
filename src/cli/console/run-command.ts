/** Finds the dot command that a line means and runs it. */
import { closest, UsageError } from '../command.ts'
import type { Console, ConsoleCommand, Outcome } from './commands/command.ts'
import { gas } from './commands/gas.ts'
import { handlers } from './commands/handlers.ts'
import { inbox } from './commands/inbox.ts'
import { monitor, send, unmonitor } from './commands/messages.ts'
import { fork, info, open, spawn } from './commands/processes.ts'
import { at, dry, editor, load, loadBlueprint } from './commands/running.ts'
import { json, last, quit } from './commands/small.ts'
import { state } from './commands/state.ts'
import { trace } from './commands/trace.ts'
import { tableOf } from './text-columns.ts'

const help: ConsoleCommand = {
  name: 'help',
  usage: '',
  summary: 'this list',
  takes: 'nothing',
  async run(_, { printer, session }) {
    const { bold, dim } = printer.output.paint
    const rows = COMMANDS.map(({ name, usage, summary }) => [`  ${bold(`.${name}`)} ${usage}`.trimEnd(), dim(summary)])
    printer.line(
      [
        `Everything else is ${session.language.name} and runs in the process.`,
        ...tableOf(rows),
        dim('What is not complete goes on in the next line. Tab completes.'),
        dim('Up and Ctrl-R find what was typed before. Ctrl-C gives up, Ctrl-D leaves.'),
      ].join('\n'),
    )
    return 'done'
  },
}

export const COMMANDS: readonly ConsoleCommand[] = [
  help,
  info,
  state,
  inbox,
  handlers,
  trace,
  gas,
  dry,
  at,
  load,
  loadBlueprint,
  editor,
  send,
  spawn,
  fork,
  open,
  monitor,
  unmonitor,
  last,
  json,
  quit,
]
const OTHER_NAMES: Readonly<Record<string, string>> = { exit: 'quit', 'load-bp': 'load-blueprint', dryrun: 'dry', h: 'help', q: 'quit' }

/** Lines that begin with a dot and a letter; in Lua and JavaScript nothing does. */
export function isCommand(text: string): boolean {
  return /^\s*\.[A-Za-z]/.test(text)
}

export async function runCommand(text: string, console: Console): Promise<Outcome> {
  const [, word = '', rest = ''] = /^\s*\.([\w-]+)[ \t]*([\s\S]*)$/.exec(text) ?? []
  const name = OTHER_NAMES[word] ?? word
  const command = COMMANDS.find((one) => one.name === name)
  if (command !== undefined) return command.run(rest.trimEnd(), console)
  const meant = closest(
    name,
    COMMANDS.map((one) => one.name),
  )
  throw new UsageError(`there is no command .${word}${meant === null ? '; .help lists them' : `; did you mean .${meant}?`}`)
}
