import { ed25519 } from '@noble/curves/ed25519.js'
import { expect, it } from 'vitest'
import { bigEndian, fromBigEndian, fromHex } from '../base/bytes.ts'
import { isSmallOrderKey } from './ed25519-points.ts'

const { Point } = ed25519
const P = Point.Fp.ORDER

it('knows every point of small order, in every spelling', () => {
  const generator = Point.fromBytes(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')) // order 8
  const found = new Set<bigint>()
  for (let point = generator, i = 0; i < 8; i++, point = point.add(generator)) {
    expect(point.isSmallOrder()).toBe(true)
    found.add(point.toAffine().y)
    expect(isSmallOrderKey(point.toBytes())).toBe(true)
  }
  expect(found.size).toBe(5) // 0 and the two of order 8 belong to two points each.
  for (const y of found) {
    for (const spelling of [y, y + P].filter((value) => value < 2n ** 255n)) {
      const key = bigEndian(spelling, 32).reverse()
      expect(isSmallOrderKey(key)).toBe(true)
      key[31]! |= 0x80
      expect(isSmallOrderKey(key)).toBe(true)
    }
  }
})

it('leaves other keys alone', () => {
  for (let i = 1; i <= 50; i++) {
    const key = ed25519.getPublicKey(new Uint8Array(32).fill(i))
    expect(fromBigEndian(key)).toBeGreaterThan(0n)
    expect(isSmallOrderKey(key)).toBe(false)
  }
})
