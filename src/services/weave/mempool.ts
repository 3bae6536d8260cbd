/**
 * Transactions that wait for a block, in the order in which they came.
 *
 * Wire        space `mempool`: id -> u64 received at (ms), u64 place in the order
 * Invariants  An entry is in memory before its commit, so that the next transaction is checked against it, but only committed ones are sealed.
 *             Applied in order on top of the confirmed accounts, each is valid: a transaction may spend what an earlier one brings.
 */
import { asBuffer, bigEndian, concat, EMPTY } from '../../base/bytes.ts'
import { type Address, bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import type { Transaction } from '../../codec/transaction.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'

export interface PendingTransaction {
  /** Of format 2 without its data. */
  readonly tx: Transaction
  /** Of format 1 computed from the data. */
  readonly dataRoot: Uint8Array
  readonly sender: Address
  readonly receivedAtMs: number
  readonly place: bigint
}

interface Entry {
  readonly pending: PendingTransaction
  isCommitted: boolean
}

/** Reads back what a mempool entry is about. */
export type PendingSource = (id: TxId) => Promise<Pick<PendingTransaction, 'tx' | 'dataRoot' | 'sender'>>

const FIRST_PLACE = 1n << 40n // Leaves room in front for transactions that come back from a block.

export class Mempool {
  #entries = new Map<TxId, Entry>()
  #nextPlace = FIRST_PLACE
  #firstPlace = FIRST_PLACE

  async load(kv: KvStore, source: PendingSource): Promise<void> {
    this.clear()
    const stored: { id: TxId; receivedAtMs: number; place: bigint }[] = []
    for await (const { key, value } of kv.scan('mempool')) {
      const view = asBuffer(value)
      stored.push({ id: bytesToId(key), receivedAtMs: Number(view.readBigUInt64BE(0)), place: view.readBigUInt64BE(8) })
    }
    stored.sort((a, b) => (a.place < b.place ? -1 : 1))
    for (const { id, receivedAtMs, place } of stored) {
      this.#entries.set(id, { pending: { ...(await source(id)), receivedAtMs, place }, isCommitted: true })
      if (place >= this.#nextPlace) this.#nextPlace = place + 1n
      if (place < this.#firstPlace) this.#firstPlace = place
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#nextPlace = FIRST_PLACE
    this.#firstPlace = FIRST_PLACE
  }

  get count(): number {
    return this.#entries.size
  }

  /** Puts a transaction last; it counts as committed once `committed` is called with its id. */
  add(
    tx: Transaction,
    { dataRoot, sender, receivedAtMs }: Pick<PendingTransaction, 'dataRoot' | 'sender' | 'receivedAtMs'>,
  ): PendingTransaction {
    const pending = { tx: tx.format === 1 ? tx : { ...tx, data: EMPTY }, dataRoot, sender, receivedAtMs, place: this.#nextPlace }
    this.#nextPlace += 1n
    this.#entries.set(tx.id, { pending, isCommitted: false })
    return pending
  }

  committed(id: TxId): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.isCommitted = true
  }

  /** Entries for transactions that a block gives back, before all others and in the order given. */
  placesInFront(count: number): bigint[] {
    this.#firstPlace -= BigInt(count)
    return Array.from({ length: count }, (_, i) => this.#firstPlace + BigInt(i))
  }

  addInFront(returned: readonly PendingTransaction[]): void {
    const entries = returned.map((pending): [TxId, Entry] => [pending.tx.id, { pending, isCommitted: true }])
    this.#entries = new Map([...entries, ...this.#entries])
  }

  remove(ids: Iterable<TxId>): void {
    for (const id of ids) this.#entries.delete(id)
  }

  find(id: TxId): PendingTransaction | null {
    return this.#entries.get(id)?.pending ?? null
  }

  isCommitted(id: TxId): boolean {
    return this.#entries.get(id)?.isCommitted ?? false
  }

  /** Oldest first, those under way included. */
  all(): PendingTransaction[] {
    return [...this.#entries.values()].map(({ pending }) => pending)
  }

  hasReady(): boolean {
    const [first] = this.#entries.values()
    return first?.isCommitted ?? false
  }

  /** Oldest first, up to the first whose commit is under way: what comes after it may depend on it. */
  ready(): PendingTransaction[] {
    const ready: PendingTransaction[] = []
    for (const { pending, isCommitted } of this.#entries.values()) {
      if (!isCommitted) break
      ready.push(pending)
    }
    return ready
  }
}

export function mempoolWrite({ tx, receivedAtMs, place }: PendingTransaction): KvWrite {
  return { space: 'mempool', key: idBytes(tx.id), value: concat([bigEndian(receivedAtMs, 8), bigEndian(place, 8)]) }
}

export function mempoolDelete(id: TxId): KvWrite {
  return { space: 'mempool', key: idBytes(id), value: null }
}
