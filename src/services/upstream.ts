/**
 * What is not on this node, from the gateways that its settings name: fetched, verified, stored like any other item.
 *
 * Source      ar.io gateways: POST /graphql, GET /tx/{id}, GET /raw/{id}; another Heddle node has the same
 * Invariants  Nothing is stored that its own signature does not vouch for. One fetch per id at a time, a few ids at a time, an end for each: it
 *             comes, no gateway has it, or `peer-failed`. What a handler would act on (a process, a message) is stored and no more: fetching
 *             something to read it does not run it here.
 */
import { LRUCache } from 'lru-cache'
import { asBuffer, toText } from '../base/bytes.ts'
import { HeddleError, isFailure } from '../base/errors.ts'
import type { TxId } from '../base/ids.ts'
import {
  UPSTREAM_ANSWER_BYTES_MAX,
  UPSTREAM_DATA_BYTES_MAX,
  UPSTREAM_FETCHES_MAX,
  UPSTREAM_MISS_MS,
  UPSTREAM_MISSES_MAX,
  UPSTREAM_MS_MAX,
  UPSTREAM_QUEUE_MAX,
  UPSTREAM_REST_MS,
} from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import type { DataItem } from '../codec/data-item.ts'
import { parseTransactionJson, type Transaction, verifyTransaction } from '../codec/transaction.ts'
import { ALIAS_TAG } from './aliases.ts'
import { type Answer, askGateway, peerFailed } from './upstream-gateway.ts'
import { type GatewayNode, NODE_QUERY, parseNode, rebuildItem } from './upstream-item.ts'

/** Where fetched things go. */
export interface UpstreamStore {
  verify(item: DataItem): Promise<boolean>
  /** An item whose signature was verified. */
  item(item: DataItem): Promise<void>
  /** A transaction whose signature was verified, with all of its data. Fails when the data does not give its data root. */
  transaction(tx: Transaction, data: Uint8Array): Promise<void>
}

export interface UpstreamDeps {
  /** In the order in which they are asked; without slashes at their ends. */
  readonly urls: readonly string[]
  readonly store: UpstreamStore
  readonly log: Log
  /** For one id from one gateway; UPSTREAM_MS_MAX when left out. */
  readonly msMax?: number
}

interface Asking {
  readonly base: string
  readonly id: TxId
  readonly signal: AbortSignal
}

const GONE = [404, 410]

export class Upstream {
  readonly #deps: UpstreamDeps
  readonly #underWay = new Map<TxId, Promise<boolean>>()
  readonly #missing = new LRUCache<TxId, true>({ max: UPSTREAM_MISSES_MAX, ttl: UPSTREAM_MISS_MS })
  /** Gateways that did not answer just now, with how they failed. */
  readonly #resting = new LRUCache<string, HeddleError>({ max: 100, ttl: UPSTREAM_REST_MS })
  readonly #stopped = new AbortController()
  /** Those that wait for their turn. */
  readonly #waiting: (() => void)[] = []
  #fetching = 0

  constructor(deps: UpstreamDeps) {
    this.#deps = deps
  }

