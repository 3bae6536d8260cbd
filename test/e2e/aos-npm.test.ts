/**
 * The aos that npm has (1.2.18, of 2023), unmodified, in a pseudo terminal.
 *
 * It takes its units from globals, but two hosts of the public network are in its libraries' code, so that nobody can point it elsewhere by
 * configuration; here both names lead to the node. It spawns with a module of its time, which npm has not: a small program that speaks what it
 * speaks, the tags `function` and `expression`, stands in for it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataItem, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { upload } from './support/client.ts'
import { findNpmPackage } from './support/npm-package.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { ao } from './support/processes.ts'
import { openTerminal, type Terminal } from './support/terminal.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const MODULE = `
local function tagOf(msg, name)
  for _, tag in ipairs(msg.Tags) do if tag.name == name then return tag.value end end
end
function handle(msg)
  local response = { Messages = {}, Spawns = {}, Assignments = {}, Output = { data = { output = '' } } }
  if tagOf(msg, 'function') == 'eval' then
    local source = tagOf(msg, 'expression')
    local chunk, problem = load('return ' .. source)
    if not chunk then chunk, problem = load(source) end
    local ok, value = false, problem
    if chunk then ok, value = pcall(chunk) end
    response.Output = { data = { output = tostring(value), prompt = ok and 'fine' or 'failed' } }
  end
  return { ok = true, response = response }
end
return handle
`

const found = await findNpmPackage('@permaweb/aos', '1.2.18')
const why = 'missing' in found ? `, skipped: ${found.missing}` : ''

let node: NodeProcess
let folder: string
let module: string
const open: Terminal[] = []

beforeAll(async () => {
  if (why !== '') return
  folder = mkdtempSync(join(tmpdir(), 'heddle-aos-npm-'))
  const { comment: _, ...jwk } = { comment: '', ...devWallet('alice') }
  writeFileSync(join(folder, 'wallet.json'), JSON.stringify(jwk))
  node = await startProcess(join(folder, 'data'), ['--unit-ports'])
  module = await publish()
})
afterAll(async () => {
  for (const terminal of open) await terminal.close()
  await node?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

async function publish(): Promise<string> {
  const own = { 'Module-Format': 'heddle-lua-1', 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1', 'Compute-Limit': '9000000000000' }
  const tags = Object.entries(own).map(([name, value]) => ({ name, value }))
  const item = await createDataItem({ data: MODULE, tags: [...tags, ...ao('Module')] }, itemSigner(await generateKey('ed25519')))
  return (await upload(node.url, item.raw)).id
}

/** What a file of hosts would do, and the globals that it takes for settings. */
function prelude(): string {
  const { url } = node
  const scheduler = `http://localhost:${Number(new URL(url).port) + 3}`
  const source = `
    Object.assign(globalThis, ${JSON.stringify({ GATEWAY_URL: url, MU_URL: url, CU_URL: url })})
    const { fetch } = globalThis
    const hosts = ${JSON.stringify({ 'https://arweave.net': url, 'https://su-router.ao-testnet.xyz': scheduler })}
    globalThis.fetch = (target, init) =>
      fetch(Object.entries(hosts).reduce((text, [from, to]) => text.replace(from, to), String(target)), init)`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

function start(): Terminal {
  if ('missing' in found) throw new Error(found.missing)
  const { PATH = '' } = process.env
  const words = ['--import', prelude(), join(found.folder, 'bin/aos.js'), 'wallet.json']
  const env = { PATH, ARWEAVE_GRAPHQL: `${node.url}/graphql`, AOS_SRC: module }
  const terminal = openTerminal(process.execPath, words, { cwd: folder, env })
  open.push(terminal)
  return terminal
}

async function say(terminal: Terminal, line: string): Promise<string> {
  terminal.line(line)
  await terminal.waitFor(/\n\w+> *$/)
  return terminal.fresh().split('\n').slice(1, -1).join('\n')
}

async function processOf(terminal: Terminal): Promise<string> {
  const text = await terminal.waitFor(/aos computer: +[\w-]{43}[\s\S]*aos>$/)
  return /[\w-]{43}/.exec(text)?.[0] ?? ''
}

describe.skipIf(why !== '')(`aos 1.2.18 of npm${why}`, () => {
  it('spawns, evaluates, goes on with the same process', async () => {
    const terminal = start()
    const process = await processOf(terminal)
    expect(await say(terminal, '1 + 41')).toBe('42')
    expect(await say(terminal, 'Greeting = "hello"')).toBe('nil')
    expect(terminal.fresh()).toMatch(/^fine>$/m)
    expect(await say(terminal, 'error("no", 0)')).toBe('no')
    terminal.line('.exit')
    expect(await terminal.ended()).toBe(0)
    const again = start()
    expect(await processOf(again)).toBe(process)
    expect(await say(again, 'Greeting')).toBe('hello')
  })

  it('and its processes compute again to the same', async () => {
    expect((await verifyAllProcesses(node.url)).slots).toBe(5)
  })
})
