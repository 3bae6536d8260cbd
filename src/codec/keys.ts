/**
 * Keys and signatures: RSA-PSS, secp256k1 and Ed25519, as JWK on disk and as bare public key bytes on the weave.
 *
 * Wire        RSA owner = modulus, big-endian, e always 65537; secp256k1 = compressed point, 33 bytes; Ed25519 = 32 bytes.
 *             Signatures: RSA-PSS with SHA-256 (SHA-512 in HTTP message signatures) and MGF1 of the same, any salt length;
 *             secp256k1 r(32) s(32) recid(1), low s; Ed25519 64 bytes.
 * Source      ArweaveTeam/arweave ar_wallet.erl (2.9), RFC 7517, RFC 8017; checked against arweave 1.15.7
 * Invariants  Verifying never throws: what cannot be a key or a signature verifies as false. An RSA signature is as long as its modulus: OpenSSL also
 *             takes one without its leading zeros, which would be a second id for what is signed. Public keys are cached, since importing one
 *             costs a third of verifying with it. Ed25519 and secp256k1 (RFC 6979) sign deterministically. Errors never show key material.
 */
import { constants, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { LRUCache } from 'lru-cache'
import { equalBytes, fromBase64url, toBase64url, toLatin1, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { type Address, addressOfKey } from '../base/ids.ts'
import { PUBLIC_KEY_CACHE_MAX, RSA_MODULUS_BYTES_MAX } from '../base/limits.ts'
import { asOneKey, type EcJwk, type Jwk, keyMismatch, type OkpJwk, parseJwk, type RsaJwk } from './jwk.ts'
import { publicKeyOfSecret, signSecp256k1 } from './secp256k1.ts'

export type KeyKind = 'rsa' | 'secp256k1' | 'ed25519'

export interface SigningKey {
  readonly kind: KeyKind
  /** As Arweave writes it: RSA modulus, secp256k1 compressed point, Ed25519 point. */
  readonly publicKey: Uint8Array
  readonly address: Address
  /** RSA signs in the thread pool. secp256k1 signs SHA-256 of the message. */
  sign(message: Uint8Array): Promise<Uint8Array>
  signSync(message: Uint8Array): Uint8Array
  /** secp256k1 only: r, s and recovery id over a digest of the caller's, such as Ethereum's. */
  signDigestSync?(digest: Uint8Array): Uint8Array
}

/** Arweave signs with SHA-256, HTTP message signatures with SHA-512. */
export type RsaDigest = 'sha256' | 'sha512'

export interface KeyOptions {
  /** Salt of RSA signatures; 32 unless given. With 0 they are deterministic. */
  readonly saltBytes?: number
  /** Digest of RSA signatures and their mask; SHA-256 unless given. */
  readonly digest?: RsaDigest
}

const RSA_EXPONENT = 'AQAB'
const RSA_BITS = 4096
const RSA_SALT_BYTES = 32
const ED25519_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64
/** DER of a SubjectPublicKeyInfo for Ed25519, up to the key itself; cheaper to import than a JWK. */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const publicKeys = new LRUCache<string, KeyObject>({ max: PUBLIC_KEY_CACHE_MAX })

/** Verifies in the thread pool, with whatever salt length the signer chose. */
export async function verifyRsaPss(
  modulus: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  digest: RsaDigest = 'sha256',
): Promise<boolean> {
  if (modulus.length === 0 || modulus.length > RSA_MODULUS_BYTES_MAX || signature.length !== significantBytes(modulus)) return false
  const key = cachedKey('rsa', modulus, importRsa)
  return key === null ? false : verifyInPool(digest, message, key, signature)
}

/** Verifies in the thread pool. */
export async function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false
  const key = cachedKey('ed25519', publicKey, importEd25519)
  return key === null ? false : verifyInPool(null, message, key, signature)
}

export function keccak256(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes)
}

/** A new key; RSA takes some seconds of prime search in the thread pool. */
export async function generateKey(kind: KeyKind): Promise<SigningKey & { readonly jwk: Jwk }> {
  const { privateKey } = await generatePair(kind)
  const jwk = parseJwk(privateKey.export({ format: 'jwk' }))
  return { ...keyFromJwk(jwk), jwk }
}

/** Imports a wallet file. Fails with `request-invalid` unless the private and the public part belong together. */
export function keyFromJwk(value: unknown, options: KeyOptions = {}): SigningKey {
  const jwk = parseJwk(value)
  switch (jwk.kty) {
    case 'RSA':
      return rsaKey(jwk, options)
    case 'EC':
      return secp256k1Key(jwk)
    case 'OKP':
      return ed25519Key(jwk)
  }
}

