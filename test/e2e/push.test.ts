/** What processes send, with unmodified clients: aoconnect sends and reads results, arbundles reads the signed items back, GraphQL finds them. */
import { createData, DataItem, type SolanaSigner } from '@dha-team/arbundles'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import { type LegacyClient, legacyClientAt } from './support/aoconnect.ts'
import { type Answer, ask, bytesOf, nodeOf, postBytes, query, until } from './support/client.ts'
import { heddle, heddleJson } from './support/command.ts'
import { moduleOf, RUNTIMES } from './support/processes.ts'
import { signerOf } from './support/signers.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

interface Tag {
  readonly name: string
  readonly value: string
}

interface Node {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly process: string | null
  readonly target: string
  readonly slot: number | null
  readonly action: string | null
  readonly tookMs: number | null
  readonly gas: number | null
  readonly error: string | null
  readonly undelivered: readonly { readonly index: number; readonly reason: string }[]
  readonly children: readonly Node[]
}

interface Trace {
  readonly origin: string
  readonly settled: boolean
  readonly cut: boolean
  readonly count: number
  readonly roots: readonly Node[]
}

interface Result {
  readonly Error?: string
  readonly Output: { readonly data?: string }
  readonly Messages: readonly unknown[]
  readonly Undelivered?: readonly { readonly Index: number; readonly Reason: string }[]
}

const alice = createDataItemSigner(devWallet('alice'))
const UNKNOWN = 'fcoN_xJeisVsPXA-trzVAuIiqO3ydLQxM-L4XbrQKzY'
let node: TestNode
let info: TestInfo
let ao: LegacyClient

beforeAll(async () => {
  node = await startTestNode()
  info = await node.info()
  ao = legacyClientAt({ connect }, node.url)
})
afterAll(() => node.stop())

async function spawn(code = '', { module = info.heddle.modules.default, tags = [] as Tag[] } = {}): Promise<string> {
  const process = await ao.spawn({ module, scheduler: info.heddle.units.scheduler, signer: alice, tags })
  if (code !== '') await evaluate(process, code)
  return process
}

async function send(process: string, action: string, { tags = [] as Tag[], data = ' ' } = {}): Promise<string> {
  return (await ao.message({ process, tags: [{ name: 'Action', value: action }, ...tags], signer: alice, data })) as string
}

async function evaluate(process: string, code: string): Promise<string> {
  const { Error: error, Output } = await result(process, await send(process, 'Eval', { data: code }))
  expect(error, code).toBe(undefined)
  return String(Output.data)
}

async function result(process: string, message: string): Promise<Result> {
  return (await ao.result({ process, message })) as Result
}

async function trace(message: string, limit = 2_000): Promise<Trace> {
  return JSON.parse((await ask(`${node.url}/heddle/traces/${message}?limit=${limit}`)).body) as Trace
}

