/** A process in TypeScript, from its file to its users: heddle spawn, unmodified aoconnect, errors, Eval, a restart; and the tutorial as it stands. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { heddle, heddleJson } from './support/command.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLES = join(ROOT, 'processes/examples')
const TUTORIAL = readFileSync(join(ROOT, 'docs/typescript-processes.md'), 'utf8')
const COMPILER = join(ROOT, 'node_modules/.bin/tsc')
const SUPPLY = '10000000000000000'

interface Spawned {
  readonly process: string
  readonly module: string
  readonly result: { readonly Output?: unknown; readonly Error?: string }
}
interface Sent {
  readonly Target: string
  readonly Data: string
  readonly Tags: readonly { readonly name: string; readonly value: string }[]
}

let node: TestNode
let folder = ''
let token = ''
let ao: ReturnType<typeof clientOf>
const alice = createDataItemSigner(devWallet('alice'))
const bob = createDataItemSigner(devWallet('bob'))
const BOB = `${'b'.repeat(42)}A`

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-typescript-'))
  writeFileSync(join(folder, 'alice.json'), JSON.stringify(devWallet('alice')))
  node = await startTestNode()
  ao = clientOf(node.url)
  token = (await spawned(join(EXAMPLES, 'token.ts'), '--name', 'Thread', '--tag', 'Ticker=THR')).process
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})

function clientOf(url: string) {
  return connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
}

const options = () => ({ cwd: folder, url: node.url })

async function spawned(file: string, ...words: string[]): Promise<Spawned> {
  const { code, value } = await heddleJson<Spawned>(['spawn', file, '--wallet', 'alice.json', ...words], options())
  expect({ code, value }).toMatchObject({ code: 0, value: { process: expect.stringMatching(/^[\w-]{43}$/) } })
  return value
}

async function message(process: string, action: string, tags: Readonly<Record<string, string>> = {}, signer = alice, data?: string) {
  const list = Object.entries({ Action: action, ...tags }).map(([name, value]) => ({ name, value }))
  const id = (await ao.message({ process, tags: list, signer, ...(data === undefined ? {} : { data }) })) as string
  return ao.result({ process, message: id })
}

async function balance(account: string): Promise<string> {
  const tags = [
    { name: 'Action', value: 'Balance' },
    { name: 'Recipient', value: account },
  ]
  const { Messages } = await ao.dryrun({ process: token, tags })
  return (Messages[0] as Sent).Data
}

function tagsOf({ Tags }: Sent): Record<string, string> {
  return Object.fromEntries(Tags.map(({ name, value }) => [name, value]))
}

/** That of the examples, for files elsewhere. */
function tsconfig(files: readonly string[]): string {
  const { compilerOptions } = JSON.parse(readFileSync(join(EXAMPLES, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }
  const paths = { 'heddle/process': [join(ROOT, 'types/process.d.ts')] }
  return JSON.stringify({ compilerOptions: { ...compilerOptions, paths }, files })
}

/** The line of a file that holds some text, counted from one. */
function lineOf(path: string, text: string): number {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((each) => each.includes(text))
  if (line < 0) throw new Error(`${path} does not hold ${text}`)
  return line + 1
}

describe('the token of the examples', () => {
  it('tells who it is', async () => {
    const { Messages } = await ao.dryrun({ process: token, tags: [{ name: 'Action', value: 'Info' }] })
    expect(JSON.parse((Messages[0] as Sent).Data)).toEqual({ name: 'Thread', ticker: 'THR', denomination: 12, supply: SUPPLY })
    expect(tagsOf(Messages[0] as Sent)).toMatchObject({ Ticker: 'THR', 'Total-Supply': SUPPLY, 'Data-Protocol': 'ao', Type: 'Message' })
  })

  it('moves balances for aoconnect', async () => {
    const { Messages, Output, Error: problem } = await message(token, 'Transfer', { Recipient: BOB, Quantity: '5', 'X-Note': 'hi' })
    expect(problem).toBe(undefined)
    expect(Output).toMatchObject({ data: '', print: true })
    expect((Messages as Sent[]).map((sent) => [sent.Target === BOB, tagsOf(sent)])).toMatchObject([
      [false, { Action: 'Debit-Notice', Recipient: BOB, Quantity: '5', 'X-Note': 'hi' }],
      [true, { Action: 'Credit-Notice', Quantity: '5', 'X-Note': 'hi' }],
    ])
    expect(await balance(BOB)).toBe('5')
    const refused = await message(token, 'Transfer', { Recipient: BOB, Quantity: '1' }, bob)
    expect(tagsOf(refused.Messages[0] as Sent)).toMatchObject({ Action: 'Transfer-Error', Error: 'Insufficient Balance!' })
    expect(await balance(BOB)).toBe('5')
  })

  it('names file and line of an error, as they are in the TypeScript, and keeps the state', async () => {
    const wrong = await message(token, 'Transfer', { Recipient: BOB, Quantity: 'five' })
    const thrown = lineOf(join(EXAMPLES, 'quantity.ts'), 'whole number of the smallest unit, got')
    const called = lineOf(join(EXAMPLES, 'token.ts'), 'const quantity = quantityOf(msg)')
    const lines = String(wrong.Error).split('\n')
    expect(lines[0]).toBe('Error: Quantity must be a whole number of the smallest unit, got "five"')
    expect(lines[1]).toContain(`at quantityOf (quantity.ts:${thrown}:`)
    expect(lines[2]).toContain(`(token.ts:${called}:`)
    expect(await balance(BOB)).toBe('5')
  })

  it('runs JavaScript for its owner', async () => {
    const shown = await heddle(['eval', token, '[token.ticker, balances.size]', '--wallet', 'alice.json'], options())
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(`['THR', 2]`) })
    const { Output } = await message(token, 'Eval', {}, alice, 'balances.size')
    expect(Output).toEqual({ data: '2', prompt: 'Thread> ' })
    expect((await message(token, 'Eval', {}, bob, 'balances.clear()')).Output).toMatchObject({ data: 'no handler for Action = Eval' })
  })

  it('is there after a restart, and computes as before', async () => {
    node = await node.restart()
    ao = clientOf(node.url)
    expect(await balance(BOB)).toBe('5')
    await message(token, 'Transfer', { Recipient: BOB, Quantity: '7' })
    expect(await balance(BOB)).toBe('12')
    await message(token, 'Mint', { Quantity: '100' })
    const { Messages } = await ao.dryrun({ process: token, tags: [{ name: 'Action', value: 'Total-Supply' }] })
    expect((Messages[0] as Sent).Data).toBe(String(BigInt(SUPPLY) + 100n))
  })
})

