/**
 * Structured fields: the small grammar of dictionaries, lists and items in header values.
 *
 * Wire        `a=1, b="text";p=token, sig=("x" "y");alg="…", data=:base64:`
 * Source      RFC 8941; AO-Core's differences as permaweb/HyperBEAM src/hb_structured_fields.erl (2025-11) has them, and what its clients send
 * Invariants  Accepts more than it writes: keys of any characters (upper case, digits or `.` first, `%`), integers and decimals of any length up to a limit,
 *             either base64 alphabet, text beyond ASCII in strings. Linear in the text; inner lists do not nest.
 */
import { clip, fromAnyBase64, toBase64 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_INTEGER_DIGITS_MAX, AO_CORE_VALUES_MAX } from '../../base/limits.ts'

export type SfBare =
  | { readonly kind: 'string' | 'token'; readonly value: string }
  /** Safe as a number, else a bigint. */
  | { readonly kind: 'integer'; readonly value: number | bigint }
  | { readonly kind: 'decimal'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }

export type SfParameters = ReadonlyMap<string, SfBare>
export type SfItem = SfBare & { readonly parameters: SfParameters }
export interface SfInnerList {
  readonly kind: 'list'
  readonly items: readonly SfItem[]
  readonly parameters: SfParameters
}
export type SfValue = SfItem | SfInnerList

export interface SfMember {
  readonly value: SfValue
  /** The text after `=` as it was received, parameters included. For a key without `=` only its parameters. */
  readonly raw: string
}

interface Cursor {
  readonly text: string
  at: number
}

const NO_PARAMETERS: SfParameters = new Map()
const TAB = 9
const SPACE = 32
const QUOTE = 34
const OPEN = 40
const CLOSE = 41
const STAR = 42
const COMMA = 44
const DASH = 45
const DOT = 46
const COLON = 58
const SEMICOLON = 59
const EQUALS = 61
const QUESTION = 63
const BACKSLASH = 92

/** A key that occurs twice has its last value. */
export function parseDictionary(text: string): Map<string, SfMember> {
  const cursor = start(text)
  const members = new Map<string, SfMember>()
  while (cursor.at < text.length) {
    if (members.size === AO_CORE_VALUES_MAX) throw tooMany('members in a dictionary')
    const key = readKey(cursor)
    const hasValue = text.charCodeAt(cursor.at) === EQUALS
    if (hasValue) cursor.at++
    const from = cursor.at
    const value = hasValue ? readItemOrList(cursor) : readTrue(cursor)
    members.set(key, { value, raw: text.slice(from, cursor.at) })
    nextMember(cursor)
  }
  return members
}

export function parseList(text: string): SfValue[] {
  const cursor = start(text)
  const values: SfValue[] = []
  while (cursor.at < text.length) {
    if (values.length === AO_CORE_VALUES_MAX) throw tooMany('items in a list')
    values.push(readItemOrList(cursor))
    nextMember(cursor)
  }
  return values
}

/** One item, with nothing but spaces around it. */
export function parseItem(text: string): SfItem {
  const cursor = start(text)
  const item = readItem(cursor)
  skipSpaces(cursor)
  if (cursor.at < text.length) throw invalid(cursor, 'one item and nothing after it')
  return item
}

export function formatDictionary(members: Iterable<readonly [key: string, value: SfValue]>): string {
  return [...members].map(([key, value]) => (isPlainTrue(value) ? key : `${key}=${formatItem(value)}`)).join(', ')
}

export function formatList(values: readonly SfValue[]): string {
  return values.map(formatItem).join(', ')
}

/** An item or an inner list, with its parameters. */
export function formatItem(value: SfValue): string {
  const text = value.kind === 'list' ? `(${value.items.map(formatItem).join(' ')})` : formatBare(value)
  return value.parameters.size === 0 ? text : text + formatParameters(value.parameters)
}

/** `;alg="…";created=1`, in their order. */
export function formatParameters(parameters: SfParameters): string {
  let text = ''
  for (const [key, value] of parameters) text += value.value === true ? `;${key}` : `;${key}=${formatBare(value)}`
  return text
}