/** Asks now and then: telling of a large tree is work for the node, too. */
async function settled(message: string): Promise<Trace> {
  const deadline = Date.now() + 60_000
  for (let pause = 10; Date.now() < deadline; pause = Math.min(2 * pause, 400)) {
    const seen = await trace(message)
    if (seen.settled) return seen
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  throw new Error(`${message} has not settled`)
}

function all(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((one) => [one, ...all(one.children)])
}

/** As arbundles reads it, its signature checked. */
async function itemOf(id: string): Promise<DataItem> {
  const item = new DataItem(Buffer.from(await bytesOf(`${node.url}/heddle/items/${id}`)))
  expect(await item.isValid()).toBe(true)
  expect(item.id).toBe(id)
  return item
}

async function found(filter: string): Promise<{ id: string; recipient: string; tags: Tag[] }[]> {
  const text = `{ transactions(${filter}, first: 50) { edges { node { id recipient owner { address } tags { name value } } } } }`
  const { transactions } = await query<{ transactions: { edges: { node: { id: string; recipient: string; tags: Tag[] } }[] } }>(
    node.url,
    text,
  )
  return transactions.edges.map((edge) => edge.node)
}

function post(item: DataItem): Promise<Answer> {
  return postBytes(`${node.url}/`, item.getRaw())
}

const asText = (tags: readonly Tag[]): string => tags.map(({ name, value }) => `${name}=${value}`).join(' ')
const tagOf = (tags: readonly Tag[], name: string): string | undefined => tags.find((tag) => tag.name === name)?.value

describe('a message that a process sends', () => {
  it('is a signed item with the tags of the messenger, which GraphQL finds', async () => {
    const b = await spawn()
    const a = await spawn(`Handlers.add('go', 'Go', function (msg)
      Send({ Target = '${b}', Action = 'Hello', ['X-Note'] = 'n', Num = 5, Yes = true, ['From-Process'] = 'forged', Data = 'hi' })
    end)`)
    const cause = await send(a, 'Go')
    const { roots } = await settled(cause)
    const [hello] = roots[0]!.children
    const item = await itemOf(hello!.id)
    const tags = new Map(item.tags.map(({ name, value }) => [name, value]))
    expect(item.tags).toHaveLength(tags.size)
    expect(Object.fromEntries(tags)).toEqual({
      'Data-Protocol': 'ao',
      Variant: 'ao.TN.1',
      Type: 'Message',
      Reference: expect.stringMatching(/^\d+$/),
      Action: 'Hello',
      'X-Note': 'n',
      Num: '5',
      Yes: 'true',
      'From-Process': a,
      'From-Module': info.heddle.modules.default,
      'Pushed-For': cause,
    })
    expect([item.target, item.rawData.toString()]).toEqual([b, 'hi'])
    expect(item.rawAnchor.toString()).toBe(tags.get('Reference')!.padStart(32, '0'))
    expect(await nodeOf(node.url, hello!.id)).toMatchObject({ recipient: b, owner: { address: info.heddle.units.authority } })
    for (const filter of [`tags: [{ name: "Pushed-For", values: ["${cause}"] }]`, `tags: [{ name: "From-Process", values: ["${a}"] }]`])
      expect((await found(filter)).map(({ id }) => id)).toContain(hello!.id)
  })

  it('to a wallet is stored for it; to nobody who can be named it stays in the result, with the reason', async () => {
    const ethereum = '0x00000000219ab540356cBB839Cbe05303d7705Fa'
    const a = await spawn(`Handlers.add('pay', 'Pay', function (msg)
      for _, to in ipairs({ '${UNKNOWN}', '${ethereum}' }) do Send({ Target = to, Action = 'Credit-Notice', Quantity = '3' }) end
      Send({ device = 'patch@1.0', balances = { a = '1' } })
    end)`)
    const cause = await send(a, 'Pay')
    const { roots } = await settled(cause)
    expect(roots[0]!.children).toMatchObject([{ state: 'stored', process: null, target: UNKNOWN, slot: null }])
    const [stored] = await found(`recipients: ["${UNKNOWN}"], tags: [{ name: "From-Process", values: ["${a}"] }]`)
    expect(asText(stored!.tags)).toContain(`From-Process=${a} From-Module=${info.heddle.modules.default} Pushed-For=${cause}`)
    const { Messages, Undelivered } = await result(a, cause)
    expect(Messages).toHaveLength(3)
    expect(Undelivered).toEqual([{ Index: 1, Reason: expect.stringContaining(`${ethereum} is an Ethereum address`) }])
    expect((await ask(`${node.url}/heddle/traces/${stored!.id}`)).status).toBe(200)
  })

  it('is signed by a user like any other when somebody claims to be a process', async () => {
    for (const runtime of RUNTIMES) {
      const module = await moduleOf(node.url, runtime, itemSigner(await generateKey('ed25519')))
      const process = await spawn(`Seen = 0; Handlers.add('mint', 'Mint', function () Seen = Seen + 1 end)`, { module })
      const forged = await send(process, 'Mint', { tags: [{ name: 'From-Process', value: UNKNOWN }] })
      const { Output, Messages, Error: error } = await result(process, forged)
      expect(Output.data, runtime.name).toMatch(/^Message is not trusted! From: .* - Owner: /)
      expect([error, Messages], runtime.name).toEqual([undefined, []])
      expect(await evaluate(process, 'Seen'), runtime.name).toBe('0')
    }
  })

  it('is not scheduled once more because somebody signs it for another cause', async () => {
    const b = await spawn()
    const a = await spawn(`Handlers.add('go', 'Go', function (msg) Send({ Target = '${b}', Action = 'Coins' }) end)`)
    const { roots } = await settled(await send(a, 'Go'))
    const original = await itemOf(roots[0]!.children[0]!.id)
    const tags = original.tags.map(({ name, value }) => ({ name, value: name === 'Pushed-For' ? UNKNOWN : value })).reverse()
    const signer = signerOf('solana') as SolanaSigner
    const copy = createData(original.rawData, signer, { target: original.target, anchor: original.rawAnchor.toString(), tags })
    await copy.sign(signer)
    const refused = await post(copy)
    expect([refused.status, refused.body]).toEqual([409, expect.stringContaining('Deep hash already exists')])
    expect((await post(original)).status).toBe(202) // That very item is here already.
    expect((await settled(original.id)).roots).toHaveLength(1)
    expect((await ask(`${node.url}/heddle/processes/${b}`)).body).toContain('"slot":1,')
  })
})

describe('spawns and assignments', () => {
  it('make a process, tell its spawner, and give it to whom it is for', async () => {
    const a = await spawn(`Handlers.add('make', 'Make', function (msg)
      Child = Spawn(ao.env.Module.Id, { Name = 'child', ['X-Note'] = 'n', Authority = ao.env.Process.Tags.Authority }).receive().Process
      Assign({ Processes = { ao.id }, Message = Child })
    end)`)
    const cause = await send(a, 'Make')
    const { roots } = await settled(cause)
    const nodes = all(roots)
    const child = nodes.find(({ kind }) => kind === 'spawn')!.id
    expect(await evaluate(a, 'Child')).toBe(child)
    const born = await itemOf(child)
    expect(asText(born.tags)).toMatch(new RegExp(`Data-Protocol=ao Type=Process From-Process=${a} From-Module=\\S+ Pushed-For=${cause}$`))
    expect(born.tags.filter(({ name }) => ['Variant', 'From-Process', 'From-Module', 'Scheduler'].includes(name))).toHaveLength(4)
    expect(tagOf(born.tags, 'Scheduler')).toBe(info.heddle.units.scheduler)
    const spawned = await itemOf(nodes.find(({ action }) => action === 'Spawned')!.id)
    expect(tagOf(spawned.tags, 'Process')).toBe(child)
    expect(tagOf(spawned.tags, 'Reference')).toBe(tagOf(born.tags, 'Reference'))
    expect(spawned.target).toBe(a)
    expect(nodes.find(({ kind }) => kind === 'assignment')).toMatchObject({ id: child, process: a, state: 'evaluated' })
    expect((await result(child, child)).Error).toBe(undefined)
  })

  it('a process that is addressed to another one is assigned to it', async () => {
    const a = await spawn()
    const signer = signerOf('solana')
    const tags = Object.entries({
      'Data-Protocol': 'ao',
      Variant: 'ao.TN.1',
      Type: 'Process',
      Module: info.heddle.modules.default,
      Scheduler: info.heddle.units.scheduler,
    }).map(([name, value]) => ({ name, value }))
    const item = createData('1984', signer, { target: a, tags })
    await item.sign(signer)
    expect((await post(item)).status).toBe(202)
    const { roots } = await settled(item.id)
    expect(roots).toMatchObject([{ kind: 'spawn', slot: 0, children: [{ kind: 'assignment', process: a, slot: 1, id: item.id }] }])
  })
})

describe('what has no end', () => {
  it('is cut, and that shows in the result and the trace', async () => {
    const code = `Handlers.add('ping', 'Ping', function (msg) Send({ Target = msg.From, Action = 'Ping' }) end)`
    const b = await spawn(code)
    const a = await spawn(`${code} Handlers.add('go', 'Go', function (msg) Send({ Target = '${b}', Action = 'Ping' }) end)`)
    const found = await settled(await send(a, 'Go'))
    const nodes = all(found.roots)
    expect([found.count, nodes.length, found.cut]).toEqual([257, 257, false])
    const cut = nodes.filter(({ undelivered }) => undelivered.length > 0)
    expect(cut).toMatchObject([{ slot: 130, undelivered: [{ index: 0, reason: expect.stringMatching(/^cut: 256 pushes deep/) }] }])
    const { process, id } = cut[0]!
    expect((await result(process!, id)).Undelivered).toMatchObject([{ Index: 0, Reason: expect.stringMatching(/^cut/) }])
    const pushed = await ask(`${node.url}/push/${id}/0?process-id=${process}`, { method: 'POST' })
    expect([pushed.status, JSON.parse(pushed.body)]).toEqual([202, { message: 'Processing Message Result', id }])
    expect(all((await settled(id)).roots)).toMatchObject([
      { undelivered: [] },
      { undelivered: [{ reason: expect.stringMatching(/^cut/) }] },
    ])
  })

  it('a second push of what was delivered changes nothing, and bad ones say what is wrong', async () => {
    const a = await spawn(`Handlers.add('go', 'Go', function (msg) Send({ Target = ao.id, Action = 'Once' }) end)`)
    const cause = await send(a, 'Go')
    const before = await settled(cause)
    const push = (path: string): Promise<Answer> => ask(`${node.url}/push/${path}`, { method: 'POST' })
    expect((await push(`${cause}/0?process-id=${a}`)).status).toBe(202)
    expect((await push(`${cause}/0`)).status).toBe(202)
    expect(await settled(cause)).toEqual(before)
    expect(JSON.parse((await push(`${cause}/x?process-id=${a}`)).body)).toEqual({ error: "'number' parameter must be a valid number" })
    expect((await push(`${cause}/x?process-id=${a}`)).status).toBe(400)
    expect((await push(`${cause}/1?process-id=${a}`)).status).toBe(404)
    expect((await push(`${UNKNOWN}/0?process-id=${a}`)).status).toBe(404)
  })
})

it('a tick of cron sends without Pushed-For, and so does who answers it', async () => {
  const b = await spawn(`Handlers.add('ping', 'Ping', function (msg) msg.reply({ Action = 'Pong' }) end)`)
  const tags = [
    { name: 'Cron-Interval', value: '1-second' },
    { name: 'Cron-Tag-Action', value: 'Tick' },
  ]
  const a = await spawn(`Handlers.add('tick', 'Tick', function () Send({ Target = '${b}', Action = 'Ping' }) end)`, { tags })
  const pong = await until('a tick was answered', async () => {
    await evaluate(a, '1')
    const [answer] = await found(`tags: [{ name: "From-Process", values: ["${b}"] }]`)
    return answer ?? null
  })
  const { origin, roots } = await settled(pong.id)
  expect(origin).toMatch(/^cron:/)
  const tick = await settled(origin.slice('cron:'.length))
  expect(tick.roots).toMatchObject([{ kind: 'tick', process: a, children: [{ action: 'Ping', children: [{ id: roots[0]!.id }] }] }])
  const items = await Promise.all(
    all(tick.roots)
      .slice(1)
      .map(({ id }) => itemOf(id)),
  )
  expect(items.map((item) => tagOf(item.tags, 'Pushed-For'))).toEqual([undefined, undefined])
})

describe('a trace', () => {
  it('of a tree of many messages is told by HTTP, by the command line, and as messenger units tell it', async () => {
    const leaf = await spawn(`Handlers.add('leaf', 'Leaf', function (msg) if msg.Data == '3' then error('no third leaf') end end)`)
    const relay = await spawn(
      `Handlers.add('relay', 'Relay', function (msg) for i = 1, 3 do Send({ Target = '${leaf}', Action = 'Leaf', Data = tostring(i) }) end end)`,
    )
    const root = await spawn(
      `Handlers.add('root', 'Root', function (msg) for i = 1, 3 do Send({ Target = '${relay}', Action = 'Relay' }) end print('sent') end)`,
    )
    const cause = await send(root, 'Root')
    const shown = await heddle(['trace', cause], { url: node.url })
    expect(shown.code).toBe(0)
    const lines = shown.stdout.trimEnd().split('\n')
    expect(
      lines
        .map((line) => /(Root|Relay|Leaf) → (\S{8})… slot \d+ [\d.]+ ms, .* gas/.exec(line)?.slice(1, 3).join(' '))
        .filter((line) => line !== undefined),
    ).toEqual([
      `Root ${root.slice(0, 8)}`,
      ...[1, 2, 3].flatMap(() => [`Relay ${relay.slice(0, 8)}`, ...[1, 2, 3].map(() => `Leaf ${leaf.slice(0, 8)}`)]),
    ])
    expect(shown.stdout.match(/✗ .*no third leaf/g)).toHaveLength(3)
    expect(lines.at(-1)).toBe('13 messages')

    const { value, code } = await heddleJson<Trace>(['trace', cause, '--process', root], { url: node.url })
    expect([code, value.settled, value.count]).toEqual([0, true, 13])
    expect(value).toEqual(await trace(cause))
    const nodes = all(value.roots)
    expect(nodes.every(({ tookMs, gas }) => tookMs !== null && tookMs >= 0 && gas !== null && gas > 0)).toBe(true)
    expect(nodes.filter(({ error }) => error?.includes('no third leaf'))).toHaveLength(3)

    const part = await trace(cause, 2)
    for (const bad of ['limit=x', 'process=x', 'depth=-1'])
      expect((await ask(`${node.url}/heddle/traces/${cause}?${bad}`)).status, bad).toBe(400)
    expect((await ask(`${node.url}/heddle/traces/${cause}?process=${leaf}`)).status).toBe(404)
    expect([part.cut, part.count]).toEqual([true, 2])
    const missing = await heddle(['trace', UNKNOWN], { url: node.url })
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining(`${UNKNOWN} is not on this node`)])

    const debug = JSON.parse((await ask(`${node.url}/?debug=1&process=${relay}&message=${nodes[1]!.id}&page-size=4`)).body) as {
      pageInfo: { hasNextPage: boolean }
      edges: { node: { relation: string; messageId: string; parentId: string | null; processId: string; type: string } }[]
    }
    expect(debug.edges.map(({ node: { relation } }) => relation)).toEqual(['root', 'ancestor', 'descendant', 'descendant'])
    expect(debug.edges[0]!.node).toMatchObject({ messageId: nodes[1]!.id, processId: relay, parentId: cause, type: 'MESSAGE' })
    expect(debug.pageInfo.hasNextPage).toBe(true)
    const page = (query: string): Promise<Answer> => ask(`${node.url}/?debug=1&${query}`)
    expect(JSON.parse((await page(`process=${leaf}&page=2&page-size=5`)).body)).toMatchObject({
      edges: expect.any(Array),
      pageInfo: { hasNextPage: true },
    })
    expect((await page(`process=${leaf}&message=${cause}&spawn=${leaf}`)).status).toBe(422)
    expect((await page('message=x')).status).toBe(400)
    expect(JSON.parse((await ask(`${node.url}/`)).body)).toHaveProperty('network')
  })
})

it('all of it computes to the same again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(300)
})
