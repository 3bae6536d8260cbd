/** The files that browsers get in place of those on Buffer and node:crypto: the same exports, the same answers, each other's signatures. */
import { constants as crypto, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as nodeBytes from '../src/base/bytes.ts'
import * as webBytes from '../src/base/bytes-web.ts'
import * as nodeHash from '../src/base/hash.ts'
import * as webHash from '../src/base/hash-web.ts'
import * as keysNode from '../src/codec/keys.ts'
import * as keysWeb from '../src/codec/keys-web.ts'
import { bitLength, isOneKey, saltBytesMax, signPss, verifyPss } from '../src/codec/rsa-pss.ts'
import * as curveNode from '../src/codec/secp256k1.ts'
import * as curveWeb from '../src/codec/secp256k1-web.ts'
import vectors from './vectors/arweave-keys.json' with { type: 'json' }
import { webTwins } from './web-twins.ts'

/** Objects, whose members can be named by a variable. */
const bytesNode = { ...nodeBytes }
const bytesWeb = { ...webBytes }
const hashNode = { ...nodeHash }
const hashWeb = { ...webHash }
const ROOT = join(import.meta.dirname, '..')
const NODE_ONLY = ['asBuffer']
const { utf8, toHex, fromHex } = bytesNode
const ABC = utf8('abc')
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const bytes = fc.uint8Array({ maxLength: 300 })
const exactBytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size })
const text = fc.string({ unit: 'binary', maxLength: 100 })
/** Near every alphabet that is decoded here, so that half of it is right. */
const digits = fc.string({ unit: fc.constantFrom(...'ABZaz019+/-_=', 'é'), maxLength: 20 })

/** What a function gives, or the code and message of what it throws; bytes as plain Uint8Array. */
function outcome(work: () => unknown): unknown {
  try {
    const value = work()
    return value instanceof Uint8Array ? Uint8Array.from(value) : value
  } catch (error) {
    return { code: (error as { code?: string }).code, message: (error as Error).message }
  }
}

function same<A extends unknown[]>(arbitrary: fc.Arbitrary<A>, ...twins: readonly ((...input: A) => unknown)[]): void {
  fc.assert(
    fc.property(arbitrary, (input) => {
      const [node, web] = twins.map((twin) => outcome(() => twin(...input)))
      expect(web).toEqual(node)
    }),
  )
}

function jwkOf(kind: keysNode.KeyKind): Record<string, string> {
  return vectors.cases.find((one) => one.kind === kind)!.jwk as unknown as Record<string, string>
}

const numbers = (jwk: Record<string, string>): Parameters<typeof isOneKey>[0] => {
  const [n, p, q, d, dp, dq, qi] = ['n', 'p', 'q', 'd', 'dp', 'dq', 'qi'].map((name) =>
    bytesNode.fromBigEndian(bytesNode.fromBase64url(jwk[name]!)),
  ) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint]
  return { n, p, q, d, dp, dq, qi }
}

describe('twins', () => {
  it('export the same, but for what only Node.js has', () => {
    const pairs = { bytes: [bytesNode, bytesWeb], hash: [hashNode, hashWeb], keys: [keysNode, keysWeb], secp256k1: [curveNode, curveWeb] }
    for (const [name, [node, web]] of Object.entries(pairs))
      expect(Object.keys(web!).sort(), name).toEqual(
        Object.keys(node!)
          .filter((key) => !NODE_ONLY.includes(key))
          .sort(),
      )
    expect([...webTwins().keys()].map((file) => relative(ROOT, file))).toEqual(
      ['src/base/bytes.ts', 'src/base/hash.ts', 'src/codec/keys.ts', 'src/codec/secp256k1.ts'].map((file) => join(...file.split('/'))),
    )
  })

  it('stand for all that is of Node.js alone in what the library imports', () => {
    const twins = webTwins()
    const seen = new Set<string>()
    const found: string[] = []
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      const source = readFileSync(file, 'utf8')
      const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replace(/^import type .*/gm, '')
      for (const [what] of code.matchAll(/'node:[^']+'|\bBuffer\b|\bprocess\.|'lru-cache'|\bsetImmediate\b/g))
        found.push(`${relative(ROOT, file)}: ${what}; write a twin or use base/bytes.ts, base/hash.ts, codec/keys.ts`)
      for (const [, typed, target = ''] of source.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?\bfrom '(\.[^']+)'/gm)) {
        const path = resolve(dirname(file), target)
        if (typed === undefined) visit(twins.get(path) ?? path)
      }
    }
    const library = join(ROOT, 'src/codec/message')
    visit(join(ROOT, 'src/codec/index.ts'))
    for (const name of readdirSync(library)) if (!name.endsWith('.test.ts')) visit(join(library, name))
    expect(seen.size).toBeGreaterThan(20)
    expect(found).toEqual([])
  })
})

