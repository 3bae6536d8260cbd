import { describe, expect, it } from 'vitest'
import { parseCount, wordsOf } from './command.ts'
import { number } from './gas.ts'

describe('words of a dot command', () => {
  it('are split at blanks, but for those between quotes', () => {
    expect(wordsOf(`a  b="c d" 'e f'g "h\\"i" ''`)).toEqual(['a', 'b=c d', 'e fg', 'h"i', ''])
    expect(wordsOf('')).toEqual([])
  })

  it('counts are whole numbers from 1', () => {
    expect(parseCount('', 5)).toBe(5)
    expect(parseCount(' 7 ', 5)).toBe(7)
    for (const word of ['0', '-1', '1.5', 'x']) expect(() => parseCount(word, 5)).toThrow(`"${word}" is not a number from 1`)
  })

  it('large numbers are readable', () => {
    expect([0, 999, 1000, 1234567].map(number)).toEqual(['0', '999', '1,000', '1,234,567'])
  })
})
