/** Made-up rows, blocks and queries for tests of the query index; the same seed gives the same. */
import { toBase64url, utf8 } from '../src/base/bytes.ts'
import { sha256 } from '../src/base/hash.ts'
import { type Address, type BlockHash, bytesToAddress, bytesToId, type TxId } from '../src/base/ids.ts'
import type { Tag } from '../src/codec/tags.ts'
import { textTag } from '../src/codec/tags.ts'
import type { IndexBlock, IndexEvent, IndexRow, TagFilter, TransactionQuery } from '../src/store/index-store.ts'
import type { IndexModel } from './index-model.ts'

/** Mulberry32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
    return ((t ^ (t >>> 14)) >>> 0) % end
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  some<T>(list: readonly T[], most: number): T[] {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(list))
  }
}

/** Every fourth item's id begins like many others', so that they want the same rank. */
export function sampleId(n: number): TxId {
  const id = Uint8Array.from(sha256(utf8(`sample ${n}`)))
  if (n % 4 === 3) id.fill(n % 8 === 3 ? 0 : 255, 0, 7)
  return bytesToId(id)
}

export function sampleKey(n: number): Uint8Array {
  return Uint8Array.from(sha256(utf8(`key ${n}`)))
}

export function sampleAddress(n: number): Address {
  return bytesToAddress(sha256(sampleKey(n)))
}

export function sampleHash(n: number): BlockHash {
  return toBase64url(Buffer.concat([sha256(utf8(`block ${n}`)), Buffer.alloc(16, n)])) as BlockHash
}

export function sampleRow(n: number, fields: Partial<IndexRow> = {}): IndexRow {
  const owner = fields.owner ?? sampleKey(n % 3)
  return {
    id: sampleId(n),
    signatureType: 2,
    signature: Uint8Array.from(sha256(utf8(`signature ${n}`))),
    owner,
    ownerAddress: bytesToAddress(sha256(owner)),
    target: '',
    anchor: new Uint8Array(0),
    tags: [],
    quantityWinston: 0n,
    rewardWinston: 0n,
    dataBytes: BigInt(n),
    parent: null,
    isDataItem: true,
    ingestedAtS: 1_700_000_000 + n,
    ...fields,
  }
}

export function sampleBlock(height: number, txIds: readonly TxId[], fork = 0): IndexBlock {
  return {
    hash: sampleHash(height + 1000 * fork),
    previous: height === 0 ? '' : sampleHash(height - 1),
    height,
    timestampS: 1_700_000_000 + height,
    txIds,
  }
}

const NEVER_MINED = 1_000_000
const NAMES = ['App', 'Type', '', 'Größe']
const VALUES = ['', 'one', 'Two', 'text/html', 'text/plain; a', 'two words', 'a*b', '*']
const BYTES: Tag = { name: utf8('App'), value: Uint8Array.of(0xff, 0x00, 0xc3) }

/** Draws events that may really come in this order, and queries over what they made. */
export class Sampler {
  readonly #dice: Dice
  readonly #model: IndexModel
  #drawn = 0
  #forks = 0

  constructor(dice: Dice, model: IndexModel) {
    this.#dice = dice
    this.#model = model
  }

