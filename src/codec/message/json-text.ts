/**
 * JSON as values, with nothing lost: 1.0 is not 1, large integers are exact, `__proto__` is a key like any other.
 *
 * Wire        object = message, array = list, text = binary, `1` = integer, `1.0` and `1e3` = float, true, false and null are the atoms.
 * Source      RFC 8259; numbers as Erlang's json module tells them apart
 * Invariants  Bounded in depth, keys and values; linear in the text. Of keys that occur twice the last one counts. Half surrogates become U+FFFD.
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import {
  AO_CORE_DEPTH_MAX,
  AO_CORE_INTEGER_DIGITS_MAX,
  AO_CORE_KEY_BYTES_MAX,
  AO_CORE_KEYS_MAX,
  AO_CORE_VALUES_MAX,
} from '../../base/limits.ts'
import { ownText } from './own-text.ts'
import { toInteger } from './structured-fields.ts'
import { tooLarge } from './too-large.ts'
import { Float, type Message, textBinary, type Value } from './value.ts'

interface Cursor {
  readonly text: string
  at: number
  values: number
}

const QUOTE = 34
const COMMA = 44
const DASH = 45
const DOT = 46
const COLON = 58
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const CASE_BIT = 32 // set in the code of a small letter, not in that of a large one
const SMALL_E = 101

/** Up to this a string is read sign by sign, which for few of them is faster. */
const SHORT_CHARS = 200

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

export function parseJsonText(text: string): Value {
  const cursor = { text: text.toWellFormed(), at: text.charCodeAt(0) === 0xfeff ? 1 : 0, values: 0 }
  const value = readValue(cursor, 0)
  skipSpaces(cursor)
  if (cursor.at < cursor.text.length) throw invalid(cursor, 'the end')
  return value
}

function readValue(cursor: Cursor, depth: number): Value {
  skipSpaces(cursor)
  if (++cursor.values > AO_CORE_VALUES_MAX) throw tooLarge('values in JSON', cursor.values, AO_CORE_VALUES_MAX)
  const code = cursor.text.charCodeAt(cursor.at)
  if (code === QUOTE) return textBinary(readString(cursor))
  if (code === OPEN_OBJECT) return readObject(cursor, depth + 1)
  if (code === OPEN_LIST) return readList(cursor, depth + 1)
  if (code === DASH || isDigit(code)) return readNumber(cursor)
  return readWord(cursor)
}

function readObject(cursor: Cursor, depth: number): Message {
  if (depth > AO_CORE_DEPTH_MAX) throw tooLarge('depth of JSON', depth, AO_CORE_DEPTH_MAX)
  const message = new Map<string, Value>()
  let named = 0 // Numbers are keys of a list that is written as an object.
  cursor.at++
  if (endsWith(cursor, CLOSE_OBJECT)) return message
  do {
    const key = readKey(cursor)
    message.set(key, readValue(cursor, depth))
    if (!isDigit(key.charCodeAt(0)) && ++named > AO_CORE_KEYS_MAX) throw tooLarge('keys of a JSON object', named, AO_CORE_KEYS_MAX)
  } while (hasNext(cursor, CLOSE_OBJECT))
  return message
}

function readList(cursor: Cursor, depth: number): Value[] {
  if (depth > AO_CORE_DEPTH_MAX) throw tooLarge('depth of JSON', depth, AO_CORE_DEPTH_MAX)
  const values: Value[] = []
  cursor.at++
  if (endsWith(cursor, CLOSE_LIST)) return values
  do values.push(readValue(cursor, depth))
  while (hasNext(cursor, CLOSE_LIST))
  return values
}

function readKey(cursor: Cursor): string {
  skipSpaces(cursor)
  if (cursor.text.charCodeAt(cursor.at) !== QUOTE) throw invalid(cursor, 'a key in quotes')
  const key = readString(cursor)
  if (key.length > AO_CORE_KEY_BYTES_MAX) throw tooLarge('a key in JSON', key.length, AO_CORE_KEY_BYTES_MAX)
  skipSpaces(cursor)
  if (cursor.text.charCodeAt(cursor.at) !== COLON) throw invalid(cursor, 'a colon')
  cursor.at++
  return key
}

function endsWith(cursor: Cursor, close: number): boolean {
  skipSpaces(cursor)
  if (cursor.text.charCodeAt(cursor.at) !== close) return false
  cursor.at++
  return true
}

function hasNext(cursor: Cursor, close: number): boolean {
  if (endsWith(cursor, close)) return false
  if (cursor.text.charCodeAt(cursor.at) !== COMMA) throw invalid(cursor, `a comma or \`${String.fromCharCode(close)}\``)
  cursor.at++
  return true
}

