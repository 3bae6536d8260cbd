import { describe, expect, it } from 'vitest'
import { ao, counterProgram, messagesOf, openRig, type Program, type Rig, type RigOptions, SCHEDULER } from '../../../test/machine-rig.ts'
import { verifyRig } from '../../../test/machine-verify.ts'
import { addressOfKey, type TxId } from '../../base/ids.ts'
import { CRON_CATCH_UP_MAX } from '../../base/limits.ts'
import { createDataItem, itemSigner } from '../../codec/data-item.ts'
import { generateKey } from '../../codec/keys.ts'
import { findTag, type TextTag, toTextTags } from '../../codec/tags.ts'
import { forkTags } from './fork.ts'
import type { LogRecord } from './records.ts'
import { parseCursor } from './results-page.ts'

const EVERYTHING = { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }
const START_MS = 1_700_000_000_400

/** A clock that stands still until it is set. */
function manual(): { ms: number; nowMs(): number } {
  return {
    ms: START_MS,
    nowMs() {
      return this.ms
    },
  }
}

function cron(interval: string, action = 'Tick', ...more: TextTag[]): TextTag[] {
  return [
    { name: 'Cron-Interval', value: interval },
    { name: 'Cron-Tag-Action', value: action },
    ...more.map(({ name, value }) => ({ name: `Cron-Tag-${name}`, value })),
  ]
}

async function started(options: Omit<RigOptions, 'clock'> = {}) {
  const clock = manual()
  return { clock, rig: await openRig({ ...options, clock }) }
}

function logOf(rig: Rig, process: TxId): Promise<LogRecord[]> {
  return rig.machine.records(process, EVERYTHING)
}

/** `<cron or -> <ms since the start>`, by slot. */
async function shown(rig: Rig, process: TxId): Promise<string[]> {
  return (await logOf(rig, process)).map(({ cron: key, timestampMs }) => `${key ?? '-'} ${timestampMs - START_MS}`)
}

async function expectVerified(rig: Rig, process: TxId): Promise<void> {
  expect((await verifyRig(rig, process)).mismatches).toEqual([])
}

