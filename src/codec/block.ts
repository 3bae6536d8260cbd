/**
 * Blocks: their fields, the bytes that a miner signs, and their identity.
 *
 * Wire        signed hash = SHA-256 of all fields in a fixed order: integers and byte strings with a length prefix, some of fixed size, lists of
 *             tags and transactions last to first. Signed: 32 zero bytes, cumulative_diff, previous_cumulative_diff, previous solution, signed hash.
 *             indep_hash = SHA-384(signed hash + signature).
 * Source      ArweaveTeam/arweave ar_block.erl, ar_serialize.erl (2.9)
 * Invariants  What JSON calls by other names is named here as elsewhere in the code. A double-signing proof is not supported: always none.
 *             `mints` is an extension of development networks; `mintsTag` commits to it in the block's tags, so that the standard hash covers it.
 */
import { bigEndian, concat, equalBytes, minimalBigEndian, toText, utf8 } from '../base/bytes.ts'
import { sha256, sha384 } from '../base/hash.ts'
import { type Address, addressOfKey, type BlockHash, bytesToBlockHash, idBytes, type TxId } from '../base/ids.ts'
import { deepHash } from './deep-hash.ts'
import { type SigningKey, verifyEd25519, verifyRsaPss } from './keys.ts'
import { lengthPrefix, type PrefixBytes, prefixed } from './length-prefix.ts'
import { recoverSecp256k1 } from './secp256k1.ts'

/** Proof that the miner held a chunk. All empty while there is no data on the weave. */
export interface AccessProof {
  readonly txPath: Uint8Array
  readonly dataPath: Uint8Array
  readonly chunk: Uint8Array
  /** Empty unless the chunk is packed. */
  readonly unpackedChunk: Uint8Array
}

/** Fields of the verifiable delay function. */
export interface NonceLimiter {
  readonly output: Uint8Array
  readonly globalStepNumber: number
  readonly seed: Uint8Array
  readonly nextSeed: Uint8Array
  readonly zoneUpperBound: number
  readonly nextZoneUpperBound: number
  readonly prevOutput: Uint8Array
  readonly lastStepCheckpoints: readonly Uint8Array[]
  /** Called `checkpoints` in JSON. */
  readonly steps: readonly Uint8Array[]
  readonly vdfDifficulty: bigint
  readonly nextVdfDifficulty: bigint
}

export interface Rate {
  readonly numerator: bigint
  readonly denominator: bigint
}

export interface Mint {
  readonly address: Address
  /** Negative takes money away. */
  readonly quantityWinston: bigint
}

export interface UnsignedBlock {
  readonly nonce: bigint
  /** Null in the genesis block. */
  readonly previousBlock: BlockHash | null
  readonly timestampS: number
  readonly lastRetargetS: number
  readonly diff: bigint
  readonly height: number
  /** Hash of the solution. */
  readonly hash: Uint8Array
  readonly txs: readonly TxId[]
  readonly txRoot: Uint8Array
  readonly walletList: Uint8Array
  /** Null means unclaimed. */
  readonly rewardAddress: Address | null
  readonly tags: readonly Uint8Array[]
  readonly rewardPoolWinston: bigint
  readonly weaveBytes: bigint
  readonly blockBytes: bigint
  readonly cumulativeDiff: bigint
  readonly hashListMerkle: Uint8Array
  readonly poa: AccessProof
  readonly poa2: AccessProof
  readonly usdToArRate: Rate
  readonly scheduledUsdToArRate: Rate
  readonly packing25Threshold: bigint
  readonly strictDataSplitThreshold: bigint
  readonly hashPreimage: Uint8Array
  readonly recallByte: bigint | null
  readonly recallByte2: bigint | null
  readonly rewardWinston: bigint
  readonly previousSolutionHash: Uint8Array
  readonly partitionNumber: number
  readonly nonceLimiter: NonceLimiter
  /** Public key of the miner. */
  readonly rewardKey: Uint8Array
  readonly pricePerGibMinuteWinston: bigint
  readonly scheduledPricePerGibMinuteWinston: bigint
  readonly rewardHistoryHash: Uint8Array
  readonly debtSupplyWinston: bigint
  readonly kryderPlusRateMultiplier: number
  readonly kryderPlusRateMultiplierLatch: 0 | 1
  readonly denomination: number
  readonly redenominationHeight: number
  readonly previousCumulativeDiff: bigint
  readonly merkleRebaseSupportThreshold: bigint
  readonly chunkHash: Uint8Array
  readonly chunk2Hash: Uint8Array
  readonly blockTimeHistoryHash: Uint8Array
  readonly packingDifficulty: number
  readonly unpackedChunkHash: Uint8Array
  readonly unpackedChunk2Hash: Uint8Array
  readonly replicaFormat: number
  readonly mints: readonly Mint[]
}

