/**
 * The one way in which anything becomes true: a commit is written to the KvStore together with journal entries that say what the query index must learn,
 * and resolves when they are durable. The index follows; who reads it through `indexReader` waits until it has everything that was acknowledged before.
 * So an acknowledged write survives, every reader sees it, and writers need not wait for the index, which takes larger helpings the busier it is
 * and, while nobody reads, gathers them for a moment.
 *
 * Invariants  A commit that rejects wrote nothing; one that resolves is durable. Positions only grow; a commit that failed leaves a gap, which replays pass over.
 *             The index never runs ahead of the KvStore, and never past an entry that it did not apply. When it fails it falls behind, which is logged:
 *             commits go on, since what they wrote is true, and the next one brings it up again from the journal. So does `open` after a crash.
 *             While more than INDEX_BACKLOG_MAX events wait, commits resolve only once they are indexed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { bigEndian, fromBigEndian } from '../base/bytes.ts'
import { INDEX_BACKLOG_MAX } from '../base/limits.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { IndexEvent, IndexReader, IndexStore } from '../store/index-store.ts'
import type { KvStore, KvWrite } from '../store/kv-store.ts'

export interface Commit {
  readonly writes: readonly KvWrite[]
  readonly events: readonly IndexEvent[]
}

/** Journal entries name rows by id: the row is derived from the stored bytes again when the index has to catch up. */
export type JournalEntry =
  | Exclude<IndexEvent, { kind: 'row' }>
  | { readonly kind: 'row'; readonly id: string; readonly ingestedAtS: number; readonly parent: string | null }

/** Derives the row of a stored transaction or item from its raw bytes. */
export type RowSource = (entry: Extract<JournalEntry, { kind: 'row' }>) => Promise<IndexEvent & { kind: 'row' }>

/** What the journal needs of the stores. */
export type JournalStore = Pick<KvStore, 'write' | 'scan'>
export type JournalIndex = Pick<IndexStore, 'position' | 'apply' | 'clear'>

const REPLAY_BATCH = 1_000
/** Between two helpings of the index, unless somebody waits for it or so many events do. */
const INDEX_GATHER_MS = 50
const INDEX_GATHER_EVENTS = 400

/** The events of a commit that is durable, which wait for the index. */
interface Pending {
  readonly events: readonly IndexEvent[]
  /** Of the last one. */
  readonly position: number
}

export class Journal {
  readonly #kv: JournalStore
  readonly #index: JournalIndex
  readonly #rowOf: RowSource
  readonly #log: Log
  /** The last position given out. */
  #position: number
  /** The last position known to be durable. */
  #durable: number
  /** The last position that the index has applied. */
  #indexed: number
  #isBehind = false
  #queue: Pending[] = []
  /** Events that wait for the index or are being applied. */
  #backlog = 0
  #isDraining = false
  /** Those who wait for everything that was durable when they came, in the order in which they came. */
  #waiting: { readonly position: number; readonly resolve: () => void }[] = []
  /** When the index was given something last. */
  #appliedAtMs = Number.NEGATIVE_INFINITY
  /** Ends the wait for more. */
  #hurry: (() => void) | null = null
  /** Of the last event that the index applied or failed to apply. */
  #passed: number

  private constructor(stores: { kv: JournalStore; index: JournalIndex; rowOf: RowSource; log: Log }, position: number) {
    this.#kv = stores.kv
    this.#index = stores.index
    this.#rowOf = stores.rowOf
    this.#log = stores.log
    this.#position = position
    this.#indexed = position
    this.#passed = position
    this.#durable = position
  }

  /** Opens the journal and brings the index up to it. */
  static async open(kv: JournalStore, index: JournalIndex, rowOf: RowSource, log: Log = silentLog): Promise<Journal> {
    return new Journal({ kv, index, rowOf, log }, await catchUp(kv, index, rowOf))
  }

