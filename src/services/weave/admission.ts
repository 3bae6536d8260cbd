/**
 * The way in for transactions: every rule checked, then one durable commit with the mempool entry, the header, the inline data and the index row.
 *
 * Source      ArweaveTeam/arweave ar_tx_validator.erl, ar_http_iface_middleware.erl handle_post_tx (2.9)
 * Invariants  Nothing is stored before every rule holds. A transaction counts against balances from the moment it was checked, so two that are checked
 *             at the same time cannot spend the same money. Its data root is announced in the commit: chunks may come the moment it is acknowledged.
 */
import { equalBytes, toBase64url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import type { Address, TxId } from '../../base/ids.ts'
import { MEMPOOL_TX_COUNT_MAX, TX_DATA_BYTES_MAX } from '../../base/limits.ts'
import type { Block } from '../../codec/block.ts'
import { buildTree, type ChunkRange, chunkLeaves } from '../../codec/data-tree.ts'
import { isBundle, toTextTags } from '../../codec/tags.ts'
import { ownerAddress, type Transaction, verifyTransaction } from '../../codec/transaction.ts'
import { weaveDataRoot } from '../../codec/tx-root.ts'
import { brokenRules, checkAnchor, lowestFee, type TxRule, type ValidityView } from '../../rules/tx-validity.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import type { Commit } from '../journal.ts'
import { transactionRow } from '../rows.ts'
import type { ChunkProof, ChunkStore } from './chunk-store.ts'
import type { Completion } from './completion.ts'
import type { DataKey } from './data-key.ts'
import { beginCompletion, type DataRoot, type DataRoots, endCompletion, type Reference, referenceWrite, rootWrite } from './data-roots.ts'
import { mempoolWrite } from './mempool.ts'
import type { Rejections } from './rejections.ts'
import type { WeaveState } from './state.ts'
import { dataKeyOf, transactionWrites } from './tx-record.ts'

export interface AdmissionDeps {
  readonly state: WeaveState
  readonly chunks: ChunkStore
  readonly roots: DataRoots
  readonly completion: Completion
  readonly rejections: Rejections
  readonly clock: Clock
  /** Is the transaction in a block? */
  readonly isIncluded: (id: TxId) => Promise<boolean>
  readonly commit: (commit: Commit) => Promise<void>
}

/** What a transaction brings beside its header. */
interface Load {
  readonly dataRoot: Uint8Array
  /** Null without data. */
  readonly key: DataKey | null
  /** Chunk records, when every byte is known at once; null when the data comes as chunks. */
  readonly chunkWrites: readonly KvWrite[] | null
  /** Of this node's own making: part of the same commit, and nobody has to hear that the data is complete. */
  readonly own: Commit | null
}

const NOTHING: Commit = { writes: [], events: [] }

export class Admission {
  readonly #deps: AdmissionDeps

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
  }

  /** Takes a transaction from outside. */
  async accept(tx: Transaction): Promise<void> {
    await this.#checkNew(tx.id)
    await this.#checkRules(tx)
    const dataRoot = weaveDataRoot(tx)
    const key = dataKeyOf(dataRoot, tx.dataBytes)
    await this.#admit(tx, { dataRoot, key, chunkWrites: key === null ? null : await this.#inlineWrites(tx, key), own: null })
  }

  /** Takes a transaction of this node whose data it can put together again; nobody is told of its completion. */
  async acceptComposite(tx: Transaction, proofs: readonly ChunkProof[], own: Commit): Promise<void> {
    await this.#checkNew(tx.id)
    await this.#checkRules(tx)
    const key = dataKeyOf(tx.dataRoot, tx.dataBytes)
    if (key === null) throw new HeddleError('request-invalid', { field: 'data_size' }, `transaction ${tx.id} has no data to put together`)
    const chunkWrites = proofs.map((proof) => this.#deps.chunks.compositeWrite(key, proof, tx.id))
    await this.#admit(tx, { dataRoot: tx.dataRoot, key, chunkWrites, own })
  }

  /**
   * A transaction of another network with all of its data, which was fetched to be read: its signature holds, and it is part of no chain here.
   * For one that is, the data is kept. Fails with `data-split-unknown` when the data does not give its data root.
   */
  async acceptForeign(tx: Transaction, data: Uint8Array): Promise<void> {
    const { roots, clock, commit } = this.#deps
    const dataRoot = weaveDataRoot(tx)
    const key = dataKeyOf(dataRoot, tx.dataBytes)
    const row = transactionRow(tx, Math.floor(clock.nowMs() / 1000))
    const header: Commit = { writes: transactionWrites(tx, dataRoot), events: [{ kind: 'row', row }] }
    if (key === null) return (await this.#isOurs(tx.id)) ? undefined : commit(header)
    const chunks = (await this.#inlineWrites({ ...tx, data }, key)) ?? []
    await roots.announce(key, async (root) => this.#keepForeign(tx, (await this.#isOurs(tx.id)) ? NOTHING : header, chunks, root))
  }

  async #keepForeign(tx: Transaction, header: Commit, chunks: readonly KvWrite[], root: DataRoot): Promise<void> {
    const { completion, commit } = this.#deps
    const known = root.references.get(tx.id)
    const reference = known ?? { isBundle: isBundle(toTextTags(tx.tags)), isCommitted: false, isOwn: false }
    root.references.set(tx.id, reference)
    const completes = !root.isComplete && !root.isCompleting
    const rest = completes ? [...beginCompletion(root, completion), ...chunks] : completion.writes([[tx.id, reference]])
    try {
      await commit({ writes: [...header.writes, referenceWrite(root.key, tx.id, reference.isBundle), ...rest], events: header.events })
    } catch (error) {
      if (known === undefined) root.references.delete(tx.id)
      if (completes) root.isCompleting = false
      throw error
    }
    reference.isCommitted = true
    await completion.announce(completes ? endCompletion(root) : [tx.id])
  }

  async #isOurs(id: TxId): Promise<boolean> {
    return this.#deps.state.mempool.find(id) !== null || this.#deps.isIncluded(id)
  }

  /** Large chunks become blobs here; what the commit fails to name later is content-addressed, so nothing is lost but room. */
  async #inlineWrites(tx: Transaction, key: DataKey): Promise<KvWrite[] | null> {
    if (tx.data.length === 0) return null
    return Promise.all(splitOf(tx, key).map(({ proof, bytes }) => this.#deps.chunks.prepare(key, proof, bytes)))
  }

  async #checkNew(id: TxId): Promise<void> {
    if (this.#deps.state.mempool.find(id) !== null) throw alreadyKnown(id, 'mempool')
    if (await this.#deps.isIncluded(id)) throw alreadyKnown(id, 'weave')
  }

  async #checkRules(tx: Transaction): Promise<void> {
    if (tx.dataBytes > BigInt(TX_DATA_BYTES_MAX))
      throw new HeddleError(
        'too-large',
        { what: 'data_size', size: Number(tx.dataBytes), max: TX_DATA_BYTES_MAX },
        `data_size is ${tx.dataBytes}, at most ${TX_DATA_BYTES_MAX} is accepted here`,
      )
    const rules = brokenRules(tx, this.#view(), await verifyTransaction(tx))
    if (rules.length === 0 && tx.dataRoot.length !== 0 && tx.dataRoot.length !== DATA_ROOT_BYTES)
      rules.push('tx_data_size_data_root_mismatch')
    if (rules.length === 0) return
    this.#deps.rejections.add(tx.id, rules)
    throw ruleFailure(tx, rules, this.#view())
  }

  #view(): ValidityView {
    const { state } = this.#deps
    return { account: (address) => state.find(address) ?? undefined, pricing: state.chain.tip, denomination: 1, isStrict: false }
  }

  #admit(tx: Transaction, load: Load): Promise<void> {
    if (load.key === null) return this.#enter(tx, load, { writes: () => [] })
    return this.#deps.roots.announce(load.key, (root) => this.#admitWithData(tx, load, root))
  }

  async #admitWithData(tx: Transaction, load: Load, root: DataRoot): Promise<void> {
    const { completion } = this.#deps
    const reference: Reference = { isBundle: isBundle(toTextTags(tx.tags)), isCommitted: false, isOwn: load.own !== null }
    let completes = false
    await this.#enter(tx, load, {
      writes: () => {
        root.references.set(tx.id, reference)
        completes = load.chunkWrites !== null && !root.isComplete && !root.isCompleting
        const referenced = referenceWrite(root.key, tx.id, reference.isBundle)
        if (completes) return [...beginCompletion(root, completion), referenced, ...(load.chunkWrites ?? [])]
        const isComplete = root.isComplete || root.isCompleting
        return [rootWrite(root.key, isComplete), referenced, ...(isComplete ? completion.writes([[tx.id, reference]]) : [])]
      },
      onFailed: () => {
        root.references.delete(tx.id)
        if (completes) root.isCompleting = false
      },
    })
    reference.isCommitted = true
    if (completes) await completion.announce(endCompletion(root))
    else if (root.isComplete && !reference.isOwn) await completion.announce([tx.id])
  }

  /** From the last check to the call of `commit` nothing else runs. */
  async #enter(tx: Transaction, load: Load, { writes, onFailed }: Entry): Promise<void> {
    const { state, clock, commit } = this.#deps
    const sender = ownerAddress(tx)
    await this.#checkNotIncluded(tx.id)
    this.#checkAgainstMempool(tx, sender)
    const pending = state.enter(tx, { dataRoot: load.dataRoot, sender, receivedAtMs: clock.nowMs() })
    const row = transactionRow(tx, Math.floor(pending.receivedAtMs / 1000))
    try {
      await commit({
        writes: [...transactionWrites(tx, load.dataRoot), mempoolWrite(pending), ...writes(), ...(load.own?.writes ?? [])],
        events: [{ kind: 'row', row }, ...(load.own?.events ?? [])],
      })
    } catch (error) {
      onFailed?.()
      state.leave([tx.id])
      throw error
    }
    state.mempool.committed(tx.id)
  }

  /** A block may be sealed while the store answers; then its answer is old. */
  async #checkNotIncluded(id: TxId): Promise<void> {
    const { chain } = this.#deps.state
    for (let tip: Block | null = null; tip !== chain.tip; ) {
      tip = chain.tip
      if (await this.#deps.isIncluded(id)) throw alreadyKnown(id, 'weave')
    }
  }

  /** What may have changed since the rules were checked, and what only the order of arrival decides. */
  #checkAgainstMempool(tx: Transaction, sender: Address): void {
    const { state } = this.#deps
    const { mempool, chain } = state
    if (mempool.count >= MEMPOOL_TX_COUNT_MAX)
      throw new HeddleError(
        'limit-reached',
        { what: 'mempool', max: MEMPOOL_TX_COUNT_MAX },
        'the mempool is full; try again after the next block',
      )
    if (mempool.find(tx.id) !== null) throw alreadyKnown(tx.id, 'mempool')
    checkAnchorNow(tx, sender, state, chain)
    const account = state.find(sender)
    const needed = tx.quantityWinston + tx.rewardWinston
    if ((account?.balanceWinston ?? 0n) < needed) throw overspend(sender, account?.balanceWinston ?? 0n, needed)
    const fee = lowestFee(tx, this.#view())
    if (tx.rewardWinston < fee) throw tooCheap(tx, fee)
  }
}

