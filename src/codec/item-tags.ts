/**
 * Tag list of an ANS-104 data item: an Avro array of {name, value}.
 *
 * Wire        blocks of: zigzag count, then for each tag zigzag length + name, zigzag length + value; a zero count ends the list.
 *             Count -n means n tags, with the block's size in bytes between the count and the tags. No tags at all is zero bytes.
 * Source      ANS-104 section 1.3, Avro 1.11 "Arrays"; checked against @dha-team/arbundles 1.0.4
 * Invariants  Input is consumed to its last byte and holds exactly the declared number of tags, or decoding throws.
 *             Names and values are bytes, views into the input. Never hash a re-encoding: blocks merge, so encode(decode(b)) can differ from b.
 */
import { EMPTY } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { ITEM_TAG_BYTES_MAX } from '../base/limits.ts'
import type { Tag } from './tags.ts'

const VARINT_BYTES_MAX = 10 // Of a 64-bit number.

/** Decodes `bytes`, which must hold exactly `count` tags and nothing else. */
export function decodeItemTags(bytes: Uint8Array, count: number): readonly Tag[] {
  if (bytes.length > ITEM_TAG_BYTES_MAX) throw tooLarge(bytes.length)
  const tags: Tag[] = []
  if (bytes.length > 0) new TagReader(bytes).readInto(tags)
  if (tags.length !== count) throw invalid(bytes.length, `hold ${tags.length} tags, but the header says ${count}`)
  return tags
}

/** One block, then the end. No tags encode as no bytes. */
export function encodeItemTags(tags: readonly Tag[]): Uint8Array {
  if (tags.length === 0) return EMPTY
  let size = varintBytes(tags.length) + 1
  for (const { name, value } of tags) size += varintBytes(name.length) + name.length + varintBytes(value.length) + value.length
  if (size > ITEM_TAG_BYTES_MAX) throw tooLarge(size)
  const out = new Uint8Array(size)
  let at = writeVarint(out, 0, tags.length)
  for (const { name, value } of tags) {
    at = writeBytes(out, at, name)
    at = writeBytes(out, at, value)
  }
  return out // Its last byte is the zero count that ends the list.
}

/** `Reader` without its per-byte views: tags are decoded on the path of every upload. */
class TagReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  readInto(tags: Tag[]): void {
    for (let count = this.#zigzag(); count !== 0; count = this.#zigzag()) {
      const sized = count < 0
      const blockEnd = sized ? this.#length('block') + this.#at : 0
      for (let left = Math.abs(count); left > 0; left--) tags.push({ name: this.#take('name'), value: this.#take('value') })
      if (sized && this.#at !== blockEnd) throw invalid(this.#at, `have a block that should end at byte ${blockEnd}`)
    }
    if (this.#at !== this.#bytes.length) throw invalid(this.#at, `have ${this.#bytes.length - this.#at} bytes after their end`)
  }

  #take(what: string): Uint8Array {
    const size = this.#length(what)
    const from = this.#at
    this.#at += size
    return this.#bytes.subarray(from, this.#at)
  }

  /** A size that the bytes left can hold. */
  #length(what: string): number {
    const size = this.#zigzag()
    const left = this.#bytes.length - this.#at
    if (size < 0 || size > left) throw invalid(this.#at, `have a ${what} of ${size} bytes where ${left} are left`)
    return size
  }

  #zigzag(): number {
    const from = this.#at
    let value = 0
    let scale = 1
    for (let byte = 0x80; byte >= 0x80; scale *= 128) {
      if (this.#at >= this.#bytes.length) throw invalid(this.#at, 'end inside a number; the zero count that ends a list is missing')
      if (this.#at - from >= VARINT_BYTES_MAX) throw invalid(this.#at, `have a number of more than ${VARINT_BYTES_MAX} bytes`)
      byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * scale
    }
    if (!Number.isSafeInteger(value)) throw invalid(from, 'have a number beyond 2^53')
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

function writeBytes(out: Uint8Array, at: number, bytes: Uint8Array): number {
  const start = writeVarint(out, at, bytes.length)
  out.set(bytes, start)
  return start + bytes.length
}

/** Zigzag of a number from 0 to 2^30; returns where the next byte goes. */
function writeVarint(out: Uint8Array, at: number, value: number): number {
  let rest = value * 2
  let next = at
  for (; rest >= 0x80; rest >>>= 7) out[next++] = (rest & 0x7f) | 0x80
  out[next++] = rest
  return next
}

function varintBytes(value: number): number {
  let size = 1
  for (let rest = value * 2; rest >= 0x80; rest = Math.floor(rest / 128)) size++
  return size
}

function tooLarge(size: number): HeddleError<'too-large'> {
  return new HeddleError(
    'too-large',
    { what: 'item tags', size, max: ITEM_TAG_BYTES_MAX },
    `item tags take ${size} bytes, at most ${ITEM_TAG_BYTES_MAX} are allowed; move long values into the data`,
  )
}

function invalid(at: number, problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'item tags', at }, `item tags ${problem} (byte ${at})`)
}