  /** Durable when it resolves. Positions are given out in the order of the calls. */
  async commit({ writes, events }: Commit): Promise<void> {
    const entries = events.map((event): KvWrite => {
      this.#position += 1
      return { space: 'journal', key: bigEndian(this.#position, 8), value: encodeEntry(event) }
    })
    const position = this.#position
    await this.#kv.write([...writes, ...entries])
    if (events.length === 0) return
    this.#enqueue({ events, position })
    if (this.#backlog > INDEX_BACKLOG_MAX) await this.indexed()
  }

  /** Resolves when the index has everything that was durable at the call, or has failed at it. */
  indexed(): Promise<void> {
    const position = this.#durable
    if (position <= this.#passed) return Promise.resolve()
    this.#hurry?.()
    return new Promise((resolve) => this.#waiting.push({ position, resolve }))
  }

  /** Called in the order of positions, since the KvStore resolves writes in the order of the calls. */
  #enqueue(pending: Pending): void {
    this.#durable = pending.position
    this.#backlog += pending.events.length
    this.#queue.push(pending)
    if (!this.#isDraining) void this.#drain()
    else if (this.#backlog >= INDEX_GATHER_EVENTS) this.#hurry?.()
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    await nextTurn() // Commits that became durable together are indexed together.
    while (this.#queue.length > 0) {
      await this.#gather()
      this.#appliedAtMs = performance.now()
      const batch = this.#queue
      this.#queue = []
      try {
        await this.#applyBatch(batch)
      } catch (error) {
        this.#isBehind = true
        this.#log.error(
          { err: error, position: batch.at(-1)!.position },
          'the query index failed and is behind; it will catch up when it can',
        )
      }
      this.#backlog -= batch.reduce((sum, { events }) => sum + events.length, 0)
      this.#pass(batch.at(-1)!.position)
    }
    this.#isDraining = false
  }

  /** One transaction of the index for many commits writes a fraction of the pages of one for each, so they wait for others, unless somebody reads. */
  async #gather(): Promise<void> {
    const ms = this.#appliedAtMs + INDEX_GATHER_MS - performance.now()
    if (ms <= 0 || this.#waiting.length > 0 || this.#backlog >= INDEX_GATHER_EVENTS) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#hurry = resolve
    await promise
    clearTimeout(timer)
    this.#hurry = null
  }

  #pass(position: number): void {
    this.#passed = position
    const later = this.#waiting.findIndex((reader) => reader.position > position)
    for (const { resolve } of this.#waiting.splice(0, later === -1 ? this.#waiting.length : later)) resolve()
  }

  async #applyBatch(batch: readonly Pending[]): Promise<void> {
    if (this.#isBehind) {
      this.#indexed = await catchUp(this.#kv, this.#index, this.#rowOf)
      this.#isBehind = false
      this.#log.info({ position: this.#indexed }, 'the query index has caught up')
    }
    const fresh = batch.filter(({ position }) => position > this.#indexed)
    if (fresh.length === 0) return
    const { position } = fresh.at(-1)!
    await this.#index.apply(
      fresh.flatMap(({ events }) => events),
      position,
    )
    this.#indexed = position
  }
}

/** The index as readers should see it: with everything that was acknowledged before they asked. */
export function indexReader(index: IndexReader, journal: Pick<Journal, 'indexed'>): IndexReader {
  return {
    async transactions(query) {
      await journal.indexed()
      return index.transactions(query)
    },
    async transaction(id) {
      await journal.indexed()
      return index.transaction(id)
    },
    async blocks(query) {
      await journal.indexed()
      return index.blocks(query)
    },
    async block(hash) {
      await journal.indexed()
      return index.block(hash)
    },
  }
}

/** Applies what the index lacks; returns the position that it then has. */
async function catchUp(kv: JournalStore, index: JournalIndex, rowOf: RowSource): Promise<number> {
  let last = 0
  for await (const { key } of kv.scan('journal', { reverse: true, limit: 1 })) last = Number(fromBigEndian(key))
  let position = await index.position()
  if (position > last) {
    // The index belongs to another store: rebuild it.
    await index.clear()
    position = 0
  }
  while (position < last) {
    const events: IndexEvent[] = []
    for await (const { key, value } of kv.scan('journal', { gt: bigEndian(position, 8), limit: REPLAY_BATCH })) {
      const entry = decodeEntry(value)
      events.push(entry.kind === 'row' ? await rowOf(entry) : entry)
      position = Number(fromBigEndian(key))
    }
    await index.apply(events, position)
  }
  return position
}

function encodeEntry(event: IndexEvent): Uint8Array {
  if (event.kind !== 'row') return Buffer.from(JSON.stringify(event))
  const { id, ingestedAtS, parent } = event.row
  return Buffer.from(JSON.stringify({ kind: 'row', id, ingestedAtS, parent }))
}

function decodeEntry(bytes: Uint8Array): JournalEntry {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as JournalEntry
}
