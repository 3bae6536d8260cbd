import { describe, expect, it } from 'vitest'
import { inflation } from './inflation.ts'

describe('inflation', () => {
  const vectors: [height: number, winston: bigint][] = [
    [0, 29013009840789n],
    [1, 29012933317731n],
    [10000, 28257781785590n],
    [262800, 14506504920394n],
    [1000000, 2075491504819n],
    [1700000, 327559864262n],
  ]
  for (const [height, winston] of vectors)
    it(`at ${height}`, () => {
      expect(inflation(height)).toBe(winston)
      expect(inflation(height), 'from the cache').toBe(winston)
    })

  it('only ever falls, and ends at nothing', () => {
    const values = [0, 1, 100, 5000, 262800, 10 ** 6, 10 ** 7, 10 ** 9, 10 ** 15].map(inflation)
    expect(values).toEqual(values.toSorted((a, b) => Number(b - a)))
    expect(values.at(-1)).toBe(0n)
  })
})
