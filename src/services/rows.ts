/** Rows of the query index, derived from what was signed. */
import { toBase64url } from '../base/bytes.ts'
import type { TxId } from '../base/ids.ts'
import type { ItemHeader } from '../codec/data-item.ts'
import { ownerAddress, ownerOf, type Transaction } from '../codec/transaction.ts'
import type { IndexRow } from '../store/index-store.ts'

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
