/**
 * Every limit of the program, in one place. Sizes are bytes, times milliseconds. `docs/limits.md` explains them.
 * A protocol limit (marked P) is what the network enforces and cannot be changed; the rest protect this node.
 */

// Arweave
export const CHUNK_BYTES_MAX = 256 * 1024 // P
export const CHUNK_BYTES_MIN = 32 * 1024 // P, for splitting only: the last chunk may be smaller
export const TX_TAG_COUNT_MAX = 2048 // P
export const TX_TAG_BYTES_MAX = 2048 // P, names and values together
export const TX_INLINE_DATA_BYTES_MAX = 10 * 1024 * 1024 // P
export const TX_BODY_BYTES_MAX = 15 * 1024 * 1024 // P, JSON of POST /tx
export const TX_DATA_BYTES_MAX = 2 ** 46 // 64 TiB declared; costs nothing until chunks arrive
export const CHUNK_BODY_BYTES_MAX = 750_000 // P, JSON of POST /chunk
export const DATA_PATH_BYTES_MAX = 256 * 1024 // P
export const BLOCK_TX_COUNT_MAX = 1000 // P
export const ANCHOR_DEPTH_MAX = 50 // P, blocks
export const BLOCK_JSON_BYTES_MAX = 16 * 1024 * 1024
export const MEMPOOL_TX_COUNT_MAX = 50_000
export const TX_JSON_DATA_BYTES_MAX = 12 * 1024 * 1024 // P, GET /tx/{id}/data

// ANS-104
export const ITEM_TAG_COUNT_MAX = 128
export const ITEM_TAG_BYTES_MAX = 4096
export const ITEM_BYTES_MAX = 4 * 1024 * 1024 * 1024
export const ITEM_IN_MEMORY_BYTES_MAX = 1024 * 1024 // above it a body streams to disk while it is hashed
export const BUNDLE_ITEM_COUNT_MAX = 100_000
export const BUNDLE_DEPTH_MAX = 20

// AO
export const MESSAGE_BYTES_MAX = 10 * 1024 * 1024
export const PUSH_DEPTH_MAX = 256
export const PUSH_FANOUT_MAX = 1_000 // outbox entries of one result
export const RESULT_BYTES_MAX = 16 * 1024 * 1024
export const RESULT_WAIT_MS_MAX = 120_000
export const PROCESS_QUEUE_MAX = 100_000 // messages waiting for one process
export const GUEST_MEMORY_BYTES_MAX = 512 * 1024 * 1024
export const GUEST_GAS_MAX = 20_000_000_000
export const GUEST_TIME_MS_MAX = 10_000
export const DRY_RUN_QUEUE_MAX = 3_000

// HTTP and queries
export const HTTP_HEADER_BYTES_MAX = 1024 * 1024
export const URL_BYTES_MAX = 64 * 1024
export const JSON_BODY_BYTES_MAX = 10 * 1024 * 1024
export const GRAPHQL_BODY_BYTES_MAX = 1024 * 1024
export const GRAPHQL_DEPTH_MAX = 12
export const GRAPHQL_TOKENS_MAX = 10_000
export const GRAPHQL_ROOT_FIELDS_MAX = 50
export const GRAPHQL_LIST_MAX = 1_000 // ids, owners, recipients, tag values
export const GRAPHQL_TAG_FILTERS_MAX = 20
export const PAGE_SIZE_MAX = 1_000
export const PAGE_SIZE_DEFAULT = 10
export const RANGE_COUNT_MAX = 64
export const MANIFEST_BYTES_MAX = 64 * 1024 * 1024
export const MANIFEST_PATHS_MAX = 1_000_000
