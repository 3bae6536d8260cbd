import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { FAIR_ALONE, FAIR_SHARE_MIN, FAIR_TOTAL, FAIR_WAIT_MS_MAX } from '../base/limits.ts'
import { FairGate, type Leave } from './fair-gate.ts'

interface Rig {
  readonly gate: FairGate
  readonly backlog: Map<string, number>
  nowMs: number
}

function createRig(): Rig {
  const backlog = new Map<string, number>()
  const rig: Rig = {
    gate: new FairGate({ backlog: (process) => backlog.get(process) ?? 0, nowMs: () => rig.nowMs }),
    backlog,
    nowMs: 1_000,
  }
  return rig
}

/** What passed so far, in order. */
function enterMany(rig: Rig, owner: string, process: string, count: number): { readonly passed: number[]; readonly leaves: Leave[] } {
  const passed: number[] = []
  const leaves: Leave[] = []
  for (let i = 0; i < count; i++) {
    const note = (leave: Leave): void => {
      passed.push(i)
      leaves.push(leave)
    }
    const entered = rig.gate.enter(owner, process)
    if (entered instanceof Promise) void entered.then(note)
    else note(entered)
  }
  return { passed, leaves }
}

it('whoever sends alone has the large share', () => {
  const rig = createRig()
  expect(enterMany(rig, 'alice', 'p', FAIR_ALONE + 10).passed).toHaveLength(FAIR_ALONE)
})

it('a flood leaves room for others, who pass at once', () => {
  const rig = createRig()
  enterMany(rig, 'bob', 'q', 1).leaves[0]?.()
  const flood = enterMany(rig, 'alice', 'p', 500)
  expect(flood.passed).toHaveLength(FAIR_TOTAL / 2)
  expect(enterMany(rig, 'bob', 'q', 3).passed).toEqual([0, 1, 2])
})

it('each keeps a least share, however many send', () => {
  const rig = createRig()
  for (let i = 0; i < 100; i++) enterMany(rig, `wallet ${i}`, `process ${i}`, 1)
  expect(enterMany(rig, 'alice', 'p', 50).passed).toHaveLength(FAIR_SHARE_MIN)
})

it('messages that wait for their results take the share of their process', () => {
  const rig = createRig()
  enterMany(rig, 'bob', 'q', 1)
  rig.backlog.set('p', FAIR_TOTAL)
  expect(enterMany(rig, 'alice', 'p', 2).passed).toEqual([])
  expect(enterMany(rig, 'alice', 'other', 2).passed).toEqual([0, 1])
})

it('what waits passes when something leaves, wallet by wallet, in its order', async () => {
  const rig = createRig()
  enterMany(rig, 'carol', 'r', 1)
  const alice = enterMany(rig, 'alice', 'p', 40)
  const bob = enterMany(rig, 'bob', 'q', 40)
  const [first, second] = [alice.passed.length, bob.passed.length]
  for (const leave of [...alice.leaves, ...bob.leaves].slice(0, first + second)) leave()
  await null
  expect(alice.passed).toEqual(alice.passed.map((_, i) => i))
  expect(bob.passed).toEqual(bob.passed.map((_, i) => i))
  expect(Math.abs(alice.passed.length - first - (bob.passed.length - second))).toBeLessThanOrEqual(first)
  expect(alice.passed.length).toBeGreaterThan(first)
})

it('what waits looks again by itself, and passes in any case after a while', async () => {
  const rig = createRig()
  rig.backlog.set('p', FAIR_ALONE)
  const { passed } = enterMany(rig, 'alice', 'p', 2)
  expect(passed).toEqual([])
  rig.backlog.set('p', FAIR_ALONE - 1)
  while (passed.length === 0) await sleep(1)
  expect(passed).toEqual([0])
  rig.nowMs += FAIR_WAIT_MS_MAX
  while (passed.length === 1) await sleep(1)
  expect(passed).toEqual([0, 1])
})

it('a wallet that went away takes no share', () => {
  const rig = createRig()
  enterMany(rig, 'bob', 'q', 1).leaves[0]?.()
  rig.nowMs += 1_001
  expect(enterMany(rig, 'alice', 'p', 100).passed).toHaveLength(100)
})
