/** HTTP/1.1 byte by byte: what no client library would send, and the answer as it is on the wire. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case; the last one where a name is repeated. */
  readonly headers: Readonly<Record<string, string>>
  /** Chunks put together. */
  readonly body: Buffer
  /** Every byte that came. */
  readonly bytes: Buffer
}

export type RawHeaders = readonly (readonly [name: string, value: string | Uint8Array])[]

const ANSWER_MS_MAX = 20_000

/** Until the other side closes, which a request asks for with `connection: close`. Fails when it closes without an answer. */
export async function sendRaw(url: string, bytes: Uint8Array): Promise<RawAnswer> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const received: Buffer[] = []
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)))
  socket.on('error', () => {}) // A refusal may come before everything is sent; what was answered counts.
  socket.on('data', (piece) => received.push(piece))
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return parseAnswer(Buffer.concat(received))
}

/** A request with these headers, a host, a length unless it is given, and the end of the connection. */
export function rawRequest(method: string, target: string, headers: RawHeaders = [], body: Uint8Array = new Uint8Array()): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  const lines: RawHeaders = [
    ['host', 'localhost'],
    ['connection', 'close'],
    ...(names.has('content-length') || names.has('transfer-encoding') || body.length === 0
      ? []
      : [['content-length', String(body.length)] as const]),
    ...headers,
  ]
  const encoded = lines.flatMap(([name, value]) => [Buffer.from(`${name}: `), Buffer.from(value as string), Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n`), ...encoded, Buffer.from('\r\n'), body])
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no answer but ${bytes.length} bytes: ${bytes.toString('latin1').slice(0, 100)}`)
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const body = bytes.subarray(end + 4)
  return { status: Number(first.split(' ')[1]), headers, body: headers['transfer-encoding'] === 'chunked' ? unchunked(body) : body, bytes }
}

function unchunked(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const size = end < 0 ? 0 : Number.parseInt(body.subarray(at, end).toString(), 16)
    if (!(size > 0)) return Buffer.concat(chunks)
    chunks.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
