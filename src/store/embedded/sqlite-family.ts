/**
 * Which item lies in which parent, and what that means for its place: whatever lies in a mined root is mined there.
 *
 * An item may lie in several bundles. It shows the parent that was named first, unless only a later one is mined; once mined it keeps the parent it was
 * mined with. Parents and children may be named before their rows come, and an item without a row passes its root on all the same.
 *
 * Invariants  A row with any parent in a mined root is mined. Each known (parent, child) pair is either the child's `place.parent` or an `edge`.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { compareBytes } from '../../base/bytes.ts'
import type { Dictionary } from './sqlite-dictionary.ts'
import { all, byteKey, one, prepareBig, type RowFinder } from './sqlite-lookup.ts'
import type { Place, Shelf } from './sqlite-shelf.ts'
import { assignRanks, lastKeyOfRoot, rootOfKey } from './sqlite-sort-key.ts'

interface Descendant {
  readonly r: number
  readonly front: number
  /** Found through an edge: the parent it shows may lie elsewhere. */
  readonly throughEdge: boolean
}

/** What is to be mined: items by themselves, and all that lies in parents. */
interface Seeds {
  readonly items?: readonly Uint8Array[]
  readonly parents?: readonly Uint8Array[]
}

export interface FamilyParts {
  readonly db: DatabaseSync
  readonly shelf: Shelf
  readonly dictionary: Dictionary
  readonly rows: RowFinder
}

export class Family {
  readonly #shelf: Shelf
  readonly #dictionary: Dictionary
  readonly #rows: RowFinder
  readonly #pendingUnder: StatementSync
  readonly #idOf: StatementSync
  readonly #frontOf: StatementSync
  readonly #meaning: StatementSync
  readonly #rootById: StatementSync
  readonly #markParent: StatementSync
  readonly #insertEdge: StatementSync
  readonly #deleteEdge: StatementSync
  readonly #deleteEdges: StatementSync
  readonly #parentsByEdge: StatementSync
  readonly #childrenByEdge: StatementSync
  readonly #insertAbsent: StatementSync
  readonly #deleteAbsent: StatementSync
  readonly #anyMined: StatementSync
  readonly #anyEdge: StatementSync
  readonly #anyAbsent: StatementSync
  #hasEdges = false
  #hasAbsent = false

  constructor({ db, shelf, dictionary, rows }: FamilyParts) {
    this.#shelf = shelf
    this.#dictionary = dictionary
    this.#rows = rows
    this.#pendingUnder = db.prepare('SELECT f.r, l.front, l.is_parent FROM fresh f CROSS JOIN place l ON l.r = f.r WHERE f.p = ?')
    this.#idOf = db.prepare('SELECT id FROM body WHERE r = ?')
    this.#frontOf = db.prepare('SELECT front FROM place WHERE r = ?')
    this.#meaning = db.prepare('SELECT bytes FROM meaning WHERE p = ?')
    this.#rootById = prepareBig(db, 'SELECT sk FROM root WHERE id = ?')
    this.#markParent = db.prepare('UPDATE place SET is_parent = 1 WHERE r = ? AND is_parent = 0')
    this.#insertEdge = db.prepare('INSERT OR IGNORE INTO edge (child, parent) VALUES (?, ?)')
    this.#deleteEdge = db.prepare('DELETE FROM edge WHERE child = ? AND parent = ?')
    this.#deleteEdges = db.prepare('DELETE FROM edge WHERE child = ?1 OR parent = ?1')
    this.#parentsByEdge = db.prepare('SELECT parent FROM edge WHERE child = ? ORDER BY seq')
    this.#childrenByEdge = db.prepare('SELECT child FROM edge WHERE parent = ? ORDER BY seq')
    this.#insertAbsent = db.prepare('INSERT OR IGNORE INTO absent VALUES (?)')
    this.#deleteAbsent = db.prepare('DELETE FROM absent WHERE id = ?')
    this.#anyMined = db.prepare('SELECT 1 FROM mined WHERE sk BETWEEN ? AND ? LIMIT 1')
    this.#anyEdge = db.prepare('SELECT 1 FROM edge LIMIT 1')
    this.#anyAbsent = db.prepare('SELECT 1 FROM absent LIMIT 1')
  }

  /** To be called when a transaction begins: most have neither edges nor awaited parents, and then skip the look-ups. */
  begin(): void {
    this.#hasEdges = this.#anyEdge.get() !== undefined
    this.#hasAbsent = this.#anyAbsent.get() !== undefined
  }

