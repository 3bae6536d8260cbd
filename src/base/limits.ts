/**
 * Every limit of the program, in one place. Sizes are bytes, times milliseconds. `docs/limits.md` explains them.
 * A protocol limit (marked P) is what the network enforces and cannot be changed; the rest protect this node.
 */

// Keys
export const RSA_MODULUS_BYTES_MAX = 512 // P, 4096 bits
export const RSA_MODULUS_BYTES_MIN = 256 // for keys that this node signs with
export const PUBLIC_KEY_CACHE_MAX = 10_000

// Arweave
export const DENOMINATION_MAX = 2 ** 24 - 1 // P
export const INTEGER_DIGITS_MAX = 160 // read from JSON; reading a long integer takes time that grows with its square
export const INTEGER_BYTES_MAX = 64 // the same for binary forms
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
export const BLOCK_LIST_MAX = 10_000 // elements of any other list in a block: tags, checkpoints, mints
export const ANCHOR_DEPTH_MAX = 50 // P, blocks
export const INFLATION_CACHE_MAX = 1_000 // heights
export const MEMPOOL_TX_COUNT_MAX = 50_000
export const TX_JSON_DATA_BYTES_MAX = 12 * 1024 * 1024 // P, GET /tx/{id}/data
export const CHUNK_INLINE_BYTES_MAX = 48 * 1024 // chunk and proof that stay in the KvStore; larger chunks become blobs
export const DATA_ROOT_CACHE_MAX = 10_000 // data roots held in memory while chunks come in
export const BLOCK_CACHE_MAX = 256 // blocks and their transaction trees held in memory
export const REJECTION_CACHE_MAX = 10_000
export const REJECTION_MS = 30 * 60 * 1000 // P, how long GET /tx/{id} tells why a transaction was refused
export const SEAL_DELAY_MS = 400 // from the first transaction in the mempool to the block, in `auto` mode
export const MINE_COUNT_MAX = 10_000 // blocks of one GET /mine/{n}
export const WALLET_LIST_PAGE = 2_500 // P
export const BLOCK_INDEX_RANGE_MAX = 10_000 // P
export const SYNC_RECORD_INTERVALS_MAX = 10_000 // P
export const WALLET_BODY_BYTES_MAX = 64 * 1024

// ANS-104
export const ITEM_TAG_BYTES_MAX = 4096
export const ITEM_BYTES_MIN = 80 // smaller than any item of any signature type
export const ITEM_BYTES_MAX = 4 * 1024 * 1024 * 1024
export const ITEM_IN_MEMORY_BYTES_MAX = 1024 * 1024 // above it a body streams to disk while it is hashed
export const BUNDLE_ITEM_COUNT_MAX = 100_000
export const BUNDLE_DEPTH_MAX = 20

