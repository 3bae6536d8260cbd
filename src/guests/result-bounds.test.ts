import { expect, it } from 'vitest'
import { concat } from '../base/bytes.ts'
import { countValues } from './result-bounds.ts'
import { encodeValue } from './value-codec.ts'

const tag = (name: string): object => ({ name, value: 'v' })

it.each([
  ['nothing', null, 1],
  ['text of any length', 'x'.repeat(1_000), 1],
  ['numbers', [1, 2.5, -0, 2 ** 60], 5],
  ['flags', [true, false, null], 4],
  ['bytes', Uint8Array.of(1, 255), 1],
  ['empty tables', [{}, [], {}], 4],
  ['keys of any length', { a: 1, ['k'.repeat(300)]: { b: [] } }, 4],
  ['tables in tables', [[[[{}, 1]], {}], { a: { b: { c: [0] } } }, 5], 13],
  ['tags', { Tags: [tag('a'), tag('b')], Tag: tag('c') }, 9],
])('counts %s', (_name, value, count) => {
  expect(countValues(encodeValue(value))).toBe(count)
  expect(countValues(concat([encodeValue(value), encodeValue([value])]))).toBe(2 * count + 1)
})

it('ends with bytes that are cut short', () => {
  const bytes = encodeValue({ a: [1, 'two', { three: [tag('a')] }], b: tag('c') })
  for (let size = 0; size < bytes.length; size++) expect(countValues(bytes.subarray(0, size))).toBeLessThan(40)
})
