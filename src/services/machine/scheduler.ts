/**
 * The scheduler: gives every message its slot in the log of its process.
 *
 * Per item one durable commit: the item itself, the log entry, the slot look-up, the process head, and the assignment as a data item of its own.
 *
 * Source      permaweb/ao servers/su
 * Invariants  Slots have no gaps and timestamps rise strictly. Taking a slot is synchronous, and commits go to the journal in that order, so
 *             that many messages to one process share an fsync. A message to a process that was never spawned here is refused, not stored.
 *             Ticks of a process's crons that are due take their slots right before the next message does.
 *             A message has one slot in a process, whichever ways it takes there. A fork is of a slot that its original has, and keeps.
 */
import { EMPTY } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { isTxId, parseTxId, type TxId } from '../../base/ids.ts'
import { MESSAGE_BYTES_MAX, PROCESS_QUEUE_MAX } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import type { DataItem, ItemSigner } from '../../codec/data-item.ts'
import { findTag, type TextTag } from '../../codec/tags.ts'
import type { Moment } from '../../rules/cron.ts'
import type { KvWrite } from '../../store/kv-store.ts'
import type { Archive } from '../archive.ts'
import type { BundleQueue, ItemHandler } from '../intake.ts'
import type { Commit, Journal } from '../journal.ts'
import { itemRow } from '../rows.ts'
import { createAssignment, firstHashChain, nextHashChain } from './assignment.ts'
import type { ContentIndex } from './content.ts'
import { type BlockTimes, cronHead, isDue, type NextTick, nextTick, type PlannedTick } from './cron-ticks.ts'
import { type Fork, forkOf } from './fork.ts'
import { Gates } from './gates.ts'
import { type Heads, joined, LiveHead } from './heads.ts'
import type { ProcessLog } from './process-log.ts'
import { aoKind } from './protocol.ts'
import { forkWrite, type LogRecord, logWrites, movedTo, type ProcessHead } from './records.ts'
import { messageOfItem, type SourceMessage, type Sources } from './sources.ts'
import { type Given, TickGiver } from './tick-giver.ts'
import { processTrace } from './trace-record.ts'

/** The chain as the scheduler sees it. */
export interface Chain extends BlockTimes {
  height(): number
  /** Now, as this network counts time. */
  timestampMs(): number
}

/** What the node knows about an item that it pushes itself. */
export interface Ticket {
  readonly origin: string
  readonly depth: number
  /** The slot whose outbox it comes from, as `<process>/<slot>`. */
  readonly cause: string
  /** Joins the item's commit. */
  readonly writes: readonly KvWrite[]
  /** Resolves when the sibling before it has its slot. */
  readonly turn: Promise<void>
  /** Called as soon as the item has its slot. */
  readonly taken: () => void
}

/** An item whose slot is durable. */
export interface Scheduled {
  readonly process: TxId
  readonly record: LogRecord
  readonly source: SourceMessage
}

export interface AssignOptions {
  /** Asks for a settled transaction. What is on this node counts as settled. */
  readonly baseLayer?: boolean
  readonly exclude?: readonly string[]
}

export interface AssignReceipt {
  readonly id: TxId
  readonly slot: number
  readonly timestampMs: number
  readonly repeated: boolean
}

export interface SchedulerDeps {
  readonly archive: Pick<Archive, 'storeItem'>
  readonly journal: Pick<Journal, 'commit'>
  readonly heads: Heads
  readonly log: ProcessLog
  readonly contents: ContentIndex
  readonly sources: Sources
  readonly chain: Chain
  readonly clock: Clock
  readonly random: Random
  readonly signer: ItemSigner
  readonly queue: BundleQueue
  readonly authority: string | null
  /** Can the guests run this Module-Format? */
  readonly supportsFormat: (format: string) => boolean
  /** Messages of this process that wait for evaluation. */
  readonly backlog: (process: TxId) => number
  /** False while its ticks have caused more than they may. */
  readonly mayTick: (process: TxId) => boolean
  readonly onScheduled: (scheduled: Scheduled) => void
}

