/**
 * Messages, results and links on disk, content-addressed; what was used lately in memory. Reading is message-reader.ts.
 *
 * Writes      Gathered and written behind (write-behind.ts); durable ones resolve when they are on disk, with all that was written before them and all
 *             that they link to. The others go among the cached records, where the oldest make room: nobody fills the disk with them.
 * Source      AO-Core, as permaweb/HyperBEAM src/hb_cache.erl (2025-11) has it; its layout is not ours: one record a message, small values in it
 * Invariants  What is at an id never changes. A message is kept under an id of a commitment only after that commitment was verified.
 *             What is durable shares no record with what is not. A path that was written durably keeps that until it is written durably again.
 */
import { LRUCache } from 'lru-cache'
import { concat, equalBytes, toBase64url } from '../../base/bytes.ts'
import { HeddleError, isFailure } from '../../base/errors.ts'
import { sha256, sha256Text } from '../../base/hash.ts'
import { AO_CORE_CACHE_BYTES_MAX, AO_CORE_NESTED_COMMITMENTS_MAX, MESSAGE_MATCHES_MAX, PATH_STEPS_MAX } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { Commitment } from '../../codec/message/commitment.ts'
import { binaryBytes, isBinary, isList, isMessage, isPrivateKey, Link, type Message, type Value } from '../../codec/message/value.ts'
import type { Pointer } from '../../kernel/kept-message.ts'
import { loadWhole } from '../../kernel/links.ts'
import type { MessageStore, WriteOptions } from '../../kernel/message-store.ts'
import type { BlobStore } from '../../store/blob-store.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { ItemArchive } from './archived.ts'
import { CachedRecords } from './cached-records.ts'
import {
  addBinary,
  addMessage,
  encodeArchived,
  encodeLiteral,
  encodePointer,
  type MessageDeposit,
  matchPrefix,
  newDeposit,
  pathKey,
} from './deposit.ts'
import { DurableCopy } from './durable-copy.ts'
import { matchingIds } from './matches.ts'
import { MessageReader, type Place } from './message-reader.ts'
import { inlinedBinary, Outside } from './record.ts'
import { WriteBehind } from './write-behind.ts'

export interface MessageStoreDeps {
  readonly kv: KvStore
  readonly blobs: BlobStore
  readonly archive: ItemArchive
  readonly log: Log
  readonly verify: (message: Message, commitment: Commitment) => Promise<boolean>
  /** What everything that need not be durable may take of the disk, unless it is AO_CORE_CACHE_BYTES_MAX. */
  readonly cacheBytesMax?: number
}

/** Names of what is kept, and of commitments that hold, so that writing it again costs nothing. */
const NAMES_KEPT = 100_000
/** Stands for the generation of what is durable. */
const FOR_GOOD = Number.POSITIVE_INFINITY

export class DurableMessageStore implements MessageStore {
  readonly #behind: WriteBehind
  readonly #reader: MessageReader
  readonly #verify: MessageStoreDeps['verify']
  #losses = 0
  /** With the generation that they were written to. */
  readonly #known = new LRUCache<string, number>({ max: NAMES_KEPT })
  readonly #held = new LRUCache<string, true>({ max: NAMES_KEPT })

  private constructor({ kv, blobs, archive, log, verify }: MessageStoreDeps, cached: CachedRecords) {
    this.#verify = verify
    this.#behind = new WriteBehind({ kv, cached, blobs, log, onLost: () => this.#forget() })
    this.#reader = new MessageReader({ behind: this.#behind, archive, keepPart: (part) => this.#keepPart(part) })
  }

  static async open(deps: MessageStoreDeps): Promise<DurableMessageStore> {
    return new DurableMessageStore(deps, await CachedRecords.open(deps.kv, deps.cacheBytesMax ?? AO_CORE_CACHE_BYTES_MAX))
  }

  async read(path: string): Promise<Value | null> {
    const place = await this.#reader.locate(cleanPath(path))
    return place === null ? null : this.#reader.valueAt(place)
  }

