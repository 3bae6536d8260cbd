/** The query index in the plainest form: lists in memory, searched from end to end. What the real one answers is compared with this. */
import { compareBytes, toText } from '../src/base/bytes.ts'
import { type BlockHash, idBytes, type TxId } from '../src/base/ids.ts'
import type { IndexBlock, IndexEvent, IndexRow, SortOrder, TagFilter, TransactionQuery } from '../src/store/index-store.ts'

interface Place {
  readonly height: number
  readonly index: number
}

interface ModelRow {
  readonly row: IndexRow
  readonly arrival: number
  parent: TxId | null
  place: Place | null
}

export interface ModelAnswer {
  readonly id: TxId
  readonly parent: TxId | null
  readonly block: BlockHash | null
}

export class IndexModel {
  readonly rows = new Map<TxId, ModelRow>()
  readonly blocks: IndexBlock[] = []
  /** Parents of items without a row, and second parents, in the order in which they were named. */
  edges: { readonly child: TxId; readonly parent: TxId }[] = []
  #arrivals = 0

  apply(events: readonly IndexEvent[]): void {
    for (const event of events) {
      if (event.kind === 'row') this.#addRow(event.row)
      else if (event.kind === 'bundled') for (const child of event.ids) this.#bundle(event.parent, child)
      else if (event.kind === 'block') this.#addBlock(event.block)
      else if (event.kind === 'unblock') this.#removeBlock(event.hash)
      else this.#drop(event.id)
    }
  }

  /** Every row that fits, in order, whatever page is asked for. */
  all(query: TransactionQuery): ModelAnswer[] {
    const found = [...this.rows.values()].filter((row) => this.#fits(row, query)).sort((a, b) => compareRows(a, b, query.sort))
    return found.map(({ row, parent, place }) => ({
      id: row.id,
      parent,
      block: place === null ? null : (this.blocks.find(({ height }) => height === place.height)?.hash ?? null),
    }))
  }

  placeOf(id: TxId, passed: readonly TxId[] = []): Place | null {
    const known = this.rows.get(id)
    if (known !== undefined) return known.place
    for (const { height, txIds } of this.blocks) if (txIds.includes(id)) return { height, index: txIds.indexOf(id) }
    for (const parent of this.#edgeParents(id)) {
      const place = passed.includes(parent) ? null : this.placeOf(parent, [...passed, id])
      if (place !== null) return place
    }
    return null
  }

  #addRow(row: IndexRow): void {
    if (this.rows.has(row.id)) {
      if (row.parent !== null) this.#bundle(row.parent, row.id)
      return
    }
    const parents = [...new Set([...(row.parent === null ? [] : [row.parent]), ...this.#edgeParents(row.id)])]
    const parent = parents.find((id) => this.placeOf(id) !== null) ?? parents[0] ?? null
    const place = row.isDataItem ? (parent === null ? null : this.placeOf(parent)) : this.placeOf(row.id)
    for (const other of parents) if (other !== parent) this.#addEdge(other, row.id)
    this.#removeEdges((edge) => edge.child === row.id && edge.parent === parent)
    this.rows.set(row.id, { row, arrival: ++this.#arrivals, parent, place })
    if (place !== null) this.#settle(place, [], [row.id])
  }

  #bundle(parent: TxId, child: TxId): void {
    const known = this.rows.get(child)
    if (known?.parent === parent) return
    const place = this.placeOf(parent)
    if (known !== undefined && known.place === null && (known.parent === null || place !== null)) this.#adopt(known, parent)
    else this.#addEdge(parent, child)
    if (place !== null) this.#settle(place, [child], [])
  }

  #addBlock(block: IndexBlock): void {
    this.blocks.push(block)
    for (const [index, id] of block.txIds.entries()) {
      const known = this.rows.get(id)
      if (known !== undefined) known.place = { height: block.height, index }
      this.#settle({ height: block.height, index }, [], [id])
    }
  }

  #removeBlock(hash: BlockHash): void {
    const at = this.blocks.findIndex((block) => block.hash === hash)
    const [block] = this.blocks.splice(at, 1)
    const rows = [...this.rows.values()]
      .filter(({ place }) => place?.height === block!.height)
      .sort((a, b) => compareRows(a, b, 'HEIGHT_ASC'))
    for (const row of rows) row.place = null
    for (const known of rows) {
      if (known.place !== null) continue
      const parents = [...(known.parent === null ? [] : [known.parent]), ...this.#edgeParents(known.row.id)]
      const parent = parents.find((id) => this.placeOf(id) !== null)
      if (parent === undefined) continue
      if (parent !== known.parent) this.#adopt(known, parent)
      this.#settle(this.placeOf(parent)!, [known.row.id], [])
    }
  }

  #drop(id: TxId): void {
    if (this.placeOf(id) !== null) return
    this.#removeEdges(({ child, parent }) => child === id || parent === id)
    for (const child of this.rows.values()) {
      if (child.parent !== id) continue
      child.parent = this.#edgeParents(child.row.id)[0] ?? null
      this.#removeEdges((edge) => edge.child === child.row.id && edge.parent === child.parent)
    }
    this.rows.delete(id)
  }

  /** Mines the pending items and all that lies in the parents. */
  #settle(place: Place, items: readonly TxId[], parents: readonly TxId[]): void {
    const found = new Map<ModelRow, 'shown' | 'edge'>()
    const passed: TxId[] = []
    const add = (id: TxId, how: 'shown' | 'edge'): void => {
      const known = this.rows.get(id)
      if (known?.place || (known !== undefined && found.has(known))) return
      if (known !== undefined) found.set(known, how)
      if (!passed.includes(id)) passed.push(id)
    }
    for (const id of items) add(id, 'shown')
    passed.push(...parents)
    for (const id of passed) {
      for (const known of this.rows.values()) if (known.parent === id) add(known.row.id, 'shown')
      for (const { child, parent } of this.edges) if (parent === id) add(child, 'edge')
    }
    for (const [known, how] of found) {
      known.place = place
      if (how === 'shown' || (known.parent !== null && passed.includes(known.parent))) continue
      const parent = this.#edgeParents(known.row.id).find((id) => passed.includes(id))
      if (parent !== undefined) this.#adopt(known, parent)
    }
  }

  #adopt(known: ModelRow, parent: TxId): void {
    if (known.parent !== null) this.#addEdge(known.parent, known.row.id)
    this.#removeEdges((edge) => edge.child === known.row.id && edge.parent === parent)
    known.parent = parent
  }

