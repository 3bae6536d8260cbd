/**
 * Time and difficulty: how hard the next block is, how heavy a chain is, which timestamps pass.
 *
 * Wire        `diff` is a threshold of 256 bits: a solution passes if its hash, read as a number, is above it
 * Source      ArweaveTeam/arweave ar_retarget.erl, ar_difficulty.erl, ar_block.erl (2.9)
 * Invariants  Difficulty changes only every ten blocks, in proportion to the time they took, unless they were within a tenth of the target.
 */
import { fromBigEndian } from '../base/bytes.ts'

export interface TimingRules {
  readonly targetBlockS: number
  readonly retargetBlocks: number
}

/** The part of a block that timing depends on. */
export interface Timing {
  readonly timestampS: number
  readonly lastRetargetS: number
  readonly diff: bigint
}

export const ARWEAVE_TIMING: TimingRules = { targetBlockS: 120, retargetBlocks: 10 }
/** How far clocks may be apart. */
export const CLOCK_DRIFT_S_MAX = 35

const HASH_SPACE = 1n << 256n
const DIFF_MAX = HASH_SPACE - 1n
/** Easiest: one hash in four passes. */
export const DIFF_MIN: bigint = HASH_SPACE - (1n << 254n)
/** A tenth of the target on either side is left alone. */
const TOLERANCE_DIVISOR = 10

/** Difficulty and retarget time of the block at `height`, sealed at `timestampS`, after `previous`. */
export function nextTiming(previous: Timing, height: number, timestampS: number, rules: TimingRules = ARWEAVE_TIMING): Timing {
  const isRetarget = height !== 0 && height % rules.retargetBlocks === 0
  if (!isRetarget) return { timestampS, lastRetargetS: previous.lastRetargetS, diff: previous.diff }
  return { timestampS, lastRetargetS: timestampS, diff: retarget(previous.diff, timestampS - previous.lastRetargetS, rules) }
}

/** Adjusts a difficulty to the time that the last blocks took. */
export function retarget(diff: bigint, tookS: number, { targetBlockS, retargetBlocks }: TimingRules = ARWEAVE_TIMING): bigint {
  const targetS = targetBlockS * retargetBlocks
  const actualS = Math.max(tookS, CLOCK_DRIFT_S_MAX)
  if (Math.abs(actualS - targetS) * TOLERANCE_DIVISOR < targetS) return diff
  const inverse = ((HASH_SPACE - diff) * BigInt(actualS)) / BigInt(targetS)
  const next = HASH_SPACE - inverse
  return next < DIFF_MIN ? DIFF_MIN : next > DIFF_MAX ? DIFF_MAX : next
}

/** Hashes that a block of this difficulty takes on average: its weight in a chain. */
export function blockWeight(diff: bigint): bigint {
  return HASH_SPACE / (HASH_SPACE - diff)
}

export function isSolution(hash: Uint8Array, diff: bigint): boolean {
  return hash.length === 32 && fromBigEndian(hash) > diff
}

/** May a block carry this timestamp, given its parent's and the time now? */
export function isTimely(timestampS: number, previousTimestampS: number, nowS: number): boolean {
  return timestampS >= previousTimestampS - CLOCK_DRIFT_S_MAX && timestampS <= nowS + CLOCK_DRIFT_S_MAX
}
