/** heddle start: run a node until it is told to stop. */
import type { systemClock } from '../base/clock.ts'
import { errorText, isFailure } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { CommandError, type CommandFile, type CommandInput, flag, textOption, UsageError } from './command.ts'
import type { Config } from './config.ts'
import type { Output } from './output.ts'

/** A node that runs, as commands see it. */
export interface RunningNode {
  /** Base URL. */
  readonly url: string
  stop(): Promise<void>
}

export type OpenNode = (config: Config, parts: { readonly log: Log; readonly clock: typeof systemClock }) => Promise<RunningNode>

/** A terminal and npm both pass one Ctrl-C on, so the next is taken for a second one only after this time. */
const SAME_SIGNAL_MS = 700
const INTERRUPTED = 130

const OPTIONS: CommandFile['options'] = {
  port: { type: 'string', short: 'p', value: 'number', help: 'port to listen on; 0 picks a free one (default: 1984)' },
  host: { type: 'string', value: 'address', help: 'address to listen on (default: 127.0.0.1)' },
  data: { type: 'string', value: 'folder', help: 'where everything is kept (default: .heddle)' },
  profile: { type: 'string', value: 'dev', help: 'kind of network (default: dev)' },
  identity: { type: 'string', value: 'file', help: 'RSA key file of the node (default: a public development key)' },
  seal: { type: 'string', value: 'auto|manual', help: 'blocks by themselves, or only when GET /mine is called (default: auto)' },
  fresh: { type: 'boolean', help: 'forget what the data folder holds and begin anew' },
  'log-level': { type: 'string', value: 'level', help: 'trace, debug, info, warn, error or silent (default: warn)' },
}

export function startCommand(openNode: OpenNode): CommandFile {
  return {
    name: 'start',
    usage: '[options]',
    wordsMax: 0,
    options: OPTIONS,
    examples: ['heddle start', 'heddle start --port 0 --fresh --json', 'heddle start --data ./my-network --seal manual'],
    async run(input, output) {
      const began = performance.now()
      const stopped = stopSignal() // From now on: a node that is asked to stop while it starts ends as cleanly.
      const config = await readSettings(settings(input))
      const log = await createLog(config, output)
      process.on('unhandledRejection', (error) => log.error({ err: error }, 'work in the background failed unexpectedly'))
      const node = await openNodeIn(config, { openNode, log, fresh: flag(input, 'fresh') })
      ready(node.url, config, performance.now() - began, output)
      output.line(output.paint.dim(`\n${await stopped}: stopping`))
      await node.stop()
      return 0
    },
  }
}

export function settings(input: CommandInput): Record<string, unknown> {
  return {
    port: textOption(input, 'port'),
    host: textOption(input, 'host'),
    data: textOption(input, 'data'),
    profile: textOption(input, 'profile'),
    identity: textOption(input, 'identity'),
    seal: textOption(input, 'seal'),
    logLevel: textOption(input, 'log-level'),
  }
}

export async function readSettings(flags: Readonly<Record<string, unknown>>): Promise<Config> {
  const { loadConfig } = await import('./config.ts')
  try {
    return loadConfig(flags)
  } catch (error) {
    throw isFailure(error, 'config-invalid') ? new UsageError(error.message) : error
  }
}

interface Opening {
  readonly openNode: OpenNode
  readonly log: Log
  readonly fresh?: boolean
}

/** Takes the data folder, opens a node on it, and gives the folder back when the node stops or does not open. */
export async function openNodeIn(config: Config, { openNode, log, fresh = false }: Opening): Promise<RunningNode> {
  const [{ takeDataFolder }, { systemClock: clock }] = await Promise.all([import('./data-folder.ts'), import('../base/clock.ts')])
  const folder = takeDataFolder(config.data, { fresh })
  try {
    const node = await openNode(config, { log, clock })
    folder.announce(node.url)
    return {
      url: node.url,
      async stop() {
        try {
          await node.stop()
        } finally {
          folder.release()
        }
      },
    }
  } catch (error) {
    folder.release()
    throw explainListening(error, config)
  }
}

function explainListening(error: unknown, { host, port }: Config): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE')
    return new CommandError(
      'port-in-use',
      `port ${port} is taken by another program; stop that, or choose another with --port (0 picks a free one)`,
    )
  if (code === 'EACCES')
    return new CommandError('port-denied', `port ${port} needs more rights than you have; choose one above 1023 with --port`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new CommandError(
      'host-unknown',
      `--host ${host} is no address of this machine; 127.0.0.1 is reachable from here only, 0.0.0.0 from everywhere`,
    )
  return error
}

async function createLog(config: Config, output: Output): Promise<Log> {
  const { pino } = await import('pino')
  const pretty = !output.json && process.stderr.isTTY === true
  const log: Log = pino(
    { level: config.logLevel },
    pretty ? pino.transport({ target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } }) : pino.destination(2),
  )
  return log
}

function ready(url: string, config: Config, tookMs: number, output: Output): void {
  const { bold, dim, green, yellow } = output.paint
  output.line(`Heddle is ready at ${bold(green(url))} ${dim(`(${Math.round(tookMs)} ms)`)}`)
  output.line(dim(`  data in ${config.data}; stop with Ctrl-C`))
  if (config.profile === 'dev')
    output.line(dim('  a development network: free uploads, public wallets in dev/wallets, GET /mint/<address>/<winston> for more'))
  if (!isLoopback(config.host)) output.line(yellow(`  reachable from other machines, and anyone who reaches it may mint and reset`))
  output.value({ event: 'ready', url })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

/** Resolves when the process is asked to end. A second time ends it at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | null = null
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (firstMs !== null && performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED)
        firstMs ??= performance.now()
        resolve(signal)
      })
    }
  })
}

/** For a node in the background of another command: what goes wrong there is worth one line. */
export function lineLog(write: (line: string) => void): Log {
  const nothing = (): void => {}
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (facts, message) => write(`${message}${'err' in facts ? `: ${errorText(facts.err)}` : ''}`),
  }
}
