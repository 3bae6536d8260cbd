/** AO messages over HTTP, signed and encoded before the clock runs, for servers of one port or of one port per unit. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fromBase64url } from '../src/base/bytes.ts'
import { createDataItem, type DataItem, type ItemSigner } from '../src/codec/data-item.ts'
import type { TextTag } from '../src/codec/tags.ts'
import { AOS } from './compute-aos.ts'
import { type Client, isSuccess, openClient, request, runLoad } from './load.ts'

/** Where the units of a node are. */
export interface Units {
  readonly mu: string
  readonly cu: string
}

export interface AoProgram {
  readonly module: string
  readonly scheduler: string
  /** For servers that sign over what they pass on. */
  readonly authority?: string
}

export interface Prepared {
  readonly id: string
  readonly process: string
  readonly post: Uint8Array
  readonly getResult: Uint8Array
}

/** Counts, and replies to whoever sent the message. */
export const COUNTER = `Count = 0
Handlers.add('inc', { Action = 'Inc' }, function (msg)
  Count = Count + 1
  msg.reply({ Data = tostring(Count) })
end)`
const TEXT = [{ name: 'Content-Type', value: 'text/plain' }]

export function onePort(url: string): Units {
  return { mu: url, cu: url }
}

export async function defaultProgram(url: string): Promise<AoProgram> {
  const { heddle } = (await (await fetch(`${url}/info`)).json()) as {
    heddle: { modules: { default: string }; units: { scheduler: string } }
  }
  return { module: heddle.modules.default, scheduler: heddle.units.scheduler }
}

/** Uploads a published aos module. */
export async function aosProgram(url: string, signer: ItemSigner): Promise<AoProgram> {
  const { scheduler } = await defaultProgram(url)
  const tags = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: 'Module' },
    { name: 'Module-Format', value: AOS.wasm64.format },
    { name: 'Input-Encoding', value: 'JSON-1' },
    { name: 'Output-Encoding', value: 'JSON-1' },
    { name: 'Memory-Limit', value: '1-gb' },
    { name: 'Compute-Limit', value: '9000000000000' },
    { name: 'Content-Type', value: 'application/wasm' },
  ]
  const { id, raw } = await createDataItem({ data: readFileSync(AOS.wasm64.file), tags }, signer)
  await post(`${url}/tx`, raw)
  return { module: id, scheduler }
}

/** Signed as a wallet of a user does it. */
export function aoItem(signer: ItemSigner, target: string | null, tags: readonly TextTag[], data: string): Promise<DataItem> {
  const all = [...tags, { name: 'Data-Protocol', value: 'ao' }, { name: 'Variant', value: 'ao.TN.1' }]
  return createDataItem({ data, tags: all, anchor: randomBytes(32), ...(target === null ? {} : { target: fromBase64url(target) }) }, signer)
}

export function spawnItem(signer: ItemSigner, { module, scheduler, authority }: AoProgram, data: string): Promise<DataItem> {
  const tags = [
    ...TEXT,
    { name: 'Type', value: 'Process' },
    { name: 'Module', value: module },
    { name: 'Scheduler', value: scheduler },
    { name: 'On-Boot', value: 'Data' },
    ...(authority === undefined ? [] : [{ name: 'Authority', value: authority }]),
  ]
  return aoItem(signer, null, tags, data)
}

/** A process that counts; resolves when it has booted. */
export async function spawnCounter({ mu, cu }: Units, signer: ItemSigner, program: AoProgram): Promise<string> {
  const { id, raw } = await spawnItem(signer, program, COUNTER)
  await post(`${mu}/`, raw)
  await result(cu, id, id)
  return id
}

export async function prepare(units: Units, signer: ItemSigner, processes: readonly string[], count: number): Promise<Prepared[]> {
  const prepared: Prepared[] = []
  const [muHost, cuHost] = [new URL(units.mu).host, new URL(units.cu).host]
  for (let i = 0; i < count; i++) {
    const process = processes[i % processes.length]!
    const { id, raw } = await aoItem(signer, process, [{ name: 'Action', value: 'Inc' }, ...MESSAGE], ' ')
    const getResult = request('GET', `/result/${id}?process-id=${process}`, cuHost)
    prepared.push({ id, process, post: request('POST', '/', muHost, raw), getResult })
  }
  return prepared
}
const MESSAGE = [{ name: 'Type', value: 'Message' }]

