/** What never changes about a process, read once: its item, its module, the environment that its program sees. */
import { LRUCache } from 'lru-cache'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { findTag } from '../../codec/tags.ts'
import type { GuestEnv } from '../../guests/guest.ts'
import { type Fork, forkOf } from './fork.ts'
import { guestEnv } from './guest-message.ts'
import type { Heads } from './heads.ts'
import { unknownProcess } from './scheduler.ts'
import type { SourceMessage, Sources } from './sources.ts'

export interface ProcessFacts {
  readonly source: SourceMessage
  /** Null for a process that began by itself. */
  readonly fork: Fork | null
  /** The id that its program has for itself: its own, or that of the first original. */
  readonly self: TxId
  readonly module: TxId
  /** Its Scheduler tag. */
  readonly scheduler: string
  readonly env: GuestEnv
}

const FACTS_REMEMBERED = 2_000

export class FactsReader {
  readonly #heads: Heads
  readonly #sources: Sources
  readonly #known = new LRUCache<TxId, ProcessFacts>({ max: FACTS_REMEMBERED })

  constructor(heads: Heads, sources: Sources) {
    this.#heads = heads
    this.#sources = sources
  }

  /** Throws `process-unknown`. */
  async of(process: TxId): Promise<ProcessFacts> {
    const known = this.#known.get(process)
    if (known !== undefined) return known
    const live = await this.#heads.find(process)
    if (live === null) throw unknownProcess(process)
    const source = await this.#sources.message(process)
    if (source === null)
      throw new HeddleError('store-failed', { what: 'bodies' }, `the item of process ${process} is gone; run "heddle doctor"`)
    const { module, authority } = live.head
    const fork = forkOf(source.tags)
    const env = fork === null ? guestEnv(source, await this.#sources.moduleFacts(module), authority) : (await this.of(fork.of)).env
    const facts = { source, fork, self: env.Process.Id as TxId, module, scheduler: findTag(source.tags, 'Scheduler') ?? '', env }
    this.#known.set(process, facts)
    return facts
  }
}
