/**
 * Ordered keys and small values with atomic, durable batches: the truth of a node. Everything else (query index, caches) can be rebuilt from it.
 * Implementations: `embedded/lmdb-kv-store.ts`, `memory/memory-kv-store.ts`; what each must do is `test/kv-store.contract.ts`.
 */

/** One table each. The comment says key -> value; numbers in keys are big-endian, so that byte order is number order. */
export const SPACES = [
  'meta', // text -> anything small that exists once (format version, index position, identity)
  'journal', // u64 position -> JSON of JournalEntry: what the query index follows
  'items', // id -> stored record of a transaction or data item (services/items.ts)
  'bodies', // id of an L1 transaction -> its binary form, of format 2 without data
  'raw', // u64 in order of arrival -> raw bytes of a data item that is small enough not to be a file
  'bundles', // L1 id -> header of a bundle that this node made; its items follow by reference
  'unbundled', // u64 arrival + id of an item that the bundler still has to put into a bundle -> empty
  'unbundling', // id of a bundle whose items are not all indexed yet -> empty
  'chunks', // data root 32 + data size u64 + end offset u64 -> chunk record
  'roots', // data root 32 + data size u64 -> pending or confirmed, since when
  'mempool', // id -> received at, ms
  'accounts', // address 32 -> balance, last tx
  'blocks', // block hash 48 -> block JSON
  'heights', // u64 height -> block hash, on the current chain
  'offsets', // u128 weave end offset -> id, on the current chain
  'included', // id -> block hash, height, index, weave end offset, on the current chain
  'undo', // block hash 48 -> what to restore when the block is taken back
  'anchors', // reserved for the network profile
  'processes', // process id -> head: slot, hash chain, last timestamp, module, owner
  'log', // process id + u64 slot -> assignment record
  'slots', // message or assignment id + process id -> u64 slot
  'results', // process id + u64 slot -> result record
  'ticks', // process id + u64 slot of a tick of its crons -> empty
  'outbox', // process id + u64 slot + u32 index -> pushed entry not yet sent
  'snapshots', // process id + u64 slot -> snapshot record
  'snapshotUses', // SHA-256 of a snapshot blob 32 + process id + u64 slot -> empty
  'forks', // process id + u64 slot + id of a process that was forked from it there -> empty
  'drive', // process id + u64 slot + hash of message and path -> what the program was told about a file
  'monitors', // process id -> who watches it, since when
  'traces', // process id + u64 slot + u32 outbox index + u16 part -> what became of it: kind, id, whom it is for
  'contents', // process id + 32 bytes of the content hash of a pushed message -> u64 slot
  'messages', // unsigned id of an AO-Core message -> its keys and small values (services/ao-core/record.ts)
  'values', // SHA-256 of a value that is not small -> 0 + its bytes, 1 when they are a blob, or 2 + u32 count of pieces at SHA-256 + u32
  'commitments', // unsigned id 32 + commitment id 32 (+ 1 if unchecked) -> commitment; unsigned id alone -> those that nobody in particular signed
  'paths', // 0 + id 32, or 1 + SHA-256 of a path -> what is readable there
  'matches', // 16 bytes of a hash of key and value + unsigned id 32 -> empty
  'cached', // generation u32 + which of the five above u8 + its key -> its value, for what may be forgotten (services/ao-core/cached-records.ts)
  'optionHistory', // u64 -> request of the operator that changed the node's options
  'optionRequests', // id of a commitment that changed options 32 -> empty: it is not taken again
] as const
export type Space = (typeof SPACES)[number]

export interface KvWrite {
  readonly space: Space
  readonly key: Uint8Array
  /** Null deletes. */
  readonly value: Uint8Array | null
}

export interface KvEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface KvRange {
  /** Only keys that begin with this. The bounds below are whole keys, not suffixes. */
  readonly prefix?: Uint8Array
  readonly gte?: Uint8Array
  readonly gt?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

export interface KvStore {
  /** Null when absent; throws `store-failed` only when the medium fails. The bytes are the caller's to keep. */
  get(space: Space, key: Uint8Array): Promise<Uint8Array | null>
  getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]>
  /**
   * All or nothing, also across a crash; durable when it resolves. Batches apply in the order of the calls; concurrent ones share an fsync.
   * Keys and values are read until it resolves: do not change their bytes before.
   */
  write(batch: readonly KvWrite[]): Promise<void>
  /** Ascending byte order (descending if `reverse`), as of the call: later writes are not seen. */
  scan(space: Space, range?: KvRange): AsyncIterable<KvEntry>
  /** Deletes every key of every space, in one commit. For `/reset` of the dev profile. */
  clear(): Promise<void>
  /** Waits for writes under way. */
  close(): Promise<void>
}

/** The longest key that any space uses. */
export const KV_KEY_BYTES_MAX = 96

/** Values up to this stay in the KvStore; larger bytes belong into the BlobStore. */
export const KV_VALUE_BYTES_MAX = 64 * 1024
