/** What a route is: a method, a path pattern and a handler that maps the wire to one call and its outcome back. */
import type { IncomingMessage } from 'node:http'

export interface Request {
  readonly method: string
  /** `req.url` as it came, unchanged: AO-Core paths carry characters that URL parsers normalise. */
  readonly url: string
  /** The part before `?`, still percent-encoded, leading slashes reduced to one. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names, repeats joined by a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Values of `:name` parts of the pattern, percent-decoded; `*` is the rest of the path, not decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly remoteAddress: string
  /** The base URL that the client used, without a trailing slash. */
  readonly origin: string
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  readonly raw: IncomingMessage
  /** The whole body; throws `too-large` beyond `maxBytes`. */
  body(maxBytes: number): Promise<Uint8Array>
  /** The body as it arrives, for large uploads; throws `too-large` beyond `maxBytes`. */
  bodyStream(maxBytes: number): AsyncIterable<Uint8Array>
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | readonly string[]>>
  /** Null sends no body. A stream needs a content-length header, or it is sent chunked. */
  readonly body: Uint8Array | string | AsyncIterable<Uint8Array> | null
}

/** HEAD is asked of GET routes, OPTIONS of none. */
export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Null from a handler means: not mine after all, try the next route that matches. */
export interface Route {
  readonly method: (typeof METHODS)[number]
  /** `/tx/:id/status`; `/x/*` takes any rest, also an empty one. GET routes answer HEAD too, without the body. */
  readonly path: string
  handle(request: Request): Promise<Response | null>
}

/** A surface is a group of routes that shows failures in the same way. */
export interface Surface {
  readonly name: string
  readonly routes: readonly Route[]
  /** How this surface shows a thrown value. */
  failure(error: unknown, request: Request): Response
}

export function json(status: number, value: unknown, headers: Response['headers'] = {}): Response {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: JSON.stringify(value) }
}

export function text(status: number, body: string, headers: Response['headers'] = {}): Response {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

export function bytes(status: number, body: Uint8Array, headers: Response['headers'] = {}): Response {
  return { status, headers: { 'content-type': 'application/octet-stream', 'content-length': body.length, ...headers }, body }
}

export function empty(status: number, headers: Response['headers'] = {}): Response {
  return { status, headers, body: null }
}
