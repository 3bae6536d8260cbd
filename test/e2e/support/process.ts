/** A node as people start it: a process of its own, that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { endWithSuite, HEDDLE } from './command.ts'

export interface NodeProcess {
  readonly url: string
  readonly pid: number
  /** Peak of its memory so far, where the system tells. */
  peakBytes(): number | null
  /** SIGKILL: no chance to tidy up. */
  kill(): Promise<void>
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>
}

export interface ProcessOptions {
  /** The script; this repository's own if not given. */
  readonly script?: string
  readonly env?: Readonly<Record<string, string>>
}

export async function startProcess(
  folder: string,
  flags: readonly string[] = [],
  { script = HEDDLE, env = {} }: ProcessOptions = {},
): Promise<NodeProcess> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HEDDLE_'))
  const child = spawn(process.execPath, [script, 'start', '--json', '--port', '0', '--data', folder, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...Object.fromEntries(own), ...env },
  })
  endWithSuite(child)
  const url = await readyUrl(child)
  const pid = child.pid!
  return {
    url,
    pid,
    peakBytes: () => peakOf(pid),
    kill: () => end(child, 'SIGKILL').then(() => {}),
    stop: () => end(child, 'SIGTERM'),
  }
}

async function readyUrl(child: ChildProcess): Promise<string> {
  for await (const line of createInterface(child.stdout!)) {
    const { event, url, error } = JSON.parse(line) as { event?: string; url?: string; error?: string }
    if (error !== undefined) throw new Error(error)
    if (event === 'ready' && url !== undefined) return url
  }
  throw new Error(`the node ended with ${child.exitCode} before it was ready`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}

function peakOf(pid: number): number | null {
  const path = `/proc/${pid}/status`
  const match = existsSync(path) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8')) : null
  return match === null ? null : Number(match[1]) * 1024
}
