/**
 * Runs processes in worker threads: each process lives in one worker, stays in memory while there is room, and is handed back when not.
 *
 * Invariants  Calls for one process run in the order in which they were made. A process that is not open is never half open: `isOpen` turns
 *             false in the same turn in which its worker dies or it is evicted, before any listener or promise hears of it.
 *             Only processes with nothing under way are evicted, least recently used first, and never in the turn in which something of
 *             theirs was answered. A process whose jobs wait behind a long
 *             one of another process is given up in its worker, to be opened again in one that is free.
 */
import { type Failures, HeddleError, isFailure } from '../base/errors.ts'
import type { TxId } from '../base/ids.ts'
import { GUEST_GAS_MAX, GUEST_INSTANCES_MAX, GUEST_MEMORY_BYTES_MAX, GUEST_TIME_MS_MAX, RESULT_BYTES_MAX } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { evaluationOf, timedOut } from './evaluation.ts'
import type { SharedCode } from './formats.ts'
import type { Evaluation, GuestEnv, GuestMessage, GuestModule } from './guest.ts'
import type { FileSource } from './host-bridge.ts'
import { sealSnapshot } from './snapshot.ts'
import { encodeValue } from './value-codec.ts'
import { type EndCause, WorkerEnded, WorkerSlot } from './worker-slot.ts'
import type { KeptState } from './worker-wire.ts'

export interface GuestPool {
  /**
   * Boots the module for a new process, or continues from a snapshot. A snapshot of another version is `encoding-invalid`.
   * `process` names the instance here; what the program knows of itself is in `env`, which is another id for forks and past states.
   */
  open(process: TxId, module: GuestModule, env: GuestEnv, snapshot: Uint8Array | null): Promise<void>
  isOpen(process: TxId): boolean
  /** The state is kept when ok, and exactly as before otherwise. `guest-lost` when the process is not, or no longer, open. */
  evaluate(process: TxId, message: GuestMessage): Promise<Evaluation>
  /** As evaluate, but the state is always as before. */
  dryRun(process: TxId, message: GuestMessage): Promise<Evaluation>
  snapshot(process: TxId): Promise<Uint8Array>
  /** All of the program's linear memory, as units of AO's first network keep it; `request-invalid` for formats whose state is more than that. */
  memory(process: TxId): Promise<Uint8Array>
  close(process: TxId): Promise<void>
  /** The worker died, or the process was moved out of it: open it again before the next evaluation. */
  onLost(listener: (process: TxId, reason: string) => void): void
  /**
   * The process was closed to make room: open it again before the next evaluation. Called before anything else can happen to it, so that the
   * listener can take its state along, by calling `takeSnapshot` at once.
   */
  onEvicted(listener: (process: TxId, takeSnapshot: () => Promise<Uint8Array>) => void): void
  stop(): Promise<void>
}

export interface GuestPoolOptions {
  readonly workers: number
  /** State of all open processes together. */
  readonly memoryBytesMax: number
  readonly log: Log
  readonly timeMsMax?: number
  readonly gasMax?: number
  readonly guestMemoryBytesMax?: number
  /** Processes open at once, however small they are. */
  readonly instancesMax?: number
  /** Files that programs see; none unless given. */
  readonly files?: FileSource
  /** That one message may wait for files. */
  readonly filesMsMax?: number
  /** JavaScript heap of each worker. */
  readonly heapBytesMax?: number
  /** For tests: hears of every worker that starts, and may end it at any moment, as a crash would. */
  readonly onWorker?: (worker: { crash(): void }) => void
}

interface OpenProcess {
  readonly process: TxId
  readonly handle: number
  readonly slot: WorkerSlot
  readonly env: GuestEnv
  stateBytes: number
  jobs: number
}

/** Workers that may be added for each one asked for, while those are kept busy by messages that take long. */
const ADDED_PER_WORKER = 1
/** What an instance takes beside its state; copies of states for undoing are bounded in each worker. */
const INSTANCE_BYTES = 256 * 1024

const DEFAULTS = {
  timeMsMax: GUEST_TIME_MS_MAX,
  gasMax: GUEST_GAS_MAX,
  guestMemoryBytesMax: GUEST_MEMORY_BYTES_MAX,
  instancesMax: GUEST_INSTANCES_MAX,
}

export function createGuestPool(options: GuestPoolOptions): GuestPool {
  return new WorkerGuestPool(options)
}

