import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Bundle } from '@dha-team/arbundles'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromBase64url, toHex } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { bytesToId } from '../base/ids.ts'
import { bundleHeaderBytes, decodeBundleCount, decodeBundleHeader, encodeBundle, encodeBundleHeader } from './bundle.ts'
import { decodeDataItem } from './data-item.ts'

interface BundleVectors {
  cases: { name: string; bundle: string; sha256: string; items: { id: string; startOffset: number; itemBytes: number }[] }[]
  invalid: { name: string; bundle: string; problem: string }[]
}

const vectors: BundleVectors = JSON.parse(readFileSync('test/vectors/ans104-bundles.json', 'utf8'))

for (const { name, bundle, sha256, items } of vectors.cases) {
  it(`vector: ${name}`, async () => {
    const bytes = fromBase64url(bundle)
    const header = decodeBundleHeader(bytes, bytes.length)
    expect(header).toEqual({ count: items.length, headerBytes: bundleHeaderBytes(items.length), entries: items })
    const decoded = header.entries.map(({ startOffset, itemBytes }) => decodeDataItem(bytes.subarray(startOffset, startOffset + itemBytes)))
    const again = encodeBundle(decoded)
    expect(createHash('sha256').update(again).digest('hex')).toBe(sha256)
    const library = new Bundle(Buffer.from(again))
    expect(library.getIds()).toEqual(items.map(({ id }) => id))
    expect(await library.verify()).toBe(true)
  })
}

for (const { name, bundle, problem } of vectors.invalid) {
  it(`refuses: ${name}`, () => {
    const bytes = fromBase64url(bundle)
    expect(() => decodeBundleHeader(bytes, bytes.length)).toThrow(new RegExp(problem))
    expect(() => decodeBundleHeader(bytes, bytes.length)).toThrow(HeddleError)
  })
}

const entries = fc.uniqueArray(fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 80, max: 2 ** 40 })), {
  selector: ([id]) => toHex(id),
  maxLength: 20,
})

it('any header survives a round trip, with bytes after the last item ignored', () => {
  fc.assert(
    fc.property(entries, fc.integer({ min: 0, max: 100 }), (list, spare) => {
      const wanted = list.map(([id, itemBytes]) => ({ id: bytesToId(id), itemBytes }))
      const bytes = encodeBundleHeader(wanted)
      const total = wanted.reduce((sum, { itemBytes }) => sum + itemBytes, bytes.length)
      expect(decodeBundleCount(bytes, total + spare)).toBe(list.length)
      expect(decodeBundleHeader(bytes, total + spare).entries.map(({ id, itemBytes }) => ({ id, itemBytes }))).toEqual(wanted)
      if (list.length > 0) expect(() => decodeBundleHeader(bytes, total - 1)).toThrow(/ends at byte/)
    }),
  )
})

it('any bytes decode or fail with a code', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4 }), fc.uint8Array({ maxLength: 300 }), fc.nat(2000), (count, table, total) => {
      const prefix = Buffer.concat([Buffer.of(count), Buffer.alloc(31), table])
      try {
        expect(decodeBundleHeader(prefix, total).entries).toHaveLength(count)
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 1000 },
  )
})

it('takes as many items as the caller allows', () => {
  const bytes = new Uint8Array(bundleHeaderBytes(3))
  bytes[0] = 3
  expect(decodeBundleHeader(bytes, bytes.length, 3).count).toBe(3)
  expect(() => decodeBundleHeader(bytes, bytes.length, 2)).toThrow(expect.objectContaining({ code: 'too-large' }))
  expect(() => decodeBundleHeader(bytes.subarray(0, 100), bytes.length)).toThrow(/header needs 224 bytes, but only 100 were given/)
})

it('makes no bundle with an item twice, or with what is no item', () => {
  const id = bytesToId(new Uint8Array(32))
  expect(() =>
    encodeBundleHeader([
      { id, itemBytes: 100 },
      { id, itemBytes: 100 },
    ]),
  ).toThrow(/item 1 repeats/)
  expect(() => encodeBundleHeader([{ id, itemBytes: 79 }])).toThrow(/item 0 has 79 bytes/)
})
