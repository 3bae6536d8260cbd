/**
 * KvStore in one LMDB environment, one database per space.
 *
 * Writes      `write` calls queue up; while one LMDB transaction is being synced the next gathers, so many calls share one fsync.
 *             A group is one lmdb batch: its transaction commits whole or not at all, hence so does each call in it.
 * Reads       Come straight from the memory map, and are copied: a page is reused once its transaction ended.
 * Durability  Plain LMDB commits (pages, fdatasync, then the root page written through): lmdb's overlapping sync is off, it was not faster.
 * Invariants  No synchronous transaction runs while a batch is open: lmdb would commit the open half of the batch to let it through.
 *             After a failed commit the environment is probed, since lmdb never answers a batch on an environment that it gave up.
 */
import { mkdirSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import { errorText, HeddleError } from '../../base/errors.ts'
import { checkBatch, checkKey, keyBounds } from '../kv-range.ts'
import { type KvEntry, type KvRange, type KvStore, type KvWrite, SPACES, type Space } from '../kv-store.ts'

type Table = Database<Uint8Array, Uint8Array>
type Cursor = Iterator<{ key: Uint8Array; value: Uint8Array }>

/** Address space, not memory or disk: lmdb maps more by itself when the file outgrows it. */
const MAP_BYTES = 64 * 1024 ** 3
/** One transaction holds its dirty pages in memory, so a group ends at these. */
const GROUP_BYTES = 16 * 1024 * 1024
const GROUP_CALLS = 4096
/** Snapshots that may be open at once: scans that did not fit into one page. */
const READERS_MAX = 2048
/** A scan reads this far ahead in one go; most are exhausted by then and hold no snapshot. */
const PAGE_ENTRIES = 256
const PAGE_BYTES = 1024 * 1024

export interface LmdbOptions {
  readonly mapBytes?: number
}

/** Creates the folder and its tables if need be; throws `store-failed` when it cannot. */
export async function openLmdbKvStore(folder: string, { mapBytes = MAP_BYTES }: LmdbOptions = {}): Promise<KvStore> {
  try {
    mkdirSync(folder, { recursive: true })
    const root = open<Uint8Array, Uint8Array>(folder, {
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: SPACES.length + 8,
      maxReaders: READERS_MAX,
      mapSize: mapBytes,
      overlappingSync: false,
      eventTurnBatching: false,
    })
    return new LmdbKvStore(folder, root)
  } catch (error) {
    throw new HeddleError('store-failed', { what: folder }, `cannot open the store in ${folder}: ${errorText(error)}`, { cause: error })
  }
}

/** A `write` call that waits for its group; null clears everything. */
interface Call {
  readonly batch: readonly KvWrite[] | null
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class LmdbKvStore implements KvStore {
  readonly #folder: string
  readonly #root: RootDatabase<Uint8Array, Uint8Array>
  readonly #tables: Readonly<Record<Space, Table>>
  readonly #cursors = new Set<Cursor>()
  #queue: Call[] = []
  #draining: Promise<void> | null = null
  #closed = false
  #broken: unknown = null

  constructor(folder: string, root: RootDatabase<Uint8Array, Uint8Array>) {
    this.#folder = folder
    this.#root = root
    const table = (space: Space): Table => root.openDB(space, { encoding: 'binary', keyEncoding: 'binary' })
    this.#tables = Object.fromEntries(SPACES.map((space) => [space, table(space)])) as Record<Space, Table>
  }

  async get(space: Space, key: Uint8Array): Promise<Uint8Array | null> {
    return this.#read(space, key)
  }

  async getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    return keys.map((key) => this.#read(space, key))
  }

  #read(space: Space, key: Uint8Array): Uint8Array | null {
    if (this.#closed) throw this.#closedFailure()
    checkKey(key)
    try {
      return this.#tables[space].getBinary(key) ?? null
    } catch (error) {
      throw this.#failure('read', error)
    }
  }

  write(batch: readonly KvWrite[]): Promise<void> {
    return this.#enqueue(batch)
  }

  clear(): Promise<void> {
    return this.#enqueue(null)
  }

  async #enqueue(batch: readonly KvWrite[] | null): Promise<void> {
    if (this.#closed) throw this.#closedFailure()
    if (batch !== null) checkBatch(batch)
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ batch, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    await null // Lets the other calls of this turn join the first group.
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        if (this.#broken !== null) throw this.#broken
        await this.#commit(group)
        for (const { resolve } of group) resolve()
      } catch (error) {
        const failure = await this.#commitFailure(error)
        for (const { reject } of group) reject(failure)
      }
    }
    this.#draining = null
  }

  #takeGroup(): Call[] {
    let bytes = 0
    let calls = 0
    while (calls < this.#queue.length && calls < GROUP_CALLS && bytes < GROUP_BYTES) {
      for (const { value } of this.#queue[calls]!.batch ?? []) bytes += value?.length ?? 0
      calls += 1
    }
    return this.#queue.splice(0, calls)
  }

  async #commit(group: readonly Call[]): Promise<void> {
    if (group.every(({ batch }) => batch?.length === 0)) return
    await this.#root.batch(() => {
      for (const { batch } of group) {
        if (batch === null) for (const space of SPACES) this.#tables[space].clearAsync()
        else for (const { space, key, value } of batch) put(this.#tables[space], key, value)
      }
    })
  }

  async #commitFailure(error: unknown): Promise<HeddleError> {
    const cause = await commitError(error)
    this.#broken ??= this.#probe()
    return this.#failure('write', cause)
  }

  /** Null when the environment still takes transactions: what failed was this commit alone, a full disk for example. */
  #probe(): unknown {
    try {
      this.#root.transactionSync(() => {})
      return null
    } catch (error) {
      return error
    }
  }

  scan(space: Space, range: KvRange = {}): AsyncIterable<KvEntry> {
    if (this.#closed) throw this.#closedFailure()
    const { low, high } = keyBounds(range)
    const [start, end] = range.reverse ? [high, low] : [low, high]
    const cursor: Cursor = this.#tables[space]
      .getRange({
        ...({ start: start ?? undefined, end: end ?? undefined } as { start: Uint8Array; end: Uint8Array }),
        reverse: range.reverse ?? false,
        exclusiveStart: range.reverse === true && start !== null,
        inclusiveEnd: range.reverse === true,
        limit: range.limit ?? Number.MAX_SAFE_INTEGER,
      })
      [Symbol.iterator]()
    this.#cursors.add(cursor)
    return this.#pages(cursor, this.#readPage(cursor)) // The first page is read here and now: it fixes the snapshot.
  }

  async *#pages(cursor: Cursor, first: readonly KvEntry[]): AsyncGenerator<KvEntry> {
    try {
      for (let page = first; page.length > 0; page = this.#readPage(cursor)) yield* page
    } finally {
      this.#release(cursor)
    }
  }

  #readPage(cursor: Cursor): KvEntry[] {
    if (this.#closed) throw this.#closedFailure()
    if (!this.#cursors.has(cursor)) return []
    const page: KvEntry[] = []
    try {
      for (let bytes = 0; page.length < PAGE_ENTRIES && bytes < PAGE_BYTES; ) {
        const step = cursor.next()
        if (step.done) {
          this.#cursors.delete(cursor)
          break
        }
        page.push(step.value)
        bytes += step.value.value.length
      }
    } catch (error) {
      this.#release(cursor)
      throw this.#failure('scan', error)
    }
    return page
  }

  #release(cursor: Cursor): void {
    if (this.#cursors.delete(cursor)) cursor.return?.()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    while (this.#draining !== null) await this.#draining
    for (const cursor of this.#cursors) this.#release(cursor)
    await this.#root.close()
  }

  #failure(doing: string, cause: unknown): HeddleError<'store-failed'> {
    const message = `the store in ${this.#folder} failed to ${doing}: ${errorText(cause)}; check the disk's free space and health`
    return new HeddleError('store-failed', { what: doing }, message, { cause })
  }

  #closedFailure(): HeddleError<'store-failed'> {
    return new HeddleError('store-failed', { what: 'closed' }, `the store in ${this.#folder} is closed`)
  }
}

function put(table: Table, key: Uint8Array, value: Uint8Array | null): void {
  if (value === null) table.remove(key)
  else table.put(key, value)
}

/** lmdb rejects with a general error whose `commitError` is a promise that rejects with the cause. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (cause) {
    return cause
  }
}
