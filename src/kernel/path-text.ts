/**
 * The text of request paths, before its grammar: percent-decoding, and cutting at separators that stand outside of quotes and brackets.
 *
 * Wire        A target is percent-decoded once, then cut, so `%2F` divides like `/`. In a query `+` is a space and `%2B` stays a plus.
 * Source      permaweb/HyperBEAM src/hb_singleton.erl, hb_util.erl (2025-11)
 * Invariants  Inside, a path is byte text: one character a byte, so that lengths are those of the wire and bytes that are not UTF-8 survive.
 *             A decoded `%2B` is the one character beyond it (PLUS). Everything here is linear in the text.
 */
import { clip, fromLatin1, toBase64url, toLatin1, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { AO_CORE_KEY_BYTES_MAX } from '../base/limits.ts'
import { type Binary, isAscii, toBinary } from '../codec/message/value.ts'

/** What `%2B` becomes: a plus that no query turns into a space. */
export const PLUS = '\u0100'

const QUOTE = 34
const PERCENT = '%'
const OPEN = 40
const CLOSE = 41
const BACKSLASH = 92

/** One character a byte, as everything here has it. */
export function toByteText(text: string): string {
  return isAscii(text) ? text : toLatin1(utf8(text))
}

/** Byte text of a target. Fails with `encoding-invalid` where a `%` is not followed by two hexadecimal digits. */
export function decodeTarget(target: string): string {
  const bytes = toByteText(target)
  let at = bytes.indexOf(PERCENT)
  if (at === -1) return bytes
  let decoded = ''
  let from = 0
  for (; at !== -1; at = bytes.indexOf(PERCENT, from)) {
    const high = hexDigit(bytes.charCodeAt(at + 1))
    const low = hexDigit(bytes.charCodeAt(at + 2))
    if (high < 0 || low < 0) throw badEscape(bytes, at)
    const byte = high * 16 + low
    decoded += bytes.slice(from, at) + (byte === 43 ? PLUS : String.fromCharCode(byte))
    from = at + 3
  }
  return decoded + bytes.slice(from)
}

/** -1 for what is no digit, NaN (behind the end) among it. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function badEscape(text: string, at: number): HeddleError<'encoding-invalid'> {
  const problem = `"${clip(text.slice(at, at + 3))}" at ${at} of the path is not a percent escape; write a plain % as %25`
  return new HeddleError('encoding-invalid', { format: 'path', at }, problem)
}

/** Position of the first of these separators outside of quotes and brackets; the length of the text when there is none. */
export function findOutside(text: string, separators: string, from = 0): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = closingQuote(text, at)
    else if (code === OPEN) depth += 1
    else if (code === CLOSE && depth > 0) depth -= 1
    else if (depth === 0 && separators.includes(text[at]!)) return at
  }
  return text.length
}

/** The text itself, with a closing quote when one is missing, so that no part of it is cut inside quotes. */
export function closeQuotes(text: string): string {
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    at = closingQuote(text, at)
    if (at >= text.length) return `${text}"`
  }
  return text
}

function closingQuote(text: string, open: number): number {
  let at = open + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === BACKSLASH) at += 1
  }
  return text.length
}

/** The parts between separators; empty ones are left out. */
export function cutOutside(text: string, separator: string): string[] {
  if (!text.includes('"') && !text.includes('(')) return text.split(separator).filter((part) => part !== '')
  const parts: string[] = []
  for (let from = 0; from < text.length; ) {
    const end = findOutside(text, separator, from)
    if (end > from) parts.push(text.slice(from, end))
    from = end + 1
  }
  return parts
}

export function isBracketed(text: string): boolean {
  return text.length >= 2 && text.charCodeAt(0) === OPEN && text.charCodeAt(text.length - 1) === CLOSE
}

/** Without the pair of quotes around it. */
export function unquote(text: string): string {
  if (text.charCodeAt(0) !== QUOTE) return text
  const end = text.length > 1 && text.charCodeAt(text.length - 1) === QUOTE ? text.length - 1 : text.length
  return text.slice(1, end)
}

/** Without any quote but those that a backslash precedes, which lose it: how typed values are written. */
export function dropQuotes(text: string): string {
  return text.includes('"') ? text.replace(/\\"|"/g, (found) => (found === '"' ? '' : '"')) : text
}

export function toValueText(text: string): Binary {
  const bytes = text.includes(PLUS) ? text.replaceAll(PLUS, '+') : text
  return isAscii(bytes) ? bytes : toBinary(fromLatin1(bytes))
}

/** A key has to be text. Fails with `encoding-invalid`, `request-invalid` or `too-large`. */
export function toKey(text: string): string {
  if (text === '') throw new HeddleError('request-invalid', { field: 'path' }, 'the path has a key or a segment without a name; name it')
  if (text.length > AO_CORE_KEY_BYTES_MAX) throw tooLong('key', text.length, AO_CORE_KEY_BYTES_MAX)
  const key = toValueText(text)
  if (typeof key === 'string') return key
  throw new HeddleError(
    'encoding-invalid',
    { format: 'path', at: 0 },
    `the key with the bytes ${toBase64url(key)} (base64url) is not UTF-8`,
  )
}

export function tooLong(what: string, size: number, max: number): HeddleError<'too-large'> {
  return new HeddleError(
    'too-large',
    { what: `${what} of the path`, size, max },
    `a ${what} of the path has ${size} bytes, at most ${max} are accepted`,
  )
}
