/**
 * One worker thread as the pool sees it: sends it jobs, settles them as answers come, and watches the clock.
 *
 * Invariants  Answers come in the order of the jobs, so the first unsettled job is the one that runs. When it runs for longer than
 *             `timeMsMax` the thread is ended: a loop without end in a guest cannot be stopped otherwise. A slot that has ended is
 *             never used again; `onEnded` says which job was running.
 */
import { Worker } from 'node:worker_threads'
import { errorText, HeddleError } from '../base/errors.ts'
import type { SharedCode } from './formats.ts'
import { type Answer, type Job, packJobs, type Request, type Response, unpackAnswers, type WorkerSettings } from './worker-wire.ts'

/** Why a worker ended. */
export type EndCause = 'time' | 'crash' | 'stop'

export interface Done {
  readonly bytes: number
  readonly snapshot?: Uint8Array
}

interface Pending {
  /** Called with what answers this kind of job; the other one is never called. */
  readonly answered?: (answer: Answer) => void
  readonly done?: (done: Done) => void
  readonly reject: (error: unknown) => void
}

export interface SlotOptions {
  readonly settings: WorkerSettings
  readonly timeMsMax: number
  readonly onReady: (code: SharedCode) => void
  /** Called once, before the jobs that are left are rejected; `running` is the job that was under way. */
  readonly onEnded: (slot: WorkerSlot, cause: EndCause, reason: string) => void
}

/** Guests recurse through JavaScript frames; Lua's own limits end a recursion long before this much is used. */
const WORKER_STACK_MB = 16
const LOOKS_PER_LIMIT = 20

export class WorkerSlot {
  readonly #worker: Worker
  readonly #options: SlotOptions
  /** In the order sent. */
  readonly #pending = new Map<number, Pending>()
  #outbox: Job[] = []
  #isFlushing = false
  /** How often the watch looked since the first pending job began. Counted, since clocks also run while this thread is held up. */
  #looks = 0
  #isReady = false
  readonly #watch: NodeJS.Timeout
  #hasEnded = false

  constructor(options: SlotOptions) {
    this.#options = options
    this.#worker = new Worker(new URL('./guest-worker.ts', import.meta.url), {
      workerData: options.settings,
      env: {},
      execArgv: [],
      resourceLimits: { stackSizeMb: WORKER_STACK_MB },
    })
    this.#worker.on('message', (response: Response) => this.#receive(response))
    this.#worker.on('error', (error) => this.#end('crash', errorText(error)))
    this.#worker.on('exit', (code) => this.#end('crash', `it ended with code ${code}`))
    this.#worker.unref()
    this.#watch = setInterval(() => this.#checkTime(), options.timeMsMax / LOOKS_PER_LIMIT)
    this.#watch.unref()
  }

  get jobs(): number {
    return this.#pending.size
  }

  /** Evaluations collected until the end of the current turn travel together. */
  evaluate(job: Job): Promise<Answer> {
    this.#outbox.push(job)
    if (!this.#isFlushing) {
      this.#isFlushing = true
      queueMicrotask(() => this.#flush())
    }
    return new Promise((answered, reject) => this.#track(job.job, { answered, reject }))
  }

  request(request: Exclude<Request, { kind: 'evaluate' }>): Promise<Done> {
    this.#flush()
    if (!this.#hasEnded) this.#worker.postMessage(request)
    return new Promise((done, reject) => this.#track(request.job, { done, reject }))
  }

  async stop(): Promise<void> {
    this.#end('stop', 'the node is stopping')
    await this.#worker.terminate()
  }

  #track(job: number, pending: Pending): void {
    if (this.#hasEnded) {
      pending.reject(new WorkerEnded('crash', 'the worker has ended'))
      return
    }
    if (this.#pending.size === 0) this.#beginWork()
    this.#pending.set(job, pending)
  }

  #flush(): void {
    this.#isFlushing = false
    if (this.#outbox.length === 0 || this.#hasEnded) return
    const batch = packJobs(this.#outbox)
    this.#outbox = []
    this.#worker.postMessage({ kind: 'evaluate', batch } satisfies Request, [batch.buffer])
  }

  #receive(response: Response): void {
    if (response.kind === 'ready') {
      this.#isReady = true
      this.#options.onReady(response.code)
      return
    }
    if (response.kind === 'answers') {
      for (const answer of unpackAnswers(response.batch)) this.#settle(answer.job)?.answered?.(answer)
      return
    }
    const pending = this.#settle(response.job)
    if (response.kind === 'done') pending?.done?.(response)
    else pending?.reject(new HeddleError(response.failure.code, response.failure.facts, response.failure.message))
  }

  #settle(job: number): Pending | undefined {
    const pending = this.#pending.get(job)
    this.#pending.delete(job)
    this.#looks = 0
    if (this.#pending.size === 0) this.#worker.unref()
    return pending
  }

  /** While jobs are under way the worker keeps the program alive. */
  #beginWork(): void {
    this.#looks = 0
    this.#worker.ref()
  }

  #checkTime(): void {
    if (this.#pending.size === 0 || !this.#isReady) return
    this.#looks += 1
    if (this.#looks > LOOKS_PER_LIMIT) this.#end('time', `a message ran for more than ${this.#options.timeMsMax} ms`)
  }

  #end(cause: EndCause, reason: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#watch)
    this.#worker.terminate().catch(() => {}) // Nothing of it is used again, however it ends.
    this.#options.onEnded(this, cause, reason)
    let isFirst = true
    for (const pending of this.#pending.values()) {
      pending.reject(new WorkerEnded(cause === 'time' && !isFirst ? 'crash' : cause, reason))
      isFirst = false
    }
    this.#pending.clear()
  }
}

/** What jobs are rejected with when their worker ends: `cause` is `time` only for the job that ran too long. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded'
  readonly why: EndCause

  constructor(why: EndCause, message: string) {
    super(message)
    this.why = why
  }
}
