/** Reads and writes the primitive encodings of a WebAssembly binary: bytes, LEB128 numbers and names. Bounds are checked on every read. */
import { HeddleError } from '../../base/errors.ts'

export class WasmCursor {
  readonly bytes: Uint8Array
  readonly #module: string
  #end: number
  at: number

  constructor(bytes: Uint8Array, module: string, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.#module = module
    this.at = at
    this.#end = end
  }

  get end(): number {
    return this.#end
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end
  }

  byte(): number {
    if (this.at >= this.#end) throw this.refuse('the binary is cut short')
    return this.bytes[this.at++]!
  }

  /** Unsigned LEB128 of up to 32 bits. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffffffff) break
        return value
      }
    }
    throw this.refuse(`a number at byte ${this.at} does not fit in 32 bits`)
  }

  /** Unsigned LEB128 of up to 64 bits. */
  u64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value > 0xffffffffffffffffn) break
        return value
      }
    }
    throw this.refuse(`a number at byte ${this.at} does not fit in 64 bits`)
  }

  /** Steps over a LEB128 number of any sign. */
  skipLeb(): void {
    for (let count = 0; count < 10; count++) if (this.byte() < 0x80) return
    throw this.refuse(`a number at byte ${this.at} does not end`)
  }

  skip(size: number): void {
    if (size > this.#end - this.at) throw this.refuse('the binary is cut short')
    this.at += size
  }

  take(size: number): Uint8Array {
    const from = this.at
    this.skip(size)
    return this.bytes.subarray(from, this.at)
  }

  name(): string {
    return Buffer.from(this.take(this.u32())).toString('utf8')
  }

  /** A cursor over the next `size` bytes, which this one steps over. */
  slice(size: number): WasmCursor {
    const from = this.at
    this.skip(size)
    return new WasmCursor(this.bytes, this.#module, from, this.at)
  }

  refuse(reason: string): HeddleError<'module-unsupported'> {
    return new HeddleError('module-unsupported', { module: this.#module, reason }, `module ${this.#module} cannot run here: ${reason}`)
  }
}

/** A growing buffer; `toBytes` is a view that the next write may overwrite. */
export class WasmWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  u32(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  u64(value: bigint): void {
    let rest = value
    while (rest >= 0x80n) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest))
  }

  /** Signed LEB128, as constants have it. */
  s64(value: bigint): void {
    let rest = value
    for (;;) {
      const low = Number(rest & 0x7fn)
      rest >>= 7n
      const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)
      this.byte(isLast ? low : low | 0x80)
      if (isLast) return
    }
  }

  raw(bytes: ArrayLike<number> & { readonly length: number }): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  name(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.u32(bytes.length)
    this.raw(bytes)
  }

  clear(): void {
    this.#length = 0
  }

  toBytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
