/** `bytes.ts` for browsers: the same functions without Buffer. What only Node.js needs, such as `asBuffer`, is not here. */
import { HeddleError } from './errors.ts'

export const EMPTY: Uint8Array = new Uint8Array(0)

const URL_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ALPHABET = `${URL_ALPHABET.slice(0, 62)}+/`
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const BASE64URL = /^[A-Za-z0-9_-]*$/
const CHARS_PER_CALL = 8192 // That one call of String.fromCharCode can take.

/** Six bits of each character code, of either alphabet; 255 for every other. */
const SEXTETS = new Uint8Array(128).fill(255)
for (let i = 0; i < 64; i++) SEXTETS[URL_ALPHABET.charCodeAt(i)] = SEXTETS[ALPHABET.charCodeAt(i)] = i

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder()
const exactDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function toBase64url(bytes: Uint8Array): string {
  return encodeBase64(bytes, URL_ALPHABET)
}

export function fromBase64url(text: string, format = 'base64url'): Uint8Array {
  if (!BASE64URL.test(text))
    throw new HeddleError('encoding-invalid', { format, at: 0 }, `${format}: "${clip(text)}" has characters outside A-Z a-z 0-9 - _`)
  const bytes = decodeBase64(text)
  if (encodeBase64(bytes, URL_ALPHABET) !== text)
    throw new HeddleError('encoding-invalid', { format, at: text.length }, `${format}: "${clip(text)}" is not canonical base64url`)
  return bytes
}

export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

export function toText(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes)
}

export function toTextLossy(bytes: Uint8Array): string {
  return exactDecoder.decode(bytes)
}

export function toTextStrict(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return null
  }
}

export function toAsciiText(bytes: Uint8Array): string | null {
  return bytes.every((byte) => byte < 128) ? toLatin1(bytes) : null
}

export function toLatin1(bytes: Uint8Array): string {
  if (bytes.length <= CHARS_PER_CALL) return String.fromCharCode(...bytes)
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += CHARS_PER_CALL) parts.push(String.fromCharCode(...bytes.subarray(at, at + CHARS_PER_CALL)))
  return parts.join('')
}

export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

export function toBase64(bytes: Uint8Array): string {
  const text = encodeBase64(bytes, ALPHABET)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

export function fromAnyBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return null
  return decodeBase64(text.replace(/=+$/, ''))
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]!
  return text
}

export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text))
    throw new HeddleError('encoding-invalid', { format: 'hex', at: 0 }, `"${clip(text)}" is not hexadecimal`)
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length)
  for (let i = 0; i < common; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1
  return Math.sign(a.length - b.length)
}

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

export function minimalBigEndian(value: bigint): Uint8Array {
  const digits = value.toString(16)
  return fromHex(digits.length % 2 === 0 ? digits : `0${digits}`)
}

export function fromBigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

export function clip(text: string, length = 80): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

/** Without padding. */
function encodeBase64(bytes: Uint8Array, alphabet: string): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at
    const three = (bytes[at]! << 16) | ((left > 1 ? bytes[at + 1]! : 0) << 8) | (left > 2 ? bytes[at + 2]! : 0)
    text += alphabet[three >> 18]! + alphabet[(three >> 12) & 63]!
    if (left > 1) text += alphabet[(three >> 6) & 63]!
    if (left > 2) text += alphabet[three & 63]!
  }
  return text
}

/** Of either alphabet, unpadded. Spare bits, and a last character that makes up no byte, are dropped, as Node.js does. */
function decodeBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < text.length; i++) {
    bits = ((bits << 6) | SEXTETS[text.charCodeAt(i)]!) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = bits >> held
  }
  return bytes
}
