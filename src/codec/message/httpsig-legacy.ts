/**
 * httpsig@1.0 as older generations write it, for clients that cannot read the present form. Never for ids; `legacy-signature.ts` signs
 * it for those who sent such a request.
 *
 * Wire        g0 (to June 2025): keys in lower case; empty values as types alone (`k="empty-list"`); atoms in quotes; floats as `1.5e+00`; lists as text
 *             (`"(ao-type-integer) 1", "two"`), or as messages of type `list` where text would not do; `body-keys` names the parts, `inline-body-key` the body.
 *             g1 (June 2025): as now, but keys in lower case, and those that are ids in `ao-ids`.
 * Source      hbsig 0.1.5 (esm/httpsig2.js, httpsig.js, structured.js), weavedb/HyperBEAM branch wao; permaweb/HyperBEAM branch edge of 2025-06
 * Invariants  What hbsig reads is what the message says, as far as hbsig can read it. It takes lines of parts alone, so whatever fits is a line or a header;
 *             it reads no part that is `inline`, so messages have names. What it cannot read at all: see HEADERS_BYTES_MAX and `legacyBody`.
 *             It makes a list of a part before it adds the parts within that list, one place too late; but not of a part whose name has an empty segment.
 */
import { AO_CORE_DEPTH_MAX, AO_CORE_HEADER_VALUE_BYTES_MAX } from '../../base/limits.ts'
import { decodeTypes, encodeTypes } from './ao-types.ts'
import { contentDigest } from './content-digest.ts'
import { encodeHttpsigWire } from './httpsig.ts'
import { depthExceeded, isLegalValue, isTaken, isToken } from './httpsig-names.ts'
import { joinPieces, type PartPieces, writeMultipart } from './multipart.ts'
import { encodeStructured } from './structured.ts'
import { formatString } from './structured-fields.ts'
import { encodeTyped, type Literal } from './typed-text.ts'
import {
  Atom,
  type Binary,
  binaryBytes,
  binaryLength,
  compareKeys,
  Float,
  type HttpsigForm,
  isBinary,
  isIdLike,
  isList,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  Link,
  type Message,
  type Tabm,
  type Value,
} from './value.ts'

