/**
 * The k-of-n signature of Aptos, as ANS-104 type 6 carries it.
 *
 * Wire        owner: 32 slots of an Ed25519 key (unused ones zero), then the threshold; signature: 32 slots of 64 bytes, then a bitmap of 4 bytes,
 *             most significant bit first, telling which slots are signed
 * Source      @dha-team/arbundles 1.0.4 (its verifier counts nothing: it takes an empty bitmap)
 * Invariants  At least `threshold` slots are signed, and the threshold is 1 or more; every signed slot verifies, by a key that exists;
 *             unsigned slots are zero, or anyone could change them and so the item's id.
 *             More signatures than the threshold are allowed, as on Aptos; whoever holds such an item can take one away and has a second valid item
 *             with another id. Groups that send AO messages should sign with exactly as many members as they need.
 */
import { HeddleError } from '../base/errors.ts'
import { isSmallOrderKey } from './ed25519-points.ts'
import { verifyEd25519 } from './keys.ts'

export const MULTI_SLOTS = 32
const KEY_BYTES = 32
const SLOT_BYTES = 64
export const MULTI_OWNER_BYTES = MULTI_SLOTS * KEY_BYTES + 1
export const MULTI_SIGNATURE_BYTES = MULTI_SLOTS * SLOT_BYTES + 4

export async function verifyMultiAptos(owner: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const threshold = owner[MULTI_OWNER_BYTES - 1]!
  const checks: Promise<boolean>[] = []
  for (let slot = 0; slot < MULTI_SLOTS; slot++) {
    const part = signature.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)
    if (!isSigned(signature, slot)) {
      if (part.some((byte) => byte !== 0)) return false
      continue
    }
    const key = owner.subarray(slot * KEY_BYTES, (slot + 1) * KEY_BYTES)
    if (isSmallOrderKey(key)) return false // Covers the empty slots.
    checks.push(verifyEd25519(key, message, part))
  }
  if (threshold < 1 || checks.length < threshold) return false
  return (await Promise.all(checks)).every((valid) => valid)
}

/** Owner bytes of a group of keys. */
export function multiAptosOwner(publicKeys: readonly Uint8Array[], threshold: number): Uint8Array {
  if (publicKeys.length > MULTI_SLOTS || threshold < 1 || threshold > publicKeys.length)
    throw new HeddleError(
      'request-invalid',
      { field: 'threshold' },
      `a group of ${publicKeys.length} keys with threshold ${threshold}; at most ${MULTI_SLOTS} keys, threshold 1 to their number`,
    )
  const owner = new Uint8Array(MULTI_OWNER_BYTES)
  publicKeys.forEach((key, slot) => {
    owner.set(key, slot * KEY_BYTES)
  })
  owner[MULTI_OWNER_BYTES - 1] = threshold
  return owner
}

/** Signature bytes from the members that signed, by slot. */
export function multiAptosSignature(signed: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const signature = new Uint8Array(MULTI_SIGNATURE_BYTES)
  for (const [slot, part] of signed) {
    signature.set(part, slot * SLOT_BYTES)
    signature[bitmapByte(slot)]! |= 0x80 >> (slot % 8)
  }
  return signature
}

function isSigned(signature: Uint8Array, slot: number): boolean {
  return (signature[bitmapByte(slot)]! & (0x80 >> (slot % 8))) !== 0
}

function bitmapByte(slot: number): number {
  return MULTI_SLOTS * SLOT_BYTES + (slot >> 3)
}
