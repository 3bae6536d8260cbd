/**
 * A process of its own that runs aos modules in the reference loader, @permaweb/ao-loader, and answers with what it gave.
 *
 * Wire        in  { job, module: { path, format }, env, messages, keepsHot }
 *             out { job, results } or { job, failure }, by the channel of child_process.fork
 * Source      @permaweb/ao-loader 0.0.49; what a unit does around it: permaweb/ao servers/cu (worker/evaluate)
 * Invariants  Only programs that we wrote may run here. The loader replaces Date.now and Math.random of the whole process, and in the format
 *             wasm32-unknown-emscripten4 `os.execute` runs commands of the guest in a shell of the host.
 *             State is kept as units keep it: what a message that failed did to the memory is gone. Units drop the instance for that.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { RawResult, ReferenceAnswer, ReferenceJob } from './reference.ts'
import { allowNumbersInGrow } from './reference-grow.ts'

interface LoaderResult extends RawResult {
  readonly Memory: ArrayBuffer | Uint8Array
}

type Handle = (memory: Uint8Array | null, message: object, env: object) => Promise<LoaderResult>
type Load = (bytes: Uint8Array, options: { readonly format: string; readonly UNSAFE_MEMORY: boolean }) => Promise<Handle>

const PAGE_BYTES = 64 * 1024
const ZEROS = Buffer.alloc(PAGE_BYTES)

allowNumbersInGrow()
const load = createRequire(import.meta.url)('@permaweb/ao-loader') as Load

/** A whole memory, most of which is zero. */
interface SparseMemory {
  readonly sizeBytes: number
  readonly pages: ReadonlyMap<number, Buffer>
}

/** Pages that did not change since `last` are not copied again. */
function sparse(memory: ArrayBuffer, last: SparseMemory | null): SparseMemory {
  const pages = new Map<number, Buffer>()
  for (let at = 0; at < memory.byteLength; at += PAGE_BYTES) {
    const page = Buffer.from(memory, at, PAGE_BYTES)
    if (page.equals(ZEROS)) continue
    const known = last?.pages.get(at)
    pages.set(at, known?.equals(page) === true ? known : Buffer.from(page))
  }
  return { sizeBytes: memory.byteLength, pages }
}

function whole({ sizeBytes, pages }: SparseMemory): Uint8Array {
  const memory = new Uint8Array(sizeBytes)
  for (const [at, page] of pages) memory.set(page, at)
  return memory
}

/** False when the memory is not as large as it was: the loader could not grow it again. */
function restore(memory: ArrayBuffer, { sizeBytes, pages }: SparseMemory): boolean {
  if (memory.byteLength !== sizeBytes) return false
  for (let at = 0; at < sizeBytes; at += PAGE_BYTES) {
    const page = Buffer.from(memory, at, PAGE_BYTES)
    const before = pages.get(at) ?? ZEROS
    if (!page.equals(before)) page.set(before)
  }
  return true
}

/** One process in one instance, put back after each error; what is broken or has grown is replaced. */
async function runHot({ module, env, messages }: ReferenceJob): Promise<RawResult[]> {
  const bytes = readFileSync(module.path)
  const results: RawResult[] = []
  let handle: Handle | null = null
  let memory: ArrayBuffer | null = null
  let before: SparseMemory | null = null
  for (const message of messages) {
    const isNew: boolean = handle === null
    handle ??= await load(bytes, { format: module.format, UNSAFE_MEMORY: true })
    const { result, memory: after } = await send(handle, isNew && before !== null ? whole(before) : null, message, env)
    results.push(result)
    memory = (after as ArrayBuffer | null) ?? (isNew ? null : memory)
    if (!hasFailed(result) && memory !== null) before = sparse(memory, before)
    else if (result.broken !== undefined || memory === null || before === null || !restore(memory, before)) {
      handle = null
      memory = null
      freeInstances()
    }
  }
  return results
}

/** Each holds a hundred megabytes and more, which the collector does not know of. */
function freeInstances(): void {
  globalThis.gc?.()
}

/** One process as units run it: its whole memory goes in and comes out with each message, and an error costs the instance. */
async function runCold({ module, env, messages }: ReferenceJob): Promise<RawResult[]> {
  const bytes = readFileSync(module.path)
  const results: RawResult[] = []
  let handle: Handle | null = null
  let before: Uint8Array | null = null
  for (const message of messages) {
    handle ??= await load(bytes, { format: module.format, UNSAFE_MEMORY: false })
    const { result, memory } = await send(handle, before, message, env)
    results.push(result)
    if (hasFailed(result)) handle = null
    else before = memory as Uint8Array
  }
  return results
}

interface Sent {
  readonly result: RawResult
  readonly memory: ArrayBuffer | Uint8Array | null
}

/** Thrown is the error of a reply, mostly text, or the end of the instance: a trap, an exit, a reply that is no JSON. */
async function send(handle: Handle, memory: Uint8Array | null, message: object, env: object): Promise<Sent> {
  try {
    const { Memory, Output, Messages, Spawns, Assignments, GasUsed, Error: reported } = await handle(memory, message, env)
    return { result: { Output, Messages, Spawns, Assignments, GasUsed, Error: reported }, memory: Memory }
  } catch (thrown) {
    if (typeof thrown === 'string') return { result: { thrown }, memory: null }
    const isReply = Array.isArray(thrown) || (typeof thrown === 'object' && Object.getPrototypeOf(thrown) === Object.prototype)
    return { result: isReply ? { thrown: JSON.stringify(thrown) } : { broken: String(thrown) }, memory: null }
  }
}

const hasFailed = ({ Error: reported, thrown, broken }: RawResult): boolean =>
  Boolean(reported) || thrown !== undefined || broken !== undefined

process.on('message', async (job: ReferenceJob) => {
  const answer = (rest: Omit<ReferenceAnswer, 'job'>): void => void process.send?.({ job: job.job, ...rest } satisfies ReferenceAnswer)
  try {
    freeInstances()
    answer({ results: await (job.keepsHot ? runHot(job) : runCold(job)) })
  } catch (error) {
    answer({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
