/**
 * Values as text of a type: what stands under a key that `ao-types` names, and after `key+type=` in a path.
 *
 * Wire        integer `42`; float `1.50000000000000000000e+00`; atom `true`; list `1, "two", "(ao-type-atom) \"true\""`; map `a=1, b="x"`.
 * Source      permaweb/HyperBEAM src/dev_codec_structured.erl (2025-11); lists and quoted atoms as older generations and clients write them
 * Invariants  Reads more than it writes: floats without a dot, atoms in quotes, lists without quotes, `empty-…` types. A type it does not know is no type.
 */
import { clip, fromBase64url, toTextLossy } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX, AO_CORE_INTEGER_DIGITS_MAX, AO_CORE_VALUES_MAX } from '../../base/limits.ts'
import { parseJsonText } from './json-text.ts'
import { formatString, parseDictionary, parseItem, parseList, type SfValue, toInteger } from './structured-fields.ts'
import { tooDeep } from './too-large.ts'
import { Atom, atom, type Binary, EMPTY_MESSAGE, Float, float, isMessage, type Message, toBinary, type Value } from './value.ts'

/** Values that are one word. */
export type Literal = number | bigint | boolean | null | Float | Atom

export interface Typed {
  readonly type: 'integer' | 'float' | 'atom'
  readonly text: string
}

const INTEGER = /^[+-]?\d+$/
const FLOAT = /^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/i
const ITEM_MARK = '(ao-type-'

export function encodeTyped(value: Literal): Typed {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? integer(value) : floatText(float(value))
  if (typeof value === 'bigint') return integer(value)
  if (value instanceof Float) return floatText(value)
  return { type: 'atom', text: value instanceof Atom ? atomText(value.name) : String(value) }
}

/** Fails with `encoding-invalid` where the text is not of the type. */
export function decodeTyped(type: string, text: Binary): Value {
  return decodeAt(type.toLowerCase(), text, 0)
}

/** The value that a type stands for by itself; undefined for all other types. */
export function emptyOf(type: string): Value | undefined {
  switch (type) {
    case 'empty-binary':
      return ''
    case 'empty-list':
      return []
    case 'empty-message':
      return EMPTY_MESSAGE
    default:
      return undefined
  }
}

function decodeAt(type: string, binary: Binary, depth: number): Value {
  switch (type) {
    case 'integer':
      return decodeInteger(textOf(binary))
    case 'float':
      return decodeFloat(textOf(binary))
    case 'atom':
      return decodeAtom(textOf(binary))
    case 'list':
      return decodeList(textOf(binary), depth)
    case 'map':
      return decodeMap(textOf(binary))
    case 'base64url':
      return toBinary(fromBase64url(textOf(binary), 'base64url value'))
    default:
      return binary.length === 0 ? (emptyOf(type) ?? binary) : binary
  }
}

function textOf(binary: Binary): string {
  return typeof binary === 'string' ? binary : toTextLossy(binary)
}

function integer(value: number | bigint): Typed {
  return { type: 'integer', text: (value === 0 ? 0 : value).toString() }
}

function decodeInteger(text: string): number | bigint {
  const digits = text.trim()
  if (digits.length > AO_CORE_INTEGER_DIGITS_MAX) throw tooLong('integer', digits.length)
  if (INTEGER.test(digits)) return toInteger(digits.startsWith('+') ? digits.slice(1) : digits)
  throw invalid('integer', text, 'only digits, with or without a sign')
}

/** A message is encoded several times on its way: for its id, for each signature, to be sent. */
const floatTexts = new WeakMap<Float, Typed>()

function floatText(value: Float): Typed {
  const known = floatTexts.get(value)
  if (known !== undefined) return known
  const typed = writeFloat(value)
  floatTexts.set(value, typed)
  return typed
}

/** As C's `%.20e` has it, which takes the even of two digits that are as near; `toExponential` takes the greater. */
function writeFloat({ value }: Float): Typed {
  const [mantissa, exponent] = twentyDigits(value)
  const sign = Object.is(value, -0) ? '-' : ''
  const padded = exponent.length < 3 ? `${exponent[0]}0${exponent[1]}` : exponent
  return { type: 'float', text: `${sign}${mantissa}e${padded}` }
}

function twentyDigits(value: number): [mantissa: string, exponent: string] {
  const longer = value.toExponential(21)
  const end = longer.indexOf('e')
  if (longer.charCodeAt(end - 1) < FIVE) return [longer.slice(0, end - 1), longer.slice(end + 1)] // Nearer than half: no need to look at more.
  const nearest = value.toExponential(20)
  const [mantissa = '', exponent = ''] = (isTie(value, longer.slice(0, end)) ? evenDown(value, nearest) : nearest).split('e')
  return [mantissa, exponent]
}

