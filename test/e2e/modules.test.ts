/** Modules as people publish and name them: the command line, aoconnect, ids that clients carry in their code, and where schedulers are found. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALIAS_TAG, MODULE_ALIASES, SCHEDULER_ALIASES } from '../../src/services/aliases.ts'
import { startTestNode, type TestNode, type TestOptions } from '../../src/testkit/node.ts'
import { AOS_32, AOS_64, LARGE } from '../aos/modules.ts'
import { ask, bytesOf, nodeOf, query } from './support/client.ts'
import { heddle, heddleJson } from './support/command.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const AOS = 'ISShJH1ij-hPPt9St5UFFr_8Ys3Kj5cyg7zrMGt7H9s'
const SQLITE = 'ghSkge2sIUD_F00ym5sEimC63BDBuBrq4b5OcwxOjiw'
const SCHEDULER = '_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA'

const alice = createDataItemSigner(devWallet('alice'))
let node: TestNode
let folder: string
const others: TestNode[] = []

beforeAll(async () => {
  ;[node, folder] = await Promise.all([startTestNode(), mkdtemp(join(tmpdir(), 'heddle-modules-'))])
})
afterAll(async () => {
  await Promise.all([node, ...others].map((one) => one.stop()))
  await rm(folder, { recursive: true })
})

async function start(options: TestOptions): Promise<TestNode> {
  const other = await startTestNode(options)
  others.push(other)
  return other
}

function aoOf(url: string) {
  return connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
}

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function evaluate(url: string, process: string, code: string): Promise<unknown> {
  const ao = aoOf(url)
  const message = (await ao.message({ process, signer: alice, tags: [{ name: 'Action', value: 'Eval' }], data: code })) as string
  const result = await ao.result({ process, message })
  expect(result.Error, code).toBe(undefined)
  return (result.Output as { data: unknown }).data
}

interface Added {
  readonly id: string
  readonly name: string
  readonly format: string
  readonly detected: boolean
  readonly sizeBytes: number
}

async function add(...words: string[]): Promise<Added> {
  const { code, value } = await heddleJson<Added>(['module', 'add', ...words], { url: node.url })
  expect([code, value]).toEqual([0, expect.objectContaining({ id: expect.stringMatching(/^[\w-]{43}$/) })])
  return value
}

async function tagsOf(id: string): Promise<Record<string, string>> {
  return Object.fromEntries((await nodeOf(node.url, id))!.tags.map(({ name, value }) => [name, value]))
}

describe('heddle module add', () => {
  it.each([
    ['64 bits', AOS_64, 'wasm64-unknown-emscripten-draft_2024_02_15'],
    ['32 bits', AOS_32, 'wasm32-unknown-emscripten4'],
  ])('publishes aos for %s, which aoconnect and the command line run', async (_bits, { path, name }, format) => {
    const added = await add(path)
    expect(added).toMatchObject({ name, format, detected: true, sizeBytes: readFileSync(path).length })
    expect(await tagsOf(added.id)).toEqual({
      Name: name,
      'Memory-Limit': '512-mb',
      'Compute-Limit': '9000000000000',
      'Data-Protocol': 'ao',
      Type: 'Module',
      'Module-Format': format,
      'Input-Encoding': 'JSON-1',
      'Output-Encoding': 'JSON-1',
      Variant: 'ao.TN.1',
      'Content-Type': 'application/wasm',
    })
    expect(Buffer.from(await bytesOf(`${node.url}/raw/${added.id}`)).equals(readFileSync(path))).toBe(true)
    const { scheduler } = (await node.info()).heddle.units
    const process = await aoOf(node.url).spawn({ module: added.id, scheduler, signer: alice, tags: [] })
    expect(await evaluate(node.url, process, '1 + 1')).toBe('2')
    const spawned = await heddleJson<{ process: string; module: string }>(['spawn', '--module', name], { url: node.url })
    expect(spawned).toMatchObject({ code: 0, value: { module: added.id } })
    expect(await evaluate(node.url, spawned.value.process, '2 + 2')).toBe('4')
  })

  it('takes Lua and TypeScript, limits and tags', async () => {
    const lua = await add(
      await file('hi.lua', 'return function (msg) return { ok = true, response = { Output = "hi", Messages = {} } } end'),
      ...['--memory-limit', '64-mb', '--compute-limit', '100000000000', '--tag', 'Extension=WeaveDrive', '--tag', 'Content-Type=text/lua'],
    )
    expect(lua).toMatchObject({ name: 'hi', format: 'heddle-lua-1' })
    expect(await tagsOf(lua.id)).toMatchObject({
      'Memory-Limit': '64-mb',
      'Compute-Limit': '100000000000',
      Extension: 'WeaveDrive',
      'Content-Type': 'text/lua',
    })
    const typescript = await add(
      await file('own.ts', 'export function handle(): { Output: string } { const text: string = "typed"; return { Output: text } }'),
    )
    expect(typescript.format).toBe('heddle-js-1')
    const spawned = await heddleJson<{ result: { Output: unknown } }>(['spawn', '--module', typescript.id], { url: node.url })
    expect(spawned.value.result.Output).toBe('typed')
  })

  it('a module larger than what is held in memory streams to the node', async () => {
    const path = await file('large.lua', `return function () return { Output = "large" } end --${'x'.repeat(3_000_000)}`)
    const added = await add(path, '--name', 'large one')
    expect((await bytesOf(`${node.url}/raw/${added.id}`)).length).toBe(added.sizeBytes)
  })

  it.each<[string, () => Promise<string[]>, number, string]>([
    ['Lua that is none', async () => [await file('bad.lua', 'return function(')], 1, 'does not start'],
    ['TypeScript that is none', async () => [await file('bad.ts', 'export function handle( {')], 1, 'bad.ts'],
    ['WebAssembly cut short', async () => [await file('cut.wasm', '\0asm\x01\0\0\0\x07')], 1, 'cut short'],
    ['a module that wants too much memory', async () => [LARGE.path], 1, 'its memory starts with'],
    ['a format that nobody has', async () => [AOS_64.path, '--format', 'wasm128'], 1, 'this node runs heddle-lua-1'],
    ['the format of another module', async () => [AOS_64.path, '--format', 'heddle-lua-1'], 1, 'does not start'],
    ['what is no module', async () => [await file('x.txt', 'hello')], 2, 'neither WebAssembly nor'],
    ['what is not there', async () => [join(folder, 'nothing.wasm')], 2, 'does not exist'],
    ['a limit that is none', async () => [AOS_64.path, '--memory-limit', 'much'], 2, 'write it like 512-mb'],
    ['nothing', async () => [], 2, 'add needs a file'],
  ])('refuses %s before it uploads', async (_what, words, code, reason) => {
    const ran = await heddle(['module', 'add', ...(await words())], { url: 'http://127.0.0.1:1' })
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(reason)])
  })

  it('what a module is shows in list and show', async () => {
    const { value } = await heddleJson<{ modules: { name: string; format: string; isDefault: boolean }[] }>(['module', 'list'], {
      url: node.url,
    })
    expect(value.modules.find(({ name }) => name === 'hi')).toMatchObject({ format: 'heddle-lua-1', isDefault: false })
    expect(value.modules.filter(({ isDefault }) => isDefault).map(({ name }) => name)).toEqual(['heddle-aos'])
    const shown = await heddle(['module', 'show', AOS], { url: node.url })
    expect(shown.stdout).toContain('a well-known id')
    expect(await heddle(['module', 'show', SQLITE], { url: node.url })).toMatchObject({ code: 1 })
    expect(await heddle(['spawn', '--module', 'no such name'], { url: node.url })).toMatchObject({ code: 1 })
  })
})

describe('well-known ids', () => {
  it('spawn by aoconnect with the module and the scheduler that clients have in their code', async () => {
    const process = await aoOf(node.url).spawn({ module: AOS, scheduler: SCHEDULER, signer: alice, tags: [] })
    expect(await evaluate(node.url, process, '1 + 1')).toBe('2')
    const { heddle: own } = await node.info()
    expect(await evaluate(node.url, process, 'ao.env.Module.Id')).toBe(own.modules.default)
    const shown = JSON.parse((await ask(`${node.url}/heddle/processes/${process}`)).body) as { module: string }
    expect(shown.module).toBe(own.modules.default)
    const verified = await heddle(['verify', process], { url: node.url })
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining(`it names module ${AOS}, a well-known id`)])
  })

  it('are in GET /info, and give the bytes of what they stand for', async () => {
    const info = JSON.parse((await ask(`${node.url}/info`)).body) as { heddle: { modules: { default: string; aliases: string[] } } }
    expect(info.heddle.modules.aliases).toEqual([...MODULE_ALIASES.keys()])
    const own = await bytesOf(`${node.url}/raw/${info.heddle.modules.default}`)
    for (const alias of info.heddle.modules.aliases) {
      for (const path of [`/raw/${alias}`, `/${alias}`]) expect(await bytesOf(node.url + path)).toEqual(own)
      expect((await nodeOf(node.url, alias))?.tags).toContainEqual({ name: ALIAS_TAG, value: info.heddle.modules.default })
    }
  })

  it('of modules with more in them name what to do', async () => {
    const { code, stderr } = await heddle(['spawn', '--module', SQLITE], { url: node.url })
    expect([code, stderr]).toEqual([1, expect.stringMatching(/aos with SQLite.*--upstream.*heddle module add/s)])
  })

  it('can be switched off', async () => {
    const strict = await start({ aliases: 'off' })
    const info = JSON.parse((await ask(`${strict.url}/info`)).body) as { heddle: { modules: { aliases: string[] } } }
    expect(info.heddle.modules.aliases).toEqual([])
    expect((await ask(`${strict.url}/raw/${AOS}`)).status).toBe(404)
    expect(await nodeOf(strict.url, AOS)).toBe(null)
    expect(await locations(strict.url, SCHEDULER)).toEqual([])
    const { code, stderr } = await heddle(['spawn', '--module', AOS], { url: strict.url })
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not on this node')])
  })
})

interface SchedulerUtils {
  connect(options: object): {
    raw(address: string): Promise<{ readonly url: string }>
    validate(address: string): Promise<boolean>
    locate(process: string, scheduler: string): Promise<{ readonly url: string; readonly address: string }>
  }
}

/** The copy that aoconnect uses. */
function schedulerUtils(): SchedulerUtils {
  const aoconnect = createRequire(import.meta.url).resolve('@permaweb/aoconnect')
  return createRequire(aoconnect)('@permaweb/ao-scheduler-utils') as SchedulerUtils
}

