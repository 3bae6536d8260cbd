/** AO: from a posted message to its result, with signatures verified, everything durable and computed by the built-in runtime. */
import { randomBytes } from 'node:crypto'
import { fromBase64url } from '../src/base/bytes.ts'
import { createDataItem, type ItemSigner } from '../src/codec/data-item.ts'
import type { TextTag } from '../src/codec/tags.ts'
import { createSigner } from './items.ts'
import { median } from './load.ts'
import { type Server, startHeddle } from './servers.ts'
import { milliseconds, perSecond, type Row, type Scale } from './table.ts'

const SOURCE = `Count = 0
Handlers.add('inc', { Action = 'Inc' }, function (msg)
  Count = Count + 1
  msg.reply({ Data = tostring(Count) })
end)`

export async function benchAo({ runs, share }: Scale): Promise<Row[]> {
  const signer = await createSigner('ed25519')
  const node = await startHeddle()
  try {
    const latency: number[] = []
    const latency99: number[] = []
    const single: number[] = []
    const many: number[] = []
    for (let run = 0; run < runs; run++) {
      const process = await spawn(node, signer)
      const times = await oneByOne(node, signer, process, Math.ceil(500 * share))
      latency.push(times[Math.floor(times.length / 2)]!)
      latency99.push(times[Math.floor(times.length * 0.99)]!)
      single.push(await flood(node, signer, [process], Math.ceil(4_000 * share)))
      const processes = await Promise.all(Array.from({ length: 10 }, () => spawn(node, signer)))
      many.push(await flood(node, signer, processes, Math.ceil(4_000 * share)))
    }
    return [
      {
        work: 'AO: POST to result, one at a time',
        heddle: `p50 ${milliseconds(median(latency))}, p99 ${milliseconds(median(latency99))}`,
        against: '',
        ratio: '',
        aim: 'p50 under 10 ms',
      },
      { work: 'AO: messages computed, 1 process', heddle: perSecond(median(single)), against: '', ratio: '', aim: '' },
      { work: 'AO: messages computed, 10 processes', heddle: perSecond(median(many)), against: '', ratio: '', aim: '' },
    ]
  } finally {
    await node.stop()
  }
}

async function spawn(node: Server, signer: ItemSigner): Promise<string> {
  const { heddle } = (await (await fetch(`${node.url}/info`)).json()) as {
    heddle: { modules: { default: string }; units: { scheduler: string } }
  }
  const process = await send(
    node,
    signer,
    null,
    [
      { name: 'Type', value: 'Process' },
      { name: 'Module', value: heddle.modules.default },
      { name: 'Scheduler', value: heddle.units.scheduler },
      { name: 'On-Boot', value: 'Data' },
    ],
    SOURCE,
  )
  await result(node, process, process)
  return process
}

/** Sorted times from POST to result, milliseconds. */
async function oneByOne(node: Server, signer: ItemSigner, process: string, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const item = await message(signer, process)
    const from = performance.now()
    const id = await post(node, item)
    await result(node, process, id)
    times.push(performance.now() - from)
  }
  return times.sort((a, b) => a - b)
}

/** Messages per second until the last of them is computed. */
async function flood(node: Server, signer: ItemSigner, processes: readonly string[], count: number): Promise<number> {
  const items: { item: Uint8Array; process: string }[] = []
  for (let i = 0; i < count; i++) {
    const process = processes[i % processes.length]!
    items.push({ item: await message(signer, process), process })
  }
  const last = new Map<string, string>()
  const waiting = items.values()
  const began = performance.now()
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const { item, process } of waiting) last.set(process, await post(node, item))
    }),
  )
  await Promise.all([...last].map(([process, id]) => result(node, process, id)))
  return count / ((performance.now() - began) / 1_000)
}

async function message(signer: ItemSigner, process: string): Promise<Uint8Array> {
  return (
    await ao(
      signer,
      process,
      [
        { name: 'Action', value: 'Inc' },
        { name: 'Type', value: 'Message' },
      ],
      ' ',
    )
  ).raw
}

function ao(signer: ItemSigner, target: string | null, tags: readonly TextTag[], data: string) {
  const all = [...tags, { name: 'Data-Protocol', value: 'ao' }, { name: 'Variant', value: 'ao.TN.1' }]
  return createDataItem({ data, tags: all, anchor: randomBytes(32), ...(target === null ? {} : { target: fromBase64url(target) }) }, signer)
}

async function send(node: Server, signer: ItemSigner, target: string | null, tags: readonly TextTag[], data: string): Promise<string> {
  return post(node, (await ao(signer, target, tags, data)).raw)
}

async function post(node: Server, item: Uint8Array): Promise<string> {
  const answer = await fetch(`${node.url}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from(item),
  })
  if (!answer.ok) throw new Error(`POST / answered ${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as { id: string }).id
}

async function result(node: Server, process: string, id: string): Promise<void> {
  const answer = await fetch(`${node.url}/result/${id}?process-id=${process}`)
  const body = (await answer.json()) as { Error?: string; error?: string }
  if (!answer.ok || body.Error !== undefined) throw new Error(`result of ${id}: ${answer.status} ${body.Error ?? body.error}`)
}
