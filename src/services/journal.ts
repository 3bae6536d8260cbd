/**
 * The one way in which anything becomes true: a commit is written to the KvStore together with journal entries that say what the query index must learn,
 * then the index applies them, then the commit resolves. So an acknowledged write is durable, and every reader sees it.
 *
 * Invariants  Journal positions have no gaps. The index never runs ahead of the KvStore. After a crash `open` replays what the index missed.
 */
import { bigEndian, fromBigEndian } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
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

const REPLAY_BATCH = 1_000

interface Pending {
  readonly events: readonly IndexEvent[]
  readonly position: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Journal {
  readonly #kv: KvStore
  readonly #index: IndexStore
  #position: number
  #queue: Pending[] = []
  #applying: Promise<void> | null = null
  #failed: unknown = null

  private constructor(kv: KvStore, index: IndexStore, position: number) {
    this.#kv = kv
    this.#index = index
    this.#position = position
  }

  /** Opens the journal and brings the index up to it. */
  static async open(kv: KvStore, index: IndexStore, rowOf: RowSource): Promise<Journal> {
    let last = 0
    for await (const { key } of kv.scan('journal', { reverse: true, limit: 1 })) last = Number(fromBigEndian(key))
    await catchUp(kv, index, rowOf, last)
    return new Journal(kv, index, last)
  }

  /** Durable and indexed when it resolves. Positions are given out in the order of the calls. */
  async commit({ writes, events }: Commit): Promise<void> {
    if (this.#failed !== null)
      throw new HeddleError('store-failed', { what: 'journal' }, 'an earlier write failed; restart the node', { cause: this.#failed })
    const journal = events.map((event): KvWrite => {
      this.#position += 1
      return { space: 'journal', key: bigEndian(this.#position, 8), value: encodeEntry(event) }
    })
    const position = this.#position
    try {
      await this.#kv.write([...writes, ...journal])
    } catch (error) {
      // A gap would hide later entries from a replay, so nothing more is written until the next start.
      if (events.length > 0) this.#failed = error
      throw error
    }
    if (events.length > 0) await this.#apply(events, position)
  }

  /** Resolves when nothing is being applied. */
  async settled(): Promise<void> {
    while (this.#applying !== null) await this.#applying
  }

  #apply(events: readonly IndexEvent[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ events, position, resolve, reject })
      this.#applying ??= this.#drain().finally(() => {
        this.#applying = null
      })
    })
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      try {
        await this.#index.apply(
          batch.flatMap(({ events }) => events),
          batch.at(-1)!.position,
        )
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#failed = error
        for (const { reject } of batch) reject(error)
      }
    }
  }
}

async function catchUp(kv: KvStore, index: IndexStore, rowOf: RowSource, last: number): Promise<void> {
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
}

function encodeEntry(event: IndexEvent): Uint8Array {
  if (event.kind !== 'row') return Buffer.from(JSON.stringify(event))
  const { id, ingestedAtS, parent } = event.row
  return Buffer.from(JSON.stringify({ kind: 'row', id, ingestedAtS, parent }))
}

function decodeEntry(bytes: Uint8Array): JournalEntry {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as JournalEntry
}
