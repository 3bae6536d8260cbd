/**
 * How much may be sent: so much for each message from outside and each tick, and so much each second for what the ticks of a process set off.
 *
 * Depth and fan-out are bounded where the outbox is read, see outbox.ts. They alone do not help against two messages for every one, which fill the
 * world before any depth is reached, nor against a process that begins anew with every tick.
 *
 * Invariants  Counted in memory: a restart gives a new allowance. What is cut is named in the result of whoever sent it. A process whose ticks caused too
 *             much does not tick until that is paid back, so that nothing is lost on the way: a notice that is cut may leave coins nowhere.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { CRON_PUSHES_BURST_MAX, CRON_PUSHES_PER_SECOND_MAX, PUSHES_PER_ORIGIN_MAX } from '../../base/limits.ts'
import { CRON_ORIGIN, CUT } from './outbox.ts'
import type { ProcessLog } from './process-log.ts'
import type { LogRecord } from './records.ts'

export interface PushBudgetDeps {
  readonly clock: Clock
  readonly log: Pick<ProcessLog, 'processOf'>
}

interface Bucket {
  left: number
  atMs: number
}

const ORIGINS_COUNTED = 50_000
const PROCESSES_COUNTED = 10_000

export class PushBudget {
  readonly #deps: PushBudgetDeps
  readonly #sent = new LRUCache<string, number>({ max: ORIGINS_COUNTED })
  /** Whose tick it was. */
  #ticking: LRUCache<string, TxId> | null = null // Until a cron ticks: large caches take their room when they are made.
  #buckets: LRUCache<TxId, Bucket> | null = null

  constructor(deps: PushBudgetDeps) {
    this.#deps = deps
  }

  /** Takes `count` deliveries of what this slot of the process sends; throws `limit-reached` when there are not that many left. */
  async spend(process: TxId, { origin, depth }: Pick<LogRecord, 'origin' | 'depth'>, count: number): Promise<void> {
    const sent = (this.#sent.get(origin) ?? 0) + count
    if (sent > PUSHES_PER_ORIGIN_MAX)
      throw cut('pushes of one message', PUSHES_PER_ORIGIN_MAX, `${named(origin)} has caused ${PUSHES_PER_ORIGIN_MAX} messages already`)
    if (origin.startsWith(CRON_ORIGIN)) this.#charge(await this.#owner(process, origin, depth), count)
    this.#sent.set(origin, (this.#sent.get(origin) ?? 0) + count)
  }

  /** Have its ticks caused no more than they may? */
  mayTick(process: TxId): boolean {
    const bucket = this.#buckets?.get(process)
    return bucket === undefined || bucket.left > 0 || this.#left(bucket) > 0
  }

  #charge(process: TxId, count: number): void {
    this.#buckets ??= new LRUCache({ max: PROCESSES_COUNTED })
    const bucket = this.#buckets.get(process)
    const left = bucket === undefined ? CRON_PUSHES_BURST_MAX : this.#left(bucket)
    this.#buckets.set(process, { left: left - count, atMs: this.#deps.clock.nowMs() })
  }

  #left({ left, atMs }: Bucket): number {
    const gained = (Math.max(0, this.#deps.clock.nowMs() - atMs) / 1000) * CRON_PUSHES_PER_SECOND_MAX
    return Math.min(CRON_PUSHES_BURST_MAX, left + gained)
  }

  async #owner(process: TxId, origin: string, depth: number): Promise<TxId> {
    this.#ticking ??= new LRUCache({ max: ORIGINS_COUNTED })
    const known = this.#ticking.get(origin)
    if (known !== undefined) return known
    const found = depth === 0 ? process : await this.#deps.log.processOf(origin.slice(CRON_ORIGIN.length) as TxId)
    const owner = found ?? process
    this.#ticking.set(origin, owner)
    return owner
  }
}

function named(origin: string): string {
  return origin.startsWith(CRON_ORIGIN) ? `the tick ${origin.slice(CRON_ORIGIN.length)}` : `message ${origin}`
}

function cut(what: string, max: number, message: string): HeddleError<'limit-reached'> {
  return new HeddleError('limit-reached', { what, max }, CUT + message)
}
