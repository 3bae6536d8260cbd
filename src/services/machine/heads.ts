/**
 * Heads of processes, kept in memory while they move, and the one line in which the slots of a process become durable.
 *
 * Invariants  Taking a slot is synchronous: two messages can never get the same one. Slots are written in order, one write at a time per process, and
 *             those that come meanwhile share the next; when a write fails, every slot after the last durable one is taken back, so the log has no gaps.
 *             Who waits for a slot hears of it when it is durable, in slot order.
 *             A head that is ahead of the store is never dropped.
 */
import { idBytes, type TxId } from '../../base/ids.ts'
import { PROCESS_HEADS_MAX } from '../../base/limits.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Commit, Journal } from '../journal.ts'
import { decodeRecord, headWrite, type ProcessHead } from './records.ts'

/** Slots in one write. */
const WRITE_SLOTS_MAX = 512

interface Waiting {
  readonly head: ProcessHead
  readonly commit: Commit
  readonly onDurable: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class LiveHead {
  readonly #process: TxId
  #head: ProcessHead
  #durable: ProcessHead | null
  #waiting: Waiting[] = []
  #isWriting = false

  /** `durable` is null for a process that is being spawned. */
  constructor(process: TxId, head: ProcessHead, durable: ProcessHead | null) {
    this.#process = process
    this.#head = head
    this.#durable = durable
  }

  /** As of the last slot given out, which may not be durable yet. */
  get head(): ProcessHead {
    return this.#head
  }

  get durable(): ProcessHead | null {
    return this.#durable
  }

  get isAhead(): boolean {
    return this.#isWriting
  }

  /** Moves the head at once; resolves when its slot is durable, together with the head itself. `onDurable` is called just before, in slot order. */
  advance(head: ProcessHead, commit: Commit, journal: Pick<Journal, 'commit'>, onDurable: () => void): Promise<void> {
    this.#head = head
    return new Promise((resolve, reject) => {
      this.#waiting.push({ head, commit, onDurable, resolve, reject })
      if (!this.#isWriting) void this.#drain(journal)
    })
  }

  async #drain(journal: Pick<Journal, 'commit'>): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, WRITE_SLOTS_MAX), journal)
    this.#isWriting = false
  }

  async #write(batch: readonly Waiting[], journal: Pick<Journal, 'commit'>): Promise<void> {
    try {
      const head = { writes: [headWrite(this.#process, batch.at(-1)!.head)], events: [] }
      await journal.commit(joined([...batch.map(({ commit }) => commit), head]))
    } catch (error) {
      const lost = [...batch, ...this.#waiting.splice(0)]
      if (this.#durable !== null) this.#head = this.#durable
      for (const { reject } of lost) reject(error)
      return
    }
    this.#durable = batch.at(-1)!.head
    for (const { onDurable, resolve } of batch) {
      onDurable()
      resolve()
    }
  }
}

export class Heads {
  readonly #kv: Pick<KvStore, 'get'>
  /** In the order of last use. */
  readonly #live = new Map<TxId, LiveHead>()
  readonly #loading = new Map<TxId, Promise<LiveHead | null>>()

  constructor(kv: Pick<KvStore, 'get'>) {
    this.#kv = kv
  }

  /** What is in memory; no waiting, so nothing can come between this and advancing it. */
  peek(process: TxId): LiveHead | null {
    const live = this.#live.get(process)
    if (live === undefined) return null
    this.#live.delete(process)
    this.#live.set(process, live)
    return live
  }

  /** Null when the process was never spawned here. */
  async find(process: TxId): Promise<LiveHead | null> {
    return this.peek(process) ?? (await this.#load(process))
  }

  /** Of the last durable slot; null when there is none. */
  async findDurable(process: TxId): Promise<ProcessHead | null> {
    return (await this.find(process))?.durable ?? null
  }

  /** A process that is being spawned, or whose head is another one now. */
  add(process: TxId, live: LiveHead): void {
    this.#live.set(process, live)
    this.#trim()
  }

  /** A spawn that failed. */
  remove(process: TxId): void {
    this.#live.delete(process)
  }

  #load(process: TxId): Promise<LiveHead | null> {
    const running = this.#loading.get(process)
    if (running !== undefined) return running
    const promise = this.#read(process).finally(() => this.#loading.delete(process))
    this.#loading.set(process, promise)
    return promise
  }

  async #read(process: TxId): Promise<LiveHead | null> {
    const bytes = await this.#kv.get('processes', idBytes(process))
    const live = this.#live.get(process)
    if (live !== undefined) return live // Spawned while the read was under way.
    if (bytes === null) return null
    const head = decodeRecord<ProcessHead>(bytes)
    const loaded = new LiveHead(process, head, head)
    this.add(process, loaded)
    return loaded
  }

  #trim(): void {
    if (this.#live.size <= PROCESS_HEADS_MAX) return
    for (const [process, live] of this.#live) {
      if (live.isAhead) continue
      this.#live.delete(process)
      if (this.#live.size <= PROCESS_HEADS_MAX) return
    }
  }
}

export function joined(parts: readonly Commit[]): Commit {
  return { writes: parts.flatMap(({ writes }) => writes), events: parts.flatMap(({ events }) => events) }
}
