/** One thread of the query index as seen from outside: calls become promises. */
import { Worker } from 'node:worker_threads'
import { HeddleError } from '../../base/errors.ts'
import { TooSlow } from './sqlite-index-reader.ts'
import type { IndexCalls, WorkerAnswer, WorkerSetup } from './sqlite-index-worker.ts'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

// The published build has the same file as JavaScript.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './sqlite-index-worker.ts' : './sqlite-index-worker.js', import.meta.url)

export class IndexThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #seq = 0
  #ended: HeddleError<'store-failed'> | HeddleError<'stopping'> | null = null

  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(ENTRY, { workerData: setup, name: `index ${setup.role}` })
    this.#worker.on('message', (answer: WorkerAnswer) => this.#settle(answer))
    this.#worker.on('error', (cause) =>
      this.#end(new HeddleError('store-failed', { what: 'query index' }, 'a thread of the query index died', { cause })),
    )
    this.#worker.on('exit', () => this.#end(new HeddleError('stopping', {}, 'the query index is closed')))
    this.#worker.unref()
  }

  get isAlive(): boolean {
    return this.#ended === null
  }

  get load(): number {
    return this.#waiting.size
  }

  call<Name extends keyof IndexCalls>(
    name: Name,
    args: Parameters<IndexCalls[Name]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<IndexCalls[Name]>> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const seq = ++this.#seq
      // The process may end while nobody waits for the index, but not in the middle of a call.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(seq, { resolve: resolve as (value: unknown) => void, reject })
      this.#worker.postMessage({ seq, call: name, args }, [...transfer])
    })
  }

  /** Finishes the calls under way. */
  async close(): Promise<void> {
    if (this.#ended !== null) return
    await this.call('close', [])
    await this.#worker.terminate()
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.seq)!
    this.#waiting.delete(answer.seq)
    if (this.#waiting.size === 0) this.#worker.unref()
    if ('value' in answer) waiting.resolve(answer.value)
    else if ('isTooSlow' in answer) waiting.reject(new TooSlow())
    else if ('failure' in answer) waiting.reject(new HeddleError(answer.failure.code, answer.failure.facts, answer.failure.message))
    else waiting.reject(answer.bug)
  }

  #end(error: HeddleError<'store-failed'> | HeddleError<'stopping'>): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
  }
}