interface Entry {
  /** Called after the last check. */
  readonly writes: () => readonly KvWrite[]
  readonly onFailed?: () => void
}

const DATA_ROOT_BYTES = 32

function checkAnchorNow(tx: Transaction, sender: Address, { mempool, floating }: WeaveState, chain: WeaveState['chain']): void {
  const outcome = checkAnchor(tx, sender, {
    account: (address) => floating.find(address) ?? undefined,
    isInMempool: (id) => mempool.find(id) !== null,
    isRecentBlock: (hash) => chain.isRecentHash(hash),
    isInRecentBlocks: () => false, // Checked before, for all blocks.
  })
  const anchor = toBase64url(tx.lastTx)
  switch (outcome) {
    case 'ok':
      return
    case 'last-tx-in-mempool':
      throw new HeddleError(
        'anchor-in-mempool',
        { id: tx.id, anchor },
        `last_tx ${anchor} still waits in the mempool; anchor on a block: GET /tx_anchor`,
      )
    case 'unknown':
      throw new HeddleError(
        'anchor-unknown',
        { id: tx.id, anchor },
        `last_tx "${anchor}" is neither the wallet's last transaction nor one of the last 50 blocks; take a new one from GET /tx_anchor and sign again`,
      )
    case 'already-on-weave':
    case 'already-in-mempool':
      throw alreadyKnown(tx.id, outcome === 'already-on-weave' ? 'weave' : 'mempool')
  }
}

