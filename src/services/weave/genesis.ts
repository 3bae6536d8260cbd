/**
 * Block 0 and the rules that follow from it: the parameters of a network.
 *
 * Wire        dev/genesis.json; block 0 carries the tag `Heddle-Genesis:` + SHA-256 of the parameters, so its hash names the network
 * Invariants  The same parameters give the same block on every node. Block 0 has no miner, no transactions and no signature.
 */
import { readFileSync } from 'node:fs'
import { concat, EMPTY, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { type Address, parseAddress } from '../../base/ids.ts'
import { ANCHOR_DEPTH_MAX } from '../../base/limits.ts'
import { AccountTrie } from '../../codec/account-trie.ts'
import { type AccessProof, type Block, blockHash, type NonceLimiter, type UnsignedBlock } from '../../codec/block.ts'
import { asJsonObject, naturalField, numberField } from '../../codec/json-fields.ts'

export interface Genesis {
  /** What `x-network` and GET /info say. */
  readonly network: string
  readonly timestampS: number
  readonly pricePerGibMinuteWinston: bigint
  readonly kryderPlusRateMultiplier: number
  /** A block's reward is paid this many blocks later. */
  readonly rewardLockBlocks: number
  /** Development only: money from nothing. */
  readonly allowsMint: boolean
  readonly allocations: ReadonlyMap<Address, bigint>
}

export const NO_PROOF: AccessProof = { txPath: EMPTY, dataPath: EMPTY, chunk: EMPTY, unpackedChunk: EMPTY }
export const ZERO_HASH: Uint8Array = new Uint8Array(32)
const ZERO_SEED = new Uint8Array(48)

/** This network has no delay function; the fields stay, so that readers of 2.9 blocks find them. */
export const NO_DELAY: NonceLimiter = {
  output: ZERO_HASH,
  globalStepNumber: 0,
  seed: ZERO_SEED,
  nextSeed: ZERO_SEED,
  zoneUpperBound: 0,
  nextZoneUpperBound: 0,
  prevOutput: EMPTY,
  lastStepCheckpoints: [],
  steps: [],
  vdfDifficulty: 1n,
  nextVdfDifficulty: 1n,
}

/** The development network that ships with Heddle. */
export function devGenesis(): Genesis {
  return parseGenesis(JSON.parse(readFileSync(new URL('../../../dev/genesis.json', import.meta.url), 'utf8')))
}

export function parseGenesis(value: unknown): Genesis {
  const json = asJsonObject(value, 'genesis')
  const network = json['network']
  if (typeof network !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(network)) throw invalid('network', 'must be 1 to 64 visible characters')
  const allocations = asJsonObject(json['allocations'], 'allocations')
  const rewardLockBlocks = numberField(json, 'rewardLockBlocks')
  if (rewardLockBlocks < 1 || rewardLockBlocks > ANCHOR_DEPTH_MAX) throw invalid('rewardLockBlocks', `must be 1 to ${ANCHOR_DEPTH_MAX}`)
  const kryderPlusRateMultiplier = numberField(json, 'kryderPlusRateMultiplier')
  if (kryderPlusRateMultiplier < 1) throw invalid('kryderPlusRateMultiplier', 'must be at least 1')
  return {
    network,
    timestampS: numberField(json, 'timestampS'),
    pricePerGibMinuteWinston: naturalField(json, 'pricePerGibMinute'),
    kryderPlusRateMultiplier,
    rewardLockBlocks,
    allowsMint: json['allowsMint'] === true,
    allocations: new Map(Object.keys(allocations).map((address) => [parseAddress(address), naturalField(allocations, address)])),
  }
}

export function genesisAccounts({ allocations }: Genesis): AccountTrie {
  return AccountTrie.of([...allocations].map(([address, balanceWinston]) => [address, { balanceWinston, lastTx: EMPTY }]))
}

export function genesisBlock(genesis: Genesis): Block {
  const block: UnsignedBlock = {
    nonce: 0n,
    previousBlock: null,
    timestampS: genesis.timestampS,
    lastRetargetS: genesis.timestampS,
    diff: 0n,
    height: 0,
    hash: ZERO_HASH,
    txs: [],
    txRoot: EMPTY,
    walletList: genesisAccounts(genesis).root(),
    rewardAddress: null,
    tags: [genesisTag(genesis)],
    rewardPoolWinston: 0n,
    weaveBytes: 0n,
    blockBytes: 0n,
    cumulativeDiff: 0n,
    hashListMerkle: EMPTY,
    poa: NO_PROOF,
    poa2: NO_PROOF,
    usdToArRate: { numerator: 1n, denominator: 1n },
    scheduledUsdToArRate: { numerator: 1n, denominator: 1n },
    packing25Threshold: 0n,
    strictDataSplitThreshold: 0n,
    hashPreimage: EMPTY,
    recallByte: null,
    recallByte2: null,
    rewardWinston: 0n,
    previousSolutionHash: ZERO_HASH,
    partitionNumber: 0,
    nonceLimiter: NO_DELAY,
    rewardKey: EMPTY,
    pricePerGibMinuteWinston: genesis.pricePerGibMinuteWinston,
    scheduledPricePerGibMinuteWinston: genesis.pricePerGibMinuteWinston,
    rewardHistoryHash: ZERO_HASH,
    debtSupplyWinston: 0n,
    kryderPlusRateMultiplier: genesis.kryderPlusRateMultiplier,
    kryderPlusRateMultiplierLatch: 0,
    denomination: 1,
    redenominationHeight: 0,
    previousCumulativeDiff: 0n,
    merkleRebaseSupportThreshold: 0n,
    chunkHash: ZERO_HASH,
    chunk2Hash: EMPTY,
    blockTimeHistoryHash: ZERO_HASH,
    packingDifficulty: 0,
    unpackedChunkHash: EMPTY,
    unpackedChunk2Hash: EMPTY,
    replicaFormat: 0,
    mints: [],
  }
  return { ...block, signature: EMPTY, indepHash: blockHash({ ...block, signature: EMPTY }) }
}

function genesisTag({ allocations, ...parameters }: Genesis): Uint8Array {
  const named = Object.entries(parameters).map(([name, value]) => `${name}=${value}`)
  const funded = [...allocations].map(([address, winston]) => `${address}=${winston}`)
  return concat([utf8('Heddle-Genesis:'), sha256(utf8([...named, ...funded].sort().join('\n')))])
}

function invalid(field: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, `genesis: ${field} ${problem}`)
}
