/**
 * Posting lists: puts rows on them, takes them off, and moves them between the pending lists (by row number) and the mined ones (by sort key).
 *
 * Invariants  A row is either in `fresh` under its terms, its parent and TERM_ALL, or in `posting` under its terms and its parent and in `mined`; never in both.
 *             Among the items of a root the order of sort keys is the order of ids.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { HeddleError } from '../../base/errors.ts'
import { one, packTerms, prepareBig, SlotFinder, unpackTerms } from './sqlite-lookup.ts'
import { TERM_ALL } from './sqlite-schema.ts'
import { frontOfId, lastKeyOfRoot, wantedRank } from './sqlite-sort-key.ts'

export interface Place {
  readonly r: number
  /** Null while pending. */
  readonly sk: bigint | null
  /** Term of the parent, or 0. */
  readonly parent: number
  readonly isParent: boolean
  readonly terms: Uint32Array
}

export interface NewPlace {
  readonly r: number
  readonly id: Uint8Array
  readonly sk: bigint | null
  readonly since: number | null
  readonly parent: number
  readonly isParent: boolean
  readonly ingestedAtS: number
  readonly terms: readonly number[]
}

export interface Move {
  readonly r: number
  readonly sk: bigint
}

/** Above this share of the pending rows one pass over all pending postings is cheaper than look-ups row by row. */
const SWEEP_SHARE = 0.2

export class Shelf {
  readonly #db: DatabaseSync
  readonly #counters: { pendingCount: number }
  readonly #slots: SlotFinder
  readonly #get: StatementSync
  readonly #insertPlace: StatementSync
  readonly #insertIdent: StatementSync
  readonly #insertSeen: StatementSync
  readonly #setPlace: StatementSync
  readonly #setParent: StatementSync
  readonly #insertFresh: StatementSync
  readonly #deleteFresh: StatementSync
  readonly #insertPosting: StatementSync
  readonly #deletePosting: StatementSync
  readonly #insertMined: StatementSync
  readonly #deleteMined: StatementSync
  readonly #minedAt: StatementSync

  constructor(db: DatabaseSync, counters: { pendingCount: number }) {
    this.#db = db
    this.#counters = counters
    this.#slots = new SlotFinder(db)
    db.exec('CREATE TEMP TABLE IF NOT EXISTS move (r INTEGER PRIMARY KEY, sk INTEGER)')
    this.#get = prepareBig(db, 'SELECT sk, parent, is_parent, terms FROM place WHERE r = ?')
    this.#insertPlace = db.prepare('INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#insertIdent = db.prepare('INSERT INTO ident VALUES (?, ?)')
    this.#insertSeen = db.prepare('INSERT INTO seen VALUES (?, ?, ?)')
    this.#setPlace = db.prepare('UPDATE place SET sk = ?, since = ? WHERE r = ?')
    this.#setParent = db.prepare('UPDATE place SET parent = ? WHERE r = ?')
    this.#insertFresh = db.prepare('INSERT INTO fresh VALUES (?, ?)')
    this.#deleteFresh = db.prepare('DELETE FROM fresh WHERE p = ? AND r = ?')
    this.#insertPosting = db.prepare('INSERT INTO posting VALUES (?, ?)')
    this.#deletePosting = db.prepare('DELETE FROM posting WHERE p = ? AND sk = ?')
    this.#insertMined = db.prepare('INSERT INTO mined VALUES (?, ?)')
    this.#deleteMined = db.prepare('DELETE FROM mined WHERE sk = ?')
    this.#minedAt = db.prepare('SELECT r FROM mined WHERE sk = ?')
  }

