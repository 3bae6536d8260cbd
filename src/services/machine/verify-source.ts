/** What verification reads of a node, through whatever: all of it is checked, nothing of it is believed but what only the node knows. */
import type { TxId } from '../../base/ids.ts'
import type { Transaction } from '../../codec/transaction.ts'
import type { Fork } from './fork.ts'
import type { ResultRecord, SnapshotRecord } from './records.ts'

export interface StoredProcess {
  readonly process: TxId
  readonly module: TxId
  /** The last slot in its log. */
  readonly slot: number
  /** The last slot with a result; -1 for none. */
  readonly evaluated: number
  /** Address that the node adds to its Authority tags; null for none. */
  readonly authority: string | null
  readonly fork: Fork | null
}

/** A slot as it was signed. */
export interface StoredEntry {
  readonly slot: number
  readonly origin: string
  readonly depth: number
  readonly assignment: Uint8Array
  /** That of the assignment for a tick. */
  readonly messageId: TxId
  /** Null for a transaction, and for a tick. */
  readonly message: Uint8Array | null
}

export interface StoredTransaction {
  readonly transaction: Transaction
  readonly data: Uint8Array
}

export interface VerifySource {
  process(process: TxId): Promise<StoredProcess>
  /** From slot 0 on. */
  entries(process: TxId): AsyncIterable<StoredEntry>
  /** From slot 0 on. */
  results(process: TxId): AsyncIterable<ResultRecord>
  snapshots(process: TxId): Promise<readonly SnapshotRecord[]>
  /** Null when its bytes are gone. */
  snapshot(process: TxId, slot: number): Promise<Uint8Array | null>
  /** Null when there is no such data item. */
  item(id: TxId): Promise<Uint8Array | null>
  /** Null when there is no such transaction. */
  transaction(id: TxId): Promise<StoredTransaction | null>
}