type Place = Moment & Pick<LogRecord, 'slot' | 'hashChain'>
type Slotted = Pick<LogRecord, 'message' | 'exclude' | 'origin' | 'depth' | 'cause' | 'content'>

interface Logged {
  readonly record: LogRecord
  readonly commit: Commit
}

const NOTHING: Commit = { writes: [], events: [] }
const ANCHOR_BYTES = 32
/** Until a process that may not tick is looked at again. */
const TICK_REST_MS = 1_000
const ANCHORS_DRAWN = 128
const EMPTY_SHA256 = sha256(EMPTY)

export class Scheduler implements ItemHandler {
  readonly #deps: SchedulerDeps
  readonly #tickets = new Map<TxId, Ticket>()
  #anchors: Uint8Array = EMPTY
  /** By process and message. */
  readonly #taking = new Map<string, Promise<void>>()
  /** By process: held while its log is cut. */
  readonly #gates = new Gates()
  readonly #ticks: TickGiver

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
    const head = (process: TxId): Promise<LiveHead> => this.#head(process)
    this.#ticks = new TickGiver({ ...deps, head, now: (at) => this.#now(at), sign: (...tick) => this.#tick(...tick) })
  }

  claims(tags: readonly TextTag[]): boolean {
    return aoKind(tags) !== null
  }

  /** Announces an item that the node is about to accept from itself; withdrawn by `forget`. */
  expect(id: TxId, ticket: Ticket): void {
    this.#tickets.set(id, ticket)
  }

  forget(id: TxId): void {
    this.#tickets.delete(id)
  }

  async commit(item: DataItem, base: Commit): Promise<void> {
    const ticket = this.#tickets.get(item.id) ?? null
    const source = messageOfItem(item)
    checkSize(source)
    checkTags(source)
    if (aoKind(source.tags) === 'Message') return this.#message(source, base, ticket)
    await this.#spawn(source, base, ticket)
    await this.#present(source)
  }

  /** A message that is here already: it gets a slot if it has none, since the log of its process was cut, or begun only now. */
  async repeat(id: TxId): Promise<void> {
    const source = await this.#deps.sources.message(id)
    if (source !== null && aoKind(source.tags) === 'Process') return this.#present(source)
    if (source === null || aoKind(source.tags) !== 'Message' || (await this.#isNoProcess(source.target))) return
    const ticket = this.#tickets.get(id) ?? null
    await ticket?.turn
    await this.#slotOnce(source.target as TxId, source, slottedBy(source, ticket), NOTHING, ticket)
  }

  /** Gives nobody a slot of the process, nor a fork of it, while `work` runs. */
  closed<T>(process: TxId, work: () => Promise<T>): Promise<T> {
    return this.#gates.alone(process, work)
  }

  /** Gives a slot to something that is already on the weave, whatever it is. */
  async assign(process: TxId, id: TxId, options: AssignOptions = {}, ticket: Ticket | null = null): Promise<AssignReceipt> {
    const source = await this.#deps.sources.messageFromAnywhere(id)
    if (source === null)
      throw new HeddleError(
        'not-found',
        { what: 'message', id },
        `${id} is not on this node, so it cannot be assigned to process ${process}; upload it first`,
      )
    await ticket?.turn
    const slotted = { ...slottedBy(source, ticket), exclude: options.exclude ?? [] }
    return this.#slotOnce(process, source, slotted, NOTHING, ticket)
  }

  async #message(source: SourceMessage, base: Commit, ticket: Ticket | null): Promise<void> {
    await ticket?.turn
    if (ticket !== null && (await this.#isNoProcess(source.target))) {
      ticket.taken()
      return this.#deps.journal.commit(joined([base, ticketCommit(ticket)]))
    }
    await this.#slotOnce(parseTarget(source), source, slottedBy(source, ticket), base, ticket)
  }

  /**
   * Whatever ways a message takes to a process, it gets one slot there: sent, assigned, or sent after it was assigned from inside a bundle.
   * One at a time for each message and process; nobody waits for a turn in here, so that no two wait for each other.
   */
  async #slotOnce(process: TxId, source: SourceMessage, slotted: Slotted, base: Commit, ticket: Ticket | null): Promise<AssignReceipt> {
    const key = process + source.id
    for (let other = this.#taking.get(key); other !== undefined; other = this.#taking.get(key)) await other
    const work = this.#gates.pass(process, () => this.#takeSlot(process, source, slotted, base, ticket))
    const settled = work.then(nothing, nothing).finally(() => this.#taking.delete(key))
    this.#taking.set(key, settled)
    return work
  }

  async #takeSlot(process: TxId, source: SourceMessage, slotted: Slotted, base: Commit, ticket: Ticket | null): Promise<AssignReceipt> {
    const { log, journal, contents } = this.#deps
    const slot = await log.slotOf(process, source.id)
    if (slot !== null) {
      ticket?.taken()
      const rest = joined([base, { writes: ticket?.writes ?? [], events: [] }])
      if (rest.writes.length > 0) await journal.commit(rest)
      return this.#receiptOf(process, slot)
    }
    return contents.once(process, source, ticket !== null, async (content) => {
      let live = await this.#head(process)
      let now = this.#now(live.head)
      for (let given: Given | null = null; this.#isDue(process, live.head, now); ) {
        await given?.written // Due again because they could not be written? Then neither could this.
        given = await this.#ticks.give(process)
        live = await this.#head(process)
        now = this.#now(live.head) // Once, so that no tick becomes due between looking and taking the slot.
      }
      const { record, commit } = this.#next(process, live, now, { ...slotted, ...content }, ticket)
      ticket?.taken()
      await this.#write(live, [base, commit, ticketCommit(ticket)], { process, record, source })
      return { id: record.assignment, slot: record.slot, timestampMs: record.timestampMs, repeated: false }
    })
  }

  /** Gives ticks that are due by now their slots. Resolves when they are durable, with when to look again; null for a process without crons. */
  tick(process: TxId): Promise<NextTick | null> {
    return this.#gates.pass(process, async () => {
      const { head } = await this.#head(process)
      if (head.cron === undefined) return null
      if (this.#isDue(process, head, this.#now(head))) await (await this.#ticks.give(process)).written
      await this.#ticks.settled(process)
      if (!this.#deps.mayTick(process)) return { atMs: this.#deps.clock.nowMs() + TICK_REST_MS, waitsForBlocks: false }
      return nextTick((await this.#head(process)).head)
    })
  }

  #isDue(process: TxId, head: ProcessHead, now: Moment): boolean {
    return isDue(head, now) && this.#deps.mayTick(process)
  }

  async #receiptOf(process: TxId, slot: number): Promise<AssignReceipt> {
    const record = await this.#deps.log.record(process, slot)
    if (record === null)
      throw new HeddleError('store-failed', { what: 'log' }, `slot ${slot} of process ${process} is gone from the log; run "heddle doctor"`)
    return { id: record.assignment, slot, timestampMs: record.timestampMs, repeated: true }
  }

  async #spawn(source: SourceMessage, base: Commit, ticket: Ticket | null): Promise<void> {
    const module = await this.#admitModule(source)
    const fork = forkOf(source.tags)
    await ticket?.turn
    if (fork === null) return this.#begin(source, module, base, ticket)
    await this.#gates.pass(fork.of, async () => {
      await this.#admitFork(fork, module)
      const forked: Commit = { writes: [forkWrite(fork.of, fork.at, source.id)], events: [] }
      await this.#begin(source, module, joined([base, forked]), ticket)
    })
  }

  /** A process that is addressed to another one gets a slot there as well. */
  async #present(source: SourceMessage): Promise<void> {
    if (source.target === source.id || (await this.#isNoProcess(source.target))) return
    const slotted = { message: source.id, exclude: [], origin: source.id, depth: 1, cause: `${source.id}/0` }
    const traced: Commit = { writes: [processTrace(source.id, source.target as TxId)], events: [] }
    await this.#slotOnce(source.target as TxId, source, slotted, traced, null)
  }

  async #begin(source: SourceMessage, module: TxId, base: Commit, ticket: Ticket | null): Promise<void> {
    const { heads, authority } = this.#deps
    const process = source.id
    const place = { ...this.#now(null), slot: 0, hashChain: firstHashChain(process) }
    const { record, commit } = this.#record(process, place, slottedBy(source, ticket))
    const cron = cronHead(source.tags, record)
    const live = new LiveHead(process, { ...headOf(record), module, authority, ...(cron === null ? {} : { cron }) }, null)
    heads.add(process, live)
    ticket?.taken()
    try {
      await this.#write(live, [base, commit, ticketCommit(ticket)], { process, record, source })
    } catch (error) {
      heads.remove(process)
      throw error
    }
  }

  /**
   * Takes the next slot without waiting; what it writes goes through `#write` in the same turn. What the node pushes itself is not refused:
   * nobody could send it again, and pushes have bounds of their own.
   */
  #next(process: TxId, { head }: LiveHead, now: Moment, slotted: Slotted, ticket: Ticket | null): Logged {
    if (ticket === null && this.#deps.backlog(process) >= PROCESS_QUEUE_MAX)
      throw new HeddleError(
        'limit-reached',
        { what: 'process queue', max: PROCESS_QUEUE_MAX },
        `process ${process} has ${PROCESS_QUEUE_MAX} messages waiting; send again later`,
      )
    return this.#record(process, { ...placeAfter(head), ...now }, slotted)
  }

  #record(process: TxId, place: Place, slotted: Slotted): Logged {
    const message = place.slot === 0 ? null : slotted.message
    const assignment = createAssignment({ ...place, process, message, exclude: slotted.exclude }, this.#deps.signer, this.#anchor())
    return this.#logged(process, assignment, { ...place, ...slotted, assignment: assignment.id })
  }

  #tick(process: TxId, head: ProcessHead, { cron, ...at }: PlannedTick): Logged {
    const place: Place = { ...placeAfter(head), ...at }
    const assignment = createAssignment({ ...place, process, message: null, exclude: [], cron }, this.#deps.signer, this.#anchor())
    const { id } = assignment
    return this.#logged(process, assignment, { ...place, assignment: id, message: id, cron, exclude: [], origin: `cron:${id}`, depth: 0 })
  }

  #logged(process: TxId, assignment: DataItem, record: LogRecord): Logged {
    const stored = this.#storedAssignment(assignment)
    return { record, commit: { writes: [...stored.writes, ...logWrites(process, record)], events: stored.events } }
  }

  /** When the next slot is taken. Time rises strictly, and the chain does not fall as far as crons see it. */
  #now(head: ProcessHead | null): Moment {
    const { chain } = this.#deps
    const timestampMs = Math.max(chain.timestampMs(), (head?.timestampMs ?? 0) + 1)
    return { timestampMs, height: Math.max(chain.height(), head?.cron?.height ?? 0) }
  }

  /** Asking the system for randomness costs as much for many bytes as for few. */
  #anchor(): Uint8Array {
    if (this.#anchors.length === 0) this.#anchors = this.#deps.random.bytes(ANCHOR_BYTES * ANCHORS_DRAWN)
    const anchor = this.#anchors.subarray(0, ANCHOR_BYTES)
    this.#anchors = this.#anchors.subarray(ANCHOR_BYTES)
    return anchor
  }

  #storedAssignment(item: DataItem): Commit {
    const { archive, queue, clock, chain } = this.#deps
    const acceptedAtMs = clock.nowMs()
    const { writes } = archive.storeItem(item, { payloadSha256: EMPTY_SHA256, acceptedAtMs, acceptedHeight: chain.height() })
    return {
      writes: [...writes, queue.enqueue(item.id)],
      events: [{ kind: 'row', row: itemRow(item, { parent: null, ingestedAtS: Math.floor(acceptedAtMs / 1000) }) }],
    }
  }

  async #write(live: LiveHead, parts: readonly Commit[], scheduled: Scheduled): Promise<void> {
    const head = movedTo(live.head, scheduled.record)
    await live.advance(head, joined(parts), this.#deps.journal, () => this.#deps.onScheduled(scheduled))
  }

  /** Resolves with the head that is in memory at this very moment. */
  async #head(process: TxId): Promise<LiveHead> {
    for (;;) {
      const live = this.#deps.heads.peek(process)
      if (live !== null) return live
      if ((await this.#deps.heads.find(process)) === null) throw unknownProcess(process)
    }
  }

  async #isNoProcess(target: string): Promise<boolean> {
    return !isTxId(target) || (await this.#deps.heads.find(target)) === null
  }

  async #admitFork({ of, at }: Fork, module: TxId): Promise<void> {
    const original = await this.#deps.heads.findDurable(of)
    if (original === null) throw unknownProcess(of)
    if (at > original.slot) throw invalidItem('Fork-At', `process ${of} has no slot ${at} yet; its last is ${original.slot}`)
    if (module !== original.module)
      throw invalidItem('Module', `a fork runs the module of its original: set the Module tag to ${original.module}`)
  }

  async #admitModule(source: SourceMessage): Promise<TxId> {
    const module = findTag(source.tags, 'Module')
    if (module === undefined) throw invalidItem('Module', `process ${source.id} has no Module tag; name the module that it runs`)
    if (findTag(source.tags, 'Scheduler') === undefined)
      throw invalidItem('Scheduler', `process ${source.id} has no Scheduler tag; GET /info names this node's scheduler`)
    const { id, format } = await this.#deps.sources.resolveModule(parseTxId(module))
    const boot = findTag(source.tags, 'On-Boot') ?? ''
    if (isTxId(boot)) await this.#deps.sources.fetchMissing(boot) // Before slot 0, which reads it: programs see what was here at their message.
    if (!this.#deps.supportsFormat(format))
      throw new HeddleError(
        'module-unsupported',
        { module: id, reason: `Module-Format ${format}` },
        `module ${id} has the Module-Format "${format}", which this node cannot run`,
      )
    return id
  }
}

