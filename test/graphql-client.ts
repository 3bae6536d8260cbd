/** Asks a GraphQL surface without a server. */
import type { IncomingMessage } from 'node:http'
import { toText, utf8 } from '../src/base/bytes.ts'
import { HeddleError } from '../src/base/errors.ts'
import type { Request, Surface } from '../src/http/route.ts'

export interface Answer {
  readonly status: number
  readonly contentType: unknown
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any
}

export interface Asked {
  readonly method?: 'GET' | 'POST'
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
}

export async function ask(surface: Surface, { method = 'POST', url = '/graphql', headers = {}, body = '' }: Asked): Promise<Answer> {
  const route = surface.routes.find((one) => one.method === method)!
  const sent = typeof body === 'string' ? utf8(body) : body
  const request: Request = {
    method,
    url,
    path: '/graphql',
    query: new URL(url, 'http://localhost').searchParams,
    headers,
    params: {},
    remoteAddress: '127.0.0.1',
    origin: 'http://localhost',
    signal: new AbortController().signal,
    raw: {} as IncomingMessage,
    async body(maxBytes) {
      if (sent.length > maxBytes)
        throw new HeddleError('too-large', { what: 'body', size: sent.length, max: maxBytes }, 'the body is too large')
      return sent
    },
    async *bodyStream() {
      yield sent
    },
  }
  const response = (await route.handle(request).catch((error: unknown) => surface.failure(error, request)))!
  const text = typeof response.body === 'string' ? response.body : toText(response.body as Uint8Array)
  const contentType = response.headers['content-type']
  return { status: response.status, contentType, body: String(contentType).startsWith('application/json') ? JSON.parse(text) : text }
}

/** A POST as clients send it. */
export function post(surface: Surface, query: string, variables?: unknown, more: object = {}): Promise<Answer> {
  return ask(surface, { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables, ...more }) })
}
