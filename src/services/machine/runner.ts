/**
 * One process at work: evaluates its log in slot order, one slot after the other, and keeps an instance open while there is something to do.
 *
 * Invariants  A message has exactly one result. Evaluation may run ahead of what is durable, results are shown only once they are durable.
 *             What a program does decides its result. When this node is in the way (the worker ended under the message again and again, or
 *             the clock struck), the result is an error that says so and is marked, so that the message cannot block the process; trouble
 *             that has nothing to do with the message is waited out.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { MESSAGES_AHEAD_MAX } from '../../base/limits.ts'
import type { Evaluation } from '../../guests/guest.ts'
import { KV_VALUE_BYTES_MAX } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import type { Budget } from './budget.ts'
import { evaluatedBy, failedEvaluation, forkedEvaluation, isOfProgram, programFailure } from './evaluation.ts'
import { type DryRunFields, dryRunMessage, guestMessage } from './guest-message.ts'
import { Instance, type InstanceDeps, stateOf } from './instance.ts'
import { readEntry } from './log-entry.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { NodeFailure, ResultRecord, SnapshotRecord } from './records.ts'
import { type Evaluated, ResultSaver } from './result-saver.ts'
import type { ResultStore } from './result-store.ts'
import type { Scheduled } from './scheduler.ts'
import { Waiters } from './waiters.ts'

export interface RunnerDeps extends InstanceDeps {
  readonly journal: Pick<Journal, 'commit'>
  readonly results: ResultStore
  readonly onSaved: (process: TxId, evaluated: Evaluated) => void
  /** Null, or what to wait for when the process has sent more than could be delivered yet. */
  readonly roomToSend: (process: TxId) => Promise<void> | null
  /** Bytes of messages that just got their slot and are kept in memory until their turn comes, all processes together. */
  readonly aheadBytes: Budget
}

/** What went wrong with one slot so far. */
interface Trouble {
  readonly slot: number
  time: number
  crash: number
  others: number
}

type Verdict = 'program' | NodeFailure

/** Work handed to the worker before it is answered: hides the way there and back, and lets messages travel together. */
const FLIGHTS_MAX = 32
const FLIGHTS_MS = 8
/** How much the last evaluation counts in the average. */
const AVERAGE_WEIGHT = 0.2
const ATTEMPTS_MAX = { time: 2, crash: 3 }
/** From so many on for one message it is worth a line in the log: others keep all workers busy. */
const MOVES_UNUSUAL = 8
const PAUSE_MS = 50
const PAUSE_MS_MAX = 30_000
const DRY_RUN_ATTEMPTS_MAX = 3
const RETRY_MS = 1_000

