import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openRig, type Program, type Rig } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { SNAPSHOT_EVERY_GAS, SNAPSHOT_IDLE_MS } from '../../base/limits.ts'
import { decodeRecord, type SnapshotRecord } from './records.ts'

async function slots(rig: Rig): Promise<number[]> {
  const found: number[] = []
  for await (const { value } of rig.kv.scan('snapshots')) found.push(decodeRecord<SnapshotRecord>(value).slot)
  return found
}

async function sendMany(rig: Rig, process: TxId, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => rig.send(process, 'Inc')))
  const { slot } = await rig.machine.getHead(process)
  await rig.machine.result(process, String(slot))
}

const counting: Program = (_message, _env, state) => {
  state['n'] = ((state['n'] as number | undefined) ?? 0) + 1
  return { Output: String(state['n']) }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a snapshot is kept', () => {
  it('when a process that was used has nothing to do', async () => {
    const rig = await openRig()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const process = await rig.spawn()
    await rig.machine.result(process, process)
    await sendMany(rig, process, 20)
    expect(await slots(rig)).toEqual([])
    await vi.advanceTimersByTimeAsync(2 * SNAPSHOT_IDLE_MS)
    vi.useRealTimers()
    await vi.waitFor(async () => expect(await slots(rig)).toEqual([20]))
    await rig.stop()
    expect(await slots(rig)).toEqual([20]) // Nothing happened since.
  })

  it('when much gas was used', async () => {
    const rig = await openRig({ program: counting })
    const process = await rig.spawn()
    await rig.machine.result(process, process)
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    rig.guests.evaluate = async (...args) => ({ ...(await evaluate(...args)), unitsUsed: SNAPSHOT_EVERY_GAS / 4 })
    await sendMany(rig, process, 3)
    expect(await slots(rig)).toEqual([])
    await sendMany(rig, process, 1)
    await vi.waitFor(async () => expect(await slots(rig)).toEqual([4]))
    await rig.stop()
  })

  it('and what it holds is the state after its slot, while messages keep coming', async () => {
    const rig = await openRig({ program: counting })
    const process = await rig.spawn()
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    rig.guests.evaluate = async (...args) => ({ ...(await evaluate(...args)), unitsUsed: SNAPSHOT_EVERY_GAS / 10 })
    for (let round = 0; round < 10; round++) await sendMany(rig, process, 20)
    await rig.settled()
    await vi.waitFor(async () => expect((await slots(rig)).length).toBeGreaterThan(4))
    rig.crash()
    const again = await rig.restart()
    const { slot } = await again.machine.getHead(process)
    expect((await again.machine.result(process, await again.send(process, 'Inc'))).output).toBe(String(slot + 2))
    expect(again.guests.opened).toEqual([{ process, fromSnapshot: true }])
    await again.stop()
  })
})

it('a process goes on while its snapshot is being stored, and is not evicted into nothing', async () => {
  const rig = await openRig({ program: counting })
  const process = await rig.spawn()
  await sendMany(rig, process, 20)
  const taken = Promise.withResolvers<void>()
  const snapshot = rig.guests.snapshot.bind(rig.guests)
  rig.guests.snapshot = async (...args) => {
    const bytes = await snapshot(...args)
    await taken.promise
    return bytes
  }
  const evaluate = rig.guests.evaluate.bind(rig.guests)
  rig.guests.evaluate = async (...args) => ({ ...(await evaluate(...args)), unitsUsed: SNAPSHOT_EVERY_GAS })
  await sendMany(rig, process, 1) // Due now, and held up.
  await sendMany(rig, process, 5)
  const before = rig.guests.evaluations
  rig.guests.evict(process)
  const next = sendMany(rig, process, 1)
  taken.resolve()
  await next
  expect(rig.guests.opened.at(-1)).toEqual({ process, fromSnapshot: true })
  expect(rig.guests.evaluations - before).toBe(6) // Five since the snapshot, and the new one.
  await rig.stop()
})

it('whatever happens to instances and nodes, each message counts once', async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('send' as const), count: fc.integer({ min: 1, max: 25 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('evict' as const, 'lose' as const, 'dry' as const), count: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'stop' as const), count: fc.constant(0) }) },
  )
  const costly = (rig: Rig): Rig => {
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    rig.guests.evaluate = async (...args) => ({ ...(await evaluate(...args)), unitsUsed: SNAPSHOT_EVERY_GAS / 7 })
    return rig
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let rig = costly(await openRig({ program: counting }))
      const process = await rig.spawn()
      let sent = 1
      for (const { do: what, count } of steps) {
        if (what === 'send') {
          await Promise.all(Array.from({ length: count }, () => rig.send(process, 'Inc')))
          sent += count
        } else if (what === 'dry') await rig.machine.dryRun(process, { Owner: 'o', Tags: [] })
        else if (what === 'evict' || what === 'lose') {
          if (rig.guests.isOpen(process) && (what === 'lose' || rig.guests.running === 0)) rig.guests[what](process)
        } else {
          if (what === 'crash') rig.crash()
          else await rig.stop()
          rig = costly(await rig.restart())
        }
      }
      const { output } = await rig.machine.result(process, await rig.send(process, 'Inc'))
      expect(output).toBe(String(sent + 1))
      for (const snapshot of await rig.machine.snapshots(process)) expect(snapshot.slot).toBeLessThanOrEqual(sent)
      await rig.stop()
    }),
    { numRuns: 40 },
  )
})
