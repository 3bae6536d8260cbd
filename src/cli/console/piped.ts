/** The console without a terminal: statements from standard input or the command line, one after the other, up to the first error. */
import { createInterface } from 'node:readline'
import type { Output } from '../output.ts'
import type { Console } from './commands/command.ts'
import { loadFile } from './commands/running.ts'
import type { Incomplete } from './incomplete.ts'
import { createPrinter } from './printer.ts'
import { isCommand, runCommand } from './run-command.ts'
import { openSession, type Session } from './session.ts'
import { plainSource } from './source.ts'

export interface PipedOptions {
  readonly session: Session
  readonly output: Output
  readonly loads: readonly string[]
  /** Instead of standard input. */
  readonly statement: string | null
}

/** Returns the exit code: 1 after the first error. */
export async function runPiped({ session: first, output, loads, statement }: PipedOptions): Promise<number> {
  let session = first
  const printer = createPrinter({ output, write: (text) => process.stdout.write(`${text}\n`), cuts: false })
  printer.isJson = output.json
  const lines = statement === null ? createInterface({ input: process.stdin })[Symbol.asyncIterator]() : null
  const context: Console = {
    get session() {
      return session
    },
    printer,
    run: async (source) => printer.evaluated(session, await session.evaluate(source)),
    wait: (_, work) => work,
    async open(id) {
      session = await openSession(session.node, session.key, id)
    },
    readBlock: () => readBlock(lines),
  }
  const run = async (text: string): Promise<'done' | 'failed' | 'left'> => {
    if (isCommand(text)) return runCommand(text, context)
    return (await context.run(plainSource(text))) ? 'done' : 'failed'
  }
  for (const file of loads) if ((await loadFile(file, context)) === 'failed') return 1
  for await (const text of lines === null ? [statement ?? ''] : statements(lines, (part) => session.language.isIncomplete(part))) {
    if (text.trim() === '') continue
    const outcome = await run(text)
    if (outcome !== 'done') return outcome === 'left' ? 0 : 1
  }
  return 0
}

type Lines = AsyncIterator<string>

/** Lines put together until they are complete, as at the prompt; the last one as it is. */
export async function* statements(lines: Lines, isIncomplete: Incomplete): AsyncGenerator<string> {
  let text: string | null = null
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    text = text === null ? next.value : `${text}\n${next.value}`
    if (!isCommand(text) && isIncomplete(text)) continue
    yield text
    text = null
  }
  if (text !== null) yield text
}

async function readBlock(lines: Lines | null): Promise<string | null> {
  const block: string[] = []
  for (let next = await lines?.next(); next !== undefined && next.done !== true; next = await lines?.next()) {
    if (next.value.trim() === '.done') return block.join('\n')
    block.push(next.value)
  }
  return block.join('\n')
}