describe('ticks', () => {
  it('come before the next message, at their own times, signed and without a message', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: cron('10-seconds', 'Message', { name: 'From', value: 'me' }, { name: 'X', value: 'y' }) })
    await rig.send(process, 'Inc')
    clock.ms += 25_000
    await rig.send(process, 'Inc')
    expect(await shown(rig, process)).toEqual(['- 0', '- 1', '0-10-seconds 10000', '0-10-seconds 20000', '- 25000'])
    const [, , tick] = await logOf(rig, process)
    expect(tick).toMatchObject({ message: tick!.assignment, origin: `cron:${tick!.assignment}`, depth: 0, exclude: [], height: 7 })
    const { assignment, message } = await rig.machine.entry(tick!)
    expect(message).toBe(null)
    expect(await rig.machine.signed(tick!)).toMatchObject({ message: null })
    expect(toTextTags(assignment.tags).map(({ name }) => name)).toEqual(
      'Process,Epoch,Nonce,Hash-Chain,Block-Height,Timestamp,Data-Protocol,Type,Variant,Cron'.split(','),
    )
    expect(findTag(toTextTags(assignment.tags), 'Cron')).toBe('0-10-seconds')

    const owner = addressOfKey(rig.user.owner)
    const { output } = await rig.machine.result(process, tick!.assignment)
    expect(output).toEqual({
      Owner: owner,
      Target: process,
      From: owner,
      Tags: [
        { name: 'Action', value: 'Message' },
        { name: 'X', value: 'y' },
      ],
      Timestamp: START_MS + 10_000,
      'Block-Height': 7,
      Cron: true,
      'Read-Only': false,
    })
    expect(Object.keys(output as object).join()).toBe('Owner,Target,From,Tags,Timestamp,Block-Height,Cron,Read-Only')
    expect(await rig.machine.result(process, '2')).toMatchObject({ cron: '0-10-seconds', message: tick!.assignment })
    await expectVerified(rig, process)
    await rig.stop()
  })

  it('that were missed are made up for up to a bound, the last ones', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: cron('1-second') })
    clock.ms += 86_400_000
    await rig.send(process, 'Inc')
    const log = await logOf(rig, process)
    expect(log.length).toBe(CRON_CATCH_UP_MAX + 2)
    expect(log.at(-2)).toMatchObject({ cron: '0-1-second', timestampMs: START_MS + 86_400_000 })
    expect(log[1]!.timestampMs).toBe(START_MS + 86_400_000 - (CRON_CATCH_UP_MAX - 1) * 1_000)
    await rig.settled()
    expect(await rig.machine.evaluatedSlot(process)).toBe(CRON_CATCH_UP_MAX + 1)
    await expectVerified(rig, process)
    await rig.stop()
  })

  it('wait for blocks, and carry the height that the chain had', async () => {
    const blocksMs = [0, START_MS - 400]
    const { rig, clock } = await started({ blocksMs })
    const process = await rig.spawn({ tags: [...cron('2-blocks', 'Block'), ...cron('3-seconds', 'Time')] })
    for (const after of [1, 2, 4, 5]) blocksMs.push(START_MS - 400 + after * 1_000)
    clock.ms += 6_100
    await rig.send(process, 'Inc')
    const log = await logOf(rig, process)
    expect(log.map(({ cron: key, timestampMs, height }) => `${key ?? '-'} ${timestampMs - START_MS} #${height}`)).toEqual([
      '- 0 #1',
      '0-2-blocks 1600 #3',
      '0-3-seconds 3001 #3',
      '0-2-blocks 4600 #5',
      '0-3-seconds 6001 #5',
      '- 6100 #5',
    ])
    await expectVerified(rig, process)
    await rig.stop()
  })

  it('come once each, however many messages there are at once', async () => {
    const clock = { ms: START_MS, nowMs: () => (clock.ms += 3) }
    const rig = await openRig({ clock })
    const process = await rig.spawn({ tags: [...cron('1-second'), ...cron('2-seconds')] })
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        for (let i = 0; i < 10; i++) await rig.send(process, 'Inc')
      }),
    )
    const log = await logOf(rig, process)
    for (const [i, { timestampMs }] of log.slice(1).entries()) expect(timestampMs).toBeGreaterThan(log[i]!.timestampMs)
    const lastMs = log.at(-1)!.timestampMs
    const seconds = (every: number, turn: number): number[] => {
      const found: number[] = []
      for (let ms = log[0]!.timestampMs + every * 1_000 + turn; ms <= lastMs; ms += every * 1_000) found.push(ms)
      return found
    }
    const timesOf = (key: string): number[] => log.filter((record) => record.cron === key).map(({ timestampMs }) => timestampMs)
    expect(seconds(1, 0).length).toBeGreaterThan(3)
    expect(timesOf('0-1-second')).toEqual(seconds(1, 0))
    expect(timesOf('1-2-seconds')).toEqual(seconds(2, 1))
    await rig.settled()
    await expectVerified(rig, process)
    await rig.stop()
  })

  it('are sent on without Pushed-For, and so is all that follows from them', async () => {
    const { rig, clock } = await started({ program: relay })
    const last = await rig.spawn()
    const middle = await rig.spawn({ tags: [{ name: 'To', value: last }] })
    const process = await rig.spawn({ tags: [...cron('1-second', 'Go'), { name: 'To', value: middle }] })
    clock.ms += 1_000
    await rig.machine.cronResults(process, {})
    await rig.settled()
    const tick = (await logOf(rig, process))[1]!
    for (const [receiver, from] of [
      [middle, process],
      [last, middle],
    ] as const) {
      const got = (await messagesOf(rig, receiver)).filter(({ tags }) => findTag(tags, 'Action') === 'Go')
      expect(got.length).toBe(1)
      expect(findTag(got[0]!.tags, 'Pushed-For')).toBe(undefined)
      expect(findTag(got[0]!.tags, 'From-Process')).toBe(from)
      expect((await logOf(rig, receiver)).at(-1)!.origin).toBe(`cron:${tick.assignment}`)
    }
    await rig.stop()
  })
})

