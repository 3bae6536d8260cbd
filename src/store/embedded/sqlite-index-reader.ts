/**
 * Answers queries, each from one snapshot of the tables.
 *
 * Invariants  `hasNextPage` is true exactly when another row fits. Throws `TooSlow` when the time is up: another thread may then take the query over.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fromBase64url } from '../../base/bytes.ts'
import { bytesToId, isBlockHash } from '../../base/ids.ts'
import { PAGE_SIZE_MAX } from '../../base/limits.ts'
import type { BlockQuery, TransactionQuery } from '../index-store.ts'
import { boundsAfter, cursorWriter, type Finders, filterBounds } from './sqlite-bounds.ts'
import { decodeBlockCursor, decodeTransactionCursor, encodeBlockCursor, encodeIngestCursor } from './sqlite-cursor.ts'
import { FilterCompiler } from './sqlite-filter.ts'
import { all, one, RowFinder, SlotFinder } from './sqlite-lookup.ts'
import { type FoundRow, PageReader, type RawBlock, type RawPage } from './sqlite-page.ts'
import { countPlan, type Plan, Planner } from './sqlite-plan.ts'
import { Walker } from './sqlite-walk.ts'

/** The query was given up after its time; nothing is wrong with it. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow'
}

export interface RawBlockPage {
  readonly blocks: readonly RawBlock[]
  readonly cursors: readonly string[]
  readonly hasNextPage: boolean
}

interface State {
  readonly position: number
  readonly rowCount: number
  readonly nextHeight: number
}

export class IndexReader {
  readonly #db: DatabaseSync
  readonly #finders: Finders
  readonly #filters: FilterCompiler
  readonly #planner: Planner
  readonly #pages: PageReader
  readonly #state: StatementSync
  readonly #blockByHash: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#finders = { rows: new RowFinder(db), slots: new SlotFinder(db) }
    this.#filters = new FilterCompiler(db)
    this.#planner = new Planner(db, new Walker(db), this.#finders.rows)
    this.#pages = new PageReader(db)
    this.#state = db.prepare(
      'SELECT position, row_count AS rowCount, (SELECT coalesce(max(height) + 1, 0) FROM block) AS nextHeight FROM state',
    )
    this.#blockByHash = db.prepare('SELECT * FROM block WHERE hash = ?')
  }

  /** With `isLast` a count that takes too long is left out, since nobody else will try. */
  transactions(query: TransactionQuery, { timeMs, isLast }: { readonly timeMs: number; readonly isLast: boolean }): RawPage {
    return this.#snapshot(() => this.#transactions(query, timer(timeMs), isLast))
  }

  transaction(id: string): RawPage {
    const query: TransactionQuery = { ids: [id], sort: 'HEIGHT_DESC', first: 1, after: null }
    return this.transactions(query, { timeMs: Number.POSITIVE_INFINITY, isLast: true })
  }

  block(hash: string): RawBlock | null {
    return isBlockHash(hash) ? (one<RawBlock>(this.#blockByHash, fromBase64url(hash)) ?? null) : null
  }

  blocks(query: BlockQuery): RawBlockPage {
    const isDescending = query.sort === 'HEIGHT_DESC'
    const first = Math.min(query.first, PAGE_SIZE_MAX)
    const cut = query.after ? decodeBlockCursor(query.after) : null
    const low = Math.max(query.height?.min ?? 0, !isDescending && cut !== null ? cut + 1 : 0)
    const high = Math.min(query.height?.max ?? Number.MAX_SAFE_INTEGER, isDescending && cut !== null ? cut - 1 : Number.MAX_SAFE_INTEGER)
    const hashes = query.ids ? query.ids.filter(isBlockHash).map((hash) => fromBase64url(hash)) : null
    const among = hashes === null ? '' : `AND hash IN (${hashes.map(() => '?').join()})`
    const sql = `SELECT * FROM block WHERE height BETWEEN ? AND ? ${among} ORDER BY height ${isDescending ? 'DESC' : 'ASC'} LIMIT ?`
    const found = all<RawBlock>(this.#db.prepare(sql), low, high, ...(hashes ?? []), first + 1)
    const blocks = found.slice(0, first)
    return { blocks, cursors: blocks.map(({ height }) => encodeBlockCursor(height)), hasNextPage: found.length > first }
  }

  /** One read transaction, so that the parts of an answer belong together. */
  #snapshot<T>(read: () => T): T {
    if (this.#db.isTransaction) return read()
    this.#db.exec('BEGIN')
    try {
      return read()
    } finally {
      this.#db.exec('COMMIT')
    }
  }

  #transactions(query: TransactionQuery, tick: () => void, isLast: boolean): RawPage {
    const state = one<State>(this.#state)!
    const first = Math.min(query.first, PAGE_SIZE_MAX)
    const isDescending = query.sort === 'HEIGHT_DESC'
    const cursor = query.after ? decodeTransactionCursor(query.after, query.sort) : null
    const clauses = this.#filters.compile(query)
    if (clauses === null) return this.#pages.read([], () => '', { hasNextPage: false, count: query.withCount ? 0 : null })
    const filtered = filterBounds(query)
    const plan: Plan = {
      query,
      clauses,
      bounds: cursor?.kind === 'height' ? boundsAfter(filtered, cursor, isDescending, this.#finders) : filtered,
      after: cursor?.kind === 'ingested' ? cursor : null,
      wanted: first + 1,
      tick,
    }
    const found = this.#planner.page(plan, state.rowCount)
    const count = query.withCount ? this.#count(plan, state.rowCount, isLast) : null
    const byHeight = cursorWriter(cursor?.kind === 'height' ? cursor : null, state, isDescending)
    const cursorOf = query.sort.startsWith('INGESTED')
      ? ({ ingestedAtS, id }: FoundRow) => encodeIngestCursor(ingestedAtS, bytesToId(id))
      : (row: FoundRow) => byHeight({ ...row, id: bytesToId(row.id) })
    return this.#pages.read(found.slice(0, first), cursorOf, { hasNextPage: found.length > first, count })
  }

  #count(plan: Plan, totalRows: number, isLast: boolean): number | null {
    try {
      return this.#planner.count(countPlan(plan), totalRows)
    } catch (error) {
      if (isLast && error instanceof TooSlow) return null
      throw error
    }
  }
}

function timer(timeMs: number): () => void {
  const end = performance.now() + timeMs
  return () => {
    if (performance.now() > end) throw new TooSlow(`gave up after ${timeMs} ms`)
  }
}
