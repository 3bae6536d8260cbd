/**
 * Gives ticks their slots: all that are due in a process at one moment, in one durable commit.
 *
 * Invariants  Nobody else takes a slot of the process meanwhile: whoever wants one finds the same ticks due, and waits for them here. Should the
 *             log have gone on all the same, nothing is given.
 */
import { setImmediate } from 'node:timers/promises'
import type { TxId } from '../../base/ids.ts'
import type { Moment } from '../../rules/cron.ts'
import type { Commit, Journal } from '../journal.ts'
import { type BlockTimes, type PlannedTick, planTicks } from './cron-ticks.ts'
import { type Heads, joined, type LiveHead } from './heads.ts'
import { type LogRecord, movedTo, type ProcessHead } from './records.ts'
import type { Scheduled } from './scheduler.ts'
import type { Sources } from './sources.ts'

export interface TickGiverDeps {
  readonly heads: Pick<Heads, 'peek'>
  readonly sources: Pick<Sources, 'message'>
  readonly chain: BlockTimes
  readonly journal: Pick<Journal, 'commit'>
  readonly onScheduled: (scheduled: Scheduled) => void
  /** Throws `process-unknown`. */
  readonly head: (process: TxId) => Promise<LiveHead>
  readonly now: (head: ProcessHead) => Moment
  /** The slot after this head, signed. */
  readonly sign: (process: TxId, head: ProcessHead, tick: PlannedTick) => { readonly record: LogRecord; readonly commit: Commit }
}

/** Ticks that have their slots. */
export interface Given {
  /** Resolves when they are durable. */
  readonly written: Promise<void>
}

/** Signing many takes a while, and others wait. */
const SIGNED_AT_ONCE = 16

export class TickGiver {
  readonly #deps: TickGiverDeps
  readonly #giving = new Map<TxId, Promise<Given>>()
  readonly #writing = new Map<TxId, Promise<void>>()

  constructor(deps: TickGiverDeps) {
    this.#deps = deps
  }

  /** Resolves when they have their slots, or when the log went on: then whoever finds ticks due asks again. */
  give(process: TxId): Promise<Given> {
    const running = this.#giving.get(process)
    if (running !== undefined) return running
    const work = this.#give(process).finally(() => this.#giving.delete(process))
    this.#giving.set(process, work)
    return work
  }

  /** Resolves when all that was given is durable. */
  async settled(process: TxId): Promise<void> {
    await this.#writing.get(process)
  }

  async #give(process: TxId): Promise<Given> {
    const { heads, journal, onScheduled } = this.#deps
    const live = await this.#deps.head(process)
    const { head } = live
    const { given, commits, last } = await this.#signed(process, head)
    const isBehind = heads.peek(process) !== live || live.head !== head
    if (isBehind || given.length === 0) return { written: Promise.resolve() }
    const written = live.advance(last, joined(commits), journal, () => {
      for (const one of given) onScheduled(one)
    })
    return { written: this.#watched(process, written) }
  }

  async #signed(process: TxId, head: ProcessHead) {
    const { now, sign } = this.#deps
    const { ticks, source } = await planTicks(process, head, now(head), this.#deps)
    const given: Scheduled[] = []
    const commits: Commit[] = []
    let last = head
    for (const tick of ticks) {
      const { record, commit } = sign(process, last, tick)
      last = movedTo(last, record)
      given.push({ process, record, source })
      commits.push(commit)
      if (given.length % SIGNED_AT_ONCE === 0) await setImmediate()
    }
    return { given, commits, last }
  }

  #watched(process: TxId, written: Promise<void>): Promise<void> {
    const watched = written.finally(() => {
      if (this.#writing.get(process) === watched) this.#writing.delete(process)
    })
    watched.catch(() => {}) // Heard of by those who wait for it, and by the message that comes next.
    this.#writing.set(process, watched)
    return watched
  }
}
