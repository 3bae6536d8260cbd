/**
 * Bodies of requests, as they come in.
 *
 * Wire        A large body goes straight to its place in one piece of memory; its digest and its parts are found meanwhile.
 * Invariants  No large body is in memory twice, nor hashed or parsed in one go. All large bodies together take at most AO_CORE_BODIES_BYTES_MAX: what came counts,
 *             not what was announced. When that is full, bodies that hardly grew for AO_CORE_BODY_STALL_MS make way, else the one that needs more ends.
 *             A body that is cut off, or that its digest or its boundary does not fit, fails as it does when it is small.
 */
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_BODIES_BYTES_MAX, AO_CORE_BODY_BYTES_MAX, AO_CORE_BODY_SMALL_BYTES, AO_CORE_BODY_STALL_MS } from '../../base/limits.ts'
import { BodyWatch } from '../../codec/message/body-facts.ts'
import { multipartBoundary } from '../../codec/message/httpsig-reader.ts'
import type { Binary } from '../../codec/message/value.ts'
import type { Request } from '../route.ts'

type BodyRequest = Pick<Request, 'body' | 'bodyStream' | 'headers'>
type Headers = ReadonlyMap<string, Binary>

/** One body on its way. */
interface Arrival {
  bytes: number
  /** When the last so many bytes had come that it counts as moving, and how many they all were then. Infinite once it is whole. */
  movedMs: number
  movedBytes: number
  /** Ends it, with the reason. */
  readonly drop: (error: HeddleError) => void
}

export interface BodyOptions {
  readonly bytesMax?: number
  readonly now?: () => number
}

export class Bodies {
  readonly #bytesMax: number
  readonly #now: () => number
  readonly #arrivals = new Set<Arrival>()
  #bytes = 0

  constructor({ bytesMax = AO_CORE_BODIES_BYTES_MAX, now = () => performance.now() }: BodyOptions = {}) {
    this.#bytesMax = bytesMax
    this.#now = now
  }

  /** Of all large bodies that are here and not dealt with. */
  get bytes(): number {
    return this.#bytes
  }

  /** Gives the body to `use`; until that is done its memory counts. `headers` say what is to be found while it comes. */
  async read<T>(request: BodyRequest, headers: Headers, use: (body: Uint8Array) => Promise<T>): Promise<T> {
    const announced = announcedBytes(request)
    if (announced !== null && announced <= AO_CORE_BODY_SMALL_BYTES) return use(await request.body(AO_CORE_BODY_BYTES_MAX))
    const dropped = Promise.withResolvers<never>()
    dropped.promise.catch(() => {})
    const arrival: Arrival = { bytes: 0, movedMs: this.#now(), movedBytes: 0, drop: dropped.reject }
    this.#arrivals.add(arrival)
    try {
      return await use(await this.#gather(request, headers, { arrival, announced, dropped: dropped.promise }))
    } finally {
      this.#arrivals.delete(arrival)
      this.#bytes -= arrival.bytes
    }
  }

  async #gather(
    request: BodyRequest,
    headers: Headers,
    { arrival, announced, dropped }: { arrival: Arrival; announced: number | null; dropped: Promise<never> },
  ): Promise<Uint8Array> {
    const pieces = request.bodyStream(AO_CORE_BODY_BYTES_MAX)[Symbol.asyncIterator]()
    const place = new Place(announced, watchFor(headers))
    try {
      for (;;) {
        const next = pieces.next()
        next.catch(() => {}) // Once it was dropped nobody hears how it ends.
        const { done, value } = await Promise.race([next, dropped])
        if (done === true) break
        this.#grow(arrival, value.length)
        place.put(value)
      }
      arrival.movedMs = Number.POSITIVE_INFINITY
      return place.end()
    } finally {
      await Promise.race([pieces.return?.(), dropped]).catch(() => {})
    }
  }

  #grow(arrival: Arrival, more: number): void {
    if (this.#bytes + more > this.#bytesMax) this.#makeRoom(arrival)
    if (this.#bytes + more > this.#bytesMax) throw full(this.#bytesMax)
    arrival.bytes += more
    this.#bytes += more
    if (arrival.bytes - arrival.movedBytes < AO_CORE_BODY_SMALL_BYTES) return
    arrival.movedMs = this.#now()
    arrival.movedBytes = arrival.bytes
  }

  /** Whoever stands still for long gives way to those who move. */
  #makeRoom(mover: Arrival): void {
    const nowMs = this.#now()
    const stalled = [...this.#arrivals].filter((each) => each !== mover && each.bytes > 0 && nowMs - each.movedMs > AO_CORE_BODY_STALL_MS)
    for (const arrival of stalled) {
      this.#bytes -= arrival.bytes
      arrival.bytes = 0
      arrival.drop(full(this.#bytesMax))
    }
  }
}

/** Where a body gets together. */
class Place {
  readonly #watch: BodyWatch | null
  #memory: Uint8Array
  #size = 0

  /** Memory that nobody wrote to takes no room. More than the limit may be announced: reading refuses that. */
  constructor(announced: number | null, watch: BodyWatch | null) {
    this.#watch = watch
    this.#memory = announced === null ? new Uint8Array(AO_CORE_BODY_SMALL_BYTES) : ownMemory(Math.min(announced, AO_CORE_BODY_BYTES_MAX))
  }

  put(piece: Uint8Array): void {
    const end = this.#size + piece.length
    if (end > this.#memory.length) this.#moveToLarge()
    this.#memory.set(piece, this.#size)
    if (this.#memory.length > AO_CORE_BODY_SMALL_BYTES) this.#watch?.push(this.#memory.subarray(this.#size, end))
    this.#size = end
  }

  end(): Uint8Array {
    const body = this.#memory.subarray(0, this.#size)
    if (this.#memory.length > AO_CORE_BODY_SMALL_BYTES) this.#watch?.end(body)
    return body
  }

  /** The length was not announced, and is not small. */
  #moveToLarge(): void {
    const small = this.#memory.subarray(0, this.#size)
    this.#memory = ownMemory(AO_CORE_BODY_BYTES_MAX)
    this.#memory.set(small)
    this.#watch?.push(this.#memory.subarray(0, this.#size))
  }
}

function ownMemory(size: number): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.allocUnsafeSlow(size)
  return new Uint8Array(buffer, byteOffset, length)
}

function announcedBytes({ headers }: BodyRequest): number | null {
  const length = headers['content-length']
  return length === undefined ? null : Number(length)
}

/** Null where nothing is to be found. */
function watchFor(headers: Headers): BodyWatch | null {
  const isHashed = headers.has('content-digest')
  const boundary = boundaryOf(headers)
  return isHashed || boundary !== null ? new BodyWatch({ isHashed, boundary }) : null
}

/** What is wrong with a media type says whoever decodes the message. */
function boundaryOf(headers: Headers): string | null {
  try {
    return multipartBoundary(headers.get('content-type'))
  } catch {
    return null
  }
}

function full(max: number): HeddleError<'limit-reached'> {
  const problem = `large bodies of requests take ${max} bytes of memory already, which is all that there is for them; send it again later`
  return new HeddleError('limit-reached', { what: 'bodies of requests', max }, problem)
}
