/** Crons and monitors through unmodified @permaweb/aoconnect: ticks in time, ticks that were missed, and ticks over restarts and kills. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createDataItemSigner, serializeCron } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CRON_CATCH_UP_MAX } from '../../src/base/limits.ts'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { ask, query, until } from './support/client.ts'
import { startProcess } from './support/process.ts'
import { clientOf, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

interface Tag {
  readonly name: string
  readonly value: string
}

interface Cursor {
  readonly timestamp: number
  readonly ordinate: string
  readonly cron?: string
}

interface Entry {
  readonly message: { readonly tags: Tag[] } | null
  readonly assignment: { readonly id: string; readonly tags: Tag[] }
}

type Signer = ReturnType<typeof createDataItemSigner>

const alice = createDataItemSigner(devWallet('alice'))
const bob = createDataItemSigner(devWallet('bob'))
/** Counts ticks, and tells another process of each. */
const KEEPER = `
  N = 0
  Handlers.add('tick', 'Tick', function (msg)
    assert(msg.Cron and msg.From == Owner)
    N = N + 1
    if To then Send({ Target = To, Action = 'Told', Data = tostring(N) }) end
  end)`
const LISTENER = `
  Told = {}
  Handlers.add('told', 'Told', function (msg) table.insert(Told, msg.Data .. (msg.Tags['Pushed-For'] and '!' or '')) end)`

const every = (interval: string): Tag[] => serializeCron({ interval, tags: [{ name: 'Action', value: 'Tick' }] })

function unitsOf(url: string) {
  const ao = connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
  const evaluate = async (process: string, data: string, signer: Signer = alice): Promise<string> => {
    const message = (await ao.message({ process, signer, tags: [{ name: 'Action', value: 'Eval' }], data })) as string
    const { Error: error, Output } = await ao.result({ process, message })
    expect(error, data).toBe(undefined)
    return String((Output as { data: unknown }).data)
  }
  const json = async <T>(path: string): Promise<T> => {
    const { status, body } = await ask(url + path)
    expect(status, body).toBe(200)
    return JSON.parse(body) as T
  }
  return {
    ...ao,
    evaluate,
    json,
    /** Runs the code before any tick can come. */
    async make(tags: Tag[], code: string): Promise<string> {
      const { heddle } = await json<{ heddle: { modules: { default: string }; units: { scheduler: string } } }>('/info')
      const process = await ao.spawn({
        module: heddle.modules.default,
        scheduler: heddle.units.scheduler,
        signer: alice,
        tags: [...tags, { name: 'On-Boot', value: 'Data' }],
        data: code,
      })
      expect((await ao.result({ process, message: process })).Error).toBe(undefined)
      return process
    },
    /** Cursors of the ticks that were evaluated so far; brings none. */
    async ticks(process: string): Promise<Cursor[]> {
      const { edges } = await ao.results({ process, limit: 1_000 })
      return edges
        .map(({ cursor }) => JSON.parse(Buffer.from(cursor, 'base64').toString()) as Cursor)
        .filter(({ cron }) => cron !== undefined)
    },
    async log(process: string): Promise<Entry[]> {
      const { edges } = await json<{ edges: { node: Entry }[] }>(`/${process}?process-id=${process}&limit=1000`)
      return edges.map(({ node }) => node)
    },
  }
}

function atLeast(units: ReturnType<typeof unitsOf>, process: string, count: number): Promise<Cursor[]> {
  return until(`process ${process} ticked ${count} times`, async () => {
    const ticks = await units.ticks(process)
    return ticks.length >= count ? ticks : null
  })
}

function tagOf({ assignment }: Entry, name: string): string | undefined {
  return assignment.tags.find((tag) => tag.name === name)?.value
}

/** One tick for every second, none missing, none twice. */
function expectEverySecond(ticks: readonly Cursor[]): void {
  ticks.slice(1).forEach(({ timestamp, ordinate }, i) => {
    expect(timestamp - ticks[i]!.timestamp, `slot ${ordinate}`).toBe(1_000)
    expect(Number(ordinate)).toBeGreaterThan(Number(ticks[i]!.ordinate))
  })
}

