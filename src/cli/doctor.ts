/** heddle doctor: look for what commonly goes wrong, and say what to do about it. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorText } from '../base/errors.ts'
import { connect, type NodeClient, urlOption } from './client.ts'
import { type CommandFile, textOption } from './command.ts'
import { formatBytes } from './output.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly found: string
  /** What to do; only when it is not ok. */
  readonly advice?: string
}

const FREE_BYTES_MIN = 1_000_000_000
const NODE_MAJOR_MIN = 24
const NAME_CELLS = 10

export const doctor: CommandFile = {
  name: 'doctor',
  usage: '[options]',
  wordsMax: 0,
  options: { ...urlOption, data: { type: 'string', value: 'folder', help: 'data folder to look at (default: .heddle)' } },
  examples: ['heddle doctor', 'heddle doctor --url http://localhost:4000'],
  async run(input, output) {
    const { settings, folder } = await checkSettings(textOption(input, 'data'))
    const checks = [runtime(), settings, await disk(folder), ...(await output.busy('asking the node', checkNode(connect(input))))]
    for (const { name, ok, found, advice } of checks) {
      output.line(`${ok ? output.paint.green('✓') : output.paint.red('✗')} ${name.padEnd(NAME_CELLS)}${output.plain(found)}`)
      if (advice !== undefined) output.line(`  ${''.padEnd(NAME_CELLS)}${output.paint.yellow(advice)}`)
    }
    const ok = checks.every((check) => check.ok)
    output.value({ ok, checks })
    return ok ? 0 : 1
  },
}

function check(name: string, ok: boolean, found: string, advice: string): Check {
  return ok ? { name, ok, found } : { name, ok, found, advice }
}

function runtime(): Check {
  const { node: version } = process.versions
  return check('Node.js', Number.parseInt(version, 10) >= NODE_MAJOR_MIN, version, `install Node.js ${NODE_MAJOR_MIN} or newer`)
}

async function checkSettings(data: string | undefined): Promise<{ readonly settings: Check; readonly folder: string }> {
  const { loadConfig } = await import('./config.ts')
  try {
    const config = loadConfig(data === undefined ? {} : { data })
    return { settings: check('settings', true, 'valid', ''), folder: config.data }
  } catch (error) {
    const settings = check(
      'settings',
      false,
      errorText(error),
      'mend heddle.config.json or the HEDDLE_ variables; docs/settings.md lists them',
    )
    return { settings, folder: resolve(data ?? '.heddle') }
  }
}

async function disk(folder: string): Promise<Check> {
  let existing = folder
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = await statfs(existing)
  const free = bavail * bsize
  return check(
    'disk',
    free >= FREE_BYTES_MIN,
    `${formatBytes(free)} free for ${folder}`,
    'free some space: a full disk refuses every write',
  )
}

async function checkNode(client: NodeClient): Promise<Check[]> {
  try {
    const { network, height, heddle } = await client.info()
    const found = `${network} at ${client.url}, height ${height}, version ${heddle.version}`
    const graphql = await attempt('GraphQL', async () => {
      const { transactions } = await client.graphql<{ transactions: { count: string } }>('{ transactions(first: 1) { count } }')
      return `${transactions.count} transactions and data items`
    })
    const units = await attempt('AO units', async () => {
      const { status } = await client.getText('/timestamp')
      if (status !== 200) throw new Error(`GET /timestamp answers ${status}`)
      return `scheduler ${heddle.units.scheduler}`
    })
    return [check('node', true, found, ''), graphql, units]
  } catch (error) {
    return [check('node', false, errorText(error), 'commands other than start, demo and wallet create need a node')]
  }
}

async function attempt(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return check(name, true, await look(), '')
  } catch (error) {
    return check(name, false, errorText(error), 'restart the node; if it stays, report it with the log')
  }
}
