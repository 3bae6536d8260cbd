/**
 * One process at work: evaluates its log in slot order, one slot after the other, and keeps an instance open while there is something to do.
 *
 * Invariants  A message has exactly one result. Evaluation may run ahead of what is durable, results are shown only once they are durable.
 *             An instance is opened from the newest snapshot and the log after it; messages that failed then left no trace and are not repeated.
 *             When the instance is lost under a message again and again, the message gets an error as its result, so that it cannot block the process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { RESULTS_UNSAVED_MAX, SNAPSHOT_EVERY_MESSAGES, SNAPSHOT_EVERY_MS } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import { type Evaluation, type GuestEnv, GuestFault, type GuestMessage, type GuestModule } from '../../guests/guest.ts'
import { KV_VALUE_BYTES_MAX } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import { evaluatedBy, failedEvaluation } from './evaluation.ts'
import { type DryRunFields, dryRunMessage, guestMessage } from './guest-message.ts'
import type { FactsReader } from './process-facts.ts'
import type { ProcessLog } from './process-log.ts'
import type { LogRecord, ResultRecord } from './records.ts'
import { type Evaluated, ResultSaver } from './result-saver.ts'
import type { ResultStore } from './result-store.ts'
import type { Scheduled } from './scheduler.ts'
import type { Snapshots } from './snapshots.ts'
import type { SourceMessage, Sources } from './sources.ts'
import { Waiters } from './waiters.ts'

/** The guests as the machine uses them. Calls for one process run in the order in which they were made. */
export interface Guests {
  open(process: TxId, module: GuestModule, env: GuestEnv, snapshot: Uint8Array | null): Promise<void>
  isOpen(process: TxId): boolean
  evaluate(process: TxId, message: GuestMessage): Promise<Evaluation>
  dryRun(process: TxId, message: GuestMessage): Promise<Evaluation>
  snapshot(process: TxId): Promise<Uint8Array>
  close(process: TxId): Promise<void>
  onLost(listener: (process: TxId, reason: string) => void): void
  onEvicted(listener: (process: TxId, snapshot: Uint8Array) => void): void
}

export interface RunnerDeps {
  readonly journal: Pick<Journal, 'commit'>
  readonly log: ProcessLog
  readonly sources: Sources
  readonly facts: FactsReader
  readonly results: ResultStore
  readonly snapshots: Snapshots
  readonly guests: Guests
  readonly logger: Log
  readonly onSaved: (process: TxId, evaluated: Evaluated) => void
}

interface Flight {
  readonly entry: Scheduled
  readonly evaluation: Promise<Evaluation>
}

/** Messages handed to the worker before the first of them is answered: hides the way there and back. */
const FLIGHTS_MAX = 4
/** Messages that just got their slot stay in memory until their turn comes, up to this many. */
const AHEAD_MAX = 1_000
const ATTEMPTS_MAX = 3
const PAUSE_MS = 50
/** An instance closed after less work than this is cheaper to replay than to thaw. */
const SNAPSHOT_WORTH_MESSAGES = 16
const SNAPSHOT_WORTH_MS = 50

export class Runner {
  readonly process: TxId
  readonly #deps: RunnerDeps
  readonly #saver: ResultSaver
  readonly #ahead = new Map<number, Scheduled>()
  readonly #waiters: Waiters
  /** Last slot in the log. */
  #scheduled: number
  /** Last slot evaluated. */
  #done: number
  /** Last slot whose result is durable. */
  #saved: number
  #running: Promise<void> | null = null
  #opening: Promise<void> | null = null
  #open = false
  /** Messages handed to the guests whose evaluation was not noted yet. */
  #flying = 0
  #dryRuns = 0
  #sinceSnapshot = { messages: 0, ms: 0 }
  #stopping = false

