import { describe, expect, it } from 'vitest'
import { globalBits, valueOfBits } from './globals.ts'

describe('globals', () => {
  it('come back as they were', () => {
    const numbers = [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 0.1, -0.1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 1e300]
    const values = [...numbers, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0n, -1n, (1n << 63n) - 1n, -(1n << 63n)]
    for (const value of values) {
      const bits = globalBits(value)
      expect(String(bits), 'as snapshots read them').toMatch(/^-?\d{1,20}$/)
      expect(valueOfBits(bits, typeof value === 'bigint' ? 7n : 7), String(value)).toBe(value)
    }
  })
})
