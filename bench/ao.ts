/**
 * AO: from a posted message to its result, with signatures verified, everything durable and computed; by the built-in runtime and by a published aos
 * module; over one, ten and a thousand processes; against the server of wao.
 *
 * Every message counts and replies to its sender, so it stands for three signed items: itself, its assignment and the reply. Requests are signed and
 * encoded beforehand and travel over raw keep-alive sockets. At the end each process is asked how many it counted.
 */
import type { ItemSigner } from '../src/codec/data-item.ts'
import {
  type AoProgram,
  aosProgram,
  checkCounts,
  defaultProgram,
  flood,
  oneByOne,
  onePort,
  prepare,
  quantile,
  spawnCounter,
  type Units,
} from './ao-client.ts'
import { createSigner } from './items.ts'
import { median } from './load.ts'
import { startHeddle, startWao } from './servers.ts'
import { milliseconds, perSecond, type Row, ratio, type Scale } from './table.ts'

const CONNECTIONS = 256
/** The module of wao's server that is compared: aos 2.0.3 for wasm32, its quicker one. */
const WAO_PROGRAM: AoProgram = {
  module: 'JArYBF-D8q2OmZ4Mok00sD2Y_6SYEQ7Hjx-6VZ_jl3g',
  scheduler: '_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA',
  authority: 'eNaLJLsMiWCSWvQKNbk_YT-9ydeWl9lrWwXxLVp9kcg',
}
const SPAWNED_AT_ONCE = 16

interface Latency {
  readonly p50: number
  readonly p99: number
}

interface Measured extends Latency {
  /** Messages per second by number of processes. */
  readonly perSecond: ReadonlyMap<number, number>
}

export async function benchAo(scale: Scale): Promise<Row[]> {
  const peer = await measureWao(scale)
  const signer = await createSigner('ed25519')
  const node = await startHeddle()
  try {
    const units = onePort(node.url)
    const own = await measure(units, signer, await defaultProgram(node.url), { ...scale, processes: [1, 10, 1_000], messages: 4_000 })
    const aos = await measure(units, signer, await aosProgram(node.url, signer), { ...scale, processes: [1, 10], messages: 2_000 })
    return [...rows('our runtime', own, peer, { p50: 10, p99: 50 }), ...rows('aos wasm64', aos, peer, { p50: 15, p99: 60 })]
  } finally {
    await node.stop()
  }
}

function rows(program: string, { p50, p99, perSecond: rates }: Measured, peer: Measured, aim: Latency): Row[] {
  const latency: Row = {
    work: `AO, ${program}: POST to result, one at a time`,
    heddle: `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`,
    against: `p50 ${milliseconds(peer.p50)} wao server, aos wasm32`,
    ratio: ratio(peer.p50 / p50),
    aim: `p50 ${aim.p50} ms, p99 ${aim.p99} ms`,
  }
  const peerRate = peer.perSecond.get(1)!
  const sustained = [...rates].map(
    ([processes, rate]): Row => ({
      work: `AO, ${program}: messages computed, ${processes.toLocaleString('en')} process${processes === 1 ? '' : 'es'}`,
      heddle: perSecond(rate),
      against: `${perSecond(peerRate)} wao server, 1 process`,
      ratio: ratio(rate / peerRate),
      aim: program === 'our runtime' ? '1,000/s' : '',
    }),
  )
  return [latency, ...sustained]
}

interface Plan extends Scale {
  readonly processes: readonly number[]
  readonly messages: number
}

async function measure(
  units: Units,
  signer: ItemSigner,
  program: AoProgram,
  { runs, share, processes, messages }: Plan,
): Promise<Measured> {
  await run(units, signer, await spawnCounters(units, signer, program, 1), Math.ceil(1_000 * share)) // Warms up.
  const latencies: Latency[] = []
  const rates = new Map(processes.map((count) => [count, [] as number[]]))
  for (let turn = 0; turn < runs; turn++) {
    const [counter = ''] = await spawnCounters(units, signer, program, 1)
    const prepared = await prepare(units, signer, [counter], Math.ceil(500 * share))
    const times = await oneByOne(units, prepared)
    latencies.push({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) })
    await checkCounts(units, signer, prepared)
    for (const [count, found] of rates) {
      const counters = await spawnCounters(units, signer, program, count)
      found.push(await run(units, signer, counters, Math.max(count, Math.ceil(messages * share))))
    }
  }
  return {
    p50: median(latencies.map(({ p50 }) => p50)),
    p99: median(latencies.map(({ p99 }) => p99)),
    perSecond: new Map([...rates].map(([count, found]) => [count, median(found)])),
  }
}

/** Fresh processes with one slot each, that of their spawn. */
async function run(units: Units, signer: ItemSigner, processes: readonly string[], count: number): Promise<number> {
  const messages = await prepare(units, signer, processes, count)
  const rate = await flood(units, messages, { connections: CONNECTIONS, slotsBefore: 1 })
  await checkCounts(units, signer, messages)
  return rate
}

async function spawnCounters(units: Units, signer: ItemSigner, program: AoProgram, count: number): Promise<string[]> {
  const spawned: string[] = []
  while (spawned.length < count) {
    const some = Math.min(SPAWNED_AT_ONCE, count - spawned.length)
    spawned.push(...(await Promise.all(Array.from({ length: some }, () => spawnCounter(units, signer, program)))))
  }
  return spawned
}

/** It verifies RSA signatures only, so its items have those. It stores nothing. */
async function measureWao({ share }: Scale): Promise<Measured> {
  const signer = await createSigner('rsa')
  const server = await startWao()
  try {
    const port = Number(new URL(server.url).port)
    const units = { mu: `http://127.0.0.1:${port + 2}`, cu: `http://127.0.0.1:${port + 4}` }
    const counter = await spawnCounter(units, signer, WAO_PROGRAM)
    const single = await prepare(units, signer, [counter], Math.ceil(40 * share) + 4)
    const times = await oneByOne(units, single)
    const many = await prepare(units, signer, [counter], Math.ceil(100 * share) + 10)
    const rate = await flood(units, many, { connections: 8, slotsBefore: null })
    await checkCounts(units, signer, many, single.length)
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), perSecond: new Map([[1, rate]]) }
  } finally {
    await server.stop()
  }
}
