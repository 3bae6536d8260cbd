/** `secp256k1.ts` for browsers, without WebAssembly: the same functions on @noble/curves. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { concat } from '../base/bytes-web.ts'

export const SECP256K1_SIGNATURE_BYTES = 65
const RECOVERY_ID_MAX = 3

export function recoverSecp256k1(digest: Uint8Array, signature: Uint8Array, isCompressed = true): Uint8Array | null {
  const recoveryId = signature[64]
  if (digest.length !== 32 || signature.length !== SECP256K1_SIGNATURE_BYTES || recoveryId === undefined || recoveryId > RECOVERY_ID_MAX)
    return null
  return attempt(() => {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact').addRecoveryBit(recoveryId)
    return parsed.hasHighS() ? null : parsed.recoverPublicKey(digest).toBytes(isCompressed)
  })
}

export function verifySecp256k1(publicKey: Uint8Array, digest: Uint8Array, rs: Uint8Array): boolean {
  if (digest.length !== 32 || rs.length !== 64) return false
  return attempt(() => secp256k1.verify(rs, digest, publicKey, { prehash: false, lowS: true })) ?? false
}

export function signSecp256k1(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  const signature = secp256k1.sign(digest, secret, { prehash: false, lowS: true, format: 'recovered' })
  return concat([signature.subarray(1), signature.subarray(0, 1)]) // The recovery id comes first there.
}

export function publicKeyOfSecret(secret: Uint8Array, isCompressed: boolean): Uint8Array {
  return secp256k1.getPublicKey(secret, isCompressed)
}

export function convertKey(publicKey: Uint8Array, isCompressed: boolean): Uint8Array {
  return secp256k1.Point.fromBytes(publicKey).toBytes(isCompressed)
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