function significantBytes(number: Uint8Array): number {
  const zeros = number.findIndex((byte) => byte !== 0)
  return zeros === -1 ? 0 : number.length - zeros
}

function generatePair(kind: KeyKind): Promise<{ privateKey: KeyObject }> {
  const generate = promisify(generateKeyPair)
  switch (kind) {
    case 'rsa':
      return generate('rsa', { modulusLength: RSA_BITS, publicExponent: 65537 })
    case 'secp256k1':
      return generate('ec', { namedCurve: 'secp256k1' })
    case 'ed25519':
      return generate('ed25519')
  }
}

function rsaKey(jwk: RsaJwk, { saltBytes: saltLength = RSA_SALT_BYTES, digest = 'sha256' }: KeyOptions): SigningKey {
  const secret = withSalt(importSecret(jwk), saltLength)
  const modulus = fromBase64url(jwk.n)
  const probe = utf8('heddle') // The numbers of a JWK are not checked against each other on import.
  const signature = asOneKey(() => sign(digest, probe, secret))
  if (!verify(digest, probe, importRsa(modulus), signature)) throw keyMismatch()
  return signingKey('rsa', modulus, {
    sign: (message) => inPool((done) => sign(digest, message, secret, done)),
    signSync: (message) => sign(digest, message, secret),
  })
}

function secp256k1Key(jwk: EcJwk): SigningKey {
  const secret = fromBase64url(jwk.d)
  const full = asOneKey(() => publicKeyOfSecret(secret, false))
  if (!equalBytes(full.subarray(1, 33), fromBase64url(jwk.x)) || !equalBytes(full.subarray(33), fromBase64url(jwk.y))) throw keyMismatch()
  const signDigestSync = (digest: Uint8Array): Uint8Array => signSecp256k1(secret, digest)
  const signSync = (message: Uint8Array): Uint8Array => signDigestSync(sha256(message))
  return signingKey('secp256k1', publicKeyOfSecret(secret, true), {
    sign: async (message) => signSync(message),
    signSync,
    signDigestSync,
  })
}

function ed25519Key(jwk: OkpJwk): SigningKey {
  const secret = importSecret(jwk)
  const publicKey = fromBase64url(jwk.x)
  if (createPublicKey(secret).export({ format: 'jwk' }).x !== jwk.x) throw keyMismatch()
  return signingKey('ed25519', publicKey, {
    sign: (message) => inPool((done) => sign(null, message, secret, done)),
    signSync: (message) => sign(null, message, secret),
  })
}

function signingKey(kind: KeyKind, publicKey: Uint8Array, signers: Pick<SigningKey, 'sign' | 'signSync' | 'signDigestSync'>): SigningKey {
  return { kind, publicKey, address: addressOfKey(publicKey), ...signers }
}

function importSecret(jwk: RsaJwk | OkpJwk): KeyObject {
  return asOneKey(() => createPrivateKey({ key: { ...jwk }, format: 'jwk' }))
}

function inPool(start: (done: (error: Error | null, signature: Buffer) => void) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => start((error, signature) => (error === null ? resolve(signature) : reject(error))))
}

/** A worker thread is there to compute, so it verifies at once instead of handing over to the thread pool. */
function verifyInPool(algorithm: RsaDigest | null, message: Uint8Array, key: KeyObject, signature: Uint8Array): Promise<boolean> {
  if (!isMainThread) return Promise.resolve(attemptVerify(() => verify(algorithm, message, key, signature)))
  return new Promise((resolve) => {
    verify(algorithm, message, key, signature, (error, valid) => resolve(error === null && valid))
  })
}

function attemptVerify(work: () => boolean): boolean {
  try {
    return work()
  } catch {
    return false
  }
}

function cachedKey(kind: KeyKind, publicKey: Uint8Array, load: (publicKey: Uint8Array) => KeyObject): KeyObject | null {
  const name = kind + toLatin1(publicKey)
  const known = publicKeys.get(name)
  if (known !== undefined) return known
  try {
    const key = load(publicKey)
    publicKeys.set(name, key)
    return key
  } catch {
    return null
  }
}

function importRsa(modulus: Uint8Array): KeyObject {
  const key = createPublicKey({ key: { kty: 'RSA', n: toBase64url(modulus), e: RSA_EXPONENT }, format: 'jwk' })
  return withSalt(key, constants.RSA_PSS_SALTLEN_AUTO)
}

/** For PSS. As properties of the key, since to find a key within other options costs Node.js 20 µs of the main thread each time. */
function withSalt(key: KeyObject, saltLength: number): KeyObject {
  return Object.assign(key, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

function importEd25519(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([ED25519_SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
}
