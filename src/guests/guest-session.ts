/**
 * One process at work: evaluates messages on its instance, and takes back exactly what a failed or dry run changed.
 *
 * Invariants  After `evaluate` failed, or after any `dryRun`, the state is byte for byte the one before.
 *             A small state is copied before each message. A large one is copied now and then, and the messages since are kept: taking
 *             back is then the copy and those messages again, which gives the same state since guests are deterministic.
 *             The copies of a thread are bounded: sessions that were not used lately give theirs up, and make a new one before their next message.
 */
import { HeddleError } from '../base/errors.ts'
import { type FailureKind, GuestFault, type GuestInstance } from './guest.ts'
import { ImageBuffer, type StateImage } from './wasm/state-image.ts'

export type Outcome =
  | { readonly ok: true; readonly values: Uint8Array; readonly gasUsed: number; readonly unitsUsed: number }
  /** `values` when the program reported the error as part of its result. */
  | {
      readonly ok: false
      readonly kind: FailureKind
      readonly text: string
      readonly values?: Uint8Array
      readonly gasUsed: number
      readonly unitsUsed: number
    }

const SMALL_STATE_BYTES_MAX = 256 * 1024
/** A new copy is made once this many times its cost has been worked since the last one. */
const WORK_PER_COPY = 30
const JOURNAL_MESSAGES_MAX = 256
const JOURNAL_BYTES_MAX = 4 * 1024 * 1024
const COPIES_BYTES_MAX = 64 * 1024 * 1024

/** All small states of a thread share one buffer, since one message runs at a time. */
const shared: { readonly buffer: ImageBuffer; owner: GuestSession | null } = { buffer: new ImageBuffer(), owner: null }
/** Sessions with a buffer of their own and its size, least recently used first. */
const holders = new Map<GuestSession, number>()
let heldBytes = 0

export class GuestSession {
  readonly #instance: GuestInstance
  #ownBuffer: ImageBuffer | null = null
  /** The copied state; null when it must be copied again before the next message. */
  #image: StateImage | null = null
  /** Messages kept since the copy was made. */
  #journal: Uint8Array[] = []
  #journalBytes = 0
  #workMs = 0
  #copyMs = 0

  constructor(instance: GuestInstance) {
    this.#instance = instance
  }

  get stateBytes(): number {
    return this.#instance.stateBytes
  }

  /** Gives up what it shares with the other sessions of the thread. */
  close(): void {
    this.#giveUp()
    if (shared.owner === this) shared.owner = null
  }

  evaluate(message: Uint8Array): Outcome {
    this.#checkpoint()
    const startedMs = performance.now()
    const outcome = this.#run(message)
    if (outcome.ok) this.#keep(message, performance.now() - startedMs)
    else this.#takeBack()
    return outcome
  }

  dryRun(message: Uint8Array): Outcome {
    if (this.#journal.length > 0) this.#forget()
    this.#checkpoint()
    const outcome = this.#run(message)
    this.#takeBack()
    return outcome
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return this.#instance.snapshot()
  }

  /** All of its linear memory, for hosts that keep nothing else. */
  memory(): Uint8Array<ArrayBuffer> {
    const memory = this.#instance.memory?.()
    if (memory !== undefined) return memory
    const message = 'the state of this kind of program is more than bare memory; ask for a snapshot'
    throw new HeddleError('request-invalid', { field: 'process' }, message)
  }

  #run(message: Uint8Array): Outcome {
    try {
      const { values, isError } = this.#instance.handle(message)
      const rest = { values, ...this.#used() }
      return isError ? { ok: false, kind: 'error', text: 'the program reported an error', ...rest } : { ok: true, ...rest }
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault
      return { ok: false, kind: fault.kind, text: fault.message, ...this.#used() }
    }
  }

  #used(): { readonly gasUsed: number; readonly unitsUsed: number } {
    const { gasUsed, unitsUsed = gasUsed } = this.#instance
    return { gasUsed, unitsUsed }
  }

  /** Makes sure that the state as it is now can be had again. */
  #checkpoint(): void {
    if (this.#image === null || (this.#ownBuffer === null && shared.owner !== this)) {
      const startedMs = performance.now()
      this.#image = this.#instance.capture(this.#buffer())
      this.#copyMs = performance.now() - startedMs
    }
    if (this.#ownBuffer !== null) this.#hold(this.#ownBuffer.sizeBytes)
  }

  #buffer(): ImageBuffer {
    if (this.#ownBuffer !== null) return this.#ownBuffer
    if (this.#instance.stateBytes <= SMALL_STATE_BYTES_MAX) {
      shared.owner = this
      return shared.buffer
    }
    const [oldest] = holders.keys()
    const isFull = oldest !== undefined && heldBytes + this.#instance.stateBytes > COPIES_BYTES_MAX
    this.#ownBuffer = isFull ? oldest.#giveUp() : null
    this.#ownBuffer ??= new ImageBuffer()
    return this.#ownBuffer
  }

  /** Marks its copy as the one used last. */
  #hold(bytes: number): void {
    heldBytes += bytes - (holders.get(this) ?? 0)
    holders.delete(this)
    holders.set(this, bytes)
    for (const [oldest] of holders) {
      if (heldBytes <= COPIES_BYTES_MAX || oldest === this) return
      oldest.#giveUp()
    }
  }

  /** Its buffer, for whoever needs one. */
  #giveUp(): ImageBuffer | null {
    const buffer = this.#ownBuffer
    heldBytes -= holders.get(this) ?? 0
    holders.delete(this)
    this.#ownBuffer = null
    this.#forget()
    return buffer
  }

  #keep(message: Uint8Array, workMs: number): void {
    if (this.#ownBuffer === null) {
      this.#image = null
      return
    }
    this.#journal.push(message.slice()) // The batch that it is part of may be much larger.
    this.#journalBytes += message.length
    this.#workMs += workMs
    const isLong = this.#journal.length >= JOURNAL_MESSAGES_MAX || this.#journalBytes > JOURNAL_BYTES_MAX
    if (isLong || this.#workMs > this.#copyMs * WORK_PER_COPY) this.#forget()
  }

  #forget(): void {
    this.#image = null
    this.#journal = []
    this.#journalBytes = 0
    this.#workMs = 0
  }

  #takeBack(): void {
    if (this.#image === null) throw new Error('no state to go back to')
    this.#instance.apply(this.#image)
    if (this.#journal.length === 0) return
    for (const message of this.#journal) this.#instance.handle(message)
    this.#forget() // So that a row of failures does not repeat these each time.
  }
}
