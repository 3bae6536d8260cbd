/** Every command as a user runs it: a process of its own, for people and with --json, when it works and when it does not. */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { HEDDLE, heddle, heddleJson, type Ran, startCommand } from './support/command.ts'
import { startProcess } from './support/process.ts'
import { verifyAllProcesses } from './support/verify.ts'

const TOKEN = join(import.meta.dirname, '../../processes/token.lua')
const NOBODY = `${'a'.repeat(42)}A`
const ID = /[A-Za-z0-9_-]{43}/
const COMMANDS = [
  'start',
  'demo',
  'wallet',
  'upload',
  'spawn',
  'send',
  'eval',
  'console',
  'result',
  'verify',
  'snapshot',
  'fork',
  'revert',
  'query',
  'doctor',
]
const STOPPED_MS_MAX = 2_000

let node: TestNode
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-cli-'))
  node = await startTestNode()
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})

/** Against the test node, in the test's folder. */
const run = (...words: string[]) => heddle(words, { cwd: folder, url: node.url })
const runJson = <T>(...words: string[]) => heddleJson<T>(words, { cwd: folder, url: node.url })

async function get(path: string): Promise<{ status: number; type: string | null; bytes: Uint8Array }> {
  const response = await fetch(`${node.url}${path}`)
  return { status: response.status, type: response.headers.get('content-type'), bytes: new Uint8Array(await response.arrayBuffer()) }
}

interface Failed {
  readonly code: string
  readonly error: string
  readonly hint?: string
}

describe('help', () => {
  it('lists the commands', async () => {
    const [asked, alone] = await Promise.all([run('help'), run()])
    expect(asked.code).toBe(0)
    for (const name of COMMANDS) expect(asked.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(alone).toEqual({ ...asked, code: 2 })
  })

  it('explains each', async () => {
    await Promise.all(
      COMMANDS.map(async (name) => {
        const { code, stdout, stderr } = await run(name, '--help')
        expect({ code, stderr }, name).toEqual({ code: 0, stderr: '' })
        expect(stdout, name).toContain(`Usage: heddle ${name}`)
      }),
    )
  })

  it('may be asked for either way', async () => {
    expect(await run('help', 'query')).toEqual(await run('query', '-h'))
  })

  it('points to it when words are wrong', async () => {
    expect(await run('statr')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'heddle: there is no command "statr"; did you mean "start"?\n  "heddle help" lists the commands\n',
    })
    expect((await run('query', '--tga', 'x')).stderr).toBe(
      `heddle: Unknown option '--tga'; did you mean --tag?\n  "heddle query --help" shows how\n`,
    )
  })
})

describe('--json', () => {
  it('prints one value, before or after the command', async () => {
    expect(await heddleJson(['--version'])).toMatchObject({ code: 0, value: { version: expect.stringMatching(/^\d/) } })
    expect(await heddleJson(['help'])).toMatchObject({ code: 0, value: { commands: expect.any(Array) } })
    expect(await heddleJson(['help', 'query'])).toMatchObject({ code: 0, value: { name: 'query', usage: expect.any(String) } })
    const { stdout } = await run('--json', 'wallet')
    expect(JSON.parse(stdout)).toMatchObject({ type: 'rsa' })
  })

  it.each([
    [[], 2, null],
    [['weave'], 2, 'usage'],
    [['query', '--loom'], 2, 'usage'],
    [['start', '--port', 'x'], 2, 'usage'],
    [['upload', 'nothing-here'], 2, 'usage'],
    [['eval', 'abc', '1'], 2, 'usage'],
    [['result', NOBODY, '7'], 1, 'refused'],
    [['send', NOBODY], 1, 'refused'],
    [['query', '--after', 'nonsense'], 1, 'query-failed'],
    [['wallet', '--url', 'http://127.0.0.1:2'], 1, 'no-node'],
    [['demo', '--url', 'http://127.0.0.1:2'], 1, 'no-node'],
  ])('%j ends with %d and says why in one value', async (words, code, failure) => {
    const { code: actual, value } = await runJson<Failed>(...words)
    expect(actual).toBe(code)
    if (failure !== null) expect(value).toMatchObject({ code: failure, error: expect.any(String) })
  })
})

