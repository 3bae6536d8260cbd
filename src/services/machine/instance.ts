/**
 * The instance of one process in the guests: opened when it is needed, at the state after the last slot that was evaluated, and kept as snapshots.
 *
 * Invariants  It is opened from the newest snapshot that can be read, or from nothing, and the log after it; messages that failed then left no
 *             trace and are not repeated. A snapshot made by another version of the guests is passed over, like a damaged one.
 *             A snapshot is never ahead of the results that are durable. An instance that is evicted takes its state along, so that opening it
 *             again replays little, however soon that happens.
 */
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { SNAPSHOT_EVERY_MESSAGES, SNAPSHOT_EVERY_MS } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { GuestMessage } from '../../guests/guest.ts'
import type { GuestPool } from '../../guests/guest-pool.ts'
import type { Budget } from './budget.ts'
import { guestMessage } from './guest-message.ts'
import { type LogReader, readEntry } from './log-entry.ts'
import type { FactsReader } from './process-facts.ts'
import type { ResultStore } from './result-store.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'
import type { Sources } from './sources.ts'

/** The guests as the machine uses them. Calls for one process run in the order in which they were made. */
export type Guests = Omit<GuestPool, 'stop'>

export interface InstanceDeps extends LogReader {
  readonly sources: Sources
  readonly facts: FactsReader
  readonly results: Pick<ResultStore, 'find'>
  readonly snapshots: Snapshots
  readonly guests: Guests
  readonly logger: Log
  /** Snapshots of evicted instances that are on their way to the store, all processes together. */
  readonly partings: Budget
}

export interface InstanceOwner {
  /** Waits until nothing is being evaluated and all results are durable; tells the last slot that was evaluated. */
  readonly settled: () => Promise<number>
  /** Waits until all results are durable. */
  readonly saved: () => Promise<void>
}

/** An instance closed after less work than this is cheaper to replay than to thaw. */
const SNAPSHOT_WORTH_MESSAGES = 16
const SNAPSHOT_WORTH_MS = 50
/** Messages that are replayed at once. */
const REPLAY_BATCH = 32

export class Instance {
  readonly #process: TxId
  readonly #deps: InstanceDeps
  readonly #owner: InstanceOwner
  #isReady = false
  #opening: Promise<void> | null = null
  /** The slot after which its state is. */
  #slot = -1
  #sinceSnapshot = { messages: 0, ms: 0 }
  /** The state of an instance that was evicted, until it is in the store; null when that did not work out. */
  #parting: Promise<Snapshot | null> | null = null
  #keeping: Promise<void> = Promise.resolve()

  constructor(process: TxId, deps: InstanceDeps, owner: InstanceOwner) {
    this.#process = process
    this.#deps = deps
    this.#owner = owner
  }

  get isOpen(): boolean {
    return this.#isReady && this.#deps.guests.isOpen(this.#process)
  }

  /** Neither open nor about to be, and nothing of it left in memory. */
  get isGone(): boolean {
    return !this.isOpen && this.#opening === null && this.#parting === null
  }

  get isSnapshotDue(): boolean {
    return this.#sinceSnapshot.messages >= SNAPSHOT_EVERY_MESSAGES || this.#sinceSnapshot.ms >= SNAPSHOT_EVERY_MS
  }

