/** Entry of the command line: finds the command, reads its words, shows failures as a person can use them. */
import { writeSync } from 'node:fs'
import { errorText, HeddleError } from './base/errors.ts'
import { type Command, CommandError, type CommandFile, closest, commandHelp, helpText, parseCommand, UsageError } from './cli/command.ts'
import { createOutput, type Output } from './cli/output.ts'
import type { OpenNode } from './cli/start.ts'
import { VERSION } from './version.ts'

interface CommandEntry {
  readonly summary: string
  /** Loaded when asked for, so that a small command starts at once. */
  readonly load: () => Promise<CommandFile>
}

const openNode: OpenNode = async (...node) => (await import('./node.ts')).openNode(...node)

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  start: {
    summary: 'Run a node: storage, gateway, GraphQL, uploads and AO on one port',
    load: async () => (await import('./cli/start.ts')).startCommand(openNode),
  },
  demo: {
    summary: 'See it work: a web site, a token and two processes, in a few seconds',
    load: async () => (await import('./cli/demo.ts')).demoCommand(openNode),
  },
  wallet: {
    summary: 'Make a wallet, or show the address and balance of one',
    load: async () => (await import('./cli/wallet.ts')).wallet,
  },
  upload: {
    summary: 'Upload a file, or a folder as a web site',
    load: async () => (await import('./cli/upload.ts')).upload,
  },
  module: {
    summary: 'Publish a program as a module, and see which modules there are',
    load: async () => (await import('./cli/module.ts')).module,
  },
  spawn: {
    summary: 'Start an AO process, with your Lua in it if you name a file',
    load: async () => (await import('./cli/spawn.ts')).spawn,
  },
  send: {
    summary: 'Send a message to a process and show its result',
    load: async () => (await import('./cli/send.ts')).send,
  },
  eval: {
    summary: 'Run Lua in a process that you own, now or as it was',
    load: async () => (await import('./cli/eval.ts')).evaluate,
  },
  console: {
    summary: 'A terminal for a process: run Lua in it, see what arrives, look inside',
    load: async () => (await import('./cli/console.ts')).consoleCommand,
  },
  result: {
    summary: 'Show the result of a message',
    load: async () => (await import('./cli/result.ts')).result,
  },
  trace: {
    summary: 'Show what a message caused, as a tree',
    load: async () => (await import('./cli/trace.ts')).trace,
  },
  verify: {
    summary: 'Compute a process again and compare with what the node keeps',
    load: async () => (await import('./cli/verify.ts')).verify,
  },
  snapshot: {
    summary: 'Keep the state of a process as it is now',
    load: async () => (await import('./cli/snapshot.ts')).snapshot,
  },
  fork: {
    summary: 'Start a process with the state of another one',
    load: async () => (await import('./cli/fork.ts')).fork,
  },
  revert: {
    summary: 'Take a process back to an earlier slot, on a development network',
    load: async () => (await import('./cli/revert.ts')).revert,
  },
  query: {
    summary: 'Find transactions and data items',
    load: async () => (await import('./cli/query.ts')).query,
  },
  inspect: {
    summary: 'Show a message, its ids and who committed to it, and verify it',
    load: async () => (await import('./cli/inspect.ts')).inspect,
  },
  doctor: {
    summary: 'Check this machine and a running node, and say what to mend',
    load: async () => (await import('./cli/doctor.ts')).doctor,
  },
}

const EXIT = { done: 0, failed: 1, notUnderstood: 2 } as const
const ENDED_BY_READER = 'EPIPE' // As in `heddle query | head -1`.

/** Runs one command; returns the exit code: 0 done, 1 failed, 2 not understood. */
export async function main(words: readonly string[]): Promise<number> {
  const before = words.findIndex((word) => word !== '--json') // "heddle --json query" is as good as "heddle query --json".
  const [name, ...rest] = before === -1 ? [] : [...words.slice(before), ...words.slice(0, before)]
  const output = createOutput(words.includes('--json'))
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endUnread)
  try {
    return await run(name, rest, output)
  } catch (error) {
    return report(error, name, output)
  }
}

/** Nobody reads any more, or what is written goes nowhere, as on a full disk. */
function endUnread(error: NodeJS.ErrnoException): never {
  if (error.code === ENDED_BY_READER) process.exit(EXIT.done)
  try {
    writeSync(process.stderr.fd, `heddle: cannot write its output: ${error.message}\n`)
  } catch {
    // Then there is nobody to tell.
  }
  process.exit(EXIT.failed)
}

async function run(name: string | undefined, rest: readonly string[], output: Output): Promise<number> {
  if (name === '--version' || name === '-v') return version(output)
  if (name === undefined) return overview(output, EXIT.notUnderstood)
  if (name === '--help' || name === '-h') return overview(output, EXIT.done)
  if (name === 'help') {
    const about = rest.find((word) => !word.startsWith('-'))
    return about === undefined ? overview(output, EXIT.done) : help(await load(about), output)
  }
  const command = await load(name)
  const input = parseCommand(command, rest)
  if (input.values['help'] === true) return help(command, output)
  // A client library may leave a promise behind. A node goes on, see start.ts; any other command ends as with every failure.
  if (name !== 'start') process.once('unhandledRejection', (error) => process.exit(report(error, name, output)))
  return command.run(input, output)
}

async function load(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return { summary: COMMANDS[name]!.summary, ...(await COMMANDS[name]!.load()) }
  const meant = closest(name, Object.keys(COMMANDS))
  throw new UsageError(`there is no command "${name}"${meant === null ? '' : `; did you mean "${meant}"?`}`)
}

function version(output: Output): number {
  output.line(VERSION)
  output.value({ version: VERSION })
  return EXIT.done
}

function help(command: Command, output: Output): number {
  output.line(helpText(command))
  output.value(commandHelp(command))
  return EXIT.done
}

function overview({ line, value, paint }: Output, code: number): number {
  line(`Heddle ${VERSION}: a whole permaweb in one program`)
  line()
  line('Usage: heddle <command> [options]')
  line()
  for (const [name, { summary }] of Object.entries(COMMANDS)) line(`  ${paint.bold(name.padEnd(8))}  ${summary}`)
  line()
  line('"heddle <command> --help" tells more. New here? Run "heddle start", then "heddle demo" in a second terminal.')
  value({ version: VERSION, commands: Object.entries(COMMANDS).map(([name, { summary }]) => ({ name, summary })) })
  return code
}

function report(error: unknown, name: string | undefined, output: Output): number {
  if (error instanceof UsageError) {
    const hint =
      name !== undefined && Object.hasOwn(COMMANDS, name) ? `"heddle ${name} --help" shows how` : '"heddle help" lists the commands'
    return fail(output, { code: 'usage', error: error.message, hint }, EXIT.notUnderstood)
  }
  if (error instanceof HeddleError || error instanceof CommandError)
    return fail(output, { code: error.code, error: error.message }, EXIT.failed)
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : errorText(error)
  return fail(output, { code: 'unexpected', error: `something unexpected went wrong; please report it\n${stack}` }, EXIT.failed)
}

interface Failed {
  readonly code: string
  readonly error: string
  readonly hint?: string
}

function fail(output: Output, failed: Failed, code: number): number {
  if (output.json) output.value(failed)
  else
    process.stderr.write(
      `${output.paint.red('heddle:')} ${output.plain(failed.error)}\n${failed.hint === undefined ? '' : `  ${failed.hint}\n`}`,
    )
  return code
}
