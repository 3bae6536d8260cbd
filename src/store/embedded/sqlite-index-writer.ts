/**
 * Applies index events to the tables: one call, one transaction, the journal position within it.
 *
 * Invariants  After a failure nothing of the call is left. A repeated row changes nothing but may name another parent. Row numbers grow with each new row and
 *             are never used twice: they are the order of pending rows.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { equalBytes } from '../../base/bytes.ts'
import { Dictionary, TermBatch, type TermSource } from './sqlite-dictionary.ts'
import { Family } from './sqlite-family.ts'
import { all, byteKey, one, prepareBig, RowFinder } from './sqlite-lookup.ts'
import { type BodyFacts, bodyFacts, bodyTags, type PackedEvent, unpackEvents } from './sqlite-row-codec.ts'
import { emptyTables } from './sqlite-schema.ts'
import { Shelf } from './sqlite-shelf.ts'
import { rootKey } from './sqlite-sort-key.ts'

type RowEvent = Extract<PackedEvent, { kind: 'row' }>
type BlockEvent = Extract<PackedEvent, { kind: 'block' }>

interface Counters {
  position: number
  nextRow: number
  nextTerm: number
  nextName: number
  rowCount: number
  pendingCount: number
}

interface NewRow {
  readonly event: RowEvent
  readonly facts: BodyFacts
  readonly at: number
  readonly terms: () => number[]
}

export class IndexWriter {
  readonly #db: DatabaseSync
  #parts: Parts

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#parts = new Parts(db)
  }

  position(): number {
    return this.#parts.counters.position
  }

  apply(packed: Uint8Array, position: number): void {
    const events = [...unpackEvents(packed)]
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      this.#parts.apply(events, position)
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      this.#parts = new Parts(this.#db) // its counters ran ahead
      throw error
    }
  }

  clear(): void {
    emptyTables(this.#db)
    this.#parts = new Parts(this.#db)
  }
}

class Parts {
  readonly counters: Counters
  readonly #dictionary: Dictionary
  readonly #shelf: Shelf
  readonly #family: Family
  readonly #rows: RowFinder
  readonly #db: DatabaseSync
  readonly #insertBody: StatementSync
  readonly #getBody: StatementSync
  readonly #saveState: StatementSync
  readonly #blockAt: StatementSync
  readonly #blockOf: StatementSync
  readonly #insertBlock: StatementSync
  readonly #insertRoot: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.counters = readCounters(db)
    this.#rows = new RowFinder(db)
    this.#dictionary = new Dictionary(db, this.counters)
    this.#shelf = new Shelf(db, this.counters)
    this.#family = new Family({ db, shelf: this.#shelf, dictionary: this.#dictionary, rows: this.#rows })
    this.#insertBody = db.prepare('INSERT INTO body VALUES (?, ?, ?)')
    this.#getBody = db.prepare('SELECT bytes FROM body WHERE r = ?')
    this.#saveState = db.prepare(
      'UPDATE state SET position = ?, next_row = ?, next_term = ?, next_name = ?, row_count = ?, pending_count = ? WHERE one = 1',
    )
    this.#blockAt = db.prepare('SELECT hash FROM block WHERE height = ?')
    this.#blockOf = db.prepare('SELECT height FROM block WHERE hash = ?')
    this.#insertBlock = db.prepare('INSERT INTO block VALUES (?, ?, ?, ?)')
    this.#insertRoot = db.prepare('INSERT INTO root VALUES (?, ?)')
  }

  /** Runs of rows go together, so that their common terms are written once. */
  apply(events: readonly PackedEvent[], position: number): void {
    this.#family.begin()
    const first = position - events.length + 1
    for (let i = 0; i < events.length; ) {
      const run: { event: RowEvent; at: number }[] = []
      for (let event = events[i]; event?.kind === 'row'; event = events[++i]) run.push({ event, at: first + i })
      if (run.length > 0) this.#addRows(run)
      const event = events[i]
      if (event === undefined || event.kind === 'row') continue
      this.#applyOther(event, first + i)
      i += 1
    }
    this.counters.position = position
    const { nextRow, nextTerm, nextName, rowCount, pendingCount } = this.counters
    this.#saveState.run(position, nextRow, nextTerm, nextName, rowCount, pendingCount)
  }

  #applyOther(event: Exclude<PackedEvent, { kind: 'row' }>, at: number): void {
    switch (event.kind) {
      case 'bundled':
        this.#family.bundle(event.parent, event.ids, at)
        break
      case 'block':
        this.#addBlock(event, at)
        break
      case 'unblock':
        this.#removeBlock(event.hash, at)
        break
      case 'drop':
        this.#drop(event.id)
        break
    }
  }

  #addRows(run: readonly { readonly event: RowEvent; readonly at: number }[]): void {
    const batch = new TermBatch()
    const ids = new Set<string>()
    const rows: (NewRow | null)[] = run.map(({ event, at }) => {
      const facts = bodyFacts(event.body)
      const id = byteKey(facts.id)
      if (ids.has(id) || this.#rows.find(facts.id) !== null) return null
      ids.add(id)
      return { event, facts, at, terms: batch.add(termSource(event.body, event.key)) }
    })
    batch.write(this.#dictionary)
    for (const [i, row] of rows.entries()) {
      if (row !== null) this.#addRow(row)
      else this.#repeatRow(run[i]!.event, run[i]!.at)
    }
  }

  #repeatRow({ parent, body }: RowEvent, at: number): void {
    if (parent !== null) this.#family.bundle(parent, [bodyFacts(body).id], at)
  }

  #addRow({ event, facts: { id, isDataItem, ingestedAtS }, at, terms }: NewRow): void {
    const named = this.#family.edgeParents(id)
    const parents = event.parent === null ? named : [event.parent, ...named.filter((parent) => !equalBytes(parent, event.parent!))]
    const { parent, root } = this.#family.choose(id, parents)
    const ownRoot = isDataItem ? null : this.#family.rootAt(id)
    const sk = ownRoot ?? (root === null ? null : this.#shelf.freeKey(root, id))
    const isParent = this.#family.isAwaited(id)
    const r = this.counters.nextRow++
    this.counters.rowCount += 1
    this.#insertBody.run(r, id, event.body)
    this.#shelf.insert({ r, id, sk, since: sk === null ? null : at, parent, isParent, ingestedAtS, terms: terms() })
    const settledRoot = ownRoot ?? root
    if (isParent && settledRoot !== null) this.#family.settle(settledRoot, { parents: [id] }, at)
  }

  #addBlock(block: BlockEvent, at: number): void {
    const old = one<{ hash: Uint8Array }>(this.#blockAt, block.height)?.hash
    if (old !== undefined && equalBytes(old, block.hash)) return
    if (old !== undefined) this.#removeBlock(old, at)
    this.#insertBlock.run(block.height, block.hash, block.previous, block.timestampS)
    for (const [index, id] of block.txIds.entries()) {
      const root = rootKey(block.height, index)
      this.#insertRoot.run(root, id)
      const r = this.#rows.find(id)
      const place = r === null ? null : this.#shelf.place(r)
      if (place !== null && place.sk !== null) continue
      if (place !== null) this.#shelf.move(place, root, at)
      if (place === null || place.isParent) this.#family.settle(root, { parents: [id] }, at)
    }
  }

  #removeBlock(hash: Uint8Array, at: number): void {
    const height = one<{ height: number }>(this.#blockOf, hash)?.height
    if (height === undefined) return
    const range = [rootKey(height, 0), rootKey(height + 1, 0) - 1n] as const
    const rows = all<{ r: bigint }>(prepareBig(this.#db, 'SELECT r FROM mined WHERE sk BETWEEN ? AND ? ORDER BY sk'), ...range)
    const numbers = rows.map(({ r }) => Number(r))
    for (const r of numbers) this.#shelf.move(this.#shelf.place(r), null, null)
    this.#db.prepare('DELETE FROM root WHERE sk BETWEEN ? AND ?').run(...range)
    this.#db.prepare('DELETE FROM block WHERE height = ?').run(height)
    this.#family.settleElsewhere(numbers, at)
  }

  /** Of a mined transaction nothing is dropped. */
  #drop(id: Uint8Array): void {
    if (this.#family.rootOf(id) !== null) return
    this.#family.forget(id)
    const r = this.#rows.find(id)
    if (r === null) return
    const place = this.#shelf.place(r)
    const body = one<{ bytes: Uint8Array }>(this.#getBody, place.r)!.bytes
    if (place.parent !== 0) this.#dictionary.countParent(this.#family.parentId(place.parent), -1)
    this.#dictionary.discount(termSource(body, new Uint8Array(0)))
    this.#shelf.remove(place, id, bodyFacts(body).ingestedAtS)
    this.#db.prepare('DELETE FROM body WHERE r = ?').run(place.r)
    this.counters.rowCount -= 1
  }
}

function termSource(body: Uint8Array, key: Uint8Array): TermSource {
  const { isDataItem, ownerAddress, target } = bodyFacts(body)
  return { isDataItem, ownerAddress, target, key, tags: bodyTags(body) }
}

function readCounters(db: DatabaseSync): Counters {
  return db
    .prepare(
      `SELECT position, next_row AS nextRow, next_term AS nextTerm, next_name AS nextName, row_count AS rowCount, pending_count AS pendingCount FROM state`,
    )
    .get() as unknown as Counters
}
