/** Reads the members of Arweave's JSON, where bytes are base64url and integers decimal strings, into values; each failure names its field. */
import { clip, fromBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { INTEGER_DIGITS_MAX } from '../base/limits.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export function asJsonObject(value: unknown, field: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw invalidField(field, 'must be a JSON object')
}

export function arrayField(object: JsonObject, name: string): readonly unknown[] {
  const value = object[name]
  if (Array.isArray(value)) return value
  throw invalidField(name, 'must be a JSON array')
}

/** Canonical base64url; an absent member is the fallback, if there is one. */
export function bytesField(object: JsonObject, name: string, fallback?: Uint8Array): Uint8Array {
  const value = object[name]
  if (value === undefined && fallback !== undefined) return fallback
  if (typeof value !== 'string') throw invalidField(name, `must be base64url text, not ${kindOf(value)}`)
  return fromBase64url(value, name)
}

/** Base64url of exactly `size` bytes. */
export function sizedBytesField(object: JsonObject, name: string, size: number): Uint8Array {
  const bytes = bytesField(object, name)
  if (bytes.length === size) return bytes
  throw new HeddleError('encoding-invalid', { format: name, at: bytes.length }, `${name} has ${bytes.length} bytes, expected ${size}`)
}

/** A decimal string. A JSON number would have lost digits above 2^53, so it is refused, as an Arweave node does. */
export function integerField(object: JsonObject, name: string, fallback?: bigint): bigint {
  const value = object[name]
  if (value === undefined && fallback !== undefined) return fallback
  if (typeof value !== 'string' || !/^-?[0-9]+$/.test(value))
    throw invalidField(name, `must be a decimal string, not ${typeof value === 'string' ? `"${clip(value)}"` : kindOf(value)}`)
  if (value.length > INTEGER_DIGITS_MAX)
    throw new HeddleError(
      'too-large',
      { what: name, size: value.length, max: INTEGER_DIGITS_MAX },
      `${name} has ${value.length} digits, at most ${INTEGER_DIGITS_MAX} are read`,
    )
  return BigInt(value)
}

/** A decimal string that is not negative. */
export function naturalField(object: JsonObject, name: string, fallback?: bigint): bigint {
  const value = integerField(object, name, fallback)
  if (value < 0n) throw invalidField(name, `must not be negative, is ${value}`)
  return value
}

/** A JSON number: an integer from 0 to 2^53. */
export function numberField(object: JsonObject, name: string, fallback?: number): number {
  const value = object[name]
  if (value === undefined && fallback !== undefined) return fallback
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalidField(name, 'must be a whole number from 0 to 2^53')
}

export function invalidField(field: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, `${field} ${problem}`)
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  return value === null ? 'null' : `a JSON ${Array.isArray(value) ? 'array' : typeof value}`
}
