/**
 * Puts blocks on the chain and takes them off again.
 *
 * Wire        space `undo`: block hash -> JSON of what the accounts, the mints and the mempool were before
 * Invariants  One at a time, and not beside a mint. One commit per block: the tip never names what is not durable. `unseal` restores exactly the state before `seal`.
 *             Only committed transactions are sealed; one that is no longer valid is dropped in the same commit.
 */
import { asBuffer, fromBase64url, toBase64url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { type Address, idBytes, parseAddress, parseTxId } from '../../base/ids.ts'
import { ANCHOR_DEPTH_MAX, BLOCK_TX_COUNT_MAX, TX_INLINE_DATA_BYTES_MAX } from '../../base/limits.ts'
import type { Account } from '../../codec/account-trie.ts'
import type { Block, Mint } from '../../codec/block.ts'
import type { SigningKey } from '../../codec/keys.ts'
import type { IndexEvent } from '../../store/index-store.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import type { Commit } from '../journal.ts'
import { AccountView, accountWrite, decodeAccount, encodeAccount } from './accounts.ts'
import { type BuiltBlock, buildBlock } from './block-builder.ts'
import { appendWrites, removeWrites } from './chain.ts'
import { referenceWrite } from './data-roots.ts'
import type { Genesis } from './genesis.ts'
import { mempoolDelete, mempoolWrite, type PendingTransaction } from './mempool.ts'
import type { WeaveReader } from './reader.ts'
import { mintWrite, type WeaveState } from './state.ts'
import { dataKeyOf, forgetWrites } from './tx-record.ts'

export interface SealingDeps {
  readonly kv: KvStore
  readonly state: WeaveState
  readonly reader: WeaveReader
  readonly genesis: Genesis
  readonly miner: SigningKey
  readonly clock: Clock
  readonly commit: (commit: Commit) => Promise<void>
}

interface Undo {
  readonly accounts: readonly (readonly [address: string, before: string | null])[]
  readonly mints: readonly (readonly [address: string, winston: string])[]
  readonly received: readonly (readonly [id: string, atMs: number])[]
}

interface Selection {
  readonly chosen: readonly PendingTransaction[]
  readonly dropped: readonly PendingTransaction[]
}

export interface Sealed {
  readonly block: Block
  /** No longer valid, so forgotten. */
  readonly dropped: readonly PendingTransaction[]
}

/** One block from what waits; also when nothing does. */
export async function seal(deps: SealingDeps): Promise<Sealed> {
  const { state, genesis, miner, clock, reader, commit } = deps
  const parent = state.chain.tip
  const mints = state.mints
  const { chosen, dropped } = select(state, mints)
  const built = await buildBlock({
    parent,
    timestampS: Math.max(Math.floor(clock.nowMs() / 1000), parent.timestampS),
    txs: chosen,
    mints,
    accounts: state.accounts,
    due: state.chain.recentAt(parent.height + 1 - genesis.rewardLockBlocks),
    miner,
  })
  await commit({
    writes: [...sealWrites(built, chosen, mints), ...dropped.flatMap(dropWrites), ...staleUndo(state, built.block)],
    events: sealEvents(built.block, dropped),
  })
  reader.keepTxRoot(built.block, built.txRoot)
  state.chain.append(built.block)
  state.mempool.remove([...chosen, ...dropped].map(({ tx }) => tx.id))
  state.settle(built.accounts, [])
  return { block: built.block, dropped }
}

/** Takes the newest block back: its transactions wait again, in front of the others. */
export async function unseal({ kv, state, reader, commit }: SealingDeps): Promise<Block> {
  const block = state.chain.tip
  const undo = await readUndo(kv, block)
  const accounts = state.accounts.fork()
  for (const [address, before] of undo.accounts) restore(accounts, parseAddress(address), before)
  const returned = await returnedTransactions(undo, state, reader)
  const mints = merged(state.mints, undo.mints)
  const writes: KvWrite[] = [
    ...removeWrites(block, await reader.txRoot(block)),
    ...undo.accounts.map(([address, before]) =>
      accountWrite(parseAddress(address), before === null ? null : decodeAccount(fromBase64url(before))),
    ),
    ...mints.map(({ address, quantityWinston }) => mintWrite(address, quantityWinston)),
    ...returned.map(mempoolWrite),
    { space: 'undo', key: idBytes(block.indepHash), value: null },
  ]
  await commit({ writes, events: [{ kind: 'unblock', hash: block.indepHash }] })
  await state.chain.removeTip()
  state.mempool.addInFront(returned)
  state.settle(accounts, mints)
  return block
}

/** Forgets a transaction that waits. */
export function dropWrites({ tx, dataRoot }: PendingTransaction): KvWrite[] {
  const key = dataKeyOf(dataRoot, tx.dataBytes)
  return [mempoolDelete(tx.id), ...forgetWrites(tx.id), ...(key === null ? [] : [referenceWrite(key, tx.id, null)])]
}

/** In the order in which they came, so that money can be spent in the block that brings it. */
function select(state: WeaveState, mints: readonly Mint[]): Selection {
  const view = new AccountView(state.confirmed)
  for (const { address, quantityWinston } of mints) view.credit(address, quantityWinston)
  const chosen: PendingTransaction[] = []
  const dropped: PendingTransaction[] = []
  let inlineBytes = 0n
  for (const pending of state.mempool.ready()) {
    if (chosen.length === BLOCK_TX_COUNT_MAX) break
    inlineBytes += pending.tx.format === 1 ? pending.tx.dataBytes : 0n
    if (inlineBytes > BigInt(TX_INLINE_DATA_BYTES_MAX)) break
    if (!isStillValid(pending, state, view)) {
      dropped.push(pending)
      continue
    }
    view.transfer(pending.sender, pending.tx)
    chosen.push(pending)
  }
  return { chosen, dropped }
}

/** It was valid when it came: only its anchor can have grown too old, and money can be gone with a block that was taken back. */
function isStillValid({ tx, sender }: PendingTransaction, state: WeaveState, view: AccountView): boolean {
  const account = view.find(sender)
  if (account === null || account.balanceWinston < tx.quantityWinston + tx.rewardWinston) return false
  return toBase64url(account.lastTx) === toBase64url(tx.lastTx) || state.chain.isRecentHash(tx.lastTx)
}

function sealWrites({ block, txRoot, changes }: BuiltBlock, chosen: readonly PendingTransaction[], mints: readonly Mint[]): KvWrite[] {
  const undo: Undo = {
    accounts: changes.map(({ address, before }) => [address, before === null ? null : toBase64url(encodeAccount(before))]),
    mints: mints.map(({ address, quantityWinston }) => [address, String(quantityWinston)]),
    received: chosen.map(({ tx, receivedAtMs }) => [tx.id, receivedAtMs]),
  }
  return [
    ...appendWrites(block, txRoot),
    ...changes.map(({ address, after }) => accountWrite(address, after)),
    ...chosen.map(({ tx }) => mempoolDelete(tx.id)),
    ...mints.map(({ address }) => mintWrite(address, 0n)),
    { space: 'undo', key: idBytes(block.indepHash), value: Buffer.from(JSON.stringify(undo)) },
  ]
}

function sealEvents(block: Block, dropped: readonly PendingTransaction[]): IndexEvent[] {
  return [...dropped.map(({ tx }): IndexEvent => ({ kind: 'drop', id: tx.id })), { kind: 'block', block: indexBlock(block) }]
}

export function indexBlock(block: Block): Extract<IndexEvent, { kind: 'block' }>['block'] {
  return {
    hash: block.indepHash,
    previous: block.previousBlock ?? '',
    height: block.height,
    timestampS: block.timestampS,
    txIds: block.txs,
  }
}

/** A block this deep is final, so what would undo it can go. */
function staleUndo(state: WeaveState, block: Block): KvWrite[] {
  const final = state.chain.recentAt(block.height - ANCHOR_DEPTH_MAX - 1)
  return final === null ? [] : [{ space: 'undo', key: idBytes(final.indepHash), value: null }]
}

async function readUndo(kv: KvStore, block: Block): Promise<Undo> {
  const value = block.height === 0 ? null : await kv.get('undo', idBytes(block.indepHash))
  if (value === null)
    throw new HeddleError(
      'not-allowed',
      { what: 'unseal' },
      `block ${block.height} is final: at most ${ANCHOR_DEPTH_MAX} blocks can be taken back`,
    )
  return JSON.parse(asBuffer(value).toString('utf8')) as Undo
}

function restore(
  accounts: { set(address: Address, account: Account): void; delete(address: Address): void },
  address: Address,
  before: string | null,
): void {
  if (before === null) accounts.delete(address)
  else accounts.set(address, decodeAccount(fromBase64url(before)))
}

async function returnedTransactions({ received }: Undo, { mempool }: WeaveState, reader: WeaveReader): Promise<PendingTransaction[]> {
  const places = mempool.placesInFront(received.length)
  return Promise.all(
    received.map(async ([id, receivedAtMs], i) => ({ ...(await reader.pendingSource(parseTxId(id))), receivedAtMs, place: places[i]! })),
  )
}

function merged(now: readonly Mint[], undone: Undo['mints']): Mint[] {
  const sums = new Map<Address, bigint>(now.map(({ address, quantityWinston }) => [address, quantityWinston]))
  for (const [text, winston] of undone) {
    const address = parseAddress(text)
    sums.set(address, (sums.get(address) ?? 0n) + BigInt(winston))
  }
  return [...sums].map(([address, quantityWinston]) => ({ address, quantityWinston }))
}
