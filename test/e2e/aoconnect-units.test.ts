/**
 * Every call of unmodified @permaweb/aoconnect 0.0.98 in legacy mode, with all units at one address and with each at its own.
 */
import { createHash } from 'node:crypto'
import Arweave from 'arweave'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import {
  type Aoconnect,
  ethereumWallet,
  type LegacyClient,
  type LoadedAoconnect,
  legacyClient,
  loadAoconnect,
  type Urls,
} from './support/aoconnect.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

interface Tag {
  readonly name: string
  readonly value: string
}

interface Edge {
  readonly cursor: string
  readonly node: { readonly Output: { readonly data: string }; readonly Error?: string }
}

interface ScheduledNode {
  readonly message: { readonly id: string; readonly data: string } | null
  readonly assignment: { readonly id: string; readonly tags: readonly Tag[] }
}

interface ScheduledPage {
  readonly page_info: { readonly has_next_page: boolean }
  readonly edges: readonly { readonly node: ScheduledNode; readonly cursor: string }[]
}

const EVAL: Tag[] = [{ name: 'Action', value: 'Eval' }]
const alice = devWallet('alice')

let node: TestNode
let info: TestInfo
let loaded: LoadedAoconnect

beforeAll(async () => {
  node = await startTestNode({ unitPorts: true, sealMs: 20 })
  info = await node.info()
  loaded = await loadAoconnect({ gateway: node.url, mu: node.url, cu: node.url })
})
afterAll(() => node.stop())

function tagOf(tags: readonly Tag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name)?.value
}

it('exports what is called below', () => {
  const { aoconnect } = loaded
  expect(Object.keys(aoconnect).sort()).toEqual(
    // In mainnet mode `connect` gives other calls; `createSigner` is the newer name of `createDataItemSigner`.
    'assign connect createDataItemSigner createSigner dryrun message monitor result results serializeCron spawn unmonitor'.split(' '),
  )
  const own =
    'MODE assign createDataItemSigner dryrun getLastSlot getMessageById getMessages message monitor result results sendSignedMessage signMessage spawn unmonitor'
  expect(Object.keys(legacyClient(aoconnect, oneUrl())).sort()).toEqual(own.split(' '))
})

