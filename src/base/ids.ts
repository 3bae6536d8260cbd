/** Identifiers as types: only the parsers here make them, so a checked id is never checked twice and never confused with another kind. */
import { fromBase64url, toBase64url } from './bytes.ts'
import { HeddleError } from './errors.ts'
import { sha256Text } from './hash.ts'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Id of a transaction, data item, message, process or module: 32 bytes as 43 base64url characters. */
export type TxId = Brand<string, 'TxId'>
/** SHA-256 of a public key: 32 bytes as 43 base64url characters. */
export type Address = Brand<string, 'Address'>
/** `indep_hash` of a block: 48 bytes as 64 base64url characters. */
export type BlockHash = Brand<string, 'BlockHash'>

export const ID_BYTES = 32
export const BLOCK_HASH_BYTES = 48
const ID_TEXT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/ // The last character carries only four used bits.
const BLOCK_HASH_TEXT = /^[A-Za-z0-9_-]{64}$/

export function isTxId(text: string): text is TxId {
  return ID_TEXT.test(text)
}

export function parseTxId(text: string): TxId {
  if (isTxId(text)) return text
  throw new HeddleError(
    'encoding-invalid',
    { format: 'id', at: 0 },
    `"${text.slice(0, 80)}" is not an id; expected 43 base64url characters`,
  )
}

export function isAddress(text: string): text is Address {
  return ID_TEXT.test(text)
}

export function parseAddress(text: string): Address {
  if (isAddress(text)) return text
  throw new HeddleError(
    'encoding-invalid',
    { format: 'address', at: 0 },
    `"${text.slice(0, 80)}" is not an address; expected 43 base64url characters`,
  )
}

export function isBlockHash(text: string): text is BlockHash {
  return BLOCK_HASH_TEXT.test(text)
}

export function bytesToId(bytes: Uint8Array): TxId {
  return checked(bytes, ID_BYTES, 'id') as TxId
}

export function bytesToAddress(bytes: Uint8Array): Address {
  return checked(bytes, ID_BYTES, 'address') as Address
}

export function bytesToBlockHash(bytes: Uint8Array): BlockHash {
  return checked(bytes, BLOCK_HASH_BYTES, 'block hash') as BlockHash
}

/** The bytes behind a checked identifier. */
export function idBytes(id: TxId | Address | BlockHash): Uint8Array {
  return fromBase64url(id)
}

/** A transaction's or item's id: the SHA-256 of its signature. */
export function idOfSignature(signature: Uint8Array): TxId {
  return sha256Text(signature) as TxId
}

/** The address of a public key, whatever its kind: the SHA-256 of its bytes. */
export function addressOfKey(publicKey: Uint8Array): Address {
  return sha256Text(publicKey) as Address
}

function checked(bytes: Uint8Array, size: number, format: string): string {
  if (bytes.length === size) return toBase64url(bytes)
  throw new HeddleError('encoding-invalid', { format, at: bytes.length }, `${format} has ${bytes.length} bytes, expected ${size}`)
}
