/** A server with results of every kind for one test file, and the ways to ask it. */
import { afterAll, beforeAll } from 'vitest'
import { toText } from '../src/base/bytes.ts'
import type { Log } from '../src/base/log.ts'
import { commit } from '../src/codec/message/commit.ts'
import { encodeHttpMessage } from '../src/codec/message/http-message.ts'
import { messageSigner } from '../src/codec/message/signers.ts'
import { type HttpsigForm, type Message, message, type Plain } from '../src/codec/message/value.ts'
import { verifyReceived } from '../src/codec/message/verify.ts'
import { headerValue } from '../src/http/ao-core/headers.ts'
import { createEcho, OUTCOMES } from './ao-core-echo.ts'
import { type AoCoreServer, type AoCoreServerOptions, startAoCore } from './ao-core-server.ts'
import { formOf, type Reply, send } from './ao-core-transcripts.ts'
import { vectorKeys } from './ao-core-vectors.ts'

export type { Reply } from './ao-core-transcripts.ts'

export const STRANGER = messageSigner(vectorKeys['key-2'])
export const OPERATOR = messageSigner(vectorKeys['key-1'])
export const JSON_HEADERS = { accept: 'application/json' }

export interface HttpRig {
  server(): AoCoreServer
  /** Errors that were logged. */
  readonly logged: readonly string[]
  /** Another server, which ends with the file. */
  started(options: AoCoreServerOptions): Promise<AoCoreServer>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply>
  post(path: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array): Promise<Reply>
}

export function httpRig(): HttpRig {
  let server: AoCoreServer
  const servers: AoCoreServer[] = []
  const logged: string[] = []
  const log: Log = { debug() {}, info() {}, warn() {}, error: (_facts, words) => logged.push(words) }
  const started = async (options: AoCoreServerOptions): Promise<AoCoreServer> => {
    const other = await startAoCore(options)
    servers.push(other)
    return other
  }
  beforeAll(async () => {
    server = await started({ devices: [createEcho(OUTCOMES)], log })
  })
  afterAll(async () => void (await Promise.all(servers.map((other) => other.stop()))))
  return {
    server: () => server,
    logged,
    started,
    get: (path, headers = {}) => send(server.port, { method: 'GET', path, headers }),
    post: (path, headers, body) =>
      send(server.port, { method: 'POST', path, headers, body: { b64: Buffer.from(body).toString('base64') } }),
  }
}

export function json(reply: Reply): Record<string, unknown> {
  return JSON.parse(toText(reply.body))
}

/** The message of a reply, verified. */
export async function decoded(reply: Reply): Promise<Message> {
  return (await verifyReceived(formOf(reply))).message
}

export function keysOf(found: Message): Record<string, unknown> {
  return Object.fromEntries([...found].filter(([key]) => key !== 'commitments' && !CORS_KEYS.has(key)))
}

const CORS_KEYS = new Set(['access-control-allow-origin', 'access-control-expose-headers', 'access-control-allow-methods'])

export interface SignedRequest {
  readonly headers: Record<string, string>
  readonly body: Uint8Array
}

export async function signedRequest(plain: { readonly [key: string]: Plain }, signer = STRANGER): Promise<SignedRequest> {
  return requestOf(encodeHttpMessage(await commit(message(plain), signer, { wire: true })))
}

export function requestOf({ headers, body }: HttpsigForm): SignedRequest {
  return {
    headers: Object.fromEntries([...headers].map(([name, value]) => [name, headerValue(value)])),
    body: body ?? new Uint8Array(),
  }
}