describe('bytes', () => {
  it('base64, base64url and hex, strict where they are strict', () => {
    for (const name of [
      'toBase64url',
      'toBase64',
      'toHex',
      'toLatin1',
      'toText',
      'toTextLossy',
      'toTextStrict',
      'toAsciiText',
      'fromBigEndian',
    ] as const)
      same(fc.tuple(bytes), bytesNode[name], bytesWeb[name])
    for (const name of ['fromBase64url', 'fromAnyBase64', 'fromHex', 'fromLatin1', 'utf8'] as const) {
      same(fc.tuple(digits), bytesNode[name], bytesWeb[name])
      same(fc.tuple(text), bytesNode[name], bytesWeb[name])
      same(fc.tuple(bytes.map(bytesNode.toBase64url)), bytesNode[name], bytesWeb[name])
      same(fc.tuple(bytes.map(bytesNode.toBase64)), bytesNode[name], bytesWeb[name])
      same(fc.tuple(bytes.map(toHex)), bytesNode[name], bytesWeb[name])
    }
  })

  it('lengths that take more than one call', () => {
    const long = Uint8Array.from({ length: 100_001 }, (_, i) => (i * 7) & 255)
    for (const name of ['toBase64url', 'toBase64', 'toHex', 'toLatin1'] as const) expect(bytesWeb[name](long)).toBe(bytesNode[name](long))
    expect(bytesWeb.fromBase64url(bytesNode.toBase64url(long))).toEqual(long)
    expect(bytesWeb.fromLatin1(bytesNode.toLatin1(long))).toEqual(long)
  })

  it('text with a byte order mark', () => {
    const marked = Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)
    for (const name of ['toText', 'toTextLossy', 'toTextStrict'] as const)
      expect(bytesWeb[name](marked), name).toBe(bytesNode[name](marked))
  })

  it('order, equality and joining', () => {
    const near = fc.array(fc.constantFrom(0, 1, 255), { maxLength: 4 }).map((list) => Uint8Array.from(list))
    same(fc.tuple(near, near), bytesNode.compareBytes, bytesWeb.compareBytes)
    same(fc.tuple(near, near), bytesNode.equalBytes, bytesWeb.equalBytes)
    same(fc.tuple(fc.array(bytes)), bytesNode.concat, bytesWeb.concat)
  })

  it('numbers', () => {
    same(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.nat(10)), bytesNode.bigEndian, bytesWeb.bigEndian)
    same(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 70n })), bytesNode.minimalBigEndian, bytesWeb.minimalBigEndian)
    same(fc.tuple(text), bytesNode.clip, bytesWeb.clip)
  })
})

describe('hashes', () => {
  it('SHA-256, SHA-384 and HMAC', () => {
    for (const name of ['sha256', 'sha256Text', 'sha384', 'sha512'] as const) same(fc.tuple(bytes), hashNode[name], hashWeb[name])
    same(fc.tuple(fc.array(bytes, { maxLength: 3 })), hashNode.sha256OfHashes, hashWeb.sha256OfHashes)
    same(fc.tuple(bytes, fc.oneof(bytes, text)), hashNode.hmacSha256, hashWeb.hmacSha256)
    const long = fc
      .constantFrom(16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000)
      .map((size) => 'é'.repeat(size >> 1) + 'x'.repeat(size & 1))
    same(fc.tuple(bytes, long), hashNode.hmacSha256, hashWeb.hmacSha256)
    same(fc.tuple(bytes, long.map(utf8)), hashNode.hmacSha256, hashWeb.hmacSha256)
    for (const hash of [hashNode, hashWeb]) {
      const ascii = utf8('constant:ao')
      same(
        fc.tuple(fc.oneof(bytes, text, long)),
        (message) => bytesNode.toBase64url(hashNode.hmacSha256(ascii, message)),
        hash.hmacSha256Of(ascii),
      )
    }
  })

  it('in pieces and in chains', () => {
    same(
      fc.tuple(fc.array(bytes)),
      ...[hashNode, hashWeb].map(({ createSha256, createSha384 }) => (pieces: readonly Uint8Array[]) => {
        const running = [createSha256(), createSha384()]
        for (const piece of pieces) for (const one of running) one.update(piece)
        return bytesNode.concat(running.map((one) => one.digest()))
      }),
    )
    same(
      fc.tuple(fc.oneof(bytes, text), exactBytes(48)),
      ...[hashNode, hashWeb].map(
        (hash) => (content: Uint8Array | string, digest: Uint8Array) =>
          hash.chainBytes(hash.chainPair(hash.chainPair(hash.chainStart(content), hash.chainOf(digest)), hash.chainStart(''))),
      ),
    )
  })

  it('keccak-256', () => same(fc.tuple(bytes), keysNode.keccak256, keysWeb.keccak256))
})

