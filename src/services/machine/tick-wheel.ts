/**
 * The clock behind all monitors: one timer, which looks at a process when its next tick is due.
 *
 * Invariants  No process is looked at twice at once, and few are at one time; one that takes long holds up nobody else. While there is anything
 *             to watch the wheel turns once a second at least, so that new blocks, and a clock that was set, are noticed.
 */
import type { Clock } from '../../base/clock.ts'
import { errorText } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { NextTick } from './cron-ticks.ts'

export interface TickWheelDeps {
  readonly clock: Clock
  readonly height: () => number
  /** Gives a process what is due; tells when to look again, null for never. */
  readonly look: (process: TxId) => Promise<NextTick | null>
  readonly logger: Log
}

interface Watched {
  atMs: number
  waitsForBlocks: boolean
  /** Of the chain when it was looked at. */
  height: number
  /** In a row. */
  failures: number
  /** Waits for its turn to be looked at, or is being looked at. */
  isTaken: boolean
}

const LOOKS_AT_ONCE = 32
const TURN_MS_MAX = 1_000
const RETRY_MS = 1_000
const RETRY_MS_MAX = 60_000

export class TickWheel {
  readonly #deps: TickWheelDeps
  readonly #watched = new Map<TxId, Watched>()
  readonly #queue: TxId[] = []
  readonly #looking = new Set<Promise<void>>()
  #timer: { readonly handle: NodeJS.Timeout; readonly atMs: number } | null = null
  #isStopped = false

  constructor(deps: TickWheelDeps) {
    this.#deps = deps
  }

  /** Looks at it now, and from then on whenever it is due. */
  watch(process: TxId): void {
    if (this.#isStopped || this.#watched.has(process)) return
    const atMs = this.#deps.clock.nowMs()
    this.#watched.set(process, { atMs, waitsForBlocks: false, height: -1, failures: 0, isTaken: false })
    this.#wakeAt(atMs)
  }

  forget(process: TxId): void {
    this.#watched.delete(process)
  }

  /** Waits for those who are being looked at. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer.handle)
    await Promise.all(this.#looking)
  }

  #wakeAt(atMs: number): void {
    if (this.#isStopped || (this.#timer !== null && this.#timer.atMs <= atMs)) return
    if (this.#timer !== null) clearTimeout(this.#timer.handle)
    const handle = setTimeout(() => this.#turn(), Math.max(Math.ceil(atMs - this.#deps.clock.nowMs()), 1))
    handle.unref()
    this.#timer = { handle, atMs }
  }

  #turn(): void {
    this.#timer = null
    const { clock, height } = this.#deps
    const [now, tip] = [clock.nowMs(), height()]
    let nextMs = now + TURN_MS_MAX
    for (const [process, watched] of this.#watched) {
      if (watched.isTaken) continue
      if (watched.atMs <= now || (watched.waitsForBlocks && watched.height !== tip)) {
        watched.isTaken = true
        this.#queue.push(process)
      } else nextMs = Math.min(nextMs, watched.atMs)
    }
    this.#pump()
    if (this.#watched.size > 0) this.#wakeAt(nextMs)
  }

  #pump(): void {
    while (this.#looking.size < LOOKS_AT_ONCE && !this.#isStopped) {
      const process = this.#queue.shift()
      if (process === undefined) return
      const look = this.#look(process).finally(() => {
        this.#looking.delete(look)
        this.#pump()
      })
      this.#looking.add(look)
    }
  }

  async #look(process: TxId): Promise<void> {
    const watched = this.#watched.get(process)
    if (watched === undefined) return
    watched.height = this.#deps.height()
    try {
      const next = await this.#deps.look(process)
      if (next === null && this.#watched.get(process) === watched) this.#watched.delete(process)
      if (next === null) return
      Object.assign(watched, next, { failures: 0 })
    } catch (error) {
      this.#deps.logger.warn({ process, error: errorText(error) }, 'the crons of a process could not be looked at')
      watched.atMs = this.#deps.clock.nowMs() + Math.min(RETRY_MS * 2 ** watched.failures, RETRY_MS_MAX)
      watched.failures += 1
    }
    watched.isTaken = false
    this.#wakeAt(watched.atMs)
  }
}
