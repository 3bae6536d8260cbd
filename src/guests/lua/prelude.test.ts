import { describe, expect, it } from 'vitest'
import { RESULT_BYTES_MAX, VALUE_DEPTH_MAX } from '../../base/limits.ts'
import { OP, PRELUDE_BYTES_MAX, preludeSource } from './prelude.ts'
import { AO_OPERATIONS } from './prelude-ao.ts'
import { PROCESS_OPERATIONS } from './prelude-process.ts'

const SIZES = { resultBytesMax: RESULT_BYTES_MAX, depthMax: VALUE_DEPTH_MAX }

describe('the prelude', () => {
  it.each(['process', 'ao'] as const)('of kind %s fits into its place, and knows the operations that the host asks for', (kind) => {
    const source = preludeSource({ kind, hasLuerlOrder: true }, SIZES)
    expect(source.length).toBeLessThan(PRELUDE_BYTES_MAX)
    expect(Buffer.byteLength(source)).toBeLessThan(PRELUDE_BYTES_MAX)
    const known = [...source.matchAll(/operations\[(\d+)\] = function|^ {2}\[(\d+)\] = function/gm)].map(([, first, second]) =>
      Number(first ?? second),
    )
    const wanted =
      kind === 'ao' ? (['loadNamed', 'install', 'begin', 'resume', 'functions'] as const) : (['load', 'identify', 'handle'] as const)
    expect(known.toSorted((a, b) => a - b)).toEqual(
      [...new Set([OP.reserve, OP.collect, ...wanted.map((name) => OP[name])])].toSorted((a, b) => a - b),
    )
  })

  it('keeps the two kinds apart', () => {
    const numbers = (text: string): string[] => [...text.matchAll(/operations\[(\d+)\]/g)].map(([, number = '']) => number)
    expect(numbers(PROCESS_OPERATIONS).filter((number) => numbers(AO_OPERATIONS).includes(number))).toEqual([])
  })
})
