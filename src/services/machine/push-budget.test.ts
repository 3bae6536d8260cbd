import { expect, it } from 'vitest'
import { idOf } from '../../../test/machine-rig.ts'
import { CRON_PUSHES_BURST_MAX, CRON_PUSHES_PER_SECOND_MAX, PUSHES_PER_ORIGIN_MAX } from '../../base/limits.ts'
import { PushBudget } from './push-budget.ts'

const [TICKING, OTHER] = [idOf(1), idOf(2)]
const tick = (n: number, depth = 0) => ({ origin: `cron:${idOf(n)}`, depth })

function budget(): { budget: PushBudget; wait: (ms: number) => void; asked: string[] } {
  let nowMs = 1_000_000
  const asked: string[] = []
  const processOf = async (id: string) => {
    asked.push(id)
    return TICKING
  }
  const wait = (ms: number): void => {
    nowMs += ms
  }
  return { budget: new PushBudget({ clock: { nowMs: () => nowMs }, log: { processOf } }), wait, asked }
}

it('one message from outside causes so many, another one has its own', async () => {
  const { budget: sent } = budget()
  const from = (origin: string) => sent.spend(OTHER, { origin, depth: 3 }, PUSHES_PER_ORIGIN_MAX / 2)
  await from('a')
  await from('a')
  await expect(from('a')).rejects.toMatchObject({ code: 'limit-reached', message: expect.stringMatching(/^cut: message a has caused/) })
  await from('b')
})

it('what ticks set off is counted for the process that ticks, however deep and wherever: it rests until that is paid back', async () => {
  const { budget: sent, wait, asked } = budget()
  expect(sent.mayTick(TICKING)).toBe(true)
  await sent.spend(TICKING, tick(7), CRON_PUSHES_BURST_MAX - 1)
  expect(sent.mayTick(TICKING)).toBe(true)
  await sent.spend(OTHER, tick(8, 2), 101) // Of a run before this one: the log knows whose it is.
  expect(asked).toEqual([idOf(8)])
  expect([sent.mayTick(TICKING), sent.mayTick(OTHER)]).toEqual([false, true])
  await sent.spend(OTHER, tick(8, 3), 1) // Nothing is cut for that.
  await sent.spend(TICKING, { origin: idOf(3), depth: 0 }, 1) // A message of a user.
  wait((101 / CRON_PUSHES_PER_SECOND_MAX) * 1_000)
  expect(sent.mayTick(TICKING)).toBe(false)
  wait(1_000)
  expect(sent.mayTick(TICKING)).toBe(true)
  wait(1e9)
  await sent.spend(TICKING, tick(11), CRON_PUSHES_BURST_MAX)
  expect(sent.mayTick(TICKING)).toBe(false)
})
