/**
 * Values between JavaScript and a guest, compact and exact: byte strings stay bytes, integers and floats stay apart.
 *
 * Wire        kind byte, then: 0 nil · 1 false · 2 true · 3 integer i64 · 4 float f64 · 5 string: u32 size, bytes
 *             6 list: u32 count, values · 7 map: u32 count, then for each u32 size, key bytes, value
 *             8 {name, value}: two strings · 9 list of {name, value}: u32 count, two strings each. All little-endian.
 * Source      our own; read and written on the Lua side by lua/prelude.ts
 * Invariants  Nesting ends at VALUE_DEPTH_MAX. A map's keys keep their order. Undefined is left out of maps, null is nil.
 *             Integers beyond 2^53 come out as the nearest number, as they do from the JSON that AO units exchange.
 *             \`exact\`: integers are bigints and floats are numbers, both ways; a map with the keys 1 to n is a list, both ways.
 */
import { asBuffer, toTextStrict } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { VALUE_DEPTH_MAX } from '../base/limits.ts'

export const KIND = { nil: 0, false: 1, true: 2, integer: 3, float: 4, string: 5, list: 6, map: 7, tag: 8, tags: 9 } as const

/** One buffer per thread, grown to the largest value that was ever written; results are copied out of it. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)
let at = 0
let isExact = false
const SCRATCH_KEPT_BYTES_MAX = 4 * 1024 * 1024

/** The encoded value in its own memory. */
export function encodeValue(value: unknown): Uint8Array {
  return encoded(() => writeValue(value, 0))
}

/** A count, then the values. */
export function encodeExactValues(values: readonly unknown[]): Uint8Array {
  isExact = true
  try {
    return encoded(() => {
      writeU32(values.length)
      for (const value of values) writeValue(value, 0)
    })
  } finally {
    isExact = false
  }
}

function encoded(write: () => void): Uint8Array {
  at = 0
  write()
  const bytes = new Uint8Array(at)
  bytes.set(scratch.subarray(0, at))
  if (scratch.length > SCRATCH_KEPT_BYTES_MAX) scratch = Buffer.allocUnsafeSlow(64 * 1024)
  return bytes
}

function writeValue(value: unknown, depth: number): void {
  if (depth > VALUE_DEPTH_MAX)
    throw new HeddleError(
      'too-large',
      { what: 'nesting', size: depth, max: VALUE_DEPTH_MAX },
      `a message nests deeper than ${VALUE_DEPTH_MAX}; flatten it`,
    )
  switch (typeof value) {
    case 'string':
      writeByte(KIND.string)
      writeText(value)
      break
    case 'number':
      writeNumber(value)
      break
    case 'bigint':
      writeInteger(value)
      break
    case 'boolean':
      writeByte(value ? KIND.true : KIND.false)
      break
    case 'object':
      writeObject(value, depth)
      break
    default:
      writeByte(KIND.nil)
  }
}

function writeObject(value: object | null, depth: number): void {
  if (value === null) writeByte(KIND.nil)
  else if (value instanceof Uint8Array) {
    writeByte(KIND.string)
    writeBytes(value)
  } else if (Array.isArray(value)) writeList(value, depth)
  else writeMap(value, depth)
}

function writeMap(value: object, depth: number): void {
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  if (isExact && isNumbered(entries)) {
    const list = entries.map(([, entry]) => entry)
    writeList(list, depth)
    return
  }
  writeByte(KIND.map)
  writeU32(entries.length)
  for (const [key, entry] of entries) {
    writeText(key)
    writeValue(entry, depth + 1)
  }
}

/** JavaScript puts keys that are numbers first, ascending. */
function isNumbered(entries: readonly (readonly [key: string, value: unknown])[]): boolean {
  return entries.length > 0 && entries.every(([key], index) => key === String(index + 1))
}

function writeList(list: readonly unknown[], depth: number): void {
  const areTags = list.length > 0 && list.every(isTag)
  writeByte(areTags ? KIND.tags : KIND.list)
  writeU32(list.length)
  for (const entry of list) {
    if (areTags) {
      const { name, value } = entry as { name: string; value: string }
      writeText(name)
      writeText(value)
    } else writeValue(entry, depth + 1)
  }
}

function isTag(entry: unknown): boolean {
  if (typeof entry !== 'object' || entry === null) return false
  const { name, value } = entry as { name?: unknown; value?: unknown }
  return typeof name === 'string' && typeof value === 'string' && Object.keys(entry).length === 2
}

function writeNumber(value: number): void {
  if (!isExact && Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writeInteger(BigInt(value))
    return
  }
  reserve(9)
  scratch[at] = KIND.float
  scratch.writeDoubleLE(value, at + 1)
  at += 9
}

