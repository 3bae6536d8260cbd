/**
 * What a signature of a received form may have been made over, and what it commits to.
 *
 * Wire        Lines in the order of `signature-input`. HyperBEAM's dialects leave `@` out of the lines and sort the parameters, RFC 9421 keeps `@` and takes
 *             the parameters as they stand. `content-digest` as it came, or as it is written in standard base64.
 * Source      RFC 9421; permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-05, 2025-06, 2025-11); hbsig 0.1.5; ao-core-libs 0.0.9
 * Invariants  What a signature commits to is read from its own headers alone, and from the body only if the digest is among them: nothing that is not
 *             signed (a content type, a body key, another header) can change how it is understood.
 */

import { EMPTY } from '../../base/bytes.ts'
import { AO_CORE_HEADER_VALUE_BYTES_MAX } from '../../base/limits.ts'
import { TYPES_KEY } from './ao-types.ts'
import { committedKeys, isMultipart } from './committed-form.ts'
import { contentDigest } from './content-digest.ts'
import { decodeHttpsigParts } from './httpsig.ts'
import { adoptLegacy, type SignedPart } from './legacy-commitments.ts'
import { baseOf, type Component, componentList, lastLine, listedName, signedParameters } from './signature-base.ts'
import { HTTPSIG_DEVICE, type ReceivedSignature } from './signature-headers.ts'
import { decodeStructured } from './structured.ts'
import { asMessage, type Binary, type HttpsigForm, type Message, type Tabm, type Value, withoutLinkSuffix } from './value.ts'

/** What a signature commits to. */
export interface CommittedPart {
  readonly message: Message
  readonly committed: readonly string[]
}

/** The headers that a signature lists, with the names that it lists, and the body if it is among them. Null where one is not there, or stands for two. */
export function signedPart({ headers, body }: HttpsigForm, { names }: Pick<ReceivedSignature, 'names'>): HttpsigForm | null {
  const signed = new Map<string, Binary>()
  const used = new Set<string>()
  let hasBody = false
  for (const name of names) {
    const header = headers.has(name) ? name : name.toLowerCase() // HTTP lowers the case of names.
    const value = headers.get(header)
    if (name === 'content-digest') hasBody = true
    else if (value === undefined || used.has(header)) return null
    used.add(header)
    if (value !== undefined) signed.set(name, value)
  }
  return { headers: signed, body: hasBody ? (body ?? EMPTY) : null }
}

/** Every text that the signature may be of, the likeliest first. */
export function* receivedBases(part: HttpsigForm, signature: ReceivedSignature): Generator<Binary> {
  const { names, listed } = signature
  const isDerived = listed.some((name, at) => name !== names[at])
  for (const parameters of parametersOf(signature)) {
    if (names.length === 0) yield lastLine(parameters) // Client: hbsig 0.1.5
    for (const components of receivedComponents(part, names)) {
      yield baseOf(components, parameters)
      if (isDerived) yield baseOf(withNames(components, listed), parameters)
    }
  }
}

/** From the signed headers alone. */
export function committedPart(part: HttpsigForm, { names }: Pick<ReceivedSignature, 'names'>): CommittedPart {
  const { tabm, bodyKeys } = decodeHttpsigParts(part)
  const message = decodeTabm(tabm.has('commitments') ? new Map([...tabm].filter(([key]) => key !== 'commitments')) : tabm)
  return partOf(message, committedKeys(names, { tabm, bodyKeys, hasParts: isMultipart(part.headers.get('content-type')) }))
}

/**
 * From a form in which signed keys may have moved to the body, as those do that HTTP cannot carry in headers: what the signature commits to if it was
 * made over another form of the same message. Whoever uses these has to encode them again and verify that.
 */
export function movedParts(form: HttpsigForm, { names }: Pick<ReceivedSignature, 'names'>): CommittedPart[] {
  const { tabm, bodyKeys } = decodeHttpsigParts(form)
  const inBody = bodyKeys.filter((key) => isAlwaysInBody(key, tabm))
  const lists = new Map<string, readonly string[]>()
  for (const hasParts of tabm.has('content-type') ? [false, true] : [true]) // A media type of its own, or of what was signed.
    for (const keys of [bodyKeys, inBody]) {
      const committed = committedKeys(names, { tabm, bodyKeys: keys, hasParts })
      lists.set(JSON.stringify([...committed].sort()), committed)
    }
  return [...lists.values()].map((committed) => partOf(decodeTabm(pick(tabm, committed)), committed))
}

export function decodeWhole(form: HttpsigForm): Message {
  return decodeTabm(decodeHttpsigParts(form).tabm)
}

function decodeTabm(tabm: Tabm): Message {
  return adoptLegacy(tabm, asMessage(decodeStructured(tabm)), readSigned)
}

/** A value with the commitments of messages within as they are today, whatever dialect they were written in. */
export function withPresentCommitments(written: Value, value: Value): Value {
  return adoptLegacy(written, value, readSigned)
}

function readSigned(form: HttpsigForm, signature: ReceivedSignature): SignedPart | null {
  const signed = signedPart(form, signature)
  return signed === null ? null : { form: signed, ...committedPart(signed, signature) }
}

/** As they may stand in what was signed: upstream marks names with `@` there, and not in the header. */
function* parametersOf({ raw, names, listed, device, type, keyId, parameters }: ReceivedSignature): Generator<string> {
  const own: [string, Value][] = [['alg', type]]
  if (keyId !== null) own.push(['keyid', keyId])
  const sorted = (): string => signedParameters(new Map([...parameters, ...own]))
  const asReceived = (): string => raw
  const asListed = (): string => componentList(listed) + sorted()
  const marked = (): string => componentList(names.map(listedName)) + sorted()
  const isPresent = device === HTTPSIG_DEVICE && keyId?.includes(':') === true
  const seen = new Set<string>()
  for (const write of isPresent ? [marked, asListed, asReceived] : [asReceived, asListed, marked]) {
    const text = write()
    if (!seen.has(text)) yield text
    seen.add(text)
  }
}

function* receivedComponents({ headers, body }: HttpsigForm, names: readonly string[]): Generator<Component[]> {
  const components = (digest: Binary): Component[] =>
    names.map((name) => [name, name === 'content-digest' ? digest : (headers.get(name) ?? '')])
  const sent = headers.get('content-digest')
  if (sent !== undefined || body === null) yield components(sent ?? '')
  const actual = body === null ? sent : contentDigest(body)
  if (actual !== undefined && actual !== sent) yield components(actual)
}

function withNames(components: readonly Component[], listed: readonly string[]): Component[] {
  return components.map(([name, value], at) => [listed[at] ?? listedName(name), value])
}

/** Only keys that are there, and those that their types restore. */
function partOf(message: Message, keys: readonly string[]): CommittedPart {
  const present = keys.filter((key) => key === TYPES_KEY || (message.has(key) && key !== 'commitments'))
  const listed = new Set(present)
  return { message, committed: [...present, ...[...message.keys()].filter((key) => !listed.has(key) && key !== 'commitments')] }
}

function pick(tabm: Tabm, keys: readonly string[]): Tabm {
  const wanted = new Set(keys)
  return new Map([...tabm].filter(([key]) => wanted.has(key) || wanted.has(withoutLinkSuffix(key))))
}

/** Also in the form that is signed, not only in the one that was sent. */
function isAlwaysInBody(key: string, tabm: Tabm): boolean {
  const value = tabm.get(key)
  return key === 'body' || key === 'data' || typeof value !== 'string' || value.length > AO_CORE_HEADER_VALUE_BYTES_MAX
}