  /** Resolves when the id is on this node (true), or no gateway has it (false). Throws `peer-failed`, `too-large`, `limit-reached`. */
  async bring(id: TxId): Promise<boolean> {
    if (this.#deps.urls.length === 0 || this.#missing.has(id)) return false
    const other = this.#underWay.get(id)
    if (other !== undefined) return other
    if (this.#underWay.size >= UPSTREAM_QUEUE_MAX)
      throw new HeddleError(
        'limit-reached',
        { what: 'upstream queue', max: UPSTREAM_QUEUE_MAX },
        `${UPSTREAM_QUEUE_MAX} ids wait to be fetched from upstream; ask again later`,
      )
    const work = this.#inTurn(id).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, work)
    return work
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stopped.abort(new HeddleError('stopping', {}, 'the node is stopping'))
    await Promise.allSettled(this.#underWay.values())
  }

  async #inTurn(id: TxId): Promise<boolean> {
    if (this.#fetching >= UPSTREAM_FETCHES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#fetching += 1
    try {
      return await this.#fromAny(id)
    } finally {
      this.#fetching -= 1
      this.#waiting.shift()?.()
    }
  }

  /** The first that has it; a failure counts only when none has. */
  async #fromAny(id: TxId): Promise<boolean> {
    const { urls, msMax = UPSTREAM_MS_MAX } = this.#deps
    let failure: HeddleError | null = null
    for (const base of urls) {
      const signal = AbortSignal.any([AbortSignal.timeout(msMax), this.#stopped.signal])
      try {
        if (await this.#from({ base, id, signal })) return true
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error
        failure = error
      }
    }
    if (failure !== null) throw failure
    this.#missing.set(id, true)
    return false
  }

  async #from(asking: Asking): Promise<boolean> {
    const { base } = asking
    const rests = this.#resting.get(base)
    if (rests !== undefined) throw rests
    try {
      const node = await this.#node(asking)
      if (node?.tags.some(({ name }) => name === ALIAS_TAG)) return false
      if (node?.isBundled !== true && (await this.#transaction(asking))) return true
      if (node === null) return false
      await this.#item(asking, node)
      return true
    } catch (error) {
      if (isFailure(error, 'peer-failed')) {
        if (error.facts.status === null) this.#resting.set(base, error)
        this.#deps.log.warn({ id: asking.id, base, reason: error.message }, 'upstream failed')
      }
      throw error
    }
  }

  /** What the gateway's index says; null when it has no such id, or no index. */
  async #node(asking: Asking): Promise<GatewayNode | null> {
    const { base, id, signal } = asking
    const body = { query: NODE_QUERY, variables: { id } }
    const answer = await askGateway(base, { path: '/graphql', body, maxBytes: UPSTREAM_ANSWER_BYTES_MAX, signal })
    if (GONE.includes(answer.status)) return null
    const { data, errors } = parse(base, '/graphql', answer) as { data?: { transaction?: unknown }; errors?: unknown }
    if (data === undefined || data === null || errors !== undefined)
      throw peerFailed(base, answer.status, `fails a query: ${JSON.stringify(errors ?? null).slice(0, 200)}`)
    return data.transaction === null || data.transaction === undefined ? null : parseNode(data.transaction)
  }

  async #transaction(asking: Asking): Promise<boolean> {
    const { base, id, signal } = asking
    const path = `/tx/${id}`
    const answer = await askGateway(base, { path, maxBytes: UPSTREAM_ANSWER_BYTES_MAX, signal })
    if (answer.status === 202 || answer.status === 400 || GONE.includes(answer.status)) return false
    const json = parse(base, path, answer) as Record<string, unknown>
    const data = await this.#data(asking, Number(json['data_size'] ?? 0))
    const tx = transactionOf(json, data)
    if (tx === null || tx.id !== id || !(await verifyTransaction(tx)))
      throw lie(asking, 'a transaction with a signature that does not hold')
    if (tx.dataBytes !== BigInt(data.length)) throw lie(asking, `${data.length} bytes of data, though ${tx.dataBytes} were signed`)
    try {
      await this.#deps.store.transaction(tx, data)
    } catch (error) {
      if (isFailure(error, 'data-split-unknown')) throw lie(asking, 'data that does not give the data root that was signed')
      throw error
    }
    return true
  }

  async #item(asking: Asking, node: GatewayNode): Promise<void> {
    const { store } = this.#deps
    if (node.signature === '' || node.ownerKey === '')
      throw peerFailed(asking.base, 200, `does not tell by whom ${asking.id} was signed, so it cannot be verified`)
    const data = await this.#data(asking, node.dataBytes ?? 0)
    const item = await rebuildItem(asking.id, node, data, store.verify)
    if (item === null) throw lie(asking, 'fields and data that its signature does not fit')
    await store.item(item)
  }

  async #data({ base, id, signal }: Asking, announcedBytes: number): Promise<Uint8Array> {
    if (announcedBytes > UPSTREAM_DATA_BYTES_MAX)
      throw new HeddleError(
        'too-large',
        { what: `data of ${id}`, size: announcedBytes, max: UPSTREAM_DATA_BYTES_MAX },
        `${id} has ${announcedBytes} bytes of data, at most ${UPSTREAM_DATA_BYTES_MAX} are fetched from upstream`,
      )
    if (announcedBytes === 0) return new Uint8Array(0)
    const path = `/raw/${id}`
    const { status, body } = await askGateway(base, { path, maxBytes: UPSTREAM_DATA_BYTES_MAX, signal })
    if (status !== 200) throw peerFailed(base, status, `lists ${id}, but answers GET ${path} with ${status}`)
    return body
  }
}

function parse(base: string, path: string, { status, body }: Answer): unknown {
  if (status !== 200) throw peerFailed(base, status, `answers ${path} with ${status}`)
  try {
    const value: unknown = JSON.parse(toText(body))
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  throw peerFailed(base, status, `answers ${path} with something that is not JSON`)
}

/** Of format 1 the data is part of what is signed, and gateways leave it out of the JSON. */
function transactionOf(json: Readonly<Record<string, unknown>>, data: Uint8Array): Transaction | null {
  const isFormat1 = Number(json['format'] ?? 1) === 1
  try {
    return parseTransactionJson({ ...json, data: isFormat1 ? asBuffer(data).toString('base64url') : '' })
  } catch (error) {
    if (error instanceof HeddleError) return null
    throw error
  }
}

function lie({ base, id }: Asking, what: string): HeddleError<'peer-failed'> {
  return peerFailed(base, 200, `gave ${what} for ${id}; nothing of it was kept`)
}
