/**
 * When blocks are sealed in the dev profile.
 *
 * `instant`: before the upload is acknowledged. `auto`: soon after something entered the mempool. `manual`: only when asked (`/mine`).
 * Invariants  Without transactions no block is made, except by the optional heartbeat. After `stop` nothing runs any more.
 */
import { errorText } from '../../base/errors.ts'
import { SEAL_DELAY_MS } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'

export type SealMode = 'instant' | 'auto' | 'manual'

export interface SealerDeps {
  readonly mode: SealMode
  /** From the first transaction to the block, in `auto`; SEAL_DELAY_MS if null. */
  readonly delayMs: number | null
  /** Seals a block although nothing waits, this often. */
  readonly heartbeatMs: number | null
  readonly seal: () => Promise<unknown>
  /** Nothing happens when nothing waits any more by the time it is done. */
  readonly sealWaiting: () => Promise<unknown>
  readonly isWaiting: () => boolean
  readonly log: Log
}

export class Sealer {
  readonly #deps: SealerDeps
  #timer: NodeJS.Timeout | null = null
  #heartbeat: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(deps: SealerDeps) {
    this.#deps = deps
  }

  start(): void {
    const { heartbeatMs, isWaiting, mode } = this.#deps
    if (heartbeatMs !== null) this.#heartbeat = setInterval(() => this.#run(true), heartbeatMs).unref()
    if (isWaiting() && mode !== 'manual') this.#soon()
  }

  /** Something entered the mempool. */
  async notice(): Promise<void> {
    switch (this.#deps.mode) {
      case 'instant':
        await this.#run(false)
        return
      case 'auto':
        this.#soon()
        return
      case 'manual':
        return
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    await this.#running
  }

  #soon(): void {
    if (this.#timer !== null || this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#run(false)
    }, this.#deps.delayMs ?? SEAL_DELAY_MS).unref()
  }

  #run(isHeartbeat: boolean): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    const sealing = this.#attempt(isHeartbeat)
    this.#running = Promise.all([this.#running, sealing]).then(() => {})
    return sealing
  }

  async #attempt(isHeartbeat: boolean): Promise<void> {
    try {
      await (isHeartbeat ? this.#deps.seal() : this.#deps.sealWaiting())
      if (this.#deps.mode === 'auto' && this.#deps.isWaiting()) this.#soon()
    } catch (error) {
      this.#deps.log.error({ error: errorText(error) }, 'sealing a block failed')
    }
  }
}