function readString(cursor: Cursor): string {
  const { text } = cursor
  const from = ++cursor.at
  const looked = from + SHORT_CHARS
  while (cursor.at < looked) {
    const code = text.charCodeAt(cursor.at)
    if (code === QUOTE) return ownText(text.slice(from, cursor.at++))
    if (code === BACKSLASH) return readLong(cursor, from)
    if (!(code >= 32)) throw invalid(cursor, 'a closing quote, and line breaks as \\n')
    cursor.at++
  }
  return readLong(cursor, from)
}

/** By the engine's own parser, which takes a twentieth of the time; what it refuses is read again to say where it is wrong. */
function readLong(cursor: Cursor, from: number): string {
  const { text } = cursor
  let end = text.indexOf('"', cursor.at)
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  try {
    const read: unknown = end < 0 ? null : JSON.parse(text.slice(from - 1, end + 1))
    if (typeof read !== 'string') return readEscaped(cursor, from)
    cursor.at = end + 1
    return read.toWellFormed()
  } catch {
    return readEscaped(cursor, from)
  }
}

/** Is there an odd number of backslashes before it? */
function isEscaped(text: string, at: number): boolean {
  let from = at
  while (text.charCodeAt(from - 1) === BACKSLASH) from--
  return (at - from) % 2 === 1
}

function readEscaped(cursor: Cursor, from: number): string {
  const { text } = cursor
  const pieces: string[] = []
  let copied = from
  for (;;) {
    const code = text.charCodeAt(cursor.at)
    if (code === BACKSLASH) {
      pieces.push(text.slice(copied, cursor.at), readEscape(cursor))
      copied = cursor.at
    } else if (code === QUOTE) break
    else if (!(code >= 32)) throw invalid(cursor, 'a closing quote, and line breaks as \\n')
    else cursor.at++
  }
  pieces.push(text.slice(copied, cursor.at++))
  return pieces.join('').toWellFormed()
}

function readEscape(cursor: Cursor): string {
  const name = cursor.text.charAt(cursor.at + 1)
  if (name === 'u') return readUnicode(cursor)
  const char = Object.hasOwn(ESCAPES, name) ? ESCAPES[name] : undefined
  if (char === undefined) throw invalid(cursor, 'an escape such as \\n or \\u0041')
  cursor.at += 2
  return char
}

function readUnicode(cursor: Cursor): string {
  const digits = cursor.text.slice(cursor.at + 2, cursor.at + 6)
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw invalid(cursor, 'four hexadecimal digits after \\u')
  cursor.at += 6
  return String.fromCharCode(Number.parseInt(digits, 16))
}

function readNumber(cursor: Cursor): Value {
  const { text } = cursor
  const from = cursor.at
  if (text.charCodeAt(from) === DASH) cursor.at++
  const first = cursor.at
  skipDigits(cursor)
  if (text[first] === '0' && cursor.at - first > 1) throw invalid({ ...cursor, at: first }, 'a number that does not begin with 0')
  const isFloat = skipFraction(cursor) || hasExponent(cursor)
  if (hasExponent(cursor)) skipExponent(cursor)
  const length = cursor.at - from
  if (length > AO_CORE_INTEGER_DIGITS_MAX) throw tooLarge('digits of a number in JSON', length, AO_CORE_INTEGER_DIGITS_MAX)
  const digits = text.slice(from, cursor.at)
  if (!isFloat) return toInteger(digits)
  if (Number.isFinite(Number(digits))) return new Float(Number(digits))
  throw invalid({ ...cursor, at: from }, 'a number that is finite in 64 bits')
}

function skipDigits(cursor: Cursor): void {
  if (!isDigit(cursor.text.charCodeAt(cursor.at))) throw invalid(cursor, 'a digit')
  do cursor.at++
  while (isDigit(cursor.text.charCodeAt(cursor.at)))
}

function skipFraction(cursor: Cursor): boolean {
  if (cursor.text.charCodeAt(cursor.at) !== DOT) return false
  cursor.at++
  skipDigits(cursor)
  return true
}

function hasExponent(cursor: Cursor): boolean {
  return (cursor.text.charCodeAt(cursor.at) | CASE_BIT) === SMALL_E
}

function skipExponent(cursor: Cursor): void {
  cursor.at++
  const sign = cursor.text[cursor.at]
  if (sign === '+' || sign === '-') cursor.at++
  skipDigits(cursor)
}

function readWord(cursor: Cursor): Value {
  const { text, at } = cursor
  const word = text.startsWith('true', at) ? true : text.startsWith('false', at) ? false : text.startsWith('null', at) ? null : undefined
  if (word === undefined) throw invalid(cursor, 'a value')
  cursor.at += String(word).length
  return word
}

function skipSpaces(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
    cursor.at++
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function invalid({ text, at }: Cursor, expected: string): HeddleError<'encoding-invalid'> {
  const found = at < text.length ? `"${clip(text.slice(at, at + 100), 40)}"` : 'the end'
  const message = `JSON: expected ${expected} at position ${at} and found ${found}`
  return new HeddleError('encoding-invalid', { format: 'json', at }, message)
}
