/** Remembers for a while why transactions were refused, so that GET /tx/{id} can tell. In memory only, and bounded. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import type { TxId } from '../../base/ids.ts'
import { REJECTION_CACHE_MAX, REJECTION_MS } from '../../base/limits.ts'

interface Rejection {
  readonly rules: readonly string[]
  readonly atMs: number
}

export class Rejections {
  readonly #byId = new LRUCache<TxId, Rejection>({ max: REJECTION_CACHE_MAX })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(id: TxId, rules: readonly string[]): void {
    this.#byId.set(id, { rules, atMs: this.#clock.nowMs() })
  }

  /** Names of the rules it broke; null when it was not refused lately. */
  find(id: TxId): readonly string[] | null {
    const rejection = this.#byId.get(id)
    return rejection !== undefined && this.#clock.nowMs() - rejection.atMs < REJECTION_MS ? rejection.rules : null
  }
}