describe('a node whose clock can be set', () => {
  const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs }
  let node: TestNode
  let units: ReturnType<typeof unitsOf>

  beforeAll(async () => {
    node = await startTestNode({ clock })
    units = unitsOf(node.url)
  })
  afterAll(() => node.stop())

  it('ticks in time while a process is monitored, and delivers what ticks send; no more after that', async () => {
    const listener = await units.make([], LISTENER)
    const keeper = await units.make(every('1-second'), `${KEEPER} To = '${listener}'`)
    await units.monitor({ process: keeper, signer: alice })
    await units.monitor({ process: keeper, signer: bob })
    const ticks = await atLeast(units, keeper, 3)
    expectEverySecond(ticks)
    expect(ticks.every(({ cron }) => cron === '0-1-second')).toBe(true)
    await expect(units.unmonitor({ process: keeper, signer: createDataItemSigner(devWallet('carol')) })).rejects.toThrow('403')
    await units.unmonitor({ process: keeper, signer: bob })
    await atLeast(units, keeper, ticks.length + 1)
    await units.unmonitor({ process: keeper, signer: alice })
    const ended = await units.log(keeper)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await units.log(keeper)).toEqual(ended)

    const count = ended.filter((entry) => tagOf(entry, 'Cron') !== undefined).length
    const told = await until('all ticks were told of', async () => {
      const list = await units.evaluate(listener, 'return table.concat(Told, ",")')
      return list.split(',').length >= count ? list : null
    })
    expect(told).toBe(Array.from({ length: count }, (_, i) => i + 1).join()) // In order, once, and without Pushed-For.
  })

  it('shows ticks as slots of their own', async () => {
    const keeper = await units.make(every('1-second'), KEEPER)
    const { edges } = await until('there is a tick', async () => {
      const page = await units.json<{ edges: { cursor: string; node: { Output: unknown } }[] }>(`/cron/${keeper}`)
      return page.edges.length > 0 ? page : null
    })
    const { ordinate } = JSON.parse(Buffer.from(edges[0]!.cursor, 'base64').toString()) as Cursor
    const entry = (await units.log(keeper))[Number(ordinate)]!
    expect(entry.message).toBe(null)
    expect([tagOf(entry, 'Cron'), tagOf(entry, 'Message'), tagOf(entry, 'Nonce')]).toEqual(['0-1-second', undefined, ordinate])
    const byId = await units.result({ process: keeper, message: entry.assignment.id })
    expect(byId).toEqual(await units.result({ process: keeper, message: ordinate }))
    expect(byId.Error).toBe(undefined)
    expect(await units.json(`/${entry.assignment.id}?process-id=${keeper}`)).toEqual(entry)
    const { transactions } = await query<{ transactions: { edges: { node: { id: string } }[] } }>(
      node.url,
      `query { transactions(tags: [{ name: "Process", values: ["${keeper}"] }, { name: "Cron", values: ["0-1-second"] }]) { edges { node { id } } } }`,
    )
    expect(transactions.edges.map((edge) => edge.node.id)).toContain(entry.assignment.id)
  })

  it('has ticks before the next message, and of many that were missed the last ones', async () => {
    const keeper = await units.make(every('1-minute'), KEEPER)
    clock.aheadMs += 5 * 60_000
    expect(await units.evaluate(keeper, 'return N')).toBe('5')
    clock.aheadMs += 40 * 86_400_000
    expect(await units.evaluate(keeper, 'return N')).toBe(String(5 + CRON_CATCH_UP_MAX))
    const log = await units.log(keeper)
    const times = log.map((entry) => Number(tagOf(entry, 'Timestamp')))
    expect(times.slice(1).every((time, i) => time > times[i]!)).toBe(true)
    expect(times.at(-1)! - times.at(-2)!).toBeLessThanOrEqual(60_000)
  })

  it('ticks by blocks', async () => {
    const keeper = await units.make(every('2-blocks'), KEEPER)
    await units.monitor({ process: keeper, signer: alice })
    const before = (await node.info()).height
    expect((await ask(`${node.url}/mine/5`)).status).toBe(200)
    const ticks = await atLeast(units, keeper, 2)
    expect(ticks.map(({ cron }) => cron).slice(0, 2)).toEqual(['0-2-blocks', '0-2-blocks'])
    const heights = (await units.log(keeper))
      .filter((entry) => tagOf(entry, 'Cron') !== undefined)
      .map((entry) => Number(tagOf(entry, 'Block-Height')))
    expect(heights[1]! - heights[0]!).toBe(2)
    expect(heights[0]).toBeGreaterThan(before)
    await units.unmonitor({ process: keeper, signer: alice })
  })

  it('runs published aos modules with crons, which may look at the weave', async () => {
    const client = clientOf(node.url, itemSigner(await generateKey('ed25519')))
    const keeper = await client.spawn(RUNTIMES[1], [...every('1-second'), { name: 'Extension', value: 'WeaveDrive' }])
    await client.evaluate(
      keeper,
      `N = 0
       Handlers.add('tick', 'Tick', function ()
         N = N + 1
         local file = io.open('/block/0')
         Seen = file:read(file:seek('end'))
         file:close()
       end)`,
    )
    clock.aheadMs += 3_000
    expect(Number(await client.evaluate(keeper, 'return N'))).toBeGreaterThanOrEqual(3)
    expect(JSON.parse(await client.evaluate(keeper, 'return Seen'))).toMatchObject({ height: 0 })
    const { slot } = JSON.parse((await ask(`${node.url}/heddle/processes/${keeper}`)).body) as { slot: number }
    const times = (await units.log(keeper))
      .slice(0, slot)
      .filter((entry) => tagOf(entry, 'Cron') !== undefined)
      .map((entry) => tagOf(entry, 'Timestamp'))
    const told = await ask(`${node.url}/heddle/processes/${keeper}/files?slot=${times.at(-1)}&path=/block/0`)
    expect(JSON.parse(told.body)).toMatchObject({ kind: 'found' })
  }, 30_000)

  it.each(['500-milliseconds', '10-moons', '0-blocks', '1-month'])('refuses a process with the interval %s', async (value) => {
    await expect(units.make([{ name: 'Cron-Interval', value }], KEEPER)).rejects.toThrow(/400: .*Cron-Interval/)
  })

  it('refuses a tag without an interval', async () => {
    await expect(units.make([{ name: 'Cron-Tag-Action', value: 'Tick' }], KEEPER)).rejects.toThrow('Unmatched Cron-Tag')
  })

  it('keeps monitors over a restart, and makes up for the time between', async () => {
    const keeper = await units.make(every('1-second'), KEEPER)
    await units.monitor({ process: keeper, signer: alice })
    await atLeast(units, keeper, 1)
    node = await node.restart()
    units = unitsOf(node.url)
    const before = await units.ticks(keeper)
    expectEverySecond(await atLeast(units, keeper, before.length + 2))
    clock.aheadMs += 4_000 // As if the machine had slept.
    expectEverySecond(await atLeast(units, keeper, before.length + 6))
  })

  it('has nothing that verification does not find again', async () => {
    await verifyAllProcesses(node.url)
  }, 60_000)
})

