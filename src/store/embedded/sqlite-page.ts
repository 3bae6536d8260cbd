/** One page of rows on its way from a reader's thread to the caller: bodies in one buffer, everything that rows share only once. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { toBase64url } from '../../base/bytes.ts'
import { bytesToBlockHash, bytesToId } from '../../base/ids.ts'
import type { IndexBlock, IndexedTransaction, Page } from '../index-store.ts'
import { one, prepareBig } from './sqlite-lookup.ts'
import { bodyFacts, unpackRow } from './sqlite-row-codec.ts'
import { heightOfKey } from './sqlite-sort-key.ts'

export type BlockFacts = Omit<IndexBlock, 'txIds'>

export interface RawBlock {
  readonly height: number
  readonly hash: Uint8Array
  readonly previous: Uint8Array
  readonly timestamp: number
}

/** `owners`, `parents` and `blocks` are indexes into the lists; -1 is none. */
export interface RawPage {
  readonly bodies: Uint8Array<ArrayBuffer>
  readonly sizes: readonly number[]
  readonly cursors: readonly string[]
  readonly owners: readonly number[]
  readonly parents: readonly number[]
  readonly blocks: readonly number[]
  readonly ownerList: readonly Uint8Array[]
  readonly parentList: readonly Uint8Array[]
  readonly blockList: readonly (RawBlock | null)[]
  readonly hasNextPage: boolean
  readonly count: number | null
}

interface Found {
  readonly r: number
  readonly sk: bigint | null
}

export interface FoundRow extends Found {
  readonly id: Uint8Array
  readonly isDataItem: boolean
  readonly ingestedAtS: number
}

export class PageReader {
  readonly #byRow: StatementSync
  readonly #bySortKey: StatementSync
  readonly #meaning: StatementSync
  readonly #block: StatementSync

  constructor(db: DatabaseSync) {
    const select = 'SELECT l.r, l.sk, l.parent, l.terms, b.bytes FROM'
    this.#byRow = prepareBig(db, `${select} place l CROSS JOIN body b ON b.r = l.r WHERE l.r = ?`)
    this.#bySortKey = prepareBig(db, `${select} mined m CROSS JOIN place l ON l.r = m.r CROSS JOIN body b ON b.r = m.r WHERE m.sk = ?`)
    this.#meaning = db.prepare('SELECT bytes FROM meaning WHERE p = ?')
    this.#block = db.prepare('SELECT * FROM block WHERE height = ?')
  }

  read(found: readonly Found[], cursorOf: (row: FoundRow) => string, rest: Pick<RawPage, 'hasNextPage' | 'count'>): RawPage {
    const owners = new Interner((p) => this.#meaningOf(p))
    const parents = new Interner((p) => this.#meaningOf(p))
    const blocks = new Interner((height) => one<RawBlock>(this.#block, height) ?? null)
    const bodies: Uint8Array[] = []
    const rows = found.map(({ r, sk }) => {
      const row = sk === null ? one<BodyRow>(this.#byRow, r)! : one<BodyRow>(this.#bySortKey, sk)!
      bodies.push(row.bytes)
      const cursor = cursorOf({ ...bodyFacts(row.bytes), r: Number(row.r), sk })
      const owner = owners.index(new DataView(row.terms.buffer, row.terms.byteOffset).getUint32(0, true)) // the first term of every row
      const parent = row.parent === 0n ? -1 : parents.index(Number(row.parent))
      return { cursor, owner, parent, block: sk === null ? -1 : blocks.index(heightOfKey(sk)) }
    })
    return {
      bodies: Uint8Array.from(Buffer.concat(bodies)),
      sizes: bodies.map(({ length }) => length),
      cursors: rows.map(({ cursor }) => cursor),
      owners: rows.map(({ owner }) => owner),
      parents: rows.map(({ parent }) => parent),
      blocks: rows.map(({ block }) => block),
      ownerList: owners.list,
      parentList: parents.list,
      blockList: blocks.list,
      ...rest,
    }
  }

  #meaningOf(p: number): Uint8Array {
    return one<{ bytes: Uint8Array }>(this.#meaning, p)!.bytes
  }
}

interface BodyRow {
  readonly r: bigint
  readonly parent: bigint
  readonly terms: Uint8Array
  readonly bytes: Uint8Array
}

/** Looks each key up once and gives it a place in a list. */
class Interner<T> {
  readonly list: T[] = []
  readonly #places = new Map<number, number>()
  readonly #find: (key: number) => T

  constructor(find: (key: number) => T) {
    this.#find = find
  }

  index(key: number): number {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    this.#places.set(key, this.list.length)
    return this.list.push(this.#find(key)) - 1
  }
}

export function unpackPage(raw: RawPage): Page<IndexedTransaction> {
  const parents = raw.parentList.map(bytesToId)
  const blocks = raw.blockList.map((block) => (block === null ? null : unpackBlock(block)))
  let start = 0
  const edges = raw.sizes.map((size, i) => {
    const body = raw.bodies.subarray(start, start + size)
    start += size
    const row = unpackRow(body, { owner: raw.ownerList[raw.owners[i]!]!, parent: parents[raw.parents[i]!] ?? null })
    return { cursor: raw.cursors[i]!, node: { ...row, block: blocks[raw.blocks[i]!] ?? null } }
  })
  return { edges, hasNextPage: raw.hasNextPage, count: raw.count === null ? null : BigInt(raw.count) }
}

export function unpackBlock({ height, hash, previous, timestamp }: RawBlock): BlockFacts {
  return {
    hash: bytesToBlockHash(hash),
    previous: toBase64url(previous) as BlockFacts['previous'],
    height,
    timestampS: timestamp,
  }
}
