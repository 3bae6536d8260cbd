/**
 * What users of AO's first network suffer from, as its public trackers tell it, and that nobody suffers from it here. One test for each complaint;
 * the name is what the user would say happens instead. In brackets: where the complaint was made (ao = permaweb/ao, aos = permaweb/aos,
 * cookbook = permaweb/ao-cookbook).
 *
 * Shown elsewhere, or by no test of a node:
 *   recovery after a crash, each push once (ao 661, 1090, 1099)     ao-kill, busy-kill; push.test.ts "is sent later, once"
 *   checkpoints looked up on the network (ao 517)                   there is no such look-up: snapshots are on this node's disk, compute.test.ts
 *   loops of two processes                                          faults.test.ts
 *   every tick of a long silence made up for                        cron.test.ts "that were missed": the last ones, up to a bound
 *   the same push twice, duplicate slots (ao 728)                   faults.test.ts "the same again"
 *   the reference loader fails with wasm64 on Node 24               below, with aos 2.0.6 for wasm64, on the Node.js that runs this suite
 *   commands of the host reached by every module format             guest-faults.test.ts, for each format there is
 *   "An Error occurred trying to contact your AOS process" without  what the aos client prints when it does not reach a network; a node cannot
 *     a cause (aos 292, 298, cookbook 99, 123, 207)                 change that. aos-cli.test.ts uses it; our own commands name the cause, see below
 *   items that a client makes wrong (ao 953)                        bad-input.test.ts: each is refused with what is wrong, none is stored
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArweaveSigner, createData, EthereumSigner } from '@dha-team/arbundles'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataItem, type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import { LUA_FORMAT } from '../../src/guests/lua/lua-program.ts'
import { until } from './support/client.ts'
import { heddle } from './support/command.ts'
import { type LogSlot, logOf, settledLog, tagOf } from './support/log.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { ao, type Client, clientOf, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

const [OURS, AOS_64] = RUNTIMES
const NOBODY = 'SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4'
const HIT: TextTag[] = [{ name: 'Action', value: 'Hit' }]
const EVAL: TextTag[] = [{ name: 'Action', value: 'Eval' }]
const COUNTER = `Hits = 0; Handlers.add('hit', 'Hit', function (msg) Hits = Hits + 1; Last = msg; msg.reply({ Data = tostring(Hits) }) end)`
const MODULE: TextTag[] = [
  ...Object.entries({ 'Module-Format': LUA_FORMAT, 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1' }).map(([name, value]) => ({
    name,
    value,
  })),
  ...ao('Module'),
]
/** Some tenths of a second. */
const SLOW = 'local n = 0; for i = 1, 20000000 do n = n + i end'

let folder: string
let node: NodeProcess
let signer: ItemSigner
let client: Client

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-complaints-'))
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

async function spawn(code = COUNTER, tags: readonly TextTag[] = []): Promise<string> {
  const process = await client.spawn(OURS, tags)
  await client.evaluate(process, code)
  return process
}

