/** Entry of the command line: finds the command, reads its words, shows failures as a person can use them. */
import { errorText, HeddleError } from './base/errors.ts'
import { NodeError } from './cli/client.ts'
import { type Command, helpText, parseCommand, UsageError } from './cli/command.ts'
import { createOutput, type Output } from './cli/output.ts'
import { VERSION } from './version.ts'

/** Loaded when asked for, so that a small command starts at once. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./cli/start.ts')).startCommand((await import('./node.ts')).openNode),
  demo: async () => (await import('./cli/demo.ts')).demoCommand((await import('./node.ts')).openNode),
  wallet: async () => (await import('./cli/wallet.ts')).wallet,
  upload: async () => (await import('./cli/upload.ts')).upload,
  spawn: async () => (await import('./cli/spawn.ts')).spawn,
  send: async () => (await import('./cli/send.ts')).send,
  result: async () => (await import('./cli/result.ts')).result,
  eval: async () => (await import('./cli/eval.ts')).evaluate,
  query: async () => (await import('./cli/query.ts')).query,
  doctor: async () => (await import('./cli/doctor.ts')).doctor,
}

/** Runs one command; returns the exit code: 0 done, 1 failed, 2 not understood. */
export async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words
  const output = createOutput(rest.includes('--json'))
  if (name === '--version' || name === '-v') {
    output.line(VERSION)
    return 0
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') return overview(output, name === undefined ? 2 : 0)
  const load = COMMANDS[name]
  if (load === undefined) return fail(output, `there is no command "${name}"; "heddle help" lists them`, 2)
  const command = await load()
  try {
    const input = parseCommand(command, rest)
    if (input.values['help'] === true) {
      output.line(helpText(command))
      return 0
    }
    return await command.run(input, output)
  } catch (error) {
    return report(error, command, output)
  }
}

async function overview(output: Output, code: number): Promise<number> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()))
  output.line(`Heddle ${VERSION}: a whole permaweb in one program`)
  output.line()
  output.line('Usage: heddle <command> [options]')
  output.line()
  for (const { name, summary } of commands) output.line(`  ${output.paint.bold(name.padEnd(8))}  ${summary}`)
  output.line()
  output.line('"heddle <command> --help" tells more. New here? Run "heddle start", then "heddle demo" in a second terminal.')
  return code
}

function report(error: unknown, command: Command, output: Output): number {
  if (error instanceof UsageError) return fail(output, `${error.message}\n  "heddle ${command.name} --help" shows how`, 2)
  if (error instanceof HeddleError || error instanceof NodeError) return fail(output, error.message, 1)
  return fail(output, `something unexpected went wrong; please report it\n${error instanceof Error ? error.stack : errorText(error)}`, 1)
}

function fail(output: Output, message: string, code: number): number {
  if (output.json) process.stdout.write(`${JSON.stringify({ error: message })}\n`)
  else process.stderr.write(`${output.paint.red('heddle:')} ${message}\n`)
  return code
}