interface Location {
  readonly id: string
  readonly owner: { readonly address: string }
  readonly tags: readonly { readonly name: string; readonly value: string }[]
}

/** As permaweb/ao scheduler-utils asks. */
async function locations(url: string, owner: string): Promise<{ url: string; ttl: string }[]> {
  const { transactions } = await query<{ transactions: { edges: { node: Location }[] } }>(
    url,
    `query ($owner: String!) { transactions(owners: [$owner], tags: [{ name: "Data-Protocol", values: ["ao"] },
      { name: "Type", values: ["Scheduler-Location"] }], sort: HEIGHT_DESC, first: 1) { edges { node { tags { name value } } } } }`,
    { owner },
  )
  const value = (tags: Location['tags'], wanted: string): string => tags.find(({ name }) => name === wanted)?.value ?? ''
  return transactions.edges.map((edge) => ({ url: value(edge.node.tags, 'Url'), ttl: value(edge.node.tags, 'Time-To-Live') }))
}

async function ownLocations(url: string, owner: string): Promise<string[]> {
  const { transactions } = await query<{ transactions: { edges: { node: Location }[] } }>(
    url,
    `{ transactions(tags: [{ name: "Type", values: ["Scheduler-Location"] }], first: 100) { edges { node { id owner { address } tags { name value } } } } }`,
  )
  const own = transactions.edges.filter((edge) => edge.node.owner.address === owner)
  return own.map((edge) => edge.node.tags.find(({ name }) => name === 'Url')?.value ?? '')
}

