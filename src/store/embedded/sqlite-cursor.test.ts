import { describe, expect, it } from 'vitest'
import { sampleId } from '../../../test/index-samples.ts'
import type { TxId } from '../../base/ids.ts'
import {
  decodeBlockCursor,
  decodeTransactionCursor,
  encodeBlockCursor,
  encodeHeightCursor,
  encodeIngestCursor,
  type Step,
  wasShown,
  withStep,
} from './sqlite-cursor.ts'

const mined = {
  height: 1138,
  index: 42,
  isDataItem: true,
  id: 'zoljIRyzG5hp-R4EZV2q8kFI49OAoy23_B9YJ_yEEws' as TxId,
  ingestedAtS: 1_630_000_000,
}

describe('cursors', () => {
  it('have the form of ar-io', () => {
    const text = 'WzExMzgsNDIsdHJ1ZSwiem9saklSeXpHNWhwLVI0RVpWMnE4a0ZJNDlPQW95MjNfQjlZSl95RUV3cyIsMTYzMDAwMDAwMF0'
    expect(encodeHeightCursor({ ...mined, steps: [], seen: null })).toBe(text)
    expect(decodeTransactionCursor(text, 'HEIGHT_DESC')).toEqual({ kind: 'height', ...mined, steps: [], seen: null })
    expect(decodeTransactionCursor(`${text}==`, 'HEIGHT_ASC')).toEqual({ kind: 'height', ...mined, steps: [], seen: null })
    expect(encodeBlockCursor(1138)).toBe('WzExMzhd')
    expect(decodeBlockCursor('WzExMzhd')).toBe(1138)
  })

  it('carry the walk, for its own direction only', () => {
    const steps = [
      { since: 5, r: 9 },
      { since: 7, r: 3 },
    ]
    const down = encodeHeightCursor({ ...mined, height: null, index: null, steps, seen: null })
    expect(decodeTransactionCursor(down, 'HEIGHT_DESC')).toMatchObject({ height: null, steps, seen: null })
    expect(decodeTransactionCursor(down, 'HEIGHT_ASC')).toMatchObject({ steps: [], seen: null })
    const seen = { since: 5, r: 9, nextHeight: 4 }
    const up = encodeHeightCursor({ ...mined, steps: [], seen })
    expect(decodeTransactionCursor(up, 'HEIGHT_ASC')).toMatchObject({ steps: [], seen })
    expect(decodeTransactionCursor(up, 'HEIGHT_DESC')).toMatchObject({ steps: [], seen: null })
  })

  it('of one order do not serve another', () => {
    const ingested = encodeIngestCursor(1_700_000_000, sampleId(1))
    expect(decodeTransactionCursor(ingested, 'INGESTED_AT_ASC')).toEqual({ kind: 'ingested', ingestedAtS: 1_700_000_000, id: sampleId(1) })
    expect(() => decodeTransactionCursor(ingested, 'HEIGHT_DESC')).toThrow(/Invalid transaction cursor/)
    expect(() => decodeTransactionCursor(encodeHeightCursor({ ...mined, steps: [], seen: null }), 'INGESTED_AT_DESC')).toThrow(
      /Invalid transaction cursor/,
    )
  })
})

describe('the steps of a walk', () => {
  it('tell which mined rows were shown while they were pending', () => {
    const steps: Step[] = [
      { since: 10, r: 50 },
      { since: 20, r: 30 },
    ]
    expect(wasShown(steps, 60, 11)).toBe(true) // on the first page, mined after it
    expect(wasShown(steps, 60, 10)).toBe(false) // mined before the first page
    expect(wasShown(steps, 40, 15)).toBe(false) // mined between the pages, before its turn came
    expect(wasShown(steps, 40, 21)).toBe(true)
    expect(wasShown(steps, 20, 99)).toBe(false) // its turn did not come
  })

  it('are one for each state of the index, and not more than a cursor should hold', () => {
    expect(withStep([{ since: 1, r: 9 }], { since: 1, r: 8 })).toEqual([{ since: 1, r: 8 }])
    let steps: readonly Step[] = []
    for (let i = 0; i < 100; i++) steps = withStep(steps, { since: i, r: 1000 - i })
    expect(steps).toHaveLength(32)
    expect(steps.at(-1)).toEqual({ since: 99, r: 901 })
    expect(wasShown(steps, 1000, 50)).toBe(false) // rather shown again than lost
  })
})
