/**
 * `Range` header of RFC 9110, answered as gateways answer it.
 *
 * Source      RFC 9110 section 14; ar-io-node's range-parser behaviour (`bytes=5-2` and other unsatisfiable sets are 416, unreadable ones 400)
 * Invariants  Ranges are [start, end), inside the body, in request order, never merged.
 */
import { RANGE_COUNT_MAX } from '../../base/limits.ts'

export interface ByteRange {
  readonly start: number
  readonly end: number
}

export type RangeOutcome =
  | { readonly kind: 'whole' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'malformed' }

const SPEC = /^(\d*)-(\d*)$/
/** `bytes=00420-42`: what WeaveDrive computes for "the whole file"; a first byte with leading zeros that lies after the last. */
const WEAVEDRIVE_WHOLE = /^bytes=0\d+-\d+$/

export function parseRange(header: string | undefined, sizeBytes: number): RangeOutcome {
  if (header === undefined) return { kind: 'whole' }
  const equals = header.indexOf('=')
  if (equals === -1) return { kind: 'malformed' }
  if (header.slice(0, equals).trim().toLowerCase() !== 'bytes') return { kind: 'unsatisfiable' }
  const specs = header.slice(equals + 1).split(',')
  if (specs.length > RANGE_COUNT_MAX) return { kind: 'malformed' }
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const match = SPEC.exec(spec.trim())
    if (match === null || (match[1] === '' && match[2] === '')) return { kind: 'malformed' }
    const range = toRange(match[1] ?? '', match[2] ?? '', sizeBytes)
    if (range !== null) ranges.push(range)
  }
  if (ranges.length > 0) return { kind: 'ranges', ranges }
  return WEAVEDRIVE_WHOLE.test(header) ? { kind: 'whole' } : { kind: 'unsatisfiable' }
}

function toRange(first: string, last: string, sizeBytes: number): ByteRange | null {
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes)
    return suffix === 0 ? null : { start: sizeBytes - suffix, end: sizeBytes }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  return start < end ? { start, end } : null
}

/** Does `If-None-Match` name this entity tag? Takes lists, `*` and the weak form. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((candidate) => {
    const tag = candidate.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}