// AO
export const MESSAGE_BYTES_MAX = 10 * 1024 * 1024
export const PUSH_DEPTH_MAX = 256
export const PUSH_FANOUT_MAX = 1_000 // outbox entries of one result
export const RESULT_BYTES_MAX = 16 * 1024 * 1024
export const RESULT_VALUES_MAX = 500_000 // numbers, texts, tables … of one result, those in tables included
export const RESULT_WAIT_MS_MAX = 120_000
export const MODULE_BYTES_MAX = 128 * 1024 * 1024
export const PROCESS_HEADS_MAX = 100_000 // heads of processes kept in memory
export const PROCESS_RUNNERS_MAX = 10_000 // processes that have something to do, or had
export const SNAPSHOT_EVERY_MESSAGES = 500
export const SNAPSHOT_EVERY_MS = 15_000 // of evaluation since the last one: on machines where gas takes longer than usual
export const SNAPSHOT_EVERY_GAS = 5_000_000_000 // used since the last one
export const SNAPSHOT_IDLE_MS = 10_000 // without a message: then a process that was used gets one
export const SNAPSHOTS_KEPT = 3 // of each process, whatever their age; older ones are thinned out
export const SNAPSHOT_GAP_MESSAGES_MAX = 10_000 // between two that are kept: what looking at an old slot replays at most
export const SNAPSHOTS_UNDER_WAY_MAX = 2 // of idle processes, and of all when the node stops
export const RESULTS_UNSAVED_MAX = 256 // evaluated but not yet durable, per process
export const RESULTS_UNSAVED_BYTES_MAX = 64 * 1024 * 1024 // the same in bytes
export const MESSAGES_AHEAD_MAX = 1_000 // scheduled and kept in memory until their turn comes, per process
export const MESSAGES_AHEAD_BYTES_MAX = 128 * 1024 * 1024 // all processes together
export const PARTING_SNAPSHOTS_MAX = 64 // of evicted processes, on their way to the store
export const MODULE_CACHE_BYTES_MAX = 64 * 1024 * 1024
export const PUSHES_WAITING_MAX = 2_000 // of one process; it evaluates no more until some are delivered
export const PUSHES_PER_ORIGIN_MAX = 20_000 // that one message from outside may cause
export const CRON_PUSHES_PER_SECOND_MAX = 100 // that the ticks of one process may cause in the long run
export const CRON_PUSHES_BURST_MAX = 10_000 // of them saved up
export const PUSHES_UNDER_WAY_MAX = 64 // of one process
export const TRACE_NODES_MAX = 2_000 // of one answer about what a message caused
export const TRACE_TEXT_CHARS_MAX = 500 // of an output or error in it
export const PROCESS_QUEUE_MAX = 100_000 // messages waiting for one process
export const FAIR_ALONE = 256 // messages on their way to a result, of a wallet that sends alone
export const FAIR_TOTAL = 12 // messages on their way to their slots that wallets share while several send; without a result, of each process
export const FAIR_SHARE_MIN = 2 // of each wallet, however many there are
export const FAIR_WAIT_MS_MAX = 500 // then a message passes beyond its wallet's share
export const CRONS_PER_PROCESS_MAX = 20
export const CRON_CATCH_UP_MAX = 256 // missed ticks of one process that are made up for at once; those before them never were
export const MONITORED_PROCESSES_MAX = 10_000
export const MONITORED_TICKS_PER_SECOND_MAX = 500 // that the crons of monitored processes ask for, all together
export const MONITORS_PER_PROCESS_MAX = 100 // wallets that have the same process watched
export const GUEST_MEMORY_BYTES_MAX = 512 * 1024 * 1024
export const GUEST_GAS_MAX = 1_000_000_000 // units per message: 1 to 5 s of computing, 15 s at worst
export const GUEST_TIME_MS_MAX = 30_000 // the second fence, well behind gas: unlike gas it strikes sooner on a slower machine
export const GUEST_STALL_MS = 250 // a message that runs longer lets the other processes of its worker move to another one
export const VALUE_DEPTH_MAX = 100 // tables within tables, in messages and results
export const AO_REQUEST_GAS = 10_000 // what each question of a guest to AO-Core costs it, on top of its own work
export const PROGRAMS_PREPARED_MAX = 64 // modules kept booted in each worker
export const GUEST_TABLE_ENTRIES_MAX = 100_000 // functions that a module can call by number; they take room beside its memory
export const GUEST_MODULE_ENTRIES_MAX = 10_000 // imports, exports and global variables of a module, each
export const GUEST_PRINTED_BYTES_MAX = 1024 * 1024 // of a call of a plain module
export const GUEST_UNDEFINED_CALLS_MAX = 1_000 // imports that are not there, noted for a call of a plain module
export const GUEST_INSTANCES_MAX = 4_000 // live WebAssembly memories of this program; each reserves up to 16 GiB of 128 TiB of addresses
export const GUEST_WORKER_HEAP_BYTES_MAX = 768 * 1024 * 1024 // JavaScript heap of one worker; memories of guests are beside it
export const GUEST_FILE_OPENS_MAX = 1_000 // different files that one message looks for
export const GUEST_FILE_BYTES_MAX = 512 * 1024 * 1024 // read from files by one message
export const GUEST_FILE_PIECE_BYTES = 256 * 1024 // between the main thread and a worker
export const GUEST_FILES_MS_MAX = 30_000 // that one message waits for files, beside the time it may run
export const DRY_RUN_QUEUE_MAX = 3_000
export const HISTORY_OPEN_MAX = 8 // instances at past slots that are kept for the next who asks
export const HISTORY_REPLAYS_MAX = 2 // of past slots at one time; live processes have the rest of the threads
export const HISTORY_QUEUE_MAX = 200 // requests for past states
export const REVERT_SLOTS_MAX = 100_000 // forgotten in one commit

