/**
 * httpsig@1.0, reading: headers and a body as a message, without its signatures.
 *
 * Wire        As in httpsig.ts, and what older generations and other software send: `inline-body-key`, `body-keys`, `ao-ids`, forms of browsers and of curl.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig_conv.erl (2025-11 and older), hbsig 0.1.5
 * Invariants  A key that is there twice fails, also as a header and in the body: what was signed and what is read must be the same. Only HTTP's own
 *             headers, such as `connection`, give way to a key of the message that has to be escaped for their sake.
 *             Linear in the size, and bounded: keys, values, depth. Private keys are dropped. What the reference loses of its own messages is kept here:
 *             empty bodies, types of a message that has only a body, `content-type` and `ao-body-key` within messages.
 */
import { clip, EMPTY } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX, AO_CORE_KEY_BYTES_MAX, AO_CORE_KEYS_MAX, AO_CORE_VALUES_MAX } from '../../base/limits.ts'
import { bodyParts } from './body-facts.ts'
import { depthExceeded, inlineKey, isOfHttp, parseParameters, partPath } from './httpsig-names.ts'
import { unescapeKey } from './key-escape.ts'
import type { Part } from './multipart.ts'
import { parseDictionary } from './structured-fields.ts'
import { tooLarge } from './too-large.ts'
import { type Binary, binaryLength, type HttpsigForm, isPrivateKey, LINK_SUFFIX, type Tabm, toBinary } from './value.ts'

export interface HttpsigParts {
  readonly tabm: Tabm
  /** Keys whose values were in the body, in its order. */
  readonly bodyKeys: readonly string[]
  /** Whether the body was multipart: then `content-type` is of the body, and no key. */
  readonly hasParts: boolean
}

type Tree = Map<string, Binary | Tree>

/** Never keys of a message: they describe it, or are its signatures. */
const DESCRIBING: ReadonlySet<string> = new Set([
  'body-keys',
  'inline-body-key',
  'content-digest',
  'signature',
  'signature-input',
  'ao-ids',
])
const NEVER_KEYS: ReadonlySet<string> = new Set(['content-digest', 'signature', 'signature-input', 'commitments'])

export function readHttpsig({ headers, body }: HttpsigForm): HttpsigParts {
  const reading = new Reading()
  const boundary = body === null || body.length === 0 ? null : multipartBoundary(headers.get('content-type'))
  const ofHttp: [string, Binary][] = []
  for (const header of headers) {
    if (isOfHttp(header[0])) ofHttp.push(header)
    else readHeader(reading, header[0], header[1], boundary !== null)
  }
  const signed = signedNames(headers.get('signature-input'))
  restoreCase(reading, signed)
  const inline = announcedKey(headers)
  const bodyKeys =
    boundary !== null
      ? readParts(reading, bodyParts(body ?? EMPTY, boundary), inline)
      : readPlainBody(reading, body, inline, isAnnounced(headers, signed))
  for (const [name, value] of ofHttp) if (!reading.has(name)) reading.put(reading.root, name, value)
  if (ofHttp.length > 0) restoreCase(reading, new Set([...signed].filter(isOfHttp)))
  reading.checkLinks()
  dropAnnouncement(reading.root, headers)
  if (boundary !== null) restoreEmptyBodies(reading.root)
  return { tabm: reading.root, bodyKeys, hasParts: boundary !== null }
}

/** The message as it grows, and how much there is of it. */
class Reading {
  readonly root: Tree = new Map()
  #values = 0
  /** Links, and which messages have them. */
  readonly #links: [tree: Tree, key: string][] = []

  put(tree: Tree, key: string, value: Binary): void {
    if (isPrivateKey(key)) return
    if (tree.has(key)) throw invalid(`\`${clip(key)}\` is there twice; give every key one value`)
    this.#add(tree, key, typeof value === 'string' ? value : ownBytes(value))
  }

  /** At the top, as a value or a link. */
  has(key: string): boolean {
    return this.root.has(key) || this.root.has(key + LINK_SUFFIX)
  }

  /** The message at this path, made where there is none. Null within private keys. */
  message(path: readonly string[]): Tree | null {
    let tree = this.root
    for (const key of path) {
      if (isPrivateKey(key)) return null
      const found = tree.get(key)
      if (found !== undefined && !(found instanceof Map)) throw invalid(`\`${clip(path.join('/'))}\` is both a value and a message`)
      const inner: Tree = found ?? new Map()
      if (found === undefined) this.#add(tree, key, inner)
      tree = inner
    }
    return tree
  }

