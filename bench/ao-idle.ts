/**
 * Many spawned processes with nothing to do on one node: what they take on disk and in memory, how long the node takes to start with them, and
 * how long the first message to one of them takes, from POST to result.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ItemSigner } from '../src/codec/data-item.ts'
import { type AoProgram, COUNTER, defaultProgram, oneByOne, onePort, prepare, quantile, result, spawnItem } from './ao-client.ts'
import { createSigner } from './items.ts'
import { request, runLoad } from './load.ts'
import { type Server, startHeddle } from './servers.ts'
import { milliseconds, type Row, type Scale } from './table.ts'

const PROCESSES = 100_000
const CONNECTIONS = 32
const BATCH = 1_000
const MIB = 1024 * 1024

export async function benchAoIdle({ share }: Scale): Promise<Row[]> {
  const count = Math.ceil(PROCESSES * share)
  const signer = await createSigner('ed25519')
  let node = await startHeddle()
  const empty = node.startMs
  try {
    const began = performance.now()
    const spawned = await spawnAll(node, signer, await defaultProgram(node.url), count)
    const perSpawn = (performance.now() - began) / count
    const diskBytes = folderBytes(node.folder)
    await node.end()
    node = await startHeddle(node.folder)
    const startMs = node.startMs
    const residentBytes = residentOf(node.pid)
    const times = await firstMessages(node, signer, spawned)
    const plain = { ratio: '', aim: '' }
    const many = `${count.toLocaleString('en')} idle processes`
    return [
      { work: `AO: spawn of ${many}, each booted`, heddle: `${milliseconds(perSpawn)} each`, against: '', ...plain },
      { work: `AO: start of a node with ${many}`, heddle: milliseconds(startMs), against: `${milliseconds(empty)} with none`, ...plain },
      { work: `AO: ${many}, resident after the start`, heddle: `${Math.round(residentBytes / MIB)} MiB`, against: '', ...plain },
      { work: `AO: ${many}, on disk`, heddle: `${(diskBytes / count / 1024).toFixed(1)} KiB each`, against: '', ...plain },
      {
        work: `AO: first message to one of ${many}`,
        heddle: `p50 ${milliseconds(quantile(times, 0.5))}, p99 ${milliseconds(quantile(times, 0.99))}`,
        against: '',
        ratio: '',
        aim: 'under 50 ms',
      },
    ]
  } finally {
    await node.stop()
  }
}

/** In batches, since the items are signed beforehand and kept meanwhile. */
async function spawnAll(node: Server, signer: ItemSigner, program: AoProgram, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const some = Math.min(BATCH, count - ids.length)
    const items = await Promise.all(Array.from({ length: some }, () => spawnItem(signer, program, COUNTER)))
    const posts = items.map(({ raw }) => request('POST', '/', node.host, raw)).values()
    const load = await runLoad({ url: node.url, connections: CONNECTIONS, next: () => posts.next().value ?? null })
    if (load.failures > 0) throw new Error(`${load.failures} spawns were refused`)
    for (const { id } of items) await result(node.url, id, id)
    ids.push(...items.map(({ id }) => id))
  }
  return ids
}

/** To processes that nobody has touched since the start, after some others have warmed up the node. */
async function firstMessages(node: Server, signer: ItemSigner, spawned: readonly string[]): Promise<number[]> {
  const step = Math.max(1, Math.floor(spawned.length / 250))
  const chosen = spawned.filter((_, i) => i % step === 0).slice(0, 250)
  const units = onePort(node.url)
  await oneByOne(units, await prepare(units, signer, chosen.slice(0, 50), 50))
  const rest = chosen.slice(50)
  return oneByOne(units, await prepare(units, signer, rest, rest.length))
}

function folderBytes(folder: string): number {
  return Number(spawnSync('du', ['-sb', folder]).stdout.toString().split('\t')[0])
}

function residentOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}
