/** The command line as a user runs it: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

export const HEDDLE = fileURLToPath(new URL('../../../bin/heddle.js', import.meta.url))

export interface CommandOptions {
  readonly cwd?: string
  /** HEDDLE_URL. */
  readonly url?: string
  readonly env?: Readonly<Record<string, string>>
  /** The script; this repository's own if not given. */
  readonly script?: string
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A test that fails leaves its programs behind, and a test run waits for all that it started. */
export function endWithSuite(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a command in an environment without settings of the developer's own. */
export function startCommand(words: readonly string[], { cwd, url, env = {}, script = HEDDLE }: CommandOptions = {}): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HEDDLE_'))
  const child = spawn(process.execPath, [script, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...Object.fromEntries(own), ...(url === undefined ? {} : { HEDDLE_URL: url }), ...env },
  })
  endWithSuite(child)
  return child
}

export async function heddle(words: readonly string[], options?: CommandOptions): Promise<Ran> {
  const child = startCommand(words, options)
  const [stdout, stderr, ended] = await Promise.all([textOf(child.stdout!), textOf(child.stderr!), once(child, 'exit')])
  const [code, signal] = ended as [number | null, NodeJS.Signals | null]
  if (signal !== null) throw new Error(`heddle ${words.join(' ')} was ended by ${signal}; it had printed: ${stdout}${stderr}`)
  return { code, stdout, stderr }
}

/** The one JSON value that `--json` prints; nothing may stand beside it. */
export async function heddleJson<T>(
  words: readonly string[],
  options?: CommandOptions,
): Promise<{ readonly code: number | null; readonly value: T }> {
  const { code, stdout, stderr } = await heddle([...words, '--json'], options)
  if (stderr !== '') throw new Error(`heddle ${words.join(' ')} --json wrote to standard error: ${stderr}`)
  if (stdout.split('\n').length !== 2)
    throw new Error(`heddle ${words.join(' ')} --json ended with ${code} and printed more or less than one line: ${stdout}`)
  return { code, value: JSON.parse(stdout) as T }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}
