/**
 * Records that need not be durable, within a number of bytes: they live in generations, the oldest of which goes when there is no more room.
 *
 * Wire        space `cached`: generation u32, number of the space u8, key -> value.
 *             meta `ao-core cache`: generation that is written to u32, then the bytes of it and of the two before it, u64 each
 * Invariants  No generation has more than a third of the bytes. Writes go to the youngest, reads see it and the one before; the one before that is
 *             seen by nobody and is emptied twice as fast as the youngest fills. Bytes are counted in the batch that writes or deletes them, and never
 *             too few: a record that is written over counts twice.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { bigEndian, compareBytes, concat, fromBigEndian, utf8 } from '../../base/bytes.ts'
import type { KvStore, KvWrite, Space } from '../../store/kv-store.ts'

/** Generations as they age: written to and read, read, emptied. */
type Ages<T> = readonly [T, T, T]

export interface CachedBatch {
  readonly generation: number
  /** In the spaces that the records would have if they were durable. */
  readonly writes: readonly KvWrite[]
  readonly bytes: number
}

const NUMBERS: Partial<Record<Space, number>> = { messages: 0, values: 1, commitments: 2, paths: 3, matches: 4 }
const STATE_KEY = utf8('ao-core cache')
const FIRST_GENERATION = 2
const PREFIX_BYTES = 5
/** Half of what goes in one batch when there is less room than before. */
const SHRINK_BYTES = 4 * 1024 * 1024
/** Deleted between two turns of the event loop. */
const DELETED_PER_TURN = 256

export class CachedRecords {
  readonly #kv: KvStore
  readonly #bytesMax: number
  #generation: number
  #bytes: Ages<number>

  private constructor(kv: KvStore, bytesMax: number, generation: number, bytes: Ages<number>) {
    this.#kv = kv
    this.#bytesMax = bytesMax
    this.#generation = generation
    this.#bytes = bytes
  }

  static async open(kv: KvStore, bytesMax: number): Promise<CachedRecords> {
    const state = await kv.get('meta', STATE_KEY)
    if (state === null) return new CachedRecords(kv, bytesMax, FIRST_GENERATION, [0, 0, 0])
    const number = (start: number, end: number): number => Number(fromBigEndian(state.subarray(start, end)))
    const records = new CachedRecords(kv, bytesMax, number(0, 4), [number(4, 12), number(12, 20), number(20, 28)])
    await records.#shrink()
    return records
  }

  /** The one that is written to. */
  get generation(): number {
    return this.#generation
  }

  /** What one batch may write, so that a generation that is not full before it has no more than its share after it. */
  get batchBytesMax(): number {
    return this.#bytesMax / 12
  }

  /** Old is what goes next. */
  async get(space: Space, key: Uint8Array): Promise<{ readonly value: Uint8Array; readonly isOld: boolean } | null> {
    const [young, old] = await this.#kv.getMany('cached', [keyIn(this.#generation, space, key), keyIn(this.#generation - 1, space, key)])
    if (young) return { value: young, isOld: false }
    return old ? { value: old, isOld: true } : null
  }

  /** The first key of a space that begins with `prefix` and is not below `from`. */
  async firstKey(space: Space, prefix: Uint8Array, from: Uint8Array): Promise<Uint8Array | null> {
    let first: Uint8Array | null = null
    for (const generation of [this.#generation, this.#generation - 1]) {
      const range = { prefix: keyIn(generation, space, prefix), gte: keyIn(generation, space, from), limit: 1 }
      for await (const { key } of this.#kv.scan('cached', range)) {
        const found = key.slice(PREFIX_BYTES)
        if (first === null || compareBytes(found, first) < 0) first = found
      }
    }
    return first
  }

  /** Counts what is about to be committed. After it, what is put goes to a new generation if this one has its share. */
  seal(bytes: number): void {
    const [young, old, going] = this.#bytes
    this.#bytes = [young + bytes, old, going]
    if (young + bytes > this.#bytesMax / 3 - this.batchBytesMax) this.#age()
  }

  /** Writes a batch that was sealed together with `others`; for its bytes older ones go. One at a time. */
  async commit({ generation, writes, bytes }: CachedBatch, others: readonly KvWrite[]): Promise<void> {
    if (bytes === 0) return this.#kv.write(others)
    const [young, old, going] = this.#bytes
    const { deletes, left } = await this.#oldest(going, 2 * bytes)
    const state = concat([bigEndian(this.#generation, 4), bigEndian(young, 8), bigEndian(old, 8), bigEndian(left, 8)])
    await this.#kv.write([
      ...others,
      ...writes.map(({ space, key, value }): KvWrite => ({ space: 'cached', key: keyIn(generation, space, key), value })),
      ...deletes,
      { space: 'meta', key: STATE_KEY, value: state },
    ])
    this.#bytes = [young, old, left]
  }

  /** Not before the oldest one is empty. */
  #age(): void {
    const [young, old, going] = this.#bytes
    if (going > 0) return
    this.#generation += 1
    this.#bytes = [0, young, old]
  }

  /** To what is allowed now, where it was more before. */
  async #shrink(): Promise<void> {
    while (this.#bytes.some((bytes) => bytes > this.#bytesMax / 3)) {
      this.#age()
      if (this.#bytes[2] > 0) await this.commit({ generation: this.#generation, writes: [], bytes: SHRINK_BYTES }, [])
    }
  }

  async #oldest(going: number, wanted: number): Promise<{ readonly deletes: readonly KvWrite[]; readonly left: number }> {
    const deletes: KvWrite[] = []
    if (going === 0) return { deletes, left: 0 }
    let freed = 0
    for await (const { key, value } of this.#kv.scan('cached', { prefix: keyPart(this.#generation - 2) })) {
      if (freed >= wanted) return { deletes, left: Math.max(going - freed, 1) }
      deletes.push({ space: 'cached', key, value: null })
      freed += diskBytes(key.length, value.length)
      if (deletes.length % DELETED_PER_TURN === 0) await turn()
    }
    return { deletes, left: 0 }
  }
}

/** What these take as cached records. */
export function cachedBytes(writes: readonly KvWrite[]): number {
  return writes.reduce((sum, { key, value }) => sum + diskBytes(PREFIX_BYTES + key.length, value?.length ?? 0), 0)
}

/** About what a record takes of the disk: pages of 4 KiB are two thirds full, and a value that is larger than half of one has its own. */
function diskBytes(keyLength: number, valueLength: number): number {
  if (keyLength + valueLength < 2000) return Math.ceil((keyLength + valueLength + 16) * 1.5)
  return (Math.ceil((valueLength + 16) / 4096) + 1) * 4096
}

function keyIn(generation: number, space: Space, key: Uint8Array): Uint8Array {
  const number = NUMBERS[space]
  if (number === undefined) throw new RangeError(`space ${space} has no cached records`)
  return concat([keyPart(generation), Uint8Array.of(number), key])
}

function keyPart(generation: number): Uint8Array {
  return Uint8Array.of(generation >>> 24, generation >>> 16, generation >>> 8, generation)
}