export interface Block extends UnsignedBlock {
  readonly indepHash: BlockHash
  readonly signature: Uint8Array
}

const MINTS_TAG_PREFIX = 'Heddle-Mints:'
const SECP256K1_KEY_BYTES = 33
const ED25519_KEY_BYTES = 32

/** Hash of all that the miner signs. */
export function signedHash(block: UnsignedBlock): Uint8Array {
  return sha256(concat([...chainParts(block), ...endowmentParts(block), ...proofParts(block)]))
}

/** The identity of a block with this signature. */
export function blockHash(block: UnsignedBlock & { readonly signature: Uint8Array }): BlockHash {
  return bytesToBlockHash(sha384(concat([signedHash(block), block.signature])))
}

/** Signs with the reward key, which the block must already name. */
export async function signBlock(block: UnsignedBlock, key: SigningKey): Promise<Block> {
  const signature = await key.sign(signedMessage(block))
  return { ...block, signature, indepHash: blockHash({ ...block, signature }) }
}

/** Are the signature, the reward address and the hash those of this block? */
export async function verifyBlock(block: Block): Promise<boolean> {
  if (block.rewardAddress !== addressOfKey(block.rewardKey) || blockHash(block) !== block.indepHash) return false
  const message = signedMessage(block)
  switch (block.rewardKey.length) {
    case SECP256K1_KEY_BYTES: {
      const owner = recoverSecp256k1(sha256(message), block.signature)
      return owner !== null && equalBytes(owner, block.rewardKey)
    }
    case ED25519_KEY_BYTES:
      return verifyEd25519(block.rewardKey, message, block.signature)
    default:
      return verifyRsaPss(block.rewardKey, message, block.signature)
  }
}

/** The block tag that commits to the mints of a development network. */
export function mintsTag(mints: readonly Mint[]): Uint8Array {
  const list = mints.map(({ address, quantityWinston }) => [idBytes(address), utf8(String(quantityWinston))])
  return concat([utf8(MINTS_TAG_PREFIX), deepHash(list)])
}

/** Do the block's tags commit to its mints, and to none if there are none? */
export function hasHonestMints(block: UnsignedBlock): boolean {
  const claims = block.tags.filter((tag) => toText(tag).startsWith(MINTS_TAG_PREFIX))
  if (block.mints.length === 0) return claims.length === 0
  return claims.length === 1 && equalBytes(claims[0]!, mintsTag(block.mints))
}

function signedMessage(block: UnsignedBlock): Uint8Array {
  const diffs = [integer(block.cumulativeDiff, 2), integer(block.previousCumulativeDiff, 2)]
  return concat([new Uint8Array(32), ...diffs, block.previousSolutionHash, signedHash(block)])
}

