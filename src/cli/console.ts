/**
 * heddle console: a terminal for one process: type Lua, see what comes of it, and what others make the process say.
 *
 * Wire  The node's public HTTP API and nothing else: messages are signed here, questions are dry runs, what arrives is polled for.
 */
import { createInterface } from 'node:readline/promises'
import type { SigningKey } from '../codec/keys.ts'
import { connect, type NodeClient, urlOption } from './client.ts'
import { CommandError, type CommandFile, flag, listOption, textOption, UsageError } from './command.ts'
import { findProcess, ProcessMissing, spawnProcess } from './console/find-process.ts'
import { runInteractive } from './console/interactive.ts'
import { runPiped } from './console/piped.ts'
import { openSession } from './console/session.ts'
import type { Output } from './output.ts'
import { signingKey, walletOption } from './wallets.ts'

export const consoleCommand: CommandFile = {
  name: 'console',
  usage: '[process id or name]',
  wordsMax: 1,
  options: {
    ...walletOption,
    ...urlOption,
    spawn: { type: 'boolean', help: 'start a new process, with the name that you give' },
    load: {
      type: 'string',
      short: 'l',
      multiple: true,
      value: 'file.lua',
      help: 'run this file first, with what it requires; may be repeated',
    },
    run: { type: 'string', short: 'r', value: 'code', help: 'run this and end; exit code 1 when it fails' },
  },
  examples: [
    'heddle console',
    'heddle console my-bot',
    'heddle console my-bot --spawn --load bot.lua',
    `heddle console <process> --run '#Inbox'`,
    `echo 'Balances' | heddle console <process>`,
  ],
  async run(input, output) {
    const [word] = input.positionals
    const statement = textOption(input, 'run') ?? null
    const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true && statement === null && !output.json
    if (flag(input, 'spawn') && /^[A-Za-z0-9_-]{43}$/.test(word ?? ''))
      throw new UsageError('--spawn takes a name, and this is the id of a process')
    const leaving = new AbortController()
    const node = connect(input, leaving.signal)
    const key = await signingKey(input, node)
    const id = await chooseProcess({ node, key, word: word ?? null, isNew: flag(input, 'spawn'), isTerminal }, output)
    if (id === null) return 0
    const session = await openSession(node, key, id)
    const options = { session, output, loads: listOption(input, 'load') }
    try {
      if (!isTerminal) return await runPiped({ ...options, statement })
      await runInteractive(options)
      return 0
    } finally {
      leaving.abort() // What nobody waits for any more would keep the program from ending.
    }
  },
}

interface Choice {
  readonly node: NodeClient
  readonly key: SigningKey
  readonly word: string | null
  readonly isNew: boolean
  readonly isTerminal: boolean
}

/** Null when there is none and none is wanted. */
async function chooseProcess({ node, key, word, isNew, isTerminal }: Choice, output: Output): Promise<string | null> {
  const begin = (): Promise<string> => output.busy('starting a process', spawnProcess(node, key, { name: word ?? 'default' }))
  if (isNew) return begin()
  try {
    return await findProcess(node, key.address, word)
  } catch (error) {
    if (!(error instanceof ProcessMissing) || !isTerminal) throw error
    const name = word ?? 'default'
    return (await confirm(`There is no process ${word === null ? 'of yours' : `"${name}"`} yet. Start one? [Y/n] `)) ? begin() : null
  }
}

async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  const left = new AbortController()
  lines.once('SIGINT', () => left.abort())
  lines.once('close', () => left.abort())
  try {
    return /^\s*(?:y(?:es)?)?\s*$/i.test(await lines.question(question, { signal: left.signal }))
  } catch (error) {
    if (left.signal.aborted) throw new CommandError('not-found', 'nothing was started')
    throw error
  } finally {
    lines.close()
  }
}
