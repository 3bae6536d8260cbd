/** The node as client commands see it: its public HTTP API and nothing else. */
import { readFile } from 'node:fs/promises'
import { fromBase64url } from '../base/bytes.ts'
import { errorText } from '../base/errors.ts'
import { createDataItem, type DataItem, itemSigner } from '../codec/data-item.ts'
import { keyFromJwk, type SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import { UsageError } from './command.ts'

/** The node answered with an error, or not at all. The message says which, and what to try. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
}

export interface NodeInfo {
  readonly network: string
  readonly height: number
  readonly heddle: {
    readonly version: string
    readonly profile: string
    readonly modules: { readonly default: string }
    readonly units: { readonly scheduler: string; readonly authority: string }
  }
}

export interface ResultJson {
  readonly Output?: unknown
  readonly Messages?: readonly unknown[]
  readonly Spawns?: readonly unknown[]
  readonly Assignments?: readonly unknown[]
  readonly Error?: string
  readonly GasUsed?: number
}

export interface ItemInput {
  readonly data: Uint8Array | string
  readonly tags: readonly TextTag[]
  readonly target?: string
}

export interface NodeClient {
  readonly url: string
  info(): Promise<NodeInfo>
  balanceWinston(address: string): Promise<bigint>
  /** Signs and uploads a data item; resolves once it is durable. */
  upload(item: ItemInput, key: SigningKey): Promise<string>
  /** Signs and sends an AO message or process; resolves once it is scheduled. */
  schedule(item: ItemInput, key: SigningKey): Promise<string>
  /** Waits until the message is computed. */
  result(process: string, message: string): Promise<ResultJson>
  graphql<T>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<T>
  getText(path: string): Promise<{ readonly status: number; readonly body: string }>
  getBytes(path: string): Promise<{ readonly status: number; readonly body: Uint8Array; readonly contentType: string | null }>
}

export function connectNode(url: string): NodeClient {
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    try {
      return await fetch(`${url}${path}`, init)
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? errorText(error.cause) : errorText(error)
      throw new NodeError(`no node answers at ${url} (${cause}); start one with "heddle start", or name another with --url`)
    }
  }
  const readJson = async <T>(response: Response, what: string): Promise<T> => {
    const body = await response.text()
    if (!response.ok) throw new NodeError(`${what} was refused (${response.status}): ${reason(body)}`)
    try {
      return JSON.parse(body) as T
    } catch {
      throw new NodeError(`${what}: the answer is not JSON: ${body.slice(0, 200)}; is ${url} a Heddle node?`)
    }
  }
  const post = async (path: string, item: DataItem, what: string): Promise<string> => {
    const body = Buffer.from(item.raw)
    const answer = await call(path, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body })
    return (await readJson<{ id: string }>(answer, what)).id
  }
  return {
    url,
    info: async () => readJson<NodeInfo>(await call('/info'), 'GET /info'),
    balanceWinston: async (address) => BigInt(await (await call(`/wallet/${address}/balance`)).text()),
    upload: async (item, key) => post('/tx', await signItem(item, key), 'the upload'),
    schedule: async (item, key) => post('/', await signItem(item, key), 'the message'),
    result: async (process, message) =>
      readJson<ResultJson>(await call(`/result/${message}?process-id=${process}`), `result of ${message}`),
    async graphql<T>(query: string, variables: Readonly<Record<string, unknown>> = {}) {
      const answer = await call('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const { data, errors } = (await answer.json()) as { data?: T; errors?: readonly { message: string }[] }
      if (errors !== undefined || data === undefined)
        throw new NodeError(`the query failed: ${errors?.map(({ message }) => message).join('; ')}`)
      return data
    },
    async getText(path) {
      const answer = await call(path)
      return { status: answer.status, body: await answer.text() }
    },
    async getBytes(path) {
      const answer = await call(path)
      return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()), contentType: answer.headers.get('content-type') }
    },
  }
}

export async function readKey(path: string): Promise<SigningKey> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read the wallet ${path}: ${errorText(error)}; make one with "heddle wallet create ${path}"`)
  }
  try {
    return keyFromJwk(JSON.parse(text))
  } catch (error) {
    throw new UsageError(`${path} is not a key file: ${errorText(error)}`)
  }
}

/** `name=value` words as tags. */
export function parseTags(words: readonly string[]): TextTag[] {
  return words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`--tag ${word}: expected name=value`)
    return { name: word.slice(0, at), value: word.slice(at + 1) }
  })
}

/** What a result shows to a person: its printed output, or its error. */
export function resultText(result: ResultJson): string {
  if (result.Error !== undefined) return result.Error
  const output = result.Output
  if (typeof output === 'string') return output
  if (typeof output !== 'object' || output === null) return ''
  const data = (output as { data?: unknown }).data
  if (typeof data === 'string') return data
  return data === undefined ? JSON.stringify(output) : JSON.stringify(data)
}

function signItem({ data, tags, target }: ItemInput, key: SigningKey): Promise<DataItem> {
  return createDataItem({ data, tags, ...(target === undefined ? {} : { target: fromBase64url(target, 'target') }) }, itemSigner(key))
}

/** The reason in an error body: `{"error": …}` or plain text. */
function reason(body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: unknown; message?: unknown }
    return String(parsed.error ?? parsed.message ?? body)
  } catch {
    return body.slice(0, 500)
  }
}