describe('between processes', () => {
  it('one asks another and goes on with its answer', async () => {
    writeFileSync(
      join(folder, 'asker.js'),
      `import { on, send } from 'heddle/process'
       export let seen = 'nothing'
       on('Ask', async (msg) => {
         const answer = await send({ target: msg.tag('Token'), action: 'Total-Supply' }).answer()
         seen = answer.tag('Ticker') + ' ' + answer.text.length
       })`,
    )
    const { process } = await spawned('asker.js')
    expect((await message(process, 'Ask', { Token: token })).Error).toBe(undefined)
    let seen: unknown
    for (let tries = 0; tries < 50 && seen !== 'THR 17'; tries++) seen = (await message(process, 'Eval', {}, alice, 'seen')).Output.data
    expect(seen).toBe('THR 17')
  })
})

describe('what is wrong shows before anything is uploaded', () => {
  it.each([
    ['enum.ts', 'const a: number = 1\nenum Kind { A }', /^heddle: enum\.ts:2: TypeScript enum is not supported/],
    ['syntax.ts', 'export const a: number =\n', /^heddle: syntax\.ts:1: /],
    [
      'throws.ts',
      'const a: number = 1\n\nthrow new Error("no " + a)',
      /does not start: Error: no 1\n {4}at <anonymous> \(throws\.ts:3:\d+\)/,
    ],
    ['package.ts', `import _ from 'lodash'`, /^heddle: the import of lodash cannot be part of a process/],
    ['outside.ts', `import '../x.ts'`, /^heddle: \.\.\/x\.ts lies outside of/],
    ['ending.ts', `import './enum'`, /^heddle: the import of enum lacks its ending: write enum\.ts/],
    ['missing.ts', `import './nothing.ts'`, /^heddle: cannot read nothing\.ts, which is imported: it does not exist/],
    ['wrong-name.ts', `import { om } from 'heddle/process'`, /does not start: SyntaxError: .*'om'/],
  ])('%s', async (name, source, problem) => {
    writeFileSync(join(folder, name), source)
    const { code, stdout, stderr } = await heddle(['spawn', name], options())
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(problem)
  })

  it('a module and a file of its own do not go together', async () => {
    const { code, stderr } = await heddle(['spawn', 'enum.ts', '--module', token], options())
    expect(code).toBe(2)
    expect(stderr).toContain('enum.ts becomes a module of its own; leave --module out')
  })
})

