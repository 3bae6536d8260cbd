/**
 * A state as the pages in which it differs from a template: what a young process has of its own.
 *
 * Wire        u32 number of runs · for each run u32 first page and u32 number of pages · contents of the pages; all little-endian
 *             Pages are 4 KiB of the state's bytes, its ranges one after another; the last page may be shorter.
 * Source      our own
 * Invariants  What a page is compared with is the template's content at the same addresses, and zero where the template has none.
 */
import { asBuffer } from '../base/bytes.ts'
import { type Range, rangeBytes, type StateImage } from './wasm/state-image.ts'

const PAGE_BYTES = 4096
/**
 * Above this share of differing pages the state has little in common with its template. Just below it still has: garbage collectors mark
 * objects everywhere, and the template as a dictionary undoes that.
 */
const OWN_SHARE_MAX = 0.95

interface Run {
  readonly first: number
  readonly pages: number
}

/** Null when the state is better kept as a whole. */
export function packPages(image: StateImage, template: StateImage): Uint8Array | null {
  const size = image.bytes.length
  const pages = Math.ceil(size / PAGE_BYTES)
  const ownMax = Math.floor(pages * OWN_SHARE_MAX)
  if (pages - Math.ceil(template.bytes.length / PAGE_BYTES) > ownMax) return null // Not worth a look: it has grown far beyond its template.
  const runs = differingRuns(asBuffer(image.bytes), asBuffer(project(template, image.ranges)), ownMax)
  return runs === null ? null : joinRuns(runs, image.bytes)
}

/** The most bytes that a state of this size can be packed into. */
export function pagesBytesMax(size: number): number {
  return 4 + size + 8 * Math.ceil(size / PAGE_BYTES)
}

/** The state's bytes; null when the pages do not fit them. */
export function unpackPages(packed: Uint8Array, ranges: readonly Range[], template: StateImage): Uint8Array | null {
  const bytes = asBuffer(packed)
  if (bytes.length < 4) return null
  const count = bytes.readUInt32LE(0)
  let from = 4 + 8 * count
  if (from > bytes.length) return null
  const state = project(template, ranges)
  for (let i = 0; i < count; i++) {
    const start = bytes.readUInt32LE(4 + 8 * i) * PAGE_BYTES
    const end = Math.min(start + bytes.readUInt32LE(8 + 8 * i) * PAGE_BYTES, state.length)
    if (start >= end || from + (end - start) > bytes.length) return null
    state.set(bytes.subarray(from, from + (end - start)), start)
    from += end - start
  }
  return from === bytes.length ? state : null
}

/** What the template has at these ranges. */
function project(template: StateImage, ranges: readonly Range[]): Uint8Array {
  const out = new Uint8Array(rangeBytes(ranges))
  let to = 0
  for (const wanted of ranges) {
    let from = 0
    for (const known of template.ranges) {
      const start = Math.max(wanted.start, known.start)
      const end = Math.min(wanted.end, known.end)
      if (start < end) out.set(template.bytes.subarray(from + start - known.start, from + end - known.start), to + start - wanted.start)
      from += known.end - known.start
    }
    to += wanted.end - wanted.start
  }
  return out
}

function differingRuns(own: Buffer, base: Buffer, pagesMax: number): Run[] | null {
  const runs: { first: number; pages: number }[] = []
  let found = 0
  for (let at = 0, page = 0; at < own.length; at += PAGE_BYTES, page++) {
    const end = Math.min(at + PAGE_BYTES, own.length)
    if (own.compare(base, at, end, at, end) === 0) continue
    found += 1
    if (found > pagesMax) return null
    const last = runs.at(-1)
    if (last !== undefined && last.first + last.pages === page) last.pages += 1
    else runs.push({ first: page, pages: 1 })
  }
  return runs
}

function joinRuns(runs: readonly Run[], bytes: Uint8Array): Uint8Array {
  const parts = runs.map(({ first, pages }) => bytes.subarray(first * PAGE_BYTES, (first + pages) * PAGE_BYTES))
  const head = Buffer.alloc(4 + 8 * runs.length)
  head.writeUInt32LE(runs.length)
  for (const [i, { first, pages }] of runs.entries()) {
    head.writeUInt32LE(first, 4 + 8 * i)
    head.writeUInt32LE(pages, 8 + 8 * i)
  }
  return Buffer.concat([head, ...parts])
}
