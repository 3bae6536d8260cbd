/** The machine over real workers: messages that do not end, and instances that come and go. */
import { afterEach, describe, expect, it } from 'vitest'
import { openRig, type Rig } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { silentLog } from '../../base/log.ts'
import { createGuestPool, type GuestPool, type GuestPoolOptions } from '../../guests/guest-pool.ts'

/** Counts its messages, and runs their Data. */
const SOURCE = `
count = 0
function handle(msg)
  count = count + 1
  if msg.Data ~= " " then assert(load(msg.Data))() end
  return { ok = true, response = { Output = tostring(count) } }
end`
const ENDLESS = { data: 'while true do end' }

const started: { rig: Rig; pool: GuestPool }[] = []
afterEach(async () => {
  for (const { rig, pool } of started.splice(0)) {
    await rig.stop()
    await pool.stop()
  }
})

async function start(options: Partial<GuestPoolOptions>): Promise<{ rig: Rig; evaluations: () => number }> {
  const pool = createGuestPool({ workers: 1, memoryBytesMax: 256 * 1024 * 1024, log: silentLog, ...options })
  const evaluate = pool.evaluate.bind(pool)
  let evaluations = 0
  pool.evaluate = (...args) => {
    evaluations += 1
    return evaluate(...args)
  }
  const rig = await openRig({ lua: { guests: pool, source: SOURCE } })
  started.push({ rig, pool })
  return { rig, evaluations: () => evaluations }
}

async function ask(
  rig: Rig,
  process: TxId,
  options: { readonly data?: string } = {},
): Promise<{ output: unknown; error?: string; ms: number }> {
  const from = performance.now()
  const { output, error } = await rig.machine.result(process, await rig.send(process, 'Do', options))
  return { output, ...(error === undefined ? {} : { error }), ms: performance.now() - from }
}

describe('a message that does not end', () => {
  it('ends out of gas; the next is served as ever, and no other process waits for it', async () => {
    const { rig } = await start({ gasMax: 400_000_000 })
    const [bad, good] = [await rig.spawn(), await rig.spawn()]
    await ask(rig, good)
    let isDone = false
    const ended = ask(rig, bad, ENDLESS).finally(() => {
      isDone = true
    })
    const during: number[] = []
    while (!isDone) during.push((await ask(rig, good)).ms)
    const { error, ms } = await ended
    expect(error).toBe('out of gas: limit 400000000')
    expect(ms).toBeGreaterThan(500)
    expect(during.length).toBeGreaterThan(2)
    expect(during.sort((a, b) => a - b).at(-1)).toBeLessThan(Math.max(600, ms * 0.75)) // The first finds out that its worker is busy.
    expect(during[Math.floor(during.length / 2)]).toBeLessThan(200)
    expect(await ask(rig, bad)).toMatchObject({ output: '2', ms: expect.closeTo(0, -3) })
    expect((await ask(rig, good)).output).toBe(String(during.length + 3))
  })

  it('and that gas does not stop is tried twice, then has a result that says why and that it is of this node', async () => {
    const { rig } = await start({ gasMax: 2 ** 52, timeMsMax: 400 })
    const process = await rig.spawn()
    await ask(rig, process)
    const id = await rig.send(process, 'Do', ENDLESS)
    expect(await rig.machine.result(process, id)).toMatchObject({
      kept: false,
      nodeFailure: 'time',
      error: 'this node gave up on the message, another one may not: out of time: this node stops a message that runs for more than 400 ms',
    })
    expect((await ask(rig, process)).output).toBe('3')
  })
})

describe('more processes than there is room for', () => {
  it('go on from where they were: nothing is replayed from the beginning, nothing is lost or counted twice', async () => {
    const { rig, evaluations } = await start({ memoryBytesMax: 3 * 1024 * 1024 })
    const processes = await Promise.all(Array.from({ length: 12 }, () => rig.spawn()))
    const rounds = 6
    const each = 20
    let sent = processes.length
    for (let round = 1; round <= rounds; round++) {
      for (const process of processes) {
        await Promise.all(Array.from({ length: each }, () => rig.send(process, 'Do')))
        sent += each
        expect((await rig.machine.result(process, String(round * each))).output).toBe(String(1 + round * each))
      }
    }
    const replayed = evaluations() - sent
    const fromTheBeginning = (processes.length * each * rounds * (rounds - 1)) / 2
    expect(replayed).toBeLessThan(fromTheBeginning / 4)
  })
})