describe('wallet', () => {
  it('makes key files that nobody else can read and that are never replaced', async () => {
    await Promise.all(
      ['rsa', 'secp256k1', 'ed25519'].map(async (type) => {
        const file = join(folder, `${type}.json`)
        const made = await runJson<{ address: string; path: string; type: string }>('wallet', 'create', file, '--type', type)
        expect(made).toMatchObject({ code: 0, value: { path: file, type, address: expect.stringMatching(ID) } })
        expect(statSync(file).mode & 0o777).toBe(0o600)
        const { address } = made.value
        expect(await runJson('wallet', 'show', file)).toEqual({ code: 0, value: { address, type, winston: '0' } })
        const before = readFileSync(file)
        const again = await run('wallet', 'create', file, '--type', type)
        expect(again).toMatchObject({
          code: 1,
          stdout: '',
          stderr: expect.stringContaining('it exists already; a key file is never replaced'),
        })
        expect(readFileSync(file)).toEqual(before)
      }),
    )
  })

  it('shows what a wallet holds, to the last winston', async () => {
    const { value } = await runJson<{ address: string }>('wallet', 'create', 'rich.json', '--type', 'ed25519')
    await fetch(`${node.url}/mint/${value.address}/1234567890123456789`)
    expect((await run('wallet', 'show', 'rich.json')).stdout).toContain('balance 1234567.890123456789 AR')
    expect((await run('wallet')).stdout).toContain('development wallet "alice"')
  })

  it('shows the address of a wallet also when no node runs', async () => {
    const { code, stdout } = await heddle(['wallet', 'show', 'rich.json', '--url', 'http://127.0.0.1:2'], { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('unknown: no node at http://127.0.0.1:2') })
  })

  it('does not repeat what stands in a file that is no wallet', async () => {
    writeFileSync(join(folder, 'secret.txt'), 'my secret words')
    const { code, stderr } = await run('wallet', 'show', 'secret.txt')
    expect(code).toBe(2)
    expect(stderr).toContain('secret.txt is not a key file')
    expect(stderr).not.toContain('secret words')
  })
})

