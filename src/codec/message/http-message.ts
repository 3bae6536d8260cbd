/**
 * Messages with their commitments as headers and a body, and back.
 *
 * Wire        httpsig@1.0, with `signature` and `signature-input` for commitments.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl, dev_codec_httpsig_conv.erl (2025-11)
 * Invariants  A commitment that nobody could verify from what is sent is left out: one over messages that are only linked to, or over a body in which there
 *             is more now than was signed. Everything else travels, and decodes to the same message.
 */
import { EMPTY, equalBytes } from '../../base/bytes.ts'
import { ITEM_NOTE } from './ans104-message.ts'
import { TYPES_KEY } from './ao-types.ts'
import { commit } from './commit.ts'
import { type Commitment, commitmentsOf, type MessageSigner, withCommitments, withoutCommitments } from './commitment.ts'
import { committedKeys, committedTabm, isBundled, isHttpsig } from './committed-form.ts'
import { contentDigest } from './content-digest.ts'
import type { Dialect } from './dialect.ts'
import { decodeHttpsigParts, encodeHttpsig, encodeHttpsigWire } from './httpsig.ts'
import { encodeLegacyHttpsig } from './httpsig-legacy.ts'
import { exactName, isLegalValue, wireName } from './httpsig-names.ts'
import { linkId } from './id.ts'
import { signLegacy } from './legacy-signature.ts'
import { isOverWire, notedTypes, receivedForm } from './received-note.ts'
import { committedPart, decodeWhole, movedParts, signedPart } from './received-signature.ts'
import { type Component, componentsOf } from './signature-base.ts'
import { parseSignatures, type SignatureInput, signatureHeaders, toCommitment } from './signature-headers.ts'
import { encodeStructured } from './structured.ts'
import { binaryBytes, type HttpsigForm, isContainer, isPrivateKey, LINK_SUFFIX, type Message, type Tabm } from './value.ts'

export interface EncodeOptions {
  /** Messages within whole, instead of links to them. */
  readonly bundle?: boolean
  /** As HTTP can carry it, which is the default; else exactly as it is signed. */
  readonly wire?: boolean
  /** Of whoever reads it. */
  readonly dialect?: Dialect
}

export function encodeHttpMessage(message: Message, options: EncodeOptions = {}): HttpsigForm {
  const { dialect = 'g2' } = options
  const form = dialect === 'g2' ? encodeUnsigned(message, options) : encodeLegacyHttpsig(withoutCommitments(message), dialect)
  if (!message.has('commitments')) return form
  const memo: SignedMemo = new Map()
  const signed = commitmentsOf(message).flatMap((commitment) => inputFor(message, commitment, form, options, memo) ?? [])
  return withSignatures(form, signed, dialect)
}

/** Signed by the sender in the form that it is sent in. Other commitments of the message travel too as far as they can. */
export async function encodeSignedHttpMessage(
  message: Message,
  signer: MessageSigner,
  options: Omit<EncodeOptions, 'wire'> & { readonly tag?: string } = {},
): Promise<HttpsigForm> {
  const { dialect = 'g2', bundle = false, tag } = options
  const tagged = tag === undefined ? {} : { tag }
  if (dialect !== 'g2') return signLegacy(encodeLegacyHttpsig(withoutCommitments(message), dialect), signer, { dialect, ...tagged })
  return encodeHttpMessage(await commit(message, signer, { bundle, wire: true, ...tagged }), { bundle })
}

/** With its commitments as they say of themselves. Nothing is verified: see verifyReceived. */
export function decodeHttpMessage(form: HttpsigForm): Message {
  const message = decodeWhole(form)
  const signatures = parseSignatures(form.headers)
  if (signatures.length === 0) return message
  const parts = decodeHttpsigParts(form)
  return withCommitments(
    message,
    signatures.map((signature) => toCommitment(signature, committedKeys(signature.names, parts))),
  )
}

function encodeUnsigned(message: Message, { bundle = false, wire = true }: EncodeOptions): HttpsigForm {
  const tabm = encodeStructured(withoutCommitments(message), bundle ? undefined : linkId)
  return wire ? encodeHttpsigWire(tabm) : encodeHttpsig(tabm)
}

function withSignatures(form: HttpsigForm, signed: readonly SignatureInput[], dialect: Dialect): HttpsigForm {
  if (signed.length === 0) return form
  const [signature, signatureInput] = signatureHeaders(signed, dialect)
  return withHeaders(form, new Map([...form.headers, ['signature', signature], ['signature-input', signatureInput]]))
}

/** A body in pieces stays in pieces. */
function withHeaders(form: HttpsigForm, headers: HttpsigForm['headers']): HttpsigForm {
  if (form.pieces === undefined) return { headers, body: form.body }
  return {
    headers,
    pieces: form.pieces,
    get body() {
      return form.body
    },
  }
}

