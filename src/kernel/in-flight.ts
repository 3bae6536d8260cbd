/**
 * One resolution of a group at a time, and one for all who ask the same at the same time.
 *
 * The first caller of a group leads. Who asks the same meanwhile gets the leader's outcome; who asks something else of the group waits for its turn.
 * When a leader fails, those who waited for its outcome ask again themselves: it may have failed of what it alone had (its depth, what it held).
 * Source      permaweb/HyperBEAM src/hb_persistent.erl (2025-11)
 * Invariants  Nobody waits for itself, not around several groups either: that is `endless-recursion`. Work goes on while anybody waits for it, then its
 *             signal aborts. A group that nobody leads is forgotten.
 */
import { clip } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'

/** A group that a resolution leads while others run within it. */
export interface Hold {
  readonly group: string
  readonly parent: Hold | null
  /** Groups that resolutions within this one wait for, and how many of them do. */
  readonly waits: Map<string, number>
}

export interface Ask<Q> {
  readonly group: string
  readonly question: Q
  /** What the asking resolution leads already. */
  readonly within: Hold | null
  readonly signal: AbortSignal
}

/** `signal` aborts when nobody wants the outcome any more. */
export type Work<T> = (hold: Hold, signal: AbortSignal) => Promise<T>

interface Flight<Q, T> {
  readonly leader: Ask<Q>
  readonly hold: Hold
  readonly outcome: Promise<T>
  readonly abort: AbortController
  readonly queue: Waiter<Q, T>[]
  /** Who wants the outcome, the leader among them. */
  passengers: number
}

interface Waiter<Q, T> {
  readonly ask: Ask<Q>
  readonly work: Work<T>
  board(flight: Flight<Q, T>): void
}

/** So many of those who wait are looked at for the same question when one of them gets its turn. */
const COMPARED_MAX = 64

export class InFlight<Q, T> {
  readonly #flights = new Map<string, Flight<Q, T>>()
  readonly #isSame: (a: Q, b: Q) => boolean

  constructor(isSame: (a: Q, b: Q) => boolean) {
    this.#isSame = isSame
  }

  /** Groups under way. */
  get size(): number {
    return this.#flights.size
  }

  async join(ask: Ask<Q>, work: Work<T>): Promise<T> {
    this.#refuseCircle(ask)
    countWait(ask, 1)
    try {
      for (;;) {
        ask.signal.throwIfAborted()
        const flight = await this.#board(ask, work)
        try {
          return await arrival(flight, ask.signal)
        } catch (error) {
          if (flight.leader === ask || ask.signal.aborted) throw error
        }
      }
    } finally {
      countWait(ask, -1)
    }
  }

  /** The flight that answers this: a new one, the one under way, or a later one when it is its turn. The caller is a passenger of it. */
  #board(ask: Ask<Q>, work: Work<T>): Flight<Q, T> | Promise<Flight<Q, T>> {
    const flight = this.#flights.get(ask.group)
    if (flight === undefined) return this.#start(ask, work, [])
    if (flight.abort.signal.aborted || !this.#isSame(flight.leader.question, ask.question)) return this.#turn(flight.queue, ask, work)
    flight.passengers++
    return flight
  }

  #turn(queue: Waiter<Q, T>[], ask: Ask<Q>, work: Work<T>): Promise<Flight<Q, T>> {
    return new Promise((resolve, reject) => {
      const leave = (): void => reject(ask.signal.reason)
      const board = (flight: Flight<Q, T>): void => {
        ask.signal.removeEventListener('abort', leave)
        resolve(flight)
      }
      ask.signal.addEventListener('abort', leave, { once: true })
      queue.push({ ask, work, board })
    })
  }

  #start(leader: Ask<Q>, work: Work<T>, queue: Waiter<Q, T>[]): Flight<Q, T> {
    const hold: Hold = { group: leader.group, parent: leader.within, waits: new Map() }
    const abort = new AbortController()
    const outcome = Promise.resolve().then(() => work(hold, abort.signal)) // Later, so that whatever it asks for finds its flight here.
    const flight = { leader, hold, outcome, abort, queue, passengers: 1 }
    this.#flights.set(leader.group, flight)
    const land = (): void => this.#land(flight)
    outcome.then(land, land)
    return flight
  }

  /** The next in the queue leads; with it fly those who ask the same. */
  #land({ leader, queue }: Flight<Q, T>): void {
    const waiters = queue.filter(({ ask }) => !ask.signal.aborted)
    const next = waiters.shift()
    if (next === undefined) {
      this.#flights.delete(leader.group)
      return
    }
    const isSame = waiters.map(({ ask }, i) => i < COMPARED_MAX && this.#isSame(ask.question, next.ask.question))
    const same = waiters.filter((_, i) => isSame[i])
    const others = waiters.filter((_, i) => !isSame[i])
    const flight = this.#start(next.ask, next.work, others)
    flight.passengers += same.length
    for (const waiter of [next, ...same]) waiter.board(flight)
  }

  /** Would its wait for the group end only when it has ended itself? */
  #refuseCircle({ group, within }: Ask<Q>): void {
    if (within === null || !this.#flights.has(group)) return
    const own = new Set<Hold>()
    for (let hold: Hold | null = within; hold !== null; hold = hold.parent) own.add(hold)
    const seen = new Set([group])
    for (const waited of seen) {
      const hold = this.#flights.get(waited)?.hold
      if (hold === undefined) continue
      if (own.has(hold)) throw endlessRecursion(group)
      for (const further of hold.waits.keys()) seen.add(further)
    }
  }
}

/** Notes in all that the asking resolution leads that it waits for this group, or no longer does. */
function countWait({ group, within }: Ask<unknown>, change: 1 | -1): void {
  for (let hold = within; hold !== null; hold = hold.parent) {
    const count = (hold.waits.get(group) ?? 0) + change
    if (count > 0) hold.waits.set(group, count)
    else hold.waits.delete(group)
  }
}

/** The outcome, or the end of this passenger's patience. */
function arrival<T>(flight: Flight<unknown, T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (--flight.passengers === 0) flight.abort.abort(signal.reason)
      reject(signal.reason)
    }
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    const stay = (): void => signal.removeEventListener('abort', leave)
    flight.outcome.then(resolve, reject)
    flight.outcome.then(stay, stay)
  })
}

function endlessRecursion(group: string): HeddleError<'endless-recursion'> {
  return new HeddleError(
    'endless-recursion',
    { group },
    `the request creates infinite recursion: it waits for ${clip(group)}, which waits for it; resolve it from outside of that group`,
  )
}
