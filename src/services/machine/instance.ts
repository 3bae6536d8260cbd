/**
 * The instance of one process in the guests: opened when it is needed, at the state after the last slot that was evaluated, and kept as snapshots.
 *
 * Invariants  It is opened from the newest snapshot that can be read, or from nothing, and the log after it; messages that failed then left no
 *             trace and are not repeated. "Nothing" is, for a fork, the state of its original. A snapshot made by another version of the
 *             guests is passed over, like a damaged one.
 *             A snapshot is never ahead of the results that are durable. One is taken after so many messages, so much gas or time since the last
 *             one, when a process that was used has nothing to do, when it is evicted, and when the node stops. Its process goes on while it is
 *             compressed and stored, and is opened from it in memory meanwhile, however soon that happens.
 */
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { SNAPSHOT_EVERY_GAS, SNAPSHOT_EVERY_MESSAGES, SNAPSHOT_EVERY_MS, SNAPSHOT_IDLE_MS } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { GuestMessage } from '../../guests/guest.ts'
import type { GuestPool } from '../../guests/guest-pool.ts'
import type { Budget } from './budget.ts'
import { guestMessage } from './guest-message.ts'
import { type LogReader, readEntry } from './log-entry.ts'
import type { FactsReader } from './process-facts.ts'
import type { SnapshotRecord } from './records.ts'
import type { ResultStore } from './result-store.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'
import type { Sources } from './sources.ts'

/** The guests as the machine uses them. Calls for one process run in the order in which they were made. */
export type Guests = Omit<GuestPool, 'stop'>

/** The state as compute units give it out: bare linear memory, or a snapshot for formats whose state is more than that. */
export async function stateOf(guests: Pick<Guests, 'memory' | 'snapshot'>, process: TxId): Promise<Uint8Array> {
  try {
    return await guests.memory(process)
  } catch (error) {
    if (!isFailure(error, 'request-invalid')) throw error
    return guests.snapshot(process)
  }
}

export interface InstanceDeps extends LogReader {
  readonly sources: Sources
  readonly facts: FactsReader
  readonly results: Pick<ResultStore, 'find'>
  readonly snapshots: Snapshots
  /** What a process begins with: null for a fresh instance of its module, or the state that it was forked from. */
  readonly base: (process: TxId) => Promise<Uint8Array | null>
  readonly guests: Guests
  readonly logger: Log
  /** Snapshots of evicted instances that are on their way to the store, all processes together. */
  readonly partings: Budget
}

export interface InstanceOwner {
  /** Waits until nothing is being evaluated and all results are durable; tells the last slot that was evaluated. */
  readonly settled: () => Promise<number>
  /** Waits until the result of this slot, and those before it, are durable. */
  readonly saved: (slot: number) => Promise<unknown>
  /** Nothing is being evaluated, or about to be. */
  readonly isQuiet: () => boolean
}

/** What was done since the last snapshot. */
interface Work {
  readonly messages: number
  readonly ms: number
  readonly gas: number
}

