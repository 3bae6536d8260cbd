/**
 * The query index with what is not on this node but means something here: well-known modules and schedulers, see `aliases.ts`.
 *
 * Wire        transactions(ids: [alias]) and transaction(id: alias): the stand-in's row under the id that was asked for, without a signature, with
 *             the tag `Heddle-Alias-Of`. A query for Scheduler-Location records by a well-known owner, or by nobody: this node's own record,
 *             under an id and an owner of its own, marked in the same way.
 * Invariants  What is really here comes first: an id or owner that has the real thing gets no other. Nothing of this is in any store. Stand-ins
 *             stand before the page's other rows and count in its size; a cursor among them goes on with what follows.
 */
import { utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { type Address, bytesToId, idBytes, type TxId } from '../base/ids.ts'
import { textTag } from '../codec/tags.ts'
import type { IndexedTransaction, IndexReader, Page, TagFilter, TransactionQuery } from '../store/index-store.ts'
import { ALIAS_TAG, SCHEDULER_ALIASES } from './aliases.ts'

export interface AliasIndexDeps {
  readonly index: IndexReader
  /** The module that an id stands for; null for an id that is none. */
  readonly standIn: (id: TxId) => TxId | null
  /** This node's own Scheduler-Location; null while there is none. */
  readonly location: () => TxId | null
}

const CURSOR = 'stand-in:'
const NOTHING = new Uint8Array(0)

export function aliasIndex(deps: AliasIndexDeps): IndexReader {
  const { index } = deps
  return {
    blocks: (query) => index.blocks(query),
    block: (hash) => index.block(hash),
    async transaction(id) {
      return (await index.transaction(id)) ?? (await moduleStandIn(deps, id)) ?? (await locationById(deps, id))
    },
    async transactions(query) {
      if (query.ids === null || query.ids === undefined ? !asksForLocations(query) : !query.ids.some((id) => meansOther(deps, id)))
        return index.transactions(query)
      return withStandIns(index, query, await standIns(deps, query))
    },
  }
}

async function withStandIns(
  index: IndexReader,
  query: TransactionQuery,
  rows: readonly IndexedTransaction[],
): Promise<Page<IndexedTransaction>> {
  const { after } = query
  const isAmong = after === null || after.startsWith(CURSOR)
  const start = after === null || !isAmong ? 0 : rows.findIndex(({ id }) => CURSOR + id === after) + 1
  const left = isAmong ? rows.slice(start) : []
  const shown = left.slice(0, query.first)
  const page = await index.transactions({ ...query, first: query.first - shown.length, after: isAmong ? null : after })
  return {
    edges: [...shown.map((node) => ({ cursor: CURSOR + node.id, node })), ...page.edges],
    hasNextPage: page.hasNextPage || left.length > shown.length,
    count: page.count === null ? null : page.count + BigInt(rows.length),
  }
}

/** In a stable order. Whether a row passes the other filters of the query is for the index to say, asked for what it is made from. */
async function standIns(deps: AliasIndexDeps, query: TransactionQuery): Promise<IndexedTransaction[]> {
  const { ids } = query
  const rows =
    ids === null || ids === undefined
      ? await locationsFor(deps, query)
      : await Promise.all(
          [...new Set(ids)].map(async (id) => (await moduleStandIn(deps, id as TxId)) ?? (await locationById(deps, id as TxId))),
        )
  const found: IndexedTransaction[] = []
  for (const row of rows) {
    if (row === null || found.some(({ id }) => id === row.id) || (await deps.index.transaction(row.id)) !== null) continue
    const original = originalOf(row)
    const owners = ids === null || ids === undefined || isLocation(row) ? null : (query.owners ?? null)
    const { edges } = await deps.index.transactions({ ...query, ids: [original], owners, first: 1, after: null, withCount: false })
    if (edges.length > 0 && (!isLocation(row) || ownsRow(query, row))) found.push(row)
  }
  return found
}

function ownsRow({ owners }: TransactionQuery, { ownerAddress }: IndexedTransaction): boolean {
  return owners === null || owners === undefined || owners.includes(ownerAddress)
}

function meansOther(deps: AliasIndexDeps, id: string): boolean {
  return deps.standIn(id as TxId) !== null || locationOwner(deps, id) !== null
}

async function moduleStandIn({ index, standIn }: AliasIndexDeps, id: TxId): Promise<IndexedTransaction | null> {
  const original = standIn(id)
  const row = original === null ? null : await index.transaction(original)
  return row === null ? null : { ...row, id, signature: NOTHING, tags: [...row.tags, textTag(ALIAS_TAG, row.id)] }
}

/** Does it ask for records of this kind, by owners that may be well-known? */
function asksForLocations({ owners, tags }: TransactionQuery): boolean {
  if (owners !== null && owners !== undefined && !owners.some((owner) => SCHEDULER_ALIASES.includes(owner as Address))) return false
  return tags?.some(isLocationFilter) === true
}

function isLocationFilter({ name, values, op, match }: TagFilter): boolean {
  return name === 'Type' && op === 'EQ' && match === 'EXACT' && values?.includes('Scheduler-Location') === true
}

/** For each well-known scheduler that is asked for, unless its own record is here. */
async function locationsFor(deps: AliasIndexDeps, { owners, tags }: TransactionQuery): Promise<(IndexedTransaction | null)[]> {
  const wanted = SCHEDULER_ALIASES.filter((address) => owners === null || owners === undefined || owners.includes(address))
  return Promise.all(
    wanted.map(async (owner) => {
      const own = await deps.index.transactions({ owners: [owner], tags: tags ?? null, sort: 'HEIGHT_DESC', first: 1, after: null })
      return own.edges.length > 0 ? null : locationOf(deps, owner)
    }),
  )
}

async function locationOf({ index, location }: AliasIndexDeps, owner: Address): Promise<IndexedTransaction | null> {
  const original = location()
  const row = original === null ? null : await index.transaction(original)
  if (row === null) return null
  const tags = [...row.tags, textTag(ALIAS_TAG, row.id)]
  return { ...row, id: locationId(row.id, owner), ownerAddress: owner, owner: NOTHING, signature: NOTHING, tags }
}

async function locationById(deps: AliasIndexDeps, id: TxId): Promise<IndexedTransaction | null> {
  const owner = locationOwner(deps, id)
  return owner === null ? null : locationOf(deps, owner)
}

function locationOwner({ location }: AliasIndexDeps, id: string): Address | null {
  const original = location()
  if (original === null) return null
  if (ownersById.original !== original)
    ownersById = { original, owners: new Map(SCHEDULER_ALIASES.map((owner) => [locationId(original, owner), owner])) }
  return ownersById.owners.get(id) ?? null
}

/** For the record that was asked about last: every query by ids asks. */
let ownersById: { readonly original: TxId | null; readonly owners: ReadonlyMap<string, Address> } = { original: null, owners: new Map() }

/** The same record for another owner; nobody can sign anything with this id. */
function locationId(original: TxId, owner: Address): TxId {
  return bytesToId(sha256(Buffer.concat([utf8('stand-in'), idBytes(original), idBytes(owner)])))
}

function isLocation(row: IndexedTransaction): boolean {
  return row.owner.length === 0
}

/** The tag that makes it a stand-in is its last. */
function originalOf({ tags }: IndexedTransaction): string {
  return Buffer.from(tags.at(-1)!.value).toString('utf8')
}
