/**
 * Reads an asynchronous stream of bytes by position: look ahead, take, pass over. Holds no more than what was looked at and the piece in hand.
 * Whoever makes the pieces must not write into them again.
 */
import { concat, EMPTY } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'

export class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #format: string
  #held = EMPTY
  #at = 0

  constructor(pieces: AsyncIterable<Uint8Array>, format: string) {
    this.#pieces = pieces[Symbol.asyncIterator]()
    this.#format = format
  }

  /** The next `size` bytes without consuming them: a view, valid until the next call. Fails when the stream is shorter. */
  async peek(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let have = this.#held.length
    while (have < size) {
      parts.push(await this.#next(this.#at + have, size - have))
      have += parts.at(-1)!.length
    }
    if (parts.length > 0) this.#held = concat([this.#held, ...parts])
    return this.#held.subarray(0, size)
  }

  /** The next `size` bytes: a view. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = await this.peek(size)
    this.#held = this.#held.subarray(size)
    this.#at += size
    return bytes
  }

  /** Passes `size` bytes through `sink`, piece by piece. */
  async pass(size: number, sink: (piece: Uint8Array) => void = () => {}): Promise<void> {
    for (let left = size; left > 0; ) {
      if (this.#held.length === 0) this.#held = await this.#next(this.#at, left)
      const piece = this.#held.subarray(0, left)
      sink(piece)
      this.#held = this.#held.subarray(piece.length)
      this.#at += piece.length
      left -= piece.length
    }
  }

  /** How many bytes are at hand without waiting. */
  get ready(): number {
    return this.#held.length
  }

  /** Tells the stream that no more will be read. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #next(endAt: number, needed: number): Promise<Uint8Array> {
    const { done, value } = await this.#pieces.next()
    if (done !== true) return value
    const message = `${this.#format} ends at byte ${endAt}, ${needed} bytes too early`
    throw new HeddleError('encoding-invalid', { format: this.#format, at: endAt }, message)
  }
}
