import { describe, expect, it } from 'vitest'
import { bigEndian } from '../base/bytes.ts'
import { blockWeight, DIFF_MIN, isSolution, isTimely, nextTiming, retarget } from './retarget.ts'

const SPACE = 2n ** 256n
const diffOf = (inverse: bigint): bigint => SPACE - inverse

describe('retarget', () => {
  const vectors: [tookS: number, inverse: bigint][] = [
    [1081, 1000000n],
    [1080, 900000n],
    [600, 500000n],
    [1319, 1000000n],
    [1320, 1100000n],
    [2400, 2000000n],
    [10, 29166n],
    [-100, 29166n],
  ]
  for (const [tookS, inverse] of vectors)
    it(`after ${tookS} s`, () => {
      expect(SPACE - retarget(diffOf(1000000n), tookS)).toBe(inverse)
    })

  it('stays within its bounds', () => {
    expect(retarget(DIFF_MIN, 10 ** 9)).toBe(DIFF_MIN)
    expect(retarget(diffOf(1n), 35)).toBe(SPACE - 1n)
  })

  it('happens every ten blocks, not at genesis', () => {
    const previous = { timestampS: 5000, lastRetargetS: 4000, diff: diffOf(1000000n) }
    expect(nextTiming(previous, 19, 4600)).toEqual({ ...previous, timestampS: 4600 })
    expect(nextTiming(previous, 20, 4600)).toEqual({ timestampS: 4600, lastRetargetS: 4600, diff: diffOf(500000n) })
    expect(nextTiming(previous, 0, 4600).lastRetargetS).toBe(4000)
    expect(nextTiming(previous, 4, 4010, { targetBlockS: 10, retargetBlocks: 4 }).lastRetargetS).toBe(4010)
  })
})

describe('difficulty', () => {
  it('weighs a block by the hashes it takes', () => {
    expect(blockWeight(0n)).toBe(1n)
    expect(blockWeight(DIFF_MIN)).toBe(4n)
    expect(blockWeight(diffOf(1000n))).toBe(SPACE / 1000n)
  })

  it('is passed by hashes above it only', () => {
    expect(isSolution(bigEndian(1001n, 32), 1000n)).toBe(true)
    expect(isSolution(bigEndian(1000n, 32), 1000n)).toBe(false)
    expect(isSolution(new Uint8Array(33).fill(255), 0n)).toBe(false)
  })
})

it('clocks may be 35 s apart', () => {
  expect(isTimely(1000, 1035, 1000)).toBe(true)
  expect(isTimely(1000, 1036, 1000)).toBe(false)
  expect(isTimely(1035, 1000, 1000)).toBe(true)
  expect(isTimely(1036, 1000, 1000)).toBe(false)
})
