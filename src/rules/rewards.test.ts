import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inflation } from './inflation.ts'
import { blockReward, expectedReward, nextPrices } from './rewards.ts'

const endowment = {
  rewardPoolWinston: 10n ** 17n,
  debtSupplyWinston: 0n,
  kryderPlusRateMultiplier: 1,
  kryderPlusRateMultiplierLatch: 0 as const,
}
const input = {
  height: 1700000,
  feesWinston: [1000000n, 21n],
  weaveBytes: 10n ** 12n,
  pricePerGibMinuteWinston: 2000000n,
  blockIntervalS: 120n,
}
/** Expects about 7 * 10^16 winston, more than inflation gives. */
const heavy = { ...input, weaveBytes: 10n ** 18n }

describe('block reward', () => {
  it('agrees with the Erlang node', () => {
    expect(blockReward(endowment, input)).toEqual({ ...endowment, rewardWinston: 327559911882n, rewardPoolWinston: 100000000000952401n })
  })

  it('takes what is missing from the pool', () => {
    const after = blockReward(endowment, heavy)
    expect(after.rewardWinston).toBe(expectedReward(heavy))
    expect(after.rewardPoolWinston).toBe(100000000000952401n - (expectedReward(heavy) - 327559911882n))
    expect(after.kryderPlusRateMultiplier).toBe(1)
  })

  it('an empty pool makes debt, and storage dearer once', () => {
    const poor = { ...endowment, rewardPoolWinston: 10n }
    const first = blockReward(poor, heavy)
    const shortfall = expectedReward(heavy) - 327559911882n - 10n - 952401n
    expect(first).toEqual({
      ...{ rewardWinston: expectedReward(heavy), rewardPoolWinston: 0n, debtSupplyWinston: shortfall },
      ...{ kryderPlusRateMultiplier: 2, kryderPlusRateMultiplierLatch: 1 },
    })
    const second = blockReward(first, heavy)
    expect([second.kryderPlusRateMultiplier, second.kryderPlusRateMultiplierLatch]).toEqual([2, 1])
    expect(second.debtSupplyWinston).toBeGreaterThan(first.debtSupplyWinston)
  })

  it('once the pool has recovered it may happen again', () => {
    const latched = { ...endowment, kryderPlusRateMultiplierLatch: 1 as const }
    expect(blockReward(latched, input).kryderPlusRateMultiplierLatch).toBe(0)
    expect(blockReward({ ...latched, rewardPoolWinston: 10n ** 15n }, input).kryderPlusRateMultiplierLatch).toBe(1)
  })

  it('no winston is lost', () => {
    const amount = fc.bigInt(0n, 10n ** 19n)
    fc.assert(
      fc.property(amount, fc.array(amount), amount, fc.nat(2_000_000), (pool, feesWinston, weaveBytes, height) => {
        const before = { ...endowment, rewardPoolWinston: pool }
        const after = blockReward(before, { ...input, feesWinston, weaveBytes, height })
        const fees = feesWinston.reduce((sum, fee) => sum + fee, 0n)
        expect(after.rewardWinston + after.rewardPoolWinston).toBe(inflation(height) + fees + pool + after.debtSupplyWinston)
        expect(after.rewardPoolWinston >= 0n).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('price', () => {
  const prices = { pricePerGibMinuteWinston: 340n, scheduledPricePerGibMinuteWinston: 360n }

  it('stays between updates', () => {
    expect(nextPrices(prices, 101, 10_000n)).toEqual(prices)
  })

  it('every 50 blocks the scheduled one comes into force, the next moves a tenth of the way', () => {
    expect(nextPrices(prices, 100, 460n)).toEqual({ pricePerGibMinuteWinston: 360n, scheduledPricePerGibMinuteWinston: 370n })
  })

  it('never more than doubles or halves', () => {
    expect(nextPrices(prices, 50, 10n ** 9n).scheduledPricePerGibMinuteWinston).toBe(720n)
    expect(nextPrices({ ...prices, scheduledPricePerGibMinuteWinston: 1n }, 50, 0n).scheduledPricePerGibMinuteWinston).toBe(0n)
    expect(nextPrices(prices, 50, 0n).scheduledPricePerGibMinuteWinston).toBe(324n)
  })
})
