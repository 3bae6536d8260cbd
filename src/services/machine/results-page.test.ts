import { describe, expect, it } from 'vitest'
import { encodeCursor, parseCursor } from './results-page.ts'

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
