/**
 * Everything that the weave holds in memory: accounts, minted money that waits for a block, the mempool, the newest blocks.
 *
 * Wire        space `meta`: `mint/` + address -> winston as decimal text, until the next block takes it over
 * Invariants  The trie of confirmed accounts hashes to the tip's `wallet_list`. The floating view is the confirmed accounts, then the mints, then the
 *             mempool in its order; it is what the next transaction is checked against.
 */
import { equalBytes, toText, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { type Address, parseAddress, type TxId } from '../../base/ids.ts'
import { type Account, AccountTrie } from '../../codec/account-trie.ts'
import type { Mint } from '../../codec/block.ts'
import type { Transaction } from '../../codec/transaction.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { type AccountReader, AccountView, loadAccounts } from './accounts.ts'
import { Chain } from './chain.ts'
import { Mempool, type PendingSource, type PendingTransaction } from './mempool.ts'

const MINT_PREFIX = 'mint/'

export class WeaveState {
  readonly chain: Chain
  readonly mempool = new Mempool()
  readonly #kv: KvStore
  #accounts = new AccountTrie()
  #mints = new Map<Address, bigint>()
  #floating: AccountView

  constructor(kv: KvStore) {
    this.#kv = kv
    this.chain = new Chain(kv)
    this.#floating = new AccountView(this.confirmed)
  }

  /** Reads everything from the store; false when there is no chain yet. */
  async load(source: PendingSource): Promise<boolean> {
    this.#accounts = new AccountTrie()
    this.#mints = new Map()
    this.mempool.clear()
    if (!(await this.chain.load())) return false
    await loadAccounts(this.#kv, this.#accounts)
    if (!equalBytes(this.#accounts.root(), this.chain.tip.walletList))
      throw new HeddleError(
        'store-failed',
        { what: 'accounts' },
        'the accounts do not hash to the wallet list of the newest block; run "heddle doctor"',
      )
    for await (const { key, value } of this.#kv.scan('meta', { prefix: utf8(MINT_PREFIX) }))
      this.#mints.set(parseAddress(toText(key).slice(MINT_PREFIX.length)), BigInt(toText(value)))
    await this.mempool.load(this.#kv, source)
    this.refloat()
    return true
  }

  get accounts(): AccountTrie {
    return this.#accounts
  }

  readonly confirmed: AccountReader = { find: (address) => this.#accounts.get(address) ?? null }

  get floating(): AccountView {
    return this.#floating
  }

  get mints(): Mint[] {
    return [...this.#mints].flatMap(([address, quantityWinston]) => (quantityWinston === 0n ? [] : [{ address, quantityWinston }]))
  }

  /** Takes over the accounts of a new tip. */
  settle(accounts: AccountTrie, mints: readonly Mint[]): void {
    this.#accounts = accounts
    this.#mints = new Map(mints.map(({ address, quantityWinston }) => [address, quantityWinston]))
    this.refloat()
  }

  addMint(address: Address, amountWinston: bigint): void {
    this.#mints.set(address, this.mintOf(address) + amountWinston)
    this.#floating.credit(address, amountWinston)
  }

  mintOf(address: Address): bigint {
    return this.#mints.get(address) ?? 0n
  }

  find(address: Address): Account | null {
    return this.#floating.find(address)
  }

  /** Puts a checked transaction last in the mempool. It counts at once. */
  enter(tx: Transaction, facts: Pick<PendingTransaction, 'dataRoot' | 'sender' | 'receivedAtMs'>): PendingTransaction {
    this.#floating.transfer(facts.sender, tx)
    return this.mempool.add(tx, facts)
  }

  leave(ids: Iterable<TxId>): void {
    this.mempool.remove(ids)
    this.refloat()
  }

  /** Computes the floating view anew: what lies below it has changed. */
  refloat(): void {
    const view = new AccountView(this.confirmed)
    for (const [address, winston] of this.#mints) view.credit(address, winston)
    for (const { sender, tx } of this.mempool.all()) view.transfer(sender, tx)
    this.#floating = view
  }
}

export function mintWrite(address: Address, winston: bigint): KvWrite {
  return { space: 'meta', key: utf8(MINT_PREFIX + address), value: winston === 0n ? null : utf8(String(winston)) }
}
