import { describe, expect, it } from 'vitest'
import vectors from '../../test/vectors/arweave-keys.json' with { type: 'json' }
import { fromHex, toBase64url, toHex, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { generateKey, type KeyKind, keccak256, keyFromJwk, type SigningKey, verifyEd25519, verifyRsaPss } from './keys.ts'
import { recoverSecp256k1, verifySecp256k1 } from './secp256k1.ts'

const ABC = utf8('abc')
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

function testKey(kind: KeyKind, saltBytes?: number): SigningKey {
  return keyFromJwk(vectors.cases.find((one) => one.kind === kind)!.jwk, saltBytes === undefined ? {} : { saltBytes })
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  return copy
}

describe('vectors', () => {
  for (const vector of vectors.cases) {
    it(vector.name, async () => {
      const key = keyFromJwk(vector.jwk, { saltBytes: 0 })
      expect(key.kind).toBe(vector.kind)
      expect(key.address).toBe(vector.address)
      if (vector.publicKey !== undefined) expect(toHex(key.publicKey)).toBe(vector.publicKey)
      if (vector.publicKeySha256 !== undefined) expect(toHex(sha256(key.publicKey))).toBe(vector.publicKeySha256)
      const signature = await key.sign(ABC)
      expect(signature).toEqual(key.signSync(ABC))
      if (vector.signature !== undefined) expect(toHex(signature)).toBe(vector.signature)
      if (vector.signatureSha256 !== undefined) expect(toBase64url(sha256(signature))).toBe(vector.signatureSha256)
    })
  }

  it('keccak-256 is the padding from before SHA-3', () => {
    expect(toHex(keccak256(utf8('')))).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  })
})

describe('RSA-PSS', () => {
  it('verifies any salt length', async () => {
    for (const saltBytes of [0, 1, 32, 478]) {
      const key = testKey('rsa', saltBytes)
      expect(await verifyRsaPss(key.publicKey, ABC, await key.sign(ABC)), `salt ${saltBytes}`).toBe(true)
    }
  })

  it('signs with a fresh salt unless told otherwise', async () => {
    const key = testKey('rsa')
    expect(await key.sign(ABC)).not.toEqual(await key.sign(ABC))
  })

  it('refuses a changed signature, message or key', async () => {
    const key = testKey('rsa')
    const signature = await key.sign(ABC)
    for (const at of [0, 100, 511]) expect(await verifyRsaPss(key.publicKey, ABC, flipped(signature, at)), `byte ${at}`).toBe(false)
    expect(await verifyRsaPss(key.publicKey, utf8('abd'), signature)).toBe(false)
    expect(await verifyRsaPss(flipped(key.publicKey, 7), ABC, signature)).toBe(false)
  })

  it('refuses a signature without its leading zero, which would be a second one', async () => {
    const key = testKey('rsa', 0)
    const signature = key.signSync(ABC)
    expect(signature[0]).toBe(0)
    expect(await verifyRsaPss(key.publicKey, ABC, signature)).toBe(true)
    expect(await verifyRsaPss(key.publicKey, ABC, signature.subarray(1))).toBe(false)
  })

  it('takes nonsense for false', async () => {
    const key = testKey('rsa')
    for (const modulus of [new Uint8Array(0), new Uint8Array(512), new Uint8Array(513).fill(1), Uint8Array.of(1), Uint8Array.of(0, 3)])
      expect(await verifyRsaPss(modulus, ABC, new Uint8Array(512)), `modulus of ${modulus.length}`).toBe(false)
    for (const size of [0, 511, 513, 100_000])
      expect(await verifyRsaPss(key.publicKey, ABC, new Uint8Array(size)), `signature of ${size}`).toBe(false)
  })
})

describe('Ed25519', () => {
  it('verifies, and refuses a changed byte or size', async () => {
    const key = testKey('ed25519')
    const signature = await key.sign(ABC)
    expect(await verifyEd25519(key.publicKey, ABC, signature)).toBe(true)
    for (let at = 0; at < 64; at += 9) expect(await verifyEd25519(key.publicKey, ABC, flipped(signature, at)), `byte ${at}`).toBe(false)
    expect(await verifyEd25519(key.publicKey, utf8('abd'), signature)).toBe(false)
    expect(await verifyEd25519(key.publicKey.subarray(1), ABC, signature)).toBe(false)
    expect(await verifyEd25519(key.publicKey, ABC, signature.subarray(1))).toBe(false)
  })
})

describe('secp256k1', () => {
  const key = testKey('secp256k1')
  const digest = sha256(ABC)
  const signature = key.signSync(ABC)

  it('verifies and recovers', () => {
    expect(verifySecp256k1(key.publicKey, digest, signature.subarray(0, 64))).toBe(true)
    expect(recoverSecp256k1(digest, signature)).toEqual(Uint8Array.from(key.publicKey))
  })

  it('refuses the same signature with its high s', () => {
    const s = CURVE_ORDER - BigInt(`0x${toHex(signature.subarray(32, 64))}`)
    const high = Uint8Array.from([...signature.subarray(0, 32), ...fromHex(s.toString(16).padStart(64, '0')), signature[64]! ^ 1])
    expect(verifySecp256k1(key.publicKey, digest, high.subarray(0, 64))).toBe(false)
    expect(recoverSecp256k1(digest, high)).toBe(null)
  })

  it('refuses a changed byte', () => {
    for (const at of [0, 31, 32, 63]) {
      expect(verifySecp256k1(key.publicKey, digest, flipped(signature.subarray(0, 64), at)), `byte ${at}`).toBe(false)
      expect(recoverSecp256k1(digest, flipped(signature, at)), `byte ${at}`).not.toEqual(Uint8Array.from(key.publicKey))
    }
  })

  it('takes nonsense for none', () => {
    expect(recoverSecp256k1(digest, new Uint8Array(65))).toBe(null)
    expect(recoverSecp256k1(digest, Uint8Array.from([...signature.subarray(0, 64), 27]))).toBe(null)
    expect(recoverSecp256k1(digest, signature.subarray(1))).toBe(null)
    expect(verifySecp256k1(new Uint8Array(33), digest, signature.subarray(0, 64))).toBe(false)
    expect(verifySecp256k1(key.publicKey, digest, new Uint8Array(64))).toBe(false)
  })
})

describe('key files', () => {
  it('a new key signs, and its file gives the same key', async () => {
    for (const kind of ['secp256k1', 'ed25519'] as const) {
      const key = await generateKey(kind)
      expect(key.kind).toBe(kind)
      expect(keyFromJwk(JSON.parse(JSON.stringify(key.jwk))).address, kind).toBe(key.address)
    }
  })

  const [rsa, ec, okp] = vectors.cases.map((one) => one.jwk as Record<string, string>)
  const bad: [string, unknown, string][] = [
    ['null', null, 'expected a JSON object'],
    ['no kty', {}, 'kty must be'],
    ['a public RSA key', { kty: 'RSA', e: 'AQAB', n: rsa!['n'] }, 'a public key alone cannot sign'],
    ['RSA without its primes', { ...rsa, p: undefined }, 'p must be base64url'],
    ['RSA exponent 3', { ...rsa, e: 'Aw' }, 'must be AQAB'],
    ['short RSA', { ...rsa, n: 'AQAB' }, 'n has 3 bytes'],
    ['RSA with the modulus of another', { ...rsa, n: toBase64url(flipped(testKey('rsa').publicKey, 300)) }, 'do not make up one key'],
    ['another curve', { ...ec, crv: 'P-256' }, 'must be secp256k1'],
    ['EC whose point is not that of its secret', { ...ec, d: okp!['d'] }, 'do not make up one key'],
    ['EC secret zero', { ...ec, d: toBase64url(new Uint8Array(32)) }, 'do not make up one key'],
    ['OKP whose point is not that of its secret', { ...okp, x: ec!['x'] }, 'do not make up one key'],
    ['short OKP', { ...okp, d: 'AQAB' }, 'd has 3 bytes'],
  ]
  for (const [name, jwk, problem] of bad)
    it(`refuses ${name}`, () => {
      expect(() => keyFromJwk(jwk)).toThrow(expect.objectContaining({ code: 'request-invalid', message: expect.stringContaining(problem) }))
    })
})
