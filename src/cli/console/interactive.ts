/**
 * The console on a terminal: reads statements, runs them, and shows what arrives meanwhile above what is being typed.
 *
 * Invariants  However it ends, the terminal is as it was before.
 */
import { constants } from 'node:os'
import { errorText } from '../../base/errors.ts'
import type { ResultRecord } from '../../services/machine/records.ts'
import { CommandError, UsageError } from '../command.ts'
import { consoleHistoryPath } from '../config-home.ts'
import type { Output } from '../output.ts'
import type { Console, Outcome } from './commands/command.ts'
import { loadFile } from './commands/running.ts'
import { createCompleter } from './completion.ts'
import { readError } from './error-view.ts'
import { openHistory } from './history.ts'
import { follow, type Live } from './live.ts'
import { createPrinter } from './printer.ts'
import { Reader } from './reader.ts'
import { COMMANDS, isCommand, runCommand } from './run-command.ts'
import { type Evaluated, openSession, promptOf, type Session } from './session.ts'
import { plainSource, type Source } from './source.ts'

const PROMPT_CHARS_MAX = 500
const END_SIGNALS = ['SIGTERM', 'SIGHUP'] as const

export interface InteractiveOptions {
  readonly session: Session
  readonly output: Output
  readonly loads: readonly string[]
}

export async function runInteractive({ session: first, output, loads }: InteractiveOptions): Promise<void> {
  let session = first
  let live = null as Live | null // Set in a function below, which the compiler does not follow.
  const { cyan, dim, green, red, yellow } = output.paint
  const completer = createCompleter(() => session, COMMANDS)
  const reader = new Reader({
    input: process.stdin,
    output: process.stdout,
    history: openHistory(consoleHistoryPath()),
    isIncomplete: (text) => !isCommand(text) && session.language.isIncomplete(text),
    complete: completer.complete,
    dim,
  })
  const show = (text: string): void => {
    completer.see(text)
    reader.print(text)
  }
  const printer = createPrinter({ output, write: show, cuts: true })
  const setPrompt = (prompt: string | null): void => {
    const isUsual = prompt !== null && prompt.length <= PROMPT_CHARS_MAX
    reader.prompt = output.plain(isUsual ? prompt : `${(session.name ?? session.id).slice(0, 20)}> `)
  }
  const showFailure = (error: unknown): void => {
    const isExpected = error instanceof CommandError || error instanceof UsageError
    show(red(output.plain(isExpected ? error.message : `something unexpected went wrong: ${errorText(error)}`)))
  }

  const arrived = (record: ResultRecord): void => {
    completer.forget()
    const isOwn = session.own.delete(record.message)
    const shown = isOwn ? null : printer.isJson ? output.plain(JSON.stringify(record)) : liveText(record)
    if (shown !== null) show(shown)
    const prompt = promptOf({ Output: record.output })
    if (prompt !== null) setPrompt(prompt)
  }
  /** Null for what nobody is to see: evaluations of other consoles. */
  const liveText = ({ output: given, error, message, slot }: ResultRecord): string | null => {
    completer.see(message)
    if (error !== undefined) {
      const { message: text } = readError(error, session.language, plainSource(''))
      return `${red('✗')} ${dim(`slot ${slot}, message ${message}:`)}\n${output.plain(text).replace(/^/gm, '  ')}`
    }
    const { data, print } = (typeof given === 'object' && given !== null ? given : {}) as { data?: unknown; print?: unknown }
    if (print !== true || typeof data !== 'string' || data.trim() === '') return null
    return output.plain(data.trimEnd()).replace(/^/gm, `${cyan('│')} `)
  }
  const open = async (id: string, opened?: Session): Promise<void> => {
    live?.stop()
    session = opened ?? (await openSession(first.node, first.key, id))
    completer.forget()
    const [now, probe] = await Promise.all([session.info(), session.dryRun({ source: '0' }).catch(() => ({}))])
    setPrompt(promptOf(probe))
    show(banner(session, now.slot, output))
    live = follow({
      node: session.node,
      process: session.id,
      from: now.evaluated + 1,
      events: {
        result: arrived,
        lost: (problem) =>
          show(
            `${red('✗')} ${output.plain(problem)}\n${dim('  what is being typed stays here; the console goes on once the node is back')}`,
          ),
        back: () => show(`${green('✓')} the node answers again`),
      },
    })
  }

  const wait = <T>(label: string, work: Promise<T>): Promise<T | null> => reader.wait(`${label} (Ctrl-C: do not wait)`, work)
  const run = async (source: Source): Promise<boolean> => {
    const evaluating = session.evaluate(source)
    const evaluated = await wait('computing', evaluating)
    if (evaluated !== null) return shown(session, evaluated)
    show(dim('it goes on in the process; what comes of it is shown when it is there'))
    const from = session
    evaluating.then((late) => shown(from, late), showFailure)
    return true
  }
  const shown = async (from: Session, evaluated: Evaluated): Promise<boolean> => {
    completer.forget()
    completer.see(evaluated.message)
    const isDone = await printer.evaluated(from, evaluated)
    const prompt = from === session ? promptOf(evaluated.result) : null
    if (prompt !== null) setPrompt(prompt)
    if (!isDone && !from.isOwner) show(yellow(notOwner(from)))
    return isDone
  }
  const context: Console = {
    get session() {
      return session
    },
    printer,
    run,
    wait,
    readBlock: () => reader.readBlock('.done'),
    open,
  }
  const step = async (work: () => Promise<Outcome>): Promise<Outcome> => {
    try {
      return await work()
    } catch (error) {
      showFailure(error)
      return 'failed'
    }
  }

  const ends = END_SIGNALS.map((signal) => {
    const end = (): void => {
      reader.close()
      process.exit(128 + constants.signals[signal])
    }
    process.once(signal, end)
    return () => process.off(signal, end)
  })
  try {
    await open(first.id, first)
    for (const file of loads) await step(() => loadFile(file, context))
    for (;;) {
      const text = await reader.read()
      if (text === null) break
      if (text.trim() === '') continue
      completer.see(text)
      const outcome = await step(async () => {
        if (isCommand(text)) return runCommand(text, context)
        return (await run(plainSource(text))) ? 'done' : 'failed'
      })
      if (outcome === 'left') break
      live?.poke()
    }
  } finally {
    live?.stop()
    reader.close()
    for (const forget of ends) forget()
  }
}

export function notOwner({ owner, key }: Session): string {
  return `its owner alone may run code here; .dry works for everybody, --wallet names another key\n  owner ${owner}\n  you   ${key.address}`
}

function banner(session: Session, slot: number, { paint, plain }: Output): string {
  const { bold, dim, yellow } = paint
  const name = session.name === null ? '' : `${bold(plain(session.name))}  `
  const lines = [
    dim(`${session.node.url} · ${session.language.name} (${plain(session.format)}) · slot ${slot}`),
    `${name}${session.id}`,
    dim('.help lists commands, Tab completes, Ctrl-D leaves'),
    ...(session.isOwner ? [] : [yellow(notOwner(session))]),
  ]
  return lines.join('\n')
}
