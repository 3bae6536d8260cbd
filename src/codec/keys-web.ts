/**
 * `keys.ts` for browsers: the same functions and types.
 *
 * RSA signs with WebCrypto, where the page may use it (https or localhost), else by arithmetic; everything else is JavaScript throughout, so that
 * any salt length verifies, and so that answers do not depend on the browser.
 * Invariants  What verifies here verifies in Node.js, and the other way round (test/codec-twins.test.ts).
 */
import type { webcrypto } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, equalBytes, fromBase64url, fromBigEndian, toBase64url } from '../base/bytes-web.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256, sha512 } from '../base/hash-web.ts'
import { addressOfKey } from '../base/ids.ts'
import { isSmallOrderKey } from './ed25519-points.ts'
import { asOneKey, type EcJwk, type Jwk, keyMismatch, type OkpJwk, parseJwk, type RsaJwk } from './jwk.ts'
import type { KeyKind, KeyOptions, RsaDigest, SigningKey } from './keys.ts'
import { bitLength, isOneKey, type RsaNumbers, saltBytesMax, signPss, verifyPss } from './rsa-pss.ts'
import { convertKey, publicKeyOfSecret, signSecp256k1 } from './secp256k1-web.ts'

export type { KeyKind, KeyOptions, RsaDigest, SigningKey } from './keys.ts'

const RSA_BITS = 4096
const RSA_SALT_BYTES = 32
const ED25519_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64
const WEB_DIGEST = { sha256: 'SHA-256', sha512: 'SHA-512' } as const

export async function verifyRsaPss(
  modulus: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  digest: RsaDigest = 'sha256',
): Promise<boolean> {
  return verifyPss(modulus, message, signature, digest)
}

export async function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES || isSmallOrderKey(publicKey)) return false
  try {
    return isSignedByPoint(publicKey, message, signature)
  } catch {
    return false // Not a point, or not a scalar.
  }
}

export function keccak256(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes)
}

export async function generateKey(kind: KeyKind): Promise<SigningKey & { readonly jwk: Jwk }> {
  const jwk = parseJwk(await generateJwk(kind))
  return { ...keyFromJwk(jwk), jwk }
}

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

/** Without the cofactor, comparing the bytes of R: as OpenSSL does, where libraries differ on keys that were made to make them differ. */
function isSignedByPoint(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519
  const order = Point.Fn.ORDER
  const s = littleEndian(signature.subarray(32))
  if (s >= order) return false
  const k = littleEndian(sha512(concat([signature.subarray(0, 32), publicKey, message]))) % order
  const r = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey, true).multiplyUnsafe(k))
  return equalBytes(r.toBytes(), signature.subarray(0, 32))
}

function littleEndian(bytes: Uint8Array): bigint {
  return fromBigEndian(bytes.toReversed())
}

async function generateJwk(kind: KeyKind): Promise<unknown> {
  switch (kind) {
    case 'rsa': {
      const algorithm = { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: RSA_BITS, publicExponent: Uint8Array.of(1, 0, 1) }
      const subtle = webCrypto()
      if (subtle === undefined) throw noWebCrypto()
      const { privateKey } = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
      return subtle.exportKey('jwk', privateKey)
    }
    case 'secp256k1': {
      const secret = secp256k1.utils.randomSecretKey()
      const [x, y] = coordinates(publicKeyOfSecret(secret, true))
      return { kty: 'EC', crv: 'secp256k1', x: toBase64url(x), y: toBase64url(y), d: toBase64url(secret) }
    }
    case 'ed25519': {
      const secret = ed25519.utils.randomSecretKey()
      return { kty: 'OKP', crv: 'Ed25519', x: toBase64url(ed25519.getPublicKey(secret)), d: toBase64url(secret) }
    }
  }
}

function rsaKey(jwk: RsaJwk, { saltBytes = RSA_SALT_BYTES, digest = 'sha256' }: KeyOptions): SigningKey {
  const modulus = fromBase64url(jwk.n)
  const numbers = numbersOf(jwk)
  if (!isOneKey(numbers) || saltBytes > saltBytesMax(bitLength(numbers.n), digest)) throw keyMismatch()
  const signSync = (message: Uint8Array): Uint8Array => signPss(numbers, message, crypto.getRandomValues(new Uint8Array(saltBytes)), digest)
  let imported: Promise<webcrypto.CryptoKey> | null = null
  return signingKey('rsa', modulus, {
    signSync,
    async sign(message) {
      const subtle = webCrypto()
      if (subtle === undefined) return signSync(message)
      imported ??= subtle.importKey('jwk', { ...jwk }, { name: 'RSA-PSS', hash: WEB_DIGEST[digest] }, false, ['sign'])
      const bytes = message as Uint8Array<ArrayBuffer>
      return new Uint8Array(await subtle.sign({ name: 'RSA-PSS', saltLength: saltBytes }, await imported, bytes))
    },
  })
}

function numbersOf(jwk: RsaJwk): RsaNumbers {
  const number = (text: string): bigint => fromBigEndian(fromBase64url(text))
  return {
    n: number(jwk.n),
    p: number(jwk.p),
    q: number(jwk.q),
    d: number(jwk.d),
    dp: number(jwk.dp),
    dq: number(jwk.dq),
    qi: number(jwk.qi),
  }
}

function secp256k1Key(jwk: EcJwk): SigningKey {
  const secret = fromBase64url(jwk.d)
  const publicKey = asOneKey(() => publicKeyOfSecret(secret, true))
  const [x, y] = coordinates(publicKey)
  if (toBase64url(x) !== jwk.x || toBase64url(y) !== jwk.y) throw keyMismatch()
  const signDigestSync = (digest: Uint8Array): Uint8Array => signSecp256k1(secret, digest)
  const signSync = (message: Uint8Array): Uint8Array => signDigestSync(sha256(message))
  return signingKey('secp256k1', publicKey, { sign: async (message) => signSync(message), signSync, signDigestSync })
}

function coordinates(publicKey: Uint8Array): [Uint8Array, Uint8Array] {
  const full = convertKey(publicKey, false)
  return [full.subarray(1, 33), full.subarray(33)]
}

function ed25519Key(jwk: OkpJwk): SigningKey {
  const secret = fromBase64url(jwk.d)
  const publicKey = fromBase64url(jwk.x)
  if (!equalBytes(ed25519.getPublicKey(secret), publicKey)) throw keyMismatch()
  const signSync = (message: Uint8Array): Uint8Array => ed25519.sign(message, secret)
  return signingKey('ed25519', publicKey, { sign: async (message) => signSync(message), signSync })
}

function signingKey(kind: KeyKind, publicKey: Uint8Array, signers: Pick<SigningKey, 'sign' | 'signSync' | 'signDigestSync'>): SigningKey {
  return { kind, publicKey, address: addressOfKey(publicKey), ...signers }
}

/** Only pages of https and localhost have it. */
function webCrypto(): webcrypto.SubtleCrypto | undefined {
  return (crypto as { readonly subtle?: webcrypto.SubtleCrypto }).subtle
}

function noWebCrypto(): HeddleError<'request-invalid'> {
  const message =
    'RSA keys are made by WebCrypto, which this page may not use; serve it over https or from localhost, or take another kind of key'
  return new HeddleError('request-invalid', { field: 'kind' }, message)
}