describe('RSA-PSS', () => {
  const jwk = jwkOf('rsa')
  const max = { sha256: 478, sha512: 446 }

  for (const digest of ['sha256', 'sha512'] as const)
    it(`${digest}: each verifies what the other signed, with any salt`, async () => {
      for (const saltBytes of [0, 1, 20, 32, 64, max[digest]]) {
        const node = keysNode.keyFromJwk(jwk, { saltBytes, digest })
        const web = keysWeb.keyFromJwk(jwk, { saltBytes, digest })
        const signatures = [node.signSync(ABC), web.signSync(ABC), await web.sign(ABC)]
        for (const [i, signature] of signatures.entries()) {
          expect(await keysNode.verifyRsaPss(node.publicKey, ABC, signature, digest), `salt ${saltBytes}, ${i} in Node.js`).toBe(true)
          expect(await keysWeb.verifyRsaPss(node.publicKey, ABC, signature, digest), `salt ${saltBytes}, ${i} in browsers`).toBe(true)
          const other = digest === 'sha256' ? 'sha512' : 'sha256'
          expect(await keysWeb.verifyRsaPss(node.publicKey, ABC, signature, other), `salt ${saltBytes}, ${i}, other digest`).toBe(false)
        }
        if (saltBytes === 0) expect(signatures.map(toHex)).toEqual(Array(3).fill(toHex(signatures[0]!)))
      }
      expect(max[digest]).toBe(saltBytesMax(4096, digest))
      expect(() => keysWeb.keyFromJwk(jwk, { saltBytes: max[digest] + 1, digest })).toThrow(
        expect.objectContaining({ code: 'request-invalid' }),
      )
    })

  it('modulus sizes that leave bits or a byte over', async () => {
    for (const modulusLength of [1024, 1025, 1030, 1031]) {
      const { key, modulus } = smallKey(modulusLength)
      const signature = sign('sha256', ABC, { key, padding: crypto.RSA_PKCS1_PSS_PADDING, saltLength: 20 })
      expect(await keysNode.verifyRsaPss(modulus, ABC, signature), `${modulusLength} in Node.js`).toBe(true)
      expect(await keysWeb.verifyRsaPss(modulus, ABC, signature), `${modulusLength} in browsers`).toBe(true)
      const own = signPss(numbers(key.export({ format: 'jwk' }) as Record<string, string>), ABC, new Uint8Array(20), 'sha256')
      expect(await keysNode.verifyRsaPss(modulus, ABC, own), `${modulusLength} of ours in Node.js`).toBe(true)
    }
  })

  it('neither takes what was changed, padded, or is out of range', async () => {
    const { publicKey, signSync } = keysNode.keyFromJwk(jwk, { saltBytes: 0 })
    const good = signSync(ABC)
    const n = bytesNode.fromBigEndian(publicKey)
    const bad = [
      ...[0, 100, 400, 511].map((at) => good.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      Uint8Array.from([0, ...good]),
      good.subarray(1),
      new Uint8Array(512),
      new Uint8Array(512).fill(255),
      bytesNode.bigEndian(n - 1n, 512),
      bytesNode.bigEndian(1n, 512),
    ]
    for (const [i, signature] of bad.entries())
      for (const { verifyRsaPss } of [keysNode, keysWeb]) expect(await verifyRsaPss(publicKey, ABC, signature), `case ${i}`).toBe(false)
    const beyond = bytesNode.fromBigEndian(good) + n
    expect(bitLength(beyond)).toBe(4096) // Without salt always the same signature, and one that leaves room.
    expect(verifyPss(publicKey, ABC, bytesNode.bigEndian(beyond, 512), 'sha256')).toBe(false)
  })

  it('a changed encoding is refused where it must be', async () => {
    // With a known key any encoding can be signed: one byte of it wrong at a time.
    const { n, d } = numbers(jwk)
    const power = (base: bigint, exponent: bigint): bigint => {
      let result = 1n
      for (const bit of exponent.toString(2)) result = (((result * result) % n) * (bit === '1' ? base : 1n)) % n
      return result
    }
    const modulus = bytesNode.fromBase64url(jwk['n']!)
    const encoding = bytesNode.bigEndian(
      power(bytesNode.fromBigEndian(keysNode.keyFromJwk(jwk, { saltBytes: 20 }).signSync(ABC)), 65537n),
      512,
    )
    for (const [at, bit] of [
      [0, 0x80],
      [0, 1],
      [5, 1],
      [511 - 32 - 22, 1],
      [511 - 32 - 21, 1],
      [511 - 32, 1],
      [511, 1],
    ] as const) {
      const changed = encoding.map((byte, i) => (i === at ? byte ^ bit : byte))
      const value = bytesNode.fromBigEndian(changed)
      if (value >= n) continue
      const signature = bytesNode.bigEndian(power(value, d), 512)
      for (const { verifyRsaPss } of [keysNode, keysWeb]) expect(await verifyRsaPss(modulus, ABC, signature), `byte ${at}`).toBe(false)
    }
  })

  it('numbers that are not of one key', () => {
    const good = numbers(jwk)
    expect(isOneKey(good)).toBe(true)
    for (const name of ['n', 'p', 'q', 'd', 'dp', 'dq', 'qi'] as const)
      expect(isOneKey({ ...good, [name]: good[name] + 2n }), name).toBe(false)
  })

  it('a new key serves both', async () => {
    const key = await keysWeb.generateKey('rsa')
    const other = keysNode.keyFromJwk(JSON.parse(JSON.stringify(key.jwk)))
    expect(other.address).toBe(key.address)
    expect(await keysWeb.verifyRsaPss(other.publicKey, ABC, await other.sign(ABC))).toBe(true)
  })

  it('signs without WebCrypto, as a page that is not secure has none', async () => {
    const key = keysWeb.keyFromJwk(jwk, { saltBytes: 64, digest: 'sha512' })
    const { subtle } = globalThis.crypto
    Object.defineProperty(globalThis.crypto, 'subtle', { value: undefined, configurable: true })
    try {
      expect(await keysNode.verifyRsaPss(key.publicKey, ABC, await key.sign(ABC), 'sha512')).toBe(true)
      await expect(keysWeb.generateKey('rsa')).rejects.toMatchObject({ code: 'request-invalid', message: expect.stringContaining('https') })
    } finally {
      Object.defineProperty(globalThis.crypto, 'subtle', { value: subtle, configurable: true })
    }
  })
})

describe('Ed25519', () => {
  const [node, web] = [keysNode.keyFromJwk(jwkOf('ed25519')), keysWeb.keyFromJwk(jwkOf('ed25519'))]

  it('signs and verifies the same', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (message) => {
        const signature = web.signSync(message)
        expect(toHex(signature)).toBe(toHex(node.signSync(message)))
        for (const { verifyEd25519 } of [keysNode, keysWeb]) expect(await verifyEd25519(node.publicKey, message, signature)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('answers the same to what is not a signature', async () => {
    const signature = node.signSync(ABC)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const littleEndian = (value: bigint): Uint8Array => bytesNode.bigEndian(value, 32).toReversed()
    const s = bytesNode.fromBigEndian(signature.slice(32).reverse())
    const cases: [Uint8Array, Uint8Array][] = [
      ...[0, 31, 32, 63].map((at): [Uint8Array, Uint8Array] => [node.publicKey, signature.map((byte, i) => (i === at ? byte ^ 1 : byte))]),
      [node.publicKey, bytesNode.concat([signature.subarray(0, 32), littleEndian(s + order)])],
      [node.publicKey, new Uint8Array(64)],
      [new Uint8Array(32), new Uint8Array(64)],
      [Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(64)],
      [new Uint8Array(32).fill(255), signature],
      [fromHex('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'), signature],
      [node.publicKey.subarray(1), signature],
      [node.publicKey, signature.subarray(1)],
    ]
    for (const [i, [publicKey, bad]] of cases.entries())
      for (const { verifyEd25519 } of [keysNode, keysWeb]) expect(await verifyEd25519(publicKey, ABC, bad), `case ${i}`).toBe(false)
  })
})

describe('secp256k1', () => {
  const [node, web] = [keysNode.keyFromJwk(jwkOf('secp256k1')), keysWeb.keyFromJwk(jwkOf('secp256k1'))]

  it('signs and recovers the same', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (message, isCompressed) => {
        const digest = hashNode.sha256(message)
        const signature = web.signDigestSync!(digest)
        expect(toHex(signature)).toBe(toHex(node.signDigestSync!(digest)))
        expect(toHex(web.signSync(message))).toBe(toHex(signature))
        const recovered = curveWeb.recoverSecp256k1(digest, signature, isCompressed)!
        expect(toHex(recovered)).toBe(toHex(curveNode.recoverSecp256k1(digest, signature, isCompressed)!))
        expect(curveWeb.verifySecp256k1(recovered, digest, signature.subarray(0, 64))).toBe(true)
      }),
      { numRuns: 20 },
    )
    expect(web.publicKey).toEqual(Uint8Array.from(node.publicKey))
  })

  it('answers the same to what is not a signature', () => {
    const digest = hashNode.sha256(ABC)
    const good = node.signDigestSync!(digest)
    const s = CURVE_ORDER - bytesNode.fromBigEndian(good.subarray(32, 64))
    const cases = [
      ...[0, 31, 32, 63].map((at) => good.map((byte, i) => (i === at ? byte ^ 1 : byte))),
      ...[1, 2, 3, 4, 27, 255].map((id) => Uint8Array.from([...good.subarray(0, 64), id])),
      Uint8Array.from([...good.subarray(0, 32), ...bytesNode.bigEndian(s, 32), good[64]! ^ 1]),
      Uint8Array.from([...new Uint8Array(32), ...good.subarray(32)]),
      Uint8Array.from([...good.subarray(0, 32), ...new Uint8Array(32), good[64]!]),
      Uint8Array.from([...bytesNode.bigEndian(CURVE_ORDER, 32), ...good.subarray(32)]),
      new Uint8Array(65),
      good.subarray(1),
    ]
    for (const [i, signature] of cases.entries()) {
      expect(
        outcome(() => curveWeb.recoverSecp256k1(digest, signature)),
        `recover, case ${i}`,
      ).toEqual(outcome(() => curveNode.recoverSecp256k1(digest, signature)))
      const rs = signature.subarray(0, 64)
      expect(curveWeb.verifySecp256k1(web.publicKey, digest, rs), `verify, case ${i}`).toBe(
        curveNode.verifySecp256k1(web.publicKey, digest, rs),
      )
    }
    for (const { recoverSecp256k1, verifySecp256k1 } of [curveNode, curveWeb]) {
      expect(recoverSecp256k1(digest.subarray(1), good)).toBe(null)
      expect(verifySecp256k1(web.publicKey, digest.subarray(1), good.subarray(0, 64))).toBe(false)
      expect(verifySecp256k1(new Uint8Array(33), digest, good.subarray(0, 64))).toBe(false)
    }
  })

  it('converts keys', () => {
    for (const isCompressed of [true, false])
      expect(curveWeb.convertKey(web.publicKey, isCompressed)).toEqual(Uint8Array.from(curveNode.convertKey(web.publicKey, isCompressed)))
    for (const { convertKey, publicKeyOfSecret } of [curveNode, curveWeb]) {
      expect(() => convertKey(new Uint8Array(33), true)).toThrow()
      expect(() => publicKeyOfSecret(new Uint8Array(32), true)).toThrow()
    }
  })
})

function smallKey(modulusLength: number): { key: KeyObject; modulus: Uint8Array } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength })
  const { n } = privateKey.export({ format: 'jwk' })
  return { key: privateKey, modulus: bytesNode.fromBase64url(n!) }
}