/** The chunks of inline data, by whichever split gives the root that the transaction names. */
function splitOf(tx: Transaction, key: DataKey): { readonly proof: ChunkProof; readonly bytes: Uint8Array }[] {
  if (tx.dataBytes === BigInt(tx.data.length)) {
    for (const split of ['client', 'node'] as const) {
      const ranges = chunkLeaves(tx.data, split)
      const tree = buildTree(ranges.map(({ leaf }) => leaf))
      if (equalBytes(tree.root, key.root)) return ranges.filter(isUploaded).map((range) => proven(range, tx.data, tree.pathOf))
    }
  }
  throw new HeddleError(
    'data-split-unknown',
    { id: tx.id },
    `the ${tx.data.length} bytes sent with ${tx.id} do not give its data_root, neither split as clients do nor as nodes do; send them as chunks`,
  )
}

/** A size that is a multiple of the chunk size ends in a leaf of no bytes. */
function isUploaded({ startOffset, endOffset }: ChunkRange): boolean {
  return endOffset > startOffset
}

function proven({ startOffset, endOffset }: ChunkRange, data: Uint8Array, pathOf: (offset: number) => Uint8Array) {
  return { proof: { startOffset, endOffset, dataPath: pathOf(startOffset) }, bytes: data.subarray(startOffset, endOffset) }
}