describe('upload', () => {
  it.each([0, 1, 1024 * 1024, 1024 * 1024 + 1, 5_000_000])('puts a file of %d bytes on the node', async (size) => {
    const bytes = randomBytes(size)
    writeFileSync(join(folder, `file-${size}.wasm`), bytes)
    const { code, value } = await runJson<{ id: string; url: string; sizeBytes: number }>(
      'upload',
      `file-${size}.wasm`,
      '-t',
      'App-Name=test',
    )
    expect({ code, value }).toEqual({ code: 0, value: { id: expect.stringMatching(ID), url: `${node.url}/${value.id}`, sizeBytes: size } })
    const found = await get(`/${value.id}`)
    expect(found).toMatchObject({ status: 200, type: 'application/wasm' })
    expect(createHash('sha256').update(found.bytes).digest()).toEqual(createHash('sha256').update(bytes).digest())
    const { value: queried } = await runJson<{ transactions: { id: string }[] }>('query', '--tag', 'App-Name=test')
    expect(queried.transactions.map(({ id }) => id)).toContain(value.id)
  })

  it('signs with the wallet that is named, of each kind', async () => {
    writeFileSync(join(folder, 'signed.txt'), 'signed')
    for (const type of ['rsa', 'secp256k1', 'ed25519']) {
      const { value } = await runJson<{ id: string }>('upload', 'signed.txt', '--wallet', `${type}.json`)
      expect(new TextDecoder().decode((await get(`/${value.id}`)).bytes), type).toBe('signed')
    }
  })

  it('makes a web site of a folder, without its hidden files', async () => {
    const site = join(folder, 'site')
    for (const path of ['', 'img', '.git', '.well-known']) mkdirSync(join(site, path), { recursive: true })
    const files = { 'index.html': '<h1>Hi', '404.html': 'nothing', 'img/a b.svg': '<svg/>', '.well-known/x.json': '{}' }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(site, name), text)
    for (const name of ['.env', '.git/config']) writeFileSync(join(site, name), 'secret')
    const { code, stdout } = await run('upload', 'site')
    expect(code).toBe(0)
    expect(stdout).toContain('left out: .env, .git')
    const root = new RegExp(`${node.url}(/${ID.source}/)`).exec(stdout)![1]!
    const text = async (path: string): Promise<string> => new TextDecoder().decode((await get(root + path)).bytes)
    expect(await text('')).toBe('<h1>Hi')
    expect(await text('img/a%20b.svg')).toBe('<svg/>')
    expect(await text('.well-known/x.json')).toBe('{}')
    expect(await text('.env')).toBe('nothing')
    expect((await get(`${root}img/a%20b.svg`)).type).toBe('image/svg+xml')
  })

  it('finds what is wrong before it uploads anything', async () => {
    const { address } = (await runJson<{ address: string }>('wallet')).value // The node's own bundles come when they come.
    const count = async (): Promise<unknown> =>
      (await runJson<{ transactions: unknown[] }>('query', '--owner', address, '--limit', '1000')).value.transactions.length
    mkdirSync(join(folder, 'empty', '.hidden'), { recursive: true })
    mkdirSync(join(folder, 'plain'))
    for (const name of ['a.txt', 'b.txt']) writeFileSync(join(folder, 'plain', name), name)
    const before = await count()
    expect(await run('upload', 'nothing-here')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot read nothing-here: it does not exist'),
    })
    expect(await run('upload', 'empty')).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no files but hidden ones') })
    expect(await run('upload', 'plain')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no index.html; name its start page with --index'),
    })
    expect(await run('upload', 'plain', '--index', 'a.txt', '--fallback', 'c.txt')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--fallback c.txt'),
    })
    expect(await run('upload', 'plain', '--index', 'a.txt', '--tag', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected name=value'),
    })
    expect(await count()).toBe(before)
  })
})