/** Clients of that time are Node.js programs, which take 16 KiB of headers; signatures need some of it. */
const HEADERS_BYTES_MAX = 10 * 1024
const NEVER_ENCODED: ReadonlySet<string> = new Set([
  'commitments',
  'signature',
  'signature-input',
  'content-digest',
  'ao-types',
  'unsigned_id',
])
/** Within the text of a list: what clients of that time split and unquote as they should. */
const LIST_TEXT = /^[ !#-[\]-~]*$/

type LegacyTree = Map<string, Binary | LegacyTree>

/** Without signatures. Links stay links; whoever wants them whole gives them whole. */
export function encodeLegacyHttpsig(message: Message, dialect: 'g0' | 'g1'): HttpsigForm {
  return dialect === 'g0' ? encodeG0(message) : encodeG1(message)
}

function encodeG1(message: Message): HttpsigForm {
  const { ids, rest } = takeIds(lowerKeys(message, 0))
  const { headers, body } = encodeHttpsigWire(encodeStructured(rest) as Tabm)
  return { headers: ids === null ? headers : new Map([...headers, ['ao-ids', ids]]), body }
}

/** Texts whose keys are ids, in one header: names of headers have no case. */
function takeIds(message: Message): { ids: string | null; rest: Message } {
  const ids = [...message].filter(
    ([key, value]) => key.length === 43 && isIdLike(key) && typeof value === 'string' && LIST_TEXT.test(value),
  )
  const text = ids.map(([key, value]) => `${key}=${formatString(value as string)}`).join(', ')
  if (ids.length === 0 || text.length > AO_CORE_HEADER_VALUE_BYTES_MAX || !isLegalValue(text)) return { ids: null, rest: message }
  const rest = new Map(message)
  for (const [key] of ids) rest.delete(key)
  return { ids: text, rest }
}

/** Of keys that differ by case alone, the one in lower case stays. */
function lowerKeys(message: Message, depth: number): Message {
  if (depth > AO_CORE_DEPTH_MAX) throw depthExceeded()
  const lowered = new Map<string, Value>()
  for (const [key, value] of message) {
    const lower = isIdLike(key) ? key : key.toLowerCase()
    if (lower === key || !message.has(lower)) lowered.set(lower, key === 'commitments' ? value : lowerValue(value, depth))
  }
  return lowered
}

function lowerValue(value: Value, depth: number): Value {
  if (isMessage(value)) return lowerKeys(value, depth + 1)
  return isList(value) ? value.map((item) => lowerValue(item, depth + 1)) : value
}

function encodeG0(message: Message): HttpsigForm {
  const { ids, rest } = takeIds(message)
  const headers = new Map<string, Binary>(ids === null ? [] : [['ao-ids', ids]])
  const body: LegacyTree = new Map()
  let bytes = ids?.length ?? 0
  for (const [key, value] of legacyTree(rest, 0)) {
    const size = key.length + (isBinary(value) ? binaryLength(value) : 0)
    if (key !== 'body' && isBinary(value) && isLegacyHeader(key, value) && bytes + size <= HEADERS_BYTES_MAX) {
      headers.set(key, value)
      bytes += size
    } else body.set(key, value)
  }
  return legacyBody(headers, body)
}

/** One value alone is the body; hbsig then gives it under the name that `inline-body-key` says, or as `body` when it reads a reply. */
function legacyBody(headers: Map<string, Binary>, values: LegacyTree): HttpsigForm {
  const [first] = values
  if (first === undefined) return { headers, body: null }
  const [key, value] = first
  const isAlone = values.size === 1 && isBinary(value) && isLegalValue(key)
  const body = isAlone ? binaryBytes(value) : legacyMultipart(headers, values)
  if (isAlone && key !== 'body') headers.set('inline-body-key', key)
  headers.set('content-digest', contentDigest(body))
  return { headers, body }
}

function legacyMultipart(headers: Map<string, Binary>, values: LegacyTree): Uint8Array {
  const parts = new Map<string, PartPieces>()
  const listPaths = new Map<string, string>()
  for (const [key, value] of values) {
    if (isBinary(value)) parts.set(key, [`content-disposition: ${key === 'body' ? 'inline' : named(key)}\r\n\r\n`, value])
    else addParts({ parts, listPaths }, [key], value)
  }
  if (listPaths.size > 0 && !values.has('ao-types')) addTypes(headers, listPaths)
  const names = [...parts.keys()].sort(compareKeys)
  const { boundary, pieces } = writeMultipart(names.map((name) => parts.get(name) as PartPieces))
  const bodyKeys = names.map((name) => `"${name}"`).join(', ')
  if (bodyKeys.length <= AO_CORE_HEADER_VALUE_BYTES_MAX && isLegalValue(bodyKeys)) headers.set('body-keys', bodyKeys)
  headers.set('content-type', `multipart/form-data; boundary="${boundary}"`)
  return joinPieces(pieces)
}

function addTypes(headers: Map<string, Binary>, more: ReadonlyMap<string, string>): void {
  const types = encodeTypes(new Map([...decodeTypes(headers.get('ao-types')), ...more]))
  if (types.length <= AO_CORE_HEADER_VALUE_BYTES_MAX) headers.set('ao-types', types)
}

interface PartsInto {
  readonly parts: Map<string, PartPieces>
  /** Lists whose types hbsig finds nowhere but at the top. */
  readonly listPaths: Map<string, string>
}

function addParts(into: PartsInto, path: readonly string[], tree: LegacyTree): void {
  const lines: [string, Binary][] = []
  const inner: string[] = []
  for (const [key, value] of tree) {
    if (isBinary(value) && isLine(value)) lines.push([key, value])
    else inner.push(key)
    if (!isBinary(value)) addParts(into, [...path, key], value)
    else if (!isLine(value)) addValue(into, [...path, key], value)
  }
  if (lines.length === 0 && tree.size > 0) return
  const types = decodeTypes(tree.get('ao-types') as Binary | undefined)
  const isMixed = inner.length > 0 || [...types.values()].some((type) => type.startsWith('empty-'))
  const isMixedList = isMixed && lines.some(([key]) => key !== 'ao-types') && [...tree.keys()].every(isItemKey)
  if (isMixedList) for (const key of inner) if (types.get(key) === 'list') into.listPaths.set([...path, key].join('/'), 'list')
  const name = isMixedList ? [...path.slice(0, -1), '', ...path.slice(-1)].join('/') : path.join('/')
  into.parts.set(name, writeLines(name, lines))
}

function addValue({ parts }: PartsInto, path: readonly string[], value: Binary): void {
  const name = path.join('/')
  parts.set(name, [`content-disposition: ${named(name)}\r\n\r\n`, value])
}

function isItemKey(key: string): boolean {
  return key === 'ao-types' || /^[1-9][0-9]*$/.test(key)
}

/** With types all lines are sorted; else the name comes first. */
function writeLines(name: string, lines: readonly (readonly [string, Binary])[]): PartPieces {
  const all = [['content-disposition', named(name)] as const, ...lines]
  if (lines.some(([key]) => key === 'ao-types')) all.sort(([a], [b]) => compareKeys(a, b))
  return all.flatMap(([key, value], i) => [`${i === 0 ? '' : '\r\n'}${key}: `, value])
}

function named(name: string): string {
  return `form-data;name="${name}"`
}

/** Keys in lower case and values as text, with their types beside them. */
function legacyTree(message: Message, depth: number): LegacyTree {
  if (depth > AO_CORE_DEPTH_MAX) throw depthExceeded()
  const tree: LegacyTree = new Map()
  const types = new Map<string, string>()
  for (const [key, value] of message) {
    const lower = key.toLowerCase()
    if (isPrivateKey(lower) || (NEVER_ENCODED.has(lower) && depth === 0) || (lower !== key && message.has(lower))) continue
    const { type, text } = legacyValue(value, depth)
    if (type !== undefined) types.set(lower, type)
    if (text !== undefined) tree.set(value instanceof Link ? `${lower}${LINK_SUFFIX}` : lower, text)
  }
  if (types.size > 0) tree.set('ao-types', encodeTypes(types))
  return new Map([...tree].sort(([a], [b]) => compareKeys(a, b)))
}

interface LegacyValue {
  readonly type?: string
  readonly text?: Binary | LegacyTree
}

function legacyValue(value: Value, depth: number): LegacyValue {
  if (isBinary(value)) return value.length === 0 ? { type: 'empty-binary' } : { text: value }
  if (value instanceof Link) return { text: value.id }
  if (isMessage(value)) return value.size === 0 ? { type: 'empty-message' } : { text: legacyTree(value, depth + 1) }
  if (!isList(value)) return legacyLiteral(value)
  if (value.length === 0) return { type: 'empty-list' }
  if (value.every(isListable)) return { type: 'list', text: value.map(listItem).join(', ') }
  const numbered = new Map(value.map((item, i) => [String(i + 1), item]))
  return { type: 'list', text: legacyTree(numbered, depth + 1) }
}

function legacyLiteral(value: Literal): { type: string; text: string } {
  if (value instanceof Float) return { type: 'float', text: floatText(value.value) }
  const { type, text } = encodeTyped(value)
  return { type, text: type === 'atom' ? formatString(value instanceof Atom ? value.name : text) : text }
}

/** Shortest digits, one before the dot, and at least two of exponent. */
function floatText(value: number): string {
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  const sign = Object.is(value, -0) ? '-' : ''
  return `${sign}${digits.includes('.') ? digits : `${digits}.0`}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

function isListable(item: Value): boolean {
  if (isList(item) || isMessage(item) || item instanceof Link || item instanceof Uint8Array) return false
  return typeof item !== 'string' || (LIST_TEXT.test(item) && !item.includes(', ') && !item.startsWith('(ao-type-'))
}

function listItem(item: Value): string {
  if (typeof item === 'string') return formatString(item)
  const { type, text } = legacyLiteral(item as Literal)
  return formatString(`(ao-type-${type}) ${text}`)
}

function isLegacyHeader(key: string, value: Binary): boolean {
  return isToken(key) && !isTaken(key) && isLegalValue(value)
}

function isLine(value: Binary): boolean {
  return typeof value === 'string' ? !value.includes('\r\n') : !value.includes(13)
}
