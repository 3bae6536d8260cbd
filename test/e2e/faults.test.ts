/**
 * What goes wrong around a process, all at once: floods, repeats, loops, rubbish, and programs that misbehave while others work.
 *
 * Elsewhere: the fence of time, with a limit that a test can wait for, in src/guests/guest-pool.slow.test.ts; kill -9 in ao-kill and busy-kill;
 * workers that die in worker-kill; single malformed items in bad-input.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataItem, type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import { pattern, until } from './support/client.ts'
import { logOf, settledLog, tagOf } from './support/log.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { ao, type Client, clientOf, type Result, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'

const [OURS] = RUNTIMES
const NOBODY = 'SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4'
const HIT: TextTag[] = [{ name: 'Action', value: 'Hit' }]
/** Between the messages of those who only want to know how long one takes. */
const PAUSE_MS = 20
/** Less than usual, so that what goes on for ever ends soon. */
const LIMITED: TextTag[] = [
  { name: 'Memory-Limit', value: '128-mb' },
  { name: 'Compute-Limit', value: '200000000000' },
]
const COUNTER = `Hits = 0; Nonces = {}; Handlers.add('hit', 'Hit', function (msg)
  Hits = Hits + 1; table.insert(Nonces, msg.Nonce); msg.reply({ Data = tostring(Hits) }) end)`

interface FullResult extends Result {
  readonly Undelivered?: readonly { readonly Index: number; readonly Reason: string }[]
  readonly GasUsed?: number
}

let folder: string
let node: NodeProcess
let signer: ItemSigner
let client: Client

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-faults-'))
  signer = itemSigner(await generateKey('ed25519'))
  await start()
})
afterAll(async () => {
  await node.kill()
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<void> {
  node = await startProcess(folder)
  client = clientOf(node.url, signer)
}

async function spawn(code: string, tags: readonly TextTag[] = []): Promise<string> {
  const process = await client.spawn(OURS, tags)
  await client.evaluate(process, code)
  return process
}

async function post(raw: Uint8Array, path = '/'): Promise<{ status: number; body: string }> {
  const response = await fetch(node.url + path, { method: 'POST', body: Uint8Array.from(raw) })
  return { status: response.status, body: await response.text() }
}

describe('500 messages to one process at the same time', () => {
  it('get a slot each, and each is evaluated once, in the order of the slots', async () => {
    const process = await spawn(COUNTER)
    const items = await Promise.all(
      Array.from({ length: 500 }, (_, i) => client.item([...HIT, ...ao('Message')], { target: process, data: `${i}` })),
    )
    const begin = Date.now()
    const posted = await Promise.all(items.map(({ raw }) => client.post(raw)))
    expect(posted.map(({ status, id }) => `${status} ${id}`)).toEqual(items.map(({ id }) => `202 ${id}`))
    const results = await Promise.all(items.map(({ id }) => client.result(process, id)))
    expect(Date.now() - begin, 'bounded also on a slow machine').toBeLessThan(30_000)
    const counts = results.map(({ Messages }) => Number(Messages[0]!.Data)).sort((a, b) => a - b)
    expect(counts).toEqual(Array.from({ length: 500 }, (_, i) => i + 1))
    const log = await logOf(node.url, process)
    expect(
      log
        .slice(2)
        .map(({ message }) => message!.id)
        .sort(),
    ).toEqual(items.map(({ id }) => id).sort())
    expect(await client.evaluate(process, `table.concat(Nonces, ',')`)).toBe(
      log
        .slice(2)
        .map(({ slot }) => slot)
        .join(),
    )
  })
})

describe('the same again', () => {
  it('posted fifty times at once, later, and after a crash has one slot and one answer', async () => {
    const process = await spawn(COUNTER)
    const { id, raw } = await client.item([...HIT, ...ao('Message')], { target: process })
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(raw)))
    answers.push(await post(raw))
    const result = await client.result(process, id)
    await node.kill()
    await start()
    answers.push(await post(raw))
    for (const { status, body } of answers) expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 202, id })
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(await client.result(process, id)).toEqual(result)
    expect((await logOf(node.url, process)).map(({ slot }) => slot)).toEqual([0, 1, 2])
    expect(await client.evaluate(process, 'Hits')).toBe('1')
  })

  it('as a spawn makes one process', async () => {
    const { heddle } = (await (await fetch(`${node.url}/info`)).json()) as { heddle: { modules: { default: string } } }
    const own = { Module: heddle.modules.default, Scheduler: NOBODY }
    const tags = Object.entries(own).map(([name, value]) => ({ name, value }))
    const { id, raw } = await client.item([...ao('Process'), ...tags])
    for (const { status, body } of await Promise.all(Array.from({ length: 20 }, () => post(raw))))
      expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 202, id })
    expect(await logOf(node.url, id)).toHaveLength(1)
  })

  it('that was pushed, under another signature and for another cause, is refused', async () => {
    const [from, to] = [await spawn('Ready = true'), await spawn(COUNTER)]
    await client.evaluate(from, `Send({ Target = '${to}', Action = 'Hit', Data = 'once' })`)
    const [pushed] = (await settledLog(node.url, to, 3)).filter(({ message }) => message?.data === 'once')
    const { tags, anchor } = pushed!.message!
    const others = tags.map(({ name, value }) => ({ name, value: name === 'Pushed-For' ? NOBODY : value }))
    const target = Buffer.from(to, 'base64url')
    const again = await createDataItem({ target, anchor: Buffer.from(anchor!), tags: others, data: 'once' }, signer)
    const { status, body } = await post(again.raw)
    expect({ status, body }).toEqual({
      status: expect.toSatisfy((code: number) => code >= 400 && code < 500),
      body: expect.stringContaining('error'),
    })
    expect(await client.evaluate(to, 'Hits')).toBe('1')
  })
})

