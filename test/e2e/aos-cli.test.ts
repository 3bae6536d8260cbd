/** The published aos command line, unmodified, in a pseudo terminal: what its user types and sees. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { type AosOptions, findAosCli, openAos, prompt, say, shows } from './support/aos-cli.ts'
import { nodeOf, sha256 } from './support/client.ts'
import { moduleOf, RUNTIMES } from './support/processes.ts'
import type { Terminal } from './support/terminal.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const found = await findAosCli()
const why = 'missing' in found ? `, skipped: ${found.missing}` : ''
const alice = createDataItemSigner(devWallet('alice'))
const bob = createDataItemSigner(devWallet('bob'))
const RECIPIENT = `${'b'.repeat(42)}Y`
/** What the client shows of a result whose data is an empty text: all of it. */
const NO_VALUE = /\{\s+data: '',\s+prompt: '.*',\s+test: '\{\}'\s+\}$/

let node: TestNode
let folder: string
let ao: ReturnType<typeof clientOf>

beforeAll(async () => {
  if (why !== '') return
  folder = mkdtempSync(join(tmpdir(), 'heddle-aos-'))
  node = await startTestNode()
  ao = clientOf(node.url)
})
afterAll(async () => {
  await node?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

function clientOf(url: string) {
  return connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
}

/** A user at a terminal with a home folder, in which `files` are. */
class User {
  readonly home: string
  readonly #open: Terminal[] = []

  constructor(name: string, files: Readonly<Record<string, string>>) {
    this.home = join(folder, name)
    for (const [path, text] of Object.entries({ '.aos.json': JSON.stringify(devWallet('alice')), ...files })) {
      mkdirSync(join(this.home, path, '..'), { recursive: true })
      writeFileSync(join(this.home, path), text)
    }
  }

  readonly aos = (words: readonly string[], options: Partial<AosOptions> = {}): Terminal => {
    if ('missing' in found) throw new Error(found.missing)
    const terminal = openAos(found, words, { url: node.url, home: this.home, ...options })
    this.#open.push(terminal)
    return terminal
  }

  async leave(): Promise<void> {
    for (const terminal of this.#open) await terminal.close()
  }
}

/** A test with a user of its own; several are at work at once, since most of their time they wait for the client. */
function user(title: string, name: string, files: Readonly<Record<string, string>>, act: (user: User) => Promise<void>): void {
  it(title, async () => {
    const somebody = new User(name, files)
    await act(somebody).finally(() => somebody.leave())
  })
}

/** Someone else writes to the process. */
async function send(process: string, action: string, data = ''): Promise<void> {
  const message = (await ao.message({ process, tags: [{ name: 'Action', value: action }], data, signer: bob })) as string
  await ao.result({ process, message })
}

async function processOf(terminal: Terminal): Promise<string> {
  const text = await terminal.waitFor(/Your AOS Process: [\w-]{43}/)
  return /Your AOS Process: ([\w-]{43})/.exec(text)?.[1] ?? ''
}

describe.skipIf(why !== '').concurrent.each(RUNTIMES)(`aos 2.0.16 on $name${why}`, (runtime) => {
  const kind = runtime.module === null ? 'lua' : 'wasm'
  let module: string

  beforeAll(async () => {
    module = await moduleOf(node.url, runtime, itemSigner(await generateKey('ed25519')))
  })

  user('spawns by name, evaluates, shows errors with their lines', `${kind}-eval`, {}, async ({ aos }) => {
    const startedMs = performance.now()
    const terminal = aos([`${kind}-eval`], { module })
    expect(await prompt(terminal)).toMatch(new RegExp(`^${kind}-eval@aos-2\\.0\\.\\d+\\[Inbox:1\\]>$`))
    // A second is the client's: it waits half of one after the spawn and half of one before each result.
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(await say(terminal, '1 + 1')).toBe('2')
    expect(await say(terminal, 'print("out") return "value"')).toBe('out\nvalue')
    expect(await say(terminal, '{ 1, 2 }')).toBe('{ 1, 2 }')
    expect(await say(terminal, 'X = 5')).toMatch(NO_VALUE)
    expect(await say(terminal, 'error("boom")')).toMatch(/boom\n +\|\n 1 \| {4}error\("boom"\)\n/)
    expect(await say(terminal, 'local y = = 1')).toMatch(/unexpected symbol near '='\n +\|\n 1 \| {4}local y = = 1\n/)
    expect(await say(terminal, 'X')).toBe('5')
  })

  const files = {
    'lib/twice.lua': 'local M = {}\nfunction M.of(n)\n  return n * 2\nend\nreturn M\n',
    'main.lua': "local twice = require('lib.twice')\nTwice = twice.of\nreturn twice.of(21)\n",
    'broken.lua': 'local a = 1\nlocal b = a .. nil\nreturn b\n',
  }
  user('loads files with what they require, edits, tries', `${kind}-load`, files, async ({ aos }) => {
    const terminal = aos([`${kind}-load`], { module })
    await prompt(terminal)
    expect(await say(terminal, '.load main.lua')).toMatch(/lib\/twice\.lua\n.*main\.lua {2}MAIN\n[\s\S]*42$/)
    expect(await say(terminal, 'Twice(4)')).toBe('8')
    expect(await say(terminal, '.load broken.lua')).toMatch(/a nil value\n {2}in .*broken\.lua\n +\|\n 2 \| {4}local b = a \.\. nil/)
    expect(await say(terminal, '.load nothing.lua')).toContain('file not found')
    terminal.line('.editor')
    await terminal.waitFor("<editor mode> use '.done' to submit")
    terminal.type('function Thrice(n)\r  return n * 3\rend\rreturn Thrice(14)\r')
    await terminal.waitFor('return Thrice(14)')
    terminal.line('.done')
    await terminal.waitFor(/^42$/m)
    await prompt(terminal)
    await say(terminal, 'Kept = "before"')
    expect(await say(terminal, '.dryrun')).toBe('Dryrun Mode Engaged')
    expect(terminal.text()).toMatch(/^\*.*\[Inbox:1\]>$/m)
    expect(await say(terminal, 'Kept = "changed" return Kept')).toBe('changed')
    expect(await say(terminal, '.dryrun')).toBe('Dryrun Mode Disengaged')
    expect(await say(terminal, 'Kept')).toBe('before')
  })

  user('takes blueprints', `${kind}-blueprints`, {}, async ({ aos }) => {
    const terminal = aos([`${kind}-blueprints`], { module })
    const process = await processOf(terminal)
    await prompt(terminal)
    expect(await say(terminal, '.load-blueprint token')).toMatch(NO_VALUE)
    await shows(terminal, 'Balances[ao.id]', /^10000000000000000$/m)
    // What handlers print from here on may come between.
    await shows(
      terminal,
      `Send({ Target = ao.id, Action = "Transfer", Recipient = "${RECIPIENT}", Quantity = "7" }).output`,
      /^Message added/m,
    )
    await shows(terminal, `Balances["${RECIPIENT}"]`, /^7$/m)
    await shows(terminal, '.load-blueprint chatroom', NO_VALUE)
    await send(process, 'Register')
    await shows(terminal, '#Members', /^1$/m)
  })

  user('shows by itself what others make the process print, and counts the inbox', `${kind}-live`, {}, async ({ aos }) => {
    const first = aos([`${kind}-live`], { module })
    const process = await processOf(first)
    await prompt(first)
    await say(first, `Handlers.add("Greet", function (msg) print("hello, " .. msg.Data) end)`)
    const quiet = aos([`${kind}-live`], { module }) // It looks for news only until a key is pressed.
    await prompt(quiet)
    await send(process, 'Greet', 'a stranger')
    await quiet.waitFor('hello, a stranger')
    await send(process, 'Unheard', 'for the inbox')
    await quiet.waitFor(/\[Inbox:2\]>$/)
    expect(await say(quiet, 'Inbox[#Inbox].Data')).toBe('for the inbox')
  })
})

describe.skipIf(why !== '').concurrent(`aos 2.0.16, its flags${why}`, () => {
  const pad = { 'pad.sh': 'echo "return 40 + 2" > "$1"' }
  user('needs nothing but urls: the module and scheduler it has built in are there', 'plain', pad, async ({ aos, home }) => {
    const terminal = aos(['plain'], { env: { EDITOR: `sh ${join(home, 'pad.sh')}` } })
    expect(await prompt(terminal)).toMatch(/^plain@aos-2\.0\.\d+\[Inbox:1\]>$/)
    // It takes another version for an old one and offers an update on each start.
    expect(terminal.text()).not.toContain('A new AOS update is available')
    expect(await say(terminal, '.pad')).toMatch(/^42$/m)
    expect(await say(terminal, '.help')).toContain('AOS Client Functions')
    terminal.line('.exit')
    expect(await terminal.ended()).toBe(0)
  })

  user('--run prints and tells success by its exit code', 'run', {}, async ({ aos }) => {
    const good = aos(['run', '--run', 'Kept = 6 return Kept * 7'])
    expect(await good.ended()).toBe(0)
    expect(good.text()).toMatch(/^42$/m)
    const dry = aos(['run', '--dryrun', '--run', 'Kept = 7 return Kept'])
    const bad = aos(['run', '--run', 'Kept = 8 error("not today")'])
    expect(await Promise.all([dry.ended(), bad.ended()])).toEqual([0, 1])
    expect(dry.text()).toMatch(/^7$/m)
    expect(bad.text()).toContain('not today')
    const again = aos(['run', '--run', 'Kept'])
    expect(await again.ended()).toBe(0)
    expect(again.text()).toMatch(/^6$/m)
  })

  const boot = { 'data.lua': 'Booted = "from data"', 'lib.lua': 'Loaded = "from file"' }
  const flags = [
    '--data',
    'data.lua',
    '--tag-name',
    'On-Boot',
    '--tag-value',
    'Data',
    '--tag-name',
    'Colour',
    '--tag-value',
    'blue',
    '--cron',
    '10-seconds',
  ]
  user('spawns with data and tags, and loads files at once', 'flags', boot, async ({ aos }) => {
    const terminal = aos(['flags', ...flags, '--load', 'lib.lua'])
    const process = await processOf(terminal)
    await prompt(terminal)
    expect(await say(terminal, 'Booted .. ", " .. Loaded')).toBe('from data, from file')
    expect(await say(terminal, 'ao.env.Process.Tags.Colour')).toBe('blue')
    const { tags } = (await nodeOf(node.url, process)) ?? { tags: [] }
    const wanted = { 'App-Name': 'aos', Colour: 'blue', 'Cron-Interval': '10-seconds', 'Cron-Tag-Action': 'Cron' }
    expect(tags).toEqual(expect.arrayContaining(Object.entries(wanted).map(([name, value]) => ({ name, value }))))
  })

  user('finds a process by its name again, lists it, watches it', 'again', {}, async ({ aos }) => {
    const first = aos(['again'])
    const process = await processOf(first)
    await prompt(first)
    await say(first, 'Handlers.add("Knock", function () print("somebody knocks") end)')
    const elsewhere = new User('elsewhere', {}) // Without what the client remembers in its home folder.
    const second = elsewhere.aos(['again'])
    expect(await processOf(second)).toBe(process)
    await prompt(second)
    await second.close()
    const list = elsewhere.aos(['--list'])
    expect(await list.ended()).toBe(0)
    expect(list.text()).toContain(`again - ${process}`)
    const watch = elsewhere.aos([`--watch=${process}`])
    await watch.waitFor(`Watching: ${process}`)
    await send(process, 'Knock')
    await watch.waitFor('somebody knocks')
    await elsewhere.leave()
  })

  user('--cron lets a process tick, and shows what its ticks print', 'cron', {}, async ({ aos }) => {
    const first = aos(['cron', '--cron', '1-second'])
    const process = await processOf(first)
    await prompt(first)
    await shows(first, 'Handlers.add("Cron", "Cron", function (msg) print("tick for " .. msg.From) end)', /^\d+$/m)
    await first.close()
    // The client's own .monitor fails before it asks anything of a network.
    await ao.monitor({ process, signer: alice })
    const quiet = aos(['cron'])
    await quiet.waitFor(`tick for ${sha256(Buffer.from(devWallet('alice').n, 'base64url'))}`)
    await ao.unmonitor({ process, signer: alice })
  })
})

describe.skipIf(why !== '')(`aos 2.0.16, afterwards${why}`, () => {
  it('every process computes again to the same', async () => {
    expect((await verifyAllProcesses(node.url)).processes).toBeGreaterThan(10)
  })
})