  /** Without `undo` nothing is dropped or taken back; without `late` nothing is put into a root that is mined. */
  event({ undo = true, late = true } = {}): IndexEvent {
    const roll = this.#dice.below(100)
    const tip = this.#model.blocks.at(-1)
    if (roll < 55) return { kind: 'row', row: this.#row(late) }
    if (roll < 80) return { kind: 'bundled', ...this.#bundle(late) }
    if (roll < 92 || !undo) return { kind: 'block', block: this.#block() }
    if (roll < 96 && tip !== undefined) return { kind: 'unblock', hash: tip.hash }
    return { kind: 'drop', id: this.#id() }
  }

  query(): TransactionQuery {
    const dice = this.#dice
    const maybe = <T>(percent: number, make: () => T): T | null => (dice.chance(percent) ? make() : null)
    const range = (base: number, span: number) => ({
      min: maybe(60, () => base + dice.below(span)),
      max: maybe(60, () => base + dice.below(span)),
    })
    return {
      ids: maybe(10, () => Array.from({ length: dice.below(12) }, () => this.#id())),
      owners: maybe(25, () => dice.some([0, 1, 2, 3].map(sampleAddress), 3)),
      recipients: maybe(15, () => dice.some([5, 6, 7].map(sampleAddress), 2)),
      tags: maybe(60, () => Array.from({ length: dice.below(4) }, () => this.#tagFilter())),
      bundledIn: dice.chance(10) ? 'none' : maybe(15, () => Array.from({ length: dice.below(6) }, () => this.#id())),
      height: maybe(25, () => range(0, this.#model.blocks.length + 1)),
      ingestedAtS: maybe(10, () => range(1_700_000_000, 60)),
      sort: dice.pick(['HEIGHT_DESC', 'HEIGHT_DESC', 'HEIGHT_ASC', 'INGESTED_AT_DESC', 'INGESTED_AT_ASC']),
      first: dice.below(12),
      after: null,
      withCount: dice.chance(50),
    }
  }

  /** L1 transactions are the multiples of five. */
  #id(): TxId {
    return sampleId(this.#dice.below(this.#drawn + 6))
  }

  #row(late: boolean): IndexRow {
    const dice = this.#dice
    const n = dice.chance(8) ? dice.below(this.#drawn + 1) : this.#next()
    const isDataItem = n % 5 !== 0
    const parent = isDataItem && dice.chance(30) ? this.#parentOf(n, late) : null
    return sampleRow(n, {
      isDataItem,
      parent,
      target: dice.chance(30) ? sampleAddress(5 + dice.below(3)) : '',
      ingestedAtS: 1_700_000_000 + Math.floor(n / 3),
      tags: Array.from({ length: dice.below(5) }, () => (dice.chance(3) ? BYTES : textTag(dice.pick(NAMES), dice.pick(VALUES)))),
    })
  }

  #next(): number {
    // Some numbers are left out: rows that come late, or never.
    this.#drawn += this.#dice.chance(15) ? 2 : 1
    return this.#drawn
  }

  #bundle(late: boolean): { readonly parent: TxId; readonly ids: readonly TxId[] } {
    const n = 1 + this.#dice.below(this.#drawn + 4)
    const parent = this.#parentOf(n, late) ?? sampleId(NEVER_MINED)
    const most = 1 + this.#dice.below(6)
    const numbers = Array.from({ length: most }, () => n + this.#dice.below(this.#drawn + 4 - n + 1)).filter((child) => child % 5 !== 0)
    return { parent, ids: numbers.map(sampleId) }
  }

  /** A lower number, since nothing can lie in what it holds. Mostly multiples of five. */
  #parentOf(n: number, late: boolean): TxId | null {
    const below = this.#dice.below(n)
    const parent = sampleId(this.#dice.chance(60) ? below - (below % 5) : below)
    return !late && this.#model.placeOf(parent) !== null ? null : parent
  }

  #block(): IndexBlock {
    const mined = new Set(this.#model.blocks.flatMap(({ txIds }) => txIds))
    const txs = Array.from({ length: Math.floor(this.#drawn / 5) + 1 }, (_, i) => sampleId(5 * i)).filter((id) => !mined.has(id))
    const txIds = [...new Set(this.#dice.some(txs, 4).filter((id) => id !== undefined))]
    return sampleBlock(this.#model.blocks.length, txIds, this.#dice.chance(50) ? ++this.#forks : 0)
  }

  #tagFilter(): TagFilter {
    const dice = this.#dice
    const match = dice.pick(['EXACT', 'EXACT', 'EXACT', 'WILDCARD', 'FUZZY_AND', 'FUZZY_OR'] as const)
    const values = match === 'EXACT' ? VALUES : [...VALUES, 'text/*', '*o*', 'T*o', 'plain a', 'words one']
    return {
      name: dice.chance(85) ? dice.pick([...NAMES, 'Absent']) : null,
      values: dice.chance(85) ? dice.some([...values, 'absent'], 3) : null,
      op: dice.chance(15) ? 'NEQ' : 'EQ',
      match,
    }
  }
}
