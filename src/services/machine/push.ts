/**
 * Push: turns the outbox of every result into signed items and assignments, and hands them to the intake like anyone else's.
 *
 * Source      permaweb/ao servers/mu
 * Invariants  Every entry is delivered exactly once, also across a crash: the commit that stores its item removes it from the outbox, and
 *             building it again gives the same id. Entries of one process take their slots in the order of the outbox, results in slot order.
 *             What cannot be delivered is named in the result (`undelivered`) and removed; through trouble of the node itself it is delivered late,
 *             after the next start at the latest. What is sent without end is cut, see push-budget.ts.
 */
import { EMPTY } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { PUSHES_UNDER_WAY_MAX, PUSHES_WAITING_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import { deliveriesOf, planEntry, planOutbox } from './outbox.ts'
import type { ProcessLog } from './process-log.ts'
import { PushBudget } from './push-budget.ts'
import { type Delivery, type PushIntake, PushSender, type PushSenderDeps, removal } from './push-sender.ts'
import { type LogRecord, outboxKey, parseOutboxKey, type ResultRecord } from './records.ts'
import type { Evaluated } from './result-saver.ts'
import type { ResultStore } from './result-store.ts'

export type { PushIntake } from './push-sender.ts'

export interface PushDeps extends PushSenderDeps {
  readonly kv: Pick<KvStore, 'get' | 'scan'>
  readonly log: ProcessLog
  readonly results: ResultStore
  readonly clock: Clock
  readonly logger: Log
}

interface Refusal {
  readonly delivery: Delivery
  readonly reason: string
}

/** Deliveries of one process. */
interface Lane {
  waiting: Delivery[]
  underWay: number
  /** Resolves when the last delivery that started has its slots. */
  turn: Promise<void>
  /** Changes to results, one after the other. */
  noting: Promise<void>
  /** Refusals that no result names yet, by slot. */
  readonly refusals: Map<number, Refusal[]>
  /** Those who wait until less is waiting. */
  readonly onRoom: (() => void)[]
}

const RETRY_MS = 1_000

export class Push {
  readonly #deps: PushDeps
  readonly #budget: PushBudget
  readonly #lanes = new Map<TxId, Lane>()
  /** What is tried again later. */
  readonly #later = new Map<NodeJS.Timeout, Delivery>()
  #sender: PushSender | null = null
  #stopping = false
  #idle: (() => void)[] = []

  constructor(deps: PushDeps) {
    this.#deps = deps
    this.#budget = new PushBudget(deps)
  }

  /** Sends what an earlier run left behind, and from now on whatever comes. */
  async start(intake: PushIntake): Promise<void> {
    this.#sender = new PushSender(this.#deps, intake)
    const left = new Map<string, { process: TxId; slot: number; indexes: Set<number> }>()
    for await (const { key } of this.#deps.kv.scan('outbox')) {
      const { process, slot, index } = parseOutboxKey(key)
      const name = `${process}/${slot}`
      const found = left.get(name) ?? { process, slot, indexes: new Set() }
      found.indexes.add(index)
      left.set(name, found)
    }
    for (const { process, slot, indexes } of left.values()) await this.#resume(process, slot, indexes)
  }

  /** Called when a result and its outbox are durable. */
  deliver(process: TxId, { record, entries }: Pick<Evaluated, 'record' | 'entries'>): void {
    this.#enqueue(
      process,
      entries.map((entry) => ({ process, record, entry })),
    )
  }

  /** False while the ticks of the process have caused more than they may. */
  mayTick(process: TxId): boolean {
    return this.#budget.mayTick(process)
  }

  /** Null when there is room. Delivering needs no evaluation, so that processes that wait for room do not wait for each other. */
  roomToSend(process: TxId): Promise<void> | null {
    const lane = this.#lanes.get(process)
    if (lane === undefined || lane.waiting.length <= PUSHES_WAITING_MAX) return null
    return new Promise((resolve) => lane.onRoom.push(resolve))
  }

  /**
   * Sends an entry again that was not delivered, whatever cut it; one that was delivered, or still waits for it, stays as it is.
   * The slot has a result. Resolves when what is to be done is durable; throws `not-found` and `request-invalid`.
   */
  async retry(process: TxId, record: LogRecord, index: number): Promise<void> {
    const lane = this.#laneOf(process)
    const work = lane.noting.then(() => this.#takeUp(process, record, index))
    lane.noting = work.then(nothing, nothing)
    lane.underWay += 1 // So that a revert waits for it.
    try {
      const delivery = await work
      if (delivery !== null) this.#enqueue(process, [delivery])
    } finally {
      lane.underWay -= 1
      this.#pump(process, lane)
    }
  }

  /** Gives up what slots after this one left to be sent and waits for what is under way. Nothing of the process may be evaluated meanwhile. */
  async retract(process: TxId, slot: number): Promise<void> {
    const isGone = ({ process: from, record }: Delivery): boolean => from === process && record.slot > slot
    for (const [timer, delivery] of this.#later) {
      if (!isGone(delivery)) continue
      clearTimeout(timer)
      this.#later.delete(timer)
    }
    const lane = this.#lanes.get(process)
    if (lane === undefined) return
    lane.waiting = lane.waiting.filter((delivery) => !isGone(delivery))
    while (this.#lanes.get(process) === lane) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.retract(process, slot) // A delivery that was under way may have gone to those that are tried again.
  }

  /** Waits for deliveries under way; the rest stays in the outbox. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of this.#later.keys()) clearTimeout(timer)
    while ([...this.#lanes.values()].some(({ underWay }) => underWay > 0)) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #resume(process: TxId, slot: number, indexes: ReadonlySet<number>): Promise<void> {
    const record = await this.#deps.log.record(process, slot)
    const result = await this.#deps.results.find(process, slot)
    if (record === null || result === null) {
      this.#deps.logger.error({ process, slot }, 'the outbox names a result that is gone; run "heddle doctor"')
      return
    }
    const planned = new Set(planOutbox(result, record.depth).entries.map(({ index }) => index))
    const deliveries = [...indexes].flatMap((index): Delivery[] => {
      const { entry } = planEntry(result, index)
      return entry === undefined ? [] : [{ process, record, entry, isAskedFor: !planned.has(index) }]
    })
    this.#enqueue(process, deliveries)
  }

  #enqueue(process: TxId, deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0 || this.#sender === null) return // Before the start they wait in the outbox.
    const lane = this.#laneOf(process)
    lane.waiting.push(...deliveries)
    this.#pump(process, lane)
  }

  #laneOf(process: TxId): Lane {
    const lane = this.#lanes.get(process) ?? newLane()
    this.#lanes.set(process, lane)
    return lane
  }

  #pump(process: TxId, lane: Lane): void {
    const sender = this.#sender
    while (sender !== null && lane.underWay < PUSHES_UNDER_WAY_MAX && !this.#stopping) {
      const delivery = lane.waiting.shift()
      if (delivery === undefined) break
      this.#begin(delivery, lane, sender)
    }
    if (lane.waiting.length <= PUSHES_WAITING_MAX || this.#stopping) for (const resolve of lane.onRoom.splice(0)) resolve()
    if (lane.underWay === 0 && (lane.waiting.length === 0 || this.#stopping)) {
      if (this.#lanes.get(process) === lane) this.#lanes.delete(process)
      for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  #begin(delivery: Delivery, lane: Lane, sender: PushSender): void {
    const { promise: taken, resolve } = Promise.withResolvers<void>()
    const turn = lane.turn
    lane.turn = taken
    lane.underWay += 1
    const work = this.#send(delivery, sender, { turn, taken: resolve })
      .catch((error) => this.#refused(delivery, lane, error))
      .finally(() => {
        void turn.then(resolve) // A delivery that failed does not hold up the next.
        lane.underWay -= 1
        this.#pump(delivery.process, lane)
      })
    void work
  }

  async #send(delivery: Delivery, sender: PushSender, turn: { turn: Promise<void>; taken: () => void }): Promise<void> {
    const { process, record, entry, isAskedFor } = delivery
    if (isAskedFor !== true) await this.#budget.spend(process, record, deliveriesOf(entry))
    await sender.send(delivery, turn)
  }

  #tryLater(delivery: Delivery): void {
    if (this.#stopping) return
    const timer = setTimeout(() => {
      this.#later.delete(timer)
      this.#enqueue(delivery.process, [{ ...delivery, isAskedFor: true }]) // It was counted when it was tried first.
    }, RETRY_MS)
    timer.unref()
    this.#later.set(timer, delivery)
  }

  /** Notes in the result why an entry was not delivered; when the node itself is in trouble, it is tried again until it is. */
  async #refused(delivery: Delivery, lane: Lane, error: unknown): Promise<void> {
    const { logger } = this.#deps
    const { process, record, entry } = delivery
    const facts = { process, slot: record.slot, index: entry.index, error: errorText(error) }
    if (isFailure(error, 'stopping')) return
    if (!(error instanceof HeddleError) || isFailure(error, 'store-failed')) {
      logger.warn(facts, 'an outbox entry was not delivered')
      this.#tryLater(delivery)
      return
    }
    logger.debug(facts, 'an outbox entry was refused') // Its process can have any number of them, and sees why in the result.
    const refusals = lane.refusals.get(record.slot) ?? []
    lane.refusals.set(record.slot, [...refusals, { delivery, reason: error.message }])
    lane.noting = lane.noting
      .then(() => this.#note(process, record.slot, lane))
      .catch((failure) => logger.error({ process, error: errorText(failure) }, 'a refusal could not be noted'))
    await lane.noting
  }

  /** All of a slot that came up meanwhile, in one commit. */
  async #note(process: TxId, slot: number, lane: Lane): Promise<void> {
    const refusals = lane.refusals.get(slot)
    if (refusals === undefined) return
    lane.refusals.delete(slot)
    const result = await this.#deps.results.find(process, slot)
    if (result === null) return
    const undelivered = [...result.undelivered, ...refusals.map(({ delivery, reason }) => ({ index: delivery.entry.index, reason }))]
    await this.#amend(
      process,
      { ...result, undelivered },
      refusals.map(({ delivery }) => removal(delivery)),
    )
  }

  /** Moves an undelivered entry back into the outbox; null when there is nothing to do. */
  async #takeUp(process: TxId, record: LogRecord, index: number): Promise<Delivery | null> {
    const { kv, results } = this.#deps
    const { slot } = record
    const result = await results.find(process, slot)
    if (result === null) throw noEntry(process, slot, index)
    const { entry, problem, isThere } = planEntry(result, index)
    if (!isThere) throw noEntry(process, slot, index)
    const key = outboxKey(process, slot, index)
    const isLeftOut = result.undelivered.some((one) => one.index === index)
    if (!isLeftOut || (await kv.get('outbox', key)) !== null) return null
    if (entry === undefined)
      throw new HeddleError(
        'request-invalid',
        { field: 'number' },
        `entry ${index} of slot ${slot} cannot be sent: ${problem ?? 'it is for nobody'}`,
      )
    const others = result.undelivered.filter((one) => one.index !== index)
    const undelivered = problem === undefined ? others : [...others, { index, reason: problem }]
    await this.#amend(process, { ...result, undelivered }, [{ space: 'outbox', key, value: EMPTY }])
    return { process, record, entry, isAskedFor: true }
  }

  async #amend(process: TxId, result: ResultRecord, writes: readonly KvWrite[]): Promise<void> {
    const { results, journal } = this.#deps
    await journal.commit({ writes: [await results.prepare(results.encode(process, result)), ...writes], events: [] })
  }
}

function newLane(): Lane {
  return { waiting: [], underWay: 0, turn: Promise.resolve(), noting: Promise.resolve(), refusals: new Map(), onRoom: [] }
}

function noEntry(process: TxId, slot: number, index: number): HeddleError<'not-found'> {
  const what = { what: 'outbox entry', id: `${process}/${slot}/${index}` }
  return new HeddleError('not-found', what, `the result of slot ${slot} of process ${process} has no entry ${index} in its outbox`)
}

function nothing(): void {}
