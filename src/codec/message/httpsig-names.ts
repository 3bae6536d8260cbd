/**
 * Names in httpsig@1.0: of headers, of parts, and of the key whose value is the body itself.
 *
 * Wire        `content-type: multipart/form-data; boundary="B"`, `content-disposition: form-data;name="a/b"` (or `inline`). Keys of 32, 42 or 43 bytes are
 *             percent-encoded as names of headers and as the first segment of names of parts. Our own addition for keys that fit in no name of a part:
 *             `;escape=percent`, which says that every segment is percent-encoded.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig_conv.erl (2025-11)
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX } from '../../base/limits.ts'
import { asciiSet, escapeBytes, escapeKey, unescapeKey } from './key-escape.ts'
import { type Binary, isIdLike, type Tabm } from './value.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
/** What HTTP takes in a name, but for `%`, which starts an escape. */
const TOKEN = asciiSet(`${LETTERS}${LETTERS.toUpperCase()}${DIGITS}!#$&'*+-.^_\`|~`)
const LOWER_TOKEN = asciiSet(`${LETTERS}${DIGITS}!#$&'*+-.^_\`|~`)
const SEGMENT = asciiSet(`${LETTERS}${LETTERS.toUpperCase()}${DIGITS} !#$&'()*+,-.:;<=>?@[]^_\`{|}~`)

/** HTTP itself reads or writes these. */
const OF_HTTP: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What browsers obey for a whole site or far beyond one reply. */
const ORDERS = [
  'alt-svc',
  'clear-site-data',
  'nel',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'strict-transport-security',
]

/** These, or older dialects do: a key of that name travels in disguise. */
const TAKEN: ReadonlySet<string> = new Set([...OF_HTTP, ...ORDERS, 'ao-ids', 'body', 'body-keys', 'inline-body-key'])

/** The key whose value is the body, and what says so where it is not `body`. */
export interface InlineKey {
  readonly key: string
  readonly isAnnounced: boolean
}

export function inlineKey(tabm: Tabm): InlineKey {
  const explicit = tabm.get('ao-body-key')
  if (typeof explicit === 'string') return { key: explicit, isAnnounced: false }
  if (!tabm.has('body') && tabm.has('data')) return { key: 'data', isAnnounced: true }
  return { key: 'body', isAnnounced: false }
}

/** As the reference names a header: only what looks like an id is escaped. */
export function exactName(key: string): string {
  return isIdLike(key) ? escapeKey(key) : key
}

/** Names that have a meaning of their own in lower case: a key that differs from one by case alone keeps its case. */
const MEANT: ReadonlySet<string> = new Set(['ao-body-key', 'ao-types', 'content-digest', 'signature', 'signature-input'])

/** A name that HTTP carries unchanged; `isUnique` is false where another key differs from it by case alone. */
export function wireName(key: string, isUnique: boolean): string {
  if (isIdLike(key)) return escapeBytes(key, LOWER_TOKEN)
  if (TAKEN.has(key.toLowerCase())) return `%${key.charCodeAt(0).toString(16)}${escapeBytes(key.slice(1), LOWER_TOKEN)}`
  return isOf(key, isUnique && !MEANT.has(key.toLowerCase()) ? TOKEN : LOWER_TOKEN) ? key : escapeBytes(key, LOWER_TOKEN)
}

export function isToken(text: string): boolean {
  return text !== '' && (isOf(text, TOKEN) || (text.includes('%') && isOf(text.replaceAll('%', ''), TOKEN)))
}

/** What HTTP carries unchanged as a value: visible ASCII, spaces and tabs, but not at the ends. */
export function isLegalValue(value: Binary): boolean {
  if (typeof value !== 'string') return value.length === 0
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    const isEdge = i === 0 || i === value.length - 1
    if (code > 126 || (code < 32 && code !== 9) || (isEdge && (code === 32 || code === 9))) return false
  }
  return true
}