describe('processes', () => {
  let token = ''
  let spawned: Ran

  beforeAll(async () => {
    spawned = await run('spawn', TOKEN, '--name', 'coins')
    token = /process ([A-Za-z0-9_-]{43})/.exec(spawned.stdout)?.[1] ?? ''
  })

  it('spawn starts one with the Lua of a file', async () => {
    expect(spawned).toMatchObject({ code: 0, stderr: '' })
    const { value } = await runJson<{ transactions: { id: string }[] }>('query', '-t', 'Name=coins', '-t', 'Type=Process')
    expect(value.transactions.map(({ id }) => id)).toEqual([token])
  })

  it('spawn says so when that Lua fails, and the process is there all the same', async () => {
    writeFileSync(join(folder, 'broken.lua'), 'error("no such luck")')
    const { code, value } = await runJson<{ process: string; result: { Error: string } }>('spawn', 'broken.lua')
    expect({ code, error: value.result.Error }).toEqual({ code: 1, error: expect.stringContaining('no such luck') })
    expect(await run('eval', value.process, '6 * 7')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^message .*\n42\n$/) })
  })

  it('send shows what a message caused, result shows it again', async () => {
    const sent = await runJson<{ id: string; result: { Messages: { Tags: { name: string; value: string }[] }[] } }>(
      'send',
      token,
      '-a',
      'Info',
    )
    expect(sent.code).toBe(0)
    const [reply] = sent.value.result.Messages
    expect(reply!.Tags.find(({ name }) => name.toLowerCase() === 'name')?.value).toBe('coins')
    expect((await runJson('result', token, sent.value.id)).value).toEqual(sent.value)
    const { value } = await runJson<{ id: string }>('send', token, '--action', 'Mint', '-t', 'Quantity=5', '--no-wait')
    expect(value).toEqual({ id: expect.stringMatching(ID), process: token })
    expect((await run('result', token, value.id)).code).toBe(0)
    expect((await run('result', token, '0')).stdout).toMatch(/^message 0\n/)
  })

  it('eval runs Lua from words and files', async () => {
    writeFileSync(join(folder, 'count.lua'), 'Count = (Count or 40) + 2\nreturn Count')
    expect((await run('eval', token, 'count.lua')).stdout).toMatch(/\n42\n$/)
    expect(await run('eval', token, 'error("oh")')).toMatchObject({ code: 1, stdout: expect.stringContaining('oh') })
    expect(await run('eval', token, 'missing.lua')).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot read missing.lua') })
    expect(await run('eval', token)).toMatchObject({ code: 2, stderr: expect.stringContaining('the Lua to run is missing') })
  })

  it('eval says why nothing ran for somebody who does not own the process', async () => {
    const { stdout } = await run('eval', token, 'Count = 0', '--wallet', 'rsa.json')
    expect(stdout).toContain('aos runs Lua for its owner only')
    expect((await run('eval', token, 'Count')).stdout).toMatch(/\n42\n$/)
  })

  it('what processes print cannot write over the terminal', async () => {
    const { stdout } = await run('eval', token, String.raw`print("\27[2J\27]0;owned\7ok")`)
    expect(stdout).toMatch(/^message .*\nok\n$/)
  })

  it('names words that are no ids, and ids that nobody knows', async () => {
    expect(await run('send', 'abc')).toMatchObject({ code: 2, stderr: expect.stringContaining('"abc" is not a process id') })
    expect(await run('result', token, 'xyz')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"xyz" is not a slot number or message id'),
    })
    expect(await run('send', NOBODY)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`process ${NOBODY} was never spawned on this node`),
    })
    expect(await run('result', token, '999')).toMatchObject({ code: 1, stderr: expect.stringContaining('has no slot 999 yet') })
    expect(await run('spawn', '--module', NOBODY)).toMatchObject({ code: 1, stderr: expect.stringContaining(NOBODY) })
  })
})

describe('query', () => {
  it('goes on where a page ended', async () => {
    const seen: string[] = []
    let after: string[] = []
    do {
      const { value } = await runJson<{ transactions: { id: string }[]; next: string | null }>(
        'query',
        '-t',
        'App-Name=test',
        '--limit',
        '2',
        ...after,
      )
      seen.push(...value.transactions.map(({ id }) => id))
      after = value.next === null ? [] : ['--after', value.next]
    } while (after.length > 0)
    expect(new Set(seen).size).toBe(5)
    expect(seen.length).toBe(5)
  })

  it('takes one name twice for either value, two names for both', async () => {
    const names = async (...tags: string[]): Promise<number> =>
      (await runJson<{ transactions: unknown[] }>('query', '--limit', '100', ...tags.flatMap((tag) => ['-t', tag]))).value.transactions
        .length
    expect(await names('Name=coins', 'Name=heddle-aos')).toBe(2)
    expect(await names('Name=coins', 'Type=Module')).toBe(0)
  })

  it('says that nothing was found', async () => {
    expect(await run('query', '-t', 'No-Such=tag')).toEqual({ code: 0, stdout: 'Nothing found.\n', stderr: '' })
    expect(await run('query', '--limit', '0')).toMatchObject({ code: 2 })
    expect(await run('query', '--owner', 'me')).toMatchObject({ code: 2, stderr: expect.stringContaining('expected an address') })
  })
})

