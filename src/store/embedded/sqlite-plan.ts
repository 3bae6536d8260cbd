/**
 * Finds the rows of a page, and counts them.
 *
 * By height the posting lists of the rarest clause are walked in the order of the answer, the other clauses probed, until the page is full. By ingestion the
 * `seen` table is walked, unless the clauses are rare: then all rows that fit are found and sorted, as it is done for `ids` too.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fromBase64url } from '../../base/bytes.ts'
import { isTxId } from '../../base/ids.ts'
import type { TransactionQuery } from '../index-store.ts'
import { type Bounds, excludesPending, filterBounds } from './sqlite-bounds.ts'
import type { IngestCursor } from './sqlite-cursor.ts'
import { type Clause, fitsClauses } from './sqlite-filter.ts'
import { one, prepareBig, type RowFinder, unpackTerms } from './sqlite-lookup.ts'
import { bodyTags } from './sqlite-row-codec.ts'
import { frontOfId } from './sqlite-sort-key.ts'
import { PROBE_TERMS_MAX, type Probe, type Segment, type Walker } from './sqlite-walk.ts'

/** Where a row stands, and what of it clauses look at. */
export interface Spot {
  readonly r: number
  readonly sk: bigint | null
  readonly since: number
  readonly parent: number
  readonly front: number
  readonly ingestedAtS: number
  readonly terms: Uint32Array
}

export interface Plan {
  readonly query: TransactionQuery
  readonly clauses: readonly Clause[]
  readonly bounds: Bounds
  readonly after: IngestCursor | null
  readonly wanted: number
  readonly tick: () => void
}

/** Fewer rows than these are fetched and sorted rather than looked for along the order of ingestion. */
const SORTED_ROWS = 2_000
const TICK_ROWS = 512

export class Planner {
  readonly #walker: Walker
  readonly #rows: RowFinder
  readonly #byRow: StatementSync
  readonly #bySortKey: StatementSync
  readonly #body: StatementSync
  readonly #seenDown: StatementSync
  readonly #seenUp: StatementSync

  constructor(db: DatabaseSync, walker: Walker, rows: RowFinder) {
    this.#walker = walker
    this.#rows = rows
    const columns = 'l.r, l.sk, l.since, l.parent, l.front, l.ingested, l.terms'
    this.#byRow = prepareBig(db, `SELECT ${columns} FROM place l WHERE l.r = ?`)
    this.#bySortKey = prepareBig(db, `SELECT ${columns} FROM mined m CROSS JOIN place l ON l.r = m.r WHERE m.sk = ?`)
    this.#body = db.prepare('SELECT bytes FROM body WHERE r = ?')
    const seen = `SELECT ${columns} FROM seen s CROSS JOIN place l ON l.r = s.r WHERE s.ingested BETWEEN ? AND ? AND (s.ingested, s.front, s.r)`
    this.#seenDown = prepareBig(db, `${seen} < (?, ?, ?) ORDER BY s.ingested DESC, s.front DESC, s.r DESC`)
    this.#seenUp = prepareBig(db, `${seen} > (?, ?, ?) ORDER BY s.ingested, s.front, s.r`)
  }

