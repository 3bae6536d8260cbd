/**
 * Signatures as Ethereum wallets make them: over a personal message (EIP-191) and over typed data (EIP-712).
 *
 * Wire        signature r(32) s(32) v(1), v = 27 + parity of the y of R; public key 04 x(32) y(32); address text "0x" + 40 hex digits
 * Source      EIP-2, EIP-55, EIP-155, EIP-191, EIP-712; domain and type of the typed form as @dha-team/arbundles 1.0.4 has them
 * Invariants  One signature per key and message: s is low and v is the true parity, spelt 27 or 28. Readers that skip v or
 *             take high s let anyone make a second item, with another id, out of a signed one.
 */
import { concat, equalBytes, fromHex, toHex, toLatin1, utf8 } from '../base/bytes.ts'
import { keccak256 } from './keys.ts'
import { convertKey, recoverSecp256k1 } from './secp256k1.ts'

export const ETHEREUM_KEY_BYTES = 65
export const ETHEREUM_SIGNATURE_BYTES = 65
export const ETHEREUM_ADDRESS_BYTES = 42 // of its text
const V_BASE = 27
const ADDRESS_TEXT = /^0x[0-9a-fA-F]{40}$/

const DOMAIN_HASH = keccak256(
  concat([keccak256(utf8('EIP712Domain(string name,string version)')), keccak256(utf8('Bundlr')), keccak256(utf8('1'))]),
)
const TYPE_HASH = keccak256(utf8('Bundlr(bytes Transaction hash,address address)'))

/** What a wallet's personal_sign signs for these bytes. */
export function personalMessageDigest(message: Uint8Array): Uint8Array {
  return keccak256(concat([utf8(`\x19Ethereum Signed Message:\n${message.length}`), message]))
}

/** What a wallet signs for the typed form of a data item. `address` is the text; null when it is not an address. */
export function typedMessageDigest(signData: Uint8Array, address: Uint8Array): Uint8Array | null {
  const text = toLatin1(address)
  if (!ADDRESS_TEXT.test(text)) return null
  const padded = fromHex(text.slice(2).padStart(64, '0'))
  return keccak256(concat([Uint8Array.of(0x19, 0x01), DOMAIN_HASH, keccak256(concat([TYPE_HASH, keccak256(signData), padded]))]))
}

/** Checks r, s and v over `digest` against an uncompressed public key. Never throws. */
export function verifyEthereum(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ETHEREUM_KEY_BYTES || publicKey[0] !== 4) return false
  const key = recoverKey(digest, signature)
  return key !== null && equalBytes(key, publicKey)
}

/** Address text, in lower case, of the key behind a signature; null when there is none. */
export function recoverEthereumAddress(digest: Uint8Array, signature: Uint8Array): string | null {
  const key = recoverKey(digest, signature)
  return key === null ? null : ethereumAddress(key)
}

/** Address text, in lower case, of an uncompressed public key. */
export function ethereumAddress(publicKey: Uint8Array): string {
  return `0x${toHex(keccak256(publicKey.subarray(1)).subarray(12))}`
}

/** EIP-55: the case of each letter of an address in lower case tells one bit of the hash of its digits. */
export function checksumAddress(address: string): string {
  const digits = address.slice(2)
  const checksum = toHex(keccak256(utf8(digits)))
  return `0x${[...digits].map((digit, i) => (Number.parseInt(checksum[i] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit)).join('')}`
}

/** Uncompressed form of a public key of 33 or 65 bytes. */
export function uncompressedKey(publicKey: Uint8Array): Uint8Array {
  return convertKey(publicKey, false)
}

/** The uncompressed key; null unless v is 27 or 28 and s is low. */
function recoverKey(digest: Uint8Array, signature: Uint8Array): Uint8Array | null {
  const v = signature[64]
  if (signature.length !== ETHEREUM_SIGNATURE_BYTES || (v !== V_BASE && v !== V_BASE + 1)) return null
  const recoverable = Uint8Array.from(signature)
  recoverable[64] = v - V_BASE
  return recoverSecp256k1(digest, recoverable, false)
}

/** The wallet's spelling, v = 27 or 28, of r | s | recovery id. */
export function toEthereumSignature(recoverable: Uint8Array): Uint8Array {
  const out = Uint8Array.from(recoverable)
  out[64]! += V_BASE // A recovery id of 2 or 3 (one signature in 2^127) gives what no one verifies, as it must.
  return out
}