  place(r: number): Place {
    type Row = { sk: bigint | null; parent: bigint; is_parent: bigint; terms: Uint8Array }
    const { sk, parent, is_parent, terms } = one<Row>(this.#get, r)!
    return { r, sk, parent: Number(parent), isParent: is_parent === 1n, terms: unpackTerms(terms) }
  }

  insert(row: NewPlace): void {
    const front = frontOfId(row.id)
    this.#insertPlace.run(row.r, row.sk, row.since, row.parent, row.isParent ? 1 : 0, front, row.ingestedAtS, packTerms(row.terms))
    this.#insertIdent.run(front, row.r)
    this.#insertSeen.run(row.ingestedAtS, front, row.r)
    this.#put(row, row.sk)
  }

  remove(place: Place, id: Uint8Array, ingestedAtS: number): void {
    this.#take(place, place.sk)
    this.#db.prepare('DELETE FROM place WHERE r = ?').run(place.r)
    this.#db.prepare('DELETE FROM ident WHERE front = ? AND r = ?').run(frontOfId(id), place.r)
    this.#db.prepare('DELETE FROM seen WHERE ingested = ? AND front = ? AND r = ?').run(ingestedAtS, frontOfId(id), place.r)
  }

  setParent({ r, sk, parent: old }: Place, parent: number): void {
    if (old !== 0) this.#takeTerm(old, r, sk)
    if (parent !== 0) this.#putTerm(parent, r, sk)
    this.#setParent.run(parent, r)
  }

  /** To another sort key, or back to the pending rows. `since` stays what it was unless the row was or becomes pending. */
  move(place: Place, sk: bigint | null, since: number | null): void {
    this.#take(place, place.sk)
    this.#put(place, sk)
    this.#setPlace.run(sk, since, place.r)
  }

  /** Pending rows to places that are all free. */
  moveMany(moves: readonly Move[], since: number): void {
    if (moves.length <= this.#counters.pendingCount * SWEEP_SHARE) {
      for (const { r, sk } of moves) this.move(this.place(r), sk, since)
      return
    }
    const insert = this.#db.prepare('INSERT INTO move VALUES (?, ?)')
    for (const { r, sk } of moves) insert.run(r, sk)
    this.#db.exec(`
      INSERT INTO posting SELECT f.p, m.sk FROM fresh f CROSS JOIN move m ON m.r = f.r WHERE f.p <> ${TERM_ALL};
      INSERT INTO mined SELECT sk, r FROM move ORDER BY sk;
      UPDATE place SET sk = m.sk, since = ${since} FROM move m WHERE place.r = m.r;
      DELETE FROM fresh ${moves.length === this.#counters.pendingCount ? '' : 'WHERE r IN (SELECT r FROM move)'};
      DELETE FROM move;`)
    this.#counters.pendingCount -= moves.length
  }

  /** A free sort key for a new item of a root; neighbours make room if they must. */
  freeKey(root: bigint, id: Uint8Array): bigint {
    const { below, above } = this.#slots.find(root, id)
    const wanted = root + BigInt(wantedRank(frontOfId(id)))
    const lowest = below === null ? root + 1n : below + 1n
    const highest = above === null ? lastKeyOfRoot(root) : above - 1n
    if (lowest <= highest) return wanted < lowest ? lowest : wanted > highest ? highest : wanted
    if (above !== null && this.#shift(above, 1n, lastKeyOfRoot(root))) return above
    if (below !== null && this.#shift(below, -1n, root + 1n)) return below
    throw new HeddleError(
      'store-failed',
      { what: 'query index' },
      `the transaction at sort key ${root} holds more items than the index can rank`,
    )
  }

  /** Moves the rows that stand without a gap from `key` on by one step, away from it. */
  #shift(key: bigint, step: 1n | -1n, last: bigint): boolean {
    const run: number[] = []
    let end = key
    for (; ; end += step) {
      const found = one<{ r: number }>(this.#minedAt, end)
      if (found === undefined) break
      if (end === last) return false
      run.push(found.r)
    }
    for (const r of run.reverse()) {
      const place = this.place(r)
      const since = one<{ since: number }>(this.#db.prepare('SELECT since FROM place WHERE r = ?'), r)!.since
      this.move(place, place.sk! + step, since)
    }
    return true
  }

  #put({ r, terms, parent }: { readonly r: number; readonly terms: Iterable<number>; readonly parent: number }, sk: bigint | null): void {
    for (const term of terms) this.#putTerm(term, r, sk)
    if (parent !== 0) this.#putTerm(parent, r, sk)
    if (sk !== null) this.#insertMined.run(sk, r)
    else {
      this.#insertFresh.run(TERM_ALL, r)
      this.#counters.pendingCount += 1
    }
  }

  #take({ r, terms, parent }: Place, sk: bigint | null): void {
    for (const term of terms) this.#takeTerm(term, r, sk)
    if (parent !== 0) this.#takeTerm(parent, r, sk)
    if (sk !== null) this.#deleteMined.run(sk)
    else {
      this.#deleteFresh.run(TERM_ALL, r)
      this.#counters.pendingCount -= 1
    }
  }

  #putTerm(term: number, r: number, sk: bigint | null): void {
    if (sk === null) this.#insertFresh.run(term, r)
    else this.#insertPosting.run(term, sk)
  }

  #takeTerm(term: number, r: number, sk: bigint | null): void {
    if (sk === null) this.#deleteFresh.run(term, r)
    else this.#deletePosting.run(term, sk)
  }
}
