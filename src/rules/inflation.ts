/**
 * New winston per block: a fifth of the genesis supply in all, halving every 262,800 blocks (one year).
 *
 * Source      ArweaveTeam/arweave ar_inflation.erl (the curve from fork 1.5 on)
 * Invariants  Exact fractions with one floor at the end, so that every node gets the same winston.
 */
import { LRUCache } from 'lru-cache'
import { INFLATION_CACHE_MAX } from '../base/limits.ts'

export const GENESIS_SUPPLY_WINSTON: bigint = 55_000_000n * 10n ** 12n

const BLOCKS_PER_YEAR = 262_800n
const LN2 = { numerator: 6_931_471_805_599_453n, denominator: 10n ** 16n }
/** Highest power in the series of e^x. */
const EXPONENT_TERMS = 24n

const cache = new LRUCache<number, bigint>({ max: INFLATION_CACHE_MAX })

/** Winston that come into being with the block at this height. */
export function inflation(height: number): bigint {
  const known = cache.get(height)
  if (known !== undefined) return known
  const growth = naturalExponent(BigInt(height) * LN2.numerator, BLOCKS_PER_YEAR * LN2.denominator)
  const first = { numerator: GENESIS_SUPPLY_WINSTON * 2n * LN2.numerator, denominator: 10n * BLOCKS_PER_YEAR * LN2.denominator }
  const value = (first.numerator * growth.denominator) / (first.denominator * growth.numerator)
  cache.set(height, value)
  return value
}

/** e^(numerator/denominator) by its series, x^0 to x^24. */
function naturalExponent(numerator: bigint, denominator: bigint): { readonly numerator: bigint; readonly denominator: bigint } {
  // From the highest term down: 1 + x/1 (1 + x/2 (1 + x/3 (...))).
  let sum = { numerator: 1n, denominator: 1n }
  for (let k = EXPONENT_TERMS; k > 0n; k--) {
    const below = denominator * k * sum.denominator
    sum = { numerator: below + numerator * sum.numerator, denominator: below }
  }
  return sum
}
