/**
 * A message for a process with handlers, from the node's form straight to the text that it reads: the way that nearly all messages take.
 *
 * Wire        in: value-codec.ts; out: the fields that processes/js/message.js reads, joined by NUL, and JSON of all others beside them
 * Invariants  Gives exactly what js-values.ts makes of the same message, or null for what only that one can do: text with NULs or that is not
 *             UTF-8, messages without the usual fields, and fields that are lists or maps.
 */
import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../base/bytes.ts'
import { KIND } from '../value-codec.ts'

export interface MessageText {
  /** Valid until the next call. */
  readonly text: Uint8Array
  readonly beside: string
  readonly timestampMs: number
}

/** Strings, in the order of the text. */
const STRINGS = ['Id', 'From', 'Owner', 'Target', 'Data'].map((name) => Buffer.from(name))
const [TIMESTAMP, HEIGHT, TAGS] = ['Timestamp', 'Block-Height', 'Tags'].map((name) => Buffer.from(name)) as [Buffer, Buffer, Buffer]
const NAME_BYTES_MAX = 64
const SHORT_BYTES_MAX = 48
const SCRATCH_KEPT_BYTES_MAX = 4 * 1024 * 1024

/** Of the thread, reused. */
let out = Buffer.allocUnsafeSlow(64 * 1024)

/** Reads one message. */
class Walk {
  readonly #bytes: Buffer
  /** Where the strings begin and end, twice as many as STRINGS. */
  readonly #strings = [-1, 0, -1, 0, -1, 0, -1, 0, -1, 0]
  #timestamp: number | null = null
  #height: number | null = null
  #tagsAt = -1
  #tagCount = 0
  #others = ''
  #at = 1
  #to = 0

  constructor(message: Uint8Array) {
    this.#bytes = asBuffer(message)
  }

  run(): MessageText | null {
    if (this.#bytes[0] !== KIND.map) return null
    for (let left = this.#u32(); left > 0; left--) if (!this.#entry()) return null
    if (this.#timestamp === null || this.#height === null || this.#tagsAt < 0) return null
    if (out.length < this.#bytes.length + 64) out = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
    if (!this.#write(this.#timestamp, this.#height)) return null
    const text = out.subarray(0, this.#to)
    if (!isUtf8(text)) return null
    return { text, beside: `{${this.#others}}`, timestampMs: this.#timestamp }
  }

  #u32(): number {
    const at = this.#at
    this.#at += 4
    return (this.#bytes[at]! | (this.#bytes[at + 1]! << 8) | (this.#bytes[at + 2]! << 16)) + this.#bytes[at + 3]! * 0x1000000
  }

  #entry(): boolean {
    const size = this.#u32()
    const name = this.#at
    this.#at += size
    const kind = this.#bytes[this.#at++]!
    if (this.#is(TAGS, name, size)) return this.#tags(kind)
    if (this.#is(TIMESTAMP, name, size)) {
      this.#timestamp = this.#count(kind)
      return this.#timestamp !== null
    }
    if (this.#is(HEIGHT, name, size)) {
      this.#height = this.#count(kind)
      return this.#height !== null
    }
    for (let i = 0; i < STRINGS.length; i++) if (this.#is(STRINGS[i]!, name, size)) return this.#string(kind, i)
    return size <= NAME_BYTES_MAX && this.#other(this.#bytes.toString('utf8', name, name + size), kind)
  }

  #is(known: Buffer, at: number, size: number): boolean {
    if (size !== known.length) return false
    for (let i = 0; i < size; i++) if (this.#bytes[at + i] !== known[i]) return false
    return true
  }

  #string(kind: number, index: number): boolean {
    if (kind !== KIND.string) return false
    const size = this.#u32()
    this.#strings[index * 2] = this.#at
    this.#at += size
    this.#strings[index * 2 + 1] = this.#at
    return true
  }

  /** A whole number from zero; null when it is something else. */
  #count(kind: number): number | null {
    const value = kind === KIND.integer ? this.#integer() : -1
    return Number.isSafeInteger(value) && value >= 0 ? value : null
  }

  /** As the other way reads it: to the nearest number. */
  #integer(): number {
    const value = Number(this.#bytes.readBigInt64LE(this.#at))
    this.#at += 8
    return value
  }

  #tags(kind: number): boolean {
    const count = this.#u32()
    if (kind !== KIND.tags && !(kind === KIND.list && count === 0)) return false
    this.#tagCount = count
    this.#tagsAt = this.#at
    for (let left = count * 2; left > 0; left--) {
      const size = this.#u32()
      this.#at += size
    }
    return true
  }

  #other(name: string, kind: number): boolean {
    const value = this.#scalar(kind)
    if (value === null) return false
    this.#others += `${this.#others === '' ? '' : ','}${JSON.stringify(name)}:${value}`
    return true
  }

  /** As JSON; null when it is none. */
  #scalar(kind: number): string | null {
    switch (kind) {
      case KIND.nil:
        return 'null'
      case KIND.false:
        return 'false'
      case KIND.true:
        return 'true'
      case KIND.integer:
        return String(this.#integer())
      case KIND.string: {
        const size = this.#u32()
        const from = this.#at
        this.#at += size
        return isUtf8(this.#bytes.subarray(from, this.#at)) ? JSON.stringify(this.#bytes.toString('utf8', from, this.#at)) : null
      }
      default:
        return null
    }
  }

  /** False when a field holds a NUL or is missing. */
  #write(timestamp: number, height: number): boolean {
    const strings = this.#strings
    for (let i = 0; i < strings.length; i += 2) if (strings[i]! < 0 || !this.#copy(strings[i]!, strings[i + 1]!)) return false
    this.#to += out.write(`${timestamp}\0${height}`, this.#to, 'latin1')
    this.#at = this.#tagsAt
    for (let left = this.#tagCount * 2; left > 0; left--) {
      const size = this.#u32()
      const from = this.#at
      this.#at += size
      out[this.#to++] = 0
      if (!this.#copy(from, this.#at)) return false
      this.#to -= 1
    }
    return true
  }

  /** With a NUL after it. */
  #copy(from: number, end: number): boolean {
    let to = this.#to
    if (end - from > SHORT_BYTES_MAX) {
      const nul = this.#bytes.indexOf(0, from)
      if (nul >= 0 && nul < end) return false
      this.#bytes.copy(out, to, from, end)
      to += end - from
    } else
      for (let i = from; i < end; i++) {
        const byte = this.#bytes[i]!
        if (byte === 0) return false
        out[to++] = byte
      }
    out[to++] = 0
    this.#to = to
    return true
  }
}

export function transcodeMessage(message: Uint8Array): MessageText | null {
  const text = new Walk(message).run()
  if (out.length > SCRATCH_KEPT_BYTES_MAX) out = Buffer.allocUnsafeSlow(64 * 1024)
  return text
}
