/** Which stretches of the order a page may come from: the height filter and the cursor together. */
import { fromBase64url } from '../../base/bytes.ts'
import type { TransactionQuery } from '../index-store.ts'
import { encodeHeightCursor, type HeightCursor, type Seen, type Step, wasShown, withStep } from './sqlite-cursor.ts'
import type { RowFinder, SlotFinder } from './sqlite-lookup.ts'
import { HEIGHT_MAX, heightOfKey, INDEX_MAX, indexOfKey, lastKeyOfRoot, rootKey, SORT_KEY_MAX } from './sqlite-sort-key.ts'
import type { Segment } from './sqlite-walk.ts'

const ROW_MAX = BigInt(Number.MAX_SAFE_INTEGER)

export interface Bounds {
  /** In the order of the answer. */
  readonly segments: readonly Segment[]
  /** Null when no row can have been shown on an earlier page while it stood elsewhere. */
  readonly wasShown: ((r: number, since: number) => boolean) | null
}

/** What of the index's state cursors carry. */
export interface Now {
  readonly position: number
  readonly nextHeight: number
}

export interface Finders {
  readonly rows: RowFinder
  readonly slots: SlotFinder
}

/** What the filters alone allow. */
export function filterBounds({ height, sort }: TransactionQuery): Bounds {
  const [low, high] = minedRange(height)
  const mined: Segment = { table: 'posting', low, high }
  const pending: Segment = { table: 'fresh', low: 0n, high: excludesPending(height) ? -1n : ROW_MAX }
  return { segments: sort === 'HEIGHT_DESC' ? [pending, mined] : [mined, pending], wasShown: null }
}

/** What is left after a cursor of the same sort. */
export function boundsAfter(bounds: Bounds, cursor: HeightCursor, isDescending: boolean, finders: Finders): Bounds {
  const segments = bounds.segments.map((segment) => {
    const cut = segment.table === 'fresh' ? pendingCut(cursor, isDescending, finders) : minedCut(cursor, isDescending, finders)
    return isDescending ? { ...segment, high: lesser(segment.high, cut - 1n) } : { ...segment, low: greater(segment.low, cut + 1n) }
  })
  const { steps, seen } = cursor
  if (steps.length > 0) return { segments, wasShown: (r, since) => wasShown(steps, r, since) }
  if (seen !== null) return { segments, wasShown: (r, since) => r <= seen.r && since > seen.since }
  return { segments, wasShown: null }
}

/** Makes the cursors of one page: what the walk has shown so far is in each of them. */
export function cursorWriter(cursor: HeightCursor | null, now: Now, isDescending: boolean) {
  // A page that begins among the pending rows has shown them all before its first mined row.
  const beganPending = cursor === null || cursor.height === null
  let steps: readonly Step[] = cursor?.steps ?? []
  const seen: Seen | null = cursor?.seen ?? null
  return (row: { readonly r: number; readonly sk: bigint | null } & Pick<HeightCursor, 'id' | 'isDataItem' | 'ingestedAtS'>): string => {
    const { r, sk, id, isDataItem, ingestedAtS } = row
    const isPending = sk === null
    if (isDescending && isPending) steps = withStep(steps, { since: now.position, r })
    else if (isDescending && beganPending && steps.length > 0) steps = withStep(steps, { since: now.position, r: 0 })
    return encodeHeightCursor({
      height: isPending ? null : heightOfKey(sk),
      index: isPending ? null : indexOfKey(sk),
      isDataItem,
      id,
      ingestedAtS,
      steps: isDescending ? steps : [],
      seen: isDescending ? null : isPending ? { since: now.position, r, nextHeight: now.nextHeight } : seen,
    })
  }
}

export function minedRange(height: TransactionQuery['height']): readonly [bigint, bigint] {
  const min = Math.max(0, height?.min ?? 0)
  const max = Math.min(HEIGHT_MAX, height?.max ?? HEIGHT_MAX)
  if (min > max) return [1n, 0n]
  return [rootKey(min, 0), max === HEIGHT_MAX ? SORT_KEY_MAX : rootKey(max + 1, 0) - 1n]
}

/** Any upper bound, and a lower one above zero, asks for mined rows only. */
export function excludesPending(height: TransactionQuery['height']): boolean {
  return (height?.max ?? null) !== null || (height?.min ?? 0) > 0
}

/** Row number after which the pending part goes on. */
function pendingCut(cursor: HeightCursor, isDescending: boolean, { rows }: Finders): bigint {
  if (cursor.height !== null) return isDescending ? 0n : BigInt(cursor.seen?.r ?? -1)
  const told = isDescending ? cursor.steps.at(-1)?.r : cursor.seen?.r
  return BigInt(told ?? rows.find(fromBase64url(cursor.id)) ?? (isDescending ? 0 : -1))
}

/** Sort key after which the mined part goes on. A cursor names its row by height, index and id, so that the key may have changed since. */
function minedCut(cursor: HeightCursor, isDescending: boolean, { slots }: Finders): bigint {
  const { height, index, id, isDataItem, seen } = cursor
  if (height === null || index === null) {
    if (isDescending) return SORT_KEY_MAX + 1n
    return seen === null || seen.nextHeight > HEIGHT_MAX ? SORT_KEY_MAX : rootKey(seen.nextHeight, 0) - 1n
  }
  const root = rootKey(Math.min(height, HEIGHT_MAX), Math.min(index, INDEX_MAX))
  if (!isDataItem) return root
  const { at, below, above } = slots.find(root, fromBase64url(id))
  if (at !== null) return at
  if (isDescending) return above ?? lastKeyOfRoot(root) + 1n
  return below ?? root
}

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
