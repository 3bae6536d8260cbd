/**
 * Who a node is: one RSA key, from which the keys of its units follow, so that an operator keeps a single file.
 *
 * The RSA key mines, pays for bundles and signs receipts. Assignments and pushed messages are signed with Ed25519 keys, since RSA would limit the
 * scheduler to some 500 messages a second and is not deterministic. Their seeds are HKDF-SHA256 of the RSA key's private exponent.
 */
import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto'
import { fromBase64url, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { type ItemSigner, itemSigner } from '../codec/data-item.ts'
import { keyFromJwk, type SigningKey } from '../codec/keys.ts'
import type { MessageSigner } from '../codec/message/commitment.ts'
import { messageSigner } from '../codec/message/signers.ts'

export interface NodeIdentity {
  readonly wallet: SigningKey
  /** The same key with salt length 0, as upload receipts need it. */
  readonly receipts: SigningKey
  /** The same key, for commitments to AO-Core messages: salt of 64 bytes, SHA-512. */
  readonly messages: MessageSigner
  /** Signs assignments. */
  readonly scheduler: ItemSigner
  /** Signs what processes send, and the built-in module. */
  readonly authority: ItemSigner
  /** Signs what is asked for as a data item: anybody chooses what is in it, so it must be no key that owns anything or that anybody trusts. */
  readonly replies: ItemSigner
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function nodeIdentity(jwk: unknown): NodeIdentity {
  const wallet = keyFromJwk(jwk)
  if (wallet.kind !== 'rsa')
    throw new HeddleError('request-invalid', { field: 'identity' }, `the node's identity is a ${wallet.kind} key; it must be RSA`)
  const secret = fromBase64url((jwk as { readonly d: string }).d)
  return {
    wallet,
    receipts: keyFromJwk(jwk, { saltBytes: 0 }),
    messages: messageSigner(jwk),
    scheduler: itemSigner(deriveEd25519(secret, 'heddle scheduler 1')),
    authority: itemSigner(deriveEd25519(secret, 'heddle authority 1')),
    replies: itemSigner(deriveEd25519(secret, 'heddle replies 1')),
  }
}

function deriveEd25519(secret: Uint8Array, purpose: string): SigningKey {
  const seed = Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), purpose, 32))
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return keyFromJwk({ kty: 'OKP', crv: 'Ed25519', x, d: toBase64url(seed) })
}
