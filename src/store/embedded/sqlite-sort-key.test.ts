import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assignRanks,
  frontOfId,
  HEIGHT_MAX,
  heightOfKey,
  INDEX_MAX,
  indexOfKey,
  RANK_MAX,
  rankOfKey,
  rootKey,
  rootOfKey,
  SORT_KEY_MAX,
  wantedRank,
} from './sqlite-sort-key.ts'

describe('sort keys', () => {
  it('order by height, then index, then rank, and give their parts back', () => {
    const place = fc.tuple(
      fc.integer({ min: 0, max: HEIGHT_MAX }),
      fc.integer({ min: 0, max: INDEX_MAX }),
      fc.integer({ min: 0, max: RANK_MAX }),
    )
    const keyOf = ([height, index, rank]: [number, number, number]): bigint => rootKey(height, index) + BigInt(rank)
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect([heightOfKey(keyOf(a)), indexOfKey(keyOf(a)), rankOfKey(keyOf(a))]).toEqual(a)
        expect(rootOfKey(keyOf(a))).toBe(rootKey(a[0], a[1]))
        expect(Math.sign(Number(keyOf(a) - keyOf(b)))).toBe(Math.sign(a[0] - b[0] || a[1] - b[1] || a[2] - b[2]))
      }),
    )
    expect(keyOf([HEIGHT_MAX, INDEX_MAX, RANK_MAX])).toBe(SORT_KEY_MAX)
    expect(SORT_KEY_MAX).toBeLessThan(2n ** 63n)
  })
})

describe('ranks', () => {
  it('follow the order of ids, each once, none of them the one of the L1 transaction', () => {
    const id = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => (bytes[0]! < 128 ? bytes.fill(bytes[1]! & 1 ? 255 : 0, 0, 6) : bytes))
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (ids) => {
        const fronts = ids.map(frontOfId).sort((a, b) => a - b)
        const ranks = assignRanks(fronts)
        expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b))
        expect(ranks.every((rank) => rank >= 1 && rank <= RANK_MAX)).toBe(true)
      }),
    )
  })

  it('are what the id asks for when it is free', () => {
    const fronts = [0, 2 ** 22, 2 ** 40, 2 ** 48 - 1]
    expect(assignRanks(fronts)).toEqual(fronts.map(wantedRank).map((rank, i) => (i === 1 ? 2 : rank)))
    expect(assignRanks(Array.from({ length: 3 }, () => 2 ** 48 - 1))).toEqual([RANK_MAX - 2, RANK_MAX - 1, RANK_MAX])
  })
})
