/**
 * Heads of processes, kept in memory while they move.
 *
 * Invariants  The head in memory may be ahead of the stored one only while commits are under way, and such a head is never dropped.
 *             Advancing is synchronous: two messages can never get the same slot.
 */
import { idBytes, type TxId } from '../../base/ids.ts'
import { PROCESS_HEADS_MAX } from '../../base/limits.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { decodeRecord, type ProcessHead } from './records.ts'

export interface LiveHead {
  head: ProcessHead
  /** Commits under way. */
  pending: number
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

  /** A process that is being spawned. */
  add(process: TxId, head: ProcessHead): LiveHead {
    const live = { head, pending: 0 }
    this.#live.set(process, live)
    this.#trim()
    return live
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
    return bytes === null ? null : this.add(process, decodeRecord<ProcessHead>(bytes))
  }

  #trim(): void {
    if (this.#live.size <= PROCESS_HEADS_MAX) return
    for (const [process, live] of this.#live) {
      if (live.pending > 0) continue
      this.#live.delete(process)
      if (this.#live.size <= PROCESS_HEADS_MAX) return
    }
  }
}