/** Sends a `Go` on to the process in its To tag. */
const relay: Program = ({ Tags }, { Process }) => {
  const to = findTag(Process.Tags, 'To')
  if (findTag(Tags as TextTag[], 'Action') !== 'Go' || to === undefined) return {}
  return { Messages: [{ Target: to, Data: 'x', Tags: [{ name: 'Action', value: 'Go' }] }] }
}

describe('cron results', () => {
  it('are those of ticks alone, brought up to now, in pages with cursors that say the cron', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: [...cron('1-second', 'Inc'), ...cron('2-seconds', 'Fail')] })
    await rig.send(process, 'Inc')
    clock.ms += 5_000
    const first = await rig.machine.cronResults(process, { limit: 2 })
    expect(first.hasNextPage).toBe(true)
    expect(first.edges.map(({ cursor }) => JSON.parse(Buffer.from(cursor, 'base64').toString()))).toEqual([
      { timestamp: START_MS + 1_000, ordinate: '2', cron: '0-1-second', sort: 'ASC' },
      { timestamp: START_MS + 2_000, ordinate: '3', cron: '0-1-second', sort: 'ASC' },
    ])
    const rest = await rig.machine.cronResults(process, { from: first.edges[1]!.cursor })
    expect(rest.edges.map(({ node }) => node.timestampMs - START_MS)).toEqual([3_000, 4_000, 5_000]) // Without those that failed.
    expect(rest.hasNextPage).toBe(false)
    const upTo = await rig.machine.cronResults(process, { from: String(START_MS + 2_000), to: String(START_MS + 4_000) })
    expect(upTo.edges.map(({ node }) => node.timestampMs - START_MS)).toEqual([3_000, 4_000])
    const { edges } = await rig.machine.results(process, { sort: 'DESC', limit: 3 })
    expect(edges.map(({ node }) => node.cron)).toEqual(['0-1-second', '0-1-second', '0-1-second'])
    expect(edges.map(({ cursor }) => parseCursor(cursor).sort)).toEqual(['DESC', 'DESC', 'DESC'])
    // A cursor that goes the other way is read, and changes nothing about the direction.
    expect(
      (await rig.machine.cronResults(process, { from: edges[2]!.cursor })).edges.map(({ node }) => node.timestampMs - START_MS),
    ).toEqual([4_000, 5_000])
    await rig.stop()
  })

  it('of a process without crons are none, and of none there is an error', async () => {
    const { rig } = await started()
    expect(await rig.machine.cronResults(await rig.spawn(), {})).toEqual({ edges: [], hasNextPage: false })
    await expect(rig.machine.cronResults(SCHEDULER as TxId, {})).rejects.toMatchObject({ code: 'process-unknown' })
    await rig.stop()
  })
})

describe('bad cron tags', () => {
  it('are refused when somebody spawns with them', async () => {
    const { rig } = await started()
    await expect(rig.spawn({ tags: cron('10-moons') })).rejects.toMatchObject({ code: 'request-invalid' })
    await expect(rig.spawn({ tags: cron('500-milliseconds') })).rejects.toThrow('less than 1 second')
    await expect(rig.spawn({ tags: [{ name: 'Cron-Tag-Action', value: 'x' }] })).rejects.toThrow('no preceding Cron-Interval')
    await expect(rig.spawn({ tags: Array.from({ length: 21 }, () => cron('1-minute')).flat() })).rejects.toMatchObject({
      code: 'too-large',
    })
    expect(await rig.machine.processes(null, 10)).toEqual([])
    await rig.stop()
  })

  it('are named in the result when a process spawns with them', async () => {
    const { rig } = await started()
    const process = await rig.spawn()
    const spawn = { Data: 'x', Tags: [...cron('0-seconds'), { name: 'Module', value: rig.module }] }
    const message = await rig.send(process, 'Do', { data: JSON.stringify({ Spawns: [spawn] }) })
    await rig.settled()
    expect((await rig.machine.result(process, message)).undelivered).toEqual([
      { index: 0, reason: expect.stringContaining('less than 1 second') },
    ])
    await rig.stop()
  })
})

