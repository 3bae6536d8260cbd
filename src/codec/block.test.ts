import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import keyVectors from '../../test/vectors/arweave-keys.json' with { type: 'json' }
import { EMPTY, fromBase64url, toBase64url, toHex, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256, sha384 } from '../base/hash.ts'
import { bytesToAddress, bytesToBlockHash, bytesToId } from '../base/ids.ts'
import { type Block, blockHash, hasHonestMints, mintsTag, signBlock, signedHash, type UnsignedBlock, verifyBlock } from './block.ts'
import { blockToJson, parseBlockJson } from './block-json.ts'
import { keyFromJwk } from './keys.ts'

const z32 = sha256(utf8('z'))
const z48 = sha384(utf8('z'))
const noProof = { txPath: EMPTY, dataPath: EMPTY, chunk: EMPTY, unpackedChunk: EMPTY }

const vector: UnsignedBlock & { signature: Uint8Array } = {
  nonce: 7n,
  previousBlock: bytesToBlockHash(z48),
  timestampS: 1700000000,
  lastRetargetS: 1699999000,
  diff: 2n ** 256n - 1000n,
  height: 2000000,
  hash: z32,
  txs: ['tx-a', 'tx-b'].map((name) => bytesToId(sha256(utf8(name)))),
  txRoot: fromBase64url('XYRXX2djHYvDBgObk3ZTfuMNfg2YLXQX22Ce7juksK4'),
  walletList: fromBase64url('iAiYpI7kc09LX0Lw9WoXiptXE_vlzaN8IDa59R0C4Sl9CqcVsHaqWkBZwLc6aABN'),
  rewardAddress: bytesToAddress(sha256(utf8('addr1'))),
  tags: [],
  rewardPoolWinston: 123456789n,
  weaveBytes: 1048576n,
  blockBytes: 524288n,
  cumulativeDiff: 1000n,
  hashListMerkle: z48,
  poa: { ...noProof, txPath: utf8('tp'), dataPath: utf8('dp') },
  poa2: noProof,
  usdToArRate: { numerator: 1n, denominator: 5n },
  scheduledUsdToArRate: { numerator: 1n, denominator: 5n },
  packing25Threshold: 0n,
  strictDataSplitThreshold: 0n,
  hashPreimage: z32,
  recallByte: 262143n,
  recallByte2: null,
  rewardWinston: 42n,
  previousSolutionHash: z32,
  partitionNumber: 0,
  nonceLimiter: {
    output: z32,
    globalStepNumber: 5,
    seed: z48,
    nextSeed: z48,
    zoneUpperBound: 524288,
    nextZoneUpperBound: 524288,
    prevOutput: z32,
    lastStepCheckpoints: [z32],
    steps: [z32],
    vdfDifficulty: 600000n,
    nextVdfDifficulty: 600000n,
  },
  rewardKey: Uint8Array.from([...new Uint8Array(32), 2]),
  pricePerGibMinuteWinston: 340n,
  scheduledPricePerGibMinuteWinston: 341n,
  rewardHistoryHash: z32,
  debtSupplyWinston: 0n,
  kryderPlusRateMultiplier: 1,
  kryderPlusRateMultiplierLatch: 0,
  denomination: 1,
  redenominationHeight: 0,
  previousCumulativeDiff: 900n,
  merkleRebaseSupportThreshold: 0n,
  chunkHash: z32,
  chunk2Hash: EMPTY,
  blockTimeHistoryHash: z32,
  packingDifficulty: 10,
  unpackedChunkHash: z32,
  unpackedChunk2Hash: EMPTY,
  replicaFormat: 1,
  mints: [],
  signature: Uint8Array.from([...new Uint8Array(64), 1]),
}

const signed = { ...vector, indepHash: blockHash(vector) }

describe('identity', () => {
  it('agrees with the Erlang node', () => {
    expect(toHex(signedHash(vector))).toBe('f0d14113590f019dd40376617cb3122e6b48221269f35bbfd4f96354b6c375a2')
    expect(blockHash(vector)).toBe('BQ8qQoDcQavGsGc9kKsTaKhSMP4WtPHpmrJH0lyyLigKWd8rmfJtcioY6qShWwBq')
  })

  it('every field of the header takes part in it', () => {
    // The chunk is bound by its hash; mints by the tag that commits to them.
    const changes = Object.entries(vector).filter(([name]) => !['signature', 'mints'].includes(name))
    const seen = new Set([toHex(signedHash(vector))])
    for (const [name, value] of changes) seen.add(toHex(signedHash({ ...vector, [name]: changed(value) })))
    expect(seen.size).toBe(1 + changes.length)
    for (const [name, value] of Object.entries(vector.nonceLimiter))
      expect(signedHash({ ...vector, nonceLimiter: { ...vector.nonceLimiter, [name]: changed(value) } }), name).not.toEqual(
        signedHash(vector),
      )
  })
})