  async ensureOpen(): Promise<void> {
    while (this.#opening !== null || !this.isOpen) {
      this.#opening ??= this.#openNow().finally(() => {
        this.#opening = null
      })
      await this.#opening
    }
  }

  /** A message was evaluated on it. */
  moved(slot: number, ms: number): void {
    this.#slot = slot
    this.#sinceSnapshot.messages += 1
    this.#sinceSnapshot.ms += ms
  }

  /** Its worker is gone, or it was moved out of it. */
  lost(): void {
    this.#isReady = false
  }

  /** It was closed to make room: its state is kept when that saves work. Nothing else may have happened to it since. */
  evicted(takeSnapshot: () => Promise<Uint8Array>): void {
    this.#isReady = false
    const { partings, logger } = this.#deps
    if (!this.#isWorthKeeping || !partings.take(1)) return
    const parting = takeSnapshot().then(
      (bytes) => ({ slot: this.#slot, bytes }),
      (error) => {
        logger.warn({ process: this.#process, error: errorText(error) }, 'an evicted process left no snapshot')
        return null
      },
    )
    this.#parting = parting
    const kept = this.#keeping.then(async () => {
      const snapshot = await parting
      if (snapshot !== null) await this.#keep(snapshot)
    })
    this.#keeping = kept.catch((error) => this.#notKept(error)).finally(() => this.#parted(parting))
  }

  /** What it may have evaluated beyond the last slot that is noted is forgotten. */
  async abandon(): Promise<void> {
    this.#isReady = false
    await this.#deps.guests.close(this.#process).catch(() => {}) // It may be gone already.
  }

  /** Keeps the state as it is now. Throws only what the store throws. */
  async keepSnapshot(): Promise<void> {
    try {
      await this.#keep({ slot: this.#slot, bytes: await this.#deps.guests.snapshot(this.#process) })
    } catch (error) {
      if (isFailure(error, 'store-failed')) throw error
      this.#notKept(error)
    }
    this.#sinceSnapshot = { messages: 0, ms: 0 }
  }

  async stop(): Promise<void> {
    if (this.#isWorthKeeping && this.#opening === null && this.isOpen) await this.keepSnapshot()
    await this.#keeping
  }

  get #isWorthKeeping(): boolean {
    return this.#sinceSnapshot.messages >= SNAPSHOT_WORTH_MESSAGES || this.#sinceSnapshot.ms >= SNAPSHOT_WORTH_MS
  }

  async #openNow(): Promise<void> {
    const { facts, sources, guests } = this.#deps
    const upTo = await this.#owner.settled()
    if (guests.isOpen(this.#process)) await this.abandon()
    const parting = await this.#parting
    const { env, module } = await facts.of(this.#process)
    const program = await sources.module(module)
    this.#slot = await this.#openFrom(parting, upTo, (snapshot) => guests.open(this.#process, program, env, snapshot))
    this.#sinceSnapshot = { messages: 0, ms: 0 }
    await this.#replay(upTo)
    this.#isReady = true
  }

  /** Tries snapshots from the newest on, then none; tells the slot of the one that served. */
  async #openFrom(parting: Snapshot | null, upTo: number, open: (snapshot: Uint8Array | null) => Promise<void>): Promise<number> {
    for await (const { slot, bytes } of this.#snapshots(parting, upTo)) {
      try {
        await open(bytes)
        return slot
      } catch (error) {
        if (!isFailure(error, 'encoding-invalid') || error.facts.format !== 'guest snapshot') throw error
        this.#deps.logger.warn({ process: this.#process, slot, error: errorText(error) }, 'a snapshot cannot be used')
      }
    }
    await open(null)
    return -1
  }

  async *#snapshots(parting: Snapshot | null, upTo: number): AsyncIterable<Snapshot> {
    if (parting !== null && parting.slot <= upTo) yield parting
    yield* this.#deps.snapshots.newestFirst(this.#process, upTo)
  }

  async #replay(upTo: number): Promise<void> {
    while (this.#slot < upTo) {
      const last = Math.min(upTo, this.#slot + REPLAY_BATCH)
      const messages = await this.#replayable(this.#slot + 1, last)
      const done = await Promise.all(messages.map(({ slot, message }) => this.#evaluateAgain(slot, message)))
      for (const { slot, ms } of done) this.moved(slot, ms)
      this.#slot = last
      if (this.isSnapshotDue && last < upTo) await this.keepSnapshot()
    }
  }

  /** Those that left a trace. */
  async #replayable(from: number, to: number): Promise<{ readonly slot: number; readonly message: GuestMessage }[]> {
    const messages: { readonly slot: number; readonly message: GuestMessage }[] = []
    for (let slot = from; slot <= to; slot++) {
      if ((await this.#deps.results.find(this.#process, slot))?.kept === false) continue
      const { record, source } = await readEntry(this.#deps, this.#process, slot)
      messages.push({ slot, message: guestMessage(this.#process, record, source) })
    }
    return messages
  }

  /** What goes wrong here is not the fault of the message that is to come. */
  async #evaluateAgain(slot: number, message: GuestMessage): Promise<{ readonly slot: number; readonly ms: number }> {
    const { guests, logger } = this.#deps
    const evaluation = await guests.evaluate(this.#process, message).catch((error) => {
      throw isFailure(error, 'guest-lost') ? this.#interrupted(slot, errorText(error)) : error
    })
    if (evaluation.failure === 'time') throw this.#interrupted(slot, String(evaluation.result.Error))
    if (!evaluation.ok)
      logger.error({ process: this.#process, slot }, 'a message that had succeeded failed when it was replayed; run "heddle verify"')
    return { slot, ms: evaluation.timeMs }
  }

  #interrupted(slot: number, reason: string): HeddleError<'guest-lost'> {
    const message = `replaying slot ${slot} of process ${this.#process} was interrupted: ${reason}`
    return new HeddleError('guest-lost', { process: this.#process }, message)
  }

  async #keep({ slot, bytes }: Snapshot): Promise<void> {
    await this.#owner.saved()
    await this.#deps.snapshots.save(this.#process, slot, bytes)
  }

  #notKept(error: unknown): void {
    this.#deps.logger.warn({ process: this.#process, slot: this.#slot, error: errorText(error) }, 'no snapshot could be kept')
  }

  #parted(parting: Promise<Snapshot | null>): void {
    this.#deps.partings.give(1)
    if (this.#parting === parting) this.#parting = null
  }
}
