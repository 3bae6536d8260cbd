/**
 * AO: from a posted message to its result, with signatures verified, everything durable and computed by the built-in runtime.
 *
 * Every message counts and replies to its sender, so it stands for three signed items: itself, its assignment and the reply. Requests are signed and
 * encoded beforehand and travel over raw keep-alive sockets. At the end each process is asked how many it counted.
 */
import { randomBytes } from 'node:crypto'
import { fromBase64url } from '../src/base/bytes.ts'
import { createDataItem, type DataItem, type ItemSigner } from '../src/codec/data-item.ts'
import type { TextTag } from '../src/codec/tags.ts'
import { createSigner } from './items.ts'
import { type Client, isSuccess, median, openClient, request, runLoad } from './load.ts'
import { type Server, startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, type Scale } from './table.ts'

const SOURCE = `Count = 0
Handlers.add('inc', { Action = 'Inc' }, function (msg)
  Count = Count + 1
  msg.reply({ Data = tostring(Count) })
end)`
const CONNECTIONS = 64
const PROCESSES = 10

interface Prepared {
  readonly post: Uint8Array
  readonly getResult: Uint8Array
}

export async function benchAo({ runs, share }: Scale): Promise<Row[]> {
  const signer = await createSigner('ed25519')
  const node = await startHeddle()
  try {
    const p50: number[] = []
    const p99: number[] = []
    const single: number[] = []
    const many: number[] = []
    await flood(node, signer, [await spawn(node, signer)], Math.ceil(1_000 * share)) // Warms up.
    for (let run = 0; run < runs; run++) {
      const times = await oneByOne(node, signer, await spawn(node, signer), Math.ceil(500 * share))
      p50.push(times[Math.floor(times.length / 2)]!)
      p99.push(times[Math.floor(times.length * 0.99)]!)
      single.push(await flood(node, signer, [await spawn(node, signer)], Math.ceil(4_000 * share)))
      const processes = await Promise.all(Array.from({ length: PROCESSES }, () => spawn(node, signer)))
      many.push(await flood(node, signer, processes, Math.ceil(4_000 * share)))
    }
    const plain = { against: '', ratio: '', aim: '' }
    return [
      {
        work: 'AO: POST to result, one at a time',
        heddle: `p50 ${milliseconds(median(p50))}, p99 ${milliseconds(median(p99))}`,
        ...plain,
        aim: 'p50 under 10 ms',
      },
      { work: 'AO: messages computed, 1 process', heddle: perSecond(median(single)), ...plain },
      { work: `AO: messages computed, ${PROCESSES} processes`, heddle: perSecond(median(many)), ...plain },
    ]
  } finally {
    await node.stop()
  }
}

async function spawn(node: Server, signer: ItemSigner): Promise<string> {
  const { heddle } = (await (await fetch(`${node.url}/info`)).json()) as {
    heddle: { modules: { default: string }; units: { scheduler: string } }
  }
  const tags = [
    { name: 'Type', value: 'Process' },
    { name: 'Module', value: heddle.modules.default },
    { name: 'Scheduler', value: heddle.units.scheduler },
    { name: 'On-Boot', value: 'Data' },
  ]
  const { id, raw } = await ao(signer, null, tags, SOURCE)
  const answer = await fetch(`${node.url}/`, { method: 'POST', body: Buffer.from(raw) })
  if (!answer.ok) throw new Error(`the spawn was answered with ${answer.status}: ${await answer.text()}`)
  await result(node, id, id)
  return id
}

/** Sorted times from POST to result, milliseconds. */
async function oneByOne(node: Server, signer: ItemSigner, process: string, count: number): Promise<number[]> {
  const messages = await prepare(node, signer, [process], count)
  const client = await openClientOf(node)
  const times: number[] = []
  for (const { post, getResult } of messages) {
    const from = performance.now()
    await succeed(client, post)
    await succeed(client, getResult)
    times.push(performance.now() - from)
  }
  client.close()
  await checkCount(node, signer, process, count)
  return times.sort((a, b) => a - b)
}

/** Messages per second until the last of them is computed. */
async function flood(node: Server, signer: ItemSigner, processes: readonly string[], count: number): Promise<number> {
  const messages = await prepare(node, signer, processes, count)
  const posts = messages.values()
  const began = performance.now()
  const load = await runLoad({ url: node.url, connections: CONNECTIONS, next: () => posts.next().value?.post ?? null })
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} messages were refused`)
  // They got their slots in any order, so that only the number of a process's last slot says which is the last.
  const last = processes.map((process, i) => ({ process, slot: messages.filter((_, n) => n % processes.length === i).length }))
  const client = await openClientOf(node)
  for (const { process, slot } of last) await succeed(client, request('GET', `/result/${slot}?process-id=${process}`, node.host))
  const seconds = (performance.now() - began) / 1_000
  client.close()
  for (const { process, slot } of last) await checkCount(node, signer, process, slot)
  return count / seconds
}

async function prepare(node: Server, signer: ItemSigner, processes: readonly string[], count: number): Promise<Prepared[]> {
  const tags = [
    { name: 'Action', value: 'Inc' },
    { name: 'Type', value: 'Message' },
  ]
  const prepared: Prepared[] = []
  for (let i = 0; i < count; i++) {
    const process = processes[i % processes.length]!
    const { id, raw } = await ao(signer, process, tags, ' ')
    prepared.push({
      post: request('POST', '/', node.host, raw),
      getResult: request('GET', `/result/${id}?process-id=${process}`, node.host),
    })
  }
  return prepared
}

function ao(signer: ItemSigner, target: string | null, tags: readonly TextTag[], data: string): Promise<DataItem> {
  const all = [...tags, { name: 'Data-Protocol', value: 'ao' }, { name: 'Variant', value: 'ao.TN.1' }]
  return createDataItem({ data, tags: all, anchor: randomBytes(32), ...(target === null ? {} : { target: fromBase64url(target) }) }, signer)
}

function openClientOf({ url }: Server): Promise<Client> {
  const { hostname, port } = new URL(url)
  return openClient(hostname, Number(port))
}

async function succeed(client: Client, bytes: Uint8Array): Promise<void> {
  const status = await client.exchange(bytes)
  if (!isSuccess(status)) throw new Error(`a request was answered with ${status}`)
}

/** The process must have counted every message once. */
async function checkCount(node: Server, signer: ItemSigner, process: string, expected: number): Promise<void> {
  const tags = [
    { name: 'Action', value: 'Eval' },
    { name: 'Type', value: 'Message' },
  ]
  const { id, raw } = await ao(signer, process, tags, 'return Count')
  await fetch(`${node.url}/`, { method: 'POST', body: Buffer.from(raw) })
  const { Output } = (await result(node, process, id)) as { Output: { data: string } }
  if (Output.data !== String(expected)) throw new Error(`process ${process} counted ${Output.data} of ${expected} messages`)
}

async function result(node: Server, process: string, id: string): Promise<unknown> {
  const answer = await fetch(`${node.url}/result/${id}?process-id=${process}`)
  const body = (await answer.json()) as { Error?: string; error?: string }
  if (!answer.ok || body.Error !== undefined) throw new Error(`result of ${id}: ${answer.status} ${body.Error ?? body.error}`)
  return body
}
