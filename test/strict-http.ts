/**
 * HTTP/1.1 byte by byte: requests that no client library would send, and answers taken apart by RFC 9110 and 9112, where whatever a strict client might
 * refuse is an error.
 */
import { connect } from 'node:net'

export interface StrictAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** Chunks put together. */
  readonly body: Buffer
  /** Every byte that came. */
  readonly bytes: Buffer
  readonly ms: number
}

export type RawHeaders = readonly (readonly [name: string, value: string | Uint8Array])[]

/** Clients on Node.js read no more. */
const HEAD_BYTES_MAX = 16 * 1024
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t -~\x80-\xff]*$/
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[\t ]*$/
const ANSWER_MS_MAX = 15_000

/** A request with these headers, a host, the end of the connection, and a length unless it is given or a GET has no body. */
export function rawRequest(method: string, target: string, headers: RawHeaders = [], body: Uint8Array = new Uint8Array()): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const lines: RawHeaders = [
    ['host', 'localhost'],
    ['connection', 'close'],
    ...(names.has('content-length') || names.has('transfer-encoding') || (body.length === 0 && method === 'GET')
      ? []
      : [['content-length', String(body.length)] as const]),
    ...headers,
  ]
  const encoded = lines.flatMap(([name, value]) => [Buffer.from(`${name}: `), Buffer.from(value as string), Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n`), ...encoded, Buffer.from('\r\n'), body])
}

/** Sends the bytes of one request that asks for the end of the connection; fails when what comes back is not one answer and that end. */
export async function exchangeStrictly(port: number, request: Uint8Array): Promise<StrictAnswer> {
  const answer = await exchangeAny(port, request, ANSWER_MS_MAX)
  return answer ?? fail(`no answer, or none within ${ANSWER_MS_MAX} ms`)
}

/** The same for bytes that may be less than a request: null when the server still waits for more. */
export async function exchangeAny(port: number, request: Uint8Array, patienceMs: number): Promise<StrictAnswer | null> {
  const startedMs = performance.now()
  const received: Buffer[] = []
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setTimeout(patienceMs, () => socket.destroy())
  socket.on('error', () => {}) // It may refuse before all is sent; what it said counts.
  socket.on('data', (piece) => received.push(piece))
  socket.write(request)
  await new Promise((resolve) => socket.once('close', resolve))
  const bytes = Buffer.concat(received)
  if (bytes.length === 0) return null
  return { ...parseAnswer(bytes, Buffer.from(request).toString('latin1', 0, 5) === 'HEAD '), ms: performance.now() - startedMs }
}

function parseAnswer(bytes: Buffer, isHead: boolean): Omit<StrictAnswer, 'ms'> {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no answer but ${bytes.length} bytes: ${bytes.toString('latin1', 0, 100)}`)
  if (end > HEAD_BYTES_MAX) throw new Error(`headers of ${end} bytes`)
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = Number(STATUS_LINE.exec(first)?.[1] ?? fail(`status line ${JSON.stringify(first)}`))
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? fail(`header line ${JSON.stringify(line)}`)
    if (headers.has(name!.toLowerCase())) throw new Error(`two headers ${name}`)
    headers.set(name!.toLowerCase(), value!)
  }
  return { status, headers, bytes, body: bodyOf(bytes.subarray(end + 4), headers, isHead || status === 204 || status === 304) }
}

function bodyOf(rest: Buffer, headers: ReadonlyMap<string, string>, isWithout: boolean): Buffer {
  const length = headers.get('content-length')
  const coding = headers.get('transfer-encoding')
  if (length !== undefined && coding !== undefined) throw new Error('a length and chunks')
  if (isWithout) return rest.length === 0 ? rest : fail(`${rest.length} bytes where no body may be`)
  if (coding !== undefined) return coding === 'chunked' ? unchunked(rest) : fail(`transfer-encoding ${coding}`)
  if (length === undefined || !/^\d+$/.test(length)) throw new Error(`content-length ${length}`)
  return Number(length) === rest.length ? rest : fail(`a body of ${rest.length} bytes that says it has ${length}`)
}

function unchunked(rest: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at)
    const size = end < 0 ? '' : rest.toString('latin1', at, end)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`)
    const next = end + 2 + Number.parseInt(size, 16)
    if (rest.toString('latin1', next, next + 2) !== '\r\n') throw new Error('a chunk without its end')
    if (next === end + 2) return next + 2 === rest.length ? Buffer.concat(chunks) : fail('something behind the last chunk')
    chunks.push(rest.subarray(end + 2, next))
    at = next + 2
  }
}

function fail(problem: string): never {
  throw new Error(`not HTTP: ${problem}`)
}
