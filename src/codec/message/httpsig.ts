/**
 * httpsig@1.0, writing: a message as headers and a body.
 *
 * Wire        `key: value` headers. Messages within it, values of more than 4096 bytes and the value of `body` (or `data`, or what `ao-body-key` names) are the
 *             body: alone as they are, else multipart, parts sorted by their names, which are paths: `a/b`. A part is the sorted header lines of one message.
 *             `{a: 'x', l: [1, 'y']}` is `a: x` and one part `1: 1`, `2: y`, `ao-types: .="list", 1="integer"`, `content-disposition: form-data;name="l"`.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig_conv.erl (2025-11); its map order beyond 32 keys is its virtual machine's, ours is always sorted
 * Invariants  encodeHttpsig gives the reference's bytes, whether or not HTTP can carry them: ids and signatures are made over them. encodeHttpsigWire gives
 *             the same wherever HTTP carries them unchanged; else it moves values into parts and escapes names so that decodeHttpsig gives the same message.
 */
import { EMPTY } from '../../base/bytes.ts'
import { createSha256 } from '../../base/hash.ts'
import { AO_CORE_DEPTH_MAX, AO_CORE_HEADER_BYTES_MAX, AO_CORE_HEADER_VALUE_BYTES_MAX, AO_CORE_HEADERS_SENT_MAX } from '../../base/limits.ts'
import { contentDigest, formatDigest } from './content-digest.ts'
import { depthExceeded, disposition, exactName, inlineKey, isLegalValue, isTaken, isToken, wireName } from './httpsig-names.ts'
import { type HttpsigParts, multipartBoundary, readHttpsig } from './httpsig-reader.ts'
import { joinPieces, mergedPieces, type PartPieces, writeMultipart } from './multipart.ts'
import {
  type Binary,
  binaryBytes,
  binaryLength,
  compareKeys,
  type HttpsigForm,
  isBinary,
  isPrivateKey,
  sortedKeys,
  type Tabm,
} from './value.ts'

export interface WireOptions {
  /** Of all headers; values beyond it move into the body. */
  readonly headerBytesMax?: number
}

/** A part before it is written: one value, or the header lines of one message. */
interface PlannedPart {
  readonly path: readonly string[]
  readonly content: Binary | Map<string, Binary>
}
type Plan = Map<string, PlannedPart>

/** What differs between the reference's form and what HTTP carries. */
interface Rules {
  /** By which a part is known: of two with the same, the last one is written. */
  idOf(path: readonly string[]): string
  /** Whether it can be a line of a part. */
  isLine(key: string, value: Binary): boolean
  /** `content-disposition` of a part that is not the body itself. */
  disposition(path: readonly string[]): string
}

/** A piece of the body that is not worth another copy. */
const LARGE_BYTES = 256 * 1024
const NEVER_ENCODED: ReadonlySet<string> = new Set(['commitments', 'signature', 'signature-input'])
const EMPTY_BODY_DIGEST = contentDigest(EMPTY)

const EXACT: Rules = {
  idOf: (path) => path.join('/'),
  isLine: (_key, value) => fits(value),
  disposition: (path) => `form-data;name="${path.join('/')}"`,
}

const WIRE: Rules = {
  idOf: (path) => JSON.stringify(path),
  isLine: (key, value) => fits(value) && isSafeLine(key, value),
  disposition: ([first = '', ...rest]) => disposition(first, rest),
}

/** The reference's form, without signatures. */
export function encodeHttpsig(tabm: Tabm): HttpsigForm {
  const inline = inlineKey(tabm)
  const headers = new Map<string, Binary>(inline.isAnnounced ? [['ao-body-key', inline.key]] : [])
  const body = new Map<string, Binary | Tabm>()
  for (const [key, value] of tabm) {
    if (NEVER_ENCODED.has(key) || isPrivateKey(key)) continue
    const name = exactName(key)
    if (isBinary(value) && fits(value) && name !== 'body' && name !== inline.key) headers.set(name, value)
    else body.set(name, value)
  }
  return withBody(headers, planParts(body, EXACT), inline.key, EXACT)
}

/** The same form as far as HTTP carries it unchanged. */
export function encodeHttpsigWire(tabm: Tabm, options: WireOptions = {}): HttpsigForm {
  const inline = wireInlineKey(tabm)
  const isUnique = uniqueNames(tabm)
  const headers = new Map<string, Binary>(inlineKey(tabm).isAnnounced ? [['ao-body-key', 'data']] : [])
  const body = new Map<string, Binary | Tabm>()
  for (const [key, value] of tabm) {
    if (NEVER_ENCODED.has(key) || isPrivateKey(key)) continue
    const isInline = key === 'body' || key === inline
    if (!isInline && isBinary(value) && isHeader(tabm, key, value)) headers.set(wireName(key, isUnique(key)), value)
    else body.set(isInline ? key : wireName(key, true), value)
  }
  spill(headers, body, options.headerBytesMax ?? AO_CORE_HEADER_BYTES_MAX)
  const plan = planParts(body, WIRE)
  keepContentType(headers, plan, inline)
  const form = withBody(headers, plan, inline, WIRE)
  if (form.body?.length === 0) headers.set('content-digest', EMPTY_BODY_DIGEST) // Or nobody could tell it from none.
  return form
}