/** The failure that says most about what to do; the others stand in the message. */
function ruleFailure(tx: Transaction, rules: readonly TxRule[], view: ValidityView): HeddleError {
  const has = (rule: TxRule): boolean => rules.includes(rule)
  if (has('tx_id_not_valid') || (has('tx_signature_not_valid') && !has('invalid_signature_type')))
    return new HeddleError(
      'signature-invalid',
      { id: tx.id },
      `${rules.join(' ')}: the signature or id of ${tx.id} does not fit its fields; sign it again`,
    )
  if (rules.length === 1 && has('tx_too_cheap')) return tooCheap(tx, lowestFee(tx, view))
  if (rules.length === 1 && has('overspend')) {
    const sender = ownerAddress(tx)
    return overspend(sender, view.account(sender)?.balanceWinston ?? 0n, tx.quantityWinston + tx.rewardWinston)
  }
  return new HeddleError('tx-invalid', { id: tx.id, rules }, `${rules.join(' ')}: transaction ${tx.id} breaks these rules`)
}

function tooCheap(tx: Transaction, needed: bigint): HeddleError<'fee-too-low'> {
  const target = tx.target.length > 0 ? `/${toBase64url(tx.target)}` : ''
  return new HeddleError(
    'fee-too-low',
    { paid: tx.rewardWinston, needed },
    `tx_too_cheap: reward ${tx.rewardWinston} is below ${needed} winston for ${tx.dataBytes} bytes; ask GET /price/${tx.dataBytes}${target} and sign again`,
  )
}

function overspend(address: Address, balance: bigint, needed: bigint): HeddleError<'overspend'> {
  return new HeddleError(
    'overspend',
    { address, balance, needed },
    `overspend: wallet ${address} holds ${balance} winston but needs ${needed}; on a development network GET /mint/${address}/${needed - balance} adds the rest`,
  )
}

function alreadyKnown(id: TxId, where: 'mempool' | 'weave'): HeddleError<'already-known'> {
  return new HeddleError(
    'already-known',
    { id, where },
    `transaction ${id} is already ${where === 'weave' ? 'on the weave' : 'in the mempool'}`,
  )
}
