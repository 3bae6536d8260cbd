/**
 * Makes results durable in slot order, together with what they leave in the outbox: whatever waits goes into one commit.
 *
 * Invariants  A result is shown to nobody, and nothing of its outbox is sent, before both are durable.
 */
import { EMPTY } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import { RESULTS_UNSAVED_BYTES_MAX, RESULTS_UNSAVED_MAX } from '../../base/limits.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import type { OutboxEntry } from './outbox.ts'
import { type LogRecord, outboxKey, type ResultRecord } from './records.ts'
import type { EncodedResult, ResultStore } from './result-store.ts'

/** A message that was evaluated. */
export interface Evaluated {
  readonly record: LogRecord
  readonly result: ResultRecord
  readonly entries: readonly OutboxEntry[]
}

export interface ResultSaverDeps {
  readonly process: TxId
  readonly journal: Pick<Journal, 'commit'>
  readonly results: ResultStore
  readonly onSaved: (evaluated: Evaluated) => void
  /** Nothing is lost: `retry` or the next `add` tries again. */
  readonly onFailed: (error: unknown) => void
}

interface Waiting {
  readonly evaluated: Evaluated
  readonly encoded: EncodedResult
}

export class ResultSaver {
  readonly #deps: ResultSaverDeps
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #saving: Promise<void> | null = null
  #failed: { readonly error: unknown } | null = null

  constructor(deps: ResultSaverDeps) {
    this.#deps = deps
  }

  /** So much waits for the next commit that no more should be evaluated before it. */
  get isFull(): boolean {
    return this.#waiting.length > RESULTS_UNSAVED_MAX || this.#waitingBytes > RESULTS_UNSAVED_BYTES_MAX
  }

  add(evaluated: Evaluated): void {
    const encoded = this.#deps.results.encode(this.#deps.process, evaluated.result)
    this.#waiting.push({ evaluated, encoded })
    this.#waitingBytes += encoded.sizeBytes
    this.retry()
  }

  retry(): void {
    if (this.#waiting.length > 0) this.#saving ??= this.#drain()
  }

  /** Resolves when all that was added is durable; throws what kept it from that. */
  async settled(): Promise<void> {
    this.retry()
    while (this.#saving !== null) await this.#saving
    if (this.#failed !== null) throw this.#failed.error
  }

  async #drain(): Promise<void> {
    await null // So that all results of this turn go together.
    this.#failed = null
    while (this.#waiting.length > 0 && this.#failed === null) await this.#saveAll()
    this.#saving = null
    if (this.#failed !== null) this.#deps.onFailed((this.#failed as { readonly error: unknown }).error)
  }

  async #saveAll(): Promise<void> {
    const batch = this.#waiting
    const bytes = this.#waitingBytes
    this.#waiting = []
    this.#waitingBytes = 0
    try {
      await this.#save(batch)
    } catch (error) {
      this.#waiting = [...batch, ...this.#waiting]
      this.#waitingBytes += bytes
      this.#failed = { error }
      return
    }
    for (const { evaluated } of batch) this.#deps.onSaved(evaluated)
  }

  async #save(batch: readonly Waiting[]): Promise<void> {
    const { process, results, journal } = this.#deps
    const writes: KvWrite[] = []
    for (const { evaluated, encoded } of batch) {
      writes.push(await results.prepare(encoded))
      const { slot } = evaluated.record
      for (const { index } of evaluated.entries) writes.push({ space: 'outbox', key: outboxKey(process, slot, index), value: EMPTY })
    }
    await journal.commit({ writes, events: [] })
  }
}
