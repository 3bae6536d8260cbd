/**
 * The state of a guest as bytes: the ranges of linear memory that hold it, and the module's mutable globals.
 *
 * Invariants  `ranges` ascend, do not overlap, and everything of the memory outside of them is either dead (the unused part of a C stack)
 *             or zero. Copying an image into an instance of the same module therefore makes it continue exactly as the original would.
 */
export interface Range {
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

export interface StateImage {
  readonly ranges: readonly Range[]
  readonly globals: readonly bigint[]
  /** Contents of the ranges, one after another. */
  readonly bytes: Uint8Array
  /** Addresses inside the guest that its host needs again. */
  readonly anchors: readonly number[]
}

export function rangeBytes(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}

/** Where an image is kept; reused, so that remembering a state before each message allocates nothing. */
export class ImageBuffer {
  #bytes = new Uint8Array(0)

  get sizeBytes(): number {
    return this.#bytes.length
  }

  /** Copies; the returned image is valid until the next call. */
  capture(memory: Uint8Array, parts: Omit<StateImage, 'bytes'>): StateImage {
    const size = rangeBytes(parts.ranges)
    if (this.#bytes.length < size) this.#bytes = new Uint8Array(size + (size >> 2))
    let at = 0
    for (const { start, end } of parts.ranges) {
      this.#bytes.set(memory.subarray(start, end), at)
      at += end - start
    }
    return { ...parts, bytes: this.#bytes.subarray(0, size) }
  }
}

const CHUNK_BYTES = 65_536
const EMPTY_CHUNK = new Uint8Array(CHUNK_BYTES)

/**
 * Copies an image into a memory that is large enough; `usedEnd` is where that memory's own used part ends, zeroed beyond the image.
 * Memory that is zero already is not written: the machine gives no room to what was never touched.
 */
export function applyImage(memory: Uint8Array, image: StateImage, usedEnd: number): void {
  let at = 0
  for (const { start, end } of image.ranges) {
    for (let from = start; from < end; from += CHUNK_BYTES) {
      const size = Math.min(CHUNK_BYTES, end - from)
      const chunk = image.bytes.subarray(at, at + size)
      if (!isZero(chunk) || !isZero(memory.subarray(from, from + size))) memory.set(chunk, from)
      at += size
    }
  }
  const imageEnd = image.ranges.at(-1)?.end ?? 0
  if (usedEnd > imageEnd) memory.fill(0, imageEnd, usedEnd)
}

function isZero(chunk: Uint8Array): boolean {
  return Buffer.compare(chunk, chunk.length === CHUNK_BYTES ? EMPTY_CHUNK : EMPTY_CHUNK.subarray(0, chunk.length)) === 0
}
