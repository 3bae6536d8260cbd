/**
 * Accounts: what each address holds and the last transaction it sent.
 *
 * Wire        space `accounts`: address 32 -> u8 length of the last transaction's id, the id, balance in the fewest big-endian bytes
 * Invariants  The confirmed accounts are exactly what the tip's `wallet_list` commits to. A view on top of them never changes them;
 *             `changes` is what a block has to write.
 */
import { asBuffer, concat, EMPTY, fromBigEndian, minimalBigEndian, toBase64url } from '../../base/bytes.ts'
import { type Address, bytesToAddress, idBytes } from '../../base/ids.ts'
import type { Account, AccountTrie } from '../../codec/account-trie.ts'
import type { Transaction } from '../../codec/transaction.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'

export interface AccountReader {
  /** Null for an address that the weave has never seen. */
  find(address: Address): Account | null
}

/** What a transaction does to the accounts. */
export type Transfer = Pick<Transaction, 'id' | 'target' | 'quantityWinston' | 'rewardWinston'>

/** Accounts with changes on top of others that stay as they are. */
export class AccountView implements AccountReader {
  readonly #below: AccountReader
  readonly #changed = new Map<Address, Account>()

  constructor(below: AccountReader) {
    this.#below = below
  }

  find(address: Address): Account | null {
    return this.#changed.get(address) ?? this.#below.find(address)
  }

  /** A negative amount takes away; the caller has checked that it is there. */
  credit(address: Address, amountWinston: bigint): void {
    const account = this.find(address)
    this.#changed.set(address, { balanceWinston: (account?.balanceWinston ?? 0n) + amountWinston, lastTx: account?.lastTx ?? EMPTY })
  }

  /** The sender pays quantity and reward; the target receives the quantity and comes into being with its first. */
  transfer(sender: Address, tx: Transfer): void {
    const account = this.find(sender)
    const balanceWinston = (account?.balanceWinston ?? 0n) - tx.quantityWinston - tx.rewardWinston
    this.#changed.set(sender, { balanceWinston, lastTx: idBytes(tx.id) })
    if (tx.quantityWinston > 0n) this.credit(toBase64url(tx.target) as Address, tx.quantityWinston)
  }

  get changes(): ReadonlyMap<Address, Account> {
    return this.#changed
  }
}

export function accountWrite(address: Address, account: Account | null): KvWrite {
  return { space: 'accounts', key: idBytes(address), value: account === null ? null : encodeAccount(account) }
}

/** Fills the trie of the confirmed accounts. */
export async function loadAccounts(kv: KvStore, trie: AccountTrie): Promise<void> {
  for await (const { key, value } of kv.scan('accounts')) trie.set(bytesToAddress(key), decodeAccount(value))
}

export function encodeAccount({ balanceWinston, lastTx }: Account): Uint8Array {
  return concat([Uint8Array.of(lastTx.length), lastTx, minimalBigEndian(balanceWinston)])
}

export function decodeAccount(bytes: Uint8Array): Account {
  const lastTxEnd = 1 + bytes[0]!
  return { lastTx: asBuffer(bytes).subarray(1, lastTxEnd), balanceWinston: fromBigEndian(bytes.subarray(lastTxEnd)) }
}