describe('Scheduler-Location', () => {
  it('leads to this node by its own scheduler and by well-known ones', async () => {
    const { scheduler } = (await node.info()).heddle.units
    for (const owner of [scheduler, ...SCHEDULER_ALIASES])
      expect(await locations(node.url, owner)).toEqual([{ url: node.url, ttl: '60000' }])
    expect(await locations(node.url, AOS)).toEqual([])
  })

  it('is published again when the URL changes, and only then', async () => {
    const publicUrl = 'https://ao.example'
    let other = await startTestNode({ publicUrl })
    const { scheduler } = (await other.info()).heddle.units
    other = await other.restart()
    expect(await ownLocations(other.url, scheduler)).toEqual([publicUrl])
    expect(await locations(other.url, SCHEDULER)).toMatchObject([{ url: publicUrl }])
    others.push(other)
    const plain = await startTestNode()
    const again = await plain.restart()
    others.push(again)
    expect(await locations(again.url, scheduler)).toMatchObject([{ url: again.url }])
    expect((await ownLocations(again.url, scheduler)).sort()).toEqual([plain.url, again.url].sort())
  })

  it('is what @permaweb/ao-scheduler-utils, which is inside aoconnect, looks up', async () => {
    const { scheduler } = (await node.info()).heddle.units
    const connected = (): ReturnType<SchedulerUtils['connect']> =>
      schedulerUtils().connect({ GRAPHQL_URL: `${node.url}/graphql`, GRAPHQL_MAX_RETRIES: 0 })
    for (const owner of [scheduler, SCHEDULER]) {
      const utils = connected() // Each has a cache.
      expect(await utils.raw(owner)).toMatchObject({ url: node.url })
      expect(await utils.validate(owner)).toBe(true)
      expect(await utils.locate(AOS, owner)).toMatchObject({ url: node.url, address: owner })
    }
    await expect(connected().validate(AOS)).rejects.toThrow('Could not find')
  })

  it('leads to the port of the scheduler unit when that has its own', async () => {
    const other = await start({ unitPorts: true })
    expect(await locations(other.url, SCHEDULER)).toMatchObject([{ url: other.unitUrls?.su }])
  })

  it('is there again after a reset', async () => {
    const other = await start({})
    expect((await ask(`${other.url}/reset`)).status).toBe(200)
    expect(await locations(other.url, SCHEDULER)).toMatchObject([{ url: other.url }])
  })
})

describe('GET /{process}', () => {
  it('tells what the process is in its headers, as messengers read it', async () => {
    const process = await aoOf(node.url).spawn({
      module: AOS,
      scheduler: SCHEDULER,
      signer: alice,
      tags: [
        { name: 'Authority', value: SCHEDULER },
        { name: 'Authority', value: AOS },
        { name: 'Set-Cookie', value: 'a=b' },
        { name: 'Content-Security-Policy', value: 'none' },
        { name: 'Name', value: 'Grüße' },
      ],
    })
    for (const method of ['GET', 'HEAD']) {
      const { headers } = await ask(`${node.url}/${process}`, { method })
      expect(Object.fromEntries(headers)).toMatchObject({
        type: 'Process',
        module: AOS,
        scheduler: SCHEDULER,
        'data-protocol': 'ao',
        variant: 'ao.TN.1',
        authority: `${SCHEDULER}, ${AOS}`,
      })
      for (const name of ['set-cookie', 'content-security-policy', 'name']) expect(headers.get(name)).toBe(null)
    }
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(8)
})
