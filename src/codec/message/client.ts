/**
 * Fetches messages from AO-Core nodes and verifies what they say. `fetch` is all that it needs, so it runs in browsers too.
 *
 * Wire        GET or POST, the request and the reply each in the form of httpsig@1.0; replies in json@1.0, flat@1.0 and ans104@1.0 are read as well
 * Source      AO-Core, as permaweb/HyperBEAM src/hb_http.erl (2025-11) has it
 * Invariants  What is returned as verified was verified here: every commitment, and the body against its digest. Of a reply with commitments only
 *             the keys that all who signed cover (all digests, where nobody did) are kept: what else came along may be anybody's.
 *             Nothing that begins with `priv` is sent or kept.
 */
import { concat, EMPTY, fromLatin1, toLatin1, toText } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_BODY_BYTES_MAX } from '../../base/limits.ts'
import { decodeAns104 } from './ans104.ts'
import { commitmentsOf, type MessageSigner } from './commitment.ts'
import { decodeFlat, decodeFlatText } from './flat.ts'
import { decodeHttpMessage, encodeHttpMessage, encodeSignedHttpMessage } from './http-message.ts'
import { decodeJson } from './json.ts'
import { decodeStructured } from './structured.ts'
import { asMessage, type Binary, binaryBytes, type HttpsigForm, isPrivateKey, type Message, toBinary } from './value.ts'
import { committedOnly, receiveHttpMessage, receiveMessage, type Verified, type VerifyOptions } from './verified.ts'

export interface FetchOptions extends VerifyOptions {
  /** Sent with POST, children and commitments included. Without it the request is a GET. */
  readonly message?: Message
  /** Commits to that message, in the form in which it is sent. */
  readonly signer?: MessageSigner
  /** GET, or POST with a message, unless it is given. */
  readonly method?: string
  /** Beside those of the message. */
  readonly headers?: Readonly<Record<string, string>>
  /** False: the reply is returned as it is, and is not to be trusted. */
  readonly verify?: boolean
  readonly signal?: AbortSignal
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch
  readonly bytesMax?: number
}

export interface Fetched<M extends Message = Verified> {
  /** As HTTP has it: a 404 is an answer too. */
  readonly status: number
  readonly message: M
}

/** Headers that belong to the way, not to the message. */
const TRANSPORT: ReadonlySet<string> = new Set(
  'age alt-svc connection content-encoding content-length date keep-alive server transfer-encoding vary via x-powered-by x-request-id'.split(
    ' ',
  ),
)

/**
 * One message from a node, verified. Fails with `signature-invalid` or `digest-mismatch` when it was changed on its way, with `signature-invalid` when
 * it is not committed to by all of `by`, with `peer-failed` when no answer comes.
 */
export function fetchMessage(url: string | URL, options: FetchOptions & { readonly verify: false }): Promise<Fetched<Message>>
export function fetchMessage(url: string | URL, options?: FetchOptions & { readonly verify?: true }): Promise<Fetched>
export function fetchMessage(url: string | URL, options: FetchOptions): Promise<Fetched<Message>>
export async function fetchMessage(url: string | URL, options: FetchOptions = {}): Promise<Fetched<Message>> {
  const { status, form } = await fetchForm(url, options)
  if (options.verify === false) return { status, message: withoutTransport(decodeReply(form)) }
  const isHttp = replyCodec(form) === 'httpsig@1.0'
  const message = await (isHttp ? receiveHttpMessage(form, options) : receiveMessage(decodeReply(form), options))
  return { status, message: withoutTransport(committedOnly(message)) }
}

/** The reply before it is decoded. */
export async function fetchForm(
  url: string | URL,
  options: FetchOptions = {},
): Promise<{ readonly status: number; readonly form: HttpsigForm }> {
  const { message, signer, method = message === undefined ? 'GET' : 'POST', signal, fetch: send = fetch } = options
  const own = message === undefined ? null : await encoded(message, signer)
  const headers = new Headers({ 'accept-bundle': 'true', ...options.headers })
  for (const [name, value] of own?.headers ?? []) headers.set(name, toLatin1(binaryBytes(value)))
  const body = own === null || own.body === null ? null : (own.body as Uint8Array<ArrayBuffer>)
  let response: Response
  try {
    response = await send(url, { method, headers, body, signal: signal ?? null })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new HeddleError('peer-failed', { url: String(url), status: null }, `${url} does not answer; is it a node, and does it run?`, {
      cause,
    })
  }
  return { status: response.status, form: await formOf(response, options.bytesMax ?? AO_CORE_BODY_BYTES_MAX) }
}

function encoded(message: Message, signer: MessageSigner | undefined): Promise<HttpsigForm> | HttpsigForm {
  return signer === undefined ? encodeHttpMessage(message, { bundle: true }) : encodeSignedHttpMessage(message, signer, { bundle: true })
}

async function formOf(response: Response, bytesMax: number): Promise<HttpsigForm> {
  const headers = new Map<string, Binary>()
  for (const [name, value] of response.headers) if (!isPrivateKey(name)) headers.set(name, toBinary(fromLatin1(value)))
  return { headers, body: await bodyOf(response, bytesMax) }
}

async function bodyOf(response: Response, bytesMax: number): Promise<Uint8Array | null> {
  const reader = response.body?.getReader()
  if (reader === undefined) return null
  const pieces: Uint8Array[] = []
  let size = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length
    if (size > bytesMax) {
      await reader.cancel()
      throw new HeddleError(
        'too-large',
        { what: 'reply', size, max: bytesMax },
        `the reply has more than ${bytesMax} bytes; bytesMax raises that`,
      )
    }
    pieces.push(next.value)
  }
  return size === 0 ? null : concat(pieces)
}

/** The message in a reply, by its `codec-device` or `content-type`, unverified. */
export function decodeReply(form: HttpsigForm): Message {
  const body = form.body ?? EMPTY
  switch (replyCodec(form)) {
    case 'json@1.0':
      return decodeJson(toText(body))
    case 'ans104@1.0':
      return decodeAns104(body)
    case 'flat@1.0':
      return asMessage(decodeStructured(decodeFlat(decodeFlatText(toText(body)))))
    default:
      return decodeHttpMessage(form)
  }
}

export function replyCodec({ headers }: HttpsigForm): 'httpsig@1.0' | 'json@1.0' | 'ans104@1.0' | 'flat@1.0' {
  const header = (name: string): string => {
    const value = headers.get(name)
    return typeof value === 'string' ? value.toLowerCase() : ''
  }
  const device = header('codec-device')
  // JSON or an item in a signed message is a body like any other: only a reply that says so, or that nobody signed, is a message in that form.
  const type = headers.has('signature-input') ? '' : header('content-type').split(';')[0]!.trim()
  if (device === 'ans104@1.0' || type === 'application/ans104') return 'ans104@1.0'
  if (device === 'json@1.0' || type === 'application/json') return 'json@1.0'
  if (device === 'flat@1.0' || type === 'application/flat') return 'flat@1.0'
  return 'httpsig@1.0'
}

/** Without the headers that belong to the way, unless somebody committed to them. */
export function withoutTransport<M extends Message>(message: M): M {
  const committed = new Set(commitmentsOf(message).flatMap((commitment) => commitment.committed))
  const isOfTransport = (key: string): boolean => (TRANSPORT.has(key) || key.startsWith('access-control-')) && !committed.has(key)
  if (![...message.keys()].some(isOfTransport)) return message
  return new Map([...message].filter(([key]) => !isOfTransport(key))) as Message as M
}
