/**
 * Monitors: who asked that a process be watched, so that its crons tick in time. They survive a restart.
 *
 * Wire        the request is a signed data item whose target is the process; the item itself is not stored.
 * Source      permaweb/ao servers/mu (monitor routes)
 * Invariants  A process is watched once, for all who asked, until the last of them is gone. Each may take back only what they asked for
 *             themselves; the owner of the process may end it for all. A process without crons may be watched, too: nothing happens.
 */

import { toBase64url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { bytesToId, idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { CRON_CATCH_UP_MAX, MONITORED_PROCESSES_MAX, MONITORED_TICKS_PER_SECOND_MAX, MONITORS_PER_PROCESS_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import { type DataItem, decodeDataItem, verifyDataItem } from '../../codec/data-item.ts'
import { ticksPerSecond } from '../../rules/cron.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import type { Heads } from './heads.ts'
import type { FactsReader } from './process-facts.ts'
import { aoAddress } from './protocol.ts'
import { decodeRecord, encodeRecord, type Monitor, type MonitorRecord } from './records.ts'
import { type Chain, type Scheduler, unknownProcess } from './scheduler.ts'
import { TickWheel } from './tick-wheel.ts'

export interface MonitorsDeps {
  readonly kv: Pick<KvStore, 'get' | 'scan'>
  readonly journal: Pick<Journal, 'commit'>
  readonly heads: Heads
  readonly facts: Pick<FactsReader, 'of'>
  readonly clock: Clock
  readonly chain: Pick<Chain, 'height'>
  readonly scheduler: Pick<Scheduler, 'tick'>
  readonly backlog: (process: TxId) => number
  readonly logger: Log
}

const BUSY_MS = 1_000

export class Monitors {
  readonly #deps: MonitorsDeps
  readonly #wheel: TickWheel
  /** Ticks per second that those who are watched ask for. */
  readonly #rates = new Map<TxId, number>()
  /** Changes are made one after the other. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(deps: MonitorsDeps) {
    this.#deps = deps
    const { clock, chain, logger } = deps
    this.#wheel = new TickWheel({ clock, logger, height: () => chain.height(), look: (process) => this.#look(process) })
  }

  /** Takes up what an earlier run watched. */
  async start(): Promise<void> {
    for await (const { key } of this.#deps.kv.scan('monitors')) await this.#watch(bytesToId(key))
  }

  async stop(): Promise<void> {
    await this.#wheel.stop()
    await this.#changing.catch(() => {})
  }

  async find(process: TxId): Promise<MonitorRecord | null> {
    const bytes = await this.#deps.kv.get('monitors', idBytes(process))
    return bytes === null ? null : decodeRecord<MonitorRecord>(bytes)
  }

  /** Asking again changes nothing. */
  async add(raw: Uint8Array): Promise<MonitorRecord> {
    const { item, process } = await this.#read(raw)
    return this.#inTurn(async () => {
      const monitors = (await this.find(process))?.monitors ?? []
      const monitor: Monitor = { owner: aoAddress(item.owner), item: item.id, sinceMs: this.#deps.clock.nowMs() }
      if (monitors.some(({ owner }) => owner === monitor.owner)) return { process, monitors }
      if (monitors.length >= MONITORS_PER_PROCESS_MAX)
        throw full(
          'monitors of a process',
          MONITORS_PER_PROCESS_MAX,
          `process ${process} is watched for ${monitors.length} wallets already`,
        )
      await this.#admit(process)
      await this.#write(process, [...monitors, monitor])
      await this.#watch(process)
      return { process, monitors: [...monitors, monitor] }
    })
  }

  async remove(raw: Uint8Array): Promise<void> {
    const { item, process } = await this.#read(raw)
    await this.#inTurn(async () => {
      const monitors = (await this.find(process))?.monitors ?? []
      const asker = aoAddress(item.owner)
      const rest = await this.#without(process, asker, monitors)
      await this.#write(process, rest)
      if (rest.length > 0) return
      this.#wheel.forget(process)
      this.#rates.delete(process)
    })
  }

  async #without(process: TxId, asker: string, monitors: readonly Monitor[]): Promise<Monitor[]> {
    if (monitors.length === 0)
      throw new HeddleError('not-found', { what: 'monitor', id: process }, `Process monitor not found: nobody watches process ${process}`)
    const owner = aoAddress((await this.#deps.facts.of(process)).source.owner)
    if (asker === owner) return []
    const rest = monitors.filter((one) => one.owner !== asker)
    if (rest.length < monitors.length) return rest
    throw new HeddleError(
      'not-allowed',
      { what: 'monitor' },
      `process ${process} is watched for others than ${asker}: they may end that, or the owner of the process, ${owner}`,
    )
  }

  async #look(process: TxId): ReturnType<Scheduler['tick']> {
    const { scheduler, backlog, clock } = this.#deps
    // One that cannot keep up gets no more to do; what it misses is made up for as far as that goes.
    if (backlog(process) >= CRON_CATCH_UP_MAX) return { atMs: clock.nowMs() + BUSY_MS, waitsForBlocks: false }
    return scheduler.tick(process)
  }

  async #watch(process: TxId): Promise<void> {
    const rate = await this.#rateOf(process)
    if (rate === 0) return
    this.#rates.set(process, rate)
    this.#wheel.watch(process)
  }

  async #admit(process: TxId): Promise<void> {
    const rate = await this.#rateOf(process)
    if (rate === 0 || this.#rates.has(process)) return
    const others = [...this.#rates.values()].reduce((sum, one) => sum + one, 0)
    const hint = `its ticks still come before its next message, and by GET /cron/${process}`
    if (this.#rates.size >= MONITORED_PROCESSES_MAX)
      throw full('monitored processes', MONITORED_PROCESSES_MAX, `this node watches ${this.#rates.size} processes already; ${hint}`)
    if (others + rate > MONITORED_TICKS_PER_SECOND_MAX)
      throw full(
        'ticks per second of monitored processes',
        MONITORED_TICKS_PER_SECOND_MAX,
        `the crons of process ${process} tick ${rate.toFixed(3)} times a second, which is more than this node has left; ${hint}`,
      )
  }

  async #rateOf(process: TxId): Promise<number> {
    const cron = (await this.#deps.heads.find(process))?.head.cron
    return cron === undefined ? 0 : ticksPerSecond(cron)
  }

  async #write(process: TxId, monitors: readonly Monitor[]): Promise<void> {
    const value = monitors.length === 0 ? null : encodeRecord({ process, monitors } satisfies MonitorRecord)
    await this.#deps.journal.commit({ writes: [{ space: 'monitors', key: idBytes(process), value }], events: [] })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work, work)
    this.#changing = done.catch(() => {})
    return done
  }

  async #read(raw: Uint8Array): Promise<{ readonly item: DataItem; readonly process: TxId }> {
    const item = decodeDataItem(raw)
    if (!(await verifyDataItem(item)))
      throw new HeddleError(
        'signature-invalid',
        { id: item.id },
        `the signature of data item ${item.id} does not match its content; sign it again`,
      )
    const process = item.target === null ? '' : toBase64url(item.target)
    if (!isTxId(process))
      throw new HeddleError('request-invalid', { field: 'target' }, 'the data item has no target; set it to the process to monitor')
    if ((await this.#deps.heads.find(process)) === null) throw unknownProcess(process)
    return { item, process }
  }
}

function full(what: string, max: number, message: string): HeddleError<'limit-reached'> {
  return new HeddleError('limit-reached', { what, max }, message)
}
