/** Rows of the query index, derived from what was signed. */
import { toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { parseTxId, type TxId } from '../base/ids.ts'
import type { ItemHeader } from '../codec/data-item.ts'
import { ownerAddress, ownerOf, type Transaction } from '../codec/transaction.ts'
import type { IndexRow } from '../store/index-store.ts'
import type { Archive } from './archive.ts'
import type { RowSource } from './journal.ts'

export function itemRow(
  item: ItemHeader,
  { parent, ingestedAtS }: { readonly parent: TxId | null; readonly ingestedAtS: number },
): IndexRow {
  return {
    id: item.id,
    signatureType: item.signatureType,
    signature: item.signature,
    owner: item.owner,
    ownerAddress: item.ownerAddress,
    target: item.target === null ? '' : (toBase64url(item.target) as TxId),
    anchor: item.anchor ?? new Uint8Array(0),
    tags: item.tags,
    quantityWinston: 0n,
    rewardWinston: 0n,
    dataBytes: BigInt(item.dataBytes),
    parent,
    isDataItem: true,
    ingestedAtS,
  }
}

export function transactionRow(tx: Transaction, ingestedAtS: number): IndexRow {
  return {
    id: tx.id,
    signatureType: null,
    signature: tx.signature,
    owner: ownerOf(tx),
    ownerAddress: ownerAddress(tx),
    target: toBase64url(tx.target) as TxId,
    anchor: tx.lastTx,
    tags: tx.tags,
    quantityWinston: tx.quantityWinston,
    rewardWinston: tx.rewardWinston,
    dataBytes: tx.dataBytes,
    parent: null,
    isDataItem: false,
    ingestedAtS,
  }
}

/** For the journal: derives a row again from the stored bytes. */
export function rowSource(archive: Archive): RowSource {
  return async ({ id, ingestedAtS, parent }) => {
    const txId = parseTxId(id)
    const tx = await archive.transaction(txId)
    if (tx !== null) return { kind: 'row', row: transactionRow(tx, ingestedAtS) }
    const item = await archive.itemHeader(txId)
    if (item === null)
      throw new HeddleError('store-failed', { what: 'items' }, `the journal names ${id}, which is gone; run "heddle doctor"`)
    return { kind: 'row', row: itemRow(item, { parent: parent === null ? null : parseTxId(parent), ingestedAtS }) }
  }
}
