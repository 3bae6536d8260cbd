/** A node with another one behind it: what only the other has is fetched, verified, kept and used. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode, type TestOptions } from '../../src/testkit/node.ts'
import { AOS_64 } from '../aos/modules.ts'
import { arweaveOf, ask, bytesOf, nodeOf, pattern, signedItem, until, upload } from './support/client.ts'
import { heddle, heddleJson } from './support/command.ts'
import { SIGNERS, signerOf } from './support/signers.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const NOBODY = 'n'.repeat(42).concat('A')
const alice = createDataItemSigner(devWallet('alice'))
const open: { stop(): Promise<unknown> }[] = []

/** The node that has everything. */
let origin: TestNode
/** Between the two; counts and can be told to lie. */
let link: Link
/** The node under test. */
let node: TestNode
/** A module of the first node's. */
let module: string

interface Link {
  readonly url: string
  /** Where requests go; null: nowhere, they hang. */
  target: string | null
  /** Changes what comes back of a path; null leaves it. */
  lie: ((path: string, body: Buffer) => Buffer | null) | null
  asked: string[]
  stop(): Promise<void>
}

async function startLink(target: string | null): Promise<Link> {
  const server: Server = createServer((input, output) => void pass(link, input, output))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const link: Link = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    lie: null,
    asked: [],
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  }
  open.push(link)
  return link
}

async function pass(link: Link, input: IncomingMessage, output: ServerResponse): Promise<void> {
  const path = input.url ?? ''
  link.asked.push(path)
  if (link.target === null) return
  const forward = request(link.target + path, { method: input.method, headers: input.headers }, async (answer) => {
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const sent = link.lie?.(path, body) ?? body
    output.writeHead(answer.statusCode ?? 500, { ...answer.headers, 'content-length': sent.length }).end(sent)
  })
  forward.on('error', () => output.destroy())
  input.pipe(forward)
}

async function start(options: TestOptions = {}): Promise<TestNode> {
  const one = await startTestNode(options)
  open.push(one)
  return one
}

beforeAll(async () => {
  origin = await start()
  link = await startLink(origin.url)
  node = await start({ upstream: [link.url] })
  const { value } = await heddleJson<{ id: string }>(['module', 'add', AOS_64.path], { url: origin.url })
  module = value.id
})
afterAll(async () => {
  await Promise.all(open.map((one) => one.stop()))
})

function aoOf(url: string) {
  return connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
}

async function evaluate(process: string, code: string): Promise<unknown> {
  const ao = aoOf(node.url)
  const message = (await ao.message({ process, signer: alice, tags: [{ name: 'Action', value: 'Eval' }], data: code })) as string
  const result = await ao.result({ process, message })
  expect(result.Error, code).toBe(undefined)
  return (result.Output as { data: unknown }).data
}

describe('a module that only the upstream has', () => {
  it('is run by a process that aoconnect spawns, also when the upstream is gone', async () => {
    const { scheduler } = (await node.info()).heddle.units
    const process = await aoOf(node.url).spawn({ module, scheduler, signer: alice, tags: [] })
    expect(await evaluate(process, '1 + 1')).toBe('2')
    link.target = 'http://127.0.0.1:1'
    node = await node.restart()
    open.push(node)
    expect(await evaluate(process, '2 + 2')).toBe('4')
    link.target = origin.url
  })

  it('is run by a process of the command line', async () => {
    const shown = await heddleJson<{ module: string }>(['spawn', '--module', module], { url: node.url })
    expect(shown).toMatchObject({ code: 0, value: { module } })
  })
})