function writeInteger(value: bigint): void {
  if (BigInt.asIntN(64, value) !== value)
    throw new HeddleError('request-invalid', { field: 'number' }, `${value} does not fit in 64 bits; send it as text`)
  reserve(9)
  scratch[at] = KIND.integer
  scratch.writeBigInt64LE(value, at + 1)
  at += 9
}

function writeText(text: string): void {
  reserve(4 + text.length * 3)
  const size = scratch.write(text, at + 4, 'utf8')
  scratch.writeUInt32LE(size, at)
  at += 4 + size
}

function writeBytes(bytes: Uint8Array): void {
  reserve(4 + bytes.length)
  scratch.writeUInt32LE(bytes.length, at)
  scratch.set(bytes, at + 4)
  at += 4 + bytes.length
}

function writeU32(value: number): void {
  reserve(4)
  scratch.writeUInt32LE(value, at)
  at += 4
}

function writeByte(value: number): void {
  reserve(1)
  scratch[at++] = value
}

function reserve(size: number): void {
  if (at + size <= scratch.length) return
  const grown = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + size))
  scratch.copy(grown, 0, 0, at)
  scratch = grown
}

/** Reads values one after another. Anything malformed is `encoding-invalid`. */
export class ValueReader {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #isExact: boolean
  #at = 0

  constructor(bytes: Uint8Array, { exact = false }: { readonly exact?: boolean } = {}) {
    this.#isExact = exact
    this.#bytes = asBuffer(bytes)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    this.#need(1)
    return this.#bytes[this.#at++]!
  }

  value(depth = 0): unknown {
    if (depth > VALUE_DEPTH_MAX) throw this.#invalid(`nests deeper than ${VALUE_DEPTH_MAX}`)
    const kind = this.byte()
    switch (kind) {
      case KIND.nil:
        return null
      case KIND.false:
        return false
      case KIND.true:
        return true
      case KIND.integer:
        return this.#integer()
      case KIND.float:
        return this.#view.getFloat64(this.#step(8), true)
      case KIND.string:
        return this.#text()
      case KIND.list:
        return this.#repeat(() => this.value(depth + 1))
      case KIND.map:
        return this.#map(depth)
      case KIND.tag:
        return { name: this.#text(), value: this.#text() }
      case KIND.tags:
        return this.#repeat(() => ({ name: this.#text(), value: this.#text() }))
      default:
        throw this.#invalid(`has the unknown kind ${kind}`)
    }
  }

  /** A count, then the values. */
  values(): unknown[] {
    return this.#repeat(() => this.value())
  }

  /** Bytes after a size. */
  text(): string | Uint8Array {
    return this.#text()
  }

  #integer(): number | bigint {
    const integer = this.#view.getBigInt64(this.#step(8), true)
    return this.#isExact ? integer : Number(integer)
  }

  #map(depth: number): Record<string, unknown> | unknown[] {
    const map: Record<string, unknown> = {}
    const count = this.#count()
    for (let i = 0; i < count; i++) {
      const key = this.#bytes.toString('utf8', ...this.#range())
      const entry = this.value(depth + 1)
      if (key === '__proto__') Object.defineProperty(map, key, { value: entry, enumerable: true, configurable: true, writable: true })
      else map[key] = entry
    }
    if (!this.#isExact) return map
    const entries = Object.entries(map)
    return isNumbered(entries) ? entries.map(([, entry]) => entry) : map
  }

  #repeat<T>(read: () => T): T[] {
    const list: T[] = []
    const count = this.#count()
    for (let i = 0; i < count; i++) list.push(read())
    return list
  }

  /** Every entry takes a byte at least, so a larger count is a lie. */
  #count(): number {
    const count = this.#view.getUint32(this.#step(4), true)
    if (count > this.#bytes.length - this.#at) throw this.#invalid(`announces ${count} entries, more than it has bytes`)
    return count
  }

  #text(): string | Uint8Array {
    const [from, to] = this.#range()
    const bytes = this.#bytes
    if (to - from <= 64 && isAscii(bytes, from, to)) return bytes.toString('latin1', from, to)
    return toTextStrict(bytes.subarray(from, to)) ?? new Uint8Array(bytes.subarray(from, to))
  }

  #range(): [from: number, to: number] {
    const size = this.#view.getUint32(this.#step(4), true)
    const from = this.#step(size)
    return [from, from + size]
  }

  #step(size: number): number {
    this.#need(size)
    const from = this.#at
    this.#at += size
    return from
  }

  #need(size: number): void {
    if (size > this.#bytes.length - this.#at) throw this.#invalid(`is cut short: needs ${size} more bytes`)
  }

  #invalid(problem: string): HeddleError<'encoding-invalid'> {
    return new HeddleError('encoding-invalid', { format: 'guest value', at: this.#at }, `a guest value ${problem} at byte ${this.#at}`)
  }
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! >= 0x80) return false
  return true
}

export function decodeValue(bytes: Uint8Array): unknown {
  return new ValueReader(bytes).value()
}
