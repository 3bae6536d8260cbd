/**
 * Lets messages into the machine so that nobody who sends many keeps the others waiting.
 *
 * Each wallet may have only its share of messages between here and their slots, and each process a bounded number without a result; the rest waits
 * here, wallet by wallet in turn. Who sends alone has a large share: enough to keep all parts of the node busy, and little enough to be soon done
 * when others come. Waiting is bounded: after FAIR_WAIT_MS_MAX a message passes in any case, so that
 * one that computes for long holds up no acknowledgement for longer than that.
 *
 * Invariants  Messages of one wallet to one process pass in the order in which they came. Owners must be verified before: anyone could fill the lane of another otherwise.
 */
import { FAIR_ALONE, FAIR_SHARE_MIN, FAIR_TOTAL, FAIR_WAIT_MS_MAX } from '../base/limits.ts'

/** Of one message: call it once, when it is durable or refused. */
export type Leave = () => void

export interface FairGateOptions {
  /** Messages of this process that have a slot and no result yet. */
  readonly backlog: (process: string) => number
  readonly nowMs: () => number
}

interface Waiter {
  readonly process: string
  readonly sinceMs: number
  readonly pass: (leave: Leave) => void
}

/** What one wallet has under way. */
interface Lane {
  readonly owner: string
  entered: number
  readonly waiting: Waiter[]
  lastMs: number
}

/** A wallet that sent nothing for so long takes no share any more. */
const ACTIVE_MS = 1_000
/** Results come without a word to the gate, so it looks for room itself while somebody waits. */
const LOOK_MS = 2

export class FairGate {
  readonly #options: FairGateOptions
  /** The one that sent last is the last. */
  readonly #lanes = new Map<string, Lane>()
  /** Between here and their slots, by process. */
  readonly #entering = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #waiting = 0

  constructor(options: FairGateOptions) {
    this.#options = options
  }

  /** `owner`: of a verified signature. */
  enter(owner: string, process: string): Leave | Promise<Leave> {
    const nowMs = this.#options.nowMs()
    const lane = this.#touch(owner, nowMs)
    const isFirst = !lane.waiting.some((waiter) => waiter.process === process)
    if (isFirst && this.#hasRoom(lane, process, this.#share(nowMs))) return this.#pass(lane, process)
    return new Promise((pass) => {
      lane.waiting.push({ process, sinceMs: nowMs, pass })
      this.#waiting += 1
      this.#timer ??= setInterval(() => this.#look(), LOOK_MS)
    })
  }

  #touch(owner: string, nowMs: number): Lane {
    const lane = this.#lanes.get(owner) ?? { owner, entered: 0, waiting: [], lastMs: nowMs }
    lane.lastMs = nowMs
    this.#lanes.delete(owner)
    this.#lanes.set(owner, lane)
    return lane
  }

  /** Messages that each wallet may have under way. */
  #share(nowMs: number): number {
    for (const lane of this.#lanes.values()) {
      if (lane.lastMs > nowMs - ACTIVE_MS) break
      if (lane.entered === 0 && lane.waiting.length === 0) this.#lanes.delete(lane.owner)
    }
    return this.#lanes.size <= 1 ? FAIR_ALONE : Math.max(FAIR_SHARE_MIN, Math.floor(FAIR_TOTAL / this.#lanes.size))
  }

  #hasRoom(lane: Lane, process: string, share: number): boolean {
    if (lane.entered >= share) return false
    return (this.#entering.get(process) ?? 0) + this.#options.backlog(process) < Math.max(share, FAIR_TOTAL) // Many may use one process.
  }

  #pass(lane: Lane, process: string): Leave {
    lane.entered += 1
    this.#entering.set(process, (this.#entering.get(process) ?? 0) + 1)
    return () => {
      lane.entered -= 1
      const left = (this.#entering.get(process) ?? 1) - 1
      if (left === 0) this.#entering.delete(process)
      else this.#entering.set(process, left)
      if (this.#waiting > 0) this.#look()
    }
  }

  /** One of each wallet in turn, as long as somebody may pass. */
  #look(): void {
    const nowMs = this.#options.nowMs()
    const share = this.#share(nowMs)
    for (let hasPassed = true; hasPassed && this.#waiting > 0; ) {
      hasPassed = false
      for (const lane of this.#lanes.values()) hasPassed = this.#passOne(lane, share, nowMs) || hasPassed
    }
    if (this.#waiting > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #passOne(lane: Lane, share: number, nowMs: number): boolean {
    const at = lane.waiting.findIndex(({ process, sinceMs }) => nowMs - sinceMs >= FAIR_WAIT_MS_MAX || this.#hasRoom(lane, process, share))
    const [found] = at === -1 ? [] : lane.waiting.splice(at, 1)
    if (found === undefined) return false
    this.#waiting -= 1
    found.pass(this.#pass(lane, found.process))
    return true
  }
}