describe('a node that is killed', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heddle-cron-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('goes on ticking without being asked, each second once', async () => {
    let running = await startProcess(folder)
    try {
      let units = unitsOf(running.url)
      const listener = await units.make([], LISTENER)
      const keeper = await units.make(every('1-second'), `${KEEPER} To = '${listener}'`)
      await units.monitor({ process: keeper, signer: alice })
      let seen = 1
      for (let kills = 0; kills < 3; kills++) {
        seen = (await atLeast(units, keeper, seen + 1)).length
        await running.kill()
        running = await startProcess(folder)
        units = unitsOf(running.url)
      }
      await atLeast(units, keeper, seen + 1)
      await units.unmonitor({ process: keeper, signer: alice })
      const ticks = await until('all ticks are evaluated', async () => {
        const slots = (await units.log(keeper)).filter((entry) => tagOf(entry, 'Cron') !== undefined)
        const found = await units.ticks(keeper)
        return found.length === slots.length ? found : null
      })
      expectEverySecond(ticks)
      const wanted = ticks.map((_, i) => i + 1).join()
      await until(`the listener was told ${wanted}`, async () =>
        (await units.evaluate(listener, 'return table.concat(Told, ",")')) === wanted ? true : null,
      )
      await verifyAllProcesses(running.url)
    } finally {
      await running.kill()
    }
  }, 60_000)
})
