/**
 * The one way in which anything becomes true: a commit is written to the KvStore together with journal entries that say what the query index must learn,
 * then the index applies them, then the commit resolves. So an acknowledged write is durable, and every reader sees it.
 *
 * Invariants  A commit that rejects wrote nothing; one that resolves is durable. Positions only grow; a commit that failed leaves a gap, which replays pass over.
 *             The index never runs ahead of the KvStore, and never past an entry that it did not apply. When it fails it falls behind, which is logged:
 *             commits go on, since what they wrote is true, and the next one brings it up again from the journal. So does `open` after a crash.
 */
import { bigEndian, fromBigEndian } from '../base/bytes.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { IndexEvent, IndexStore } from '../store/index-store.ts'
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

/** A commit that is durable and waits for the index. */
interface Pending {
  readonly events: readonly IndexEvent[]
  /** Of its last event. */
  readonly position: number
  readonly resolve: () => void
}

export class Journal {
  readonly #kv: JournalStore
  readonly #index: JournalIndex
  readonly #rowOf: RowSource
  readonly #log: Log
  /** The last position given out. */
  #position: number
  /** The last position that the index has applied. */
  #indexed: number
  #isBehind = false
  #queue: Pending[] = []
  #applying: Promise<void> | null = null

  private constructor(stores: { kv: JournalStore; index: JournalIndex; rowOf: RowSource; log: Log }, position: number) {
    this.#kv = stores.kv
    this.#index = stores.index
    this.#rowOf = stores.rowOf
    this.#log = stores.log
    this.#position = position
    this.#indexed = position
  }

  /** Opens the journal and brings the index up to it. */
  static async open(kv: JournalStore, index: JournalIndex, rowOf: RowSource, log: Log = silentLog): Promise<Journal> {
    return new Journal({ kv, index, rowOf, log }, await catchUp(kv, index, rowOf))
  }

  /** Durable and indexed when it resolves. */
  async commit(commit: Commit): Promise<void> {
    const { indexed } = await this.write(commit)
    await indexed
  }

  /** Durable when it resolves; `indexed` follows and never rejects. Positions are given out in the order of the calls. */
  async write({ writes, events }: Commit): Promise<{ readonly indexed: Promise<void> }> {
    const entries = events.map((event): KvWrite => {
      this.#position += 1
      return { space: 'journal', key: bigEndian(this.#position, 8), value: encodeEntry(event) }
    })
    const position = this.#position
    await this.#kv.write([...writes, ...entries])
    return { indexed: events.length > 0 ? this.#apply(events, position) : Promise.resolve() }
  }

  /** Resolves when nothing is being applied. */
  async settled(): Promise<void> {
    while (this.#applying !== null) await this.#applying
  }

  /** Called in the order of positions, since the KvStore resolves writes in the order of the calls. */
  #apply(events: readonly IndexEvent[], position: number): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push({ events, position, resolve })
      this.#applying ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    await null // So that `#applying` is set when the loop ends at once.
    while (this.#queue.length > 0) {
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
      for (const { resolve } of batch) resolve()
    }
    this.#applying = null
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