/** Null where it cannot be verified from this form of the message. */
function inputFor(
  message: Message,
  commitment: Commitment,
  form: HttpsigForm,
  options: EncodeOptions,
  memo: SignedMemo,
): SignatureInput | null {
  const received = receivedForm(commitment)
  if (received !== null) return inputAsReceived(commitment, received, form)
  if (commitment.extra.has(ITEM_NOTE) || (options.dialect ?? 'g2') !== 'g2') return null
  if (!isHttpsig(commitment)) return inputOfItem(message, commitment, form, options)
  const { tabm, components: signed } = signedForm(message, commitment, memo)
  const names = signed.map(([name]) => name)
  if (isThere(signed, form)) return legalInput({ commitment, names }, options)
  if (notedTypes(commitment) !== null) return null // Nobody could tell which types were signed.
  const keys = new Map([...tabm.keys()].map((key) => [exactName(key), key]))
  const escaped = names.map((name) => wireName(keys.get(name) ?? name, true)) // Exact names may be none that a header can list.
  return isMoved(message, commitment, { form, names: escaped, isWhole: options.bundle === true })
    ? legalInput({ commitment, names: escaped }, options)
    : null
}

/** Of one message by what is signed: most signatures come with the digest of the same. */
type SignedMemo = Map<string, { readonly tabm: Tabm; readonly components: readonly Component[] }>

function signedForm(message: Message, commitment: Commitment, memo: SignedMemo): { tabm: Tabm; components: readonly Component[] } {
  const { committed } = commitment
  const options = { committed, isBundle: isBundled(commitment), otherTypes: notedTypes(commitment) }
  const isWire = isOverWire(commitment)
  const name = JSON.stringify([isWire, options])
  const known = memo.get(name)
  if (known !== undefined) return known
  const tabm = committedTabm(message, options)
  const signed = { tabm, components: componentsOf(isWire ? encodeHttpsigWire(tabm) : encodeHttpsig(tabm)) }
  memo.set(name, signed)
  return signed
}

/** An item's tags are signed in their order, which the order of names has to tell where the commitment does not keep the tags. */
function inputOfItem(message: Message, commitment: Commitment, form: HttpsigForm, options: EncodeOptions): SignatureInput | null {
  const { committed, extra } = commitment
  if (options.bundle !== true && committed.some((key) => isContainer(message.get(key)))) return null
  const nameOf = (key: string): string => {
    const names = [key, key + LINK_SUFFIX].flatMap((each) => [exactName(each), wireName(each, true)])
    return names.find((name) => form.headers.has(name)) ?? 'content-digest'
  }
  const reading = ['ao-body-key', 'content-type'].filter((name) => form.headers.has(name) && form.body !== null)
  const names = [...new Set([...committed.map(nameOf), ...reading])]
  const signed = signedPart(form, { names })
  const read = signed === null ? [] : committedPart(signed, { names }).committed
  const isSame = extra.has('original-tags') ? read.length === committed.length : read.join('\n') === committed.join('\n')
  return isSame ? legalInput({ commitment, names }, options) : null
}

/** What a commitment says of itself, such as where its message comes from, may be nothing that a header can hold. */
function legalInput(input: SignatureInput, { wire = true }: EncodeOptions): SignatureInput | null {
  return !wire || isLegalValue(signatureHeaders([input])[1]) ? input : null
}

function inputAsReceived(commitment: Commitment, received: HttpsigForm, form: HttpsigForm): SignatureInput | null {
  const [signature] = parseSignatures(received.headers)
  if (signature === undefined) return null
  const components = signature.names.map((name): Component => [name, received.headers.get(name) ?? contentDigest(received.body ?? EMPTY)])
  return isThere(components, form) ? { commitment, raw: signature.raw } : null
}

/** Is every component in the form as it was signed? */
function isThere(components: readonly Component[], form: HttpsigForm): boolean {
  const { headers } = form
  return components.every(([name, value]) => {
    const isOfBody = name === 'content-digest' && form.pieces === undefined && form.body !== null
    const sent = isOfBody ? contentDigest(form.body ?? EMPTY) : headers.get(name)
    return sent !== undefined && (sent === value || (typeof value !== 'string' && equalBytes(binaryBytes(sent), value)))
  })
}

/** Does the other side, once it has decoded the form, come to the same keys? */
function isMoved(
  message: Message,
  { committed, extra }: Commitment,
  { form, names, isWhole }: { form: HttpsigForm; names: readonly string[]; isWhole: boolean },
): boolean {
  if (isBundled({ extra }) && !isWhole && committed.some((key) => isContainer(message.get(key)))) return false
  const wanted = new Set(committed.filter((key) => key !== TYPES_KEY))
  return movedParts(form, { names }).some((part) => {
    const keys = part.committed.filter((key) => key !== TYPES_KEY && !isPrivateKey(key))
    return keys.length === wanted.size && keys.every((key) => wanted.has(key))
  })
}
