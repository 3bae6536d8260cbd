/** Commands that run code: from files, from many lines, on a copy, on an earlier state. */
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../command.ts'
import { loadSource, plainSource } from '../source.ts'
import { type Console, type ConsoleCommand, type Outcome, outcomeOf, wordsOf } from './command.ts'

const TOKEN = fileURLToPath(new URL('../../../../processes/token.lua', import.meta.url))

export const load: ConsoleCommand = {
  name: 'load',
  usage: '<file.lua>',
  summary: 'runs a file and the files that it requires',
  takes: 'file',
  async run(text, console) {
    const [file, extra] = wordsOf(text)
    if (file === undefined || extra !== undefined) throw new UsageError('write .load <file.lua>; a name with spaces goes between quotes')
    return loadFile(file, console)
  },
}

export async function loadFile(file: string, { run, printer }: Pick<Console, 'run' | 'printer'>): Promise<Outcome> {
  const source = loadSource(file)
  const isDone = await run(source)
  if (isDone && !printer.isJson) printer.line(printer.output.paint.dim(`✓ ${file}: ${source.text.split('\n').length} lines`))
  return outcomeOf(isDone)
}

export const loadBlueprint: ConsoleCommand = {
  name: 'load-blueprint',
  usage: 'token',
  summary: 'runs the token that comes with Heddle',
  takes: 'nothing',
  async run(text, console) {
    if (text.trim() !== 'token')
      throw new UsageError('one blueprint comes with Heddle: .load-blueprint token; for others write .load <file.lua>')
    return loadFile(TOKEN, console)
  },
}

export const editor: ConsoleCommand = {
  name: 'editor',
  usage: '',
  summary: 'many lines, run together once you write .done',
  takes: 'nothing',
  async run(_, { readBlock, run, printer }) {
    printer.line(printer.output.paint.dim('.done runs the lines, Ctrl-C gives them up'))
    const text = await readBlock()
    return text === null || text.trim() === '' ? 'done' : outcomeOf(await run(plainSource(text)))
  },
}

export const dry: ConsoleCommand = {
  name: 'dry',
  usage: '<code>',
  summary: 'what code would do; changes nothing',
  takes: 'code',
  async run(text, console) {
    if (text.trim() === '') throw new UsageError('write .dry and the code, like .dry Balances')
    return dryRun(text, null, console)
  },
}

export const at: ConsoleCommand = {
  name: 'at',
  usage: '<slot> <code>',
  summary: 'the same on the state after an earlier slot',
  takes: 'code',
  async run(text, console) {
    const [, slot, code] = /^\s*(\d{1,15})\s+([\s\S]+)$/.exec(text) ?? []
    if (slot === undefined || code === undefined)
      throw new UsageError('write .at <slot> <code>, like .at 7 Balances; .info tells the last slot')
    return dryRun(code, Number(slot), console)
  },
}

async function dryRun(text: string, slot: number | null, { session, printer, wait }: Console): Promise<Outcome> {
  const source = plainSource(text)
  const result = await wait(slot === null ? 'trying' : `computing slot ${slot}`, session.dryRun({ source: text, at: slot }))
  return result === null ? 'done' : outcomeOf(await printer.evaluated(session, { result, source }, slot))
}