describe('time travel', () => {
  it('forks a process with the crons of the fork, which tick for its own owner', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: cron('1-second', 'Message') })
    clock.ms += 1_000
    await rig.send(process, 'Inc')
    const other = itemSigner(await generateKey('ed25519'))
    const plain = await rig.spawn({ tags: forkTags({ of: process, at: 2 }), signer: other })
    const own = await rig.spawn({ tags: [...cron('2-seconds', 'Message'), ...forkTags({ of: process, at: 2 })], signer: other })
    clock.ms += 3_000
    for (const one of [process, plain, own]) await rig.send(one, 'Inc')
    await rig.settled()
    expect((await shown(rig, plain)).slice(1)).toEqual(['- 4000'])
    expect((await shown(rig, own)).slice(1)).toEqual(['0-2-seconds 3000', '- 4000'])
    const { output } = await rig.machine.result(own, '1')
    const owner = addressOfKey(other.owner)
    expect(output).toMatchObject({ Owner: owner, From: owner, Target: process, Cron: true })
    for (const one of [process, plain, own]) await expectVerified(rig, one)
    expect(await rig.machine.dryRunAt(process, 1, { Owner: 'x', Tags: [] })).toMatchObject({ result: { Output: '3' } })
    await rig.stop()
  })

  it('reverts ticks like messages, and has them again after that', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: [...cron('1-second'), ...cron('1-block')] })
    clock.ms += 3_100
    await rig.send(process, 'Inc')
    const before = await shown(rig, process)
    expect(before).toEqual(['- 0', '0-1-second 1001', '0-1-second 2001', '0-1-second 3001', '- 3100'])
    await rig.machine.revert(process, 1)
    expect(await rig.machine.cronResults(process, {})).toMatchObject({ edges: [{}, {}, {}] })
    expect(await shown(rig, process)).toEqual(before.slice(0, 4))
    await expectVerified(rig, process)
    await rig.stop()
  })
})

describe('a crash', () => {
  it('at any write leaves each tick once', async () => {
    let left = Number.POSITIVE_INFINITY
    let writes = 0
    const onWrite = (): void => {
      writes += 1
      left -= 1
      if (left < 0) throw new Error('the power went')
    }
    const clock = manual()
    const blocksMs = [0, START_MS - 400]
    const options: RigOptions = { clock, blocksMs, onWrite, program: counterProgram }
    const tags = [...cron('1-second', 'Ping'), ...cron('1-block'), ...cron('2-blocks')]
    const play = async (rig: Rig): Promise<void> => {
      const process = await rig.spawn({ tags })
      for (let i = 0; i < 3; i++) {
        clock.ms += 2_100
        blocksMs.push(clock.ms, clock.ms)
        if (i === 1) await rig.machine.cronResults(process, {})
        else await rig.send(process, 'Inc')
      }
      await rig.settled()
    }
    const reset = (at: number): void => {
      left = at
      clock.ms = START_MS
      blocksMs.length = 2
    }
    const whole = await openRig(options)
    writes = 0
    await play(whole)
    await whole.stop()
    const all = writes
    expect(all).toBeGreaterThan(8)
    for (let at = 0; at < all; at++) {
      reset(Number.POSITIVE_INFINITY)
      const rig = await openRig(options)
      left = at
      await play(rig).catch(() => {})
      const next = await rig.restart()
      for (const process of await next.machine.processes(null, 10)) {
        await next.machine.cronResults(process, {})
        const ticks = (await logOf(next, process)).filter((record) => record.cron !== undefined)
        const names = ticks.map(({ cron: key, height, timestampMs }) => `${key} ${key?.endsWith('second') ? timestampMs : height}`)
        expect(new Set(names).size, `write ${at}`).toBe(names.length)
        const seconds = ticks.filter(({ cron: key }) => key === '0-1-second').length
        expect(seconds, `write ${at}`).toBe(Math.floor((clock.ms - START_MS - 2) / 1_000))
        expect(ticks.filter(({ cron: key }) => key === '1-2-blocks').length, `write ${at}`).toBe(Math.floor((blocksMs.length - 2) / 2))
        await expectVerified(next, process)
      }
      await next.stop()
    }
  }, 60_000)
})

