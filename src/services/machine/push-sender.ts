/**
 * Sends one entry of an outbox: makes its items, signs them, and hands them to the intake, each with what is to be written when it is stored.
 *
 * Invariants  The commit that stores the last item of an entry removes it from the outbox, and each says in the traces what it came from. Building an
 *             item again gives the same id, so that sending it again changes nothing. Where an entry goes to several processes, one that cannot be
 *             reached does not keep it from the others.
 */
import { HeddleError } from '../../base/errors.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { createDataItemSync, type DataItem, type ItemSigner } from '../../codec/data-item.ts'
import { findTag } from '../../codec/tags.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import { messageFields, type OutboxEntry, type PushContext, recipient, spawnedFields, spawnFields } from './outbox.ts'
import type { FactsReader } from './process-facts.ts'
import { type LogRecord, outboxKey } from './records.ts'
import type { AssignOptions, Scheduler, Ticket } from './scheduler.ts'
import { type TraceKind, traceWrite } from './trace-record.ts'

/** The way in, as push uses it. */
export interface PushIntake {
  acceptItem(raw: Uint8Array, options: { readonly trusted: true }): Promise<{ readonly id: TxId; readonly repeated: boolean }>
}

export interface Delivery {
  readonly process: TxId
  readonly record: LogRecord
  readonly entry: OutboxEntry
  /** An operator asked for it, so no budget counts it. */
  readonly isAskedFor?: boolean
}

/** When a delivery may take its slots, and whom to tell that it has them. */
export interface Turn {
  readonly turn: Promise<void>
  readonly taken: () => void
}

export interface PushSenderDeps {
  readonly journal: Pick<Journal, 'commit'>
  readonly scheduler: Pick<Scheduler, 'expect' | 'forget' | 'assign'>
  readonly facts: FactsReader
  readonly signer: ItemSigner
}

/** A part of an entry on its way. */
interface Part {
  readonly kind: TraceKind
  readonly id: TxId
  readonly target: TxId
  readonly part: number
  /** No other follows. */
  readonly isLast: boolean
}

interface Assigning extends AssignOptions {
  readonly processes: readonly TxId[]
  readonly message: TxId
  /** Parts of the entry before them. */
  readonly before: number
}

export class PushSender {
  readonly #deps: PushSenderDeps
  readonly #intake: PushIntake
  readonly #sending = new Map<TxId, Promise<void>>()

  constructor(deps: PushSenderDeps, intake: PushIntake) {
    this.#deps = deps
    this.#intake = intake
  }

  async send(delivery: Delivery, turn: Turn): Promise<void> {
    const { entry } = delivery
    const context = await this.#context(delivery)
    switch (entry.kind) {
      case 'message':
        return this.#message(delivery, entry, context, turn)
      case 'spawn':
        return this.#spawn(delivery, entry, context, turn)
      case 'assignment':
        return this.#assignments(delivery, { ...entry, before: 0 }, context, turn)
    }
  }

  async #message(delivery: Delivery, entry: OutboxEntry & { kind: 'message' }, context: PushContext, turn: Turn): Promise<void> {
    const target = recipient(entry.target as TxId, context)
    const item = createDataItemSync(messageFields(entry, context, idBytes(target)), this.#deps.signer)
    const isLast = entry.assignTo.length === 0
    await this.#accept(item, ticket(delivery, { kind: 'message', id: item.id, target, part: 0, isLast }, turn))
    if (!isLast) await this.#assignments(delivery, { processes: entry.assignTo, message: item.id, before: 1 }, context, turn)
  }

  async #spawn(delivery: Delivery, entry: OutboxEntry & { kind: 'spawn' }, context: PushContext, turn: Turn): Promise<void> {
    const { signer } = this.#deps
    const { process } = delivery
    const spawned = createDataItemSync(spawnFields(entry, context), signer)
    await this.#accept(spawned, ticket(delivery, { kind: 'spawn', id: spawned.id, target: spawned.id, part: 0, isLast: false }, turn))
    const told = createDataItemSync(spawnedFields(entry, context, spawned.id), signer)
    await this.#accept(told, ticket(delivery, { kind: 'message', id: told.id, target: process, part: 1, isLast: true }, turn))
  }

  async #assignments(
    delivery: Delivery,
    { processes, message, before, ...options }: Assigning,
    context: PushContext,
    turn: Turn,
  ): Promise<void> {
    const isAlone = before === 0 && processes.length === 1
    const failures: unknown[] = []
    for (const [i, named] of processes.entries()) {
      const target = recipient(named, context)
      const part = { kind: 'assignment', id: message, target, part: before + i, isLast: isAlone } as const
      await this.#deps.scheduler.assign(target, message, options, ticket(delivery, part, turn)).catch((error) => failures.push(error))
    }
    if (failures.length > 0) throw summed(failures, processes.length)
    if (!isAlone) await this.#deps.journal.commit({ writes: [removal(delivery)], events: [] })
  }

  async #accept({ id, raw }: DataItem, ticketed: Ticket): Promise<void> {
    // A program can make the same item twice, by an anchor of its own that repeats: it counts once, like anyone's.
    for (let same = this.#sending.get(id); same !== undefined; same = this.#sending.get(id)) await same
    const work = this.#acceptOnce(id, raw, ticketed)
    const settled = work.then(nothing, nothing).finally(() => this.#sending.delete(id))
    this.#sending.set(id, settled)
    await work
  }

  async #acceptOnce(id: TxId, raw: Uint8Array, ticketed: Ticket): Promise<void> {
    const { scheduler, journal } = this.#deps
    scheduler.expect(id, ticketed)
    try {
      const { repeated } = await this.#intake.acceptItem(raw, { trusted: true })
      if (repeated) await journal.commit({ writes: ticketed.writes, events: [] })
    } finally {
      scheduler.forget(id)
    }
  }

  async #context({ process, record }: Delivery): Promise<PushContext> {
    const { self, module, scheduler, source } = await this.#deps.facts.of(process)
    const named = findTag(source.tags, 'Module') ?? module
    return { process, self, module: named, scheduler, slot: record.slot, origin: record.origin }
  }
}

/** What it takes to forget an entry: it was delivered, or never will be. */
export function removal({ process, record, entry }: Delivery): KvWrite {
  return { space: 'outbox', key: outboxKey(process, record.slot, entry.index), value: null }
}

function ticket(delivery: Delivery, { kind, id, target, part, isLast }: Part, { turn, taken }: Turn): Ticket {
  const { process, record, entry } = delivery
  const traced = traceWrite({ process, slot: record.slot, index: entry.index, part }, kind, id, target)
  return {
    origin: record.origin,
    depth: record.depth + 1,
    cause: `${process}/${record.slot}`,
    writes: isLast ? [traced, removal(delivery)] : [traced],
    turn,
    taken: isLast ? taken : nothing, // Until then, and at the latest when it is done, those behind it wait.
  }
}

/** The first failure that is the node's own, since that can be tried again; else all that was refused in one. */
function summed(failures: readonly unknown[], count: number): unknown {
  const ofNode = failures.find((error) => !(error instanceof HeddleError) || error.code === 'store-failed' || error.code === 'stopping')
  if (ofNode !== undefined || count === 1) return ofNode ?? failures[0]
  const [first] = failures as [HeddleError]
  return new HeddleError(first.code, first.facts, `${failures.length} of ${count} assignments failed: ${first.message}`)
}

function nothing(): void {}
