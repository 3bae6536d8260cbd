/**
 * Blocks as JSON, as nodes serve and gossip them.
 *
 * Wire        Field names of 2.9: bytes as base64url, amounts and offsets as decimal strings, heights, times and counts as numbers. `recall_byte`,
 *             `recall_byte2`, `chunk2_hash` and the unpacked hashes stand only where they have a value; `mints` only where there are any.
 * Source      ArweaveTeam/arweave ar_serialize.erl block_to_json_struct (2.9)
 * Invariants  parse(toJson(block)) gives the same block. Fields that the signed hash takes at fixed size must have it. Lists are bounded.
 *             Parsing checks form only: `verifyBlock` and the rules say whether the block is any good.
 */
import { EMPTY, fromBigEndian, minimalBigEndian, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { BLOCK_HASH_BYTES, bytesToAddress, bytesToBlockHash, parseAddress, parseTxId, type TxId } from '../base/ids.ts'
import { BLOCK_LIST_MAX, BLOCK_TX_COUNT_MAX, DENOMINATION_MAX, INTEGER_BYTES_MAX } from '../base/limits.ts'
import type { AccessProof, Block, Mint, NonceLimiter, Rate } from './block.ts'
import {
  arrayField,
  asJsonObject,
  bytesField,
  integerField,
  invalidField,
  type JsonObject,
  naturalField,
  numberField,
  sizedBytesField,
} from './json-fields.ts'

export type BlockJson = Readonly<Record<string, unknown>>

const UNCLAIMED = 'unclaimed'
const HASH_BYTES = 32
const KRYDER_MULTIPLIER_MAX = 2 ** 24 - 1

/** The fields in the order in which nodes write them. */
export function blockToJson(block: Block): BlockJson {
  return { ...baseJson(block), ...pricingJson(block), ...miningJson(block), ...packingJson(block), ...mintsJson(block.mints) }
}

export function parseBlockJson(value: unknown): Block {
  const json = asJsonObject(value, 'block')
  return { ...parseBase(json), ...parsePricing(json), ...parseMining(json), ...parsePacking(json), mints: parseMints(json) }
}

function baseJson(block: Block): BlockJson {
  return {
    nonce: toBase64url(minimalBigEndian(block.nonce)),
    previous_block: block.previousBlock ?? '',
    timestamp: block.timestampS,
    last_retarget: block.lastRetargetS,
    diff: String(block.diff),
    height: block.height,
    hash: toBase64url(block.hash),
    indep_hash: block.indepHash,
    txs: block.txs,
    tx_root: toBase64url(block.txRoot),
    wallet_list: toBase64url(block.walletList),
    reward_addr: block.rewardAddress ?? UNCLAIMED,
    tags: block.tags.map(toBase64url),
    reward_pool: String(block.rewardPoolWinston),
    weave_size: String(block.weaveBytes),
    block_size: String(block.blockBytes),
    cumulative_diff: String(block.cumulativeDiff),
    hash_list_merkle: toBase64url(block.hashListMerkle),
    poa: proofJson(block.poa),
  }
}

function parseBase(json: JsonObject) {
  const previous = bytesField(json, 'previous_block')
  const rewardAddress = json['reward_addr']
  return {
    nonce: parseNonce(json),
    previousBlock: previous.length === 0 ? null : bytesToBlockHash(previous),
    timestampS: numberField(json, 'timestamp'),
    lastRetargetS: numberField(json, 'last_retarget'),
    diff: naturalField(json, 'diff'),
    height: numberField(json, 'height'),
    hash: bytesField(json, 'hash'),
    indepHash: bytesToBlockHash(bytesField(json, 'indep_hash')),
    txs: list(json, 'txs', BLOCK_TX_COUNT_MAX).map(parseId),
    txRoot: bytesField(json, 'tx_root'),
    walletList: bytesField(json, 'wallet_list'),
    rewardAddress: rewardAddress === UNCLAIMED ? null : bytesToAddress(bytesField(json, 'reward_addr')),
    tags: bytesList(json, 'tags'),
    rewardPoolWinston: naturalField(json, 'reward_pool'),
    weaveBytes: naturalField(json, 'weave_size'),
    blockBytes: naturalField(json, 'block_size'),
    cumulativeDiff: naturalField(json, 'cumulative_diff'),
    hashListMerkle: bytesField(json, 'hash_list_merkle'),
    poa: parseProof(json['poa'], 'poa'),
  }
}

function pricingJson(block: Block): BlockJson {
  return {
    usd_to_ar_rate: rateJson(block.usdToArRate),
    scheduled_usd_to_ar_rate: rateJson(block.scheduledUsdToArRate),
    packing_2_5_threshold: String(block.packing25Threshold),
    strict_data_split_threshold: String(block.strictDataSplitThreshold),
    reward: String(block.rewardWinston),
    price_per_gib_minute: String(block.pricePerGibMinuteWinston),
    scheduled_price_per_gib_minute: String(block.scheduledPricePerGibMinuteWinston),
    reward_history_hash: toBase64url(block.rewardHistoryHash),
    debt_supply: String(block.debtSupplyWinston),
    kryder_plus_rate_multiplier: String(block.kryderPlusRateMultiplier),
    kryder_plus_rate_multiplier_latch: String(block.kryderPlusRateMultiplierLatch),
    denomination: String(block.denomination),
    redenomination_height: block.redenominationHeight,
  }
}

function parsePricing(json: JsonObject) {
  return {
    usdToArRate: parseRate(json, 'usd_to_ar_rate'),
    scheduledUsdToArRate: parseRate(json, 'scheduled_usd_to_ar_rate'),
    packing25Threshold: naturalField(json, 'packing_2_5_threshold'),
    strictDataSplitThreshold: naturalField(json, 'strict_data_split_threshold'),
    rewardWinston: naturalField(json, 'reward'),
    pricePerGibMinuteWinston: naturalField(json, 'price_per_gib_minute'),
    scheduledPricePerGibMinuteWinston: naturalField(json, 'scheduled_price_per_gib_minute'),
    rewardHistoryHash: sizedBytesField(json, 'reward_history_hash', HASH_BYTES),
    debtSupplyWinston: naturalField(json, 'debt_supply'),
    kryderPlusRateMultiplier: boundedField(json, 'kryder_plus_rate_multiplier', KRYDER_MULTIPLIER_MAX),
    kryderPlusRateMultiplierLatch: boundedField(json, 'kryder_plus_rate_multiplier_latch', 1) as 0 | 1,
    denomination: boundedField(json, 'denomination', DENOMINATION_MAX),
    redenominationHeight: numberField(json, 'redenomination_height'),
  }
}

function miningJson(block: Block): BlockJson {
  return {
    hash_preimage: toBase64url(block.hashPreimage),
    ...(block.recallByte === null ? {} : { recall_byte: String(block.recallByte) }),
    ...(block.recallByte2 === null ? {} : { recall_byte2: String(block.recallByte2) }),
    previous_solution_hash: toBase64url(block.previousSolutionHash),
    partition_number: block.partitionNumber,
    nonce_limiter_info: limiterJson(block.nonceLimiter),
    poa2: proofJson(block.poa2),
    signature: toBase64url(block.signature),
    reward_key: toBase64url(block.rewardKey),
    double_signing_proof: {},
    previous_cumulative_diff: String(block.previousCumulativeDiff),
  }
}

function parseMining(json: JsonObject) {
  if (Object.keys(asJsonObject(json['double_signing_proof'] ?? {}, 'double_signing_proof')).length > 0)
    throw invalidField('double_signing_proof', 'must be empty: this network has none')
  return {
    hashPreimage: bytesField(json, 'hash_preimage'),
    recallByte: json['recall_byte'] === undefined ? null : naturalField(json, 'recall_byte'),
    recallByte2: json['recall_byte2'] === undefined ? null : naturalField(json, 'recall_byte2'),
    previousSolutionHash: bytesField(json, 'previous_solution_hash'),
    partitionNumber: numberField(json, 'partition_number'),
    nonceLimiter: parseLimiter(json['nonce_limiter_info']),
    poa2: parseProof(json['poa2'], 'poa2'),
    signature: bytesField(json, 'signature'),
    rewardKey: bytesField(json, 'reward_key'),
    previousCumulativeDiff: naturalField(json, 'previous_cumulative_diff'),
  }
}

function packingJson(block: Block): BlockJson {
  return {
    merkle_rebase_support_threshold: String(block.merkleRebaseSupportThreshold),
    chunk_hash: toBase64url(block.chunkHash),
    ...present('chunk2_hash', block.chunk2Hash),
    block_time_history_hash: toBase64url(block.blockTimeHistoryHash),
    packing_difficulty: block.packingDifficulty,
    ...present('unpacked_chunk_hash', block.unpackedChunkHash),
    ...present('unpacked_chunk2_hash', block.unpackedChunk2Hash),
    replica_format: block.replicaFormat,
  }
}

function parsePacking(json: JsonObject) {
  return {
    merkleRebaseSupportThreshold: naturalField(json, 'merkle_rebase_support_threshold'),
    chunkHash: sizedBytesField(json, 'chunk_hash', HASH_BYTES),
    chunk2Hash: bytesField(json, 'chunk2_hash', EMPTY),
    blockTimeHistoryHash: sizedBytesField(json, 'block_time_history_hash', HASH_BYTES),
    packingDifficulty: byteField(json, 'packing_difficulty'),
    unpackedChunkHash: bytesField(json, 'unpacked_chunk_hash', EMPTY),
    unpackedChunk2Hash: bytesField(json, 'unpacked_chunk2_hash', EMPTY),
    replicaFormat: byteField(json, 'replica_format'),
  }
}

function proofJson({ txPath, dataPath, chunk, unpackedChunk }: AccessProof): BlockJson {
  const base = { option: '1', tx_path: toBase64url(txPath), data_path: toBase64url(dataPath), chunk: toBase64url(chunk) }
  return { ...base, ...present('unpacked_chunk', unpackedChunk) }
}

function parseProof(value: unknown, field: string): AccessProof {
  const json = asJsonObject(value, field)
  return {
    txPath: bytesField(json, 'tx_path'),
    dataPath: bytesField(json, 'data_path'),
    chunk: bytesField(json, 'chunk'),
    unpackedChunk: bytesField(json, 'unpacked_chunk', EMPTY),
  }
}

function limiterJson(limiter: NonceLimiter): BlockJson {
  return {
    output: toBase64url(limiter.output),
    global_step_number: limiter.globalStepNumber,
    seed: toBase64url(limiter.seed),
    next_seed: toBase64url(limiter.nextSeed),
    zone_upper_bound: limiter.zoneUpperBound,
    next_zone_upper_bound: limiter.nextZoneUpperBound,
    prev_output: toBase64url(limiter.prevOutput),
    last_step_checkpoints: limiter.lastStepCheckpoints.map(toBase64url),
    checkpoints: limiter.steps.map(toBase64url),
    vdf_difficulty: String(limiter.vdfDifficulty),
    next_vdf_difficulty: String(limiter.nextVdfDifficulty),
  }
}

function parseLimiter(value: unknown): NonceLimiter {
  const json = asJsonObject(value, 'nonce_limiter_info')
  return {
    output: sizedBytesField(json, 'output', HASH_BYTES),
    globalStepNumber: numberField(json, 'global_step_number'),
    seed: sizedBytesField(json, 'seed', BLOCK_HASH_BYTES),
    nextSeed: sizedBytesField(json, 'next_seed', BLOCK_HASH_BYTES),
    zoneUpperBound: numberField(json, 'zone_upper_bound'),
    nextZoneUpperBound: numberField(json, 'next_zone_upper_bound'),
    prevOutput: bytesField(json, 'prev_output'),
    lastStepCheckpoints: hashList(json, 'last_step_checkpoints'),
    steps: hashList(json, 'checkpoints'),
    vdfDifficulty: naturalField(json, 'vdf_difficulty'),
    nextVdfDifficulty: naturalField(json, 'next_vdf_difficulty'),
  }
}

function rateJson({ numerator, denominator }: Rate): readonly string[] {
  return [String(numerator), String(denominator)]
}

function parseRate(json: JsonObject, name: string): Rate {
  const [numerator, denominator, ...rest] = arrayField(json, name)
  if (rest.length > 0) throw invalidField(name, 'must have two numbers')
  const parts = { [`${name}[0]`]: numerator, [`${name}[1]`]: denominator }
  return { numerator: naturalField(parts, `${name}[0]`), denominator: naturalField(parts, `${name}[1]`) }
}

function mintsJson(mints: readonly Mint[]): BlockJson {
  if (mints.length === 0) return {}
  return { mints: mints.map(({ address, quantityWinston }) => ({ address, quantity: String(quantityWinston) })) }
}

function parseMints(json: JsonObject): Mint[] {
  if (json['mints'] === undefined) return []
  return list(json, 'mints', BLOCK_LIST_MAX).map((value) => {
    const mint = asJsonObject(value, 'mints')
    const address = mint['address']
    if (typeof address !== 'string') throw invalidField('mints', 'must have an address each')
    return { address: parseAddress(address), quantityWinston: integerField(mint, 'quantity') }
  })
}

function parseNonce(json: JsonObject): bigint {
  const bytes = bytesField(json, 'nonce')
  if (bytes.length > INTEGER_BYTES_MAX) throw invalidField('nonce', `has ${bytes.length} bytes, at most ${INTEGER_BYTES_MAX} are read`)
  return fromBigEndian(bytes)
}

function parseId(value: unknown): TxId {
  if (typeof value !== 'string') throw invalidField('txs', 'must be ids')
  return parseTxId(value)
}

function list(json: JsonObject, name: string, max: number): readonly unknown[] {
  const values = arrayField(json, name)
  if (values.length <= max) return values
  throw new HeddleError(
    'too-large',
    { what: name, size: values.length, max },
    `${name} has ${values.length} elements, at most ${max} are allowed`,
  )
}

function bytesList(json: JsonObject, name: string): Uint8Array[] {
  return list(json, name, BLOCK_LIST_MAX).map((value) => bytesField({ [name]: value }, name))
}

/** The signed hash joins them without lengths, so each must have its size. */
function hashList(json: JsonObject, name: string): Uint8Array[] {
  return list(json, name, BLOCK_LIST_MAX).map((value) => sizedBytesField({ [name]: value }, name, HASH_BYTES))
}

function boundedField(json: JsonObject, name: string, max: number): number {
  const value = naturalField(json, name)
  if (value <= BigInt(max)) return Number(value)
  throw invalidField(name, `must be at most ${max}, is ${value}`)
}

function byteField(json: JsonObject, name: string): number {
  const value = numberField(json, name)
  if (value <= 255) return value
  throw invalidField(name, `must be at most 255, is ${value}`)
}

function present(name: string, bytes: Uint8Array): BlockJson {
  return bytes.length === 0 ? {} : { [name]: toBase64url(bytes) }
}
