/**
 * A busy node that is killed at random moments, again and again on the same data: several processes that message each other while several clients post.
 * Afterwards every log is without gaps, its chain holds, everything was sent exactly once, and all of it computes to the same again.
 *
 * The seed is printed; HEDDLE_TEST_SEED=<seed> makes the same choices again.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodeDataItem, type ItemSigner, itemSigner, verifyDataItem } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { findTag, type TextTag, toTextTags } from '../../src/codec/tags.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { type Client, clientOf, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'

const KILLS = 10
const WORKERS = 4
const POSTERS = 8
/** How long the node is busy before it is killed, at most. */
const BUSY_MS = 1_200
const seed = Number(process.env['HEDDLE_TEST_SEED'] ?? Date.now() % 1_000_000)

interface Entry {
  readonly slot: number
  readonly assignment: string
  readonly messageId: string
  readonly message: string | null
}

let folder: string
let signer: ItemSigner
let node: NodeProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-busy-'))
  signer = itemSigner(await generateKey('ed25519'))
  node = await startProcess(folder)
})
afterAll(async () => {
  await node.kill()
  await rm(folder, { recursive: true, force: true })
})

/** The same numbers for the same seed. */
function randomFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/**
 * A worker passes a job on, as often as it says, to two others; each counts what it gets by sender and reference, and what it sends by receiver.
 * `Hops` is how often it is passed on still.
 */
const WORKER = `
Got, Sent, Jobs = {}, {}, 0
local function work(msg)
  if msg.Action == 'Job' then Jobs = Jobs + 1 end
  if msg.Action == 'Pass' then
    local name = msg.From .. '/' .. msg.Reference
    Got[name] = (Got[name] or 0) + 1
  end
  local hops = tonumber(msg.Hops)
  if hops == 0 then return end
  for i = 1, 2 do
    local to = Others[(#msg.Id + hops + i + Jobs) % #Others + 1]
    Sent[to] = (Sent[to] or 0) + 1
    Send({ Target = to, Action = 'Pass', Hops = tostring(hops - 1) })
  end
end
Handlers.add('job', 'Job', work)
Handlers.add('pass', 'Pass', work)`

/** What the worker knows: how often it got each, and how many it sent to whom. */
const REPORT = `local lines, twice, count = {}, 0, 0
for _, times in pairs(Got) do count = count + 1; if times > 1 then twice = twice + 1 end end
for to, times in pairs(Sent) do table.insert(lines, to .. '=' .. times) end
return Jobs .. ' ' .. count .. ' ' .. twice .. ' ' .. table.concat(lines, ',')`

async function logOf(url: string, process: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let from: number | null = 0; from !== null; ) {
    const response = await fetch(`${url}/heddle/processes/${process}/log?from=${from}&limit=500`)
    const page = (await response.json()) as { entries: Entry[]; next: number | null }
    entries.push(...page.entries)
    from = page.next
  }
  return entries
}

/** Slots without gaps, times that rise, and the hash chain, from the signed assignments themselves. */
async function checkChain(process: string, entries: readonly Entry[]): Promise<void> {
  const hash = (parts: readonly string[]): string =>
    createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part, 'base64url'))))
      .digest('base64url')
  let chain = hash([process])
  let timeMs = 0
  for (const [slot, { slot: claimed, assignment }] of entries.entries()) {
    const item = decodeDataItem(Buffer.from(assignment, 'base64url'))
    const tags = toTextTags(item.tags)
    expect([claimed, findTag(tags, 'Nonce'), findTag(tags, 'Hash-Chain')], `slot ${slot} of ${process}`).toEqual([
      slot,
      String(slot),
      chain,
    ])
    expect(Number(findTag(tags, 'Timestamp')), `slot ${slot} of ${process}`).toBeGreaterThan(timeMs)
    if (slot % 20 === 0) expect(await verifyDataItem(item), `slot ${slot} of ${process}`).toBe(true)
    timeMs = Number(findTag(tags, 'Timestamp'))
    chain = hash([item.id, chain])
  }
}

function tagsOf({ message }: Entry): TextTag[] {
  return message === null ? [] : toTextTags(decodeDataItem(Buffer.from(message, 'base64url')).tags)
}

