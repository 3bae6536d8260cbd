/**
 * How a message came about: the requests since a message that has only its id, put into words (a hashpath) when somebody asks.
 *
 * Source      permaweb/HyperBEAM src/hb_path.erl (2025-11): hashpath/3
 * Invariants  The messages in between are not kept. No chain holds more than ORIGIN_REQUESTS_MAX requests: then it is put into words at once.
 */
import { ORIGIN_REQUESTS_MAX } from '../base/limits.ts'
import { hashpath, hashpathAlgorithm, idHashpath } from '../codec/message/hashpath.ts'
import { EMPTY_MESSAGE, type Message } from '../codec/message/value.ts'

export class Origin {
  /** Null as soon as the text is known. */
  #from: Origin | Message | null
  #request: Message | string
  readonly #algorithm: Message
  #text = ''
  readonly #length: number

  /** Of what a request upon `base` gave. `origin` is the base's own; `request` is a text when it is nothing but a path. */
  constructor(base: Message, origin: Origin | null, request: Message | string) {
    this.#from = origin ?? base
    this.#request = request
    const algorithm = base.get('hashpath-alg')
    this.#algorithm = algorithm === undefined ? EMPTY_MESSAGE : new Map([['hashpath-alg', algorithm]])
    this.#length = origin === null || origin.#from === null ? 1 : origin.#length + 1
    if (this.#length >= ORIGIN_REQUESTS_MAX) void this.hashpath
  }

  get hashpath(): string {
    if (this.#from !== null) {
      const before = this.#from instanceof Origin ? this.#from.hashpath : idHashpath(this.#from)
      this.#text = hashpath(before, this.#request, hashpathAlgorithm(this.#algorithm))
      this.#from = null
      this.#request = ''
    }
    return this.#text
  }
}
