/** Numbers for terms and tag names, and how many rows carry each: what the planner of queries goes by. Writer's side. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { EMPTY } from '../../base/bytes.ts'
import type { Tag } from '../../codec/tags.ts'
import { byteKey } from './sqlite-lookup.ts'
import { KIND, OWNER, PARENT, RECIPIENT } from './sqlite-schema.ts'

/** A term while its batch is being gathered: one object for all rows of the batch that carry it. */
interface Gathered {
  readonly text: Uint8Array
  rows: number
  number: number
}

interface GatheredName extends Gathered {
  readonly values: Map<string, Gathered>
}

/** What of a row becomes terms. */
export interface TermSource {
  readonly isDataItem: boolean
  readonly ownerAddress: Uint8Array
  readonly key: Uint8Array
  readonly target: Uint8Array
  readonly tags: readonly Tag[]
}

export interface Counters {
  nextTerm: number
  nextName: number
}

/** Gathers the terms of many rows first, so that each distinct one costs a single statement. */
export class TermBatch {
  readonly #names = new Map<string, GatheredName>()
  readonly #owners = new Map<string, Gathered & { readonly key: Uint8Array }>()
  readonly #recipients = new Map<string, Gathered>()
  readonly #l1: Gathered = newTerm(EMPTY)

  /** Returns how to read the row's term numbers once the batch was written. */
  add(row: TermSource): () => number[] {
    const terms = new Set<Gathered>()
    const owner = gather(this.#owners, row.ownerAddress, (text) => ({ text, rows: 0, number: 0, key: row.key }))
    terms.add(owner)
    if (!row.isDataItem) terms.add(this.#l1)
    if (row.target.length > 0) terms.add(gather(this.#recipients, row.target, newTerm))
    const names = new Set<GatheredName>()
    for (const { name, value } of row.tags) {
      const gathered = gather(this.#names, name, (text) => ({ text, rows: 0, number: 0, values: new Map() }))
      names.add(gathered)
      terms.add(gather(gathered.values, value, newTerm))
    }
    for (const one of terms) one.rows += 1
    for (const one of names) one.rows += 1
    return () => Array.from(terms, ({ number }) => number)
  }

  write(dictionary: Dictionary): void {
    if (this.#l1.rows > 0) this.#l1.number = dictionary.count(KIND, EMPTY, this.#l1.rows)
    for (const owner of this.#owners.values()) owner.number = dictionary.count(OWNER, owner.text, owner.rows, owner.key)
    for (const recipient of this.#recipients.values()) recipient.number = dictionary.count(RECIPIENT, recipient.text, recipient.rows)
    for (const name of this.#names.values()) {
      name.number = dictionary.countName(name.text, name.rows)
      for (const value of name.values.values()) value.number = dictionary.count(name.number, value.text, value.rows)
    }
  }
}

export class Dictionary {
  readonly #counters: Counters
  readonly #upsertTerm: StatementSync
  readonly #upsertName: StatementSync
  readonly #insertMeaning: StatementSync
  readonly #findTerm: StatementSync

  constructor(db: DatabaseSync, counters: Counters) {
    this.#counters = counters
    const upsert = 'DO UPDATE SET row_count = row_count + excluded.row_count'
    this.#upsertTerm = db.prepare(`INSERT INTO term VALUES (?, ?, ?, ?) ON CONFLICT (n, text) ${upsert} RETURNING p`)
    this.#upsertName = db.prepare(`INSERT INTO name VALUES (?, ?, ?) ON CONFLICT (text) ${upsert} RETURNING n`)
    this.#insertMeaning = db.prepare('INSERT INTO meaning VALUES (?, ?)')
    this.#findTerm = db.prepare('SELECT p FROM term WHERE n = ? AND text = ?')
  }

  /** Adds `rows` (may be negative) to the count of a term and returns its number. `meaning` is kept for a new one. */
  count(n: number, text: Uint8Array, rows: number, meaning?: Uint8Array): number {
    const { p } = this.#upsertTerm.get(n, text, this.#counters.nextTerm, rows) as { p: number }
    if (p !== this.#counters.nextTerm) return p
    this.#counters.nextTerm += 1
    if (meaning !== undefined) this.#insertMeaning.run(p, meaning)
    return p
  }

  countName(text: Uint8Array, rows: number): number {
    const { n } = this.#upsertName.get(text, this.#counters.nextName, rows) as { n: number }
    if (n === this.#counters.nextName) this.#counters.nextName += 1
    return n
  }

  countParent(id: Uint8Array, rows: number): number {
    return this.count(PARENT, id, rows, id)
  }

  findParent(id: Uint8Array): number | null {
    return (this.#findTerm.get(PARENT, id) as { p: number } | undefined)?.p ?? null
  }

  /** Takes a dropped row out of the counts. */
  discount(row: TermSource): void {
    this.count(OWNER, row.ownerAddress, -1, row.key)
    if (!row.isDataItem) this.count(KIND, EMPTY, -1)
    if (row.target.length > 0) this.count(RECIPIENT, row.target, -1)
    const names = new Map<string, { readonly n: number; readonly values: Set<string> }>()
    for (const { name, value } of row.tags) {
      const known = gather(names, name, (text) => ({ n: this.countName(text, -1), values: new Set<string>() }))
      const key = byteKey(value)
      if (known.values.has(key)) continue
      known.values.add(key)
      this.count(known.n, value, -1)
    }
  }
}

function newTerm(text: Uint8Array): Gathered {
  return { text, rows: 0, number: 0 }
}

/** The entry under these bytes, made if need be. */
function gather<T>(map: Map<string, T>, bytes: Uint8Array, make: (bytes: Uint8Array) => T): T {
  const key = byteKey(bytes)
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make(bytes)
  map.set(key, made)
  return made
}
