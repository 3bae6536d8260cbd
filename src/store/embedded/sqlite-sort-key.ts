/**
 * Where a mined row stands in the weave's order, as one 62-bit integer: height (26 bits), index of the root transaction in its block (10), rank within it (26).
 *
 * Invariants  Rank 0 is the L1 transaction. Items of one root have ranks in the order of their id bytes: the rank that an item wants is the front of
 *             its id, so items that come late fit in between without moving others; only when two meet do neighbours shift.
 */
const RANK_BITS = 26n
const INDEX_BITS = 10n
const HEIGHT_BITS = 26n
/** Ids are compared by their first 6 bytes (a safe integer) before their whole. */
const FRONT_BYTES = 6
const FRONT_PER_RANK = 2 ** (FRONT_BYTES * 8 - Number(RANK_BITS))

export const RANK_MAX = 2 ** Number(RANK_BITS) - 1
export const INDEX_MAX = 2 ** Number(INDEX_BITS) - 1
export const HEIGHT_MAX = 2 ** Number(HEIGHT_BITS) - 1
export const SORT_KEY_MAX = (1n << (RANK_BITS + INDEX_BITS + HEIGHT_BITS)) - 1n

/** The sort key of the L1 transaction at this place; its items follow. */
export function rootKey(height: number, index: number): bigint {
  return (BigInt(height) << (RANK_BITS + INDEX_BITS)) | (BigInt(index) << RANK_BITS)
}

export function rootOfKey(sortKey: bigint): bigint {
  return (sortKey >> RANK_BITS) << RANK_BITS
}

export function lastKeyOfRoot(root: bigint): bigint {
  return root + BigInt(RANK_MAX)
}

export function heightOfKey(sortKey: bigint): number {
  return Number(sortKey >> (RANK_BITS + INDEX_BITS))
}

export function indexOfKey(sortKey: bigint): number {
  return Number((sortKey >> RANK_BITS) & BigInt(INDEX_MAX))
}

export function rankOfKey(sortKey: bigint): number {
  return Number(sortKey & BigInt(RANK_MAX))
}

/** First bytes of an id as a number, in the order of the ids. */
export function frontOfId(id: Uint8Array): number {
  let front = 0
  for (let i = 0; i < FRONT_BYTES; i++) front = front * 256 + id[i]!
  return front
}

export function wantedRank(front: number): number {
  return Math.max(1, Math.floor(front / FRONT_PER_RANK))
}

/** Ranks for items already sorted by id: each the one it wants, or the next free one. */
export function assignRanks(fronts: readonly number[]): number[] {
  const ranks: number[] = []
  let next = 1
  for (const front of fronts) {
    const rank = Math.max(next, wantedRank(front))
    ranks.push(rank)
    next = rank + 1
  }
  let highest = RANK_MAX
  for (let i = ranks.length - 1; i >= 0 && ranks[i]! > highest; i--, highest--) ranks[i] = highest
  return ranks
}