class WorkerGuestPool implements GuestPool {
  readonly #options: GuestPoolOptions & typeof DEFAULTS
  /** Null where a worker ended and none was needed since. */
  readonly #slots: (WorkerSlot | null)[] = []
  /** A started worker that takes the place of one that dies. */
  #spare: WorkerSlot | null = null
  /** Least recently used first. */
  readonly #open = new Map<TxId, OpenProcess>()
  readonly #byHandle = new Map<number, OpenProcess>()
  readonly #opening = new Map<TxId, { readonly place: OpenProcess; readonly done: Promise<void> }>()
  readonly #onLost: ((process: TxId, reason: string) => void)[] = []
  readonly #onEvicted: ((process: TxId, takeSnapshot: () => Promise<Uint8Array>) => void)[] = []
  /** By the bytes that the caller gave: whoever opens many processes of a module gives the same. */
  readonly #sharedBytes = new WeakMap<Uint8Array, Uint8Array>()
  #code: SharedCode | null = null
  #bytes = 0
  #lastHandle = 0
  #lastJob = 0
  #isRoomComing = false
  #isStopping = false

  constructor(options: GuestPoolOptions) {
    this.#options = { ...DEFAULTS, ...options }
    for (let count = Math.max(1, options.workers); count > 0; count--) this.#slots.push(this.#startWorker())
  }

