/**
 * Walks posting lists in the order of the answer: keys (row numbers of pending rows, sort keys of mined ones) of the rows that carry a term and fit other
 * clauses. The driving list is read in windows, so that a walk without matches can be given up in time.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clause } from './sqlite-filter.ts'
import { all, one, prepareBig } from './sqlite-lookup.ts'
import { TERM_ALL } from './sqlite-schema.ts'

/** A stretch of the pending or of the mined rows; both bounds belong to it. */
export interface Segment {
  readonly table: 'fresh' | 'posting'
  readonly low: bigint
  readonly high: bigint
}

/** Clauses with few terms, checked by SQLite through the primary key of the posting lists. */
export type Probe = Exclude<Clause, { kind: 'tags' }>

export interface WalkOptions {
  readonly segment: Segment
  readonly isDescending: boolean
  readonly probes: readonly Probe[]
  /** How many keys the caller will probably take. */
  readonly wanted: number
  /** Throws when the time is up. */
  readonly tick: () => void
}

export const PROBE_TERMS_MAX = 4
const FIRST_WINDOW = 2_000
const WINDOW_MAX = 32_000
const CHUNK_MAX = 2_000
const STATEMENTS_MAX = 256

export class Walker {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** Keys of the rows with any of the terms, each once; of all rows when `terms` is null. */
  *keys(terms: readonly number[] | null, options: WalkOptions): Generator<bigint> {
    if (terms === null) yield* this.#keysOfTerm(termOfAll(options.segment), options, options.wanted)
    else if (terms.length === 1) yield* this.#keysOfTerm(terms[0]!, options, options.wanted)
    else {
      // Few from each: most of many values will not contribute.
      const chunk = Math.max(4, Math.ceil((2 * options.wanted) / terms.length))
      yield* merge(
        terms.map((term) => this.#keysOfTerm(term, options, chunk)),
        options.isDescending,
      )
    }
  }

  /** How many keys `keys` would yield for one term or all rows. */
  count(only: number | null, options: WalkOptions): number {
    const term = only ?? termOfAll(options.segment)
    let total = 0
    for (const [low, high] of this.#windows(term, options)) {
      const found = one<{ rows: bigint }>(
        this.#statement(`SELECT count(*) AS rows ${this.#from(options, term)}`),
        ...values(term, [low, high], options),
      )
      total += Number(found!.rows)
    }
    return total
  }

  *#keysOfTerm(term: number | null, options: WalkOptions, firstChunk: number): Generator<bigint> {
    const order = options.isDescending ? 'DESC' : 'ASC'
    const key = keyOf(options.segment.table)
    const select = this.#statement(`SELECT d.${key} AS key ${this.#from(options, term)} ORDER BY d.${key} ${order} LIMIT ?`)
    let chunk = firstChunk
    for (let [low, high] of this.#windows(term, options)) {
      for (;;) {
        const found = all<{ key: bigint }>(select, ...values(term, [low, high], options), chunk)
        for (const { key } of found) yield key
        if (found.length < chunk) break
        const last = found.at(-1)!.key
        if (options.isDescending) high = last - 1n
        else low = last + 1n
        chunk = Math.min(CHUNK_MAX, chunk * 2)
      }
    }
  }

  /** Parts of the segment that hold so many entries of the driving list; the whole of it when every entry is a match. */
  *#windows(term: number | null, { segment, probes, isDescending, tick }: WalkOptions): Generator<readonly [bigint, bigint]> {
    let { low, high } = segment
    let size = FIRST_WINDOW
    const key = keyOf(segment.table)
    const bare = this.#from({ segment, probes: [] }, term)
    const nth = this.#statement(`SELECT d.${key} AS key ${bare} ORDER BY d.${key} ${isDescending ? 'DESC' : 'ASC'} LIMIT 1 OFFSET ?`)
    while (low <= high) {
      tick()
      const end = probes.length === 0 ? undefined : one<{ key: bigint }>(nth, ...values(term, [low, high], { probes: [] }), size)?.key
      if (end === undefined) {
        yield [low, high]
        return
      }
      yield isDescending ? [end, high] : [low, end]
      if (isDescending) high = end - 1n
      else low = end + 1n
      size = Math.min(WINDOW_MAX, size * 2)
    }
  }

  #from({ segment: { table }, probes }: Pick<WalkOptions, 'segment' | 'probes'>, term: number | null): string {
    const key = keyOf(table)
    const source = table === 'posting' && term === null ? 'mined d WHERE' : `${table} d WHERE d.p = ? AND`
    const checks = probes.map(({ kind, terms }) => {
      const list = terms.size === 1 ? '= ?' : `IN (${Array.from(terms, () => '?').join()})`
      return ` AND ${kind === 'none' ? 'NOT ' : ''}EXISTS (SELECT 1 FROM ${table} x WHERE x.p ${list} AND x.${key} = d.${key})`
    })
    return `FROM ${source} d.${key} BETWEEN ? AND ?${checks.join('')}`
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear()
    const made = prepareBig(this.#db, sql)
    this.#statements.set(sql, made)
    return made
  }
}

function keyOf(table: Segment['table']): 'r' | 'sk' {
  return table === 'fresh' ? 'r' : 'sk'
}

function values(term: number | null, [low, high]: readonly [bigint, bigint], { probes }: Pick<WalkOptions, 'probes'>): (number | bigint)[] {
  const driver = term === null ? [] : [term]
  return [...driver, low, high, ...probes.flatMap(({ terms }) => [...terms])]
}

/** What drives a walk over all rows: pending ones all carry one term, mined ones have a table of their own. */
function termOfAll({ table }: Segment): number | null {
  return table === 'fresh' ? TERM_ALL : null
}

function* merge(streams: readonly Generator<bigint>[], isDescending: boolean): Generator<bigint> {
  const heads = streams.flatMap((stream) => {
    const { value, done } = stream.next()
    return done === true ? [] : [{ stream, key: value }]
  })
  let last: bigint | null = null
  while (heads.length > 0) {
    let best = 0
    for (let i = 1; i < heads.length; i++) if (isDescending ? heads[i]!.key > heads[best]!.key : heads[i]!.key < heads[best]!.key) best = i
    const { stream, key } = heads[best]!
    if (key !== last) yield key
    last = key
    const { value, done } = stream.next()
    if (done === true) heads.splice(best, 1)
    else heads[best] = { stream, key: value }
  }
}
