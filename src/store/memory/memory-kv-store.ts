/** KvStore in the memory of this process, for tests and throw-away nodes: a sorted array per space. Nothing outlives it. */
import { compareBytes } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { checkBatch, checkKey, keyBounds } from '../kv-range.ts'
import { type KvEntry, type KvRange, type KvStore, type KvWrite, SPACES, type Space } from '../kv-store.ts'

export function createMemoryKvStore(): KvStore {
  return new MemoryKvStore()
}

class MemoryKvStore implements KvStore {
  #tables = emptyTables()
  #closed = false

  async get(space: Space, key: Uint8Array): Promise<Uint8Array | null> {
    this.#checkOpen()
    return this.#read(space, key)
  }

  async getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Uint8Array | null)[]> {
    this.#checkOpen()
    return keys.map((key) => this.#read(space, key))
  }

  #read(space: Space, key: Uint8Array): Uint8Array | null {
    checkKey(key)
    const table = this.#tables[space]
    const entry = table[lowerBound(table, key)]
    return entry !== undefined && compareBytes(entry.key, key) === 0 ? entry.value.slice() : null
  }

  async write(batch: readonly KvWrite[]): Promise<void> {
    this.#checkOpen()
    checkBatch(batch)
    for (const { space, key, value } of batch) put(this.#tables[space], key, value)
  }

  scan(space: Space, range: KvRange = {}): AsyncIterable<KvEntry> {
    this.#checkOpen()
    const { low, high } = keyBounds(range)
    const limit = range.limit ?? Number.POSITIVE_INFINITY
    const table = this.#tables[space]
    const start = low === null ? 0 : lowerBound(table, low)
    const end = Math.max(start, high === null ? table.length : lowerBound(table, high))
    // Entries are never changed in place, so a slice of the array is a snapshot.
    if (range.reverse) return this.#entries(table.slice(Math.max(start, end - limit), end).reverse())
    return this.#entries(table.slice(start, Math.min(end, start + limit)))
  }

  async *#entries(snapshot: readonly KvEntry[]): AsyncGenerator<KvEntry> {
    for (const { key, value } of snapshot) {
      this.#checkOpen()
      yield { key: key.slice(), value: value.slice() }
    }
  }

  async clear(): Promise<void> {
    this.#checkOpen()
    this.#tables = emptyTables()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#tables = emptyTables()
  }

  #checkOpen(): void {
    if (this.#closed) throw new HeddleError('store-failed', { what: 'closed' }, 'the store is closed')
  }
}

function emptyTables(): Record<Space, KvEntry[]> {
  return Object.fromEntries(SPACES.map((space) => [space, []])) as unknown as Record<Space, KvEntry[]>
}

function put(table: KvEntry[], key: Uint8Array, value: Uint8Array | null): void {
  const at = lowerBound(table, key)
  const found = table[at] !== undefined && compareBytes(table[at].key, key) === 0 ? 1 : 0
  if (value !== null) table.splice(at, found, { key: key.slice(), value: value.slice() })
  else if (found === 1) table.splice(at, 1)
}

/** Position of the first entry whose key is not below `key`. */
function lowerBound(table: readonly KvEntry[], key: Uint8Array): number {
  const last = table.at(-1)
  if (last === undefined || compareBytes(last.key, key) < 0) return table.length // Logs and journals append.
  let low = 0
  let high = table.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes(table[middle]!.key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
