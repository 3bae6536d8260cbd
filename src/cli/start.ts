/** heddle start: run a node until it is told to stop. */
import { relative } from 'node:path'
import type { systemClock } from '../base/clock.ts'
import { errorText, isFailure } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { UNIT_NAMES, UNITS, type UnitUrls } from '../http/unit-ports.ts'
import { CommandError, type CommandFile, type CommandInput, flag, textOption, UsageError } from './command.ts'
import type { Config } from './config.ts'
import { DEV_WALLETS } from './dev-wallets.ts'
import type { Output } from './output.ts'

/** A node that runs, as commands see it. */
export interface RunningNode {
  /** Base URL. */
  readonly url: string
  /** Null when the units have no ports of their own. */
  readonly unitUrls: UnitUrls | null
  stop(): Promise<void>
}

export type OpenNode = (config: Config, parts: { readonly log: Log; readonly clock: typeof systemClock }) => Promise<RunningNode>

/** A terminal and npm both pass one Ctrl-C on, so the next is taken for a second one only after this time. */
const SAME_SIGNAL_MS = 700
const INTERRUPTED = 130
const NAME_WIDTH = Math.max(...Object.values(UNIT_NAMES).map((name) => name.length))

const OPTIONS: CommandFile['options'] = {
  port: { type: 'string', short: 'p', value: 'number', help: 'port to listen on; 0 picks a free one (default: 1984)' },
  host: { type: 'string', value: 'address', help: 'address to listen on (default: 127.0.0.1)' },
  'unit-ports': { type: 'boolean', help: 'give the units the next four ports: bundler, messenger, scheduler, compute' },
  data: { type: 'string', value: 'folder', help: 'where everything is kept (default: .heddle)' },
  profile: { type: 'string', value: 'dev', help: 'kind of network (default: dev)' },
  identity: { type: 'string', value: 'file', help: 'RSA key file of the node (default: a public development key)' },
  seal: { type: 'string', value: 'auto|manual', help: 'blocks by themselves, or only when GET /mine is called (default: auto)' },
  upstream: { type: 'string', value: 'URLs', help: 'gateways to fetch from what is not here, with commas between them' },
  'public-url': { type: 'string', value: 'URL', help: 'URL under which others reach this node (default: where it listens)' },
  aliases: { type: 'string', value: 'on|off', help: "let well-known module ids mean the node's own runtime (default: on)" },
  operator: {
    type: 'string',
    value: 'address',
    help: 'who may change the options of AO-Core, or unclaimed for anybody (default: the identity)',
  },
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
      ready(node, config, performance.now() - began, output)
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
    unitPorts: flag(input, 'unit-ports') ? true : undefined,
    data: textOption(input, 'data'),
    profile: textOption(input, 'profile'),
    identity: textOption(input, 'identity'),
    seal: textOption(input, 'seal'),
    upstream: textOption(input, 'upstream'),
    publicUrl: textOption(input, 'public-url'),
    aliases: textOption(input, 'aliases'),
    operator: textOption(input, 'operator'),
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
      unitUrls: node.unitUrls,
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

function explainListening(error: unknown, config: Config): unknown {
  const { host } = config
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE')
    return new CommandError(
      'port-in-use',
      `${portName(cause, config)} is taken by another program; stop that, or choose another with --port (0 picks ${config.unitPorts ? 'free ones' : 'a free one'})`,
    )
  if (code === 'EACCES')
    return new CommandError('port-denied', `${portName(cause, config)} needs more rights than you have; choose one above 1023 with --port`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new CommandError(
      'host-unknown',
      `--host ${host} is no address of this machine; 127.0.0.1 is reachable from here only, 0.0.0.0 from everywhere`,
    )
  return error
}

/** The port that could not be had, and whose it was to be. */
function portName(cause: unknown, { port: first }: Config): string {
  const port = cause instanceof Error && 'port' in cause && typeof cause.port === 'number' ? cause.port : first
  const unit = UNITS[port - first - 1]
  return `port ${port}${unit === undefined || first === 0 ? '' : `, for the ${UNIT_NAMES[unit]},`}`
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

function ready({ url, unitUrls }: RunningNode, config: Config, tookMs: number, output: Output): void {
  const { bold, dim, green, yellow } = output.paint
  output.line(`Heddle is ready at ${bold(green(url))} ${dim(`(${Math.round(tookMs)} ms)`)}`)
  if (unitUrls !== null) for (const unit of UNITS) output.line(dim(`  ${UNIT_NAMES[unit].padEnd(NAME_WIDTH)}  ${unitUrls[unit]}`))
  output.line(dim(`  data in ${config.data}; stop with Ctrl-C`))
  if (config.profile === 'dev') {
    const wallets = relative(process.cwd(), DEV_WALLETS) || '.'
    output.line(dim(`  a development network: free uploads, public wallets in ${wallets}, GET /mint/<address>/<winston> for more`))
  }
  if (config.upstream.length > 0) output.line(dim(`  what is not here is fetched from ${config.upstream.join(', ')}`))
  if (!isLoopback(config.host)) output.line(yellow(`  reachable from other machines, and anyone who reaches it may mint and reset`))
  output.value({ event: 'ready', url, ...(unitUrls === null ? {} : { unitUrls }) })
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