const FIVE = 53 // its character

function isTie(value: number, mantissa: string): boolean {
  if (!mantissa.endsWith('5')) return false
  const [exact = ''] = value.toExponential(100).split('e')
  return exact.startsWith(mantissa) && Number(exact.slice(mantissa.length)) === 0
}

function evenDown(value: number, up: string): string {
  const [mantissa = '', exponent = ''] = value.toExponential(21).split('e')
  const isEven = Number(mantissa[mantissa.length - 2]) % 2 === 0
  return isEven ? `${mantissa.slice(0, -1)}e${exponent}` : up
}

function decodeFloat(text: string): Float {
  const digits = text.trim()
  if (digits.length > AO_CORE_INTEGER_DIGITS_MAX) throw tooLong('float', digits.length)
  const value = FLOAT.test(digits) ? Number(digits) : Number.NaN
  if (Number.isFinite(value)) return new Float(value)
  throw invalid('float', text, 'a finite number such as 1.5 or 1.5e+00')
}

/** Quoted where it would be read as something else. */
function atomText(name: string): string {
  return name.startsWith('"') || name === '?0' || name === '?1' ? formatString(name) : name
}

/** Never fails: what is not a token is a name too. */
function decodeAtom(text: string): Value {
  if (text === '?1' || text === '?0') return text === '?1'
  return atom(text.length > 1 && text.startsWith('"') && text.endsWith('"') ? unquote(text) : text)
}

function unquote(text: string): string {
  try {
    return String(parseItem(text).value)
  } catch {
    return text.slice(1, -1)
  }
}

function decodeList(text: string, depth: number): Value[] {
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep('lists within lists')
  const trimmed = text.trimStart()
  if (!trimmed.startsWith(ITEM_MARK)) return parseList(trimmed).map((item) => itemValue(item, depth))
  return splitMarked(trimmed).map((item) => decodeMarked(item, depth))
}

/** `(ao-type-integer) 1,(ao-type-binary) two`. Client: ao-core-libs 0.0.9 writes lists without quotes. */
function splitMarked(text: string): string[] {
  const items: string[] = []
  let from = 0
  for (let comma = text.indexOf(','); comma >= 0; comma = text.indexOf(',', comma + 1)) {
    let next = comma + 1
    while (text.charCodeAt(next) === 32) next++
    if (!text.startsWith(ITEM_MARK, next)) continue
    if (items.length === AO_CORE_VALUES_MAX) throw tooMany(items.length + 1)
    items.push(text.slice(from, comma))
    from = next
  }
  items.push(text.slice(from))
  return items
}

function itemValue(item: SfValue, depth: number): Value {
  switch (item.kind) {
    case 'string':
      return item.value.startsWith(ITEM_MARK) ? decodeMarked(item.value, depth) : item.value
    case 'token':
      return item.value === 'true' || item.value === 'false' || item.value === 'null' ? atom(item.value) : item.value
    case 'decimal':
      return new Float(item.value)
    case 'bytes':
      return toBinary(item.value)
    case 'list':
      return item.items.map((inner) => itemValue(inner, depth))
    default:
      return item.value
  }
}

/** `(ao-type-integer) 1`. */
function decodeMarked(item: string, depth: number): Value {
  const end = item.indexOf(')')
  if (end < 0) return item
  const from = item.charCodeAt(end + 1) === 32 ? end + 2 : end + 1
  return decodeAt(item.slice(ITEM_MARK.length, end).toLowerCase(), item.slice(from), depth + 1)
}

/** A dictionary, or JSON, as hbsig 0.1.5 has it in lists. */
function decodeMap(text: string): Message {
  if (text.startsWith('{')) {
    const value = parseJsonText(text)
    if (isMessage(value)) return value
  }
  const entries = [...parseDictionary(text)]
  return new Map(entries.map(([key, { value }]) => [key, itemValue(value, 0)]))
}

function invalid(type: string, text: string, expected: string): HeddleError<'encoding-invalid'> {
  const message = `"${clip(text)}" is not of type ${type}; expected ${expected}`
  return new HeddleError('encoding-invalid', { format: type, at: 0 }, message)
}

function tooLong(type: string, size: number): HeddleError<'too-large'> {
  const max = AO_CORE_INTEGER_DIGITS_MAX
  return new HeddleError(
    'too-large',
    { what: type, size, max },
    `a value of type ${type} has ${size} characters, at most ${max} are read; send it as text`,
  )
}

function tooMany(size: number): HeddleError<'too-large'> {
  const max = AO_CORE_VALUES_MAX
  return new HeddleError('too-large', { what: 'items in a list', size, max }, `a list has more than ${max} items; send fewer`)
}