async function get(path: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(node.url + path, init)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

function dryRun(process: string, tags: readonly TextTag[], data = ''): Promise<{ status: number; body: Record<string, unknown> }> {
  return get(`/dry-run?process-id=${process}`, { method: 'POST', body: JSON.stringify({ Owner: NOBODY, Tags: tags, Data: data }) })
}

/** Milliseconds that it takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

async function sendAll(process: string, count: number, tags: readonly TextTag[] = HIT): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => client.send(process, tags, `${i}`)))
}

describe('results', () => {
  it('come soon from a process with a long past after a crash: what was done is not done again [ao 864, 517]', async () => {
    const process = await spawn(`Handlers.add('hit', 'Hit', function () Sum = 0; for i = 1, 50000 do Sum = Sum + i end end)`)
    const allMs = await timed(async () => {
      for (const id of await sendAll(process, 640)) await client.result(process, id)
    })
    await until('a snapshot of it is stored', async () => {
      const { body } = await get(`/heddle/processes/${process}/snapshots`)
      return JSON.stringify(body).includes('"slot":') ? true : null
    })
    await node.kill()
    await start()
    const coldMs = await timed(async () => client.result(process, await client.send(process, HIT)))
    expect(coldMs, `first message after the crash; all of them took ${allMs} ms`).toBeLessThan(allMs / 2)
  })

  it('that are errors come like any other, each time, also by slot [ao 864]', async () => {
    const process = await spawn()
    const id = await client.send(process, EVAL, 'error("on purpose")')
    for (const of of [id, id, 2]) expect((await client.result(process, of)).Error).toContain('on purpose')
    expect(await client.evaluate(process, '"alive"')).toBe('alive')
  })

  it('always say why something failed [aos 282]', async () => {
    const process = await spawn(`Handlers.add('fail', 'Fail', function (msg) error(load('return ' .. msg.Data)()) end)`)
    for (const what of ['""', 'nil', '{}', '{ code = 5 }', 'false', '42', 'print']) {
      const inHandler = await client.result(process, await client.send(process, [{ name: 'Action', value: 'Fail' }], what))
      const inEval = await client.result(process, await client.send(process, EVAL, `error(${what})`))
      for (const { Error: error } of [inHandler, inEval]) expect(error, `error(${what})`).toEqual(expect.stringMatching(/\w/))
    }
  })

  it('of a process that was just spawned are there: nothing is "booting" [ao 460]', async () => {
    const process = await client.spawn(OURS, [{ name: 'On-Boot', value: 'Data' }])
    const [{ status, body }, asked] = await Promise.all([get(`/result/${process}?process-id=${process}`), dryRun(process, HIT)])
    expect([status, asked.status]).toEqual([200, 200])
    expect(body).toMatchObject({ Messages: [], Spawns: [], Assignments: [] })
    expect(body['Error']).toBe(undefined)
  })

  it('are waited for, never "busy", by whoever asks however often [ao 495]', async () => {
    const process = await spawn()
    const id = await client.send(process, EVAL, `${SLOW}; return n`)
    const paths = [
      `/result/${id}?process-id=${process}`,
      `/result/${id}?process-id=${process}&no-busy=1`,
      `/result/2?process-id=${process}`,
    ]
    const asked = await Promise.all([...paths, ...paths].map((path) => get(path)))
    for (const { status, body } of asked)
      expect({ status, body }).toMatchObject({ status: 200, body: { Output: { data: '200000010000000' } } })
    expect(await dryRun(process, HIT)).toMatchObject({ status: 200, body: { Messages: [{ Data: '1' }] } })
  })

  it('of a message far ahead of what is evaluated are waited for as well [ao 1217]', async () => {
    const process = await spawn(
      `Hits = 0; Handlers.add('hit', 'Hit', function (msg) Hits = Hits + 1; for i = 1, 20000 do end; msg.reply({ Data = tostring(msg.Nonce) }) end)`,
    )
    const ids = await sendAll(process, 400)
    const last = (await logOf(node.url, process)).at(-1)!
    expect(last.slot).toBe(401)
    expect(await client.result(process, last.message!.id)).toMatchObject({ Messages: [{ Data: '401' }] })
    expect(ids).toContain(last.message!.id)
  })

  it('keep coming while the state of the process is being saved [ao 519, 1171]', async () => {
    const process = await spawn(`${COUNTER}; Heap = {}; for i = 1, 8 do Heap[i] = ('0123456789abcdef'):rep(2^16) .. i end`)
    for (const id of await sendAll(process, 470)) await client.result(process, id)
    const times: number[] = []
    for (let i = 0; i < 60; i++) times.push(await timed(async () => client.result(process, await client.send(process, HIT))))
    expect(Math.max(...times), 'the longest of 60, among them one after which a snapshot was taken').toBeLessThan(3_000)
    expect(JSON.stringify((await get(`/heddle/processes/${process}/snapshots`)).body)).toContain('"slot":')
  })

  it('do not carry the memory of the process, however large it is, nor wait for it [ao 1029]', async () => {
    const process = await spawn(`${COUNTER}; Heap = {}; for i = 1, 100 do Heap[i] = ('x'):rep(2^20) .. i end`)
    const times: number[] = []
    for (let i = 0; i < 30; i++) times.push(await timed(async () => client.result(process, await client.send(process, HIT))))
    expect(times.sort((a, b) => a - b)[15], 'the usual message').toBeLessThan(500)
    expect(JSON.stringify(await client.result(process, 2)).length).toBeLessThan(2_000)
  })
})

describe('what processes send', () => {
  it('arrives also when the result took its time [ao 773, 913, 967]', async () => {
    const [from, to] = [await spawn(), await spawn()]
    await client.send(from, EVAL, `${SLOW}; Send({ Target = '${to}', Action = 'Hit', Data = 'late' })`)
    await client.result(from, 2)
    const log = await settledLog(node.url, to, 3)
    expect(log.filter(({ message }) => message?.data === 'late')).toHaveLength(1)
  })

  it('arrives with numbers and booleans in its tags, as text [ao 860]', async () => {
    const [from, to] = [await spawn(), await spawn()]
    await client.evaluate(from, `Send({ Target = '${to}', Action = 'Hit', Whole = 5, Part = 1.5, Yes = true, Tags = { No = false } })`)
    const [pushed] = (await settledLog(node.url, to, 3)).slice(2)
    expect(['Whole', 'Part', 'Yes', 'No'].map((name) => tagOf(pushed!.message!.tags, name))).toEqual(['5', '1.5', 'true', 'false'])
    expect(await client.evaluate(to, `type(Last.Whole) .. Last.Whole`)).toBe('string5')
  })

  it('says once who sent it, whatever the program writes there [ao 660]', async () => {
    const [from, to] = [await spawn(), await spawn()]
    const lie = `['From-Process'] = '${NOBODY}', Tags = { ['From-Process'] = '${NOBODY}', ['From-Module'] = 'x', ['Pushed-For'] = 'x' }`
    await client.evaluate(from, `Send({ Target = '${to}', Action = 'Hit', ${lie} }); Spawn(ao._module, { Data = 'x', ${lie} })`)
    const [pushed] = (await settledLog(node.url, to, 3)).slice(2)
    const [spawned] = (await settledLog(node.url, from, 4)).filter(({ message }) => tagOf(message?.tags ?? [], 'Action') === 'Spawned')
    const child = tagOf(spawned!.message!.tags, 'Process')!
    const [boot] = await logOf(node.url, child)
    for (const { message } of [pushed!, boot!]) {
      for (const name of ['From-Process', 'From-Module', 'Pushed-For'])
        expect(
          message!.tags.filter((tag) => tag.name === name),
          name,
        ).toHaveLength(1)
      expect(tagOf(message!.tags, 'From-Process')).toBe(from)
    }
  })

  it('without permission is not answered, so that two cannot refuse each other for ever [ao 1057]', async () => {
    const [left, right] = [await spawn(), await spawn()]
    const forged = [...HIT, { name: 'From-Process', value: right }]
    const refused = await client.result(left, await client.send(left, forged))
    expect(JSON.stringify(refused.Output)).toContain('not trusted')
    expect(refused.Messages).toEqual([])
    // The refusal of an assignment is answered, as upstream does: to a process that does not take it for a question.
    await client.evaluate(left, `Send({ Target = '${NOBODY}', Data = 'x', Tags = { { name = 'Assignments', value = { '${right}' } } } })`)
    const [asked, assigned] = await Promise.all([settledLog(node.url, left, 5), settledLog(node.url, right, 3)])
    expect([asked.length, assigned.length], 'the refusal is the end of it').toEqual([5, 3])
    expect(asked[4]!.message).toMatchObject({ data: 'Assignment is not trusted by this process!' })
    expect(await client.evaluate(left, 'Hits')).toBe('0')
  })
})

describe('a push that failed', () => {
  it('can be sent again by hand once what was in its way is gone, and one that did not fail is not doubled [ao 1093]', async () => {
    const [from, to] = [await spawn(), await spawn()]
    const module = await createDataItem(
      { data: 'function handle(msg) return { ok = true, response = { Output = msg.Id } } end', tags: MODULE },
      signer,
    )
    const cause = await client.send(from, EVAL, `Send({ Target = '${to}', Action = 'Hit' }); Spawn('${module.id}', { Data = 'x' })`)
    const failed = async () =>
      ((await get(`/result/${cause}?process-id=${from}`)).body['Undelivered'] ?? []) as { Index: number; Reason: string }[]
    const [entry] = await until('the result says what was not sent', async () => ((await failed()).length > 0 ? failed() : null))
    expect(entry).toEqual({ Index: 1, Reason: expect.stringContaining(module.id) })
    await fetch(`${node.url}/tx`, { method: 'POST', body: Uint8Array.from(module.raw) })
    for (const index of [0, 1, 1]) {
      const { status, body } = await get(`/push/${cause}/${index}?process-id=${from}`, { method: 'POST' })
      expect({ status, body }).toEqual({ status: 202, body: { message: 'Processing Message Result', id: cause } })
    }
    await until('nothing is left to send', async () => ((await failed()).length === 0 ? true : null))
    expect((await get(`/push/${cause}/nonsense?process-id=${from}`, { method: 'POST' })).status).toBe(400)
    const spawned = (await settledLog(node.url, from, 4)).filter(({ message }) => tagOf(message?.tags ?? [], 'Action') === 'Spawned')
    expect(spawned).toHaveLength(1)
    const child = tagOf(spawned[0]!.message!.tags, 'Process')!
    expect((await client.result(child, child)).Output).toBe(child)
    expect(await client.evaluate(to, 'Hits')).toBe('1')
  })
})

/** [cookbook 225, 228] are questions what a process that another one spawned does with its clock: the same. */
describe('the clock of a process', () => {
  const CLOCK: TextTag[] = [
    { name: 'Cron-Interval', value: '1-second' },
    { name: 'Cron-Tag-Action', value: 'Tick' },
  ]
  const isTick = ({ message, assignment }: LogSlot): boolean => message === null && tagOf(assignment.tags, 'Cron') !== undefined
  const monitor = async (process: string, method: string) =>
    fetch(`${node.url}/monitor/${process}`, { method, body: Uint8Array.from((await client.item([], { target: process })).raw) })
  const hitsOf = async (process: string): Promise<number> =>
    Number(((await dryRun(process, HIT)).body['Messages'] as { Data: string }[])[0]!.Data) - 1
  const ticking = (target: string): string =>
    `Ticks = 0; Handlers.add('tick', 'Tick', function () Ticks = Ticks + 1; Send({ Target = '${target}', Action = 'Hit' }) end)`

  it('ticks on its own, once each, and what it sends arrives; twice asked for is once, and a crash does not stop it [ao 554, 643, 752, cookbook 225, 228]', async () => {
    const heard = await spawn()
    const clock = await client.spawn(OURS, CLOCK)
    await client.evaluate(clock, ticking(heard))
    for (const response of await Promise.all([monitor(clock, 'POST'), monitor(clock, 'POST'), monitor(clock, 'POST')]))
      expect(response.ok).toBe(true)
    expect((await monitor(clock, 'POST')).ok).toBe(true)
    await until('two ticks are heard of, with nobody asking the clock', async () => ((await hitsOf(heard)) >= 2 ? true : null))
    await node.kill()
    await start()
    const before = await hitsOf(heard)
    await until('it goes on after the crash, with nobody asking', async () => ((await hitsOf(heard)) >= before + 2 ? true : null))
    expect((await monitor(clock, 'DELETE')).ok).toBe(true)
    const ticks = (await settledLog(node.url, clock, 4)).filter(isTick)
    const seconds = ticks.map(({ assignment }) => Math.floor(Number(tagOf(assignment.tags, 'Timestamp')) / 1000))
    expect(
      seconds.every((second, i) => i === 0 || second > seconds[i - 1]!),
      `one tick a second at most: ${seconds}`,
    ).toBe(true)
    expect(await hitsOf(heard), 'each tick sent one message').toBe(ticks.length)
    const { edges } = (await get(`/cron/${clock}`)).body as unknown as { edges: { cursor: string }[] }
    expect(edges.length).toBeGreaterThanOrEqual(ticks.length)
  })

  it('is its own, also when another process spawned it [cookbook 225, 228]', async () => {
    const parent = await spawn()
    const tags = CLOCK.map(({ name, value }) => `['${name}'] = '${value}'`).join(', ')
    await client.evaluate(parent, `Spawn(ao._module, { ['On-Boot'] = 'Data', ${tags}, Data = [[${ticking(parent)}]] })`)
    const [spawned] = (await settledLog(node.url, parent, 4)).filter(({ message }) => tagOf(message?.tags ?? [], 'Action') === 'Spawned')
    const child = tagOf(spawned!.message!.tags, 'Process')!
    expect((await monitor(child, 'POST')).ok).toBe(true)
    await until('its parent hears of a tick', async () => ((await hitsOf(parent)) > 0 ? true : null))
    await monitor(child, 'DELETE')
    expect((await settledLog(node.url, parent, 5)).filter(isTick)).toEqual([])
    expect((await logOf(node.url, child)).filter(isTick).length).toBeGreaterThan(0)
  })
})

describe('order', () => {
  it('is that of the slots, in every list and beyond ten and a hundred of them, with a time of its own for each [ao 728, 1102, 1175, 1186]', async () => {
    const process = await spawn(`Seen = {}; Handlers.add('hit', 'Hit', function (msg) Seen[#Seen + 1] = msg.Nonce end)`)
    await sendAll(process, 130)
    const log = await logOf(node.url, process)
    expect(log).toHaveLength(132)
    const ids = log.map(({ message }) => message!.id)
    for (const page of [{ limit: 7 }, { limit: 1000 }, { limit: 7, by: 'time' }, { limit: 11, by: 'time' }])
      expect(
        (await logOf(node.url, process, page)).map(({ message }) => message!.id),
        JSON.stringify(page),
      ).toEqual(ids)
    const times = log.map(({ assignment }) => Number(tagOf(assignment.tags, 'Timestamp')))
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
    expect(await client.evaluate(process, `table.concat(Seen, ',')`)).toBe(
      log
        .slice(2)
        .map(({ slot }) => slot)
        .join(),
    )
    expect(await listedSlots(process, 'sort=ASC&limit=9')).toEqual(range(133))
    expect(await listedSlots(process, 'sort=DESC&limit=1000')).toEqual(range(133).reverse())
  })

  function range(count: number): number[] {
    return Array.from({ length: count }, (_, i) => i)
  }

  /** Slots as `GET /results` lists them, page by page. */
  async function listedSlots(process: string, query: string): Promise<number[]> {
    const slots: number[] = []
    for (let from = '', more = true; more; ) {
      const { body } = await get(`/results/${process}?${query}${from}`)
      const { edges, pageInfo } = body as { edges: { cursor: string }[]; pageInfo: { hasNextPage: boolean } }
      slots.push(...edges.map(({ cursor }) => Number(JSON.parse(atob(cursor)).ordinate)))
      from = `&from=${encodeURIComponent(edges.at(-1)?.cursor ?? '')}`
      more = pageInfo.hasNextPage
    }
    return slots
  }
})

describe.each([OURS, AOS_64])('programs of one module, with $name', (runtime) => {
  it('know nothing of each other, in whatever order they are used [ao 439]', async () => {
    const processes = await Promise.all(Array.from({ length: 8 }, () => client.spawn(runtime)))
    const leak = 'table.insert(_G, 1); Inbox.x = (Inbox.x or 0) + 1; string.leak = (string.leak or 0) + 1; Sum = (Sum or 0) + 1'
    for (const round of [1, 2, 3]) {
      await Promise.all(processes.map((process, i) => client.evaluate(process, `Mine = '${i}.${round}'; ${leak}`)))
      const found = await Promise.all(
        processes.map((process) => client.evaluate(process, `Mine .. ' ' .. Sum .. ' ' .. Inbox.x .. ' ' .. string.leak .. ' ' .. #_G`)),
      )
      expect(found).toEqual(processes.map((_, i) => `${i}.${round}${` ${round}`.repeat(4)}`))
    }
  })

  it('get more memory when they ask for it, and go on when there is no more [ao 448]', async () => {
    const process = await client.spawn(runtime, [{ name: 'Memory-Limit', value: '256-mb' }])
    expect(await client.evaluate(process, `Heap = {}; for i = 1, 100 do Heap[i] = ('x'):rep(2^20) .. i end; return #Heap`)).toBe('100')
    const { Error: error } = await client.result(
      process,
      await client.send(process, EVAL, `for i = 101, 1000 do Heap[i] = ('x'):rep(2^20) .. i end`),
    )
    expect(error).toMatch(/memory/)
    expect(await client.evaluate(process, '#Heap')).toBe('100')
    expect(await client.evaluate(process, `Heap = nil; collectgarbage(); Heap = ('y'):rep(50 * 2^20); return #Heap`)).toBe(
      String(50 * 2 ** 20),
    )
  })

  it('reach nothing of the machine that they run on', async () => {
    const process = await client.spawn(runtime)
    const file = join(tmpdir(), 'heddle-complaints-was-here')
    for (const code of [
      `os.execute('touch ${file}')`,
      `io.popen('touch ${file}')`,
      `io.open('${file}', 'w'):write('x')`,
      `os.remove('${folder}')`,
      `os.exit(1)`,
    ])
      await client.result(process, await client.send(process, EVAL, code))
    expect([existsSync(file), existsSync(folder)]).toEqual([false, true])
    expect(await client.evaluate(process, `tostring(os.getenv and os.getenv('HOME'))`)).toBe('nil')
  })
})

describe('clients', () => {
  const connected = () => connect({ MODE: 'legacy', MU_URL: node.url, CU_URL: node.url, GATEWAY_URL: node.url })
  const units = async () => ((await get('/info')).body as { heddle: { modules: { default: string }; units: { scheduler: string } } }).heddle

  it('may ask as often as they like: no dry run and no message is turned away', async () => {
    const process = await spawn()
    const asked = await Promise.all(Array.from({ length: 120 }, () => dryRun(process, HIT)))
    expect(new Set(asked.map(({ status, body }) => `${status} ${JSON.stringify(body['Messages']).length}`)).size).toBe(1)
    expect(asked[0]).toMatchObject({ status: 200, body: { Messages: [{ Data: '1' }] } })
    expect(await sendAll(process, 120)).toHaveLength(120)
  })

  it('see what they just wrote: a dry run is never stale', async () => {
    const process = await spawn()
    for (let i = 1; i <= 20; i++) {
      await client.send(process, HIT)
      expect((await dryRun(process, HIT)).body).toMatchObject({ Messages: [{ Data: String(i + 1) }] })
    }
  })

  it('sign with the wallet of a browser, where there is no window too [ao 715, 1052]', async () => {
    const name: string = '@permaweb/aoconnect/browser'
    const browser = (await import(name)) as typeof import('@permaweb/aoconnect')
    expect('window' in globalThis, 'as on a server that renders pages').toBe(false)
    const wallet = new ArweaveSigner(devWallet('dave'))
    const asked: string[] = []
    const arweaveWallet = {
      connect: async (permissions: string[]) => void asked.push(...permissions),
      async signDataItem({ data, tags, target, anchor }: { data: string; tags: TextTag[]; target?: string; anchor?: string }) {
        const item = createData(data, wallet, { tags, ...(target ? { target } : {}), ...(anchor ? { anchor } : {}) })
        await item.sign(wallet)
        return item.getRaw()
      },
    }
    await roundTrip(
      browser.createDataItemSigner(arweaveWallet),
      browser.connect({ MODE: 'legacy', MU_URL: node.url, CU_URL: node.url, GATEWAY_URL: node.url }),
    )
    expect(asked).toContain('SIGN_TRANSACTION')
  })

  it('sign with an Ethereum wallet, and are known by its address [ao 1052]', async () => {
    const wallet = new EthereumSigner('1'.repeat(64))
    const ethereum = async (create: (key: { publicKey: Uint8Array; type: number }) => Promise<Uint8Array>) => ({
      signature: await wallet.sign(await create({ publicKey: wallet.publicKey, type: 3 })),
      address: '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A',
    })
    expect(await roundTrip(ethereum as never, connected())).toBe('0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A')
  })

  /** Spawns and evaluates; answers the owner as the process knows it. */
  async function roundTrip(sign: ReturnType<typeof createDataItemSigner>, api: ReturnType<typeof connected>): Promise<string> {
    const { modules, units: own } = await units()
    const process = await api.spawn({ module: modules.default, scheduler: own.scheduler, signer: sign })
    const message = (await api.message({ process, signer: sign, tags: EVAL, data: 'Owner' })) as string
    const { Output, Error: error } = await api.result({ process, message })
    expect(error).toBe(undefined)
    return (Output as { data: string }).data
  }

  it('learn from the status that something failed, and from the text what', async () => {
    const process = await spawn()
    const api = connected()
    const alice = createDataItemSigner(devWallet('alice'))
    await expect(api.message({ process: NOBODY, signer: alice })).rejects.toThrow(new RegExp(`404.*${NOBODY}`, 's'))
    expect(await api.result({ process, message: NOBODY }), 'aoconnect hands the body on').toMatchObject({
      error: expect.stringContaining(NOBODY),
    })
    const paths: [string, number, RequestInit?][] = [
      [`/result/${NOBODY}?process-id=${process}`, 404],
      [`/result/nonsense?process-id=${process}`, 404],
      [`/results/${NOBODY}`, 404],
      [`/cron/${NOBODY}`, 404],
      [`/dry-run?process-id=${process}`, 400, { method: 'POST', body: 'nonsense' }],
      [`/dry-run?process-id=${NOBODY}`, 404, { method: 'POST', body: JSON.stringify({ Owner: NOBODY, Tags: [], Data: '' }) }],
    ]
    for (const [path, wanted, init] of paths) {
      const { status, body } = await get(path, init)
      expect({ path, status, body }).toEqual({ path, status: wanted, body: { error: expect.stringMatching(/\w{3}/) } })
    }
  })

  it('that cannot reach a node say which, and what to do [aos 292, 298, cookbook 99, 123, 207]', async () => {
    const { code, stderr } = await heddle(['eval', NOBODY, '1'], { url: 'http://127.0.0.1:9' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/127\.0\.0\.1:9.*heddle start/s)
  })
})

it('all of it can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(1_500)
})