describe('processes that send to each other without end', () => {
  it('are cut off, and the last result says so', async () => {
    const loop = `Handlers.add('loop', 'Loop', function (msg) Send({ Target = msg.From, Action = 'Loop' }) end)`
    const [left, right] = [await spawn(loop), await spawn(loop)]
    await client.evaluate(left, `Send({ Target = '${right}', Action = 'Loop' })`)
    const logs = await Promise.all([settledLog(node.url, left, 131), settledLog(node.url, right, 130)])
    const last = await Promise.all([left, right].map((process, i) => client.result(process, logs[i]!.at(-1)!.slot) as Promise<FullResult>))
    const marks = last.flatMap(({ Undelivered = [] }) => Undelivered)
    expect(marks).toEqual([{ Index: 0, Reason: expect.stringMatching(/cut: 256 pushes deep/) }])
    expect(await client.evaluate(left, '"still here"')).toBe('still here')
  })

  it('also when each sends two for one', async () => {
    const twice = `Handlers.add('loop', 'Loop', function (msg) for _ = 1, 2 do Send({ Target = Peer or msg.From, Action = 'Loop', Left = tostring(tonumber(msg.Left) - 1) }) end end)`
    const bounded = twice.replace('for _', 'if tonumber(msg.Left) > 0 then for _').replace('end end)', 'end end end)')
    const [left, right] = [await spawn(bounded), await spawn(bounded)]
    await client.evaluate(left, `Send({ Target = '${right}', Action = 'Loop', Left = '7' })`)
    await until('all have arrived', async () => {
      const [a, b] = await Promise.all([logOf(node.url, left), logOf(node.url, right)])
      // 2^0 + … + 2^7 loops, two boots, three evaluations.
      return a.length + b.length === 2 ** 8 - 1 + 5 ? true : null
    })
  })
})

describe('a message to a process that is not here', () => {
  it('fails at once, and names it', async () => {
    const { raw } = await client.item([...HIT, ...ao('Message')], { target: NOBODY })
    const begin = Date.now()
    const { status, body } = await post(raw)
    expect(status).toBe(404)
    expect(JSON.parse(body)).toEqual({ error: expect.stringContaining(NOBODY) })
    expect(Date.now() - begin, 'nothing is tried again and again').toBeLessThan(3_000)
  })

  it('is stored when a process sends it: the id may be a wallet', async () => {
    const process = await spawn('Ready = true')
    await client.evaluate(process, `Send({ Target = '${NOBODY}', Action = 'Hello', Data = 'kept' })`)
    const query = `{ transactions(recipients: ["${NOBODY}"]) { edges { node { id tags { name value } } } } }`
    const found = await until('it can be found', async () => {
      const response = await fetch(`${node.url}/graphql`, { method: 'POST', body: JSON.stringify({ query }) })
      const { data } = (await response.json()) as { data: { transactions: { edges: { node: { id: string; tags: TextTag[] } }[] } } }
      return data.transactions.edges[0]?.node ?? null
    })
    expect(tagOf(found.tags, 'From-Process')).toBe(process)
    expect(await (await fetch(`${node.url}/${found.id}`)).text()).toBe('kept')
  })
})

