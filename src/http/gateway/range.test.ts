import { describe, expect, it } from 'vitest'
import { matchesEtag, parseRange } from './range.ts'

describe('Range of a body of 10 bytes', () => {
  const one = (start: number, end: number) => ({ kind: 'ranges', ranges: [{ start, end }] })
  const cases: [string | undefined, unknown][] = [
    [undefined, { kind: 'whole' }],
    ['bytes=0-3', one(0, 4)],
    ['bytes=4-', one(4, 10)],
    ['bytes=-5', one(5, 10)],
    ['bytes=0-9999', one(0, 10)],
    ['bytes=-9999', one(0, 10)],
    ['Bytes=0-0', one(0, 1)],
    ['bytes=5-2', { kind: 'unsatisfiable' }],
    ['bytes=10-12', { kind: 'unsatisfiable' }],
    ['bytes=-0', { kind: 'unsatisfiable' }],
    ['items=0-3', { kind: 'unsatisfiable' }],
    ['bytes=', { kind: 'malformed' }],
    ['bytes=-', { kind: 'malformed' }],
    ['bytes=abc', { kind: 'malformed' }],
    ['abc', { kind: 'malformed' }],
    [
      'bytes=0-1,4-5',
      {
        kind: 'ranges',
        ranges: [
          { start: 0, end: 2 },
          { start: 4, end: 6 },
        ],
      },
    ],
    ['bytes=0-1,50-60', one(0, 2)],
    ['bytes=00420-42', { kind: 'whole' }],
  ]
  for (const [header, outcome] of cases) it(`${header}`, () => expect(parseRange(header, 10)).toEqual(outcome))

  it('an empty body has no satisfiable range', () => {
    expect(parseRange('bytes=0-0', 0)).toEqual({ kind: 'unsatisfiable' })
    expect(parseRange('bytes=-1', 0)).toEqual({ kind: 'unsatisfiable' })
  })

  it('refuses more ranges than the limit', () => {
    expect(parseRange(`bytes=${Array(65).fill('0-0').join(',')}`, 10)).toEqual({ kind: 'malformed' })
  })
})

describe('If-None-Match', () => {
  it('takes the tag, lists, the weak form and *', () => {
    for (const header of ['"x"', '"a", "x"', 'W/"x"', '*']) expect(matchesEtag(header, '"x"'), header).toBe(true)
    for (const header of [undefined, '"a"', 'x', '']) expect(matchesEtag(header, '"x"'), String(header)).toBe(false)
  })
})
