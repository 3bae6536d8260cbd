/**
 * What storing data costs, and how a transaction's fee is shared out.
 *
 * Source      ArweaveTeam/arweave ar_pricing.erl, ar_pricing.hrl (2.9)
 * Invariants  Exact fractions, one floor at the end. Data is charged in whole chunks of 256 KiB, so one byte costs what 262144 cost.
 */
import { paddedBytes } from '../codec/tx-root.ts'

/** The part of a block that sets prices for the next. */
export interface Pricing {
  readonly pricePerGibMinuteWinston: bigint
  /** Doubles each time the endowment runs empty. */
  readonly kryderPlusRateMultiplier: number
}

export interface FeeShares {
  readonly minerWinston: bigint
  readonly endowmentWinston: bigint
}

/** Charged on top of the data for the transaction itself. */
const TX_BASE_BYTES = 3_210n
/** A new account weighs as much as this data, forever. */
const NEW_ACCOUNT_BYTES = 20_000_000n
const REPLICAS = 20n
const MINUTES_PER_YEAR = 60n * 24n * 365n
const GIB = 1n << 30n
/** 1 / -ln(0.995): years that pay for eternity when storage gets 0.5 % cheaper each year. */
const PERPETUITY = { numerator: 10n ** 18n, denominator: 5_012_541_823_544_286n }
/** The miner gets a twentieth on top of what goes to the endowment: a part in 21 of the whole. */
const MINER_SHARE = 20n

/** Fee for this many bytes as they are, neither padded nor with the transaction's own size. */
export function perpetualFee(sizeBytes: bigint, { pricePerGibMinuteWinston, kryderPlusRateMultiplier }: Pricing): bigint {
  const yearly = sizeBytes * pricePerGibMinuteWinston * MINUTES_PER_YEAR * REPLICAS * BigInt(kryderPlusRateMultiplier)
  return (yearly * PERPETUITY.numerator * (MINER_SHARE + 1n)) / (PERPETUITY.denominator * GIB * MINER_SHARE)
}

/** Lowest fee of a transaction with this much data and no new target. */
export function uploadFee(dataBytes: bigint, pricing: Pricing): bigint {
  return perpetualFee(paddedBytes(dataBytes) + TX_BASE_BYTES, pricing)
}

/** Added when the target has no account yet. */
export function newAccountFee(pricing: Pricing): bigint {
  return perpetualFee(NEW_ACCOUNT_BYTES, pricing)
}

/** Lowest fee of a transaction. */
export function transactionFee(dataBytes: bigint, createsAccount: boolean, pricing: Pricing): bigint {
  return uploadFee(dataBytes, pricing) + (createsAccount ? newAccountFee(pricing) : 0n)
}

/** Whatever is paid above the lowest fee goes to the endowment with the rest. */
export function splitFee(rewardWinston: bigint): FeeShares {
  const minerWinston = rewardWinston / (MINER_SHARE + 1n)
  return { minerWinston, endowmentWinston: rewardWinston - minerWinston }
}

/** The price to quote, which covers also a transaction that is sealed after the scheduled price has come into force. */
export function quotedPricing(tip: Pricing & { readonly scheduledPricePerGibMinuteWinston: bigint }): Pricing {
  const { pricePerGibMinuteWinston: now, scheduledPricePerGibMinuteWinston: next, kryderPlusRateMultiplier } = tip
  const isRising = next > now
  return { pricePerGibMinuteWinston: isRising ? next : now, kryderPlusRateMultiplier }
}