const NO_WORK: Work = { messages: 0, ms: 0, gas: 0 }
/** After less than this, replaying is cheaper than a snapshot. */
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
  #since = NO_WORK
  /** The last snapshot that was taken, until it is in the store; null when that did not work out. */
  #fresh: Promise<Snapshot | null> | null = null
  #keeping: Promise<void> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | null = null
  #movedSinceTimer = false

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
    return !this.isOpen && this.#opening === null && this.#fresh === null
  }

  get isSnapshotDue(): boolean {
    const { messages, ms, gas } = this.#since
    const isDue = messages >= SNAPSHOT_EVERY_MESSAGES || gas >= SNAPSHOT_EVERY_GAS || ms >= SNAPSHOT_EVERY_MS
    return isDue && this.#fresh === null
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
  moved(slot: number, ms: number, gas: number): void {
    this.#slot = slot
    this.#since = { messages: this.#since.messages + 1, ms: this.#since.ms + ms, gas: this.#since.gas + gas }
    this.#movedSinceTimer = true
    if (this.#idleTimer === null) this.#watchIdle()
  }

  /** Its worker is gone, or it was moved out of it. */
  lost(): void {
    this.#isReady = false
  }

  /** It was closed to make room: its state is kept when that saves work. Nothing else may have happened to it since. */
  evicted(takeSnapshot: () => Promise<Uint8Array>): void {
    this.#isReady = false
    const { partings } = this.#deps
    if (!this.#isWorthKeeping || !partings.take(1)) return
    void this.#take(takeSnapshot)
    this.#keeping = this.#keeping.finally(() => partings.give(1))
  }

  /** What it may have evaluated beyond the last slot that is noted is forgotten. */
  async abandon(): Promise<void> {
    this.#isReady = false
    await this.#deps.guests.close(this.#process).catch(() => {}) // It may be gone already.
  }

  /** Takes a snapshot of the state as it is now. Call it while nothing is under way; messages may follow at once. It is kept in the background. */
  keepSnapshot(): void {
    void this.snapshotNow() // A failure is logged, and the next one comes.
  }

  /** The same, on demand: resolves when it is stored. */
  snapshotNow(): Promise<SnapshotRecord> {
    return this.#take(() => this.#deps.guests.snapshot(this.#process))
  }

  /** Ends it without keeping its state. Nothing may use it any more; waits for what is being kept already. */
  async discard(): Promise<void> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer)
    await this.abandon()
    await this.#keeping
  }

  async stop(): Promise<void> {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer)
    await this.#keeping
    await this.#keepWhenFree()
    await this.#keeping
  }

  get #isWorthKeeping(): boolean {
    return this.#since.messages >= SNAPSHOT_WORTH_MESSAGES || this.#since.ms >= SNAPSHOT_WORTH_MS
  }

  /** Looks again and again while messages come, and once after they ended. */
  #watchIdle(): void {
    this.#movedSinceTimer = false
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = null
      if (this.#movedSinceTimer || !this.#owner.isQuiet()) this.#watchIdle()
      else void this.#keepWhenFree()
    }, SNAPSHOT_IDLE_MS)
    this.#idleTimer.unref()
  }

  async #keepWhenFree(): Promise<void> {
    const isWanted = (): boolean =>
      this.#isWorthKeeping && this.#opening === null && this.isOpen && this.#fresh === null && this.#owner.isQuiet()
    if (!isWanted()) return
    await this.#deps.snapshots.whenFree(async () => {
      if (isWanted()) await this.snapshotNow().catch(() => {}) // Logged.
    })
  }

  /** `taken` is called at once: what it gives is the state after the last slot that was evaluated. */
  #take(take: () => Promise<Uint8Array>): Promise<SnapshotRecord> {
    const slot = this.#slot
    this.#since = NO_WORK
    const taken = take().then((bytes): Snapshot => ({ slot, bytes }))
    const fresh = taken.catch(() => null)
    this.#fresh = fresh
    const kept = this.#keeping.then(async () => this.#keep(await taken))
    this.#keeping = kept.then(
      () => this.#leaveBehind(fresh),
      (error) => {
        const level = isFailure(error, 'guest-lost') ? 'debug' : 'warn' // Moved to another worker meanwhile: the next one does.
        this.#deps.logger[level]({ process: this.#process, slot, error: errorText(error) }, 'no snapshot could be kept')
        this.#leaveBehind(fresh)
      },
    )
    return kept
  }

  async #openNow(): Promise<void> {
    const { facts, sources, guests } = this.#deps
    const upTo = await this.#owner.settled()
    if (guests.isOpen(this.#process)) await this.abandon()
    const fresh = await this.#fresh
    const { env, module } = await facts.of(this.#process)
    const program = await sources.module(module)
    this.#slot = await this.#openFrom(fresh, upTo, (snapshot) => guests.open(this.#process, program, env, snapshot))
    this.#since = NO_WORK
    await this.#replay(upTo)
    this.#isReady = true
  }

  /** Tries snapshots from the newest on, then none; tells the slot of the one that served. */
  async #openFrom(fresh: Snapshot | null, upTo: number, open: (snapshot: Uint8Array | null) => Promise<void>): Promise<number> {
    for await (const { slot, bytes } of this.#snapshots(fresh, upTo)) {
      try {
        await open(bytes)
        return slot
      } catch (error) {
        if (!isFailure(error, 'encoding-invalid') || error.facts.format !== 'guest snapshot') throw error
        this.#deps.logger.warn({ process: this.#process, slot, error: errorText(error) }, 'a snapshot cannot be used')
      }
    }
    await open(await this.#deps.base(this.#process))
    return -1
  }

  async *#snapshots(fresh: Snapshot | null, upTo: number): AsyncIterable<Snapshot> {
    if (fresh !== null && fresh.slot <= upTo) yield fresh
    yield* this.#deps.snapshots.newestFirst(this.#process, upTo)
  }

  async #replay(upTo: number): Promise<void> {
    while (this.#slot < upTo) {
      const last = Math.min(upTo, this.#slot + REPLAY_BATCH)
      const messages = await this.#replayable(this.#slot + 1, last)
      const done = await Promise.all(messages.map(({ slot, message }) => this.#evaluateAgain(slot, message)))
      for (const { slot, ms, gas } of done) this.moved(slot, ms, gas)
      this.#slot = last
      if (this.isSnapshotDue) this.keepSnapshot()
    }
  }

  /** Those that left a trace. */
  async #replayable(from: number, to: number): Promise<{ readonly slot: number; readonly message: GuestMessage }[]> {
    const messages: { readonly slot: number; readonly message: GuestMessage }[] = []
    const { self } = await this.#deps.facts.of(this.#process)
    for (let slot = from; slot <= to; slot++) {
      if ((await this.#deps.results.find(this.#process, slot))?.kept === false) continue
      const { record, source } = await readEntry(this.#deps, this.#process, slot)
      messages.push({ slot, message: guestMessage({ process: this.#process, self }, record, source) })
    }
    return messages
  }

  /** What goes wrong here is not the fault of the message that is to come. */
  async #evaluateAgain(slot: number, message: GuestMessage): Promise<{ readonly slot: number } & Omit<Work, 'messages'>> {
    const { guests, logger } = this.#deps
    const evaluation = await guests.evaluate(this.#process, message).catch((error) => {
      throw isFailure(error, 'guest-lost') ? this.#interrupted(slot, errorText(error)) : error
    })
    if (evaluation.failure === 'time') throw this.#interrupted(slot, String(evaluation.result.Error))
    if (!evaluation.ok)
      logger.error({ process: this.#process, slot }, 'a message that had succeeded failed when it was replayed; run "heddle verify"')
    return { slot, ms: evaluation.timeMs, gas: evaluation.unitsUsed }
  }

  #interrupted(slot: number, reason: string): HeddleError<'guest-lost'> {
    const message = `replaying slot ${slot} of process ${this.#process} was interrupted: ${reason}`
    return new HeddleError('guest-lost', { process: this.#process }, message)
  }

  async #keep({ slot, bytes }: Snapshot): Promise<SnapshotRecord> {
    await this.#owner.saved(slot)
    return this.#deps.snapshots.save(this.#process, slot, bytes)
  }

  #leaveBehind(fresh: Promise<Snapshot | null>): void {
    if (this.#fresh === fresh) this.#fresh = null
  }
}
