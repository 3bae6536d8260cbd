/** Random messages for property tests. */
import fc from 'fast-check'
import {
  atom,
  type Binary,
  Float,
  isBinary,
  isList,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  Link,
  type Message,
  toBinary,
  type Value,
} from '../src/codec/message/value.ts'

export interface ArbitraryOptions {
  /** Which keys; `anyKey` when left out. */
  readonly key?: fc.Arbitrary<string>
  /** Which binaries; `anyBinary` when left out. */
  readonly binary?: fc.Arbitrary<Binary>
  /** Messages within messages; 3 when left out. */
  readonly depth?: number
  readonly hasLinks?: boolean
  /** Keys of one message, items of one list; 6 when left out. */
  readonly maxKeys?: number
}

/** Keys with a meaning of their own in one encoding or the other: no codec gives them back as it got them. */
const RESERVED: ReadonlySet<string> = new Set([
  'ao-types',
  'ao-body-key',
  'ao-ids',
  'body-keys',
  'commitments',
  'content-digest',
  'inline-body-key',
  'signature',
  'signature-input',
  'unsigned_id',
])

const FAMILIAR_KEYS = ['a', 'b', 'body', 'data', 'action', 'path', 'method', 'target', 'content-type', '1', '2', '10', 'x'.repeat(43)]
const STRANGE_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'Data-Protocol',
  'a/b',
  'a b',
  '.',
  '%41',
  'clé',
  '世界',
  '"',
  'a=b',
  'empty-binary',
  '-',
]

/** Names that HTTP takes as they are. */
export const headerKey: fc.Arbitrary<string> = fc
  .oneof(fc.constantFrom(...FAMILIAR_KEYS), fc.stringMatching(/^[a-z][a-z0-9_-]{0,11}$/))
  .filter(isFree)

/** Any text of at least one character that has no meaning of its own. */
export const anyKey: fc.Arbitrary<string> = fc
  .oneof(headerKey, fc.constantFrom(...STRANGE_KEYS), fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }))
  .filter(isFree)

/** What HTTP takes as the value of a header and gives back unchanged. */
export const headerText: fc.Arbitrary<string> = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', ' ', '\r\n', '"', '\\', '(ao-type-integer) 1', ': ', 'true', '1', 'x'.repeat(5000)),
)

/** Of any characters, or of pieces that mean something to a reader. */
export function anyTextOf(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...pieces) }))
}

export const anyBinary: fc.Arbitrary<Binary> = fc.oneof(
  { weight: 3, arbitrary: anyText },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map(toBinary) },
)

export const anyLiteral: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt().map((integer) => (Number.isSafeInteger(Number(integer)) ? Number(integer) : integer)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new Float(value)),
  fc.constantFrom(true, false, null),
  fc.constantFrom('ok', 'undefined', 'unset', 'not_found').map(atom),
)

export function anyMessage(options: ArbitraryOptions = {}): fc.Arbitrary<Message> {
  return messageOfDepth(options.depth ?? 3, options)
}

export function anyValue(options: ArbitraryOptions = {}): fc.Arbitrary<Value> {
  return valueOfDepth(options.depth ?? 3, options)
}

/** Items and transactions have no empty data: an empty value of `data` is none, unless `body` is the data. */
export function withoutEmptyData(value: Value): Value {
  if (isList(value)) return value.map(withoutEmptyData)
  if (!isMessage(value)) return value
  const kept = [...value].filter(([key, item]) => !(key === 'data' && isBinary(item) && item.length === 0))
  return new Map(kept.map(([key, item]) => [key, withoutEmptyData(item)]))
}

function messageOfDepth(depth: number, options: ArbitraryOptions): fc.Arbitrary<Message> {
  const entry = fc.tuple(options.key ?? anyKey, valueOfDepth(depth, options))
  return fc.array(entry, { maxLength: options.maxKeys ?? 6 }).map((entries) => new Map(entries))
}

function valueOfDepth(depth: number, options: ArbitraryOptions): fc.Arbitrary<Value> {
  const flat = [
    { weight: 4, arbitrary: options.binary ?? anyBinary },
    { weight: 3, arbitrary: anyLiteral },
    ...(options.hasLinks === true ? [{ weight: 1, arbitrary: anyLink }] : []),
  ]
  if (depth <= 0) return fc.oneof(...flat)
  const list = fc.array(valueOfDepth(depth - 1, options), { maxLength: options.maxKeys ?? 6 })
  return fc.oneof(...flat, { weight: 2, arbitrary: messageOfDepth(depth - 1, options) }, { weight: 2, arbitrary: list })
}

const anyLink: fc.Arbitrary<Value> = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/).map((id) => new Link(id))

function isFree(key: string): boolean {
  return key !== '' && !RESERVED.has(key) && !isPrivateKey(key) && !key.endsWith(LINK_SUFFIX)
}
