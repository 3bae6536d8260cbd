/**
 * A reply: the message of an outcome, signed, in the codec that was asked for.
 *
 * Wire        Codec: `require-codec`, else httpsig@1.0 where the message has a `content-type` of its own, else `accept`, else httpsig@1.0.
 *             Others than httpsig@1.0: a body in the codec, `codec-device`, and, but for data items, all plain values as headers too.
 * Source      permaweb/HyperBEAM src/hb_http.erl (2025-11), which shows HTML wherever there is no body; here only those get it who accept it
 * Invariants  Always valid HTTP: what cannot be a header is in the body or left out.
 */
import { AO_CORE_HEADER_BYTES_MAX, AO_CORE_HEADER_VALUE_BYTES_MAX } from '../../base/limits.ts'
import { ANS104_TYPE } from '../../codec/message/ans104.ts'
import { withoutCommitments } from '../../codec/message/commitment.ts'
import { encodeFlat, encodeFlatText } from '../../codec/message/flat.ts'
import { isTaken } from '../../codec/message/httpsig-names.ts'
import { linkId } from '../../codec/message/id.ts'
import { encodeJson } from '../../codec/message/json.ts'
import { encodeStructured } from '../../codec/message/structured.ts'
import { Atom, Float, isBinary, type Message, type Value } from '../../codec/message/value.ts'
import type { Response } from '../route.ts'
import { acceptedCodec, acceptsHtml, type ReplyCodec, requiredCodec } from './codecs.ts'
import { isLegalHeader } from './headers.ts'
import { errorPage } from './html.ts'
import { messagePage, withLinked } from './html-message.ts'
import type { Recent } from './recent.ts'
import { type EncodedReply, httpsigReply, kept, type ReplyTools, signedMessage, whole } from './reply-httpsig.ts'
import { isSigned, type ReplyMessage } from './reply-message.ts'
import type { ReplyWish } from './request.ts'

export interface ReplyDeps extends Pick<ReplyTools, 'store' | 'signed'> {
  /** Replies of a few plain values. */
  readonly encoded: Recent<EncodedReply>
}

export interface ReplyOptions extends ReplyDeps, ReplyTools {}

type Headers = Record<string, string>

/** Of replies that are kept encoded. */
const PLAIN_CHARS_MAX = 1_000

/** HTTP's own business: never the value of a key. */
const NO_HEADER: ReadonlySet<string> = new Set(
  'body data commitments connection content-encoding content-length content-type date expect keep-alive proxy-connection set-cookie te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
)

export async function encodeReply({ status, message }: ReplyMessage, options: ReplyOptions): Promise<Response> {
  const { wish } = options
  const reply = { status, message }
  const { headers, body } = isPage(reply, wish) ? await asPage(reply, options) : await encodeOnce(replyCodec(message, wish), reply, options)
  return { status, headers, body: status === 204 || status === 304 ? null : body }
}

function replyCodec(message: Message, { requireCodec, accept }: ReplyWish): ReplyCodec {
  if (requireCodec !== null) return requiredCodec(requireCodec)
  return message.has('content-type') ? 'httpsig@1.0' : (acceptedCodec(accept) ?? 'httpsig@1.0')
}

/** What many ask for is encoded once, as it is signed once. */
function encodeOnce(codec: ReplyCodec, reply: ReplyMessage, options: ReplyOptions): Promise<EncodedReply> {
  const { wish, signature, encoded } = options
  const content = plainContent(reply.message)
  if (content === null) return encodeAs(codec, reply, options)
  const signedAs = signature === null ? '' : `signed ${signature.hashpath?.length ?? 0} ${signature.hashpath}`
  return encoded.get(`${codec} ${wish.isBundle} ${wish.dialect} ${signedAs} ${reply.status} ${content}`, () =>
    encodeAs(codec, reply, options),
  )
}

