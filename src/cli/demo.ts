/**
 * heddle demo: the main job, told on the terminal. Everything is done with the unmodified client libraries of the field
 * (arweave-js, aoconnect), and everything printed was read back through the public API.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { connectNode, NodeError, urlOption } from './client.ts'
import { type CommandFile, type CommandInput, flag, textOption, UsageError } from './command.ts'
import type { Config } from './config.ts'
import { isNodeNamed, nodeUrl } from './config-url.ts'
import { runProcesses } from './demo/processes.ts'
import { uploadSite } from './demo/site.ts'
import { createStory, type Story } from './demo/story.ts'
import type { Output } from './output.ts'
import { lineLog, type OpenNode, openNodeIn, type RunningNode, readSettings, settings, stopSignal } from './start.ts'
import { devWalletPath } from './wallets.ts'

const INTERRUPTED = 130

export function demoCommand(openNode: OpenNode): CommandFile {
  return {
    name: 'demo',
    usage: '[options]',
    wordsMax: 0,
    options: {
      ...urlOption,
      data: { type: 'string', value: 'folder', help: 'start a node of its own on this data folder' },
      keep: { type: 'boolean', help: 'leave a node that was started for the demo running until Ctrl-C' },
    },
    examples: ['heddle demo', 'heddle demo --keep', 'heddle demo --url http://localhost:4000'],
    async run(input, output) {
      const began = performance.now()
      const story = createStory(output)
      const running = await findNode(input)
      if (running !== null) return tell({ node: running, started: null, story, output, began })
      const stopped = stopSignal()
      const config = await demoSettings(input)
      const node = await story.step('Start a node', async (step) => {
        const log = lineLog((line) => process.stderr.write(`${line}\n`))
        const opened = await openNodeIn(config, { openNode, log })
        step.fact('node', opened.url)
        step.fact('data', config.data)
        return opened
      })
      try {
        const interrupted = stopped.then(() => INTERRUPTED)
        const code = await Promise.race([
          tell({ node, started: startCommandOf(input, config), story, output, began, keep: flag(input, 'keep') }),
          interrupted,
        ])
        if (code === 0 && flag(input, 'keep')) await stopped
        return code
      } finally {
        await node.stop()
      }
    },
  }
}

/** The node that runs already. Null when none does and none was asked for by name, or when a node of its own was asked for. */
async function findNode(input: CommandInput): Promise<Pick<RunningNode, 'url'> | null> {
  const named = textOption(input, 'url')
  if (textOption(input, 'data') !== undefined) {
    if (named !== undefined) throw new UsageError('--url names a node that runs, --data starts one: give one of them')
    return null
  }
  const url = nodeUrl(named)
  try {
    await connectNode(url).info()
    return { url }
  } catch (error) {
    if (error instanceof NodeError && named === undefined && !isNodeNamed()) return null
    throw error
  }
}

/** The usual port, so that the addresses shown stay good for the node that is started next; any other when a program has that one. */
async function demoSettings(input: CommandInput): Promise<Config> {
  const config = await readSettings(settings(input))
  return (await isFree(config.port, config.host)) ? config : readSettings({ ...settings(input), port: '0' })
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

/** What starts the same node again. */
function startCommandOf(input: CommandInput, { port }: Config): string {
  const data = textOption(input, 'data')
  return ['heddle start', ...(data === undefined ? [] : [`--data ${data}`]), ...(port === 0 ? ['--port <number>'] : [])].join(' ')
}

interface Telling {
  readonly node: Pick<RunningNode, 'url'>
  /** The command that starts the node again, when it was started for the demo. */
  readonly started: string | null
  readonly keep?: boolean
  readonly story: Story
  readonly output: Output
  readonly began: number
}

async function tell({ node: { url }, started, keep = false, story, output, began }: Telling): Promise<number> {
  const wallets = { alice: await readWallet('alice'), bob: await readWallet('bob') }
  const site = await uploadSite(url, wallets.alice, story)
  const processes = await runProcesses(url, wallets, story)
  const tookMs = Math.round(performance.now() - began)
  story.end({ tookMs, links: { 'the site': `${url}/${site.site}/`, 'the node': `${url}/`, GraphQL: `${url}/graphql` }, started, keep })
  output.value({ url, ...site, ...processes, tookMs, steps: story.steps() })
  return 0
}

async function readWallet(name: string): Promise<Record<string, string>> {
  return JSON.parse(await readFile(devWalletPath(name), 'utf8')) as Record<string, string>
}