/** Sorted times from POST to result, milliseconds. */
export async function oneByOne(units: Units, messages: readonly Prepared[]): Promise<number[]> {
  const [mu, cu] = await Promise.all([clientOf(units.mu), clientOf(units.cu)])
  const times: number[] = []
  for (const message of messages) {
    const from = performance.now()
    await succeed(mu, message.post)
    await succeed(cu, message.getResult)
    times.push(performance.now() - from)
  }
  mu.close()
  cu.close()
  return times.sort((a, b) => a - b)
}

/**
 * Messages per second, from the first POST until the last of them is computed. They get their slots in any order, so that the last one sent need
 * not be the last one computed: `slotsBefore` is how many slots each process had, or null for servers that have to be asked for every result.
 */
export async function flood(
  units: Units,
  messages: readonly Prepared[],
  { connections, slotsBefore }: { readonly connections: number; readonly slotsBefore: number | null },
): Promise<number> {
  const posts = messages.values()
  const began = performance.now()
  const load = await runLoad({ url: units.mu, connections, next: () => posts.next().value?.post ?? null })
  if (load.failures > 0) throw new Error(`${load.failures} of ${load.requests} messages were refused`)
  const gets = (slotsBefore === null ? messages.map(({ getResult }) => getResult) : lastSlots(units, messages, slotsBefore)).values()
  const answers = await runLoad({ url: units.cu, connections, next: () => gets.next().value ?? null })
  if (answers.failures > 0) throw new Error(`${answers.failures} of ${answers.requests} results were refused`)
  return messages.length / ((performance.now() - began) / 1_000)
}

function lastSlots({ cu }: Units, messages: readonly Prepared[], slotsBefore: number): Uint8Array[] {
  const { host } = new URL(cu)
  return [...counted(messages)].map(([process, count]) => request('GET', `/result/${slotsBefore + count - 1}?process-id=${process}`, host))
}

function counted(messages: readonly Prepared[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { process } of messages) counts.set(process, (counts.get(process) ?? 0) + 1)
  return counts
}

export async function countOf(units: Units, signer: ItemSigner, process: string): Promise<number> {
  const { id, raw } = await aoItem(signer, process, [{ name: 'Action', value: 'Eval' }, ...MESSAGE], 'return Count')
  await post(`${units.mu}/`, raw)
  const { Output } = (await result(units.cu, process, id)) as { Output: { data: string | { output: unknown } } }
  const { data } = Output
  return Number(typeof data === 'string' ? data : data.output) // Older modules of aos have the second form.
}

/** Every process must have counted every message once, of these and `before`. */
export async function checkCounts(units: Units, signer: ItemSigner, messages: readonly Prepared[], before = 0): Promise<void> {
  for (const [process, count] of counted(messages)) {
    const found = await countOf(units, signer, process)
    if (found !== before + count) throw new Error(`process ${process} counted ${found} of ${before + count} messages`)
  }
}

export async function post(url: string, raw: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(url, { method: 'POST', body: Buffer.from(raw), headers })
  if (!answer.ok) throw new Error(`POST ${url} was answered with ${answer.status}: ${await answer.text()}`)
}

export async function result(cu: string, process: string, id: string): Promise<unknown> {
  const answer = await fetch(`${cu}/result/${id}?process-id=${process}`)
  const body = (await answer.json()) as { Error?: string; error?: string }
  if (!answer.ok || body.Error || body.error !== undefined) throw new Error(`result of ${id}: ${answer.status} ${body.Error ?? body.error}`)
  return body
}

export function clientOf(url: string): Promise<Client> {
  const { hostname, port } = new URL(url)
  return openClient(hostname, Number(port))
}

export async function succeed(client: Client, bytes: Uint8Array): Promise<void> {
  const status = await client.exchange(bytes)
  if (!isSuccess(status)) throw new Error(`a request was answered with ${status}`)
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
