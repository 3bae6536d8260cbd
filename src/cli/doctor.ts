/** heddle doctor: look for what commonly goes wrong, and say what to do about it. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorText } from '../base/errors.ts'
import { connectNode, type NodeClient } from './client.ts'
import { type Command, textOption } from './command.ts'
import { loadConfig, nodeUrl } from './config.ts'
import { formatBytes } from './output.ts'
import { urlOption } from './wallets.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  /** What to do when it is not ok. */
  readonly advice?: string
}

const FREE_BYTES_MIN = 1_000_000_000

export const doctor: Command = {
  name: 'doctor',
  usage: '',
  summary: 'Check this machine and a running node, and say what to mend',
  options: { ...urlOption, data: { type: 'string', value: 'folder', help: 'data folder to look at (default: .heddle)' } },
  examples: ['heddle doctor', 'heddle doctor --url http://localhost:4000'],
  async run(input, output) {
    const url = nodeUrl(textOption(input, 'url'))
    const checks = [runtime(), settings(), await disk(textOption(input, 'data')), ...(await node(connectNode(url)))]
    for (const { name, ok, found, advice } of checks) {
      output.line(`${ok ? output.paint.green('✓') : output.paint.red('✗')} ${name.padEnd(12)} ${found}`)
      if (!ok && advice !== undefined) output.line(`  ${output.paint.yellow(advice)}`)
    }
    output.value({ checks })
    return checks.every(({ ok }) => ok) ? 0 : 1
  },
}

function runtime(): Check {
  const { node: version } = process.versions
  return { name: 'Node.js', ok: Number.parseInt(version, 10) >= 24, found: version, advice: 'install Node.js 24 or newer' }
}

function settings(): Check {
  try {
    loadConfig({})
    return { name: 'settings', ok: true, found: 'valid' }
  } catch (error) {
    return { name: 'settings', ok: false, found: errorText(error), advice: 'mend heddle.config.json or the HEDDLE_ variables' }
  }
}

async function disk(flagValue: string | undefined): Promise<Check> {
  const folder = loadConfig(flagValue === undefined ? {} : { data: flagValue }).data
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = await statfs(existing)
  const free = bavail * bsize
  return {
    name: 'disk',
    ok: free >= FREE_BYTES_MIN,
    found: `${formatBytes(free)} free for ${folder}`,
    advice: 'free some space: a full disk refuses every write',
  }
}

async function node(client: NodeClient): Promise<Check[]> {
  try {
    const { network, height, heddle } = await client.info()
    const found = `${network} at ${client.url}, height ${height}, version ${heddle?.version ?? 'unknown: not a Heddle node'}`
    const graphql = await attempt('GraphQL', async () => {
      const { transactions } = await client.graphql<{ transactions: { count: string } }>('{ transactions(first: 1) { count } }')
      return `${transactions.count} transactions indexed`
    })
    const units = await attempt('AO units', async () => {
      const { status } = await client.getText('/timestamp')
      if (status !== 200) throw new Error(`GET /timestamp answers ${status}`)
      return 'answering'
    })
    return [
      { name: 'node', ok: heddle !== undefined, found, advice: 'another program listens there; choose another --url' },
      graphql,
      units,
    ]
  } catch (error) {
    return [{ name: 'node', ok: false, found: errorText(error), advice: 'run "heddle start" in another terminal' }]
  }
}

async function attempt(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, found: await look() }
  } catch (error) {
    return { name, ok: false, found: errorText(error), advice: 'restart the node; if it stays, report it with the log' }
  }
}