function checkSize({ id, data }: SourceMessage): void {
  if (data.length <= MESSAGE_BYTES_MAX) return
  const facts = { what: `message ${id}`, size: data.length, max: MESSAGE_BYTES_MAX }
  throw new HeddleError(
    'too-large',
    facts,
    `message ${id} has ${data.length} bytes of data, at most ${MESSAGE_BYTES_MAX} are scheduled; upload the data and send its id`,
  )
}

function checkTags(source: SourceMessage): void {
  const link = source.tags.find(({ name, value }) => name.endsWith('+link') || value.endsWith('+link'))
  if (link !== undefined)
    throw invalidItem('Tags', `tag ${link.name} of ${source.id} ends in +link, which scheduler units refuse; rename it`)
}

function parseTarget(source: SourceMessage): TxId {
  if (isTxId(source.target)) return source.target
  throw invalidItem('Target', `message ${source.id} has no target; set the target of the data item to the process that it is for`)
}

function slottedBy(source: SourceMessage, ticket: Ticket | null): Slotted {
  const from = ticket === null ? { origin: source.id, depth: 0 } : { origin: ticket.origin, depth: ticket.depth, cause: ticket.cause }
  return { message: source.id, exclude: [], ...from }
}

function headOf({
  slot,
  assignment,
  hashChain,
  timestampMs,
}: LogRecord): Pick<ProcessHead, 'slot' | 'assignment' | 'hashChain' | 'timestampMs'> {
  return { slot, assignment, hashChain, timestampMs }
}

function placeAfter({ slot, assignment, hashChain }: ProcessHead): Pick<Place, 'slot' | 'hashChain'> {
  return { slot: slot + 1, hashChain: nextHashChain(assignment, hashChain) }
}

function ticketCommit(ticket: Ticket | null): Commit {
  return { writes: ticket?.writes ?? [], events: [] }
}

function nothing(): void {}

function invalidItem(field: string, message: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, message)
}

export function unknownProcess(process: string): HeddleError<'process-unknown'> {
  return new HeddleError(
    'process-unknown',
    { process },
    `process ${process} was never spawned on this node; check the id, or spawn it here first`,
  )
}
