/**
 * Cursors of the query index: keys of the row they point at, so that pages stay right while rows come and move.
 *
 * Wire        base64url(JSON). Transactions by height: [height, index in block, isDataItem, id, ingested at] as ar-io writes it, height and index null while
 *             pending, then optionally the state of the walk; by ingestion: [ingested at, id]; blocks: [height].
 * Source      ar-io-node (the first five elements); the walk's state is ours.
 * Invariants  A walk that keeps its cursors sees each row once, also when rows are mined between its pages: rows it showed as pending are left out of the
 *             mined part by when they were mined and how far it had come in the pending part. A reorganisation may still move rows past it.
 */
import { fromBase64url, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import type { SortOrder } from '../index-store.ts'

/** Newest first, a walk shows pending rows first: at journal position `since` it had shown all that were pending, down to row number `r`. */
export interface Step {
  readonly since: number
  readonly r: number
}

/** Oldest first, pending rows come last: at `since`, when `nextHeight` was that of the next block, all pending rows up to `r` had been shown, and all mined ones. */
export interface Seen extends Step {
  readonly nextHeight: number
}

export interface HeightCursor {
  readonly kind: 'height'
  /** Null while pending. */
  readonly height: number | null
  readonly index: number | null
  readonly isDataItem: boolean
  readonly id: TxId
  readonly ingestedAtS: number
  readonly steps: readonly Step[]
  readonly seen: Seen | null
}

export interface IngestCursor {
  readonly kind: 'ingested'
  readonly ingestedAtS: number
  readonly id: TxId
}

export type TransactionCursor = HeightCursor | IngestCursor

/** More than these are merged: a walk over pending rows that takes longer than as many blocks may then repeat rows, but not lose any. */
const STEPS_MAX = 32

export function encodeHeightCursor(cursor: Omit<HeightCursor, 'kind'>): string {
  const { height, index, isDataItem, id, ingestedAtS, steps, seen } = cursor
  const walk =
    steps.length > 0
      ? ['d', ...steps.flatMap(({ since, r }) => [since, r])]
      : seen !== null
        ? ['a', seen.since, seen.r, seen.nextHeight]
        : null
  return encode([height, index, isDataItem, id, ingestedAtS, ...(walk === null ? [] : [walk])])
}

export function encodeIngestCursor(ingestedAtS: number, id: TxId): string {
  return encode([ingestedAtS, id])
}

export function encodeBlockCursor(height: number): string {
  return encode([height])
}

export function decodeTransactionCursor(text: string, sort: SortOrder): TransactionCursor {
  const cursor = sort.startsWith('INGESTED') ? ingestCursor(decode(text)) : heightCursor(decode(text), sort === 'HEIGHT_DESC')
  if (cursor === null) throw invalid('transaction')
  return cursor
}

export function decodeBlockCursor(text: string): number {
  const [height] = decode(text) ?? []
  if (!isCount(height)) throw invalid('block')
  return height
}

/** One more step of a walk that goes from newest to oldest. */
export function withStep(steps: readonly Step[], step: Step): readonly Step[] {
  const before = steps.at(-1)?.since === step.since ? steps.slice(0, -1) : steps
  const [first, second, ...rest] = [...before, step]
  return rest.length + 2 > STEPS_MAX ? [second!, ...rest] : [first, second, ...rest].filter((one) => one !== undefined)
}

/** Was this mined row shown while it was pending? `since` is when it was mined. */
export function wasShown(steps: readonly Step[], r: number, since: number): boolean {
  const step = steps.find((one) => one.r <= r)
  return step !== undefined && since > step.since
}

function heightCursor(parts: readonly unknown[] | null, isDescending: boolean): HeightCursor | null {
  const [height, index, isDataItem, id, ingestedAtS, walk] = parts ?? []
  if (typeof id !== 'string' || !isTxId(id) || typeof isDataItem !== 'boolean') return null
  if (!(height === null ? index === null : isCount(height) && isCount(index))) return null
  const numbers = Array.isArray(walk) ? walk.slice(1).filter(isCount) : []
  const direction = Array.isArray(walk) ? walk[0] : null
  return {
    kind: 'height',
    height: height as number | null,
    index: index as number | null,
    isDataItem,
    id,
    ingestedAtS: isCount(ingestedAtS) ? ingestedAtS : 0,
    steps: isDescending && direction === 'd' ? toSteps(numbers) : [],
    seen:
      !isDescending && direction === 'a' && numbers.length === 3 ? { since: numbers[0]!, r: numbers[1]!, nextHeight: numbers[2]! } : null,
  }
}

function ingestCursor(parts: readonly unknown[] | null): IngestCursor | null {
  const [ingestedAtS, id] = parts ?? []
  return parts?.length === 2 && isCount(ingestedAtS) && typeof id === 'string' && isTxId(id) ? { kind: 'ingested', ingestedAtS, id } : null
}

function toSteps(numbers: readonly number[]): Step[] {
  return Array.from({ length: Math.floor(numbers.length / 2) }, (_, i) => ({ since: numbers[2 * i]!, r: numbers[2 * i + 1]! })).slice(
    0,
    STEPS_MAX,
  )
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function encode(parts: readonly unknown[]): string {
  return toBase64url(utf8(JSON.stringify(parts)))
}

function decode(text: string): readonly unknown[] | null {
  try {
    const parts: unknown = JSON.parse(toText(fromBase64url(text.replace(/=+$/, ''))))
    return Array.isArray(parts) ? parts : null
  } catch {
    return null
  }
}

function invalid(what: 'transaction' | 'block'): HeddleError {
  return new HeddleError(
    'query-invalid',
    { code: 'BAD_USER_INPUT' },
    `Invalid ${what} cursor; use one that a page of the same query and sort gave`,
  )
}
