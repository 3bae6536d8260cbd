/**
 * Makes the next block: what its transactions and the rewards do to the accounts, and every field of the header.
 *
 * Source      ArweaveTeam/arweave ar_node_utils.erl, ar_block.erl (2.9). As the development profile has it: difficulty 0, no proof of access, price
 *             constant, block interval taken as the target. The two history hashes are chains of our own: SHA-256(the parent's, this block's entry).
 * Invariants  The same parent, transactions, mints and time give the same fields. Nothing that is given changes: accounts are forked.
 *             Balances + endowment + locked rewards = genesis + inflation + mints + debt.
 */
import { bigEndian, concat, EMPTY } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { type Address, idBytes } from '../../base/ids.ts'
import type { Account, AccountTrie } from '../../codec/account-trie.ts'
import { type Block, type Mint, mintsTag, signBlock, type UnsignedBlock } from '../../codec/block.ts'
import { nextHashListMerkle } from '../../codec/hash-list-merkle.ts'
import type { SigningKey } from '../../codec/keys.ts'
import { buildTxRoot, type TxRoot } from '../../codec/tx-root.ts'
import { ARWEAVE_TIMING, blockWeight } from '../../rules/retarget.ts'
import { blockReward } from '../../rules/rewards.ts'
import { AccountView } from './accounts.ts'
import { NO_DELAY, NO_PROOF, ZERO_HASH } from './genesis.ts'
import type { PendingTransaction } from './mempool.ts'

export interface BlockInput {
  readonly parent: Block
  readonly timestampS: number
  /** Valid in this order, on top of the accounts and the mints. */
  readonly txs: readonly PendingTransaction[]
  readonly mints: readonly Mint[]
  /** As of the parent. */
  readonly accounts: AccountTrie
  /** The block whose reward is paid out now. */
  readonly due: Block | null
  readonly miner: SigningKey
}

export interface AccountChange {
  readonly address: Address
  readonly before: Account | null
  readonly after: Account
}

export interface BuiltBlock {
  readonly block: Block
  readonly txRoot: TxRoot
  /** As of this block. */
  readonly accounts: AccountTrie
  readonly changes: readonly AccountChange[]
}

const DIFFICULTY = 0n

export async function buildBlock(input: BlockInput): Promise<BuiltBlock> {
  const { accounts, changes } = applyAll(input)
  const txRoot = buildTxRoot(input.txs.map(({ tx }) => tx))
  const block = await signBlock(header(input, { walletList: accounts.root(), txRoot }), input.miner)
  return { block, txRoot, accounts, changes }
}

function applyAll({ accounts: before, txs, mints, due }: BlockInput): Pick<BuiltBlock, 'accounts' | 'changes'> {
  const view = new AccountView({ find: (address) => before.get(address) ?? null })
  for (const { address, quantityWinston } of mints) view.credit(address, quantityWinston)
  for (const { sender, tx } of txs) view.transfer(sender, tx)
  if (due !== null && due.rewardAddress !== null) view.credit(due.rewardAddress, due.rewardWinston)
  const accounts = before.fork()
  const changes = [...view.changes].map(([address, after]) => {
    accounts.set(address, after)
    return { address, before: before.get(address) ?? null, after }
  })
  return { accounts, changes }
}

function header(input: BlockInput, { walletList, txRoot }: { readonly walletList: Uint8Array; readonly txRoot: TxRoot }): UnsignedBlock {
  const { parent, txs, mints, miner, timestampS } = input
  const solution = solve(input)
  const endowment = blockReward(parent, {
    height: parent.height + 1,
    feesWinston: txs.map(({ tx }) => tx.rewardWinston),
    weaveBytes: parent.weaveBytes,
    pricePerGibMinuteWinston: parent.pricePerGibMinuteWinston,
    blockIntervalS: BigInt(ARWEAVE_TIMING.targetBlockS),
  })
  return {
    ...parametersOf(parent),
    ...endowment,
    ...solution,
    previousBlock: parent.indepHash,
    timestampS,
    height: parent.height + 1,
    txs: txs.map(({ tx }) => tx.id),
    txRoot: txRoot.root,
    walletList,
    rewardAddress: miner.address,
    rewardKey: miner.publicKey,
    tags: mints.length === 0 ? [] : [mintsTag(mints)],
    mints,
    weaveBytes: parent.weaveBytes + txRoot.blockBytes,
    blockBytes: txRoot.blockBytes,
    cumulativeDiff: parent.cumulativeDiff + blockWeight(DIFFICULTY),
    previousCumulativeDiff: parent.cumulativeDiff,
    previousSolutionHash: parent.hash,
    hashListMerkle: nextHashListMerkle(parent),
    rewardHistoryHash: sha256(concat([parent.rewardHistoryHash, idBytes(miner.address), bigEndian(endowment.rewardWinston, 32)])),
    blockTimeHistoryHash: sha256(concat([parent.blockTimeHistoryHash, bigEndian(timestampS - parent.timestampS, 8)])),
  }
}

/** What a block takes over from its parent, and what stands for parts of mainnet that this network has not. */
function parametersOf(parent: Block) {
  const { usdToArRate, scheduledUsdToArRate, pricePerGibMinuteWinston, scheduledPricePerGibMinuteWinston, denomination, lastRetargetS } =
    parent
  return {
    usdToArRate,
    scheduledUsdToArRate,
    pricePerGibMinuteWinston,
    scheduledPricePerGibMinuteWinston,
    denomination,
    lastRetargetS,
    redenominationHeight: 0,
    packing25Threshold: 0n,
    strictDataSplitThreshold: 0n,
    merkleRebaseSupportThreshold: 0n,
    recallByte2: null,
    partitionNumber: 0,
    nonceLimiter: NO_DELAY,
    poa2: NO_PROOF,
    chunk2Hash: EMPTY,
    packingDifficulty: 0,
    unpackedChunkHash: EMPTY,
    unpackedChunk2Hash: EMPTY,
    replicaFormat: 0,
  }
}

/** The first nonce always passes at difficulty 0; the hash still depends on the parent, the time and the miner, so that no two blocks share it. */
function solve({ parent, timestampS, miner }: BlockInput) {
  const elapsedS = Math.max(1, timestampS - parent.timestampS)
  const entropy = sha256(
    concat([Buffer.from('poa-h0'), idBytes(parent.indepHash), parent.hash, bigEndian(elapsedS, 8), idBytes(miner.address)]),
  )
  const preimage = sha256(concat([entropy, bigEndian(0, 8)]))
  return {
    diff: DIFFICULTY,
    nonce: 0n,
    hash: sha256(concat([entropy, preimage])),
    hashPreimage: preimage,
    recallByte: null,
    poa: NO_PROOF,
    chunkHash: ZERO_HASH,
  }
}