/** A key that is not its own name in HTTP cannot be the inline one; nor can one that HTTP cannot announce. */
function wireInlineKey(tabm: Tabm): string | null {
  const { key, isAnnounced } = inlineKey(tabm)
  if (isAnnounced || key === 'body') return key
  if (!canAnnounce(tabm, key)) return 'body'
  return key !== '' && wireName(key, true) === key ? key : null
}

function isHeader(tabm: Tabm, key: string, value: Binary): boolean {
  if (key === 'ao-body-key') return canAnnounce(tabm, value)
  return key !== '' && fits(value) && isLegalValue(value)
}

/** A reader takes `ao-body-key: data` alone for an empty `data`, as the reference writes it. */
function canAnnounce(tabm: Tabm, key: Binary): boolean {
  return fits(key) && isLegalValue(key) && (key !== 'data' || tabm.has('data'))
}

/** Every generation; without commitments. */
export function decodeHttpsig(form: HttpsigForm): Tabm {
  return readHttpsig(form).tabm
}

/** The same, with the keys whose values were in the body. */
export function decodeHttpsigParts(form: HttpsigForm): HttpsigParts {
  return readHttpsig(form)
}

/** Whether HTTP carries every header of the form unchanged. */
export function isLegalHttp({ headers }: HttpsigForm): boolean {
  const names = new Set<string>()
  for (const [name, value] of headers) {
    names.add(name.toLowerCase())
    if (!isToken(name) || isTaken(name) || !isLegalValue(value)) return false
  }
  return names.size === headers.size
}

function withBody(headers: Map<string, Binary>, plan: Plan, inline: string | null, rules: Rules): HttpsigForm {
  if (plan.size === 0) return { headers, body: null }
  const only = rawBody(plan, inline, rules)
  if (only !== null) return withDigest(headers, binaryBytes(only))
  const inlineId = inline === null ? null : rules.idOf([inline])
  const named = [...plan].map(([id, part]) => ({ name: part.path.join('/'), isInline: id === inlineId, part }))
  if (named.length > 1) named.sort((a, b) => compareKeys(a.name, b.name))
  const { boundary, pieces } = writeMultipart(named.map(({ isInline, part }) => writePart(isInline, part, rules)))
  headers.set('content-type', `multipart/form-data; boundary="${boundary}"`)
  return pieces.some(isLarge) ? piecedForm(headers, pieces) : withDigest(headers, joinPieces(pieces))
}

function isLarge(piece: Binary): boolean {
  return typeof piece !== 'string' && piece.length > LARGE_BYTES
}

/** Who signs it or makes its id needs nothing but its digest, and who sends it can send the pieces. */
function piecedForm(headers: Map<string, Binary>, texts: readonly Binary[]): HttpsigForm {
  const pieces = mergedPieces(texts)
  const running = createSha256()
  for (const piece of pieces) running.update(piece)
  headers.set('content-digest', formatDigest(running.digest()))
  let joined: Uint8Array | null = null
  return {
    headers,
    pieces,
    get body() {
      joined ??= joinPieces(pieces)
      return joined
    },
  }
}

/** The value that is the whole body. */
function rawBody(plan: Plan, inline: string | null, rules: Rules): Binary | null {
  const only = plan.size === 1 && inline !== null ? plan.get(rules.idOf([inline]))?.content : undefined
  return only !== undefined && isBinary(only) ? only : null
}

/** An empty body has no digest here, though its signature has one. */
function withDigest(headers: Map<string, Binary>, body: Uint8Array): HttpsigForm {
  if (body.length > 0) headers.set('content-digest', contentDigest(body))
  return { headers, body }
}

/** By their joined paths, of which the last one wins. */
function planParts(body: ReadonlyMap<string, Binary | Tabm>, rules: Rules): Plan {
  const plan: Plan = new Map()
  for (const name of sortedKeys(body)) {
    const value = body.get(name) as Binary | Tabm
    if (isBinary(value)) addPart(plan, [name], value, rules)
    else planMessage(plan, [name], value, rules)
  }
  return plan
}