function formatBare(bare: SfBare): string {
  switch (bare.kind) {
    case 'string':
      return formatString(bare.value)
    case 'token':
      return bare.value
    case 'integer':
      return bare.value.toString()
    case 'decimal':
      return formatDecimal(bare.value)
    case 'boolean':
      return bare.value ? '?1' : '?0'
    case 'bytes':
      return `:${toBase64(bare.value)}:`
  }
}

/** Of at most three digits after the dot, as the RFC has it. */
function formatDecimal(value: number): string {
  if (Number.isInteger(value)) return `${BigInt(value)}.0`
  return value.toFixed(3).replace(/0{1,2}$/, '')
}

/** In quotes. */
export function formatString(text: string): string {
  if (!text.includes('"') && !text.includes('\\')) return `"${text}"`
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** An item without parameters. */
export function sfBytes(value: Uint8Array): SfItem {
  return { kind: 'bytes', value, parameters: NO_PARAMETERS }
}

function start(text: string): Cursor {
  const cursor = { text, at: 0 }
  skipSpaces(cursor)
  return cursor
}

/** Past the comma that separates members; an empty member at the end is forgiven, as in `a=1,`. */
function nextMember(cursor: Cursor): void {
  skipSpaces(cursor)
  if (cursor.at === cursor.text.length) return
  if (cursor.text.charCodeAt(cursor.at) !== COMMA) throw invalid(cursor, 'a comma or the end')
  cursor.at++
  skipSpaces(cursor)
}

/** Whatever is before `=`, `,` or `;`: keys are not only what the RFC takes. */
function readKey(cursor: Cursor): string {
  const { text } = cursor
  const from = cursor.at
  while (cursor.at < text.length && !endsKey(text.charCodeAt(cursor.at))) cursor.at++
  if (cursor.at === from) throw invalid(cursor, 'a key')
  return text.slice(from, cursor.at)
}

function endsKey(code: number): boolean {
  return code === EQUALS || code === COMMA || code === SEMICOLON || code === SPACE || code === TAB || code === QUOTE || code === CLOSE
}

function readTrue(cursor: Cursor): SfItem {
  return { kind: 'boolean', value: true, parameters: readParameters(cursor) }
}

function readItemOrList(cursor: Cursor): SfValue {
  return cursor.text.charCodeAt(cursor.at) === OPEN ? readInnerList(cursor) : readItem(cursor)
}

function readInnerList(cursor: Cursor): SfInnerList {
  const { text } = cursor
  const items: SfItem[] = []
  cursor.at++
  for (;;) {
    skipSpaces(cursor)
    if (text.charCodeAt(cursor.at) === CLOSE) break
    if (items.length === AO_CORE_VALUES_MAX) throw tooMany('items in an inner list')
    items.push(readItem(cursor))
    const code = text.charCodeAt(cursor.at)
    if (code !== SPACE && code !== TAB && code !== CLOSE) throw invalid(cursor, 'a space or `)`')
  }
  cursor.at++
  return { kind: 'list', items, parameters: readParameters(cursor) }
}

function readItem(cursor: Cursor): SfItem {
  const bare = readBare(cursor)
  return { ...bare, parameters: readParameters(cursor) }
}

function readParameters(cursor: Cursor): SfParameters {
  if (cursor.text.charCodeAt(cursor.at) !== SEMICOLON) return NO_PARAMETERS
  const parameters = new Map<string, SfBare>()
  while (cursor.text.charCodeAt(cursor.at) === SEMICOLON) {
    cursor.at++
    skipSpaces(cursor)
    const key = readKey(cursor)
    if (cursor.text.charCodeAt(cursor.at) === EQUALS) {
      cursor.at++
      parameters.set(key, readBare(cursor))
    } else parameters.set(key, { kind: 'boolean', value: true })
  }
  return parameters
}

function readBare(cursor: Cursor): SfBare {
  const code = cursor.text.charCodeAt(cursor.at)
  if (code === QUOTE) return { kind: 'string', value: readString(cursor) }
  if (isLetter(code) || code === STAR) return { kind: 'token', value: readToken(cursor) }
  if (isDigit(code) || code === DASH) return readNumber(cursor)
  if (code === COLON) return { kind: 'bytes', value: readBytes(cursor) }
  if (code === QUESTION) return { kind: 'boolean', value: readBoolean(cursor) }
  throw invalid(cursor, 'a string, token, number, byte sequence or boolean')
}

function readString(cursor: Cursor): string {
  const { text } = cursor
  const from = cursor.at + 1
  const end = text.indexOf('"', from)
  const value = text.slice(from, end)
  if (end < 0 || value.includes('\\')) return readEscaped(cursor, from)
  cursor.at = end + 1
  return value
}

/** A backslash before anything but a quote or another one stands for itself. */
function readEscaped(cursor: Cursor, from: number): string {
  const { text } = cursor
  const pieces: string[] = []
  let copied = from
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      cursor.at = at + 1
      return pieces.join('') + text.slice(copied, at)
    }
    const next = code === BACKSLASH ? text.charCodeAt(at + 1) : 0
    if (next !== QUOTE && next !== BACKSLASH) continue
    pieces.push(text.slice(copied, at))
    copied = ++at
  }
  throw invalid(cursor, 'a closing quote')
}