describe('types', () => {
  it('the example compiles, and mistakes do not', async () => {
    const check = promisify(execFile)
    await check(COMPILER, ['-p', EXAMPLES])
    writeFileSync(
      join(folder, 'typo.ts'),
      `import { on } from 'heddle/process'\non('A', (msg) => { msg.reply({ Quantity: '5' }); return msg.fromm })\n`,
    )
    writeFileSync(join(folder, 'tsconfig.json'), tsconfig(['typo.ts']))
    const failed = await check(COMPILER, ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(failed.stdout).toMatch(/typo\.ts\(2,\d+\): error TS2353: .*'Quantity' does not exist/)
    expect(failed.stdout).toMatch(/typo\.ts\(2,\d+\): error TS\d+: .*fromm/)
  })
})

describe('the tutorial', () => {
  /** Blocks of code that begin with a comment or a line naming a file. */
  const files = [...TUTORIAL.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g)].map(([, text = '', name = '']) => ({ name, text }))

  it('works as it stands', async () => {
    const home = join(folder, 'tutorial')
    mkdirSync(home)
    for (const { name, text } of files) writeFileSync(join(home, name), text)
    writeFileSync(join(home, 'tsconfig.json'), tsconfig(files.map(({ name }) => name)))
    await promisify(execFile)(COMPILER, ['-p', home])
    const commands = [...TUTORIAL.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'))
    const run = commands.filter((line) => line.startsWith('npx heddle '))
    expect(run.length).toBeGreaterThan(4)
    let process = ''
    let compared = 0
    for (const line of run) {
      const words = [...line.replaceAll('<process>', process).matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      )
      const { code, stdout, stderr } = await heddle(words.slice(2), { cwd: home, url: node.url })
      expect({ line, code, stderr }, stdout).toMatchObject({ code: 0, stderr: '' })
      process = /process ([\w-]{43})/.exec(stdout)?.[1] ?? process
      const shown = new RegExp(`${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\n\`\`\`\\n+\`\`\`text\\n([\\s\\S]*?)\`\`\``).exec(
        TUTORIAL,
      )?.[1]
      if (shown === undefined) continue
      expect(stdout, line).toContain(shown.trim())
      compared += 1
    }
    expect(compared).toBe(4)
    const tags = { Quantity: '5', 'X-Item': 'cake', Sender: 'me' }
    const blocks = [...TUTORIAL.matchAll(/```text\n([\s\S]*?)\n```/g)].map(([, block]) => block)
    expect(blocks).toContain((await message(process, 'Credit-Notice', tags)).Error)
  })

  it('names files that exist', () => {
    for (const [, path = ''] of TUTORIAL.matchAll(/\]\(\.\.\/([^)#]+)\)/g)) expect(existsSync(join(ROOT, path)), path).toBe(true)
  })
})

it('every process computes to the same again', () => verifyAllProcesses(node.url))