  /** At most `wanted` rows, in the order of the answer. */
  page(plan: Plan, totalRows: number): Spot[] {
    const { query, wanted } = plan
    if (!query.sort.startsWith('INGESTED')) {
      if (query.ids) return this.#sorted(plan, this.#named(plan)).slice(0, wanted)
      return take(this.#walk(plan, true), wanted)
    }
    const rarest = query.ids ? query.ids.length : driverOf(plan.clauses)?.rows
    const isRare = rarest !== undefined && (rarest <= SORTED_ROWS || rarest * rarest <= wanted * totalRows)
    if (!isRare) return take(this.#walkSeen(plan), wanted)
    return this.#sorted(plan, query.ids ? this.#named(plan) : [...this.#walk(plan, false)]).slice(0, wanted)
  }

  count(plan: Plan, totalRows: number): number {
    const { query, clauses, bounds } = plan
    if (query.ids) return this.#named(plan).length
    const [clause] = clauses
    const isOpen = !excludesPending(query.height) && !query.ingestedAtS
    if (isOpen && clause === undefined) return totalRows
    if (isOpen && clauses.length === 1 && clause?.kind === 'any' && clause.terms.size === 1) return clause.rows
    const driver = driverOf(clauses)
    if ((driver === null || driver.terms.size === 1) && residualOf(plan, driver) === null)
      return bounds.segments.reduce(
        (sum, segment) => sum + this.#walker.count(onlyTerm(driver), this.#walkOptions(plan, segment, driver)),
        0,
      )
    let rows = 0
    for (const _ of this.#walk(plan, true)) rows += 1
    return rows
  }

  /** Rows that fit along the posting lists. Spots are bare unless the plan needs more of them. */
  *#walk(plan: Plan, isBareEnough: boolean): Generator<Spot> {
    const driver = driverOf(plan.clauses)
    const fits = residualOf(plan, driver)
    for (const segment of plan.bounds.segments) {
      let seen = 0
      for (const key of this.#walker.keys(driver === null ? null : [...driver.terms], this.#walkOptions(plan, segment, driver))) {
        if (++seen % TICK_ROWS === 0) plan.tick()
        if (fits === null && isBareEnough) yield bareSpot(segment, key)
        else {
          const spot = this.#spot(segment.table === 'fresh' ? this.#byRow : this.#bySortKey, key)!
          if (fits === null || fits(spot, () => this.#tags(spot.r))) yield spot
        }
      }
    }
  }

  *#walkSeen(plan: Plan): Generator<Spot> {
    const { query, clauses, after, tick } = plan
    const isDescending = query.sort === 'INGESTED_AT_DESC'
    const edge = isDescending ? Number.MAX_SAFE_INTEGER : -1
    const from = after === null ? [edge, edge, edge] : this.#ingestKey(after, isDescending)
    const range = [query.ingestedAtS?.min ?? 0, query.ingestedAtS?.max ?? Number.MAX_SAFE_INTEGER]
    let seen = 0
    for (const row of (isDescending ? this.#seenDown : this.#seenUp).iterate(...range, ...from)) {
      if (++seen % TICK_ROWS === 0) tick()
      const spot = toSpot(row as unknown as SpotRow)
      if (isWithin(spot, plan.bounds) && fitsClauses(clauses, termsOf(spot), () => this.#tags(spot.r))) yield spot
    }
  }

  /** Rows of the ids that the query names, as far as they fit. */
  #named(plan: Plan): Spot[] {
    const numbers = new Set((plan.query.ids ?? []).filter(isTxId).map((id) => this.#rows.find(fromBase64url(id))))
    const spots = [...numbers].flatMap((r) => (r === null ? [] : [this.#spot(this.#byRow, r)!]))
    const fits = residualOf({ ...plan, clauses: [] }, null)
    return spots.filter(
      (spot) =>
        isWithin(spot, plan.bounds) &&
        fitsClauses(plan.clauses, termsOf(spot), () => this.#tags(spot.r)) &&
        (fits === null || fits(spot, () => this.#tags(spot.r))),
    )
  }

  #sorted({ query: { sort }, after }: Plan, spots: Spot[]): Spot[] {
    const compare = sort.startsWith('INGESTED') ? compareIngested : compareHeight
    const sign = sort.endsWith('DESC') ? -1 : 1
    const ordered = spots.sort((a, b) => sign * compare(a, b))
    if (after === null) return ordered
    const [ingested, front, r] = this.#ingestKey(after, sort === 'INGESTED_AT_DESC')
    return ordered.filter((spot) => sign * compareIngested(spot, { ingestedAtS: ingested, front, r }) > 0)
  }

  #walkOptions({ query, bounds, wanted, tick, ...plan }: Plan, segment: Segment, driver: AnyClause | null) {
    return {
      segment,
      wanted,
      tick,
      isDescending: !query.sort.endsWith('ASC'),
      probes: plan.clauses.filter((clause) => clause !== driver && isProbe(clause)) as Probe[],
    }
  }

  #ingestKey({ ingestedAtS, id }: IngestCursor, isDescending: boolean): [number, number, number] {
    const bytes = fromBase64url(id)
    return [ingestedAtS, frontOfId(bytes), this.#rows.find(bytes) ?? (isDescending ? 0 : Number.MAX_SAFE_INTEGER)]
  }

  #spot(statement: StatementSync, key: number | bigint): Spot | null {
    const row = one<SpotRow>(statement, key)
    return row === undefined ? null : toSpot(row)
  }

  #tags(r: number) {
    return bodyTags(one<{ bytes: Uint8Array }>(this.#body, r)!.bytes)
  }
}

type AnyClause = Extract<Clause, { kind: 'any' }>

interface SpotRow {
  readonly r: bigint
  readonly sk: bigint | null
  readonly since: bigint | null
  readonly parent: bigint
  readonly front: bigint
  readonly ingested: bigint
  readonly terms: Uint8Array
}

function toSpot({ r, sk, since, parent, front, ingested, terms }: SpotRow): Spot {
  return {
    r: Number(r),
    sk,
    since: Number(since ?? 0n),
    parent: Number(parent),
    front: Number(front),
    ingestedAtS: Number(ingested),
    terms: unpackTerms(terms),
  }
}

const NO_TERMS = new Uint32Array(0)

/** Enough to fetch the row by; the row number of a mined one is looked up then. */
function bareSpot({ table }: Segment, key: bigint): Spot {
  const isFresh = table === 'fresh'
  return { r: isFresh ? Number(key) : -1, sk: isFresh ? null : key, since: 0, parent: 0, front: 0, ingestedAtS: 0, terms: NO_TERMS }
}

function driverOf(clauses: readonly Clause[]): AnyClause | null {
  return clauses.reduce<AnyClause | null>(
    (best, clause) => (clause.kind === 'any' && (best === null || clause.rows < best.rows) ? clause : best),
    null,
  )
}

function isProbe(clause: Clause): clause is Probe {
  return clause.kind !== 'tags' && clause.terms.size <= PROBE_TERMS_MAX
}

/** What neither the driver nor the probes check; null when nothing is left. */
function residualOf({ query, clauses, bounds }: Plan, driver: AnyClause | null) {
  const rest = clauses.filter((clause) => clause !== driver && !isProbe(clause))
  const { wasShown } = bounds
  const ingested = query.ingestedAtS ?? null
  if (rest.length === 0 && wasShown === null && ingested === null) return null
  return (spot: Spot, tags: () => ReturnType<typeof bodyTags>): boolean =>
    (ingested === null || (spot.ingestedAtS >= (ingested.min ?? 0) && spot.ingestedAtS <= (ingested.max ?? Number.MAX_SAFE_INTEGER))) &&
    (wasShown === null || spot.sk === null || !wasShown(spot.r, spot.since)) &&
    (rest.length === 0 || fitsClauses(rest, termsOf(spot), tags))
}

function termsOf({ terms, parent }: Spot): readonly number[] {
  return [...terms, parent]
}

function onlyTerm(clause: AnyClause | null): number | null {
  return clause === null ? null : [...clause.terms][0]!
}

function isWithin({ r, sk }: Spot, { segments }: Bounds): boolean {
  const table = sk === null ? 'fresh' : 'posting'
  const key = sk ?? BigInt(r)
  return segments.some((segment) => segment.table === table && segment.low <= key && key <= segment.high)
}

/** Oldest first, pending ones last. */
function compareHeight(a: Spot, b: Spot): number {
  if (a.sk === null || b.sk === null) return a.sk === b.sk ? a.r - b.r : a.sk === null ? 1 : -1
  return a.sk < b.sk ? -1 : 1
}

function compareIngested(a: Pick<Spot, 'ingestedAtS' | 'front' | 'r'>, b: Pick<Spot, 'ingestedAtS' | 'front' | 'r'>): number {
  return a.ingestedAtS - b.ingestedAtS || a.front - b.front || a.r - b.r
}

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = []
  if (count === 0) return taken
  for (const item of items) if (taken.push(item) === count) break
  return taken
}

/** The plan of a count: the whole answer, whatever page is asked for. */
export function countPlan(plan: Plan): Plan {
  return { ...plan, bounds: filterBounds(plan.query), after: null, wanted: 1_000 }
}
