/**
 * The query index: what GraphQL, block explorers and name look-ups read. It follows the journal of the KvStore by position and can be rebuilt from it.
 * Implementations: `embedded/sqlite-index-store.ts` (worker threads); what each must do is `test/index-store.contract.ts`.
 */
import type { Address, BlockHash, TxId } from '../base/ids.ts'
import type { Tag } from '../codec/tags.ts'

/** One transaction or data item as the index keeps it. */
export interface IndexRow {
  readonly id: TxId
  /** 0 for an ECDSA or RSA L1 transaction's own numbering: null; data items: the ANS-104 type. */
  readonly signatureType: number | null
  readonly signature: Uint8Array
  readonly owner: Uint8Array
  readonly ownerAddress: Address
  /** "" when none. */
  readonly target: TxId | Address | ''
  readonly anchor: Uint8Array
  readonly tags: readonly Tag[]
  readonly quantityWinston: bigint
  readonly rewardWinston: bigint
  readonly dataBytes: bigint
  /** The item or transaction whose bundle holds this one; null for L1 and for items not bundled yet. */
  readonly parent: TxId | null
  readonly isDataItem: boolean
  readonly ingestedAtS: number
}

export interface IndexBlock {
  readonly hash: BlockHash
  readonly previous: BlockHash | ''
  readonly height: number
  readonly timestampS: number
  /** In block order. */
  readonly txIds: readonly TxId[]
}

export type IndexEvent =
  /** A row that is known already stays as it is, but its parent counts. */
  | { readonly kind: 'row'; readonly row: IndexRow }
  /**
   * These items, known or not, lie in this parent. Those without a row are remembered until it comes. Of several parents an item shows the one named
   * first, unless only a later one is in a block.
   */
  | { readonly kind: 'bundled'; readonly parent: TxId; readonly ids: readonly TxId[] }
  /** The transactions and all that their bundles hold, to any depth, are now in this block. */
  | { readonly kind: 'block'; readonly block: IndexBlock }
  /** A reorganisation took the tip back: its transactions are pending again. */
  | { readonly kind: 'unblock'; readonly hash: BlockHash }
  /** A pending transaction was dropped; what lay in it lies in it no more. Of a mined one nothing is dropped. */
  | { readonly kind: 'drop'; readonly id: TxId }

export interface TagFilter {
  readonly name: string | null
  /** Null: any value. */
  readonly values: readonly string[] | null
  readonly op: 'EQ' | 'NEQ'
  readonly match: 'EXACT' | 'WILDCARD' | 'FUZZY_AND' | 'FUZZY_OR'
}

export type SortOrder = 'HEIGHT_DESC' | 'HEIGHT_ASC' | 'INGESTED_AT_DESC' | 'INGESTED_AT_ASC'

/** Null or absent is no filter. Filters are joined by AND, the members of one list by OR. Bounds are inclusive. */
export interface TransactionQuery {
  readonly ids?: readonly string[] | null
  readonly owners?: readonly string[] | null
  readonly recipients?: readonly string[] | null
  readonly tags?: readonly TagFilter[] | null
  /** `'none'`: only L1 transactions. */
  readonly bundledIn?: readonly string[] | 'none' | null
  readonly height?: { readonly min: number | null; readonly max: number | null } | null
  readonly ingestedAtS?: { readonly min: number | null; readonly max: number | null } | null
  readonly sort: SortOrder
  readonly first: number
  readonly after: string | null
  /** Counting costs extra. The count is null when it would take too long. */
  readonly withCount?: boolean
}

export interface BlockQuery {
  readonly ids?: readonly string[] | null
  readonly height?: { readonly min: number | null; readonly max: number | null } | null
  readonly sort: 'HEIGHT_DESC' | 'HEIGHT_ASC'
  readonly first: number
  readonly after: string | null
}

/** A row as read back: pending while `block` is null. */
export interface IndexedTransaction extends IndexRow {
  readonly block: Omit<IndexBlock, 'txIds'> | null
}

export interface Page<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[]
  readonly hasNextPage: boolean
  readonly count: bigint | null
}

export interface IndexReader {
  /**
   * Pages hold at most PAGE_SIZE_MAX rows. A walk by its cursors shows each row once, also while rows come and are mined; only a reorganisation, or (oldest
   * first) a row that goes into an old block, may move rows behind it. Throws `query-invalid` on a bad cursor, `limit-reached` when it takes too long.
   */
  transactions(query: TransactionQuery): Promise<Page<IndexedTransaction>>
  transaction(id: TxId): Promise<IndexedTransaction | null>
  blocks(query: BlockQuery): Promise<Page<Omit<IndexBlock, 'txIds'>>>
  block(hash: string): Promise<Omit<IndexBlock, 'txIds'> | null>
}

export interface IndexStore extends IndexReader {
  /** Journal position of the last event applied; 0 in an empty index. Survives a restart, but may lie behind after a crash. */
  position(): Promise<number>
  /** One transaction; readers that ask afterwards see it. `position` is that of the last event, those before it have the positions before. */
  apply(events: readonly IndexEvent[], position: number): Promise<void>
  clear(): Promise<void>
  close(): Promise<void>
}