export class Runner {
  readonly process: TxId
  readonly #deps: RunnerDeps
  readonly #saver: ResultSaver
  readonly #instance: Instance
  readonly #ahead = new Map<number, Scheduled>()
  readonly #waiters: Waiters
  /** Last slot in the log. */
  #scheduled: number
  /** Last slot evaluated. */
  #done: number
  /** Last slot whose result is durable. */
  #saved: number
  #running: Promise<void> | null = null
  /** Messages handed to the guests and not answered yet. */
  #flying = 0
  /** What ended the flights; those after it do not count. */
  #failure: { readonly error: unknown } | null = null
  #onLanding: (() => void)[] = []
  /** Average time of an evaluation. */
  #evaluationMs = 1
  /** Requests that use the instance beside the log. */
  readonly #guestsOfInstance = new Set<Promise<unknown>>()
  /** While it is there no message is handed over: somebody needs the state between two of them. */
  #hold: Promise<unknown> | null = null
  #retry: NodeJS.Timeout | null = null
  readonly #stopping = new AbortController()
  #isRetired = false

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
      onFailed: (error) => this.#storeFailed(error),
    })
    this.#instance = new Instance(process, deps, {
      settled: async () => {
        await this.#landed()
        await this.#saver.settled()
        return this.#done
      },
      saved: (slot) => (slot > this.#saved ? this.#waiters.wait(slot) : Promise.resolve()),
      isQuiet: () => this.#running === null && this.#flying === 0,
    })
  }

  get backlog(): number {
    return this.#scheduled - this.#done
  }

  /** Nothing open, nothing to do, nobody waiting, all results durable. */
  get idle(): boolean {
    return (
      this.#instance.isGone &&
      this.#running === null &&
      this.#retry === null &&
      this.#guestsOfInstance.size === 0 &&
      this.backlog === 0 &&
      this.#saved === this.#done &&
      this.#waiters.isEmpty
    )
  }

  add(entry: Scheduled): void {
    const bytes = aheadBytesOf(entry)
    if (this.#ahead.size < MESSAGES_AHEAD_MAX && bytes <= KV_VALUE_BYTES_MAX && this.#deps.aheadBytes.take(bytes))
      this.#ahead.set(entry.record.slot, entry)
    this.#scheduled = Math.max(this.#scheduled, entry.record.slot)
    this.wake()
  }

  wake(): void {
    if (this.#running !== null || this.#isStopping || this.backlog === 0) return
    this.#running = this.#run()
  }

  /** Waits for the result of a slot that is in the log. */
  async result(slot: number, signal?: AbortSignal): Promise<ResultRecord> {
    if (slot > this.#saved) return this.#waitFor(slot, signal)
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
  dryRun(fields: DryRunFields, signal?: AbortSignal): Promise<Evaluation> {
    return this.#withInstance(signal, async (last) => {
      const { self } = await this.#deps.facts.of(this.process)
      return this.#deps.guests.dryRun(this.process, dryRunMessage({ process: this.process, self }, last, fields))
    })
  }

  /** Keeps a snapshot of the state as it is at the next moment between two messages. */
  snapshot(signal?: AbortSignal): Promise<SnapshotRecord> {
    return this.#withInstance(signal, () => this.#betweenMessages(() => this.#instance.snapshotNow()))
  }

  /** The state after the last slot, as `stateOf` has it, with that slot's result. */
  state(signal?: AbortSignal): Promise<{ readonly bytes: Uint8Array; readonly last: ResultRecord }> {
    return this.#withInstance(signal, async (last) => ({ bytes: await stateOf(this.#deps.guests, this.process), last }))
  }

  /** The instance's worker is gone, or it was moved out of it. */
  lost(): void {
    this.#instance.lost()
  }

  evicted(takeSnapshot: () => Promise<Uint8Array>): void {
    this.#instance.evicted(takeSnapshot)
  }

  /** Finishes what is under way, and keeps a snapshot when that saves work. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    if (this.#retry !== null) clearTimeout(this.#retry)
    await this.#running
    try {
      await this.#saver.settled()
    } finally {
      this.#waiters.rejectAll(new HeddleError('stopping', {}, 'the node is stopping; ask again when it runs'))
    }
    await this.#instance.stop()
  }

  /** Ends it so that another runner can take its place: what waits is told to go there. The state is not kept. */
  async retire(): Promise<void> {
    this.#isRetired = true
    this.#stopping.abort()
    if (this.#retry !== null) clearTimeout(this.#retry)
    await this.#running
    await this.#saver.settled().catch(() => {}) // What could not be saved is evaluated again.
    this.#waiters.rejectAll(new RunnerRetired())
    await Promise.allSettled(this.#guestsOfInstance)
    await this.#instance.discard()
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  #waitFor(slot: number, signal?: AbortSignal): Promise<ResultRecord> {
    if (this.#isRetired) return Promise.reject(new RunnerRetired())
    this.#saver.retry()
    this.wake()
    return this.#waiters.wait(slot, signal)
  }

  async #run(): Promise<void> {
    let trouble: Trouble = { slot: -1, time: 0, crash: 0, others: 0 }
    try {
      while (this.backlog > 0 && !this.#isStopping) {
        await this.#hold
        const error = await this.#attempt()
        if (error === null) continue
        if (isFailure(error, 'stopping')) throw error
        const slot = this.#done + 1
        if (trouble.slot !== slot) trouble = { slot, time: 0, crash: 0, others: 0 }
        const verdict = judge(error, trouble)
        this.#report(error, verdict, trouble)
        if (verdict === null) await this.#pause(trouble)
        else await this.#recordFailure(error, verdict)
      }
    } catch (error) {
      if (!isFailure(error, 'stopping'))
        this.#deps.logger.error({ process: this.process, slot: this.#done + 1, error: errorText(error) }, 'evaluation stopped')
      await this.#abandon()
      this.#storeFailed(error)
    } finally {
      this.#running = null // In the same turn in which the log was found done, so that whatever comes next wakes it again.
    }
  }

  /** Evaluates until the log is done; answers what the guests threw, and throws what the store threw. */
  async #attempt(): Promise<unknown> {
    try {
      await this.#instance.ensureOpen()
    } catch (error) {
      if (isFailure(error, 'store-failed') || isFailure(error, 'stopping')) throw error
      return error
    }
    this.#failure = null
    for (let next = this.#done + 1; ; ) {
      if (this.#mayLaunch()) next = await this.#launch(next)
      if (this.#flying === 0) break
      await this.#landing()
      if (this.#saver.isFull) await this.#saver.settled()
      await this.#deps.roomToSend(this.process)
    }
    const { error } = this.#takeFailure()
    if (error !== null) await this.#abandon()
    else if (this.#instance.isSnapshotDue) this.#instance.keepSnapshot()
    return error
  }

  #mayLaunch(): boolean {
    return (
      this.#failure === null &&
      this.#hold === null &&
      !this.#isStopping &&
      !this.#instance.isSnapshotDue &&
      this.#flying <= this.#flightsMax() / 2
    )
  }

  /** Many short messages, but only one that takes long: whatever else its worker has to do must not wait for more of them. */
  #flightsMax(): number {
    return Math.max(1, Math.min(FLIGHTS_MAX, Math.floor(FLIGHTS_MS / this.#evaluationMs)))
  }

  /** Hands over the next messages, all in one turn; answers the slot after them. */
  async #launch(from: number): Promise<number> {
    const to = Math.min(this.#scheduled, from + this.#flightsMax() - this.#flying - 1)
    const entries: Scheduled[] = []
    const facts = await this.#deps.facts.of(this.process)
    for (let slot = from; slot <= to; slot++) entries.push(this.#takeAhead(slot) ?? (await readEntry(this.#deps, this.process, slot)))
    if (this.#failure !== null || this.#hold !== null) return from // They would not be in order any more, or somebody waits.
    for (const entry of entries) {
      if (facts.fork !== null && entry.record.slot === 0) this.#beginFork(entry)
      else this.#fly(entry, facts)
    }
    return to + 1
  }

  /** Its instance was opened at the state that it begins with, so nothing is left to do but to keep that: computing it again takes the original's log. */
  #beginFork({ record }: Scheduled): void {
    this.#done = record.slot
    this.#instance.moved(record.slot, 0, 0)
    this.#saver.add(forkedEvaluation(record))
    this.#instance.keepSnapshot()
  }

  #fly(entry: Scheduled, { self }: ProcessFacts): void {
    this.#flying += 1
    this.#deps.guests
      .evaluate(this.process, guestMessage({ process: this.process, self }, entry.record, entry.source))
      .then((evaluation) => this.#land(entry, evaluation))
      .catch((error) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#flying -= 1
        for (const resolve of this.#onLanding.splice(0)) resolve()
      })
  }

  /** Notes a result as soon as it is there, so that what is noted and what the instance has seen are never apart for longer than a turn. */
  #land({ record }: Scheduled, evaluation: Evaluation): void {
    if (this.#failure !== null) return
    if (evaluation.failure === 'time')
      throw new HeddleError('guest-lost', { process: this.process, cause: 'time' }, String(evaluation.result.Error))
    this.#evaluationMs += (evaluation.timeMs - this.#evaluationMs) * AVERAGE_WEIGHT
    this.#done = record.slot
    this.#instance.moved(record.slot, evaluation.timeMs, evaluation.unitsUsed)
    this.#saver.add(evaluatedBy(evaluation, record))
  }

  #landing(): Promise<void> {
    return new Promise((resolve) => this.#onLanding.push(resolve))
  }

  async #landed(): Promise<void> {
    while (this.#flying > 0) await this.#landing()
  }

  #takeFailure(): { readonly error: unknown } {
    const failure = this.#failure ?? { error: null }
    this.#failure = null
    return failure
  }

  async #abandon(): Promise<void> {
    await this.#landed()
    await this.#instance.abandon()
  }

  #report(error: unknown, verdict: Verdict | null, { time, crash, others }: Trouble): void {
    const facts = { process: this.process, slot: this.#done + 1, error: errorText(error) }
    const { logger } = this.#deps
    if (verdict !== null) logger.warn({ ...facts, verdict }, 'a message could not be evaluated')
    else if (time + crash > 0) logger.warn(facts, 'the evaluation of a message failed; it is tried again')
    else if (others < MOVES_UNUSUAL)
      logger.debug(facts, 'an instance was lost') // Moved or evicted: no trouble yet.
    else logger.warn(facts, 'an instance was lost again; the message goes on waiting')
  }

  /** Not at all before the first try again, then longer and longer. */
  async #pause({ time, crash, others }: Trouble): Promise<void> {
    const tries = time + crash + others
    if (tries < 2) return
    const ms = Math.min(PAUSE_MS * 2 ** (tries - 2), PAUSE_MS_MAX)
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {}) // Woken up to stop.
  }

  /** The result of a message that could not be evaluated. */
  async #recordFailure(error: unknown, verdict: Verdict): Promise<void> {
    const slot = this.#done + 1
    const { record } = this.#takeAhead(slot) ?? (await readEntry(this.#deps, this.process, slot))
    this.#done = slot
    const evaluated =
      verdict === 'program'
        ? programFailure(record, error)
        : failedEvaluation(record, `this node gave up on the message, another one may not: ${reasonOf(error)}`, verdict)
    this.#saver.add(evaluated)
  }

  /** Runs `use` on an open instance, again when the instance is lost meanwhile through no fault of its own. */
  async #withInstance<T>(signal: AbortSignal | undefined, use: (last: ResultRecord) => Promise<T>): Promise<T> {
    const work = this.#useInstance(signal, use)
    this.#guestsOfInstance.add(work)
    try {
      return await work
    } finally {
      this.#guestsOfInstance.delete(work)
    }
  }

  async #useInstance<T>(signal: AbortSignal | undefined, use: (last: ResultRecord) => Promise<T>): Promise<T> {
    const last = await this.result(this.#scheduled, signal)
    for (let attempt = 1; ; attempt++) {
      if (this.#isRetired) throw new RunnerRetired()
      await this.#instance.ensureOpen()
      try {
        return await use(last)
      } catch (error) {
        if (!isFailure(error, 'guest-lost') || error.facts.cause !== undefined || attempt === DRY_RUN_ATTEMPTS_MAX) throw error
      }
    }
  }

  async #betweenMessages<T>(use: () => Promise<T>): Promise<T> {
    while (this.#hold !== null) await this.#hold
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#hold = promise
    try {
      await this.#landed()
      await this.#instance.ensureOpen()
      return await use()
    } finally {
      this.#hold = null
      resolve()
    }
  }

  /** Those who wait learn of it now; the work itself is tried again until the store is well. */
  #storeFailed(error: unknown): void {
    this.#waiters.rejectAll(error)
    if (this.#retry !== null || this.#isStopping) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#saver.retry()
      this.wake()
    }, RETRY_MS)
    this.#retry.unref()
  }

  #takeAhead(slot: number): Scheduled | undefined {
    const entry = this.#ahead.get(slot)
    if (entry === undefined) return undefined
    this.#ahead.delete(slot)
    this.#deps.aheadBytes.give(aheadBytesOf(entry))
    return entry
  }

  #onSaved(evaluated: Evaluated): void {
    this.#saved = evaluated.record.slot
    this.#waiters.resolve(evaluated.result)
    this.#deps.onSaved(this.process, evaluated)
  }
}

/** Another runner has taken over: ask that one. */
export class RunnerRetired extends Error {
  override readonly name = 'RunnerRetired'
}

/** Null: try again. Counts what happened. */
function judge(error: unknown, trouble: Trouble): Verdict | null {
  if (isOfProgram(error)) return 'program'
  const isLost = isFailure(error, 'guest-lost')
  if (isLost && error.facts.cause === undefined) {
    trouble.others += 1
    return null
  }
  const cause = isLost && error.facts.cause === 'time' ? 'time' : 'crash'
  trouble[cause] += 1
  return trouble[cause] < ATTEMPTS_MAX[cause] ? null : cause
}

/** Of a worker that ended, why it did. */
function reasonOf(error: unknown): string {
  return errorText(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}

const RECORD_BYTES = 1024

function aheadBytesOf({ source }: Scheduled): number {
  return source.data.length + RECORD_BYTES
}
