/**
 * Small conversions between bytes and text. Strict where Node.js is lenient: `Buffer.from(s, 'base64url')` skips junk and ignores spare bits.
 * `bytes-web.ts` is its twin for browsers.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { HeddleError } from './errors.ts'

export const EMPTY: Uint8Array = new Uint8Array(0)

const BASE64URL = /^[A-Za-z0-9_-]*$/
const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder()

export function toBase64url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url')
}

/** Canonical base64url without padding: re-encoding gives the same text, or `encoding-invalid`. */
export function fromBase64url(text: string, format = 'base64url'): Uint8Array {
  if (!BASE64URL.test(text))
    throw new HeddleError('encoding-invalid', { format, at: 0 }, `${format}: "${clip(text)}" has characters outside A-Z a-z 0-9 - _`)
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text)
    throw new HeddleError('encoding-invalid', { format, at: text.length }, `${format}: "${clip(text)}" is not canonical base64url`)
  return bytes
}

export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** Lossy: bytes that are not UTF-8 become U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes)
}

/** The same, except that a byte order mark at the start stays. */
export function toTextLossy(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8')
}

/** Null when the bytes are not UTF-8. */
export function toTextStrict(bytes: Uint8Array): string | null {
  return isUtf8(bytes) ? asBuffer(bytes).toString('utf8') : null // Asked often of random bytes, for which a decoder that throws is slow.
}

/** Null when there is a byte above 127. */
export function toAsciiText(bytes: Uint8Array): string | null {
  return isAscii(bytes) ? asBuffer(bytes).toString('latin1') : null
}

/** One character a byte: how HTTP headers come and go. */
export function toLatin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/** The low byte of each character. */
export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** Standard alphabet, padded. */
export function toBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/** Either alphabet, padded or not; null for anything else. For wires on which both are in use. */
export function fromAnyBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return null
  return Buffer.from(text, 'base64')
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new HeddleError('encoding-invalid', { format: 'hex', at: 0 }, `"${clip(text)}" is not hexadecimal`)
  return Buffer.from(text, 'hex')
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

/** Byte order, shorter first on a common prefix. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** `value` as `size` big-endian bytes. */
export function bigEndian(value: bigint | number, size: number): Uint8Array {
  const out = new Uint8Array(size)
  let rest = BigInt(value)
  for (let i = size - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  if (rest !== 0n) throw new RangeError(`${value} does not fit in ${size} bytes`)
  return out
}

/** The fewest big-endian bytes that hold `value`; zero is one byte, as Erlang's binary:encode_unsigned has it. */
export function minimalBigEndian(value: bigint): Uint8Array {
  const digits = value.toString(16)
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
}

export function fromBigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** A Buffer view on the same memory, never a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Text shortened for an error message. */
export function clip(text: string, length = 80): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}
