/**
 * Writes that are gathered before they go to the stores, and seen by readers meanwhile. What need not be durable goes among the cached records.
 *
 * Invariants  `flush` resolves when all that was put before is on disk, and rejects when some of it was lost. Blobs are durable before what names them.
 *             What nobody flushes goes to the store within GATHER_MS, or sooner when it is much. What could not be written is forgotten and logged.
 *             A durable record is seen before a cached one with the same key. A cached one that is read lives on.
 */
import { compareBytes, concat } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { WRITE_BEHIND_BYTES_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { BlobName, BlobStore } from '../../store/blob-store.ts'
import type { KvStore, KvWrite, Space } from '../../store/kv-store.ts'
import { type CachedRecords, cachedBytes } from './cached-records.ts'

const GATHER_MS = 50
const GATHER_BYTES = WRITE_BEHIND_BYTES_MAX / 4

/** What is written together. */
export interface Deposit {
  readonly isDurable: boolean
  readonly writes: readonly KvWrite[]
  /** None where it is not durable. */
  readonly blobs: ReadonlyMap<BlobName, Uint8Array>
}

interface Load {
  readonly writes: Map<string, KvWrite>
  readonly blobs: Map<BlobName, Uint8Array>
  readonly cached: Map<string, KvWrite>
  /** Where the cached ones go. */
  readonly generation: number
  cachedBytes: number
  bytes: number
}

export interface WriteBehindDeps {
  readonly kv: KvStore
  readonly cached: CachedRecords
  readonly blobs: BlobStore
  readonly log: Log
  /** Something that was put did not reach the stores. */
  readonly onLost: () => void
}

export class WriteBehind {
  readonly #deps: WriteBehindDeps
  #waiting: Load
  #flying: Load | null = null
  #flight: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(deps: WriteBehindDeps) {
    this.#deps = deps
    this.#waiting = emptyLoad(deps.cached.generation)
  }

  /** Where what is put now and need not be durable goes: it stays readable there for as long as this is the youngest or the one before. */
  get generation(): number {
    return this.#waiting.generation
  }

  async get(space: Space, key: Uint8Array): Promise<Uint8Array | null> {
    const durable = await this.getDurable(space, key)
    if (durable !== null) return durable
    const name = nameOf(space, key)
    const write = this.#cachedAhead(name)
    if (write !== undefined) return write.value
    const found = await this.#deps.cached.get(space, key)
    const since = this.#cachedAhead(name)
    if (since !== undefined) return since.value // What was put meanwhile is newer, and must not be written over.
    if (found?.isOld && !this.#isClosed) this.put({ isDurable: false, writes: [{ space, key, value: found.value }], blobs: new Map() })
    return found?.value ?? null
  }

  #cachedAhead(name: string): KvWrite | undefined {
    return this.#waiting.cached.get(name) ?? this.#flying?.cached.get(name)
  }

  async getDurable(space: Space, key: Uint8Array): Promise<Uint8Array | null> {
    const name = nameOf(space, key)
    const write = this.#waiting.writes.get(name) ?? this.#flying?.writes.get(name)
    return write === undefined ? this.#deps.kv.get(space, key) : write.value
  }

  /** The rest of the first key that begins with `prefix`, from `from` on, among what is on disk. */
  async firstAfter(space: Space, prefix: Uint8Array, from: Uint8Array): Promise<Uint8Array | null> {
    const gte = concat([prefix, from])
    let first = await this.#deps.cached.firstKey(space, prefix, gte)
    for await (const { key } of this.#deps.kv.scan(space, { prefix, gte, limit: 1 }))
      if (first === null || compareBytes(key, first) < 0) first = key.slice()
    return first?.subarray(prefix.length) ?? null
  }

  /** Null when it is not here. */
  async blob(name: BlobName): Promise<Uint8Array | null> {
    const bytes = this.#waiting.blobs.get(name) ?? this.#flying?.blobs.get(name)
    return bytes ?? this.#deps.blobs.read(name, 0, Number.MAX_SAFE_INTEGER)
  }

  /** Fails with `stopping` after `close`. False when it is not taken: it need not be durable, and there is no room for it before the next flush. */
  put({ isDurable, writes, blobs }: Deposit): boolean {
    if (this.#isClosed) throw new HeddleError('stopping', {}, 'the node is stopping; nothing more is written')
    const load = this.#waiting
    const bytes = isDurable ? 0 : cachedBytes(writes)
    const isTaken = load.cachedBytes + bytes <= this.#deps.cached.batchBytesMax
    if (isTaken) this.#load(isDurable ? load.writes : load.cached, writes, blobs)
    if (isTaken) load.cachedBytes += bytes
    if (!isTaken || load.bytes > GATHER_BYTES)
      this.flush().catch(() => {}) // Logged below.
    else this.#timer ??= setTimeout(() => this.flush().catch(() => {}), GATHER_MS)
    return isTaken
  }

  #load(records: Map<string, KvWrite>, writes: Deposit['writes'], blobs: Deposit['blobs']): void {
    const load = this.#waiting
    for (const write of writes) {
      records.set(nameOf(write.space, write.key), write)
      load.bytes += write.key.length + (write.value?.length ?? 0)
    }
    for (const [name, bytes] of blobs) {
      load.blobs.set(name, bytes)
      load.bytes += bytes.length
    }
  }

  /** Puts it when there is room for it. Gives the generation that it went to if it need not be durable; null when it is too large to be kept so. */
  async keep(deposit: Deposit): Promise<number | null> {
    await this.room()
    for (;;) {
      const { generation } = this
      if (this.put(deposit)) return generation
      if (cachedBytes(deposit.writes) > this.#deps.cached.batchBytesMax) return null
      await this.flush().catch(() => {})
    }
  }

  /** Resolves when no more than what is allowed waits for the disk. */
  async room(): Promise<void> {
    while (this.#waiting.bytes + (this.#flying?.bytes ?? 0) > WRITE_BEHIND_BYTES_MAX) await this.flush().catch(() => {})
  }

  async flush(): Promise<void> {
    const current = this.#flight
    if (this.#waiting.bytes === 0) return current
    this.#next ??= current.catch(() => {}).then(() => this.#takeOff())
    await Promise.all([current, this.#next])
  }

  /** Writes what waits, and takes nothing more. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.flush()
  }

  async #takeOff(): Promise<void> {
    this.#next = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const load = this.#waiting
    this.#deps.cached.seal(load.cachedBytes)
    this.#waiting = emptyLoad(this.#deps.cached.generation)
    this.#flying = load
    this.#flight = this.#fly(load)
    await this.#flight
  }

  async #fly({ writes, blobs, cached, generation, cachedBytes: bytes }: Load): Promise<void> {
    try {
      await Promise.all([...blobs].map(([name, bytes]) => this.#deps.blobs.put(name, bytes)))
      await this.#deps.cached.commit({ generation, writes: [...cached.values()], bytes }, [...writes.values()])
    } catch (error) {
      this.#deps.onLost()
      this.#deps.log.error({ err: error, writes: writes.size + cached.size }, 'AO-Core messages could not be written')
      throw error
    } finally {
      this.#flying = null
      this.#flight = Promise.resolve()
    }
  }
}

function emptyLoad(generation: number): Load {
  return { writes: new Map(), blobs: new Map(), cached: new Map(), generation, cachedBytes: 0, bytes: 0 }
}

function nameOf(space: Space, key: Uint8Array): string {
  return space + Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