describe('monitors', () => {
  async function request(process: TxId, signer: Rig['user']): Promise<Uint8Array> {
    return (await createDataItem({ data: ' ', target: Buffer.from(process, 'base64url') }, signer)).raw
  }

  async function strangers(): Promise<[Rig['user'], Rig['user']]> {
    return [itemSigner(await generateKey('ed25519')), itemSigner(await generateKey('ed25519'))]
  }

  /** Waits for the wheel, which turns in real time. */
  async function until(what: () => Promise<boolean>): Promise<void> {
    while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('of whoever asked bring ticks without any message, once, and again after a restart', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: cron('2-seconds') })
    const [ann, bob] = await strangers()
    for (const signer of [ann, bob, ann]) await rig.machine.monitors.add(await request(process, signer))
    clock.ms += 4_000
    await until(async () => (await logOf(rig, process)).length === 3)
    await rig.settled()
    await rig.stop()
    clock.ms += 4_000
    const next = await rig.restart()
    await until(async () => (await logOf(next, process)).length === 5)
    expect(await shown(next, process)).toEqual(['- 0', ...[2_000, 4_000, 6_000, 8_000].map((ms) => `0-2-seconds ${ms}`)])
    await next.stop()
  })

  it('are taken back by whoever asked, or for all by the owner of the process', async () => {
    const { rig } = await started()
    const process = await rig.spawn({ tags: cron('1-hour') })
    const { monitors } = rig.machine
    const [ann, bob] = await strangers()
    await monitors.add(await request(process, ann))
    await expect(monitors.remove(await request(process, bob))).rejects.toMatchObject({ code: 'not-allowed' })
    await monitors.add(await request(process, bob))
    await monitors.remove(await request(process, ann))
    expect((await monitors.find(process))?.monitors.map(({ owner }) => owner)).toEqual([addressOfKey(bob.owner)])
    await monitors.add(await request(process, ann))
    await monitors.remove(await request(process, rig.user))
    expect(await monitors.find(process)).toBe(null)
    await expect(monitors.remove(await request(process, rig.user))).rejects.toMatchObject({ code: 'not-found' })
    await rig.stop()
  })

  it('end, and no tick comes after that', async () => {
    const { rig, clock } = await started()
    const process = await rig.spawn({ tags: cron('1-second') })
    const watch = await request(process, rig.user)
    await rig.machine.monitors.add(watch)
    clock.ms += 1_000
    await until(async () => (await logOf(rig, process)).length === 2)
    await rig.machine.monitors.remove(watch)
    clock.ms += 5_000
    await new Promise((resolve) => setTimeout(resolve, 1_100)) // Longer than a turn of the wheel.
    expect((await logOf(rig, process)).length).toBe(2)
    await rig.stop()
  })

  it('of processes that tick too much together are refused, without an effect on others', async () => {
    const { rig } = await started()
    const tags = Array.from({ length: 20 }, () => cron('1-second')).flat()
    const plain = await rig.spawn()
    for (let i = 0; i < 25; i++) await rig.machine.monitors.add(await request(await rig.spawn({ tags }), rig.user))
    const one = await request(await rig.spawn({ tags: cron('1-minute') }), rig.user)
    await expect(rig.machine.monitors.add(one)).rejects.toMatchObject({ code: 'limit-reached', message: expect.stringContaining('/cron/') })
    await rig.machine.monitors.add(await request(plain, rig.user))
    await rig.stop()
  })
})

it('spawned by a process ticks for whoever signed it', async () => {
  const { rig, clock } = await started()
  const process = await rig.spawn()
  const spawn = { Data: 'x', Tags: [...cron('1-second', 'Message'), { name: 'Module', value: rig.module }, ...ao('Process')] }
  await rig.send(process, 'Do', { data: JSON.stringify({ Spawns: [spawn] }) })
  await rig.settled()
  const spawned = (await rig.machine.processes(null, 10)).find((one) => one !== process)!
  clock.ms += 1_000
  const { edges } = await rig.machine.cronResults(spawned, {})
  expect(edges[0]!.node.output).toMatchObject({ From: rig.machine.units.authority, Owner: rig.machine.units.authority, Cron: true })
  await rig.stop()
})