describe('data that only the upstream has', () => {
  it.each(SIGNERS.map(({ name }) => name))('of a data item signed by %s is the same here', async (name) => {
    const options = {
      tags: [{ name: 'Content-Type', value: 'text/plain' }],
      target: NOBODY,
      anchor: Buffer.from(pattern(24, 5)).toString('base64url').slice(0, 32),
    }
    const item = await signedItem(signerOf(name), `by ${name}`, options)
    await upload(origin.url, item)
    expect((await ask(`${node.url}/${item.id}`)).body).toBe(`by ${name}`)
    const [here, there] = await Promise.all([nodeOf(node.url, item.id), nodeOf(origin.url, item.id)])
    expect({ ...here, block: null, bundledIn: null }).toEqual({ ...there, block: null, bundledIn: null })
    expect(await bytesOf(`${node.url}/heddle/items/${item.id}`)).toEqual(await bytesOf(`${origin.url}/heddle/items/${item.id}`))
  })

  it('of a large item is the same, and stays', async () => {
    const data = pattern(3_000_000)
    const item = await signedItem(signerOf('ethereum'), data)
    await upload(origin.url, item)
    expect(Buffer.from(await bytesOf(`${node.url}/raw/${item.id}`)).equals(data)).toBe(true)
    link.asked = []
    expect(Buffer.from(await bytesOf(`${node.url}/raw/${item.id}`)).equals(data)).toBe(true)
    expect(link.asked).toEqual([])
  })

  it.each([0, 100, 262_144, 600_000])('of a transaction with %i bytes is the same, and its fields', async (size) => {
    const arweave = arweaveOf(origin.url)
    const tx = await arweave.createTransaction(size === 0 ? { target: NOBODY, quantity: '1' } : { data: pattern(size) }, devWallet('bob'))
    tx.addTag('Size', String(size))
    await arweave.transactions.sign(tx, devWallet('bob'))
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    const [here, there] = await Promise.all([ask(`${node.url}/tx/${tx.id}`), ask(`${origin.url}/tx/${tx.id}`)])
    expect([here.status, here.body]).toEqual([200, there.body])
    if (size > 0) expect(Buffer.from(await bytesOf(`${node.url}/raw/${tx.id}`)).equals(Buffer.from(pattern(size)))).toBe(true)
    expect((await nodeOf(node.url, tx.id))?.tags).toEqual([{ name: 'Size', value: String(size) }])
  })

  it('can be assigned to a process here', async () => {
    const item = await signedItem(signerOf('arweave'), 'from afar', { tags: [{ name: 'Action', value: 'Afar' }] })
    await upload(origin.url, item)
    const { heddle: own } = await node.info()
    const ao = aoOf(node.url)
    const process = await ao.spawn({ module: own.modules.default, scheduler: own.units.scheduler, signer: alice, tags: [] })
    await evaluate(
      process,
      `ao.addAssignable('any', function () return true end); Handlers.add('afar', 'Afar', function (msg) Seen = msg.Data end)`,
    )
    const assign = (ao as unknown as { assign(of: object): Promise<string> }).assign
    await assign({ process, message: item.id })
    expect(await evaluate(process, 'Seen')).toBe('from afar')
  })

  it('is what a process boots from', async () => {
    const item = await signedItem(signerOf('solana'), 'Booted = "from afar"')
    await upload(origin.url, item)
    const { heddle: own } = await node.info()
    const tags = [{ name: 'On-Boot', value: item.id }]
    const process = await aoOf(node.url).spawn({ module, scheduler: own.units.scheduler, signer: alice, tags })
    expect(await evaluate(process, 'Booted')).toBe('from afar')
  })

  it('is not run because it was read, but when it is sent', async () => {
    const { heddle: own } = await origin.info()
    const tags = Object.entries({
      'Data-Protocol': 'ao',
      Variant: 'ao.TN.1',
      Type: 'Process',
      Module: own.modules.default,
      Scheduler: own.units.scheduler,
    })
    const item = await signedItem(signerOf('arweave'), ' ', { tags: tags.map(([name, value]) => ({ name, value })) })
    await upload(origin.url, item, '/tx')
    expect((await ask(`${node.url}/${item.id}`)).status).toBe(200)
    expect((await ask(`${node.url}/heddle/processes/${item.id}`)).status).toBe(404)
    await upload(node.url, item, '/tx')
    expect((await ask(`${node.url}/heddle/processes/${item.id}`)).status).toBe(200)
    expect((await ask(`${node.url}/result/${item.id}?process-id=${item.id}`)).status).toBe(200)
  })

  it('is fetched once, however many ask', async () => {
    const item = await signedItem(signerOf('solana'), 'popular')
    await upload(origin.url, item)
    link.asked = []
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(`${node.url}/${item.id}`)))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 popular']))
    expect(link.asked.filter((path) => path === `/raw/${item.id}`)).toEqual([`/raw/${item.id}`])
    link.asked = []
    for (let i = 0; i < 3; i++) expect((await ask(`${node.url}/${NOBODY}`)).status).toBe(404)
    expect(link.asked).toEqual(['/graphql', `/tx/${NOBODY}`])
  })
})