describe('signing', () => {
  for (const { name, jwk } of keyVectors.cases)
    it(`${name}: verifies, and no more once a byte differs`, async () => {
      const key = keyFromJwk(jwk)
      const block = await signBlock({ ...vector, rewardAddress: key.address, rewardKey: key.publicKey }, key)
      expect(await verifyBlock(block)).toBe(true)
      expect(await verifyBlock({ ...block, height: 1 })).toBe(false)
      expect(await verifyBlock(rehashed({ ...block, height: 1 }))).toBe(false)
      expect(await verifyBlock(rehashed({ ...block, rewardAddress: vector.rewardAddress }))).toBe(false)
      const signature = Uint8Array.from(block.signature)
      signature[40]! ^= 1
      expect(await verifyBlock(rehashed({ ...block, signature }))).toBe(false)
    })
})

describe('JSON', () => {
  it('survives a round trip, names as on the wire', () => {
    const json = JSON.parse(JSON.stringify(blockToJson(signed)))
    expect(plain(parseBlockJson(json))).toEqual(plain(signed))
    expect(json).toMatchObject({
      nonce: 'Bw',
      diff: String(2n ** 256n - 1000n),
      height: 2000000,
      weave_size: '1048576',
      recall_byte: '262143',
    })
    expect(Object.keys(json).slice(0, 8)).toEqual([
      'nonce',
      'previous_block',
      'timestamp',
      'last_retarget',
      'diff',
      'height',
      'hash',
      'indep_hash',
    ])
    expect(json).not.toHaveProperty('recall_byte2')
    expect(json).not.toHaveProperty('mints')
  })

  it('a genesis block with everything optional the other way round', () => {
    const mints = [{ address: bytesToAddress(z32), quantityWinston: 10n ** 20n }]
    const poa = { ...vector.poa, chunk: utf8('c'), unpackedChunk: utf8('u') }
    const other = {
      ...signed,
      previousBlock: null,
      rewardAddress: null,
      recallByte: null,
      recallByte2: 0n,
      chunk2Hash: z32,
      mints,
      poa,
      tags: [mintsTag(mints), EMPTY],
    }
    const json = JSON.parse(JSON.stringify(blockToJson(other)))
    expect(json).toMatchObject({ previous_block: '', reward_addr: 'unclaimed' })
    expect(plain(parseBlockJson(json))).toEqual(plain(other))
  })

  it('any replaced field is read or refused with a code', () => {
    const json = JSON.parse(JSON.stringify(blockToJson(signed)))
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('', 'AA', '0', '-1', 2, toBase64url(z32), [], ['1', '2'], {}, null, 'A'.repeat(400)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(json), 'mints', 'chunk2_hash'), value, (name, replacement) => {
        try {
          signedHash(parseBlockJson({ ...json, [name]: replacement }))
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError)
          expect(['encoding-invalid', 'too-large', 'request-invalid']).toContain((error as HeddleError).code)
        }
      }),
      { numRuns: 500 },
    )
  })

  const bad: [string, object, string][] = [
    ['a double-signing proof', { double_signing_proof: { pub_key: 'AA' } }, 'double_signing_proof'],
    ['a short chunk hash', { chunk_hash: 'AAAA' }, 'chunk_hash has 3 bytes'],
    [
      'a step of another size',
      { nonce_limiter_info: { ...(blockToJson(signed)['nonce_limiter_info'] as object), checkpoints: ['AAAA'] } },
      'checkpoints has 3 bytes',
    ],
    ['too many transactions', { txs: Array(1001).fill(vector.txs[0]) }, 'txs has 1001 elements'],
    ['a numeric amount', { reward_pool: 5 }, 'reward_pool must be a decimal string'],
    ['a negative amount', { reward: '-5' }, 'reward must not be negative'],
    ['a latch of 2', { kryder_plus_rate_multiplier_latch: '2' }, 'must be at most 1'],
  ]
  for (const [name, change, problem] of bad)
    it(`refuses: ${name}`, () => {
      expect(() => parseBlockJson({ ...blockToJson(signed), ...change })).toThrow(
        expect.objectContaining({ message: expect.stringContaining(problem) }),
      )
    })
})

describe('mints of a development network', () => {
  const mints = [{ address: bytesToAddress(z32), quantityWinston: 5n }]

  it('are bound by exactly one tag', () => {
    expect(hasHonestMints(vector)).toBe(true)
    expect(hasHonestMints({ ...vector, mints, tags: [utf8('other'), mintsTag(mints)] })).toBe(true)
    expect(hasHonestMints({ ...vector, mints })).toBe(false)
    expect(hasHonestMints({ ...vector, tags: [mintsTag(mints)] })).toBe(false)
    expect(hasHonestMints({ ...vector, mints: [{ ...mints[0]!, quantityWinston: 6n }], tags: [mintsTag(mints)] })).toBe(false)
  })
})

function rehashed(block: Block): Block {
  return { ...block, indepHash: blockHash(block) }
}

/** Byte strings as text, so that a Buffer equals a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

/** Another value of the same kind. */
function changed(value: unknown): unknown {
  if (typeof value === 'bigint') return value + 1n
  if (typeof value === 'number') return value ^ 1
  if (value === null) return 1n
  if (typeof value === 'string') return value.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))
  if (value instanceof Uint8Array)
    return value.length === 0 ? Uint8Array.of(1) : Uint8Array.from(value, (byte, at) => (at === 0 ? byte ^ 1 : byte))
  if (Array.isArray(value)) return [...value, ...(value.length === 0 ? [Uint8Array.of(1)] : [value[0]])]
  const [name, inner] = Object.entries(value as object)[0]!
  return { ...(value as object), [name]: changed(inner) }
}
