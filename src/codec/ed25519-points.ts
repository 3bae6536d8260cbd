/**
 * Ed25519 public keys that nobody holds a secret for: points of order 1, 2, 4 and 8.
 *
 * Why         With such a key one signature fits every eighth to every message, without any secret. In an ANS-104 item that gives two items
 *             with one id, and in a multi-signature it forges the empty key slots, since 32 zero bytes are a point of order 4.
 *             RFC 8032 and OpenSSL up to 3.0 accept them; Node.js 24.21 refuses them by itself. Here it does not depend on the runtime.
 * Wire        32 bytes, y little-endian, sign of x in the top bit
 * Source      RFC 8032 section 5.1.7, RFC 7748 section 6.1; the list is checked against @noble/curves 2.4
 */
import { toHex } from '../base/bytes.ts'

/** y of each point with the sign bit cleared, also in its second spelling (y + p) where that fits in 255 bits. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000', // order 4
  '0100000000000000000000000000000000000000000000000000000000000000', // order 1
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // p, again 0
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // p + 1, again 1
])

/** Is this 32-byte key a point of small order? Such a key identifies nobody. */
export function isSmallOrderKey(publicKey: Uint8Array): boolean {
  const top = (publicKey[31]! & 0x7f).toString(16).padStart(2, '0')
  return SMALL_ORDER_Y.has(toHex(publicKey).slice(0, 62) + top)
}