  /** At the top; nothing when it is not there. */
  rename(from: string, to: string): void {
    const value = this.root.get(from)
    if (value === undefined) return
    this.root.delete(from)
    this.#add(this.root, to, value)
  }

  /** A link and a value for one key: only one of them was signed. */
  checkLinks(): void {
    for (const [tree, key] of this.#links) if (tree.has(key)) throw invalid(`\`${clip(key)}\` is both a value and a link; send one of them`)
  }

  #add(tree: Tree, key: string, value: Binary | Tree): void {
    this.#values++
    if (this.#values > AO_CORE_VALUES_MAX) throw tooLarge('values of a message', this.#values, AO_CORE_VALUES_MAX)
    if (tree.size === AO_CORE_KEYS_MAX) throw tooLarge('keys of one message', tree.size + 1, AO_CORE_KEYS_MAX)
    if (key.length * 3 > AO_CORE_KEY_BYTES_MAX && binaryLength(key) > AO_CORE_KEY_BYTES_MAX)
      throw tooLarge(`bytes of the key "${clip(key)}"`, binaryLength(key), AO_CORE_KEY_BYTES_MAX)
    if (key.endsWith(LINK_SUFFIX)) this.#links.push([tree, key.slice(0, -LINK_SUFFIX.length)])
    tree.set(key, value)
  }
}

/** A small value must not keep a large body in memory. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes
}

function readHeader(reading: Reading, name: string, value: Binary, isMultipart: boolean): void {
  if (name === 'ao-ids') readIds(reading, value)
  if (DESCRIBING.has(name) || (isMultipart && name === 'content-type')) return
  const key = unescapeKey(name)
  if (!NEVER_KEYS.has(key)) reading.put(reading.root, key, value)
}

/** June 2025: keys that are ids, in one header, since names of headers lose their case. */
function readIds(reading: Reading, value: Binary): void {
  if (typeof value !== 'string') throw invalid('`ao-ids` is not text')
  for (const [id, { value: item }] of parseDictionary(value)) {
    if (item.kind !== 'string' && item.kind !== 'token') throw invalid(`\`${clip(id)}\` in \`ao-ids\` is not a string`)
    reading.put(reading.root, id, item.value)
  }
}

/** Names of components, as they were signed. */
function signedNames(signatureInput: Binary | undefined): ReadonlySet<string> {
  const names = new Set<string>()
  if (typeof signatureInput !== 'string') return names
  for (const { value } of parseDictionary(signatureInput).values()) {
    for (const component of value.kind === 'list' ? value.items : []) if (component.kind === 'string') names.add(component.value)
  }
  return names
}

/** HTTP loses the case of keys; what was signed has kept it. */
function restoreCase(reading: Reading, signed: ReadonlySet<string>): void {
  for (const key of signed) {
    const lower = key.toLowerCase()
    if (key !== lower && !reading.root.has(key)) reading.rename(lower, key)
  }
}

function announcedKey(headers: HttpsigForm['headers']): string {
  const key = headers.get('ao-body-key') ?? headers.get('inline-body-key')
  return typeof key === 'string' ? key : 'body'
}

/** Whether there is a body even where HTTP shows none, that is an empty one: its digest, its key or its signature says so. */
function isAnnounced(headers: HttpsigForm['headers'], signed: ReadonlySet<string>): boolean {
  return headers.has('content-digest') || signed.has('content-digest') || headers.get('ao-body-key') === 'data'
}

function readPlainBody(reading: Reading, body: Uint8Array | null, inline: string, isThere: boolean): string[] {
  if (body === null && (!isThere || reading.root.has(inline))) return []
  reading.put(reading.root, inline, toBinary(body ?? EMPTY))
  return isPrivateKey(inline) ? [] : [inline]
}

function readParts(reading: Reading, parts: readonly Part[], inline: string): string[] {
  const names = new Set<string>()
  const bodyKeys = new Set<string>()
  for (const part of parts) {
    const { path, lines } = describePart(part, inline)
    const name = path.some((segment) => segment.includes('/')) ? JSON.stringify(path) : path.join('/')
    if (names.has(name)) throw invalid(`the part \`${clip(path.join('/'))}\` is there twice; give every part its own name`)
    names.add(name)
    bodyKeys.add(path[0] as string)
    readPart(reading, path, lines, part.body)
  }
  return [...bodyKeys].filter((key) => !isPrivateKey(key))
}

interface PartDescription {
  readonly path: readonly string[]
  /** Those that are keys of the message. */
  readonly lines: Part['lines']
}

function describePart(part: Part, inline: string): PartDescription {
  const line = part.lines.find(([name]) => name.length === DISPOSITION.length && name.toLowerCase() === DISPOSITION)
  if (typeof line?.[1] !== 'string')
    throw invalid('a part has no `content-disposition`; name it as in `content-disposition: form-data;name="key"`')
  const { value, parameters } = parseDisposition(line[1])
  const name = parameters.get('name')
  const path = value === 'inline' ? [inline] : partPath(name ?? '', name !== undefined && parameters.get('escape') === 'percent')
  if (path.length > AO_CORE_DEPTH_MAX) throw depthExceeded()
  // A browser or curl says of what type a value is; in AO-Core's own parts this is a key like any other.
  const isForeign = line[0] !== DISPOSITION || parameters.has('filename')
  return { path, lines: part.lines.filter((other) => other !== line && isKey(other[0], isForeign)) }
}

const DISPOSITION = 'content-disposition'
const NAMED = 'form-data;name="'

/** Most are as AO-Core writes them, and nothing but a name. */
function parseDisposition(text: string): ReturnType<typeof parseParameters> {
  const isPlain = text.startsWith(NAMED) && text.indexOf('"', NAMED.length) === text.length - 1 && !text.includes('\\')
  return isPlain ? { value: 'form-data', parameters: new Map([['name', text.slice(NAMED.length, -1)]]) } : parseParameters(text)
}

function isKey(name: string, isForeign: boolean): boolean {
  if (name === 'content-digest') return false
  return !isForeign || !name.toLowerCase().startsWith('content-')
}

function readPart(reading: Reading, path: readonly string[], lines: Part['lines'], body: Uint8Array | null): void {
  const isEmpty = lines.length === 1 && lines[0]?.[0] === 'ao-types' && lines[0][1] === 'empty-message' && (body?.length ?? 0) === 0
  if (lines.length === 0) {
    const parent = reading.message(path.slice(0, -1))
    if (parent !== null) reading.put(parent, path.at(-1) as string, toBinary(body ?? EMPTY))
    return
  }
  const message = reading.message(path)
  if (message === null || isEmpty) return
  let bodyKey = 'body'
  for (const [name, value] of lines) {
    if (name === 'inline-body-key') bodyKey = typeof value === 'string' ? value : bodyKey
    else reading.put(message, name, value)
  }
  if (body !== null && body.length > 0) reading.put(message, bodyKey, toBinary(body))
}

/** An empty `body` within a message leaves no trace in its part, but its commitments name it. */
function restoreEmptyBodies(tree: Tree): void {
  for (const [key, inner] of tree) {
    if (inner instanceof Map && key !== 'commitments') restoreEmptyBodies(inner)
  }
  const commitments = tree.get('commitments')
  if (!(commitments instanceof Map) || tree.has('body') || tree.has(`body${LINK_SUFFIX}`)) return
  if ([...commitments.values()].some(commitsBody)) tree.set('body', '')
}

function commitsBody(commitment: Binary | Tree): boolean {
  const committed = commitment instanceof Map ? commitment.get('committed') : undefined
  return committed instanceof Map && [...committed].some(([index, key]) => key === 'body' && /^[0-9]+$/.test(index))
}

/** `ao-body-key` is the message's own only where writing the message would not bring it about. */
function dropAnnouncement(root: Tree, headers: HttpsigForm['headers']): void {
  const announced = headers.get('ao-body-key')
  if (announced === undefined || root.get('ao-body-key') !== announced) return
  root.delete('ao-body-key')
  const { key, isAnnounced } = inlineKey(root)
  if (!isAnnounced || key !== announced) root.set('ao-body-key', announced)
}

/** Of a body of parts; null where the media type says of none. */
export function multipartBoundary(contentType: Binary | undefined): string | null {
  if (typeof contentType !== 'string') return null
  const { value, parameters } = parseParameters(contentType)
  return value.startsWith('multipart/') ? (parameters.get('boundary') ?? null) : null
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'httpsig@1.0', at: 0 }, problem)
}
