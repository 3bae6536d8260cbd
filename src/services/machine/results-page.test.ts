import { describe, expect, it } from 'vitest'
import { idOf } from '../../../test/machine-rig.ts'
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import type { ResultRecord } from './records.ts'
import type { ResultRange, ScannedResult } from './result-store.ts'
import { encodeCursor, parseCursor, readResults } from './results-page.ts'

describe('pages', () => {
  const source = (sizes: readonly number[]): Parameters<typeof readResults>[0] => ({
    process: idOf(1),
    log: { slotAt: async () => -1, ticks: async () => [] },
    results: {
      lastSlot: async () => sizes.length - 1,
      findSized: async () => null,
      async *scan(_process, { after, upTo }: ResultRange): AsyncIterable<ScannedResult> {
        for (let slot = after + 1; slot <= upTo; slot++)
          yield { result: { slot, timestampMs: slot } as ResultRecord, sizeBytes: sizes[slot]! }
      },
    },
  })
  const slotsOf = (page: Awaited<ReturnType<typeof readResults>>): number[] => page.edges.map(({ node }) => node.slot)

  it('end at their limit, and say whether there is more', async () => {
    const page = await readResults(source([1, 1, 1]), { limit: 2 })
    expect([slotsOf(page), page.hasNextPage]).toEqual([[0, 1], true])
    const last = await readResults(source([1, 1, 1]), { limit: 2, from: page.edges.at(-1)!.cursor })
    expect([slotsOf(last), last.hasNextPage]).toEqual([[2], false])
    expect(await readResults(source([1, 1]), { limit: 2 })).toMatchObject({ hasNextPage: false })
  })

  it('of large results end sooner, but never before the first', async () => {
    const half = PAGE_BYTES_MAX / 2
    const page = await readResults(source([half, half, 1, PAGE_BYTES_MAX + 1, 1]), {})
    expect([slotsOf(page), page.hasNextPage]).toEqual([[0, 1], true])
    const next = await readResults(source([half, half, 1, PAGE_BYTES_MAX + 1, 1]), { from: page.edges.at(-1)!.cursor })
    expect([slotsOf(next), next.hasNextPage]).toEqual([[2], true])
    const large = await readResults(source([half, half, 1, PAGE_BYTES_MAX + 1, 1]), { from: next.edges.at(-1)!.cursor })
    expect([slotsOf(large), large.hasNextPage]).toEqual([[3], true])
  })
})

describe('cursors', () => {
  it.each([
    [
      { timestamp: 1700000000123, ordinate: '7', sort: 'ASC' },
      'eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDAxMjMsIm9yZGluYXRlIjoiNyIsInNvcnQiOiJBU0MifQ==',
    ],
    [
      { timestamp: 1700000000123, ordinate: '7', cron: '0-10-seconds', sort: 'DESC' },
      'eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDAxMjMsIm9yZGluYXRlIjoiNyIsImNyb24iOiIwLTEwLXNlY29uZHMiLCJzb3J0IjoiREVTQyJ9',
    ],
  ] as const)('%o is written as compute units write it', (cursor, text) => {
    expect(encodeCursor(cursor)).toBe(text)
    expect(parseCursor(text)).toEqual({ timestamp: cursor.timestamp, ordinate: cursor.ordinate, sort: cursor.sort })
  })

  it('a timestamp is a cursor too', () => {
    expect(parseCursor('1700000000123')).toEqual({ timestamp: 1700000000123 })
  })

  it.each([
    '',
    'abc',
    btoa('[]'),
    btoa('null'),
    btoa('{"timestamp":"5"}'),
    btoa('{"timestamp":5,"ordinate":"x"}'),
    btoa('{"timestamp":5.5}'),
    '-1',
    '1e9',
  ])('refuses "%s"', (text) => {
    expect(() => parseCursor(text)).toThrowError(expect.objectContaining({ code: 'request-invalid' }))
  })
})