function chainParts(block: UnsignedBlock): Uint8Array[] {
  return [
    bytes(block.previousBlock === null ? new Uint8Array(0) : idBytes(block.previousBlock), 1),
    integer(block.timestampS, 1),
    bytes(minimalBigEndian(block.nonce), 2),
    integer(block.height, 1),
    integer(block.diff, 2),
    integer(block.cumulativeDiff, 2),
    integer(block.lastRetargetS, 1),
    bytes(block.hash, 1),
    integer(block.blockBytes, 2),
    integer(block.weaveBytes, 2),
    bytes(block.rewardAddress === null ? new Uint8Array(0) : idBytes(block.rewardAddress), 1),
    bytes(block.txRoot, 1),
    bytes(block.walletList, 1),
    bytes(block.hashListMerkle, 1),
    integer(block.rewardPoolWinston, 1),
    integer(block.packing25Threshold, 1),
    integer(block.strictDataSplitThreshold, 1),
    ...[block.usdToArRate, block.scheduledUsdToArRate].flatMap((rate) => [integer(rate.numerator, 1), integer(rate.denominator, 1)]),
    reversedList(block.tags, 2),
    reversedList(block.txs.map(idBytes), 1),
  ]
}

function endowmentParts(block: UnsignedBlock): Uint8Array[] {
  return [
    integer(block.rewardWinston, 1),
    integer(block.recallByte, 2),
    bytes(block.hashPreimage, 1),
    integer(block.recallByte2, 2),
    bytes(block.rewardKey, 2),
    integer(block.partitionNumber, 1),
    ...nonceLimiterParts(block.nonceLimiter),
    bytes(block.previousSolutionHash, 1),
    integer(block.pricePerGibMinuteWinston, 1),
    integer(block.scheduledPricePerGibMinuteWinston, 1),
    block.rewardHistoryHash,
    integer(block.debtSupplyWinston, 1),
    bigEndian(block.kryderPlusRateMultiplier, 3),
    bigEndian(block.kryderPlusRateMultiplierLatch, 1),
    bigEndian(block.denomination, 3),
    integer(block.redenominationHeight, 1),
    bigEndian(0, 1), // No double-signing proof.
    integer(block.previousCumulativeDiff, 2),
  ]
}

function nonceLimiterParts(limiter: NonceLimiter): Uint8Array[] {
  return [
    limiter.output,
    bigEndian(limiter.globalStepNumber, 8),
    limiter.seed,
    limiter.nextSeed,
    bigEndian(limiter.zoneUpperBound, 32),
    bigEndian(limiter.nextZoneUpperBound, 32),
    bytes(limiter.prevOutput, 1),
    bigEndian(limiter.steps.length, 2),
    ...limiter.steps,
    bigEndian(limiter.lastStepCheckpoints.length, 2),
    ...limiter.lastStepCheckpoints,
  ]
}

function proofParts(block: UnsignedBlock): Uint8Array[] {
  return [
    integer(block.merkleRebaseSupportThreshold, 2),
    ...[block.poa, block.poa2].flatMap(({ dataPath, txPath }) => [bytes(dataPath, 3), bytes(txPath, 3)]),
    block.chunkHash,
    bytes(block.chunk2Hash, 1),
    block.blockTimeHistoryHash,
    integer(block.nonceLimiter.vdfDifficulty, 1),
    integer(block.nonceLimiter.nextVdfDifficulty, 1),
    bigEndian(block.packingDifficulty, 1),
    bytes(block.unpackedChunkHash, 1),
    bytes(block.unpackedChunk2Hash, 1),
    bigEndian(block.replicaFormat, 1),
  ]
}

function bytes(value: Uint8Array, prefixBytes: PrefixBytes): Uint8Array {
  return prefixed(value, prefixBytes, 'block field')
}

/** An absent integer is an empty byte string. */
function integer(value: bigint | number | null, prefixBytes: PrefixBytes): Uint8Array {
  return bytes(value === null ? new Uint8Array(0) : minimalBigEndian(BigInt(value)), prefixBytes)
}

function reversedList(elements: readonly Uint8Array[], prefixBytes: 1 | 2): Uint8Array {
  return concat([lengthPrefix(elements.length, 2, 'block list'), ...elements.toReversed().map((element) => bytes(element, prefixBytes))])
}