/** Whether such a header may be none of the message, but of the way that it came. */
export function isOfHttp(name: string): boolean {
  return OF_HTTP.has(name.toLowerCase())
}

/** Names that HTTP keeps for itself, or older dialects. */
export function isTaken(name: string): boolean {
  return TAKEN.has(name.toLowerCase())
}

/** `content-disposition` of a part; `first` is escaped already, the others as they are. */
export function disposition(first: string, rest: readonly string[]): string {
  const isPlain = rest.every((segment) => segment !== '' && isOf(segment, SEGMENT_OR_PERCENT))
  if (isPlain && first !== '') return `form-data;name="${[first, ...rest].join('/')}"`
  return `form-data;name="${[first, ...rest.map((segment) => escapeBytes(segment, SEGMENT))].join('/')}";escape=percent`
}

const SEGMENT_OR_PERCENT = SEGMENT.slice().fill(1, 37, 38)

function isOf(text: string, set: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (set[text.charCodeAt(i)] !== 1) return false
  return true
}

/** A header value with parameters, such as `form-data; name="a"`: names in lower case, quotes and their escapes gone. Linear; never fails. */
export function parseParameters(text: string): { readonly value: string; readonly parameters: ReadonlyMap<string, string> } {
  const parameters = new Map<string, string>()
  let at = endOfPlain(text, 0)
  const value = text.slice(0, at).trim().toLowerCase()
  while (at < text.length) {
    at++ // The semicolon.
    const semicolon = endOfPlain(text, at)
    const plain = text.slice(at, semicolon)
    const equals = plain.indexOf('=') // In the whole text, it would be looked for again and again.
    if (equals < 0) {
      at = semicolon
      continue
    }
    const name = plain.slice(0, equals).trim().toLowerCase()
    const [parameter, end] = readParameter(text, at + equals + 1)
    if (name !== '' && !parameters.has(name)) parameters.set(name, parameter)
    at = end
  }
  return { value, parameters }
}

function readParameter(text: string, from: number): [value: string, end: number] {
  let at = from
  while (text[at] === ' ') at++
  if (text[at] !== '"') {
    const end = endOfPlain(text, at)
    return [text.slice(at, end).trim(), end]
  }
  let value = ''
  for (at++; at < text.length && text[at] !== '"'; at++) {
    if (text[at] === '\\' && at + 1 < text.length) at++
    value += text[at]
  }
  return [value, endOfPlain(text, at + 1)]
}

/** Where the next semicolon is, or the end. */
function endOfPlain(text: string, from: number): number {
  const at = text.indexOf(';', from)
  return at < 0 ? text.length : at
}

/** Keys from the outermost to the innermost of what a part's name says. */
export function partPath(name: string, isEscaped: boolean): string[] {
  const segments = splitName(name)
  const path = isEscaped ? segments.map(unescapeKey) : segments.filter((segment) => segment !== '')
  if (path.length === 0)
    throw new HeddleError('encoding-invalid', { format: 'multipart', at: 0 }, `"${clip(name)}" names no part; give it a name`)
  if (!isEscaped) path[0] = unescapeKey(path[0] as string)
  return path
}

function splitName(name: string): string[] {
  const segments: string[] = []
  for (let at = 0; ; ) {
    if (segments.length > AO_CORE_DEPTH_MAX) throw depthExceeded()
    const slash = name.indexOf('/', at)
    segments.push(slash < 0 ? name.slice(at) : name.slice(at, slash))
    if (slash < 0) return segments
    at = slash + 1
  }
}

export function depthExceeded(): HeddleError<'too-large'> {
  const facts = { what: 'messages within messages', size: AO_CORE_DEPTH_MAX + 1, max: AO_CORE_DEPTH_MAX }
  return new HeddleError(
    'too-large',
    facts,
    `messages are nested more than ${AO_CORE_DEPTH_MAX} deep; send the inner ones on their own and link to them`,
  )
}
