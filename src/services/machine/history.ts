/**
 * History: processes as they were after an earlier slot, beside the live ones.
 *
 * Invariants  A past state is opened under an id of its own in the guests, from the nearest snapshot at or before its slot and the log after it,
 *             so the live instance, the log and the snapshots stay as they are. Few are replayed at a time, and few are kept open.
 */

import { bigEndian, concat, utf8 } from '../../base/bytes.ts'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { bytesToId, idBytes, type TxId } from '../../base/ids.ts'
import { HISTORY_OPEN_MAX, HISTORY_QUEUE_MAX, HISTORY_REPLAYS_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { Evaluation } from '../../guests/guest.ts'
import type { Fork } from './fork.ts'
import { type DryRunFields, dryRunMessage, guestMessage } from './guest-message.ts'
import { type Guests, stateOf } from './instance.ts'
import { type LogReader, readEntry } from './log-entry.ts'
import type { FactsReader, ProcessFacts } from './process-facts.ts'
import type { LogRecord, ResultRecord } from './records.ts'
import type { ResultStore } from './result-store.ts'
import type { Snapshots } from './snapshots.ts'
import type { Sources } from './sources.ts'

export interface HistoryDeps extends LogReader {
  readonly guests: Guests
  readonly snapshots: Pick<Snapshots, 'newestFirst'>
  readonly sources: Sources
  readonly facts: FactsReader
  readonly results: Pick<ResultStore, 'find'>
  /** Waits until the slot is evaluated. */
  readonly evaluated: (process: TxId, slot: number) => Promise<ResultRecord>
  readonly logger: Log
}

export interface PastState {
  readonly bytes: Uint8Array
  readonly record: LogRecord
}

/** An instance at a past slot. */
interface Past {
  readonly process: TxId
  readonly slot: number
  /** Its id in the guests. */
  readonly id: TxId
  opening: Promise<void> | null
  users: number
  /** Its slot is gone, or another one by now. */
  isForgotten: boolean
}

const REPLAY_BATCH = 32
const ATTEMPTS_MAX = 3
const ID_PREFIX = utf8('heddle past state')

export class History {
  readonly #deps: HistoryDeps
  /** By process and slot, in the order of last use. */
  readonly #pasts = new Map<string, Past>()
  #made = 0
  /** How often a log was cut: what was read before is not true any more. */
  #cuts = 0
  #requests = 0
  #replays = 0
  #waiting: (() => void)[] = []

  constructor(deps: HistoryDeps) {
    this.#deps = deps
  }

  /** As a dry run on the live process, on the state after `slot`. */
  async dryRun(process: TxId, slot: number, fields: DryRunFields): Promise<Evaluation> {
    const { guests, facts } = this.#deps
    const { self } = await facts.of(process)
    return this.#counted(() =>
      this.#with(process, slot, async (id) => {
        const { record } = await readEntry(this.#deps, process, slot)
        return guests.dryRun(id, dryRunMessage({ process, self }, record, fields))
      }),
    )
  }

  /** The state after `slot`, as `stateOf` has it. */
  async state(process: TxId, slot: number): Promise<PastState> {
    return this.#counted(() =>
      this.#with(process, slot, async (id) => {
        const { record } = await readEntry(this.#deps, process, slot)
        return { bytes: await stateOf(this.#deps.guests, id), record }
      }),
    )
  }

  /** What a process begins with: null for a fresh instance of its module, or the state that it was forked from. Waits however long it takes. */
  async base(process: TxId): Promise<Uint8Array | null> {
    const { fork } = await this.#deps.facts.of(process)
    return fork === null ? null : this.#forkedState(fork)
  }

  /** What is known of slots after this one is not true any more. */
  async forget(process: TxId, slot: number): Promise<void> {
    this.#cuts += 1
    for (const [name, past] of this.#pasts) {
      if (past.process !== process || past.slot <= slot) continue
      this.#pasts.delete(name)
      past.isForgotten = true
      if (past.users === 0) await this.#close(past)
    }
  }

  async #forkedState({ of, at }: Fork): Promise<Uint8Array> {
    try {
      return await this.#with(of, at, (id) => this.#deps.guests.snapshot(id))
    } catch (error) {
      // The original is still busy with the slot: no fault of the fork, which waits on.
      if (isFailure(error, 'limit-reached')) throw interrupted(of, error)
      throw error
    }
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    if (this.#requests >= HISTORY_QUEUE_MAX)
      throw new HeddleError(
        'limit-reached',
        { what: 'requests for past states', max: HISTORY_QUEUE_MAX },
        `${this.#requests} requests for past states are waiting already; ask again in a moment`,
      )
    this.#requests += 1
    try {
      return await work()
    } finally {
      this.#requests -= 1
    }
  }

  /** Runs `use` on an instance of that state, again when it is lost, or the log was cut, meanwhile. */
  async #with<T>(process: TxId, slot: number, use: (id: TxId) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; ) {
      const cuts = this.#cuts
      try {
        await this.#deps.evaluated(process, slot)
        const answer = cuts === this.#cuts ? await this.#use(this.#past(process, slot), use) : null
        if (answer !== null && cuts === this.#cuts) return answer.value
      } catch (error) {
        if (cuts !== this.#cuts) continue // Whatever it was, it was of what is not there any more.
        if (!isFailure(error, 'guest-lost') || error.facts.cause !== undefined || attempt === ATTEMPTS_MAX) throw error
        attempt += 1
      }
    }
  }

  async #use<T>(past: Past, use: (id: TxId) => Promise<T>): Promise<{ readonly value: T }> {
    past.users += 1
    try {
      await this.#ensureOpen(past)
      return { value: await use(past.id) }
    } finally {
      past.users -= 1
      await this.#trim(past)
    }
  }

  #past(process: TxId, slot: number): Past {
    const name = `${process}/${slot}`
    this.#made += 1
    const past = this.#pasts.get(name) ?? { process, slot, id: pastId(process, this.#made), opening: null, users: 0, isForgotten: false }
    this.#pasts.delete(name)
    this.#pasts.set(name, past)
    return past
  }

  async #ensureOpen(past: Past): Promise<void> {
    while (past.opening !== null || !this.#deps.guests.isOpen(past.id)) {
      past.opening ??= this.#open(past).finally(() => {
        past.opening = null
      })
      await past.opening
    }
  }

  async #open(past: Past): Promise<void> {
    const { facts, sources, guests } = this.#deps
    const known = await facts.of(past.process)
    const module = await sources.module(known.module)
    try {
      const from = await this.#openFrom(past, (snapshot) => guests.open(past.id, module, known.env, snapshot))
      await this.#inTurn(() => this.#replay(past, from, known))
    } catch (error) {
      await guests.close(past.id).catch(() => {}) // It is at no slot at all.
      throw error
    }
  }

  /** Tells the slot of the snapshot that served; -1 when none did. */
  async #openFrom({ process, slot }: Past, open: (snapshot: Uint8Array | null) => Promise<void>): Promise<number> {
    for await (const snapshot of this.#deps.snapshots.newestFirst(process, slot)) {
      try {
        await open(snapshot.bytes)
        return snapshot.slot
      } catch (error) {
        if (!isFailure(error, 'encoding-invalid') || error.facts.format !== 'guest snapshot') throw error
      }
    }
    await open(await this.base(process))
    return -1
  }

  async #replay({ process, slot, id }: Past, from: number, { self }: ProcessFacts): Promise<void> {
    const { guests, results, logger } = this.#deps
    for (let next = from + 1; next <= slot; next += REPLAY_BATCH) {
      const work: Promise<Evaluation>[] = []
      for (let at = next; at < Math.min(next + REPLAY_BATCH, slot + 1); at++) {
        if ((await results.find(process, at))?.kept === false) continue
        const { record, source } = await readEntry(this.#deps, process, at)
        const evaluation = guests.evaluate(id, guestMessage({ process, self }, record, source))
        evaluation.catch(() => {}) // Heard of below.
        work.push(evaluation)
      }
      for (const { ok, failure } of await Promise.all(work)) {
        if (failure === 'time') throw interrupted(process, new Error('it took too long'))
        if (!ok) logger.error({ process, slot }, 'a message that had succeeded failed when it was replayed; run "heddle verify"')
      }
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    while (this.#replays >= HISTORY_REPLAYS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#replays += 1
    try {
      await work()
    } finally {
      this.#replays -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Closes those that nobody uses, beyond what is kept, and those that were forgotten. */
  async #trim(used: Past): Promise<void> {
    if (used.isForgotten && used.users === 0) await this.#close(used)
    for (const [name, past] of this.#pasts) {
      if (this.#pasts.size <= HISTORY_OPEN_MAX) return
      if (past.users > 0) continue
      this.#pasts.delete(name)
      await this.#close(past)
    }
  }

  async #close({ id }: Past): Promise<void> {
    await this.#deps.guests.close(id).catch(() => {}) // Its worker may be gone already.
  }
}

/** Which nothing else has: ids of processes are hashes of signatures. */
function pastId(process: TxId, count: number): TxId {
  return bytesToId(sha256(concat([ID_PREFIX, idBytes(process), bigEndian(count, 8)])))
}

function interrupted(process: TxId, error: unknown): HeddleError<'guest-lost'> {
  const message = `an earlier state of process ${process} could not be computed yet: ${errorText(error)}; ask again`
  return new HeddleError('guest-lost', { process }, message, { cause: error })
}
