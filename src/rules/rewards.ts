/**
 * What a block pays its miner, and what that does to the endowment.
 *
 * Source      ArweaveTeam/arweave ar_pricing.erl get_miner_reward_endowment_pool_debt_supply, ar_pricing_transition.erl (2.9)
 * Invariants  No winston is lost: reward + new pool = inflation + fees + old pool + new debt.
 */
import { splitFee } from './fees.ts'
import { inflation } from './inflation.ts'

/** The part of the block before that rewards depend on. */
export interface Endowment {
  readonly rewardPoolWinston: bigint
  readonly debtSupplyWinston: bigint
  readonly kryderPlusRateMultiplier: number
  /** Set once the multiplier was raised, until the pool has recovered. */
  readonly kryderPlusRateMultiplierLatch: 0 | 1
}

export interface RewardInput {
  /** Of the new block. */
  readonly height: number
  /** Fees of the transactions in it. */
  readonly feesWinston: readonly bigint[]
  /** Of the block before. */
  readonly weaveBytes: bigint
  readonly pricePerGibMinuteWinston: bigint
  /** Average seconds per block of late; 120 until there is a history. */
  readonly blockIntervalS: bigint
}

export interface BlockReward extends Endowment {
  readonly rewardWinston: bigint
}

const REPLICAS = 20n
const GIB = 1n << 30n
const SECONDS_PER_MINUTE = 60n
const LATCH_RESET_WINSTON = 10n ** 16n
const PRICE_UPDATE_BLOCKS = 50

/** What storing the weave cost since the last block, by the network's own price. */
export function expectedReward({
  weaveBytes,
  pricePerGibMinuteWinston,
  blockIntervalS,
}: Omit<RewardInput, 'height' | 'feesWinston'>): bigint {
  return (REPLICAS * weaveBytes * pricePerGibMinuteWinston * blockIntervalS) / (SECONDS_PER_MINUTE * GIB)
}

export function blockReward(before: Endowment, input: RewardInput): BlockReward {
  const shares = input.feesWinston.map(splitFee)
  const base = shares.reduce((sum, { minerWinston }) => sum + minerWinston, inflation(input.height))
  const pool = shares.reduce((sum, { endowmentWinston }) => sum + endowmentWinston, before.rewardPoolWinston)
  const missing = expectedReward(input) - base
  const takenWinston = missing > 0n ? missing : 0n
  return { rewardWinston: base + takenWinston, ...takeFromPool({ ...before, rewardPoolWinston: pool }, takenWinston) }
}

/** Takes from the pool; what it lacks becomes debt, and makes storage dearer from then on. */
function takeFromPool(endowment: Endowment, takenWinston: bigint): Endowment {
  const rest = endowment.rewardPoolWinston - takenWinston
  if (rest < 0n) return exhausted(endowment, -rest)
  const isRecovered = rest > LATCH_RESET_WINSTON
  return {
    ...endowmentOf(endowment),
    rewardPoolWinston: rest,
    kryderPlusRateMultiplierLatch: isRecovered ? 0 : endowment.kryderPlusRateMultiplierLatch,
  }
}

function exhausted(endowment: Endowment, shortfallWinston: bigint): Endowment {
  const isFirst = endowment.kryderPlusRateMultiplierLatch === 0
  return {
    rewardPoolWinston: 0n,
    debtSupplyWinston: endowment.debtSupplyWinston + shortfallWinston,
    kryderPlusRateMultiplier: isFirst ? 2 * endowment.kryderPlusRateMultiplier : endowment.kryderPlusRateMultiplier,
    kryderPlusRateMultiplierLatch: 1,
  }
}

/** Only the four fields: callers may hand in a whole block. */
function endowmentOf({
  rewardPoolWinston,
  debtSupplyWinston,
  kryderPlusRateMultiplier,
  kryderPlusRateMultiplierLatch,
}: Endowment): Endowment {
  return { rewardPoolWinston, debtSupplyWinston, kryderPlusRateMultiplier, kryderPlusRateMultiplierLatch }
}

export interface Prices {
  readonly pricePerGibMinuteWinston: bigint
  readonly scheduledPricePerGibMinuteWinston: bigint
}

/** Prices of the block at this height. Every 50 blocks the scheduled price comes into force, and the next one is drawn towards the target. */
export function nextPrices(before: Prices, height: number, targetWinston: bigint): Prices {
  const { scheduledPricePerGibMinuteWinston: scheduled, pricePerGibMinuteWinston } = before
  if (height % PRICE_UPDATE_BLOCKS !== 0) return { pricePerGibMinuteWinston, scheduledPricePerGibMinuteWinston: scheduled }
  const smoothed = (9n * scheduled + targetWinston) / 10n
  const [lowest, highest] = [scheduled / 2n, 2n * scheduled]
  const next = smoothed < lowest ? lowest : smoothed > highest ? highest : smoothed
  return { pricePerGibMinuteWinston: scheduled, scheduledPricePerGibMinuteWinston: next }
}
