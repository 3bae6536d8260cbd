/**
 * The state of a module about which nothing is known: the parts of its memory that are not zero, and its global variables.
 *
 * Invariants  The ranges depend on the contents of the memory only, so that equal states have equal images. All of the memory outside of
 *             them is zero. `anchors` holds one number, the size of the memory, which a program can ask for.
 */
import { asBuffer } from '../../base/bytes.ts'
import type { GuestMemory } from '../aos/memory.ts'
import type { ImageBuffer, Range, StateImage } from '../wasm/state-image.ts'

const BLOCK_BYTES = 65_536
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(BLOCK_BYTES)
/** More are joined, with the zeros between them: a snapshot names each one in its header. */
const RANGES_MAX = 512

export function captureMemory(memory: GuestMemory | null, globals: readonly bigint[], buffer: ImageBuffer): StateImage {
  const bytes = memory?.bytes ?? new Uint8Array(0)
  return buffer.capture(bytes, { ranges: usedRanges(bytes), globals, anchors: [bytes.length] })
}

/** `memory` is as large as the image's was. */
export function applyMemory(memory: GuestMemory, image: StateImage): void {
  let from = 0
  let clearedTo = 0
  for (const { start, end } of image.ranges) {
    memory.clear(clearedTo, start)
    memory.bytes.set(image.bytes.subarray(from, from + end - start), start)
    from += end - start
    clearedTo = end
  }
  memory.clear(clearedTo, memory.sizeBytes)
}

export function usedRanges(bytes: Uint8Array): readonly Range[] {
  const memory = asBuffer(bytes)
  let ranges: { start: number; end: number }[] = []
  for (let at = 0; at < memory.length; at += BLOCK_BYTES) {
    if (isZero(memory, at, BLOCK_BYTES)) continue
    for (let page = at; page < Math.min(at + BLOCK_BYTES, memory.length); page += PAGE_BYTES)
      if (!isZero(memory, page, PAGE_BYTES)) extend(ranges, { start: page, end: page + PAGE_BYTES }, 0)
  }
  for (let gap = PAGE_BYTES; ranges.length > RANGES_MAX; gap *= 2) {
    const joined: typeof ranges = []
    for (const range of ranges) extend(joined, range, gap)
    ranges = joined
  }
  return ranges
}

/** Appends a range, or makes the last one longer when it ends at most `gap` before it. */
function extend(ranges: { start: number; end: number }[], next: Range, gap: number): void {
  const last = ranges.at(-1)
  if (last !== undefined && next.start - last.end <= gap) last.end = next.end
  else ranges.push({ ...next })
}

function isZero(memory: Buffer, at: number, size: number): boolean {
  const end = Math.min(at + size, memory.length)
  return memory.compare(ZEROS, 0, end - at, at, end) === 0
}
