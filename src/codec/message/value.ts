/**
 * What AO-Core messages are made of, in memory.
 *
 * A message is a map from keys to values. Kinds of values: binary (text or bytes), integer, float, atom, list, message, link.
 * Source      AO-Core, as permaweb/HyperBEAM src/hb_message.erl and src/dev_codec_structured.erl (2025-11) have it
 * Invariants  A binary is a string whenever its bytes are UTF-8 and few, else a Uint8Array; the same bytes in either form are the same value.
 *             A `number` is always a safe integer: larger ones are bigint, fractions are Float. `true`, `false` and `null` are the atoms of that name.
 *             Messages are Maps, not objects: keys such as `__proto__` or `1` are keys like any other. They are never changed once they are made.
 */
import { compareBytes, toTextStrict, utf8 } from '../../base/bytes.ts'

/** Text, or bytes that are not UTF-8 or very many. */
export type Binary = string | Uint8Array
export type Value = Binary | number | bigint | boolean | null | Float | Atom | Link | readonly Value[] | Message
export type Message = ReadonlyMap<string, Value>

/** Type annotated binary message: what every codec converts from and to. Types stand in `ao-types`, children may be links (`key+link`). */
export type Tabm = ReadonlyMap<string, Binary | Tabm>

/** Headers (names as keys are, values byte by byte) and a body: the form of httpsig@1.0, before it becomes HTTP. */
export interface HttpsigForm {
  readonly headers: ReadonlyMap<string, Binary>
  /** Null when there is none; an empty one is a body too. */
  readonly body: Uint8Array | null
  /** The same bytes, cut, where they are so many that it is better not to join them: then `body` is made when it is first read. */
  readonly pieces?: readonly Uint8Array[]
}

export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** An atom other than true, false and null, such as `ok` or `unset`. */
export class Atom {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A value that is elsewhere, by its id. A lazy one names a place that holds the id. */
export class Link {
  readonly id: string
  readonly isLazy: boolean
  constructor(id: string, isLazy = false) {
    this.id = id
    this.isLazy = isLazy
  }
}

export const EMPTY_MESSAGE: Message = new Map()
export const LINK_SUFFIX = '+link'

/** Up to this a binary becomes text when its bytes are UTF-8. */
const TEXT_BYTES_MAX = 1024 * 1024

export function isMessage(value: unknown): value is Message {
  return value instanceof Map
}

export function isList(value: unknown): value is readonly Value[] {
  return Array.isArray(value)
}

/** What has values of its own. */
export function isContainer(value: unknown): value is Message | readonly Value[] {
  return isMessage(value) || isList(value)
}

/** A list as the message with keys 1..n that it is equal to. */
export function asMessage(value: Message | readonly Value[]): Message {
  return isList(value) ? new Map(value.map((item, at) => [String(at + 1), item])) : value
}

/** Flags come as booleans or as text. */
export function isTrue(value: Value | undefined): boolean {
  return value === true || value === 'true'
}

/** A copy without private keys. */
export function publicPart(message: Message): Map<string, Value> {
  const own = new Map<string, Value>()
  for (const [key, value] of message) if (!isPrivateKey(key)) own.set(key, value)
  return own
}

export function withoutLinkSuffix(key: string): string {
  return key.endsWith(LINK_SUFFIX) ? key.slice(0, -LINK_SUFFIX.length) : key
}

export function isBinary(value: unknown): value is Binary {
  return typeof value === 'string' || value instanceof Uint8Array
}

/** The one form of these bytes as a value. */
export function toBinary(bytes: Uint8Array): Binary {
  return bytes.length > TEXT_BYTES_MAX ? bytes : (toTextStrict(bytes) ?? bytes)
}

/** The same for text. */
export function textBinary(text: string): Binary {
  return text.length * 3 > TEXT_BYTES_MAX ? toBinary(utf8(text)) : text
}

export function binaryBytes(binary: Binary): Uint8Array {
  return typeof binary === 'string' ? utf8(binary) : binary
}

/** In UTF-8. */
export function binaryLength(binary: Binary): number {
  return typeof binary === 'string' ? textBytes(binary) : binary.length
}

/** Order of keys and components everywhere: by their UTF-8 bytes, never by locale nor by UTF-16 code unit. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  if (isAscii(a) || isAscii(b)) return a < b ? -1 : 1 // UTF-16 order differs only between surrogates and what comes after them.
  return compareBytes(utf8(a), utf8(b))
}

export function sortedKeys(message: ReadonlyMap<string, unknown>): string[] {
  return sortKeys([...message.keys()])
}

/** In place: by their bytes, which for ASCII is how text is sorted anyway. */
export function sortKeys(keys: string[]): string[] {
  if (keys.length < 2) return keys
  return keys.every(isAscii) ? keys.sort() : keys.sort(compareKeys)
}

/** AO-Core's test, which looks at the length alone: 43 characters of base64url, a 42-character `0x…` address, or 32 raw bytes. */
export function isIdLike(text: string): boolean {
  const length = textBytes(text)
  return length === 43 || length === 42 || length === 32
}

/** Keys that never leave the node, nor enter it: every one that begins with `priv`. */
export function isPrivateKey(key: string): boolean {
  return key.startsWith('priv')
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}

function textBytes(text: string): number {
  return isAscii(text) ? text.length : utf8(text).length
}

/** What people write for a message in TypeScript. Fractions become Floats, plain objects become messages; `undefined` is left out. */
export type Plain = Value | undefined | readonly Plain[] | { readonly [key: string]: Plain }

/** `message({ action: 'Eval', slot: 7, tags: ['a'] })`. */
export function message(plain: { readonly [key: string]: Plain }): Message {
  const entries = Object.entries(plain).filter(([, value]) => value !== undefined)
  return new Map(entries.map(([key, value]) => [key, toValue(value)]))
}

/** The value that a plain JavaScript value stands for; a TypeError for what has none, such as a function or NaN. */
export function toValue(plain: Plain): Value {
  if (typeof plain === 'number' && !Number.isSafeInteger(plain)) return float(plain)
  if (isList(plain)) return plain.map((item) => toValue(item as Plain))
  if (typeof plain !== 'object' || plain === null || isOwnKind(plain)) return plain as Value
  return message(plain as { readonly [key: string]: Plain })
}

/** A float with this value, also where it is whole; a TypeError for infinities and NaN. */
export function float(value: number): Float {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not a value of a message; floats are finite`)
  return new Float(value)
}

/** The atom of this name: true, false and null are themselves. */
export function atom(name: string): Value {
  if (name === 'true') return true
  if (name === 'false') return false
  return name === 'null' ? null : new Atom(name)
}

function isOwnKind(value: object): boolean {
  return value instanceof Map || value instanceof Uint8Array || value instanceof Float || value instanceof Atom || value instanceof Link
}
