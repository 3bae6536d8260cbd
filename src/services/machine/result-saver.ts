/**
 * Makes results durable in slot order, together with what they leave in the outbox: whatever waits goes into one commit.
 *
 * Invariants  A result is shown to nobody, and nothing of its outbox is sent, before both are durable.
 */
import { EMPTY } from '../../base/bytes.ts'
import type { TxId } from '../../base/ids.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import type { OutboxEntry } from './outbox.ts'
import { type LogRecord, outboxKey, type ResultRecord } from './records.ts'
import type { ResultStore } from './result-store.ts'

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

export class ResultSaver {
  readonly #deps: ResultSaverDeps
  #waiting: Evaluated[] = []
  #saving: Promise<void> | null = null
  #failed: { readonly error: unknown } | null = null

  constructor(deps: ResultSaverDeps) {
    this.#deps = deps
  }

  /** Not yet taken into a commit. */
  get waiting(): number {
    return this.#waiting.length
  }

  add(evaluated: Evaluated): void {
    this.#waiting.push(evaluated)
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
    this.#failed = null
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#save(batch)
      } catch (error) {
        this.#waiting = [...batch, ...this.#waiting]
        this.#failed = { error }
        break
      }
      for (const evaluated of batch) this.#deps.onSaved(evaluated)
    }
    this.#saving = null
    if (this.#failed !== null) this.#deps.onFailed(this.#failed.error)
  }

  async #save(batch: readonly Evaluated[]): Promise<void> {
    const { process, results, journal } = this.#deps
    const writes: KvWrite[] = []
    for (const { result, entries } of batch) {
      writes.push(await results.prepare(process, result))
      for (const { index } of entries) writes.push({ space: 'outbox', key: outboxKey(process, result.slot, index), value: EMPTY })
    }
    await journal.commit({ writes, events: [] })
  }
}
