/**
 * The query index in a SQLite file: one thread writes, others read, none of them the caller's.
 *
 * Invariants  `apply` is one SQLite transaction that also stores the position. A reader asked after `apply` resolved sees it: its snapshot begins with the
 *             question. A query that takes long moves to a thread of its own, where it delays only others like it.
 */
import { HeddleError } from '../../base/errors.ts'
import { QUERY_FAST_MS_MAX, QUERY_MS_MAX } from '../../base/limits.ts'
import type { IndexEvent, IndexedTransaction, IndexStore, Page, TransactionQuery } from '../index-store.ts'
import { TooSlow } from './sqlite-index-reader.ts'
import { IndexThread } from './sqlite-index-thread.ts'
import { type BlockFacts, type RawPage, unpackBlock, unpackPage } from './sqlite-page.ts'
import { packEvents } from './sqlite-row-codec.ts'
import { HEIGHT_MAX, INDEX_MAX } from './sqlite-sort-key.ts'

export interface SqliteIndexOptions {
  /** Threads for ordinary queries; the one for long queries starts when it is first needed. */
  readonly readers?: number
  /** After this a query moves to the thread for long ones. */
  readonly fastMs?: number
  /** After this a long query is given up. */
  readonly longMs?: number
}

/** `file` may be `:memory:`; then one thread does everything. */
export async function openSqliteIndexStore(file: string, options: SqliteIndexOptions = {}): Promise<IndexStore> {
  const { readers = 1, fastMs = QUERY_FAST_MS_MAX, longMs = QUERY_MS_MAX } = options
  const inMemory = file === ':memory:'
  const writer = new IndexThread({ file, role: 'writer' })
  const start = (): IndexThread => (inMemory ? writer : new IndexThread({ file, role: 'reader' }))
  // Readers start when the file is there, while the caller already goes on.
  await writer.call('position', [])
  const pool = Array.from({ length: inMemory ? 1 : readers }, start)
  return new SqliteIndexStore({ writer, pool, start, fastMs, longMs })
}

interface Parts {
  readonly writer: IndexThread
  readonly pool: IndexThread[]
  /** Another reader. */
  readonly start: () => IndexThread
  readonly fastMs: number
  readonly longMs: number
}

class SqliteIndexStore implements IndexStore {
  readonly #writer: IndexThread
  readonly #pool: IndexThread[]
  readonly #start: () => IndexThread
  readonly #fastMs: number
  readonly #longMs: number
  #long: IndexThread | null = null

  constructor({ writer, pool, start, fastMs, longMs }: Parts) {
    this.#writer = writer
    this.#pool = pool
    this.#start = start
    this.#fastMs = fastMs
    this.#longMs = longMs
  }

  position(): Promise<number> {
    return this.#writer.call('position', [])
  }

  async apply(events: readonly IndexEvent[], position: number): Promise<void> {
    for (const event of events) if (event.kind === 'block') checkBlock(event.block)
    const packed = packEvents(events)
    await this.#writer.call('apply', [packed, position], [packed.buffer])
  }

  async transactions(query: TransactionQuery): Promise<Page<IndexedTransaction>> {
    try {
      return unpackPage(await this.#reader().call('transactions', [query, { timeMs: this.#fastMs, isLast: false }]))
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error
      return unpackPage(await this.#longTransactions(query))
    }
  }

  async transaction(id: string): Promise<IndexedTransaction | null> {
    return unpackPage(await this.#reader().call('transaction', [id])).edges[0]?.node ?? null
  }

  async blocks(query: Parameters<IndexStore['blocks']>[0]): Promise<Page<BlockFacts>> {
    const { blocks, cursors, hasNextPage } = await this.#reader().call('blocks', [query])
    return { edges: blocks.map((block, i) => ({ cursor: cursors[i]!, node: unpackBlock(block) })), hasNextPage, count: null }
  }

  async block(hash: string): Promise<BlockFacts | null> {
    const found = await this.#reader().call('block', [hash])
    return found === null ? null : unpackBlock(found)
  }

  clear(): Promise<void> {
    return this.#writer.call('clear', [])
  }

  async close(): Promise<void> {
    await Promise.all(this.#pool.filter((thread) => thread !== this.#writer).map((thread) => thread.close()))
    await this.#long?.close()
    await this.#writer.close()
  }

  async #longTransactions(query: TransactionQuery): Promise<RawPage> {
    if (this.#long?.isAlive !== true) this.#long = this.#start()
    try {
      return await this.#long.call('transactions', [query, { timeMs: this.#longMs, isLast: true }])
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error
      throw new HeddleError(
        'limit-reached',
        { what: 'query time', max: this.#longMs },
        `the query found too little in ${this.#longMs / 1000} seconds; add a rarer tag, an owner or a narrower block range`,
      )
    }
  }

  /** The thread with the fewest questions; one that died is replaced. */
  #reader(): IndexThread {
    let best = 0
    for (const [i, thread] of this.#pool.entries()) {
      if (!thread.isAlive && this.#writer.isAlive) this.#pool[i] = this.#start()
      if (this.#pool[i]!.load < this.#pool[best]!.load) best = i
    }
    return this.#pool[best]!
  }
}

function checkBlock({ hash, height, txIds }: Extract<IndexEvent, { kind: 'block' }>['block']): void {
  if (height > HEIGHT_MAX)
    throw new HeddleError(
      'limit-reached',
      { what: 'block height', max: HEIGHT_MAX },
      `block ${hash} is at height ${height}, the index holds heights up to ${HEIGHT_MAX}`,
    )
  if (txIds.length > INDEX_MAX + 1)
    throw new HeddleError(
      'limit-reached',
      { what: 'transactions of a block', max: INDEX_MAX + 1 },
      `block ${hash} names ${txIds.length} transactions, the index holds up to ${INDEX_MAX + 1}`,
    )
}