describe.each([
  ['exported calls, set up by the environment', (): LegacyClient => ({ ...legacyClient(loaded.aoconnect, oneUrl()), ...exported() })],
  ['one address for all units', (): LegacyClient => legacyClient(loaded.aoconnect, oneUrl())],
  ['one address with slashes behind it', (): LegacyClient => legacyClient(loaded.aoconnect, oneUrl('//'))],
  ['an address for each unit', (): LegacyClient => legacyClient(loaded.aoconnect, unitUrls())],
])('%s', (_name, connected) => {
  let ao: LegacyClient
  let signer: ReturnType<Aoconnect['createDataItemSigner']>
  let process: string

  beforeAll(async () => {
    ao = connected()
    signer = loaded.aoconnect.createDataItemSigner(alice)
    process = await spawn()
    await evaluate(
      process,
      `Hits = 0
       Handlers.add('hit', 'Hit', function (msg) Hits = Hits + 1; msg.reply({ Data = tostring(Hits) }) end)
       Handlers.add('who', 'Who', function (msg) msg.reply({ Data = msg.From .. ' ' .. msg.Owner }) end)`,
    )
  })

  async function spawn(tags: Tag[] = []): Promise<string> {
    return ao.spawn({ module: info.heddle.modules.default, scheduler: info.heddle.units.scheduler, signer, tags })
  }

  async function evaluate(target: string, code: string): Promise<{ id: string; data: string }> {
    const id = (await ao.message({ process: target, tags: EVAL, data: code, signer })) as string
    const { Output, Error: error } = await ao.result({ process: target, message: id })
    expect(error, code).toBe(undefined)
    return { id, data: Output.data }
  }

  it('spawn, message, result', async () => {
    const own = await spawn([{ name: 'Name', value: 'mine' }])
    expect((await ao.result({ process: own, message: own })).Error).toBe(undefined)
    expect((await evaluate(own, 'Name .. " " .. Owner')).data).toBe(`mine ${addressOf(alice.n)}`)
  })

  it('message says which slot it got', async () => {
    const own = await spawn()
    const send = { process: own, tags: EVAL, data: '1', signer, returnAssignmentSlot: true }
    expect(await ao.message(send)).toBe('1')
    const both = (await ao.message({ ...send, returnMessageId: true })) as unknown as { slot: string; id: string }
    expect(both).toEqual({ slot: '2', id: expect.stringMatching(/^[\w-]{43}$/) })
    expect((await ao.result({ process: own, message: both.id })).Output.data).toBe('1')
  })

  it('results, page after page, forwards and backwards', async () => {
    const own = await spawn()
    const codes = ['1', '2', 'error("not listed")', '3', '4', '5', '6']
    for (const code of codes)
      await ao.result({ process: own, message: (await ao.message({ process: own, tags: EVAL, data: code, signer })) as string })
    const wanted = codes.filter((code) => code.length === 1)
    const page = async (options: { from?: string; to?: string; sort?: 'ASC' | 'DESC' }): Promise<Edge[]> =>
      (await ao.results({ process: own, limit: 2, ...options })).edges as Edge[]
    const forwards: Edge[] = []
    for (let edges = await page({}); edges.length > 0; edges = await page({ from: edges.at(-1)!.cursor })) forwards.push(...edges)
    expect(forwards.slice(1).map((edge) => edge.node.Output.data)).toEqual(wanted)
    // `to` is inclusive, so a page backwards begins with the last of the page before.
    const backwards: Edge[] = await page({ sort: 'DESC' })
    for (let more = 1; more > 0; ) {
      const edges = (await page({ to: backwards.at(-1)!.cursor })).slice(1)
      backwards.push(...edges)
      more = edges.length
    }
    expect(backwards.slice(0, -1).map((edge) => edge.node.Output.data)).toEqual(wanted.toReversed())
    const ordinates = [...forwards, ...backwards].map(({ cursor }) => (JSON.parse(atob(cursor)) as { ordinate: string }).ordinate)
    expect(ordinates).toEqual(['0', '1', '2', '4', '5', '6', '7', '7', '6', '5', '4', '2', '1', '0'])
    const [first, , third] = forwards
    const between = await ao.results({ process: own, from: first!.cursor, to: third!.cursor })
    expect(between.edges.map(({ node: { Output } }) => Output.data)).toEqual(['1', '2'])
  })

  it('dryrun sees what was sent, and leaves no trace', async () => {
    const hit = { process, tags: [{ name: 'Action', value: 'Hit' }], data: '' }
    const before = Number((await evaluate(process, 'Hits')).data)
    for (let i = 0; i < 2; i++) expect((await ao.dryrun(hit)).Messages[0].Data).toBe(String(before + 1))
    await ao.message({ ...hit, signer })
    expect((await ao.dryrun(hit)).Messages[0].Data).toBe(String(before + 2))
    const asOwner = await ao.dryrun({ process, tags: EVAL, data: 'Hits', Owner: addressOf(alice.n) })
    expect(asOwner.Output.data).toBe(String(before + 1))
  })

  it('monitor, unmonitor', async () => {
    expect(await ao.monitor({ process, signer })).toMatch(/^[\w-]{43}$/)
    expect(await ao.unmonitor({ process, signer })).toMatch(/^[\w-]{43}$/)
  })

  it('assign: a message of another process, with what is excluded', async () => {
    const own = await spawn()
    await evaluate(
      own,
      `ao.addAssignable('all', function () return true end)
       Handlers.add('note', 'Note', function (msg) Note = tostring(msg.Data) .. ' ' .. tostring(msg.Anchor) .. ' from ' .. msg.From end)`,
    )
    const note = (await ao.message({
      process,
      tags: [{ name: 'Action', value: 'Note' }],
      data: 'hello',
      anchor: '7'.repeat(32),
      signer,
    })) as string
    const whole = await ao.assign({ process: own, message: note })
    expect((await ao.result({ process: own, message: whole })).Error).toBe(undefined)
    expect((await evaluate(own, 'Note')).data).toBe(`hello ${'7'.repeat(32)} from ${addressOf(alice.n)}`)
    const other = await spawn()
    await evaluate(other, `ao.addAssignable('all', function () return true end)`)
    const part = await ao.assign({ process: other, message: note, exclude: ['Data', 'Anchor'] })
    expect((await ao.result({ process: other, message: part })).Error).toBe(undefined)
    expect((await evaluate(other, `Inbox[#Inbox].Action .. ' ' .. tostring(Inbox[#Inbox].Data)`)).data).toBe('Note nil')
  })

  it('assign: a transaction of the base layer', async () => {
    const own = await spawn()
    await evaluate(own, `ao.addAssignable('all', function () return true end)`)
    const { hostname, port } = new URL(node.url)
    const arweave = Arweave.init({ host: hostname, port, protocol: 'http' })
    const tx = await arweave.createTransaction({ data: `on the weave ${own}` }, alice)
    tx.addTag('Action', 'Archive')
    await arweave.transactions.sign(tx, alice)
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    const assignment = await ao.assign({ process: own, message: tx.id, baseLayer: true, exclude: ['Signature'] })
    expect((await ao.result({ process: own, message: assignment })).Error).toBe(undefined)
    const { data } = await evaluate(
      own,
      `local m = Inbox[#Inbox]; return table.concat({ m.Id, m.Action, m.From, m.Data, m.Target, tostring(m.Signature) }, '|')`,
    )
    expect(data).toBe([tx.id, 'Archive', addressOf(alice.n), `on the weave ${own}`, '', 'nil'].join('|'))
  })

  it('signMessage, sendSignedMessage', async () => {
    const signed = await ao.signMessage({ process, tags: EVAL, data: '"signed before"', signer, anchor: '0'.repeat(32) })
    expect(await ao.sendSignedMessage(signed)).toBe(signed.id)
    expect((await ao.result({ process, message: signed.id })).Output.data).toBe('signed before')
  })

  it('getMessages, getMessageById, getLastSlot', async () => {
    const own = await spawn()
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await evaluate(own, `${i}`)).id)
    const read = async (range: object): Promise<ScheduledPage> =>
      (await ao.getMessages({ processId: own, from: '0', to: String(Date.now() + 60_000), ...range } as never)) as unknown as ScheduledPage
    const all = await read({})
    expect(all.edges.map((edge) => edge.node.message?.id)).toEqual([own, ...ids])
    const first = await read({ limit: '4' })
    expect(first.page_info.has_next_page).toBe(true)
    const second = await read({ limit: '4', from: first.edges.at(-1)!.cursor })
    expect([...first.edges, ...second.edges]).toEqual(all.edges)
    expect(second.page_info.has_next_page).toBe(false)
    const one = (await ao.getMessageById({ processId: own, messageId: ids[2]! } as never)) as unknown as ScheduledNode
    expect(one).toEqual(all.edges[3]!.node)
    expect(tagOf(one.assignment.tags, 'Nonce')).toBe('3')
    expect(await ao.getLastSlot({ processId: own } as never)).toBe('5')
    expect(loaded.routerCalls()).toBeGreaterThan(0)
  })

  it('serializeCron', async () => {
    const cron = loaded.aoconnect.serializeCron({ interval: '10-minutes', tags: [{ name: 'Action', value: 'Cron' }] })
    const own = await spawn(cron)
    expect((await ao.result({ process: own, message: own })).Error).toBe(undefined)
    expect((await evaluate(own, `ao.env.Process.Tags['Cron-Interval'] .. ' ' .. ao.env.Process.Tags['Cron-Tag-Action']`)).data).toBe(
      '10-minutes Cron',
    )
  })

  it('wallets of Ethereum', async () => {
    const { address, key, signer: ethereum } = await ethereumWallet()
    const own = await ao.spawn({
      module: info.heddle.modules.default,
      scheduler: info.heddle.units.scheduler,
      signer: ethereum as typeof signer,
    })
    const message = (await ao.message({ process: own, tags: EVAL, data: 'Owner', signer: ethereum as typeof signer })) as string
    expect((await ao.result({ process: own, message })).Output.data).toBe(address)
    const asked = (await ao.message({ process, tags: [{ name: 'Action', value: 'Who' }], signer: ethereum as typeof signer })) as string
    const { Messages } = await ao.result({ process, message: asked })
    expect(Messages[0]).toMatchObject({ Target: address, Data: `${address} ${address}` })
    const scheduled = (await ao.getMessageById({ processId: process, messageId: asked } as never)) as unknown as {
      message: { owner: object }
    }
    const sha256 = createHash('sha256').update(key).digest('base64url')
    expect(scheduled.message.owner).toEqual({ address: sha256, key: Buffer.from(key).toString('base64url') })
  })

  it('what is refused says why', async () => {
    const nobody = `${'A'.repeat(42)}A`
    await expect(ao.message({ process: nobody, tags: EVAL, data: '1', signer })).rejects.toThrow(new RegExp(`^404: .*${nobody}`))
    expect(await ao.result({ process, message: nobody })).toMatchObject({ error: expect.stringContaining(nobody) })
    expect(await ao.dryrun({ process: nobody, tags: EVAL, data: '1' })).toMatchObject({ error: expect.stringContaining(nobody) })
    await expect(ao.assign({ process, message: nobody })).rejects.toThrow(new RegExp(`404: .*${nobody}`))
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(100)
})

function oneUrl(slashes = ''): Urls {
  return { gateway: node.url, mu: node.url + slashes, cu: node.url + slashes }
}

function unitUrls(): Urls {
  const { mu, cu } = node.unitUrls!
  return { gateway: node.url, mu, cu }
}

function exported(): Partial<LegacyClient> {
  const { result, results, message, spawn, monitor, unmonitor, dryrun, assign } = loaded.aoconnect
  return { result, results, message, spawn, monitor, unmonitor, dryrun, assign } as unknown as LegacyClient
}

function addressOf(modulus: string): string {
  return createHash('sha256').update(Buffer.from(modulus, 'base64url')).digest('base64url')
}