describe('an upstream that lies', () => {
  const DATA = 'the truth, signed'

  it.each<[string, (path: string, body: Buffer) => Buffer | null]>([
    ['data', (path) => (path.startsWith('/raw/') ? Buffer.from('a lie of this size') : null)],
    ['tags', (path, body) => (path === '/graphql' ? Buffer.from(body.toString().replace('text/plain', 'text/html')) : null)],
    ['answers that are no JSON', (path) => (path === '/graphql' ? Buffer.from('<html>') : null)],
  ])('with %s is refused, and nothing of it is kept', async (what, lie) => {
    const item = await signedItem(signerOf('solana'), `${DATA} ${what}`, { tags: [{ name: 'Content-Type', value: 'text/plain' }] })
    await upload(origin.url, item)
    link.lie = lie
    try {
      for (const path of [`/${item.id}`, `/raw/${item.id}`]) {
        const { status, body } = await ask(node.url + path)
        expect([path, status, body]).toEqual([path, 502, expect.stringContaining(link.url)])
      }
    } finally {
      link.lie = null
    }
    expect((await ask(`${node.url}/${item.id}`)).body).toBe(`${DATA} ${what}`)
  })

  it('about a module starts no process', async () => {
    const { value } = await heddleJson<{ id: string }>(['module', 'add', AOS_64.path, '--name', 'tampered'], { url: origin.url })
    link.lie = (path, body) => (path.startsWith('/raw/') ? Buffer.concat([body.subarray(0, -1), Buffer.of(0)]) : null)
    const { code, stderr } = await heddle(['spawn', '--module', value.id], { url: node.url }).finally(() => {
      link.lie = null
    })
    expect([code, stderr]).toEqual([1, expect.stringContaining('its signature does not fit')])
  })

  it('about a transaction is refused', async () => {
    const arweave = arweaveOf(origin.url)
    const tx = await arweave.createTransaction({ data: pattern(300_000, 9) }, devWallet('bob'))
    await arweave.transactions.sign(tx, devWallet('bob'))
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    link.lie = (path) => (path.startsWith('/raw/') ? Buffer.from(pattern(300_000, 8)) : null)
    const { status, body } = await ask(`${node.url}/tx/${tx.id}`).finally(() => {
      link.lie = null
    })
    expect([status, body]).toEqual([502, expect.stringContaining('does not give the data root')])
    expect((await ask(`${node.url}/tx/${tx.id}`)).status).toBe(200)
  })
})

describe('an upstream that is down', () => {
  it('is named in the failure, which comes at once; what is here is served', async () => {
    const lonely = await start({ upstream: ['http://127.0.0.1:1'] })
    const item = await signedItem(signerOf('solana'), 'here')
    await upload(lonely.url, item)
    expect((await ask(`${lonely.url}/${item.id}`)).body).toBe('here')
    const { status, body } = await ask(`${lonely.url}/${NOBODY}`)
    expect([status, body]).toEqual([502, expect.stringContaining('upstream http://127.0.0.1:1 does not answer')])
    expect((await ask(`${lonely.url}/tx/${NOBODY}`)).status).toBe(502)
    const { code, stderr } = await heddle(['spawn', '--module', module], { url: lonely.url })
    expect([code, stderr]).toEqual([1, expect.stringContaining('does not answer')])
    expect((await heddle(['spawn'], { url: lonely.url })).code).toBe(0)
  })

  it('and hangs lets the node stop', async () => {
    const silent = await startLink(null)
    const waiting = await startTestNode({ upstream: [silent.url] })
    const asked = ask(`${waiting.url}/${NOBODY}`).catch(() => null)
    await until('the question has come', async () => (silent.asked.length > 0 ? true : null))
    await waiting.stop()
    await asked
  })
})

it('two nodes that are each other’s upstream do not ask in circles', async () => {
  const back = await startLink(null)
  const first = await start({ upstream: [back.url] })
  const there = await startLink(first.url)
  const second = await start({ upstream: [there.url] })
  back.target = second.url
  for (const { url } of [first, second]) expect((await ask(`${url}/${NOBODY}`)).status).toBe(404)
  expect([back.asked, there.asked]).toEqual([
    ['/graphql', `/tx/${NOBODY}`],
    ['/graphql', `/tx/${NOBODY}`],
  ])
  const item = await signedItem(signerOf('solana'), 'of the first')
  await upload(first.url, item)
  expect((await ask(`${second.url}/${item.id}`)).body).toBe('of the first')
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(5)
})