  /** Sort key of the mined root transaction that this id lies in, or is. */
  rootOf(id: Uint8Array, seen: Set<string> = new Set()): bigint | null {
    const r = this.#rows.find(id)
    if (r !== null) {
      const { sk } = this.#shelf.place(r)
      return sk === null ? null : rootOfKey(sk)
    }
    const root = this.rootAt(id)
    if (root !== null || !this.#hasEdges) return root
    seen.add(byteKey(id))
    for (const parent of this.edgeParents(id)) {
      const found = seen.has(byteKey(parent)) ? null : this.rootOf(parent, seen)
      if (found !== null) return found
    }
    return null
  }

  /** Sort key of an L1 transaction that a block on the chain names. */
  rootAt(id: Uint8Array): bigint | null {
    return one<{ sk: bigint }>(this.#rootById, id)?.sk ?? null
  }

  /** Parents named for an id, but for the one its row shows; first named first. */
  edgeParents(child: Uint8Array): Uint8Array[] {
    return this.#hasEdges ? all<{ parent: Uint8Array }>(this.#parentsByEdge, child).map(({ parent }) => parent) : []
  }

  /** For a new row: was it named as a parent before? */
  isAwaited(id: Uint8Array): boolean {
    return this.#hasAbsent && Number(this.#deleteAbsent.run(id).changes) > 0
  }

  /** The parent a new row shows: the first in a mined root, else the first. The others become edges. */
  choose(child: Uint8Array, parents: readonly Uint8Array[]): { readonly parent: number; readonly root: bigint | null } {
    const roots = parents.map((parent) => this.rootOf(parent))
    const firstMined = roots.findIndex((root) => root !== null)
    const chosen = firstMined === -1 ? 0 : firstMined
    for (const [i, parent] of parents.entries()) if (i !== chosen) this.#addEdge(parent, child)
    const parent = parents[chosen]
    if (parent === undefined) return { parent: 0, root: null }
    this.#dropEdge(parent, child)
    this.#expect(parent)
    return { parent: this.#dictionary.countParent(parent, 1), root: roots[chosen] ?? null }
  }

  /** Records that `children` lie in `parent`, and mines those that thereby lie in a mined root. */
  bundle(parent: Uint8Array, children: readonly Uint8Array[], since: number): void {
    if (children.length === 0) return
    const root = this.rootOf(parent)
    const term = this.#dictionary.countParent(parent, 0)
    this.#expect(parent)
    let adopted = 0
    for (const child of children) {
      const r = this.#rows.find(child)
      const place = r === null ? null : this.#shelf.place(r)
      if (place?.parent === term) continue
      const isPending = place !== null && place.sk === null
      if (isPending && (place.parent === 0 || root !== null)) {
        this.#adopt(place, child, parent, term)
        adopted += 1
      } else this.#addEdge(parent, child)
      if (root !== null && (place === null || isPending)) this.settle(root, { items: [child] }, since)
    }
    if (adopted > 0) this.#dictionary.countParent(parent, adopted)
  }

  /** Mines these, as far as they have pending rows, and all that lies in them, under a mined root. */
  settle(root: bigint, seeds: Seeds, since: number): void {
    const passed = new Map<string, Uint8Array>()
    const found = this.#descendants(seeds, passed)
    for (const { r, throughEdge } of found) if (throughEdge) this.#reparent(r, passed)
    found.sort((a, b) => a.front - b.front || compareBytes(this.#id(a.r), this.#id(b.r)))
    if (this.#anyMined.get(root + 1n, lastKeyOfRoot(root)) !== undefined) {
      for (const { r } of found) this.#shelf.move(this.#shelf.place(r), this.#shelf.freeKey(root, this.#id(r)), since)
      return
    }
    const ranks = assignRanks(found.map(({ front }) => front))
    const moves = found.map(({ r }, i) => ({ r, sk: root + BigInt(ranks[i]!) }))
    this.#shelf.moveMany(moves, since)
  }

  /** Rows that a reorganisation made pending may also lie in a root that is still mined. */
  settleElsewhere(rows: readonly number[], since: number): void {
    if (!this.#hasEdges) return
    for (const r of rows) {
      const place = this.#shelf.place(r)
      if (place.sk !== null) continue
      const id = this.#id(r)
      const shown = place.parent === 0 ? [] : [this.parentId(place.parent)]
      for (const [i, parent] of [...shown, ...this.edgeParents(id)].entries()) {
        const root = this.rootOf(parent)
        if (root === null) continue
        if (i >= shown.length) this.#adopt(place, id, parent, this.#dictionary.countParent(parent, 1))
        this.settle(root, { items: [id] }, since)
        break
      }
    }
  }

  /** Forgets a dropped transaction as a parent and as a child. */
  forget(id: Uint8Array): void {
    const term = this.#dictionary.findParent(id)
    const children = term === null ? [] : all<{ r: number }>(this.#pendingUnder, term)
    if (this.#hasEdges) this.#deleteEdges.run(id)
    if (this.#hasAbsent) this.#deleteAbsent.run(id)
    for (const { r } of children) {
      const child = this.#id(r)
      const [next] = this.edgeParents(child)
      if (next !== undefined) this.#dropEdge(next, child)
      this.#shelf.setParent(this.#shelf.place(r), next === undefined ? 0 : this.#dictionary.countParent(next, 1))
    }
    if (children.length > 0) this.#dictionary.countParent(id, -children.length)
  }

  parentId(term: number): Uint8Array {
    return one<{ bytes: Uint8Array }>(this.#meaning, term)!.bytes
  }

  #id(r: number): Uint8Array {
    return one<{ id: Uint8Array }>(this.#idOf, r)!.id
  }

  #addEdge(parent: Uint8Array, child: Uint8Array): void {
    this.#insertEdge.run(child, parent)
    this.#hasEdges = true
    this.#expect(parent)
  }

  #dropEdge(parent: Uint8Array, child: Uint8Array): void {
    if (this.#hasEdges) this.#deleteEdge.run(child, parent)
  }

  /** Notes on the row of a parent that it is one, or that its row is awaited. */
  #expect(parent: Uint8Array): void {
    const r = this.#rows.find(parent)
    if (r !== null) this.#markParent.run(r)
    else {
      this.#insertAbsent.run(parent)
      this.#hasAbsent = true
    }
  }

  /** Shows another parent for a row. The new parent's count is the caller's to raise. */
  #adopt(place: Place, child: Uint8Array, parent: Uint8Array, term: number): void {
    if (place.parent !== 0) {
      const old = this.parentId(place.parent)
      this.#addEdge(old, child)
      this.#dictionary.countParent(old, -1)
    }
    this.#dropEdge(parent, child)
    this.#shelf.setParent(place, term)
  }

  /** A row that was reached through an edge shows a parent on the way to the root. */
  #reparent(r: number, passed: ReadonlyMap<string, Uint8Array>): void {
    const place = this.#shelf.place(r)
    if (place.parent !== 0 && passed.has(byteKey(this.parentId(place.parent)))) return
    const id = this.#id(r)
    const parent = this.edgeParents(id).find((candidate) => passed.has(byteKey(candidate)))
    if (parent !== undefined) this.#adopt(place, id, parent, this.#dictionary.countParent(parent, 1))
  }

  /** Pending rows among the seeds and below them. `passed` gathers the ids of the parents on the way. */
  #descendants(seeds: Seeds, passed: Map<string, Uint8Array>): Descendant[] {
    const found = new Map<number, Descendant>()
    const queue: Uint8Array[] = []
    const pass = (id: Uint8Array): void => {
      if (passed.has(byteKey(id))) return
      passed.set(byteKey(id), id)
      queue.push(id)
    }
    const add = (id: Uint8Array, throughEdge: boolean): void => {
      const r = this.#rows.find(id)
      if (r === null) {
        pass(id)
        return
      }
      const { sk, isParent } = this.#shelf.place(r)
      if (sk !== null || found.has(r)) return
      found.set(r, { r, front: one<{ front: number }>(this.#frontOf, r)!.front, throughEdge })
      if (isParent) pass(id)
    }
    for (const id of seeds.items ?? []) add(id, false)
    for (const id of seeds.parents ?? []) pass(id)
    for (let i = 0; i < queue.length; i++) {
      const term = this.#dictionary.findParent(queue[i]!)
      for (const child of term === null ? [] : all<{ r: number; front: number; is_parent: number }>(this.#pendingUnder, term)) {
        if (found.has(child.r)) continue
        found.set(child.r, { r: child.r, front: child.front, throughEdge: false })
        if (child.is_parent === 1) pass(this.#id(child.r))
      }
      if (this.#hasEdges) for (const { child } of all<{ child: Uint8Array }>(this.#childrenByEdge, queue[i]!)) add(child, true)
    }
    return [...found.values()]
  }
}
