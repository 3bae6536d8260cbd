/**
 * What is at a path of the message store, from memory, from what is on its way to the disk, or from the disk.
 *
 * Order       An id: record of a message, another id of one, value by its SHA-256, data item or transaction of the Archive, and last what was linked
 *             there by hand. Any other path: what was linked there, else the key at its end of what its beginning leads to.
 * Invariants  The same message is the same object while it is in memory, which keeps what was computed of it. Private keys are at no path.
 *             What need not be durable may be gone in parts: then nothing is there. Of what is durable nothing may lack.
 */
import { LRUCache } from 'lru-cache'
import { concat, fromBase64url, fromBigEndian, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { isTxId } from '../../base/ids.ts'
import { RESULTS_CACHED_BYTES_MAX } from '../../base/limits.ts'
import { committersOf, linkId } from '../../codec/message/id.ts'
import {
  type Binary,
  binaryLength,
  isBinary,
  isList,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  Link,
  type Message,
  type Value,
} from '../../codec/message/value.ts'
import { type Pointer, shownPart } from '../../kernel/kept-message.ts'
import { type ItemArchive, readArchived } from './archived.ts'
import { idKey, pathKey, pieceKey, uncheckedKey } from './deposit.ts'
import {
  binaryFrom,
  decodeRecord,
  decodeValue,
  isStoredList,
  isStoredMessage,
  Outside,
  type StoredRecord,
  type StoredValue,
} from './record.ts'
import type { WriteBehind } from './write-behind.ts'

/** What a path leads to. */
export type Place =
  | { readonly kind: 'message'; readonly pointer: Pointer }
  | { readonly kind: 'value'; readonly value: StoredValue }
  | { readonly kind: 'archived'; readonly id: string; readonly value: Value }
  /** Part of a message that is in memory. */
  | { readonly kind: 'part'; readonly value: Value }

export interface ReaderDeps {
  readonly behind: WriteBehind
  readonly archive: ItemArchive
  /** Keeps what is in an archived message, so that it can be read by itself. */
  readonly keepPart: (part: Message | readonly Value[]) => Promise<void>
}

/** Something that is kept leads to what is not there. */
class Missing extends HeddleError<'not-found'> {
  readonly what: string
  constructor(what: string, id: string) {
    super('not-found', { what: 'message', id }, `a part of a message, ${id}, is not here any more`)
    this.what = what
  }
}

/** What a key, a small value and their objects take in memory, about. */
const ENTRY_BYTES = 120

export class MessageReader {
  readonly #behind: WriteBehind
  readonly #archive: ItemArchive
  readonly #keepPart: ReaderDeps['keepPart']
  readonly #records = new LRUCache<string, StoredRecord>({ maxSize: RESULTS_CACHED_BYTES_MAX / 4, sizeCalculation: recordBytes })
  readonly #values = new LRUCache<string, { readonly value: Binary }>({
    maxSize: RESULTS_CACHED_BYTES_MAX / 4,
    sizeCalculation: ({ value }) => ENTRY_BYTES + binaryLength(value),
  })
  /** Whole messages by their pointers, and archived ones by their ids. */
  readonly #messages = new LRUCache<string, { readonly value: Value; readonly generation: number }>({
    maxSize: RESULTS_CACHED_BYTES_MAX / 2,
    sizeCalculation: ({ value }) => valueBytes(value),
  })

  constructor({ behind, archive, keepPart }: ReaderDeps) {
    this.#behind = behind
    this.#archive = archive
    this.#keepPart = keepPart
  }

  /** A message was written, `<unsigned id>/<commitments…>`: it may have commitments now that it had not when it was read. */
  forget(name: string): void {
    const [id = name] = name.split('/')
    this.#messages.delete(id)
  }

  /** Null where nothing is. The path is clean. */
  async locate(path: string): Promise<Place | null> {
    if (isTxId(path)) return (await this.#locateId(path)) ?? this.#locateLinked(path)
    const linked = await this.#locateLinked(path)
    if (linked !== null) return linked
    const cut = path.lastIndexOf('/')
    if (cut === -1) return null
    const key = path.slice(cut + 1)
    const before = path.slice(0, cut)
    if (before === 'data' && isTxId(key)) return this.#locateValue(key)
    const base = await this.locate(before)
    return base === null ? null : this.#locateKey(base, key)
  }

  async #locateId(id: string): Promise<Place | null> {
    if (this.#records.has(id)) return { kind: 'message', pointer: { id, commitments: [] } }
    const [record, other] = await Promise.all([this.#behind.get('messages', fromBase64url(id)), this.#behind.get('paths', idKey(id))])
    if (record !== null) return { kind: 'message', pointer: { id, commitments: [] } }
    if (other !== null) return this.#decodePlace(other)
    return (await this.#locateValue(id)) ?? this.#locateArchived(id)
  }

  async #locateValue(hash: string): Promise<Place | null> {
    const isHere = this.#values.has(hash) || (await this.#behind.get('values', fromBase64url(hash))) !== null
    return isHere ? { kind: 'value', value: new Outside(hash) } : null
  }

  async #locateArchived(id: string): Promise<Place | null> {
    const { generation } = this.#behind
    const held = this.#messages.get(id)
    if (held !== undefined && held.generation >= generation - 1) return { kind: 'archived', id, value: held.value }
    const found = await readArchived(this.#archive, id)
    if (found === null) return null
    const value = await this.#withLinks(found)
    this.#messages.set(id, { value, generation }) // What it links to may be gone after the next one.
    return { kind: 'archived', id, value }
  }

  /** What is in an archived message becomes readable by itself: signed items are archived too, the others are kept as messages. */
  async #withLinks(value: Value): Promise<Value> {
    if (!isMessage(value)) return value
    const entries = await Promise.all(
      [...value].map(async ([key, item]): Promise<[string, Value]> => {
        if (key === 'commitments' || (!isMessage(item) && !isList(item))) return [key, item]
        if (isList(item) || committersOf(item).length === 0) await this.#keepPart(item)
        return [key, new Link(linkId(item))]
      }),
    )
    return entries.some(([, item]) => item instanceof Link) ? new Map(entries) : value
  }

  async #locateLinked(path: string): Promise<Place | null> {
    const target = await this.#behind.get('paths', pathKey(path))
    return target === null ? null : this.#decodePlace(target)
  }

  async #decodePlace(bytes: Uint8Array): Promise<Place | null> {
    const rest = bytes.subarray(1)
    if (bytes[0] === 1) return { kind: 'value', value: decodeValue(rest) }
    const ids = Array.from({ length: rest.length / 32 }, (_, i) => toBase64url(rest.subarray(i * 32, i * 32 + 32)))
    const [id = '', ...commitments] = ids
    return bytes[0] === 2 ? this.#locateArchived(id) : { kind: 'message', pointer: { id, commitments } }
  }

  async #locateKey(base: Place, key: string): Promise<Place | null> {
    if (isPrivateKey(key)) return null
    if (base.kind === 'value') return null
    if (base.kind !== 'message') return this.#placeOf(keyOf(base.value, key))
    return this.#ifWhole(base.pointer.id, async () => {
      if (key === 'commitments') return this.#placeOf(await this.#commitments(base.pointer))
      const record = await this.#record(base.pointer.id)
      const value = record.entries.get(key) ?? linkText(record, key)
      if (value === undefined) return null
      return value instanceof Link ? this.locate(value.id) : { kind: 'value', value }
    })
  }

  async #placeOf(value: Value | undefined): Promise<Place | null> {
    if (value === undefined) return null
    if (value instanceof Link) return this.locate(value.id)
    return { kind: 'part', value }
  }

  /** Null where it is gone. */
  async valueAt(place: Place): Promise<Value | null> {
    if (place.kind === 'value') return this.#ifWhole(null, () => this.#value(place.value))
    if (place.kind !== 'message') return place.value
    const { pointer } = place
    const name = [pointer.id, ...pointer.commitments].join('/')
    const held = this.#messages.get(name)
    if (held !== undefined) return held.value
    const value = await this.#ifWhole(pointer.id, () => this.#message(pointer))
    if (value !== null) this.#messages.set(name, { value, generation: this.#behind.generation })
    return value
  }

  /** Null where something is missing of what need not be durable: of a message, or of a value that stands for itself. */
  async #ifWhole<T>(message: string | null, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      const mayGo = message === null || error.what === 'commitments'
      if (!mayGo && (await this.#behind.getDurable('messages', fromBase64url(message))) !== null) throw gone(error.what, error.facts.id)
      return null
    }
  }

  async #message(pointer: Pointer): Promise<Value> {
    const { isList: asList, entries } = await this.#record(pointer.id)
    const values = await Promise.all([...entries].map(async ([key, value]): Promise<[string, Value]> => [key, await this.#value(value)]))
    if (asList) return values.map(([, value]) => value)
    return shownPart(new Map(values), await this.#commitments(pointer), pointer)
  }

  /** Those that are meant, and those that nobody in particular signed; undefined when there are none. */
  async #commitments({ id, commitments }: Pointer): Promise<Message | undefined> {
    const at = fromBase64url(id)
    const [shared, ...own] = await Promise.all([
      this.#behind.get('commitments', at),
      ...commitments.map((commitment) => this.#commitment(at, commitment)),
    ])
    const found = new Map<string, Value>()
    for (const [i, bytes] of own.entries()) {
      const commitment = bytes && (await this.#storedCommitment(bytes))
      if (commitment === null) throw new Missing('commitments', commitments[i]!)
      found.set(commitments[i]!, commitment)
    }
    const ofNobody = shared && (await this.#storedCommitment(shared))
    if (isMessage(ofNobody)) for (const [name, value] of ofNobody) found.set(name, value)
    return found.size === 0 ? undefined : found
  }

  /** Null where it is gone: the commitments of a durable message need not be durable. */
  #storedCommitment(bytes: Uint8Array): Promise<Value | null> {
    return this.#ifWhole(null, () => this.#value(decodeValue(bytes)))
  }

  async #commitment(message: Uint8Array, id: string): Promise<Uint8Array | null> {
    const bytes = await this.#behind.get('commitments', concat([message, fromBase64url(id)]))
    return bytes ?? this.#behind.get('commitments', uncheckedKey(message, id))
  }

  async #record(id: string): Promise<StoredRecord> {
    const held = this.#records.get(id)
    if (held !== undefined) return held
    const bytes = await this.#behind.get('messages', fromBase64url(id))
    if (bytes === null) throw new Missing('messages', id)
    const record = decodeRecord(bytes)
    this.#records.set(id, record)
    return record
  }

  async #value(value: StoredValue): Promise<Value> {
    if (value instanceof Outside) return this.binary(value.hash)
    if (isStoredList(value)) return Promise.all(value.map((item) => this.#value(item)))
    if (!isStoredMessage(value)) return value
    return new Map(await Promise.all([...value].map(async ([key, item]): Promise<[string, Value]> => [key, await this.#value(item)])))
  }

  /** A value that lies by itself. */
  async binary(hash: string): Promise<Binary> {
    const held = this.#values.get(hash)
    if (held !== undefined) return held.value
    const key = fromBase64url(hash)
    const row = await this.#behind.get('values', key)
    if (row === null) throw new Missing('values', hash)
    const bytes = row[0] === 0 ? row.subarray(1) : row[0] === 1 ? await this.#blob(hash) : await this.#pieces(hash, row)
    const value = binaryFrom(bytes)
    this.#values.set(hash, { value })
    return value
  }

  async #blob(hash: string): Promise<Uint8Array> {
    const bytes = await this.#behind.blob(`value-${hash}`)
    if (bytes === null) throw gone('values', hash)
    return bytes
  }

  async #pieces(hash: string, row: Uint8Array): Promise<Uint8Array> {
    const digest = fromBase64url(hash)
    const pieces: Uint8Array[] = []
    for (const count = Number(fromBigEndian(row.subarray(1))); pieces.length < count; ) {
      const piece = await this.#behind.get('values', pieceKey(digest, pieces.length))
      if (piece === null) throw new Missing('values', hash)
      pieces.push(piece)
    }
    return concat(pieces)
  }
}

function keyOf(value: Value, key: string): Value | undefined {
  if (isMessage(value)) return value.get(key)
  return isList(value) && /^[1-9]\d{0,8}$/.test(key) ? value[Number(key) - 1] : undefined
}

/** `key+link` of a child is the id of it. */
function linkText({ entries }: StoredRecord, key: string): string | undefined {
  if (!key.endsWith(LINK_SUFFIX)) return undefined
  const child = entries.get(key.slice(0, -LINK_SUFFIX.length))
  return child instanceof Link ? child.id : undefined
}

function recordBytes({ entries }: StoredRecord): number {
  let bytes = ENTRY_BYTES
  for (const [key, value] of entries) bytes += ENTRY_BYTES + key.length + (typeof value === 'string' ? value.length : 0)
  return bytes
}

function valueBytes(value: Value): number {
  if (isBinary(value)) return ENTRY_BYTES + value.length
  if (isMessage(value)) return [...value].reduce((sum, [key, item]) => sum + key.length + valueBytes(item), ENTRY_BYTES)
  return isList(value) ? value.reduce<number>((sum, item) => sum + valueBytes(item), ENTRY_BYTES) : ENTRY_BYTES
}

function gone(what: string, id: string): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what }, `${what} lacks ${id}, which something kept leads to; run "heddle doctor"`)
}