describe('rubbish', () => {
  it('of every kind does not disturb a process at work', async () => {
    const process = await spawn(COUNTER)
    const { raw } = await client.item([...HIT, ...ao('Message')], { target: process })
    const bytes = (at: number, value: number) => Uint8Array.from(raw, (byte, i) => (i === at ? byte ^ value : byte))
    const other = async (tags: readonly TextTag[]) => (await client.item(tags, { target: process })).raw
    const rubbish: [string, Uint8Array, string?][] = [
      ['nothing', new Uint8Array(0)],
      ['noise', pattern(5_000)],
      ['text', Buffer.from('{"not":"an item"}')],
      ['too much', new Uint8Array(11 * 1024 * 1024)],
      ['another signature type', bytes(0, 0x40)],
      ['a changed signature', bytes(5, 1)],
      ['another owner', bytes(70, 1)],
      ['another target', bytes(100, 1)],
      ['changed data', bytes(raw.length - 1, 1)],
      ['cut off data', raw.subarray(0, raw.length - 1)],
      ['no type', await other([{ name: 'Data-Protocol', value: 'ao' }])],
      ['a type that is none', await other(ao('Nonsense'))],
      ['no protocol', await other(HIT)],
      ['half of an assignment', raw, `/?process-id=${process}`],
      ['an assignment of nothing', raw, `/?process-id=${process}&assign=${NOBODY}`],
      ['a process without a module', await other(ao('Process'))],
      ...Array.from({ length: 30 }, (_, i): [string, Uint8Array] => [`cut off at ${i * 5}`, raw.subarray(0, i * 5)]),
    ]
    const work = Array.from({ length: 60 }, (_, i) => client.send(process, HIT, `${i}`))
    const refused = await Promise.all(rubbish.map(async ([name, bad, path]) => ({ name, ...(await post(bad, path)) })))
    for (const { name, status, body } of refused) {
      expect({ name, status, body }).toEqual({ name, status: expect.toSatisfy((code: number) => code >= 400 && code < 500), body })
      expect(JSON.parse(body), name).toEqual({ error: expect.stringMatching(/\w{3}/) })
    }
    await Promise.all(work)
    expect(await client.evaluate(process, 'Hits')).toBe('60')
    expect(await logOf(node.url, process)).toHaveLength(63)
  })

  it('in what a program answers does not end its process', async () => {
    const process = await spawn(COUNTER)
    const odd = [
      `{ Target = 5 }`,
      `{ Target = '${NOBODY}', Tags = 'x' }`,
      `{ Target = '${process}', Tags = { { name = '', value = 'x' } } }`,
      '{}',
    ]
    for (const fields of odd) await client.evaluate(process, `ao.outbox.Messages = { ${fields} }; return 'sent'`).catch(() => {})
    await client.result(process, await client.send(process, HIT))
    expect(await client.evaluate(process, 'Hits')).toBe('1')
  })
})

describe('a program that', () => {
  /** Latencies of a process that answers, while `work` runs. */
  async function latenciesDuring(work: Promise<unknown>): Promise<number[]> {
    const quick = await spawn(COUNTER)
    const latencies: number[] = []
    let isOver = false
    void work.finally(() => {
      isOver = true
    })
    while (!isOver || latencies.length < 10) {
      const begin = performance.now()
      await client.result(quick, await client.send(quick, HIT))
      latencies.push(performance.now() - begin)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    await work
    expect(await client.evaluate(quick, 'Hits')).toBe(String(latencies.length))
    return latencies.sort((a, b) => a - b)
  }

  it('fails at every message keeps its state, and answers each with the reason', async () => {
    const process = await spawn(
      `Kept = 'yes'; Handlers.add('hit', 'Hit', function (msg) Kept = nil; Send({ Target = ao.id }); error('no ' .. msg.Data) end)`,
    )
    const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => client.send(process, HIT, `${i}`)))
    const results = await Promise.all(ids.map((id) => client.result(process, id)))
    results.forEach(({ Error: error, Messages }, i) => {
      expect(error).toContain(`no ${i}`)
      expect(Messages).toEqual([])
    })
    expect(await client.evaluate(process, 'Kept')).toBe('yes')
  })

  it.each([
    { name: 'runs out of gas', code: 'Kept = 2; while true do end', error: /gas/ },
    {
      name: 'runs out of memory',
      code: `Kept = 2; local s = ('x'):rep(2^20); Hoard = {}; while true do Hoard[#Hoard + 1] = s .. #Hoard end`,
      error: /memory/,
    },
  ])('$name loses that message only, and nobody else waits for it', async ({ code, error }) => {
    const process = await spawn('Kept = 1', LIMITED)
    const long = (async () => {
      const ids: string[] = []
      for (let i = 0; i < 2; i++) ids.push(await client.send(process, [{ name: 'Action', value: 'Eval' }], code))
      return Promise.all(ids.map((id) => client.result(process, id)))
    })()
    const latencies = await latenciesDuring(long)
    for (const { Error: said } of await long) expect(said).toMatch(error)
    expect(latencies.at(-1), 'the slowest of the others').toBeLessThan(5_000)
    expect(latencies[Math.floor(latencies.length / 2)], 'the usual one').toBeLessThan(1_000)
    expect(await client.evaluate(process, 'Kept')).toBe('1')
  })
})

it('all of it can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(1_000)
})