/** A text that only the same keys and values have; null where there are messages among them, or much. */
function plainContent(message: Message): string | null {
  let content = ''
  for (const [key, value] of message) {
    const plain = plainText(value)
    if (plain === null) return null
    content += `${key.length} ${key}${plain.length} ${plain}`
    if (content.length > PLAIN_CHARS_MAX) return null
  }
  return content
}

function plainText(value: Value): string | null {
  if (typeof value === 'string') return `"${value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Atom) return `'${value.name}`
  return value instanceof Float ? `~${Object.is(value.value, -0) ? '-0' : value.value}` : null
}

async function encodeAs(codec: ReplyCodec, { status, message }: ReplyMessage, options: ReplyOptions): Promise<EncodedReply> {
  switch (codec) {
    case 'httpsig@1.0':
      return httpsigReply(message, options)
    case 'json@1.0':
      return {
        headers: codecHeaders(codec, 'application/json', { status, message }),
        body: await jsonBody(await signedMessage(message, options), status, options),
      }
    case 'flat@1.0': {
      const flat = encodeFlat(encodeStructured(await whole(withoutCommitments(message), options)))
      return { headers: codecHeaders(codec, 'application/flat', { status, message }), body: encodeFlatText(flat) }
    }
    case 'ans104@1.0':
      return {
        headers: { 'codec-device': codec, 'content-type': ANS104_TYPE },
        body: await options.signed.item(await whole(message, options)),
      }
  }
}

/** `status` is there also when others signed the message: here it changes nothing that they signed. */
async function jsonBody(message: Message, status: number, options: ReplyOptions): Promise<string> {
  const complete = message.has('status') ? message : new Map(message).set('status', status)
  if (options.wish.isBundle) return encodeJson(await whole(complete, options))
  return encodeJson(await kept(complete, options), { linkOf: linkId })
}

/** Plain values are headers as well, as far as they can be: programs look for `process`, `slot` and the like there. */
function codecHeaders(codec: ReplyCodec, contentType: string, { status, message }: ReplyMessage): Headers {
  const headers: Headers = { status: String(status) }
  let bytes = 0
  for (const [key, value] of message) {
    const text = NO_HEADER.has(key.toLowerCase()) || isTaken(key) ? null : headerText(value)
    if (text === null || text.length > AO_CORE_HEADER_VALUE_BYTES_MAX || !isLegalHeader(key, text)) continue
    bytes += key.length + text.length
    if (bytes > AO_CORE_HEADER_BYTES_MAX) break
    headers[key] = text
  }
  headers['codec-device'] = codec
  headers['content-type'] = contentType
  return headers
}

function headerText(value: Value): string | null {
  if (isBinary(value)) return typeof value === 'string' ? value : null
  if (value instanceof Atom) return value.name
  if (value instanceof Float) return String(value.value)
  return typeof value === 'object' && value !== null ? null : String(value)
}

/** What is asked for by a browser, but for files, bare values and what leads elsewhere. */
function isPage({ status, message }: ReplyMessage, { requireCodec, isBundle, accept }: ReplyWish): boolean {
  if (requireCodec !== null || isBundle || !acceptsHtml(accept) || message.has('content-type')) return false
  return status >= 400 || (status < 300 && status !== 204 && !message.has('body'))
}

async function asPage({ status, message }: ReplyMessage, options: ReplyOptions): Promise<EncodedReply> {
  const { wish, signature, signed } = options
  const reason = status >= 400 ? reasonOf(message) : null
  if (reason !== null) return errorPage(wish.place, { status, code: codeOf(message), text: reason })
  const shown = await withLinked(await kept(message, options), options.store) // What the page leads to has to be there.
  const signer = signature === null || isSigned(message) ? null : signed.address
  return messagePage(wish.place, { status, message: shown, hashpath: signature?.hashpath ?? null, signer })
}

function reasonOf(message: Message): string | null {
  const body = message.get('body')
  return typeof body === 'string' ? body : body instanceof Atom ? body.name : null
}

function codeOf(message: Message): string | null {
  const code = message.get('failure')
  return typeof code === 'string' ? code : null
}