  constructor(process: TxId, at: { readonly scheduled: number; readonly evaluated: number }, deps: RunnerDeps) {
    this.process = process
    this.#deps = deps
    this.#scheduled = at.scheduled
    this.#done = at.evaluated
    this.#saved = at.evaluated
    this.#waiters = new Waiters(process)
    this.#saver = new ResultSaver({
      process,
      journal: deps.journal,
      results: deps.results,
      onSaved: (evaluated) => this.#onSaved(evaluated),
      onFailed: (error) => this.#waiters.rejectAll(error),
    })
  }

  get backlog(): number {
    return this.#scheduled - this.#done
  }

  /** Nothing open, nothing to do, nobody waiting, all results durable. */
  get idle(): boolean {
    return (
      !this.#isOpen() &&
      this.#running === null &&
      this.#opening === null &&
      this.#dryRuns === 0 &&
      this.backlog === 0 &&
      this.#saved === this.#done &&
      this.#waiters.isEmpty
    )
  }

  add(entry: Scheduled): void {
    if (this.#ahead.size < AHEAD_MAX && entry.source.data.length <= KV_VALUE_BYTES_MAX) this.#ahead.set(entry.record.slot, entry)
    this.#scheduled = Math.max(this.#scheduled, entry.record.slot)
    this.wake()
  }

  wake(): void {
    if (this.#running !== null || this.#stopping || this.backlog === 0) return
    this.#running = this.#run().finally(() => {
      this.#running = null
    })
  }

  /** Waits for the result of a slot that is in the log. */
  async result(slot: number, signal?: AbortSignal): Promise<ResultRecord> {
    if (slot > this.#saved) {
      this.#saver.retry()
      this.wake()
      return this.#waiters.wait(slot, signal)
    }
    const found = await this.#deps.results.find(this.process, slot)
    if (found === null)
      throw new HeddleError(
        'store-failed',
        { what: 'results' },
        `the result of slot ${slot} of process ${this.process} is gone; run "heddle doctor"`,
      )
    return found
  }

  /** On the state after the last slot that was in the log when it was asked for, or a later one. */
  async dryRun(fields: DryRunFields, signal?: AbortSignal): Promise<Evaluation> {
    const last = await this.result(this.#scheduled, signal)
    const message = dryRunMessage(this.process, last, fields)
    this.#dryRuns += 1
    try {
      return await this.#onInstance(() => this.#deps.guests.dryRun(this.process, message))
    } finally {
      this.#dryRuns -= 1
    }
  }

  /** The state after the last slot, with that slot's result. */
  async state(signal?: AbortSignal): Promise<{ readonly bytes: Uint8Array; readonly last: ResultRecord }> {
    const last = await this.result(this.#scheduled, signal)
    this.#dryRuns += 1
    try {
      return { bytes: await this.#onInstance(() => this.#deps.guests.snapshot(this.process)), last }
    } finally {
      this.#dryRuns -= 1
    }
  }

  /** The instance is gone: evicted, or its worker died. */
  lost(): void {
    this.#open = false
  }

  /** Keeps what an evicted instance was, unless the process has moved on since. */
  async evicted(snapshot: Uint8Array): Promise<void> {
    if (!this.#open && this.#flying === 0) await this.#keepSnapshot(snapshot)
  }

  /** Finishes what is under way, and keeps a snapshot when that saves work. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
    await this.#saver.settled()
    this.#waiters.rejectAll(new HeddleError('stopping', {}, 'the node is stopping; ask again when it runs'))
    const { messages, ms } = this.#sinceSnapshot
    const isWorth = messages >= SNAPSHOT_WORTH_MESSAGES || ms >= SNAPSHOT_WORTH_MS
    if (isWorth && this.#opening === null && this.#isOpen()) await this.#takeSnapshot()
  }

  async #run(): Promise<void> {
    try {
      for (let lost = 0; this.backlog > 0 && !this.#stopping; ) {
        const slot = this.#done + 1
        const error = await this.#attempt()
        if (error === null) continue
        lost = this.#done + 1 === slot ? lost + 1 : 1
        this.#deps.logger.warn({ process: this.process, slot: this.#done + 1, error: errorText(error) }, 'an instance was lost')
        if (!isOfProgram(error) && lost < ATTEMPTS_MAX) {
          await sleep(lost * PAUSE_MS)
          continue
        }
        await this.#recordFailure(error)
        lost = 0
      }
    } catch (error) {
      this.#deps.logger.error({ process: this.process, slot: this.#done + 1, error: errorText(error) }, 'evaluation stopped')
      await this.#abandon() // It may have evaluated more than was noted.
      this.#waiters.rejectAll(error)
    }
  }

  /** Evaluates until the log is done; answers what the guests threw, and throws what the store threw. */
  async #attempt(): Promise<unknown> {
    try {
      await this.#ensureOpen()
    } catch (error) {
      if (isFailure(error, 'store-failed')) throw error
      return error
    }
    const flights: Flight[] = []
    let next = this.#done + 1
    while (!this.#stopping || flights.length > 0) {
      while (flights.length < FLIGHTS_MAX && next <= this.#scheduled && !this.#stopping && !this.#snapshotDue())
        flights.push(this.#fly(await this.#entry(next++)))
      const flight = flights.shift()
      if (flight === undefined) break
      try {
        this.#land(flight.entry, await flight.evaluation)
      } catch (error) {
        await Promise.allSettled(flights.map(({ evaluation }) => evaluation))
        await this.#abandon()
        return error
      }
      if (this.#saver.waiting > RESULTS_UNSAVED_MAX) await this.#saver.settled()
    }
    if (this.#snapshotDue()) await this.#takeSnapshot()
    return null
  }

  #fly(entry: Scheduled): Flight {
    const evaluation = this.#deps.guests.evaluate(this.process, guestMessage(this.process, entry.record, entry.source))
    evaluation.catch(() => {}) // Looked at when its turn comes.
    this.#flying += 1
    return { entry, evaluation }
  }

  #land({ record }: Scheduled, evaluation: Evaluation): void {
    this.#sinceSnapshot.messages += 1
    this.#sinceSnapshot.ms += evaluation.timeMs
    this.#flying -= 1
    this.#done = record.slot
    this.#saver.add(evaluatedBy(evaluation, record))
  }

  /** The result of a message that could not be evaluated at all. */
  async #recordFailure(error: unknown): Promise<void> {
    const { record } = await this.#entry(this.#done + 1)
    this.#done = record.slot
    this.#saver.add(failedEvaluation(record, `the program could not run: ${errorText(error)}`))
  }

  /** Runs `use` on an open instance, a second time when the first instance is lost meanwhile. */
  async #onInstance<T>(use: () => Promise<T>): Promise<T> {
    await this.#ensureOpen()
    try {
      return await use()
    } catch (error) {
      if (this.#deps.guests.isOpen(this.process)) throw error
      await this.#ensureOpen()
      return use()
    }
  }

  async #ensureOpen(): Promise<void> {
    while (this.#opening !== null || !this.#isOpen()) {
      this.#opening ??= this.#openInstance().finally(() => {
        this.#opening = null
      })
      await this.#opening
    }
  }

  #isOpen(): boolean {
    return this.#open && this.#deps.guests.isOpen(this.process)
  }

  async #openInstance(): Promise<void> {
    const { facts, sources, snapshots, guests } = this.#deps
    await this.#saver.settled()
    if (guests.isOpen(this.process)) await guests.close(this.process)
    const { env, module } = await facts.of(this.process)
    const program = await sources.module(module)
    const snapshot = await snapshots.latest(this.process, this.#done)
    let from = (snapshot?.slot ?? -1) + 1
    try {
      await guests.open(this.process, program, env, snapshot?.bytes ?? null)
    } catch (error) {
      if (snapshot === null || !isFailure(error, 'encoding-invalid')) throw error
      await guests.open(this.process, program, env, null) // Taken by another version of the engine.
      from = 0
    }
    this.#sinceSnapshot = { messages: 0, ms: 0 }
    for (let slot = from; slot <= this.#done; slot++) await this.#replay(slot)
    this.#open = true
  }

  async #replay(slot: number): Promise<void> {
    const result = await this.#deps.results.find(this.process, slot)
    if (result?.kept === false) return
    const { record, source } = await this.#entry(slot)
    const evaluation = await this.#deps.guests.evaluate(this.process, guestMessage(this.process, record, source))
    this.#sinceSnapshot.messages += 1
    this.#sinceSnapshot.ms += evaluation.timeMs
    if (!evaluation.ok)
      this.#deps.logger.error(
        { process: this.process, slot },
        'a message that had succeeded failed when it was replayed; run "heddle verify"',
      )
  }

  async #abandon(): Promise<void> {
    this.#open = false
    this.#flying = 0
    await this.#deps.guests.close(this.process).catch(() => {}) // It may be gone already.
  }

  #snapshotDue(): boolean {
    return this.#sinceSnapshot.messages >= SNAPSHOT_EVERY_MESSAGES || this.#sinceSnapshot.ms >= SNAPSHOT_EVERY_MS
  }

  async #takeSnapshot(): Promise<void> {
    try {
      await this.#keepSnapshot(await this.#deps.guests.snapshot(this.process))
    } catch (error) {
      if (isFailure(error, 'store-failed')) throw error
      this.#deps.logger.warn({ process: this.process, slot: this.#done, error: errorText(error) }, 'no snapshot could be taken')
    }
    this.#sinceSnapshot = { messages: 0, ms: 0 }
  }

  async #keepSnapshot(bytes: Uint8Array): Promise<void> {
    const slot = this.#done
    await this.#saver.settled() // A snapshot must not be ahead of the results.
    await this.#deps.snapshots.save(this.process, slot, bytes)
  }

  async #entry(slot: number): Promise<Scheduled> {
    const ahead = this.#ahead.get(slot)
    this.#ahead.delete(slot)
    if (ahead !== undefined) return ahead
    const record = await this.#deps.log.record(this.process, slot)
    if (record === null) throw gone('log', `slot ${slot} of process ${this.process}`)
    return { process: this.process, record, source: await this.#source(record) }
  }

  async #source(record: LogRecord): Promise<SourceMessage> {
    const source = await this.#deps.sources.message(record.message)
    if (source === null) throw gone('bodies', `message ${record.message}`)
    return source
  }

  #onSaved(evaluated: Evaluated): void {
    this.#saved = evaluated.record.slot
    this.#waiters.resolve(evaluated.result)
    this.#deps.onSaved(this.process, evaluated)
  }
}

/** Trouble that trying again cannot mend: the module is missing, or does not even start. */
function isOfProgram(error: unknown): boolean {
  return (
    error instanceof GuestFault ||
    isFailure(error, 'guest-failed') ||
    isFailure(error, 'module-unknown') ||
    isFailure(error, 'module-unsupported') ||
    isFailure(error, 'encoding-invalid')
  )
}

function gone(space: string, what: string): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what: space }, `${what} is gone from the store; run "heddle doctor"`)
}
