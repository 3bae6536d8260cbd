/**
 * The HTTP server: takes requests off the wire, finds their routes, sends what the routes answer. Knows no protocol but HTTP itself.
 *
 * Wire        CORS for everybody on every answer; OPTIONS is a preflight, 204. HEAD is GET without the body. `X-Request-Id` is echoed or made.
 *             No route: 400 `Request type not found.`, as Arweave nodes say. No `Date` header.
 * Invariants  No request ends the process: what routes throw becomes an answer of their surface, what cannot be parsed 4xx and a closed connection.
 */
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createNodeServer, type IncomingMessage, type Server as NodeServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { errorText, HeddleError, isFailure } from '../base/errors.ts'
import {
  HTTP_CLOSE_MS,
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_MS_MAX,
  HTTP_IDLE_MS_MAX,
  HTTP_KEEP_ALIVE_MS,
  URL_BYTES_MAX,
} from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { IncomingRequest } from './incoming.ts'
import { ClientLeft, send } from './outgoing.ts'
import { empty, type Response, type Surface, text } from './route.ts'
import { createRouter, type Router } from './router.ts'

export interface ServerOptions {
  /** Asked in this order. */
  readonly surfaces: readonly Surface[]
  readonly log: Log
  /** Hears of each answer that a route gave: its surface, status and time. */
  readonly observe?: (surface: string, method: string, status: number, ms: number) => void
}

export interface Server {
  /** May be called several times, for several ports. Port 0 picks a free one; resolves to the port. */
  listen(port: number, host: string): Promise<number>
  /** Answers from these surfaces from now on. */
  use(surfaces: readonly Surface[]): void
  /** Takes no more requests, lets those under way finish, and cuts what is left after the deadline. */
  close(deadlineMs?: number): Promise<void>
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/

export function createServer(options: ServerOptions): Server {
  return new HttpServer(options)
}

class HttpServer implements Server {
  #router: Router
  readonly #log: Log
  readonly #observe: NonNullable<ServerOptions['observe']>
  readonly #servers = new Set<NodeServer>()
  /** Sockets with a request under way: nothing but its answer may be written there. */
  readonly #busy = new WeakSet<Socket>()
  #isClosing = false

  constructor({ surfaces, log, observe = () => {} }: ServerOptions) {
    this.#observe = observe
    this.#router = createRouter(surfaces)
    this.#log = log
  }

