/**
 * heddle demo: the main job, told on the terminal. Everything is done with the unmodified client libraries of the field
 * (arweave-js, aoconnect), and everything printed was read back through the public API.
 */
import { readFile } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { type Command, textOption } from './command.ts'
import { loadConfig, nodeUrl } from './config.ts'
import { takeDataFolder } from './data-folder.ts'
import { runProcesses } from './demo/processes.ts'
import { uploadSite } from './demo/site.ts'
import { createStory, type Story } from './demo/story.ts'
import type { Output } from './output.ts'
import { type OpenNode, settings } from './start.ts'
import { devWalletPath, urlOption } from './wallets.ts'

export function demoCommand(openNode: OpenNode): Command {
  return {
    name: 'demo',
    usage: '[options]',
    summary: 'See it work: a web site, a token and two processes, in a few seconds',
    options: {
      ...urlOption,
      data: { type: 'string', value: 'folder', help: 'data folder, if a node has to be started (default: .heddle)' },
    },
    examples: ['heddle demo', 'heddle demo --url http://localhost:4000'],
    async run(input, output) {
      const began = performance.now()
      const story = createStory(output)
      const named = textOption(input, 'url')
      const node = (await findNode(nodeUrl(named), named !== undefined)) ?? (await startNode(settings(input), openNode, story))
      try {
        await tell(node.url, story, output)
      } finally {
        await node.stop()
      }
      story.end(performance.now() - began, node.startedHere)
      return 0
    },
  }
}

interface DemoNode {
  readonly url: string
  readonly startedHere: boolean
  stop(): Promise<void>
}

/** The node that runs already; null when none does and none was named. */
async function findNode(url: string, isNamed: boolean): Promise<DemoNode | null> {
  const answers = await fetch(`${url}/info`).then(
    (response) => response.ok,
    () => false,
  )
  return answers || isNamed ? { url, startedHere: false, stop: async () => {} } : null
}

async function startNode(flags: Record<string, unknown>, openNode: OpenNode, story: Story): Promise<DemoNode> {
  const config = loadConfig({ ...flags, port: flags['port'] ?? 0 })
  const release = takeDataFolder(config.data)
  const node = await story.step('Starting a node, since none runs', async (step) => {
    const opened = await openNode(config, { log: silentLog, clock: systemClock })
    step.fact('node', opened.url)
    return opened
  })
  return {
    url: node.url,
    startedHere: true,
    async stop() {
      await node.stop()
      release()
    },
  }
}

async function tell(url: string, story: Story, output: Output): Promise<void> {
  const wallets = { alice: await readWallet('alice'), bob: await readWallet('bob') }
  const site = await uploadSite(url, wallets.alice, story)
  const token = await runProcesses(url, wallets, story)
  output.value({ url, ...site, ...token })
}

async function readWallet(name: string): Promise<Record<string, string>> {
  return JSON.parse(await readFile(devWalletPath(name), 'utf8')) as Record<string, string>
}
