/**
 * ECDSA over secp256k1, as Arweave and Ethereum use it.
 *
 * Wire        signature r(32) s(32) recovery id(1, 0 to 3); public key 33 bytes compressed or 65 uncompressed
 * Source      SEC 1, RFC 6979, EIP-2; libsecp256k1 compiled to WebAssembly (docs/decisions/0004)
 * Invariants  Only the lower of s and -s is accepted, or everybody could turn a signature into a second valid one. Signing is deterministic.
 *             Verifying never throws.
 */
import * as curve from 'tiny-secp256k1'
import { compareBytes, fromHex } from '../base/bytes.ts'

export const SECP256K1_SIGNATURE_BYTES = 65
const HALF_ORDER = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')

/** The key behind a signature over `digest`; null when there is none or s is high. */
export function recoverSecp256k1(digest: Uint8Array, signature: Uint8Array, isCompressed = true): Uint8Array | null {
  if (digest.length !== 32 || signature.length !== SECP256K1_SIGNATURE_BYTES || isHighS(signature)) return null
  const recoveryId = signature[64]!
  if (!isRecoveryId(recoveryId)) return null
  return attempt(() => curve.recover(digest, signature.subarray(0, 64), recoveryId, isCompressed))
}

/** Checks r, s (64 bytes) over `digest` against a key of 33 or 65 bytes. */
export function verifySecp256k1(publicKey: Uint8Array, digest: Uint8Array, rs: Uint8Array): boolean {
  if (digest.length !== 32 || rs.length !== 64) return false
  return attempt(() => curve.verify(digest, publicKey, rs, true)) ?? false
}

export function signSecp256k1(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  const { signature, recoveryId } = curve.signRecoverable(digest, secret)
  const out = new Uint8Array(SECP256K1_SIGNATURE_BYTES)
  out.set(signature)
  out[64] = recoveryId
  return out
}

/** Throws on a secret that is no key. */
export function publicKeyOfSecret(secret: Uint8Array, isCompressed: boolean): Uint8Array {
  const point = curve.pointFromScalar(secret, isCompressed)
  if (point === null) throw new RangeError('the secret is not a secp256k1 key')
  return point
}

/** The same key, compressed or not; throws when it is no point of the curve. */
export function convertKey(publicKey: Uint8Array, isCompressed: boolean): Uint8Array {
  return curve.pointCompress(publicKey, isCompressed)
}

function isHighS(signature: Uint8Array): boolean {
  return compareBytes(signature.subarray(32, 64), HALF_ORDER) > 0
}

function isRecoveryId(value: number): value is 0 | 1 | 2 | 3 {
  return value <= 3
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
