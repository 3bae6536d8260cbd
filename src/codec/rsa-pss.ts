/**
 * RSA-PSS by arithmetic alone, for where no other code offers it: WebCrypto verifies one salt length only, one that the verifier must know.
 *
 * Wire        signature = (EM as integer) ^ d mod n, as long as the modulus; EM = maskedDB | H | bc; H = hash(8 zeros | hash(message) | salt);
 *             DB = zeros | 01 | salt, masked with MGF1 of H and the same hash
 * Source      RFC 8017 sections 8.1, 9.1 and appendix B.2.1
 * Invariants  Verifying never throws and takes any salt length. Signing is blinded and checks what it made before it gives it away;
 *             BigInt takes a time that depends on the numbers all the same, so it is the second choice, after WebCrypto.
 */
import { bigEndian, concat, equalBytes, fromBigEndian } from '../base/bytes.ts'
import { sha256, sha512 } from '../base/hash.ts'
import { RSA_MODULUS_BYTES_MAX } from '../base/limits.ts'
import type { RsaDigest } from './keys.ts'

/** The numbers of a private key. */
export interface RsaNumbers {
  readonly n: bigint
  readonly p: bigint
  readonly q: bigint
  readonly d: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qi: bigint
}

const E = 65537n
const TRAILER = 0xbc
const ZEROS = new Uint8Array(8)
const WINDOW_BITS = 4

/** Is this a signature of the message by the key with this modulus and e = 65537? */
export function verifyPss(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array, digest: RsaDigest): boolean {
  if (modulus.length === 0 || modulus.length > RSA_MODULUS_BYTES_MAX || signature.length > RSA_MODULUS_BYTES_MAX) return false
  const n = fromBigEndian(modulus)
  const bits = bitLength(n)
  const s = fromBigEndian(signature)
  if (n % 2n === 0n || signature.length !== Math.ceil(bits / 8) || s >= n) return false
  const encodedBytes = Math.ceil((bits - 1) / 8)
  const encoded = power(s, E, n)
  if (bitLength(encoded) > 8 * encodedBytes) return false
  return isEncodingOf(message, bigEndian(encoded, encodedBytes), bits - 1, digest)
}

export function signPss(key: RsaNumbers, message: Uint8Array, salt: Uint8Array, digest: RsaDigest): Uint8Array {
  const bits = bitLength(key.n)
  const value = fromBigEndian(encode(message, salt, bits - 1, digest))
  const blind = randomBelow(key.n)
  const blinded = (value * power(blind, E, key.n)) % key.n
  const signature = (powerOfPrimes(key, blinded) * inverse(blind, key.n)) % key.n
  if (power(signature, E, key.n) !== value) throw new Error('an RSA signature came out wrong; nothing was given away')
  return bigEndian(signature, Math.ceil(bits / 8))
}

/** The longest salt that fits. */
export function saltBytesMax(modulusBits: number, digest: RsaDigest): number {
  return Math.ceil((modulusBits - 1) / 8) - digestBytes(digest) - 2
}

/** Do these make up one key? */
export function isOneKey({ n, p, q, d, dp, dq, qi }: RsaNumbers): boolean {
  if (p <= 2n || q <= 2n || p * q !== n) return false
  if ((E * d) % (p - 1n) !== 1n || (E * d) % (q - 1n) !== 1n) return false
  return d % (p - 1n) === dp && d % (q - 1n) === dq && (q * qi) % p === 1n
}

export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}

function isEncodingOf(message: Uint8Array, encoded: Uint8Array, bits: number, digest: RsaDigest): boolean {
  const hashBytes = digestBytes(digest)
  const dbBytes = encoded.length - hashBytes - 1
  if (dbBytes < 1 || encoded[encoded.length - 1] !== TRAILER || encoded[0]! & ~firstByteMask(encoded.length, bits)) return false
  const hash = encoded.subarray(dbBytes, dbBytes + hashBytes)
  const db = masked(encoded.subarray(0, dbBytes), hash, digest)
  db[0]! &= firstByteMask(encoded.length, bits)
  const mark = db.findIndex((byte) => byte !== 0)
  if (mark === -1 || db[mark] !== 1) return false
  return equalBytes(hash, hashOf(concat([ZEROS, hashOf(message, digest), db.subarray(mark + 1)]), digest))
}

function encode(message: Uint8Array, salt: Uint8Array, bits: number, digest: RsaDigest): Uint8Array {
  const size = Math.ceil(bits / 8)
  const dbBytes = size - digestBytes(digest) - 1
  if (salt.length > dbBytes - 1) throw new RangeError(`a salt of ${salt.length} bytes does not fit; at most ${dbBytes - 1} do`)
  const hash = hashOf(concat([ZEROS, hashOf(message, digest), salt]), digest)
  const db = concat([new Uint8Array(dbBytes - salt.length - 1), Uint8Array.of(1), salt])
  const maskedDb = masked(db, hash, digest)
  maskedDb[0]! &= firstByteMask(size, bits)
  return concat([maskedDb, hash, Uint8Array.of(TRAILER)])
}

/** The bits of the first byte that an encoding of so many bits may use. */
function firstByteMask(size: number, bits: number): number {
  return 0xff >> (8 * size - bits)
}

/** XOR with MGF1 of the seed. */
function masked(bytes: Uint8Array, seed: Uint8Array, digest: RsaDigest): Uint8Array {
  const out = new Uint8Array(bytes.length)
  let block = new Uint8Array(0)
  for (let i = 0; i < bytes.length; i++) {
    const at = i % digestBytes(digest)
    if (at === 0) block = Uint8Array.from(hashOf(concat([seed, bigEndian(i / digestBytes(digest), 4)]), digest))
    out[i] = bytes[i]! ^ block[at]!
  }
  return out
}

function hashOf(bytes: Uint8Array, digest: RsaDigest): Uint8Array {
  return digest === 'sha256' ? sha256(bytes) : sha512(bytes)
}

function digestBytes(digest: RsaDigest): number {
  return digest === 'sha256' ? 32 : 64
}

/** By the Chinese remainder theorem: four times as fast as with d. */
function powerOfPrimes({ p, q, dp, dq, qi }: RsaNumbers, value: bigint): bigint {
  const byQ = power(value % q, dq, q)
  const difference = (((power(value % p, dp, p) - byQ) % p) + p) % p
  return byQ + q * ((difference * qi) % p)
}

/** base ^ exponent mod modulus, four bits of the exponent at a time. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  if (exponent === E) return powerE(base, modulus)
  const table = [1n]
  for (let i = 1; i < 1 << WINDOW_BITS; i++) table.push((table[i - 1]! * base) % modulus)
  let result = 1n
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < WINDOW_BITS; i++) result = (result * result) % modulus
    result = (result * table[Number.parseInt(digit, 16)]!) % modulus
  }
  return result
}

/** e has two bits set only. */
function powerE(base: bigint, modulus: bigint): bigint {
  let result = base % modulus
  for (let i = 0; i < 16; i++) result = (result * result) % modulus
  return (result * base) % modulus
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (a > 1n && b > 0n) {
    const times = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - times * y]
  }
  return ((x % modulus) + modulus) % modulus
}

/** With 128 bits to spare, so that taking the rest favours nothing. */
function randomBelow(max: bigint): bigint {
  return (fromBigEndian(crypto.getRandomValues(new Uint8Array(Math.ceil(bitLength(max) / 8) + 16))) % (max - 2n)) + 2n
}