// AO-Core
export const AO_CORE_BODY_BYTES_MAX = 16 * 1024 * 1024 // of a request whose message is held in memory
export const AO_CORE_BODY_SMALL_BYTES = 64 * 1024 // a larger one is hashed and parsed while it comes
export const AO_CORE_BODIES_BYTES_MAX = 128 * 1024 * 1024 // of all bodies above that which are being read
export const AO_CORE_BODY_STALL_MS = 5_000 // without 64 KiB more; then a body makes way for others if there is no room
export const AO_CORE_STEP_VALUES = 200 // of a large message that are dealt with at one time
export const AO_CORE_STEP_MS = 8 // of work on one, until others have their turn
export const AO_CORE_HEADER_BYTES_MAX = 6 * 1024 // of all headers of a message that is sent, its signatures not counted; what is beyond moves into its body
export const AO_CORE_REPLY_HEADER_BYTES_MAX = 15 * 1024 // with signatures; clients on Node.js read 16 KiB
export const AO_CORE_HEADER_VALUE_BYTES_MAX = 4096 // P, a longer value is a part of the body
export const AO_CORE_HEADERS_MAX = 500 // of a request
export const AO_CORE_HEADERS_SENT_MAX = 400 // of a message that this node sends; what is beyond moves into its body
export const AO_CORE_KEYS_MAX = 10_000 // of one message, its children not counted
export const AO_CORE_VALUES_MAX = 50_000 // of one message with all that is in it: what is done with one takes a tenth of a second at most
export const AO_CORE_DEPTH_MAX = 100 // messages within messages
export const AO_CORE_KEY_BYTES_MAX = 1024
export const AO_CORE_INTEGER_DIGITS_MAX = 200 // decimal; the time to read one grows faster than its length
export const AO_CORE_TAG_VALUE_BYTES_MAX = 3072 // P, of data items and transactions; a longer value goes into the data
export const AO_CORE_TAGS_MAX = 128 // P, the same
export const AO_CORE_ITEMS_MAX = 4_000 // within one that is read as a message: each takes as long as thirty values
export const AO_CORE_ITEM_BYTES_MAX = 64 * 1024 * 1024 // of a message as a data item; each message within takes a kilobyte more
export const AO_CORE_COMMITMENTS_MAX = 64 // of one message
export const AO_CORE_FORMS_BYTES_MAX = 256 * 1024 * 1024 // that are written to verify the commitments of one message with all that is in it
export const AO_CORE_NESTED_COMMITMENTS_MAX = 1000 // of one message with all that is in it
export const AO_CORE_SIGNED_LISTS_MAX = 4 // different sets of components that the signatures of one message list
export const MULTIPART_PARTS_MAX = 10_000
export const MULTIPART_BOUNDARY_BYTES_MAX = 200
export const PATH_SEGMENT_BYTES_MAX = 512 // P
export const PATH_STEPS_MAX = 256 // of one request, those in brackets included
export const RESOLVE_DEPTH_MAX = 64 // resolutions within resolutions
export const RESOLUTIONS_MAX = 100_000 // keys that are resolved for one request, those within others included
export const ORIGIN_REQUESTS_MAX = 64 // of one result whose hashpath nobody has asked for yet
export const COMPUTATION_STEPS_MAX = 1_000 // that are computed again to verify one hashpath
export const LINK_HOPS_MAX = 32 // links that lead to links
export const SIGNATURES_AT_ONCE_MAX = 3 // of replies; there are four threads for this and everything else that takes long
export const SIGNATURES_WAITING_MAX = 1_000 // replies that wait for theirs
export const SIGNED_REPLIES_CACHED = 10_000 // signatures kept for replies of the same content
export const REPLIES_KEPT = 2_000 // replies of a few plain values, encoded
export const SIGNED_ITEMS_CACHED = 16 // replies kept as signed data items, whatever their size
export const RESULTS_CACHED_BYTES_MAX = 64 * 1024 * 1024 // messages and results held in memory before the store
export const WRITE_BEHIND_BYTES_MAX = 64 * 1024 * 1024 // messages on their way to the disk
export const AO_CORE_CACHE_BYTES_MAX = 1024 * 1024 * 1024 // of the disk, for messages and results that need not be durable
export const MESSAGE_MATCHES_MAX = 1_000 // ids of one answer about which messages have some keys
export const NODE_HISTORY_SHOWN_MAX = 100 // changes of the node's options that are shown; all are kept

