/**
 * HTTP to one gateway, within bounds.
 *
 * Wire        header `heddle-hop` on every request: who answers it asks nobody else, so that nodes which name each other do not ask in circles.
 *             `accept-encoding: identity`, since bytes are compared with what was signed.
 * Invariants  Only the origin that was configured is ever connected to: a redirect to another is a failure. An answer has a size that the caller
 *             names and ends with its signal. Whatever goes wrong is `peer-failed`, with the gateway's URL.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { concat, utf8 } from '../base/bytes.ts'
import { errorText, HeddleError } from '../base/errors.ts'

export const HOP_HEADER = 'heddle-hop'

export interface Question {
  readonly path: string
  /** JSON; makes it a POST. */
  readonly body?: unknown
  readonly maxBytes: number
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

const REDIRECTS_MAX = 3

/** `base`: URL of the gateway without a slash at its end. */
export async function askGateway(base: string, question: Question): Promise<Answer> {
  let url = new URL(base + question.path)
  for (let redirects = 0; ; redirects++) {
    const response = await open(base, url, question)
    const to = redirectOf(response)
    if (to === null) return { status: response.statusCode ?? 0, body: await read(base, response, question) }
    response.destroy()
    const next = URL.parse(to, url.href)
    if (next === null || next.origin !== url.origin || redirects === REDIRECTS_MAX)
      throw peerFailed(base, response.statusCode ?? null, `redirects to ${to.slice(0, 200)}, which is not followed`)
    url = next
  }
}

export function peerFailed(base: string, status: number | null, problem: string, cause?: unknown): HeddleError<'peer-failed'> {
  return new HeddleError('peer-failed', { url: base, status }, `upstream ${base} ${problem}`, { cause })
}

function open(base: string, url: URL, { body, signal }: Question): Promise<IncomingMessage> {
  const payload = body === undefined ? null : utf8(JSON.stringify(body))
  const headers = {
    [HOP_HEADER]: '1',
    'accept-encoding': 'identity',
    ...(payload === null ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, { method: payload === null ? 'GET' : 'POST', headers, signal })
    request.once('response', resolve)
    request.on('error', (error) => reject(unreachable(base, error, signal)))
    request.end(payload ?? undefined)
  })
}

async function read(base: string, response: IncomingMessage, { path, maxBytes, signal }: Question): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = Number(response.headers['content-length'] ?? 0)
  const tooMuch = (): HeddleError => {
    response.destroy()
    return peerFailed(base, response.statusCode ?? null, `answers GET ${path} with more than ${maxBytes} bytes, which are not read`)
  }
  if (bytes > maxBytes) throw tooMuch()
  bytes = 0
  try {
    for await (const part of response) {
      bytes += (part as Uint8Array).length
      if (bytes > maxBytes) throw tooMuch()
      parts.push(part as Uint8Array)
    }
  } catch (error) {
    throw error instanceof HeddleError ? error : unreachable(base, error, signal)
  }
  return concat(parts)
}

function redirectOf({ statusCode, headers }: IncomingMessage): string | null {
  return statusCode !== undefined && [301, 302, 303, 307, 308].includes(statusCode) ? (headers.location ?? '') : null
}

function unreachable(base: string, error: unknown, signal: AbortSignal): HeddleError {
  if (!signal.aborted) return peerFailed(base, null, `does not answer (${reasonOf(error)})`, error)
  if (signal.reason instanceof HeddleError) return signal.reason // The node is stopping.
  return peerFailed(base, null, 'takes too long', error)
}

/** One error for each address tried says nothing itself. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return errorText(error) || String((error as NodeJS.ErrnoException).code)
}
