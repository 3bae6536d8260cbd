/** What README.md tells a newcomer to write, written: its TypeScript and its commands, in their order, against a test node. */
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { heddle } from './support/command.ts'
import { startProcess } from './support/process.ts'
import { verifyAllProcesses } from './support/verify.ts'

const ROOT = join(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const USUAL = 'http://localhost:1984'

/** Runs after the snippet, and shows that what it made works. */
const AFTER_SNIPPET = `
import { readFileSync } from 'node:fs'
import { createDataItemSigner } from '@permaweb/aoconnect'
const jwk = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const transaction = await arweave.createTransaction({ data: 'from the README' }, jwk)
await arweave.transactions.sign(transaction, jwk)
const { status } = await arweave.transactions.post(transaction)
const text = await (await fetch(\`\${url}/\${transaction.id}\`)).text()
const signer = createDataItemSigner(jwk)
const spawned = await ao.spawn({ module: heddle.modules.default, scheduler: heddle.units.scheduler, signer })
const message = await ao.message({ process: spawned, signer, tags: [{ name: 'Action', value: 'Eval' }], data: '6 * 7' })
const { Output } = await ao.result({ process: spawned, message })
console.log(JSON.stringify({ status, text, output: Output.data }))
`

let node: TestNode
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-readme-'))
  node = await startTestNode()
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
}

describe('README.md', () => {
  it('has TypeScript that works as it stands', async () => {
    const [snippet, ...others] = blocks('ts')
    expect(others).toEqual([])
    expect(snippet).toContain('port: 1984')
    const { port } = new URL(node.url)
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'snippet.ts'), snippet!.replaceAll('1984', port) + AFTER_SNIPPET)
    const { stdout } = await promisify(execFile)(process.execPath, ['snippet.ts', join(ROOT, 'dev/wallets/alice.json')], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual({ status: 200, text: 'from the README', output: '42' })
  })

  it('has commands that work in the order in which they stand', async () => {
    cpSync(join(ROOT, 'processes'), join(folder, 'processes'), { recursive: true })
    mkdirSync(join(folder, 'site'))
    writeFileSync(join(folder, 'site/index.html'), '<h1>Hi')
    let process = ''
    let message = ''
    for (const words of commands()) {
      const [name = ''] = words
      if (name === 'start') continue // Below.
      const filled = words.map((word) => (word === '<process>' ? process : word === '<message>' ? message : word))
      const { code, stdout, stderr } = await heddle(filled, { cwd: folder, url: node.url })
      expect({ code, stderr }, `heddle ${filled.join(' ')}`).toEqual({ code: 0, stderr: '' })
      if (name === 'spawn') process = /process ([A-Za-z0-9_-]{43})/.exec(stdout)?.[1] ?? process
      message = /^message ([A-Za-z0-9_-]{43})/m.exec(stdout)?.[1] ?? message
      if (name === 'query') expect(stdout).toContain('text/html')
    }
    expect([process, message]).not.toContain('')
    await verifyAllProcesses(node.url)
  })

  it('names every command there is', async () => {
    const { stdout } = await heddle(['help', '--json'])
    const { commands: all } = JSON.parse(stdout) as { commands: { name: string }[] }
    expect([...new Set(commands().map(([name]) => name))].sort()).toEqual(all.map(({ name }) => name).sort())
  })

  it('promises money and blocks that come', async () => {
    for (const text of ['GET /mint/<address>/<winston>', '--seal manual', 'GET /mine', 'HEDDLE_URL', USUAL]) expect(README).toContain(text)
    copyFileSync(join(ROOT, 'dev/wallets/alice.json'), join(folder, 'alice.json'))
    const manual = await startProcess(join(folder, 'manual'), ['--seal', 'manual'])
    const { stdout } = await heddle(['wallet', 'show', 'alice.json', '--json'], { cwd: folder, url: manual.url })
    const { address, winston } = JSON.parse(stdout) as { address: string; winston: string }
    await fetch(`${manual.url}/mint/${address}/5`)
    expect(BigInt(await (await fetch(`${manual.url}/wallet/${address}/balance`)).text())).toBe(BigInt(winston) + 5n)
    await heddle(['upload', 'alice.json'], { cwd: folder, url: manual.url })
    const height = async (): Promise<number> => Number(await (await fetch(`${manual.url}/height`)).text())
    const before = await height()
    await fetch(`${manual.url}/mine`)
    expect(await height()).toBe(before + 1)
    expect(await manual.stop()).toBe(0)
  })
})

/** The words after `npx heddle` on each line, as a shell splits them. */
function commands(): string[][] {
  return blocks('sh')
    .flatMap((text) => text.split('\n'))
    .map((line) => line.replace(/ +# .*$/, ''))
    .filter((line) => line.startsWith('npx heddle '))
    .map((line) => [...line.slice('npx heddle '.length).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!))
}
