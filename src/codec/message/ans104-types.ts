/**
 * Names of the kinds of signatures in commitments by data items and transactions, and the addresses of who made them.
 *
 * Wire        `type` of a commitment: rsa-pss-sha256 for ANS-104 type 1 and RSA transactions; the others have the names below.
 *             `unsigned-sha256` stands for no signature: then the id is SHA-256 of what would have been signed by a key of zeros.
 * Source      rsa-pss-sha256 and unsigned-sha256: permaweb/HyperBEAM src/dev_codec_ans104.erl (2025-11), which knows no other; the rest are Heddle's
 * Invariants  One name for each number and back. Who has an Ethereum key goes by its EIP-55 address, everyone else by SHA-256 of the key.
 */
import { toText } from '../../base/bytes.ts'
import { addressOfKey } from '../../base/ids.ts'
import { checksumAddress, ethereumAddress } from '../ethereum-signature.ts'
import { SIGNATURE_TYPE } from '../item-signature.ts'

export const ANS104_DEVICE = 'ans104@1.0'
export const RSA_TYPE = 'rsa-pss-sha256'
/** Of transactions only: secp256k1 over SHA-256, the key recovered from the signature. */
export const ECDSA_TYPE = 'ecdsa-secp256k1-sha256'

const NAMES: ReadonlyMap<number, string> = new Map([
  [SIGNATURE_TYPE.arweave, RSA_TYPE],
  [SIGNATURE_TYPE.ed25519, 'ed25519'],
  [SIGNATURE_TYPE.ethereum, 'ethereum'],
  [SIGNATURE_TYPE.solana, 'solana'],
  [SIGNATURE_TYPE.injectedAptos, 'injected-aptos'],
  [SIGNATURE_TYPE.multiAptos, 'multi-aptos'],
  [SIGNATURE_TYPE.typedEthereum, 'typed-ethereum'],
  [SIGNATURE_TYPE.kyve, 'kyve'],
])
const NUMBERS: ReadonlyMap<string, number> = new Map([...NAMES].map(([number, name]) => [name, number]))

/** Decoding an item has seen to it that its type has a name. */
export function commitmentType(signatureType: number): string {
  return NAMES.get(signatureType)!
}

/** Null for a name that no signature type of ANS-104 has. */
export function signatureTypeOf(commitmentType: string): number | null {
  return NUMBERS.get(commitmentType) ?? null
}

export function committerOf(signatureType: number, owner: Uint8Array): string {
  switch (signatureType) {
    case SIGNATURE_TYPE.ethereum:
    case SIGNATURE_TYPE.kyve:
      return checksumAddress(ethereumAddress(owner))
    case SIGNATURE_TYPE.typedEthereum:
      return checksumAddress(toText(owner).toLowerCase())
    default:
      return addressOfKey(owner)
  }
}
