/**
 * Headers of HTTP as values of messages, and back.
 *
 * Wire        Node.js gives and takes one character a byte; here they are the bytes that were sent, as text where they are UTF-8.
 *             Repeated headers are joined by `, `.
 * Invariants  What comes from `rawHeaders` is all there is, in its own order: signatures are verified over it.
 */
import { fromLatin1, toLatin1 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_HEADERS_MAX } from '../../base/limits.ts'
import { type Binary, binaryBytes, isAscii, toBinary } from '../../codec/message/value.ts'

/** Names in lower case. `rawHeaders` has names and values in turn. */
export function readHeaders(rawHeaders: readonly string[]): Map<string, Binary> {
  const count = rawHeaders.length / 2
  if (count > AO_CORE_HEADERS_MAX) {
    const problem = `the request has ${count} headers, at most ${AO_CORE_HEADERS_MAX} are accepted; send the message as a body`
    throw new HeddleError('too-large', { what: 'headers', size: count, max: AO_CORE_HEADERS_MAX }, problem)
  }
  const headers = new Map<string, Binary>()
  const texts = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const before = texts.get(name)
    const text = before === undefined ? rawHeaders[i + 1]! : `${before}, ${rawHeaders[i + 1]!}`
    texts.set(name, text)
    headers.set(name, isAscii(text) ? text : toBinary(fromLatin1(text)))
  }
  return headers
}

/** As node:http writes it. */
export function headerValue(value: Binary): string {
  return typeof value === 'string' && isAscii(value) ? value : toLatin1(binaryBytes(value))
}

export function textOf(headers: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = headers.get(name)
  return typeof value === 'string' ? value : undefined
}

/** May it be a header as it stands? A name of RFC 9110, and a value that comes through as it is. */
export function isLegalHeader(name: string, value: string): boolean {
  return isToken(name) && isPlainValue(value)
}

function isPlainValue(value: string): boolean {
  return isLegalText(value) && value === value.trim()
}

/** Visible ASCII and spaces. */
export function isLegalText(value: Binary): boolean {
  if (typeof value !== 'string') return false
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 32 || code > 126) return false
  }
  return true
}

function isToken(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)
}

/** The target of a request as text whose bytes are those that were sent: what is not ASCII becomes escapes. Absolute ones lose scheme and host. */
export function targetOf(url: string): string {
  const absolute = url.startsWith('/') ? null : /^https?:\/\/[^/?]*/i.exec(url)
  const target = absolute === null ? url : url.slice(absolute[0].length)
  if (isAscii(target)) return target
  return target.replace(/[^\0-\x7f]/g, (char) => `%${(char.charCodeAt(0) & 255).toString(16).padStart(2, '0')}`)
}
