/**
 * The weave of the development profile: transactions, chunks, accounts and real blocks, sealed on demand or by a timer.
 *
 * Invariants  What resolves is durable, and readers of the query index see it. Blocks, mints and deletions happen one after another; uploads run beside them.
 *             Opening an empty store makes the genesis block; opening another network's store fails.
 */
import { concat } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { type Address, type BlockHash, idBytes, type TxId } from '../../base/ids.ts'
import { ANCHOR_DEPTH_MAX, BLOCK_LIST_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { Account } from '../../codec/account-trie.ts'
import type { Block } from '../../codec/block.ts'
import type { ChunkUpload } from '../../codec/chunk-upload.ts'
import type { SigningKey } from '../../codec/keys.ts'
import type { Transaction } from '../../codec/transaction.ts'
import { quotedPricing, transactionFee } from '../../rules/fees.ts'
import type { BlobStore } from '../../store/blob-store.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Commit, Journal } from '../journal.ts'
import { accountWrite } from './accounts.ts'
import { Admission } from './admission.ts'
import { appendWrites } from './chain.ts'
import { ChunkIntake } from './chunk-intake.ts'
import { type ChunkProof, ChunkStore, type CompositeReader } from './chunk-store.ts'
import { Completion, type CompletionListener, type CompletionWrites } from './completion.ts'
import { DataRoots } from './data-roots.ts'
import { type Genesis, genesisAccounts, genesisBlock } from './genesis.ts'
import type { PendingTransaction } from './mempool.ts'
import { type Interval, type PendingChunk, type WeaveChunk, WeaveReader } from './reader.ts'
import { Rejections } from './rejections.ts'
import { Sealer, type SealMode } from './sealer.ts'
import { dropWrites, indexBlock, type SealingDeps, seal, unseal } from './sealing.ts'
import { Door, Serial } from './serial.ts'
import { mintWrite, WeaveState } from './state.ts'
import { dataKeyOf } from './tx-record.ts'

export type { WeaveChunk } from './reader.ts'

export interface WeaveDeps {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly journal: Pick<Journal, 'commit'>
  readonly clock: Clock
  readonly log: Log
  readonly genesis: Genesis
  /** Signs the blocks and earns their rewards. */
  readonly miner: SigningKey
  readonly sealing: { readonly mode: SealMode; readonly delayMs?: number; readonly heartbeatMs?: number }
  /** Data of this node's own bundles. */
  readonly readComposite: CompositeReader
  /** Part of the commit that makes a bundle's data complete; nothing unless given. */
  readonly completionWrites?: CompletionWrites
}

export type TransactionStatus =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'included'; readonly height: number; readonly blockHash: BlockHash; readonly confirmations: number }

/** Where a transaction's data lies: `endOffset` is its last byte, one-based. */
export interface DataExtent {
  readonly endOffset: bigint
  readonly dataBytes: bigint
}

export interface BlockIndexEntry {
  readonly hash: BlockHash
  readonly txRoot: Uint8Array
  readonly weaveBytes: bigint
}

export async function openWeave(deps: WeaveDeps): Promise<Weave> {
  const weave = new Weave(deps)
  await weave.open()
  return weave
}

export class Weave {
  readonly network: string
  readonly allowsMint: boolean
  readonly #deps: WeaveDeps
  readonly #state: WeaveState
  readonly #reader: WeaveReader
  readonly #roots: DataRoots
  readonly #completion: Completion
  readonly #rejections: Rejections
  readonly #admission: Admission
  readonly #chunkIntake: ChunkIntake
  readonly #sealingDeps: SealingDeps
  readonly #sealer: Sealer
  readonly #sealed = new Set<(block: Block) => void>()
  readonly #door = new Door()
  /** Blocks, mints, deletions. */
  readonly #turns = new Serial()

