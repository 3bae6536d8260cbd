/**
 * How an L1 transaction is kept: what the archive reads, and its signed header.
 *
 * Wire        space `items`: id -> TransactionRecord as JSON; space `bodies`: id -> binary form of the transaction, of format 2 without its data
 * Invariants  The data root in the record is the one that chunks are kept under. Of format 1 it is computed, since the transaction names none;
 *             and its data stays in the body, since its size and signature cannot be told without it.
 */
import { EMPTY, toBase64url } from '../../base/bytes.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { findTagIgnoringCase, isBundle, toTextTags } from '../../codec/tags.ts'
import { encodeTransaction, type Transaction } from '../../codec/transaction.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import { recordWrite, type TransactionRecord } from '../archive.ts'
import type { DataKey } from './data-key.ts'

export function transactionRecord(tx: Transaction, dataRoot: Uint8Array): TransactionRecord {
  const tags = toTextTags(tx.tags)
  return {
    kind: 'tx',
    dataRoot: toBase64url(dataRoot),
    dataBytes: String(tx.dataBytes),
    contentType: findTagIgnoringCase(tags, 'Content-Type') ?? null,
    contentEncoding: findTagIgnoringCase(tags, 'Content-Encoding') ?? null,
    isBundle: isBundle(tags),
  }
}

export function transactionWrites(tx: Transaction, dataRoot: Uint8Array): KvWrite[] {
  const header = tx.format === 1 ? tx : { ...tx, data: EMPTY }
  return [recordWrite(tx.id, transactionRecord(tx, dataRoot)), { space: 'bodies', key: idBytes(tx.id), value: encodeTransaction(header) }]
}

/** Forgets a transaction that was dropped. Its chunks stay: others may carry the same data. */
export function forgetWrites(id: TxId): KvWrite[] {
  return [
    { space: 'items', key: idBytes(id), value: null },
    { space: 'bodies', key: idBytes(id), value: null },
  ]
}

/** Null when the transaction has no data. */
export function dataKeyOf(dataRoot: Uint8Array, dataBytes: bigint): DataKey | null {
  return dataBytes === 0n ? null : { root: dataRoot, sizeBytes: Number(dataBytes) }
}
