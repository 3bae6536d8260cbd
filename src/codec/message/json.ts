/**
 * json@1.0: messages as JSON.
 *
 * Wire        Messages are objects, lists arrays, integers and floats numbers (a float always has a dot), binaries strings.
 *             Atoms, true, false and null too, are strings named in `ao-types`; a list with one of these, or with a link, is an object 1..n with `.="list"`.
 *             A child that is elsewhere is `key+link`. Keys are sorted, so that one message has one text.
 *             Bytes that are not UTF-8, which the reference refuses, are base64url with the type `base64url`.
 * Source      permaweb/HyperBEAM src/dev_codec_json.erl (2025-11)
 * Invariants  Private keys stay out. Decoding gives the message back, whatever mix of native and named types it comes in.
 */
import { toBase64url, toTextStrict } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX } from '../../base/limits.ts'
import { encodeTypes, SELF_KEY, TYPES_KEY } from './ao-types.ts'
import { parseJsonText } from './json-text.ts'
import { withPresentCommitments } from './received-signature.ts'
import { isMadeKey, type LinkOf, restoreTypes } from './structured.ts'
import { tooDeep } from './too-large.ts'
import { Atom, asMessage, Float, float, isContainer, isList, LINK_SUFFIX, Link, type Message, sortedKeys, type Value } from './value.ts'

export interface JsonOptions {
  /** With it children become `key+link`, but not those in `commitments`. */
  readonly linkOf?: LinkOf
}

interface Encoding {
  readonly linkOf: LinkOf | undefined
  readonly depth: number
}

/** Below it every float is written without exponent where that is as short. */
const EXACT_MAX = 2 ** 53

export function encodeJson(value: Message | readonly Value[], options: JsonOptions = {}): string {
  const encoding = { linkOf: options.linkOf, depth: 1 }
  return isList(value) ? encodeList(value, encoding) : encodeMessage(value, encoding)
}

/** Of an object; a list is the message of its items by number. */
export function decodeJson(text: string): Message {
  const value = decodeJsonValue(text)
  if (isContainer(value)) return asMessage(value)
  throw new HeddleError('encoding-invalid', { format: 'json@1.0', at: 0 }, 'this JSON is one word; expected an object or a list')
}

/** Whatever the text is, a list or a word too. */
export function decodeJsonValue(text: string): Value {
  const written = parseJsonText(text)
  const value = restoreTypes(written)
  return text.includes('"signature-input"') ? withPresentCommitments(written, value) : value
}

function encodeMessage(message: Message, encoding: Encoding): string {
  const entries = new Map<string, string>()
  const types = new Map<string, string>()
  for (const [key, value] of message) {
    if (!isMadeKey(key))
      addEntry(key, value, { entries, types, encoding: key === 'commitments' ? { ...encoding, linkOf: undefined } : encoding })
  }
  return toObject(entries, types)
}

function encodeList(list: readonly Value[], encoding: Encoding): string {
  if (list.every((item) => isNative(item, encoding))) return `[${list.map((item) => nativeText(item, encoding)).join(',')}]`
  const entries = new Map<string, string>()
  const types = new Map([[SELF_KEY, 'list']])
  for (let i = 0; i < list.length; i++) addEntry(String(i + 1), list[i]!, { entries, types, encoding })
  return toObject(entries, types)
}

interface Into {
  readonly entries: Map<string, string>
  readonly types: Map<string, string>
  readonly encoding: Encoding
}

function addEntry(key: string, value: Value, { entries, types, encoding }: Into): void {
  if (value instanceof Link) entries.set(key + LINK_SUFFIX, JSON.stringify(value.id))
  else if (encoding.linkOf !== undefined && isContainer(value)) entries.set(key + LINK_SUFFIX, JSON.stringify(encoding.linkOf(value)))
  else if (isNative(value, encoding)) entries.set(key, nativeText(value, encoding))
  else {
    const isBytes = value instanceof Uint8Array
    types.set(key, isBytes ? 'base64url' : 'atom')
    entries.set(key, JSON.stringify(isBytes ? toBase64url(value) : value instanceof Atom ? value.name : String(value)))
  }
}

function toObject(entries: Map<string, string>, types: ReadonlyMap<string, string>): string {
  if (types.size > 0) entries.set(TYPES_KEY, JSON.stringify(encodeTypes(types)))
  let text = ''
  for (const key of sortedKeys(entries)) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${entries.get(key)}`
  return `{${text}}`
}

/** Does JSON have a form of its own for it? */
function isNative(value: Value, { linkOf }: Encoding): boolean {
  if (typeof value === 'object') {
    if (value === null || value instanceof Atom || value instanceof Link) return false
    if (value instanceof Uint8Array) return toTextStrict(value) !== null
    return value instanceof Float || linkOf === undefined
  }
  return typeof value !== 'boolean'
}

function nativeText(value: Value, { linkOf, depth }: Encoding): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return floatText(float(value).value)
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString()
  if (value instanceof Float) return floatText(value.value)
  if (value instanceof Uint8Array) return JSON.stringify(toTextStrict(value))
  if (depth >= AO_CORE_DEPTH_MAX) throw tooDeep()
  const encoding = { linkOf, depth: depth + 1 }
  return isList(value) ? encodeList(value, encoding) : encodeMessage(value as Message, encoding)
}

/** Shortest that reads back as the same float, with a dot: 1.0, 0.1, 1.0e22. */
function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const [digits = '', exponent] = value.toString().split('e')
  if (exponent === undefined && Math.abs(value) < EXACT_MAX) return digits.includes('.') ? digits : `${digits}.0`
  const [mantissa = '', power = ''] = value.toExponential().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${power.replace('+', '')}`
}
