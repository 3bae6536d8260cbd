/** A node that is killed while processes send to each other: what was acknowledged is there, and everything is sent exactly once. */
import { type ChildProcess, spawn as spawnChild } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataItem, type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import { verifyAllProcesses } from './support/verify.ts'

const HEDDLE = fileURLToPath(new URL('../../bin/heddle.js', import.meta.url))
const COPIES = 3
const KILLS = 3
/** Messages acknowledged between one kill and the next. */
const BETWEEN = 15

let folder: string
let signer: ItemSigner
let running: { child: ChildProcess; url: string } | null = null

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-kill-'))
  signer = itemSigner(await generateKey('ed25519'))
})
afterAll(async () => {
  await kill()
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<string> {
  const child = spawnChild(process.execPath, [HEDDLE, 'start', '--port', '0', '--data', folder, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, url } = JSON.parse(line) as { event?: string; url?: string }
    if (event !== 'ready' || url === undefined) continue
    running = { child, url }
    return url
  }
  throw new Error('the node ended before it was ready')
}

async function kill(): Promise<void> {
  const child = running?.child
  running = null
  if (child === undefined || child.exitCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function item(
  type: string,
  tags: TextTag[],
  options: { target?: string; data?: string } = {},
): Promise<{ id: string; raw: Uint8Array<ArrayBuffer> }> {
  const ao = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: type },
  ]
  const target = options.target === undefined ? {} : { target: Buffer.from(options.target, 'base64url') }
  const anchor = crypto.getRandomValues(new Uint8Array(32))
  const { id, raw } = await createDataItem({ data: options.data ?? ' ', tags: [...tags, ...ao], anchor, ...target }, signer)
  return { id, raw: Uint8Array.from(raw) }
}

/** Null when the node did not acknowledge it. */
async function post(url: string, { id, raw }: { id: string; raw: Uint8Array<ArrayBuffer> }): Promise<string | null> {
  const response = await fetch(`${url}/`, { method: 'POST', body: raw }).catch(() => null)
  return response?.status === 202 ? id : null
}

async function result(url: string, process: string, id: string): Promise<{ Error?: string; Output: { data?: string } }> {
  return (await (await fetch(`${url}/result/${id}?process-id=${process}`)).json()) as { Error?: string; Output: { data?: string } }
}

async function spawnProcess(url: string, code: string): Promise<string> {
  const info = (await (await fetch(`${url}/info`)).json()) as { heddle: { modules: { default: string }; units: { scheduler: string } } }
  const tags = [
    { name: 'Module', value: info.heddle.modules.default },
    { name: 'Scheduler', value: info.heddle.units.scheduler },
  ]
  const process = (await post(url, await item('Process', tags)))!
  const id = (await post(url, await item('Message', [{ name: 'Action', value: 'Eval' }], { target: process, data: code })))!
  expect((await result(url, process, id)).Error).toBe(undefined)
  return process
}

/** Data and action of every message in the log. */
async function messages(url: string, process: string): Promise<{ id: string; action: string | undefined; data: string }[]> {
  const response = await fetch(`${url}/${process}?process-id=${process}&limit=1000`)
  const { edges } = (await response.json()) as { edges: { node: { message: { id: string; data: string; tags: TextTag[] } } }[] }
  return edges.map(({ node: { message } }) => ({
    id: message.id,
    data: message.data,
    action: message.tags.find(({ name }) => name === 'Action')?.value,
  }))
}

async function itemsAt(url: string, sink: string): Promise<string[]> {
  return (await messages(url, sink)).filter(({ action }) => action === 'Item').map(({ data }) => data)
}

it('sends everything exactly once', async () => {
  let url = await start()
  const sink = await spawnProcess(url, `Seen = 0; Handlers.add('item', 'Item', function () Seen = Seen + 1 end)`)
  const relay = await spawnProcess(
    url,
    `Handlers.add('go', 'Go', function (msg) for i = 1, ${COPIES} do Send({ Target = '${sink}', Action = 'Item', Data = msg.Data .. '/' .. i }) end end)`,
  )
  const acknowledged: string[] = []
  for (let round = 0; round < KILLS; round++) {
    const enough = Promise.withResolvers<void>()
    let count = 0
    const clients = Array.from({ length: 4 }, async (_, client) => {
      for (let i = 0; running !== null; i++) {
        const id = await post(
          url,
          await item('Message', [{ name: 'Action', value: 'Go' }], { target: relay, data: `${round}.${client}.${i}` }),
        )
        if (id === null) return
        acknowledged.push(id)
        if (++count === BETWEEN) enough.resolve()
      }
    })
    await enough.promise
    await kill()
    await Promise.all(clients)
    url = await start()
  }
  const sent = (await messages(url, relay)).filter(({ action }) => action === 'Go')
  expect(acknowledged.filter((id) => !sent.some((message) => message.id === id))).toEqual([])
  const wanted = sent.flatMap(({ data }) => Array.from({ length: COPIES }, (_, i) => `${data}/${i + 1}`))
  const deadline = Date.now() + 30_000
  while ((await itemsAt(url, sink)).length < wanted.length && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await itemsAt(url, sink)).toEqual(wanted)
  const seen = (await post(url, await item('Message', [{ name: 'Action', value: 'Eval' }], { target: sink, data: 'Seen' })))!
  expect((await result(url, sink, seen)).Output.data).toBe(String(wanted.length))
  expect((await verifyAllProcesses(url)).slots).toBeGreaterThan(wanted.length)
})
