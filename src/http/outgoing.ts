/**
 * Sends a response: headers that every answer carries, bodies of bytes, text or pieces, and an orderly end when the request was not read to its end.
 *
 * Invariants  A stream is asked for its first piece before the headers go out, so that a failure up to there still becomes a proper answer.
 *             A stream that fails later, or gives another number of bytes than announced, destroys the connection: the client must notice.
 */
import type { ServerResponse } from 'node:http'
import { asBuffer } from '../base/bytes.ts'
import { HTTP_LINGER_BYTES_MAX, HTTP_LINGER_MS } from '../base/limits.ts'
import type { IncomingRequest } from './incoming.ts'
import type { Response } from './route.ts'

/** Less than this that nobody read is swallowed, and the connection goes on. */
const UNREAD_BYTES_MAX = 64 * 1024

/** Up to this a body goes out as text of one byte a character, in one write with the headers: a tenth cheaper than two buffers. */
const SMALL_BODY_BYTES = 16 * 1024

/** The client closed the connection before it had the whole answer. An outcome, not a failure: there is nobody to tell. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'
}

export interface SendOptions {
  readonly requestId: string
  /** The server stops: no further request on this connection. */
  readonly isLast: boolean
}

/** Resolves when the answer was handed to the connection, or the connection is gone. */
export async function send(request: IncomingRequest, output: ServerResponse, response: Response, options: SendOptions): Promise<void> {
  const { status, body } = response
  const isHead = request.method === 'HEAD'
  const mustClose = isMuchUnread(request)
  const headers: Record<string, string | number | readonly string[]> = {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': '*',
    'x-request-id': options.requestId,
    ...response.headers,
  }
  if (mustClose || options.isLast) headers['connection'] = 'close'
  if (typeof body === 'string') headers['content-length'] ??= Buffer.byteLength(body)
  else if (body instanceof Uint8Array) headers['content-length'] ??= body.length
  else if (body === null && status !== 204 && status !== 304) headers['content-length'] ??= 0
  if (isStream(body)) return sendStream(output, status, headers, isHead, body)
  output.writeHead(status, headers as Record<string, string | number | string[]>)
  const bytes = isHead ? null : body
  if (mustClose && !request.isBodyWithheld) return linger(request, output, bytes)
  if (bytes === null) output.end()
  else if (bytes instanceof Uint8Array && bytes.length <= SMALL_BODY_BYTES) output.end(asBuffer(bytes).toString('latin1'), 'latin1')
  else output.end(bytes)
}

function isStream(body: Response['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array)
}

async function sendStream(
  output: ServerResponse,
  status: number,
  headers: Record<string, string | number | readonly string[]>,
  isHead: boolean,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const pieces = body[Symbol.asyncIterator]()
  let isDone = false
  try {
    const first = isHead ? null : await pieces.next()
    isDone = first?.done === true
    if (output.destroyed) return
    output.writeHead(status, headers as Record<string, string | number | string[]>)
    if (first !== null) await pump(output, pieces, first, headers['content-length'])
    isDone ||= first !== null
    output.end()
  } finally {
    if (!isDone) await pieces.return?.()
  }
}

/** A plain loop: twice as fast as node's pipeline for the few large pieces that bodies come in. */
async function pump(
  output: ServerResponse,
  pieces: AsyncIterator<Uint8Array>,
  first: IteratorResult<Uint8Array>,
  announced: string | number | readonly string[] | undefined,
): Promise<void> {
  output.on('error', () => {}) // A client that leaves shows as a closed response.
  const expected = announced === undefined ? null : Number(announced)
  let sent = 0
  for (let step = first; !step.done; step = await pieces.next()) {
    sent += step.value.length
    if (expected !== null && sent > expected) throw new Error(`the body has more than the ${expected} bytes announced`)
    if (output.destroyed) throw new ClientLeft()
    if (!output.write(step.value)) await drained(output)
  }
  if (expected !== null && sent < expected) throw new Error(`the body ended after ${sent} of ${expected} bytes`)
}

function drained(output: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      output.off('close', onClose)
      resolve()
    }
    const onClose = (): void => {
      output.off('drain', onDrain)
      reject(new ClientLeft())
    }
    if (output.destroyed) onClose()
    else output.once('drain', onDrain).once('close', onClose)
  })
}

function isMuchUnread(request: IncomingRequest): boolean {
  if (!request.isBodyLeft) return false
  if (request.isBodyWithheld) return true // The client may send it or not; only a new connection is clear.
  const announced = request.announcedBytes
  return announced === null || announced > UNREAD_BYTES_MAX
}

/**
 * Answers while the client still sends. Closing at once would reset the connection, and most clients then lose the answer;
 * so the answer goes out whole, and what comes in is thrown away for a moment before the connection ends.
 */
function linger(request: IncomingRequest, output: ServerResponse, body: Uint8Array | string | null): Promise<void> {
  output.on('error', () => {}) // The client may be gone before the end.
  if (body === null) output.flushHeaders()
  else output.write(body)
  const { raw } = request
  return new Promise((resolve) => {
    let left = HTTP_LINGER_BYTES_MAX
    const end = (): void => {
      clearTimeout(timer)
      raw.off('data', discard).off('end', end).off('close', end)
      output.end()
      resolve()
    }
    const discard = (part: Uint8Array): void => {
      left -= part.length
      if (left < 0) end()
    }
    const timer = setTimeout(end, HTTP_LINGER_MS)
    raw.on('data', discard).on('end', end).on('close', end).resume()
  })
}
