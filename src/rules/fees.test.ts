import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newAccountFee, quotedPricing, splitFee, transactionFee, uploadFee } from './fees.ts'

const at = (pricePerGibMinuteWinston: bigint, kryderPlusRateMultiplier = 1) => ({ pricePerGibMinuteWinston, kryderPlusRateMultiplier })

describe('fees', () => {
  const vectors: [bytes: bigint, price: bigint, fee: bigint][] = [
    [0n, 340n, 2238209n],
    [1n, 340n, 185021129n],
    [262144n, 340n, 185021129n],
    [262145n, 340n, 367804049n],
    [2n ** 30n, 340n, 748681078627n],
    [1n, 170n, 92510564n],
    [1n, 400n, 217671917n],
  ]
  for (const [bytes, price, fee] of vectors)
    it(`${bytes} bytes at ${price}`, () => {
      expect(uploadFee(bytes, at(price))).toBe(fee)
    })

  it('a new account costs extra', () => {
    expect(newAccountFee(at(340n))).toBe(13945230104n)
    expect(transactionFee(1n, true, at(340n))).toBe(185021129n + 13945230104n)
    expect(transactionFee(1n, false, at(340n))).toBe(185021129n)
  })

  it('doubles with the multiplier, but for the floor', () => {
    expect(uploadFee(0n, at(340n, 2))).toBe(4476418n)
  })

  it('the quote is the higher of the price now and the one to come', () => {
    const tip = { ...at(340n), scheduledPricePerGibMinuteWinston: 350n }
    expect(quotedPricing(tip)).toEqual(at(350n))
    expect(quotedPricing({ ...tip, scheduledPricePerGibMinuteWinston: 330n })).toEqual(at(340n))
  })

  it('nothing is lost when a fee is shared out', () => {
    expect(splitFee(21n)).toEqual({ minerWinston: 1n, endowmentWinston: 20n })
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 20n), (reward) => {
        const { minerWinston, endowmentWinston } = splitFee(reward)
        expect(minerWinston + endowmentWinston).toBe(reward)
        expect(minerWinston * 20n <= endowmentWinston).toBe(true)
      }),
    )
  })
})