// HTTP and queries
export const HTTP_HEADER_BYTES_MAX = 1024 * 1024
export const URL_BYTES_MAX = 64 * 1024
export const UNIT_PORT_TRIES_MAX = 50 // to find five free ports in a row
export const JSON_BODY_BYTES_MAX = 10 * 1024 * 1024
export const GRAPHQL_BODY_BYTES_MAX = 1024 * 1024
export const GRAPHQL_BATCH_MAX = 20 // queries in one body
export const GRAPHQL_CACHE_BYTES_MAX = 32 * 1024 * 1024 // parsed queries
export const GRAPHQL_FIELDS_MAX = 250_000 // of an answer: rows times selected fields
export const GRAPHQL_DEPTH_MAX = 12
export const GRAPHQL_TOKENS_MAX = 10_000
export const GRAPHQL_ROOT_FIELDS_MAX = 50
export const GRAPHQL_LIST_MAX = 1_000 // ids, owners, recipients, tag values
export const GRAPHQL_TAG_FILTERS_MAX = 20
export const PAGE_SIZE_MAX = 1_000
export const PAGE_SIZE_DEFAULT = 10
export const PAGE_BYTES_MAX = 32 * 1024 * 1024 // of messages or results in one page; it ends sooner then, but has one at least
export const QUERY_FAST_MS_MAX = 100 // then a query moves to the thread for long ones
export const QUERY_MS_MAX = 10_000
export const RANGE_COUNT_MAX = 64
export const MANIFEST_BYTES_MAX = 64 * 1024 * 1024
export const MANIFEST_PATHS_MAX = 1_000_000
export const OWN_BUNDLE_ITEM_COUNT_MAX = 10_000
export const OWN_BUNDLE_BYTES_MAX = 256 * 1024 * 1024 // a single larger item still gets a bundle of its own

// Other nodes
export const UPSTREAM_DATA_BYTES_MAX = 64 * 1024 * 1024 // of one id that is fetched from a gateway
export const UPSTREAM_ANSWER_BYTES_MAX = 16 * 1024 * 1024 // what a gateway says about an id
export const UPSTREAM_MS_MAX = 30_000 // for one id from one gateway
export const UPSTREAM_FETCHES_MAX = 4 // ids at one time
export const UPSTREAM_QUEUE_MAX = 256 // ids that wait for their turn
export const UPSTREAM_MISSES_MAX = 10_000 // ids remembered that no gateway has
export const UPSTREAM_MISS_MS = 30_000 // until such an id is asked for again
export const UPSTREAM_REST_MS = 5_000 // for which a gateway that did not answer is not asked again
export const UPSTREAM_IDS_MAX = 5 // in a GraphQL query by ids that may be fetched for it

// Store and connections
export const BLOB_PIECE_BYTES_MAX = 256 * 1024 // one piece of a streamed blob
export const HTTP_HEADERS_MS_MAX = 60_000 // until the last header of a request is here
export const HTTP_KEEP_ALIVE_MS = 75_000 // a connection without a request; longer than what clients and proxies wait
export const HTTP_IDLE_MS_MAX = 300_000 // no byte in either direction, longer than any long poll
export const HTTP_CLOSE_MS = 1_000 // for requests under way when the node stops
export const EVALUATIONS_END_MS = 600 // for evaluations under way, so that those who wait for them still hear why they get none
export const HTTP_LINGER_MS = 1_000 // a client that still sends what nobody reads has this long to see the answer
export const HTTP_LINGER_BYTES_MAX = 8 * 1024 * 1024
export const GUEST_CACHE_BYTES_MAX = 2304 * 1024 * 1024 // state of all processes that are kept hot: 1,000 of aos and some
export const INDEX_BACKLOG_MAX = 1_000 // events that are durable and not in the query index yet: some 50 ms of its work
export const VERIFY_BATCH_ITEMS_MAX = 16
export const VERIFY_BATCH_BYTES_MAX = 1024 * 1024

// Console
export const CONSOLE_HISTORY_MAX = 1_000 // statements kept from earlier sessions
export const CONSOLE_HISTORY_BYTES_MAX = 1024 * 1024
export const CONSOLE_ROWS_MAX = 200 // of one result on a terminal
export const CONSOLE_NAMES_MAX = 500 // of one table, for completion and .state
