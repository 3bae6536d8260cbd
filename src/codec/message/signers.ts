/** Signers from wallet files, each with the digest and salt of what it signs, which is easy to get wrong: a signature of the other kind verifies nowhere. */
import { HeddleError } from '../../base/errors.ts'
import { type ItemSigner, itemSigner as itemSignerOf } from '../data-item.ts'
import type { Jwk } from '../jwk.ts'
import { generateKey, type KeyKind, keyFromJwk, type SigningKey } from '../keys.ts'
import type { MessageSigner } from './commitment.ts'

const SALT_BYTES = 64

/** Commits to messages: RSA-PSS with SHA-512. Fails with `request-invalid` for a key of another kind, which AO-Core has no commitments by. */
export function messageSigner(jwk: unknown): MessageSigner {
  const { kind, publicKey, address, sign } = keyFromJwk(jwk, { saltBytes: SALT_BYTES, digest: 'sha512' })
  if (kind === 'rsa') return { publicKey, address, sign }
  throw new HeddleError(
    'request-invalid',
    { field: 'jwk' },
    `a ${kind} key cannot commit to messages over HTTP; use an RSA key, or sign data items with it`,
  )
}

/** Signs data items: RSA as type 1, Ed25519 as type 2, secp256k1 as type 3, the way an Ethereum wallet does. */
export function itemSigner(jwk: unknown): ItemSigner {
  return itemSignerOf(keyFromJwk(jwk))
}

/** Signs transactions: RSA, or secp256k1 in format 2. */
export function txSigner(jwk: unknown): SigningKey {
  return keyFromJwk(jwk)
}

/** A new wallet file; RSA takes some seconds. Keep it: nothing else can sign for its address. */
export async function generateWallet(kind: KeyKind = 'rsa'): Promise<Jwk> {
  return (await generateKey(kind)).jwk
}
