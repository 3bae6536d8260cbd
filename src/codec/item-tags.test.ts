import { readFileSync } from 'node:fs'
import { deserializeTags, serializeTags } from '@dha-team/arbundles'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromHex, toHex, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { decodeItemTags, encodeItemTags } from './item-tags.ts'
import { type Tag, textTag } from './tags.ts'

interface TagVectors {
  cases: { name: string; canonical: boolean; hex: string; tags: [string, string][] }[]
  invalid: { name: string; count: number; hex: string; problem: string }[]
}

const vectors: TagVectors = JSON.parse(readFileSync('test/vectors/ans104-tags.json', 'utf8'))
const bytes = fc.uint8Array({ maxLength: 60 })
const anyTags = fc.array(
  fc.tuple(bytes, bytes).map(([name, value]): Tag => ({ name, value })),
  { maxLength: 30 },
)

for (const { name, canonical, hex, tags } of vectors.cases) {
  it(`vector: ${name}`, () => {
    const decoded = decodeItemTags(fromHex(hex), tags.length)
    expect(decoded.map((tag) => [toHex(tag.name), toHex(tag.value)])).toEqual(tags)
    if (canonical) expect(toHex(encodeItemTags(decoded))).toBe(hex)
  })
}

for (const { name, count, hex, problem } of vectors.invalid) {
  it(`refuses: ${name}`, () => {
    expect(() => decodeItemTags(fromHex(hex), count)).toThrow(new RegExp(problem))
    expect(() => decodeItemTags(fromHex(hex), count)).toThrow(HeddleError)
  })
}

it('any tags survive a round trip', () => {
  fc.assert(
    fc.property(anyTags, (tags) => {
      const decoded = decodeItemTags(encodeItemTags(tags), tags.length)
      expect(decoded.map(({ name, value }) => [toHex(name), toHex(value)])).toEqual(
        tags.map(({ name, value }) => [toHex(name), toHex(value)]),
      )
    }),
  )
})

it('text tags are written and read as arbundles does', () => {
  const text = fc.string({ unit: 'binary', maxLength: 100 }).filter((s) => s.isWellFormed())
  fc.assert(
    fc.property(fc.array(fc.record({ name: text, value: text }, { noNullPrototype: true }), { maxLength: 10 }), (tags) => {
      const ours = Buffer.from(encodeItemTags(tags.map(({ name, value }) => textTag(name, value))))
      expect(ours.toString('hex')).toBe(serializeTags(tags).toString('hex'))
      if (tags.length > 0) expect(deserializeTags(ours)).toEqual(tags)
    }),
  )
})

it('any bytes decode or fail with a code', () => {
  // Small numbers are likely, so that some lists do decode.
  const wire = fc.array(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 255 })), { maxLength: 40 })
  fc.assert(
    fc.property(wire, fc.integer({ min: 0, max: 4 }), (values, count) => {
      try {
        expect(decodeItemTags(Uint8Array.from(values), count)).toHaveLength(count)
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 2000 },
  )
})

it('takes 4096 bytes of tags and refuses to write more', () => {
  const value = new Uint8Array(4096 - 6)
  const tag = { name: utf8('n'), value }
  expect(encodeItemTags([tag])).toHaveLength(4096)
  expect(decodeItemTags(encodeItemTags([tag]), 1)).toHaveLength(1)
  expect(() => encodeItemTags([{ name: utf8('nn'), value }])).toThrow(expect.objectContaining({ code: 'too-large' }))
})
