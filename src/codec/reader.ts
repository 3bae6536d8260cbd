/** Reads bytes front to back with every bound checked; a decoder built on it either consumes its input or throws `encoding-invalid`. */
import { fromBigEndian } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'

export class Reader {
  readonly #bytes: Uint8Array
  readonly #format: string
  #at = 0

  constructor(bytes: Uint8Array, format: string) {
    this.#bytes = bytes
    this.#format = format
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** A view, not a copy. */
  take(size: number): Uint8Array {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.left) throw this.invalid(`needs ${size} more bytes, has ${this.left}`)
    const from = this.#at
    this.#at += size
    return this.#bytes.subarray(from, this.#at)
  }

  byte(): number {
    return this.take(1)[0]!
  }

  /** Little-endian, up to 2^53. */
  littleEndian(size: number): number {
    const bytes = this.take(size)
    let value = 0
    for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[i]!
    if (!Number.isSafeInteger(value)) throw this.invalid('has a length beyond 2^53')
    return value
  }

  /** Big-endian, up to 2^53. */
  bigEndian(size: number): number {
    const value = fromBigEndian(this.take(size))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.invalid('has a number beyond 2^53')
    return Number(value)
  }

  /** Fails unless every byte was read. */
  end(): void {
    if (this.left !== 0) throw this.invalid(`has ${this.left} bytes after its end`)
  }

  invalid(problem: string): HeddleError<'encoding-invalid'> {
    return new HeddleError(
      'encoding-invalid',
      { format: this.#format, at: this.#at },
      `${this.#format} ${problem} (byte ${this.#at} of ${this.#bytes.length})`,
    )
  }
}
