import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, EMPTY, toHex, utf8 } from '../base/bytes.ts'
import { createSha384, sha384 } from '../base/hash.ts'
import { deepHash, deepHashOfHashed, deepHashWithTail } from './deep-hash.ts'

describe('deep hash', () => {
  it('of an empty blob', () => {
    expect(toHex(deepHash(EMPTY))).toBe('fbf00cc444f5fea9dc3bedf62a13fba8ae87e7445fc910567a23bec4eb82fadb1143c433069314d8362983dc3c2e4a38')
  })

  it('of an empty list', () => {
    expect(toHex(deepHash([]))).toBe('a69e7d37fdc7f040a9ec16aae84de24fab4a653dac4de0bd247e36bab9fe45d9289c5a04a893c95285812f5cefc9707a')
  })

  it('of a nested list', () => {
    expect(toHex(deepHash([utf8('a'), [utf8('b'), utf8('c')], utf8('d')]))).toBe(
      '74e26a403a7401af152c109cf755b85f54f6d9443128db0971704b84bda3b9353bf4adcce3b429388ea4b65d3e01c298',
    )
  })

  it('lengths beyond those that are kept', () => {
    const long = new Uint8Array(5000)
    const head = sha384(concat([sha384(utf8('blob5000')), sha384(long)]))
    expect(deepHash(long)).toEqual(head)
    const many = Array.from({ length: 5000 }, () => EMPTY)
    const folded = many.reduce((acc) => sha384(concat([acc, deepHash(EMPTY)])), sha384(utf8('list5000')))
    expect(deepHash(many)).toEqual(folded)
  })

  it('a last element that streamed gives the same, and so do elements hashed before', () => {
    const bytes = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, fc.array(bytes))), bytes, (head, tail) => {
        const pieces = createSha384()
        pieces.update(tail.subarray(0, 3))
        pieces.update(tail.subarray(3))
        const expected = deepHash([...head, tail])
        expect(deepHashWithTail(head, sha384(tail), tail.length)).toEqual(expected)
        expect(deepHashWithTail(head, pieces.digest(), BigInt(tail.length))).toEqual(expected)
        expect(deepHashOfHashed([...head, tail].map(deepHash))).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })
})
