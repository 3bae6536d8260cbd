/**
 * Push: turns the outbox of every result into signed items and assignments, and hands them to the intake like anyone else's.
 *
 * Source      permaweb/ao servers/mu
 * Invariants  Every entry is delivered exactly once, also across a crash: the commit that stores its item removes it from the outbox, and
 *             building it again gives the same id. Entries of one process take their slots in the order of the outbox, results in slot order.
 *             What cannot be delivered is named in the result (`undelivered`) and removed; through trouble of the node itself it is delivered late,
 *             after the next start at the latest.
 */
import { LRUCache } from 'lru-cache'
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { PUSHES_PER_ORIGIN_MAX, PUSHES_UNDER_WAY_MAX, PUSHES_WAITING_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import { createDataItemSync, type ItemFields, type ItemSigner } from '../../codec/data-item.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import { messageFields, type OutboxEntry, type PushContext, planOutbox, recipient, spawnedFields, spawnFields } from './outbox.ts'
import type { FactsReader } from './process-facts.ts'
import type { ProcessLog } from './process-log.ts'
import { type LogRecord, outboxKey, parseOutboxKey } from './records.ts'
import type { Evaluated } from './result-saver.ts'
import type { ResultStore } from './result-store.ts'
import type { AssignOptions, Scheduler, Ticket } from './scheduler.ts'

/** The way in, as push uses it. */
export interface PushIntake {
  acceptItem(raw: Uint8Array, options: { readonly trusted: true }): Promise<{ readonly id: TxId; readonly repeated: boolean }>
}

export interface PushDeps {
  readonly kv: Pick<KvStore, 'scan'>
  readonly journal: Pick<Journal, 'commit'>
  readonly scheduler: Pick<Scheduler, 'expect' | 'forget' | 'assign'>
  readonly log: ProcessLog
  readonly facts: FactsReader
  readonly results: ResultStore
  readonly signer: ItemSigner
  readonly logger: Log
}

interface Delivery {
  readonly process: TxId
  readonly record: LogRecord
  readonly entry: OutboxEntry
}

/** Deliveries of one process. */
interface Lane {
  waiting: Delivery[]
  underWay: number
  /** Resolves when the last delivery that started has its slots. */
  turn: Promise<void>
  /** Changes to results, one after the other. */
  noting: Promise<void>
  /** Those who wait until less is waiting. */
  readonly onRoom: (() => void)[]
}

const ORIGINS_COUNTED = 50_000
const RETRY_MS = 1_000

export class Push {
  readonly #deps: PushDeps
  readonly #lanes = new Map<TxId, Lane>()
  readonly #sending = new Map<TxId, Promise<void>>()
  readonly #sent = new LRUCache<string, number>({ max: ORIGINS_COUNTED })
  /** What is tried again later. */
  readonly #later = new Map<NodeJS.Timeout, Delivery>()
  #intake: PushIntake | null = null
  #stopping = false
  #idle: (() => void)[] = []

  constructor(deps: PushDeps) {
    this.#deps = deps
  }

  /** Sends what an earlier run left behind, and from now on whatever comes. */
  async start(intake: PushIntake): Promise<void> {
    this.#intake = intake
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
    if (entries.length === 0 || this.#intake === null) return // Before the start they wait in the outbox.
    const lane = this.#lanes.get(process) ?? newLane()
    this.#lanes.set(process, lane)
    for (const entry of entries) lane.waiting.push({ process, record, entry })
    this.#pump(process, lane)
  }

  /** Null when there is room. Delivering needs no evaluation, so that processes that wait for room do not wait for each other. */
  roomToSend(process: TxId): Promise<void> | null {
    const lane = this.#lanes.get(process)
    if (lane === undefined || lane.waiting.length <= PUSHES_WAITING_MAX) return null
    return new Promise((resolve) => lane.onRoom.push(resolve))
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
    const { entries } = planOutbox(result, record.depth)
    this.deliver(process, { record, entries: entries.filter(({ index }) => indexes.has(index)) })
  }

  #pump(process: TxId, lane: Lane): void {
    while (lane.underWay < PUSHES_UNDER_WAY_MAX && !this.#stopping) {
      const delivery = lane.waiting.shift()
      if (delivery === undefined) break
      this.#begin(delivery, lane)
    }
    if (lane.waiting.length <= PUSHES_WAITING_MAX || this.#stopping) for (const resolve of lane.onRoom.splice(0)) resolve()
    if (lane.underWay === 0 && (lane.waiting.length === 0 || this.#stopping)) {
      this.#lanes.delete(process)
      for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  #begin(delivery: Delivery, lane: Lane): void {
    const { promise: taken, resolve } = Promise.withResolvers<void>()
    const turn = lane.turn
    lane.turn = taken
    lane.underWay += 1
    const work = this.#send(delivery, turn, resolve)
      .catch((error) => this.#refused(delivery, lane, error))
      .finally(() => {
        void turn.then(resolve) // A delivery that failed does not hold up the next.
        lane.underWay -= 1
        this.#pump(delivery.process, lane)
      })
    void work
  }

  async #send(delivery: Delivery, turn: Promise<void>, taken: () => void): Promise<void> {
    this.#count(delivery.record.origin)
    const context = await this.#context(delivery)
    const { entry } = delivery
    switch (entry.kind) {
      case 'message':
        return this.#sendMessage(delivery, entry, context, turn, taken)
      case 'spawn':
        return this.#sendSpawn(delivery, entry, context, turn, taken)
      case 'assignment':
        return this.#assignAll(delivery, entry, context, turn, taken)
    }
  }

  async #sendMessage(
    delivery: Delivery,
    entry: OutboxEntry & { kind: 'message' },
    context: PushContext,
    turn: Promise<void>,
    taken: () => void,
  ): Promise<void> {
    const fields = messageFields(entry, context, idBytes(recipient(entry.target as TxId, context)))
    const isLast = entry.assignTo.length === 0
    const id = await this.#accept(fields, this.#ticket(delivery, turn, isLast ? taken : nothing, isLast))
    if (!isLast) await this.#assignAll(delivery, { processes: entry.assignTo, message: id }, context, turn, taken)
  }

  async #sendSpawn(
    delivery: Delivery,
    entry: OutboxEntry & { kind: 'spawn' },
    context: PushContext,
    turn: Promise<void>,
    taken: () => void,
  ): Promise<void> {
    const spawned = await this.#accept(spawnFields(entry, context), this.#ticket(delivery, turn, nothing, false))
    await this.#accept(spawnedFields(entry, context, spawned), this.#ticket(delivery, turn, taken, true))
  }

  async #assignAll(
    delivery: Delivery,
    { processes, message, ...options }: AssignOptions & { readonly processes: readonly TxId[]; readonly message: TxId },
    context: PushContext,
    turn: Promise<void>,
    taken: () => void,
  ): Promise<void> {
    for (const [i, process] of processes.entries()) {
      const isLast = i === processes.length - 1
      const ticket = this.#ticket(delivery, turn, isLast ? taken : nothing, isLast)
      await this.#deps.scheduler.assign(recipient(process, context), message, options, ticket)
    }
  }

  async #accept(fields: ItemFields, ticket: Ticket): Promise<TxId> {
    const { id, raw } = createDataItemSync(fields, this.#deps.signer)
    // A program can make the same item twice, by an anchor of its own that repeats: it counts once, like anyone's.
    for (let same = this.#sending.get(id); same !== undefined; same = this.#sending.get(id)) await same
    const work = this.#acceptOnce(id, raw, ticket)
    const settled = work.then(nothing, nothing).finally(() => this.#sending.delete(id))
    this.#sending.set(id, settled)
    await work
    return id
  }

  async #acceptOnce(id: TxId, raw: Uint8Array, ticket: Ticket): Promise<void> {
    const { scheduler, journal } = this.#deps
    if (this.#intake === null) throw new HeddleError('stopping', {}, 'pushing has not started yet')
    scheduler.expect(id, ticket)
    try {
      const { repeated } = await this.#intake.acceptItem(raw, { trusted: true })
      if (repeated && ticket.writes.length > 0) await journal.commit({ writes: ticket.writes, events: [] })
    } finally {
      scheduler.forget(id)
    }
  }

  /** Two messages for every one fill the world before any depth is reached. Counted in memory: a restart gives a new allowance. */
  #count(origin: string): void {
    const count = (this.#sent.get(origin) ?? 0) + 1
    this.#sent.set(origin, count)
    if (count <= PUSHES_PER_ORIGIN_MAX) return
    const message = `cut: message ${origin} has caused ${PUSHES_PER_ORIGIN_MAX} others already`
    throw new HeddleError('limit-reached', { what: 'pushes of one message', max: PUSHES_PER_ORIGIN_MAX }, message)
  }

  #tryLater(delivery: Delivery): void {
    if (this.#stopping) return
    const { process, record, entry } = delivery
    const timer = setTimeout(() => {
      this.#later.delete(timer)
      this.deliver(process, { record, entries: [entry] })
    }, RETRY_MS)
    timer.unref()
    this.#later.set(timer, delivery)
  }

  /** With `isLast`, the entry leaves the outbox in the commit that the ticket joins. */
  #ticket({ process, record, entry }: Delivery, turn: Promise<void>, taken: () => void, isLast: boolean): Ticket {
    const writes = isLast ? [removal(process, record.slot, entry.index)] : []
    return { origin: record.origin, depth: record.depth + 1, cause: record.message, writes, turn, taken }
  }

  async #context({ process, record }: Delivery): Promise<PushContext> {
    const { self, module, scheduler } = await this.#deps.facts.of(process)
    return { process, self, module, scheduler, slot: record.slot, origin: record.origin }
  }

  /** Notes in the result why an entry was not delivered; when the node itself is in trouble, it is tried again until it is. */
  async #refused({ process, record, entry }: Delivery, lane: Lane, error: unknown): Promise<void> {
    const { logger, results, journal } = this.#deps
    logger.warn({ process, slot: record.slot, index: entry.index, error: errorText(error) }, 'an outbox entry was not delivered')
    if (isFailure(error, 'stopping')) return
    if (!(error instanceof HeddleError) || isFailure(error, 'store-failed')) {
      this.#tryLater({ process, record, entry })
      return
    }
    const reason = error.message
    lane.noting = lane.noting.then(async () => {
      const result = await results.find(process, record.slot)
      if (result === null) return
      const noted = { ...result, undelivered: [...result.undelivered, { index: entry.index, reason }] }
      await journal.commit({
        writes: [await results.prepare(results.encode(process, noted)), removal(process, record.slot, entry.index)],
        events: [],
      })
    })
    lane.noting = lane.noting.catch((failure) => logger.error({ process, error: errorText(failure) }, 'a refusal could not be noted'))
    await lane.noting
  }
}

function newLane(): Lane {
  return { waiting: [], underWay: 0, turn: Promise.resolve(), noting: Promise.resolve(), onRoom: [] }
}

function removal(process: TxId, slot: number, index: number): KvWrite {
  return { space: 'outbox', key: outboxKey(process, slot, index), value: null }
}

function nothing(): void {}
