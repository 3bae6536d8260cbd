/**
 * Whose key made a commitment: the `keyid` of signatures.
 *
 * Wire        `publickey:<base64 of the RSA modulus>`, `constant:ao`, `secret:<base64url of the secret's SHA-256>`.
 *             Older dialects have no scheme: the modulus in either base64 alphabet, or the constant `ao`.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig_keyid.erl (2025-11)
 * Invariants  A public key goes with RSA signatures only: with a keyed digest anybody could name any key. A constant names nobody.
 */
import { fromAnyBase64, toBase64, toBase64url, utf8 } from '../../base/bytes.ts'
import { hmacSha256, hmacSha256Of, sha256 } from '../../base/hash.ts'
import { ownText } from './own-text.ts'
import { type Binary, binaryBytes } from './value.ts'

export const RSA_PSS_SHA512 = 'rsa-pss-sha512'
export const HMAC_SHA256 = 'hmac-sha256'
/** Key and key id of the digest that is a message's unsigned id. */
export const CONSTANT_KEY_ID = 'constant:ao'

interface PublicKey {
  readonly scheme: 'publickey'
  readonly modulus: Uint8Array
}

/** What a key id says: a public key, a key that everybody knows, or the digest of a secret. */
export type NamedKey =
  | PublicKey
  | { readonly scheme: 'constant'; readonly key: string }
  | { readonly scheme: 'secret'; readonly digest: string }

/** Null when it names no key that can have made a commitment of this type. */
export function parseKeyId(keyId: string | null, type: string): NamedKey | null {
  if (type === RSA_PSS_SHA512) return keyId === null ? null : publicKey(keyId)
  if (type !== HMAC_SHA256) return null
  if (keyId === null) return { scheme: 'constant', key: CONSTANT_KEY_ID }
  if (keyId.startsWith('secret:')) return { scheme: 'secret', digest: keyId.slice('secret:'.length) }
  return keyId.startsWith('constant:') || !keyId.includes(':') ? { scheme: 'constant', key: keyId } : null
}

/** Address of who made it; null where nobody in particular did. */
export function committerOf(key: NamedKey): string | null {
  switch (key.scheme) {
    case 'publickey':
      return addressOf(key)
    case 'secret':
      return key.digest
    case 'constant':
      return null
  }
}

const ownDigest = hmacSha256Of(utf8(CONSTANT_KEY_ID))

/** By a key that everybody knows, as base64url. */
export function constantDigest(key: string, base: Binary): string {
  return key === CONSTANT_KEY_ID ? ownDigest(base) : toBase64url(hmacSha256(utf8(key), base))
}

export function publicKeyId(modulus: Uint8Array): string {
  return `publickey:${toBase64(modulus)}`
}

export function secretKeyId(secret: Binary): string {
  return `secret:${toBase64url(sha256(binaryBytes(secret)))}`
}

/** The same few keys sign again and again. Cleared when full. */
const KEYS_MAX = 1000
const KEY_TEXT_MAX = 1000
const known = new Map<string, PublicKey>()
const addresses = new WeakMap<PublicKey, string>()

function publicKey(keyId: string): PublicKey | null {
  const found = known.get(keyId)
  if (found !== undefined) return found
  const text = keyId.startsWith('publickey:') ? keyId.slice('publickey:'.length) : keyId
  const modulus = text === '' ? null : fromAnyBase64(text)
  if (modulus === null) return null
  const key: PublicKey = { scheme: 'publickey', modulus }
  if (keyId.length > KEY_TEXT_MAX) return key
  if (known.size >= KEYS_MAX) known.clear()
  known.set(ownText(keyId), key)
  return key
}

function addressOf(key: PublicKey): string {
  const address = addresses.get(key) ?? toBase64url(sha256(key.modulus))
  addresses.set(key, address)
  return address
}