function readToken(cursor: Cursor): string {
  const { text } = cursor
  const from = cursor.at++
  while (cursor.at < text.length && isTokenCode(text.charCodeAt(cursor.at))) cursor.at++
  return text.slice(from, cursor.at)
}

function readNumber(cursor: Cursor): SfBare {
  const { text } = cursor
  const from = cursor.at
  if (text.charCodeAt(from) === DASH) cursor.at++
  const digits = skipDigits(cursor)
  if (digits === 0) throw invalid(cursor, 'a digit')
  if (digits > AO_CORE_INTEGER_DIGITS_MAX) throw tooMany('digits in a number', AO_CORE_INTEGER_DIGITS_MAX, digits)
  if (text.charCodeAt(cursor.at) !== DOT) return { kind: 'integer', value: toInteger(text.slice(from, cursor.at)) }
  cursor.at++
  if (skipDigits(cursor) === 0) throw invalid(cursor, 'a digit')
  return { kind: 'decimal', value: Number(text.slice(from, cursor.at)) }
}

function skipDigits(cursor: Cursor): number {
  const from = cursor.at
  while (isDigit(cursor.text.charCodeAt(cursor.at))) cursor.at++
  return cursor.at - from
}

/** Of decimal digits that have been counted. */
export function toInteger(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number + 0 : BigInt(digits)
}

function readBytes(cursor: Cursor): Uint8Array {
  const end = cursor.text.indexOf(':', cursor.at + 1)
  const bytes = end < 0 ? null : fromAnyBase64(cursor.text.slice(cursor.at + 1, end))
  if (bytes === null) throw invalid(cursor, 'base64 between colons')
  cursor.at = end + 1
  return bytes
}

function readBoolean(cursor: Cursor): boolean {
  const digit = cursor.text[cursor.at + 1]
  if (digit !== '0' && digit !== '1') throw invalid(cursor, '?0 or ?1')
  cursor.at += 2
  return digit === '1'
}

function skipSpaces(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== SPACE && code !== TAB) return
    cursor.at++
  }
}

function isPlainTrue(value: SfValue): boolean {
  return value.kind === 'boolean' && value.value && value.parameters.size === 0
}

function isLetter(code: number): boolean {
  const lower = code | 32
  return lower >= 97 && lower <= 122
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

const TOKEN_MARKS: ReadonlySet<number> = new Set([..."!#$%&'*+-.^_`|~:/"].map((mark) => mark.charCodeAt(0)))

function isTokenCode(code: number): boolean {
  return isLetter(code) || isDigit(code) || TOKEN_MARKS.has(code)
}

function invalid({ text, at }: Cursor, expected: string): HeddleError<'encoding-invalid'> {
  const found = at < text.length ? `"${clip(text.slice(at, at + 100), 40)}"` : 'the end'
  const message = `structured fields: expected ${expected} at position ${at} and found ${found}; see RFC 8941`
  return new HeddleError('encoding-invalid', { format: 'structured fields', at }, message)
}

function tooMany(what: string, max = AO_CORE_VALUES_MAX, size = max + 1): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what, size, max }, `structured fields: more than ${max} ${what}; send fewer`)
}
