/** The node as client commands see it: its public HTTP API and nothing else. */
import { errorText } from '../base/errors.ts'
import { CommandError, type CommandInput, type CommandOption, textOption, UsageError } from './command.ts'
import { nodeUrl } from './config-url.ts'

/** The node answered with an error, or not at all. The message says which, and what to try. */
export class NodeError extends CommandError {
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
  /** Entries of the outbox that were not sent. */
  readonly Undelivered?: readonly { readonly Index: number; readonly Reason: string }[]
}

export interface NodeClient {
  readonly url: string
  /** Fails unless a Heddle node answers. */
  info(): Promise<NodeInfo>
  balanceWinston(address: string): Promise<bigint>
  /** Waits until the message is computed. */
  result(process: string, message: string): Promise<ResultJson>
  graphql<T>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<T>
  /** The JSON of an answer with status 2xx. `what` begins the error of any other. */
  getJson<T>(path: string, what: string): Promise<T>
  postJson<T>(path: string, body: unknown, what: string): Promise<T>
  /** The bytes of an answer with status 2xx; null for 404. */
  getBytes(path: string, what: string): Promise<Uint8Array | null>
  /** Any answer, with a body that is text. */
  getText(path: string): Promise<{ readonly status: number; readonly body: string }>
  /** Posts a signed item and returns the id that the node answers. `what` begins the error when it is refused. */
  postItem(path: string, raw: Uint8Array, what: string): Promise<string>
  /** The same where the answer is text. */
  sendItem(method: 'POST' | 'DELETE', path: string, raw: Uint8Array, what: string): Promise<string>
}

export const urlOption: Readonly<Record<string, CommandOption>> = {
  url: { type: 'string', value: 'URL', help: 'node to talk to (default: HEDDLE_URL or http://localhost:1984)' },
}

/** The node that `--url` or the environment names. */
export function connect(input: CommandInput, signal?: AbortSignal): NodeClient {
  return connectNode(nodeUrl(textOption(input, 'url')), signal)
}

/** What is under way is given up when the signal says so. */
export function connectNode(url: string, signal: AbortSignal | null = null): NodeClient {
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    try {
      return await fetch(`${url}${path}`, { ...init, signal })
    } catch (error) {
      throw unreachable(url, error)
    }
  }
  const readJson = async <T>(path: string, what: string, init?: RequestInit): Promise<T> => {
    const response = await call(path, init)
    return parseAnswer<T>(url, response.status, await response.text(), what)
  }
  return {
    url,
    async info() {
      const info = await readJson<NodeInfo>('/info', 'GET /info failed')
      if (info?.heddle === undefined) throw notHeddle(url)
      return info
    },
    async balanceWinston(address) {
      const response = await call(`/wallet/${address}/balance`)
      const body = await response.text() // Not as JSON: it has more digits than a number keeps.
      if (!/^\d+$/.test(body)) throw parseFailure(url, response.status, body, 'the balance cannot be read')
      return BigInt(body)
    },
    result: (process, message) =>
      readJson(`/result/${encodeURIComponent(message)}?process-id=${process}`, `there is no result of ${message}`),
    async graphql<T>(query: string, variables: Readonly<Record<string, unknown>> = {}) {
      const body = JSON.stringify({ query, variables })
      const response = await call('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const { data, errors } = parseJson<{ data?: T; errors?: readonly { message: string }[] }>(
        url,
        await response.text(),
        'the query failed',
      )
      const problem = errors?.map(({ message }) => message).join('; ')
      if (problem !== undefined || data === undefined) throw new NodeError('query-failed', `the query failed: ${problem ?? 'no data'}`)
      return data
    },
    getJson: (path, what) => readJson(path, what),
    postJson: (path, body, what) =>
      readJson(path, what, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    async getBytes(path, what) {
      const response = await call(path)
      if (response.status === 404) return null
      if (!response.ok) throw parseFailure(url, response.status, await response.text(), what)
      return new Uint8Array(await response.arrayBuffer())
    },
    async getText(path) {
      const response = await call(path)
      return { status: response.status, body: await response.text() }
    },
    async postItem(path, raw, what) {
      const headers = { 'content-type': 'application/octet-stream' }
      return (await readJson<{ id: string }>(path, what, { method: 'POST', headers, body: raw as Uint8Array<ArrayBuffer> })).id
    },
    async sendItem(method, path, raw, what) {
      const headers = { 'content-type': 'application/octet-stream' }
      const response = await call(path, { method, headers, body: raw as Uint8Array<ArrayBuffer> })
      const body = await response.text()
      if (!response.ok) throw parseFailure(url, response.status, body, what)
      return body
    },
  }
}

/** The body of an answer with status 2xx; any other is an error with the node's reason. */
export function parseAnswer<T>(url: string, status: number, body: string, what: string): T {
  if (status < 200 || status > 299) throw parseFailure(url, status, body, what)
  return parseJson<T>(url, body, what)
}

function parseFailure(url: string, status: number, body: string, what: string): NodeError {
  if (status < 200 || status > 299) return new NodeError('refused', `${what} (${status}): ${reason(body)}`)
  return new NodeError('not-heddle', `${what}: ${url} does not answer as a Heddle node does; start one, or name another with --url`)
}

/** No answer at all. */
export function unreachable(url: string, error: unknown): NodeError {
  const cause = rootOf(error)
  const why = cause instanceof Error && 'code' in cause ? connectionProblem(String(cause.code)) : errorText(cause)
  return new NodeError('no-node', `no node answers at ${url} (${why}); start one with "heddle start", or name another with --url`, {
    cause: error,
  })
}

/** A word from the command line that has to be an id; checked here, since what a node says about a bad one names none of the words. */
export function parseId(word: string | undefined, what: string, where: string): string {
  if (word === undefined) throw new UsageError(`${what} is missing; ${where}`)
  if (/^[A-Za-z0-9_-]{43}$/.test(word)) return word
  throw new UsageError(`"${word}" is not ${what}, which has 43 characters of A-Z a-z 0-9 _ -; ${where}`)
}

/** What a result shows to a person: its printed output, or its error. */
export function resultText(result: ResultJson): string {
  if (result.Error !== undefined) return result.Error.trim()
  const output = result.Output
  if (typeof output === 'string') return output
  if (typeof output !== 'object' || output === null) return ''
  const data = (output as { data?: unknown }).data
  if (typeof data === 'string') return data
  return data === undefined ? '' : JSON.stringify(data)
}

function parseJson<T>(url: string, body: string, what: string): T {
  try {
    return JSON.parse(body) as T
  } catch {
    throw parseFailure(url, 200, body, what)
  }
}

function notHeddle(url: string): NodeError {
  return new NodeError('not-heddle', `${url} is not a Heddle node; start one with "heddle start", or name another with --url`)
}

/** fetch wraps what went wrong, and that may be one error for each address tried. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error
}

function connectionProblem(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known'
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return 'it hung up'
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'it takes too long'
    default:
      return code
  }
}

/** The reason in an error body: `{"error": …}` or plain text. */
function reason(body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: unknown; message?: unknown; reason?: unknown }
    return String(parsed.reason ?? parsed.error ?? parsed.message ?? body)
  } catch {
    return body.slice(0, 500)
  }
}