describe('doctor', () => {
  it('is content with a node that runs', async () => {
    const { code, value } = await runJson<{ ok: boolean; checks: { name: string; ok: boolean }[] }>('doctor')
    expect({ code, ok: value.ok }).toEqual({ code: 0, ok: true })
    expect(value.checks.map(({ name }) => name)).toEqual(['Node.js', 'settings', 'disk', 'node', 'GraphQL', 'AO units'])
  })

  it('says what to do when none runs and settings are wrong', async () => {
    const { code, stdout } = await heddle(['doctor', '--url', 'http://127.0.0.1:2'], { cwd: folder, env: { HEDDLE_PROT: '1' } })
    expect(code).toBe(1)
    expect(stdout).toContain('✗ settings  HEDDLE_PROT: there is no such setting, did you mean HEDDLE_PORT?')
    expect(stdout).toContain('start one with "heddle start"')
  })

  it('is not taken in by another program on the port', async () => {
    const other = await listen()
    const { value } = await heddleJson<{ checks: { name: string; found: string }[] }>([
      'doctor',
      '--url',
      `http://127.0.0.1:${portOf(other)}`,
    ])
    expect(value.checks.find(({ name }) => name === 'node')!.found).toContain('is not a Heddle node')
    other.close()
  })
})

/** Answers every request with an empty JSON object, as some other program might. */
async function listen(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf(server: Server): string {
  return String((server.address() as { port: number }).port)
}

describe.skipIf(process.platform !== 'linux')('on a terminal (made with util-linux script)', () => {
  const onTerminal = async (words: readonly string[]): Promise<string> => {
    const command = [process.execPath, HEDDLE, ...words].map((word) => `'${word}'`).join(' ')
    const { CI: _, ...inherited } = process.env // Node.js shows no colours to what calls itself CI.
    const env = { ...inherited, HEDDLE_URL: node.url, TERM: 'xterm-256color' }
    return (await promisify(execFile)('script', ['-qec', command, '/dev/null'], { cwd: folder, env })).stdout
  }

  it('long work has a bar, which goes away, and ids stand out', async () => {
    writeFileSync(join(folder, 'long.bin'), randomBytes(30_000_000))
    const shown = (await onTerminal(['upload', 'long.bin'])).replaceAll('\x1b', 'ESC')
    expect(shown).toMatch(/\rESC\[2KUploading █*░+ +\d+ % {2}signing 30 MB/)
    expect(shown).toMatch(/█{28} 100 % {2}30 MB of 30 MB/)
    expect(shown).toContain('\rESC[2KESC[32m✓ESC[39m long.bin')
    expect(shown).toContain(`ESC[1m${node.url}/`)
  })

  it('the colours of a process stay, what moves the cursor does not', async () => {
    const { value } = await runJson<{ process: string }>('spawn')
    const shown = await onTerminal(['eval', value.process, String.raw`print("\27[31mred\27[2J\27[0m")`])
    expect(shown).toContain('\x1b[31mred\x1b[0m')
    expect(shown).not.toContain('\x1b[2J')
  })
})

describe('start', () => {
  it('prints where it is ready, and what it keeps is what --fresh deletes', async () => {
    const data = join(folder, 'data')
    const first = await startProcess(data)
    await fetch(`${first.url}/mine`)
    writeFileSync(join(folder, 'kept.txt'), 'kept')
    const { value } = await heddleJson<{ id: string }>(['upload', 'kept.txt'], { cwd: folder, url: first.url })
    // Even --fresh does not touch it while it runs.
    expect(await heddleJson<Failed>(['start', '--port', '0', '--data', data, '--fresh'])).toMatchObject({
      code: 1,
      value: { code: 'data-folder', error: expect.stringContaining(`in use by the node at ${first.url} with process id ${first.pid}`) },
    })
    expect(await first.stop()).toBe(0)

    const second = await startProcess(data)
    expect(await (await fetch(`${second.url}/${value.id}`)).text()).toBe('kept')
    await second.kill()

    const third = await startProcess(data, ['--fresh'])
    expect((await fetch(`${third.url}/${value.id}`)).status).toBe(404)
    expect(await (await fetch(`${third.url}/height`)).text()).toBe('0')
    expect(await third.stop()).toBe(0)
    expect(readdirSync(data).sort()).toEqual(['blobs', 'heddle.json', 'heddle.lock', 'index.sqlite', 'kv'])
  })

  it('ends with the older Node.js that handed it over, however that ends', async () => {
    const words = [HEDDLE, '--handed-over', 'start', '--json', '--port', '0', '--data', join(folder, 'handed-over')]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
    await once(child.stdout!, 'data')
    child.stdio[3]!.destroy() // As when that one is killed.
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  })

  it('does not empty a folder that is not a node’s', async () => {
    const letters = join(folder, 'letters')
    mkdirSync(letters)
    writeFileSync(join(letters, 'letter.txt'), 'dear')
    const { code, value } = await heddleJson<Failed>(['start', '--port', '0', '--data', letters, '--fresh'])
    expect({ code, failure: value.code }).toEqual({ code: 1, failure: 'data-folder' })
    expect(readdirSync(letters)).toEqual(['letter.txt'])
  })

  it('says that the port is taken, and leaves the folder to the next', async () => {
    const other = await listen()
    const data = join(folder, 'taken')
    const { code, value } = await heddleJson<Failed>(['start', '--port', portOf(other), '--data', data])
    expect({ code, value }).toMatchObject({
      code: 1,
      value: { code: 'port-in-use', error: expect.stringContaining(`port ${portOf(other)} is taken`) },
    })
    expect(existsSync(join(data, 'heddle.pid'))).toBe(false)
    other.close()
  })

  it('takes settings from the environment and from a file', async () => {
    const place = join(folder, 'place')
    mkdirSync(place)
    writeFileSync(join(place, 'heddle.config.json'), JSON.stringify({ port: 0, data: 'here', seal: 'sometimes' }))
    const wrong = await heddleJson<Failed>(['start'], { cwd: place, env: { HEDDLE_WORKERS: 'x' } })
    expect(wrong.code).toBe(2)
    expect(wrong.value.error).toContain('seal in heddle.config.json: "sometimes" is not one of: auto, manual')
    expect(wrong.value.error).toContain('HEDDLE_WORKERS: "x" is not a whole number')
    const child = startCommand(['start', '--json'], { cwd: place, env: { HEDDLE_SEAL: 'manual' } })
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    expect(JSON.parse(String(line))).toEqual({ event: 'ready', url: expect.stringMatching(/^http:\/\/localhost:\d+$/) })
    expect(existsSync(join(place, 'here', 'kv'))).toBe(true)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('ends with 0 when it is asked to before it is ready', async () => {
    const child = startCommand(['start', '--port', '0', '--data', join(folder, 'early')], { cwd: folder })
    await new Promise((resolve) => setTimeout(resolve, 300))
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect([0, null]).toContain(code) // Null when it was asked before it could listen to signals.
  })

  it('ends soon with 0 whatever is open', async () => {
    const running = await startProcess(join(folder, 'open'))
    const { value } = await heddleJson<{ process: string }>(['spawn'], { cwd: folder, url: running.url })
    const words = ['send', value.process, '--action', 'Eval', '--data', 'while true do end', '--no-wait']
    const { value: endless } = await heddleJson<{ id: string }>(words, { cwd: folder, url: running.url })
    const poll = fetch(`${running.url}/result/${endless.id}?process-id=${value.process}`).then((response) => response.status)
    const sockets = ['', 'GET /info HTTP/1.1\r\nHost: x\r\n', 'POST /tx HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx'].map(
      (start) => {
        const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
        socket.on('error', () => {}).write(start)
        return socket
      },
    )
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const began = performance.now()
    expect(await running.stop()).toBe(0)
    expect(performance.now() - began).toBeLessThan(STOPPED_MS_MAX)
    expect(await poll).toBe(503)
    for (const socket of sockets) socket.destroy()
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).processes).toBeGreaterThan(2)
})