  async listen(port: number, host: string): Promise<number> {
    if (this.#isClosing) throw new HeddleError('stopping', {}, 'the server is stopping')
    const server = createNodeServer({
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      requestTimeout: 0, // Uploads may take their time; a connection without a byte is ended by `timeout`.
      headersTimeout: HTTP_HEADERS_MS_MAX,
      keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
      joinDuplicateHeaders: true,
    })
    server.timeout = HTTP_IDLE_MS_MAX
    server.on('request', (raw, output) => void this.#handle(raw, output, false))
    server.on('checkContinue', (raw, output) => void this.#handle(raw, output, true))
    server.on('clientError', (error, socket) => this.#refuse(error, socket as Socket))
    server.listen(port, host)
    try {
      await once(server, 'listening')
    } catch (error) {
      const problem = `cannot listen on ${host}:${port}: ${errorText(error)}; choose another port, 0 picks a free one`
      throw new HeddleError('config-invalid', { problems: [problem] }, problem, { cause: error })
    }
    this.#servers.add(server)
    return (server.address() as AddressInfo).port
  }

  use(surfaces: readonly Surface[]): void {
    this.#router = createRouter(surfaces)
  }

  async close(deadlineMs = HTTP_CLOSE_MS): Promise<void> {
    this.#isClosing = true
    const servers = [...this.#servers]
    this.#servers.clear()
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    const timer = setTimeout(() => servers.forEach((server) => void server.closeAllConnections()), deadlineMs)
    await Promise.all(closed)
    clearTimeout(timer)
  }

  async #handle(raw: IncomingMessage, output: ServerResponse, expectsContinue: boolean): Promise<void> {
    output.sendDate = false
    const { socket } = raw
    this.#busy.add(socket)
    const request = new IncomingRequest(raw, output, expectsContinue)
    const requestId = requestIdOf(request)
    const startedMs = performance.now()
    let surface: Surface | null = null
    const sendOut = (response: Response): Promise<void> => send(request, output, response, { requestId, isLast: this.#isClosing })
    try {
      const response = await this.#answer(request, (found) => {
        surface = found
      })
      if (output.destroyed) await discard(response)
      else await sendOut(response)
    } catch (error) {
      await this.#fail(error, { request, requestId, surface, output, sendOut })
    } finally {
      this.#busy.delete(socket)
      this.#done({ request, requestId, surface, status: output.statusCode, ms: performance.now() - startedMs })
    }
  }

  #done({ request, requestId, surface, status, ms }: Done): void {
    this.#observe(surface?.name ?? 'none', request.method, status, ms)
    this.#log.debug({ requestId, method: request.method, url: request.url, status, ms }, 'request')
  }

  async #answer(request: IncomingRequest, onSurface: (surface: Surface) => void): Promise<Response> {
    if (request.method === 'OPTIONS') return preflight(request)
    if (request.url.length > URL_BYTES_MAX)
      return text(414, `The URL has ${request.url.length} characters, at most ${URL_BYTES_MAX} are accepted.`)
    let malformed: Surface | null = null
    for (const { surface, route, params } of this.#router.match(request.method, request.path)) {
      const found = params()
      if (found === null) {
        malformed ??= surface
        continue
      }
      request.params = found
      onSurface(surface)
      const response = await route.handle(request)
      if (response !== null) return response
    }
    if (malformed === null) return text(400, 'Request type not found.')
    onSurface(malformed)
    throw new HeddleError('encoding-invalid', { format: 'url', at: 0 }, `the path ${request.path} is not valid percent-encoding`)
  }

  async #fail(error: unknown, { request, requestId, surface, output, sendOut }: Failed): Promise<void> {
    const facts = { requestId, method: request.method, url: request.url }
    this.#logFailure(error, facts, output.destroyed)
    if (output.headersSent) output.destroy() // The client must not take half a body for a whole one.
    if (output.destroyed) return
    try {
      await sendOut(surface === null ? internalError() : surface.failure(error, request))
    } catch (second) {
      this.#log.error({ ...facts, err: second }, 'the failure of a request could not be shown')
      if (output.headersSent) output.destroy()
      else await sendOut(internalError()).catch(() => output.destroy())
    }
  }

  #logFailure(error: unknown, facts: object, isClientGone: boolean): void {
    if (isFailure(error, 'store-failed')) this.#log.error({ ...facts, err: error }, 'the store failed')
    else if (error instanceof HeddleError) this.#log.debug({ ...facts, code: error.code, reason: error.message }, 'request refused')
    else if (isClientGone && isStop(error)) this.#log.debug(facts, 'the client left')
    else this.#log.error({ ...facts, err: error }, 'request failed unexpectedly')
  }

  /** What the HTTP parser could not read, or that took too long. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!socket.writable || error.code === 'ECONNRESET' || this.#busy.has(socket)) {
      socket.destroy()
      return
    }
    const status = statusOfParserError(error.code)
    const head = [`HTTP/1.1 ${status}`, 'Connection: close', 'Access-Control-Allow-Origin: *', 'Content-Type: text/plain; charset=utf-8']
    const body = `${status.slice(4)}\n`
    socket.end(`${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`)
  }
}

interface Done {
  readonly request: IncomingRequest
  readonly requestId: string
  readonly surface: Surface | null
  readonly status: number
  readonly ms: number
}

interface Failed {
  readonly request: IncomingRequest
  readonly requestId: string
  /** Null when it failed before a route was found. */
  readonly surface: Surface | null
  readonly output: ServerResponse
  readonly sendOut: (response: Response) => Promise<void>
}

function preflight(request: IncomingRequest): Response {
  return empty(204, {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
    'access-control-allow-private-network': 'true',
    'access-control-max-age': '86400',
  })
}

/** Random bytes in stock: asking for 16 at a time costs more than the rest of a small request's id. */
const stock = Buffer.alloc(16 * 256)
let used = stock.length

function requestIdOf(request: IncomingRequest): string {
  const given = request.headers['x-request-id']
  if (given !== undefined && REQUEST_ID.test(given)) return given
  if (used === stock.length) {
    randomFillSync(stock)
    used = 0
  }
  used += 16
  return stock.toString('base64url', used - 16, used)
}

function internalError(): Response {
  return text(500, 'Internal Server Error')
}

function statusOfParserError(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

/** Work that was stopped because nobody waits for it any more. */
function isStop(error: unknown): boolean {
  return error instanceof ClientLeft || (error instanceof Error && error.name === 'AbortError')
}

/** Lets go of what a stream holds that nobody will read. */
async function discard({ body }: Response): Promise<void> {
  if (typeof body === 'object' && body !== null && !(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.()
}
