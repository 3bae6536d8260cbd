/**
 * The message of a request: from its headers and its body, by the codec of the body, with every commitment in it verified.
 *
 * Wire        httpsig@1.0: headers and body together. json@1.0, flat@1.0: the body over the headers. ans104@1.0, tx@1.0: the body alone.
 * Source      permaweb/HyperBEAM src/hb_http.erl (2025-11), which with its default options verifies data items only
 * Invariants  A commitment that does not hold, or a digest that is not the body's, fails the request. Of a message with commitments only what all
 *             of them cover is left. Private keys are gone.
 */
import { toTextStrict } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { receiveAns104 } from '../../codec/message/ans104.ts'
import type { Dialect } from '../../codec/message/dialect.ts'
import { decodeFlat, decodeFlatText } from '../../codec/message/flat.ts'
import { decodeJson } from '../../codec/message/json.ts'
import { decodeStructured } from '../../codec/message/structured.ts'
import { receiveTx } from '../../codec/message/tx.ts'
import {
  type Binary,
  EMPTY_MESSAGE,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  type Message,
  publicPart,
  type Value,
} from '../../codec/message/value.ts'
import { committedOnly } from '../../codec/message/verified.ts'
import { admitMessage, verifyReceived } from '../../codec/message/verify.ts'
import { markReceived } from '../../kernel/received.ts'
import type { BodyCodec } from './codecs.ts'

export interface ReceivedMessage {
  /** Made for this request: it may be changed until it is handed on. */
  readonly message: Map<string, Value>
  readonly dialect: Dialect | null
}

export interface RawMessage {
  readonly codec: BodyCodec
  readonly headers: ReadonlyMap<string, Binary>
  readonly body: Uint8Array
  /** What RFC 9421 derives from the request, by name. */
  derived(): ReadonlyMap<string, string>
}

/** Headers that describe the body's bytes, and not the message in it. */
const OF_THE_BODY = [
  'content-type',
  'content-length',
  'content-encoding',
  'codec-device',
  'ao-types',
  'signature',
  'signature-input',
  'content-digest',
]
/** Headers that only the decoder of httpsig@1.0 understands. */
const OF_HTTPSIG: ReadonlySet<string> = new Set([
  'ao-types',
  'ao-body-key',
  'ao-ids',
  'body-keys',
  'content-digest',
  'content-type',
  'inline-body-key',
  'signature',
  'signature-input',
])

export async function receiveMessage(raw: RawMessage): Promise<ReceivedMessage> {
  switch (raw.codec) {
    case 'httpsig@1.0':
      return receiveHttpsig(raw)
    case 'ans104@1.0':
      return received(await receiveAns104(raw.body))
    case 'tx@1.0':
      return received(await receiveTx(raw.body))
    case 'json@1.0':
      return overHeaders(raw, raw.body.length === 0 ? null : decodeJson(textBody(raw)))
    case 'flat@1.0':
      return overHeaders(raw, decodeStructured(decodeFlat(decodeFlatText(textBody(raw)))))
  }
}

async function receiveHttpsig({ headers, body, derived }: RawMessage): Promise<ReceivedMessage> {
  if (body.length === 0 && isPlain(headers)) return { message: publicPart(headers), dialect: null }
  const form = { headers, body: body.length === 0 && !headers.has('content-digest') ? null : body }
  const options = headers.has('signature-input') ? { derived: derived() } : {}
  const { message, dialect } = await verifyReceived(form, options)
  return received(message, dialect)
}

/** Most requests: headers that stand for themselves. */
function isPlain(headers: ReadonlyMap<string, Binary>): boolean {
  for (const name of headers.keys()) if (OF_HTTPSIG.has(name) || name.includes('%') || name.endsWith(LINK_SUFFIX)) return false
  return true
}

async function overHeaders({ headers }: RawMessage, decoded: Value | null): Promise<ReceivedMessage> {
  if (decoded !== null && !isMessage(decoded))
    throw new HeddleError('encoding-invalid', { format: 'body', at: 0 }, 'the body is a list; send a message')
  const admitted = decoded === null ? EMPTY_MESSAGE : await admitMessage(decoded)
  if (admitted.has('commitments')) return received(committedOnly(admitted))
  const message = publicPart(headers)
  for (const name of OF_THE_BODY) message.delete(name)
  for (const [key, value] of admitted) if (!isPrivateKey(key)) message.set(key, value)
  return { message, dialect: null }
}

/** A verified message, and a copy that gets the keys of the request. */
function received(message: Message, dialect: Dialect | null = null): ReceivedMessage {
  markReceived(message)
  return { message: publicPart(message), dialect }
}

function textBody({ body, codec }: RawMessage): string {
  const text = toTextStrict(body)
  if (text === null) throw new HeddleError('encoding-invalid', { format: codec, at: 0 }, `the body is not UTF-8, as ${codec} is`)
  return text
}
