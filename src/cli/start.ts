/** heddle start: run a node until it is told to stop. */
import { pino } from 'pino'
import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type Command, type CommandInput, flag, textOption } from './command.ts'
import { type Config, loadConfig } from './config.ts'
import { emptyDataFolder, takeDataFolder } from './data-folder.ts'
import type { Output } from './output.ts'

/** A node that runs, as commands see it. */
export interface RunningNode {
  /** Base URL. */
  readonly url: string
  stop(): Promise<void>
}

export type OpenNode = (config: Config, parts: { readonly log: Log; readonly clock: typeof systemClock }) => Promise<RunningNode>

const OPTIONS: Command['options'] = {
  port: { type: 'string', short: 'p', value: 'number', help: 'port to listen on; 0 picks a free one (default: 1984)' },
  host: { type: 'string', value: 'address', help: 'address to listen on (default: 127.0.0.1)' },
  data: { type: 'string', value: 'folder', help: 'where everything is kept (default: .heddle)' },
  profile: { type: 'string', value: 'dev', help: 'kind of network (default: dev)' },
  identity: { type: 'string', value: 'file', help: 'RSA key file of the node (default: a public development key)' },
  seal: { type: 'string', value: 'auto|manual', help: 'blocks by themselves, or only when GET /mine is called (default: auto)' },
  fresh: { type: 'boolean', help: 'forget what the data folder holds and begin anew' },
  'log-level': { type: 'string', value: 'level', help: 'trace, debug, info, warn, error or silent (default: warn)' },
}

export function startCommand(openNode: OpenNode): Command {
  return {
    name: 'start',
    usage: '[options]',
    summary: 'Run a node: storage, gateway, GraphQL, uploads and AO on one port',
    options: OPTIONS,
    examples: ['heddle start', 'heddle start --port 0 --fresh --json', 'heddle start --data ./my-network --seal manual'],
    async run(input, output) {
      const began = performance.now()
      const config = loadConfig(settings(input))
      if (flag(input, 'fresh')) emptyDataFolder(config.data)
      const release = takeDataFolder(config.data)
      try {
        const node = await openNode(config, { log: createLog(config, output), clock: systemClock })
        ready(node.url, config, performance.now() - began, output)
        const signal = await stopSignal()
        output.line(output.paint.dim(`\n${signal}: stopping`))
        await node.stop()
      } finally {
        release()
      }
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

export function createLog(config: Config, output: Output): Log {
  const pretty = !output.json && process.stderr.isTTY === true
  return pino(
    { level: config.logLevel },
    pretty ? pino.transport({ target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } }) : pino.destination(2),
  )
}

function ready(url: string, config: Config, tookMs: number, output: Output): void {
  const { bold, dim, green } = output.paint
  output.line(`Heddle is ready at ${bold(green(url))} ${dim(`(${Math.round(tookMs)} ms)`)}`)
  output.line(dim(`  data in ${config.data}; stop with Ctrl-C`))
  if (config.profile === 'dev')
    output.line(dim('  a development network: free uploads, public wallets in dev/wallets, GET /mint/<address>/<winston> for more'))
  output.value({ event: 'ready', url })
}

/** Resolves when the process is asked to end. A second signal ends it at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1))
        resolve(signal)
      })
    }
  })
}