  open(process: TxId, module: GuestModule, env: GuestEnv, snapshot: Uint8Array | null): Promise<void> {
    if (this.#open.has(process)) return Promise.resolve()
    const known = this.#opening.get(process)
    if (known !== undefined) return known.done
    if (this.#isStopping) return Promise.reject(stopping())
    this.#lastHandle += 1
    const place: OpenProcess = { process, handle: this.#lastHandle, slot: this.#freeSlot(), env, stateBytes: INSTANCE_BYTES, jobs: 0 }
    const done = this.#openAt(place, module, snapshot).finally(() => this.#opening.delete(process))
    this.#opening.set(process, { place, done })
    return done
  }

  isOpen(process: TxId): boolean {
    return this.#open.has(process)
  }

  evaluate(process: TxId, message: GuestMessage): Promise<Evaluation> {
    return this.#evaluate(process, message, false)
  }

  dryRun(process: TxId, message: GuestMessage): Promise<Evaluation> {
    return this.#evaluate(process, message, true)
  }

  async snapshot(process: TxId): Promise<Uint8Array> {
    const open = this.#use(process)
    return this.#snapshotOf(open)
  }

  async memory(process: TxId): Promise<Uint8Array> {
    const open = this.#use(process)
    const kept = await this.#request(open, 'memory')
    if (kept === undefined) throw lost(process)
    return kept.state
  }

  async close(process: TxId): Promise<void> {
    await this.#opening.get(process)?.done.catch(() => {}) // Whoever opened it hears of that.
    const open = this.#open.get(process)
    if (open === undefined) return
    this.#forget(open)
    await this.#request(open, 'close')
  }

  onLost(listener: (process: TxId, reason: string) => void): void {
    this.#onLost.push(listener)
  }

  onEvicted(listener: (process: TxId, takeSnapshot: () => Promise<Uint8Array>) => void): void {
    this.#onEvicted.push(listener)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#open.clear()
    this.#byHandle.clear()
    await Promise.all([...this.#slots, this.#spare].map((slot) => slot?.stop()))
  }

  async #openAt(place: OpenProcess, module: GuestModule, snapshot: Uint8Array | null): Promise<void> {
    const { process, handle, slot, env } = place
    const request = {
      kind: 'open',
      job: this.#nextJob(),
      handle,
      process: env.Process.Id as TxId,
      module: this.#shared(module),
      env,
      snapshot,
    } as const
    let bytes: number
    try {
      bytes = (await slot.request(request)).bytes
    } catch (error) {
      throw endedFailure(process, error)
    }
    if (!this.#slots.includes(slot)) throw lost(process)
    this.#open.set(process, place)
    this.#byHandle.set(handle, place)
    slot.processes += 1
    this.#bytes += place.stateBytes
    this.#setBytes(place, bytes)
    this.#makeRoomSoon()
    this.#spare ??= this.#startWorker() // Not sooner: at the start of a node others need the processor more.
  }

  /** With its bytes where all threads can read them, so that they are not copied for every process. */
  #shared(module: GuestModule): GuestModule {
    const known = this.#sharedBytes.get(module.bytes)
    if (known !== undefined) return { ...module, bytes: known }
    const bytes = new Uint8Array(new SharedArrayBuffer(module.bytes.length))
    bytes.set(module.bytes)
    this.#sharedBytes.set(module.bytes, bytes)
    return { ...module, bytes }
  }

  async #evaluate(process: TxId, message: GuestMessage, isDry: boolean): Promise<Evaluation> {
    const open = this.#use(process)
    const job = { job: this.#nextJob(), handle: open.handle, isDry, message: encodeValue(message) }
    try {
      const answer = await this.#track(open, open.slot.evaluate(job))
      this.#setBytes(open, answer.stateBytes)
      return evaluationOf(answer)
    } catch (error) {
      if (error instanceof WorkerEnded && error.why === 'time' && error.wasRunning) return timedOut(error.message, this.#options.timeMsMax)
      if (isFailure(error, 'guest-lost')) this.#drop(open, error.message)
      throw endedFailure(process, error)
    }
  }

  /** Marks the process as used just now. */
  #use(process: TxId): OpenProcess {
    if (this.#isStopping) throw stopping()
    const open = this.#open.get(process)
    if (open === undefined) throw lost(process)
    this.#open.delete(process)
    this.#open.set(process, open)
    return open
  }

  /** Counts what is under way: such processes are not evicted. */
  async #track<T>(open: OpenProcess, job: Promise<T>): Promise<T> {
    open.jobs += 1
    try {
      return await job
    } finally {
      open.jobs -= 1
      this.#makeRoomSoon()
    }
  }

  async #request(open: OpenProcess, kind: 'snapshot' | 'memory' | 'close'): Promise<KeptState | undefined> {
    try {
      const done = await this.#track(open, open.slot.request({ kind, job: this.#nextJob(), handle: open.handle }))
      return done.kept
    } catch (error) {
      throw endedFailure(open.process, error)
    }
  }

  async #snapshotOf(open: OpenProcess): Promise<Uint8Array> {
    const kept = await this.#request(open, 'snapshot')
    if (kept === undefined) throw lost(open.process)
    return sealSnapshot(kept.state, kept.dictionary)
  }

  #setBytes(open: OpenProcess, bytes: number): void {
    if (this.#open.get(open.process) !== open) return
    this.#bytes += bytes + INSTANCE_BYTES - open.stateBytes
    open.stateBytes = bytes + INSTANCE_BYTES
  }

  #forget(open: OpenProcess): void {
    if (this.#open.get(open.process) !== open) return
    this.#open.delete(open.process)
    this.#byHandle.delete(open.handle)
    open.slot.processes -= 1
    this.#bytes -= open.stateBytes
  }

  /** The worker gave it up. */
  #drop(open: OpenProcess, reason: string): void {
    if (this.#open.get(open.process) !== open) return
    this.#forget(open)
    this.#discard(open)
    this.#tellLost(open.process, reason)
  }

  get #isFull(): boolean {
    return this.#bytes > this.#options.memoryBytesMax || this.#open.size > this.#options.instancesMax
  }

  /** Once those who wait for what just happened have noted it: an eviction hands over a state, and they must know after which message it is. */
  #makeRoomSoon(): void {
    if (this.#isRoomComing || !this.#isFull) return
    this.#isRoomComing = true
    setImmediate(() => {
      this.#isRoomComing = false
      this.#makeRoom()
    })
  }

  /** The newest process stays, however large it is. */
  #makeRoom(): void {
    for (const open of this.#open.values()) {
      if (!this.#isFull || this.#open.size <= 1) return
      if (open.jobs === 0) this.#evict(open)
    }
  }

  #evict(open: OpenProcess): void {
    this.#forget(open)
    for (const listener of this.#onEvicted) listener(open.process, () => this.#snapshotOf(open))
    this.#discard(open)
  }

  /** Frees what the worker holds of a process that is not open any more. */
  #discard({ slot, handle }: OpenProcess): void {
    slot.request({ kind: 'close', job: this.#nextJob(), handle }).catch(() => {}) // A worker that ended holds nothing.
  }

  /** The job of one process takes long: those that wait behind it go on elsewhere, when there is an elsewhere. */
  #relieve(stalled: WorkerSlot, running: number): void {
    if (!stalled.hasJobsBehind(running) || this.#freeSlot().isStalled) return
    const withdrawn = stalled.withdrawAllBut(running)
    const isWithdrawn = ({ slot, handle }: OpenProcess): boolean => slot === stalled && withdrawn.has(handle)
    const open = [...this.#open.values()].filter(isWithdrawn)
    const opening = [...this.#opening.values()].map(({ place }) => place).filter(isWithdrawn)
    for (const place of open) this.#forget(place)
    for (const place of [...open, ...opening]) this.#discard(place)
    for (const { process } of open) this.#tellLost(process, 'moved away from a worker that is busy')
  }

  /** Where the next process goes. Adds a worker when all others are kept busy, up to a bound. */
  #freeSlot(): WorkerSlot {
    for (const [at, slot] of this.#slots.entries()) if (slot === null) this.#slots[at] = this.#takeSpare() ?? this.#startWorker()
    const slots = this.#slots as WorkerSlot[]
    if (slots.every(({ isStalled }) => isStalled) && slots.length < Math.max(1, this.#options.workers) * (1 + ADDED_PER_WORKER))
      slots.push(this.#takeSpare() ?? this.#startWorker())
    const load = ({ isStalled, jobs, processes }: WorkerSlot): number => (isStalled ? Number.MAX_SAFE_INTEGER / 2 : 0) + jobs + processes
    return slots.reduce((least, slot) => (load(slot) < load(least) ? slot : least))
  }

  #takeSpare(): WorkerSlot | null {
    const spare = this.#spare
    this.#spare = null
    return spare
  }

  /** Travels in 32 bits; only those under way must differ. */
  #nextJob(): number {
    this.#lastJob = (this.#lastJob + 1) % 2 ** 32
    return this.#lastJob
  }

  #startWorker(): WorkerSlot {
    const { guestMemoryBytesMax, gasMax, timeMsMax, files, filesMsMax, heapBytesMax, onWorker } = this.#options
    const limits = { memoryBytesMax: guestMemoryBytesMax, gasMax, resultBytesMax: RESULT_BYTES_MAX }
    const slot = new WorkerSlot({
      settings: { limits, code: this.#code },
      timeMsMax,
      files: files === undefined ? null : { source: files, ...(filesMsMax === undefined ? {} : { waitMsMax: filesMsMax }) },
      ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
      envOf: (handle) => this.#byHandle.get(handle)?.env ?? null,
      onReady: (code) => {
        this.#code ??= code
      },
      onEnded: (slot, cause, reason) => this.#workerEnded(slot, cause, reason),
      onStalled: (slot, handle) => this.#relieve(slot, handle),
    })
    onWorker?.(slot)
    return slot
  }

  #workerEnded(slot: WorkerSlot, cause: EndCause, reason: string): void {
    if (this.#isStopping || cause === 'stop') return
    this.#options.log.warn({ cause, reason }, 'a guest worker ended; another takes its place')
    const at = this.#slots.indexOf(slot)
    if (at === -1) this.#spare = null
    else if (this.#slots.length > Math.max(1, this.#options.workers)) this.#slots.splice(at, 1)
    else this.#slots[at] = this.#takeSpare() // Without one, the next `open` starts it: a worker that cannot start must not be tried for ever.
    const gone = [...this.#open.values()].filter((open) => open.slot === slot)
    for (const open of gone) this.#forget(open)
    for (const open of gone) this.#tellLost(open.process, reason)
  }

  #tellLost(process: TxId, reason: string): void {
    for (const listener of this.#onLost) listener(process, reason)
  }
}

function lost(process: TxId, ended?: WorkerEnded): HeddleError<'guest-lost'> {
  const why = ended === undefined ? '' : ` (${ended.message})`
  const facts: Failures['guest-lost'] =
    ended?.wasRunning === true ? { process, cause: ended.why === 'time' ? 'time' : 'crash' } : { process }
  return new HeddleError('guest-lost', facts, `process ${process} is not in memory${why}; open it again`, { cause: ended })
}

function endedFailure(process: TxId, error: unknown): unknown {
  if (isFailure(error, 'guest-lost')) return new HeddleError('guest-lost', { process }, `process ${process} was given up: ${error.message}`)
  if (!(error instanceof WorkerEnded)) return error
  return error.why === 'stop' ? stopping() : lost(process, error)
}

function stopping(): HeddleError<'stopping'> {
  return new HeddleError('stopping', {}, 'the node is stopping')
}