  #edgeParents(id: TxId): TxId[] {
    return this.edges.filter(({ child }) => child === id).map(({ parent }) => parent)
  }

  #addEdge(parent: TxId, child: TxId): void {
    if (!this.edges.some((edge) => edge.child === child && edge.parent === parent)) this.edges.push({ child, parent })
  }

  #removeEdges(isGone: (edge: { readonly child: TxId; readonly parent: TxId }) => boolean): void {
    this.edges = this.edges.filter((edge) => !isGone(edge))
  }

  #fits({ row, parent, place }: ModelRow, query: TransactionQuery): boolean {
    const { ids, owners, recipients, bundledIn, tags, height, ingestedAtS } = query
    if (ids && !ids.includes(row.id)) return false
    if (owners && !owners.includes(row.ownerAddress)) return false
    if (recipients && !(row.target !== '' && recipients.includes(row.target))) return false
    if (bundledIn === 'none' ? row.isDataItem : bundledIn && !(parent !== null && bundledIn.includes(parent))) return false
    if (height && place === null && (height.max !== null || (height.min ?? 0) > 0)) return false
    if (height && place !== null && !isBetween(place.height, height)) return false
    if (ingestedAtS && !isBetween(row.ingestedAtS, ingestedAtS)) return false
    return (tags ?? []).every((filter) => fitsTag(row, filter))
  }
}

function fitsTag(row: IndexRow, { name, values, op, match }: TagFilter): boolean {
  if (name === null && values === null) return true
  const found = row.tags.some(
    (tag) =>
      (name === null || toText(tag.name) === name) &&
      (values === null || values.some((value) => fitsText(toText(tag.value), value, match))),
  )
  return found === (op === 'EQ')
}

function fitsText(text: string, value: string, match: TagFilter['match']): boolean {
  if (match === 'WILDCARD') return new RegExp(`^${value.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^]*')}$`).test(text)
  if (match === 'EXACT') return text === value
  const words = text.toLowerCase().split(/[^a-z0-9]+/)
  const wanted = value
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  if (wanted.length === 0) return false
  return match === 'FUZZY_AND' ? wanted.every((word) => words.includes(word)) : wanted.some((word) => words.includes(word))
}

function isBetween(value: number, { min, max }: { readonly min: number | null; readonly max: number | null }): boolean {
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY)
}

function compareRows(a: ModelRow, b: ModelRow, sort: SortOrder): number {
  const sign = sort.endsWith('DESC') ? -1 : 1
  const byId = compareBytes(idBytes(a.row.id), idBytes(b.row.id))
  if (sort.startsWith('INGESTED')) return sign * (a.row.ingestedAtS - b.row.ingestedAtS || byId)
  if (a.place === null || b.place === null) return sign * (a.place === b.place ? a.arrival - b.arrival : a.place === null ? 1 : -1)
  const byRoot = a.place.height - b.place.height || a.place.index - b.place.index
  return sign * (byRoot || Number(a.row.isDataItem) - Number(b.row.isDataItem) || byId)
}
