/**
 * Percent-encoding of keys, for where upper case would be lost or characters are not allowed: header names, `ao-types`, names of parts.
 *
 * Wire        `%44ata-%50rotocol`: every byte but a-z 0-9 . - _ / ? & as `%` and two lower-case hexadecimal digits
 * Source      permaweb/HyperBEAM src/hb_escape.erl (2025-11)
 * Invariants  unescapeKey(escapeKey(key)) is key. What is not an escape, or would not be UTF-8, stays as it is.
 */
import { toTextStrict, utf8 } from '../../base/bytes.ts'

const PLAIN = /^[a-z0-9.\-_/?&]*$/
const PLAIN_BYTES = asciiSet('abcdefghijklmnopqrstuvwxyz0123456789.-_/?&')
const PERCENT = 37

/** A table of which bytes are among `characters`. */
export function asciiSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (let i = 0; i < characters.length; i++) set[characters.charCodeAt(i)] = 1
  return set
}

export function escapeKey(key: string): string {
  return PLAIN.test(key) ? key : escapeBytes(key, PLAIN_BYTES)
}

/** Escapes all bytes but those of `plain`. */
export function escapeBytes(key: string, plain: Uint8Array): string {
  let text = ''
  for (const byte of utf8(key)) text += plain[byte] === 1 ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`
  return text
}

export function unescapeKey(text: string): string {
  return text.includes('%') ? (toTextStrict(unescapeBytes(utf8(text))) ?? text) : text
}

function unescapeBytes(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length)
  let size = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] === PERCENT ? hexByte(bytes, i + 1) : -1
    out[size++] = byte < 0 ? (bytes[i] as number) : byte
    if (byte >= 0) i += 2
  }
  return out.subarray(0, size)
}

function hexByte(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes[at])
  const low = hexDigit(bytes[at + 1])
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(byte = 0): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
