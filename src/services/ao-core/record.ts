/**
 * How messages lie in the store: one record for each message, without those within it.
 *
 * Wire        version 1, kind (message 0, list 1), then entries to the end: key (messages only), kind of value, value.
 *             A length is LEB128. A child is the 32 bytes of its link id; a binary of more than INLINE_BYTES_MAX is its SHA-256.
 * Invariants  Decoding gives back each value of the same kind. Binaries become text exactly where `toBinary` says so.
 */
import { toBase64url, toTextStrict, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { idBytes, isTxId } from '../../base/ids.ts'
import {
  Atom,
  type Binary,
  binaryBytes,
  Float,
  isBinary,
  isList,
  isMessage,
  Link,
  type Message,
  toBinary,
  type Value,
} from '../../codec/message/value.ts'

/** A longer binary lies by itself, once however many messages have it. */
const INLINE_BYTES_MAX = 128

/** A binary that lies by itself, by its SHA-256. */
export class Outside {
  readonly hash: string
  constructor(hash: string) {
    this.hash = hash
  }
}

export type StoredValue = Exclude<Value, Message | readonly Value[]> | Outside | StoredMessage | readonly StoredValue[]
export type StoredMessage = ReadonlyMap<string, StoredValue>
export interface StoredRecord {
  readonly isList: boolean
  /** Keys of a list are those of its numbered message. */
  readonly entries: StoredMessage
}

const VERSION = 1
const KIND = {
  text: 0,
  bytes: 1,
  outside: 2,
  integer: 3,
  bigint: 4,
  float: 5,
  true: 6,
  false: 7,
  null: 8,
  atom: 9,
  child: 10,
  link: 11,
  lazyLink: 12,
  message: 13,
  list: 14,
} as const

export function encodeRecord({ isList: asList, entries }: StoredRecord): Uint8Array {
  const writer = new Writer()
  writer.byte(VERSION)
  writer.byte(asList ? 1 : 0)
  for (const [key, value] of entries) {
    if (!asList) writer.text(key)
    writeValue(writer, value)
  }
  return writer.done()
}

export function decodeRecord(bytes: Uint8Array): StoredRecord {
  const reader = new RecordReader(bytes)
  const version = reader.byte()
  if (version !== VERSION) throw reader.damaged(`has version ${version}`)
  const asList = reader.byte() === 1
  const entries = new Map<string, StoredValue>()
  while (!reader.isDone) {
    const key = asList ? String(entries.size + 1) : reader.text()
    entries.set(key, readValue(reader))
  }
  return { isList: asList, entries }
}

/** A single value, such as a literal result. */
export function encodeValue(value: StoredValue): Uint8Array {
  const writer = new Writer()
  writeValue(writer, value)
  return writer.done()
}

export function decodeValue(bytes: Uint8Array): StoredValue {
  return readValue(new RecordReader(bytes))
}

function writeValue(writer: Writer, value: StoredValue): void {
  if (typeof value === 'string') writer.kind(KIND.text).text(value)
  else if (typeof value === 'number') writer.kind(KIND.integer).text(String(value))
  else if (typeof value === 'bigint') writer.kind(KIND.bigint).text(String(value))
  else if (typeof value === 'boolean') writer.kind(value ? KIND.true : KIND.false)
  else if (value === null) writer.kind(KIND.null)
  else if (value instanceof Uint8Array) writer.kind(KIND.bytes).bytes(value)
  else if (value instanceof Outside) writer.kind(KIND.outside).raw(idBytes(asId(value.hash)))
  else if (value instanceof Float) writer.kind(KIND.float).double(value.value)
  else if (value instanceof Atom) writer.kind(KIND.atom).text(value.name)
  else if (value instanceof Link) writeLink(writer, value)
  else writeInline(writer, value)
}

function writeLink(writer: Writer, { id, isLazy }: Link): void {
  if (isLazy || !isTxId(id)) writer.kind(isLazy ? KIND.lazyLink : KIND.link).text(id)
  else writer.kind(KIND.child).raw(idBytes(id))
}

function writeInline(writer: Writer, value: StoredMessage | readonly StoredValue[]): void {
  if (isStoredList(value)) {
    writer.kind(KIND.list).length(value.length)
    for (const item of value) writeValue(writer, item)
    return
  }
  writer.kind(KIND.message).length(value.size)
  for (const [key, item] of value) {
    writer.text(key)
    writeValue(writer, item)
  }
}

function readValue(reader: RecordReader): StoredValue {
  const kind = reader.byte()
  switch (kind) {
    case KIND.text:
      return reader.text()
    case KIND.bytes:
      return binaryFrom(reader.take(reader.length()).slice())
    case KIND.outside:
      return new Outside(toBase64url(reader.take(32)))
    case KIND.integer:
      return Number(reader.digits())
    case KIND.bigint:
      return BigInt(reader.digits())
    case KIND.float:
      return new Float(reader.double())
    case KIND.true:
      return true
    case KIND.false:
      return false
    case KIND.null:
      return null
    case KIND.atom:
      return new Atom(reader.text())
    case KIND.child:
      return new Link(toBase64url(reader.take(32)))
    case KIND.link:
      return new Link(reader.text())
    case KIND.lazyLink:
      return new Link(reader.text(), true)
    case KIND.message:
      return readMessage(reader)
    case KIND.list:
      return Array.from({ length: reader.count() }, () => readValue(reader))
    default:
      throw reader.damaged(`has a value of kind ${kind}`)
  }
}

function readMessage(reader: RecordReader): StoredMessage {
  const entries = new Map<string, StoredValue>()
  for (let left = reader.count(); left > 0; left--) entries.set(reader.text(), readValue(reader))
  return entries
}

/** A value with all that is in it, as it can stand in a record: large binaries are handed to `keep`, which gives their hash. */
export function inlined(value: Value, keep: (bytes: Uint8Array) => string): StoredValue {
  if (isBinary(value)) return inlinedBinary(value, keep)
  if (isList(value)) return value.map((item) => inlined(item, keep))
  if (isMessage(value)) return new Map([...value].map(([key, item]) => [key, inlined(item, keep)]))
  return value
}

export function inlinedBinary(value: Binary, keep: (bytes: Uint8Array) => string): string | Uint8Array | Outside {
  if (typeof value === 'string' && value.length <= INLINE_BYTES_MAX / 3) return value // No character takes more than three bytes.
  const bytes = binaryBytes(value)
  return bytes.length <= INLINE_BYTES_MAX ? value : new Outside(keep(bytes))
}

/** As `toBinary`, and never a Buffer, which has methods of its own. The bytes must not be part of something that lives shorter. */
export function binaryFrom(bytes: Uint8Array): Binary {
  const value = toBinary(bytes)
  return typeof value === 'string' ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

export function isStoredList(value: StoredValue): value is readonly StoredValue[] {
  return Array.isArray(value)
}

export function isStoredMessage(value: StoredValue): value is StoredMessage {
  return value instanceof Map
}

function asId(text: string): Parameters<typeof idBytes>[0] {
  if (isTxId(text)) return text
  throw new RangeError(`${text} is not the SHA-256 of a value`)
}

class Writer {
  #bytes = Buffer.allocUnsafe(256)
  #at = 0

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  kind(kind: number): this {
    this.byte(kind)
    return this
  }

  length(value: number): this {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest & 127) | 128)
    this.byte(rest)
    return this
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  bytes(bytes: Uint8Array): void {
    this.length(bytes.length)
    this.raw(bytes)
  }

  text(text: string): void {
    this.bytes(utf8(text))
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleBE(value, this.#at)
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}

class RecordReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    return this.take(1)[0]!
  }

  length(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  /** Of entries, each of which takes a byte at least. */
  count(): number {
    const count = this.length()
    if (count > this.#bytes.length - this.#at) throw this.damaged(`says that it has ${count} entries`)
    return count
  }

  /** A view. */
  take(size: number): Uint8Array {
    if (size > this.#bytes.length - this.#at) throw this.damaged(`ends ${size} bytes too soon`)
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  text(): string {
    const text = toTextStrict(this.take(this.length()))
    if (text === null) throw this.damaged('has a text that is not UTF-8')
    return text
  }

  digits(): string {
    const text = this.text()
    if (/^-?\d+$/.test(text)) return text
    throw this.damaged('has an integer that is none')
  }

  double(): number {
    const bytes = this.take(8)
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
  }

  damaged(problem: string): HeddleError<'store-failed'> {
    return new HeddleError('store-failed', { what: 'messages' }, `a stored message ${problem}; run "heddle doctor"`)
  }
}
