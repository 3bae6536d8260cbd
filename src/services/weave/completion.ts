/** Tells those who care (the unbundler) that every byte of a transaction's data is here. */
import { errorText } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { KvWrite } from '../../store/kv-store.ts'

export type CompletionListener = (id: TxId) => Promise<void>
/** For a bundle, writes that travel in the same commit as its last byte: a crash before the listeners ran leaves a trace of what they have to do. */
export type CompletionWrites = (id: TxId) => readonly KvWrite[]

export class Completion {
  readonly #listeners = new Set<CompletionListener>()
  readonly #log: Log
  readonly #writes: CompletionWrites

  constructor(log: Log, writes: CompletionWrites) {
    this.#log = log
    this.#writes = writes
  }

  writes(references: Iterable<readonly [TxId, { readonly isBundle: boolean; readonly isOwn: boolean }]>): KvWrite[] {
    return [...references].flatMap(([id, { isBundle, isOwn }]) => (isBundle && !isOwn ? this.#writes(id) : []))
  }

  listen(listener: CompletionListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A listener's failure is its own: the data is stored, and the upload stands. */
  async announce(ids: readonly TxId[]): Promise<void> {
    const runs = ids.flatMap((id) => [...this.#listeners].map((listener) => this.#run(listener, id)))
    await Promise.all(runs)
  }

  async #run(listener: CompletionListener, id: TxId): Promise<void> {
    try {
      await listener(id)
    } catch (error) {
      this.#log.error({ id, error: errorText(error) }, 'a listener failed on complete data')
    }
  }
}