/** Posts jobs until the node is gone; resolves to those that it acknowledged. */
async function postJobs(client: Client, workers: readonly string[], random: () => number): Promise<string[]> {
  const acknowledged: string[] = []
  for (;;) {
    const target = workers[Math.floor(random() * workers.length)]!
    const hops = String(1 + Math.floor(random() * 3))
    const id = await client.send(target, [tag('Action', 'Job'), tag('Hops', hops)]).catch(() => null)
    if (id === null) return acknowledged
    acknowledged.push(id)
  }
}

const tag = (name: string, value: string): TextTag => ({ name, value })

/** Waits until all that was scheduled is computed and nothing is left to be sent. */
async function quiet(url: string, origins: readonly string[]): Promise<void> {
  const deadline = Date.now() + 40_000
  for (const origin of origins) {
    for (;;) {
      const { settled } = (await (await fetch(`${url}/heddle/traces/${origin}?limit=2000`)).json()) as { settled: boolean }
      if (settled) break
      if (Date.now() > deadline) throw new Error(`${origin} has not settled`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

it(`everything is there exactly once after ${KILLS} kills`, async () => {
  console.log(`seed ${seed}`)
  const random = randomFrom(seed)
  const client = clientOf(node.url, signer)
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => client.spawn(RUNTIMES[0])))
  for (const worker of workers) {
    const others = workers.filter((other) => other !== worker)
    await client.evaluate(worker, `Others = { ${others.map((id) => `'${id}'`).join(', ')} }\n${WORKER}`)
  }

  const acknowledged: string[] = []
  for (let round = 0; round < KILLS; round++) {
    const posting = Promise.all(Array.from({ length: POSTERS }, () => postJobs(clientOf(node.url, signer), workers, random)))
    await new Promise((resolve) => setTimeout(resolve, random() * BUSY_MS)) // The moment is the test.
    await node.kill()
    acknowledged.push(...(await posting).flat())
    node = await startProcess(folder)
  }
  expect(acknowledged.length).toBeGreaterThan(KILLS)

  const begun = new Map(await Promise.all(workers.map(async (worker) => [worker, await logOf(node.url, worker)] as const)))
  const jobs = [...begun.values()].flat().filter((entry) => findTag(tagsOf(entry), 'Action') === 'Job')
  const jobIds = new Set(jobs.map(({ messageId }) => messageId))
  expect(acknowledged.filter((id) => !jobIds.has(id))).toEqual([])
  await quiet(node.url, [...jobIds])

  const logs = new Map(await Promise.all(workers.map(async (worker) => [worker, await logOf(node.url, worker)] as const)))
  const sentTo = new Map<string, number>()
  const got = new Map<string, number>()
  let passed = 0
  for (const [worker, entries] of logs) {
    await checkChain(worker, entries)
    const passes = entries.map(tagsOf).filter((tags) => findTag(tags, 'Action') === 'Pass')
    const names = passes.map((tags) => `${findTag(tags, 'From-Process')}/${findTag(tags, 'Reference')}`)
    expect(new Set(names).size, `what ${worker} got twice`).toBe(names.length)
    expect(new Set(entries.map(({ messageId }) => messageId)).size).toBe(entries.length)
    const [jobsSeen, seen, twice, sent = ''] = (await clientOf(node.url, signer).evaluate(worker, REPORT)).split(' ')
    expect([Number(seen), Number(twice)], worker).toEqual([names.length, 0])
    expect(Number(jobsSeen), worker).toBe(entries.filter((entry) => findTag(tagsOf(entry), 'Action') === 'Job').length)
    got.set(worker, names.length)
    for (const [to = '', times] of sent
      .split(',')
      .map((pair) => pair.split('='))
      .filter(([to]) => to !== ''))
      sentTo.set(to, (sentTo.get(to) ?? 0) + Number(times))
    passed += names.length
  }
  expect(passed).toBeGreaterThan(jobIds.size)
  for (const worker of workers) expect(got.get(worker), `sent to ${worker}`).toBe(sentTo.get(worker) ?? 0)
  const { slots } = await verifyAllProcesses(node.url)
  console.log(`${jobIds.size} jobs, ${acknowledged.length} of them acknowledged, ${passed} passed on, ${slots} slots computed again`)
})
