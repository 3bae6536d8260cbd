import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NodeClient } from '../client.ts'
import { NodeError } from '../client.ts'
import { follow, type Live } from './live.ts'

interface Row {
  readonly slot: number
}

let rows: Row[] = []
let isDown = false
let asked = 0
const heard: string[] = []
let live: Live

const node: Pick<NodeClient, 'getJson'> = {
  async getJson<T>(path: string): Promise<T> {
    asked += 1
    if (isDown) throw new NodeError('no-node', 'nobody is there')
    const from = /from=(\d+)/.exec(path)?.[1]
    if (from === undefined) return { evaluated: (rows.at(-1)?.slot ?? -1) as unknown } as T
    const results = rows.filter(({ slot }) => slot >= Number(from)).slice(0, 100)
    return { results, next: null } as T
  },
}

const slots = (...all: number[]): Row[] => all.map((slot) => ({ slot }))

beforeEach(() => {
  vi.useFakeTimers()
  rows = slots(0, 1, 2)
  isDown = false
  asked = 0
  heard.length = 0
  live = follow({
    node,
    process: 'p',
    from: 2,
    events: {
      result: ({ slot }) => heard.push(`slot ${slot}`),
      lost: (problem) => heard.push(`lost: ${problem}`),
      back: () => heard.push('back'),
    },
  })
})
afterEach(() => {
  live.stop()
  vi.useRealTimers()
})

describe('following a process', () => {
  it('tells each result once, in order, from the slot that was asked for', async () => {
    await vi.advanceTimersByTimeAsync(500)
    rows = [...rows, ...slots(3, 4)]
    await vi.advanceTimersByTimeAsync(3_000)
    expect(heard).toEqual(['slot 2', 'slot 3', 'slot 4'])
  })

  it('asks about once a second when nothing happens, and at once when poked', async () => {
    await vi.advanceTimersByTimeAsync(10_000)
    const before = asked
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked - before).toBeLessThanOrEqual(70)
    expect(asked - before).toBeGreaterThanOrEqual(55)
    rows = slots(0, 1, 2, 3)
    live.poke()
    await vi.advanceTimersByTimeAsync(1)
    expect(heard.at(-1)).toBe('slot 3')
  })

  it('tells once that the node is gone, and once that it is back', async () => {
    await vi.advanceTimersByTimeAsync(500)
    isDown = true
    await vi.advanceTimersByTimeAsync(30_000)
    isDown = false
    rows = slots(0, 1, 2, 3)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(heard).toEqual(['slot 2', 'lost: nobody is there', 'back', 'slot 3'])
  })

  it('goes on after a revert', async () => {
    await vi.advanceTimersByTimeAsync(500)
    rows = slots(0)
    await vi.advanceTimersByTimeAsync(30_000)
    rows = slots(0, 1)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(heard).toEqual(['slot 2', 'slot 1'])
  })

  it('is quiet once it is stopped', async () => {
    live.stop()
    live.poke()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asked).toBe(0)
  })
})
