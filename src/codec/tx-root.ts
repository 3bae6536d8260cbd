/**
 * The transaction root of a block: one leaf per transaction, so that a chunk can be proven from the block down.
 *
 * Wire        Transactions by format, then by the bytes of their id. Leaf data is the data root, its end offset counts in the block. Data that does
 *             not fill its last 256 KiB is followed by a padding leaf (empty data), so every transaction starts on the grid.
 * Source      ArweaveTeam/arweave ar_block.erl generate_size_tagged_list_from_txs (2.9)
 * Invariants  No transactions, no root. A transaction of no bytes has a leaf too, at the offset where the one before it ended.
 */
import { compareBytes, EMPTY } from '../base/bytes.ts'
import { idBytes, type TxId } from '../base/ids.ts'
import { CHUNK_BYTES_MAX } from '../base/limits.ts'
import { buildTree, dataRootOf, type Leaf, leafOf } from './data-tree.ts'

/** What the root needs to know of a transaction; `data` only of format 1, whose root is computed from it. */
export interface RootedTransaction {
  readonly format: 1 | 2
  readonly id: TxId
  readonly dataRoot: Uint8Array
  readonly dataBytes: bigint
  readonly data: Uint8Array
}

export interface TxRootEntry {
  readonly id: TxId
  readonly dataRoot: Uint8Array
  readonly dataBytes: bigint
  /** In the block, before the first and after the last byte of data. */
  readonly startOffset: bigint
  readonly endOffset: bigint
}

export interface TxRoot {
  /** Empty if there are no transactions. */
  readonly root: Uint8Array
  /** Padded size of all data. */
  readonly blockBytes: bigint
  /** In block order. */
  readonly entries: readonly TxRootEntry[]
  /** Transaction path of the data at this offset in the block. */
  pathOf(offset: bigint): Uint8Array
}

const CHUNK = BigInt(CHUNK_BYTES_MAX)

/** Size on the weave, where data takes up whole chunks. */
export function paddedBytes(dataBytes: bigint): bigint {
  return ((dataBytes + CHUNK - 1n) / CHUNK) * CHUNK
}

/** In the order in which a block lists and applies them. */
export function orderTransactions<T extends { readonly format: number; readonly id: TxId }>(txs: readonly T[]): T[] {
  const keyed = txs.map((tx) => ({ tx, id: idBytes(tx.id) }))
  return keyed.sort((a, b) => a.tx.format - b.tx.format || compareBytes(a.id, b.id)).map(({ tx }) => tx)
}

export function buildTxRoot(txs: readonly RootedTransaction[]): TxRoot {
  const entries: TxRootEntry[] = []
  const leaves: Leaf[] = []
  let blockBytes = 0n
  for (const tx of orderTransactions(txs)) {
    const entry = {
      id: tx.id,
      dataRoot: weaveDataRoot(tx),
      dataBytes: tx.dataBytes,
      startOffset: blockBytes,
      endOffset: blockBytes + tx.dataBytes,
    }
    entries.push(entry)
    leaves.push(leafOf(entry.dataRoot, entry.endOffset))
    blockBytes += paddedBytes(tx.dataBytes)
    if (blockBytes > entry.endOffset) leaves.push(leafOf(EMPTY, blockBytes))
  }
  if (leaves.length === 0) return { root: EMPTY, blockBytes, entries, pathOf: () => EMPTY }
  const tree = buildTree(leaves)
  return { root: tree.root, blockBytes, entries, pathOf: tree.pathOf }
}

/** The root under which the data lies on the weave: of format 1 computed from its data, cut as a node cuts it. */
export function weaveDataRoot(tx: RootedTransaction): Uint8Array {
  return tx.format === 1 ? dataRootOf(tx.data, 'node') : tx.dataRoot
}