  constructor(deps: WeaveDeps) {
    const { kv, blobs, journal, clock, log, genesis, miner, sealing } = deps
    const commit = (work: Commit): Promise<void> => journal.commit(work)
    this.#deps = deps
    this.network = genesis.network
    this.allowsMint = genesis.allowsMint
    this.#state = new WeaveState(kv)
    const chunks = new ChunkStore(kv, blobs, deps.readComposite)
    const { chain } = this.#state
    this.#reader = new WeaveReader(kv, chain, chunks)
    this.#roots = new DataRoots(kv, chunks)
    this.#completion = new Completion(log, deps.completionWrites ?? (() => []))
    this.#rejections = new Rejections(clock)
    const uploads = { chunks, roots: this.#roots, completion: this.#completion, commit }
    const isIncluded = async (id: TxId): Promise<boolean> => (await chain.inclusion(id)) !== null
    this.#admission = new Admission({ ...uploads, state: this.#state, rejections: this.#rejections, clock, isIncluded })
    this.#chunkIntake = new ChunkIntake(uploads)
    this.#sealingDeps = { kv, state: this.#state, reader: this.#reader, genesis, miner, clock, commit }
    this.#sealer = new Sealer({
      mode: sealing.mode,
      delayMs: sealing.delayMs ?? null,
      heartbeatMs: sealing.heartbeatMs ?? null,
      seal: () => this.seal(),
      sealWaiting: () => this.#turns.run(async () => (this.#state.mempool.hasReady() ? this.#sealNow() : null)),
      isWaiting: () => this.#state.mempool.hasReady(),
      log,
    })
  }

  /** Loads the chain, or begins it. Called once, by `openWeave`. */
  async open(): Promise<void> {
    const source = (id: TxId): ReturnType<WeaveReader['pendingSource']> => this.#reader.pendingSource(id)
    if (!(await this.#state.load(source))) {
      await this.#begin()
      await this.#state.load(source)
    }
    await this.#checkNetwork()
    this.#sealer.start()
  }

  /** Takes nothing more, waits for uploads and the block under way, ends timers. */
  async stop(): Promise<void> {
    await this.#door.close()
    await this.#sealer.stop()
    await this.#turns.run(async () => {})
  }

  // The chain

  tip(): Block {
    return this.#state.chain.tip
  }

  height(): number {
    return this.tip().height
  }

  /** Of the tip; AO messages carry it. */
  timestampMs(): number {
    return this.tip().timestampS * 1000
  }

  /** Newest first. */
  recentHashes(): BlockHash[] {
    return this.#state.chain.recent(ANCHOR_DEPTH_MAX).map(({ indepHash }) => indepHash)
  }

  /** What a new transaction should name as `last_tx`: the tip, as in ArLocal; nothing is lost by that before there are reorganisations. */
  anchor(): Uint8Array {
    return idBytes(this.tip().indepHash)
  }

  block(hash: BlockHash): Promise<Block | null> {
    return this.#state.chain.block(hash)
  }

  /** When the block at this height of the current chain was made; throws `not-found` above its tip. */
  async blockTimeMs(height: number): Promise<number> {
    const block = await this.#state.chain.blockAt(height)
    if (block === null)
      throw new HeddleError('not-found', { what: 'block', id: String(height) }, `there is no block at height ${height} yet`)
    return block.timestampS * 1000
  }

  /** Of the last block that was made by then; 0 when none was. */
  heightAt(timestampMs: number): Promise<number> {
    return this.#state.chain.heightAt(Math.floor(timestampMs / 1000))
  }

  blockJson(hash: BlockHash): Promise<string | null> {
    return this.#state.chain.blockJson(hash)
  }

  hashAt(height: number): Promise<BlockHash | null> {
    return this.#state.chain.hashAt(height)
  }

  /** Newest first. */
  async blockIndex(from: number, to: number): Promise<BlockIndexEntry[]> {
    const entries: BlockIndexEntry[] = []
    for (const hash of await this.#state.chain.hashes(from, to)) {
      const block = await this.block(hash)
      if (block !== null) entries.push({ hash, txRoot: block.txRoot, weaveBytes: block.weaveBytes })
    }
    return entries
  }

  // Accounts and prices

  /** With what waits in the mempool and what was minted. */
  account(address: Address): Account | null {
    return this.#state.find(address)
  }

  /** As of the tip. */
  confirmedAccount(address: Address): Account | null {
    return this.#state.confirmed.find(address)
  }

  /** Confirmed accounts in the order of their addresses, from the one given on. */
  accountsFrom(first: Address | null, count: number): { readonly address: Address; readonly account: Account }[] {
    const page: { address: Address; account: Account }[] = []
    let isReached = first === null
    for (const [address, account] of this.#state.accounts.entries()) {
      isReached ||= address === first
      if (isReached) page.push({ address, account })
      if (page.length === count) break
    }
    return page
  }

  /** What all confirmed accounts hold. */
  totalSupply(): bigint {
    let sum = 0n
    for (const [, { balanceWinston }] of this.#state.accounts.entries()) sum += balanceWinston
    return sum
  }

  /** Rewards of the newest blocks that are not paid out yet; of one miner, or of all. */
  reservedRewards(address: Address | null): bigint {
    const locked = this.#state.chain.recent(this.#deps.genesis.rewardLockBlocks)
    return locked.reduce((sum, block) => (address === null || block.rewardAddress === address ? sum + block.rewardWinston : sum), 0n)
  }

  /** The lowest fee for this much data, sent to this target or to none. */
  price(dataBytes: bigint, target: Address | null): bigint {
    return transactionFee(dataBytes, target !== null && this.account(target) === null, quotedPricing(this.tip()))
  }

  feeWinston(dataBytes: bigint): bigint {
    return this.price(dataBytes, null)
  }

  // Transactions

  /** Resolves when the transaction is durable and in the mempool; fails with the reason otherwise. */
  async acceptTransaction(tx: Transaction): Promise<void> {
    await this.#door.pass(() => this.#admission.accept(tx))
    await this.#sealer.notice()
  }

  /** A transaction whose data this node puts together from items that it holds. `own` is part of the same commit. */
  async acceptOwnBundle(tx: Transaction, chunks: readonly ChunkProof[], own: Commit): Promise<void> {
    await this.#door.pass(() => this.#admission.acceptComposite(tx, chunks, own))
    await this.#sealer.notice()
  }

  /** A transaction of another network, to be read here; its signature was verified. */
  acceptForeign(tx: Transaction, data: Uint8Array): Promise<void> {
    return this.#door.pass(() => this.#admission.acceptForeign(tx, data))
  }

  async status(id: TxId): Promise<TransactionStatus> {
    const { chain, mempool } = this.#state
    const inclusion = await chain.inclusion(id)
    if (inclusion !== null) {
      const { height, block } = inclusion
      return { kind: 'included', height, blockHash: block, confirmations: Math.max(1, chain.tip.height - height + 1) }
    }
    return mempool.isCommitted(id) ? { kind: 'pending' } : { kind: 'unknown' }
  }

  pendingIds(): TxId[] {
    return this.#state.mempool.ready().map(({ tx }) => tx.id)
  }

  /** Of format 2 without its data. */
  findTransaction(id: TxId): Promise<Transaction | null> {
    return this.#reader.findTransaction(id)
  }

  /** Rules that a transaction broke when it was refused not long ago. */
  rejection(id: TxId): readonly string[] | null {
    return this.#rejections.find(id)
  }

  // Data

  /** Resolves when the chunk is durable. */
  acceptChunk(chunk: ChunkUpload): Promise<void> {
    return this.#door.pass(() => this.#chunkIntake.accept(chunk))
  }

  /** Bytes [start, end) of a transaction's data; throws `not-found` when one is missing. */
  readData(id: TxId, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#reader.readData(id, start, end, signal)
  }

  /** Is every byte of a transaction's data here? */
  hasData(id: TxId): Promise<boolean> {
    return this.#reader.hasData(id)
  }

  /** Null until the transaction is in a block, and for those without data. */
  async offsetOf(id: TxId): Promise<DataExtent | null> {
    const [inclusion, key] = await Promise.all([this.#state.chain.inclusion(id), this.#reader.dataKey(id)])
    if (inclusion === null || key === null || key.sizeBytes === 0) return null
    return { endOffset: inclusion.endOffset, dataBytes: BigInt(key.sizeBytes) }
  }

  chunkAt(offset: bigint, options: { readonly byBucket: boolean }): Promise<WeaveChunk | null> {
    return this.#reader.chunkAt(offset, options)
  }

  chunkOf(id: TxId, offset: bigint): Promise<PendingChunk | null> {
    return this.#reader.chunkOf(id, offset)
  }

  syncRecord(start: bigint, end: bigint | null, limit: number): Promise<Interval[]> {
    return this.#reader.syncRecord(start, end, limit)
  }

  /** Awaited before the upload that brings the last byte is acknowledged; a failure is logged and fails nothing. Returns what ends it. */
  onDataComplete(listener: CompletionListener): () => void {
    return this.#completion.listen(listener)
  }

  // Blocks

  onSealed(listener: (block: Block) => void): () => void {
    this.#sealed.add(listener)
    return () => this.#sealed.delete(listener)
  }

  /** One block from the mempool, also when that is empty. */
  seal(): Promise<Block> {
    return this.#turns.run(() => this.#sealNow())
  }

  /** Takes the tip back; its transactions wait again. Fails with `not-allowed` at a final block. */
  unseal(): Promise<Block> {
    return this.#turns.run(() => unseal(this.#sealingDeps))
  }

  // Development

  /** Money from nothing, spendable at once and confirmed by the next block. Returns the new balance. */
  mint(address: Address, winston: bigint): Promise<bigint> {
    if (!this.allowsMint)
      throw new HeddleError('not-allowed', { what: 'mint' }, `the network ${this.network} does not mint; use one whose genesis allows it`)
    return this.#turns.run(async () => {
      if (this.#state.mints.length >= BLOCK_LIST_MAX) await this.#sealNow() // A block has room for so many.
      await this.#deps.journal.commit({ writes: [mintWrite(address, this.#state.mintOf(address) + winston)], events: [] })
      this.#state.addMint(address, winston)
      return this.account(address)?.balanceWinston ?? 0n
    })
  }

  /** Mints or burns the difference. */
  async setBalance(address: Address, winston: bigint): Promise<void> {
    await this.mint(address, winston - (this.account(address)?.balanceWinston ?? 0n))
  }

  /** Forgets a transaction that waits, as if it had never come. */
  drop(id: TxId): Promise<void> {
    return this.#turns.run(async () => {
      const pending = this.#state.mempool.find(id)
      if (pending === null || !this.#state.mempool.isCommitted(id))
        throw new HeddleError('not-found', { what: 'pending transaction', id }, `transaction ${id} does not wait for a block`)
      await this.#deps.journal.commit({ writes: dropWrites(pending), events: [{ kind: 'drop', id }] })
      this.#state.leave([id])
      await this.#forgetReference(pending)
    })
  }

  async #sealNow(): Promise<Block> {
    const { block, dropped } = await seal(this.#sealingDeps)
    for (const pending of dropped) await this.#forgetReference(pending)
    for (const listener of this.#sealed) listener(block)
    return block
  }

  async #forgetReference({ tx, dataRoot }: PendingTransaction): Promise<void> {
    const key = dataKeyOf(dataRoot, tx.dataBytes)
    if (key !== null) await this.#roots.announce(key, async (root) => root.references.delete(tx.id))
  }

  async #begin(): Promise<void> {
    const { genesis, journal } = this.#deps
    const block = genesisBlock(genesis)
    const accounts = [...genesisAccounts(genesis).entries()].map(([address, account]) => accountWrite(address, account))
    const noTransactions = { root: concat([]), blockBytes: 0n, entries: [], pathOf: () => concat([]) }
    await journal.commit({
      writes: [...appendWrites(block, noTransactions), ...accounts],
      events: [{ kind: 'block', block: indexBlock(block) }],
    })
  }

  async #checkNetwork(): Promise<void> {
    const [expected, found] = [genesisBlock(this.#deps.genesis).indepHash, await this.hashAt(0)]
    if (expected === found) return
    const problem = `the data folder holds another network (block 0 is ${found}, expected ${expected}); use another folder or the genesis it was made with`
    throw new HeddleError('config-invalid', { problems: [problem] }, problem)
  }
}
