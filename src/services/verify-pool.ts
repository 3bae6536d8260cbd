/**
 * Verifies data items in threads of its own, many at once.
 *
 * On the main thread even an asynchronous verification costs 90 µs of hashing, key look-up and thread pool hand-over, as much as everything else that
 * an upload needs there. In batches it costs 5 µs (bench: uploads).
 *
 * Invariants  Answers come in any order. A thread that dies costs nothing but time: its items are verified again, on the main thread.
 */
import { Worker } from 'node:worker_threads'
import { VERIFY_BATCH_BYTES_MAX, VERIFY_BATCH_ITEMS_MAX } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { type DataItem, verifyDataItem } from '../codec/data-item.ts'
import type { VerifyAnswer, VerifyBatch } from './verify-worker.ts'

interface Job {
  readonly item: DataItem
  readonly resolve: (valid: boolean) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  /** What it works on, by batch. */
  readonly batches: Map<number, readonly Job[]>
  isReady: boolean
}

/** While one batch is worked on, the next lies ready. */
const BATCHES_AHEAD = 1
// The published build has the same file as JavaScript.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './verify-worker.ts' : './verify-worker.js', import.meta.url)

export class VerifyPool {
  readonly #log: Log
  readonly #size: number
  #threads: Thread[] = []
  #queue: Job[] = []
  #seq = 0
  #isFlushDue = false
  #isStopped = false

  constructor({ threads, log }: { readonly threads: number; readonly log: Log }) {
    this.#size = threads
    this.#log = log
  }

  /** Is the item signed by its owner? */
  verify(item: DataItem): Promise<boolean> {
    if (this.#threads.length === 0 && !this.#isStopped) this.#start()
    if (!this.#threads.some(({ isReady }) => isReady)) return verifyDataItem(item)
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject })
      if (this.#isFlushDue) return
      this.#isFlushDue = true
      setImmediate(() => {
        this.#isFlushDue = false
        this.#flush()
      })
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    const threads = this.#threads
    this.#threads = []
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  /** Threads start when the first item comes, so that they do not slow the start of the node. */
  #start(): void {
    for (let i = 0; i < this.#size; i++) {
      const thread: Thread = { worker: new Worker(ENTRY, { name: 'verify' }), batches: new Map(), isReady: false }
      thread.worker.unref()
      thread.worker.once('online', () => {
        thread.isReady = true
      })
      thread.worker.on('message', (answer: VerifyAnswer) => this.#settle(thread, answer))
      thread.worker.on('error', (error) => this.#log.error({ error: error.message }, 'a verification thread died'))
      thread.worker.once('exit', () => this.#drop(thread))
      this.#threads.push(thread)
    }
  }

  #flush(): void {
    for (const thread of this.#threads) {
      while (this.#queue.length > 0 && thread.isReady && thread.batches.size < BATCHES_AHEAD) this.#send(thread, this.#takeBatch())
    }
  }

  /** A fair share of what waits, so that all threads have work. */
  #takeBatch(): Job[] {
    const share = Math.ceil(this.#queue.length / this.#threads.length)
    const jobs: Job[] = []
    let bytes = 0
    while (jobs.length < Math.min(share, VERIFY_BATCH_ITEMS_MAX) && bytes < VERIFY_BATCH_BYTES_MAX) {
      const job = this.#queue[jobs.length]
      if (job === undefined) break
      jobs.push(job)
      bytes += job.item.raw.length
    }
    this.#queue = this.#queue.slice(jobs.length)
    return jobs
  }

  #send(thread: Thread, jobs: readonly Job[]): void {
    const bytes = new Uint8Array(jobs.reduce((sum, { item }) => sum + item.raw.length, 0))
    const ends: number[] = []
    let at = 0
    for (const { item } of jobs) {
      bytes.set(item.raw, at)
      at += item.raw.length
      ends.push(at)
    }
    const seq = ++this.#seq
    thread.batches.set(seq, jobs)
    thread.worker.postMessage({ seq, bytes, ends } satisfies VerifyBatch, [bytes.buffer])
  }

  #settle(thread: Thread, { seq, valid }: VerifyAnswer): void {
    const jobs = thread.batches.get(seq) ?? []
    thread.batches.delete(seq)
    this.#flush()
    for (const [i, { resolve }] of jobs.entries()) resolve(valid[i]!)
  }

  #drop(thread: Thread): void {
    this.#threads = this.#threads.filter((other) => other !== thread)
    const orphans = [...thread.batches.values()].flat()
    if (this.#threads.length === 0) orphans.push(...this.#queue.splice(0))
    for (const { item, resolve, reject } of orphans) verifyDataItem(item).then(resolve, reject)
    this.#flush()
  }
}
