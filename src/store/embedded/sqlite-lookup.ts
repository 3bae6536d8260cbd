/** Look-ups that the writer and the readers of the query index share. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { asBuffer, compareBytes } from '../../base/bytes.ts'
import { frontOfId, lastKeyOfRoot, wantedRank } from './sqlite-sort-key.ts'

/** Prepares a statement whose integers come back as bigint: sort keys pass 2^53. */
export function prepareBig(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

/** The first row as `T`; what a statement returns is known from its text. */
export function one<T>(statement: StatementSync, ...values: SQLInputValue[]): T | undefined {
  return statement.get(...values) as T | undefined
}

export function all<T>(statement: StatementSync, ...values: SQLInputValue[]): T[] {
  return statement.all(...values) as T[]
}

export function unpackTerms(terms: Uint8Array): Uint32Array {
  // The copy is aligned, which a view into a database page need not be.
  return new Uint32Array(Uint8Array.from(terms).buffer)
}

export function packTerms(terms: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(terms).buffer)
}

/** Bytes as a key of a Map: Latin-1 gives each byte string a text of its own. */
export function byteKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/** Row number of an id. */
export class RowFinder {
  readonly #byFront: StatementSync

  constructor(db: DatabaseSync) {
    this.#byFront = db.prepare('SELECT b.r FROM ident i CROSS JOIN body b ON b.r = i.r WHERE i.front = ? AND b.id = ?')
  }

  find(id: Uint8Array): number | null {
    return one<{ r: number }>(this.#byFront, frontOfId(id), id)?.r ?? null
  }
}

interface Neighbour {
  readonly sk: bigint
  readonly id: Uint8Array
}

/** Sort keys around the place of an id among the mined items of a root; `at` is its own, if it is there. */
export interface Slot {
  readonly at: bigint | null
  readonly below: bigint | null
  readonly above: bigint | null
}

export class SlotFinder {
  readonly #down: StatementSync
  readonly #up: StatementSync

  constructor(db: DatabaseSync) {
    const select = 'SELECT m.sk, b.id FROM mined m CROSS JOIN body b ON b.r = m.r WHERE m.sk BETWEEN ? AND ? ORDER BY m.sk'
    this.#down = prepareBig(db, `${select} DESC LIMIT 1`)
    this.#up = prepareBig(db, `${select} LIMIT 1`)
  }

  /** Begins at the rank the id wants and steps over the few items that do not stand where they wanted to. */
  find(root: bigint, id: Uint8Array): Slot {
    const wanted = root + BigInt(wantedRank(frontOfId(id)))
    let above: Neighbour | undefined
    let below = this.#below(root, wanted)
    while (below !== undefined && compareBytes(below.id, id) > 0) {
      above = below
      below = this.#below(root, below.sk - 1n)
    }
    above ??= this.#above(root, wanted + 1n)
    while (above !== undefined && compareBytes(above.id, id) <= 0) {
      below = above
      above = this.#above(root, above.sk + 1n)
    }
    if (below !== undefined && compareBytes(below.id, id) === 0)
      return { at: below.sk, below: this.#below(root, below.sk - 1n)?.sk ?? null, above: above?.sk ?? null }
    return { at: null, below: below?.sk ?? null, above: above?.sk ?? null }
  }

  #below(root: bigint, key: bigint): Neighbour | undefined {
    return one<Neighbour>(this.#down, root + 1n, key)
  }

  #above(root: bigint, key: bigint): Neighbour | undefined {
    return one<Neighbour>(this.#up, key, lastKeyOfRoot(root))
  }
}
