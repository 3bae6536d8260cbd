import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { idOf } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { silentLog } from '../../base/log.ts'
import type { NextTick } from './cron-ticks.ts'
import { TickWheel } from './tick-wheel.ts'

beforeEach(() => void vi.useFakeTimers({ now: 10_000 }))
afterEach(() => void vi.useRealTimers())

/** Processes that tick every so many milliseconds; what was looked at, and when. */
function wheelOf(every: ReadonlyMap<TxId, number>, hold: (process: TxId) => Promise<void> = async () => {}) {
  const looks: [process: number, atMs: number][] = []
  const chain = { height: 1 }
  const look = async (process: TxId): Promise<NextTick | null> => {
    looks.push([Buffer.from(process, 'base64url')[0]!, Date.now()])
    await hold(process)
    const ms = every.get(process)
    if (ms === undefined) return null
    return { atMs: ms === 0 ? Number.POSITIVE_INFINITY : (Math.floor(Date.now() / ms) + 1) * ms, waitsForBlocks: ms === 0 }
  }
  const wheel = new TickWheel({ clock: { nowMs: () => Date.now() }, height: () => chain.height, look, logger: silentLog })
  return { wheel, looks, chain, of: (fill: number) => looks.filter(([process]) => process === fill).map(([, atMs]) => atMs) }
}

describe('the wheel', () => {
  it('looks at each process when it is due, at once when it is new, and not after it is forgotten', async () => {
    const { wheel, of } = wheelOf(
      new Map([
        [idOf(1), 2_000],
        [idOf(2), 3_000],
      ]),
    )
    wheel.watch(idOf(1))
    wheel.watch(idOf(1))
    await vi.advanceTimersByTimeAsync(500)
    wheel.watch(idOf(2))
    await vi.advanceTimersByTimeAsync(6_500)
    expect(of(1)).toEqual([10_001, 12_000, 14_000, 16_000])
    expect(of(2)).toEqual([10_501, 12_000, 15_000])
    wheel.forget(idOf(1))
    await vi.advanceTimersByTimeAsync(4_000)
    expect(of(1).length).toBe(4)
    expect(of(2)).toEqual([10_501, 12_000, 15_000, 18_000, 21_000])
    await wheel.stop()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(of(2).length).toBe(5)
  })

  it('forgets processes that will never tick, and rests without any', async () => {
    const { wheel, looks } = wheelOf(new Map())
    wheel.watch(idOf(1))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(looks.length).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
    await wheel.stop()
  })

  it('notices new blocks, and a clock that was set', async () => {
    const { wheel, of, chain } = wheelOf(
      new Map([
        [idOf(1), 0],
        [idOf(2), 3_600_000],
      ]),
    )
    wheel.watch(idOf(1))
    wheel.watch(idOf(2))
    await vi.advanceTimersByTimeAsync(3_000)
    expect([of(1).length, of(2).length]).toEqual([1, 1])
    chain.height = 2
    vi.setSystemTime(4_000_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([of(1).length, of(2).length]).toEqual([2, 2])
    await wheel.stop()
  })

  it('waits for nobody: one that takes long is looked at again when it is done, the others in time', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const { wheel, of } = wheelOf(new Map([1, 2].map((fill) => [idOf(fill), 1_000])), (process) =>
      process === idOf(1) ? held : Promise.resolve(),
    )
    for (const fill of [1, 2]) wheel.watch(idOf(fill))
    await vi.advanceTimersByTimeAsync(4_000)
    expect([of(1).length, of(2).length]).toEqual([1, 5])
    release()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(of(1).length).toBe(3)
    await wheel.stop()
  })

  it('tries again where it failed', async () => {
    let failures = 2
    const { wheel, looks } = wheelOf(new Map([[idOf(1), 10_000]]), async () => {
      failures -= 1
      if (failures >= 0) throw new Error('the disk is full')
    })
    wheel.watch(idOf(1))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(looks.length).toBe(3)
    await wheel.stop()
  })
})
