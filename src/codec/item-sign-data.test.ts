import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EMPTY, toHex, utf8 } from '../base/bytes.ts'
import { sha384 } from '../base/hash.ts'
import { deepHash } from './deep-hash.ts'
import { itemSignData } from './item-sign-data.ts'

it('is the deep hash of the list, for parts of any size', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.constantFrom(8191, 8192, 70_000).map((size) => new Uint8Array(size).fill(size & 255)),
  )
  const field = fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }))
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 101),
      bytes,
      field,
      field,
      bytes,
      bytes,
      (signatureType, owner, target, anchor, tagBytes, data) => {
        const list = [utf8('dataitem'), utf8('1'), utf8(String(signatureType)), owner, target ?? EMPTY, anchor ?? EMPTY, tagBytes, data]
        const ours = itemSignData({ signatureType, owner, target, anchor, tagBytes }, sha384(data), data.length)
        expect(toHex(ours)).toBe(toHex(deepHash(list)))
      },
    ),
  )
})