  async write(message: Message, options?: WriteOptions): Promise<string> {
    return (await this.#written(options, (isDurable) => this.#keep(message, isDurable))).id
  }

  writeAt(path: string, value: Value, options?: WriteOptions): Promise<string> {
    return this.#written(options, async (isDurable) => {
      const { id, target } = await this.#keepAny(value, isDurable)
      const isOwnId = path === id && (isMessage(value) || isList(value))
      if (!isOwnId) await this.#putAt(path, target, isDurable)
      return id
    })
  }

  link(path: string, alias: string, options?: WriteOptions): Promise<void> {
    return this.#written(options, async (isDurable) => {
      const place = await this.#reader.locate(cleanPath(path))
      if (place === null)
        throw new HeddleError('not-found', { what: 'message', id: path }, `nothing is at ${path}, so nothing can be linked to it`)
      if (isDurable) await this.#makeDurable((copy) => copy.add(place))
      await this.#putAt(alias, await this.#targetOf(place, isDurable), isDurable)
    })
  }

  async list(path: string): Promise<readonly string[] | null> {
    const value = await this.read(path)
    if (isList(value)) return value.map((_, i) => String(i + 1))
    return isMessage(value) ? [...value.keys()].filter((key) => !isPrivateKey(key)) : null
  }

  async match(wanted: Message): Promise<readonly string[]> {
    await this.#behind.flush().catch(() => {}) // What could not be written is logged, and not found.
    const prefixes = [...wanted].flatMap(([key, value]) => {
      if (key === 'commitments' || isPrivateKey(key) || isMessage(value) || isList(value)) return []
      return matchPrefix(key, isBinary(value) ? inlinedBinary(value, (bytes) => toBase64url(sha256(bytes))) : value)
    })
    if (prefixes.length === 0) return []
    return matchingIds(
      (prefix, from) => this.#behind.firstAfter('matches', prefix, from),
      prefixes,
      MESSAGE_MATCHES_MAX,
      async (id) => (await this.#behind.get('messages', id)) !== null,
    )
  }

  /** Resolves when all that was written is durable. */
  flush(): Promise<void> {
    return this.#behind.flush()
  }

  /** The same, and nothing is written any more. */
  close(): Promise<void> {
    return this.#behind.close()
  }

  /** Durable when it resolves, if that is asked for. What was lost meanwhile may have been known and left out, so then all is written again. */
  async #written<T>({ isDurable = false }: WriteOptions = {}, put: (isDurable: boolean) => Promise<T>): Promise<T> {
    for (;;) {
      const losses = this.#losses
      const result = await put(isDurable)
      if (!isDurable) return result
      await this.#behind.flush()
      if (losses === this.#losses) return result
    }
  }

  async #putAt(path: string, target: Uint8Array, isDurable: boolean): Promise<void> {
    await this.#behind.keep({ isDurable, writes: [{ space: 'paths', key: pathKey(cleanPath(path)), value: target }], blobs: new Map() })
  }

  async #keep(value: Message | readonly Value[], isDurable: boolean): Promise<Pointer> {
    const deposit = newDeposit(isDurable)
    const pointer = addMessage(deposit, value, (name) => this.#isKnown(name, isDurable))
    await this.#checkClaims(deposit)
    if (isDurable) await this.#makeDurable((copy) => copy.addLinked(value))
    await this.#put(deposit)
    return pointer
  }

  /** What was cached in an earlier generation is written again: then it is whole for as long as what leads to it. */
  #isKnown(name: string, isDurable: boolean): boolean {
    const generation = this.#known.get(name)
    return generation === FOR_GOOD || (!isDurable && generation === this.#behind.generation)
  }

  async #makeDurable(add: (copy: DurableCopy) => Promise<void>): Promise<void> {
    const copy = new DurableCopy(this.#behind, this.#reader)
    await add(copy)
    if (copy.deposit.writes.length > 0) await this.#put(copy.deposit)
  }

  #forget(): void {
    this.#losses += 1
    this.#known.clear()
  }

  async #keepAny(value: Value, isDurable: boolean): Promise<{ readonly id: string; readonly target: Uint8Array }> {
    if (isMessage(value) || isList(value)) {
      const pointer = await this.#keep(value, isDurable)
      return { id: pointer.id, target: encodePointer(pointer) }
    }
    if (isDurable && value instanceof Link) await this.#makeDurable((copy) => copy.addLinked([value]))
    if (!isBinary(value)) return { id: sha256Text(String(value)), target: encodeLiteral(value) }
    const deposit = newDeposit(isDurable)
    const id = addBinary(deposit, binaryBytes(value))
    await this.#put(deposit)
    return { id, target: encodeLiteral(new Outside(id)) }
  }

  async #targetOf(place: Place, isDurable: boolean): Promise<Uint8Array> {
    if (place.kind === 'message') return encodePointer(place.pointer)
    if (place.kind === 'value') return encodeLiteral(place.value)
    return place.kind === 'archived' ? encodeArchived(place.id) : (await this.#keepAny(place.value, isDurable)).target
  }

  async #put(deposit: MessageDeposit): Promise<void> {
    const generation = await this.#behind.keep(deposit)
    for (const name of deposit.names) {
      if (generation !== null) this.#known.set(name, deposit.isDurable ? FOR_GOOD : generation)
      this.#reader.forget(name)
    }
  }

  async #checkClaims({ claims }: MessageDeposit): Promise<void> {
    const max = AO_CORE_NESTED_COMMITMENTS_MAX
    if (claims.length > max)
      throw new HeddleError(
        'limit-reached',
        { what: 'commitments', max },
        `the message has more than ${max} commitments in it; write its parts first`,
      )
    await Promise.all(
      claims.map(async ({ message, commitment, key, value }) => {
        const name = toBase64url(sha256(concat([key, value])))
        if (this.#held.has(name) || (await this.#isKept(key, value))) return
        const holds = (await this.#verify(message, commitment)) || (await this.#verifyLoaded(message, commitment))
        if (!holds) {
          const text = `commitment ${commitment.id} does not hold for the message that it is in; only messages whose commitments hold are kept`
          throw new HeddleError('signature-invalid', { id: commitment.id }, text)
        }
        this.#held.set(name, true)
      }),
    )
  }

  async #isKept(key: Uint8Array, value: Uint8Array): Promise<boolean> {
    const kept = await this.#behind.get('commitments', key)
    return kept !== null && equalBytes(kept, value)
  }

  /** A signature over a message with all that is in it needs what its links lead to. */
  async #verifyLoaded(message: Message, commitment: Commitment): Promise<boolean> {
    if (![...message.values()].some((value) => value instanceof Link)) return false
    try {
      return await this.#verify((await loadWhole(this, message)) as Message, commitment)
    } catch (error) {
      if (isFailure(error, 'not-found')) return false
      throw error
    }
  }

  /** A bundle may hold an item that is no good; then that part of it cannot be read by itself. */
  async #keepPart(value: Message | readonly Value[]): Promise<void> {
    try {
      await this.#keep(value, false)
    } catch (error) {
      if (!isFailure(error, 'signature-invalid') && !isFailure(error, 'id-mismatch')) throw error
    }
  }
}

function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.length > PATH_STEPS_MAX)
    throw new HeddleError('too-large', { what: 'path', size: parts.length, max: PATH_STEPS_MAX }, `the path has ${parts.length} segments`)
  return parts.join('/')
}