function planMessage(plan: Plan, path: readonly string[], message: Tabm, rules: Rules): void {
  if (path.length > AO_CORE_DEPTH_MAX) throw depthExceeded()
  const lines = new Map<string, Binary>()
  let isEmpty = true
  for (const [key, value] of message) {
    if (isPrivateKey(key)) continue
    isEmpty = false
    if (!isBinary(value)) planMessage(plan, [...path, key], value, rules)
    else if (rules.isLine(key, value)) lines.set(key, value)
    else addPart(plan, [...path, key], value, rules)
  }
  if (isEmpty) lines.set('ao-types', 'empty-message')
  if (lines.size > 0) addPart(plan, path, lines, rules)
}

function addPart(plan: Plan, path: readonly string[], content: PlannedPart['content'], rules: Rules): void {
  plan.set(rules.idOf(path), { path, content })
}

function writePart(isInline: boolean, { path, content }: PlannedPart, rules: Rules): PartPieces {
  if (isBinary(content)) return [`content-disposition: ${isInline ? 'inline' : rules.disposition(path)}\r\n\r\n`, content]
  const body = content.get('body')
  const isBodyAlone = body !== undefined && content.size === 1 // Named apart, or it would be taken for the value itself.
  content.set('content-disposition', isBodyAlone ? rules.disposition([...path, 'body']) : isInline ? 'inline' : rules.disposition(path))
  const pieces: Binary[] = []
  let text = ''
  for (const name of sortedKeys(content)) {
    if (name === 'body') continue
    const value = content.get(name) as Binary
    text += `${text === '' && pieces.length === 0 ? '' : '\r\n'}${name}: `
    if (typeof value === 'string') text += value
    else {
      pieces.push(text, value)
      text = ''
    }
  }
  if (body === undefined || binaryLength(body) === 0) return [...pieces, text]
  return [...pieces, `${text}\r\n\r\n`, body]
}

/** Values of many bytes move first. */
function spill(headers: Map<string, Binary>, body: Map<string, Binary | Tabm>, bytesMax: number): void {
  const sizes = [...headers].map(([name, value]) => ({ name, size: name.length + binaryLength(value) + 4 }))
  let total = sizes.reduce((sum, { size }) => sum + size, 0)
  let count = sizes.length
  if (total <= bytesMax && count <= AO_CORE_HEADERS_SENT_MAX) return
  for (const { name, size } of sizes.sort((a, b) => b.size - a.size || compareKeys(a.name, b.name))) {
    if (total <= bytesMax && count <= AO_CORE_HEADERS_SENT_MAX) return
    if (name === 'ao-body-key' || name.toLowerCase() === 'content-type') continue
    body.set(name, headers.get(name) as Binary)
    headers.delete(name)
    total -= size
    count--
  }
}

/** The message's own media type is a part where `content-type` must say that the body is multipart, or would say so though it is not. */
function keepContentType(headers: Map<string, Binary>, plan: Plan, inline: string | null): void {
  const name = [...headers.keys()].find((other) => other.toLowerCase() === 'content-type')
  const type = name === undefined ? undefined : headers.get(name)
  if (name === undefined || type === undefined) return
  const isRaw = plan.size === 0 || rawBody(plan, inline, WIRE) !== null
  if (isRaw && multipartBoundary(type) === null) return
  headers.delete(name)
  addPart(plan, [name], type, WIRE)
}

/** Whether a key is the only one of its letters, whatever their case. */
function uniqueNames(tabm: Tabm): (key: string) => boolean {
  const counts = new Map<string, number>()
  for (const key of tabm.keys()) {
    const lower = key.toLowerCase()
    counts.set(lower, (counts.get(lower) ?? 0) + 1)
  }
  return counts.size === tabm.size ? () => true : (key) => counts.get(key.toLowerCase()) === 1
}

function fits(value: Binary): boolean {
  if (value.length > AO_CORE_HEADER_VALUE_BYTES_MAX) return false // Text has at least a byte for each of its units.
  const isShort = typeof value === 'string' && value.length * 3 <= AO_CORE_HEADER_VALUE_BYTES_MAX
  return isShort || binaryLength(value) <= AO_CORE_HEADER_VALUE_BYTES_MAX
}

const LINE_KEYS_TAKEN: ReadonlySet<string> = new Set(['content-disposition', 'content-digest', 'inline-body-key'])

/** Whether it can be read back from a line of a part, by this reader and by simpler ones. */
function isSafeLine(key: string, value: Binary): boolean {
  if (key === 'body') return binaryLength(value) > 0
  if (key === '' || LINE_KEYS_TAKEN.has(key.toLowerCase()) || key.includes(': ') || hasLineBreak(key)) return false
  return !hasLineBreak(value)
}

function hasLineBreak(binary: Binary): boolean {
  return typeof binary === 'string' ? binary.includes('\n') || binary.includes('\r') : binary.includes(10) || binary.includes(13)
}
