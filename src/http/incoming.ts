/** A request as routes see it, made from what node:http gives. Everything that costs is made when it is first asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { EMPTY } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import type { Request } from './route.ts'
import { pathOf } from './router.ts'

const HOST = /^[A-Za-z0-9.\-_:[\]]+$/

export class IncomingRequest implements Request {
  readonly raw: IncomingMessage
  readonly method: string
  readonly url: string
  readonly path: string
  /** Set for each route that is tried. */
  params: Readonly<Record<string, string>> = {}
  readonly #response: ServerResponse
  /** The client waits for `100 Continue` before it sends the body. */
  #expectsContinue: boolean
  #query: URLSearchParams | null = null
  #abort: AbortController | null = null
  #whole: Promise<Uint8Array> | null = null

  constructor(raw: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    this.raw = raw
    this.method = raw.method ?? 'GET'
    this.url = raw.url ?? '/'
    this.path = pathOf(this.url)
    this.#response = response
    this.#expectsContinue = expectsContinue
  }

  get query(): URLSearchParams {
    const mark = this.url.indexOf('?')
    this.#query ??= new URLSearchParams(mark === -1 ? '' : this.url.slice(mark + 1))
    return this.#query
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    return this.raw.headers as Record<string, string | undefined> // The server joins repeats.
  }

  get remoteAddress(): string {
    return this.raw.socket.remoteAddress ?? ''
  }

  get origin(): string {
    const scheme = this.headers['x-forwarded-proto'] === 'https' ? 'https' : 'http' // Set by the TLS proxy in front.
    const host = this.headers['host'] ?? ''
    return `${scheme}://${HOST.test(host) ? host : this.#localHost()}`
  }

  #localHost(): string {
    const { localAddress = '127.0.0.1', localPort = 0 } = this.raw.socket
    return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
  }

  get signal(): AbortSignal {
    this.#abort ??= this.#watch()
    return this.#abort.signal
  }

  #watch(): AbortController {
    const abort = new AbortController()
    const response = this.#response
    const closed = (): void => {
      if (!response.writableFinished) abort.abort(clientGone())
    }
    if (response.closed) closed()
    else response.once('close', closed)
    return abort
  }

  /** True while bytes of the body may come that nobody read. */
  get isBodyLeft(): boolean {
    return !this.raw.complete
  }

  /** The client has not begun to send the body, and never will now. */
  get isBodyWithheld(): boolean {
    return this.#expectsContinue
  }

  /** Bytes that the client announced; null when it did not. */
  get announcedBytes(): number | null {
    const length = this.headers['content-length']
    if (length !== undefined) return Number(length)
    return this.headers['transfer-encoding'] === undefined ? 0 : null
  }

  async body(maxBytes: number): Promise<Uint8Array> {
    this.#begin(maxBytes)
    this.#whole ??= this.announcedBytes === 0 ? Promise.resolve(EMPTY) : readWhole(this.raw, maxBytes)
    const whole = await this.#whole // A route that passed may have read it with another limit.
    if (whole.length > maxBytes) throw bodyTooLarge(whole.length, maxBytes)
    return whole
  }

  async *bodyStream(maxBytes: number): AsyncGenerator<Uint8Array> {
    if (this.#whole !== null) {
      yield await this.body(maxBytes)
      return
    }
    this.#begin(maxBytes)
    let size = 0
    for await (const part of parts(this.raw)) {
      size += part.length
      if (size > maxBytes) throw bodyTooLarge(size, maxBytes)
      yield part
    }
  }

  #begin(maxBytes: number): void {
    const announced = this.announcedBytes
    if (announced !== null && announced > maxBytes) throw bodyTooLarge(announced, maxBytes)
    if (this.#expectsContinue) this.#response.writeContinue()
    this.#expectsContinue = false
  }
}

/** Faster than iterating, for the small bodies that most requests have. Stops reading at the limit. */
function readWhole(raw: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const received: Uint8Array[] = []
    let size = 0
    const settle = (act: () => void): void => {
      raw.off('data', onData).off('end', onEnd).off('close', onLost).off('error', onLost)
      act()
    }
    const onData = (part: Uint8Array): void => {
      size += part.length
      received.push(part)
      if (size <= maxBytes) return
      raw.pause()
      settle(() => reject(bodyTooLarge(size, maxBytes)))
    }
    const onEnd = (): void => settle(() => resolve(received.length === 1 ? received[0]! : Buffer.concat(received, size)))
    const onLost = (): void => settle(() => reject(clientGone()))
    if (raw.destroyed) onLost()
    else raw.on('data', onData).on('end', onEnd).on('close', onLost).on('error', onLost)
  })
}

/** Leaves the connection usable when the reader stops early: the answer still has to go out. */
async function* parts(raw: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of raw.iterator({ destroyOnReturn: false })) yield part
  } catch (error) {
    throw clientGone(error)
  }
  if (!raw.complete) throw clientGone()
}

/** Nobody sees this answer; it only ends the work. */
function clientGone(cause?: unknown): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field: 'body' }, 'the client closed the connection before the request was done', { cause })
}

function bodyTooLarge(size: number, max: number): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what: 'body', size, max }, `the body has ${size} bytes or more, at most ${max} are accepted here`)
}
