/**
 * Compute: all processes that have something to evaluate, one runner each, opened when they are needed.
 *
 * Invariants  There is one runner for a process at most, and it is not forgotten while it is used. While a process rests it has none.
 *             After a restart, messages that were acknowledged but not evaluated are found and evaluated without anyone asking.
 */
import { errorText } from '../../base/errors.ts'
import { bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { MESSAGES_AHEAD_BYTES_MAX, PARTING_SNAPSHOTS_MAX, PROCESS_RUNNERS_MAX } from '../../base/limits.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { Budget } from './budget.ts'
import { decodeRecord, type ProcessHead, slotKey } from './records.ts'
import { Runner, type RunnerDeps, RunnerRetired } from './runner.ts'
import { type Scheduled, unknownProcess } from './scheduler.ts'

export type ComputeDeps = Omit<RunnerDeps, 'aheadBytes' | 'partings'> & { readonly kv: Pick<KvStore, 'get' | 'getMany' | 'scan'> }

const RESUME_BATCH = 500

export class Compute {
  readonly #deps: ComputeDeps & RunnerDeps
  /** In the order of last use. */
  readonly #runners = new Map<TxId, Runner>()
  readonly #loading = new Map<TxId, Promise<void>>()
  /** Slots that came while their runner was being loaded. */
  readonly #early = new Map<TxId, Scheduled[]>()
  /** Processes that rest, until when. */
  readonly #resting = new Map<TxId, Promise<void>>()
  #resuming: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(deps: ComputeDeps) {
    this.#deps = { ...deps, aheadBytes: new Budget(MESSAGES_AHEAD_BYTES_MAX), partings: new Budget(PARTING_SNAPSHOTS_MAX) }
    deps.guests.onLost((process) => this.#runners.get(process)?.lost())
    deps.guests.onEvicted((process, takeSnapshot) => this.#runners.get(process)?.evicted(takeSnapshot))
  }

  /** A slot that just became durable. */
  add(entry: Scheduled): void {
    const { process, record } = entry
    if (this.#stopping || this.#resting.has(process)) return // It is in the log, and found there.
    const runner = this.#runners.get(process) ?? (record.slot === 0 ? this.#create(process, { scheduled: 0, evaluated: -1 }) : null)
    if (runner !== null) {
      runner.add(entry)
      return
    }
    const early = this.#early.get(process)
    if (early !== undefined) {
      early.push(entry)
      return
    }
    this.#early.set(process, [entry])
    this.#load(process).catch((error) => {
      this.#early.delete(process) // They are in the log, and found there by the next one who asks.
      this.#deps.logger.error({ process, error: errorText(error) }, 'a process could not be opened')
    })
  }

  backlog(process: TxId): number {
    return this.#runners.get(process)?.backlog ?? this.#early.get(process)?.length ?? 0
  }

  /** Throws `process-unknown`, and RunnerRetired when the process rests or comes to rest meanwhile: ask again. `work` is called in the turn in which the runner is found, so that it is not forgotten in between. */
  async use<T>(process: TxId, work: (runner: Runner) => T | Promise<T>): Promise<T> {
    for (;;) {
      const resting = this.#resting.get(process)
      if (resting !== undefined) {
        await resting
        throw new RunnerRetired() // Its log may be another one now: whoever asks looks again.
      }
      const runner = this.#runners.get(process)
      if (runner === undefined) {
        await this.#load(process)
        continue
      }
      this.#runners.delete(process)
      this.#runners.set(process, runner)
      return work(runner)
    }
  }

  /** Nothing of the process is evaluated or in memory while `work` does something to its log; then it goes on from what is there. */
  async resting<T>(process: TxId, work: () => Promise<T>): Promise<T> {
    while (this.#resting.has(process)) await this.#resting.get(process)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resting.set(process, promise)
    try {
      await this.#loading.get(process)?.catch(() => {})
      await this.#runners.get(process)?.retire()
      this.#runners.delete(process)
      return await work()
    } finally {
      this.#resting.delete(process)
      resolve()
      if (!this.#stopping) this.#goOn(process)
    }
  }

  /** Finds, in the background, processes with messages that an earlier run did not evaluate: with many processes that takes longer than a start may. */
  resume(): void {
    this.#resuming = this.#findUnfinished().catch((error) => {
      this.#deps.logger.error({ error: errorText(error) }, 'messages left by an earlier run are evaluated when somebody asks for them')
    })
  }

  async #findUnfinished(): Promise<void> {
    let batch: { process: TxId; slot: number }[] = []
    for await (const { key, value } of this.#deps.kv.scan('processes')) {
      if (this.#stopping) return
      batch.push({ process: bytesToId(key), slot: decodeRecord<ProcessHead>(value).slot })
      if (batch.length < RESUME_BATCH) continue
      await this.#wakeUnfinished(batch)
      batch = []
    }
    await this.#wakeUnfinished(batch)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#resuming
    await Promise.allSettled(this.#resting.values())
    await Promise.allSettled(this.#loading.values())
    const stopped = await Promise.allSettled([...this.#runners.values()].map((runner) => runner.stop()))
    for (const one of stopped)
      if (one.status === 'rejected') this.#deps.logger.error({ error: errorText(one.reason) }, 'a process did not stop cleanly')
  }

  #goOn(process: TxId): void {
    this.use(process, (runner) => runner.wake())
      .catch(unlessRetired)
      .catch((error) => this.#deps.logger.error({ process, error: errorText(error) }, 'a process could not be opened again'))
  }

  async #wakeUnfinished(batch: readonly { process: TxId; slot: number }[]): Promise<void> {
    const found = await this.#deps.kv.getMany(
      'results',
      batch.map(({ process, slot }) => slotKey(process, slot)),
    )
    for (const [i, { process }] of batch.entries())
      if (found[i] === null && !this.#stopping) await this.use(process, (runner) => runner.wake()).catch(unlessRetired)
  }

  #load(process: TxId): Promise<void> {
    const running = this.#loading.get(process)
    if (running !== undefined) return running
    const promise = this.#read(process).finally(() => this.#loading.delete(process))
    this.#loading.set(process, promise)
    return promise
  }

  async #read(process: TxId): Promise<void> {
    const head = await this.#deps.kv.get('processes', idBytes(process))
    if (head === null) throw unknownProcess(process)
    const evaluated = await this.#deps.results.lastSlot(process)
    const runner = this.#runners.get(process) ?? this.#create(process, { scheduled: decodeRecord<ProcessHead>(head).slot, evaluated })
    const early = this.#early.get(process) ?? []
    this.#early.delete(process)
    for (const entry of early) runner.add(entry)
  }

  #create(process: TxId, at: { readonly scheduled: number; readonly evaluated: number }): Runner {
    const runner = new Runner(process, at, this.#deps)
    this.#runners.set(process, runner)
    this.#trim()
    return runner
  }

  /** Forgets runners beyond the bound: one that is needed again is cheap to load. */
  #trim(): void {
    if (this.#runners.size <= PROCESS_RUNNERS_MAX) return
    for (const [process, runner] of this.#runners) {
      if (!runner.idle) continue
      this.#runners.delete(process)
      if (this.#runners.size <= PROCESS_RUNNERS_MAX) return
    }
  }
}

/** It rests, and goes on after that. */
function unlessRetired(error: unknown): void {
  if (!(error instanceof RunnerRetired)) throw error
}
