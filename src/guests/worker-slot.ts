/**
 * One worker thread as the pool sees it: sends it jobs, settles them as answers come, and watches the clock.
 *
 * Invariants  Answers come in the order of the jobs, so the first unsettled job is the one that runs. When it runs for longer than
 *             `timeMsMax` the thread is ended: a loop without end in a guest cannot be stopped otherwise. Time in which it waits for files
 *             of this node is not its own, and has a bound of its own, GUEST_FILES_MS_MAX. When both together are longer than
 *             GUEST_STALL_MS, `onStalled` says so again and again, so that the jobs behind it can be withdrawn and done elsewhere.
 *             A slot that has ended is never used again. A thread whose JavaScript heap is full ends alone: the node goes on.
 */
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { errorText, HeddleError } from '../base/errors.ts'
import { GUEST_FILES_MS_MAX, GUEST_STALL_MS, GUEST_WORKER_HEAP_BYTES_MAX } from '../base/limits.ts'
import type { SharedCode } from './formats.ts'
import type { GuestEnv } from './guest.ts'
import { FileDesk, type FileRequest, type FileSource } from './host-bridge.ts'
import {
  type Answer,
  type Job,
  type KeptState,
  packJobs,
  type Request,
  type Response,
  unpackAnswers,
  type WorkerSettings,
} from './worker-wire.ts'

/** Why a worker ended. */
export type EndCause = 'time' | 'crash' | 'stop'

export interface Done {
  readonly bytes: number
  readonly kept?: KeptState
}

interface Pending {
  readonly handle: number
  readonly isWithdrawn?: boolean
  /** Called with what answers this kind of job; the other one is never called. */
  readonly answered?: (answer: Answer) => void
  readonly done?: (done: Done) => void
  readonly reject: (error: unknown) => void
}

export interface SlotOptions {
  readonly settings: Omit<WorkerSettings, 'files'>
  readonly timeMsMax: number
  /** Null: programs see no files. */
  readonly files: { readonly source: FileSource; readonly waitMsMax?: number } | null
  readonly heapBytesMax?: number
  /** What the process was opened with; null when it is not open any more. */
  readonly envOf: (handle: number) => GuestEnv | null
  readonly onReady: (code: SharedCode) => void
  /** Called once, before the jobs that are left are rejected. */
  readonly onEnded: (slot: WorkerSlot, cause: EndCause, reason: string) => void
  /** The job of this process keeps the others waiting. */
  readonly onStalled: (slot: WorkerSlot, handle: number) => void
}

/** Guests recurse through JavaScript frames; Lua's own limits end a recursion long before this much is used. */
const WORKER_STACK_MB = 16
const MB = 1024 * 1024
const LOOK_MS_MAX = 50
// The published build has the same file as JavaScript.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './guest-worker.ts' : './guest-worker.js', import.meta.url)
const LOOKS_PER_LIMIT_MIN = 20

/** A thread reads compiled code from where this one does, which halves its start. It learns nothing else of where it runs. */
function workerEnv(): Readonly<Record<string, string>> {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) } // Node adds a folder for its version.
}

export class WorkerSlot {
  readonly #worker: Worker
  readonly #options: SlotOptions
  readonly #lookMs: number
  /** In the order sent. */
  readonly #pending = new Map<number, Pending>()
  #outbox: Job[] = []
  #isFlushing = false
  readonly #desk: FileDesk | null
  /** How often the watch looked since the first pending job began. Counted, since clocks also run while this thread is held up. */
  #looks = 0
  /** How many of these saw the job wait for a file. */
  #fileLooks = 0
  #isReady = false
  #watch: NodeJS.Timeout | null = null
  #hasEnded = false
  /** Processes that the pool has open here; the pool counts. */
  processes = 0

