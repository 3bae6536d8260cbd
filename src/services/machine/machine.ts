/**
 * The machine: schedule, compute, push. Everything that other parts of the node may ask of AO processes.
 *
 * A message goes: intake -> scheduler (slot, durable) -> runner (evaluation in the guests) -> result and outbox (durable) -> push -> intake.
 */
import { toBase64url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { type Address, addressOfKey, bytesToId, idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { MESSAGE_BYTES_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { type DataItem, decodeDataItem, type ItemSigner, itemHeaderBytesMax } from '../../codec/data-item.ts'
import type { Evaluation } from '../../guests/guest.ts'
import type { BlobStore } from '../../store/blob-store.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Archive } from '../archive.ts'
import type { BundleQueue, ItemHandler } from '../intake.ts'
import type { Journal } from '../journal.ts'
import { Compute } from './compute.ts'
import { ContentIndex } from './content.ts'
import type { DryRunFields } from './guest-message.ts'
import { Heads } from './heads.ts'
import { History } from './history.ts'
import type { Guests } from './instance.ts'
import { Monitors } from './monitors.ts'
import { FactsReader, type ProcessFacts } from './process-facts.ts'
import { ProcessLog, type SlotRange } from './process-log.ts'
import { Push, type PushIntake } from './push.ts'
import type { LogRecord, ProcessHead, ResultRecord, SnapshotRecord } from './records.ts'
import { type ResultRange, ResultStore, type ScannedResult } from './result-store.ts'
import { type ResultsPage, type ResultsQuery, readCronResults, readResults } from './results-page.ts'
import { revert } from './revert.ts'
import { type Runner, RunnerRetired } from './runner.ts'
import { type AssignOptions, type AssignReceipt, type Chain, Scheduler, unknownProcess } from './scheduler.ts'
import { Snapshots } from './snapshots.ts'
import { type Beyond, type MessageArchive, NOTHING_BEYOND, type SourceMessage, Sources } from './sources.ts'
import { causeOf, readTrace, type Trace, type TraceQuery } from './trace.ts'

export interface MachineDeps {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly journal: Pick<Journal, 'commit'>
  readonly archive: MessageArchive & Pick<Archive, 'storeItem'>
  readonly guests: Guests
  readonly supportsFormat: (format: string) => boolean
  readonly chain: Chain
  readonly clock: Clock
  readonly random: Random
  readonly queue: BundleQueue
  readonly logger: Log
  /** Signs assignments. Both signers must be able to sign at once and do so deterministically: Ed25519. */
  readonly scheduler: ItemSigner
  /** Signs what processes send. */
  readonly authority: ItemSigner
  /** Add the authority to the Authority tags of processes spawned from now on, so that they trust each other's messages. */
  readonly injectAuthority: boolean
  /** Where to look for messages and modules that are not here; nowhere when left out. */
  readonly beyond?: Beyond
}

/** A slot with what stands in it. */
export interface SlotEntry {
  readonly record: LogRecord
  readonly assignment: DataItem
  /** Null for a tick. */
  readonly message: SourceMessage | null
}

/** Which slot it is, and when. */
export type SlotMoment = Pick<ResultRecord, 'slot' | 'timestampMs' | 'height'>

export class Machine {
  readonly #deps: MachineDeps
  readonly #scheduler: Scheduler
  readonly #compute: Compute
  readonly #push: Push
  readonly #heads: Heads
  readonly #log: ProcessLog
  readonly #sources: Sources
  readonly #facts: FactsReader
  readonly #results: ResultStore
  readonly #snapshots: Snapshots
  readonly #history: History
  readonly monitors: Monitors

  constructor(deps: MachineDeps) {
    const { kv, blobs, journal, guests, logger, clock, authority } = deps
    this.#deps = deps
    this.#heads = new Heads(kv)
    this.#log = new ProcessLog(kv)
    this.#sources = new Sources(deps.archive, deps.beyond ?? NOTHING_BEYOND)
    this.#facts = new FactsReader(this.#heads, this.#sources)
    this.#results = new ResultStore(kv, blobs)
    this.#snapshots = new Snapshots(kv, blobs)
    const shared = { journal, log: this.#log, sources: this.#sources, facts: this.#facts, results: this.#results, logger }
    const evaluating = { ...shared, guests, snapshots: this.#snapshots }
    this.#history = new History({ ...evaluating, evaluated: (process, slot) => this.result(process, String(slot)) })
    this.#compute = new Compute({
      ...evaluating,
      kv,
      base: (process) => this.#history.base(process),
      onSaved: (process, evaluated) => this.#push.deliver(process, evaluated),
      roomToSend: (process) => this.#push.roomToSend(process),
    })
    const backlog = (process: TxId): number => this.#compute.backlog(process)
    this.#scheduler = new Scheduler({
      ...deps,
      heads: this.#heads,
      log: this.#log,
      contents: new ContentIndex(kv),
      sources: this.#sources,
      signer: deps.scheduler,
      authority: deps.injectAuthority ? addressOfKey(authority.owner) : null,
      backlog,
      mayTick: (process) => this.#push.mayTick(process),
      onScheduled: (scheduled) => this.#compute.add(scheduled),
    })
    this.monitors = new Monitors({ ...shared, kv, heads: this.#heads, clock, chain: deps.chain, scheduler: this.#scheduler, backlog })
    this.#push = new Push({ ...shared, kv, clock, scheduler: this.#scheduler, signer: authority })
  }

  /** Give it to the intake. */
  get handler(): ItemHandler {
    return this.#scheduler
  }

  /** The addresses that sign assignments and pushed messages. */
  get units(): { readonly scheduler: Address; readonly authority: Address } {
    return { scheduler: addressOfKey(this.#deps.scheduler.owner), authority: addressOfKey(this.#deps.authority.owner) }
  }

  get chain(): Chain {
    return this.#deps.chain
  }

  /** Takes up what an earlier run left: undelivered outboxes, then messages not yet evaluated, then monitors. Call it once, before requests come. */
  async start(intake: PushIntake): Promise<void> {
    await this.#push.start(intake)
    this.#compute.resume()
    await this.monitors.start()
  }

  /** Nothing acknowledged is lost: what is not done goes on at the next start. */
  async stop(): Promise<void> {
    await this.monitors.stop()
    await this.#compute.stop()
    await this.#push.stop()
  }

  /** Messages with a slot and without a result; cheap. */
  backlog(process: string): number {
    return this.#compute.backlog(process as TxId)
  }

  /** Null when it was never spawned here. */
  async findHead(process: TxId): Promise<ProcessHead | null> {
    return this.#heads.findDurable(process)
  }

  /** Throws `process-unknown`. */
  async getHead(process: TxId): Promise<ProcessHead> {
    const head = await this.findHead(process)
    if (head === null) throw unknownProcess(process)
    return head
  }

  facts(process: TxId): Promise<ProcessFacts> {
    return this.#facts.of(process)
  }

  async assign(process: TxId, id: TxId, options?: AssignOptions): Promise<AssignReceipt> {
    return this.#scheduler.assign(process, id, options)
  }

  /** Waits until the message is evaluated. `idOrSlot`: message id, assignment id, the process's own id, or a slot. */
  async result(process: TxId, idOrSlot: string, signal?: AbortSignal): Promise<ResultRecord> {
    return insist(async () => {
      await this.getHead(process)
      const slot = await this.#log.findSlot(process, idOrSlot)
      const found = await this.#results.find(process, slot)
      if (found !== null) return found
      await this.slotOf(process, idOrSlot)
      return this.#compute.use(process, (runner) => runner.result(slot, signal))
    })
  }

  /** The slot of a message or assignment by its id, of the process itself, or by its number. Throws `not-found`, also when the slot is not there yet. */
  async slotOf(process: TxId, idOrSlot: string): Promise<number> {
    const head = await this.getHead(process)
    const slot = await this.#log.findSlot(process, idOrSlot)
    if ((await this.#log.record(process, slot)) !== null) return slot
    throw new HeddleError(
      'not-found',
      { what: 'slot', id: idOrSlot },
      `process ${process} has no slot ${idOrSlot} yet; its last is ${head.slot}`,
    )
  }

  /** For clients that do not name the process: the one that the message was sent to, else any in which it has a slot. */
  async processOf(id: TxId): Promise<TxId | null> {
    const target = (await this.#deps.archive.itemHeader(id))?.target ?? null
    for (const own of [id, target === null ? '' : toBase64url(target)])
      if (isTxId(own) && (await this.#log.slotOf(own, id)) !== null) return own
    return this.#log.processOf(id)
  }

  /** Evaluates nothing: what was evaluated so far. */
  async results(process: TxId, query: ResultsQuery): Promise<ResultsPage> {
    await this.getHead(process)
    return readResults({ process, log: this.#log, results: this.#results }, query)
  }

  /** Brings the ticks of the process's crons up to now, waits until they are evaluated, and shows their results. */
  async cronResults(process: TxId, query: Omit<ResultsQuery, 'sort'>, signal?: AbortSignal): Promise<ResultsPage> {
    await this.#scheduler.tick(process)
    const [last] = await this.#log.ticks(process, { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 1, reverse: true })
    if (last !== undefined) await this.result(process, String(last), signal)
    return readCronResults({ process, log: this.#log, results: this.#results }, query)
  }

  async dryRun(process: TxId, fields: DryRunFields, signal?: AbortSignal): Promise<Evaluation> {
    return this.#use(process, (runner) => runner.dryRun(fields, signal))
  }

  /** On the state after this slot, which must be there. */
  dryRunAt(process: TxId, slot: number, fields: DryRunFields): Promise<Evaluation> {
    return this.#history.dryRun(process, slot, fields)
  }

  /** The instance's state after the last slot, as a snapshot. */
  async state(process: TxId, signal?: AbortSignal): Promise<{ readonly bytes: Uint8Array; readonly last: SlotMoment }> {
    return this.#use(process, (runner) => runner.state(signal))
  }

  /** The same after this slot, which must be there. */
  async stateAt(process: TxId, slot: number): Promise<{ readonly bytes: Uint8Array; readonly last: SlotMoment }> {
    const { bytes, record } = await this.#history.state(process, slot)
    return { bytes, last: record }
  }

  /** Keeps a snapshot of the state after the last slot. */
  snapshot(process: TxId, signal?: AbortSignal): Promise<SnapshotRecord> {
    return this.#use(process, (runner) => runner.snapshot(signal))
  }

  /** What is kept, newest first. */
  async snapshots(process: TxId): Promise<SnapshotRecord[]> {
    await this.getHead(process)
    return this.#snapshots.list(process)
  }

  /** The bytes of a snapshot as they are in the store, damaged or not; null when they are gone. */
  snapshotBytes(record: SnapshotRecord): Promise<Uint8Array | null> {
    return this.#snapshots.read(record)
  }

  /** Forgets all slots after this one, see revert.ts; resolves to their number. For development networks. */
  revert(process: TxId, slot: number): Promise<number> {
    const parts = { log: this.#log, heads: this.#heads, snapshots: this.#snapshots, history: this.#history }
    return revert(process, slot, { ...this.#deps, ...parts, scheduler: this.#scheduler, compute: this.#compute, push: this.#push })
  }

  /** What a message caused, so far. */
  trace(id: TxId, query: TraceQuery): Promise<Trace> {
    const { kv, archive } = this.#deps
    return readTrace(id, query, { kv, archive, log: this.#log, heads: this.#heads, results: this.#results })
  }

  /** Which slot made this node send what stands in this one; null for what came from outside. */
  causeOf(record: LogRecord): Promise<Trace['cause']> {
    return causeOf(record, { log: this.#log })
  }

  /** Sends an entry of a slot's outbox that was not delivered. Resolves when it is durable that it will be, or already is. */
  async retryPush(process: TxId, idOrSlot: string, index: number, signal?: AbortSignal): Promise<void> {
    const { slot } = await this.result(process, idOrSlot, signal)
    await this.#use(process, async () => {
      const record = await this.#log.record(process, slot) // In here its log is not cut.
      if (record !== null) await this.#push.retry(process, record, index)
    })
  }

  /** The last slot with a result; -1 when there is none. */
  evaluatedSlot(process: TxId): Promise<number> {
    return this.#results.lastSlot(process)
  }

  resultsBetween(process: TxId, range: ResultRange): AsyncIterable<ScannedResult> {
    return this.#results.scan(process, range)
  }

  /** Ids of processes in their order, from the one after `after` on. */
  async processes(after: TxId | null, limit: number): Promise<TxId[]> {
    const found: TxId[] = []
    const range = after === null ? { limit } : { gt: idBytes(after), limit }
    for await (const { key } of this.#deps.kv.scan('processes', range)) found.push(bytesToId(key))
    return found
  }

  /** Null when the slot or id has no place in the process's log. */
  async findRecord(process: TxId, idOrSlot: TxId | number): Promise<LogRecord | null> {
    const slot = typeof idOrSlot === 'number' ? idOrSlot : await this.#log.slotOf(process, idOrSlot)
    return slot === null ? null : this.#log.record(process, slot)
  }

  records(process: TxId, range: SlotRange): Promise<LogRecord[]> {
    return this.#log.records(process, range)
  }

  slotAt(process: TxId, timestampMs: number, lastSlot: number): Promise<number> {
    return this.#log.slotAt(process, timestampMs, lastSlot)
  }

  async entry(record: LogRecord): Promise<SlotEntry> {
    const isTick = record.cron !== undefined
    const [raw, message] = await Promise.all([
      this.#deps.archive.itemRaw(record.assignment, ASSIGNMENT_BYTES_MAX),
      isTick ? null : this.#sources.message(record.message),
    ])
    if (raw === null || (message === null && !isTick)) throw gone(record)
    return { record, assignment: decodeDataItem(raw), message }
  }

  /** The signed bytes of a slot; the message's are null when it is a transaction, and for a tick. */
  async signed(record: LogRecord): Promise<{ readonly assignment: Uint8Array; readonly message: Uint8Array | null }> {
    const { archive } = this.#deps
    const [assignment, message] = await Promise.all([
      archive.itemRaw(record.assignment, ASSIGNMENT_BYTES_MAX),
      record.cron === undefined ? archive.itemRaw(record.message, MESSAGE_BYTES_MAX + itemHeaderBytesMax()) : null,
    ])
    if (assignment === null) throw gone(record)
    return { assignment, message }
  }

  #use<T>(process: TxId, work: (runner: Runner) => Promise<T>): Promise<T> {
    return insist(() => this.#compute.use(process, work))
  }
}

const ASSIGNMENT_BYTES_MAX = 64 * 1024

/** Again when the process came to rest meanwhile, which lasts a moment. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RunnerRetired)) throw error
    }
  }
}

function gone({ slot, message }: LogRecord): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what: 'bodies' }, `slot ${slot} names ${message}, which is gone; run "heddle doctor"`)
}