  constructor(options: SlotOptions) {
    this.#options = options
    this.#lookMs = Math.min(LOOK_MS_MAX, options.timeMsMax / LOOKS_PER_LIMIT_MIN)
    this.#desk = options.files === null ? null : new FileDesk(options.files.source)
    this.#worker = new Worker(ENTRY, {
      workerData: { ...options.settings, files: this.#desk?.bridge ?? null } satisfies WorkerSettings,
      env: workerEnv(),
      execArgv: [],
      resourceLimits: {
        stackSizeMb: WORKER_STACK_MB,
        maxOldGenerationSizeMb: (options.heapBytesMax ?? GUEST_WORKER_HEAP_BYTES_MAX) / MB,
      },
    })
    this.#worker.on('message', (response: Response) => this.#receive(response))
    this.#worker.on('error', (error) => this.#end('crash', errorText(error)))
    this.#worker.on('exit', (code) => this.#end('crash', `it ended with code ${code}`))
    this.#worker.unref()
  }

  get jobs(): number {
    return this.#pending.size
  }

  /** One job has run for so long that others should not wait for it. */
  get isStalled(): boolean {
    return this.#looks * this.#lookMs >= GUEST_STALL_MS
  }

  /** Evaluations collected until the end of the current turn travel together. */
  evaluate(job: Job): Promise<Answer> {
    this.#outbox.push(job)
    if (!this.#isFlushing) {
      this.#isFlushing = true
      queueMicrotask(() => this.#flush())
    }
    const { handle } = job
    return new Promise((answered, reject) => this.#track(job.job, { handle, answered, reject }))
  }

  request(request: Exclude<Request, { kind: 'evaluate' }>): Promise<Done> {
    this.#flush()
    if (!this.#hasEnded) this.#worker.postMessage(request)
    const { handle } = request
    return new Promise((done, reject) => this.#track(request.job, { handle, done, reject }))
  }

  /** Do jobs of other processes wait while this one's runs? */
  hasJobsBehind(running: number): boolean {
    return [...this.#pending.values()].some(({ handle, isWithdrawn }) => handle !== running && isWithdrawn !== true)
  }

  /** Gives up on the jobs of all other processes, and tells which those are. The worker still does them when their turn comes, for nobody. */
  withdrawAllBut(running: number): ReadonlySet<number> {
    const handles = new Set<number>()
    for (const [job, { handle, isWithdrawn, reject }] of this.#pending) {
      if (handle === running || isWithdrawn === true) continue
      handles.add(handle)
      this.#pending.set(job, { handle, isWithdrawn: true, reject: () => {} }) // Stays, since the worker works through all jobs in order.
      reject(new WorkerEnded('crash', false, 'its worker is busy with another process'))
    }
    return handles
  }

  /** Ends the thread at once, as if it had failed by itself. */
  crash(): void {
    this.#end('crash', 'it was ended on purpose')
  }

  async stop(): Promise<void> {
    this.#end('stop', 'the node is stopping')
    await this.#worker.terminate()
  }

  #track(job: number, pending: Pending): void {
    if (this.#hasEnded) {
      pending.reject(new WorkerEnded('crash', false, 'the worker has ended'))
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
    if (response.kind === 'file') {
      this.#serveFile(response.request)
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
    this.#resetLooks()
    if (this.#pending.size === 0 && !this.#hasEnded) this.#worker.unref() // Whoever ends it waits until it has ended.
    return pending
  }

  /** While jobs are under way the worker keeps the program alive. */
  #beginWork(): void {
    this.#resetLooks()
    this.#worker.ref()
    if (this.#watch !== null) return
    this.#watch = setInterval(() => this.#look(), this.#lookMs)
    this.#watch.unref()
  }

  #look(): void {
    const [running] = this.#pending.values()
    if (running === undefined) {
      this.#stopWatch()
      return
    }
    if (!this.#isReady) return
    this.#looks += 1
    if (this.#desk?.isBusy === true) this.#fileLooks += 1
    const { timeMsMax, files, onStalled } = this.#options
    const filesMsMax = files?.waitMsMax ?? GUEST_FILES_MS_MAX
    if ((this.#looks - this.#fileLooks) * this.#lookMs > timeMsMax)
      this.#end('time', `this node stops a message that runs for more than ${timeMsMax} ms`)
    else if (this.#fileLooks * this.#lookMs > filesMsMax)
      this.#end('time', `this node stops a message that waits for files for more than ${filesMsMax} ms`)
    else if (this.isStalled) onStalled(this, running.handle)
  }

  #resetLooks(): void {
    this.#looks = 0
    this.#fileLooks = 0
  }

  #serveFile(request: FileRequest): void {
    if (this.#desk === null || this.#hasEnded) return
    void this.#desk.serve(request, request.op === 'open' ? this.#options.envOf(request.handle) : null)
  }

  #stopWatch(): void {
    if (this.#watch !== null) clearInterval(this.#watch)
    this.#watch = null
  }

  #end(cause: EndCause, reason: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#stopWatch()
    this.#desk?.close()
    this.#worker.terminate().catch(() => {}) // Nothing of it is used again, however it ends.
    this.#options.onEnded(this, cause, reason)
    let isRunning = this.#isReady
    for (const pending of this.#pending.values()) {
      pending.reject(new WorkerEnded(cause, isRunning, reason))
      isRunning = false
    }
    this.#pending.clear()
  }
}

/** What jobs are rejected with when their worker ends, or is busy for too long. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded'
  readonly why: EndCause
  /** It was this job that the worker was at. */
  readonly wasRunning: boolean

  constructor(why: EndCause, wasRunning: boolean, message: string) {
    super(message)
    this.why = why
    this.wasRunning = wasRunning
  }
}
