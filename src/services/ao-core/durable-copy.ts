/**
 * Copies to durable records of what is cached: who writes something durably that links to something else keeps that too.
 *
 * Invariants  Records are copied as they are; ids and commitments stay those that were checked when they were written. What is durable has all that
 *             it links to, so the search ends there, and what it finds is written as one, before what links to it. A link to nothing may lead elsewhere.
 */
import { concat, fromBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { isTxId } from '../../base/ids.ts'
import { AO_CORE_VALUES_MAX, WRITE_BEHIND_BYTES_MAX } from '../../base/limits.ts'
import { binaryBytes, isList, isMessage, Link, type Message, type Value } from '../../codec/message/value.ts'
import type { Pointer } from '../../kernel/kept-message.ts'
import type { Space } from '../../store/kv-store.ts'
import { addBinary, idKey, type MessageDeposit, matchWrite, newDeposit, uncheckedKey } from './deposit.ts'
import type { MessageReader, Place } from './message-reader.ts'
import { decodeRecord, decodeValue, isStoredList, isStoredMessage, Outside, type StoredValue } from './record.ts'
import type { WriteBehind } from './write-behind.ts'

export class DurableCopy {
  readonly deposit: MessageDeposit = newDeposit(true)
  readonly #behind: WriteBehind
  readonly #reader: MessageReader
  readonly #seen = new Set<string>()
  /** Ids of links that are still to be followed. */
  readonly #ahead: string[] = []
  #bytes = 0

  constructor(behind: WriteBehind, reader: MessageReader) {
    this.#behind = behind
    this.#reader = reader
  }

  /** What is there, with all that it links to. */
  async add(place: Place): Promise<void> {
    await this.#addPlace(place)
    await this.#follow()
  }

  /** All that a message or list links to, at any depth. */
  async addLinked(value: Message | readonly Value[]): Promise<void> {
    this.#noteLinks(value)
    await this.#follow()
  }

  #noteLinks(value: Value): void {
    if (value instanceof Link) this.#note(value.id)
    else if (isList(value)) for (const item of value) this.#noteLinks(item)
    else if (isMessage(value)) for (const [key, item] of value) if (key !== 'commitments') this.#noteLinks(item)
  }

  #note(id: string): void {
    if (this.#seen.has(id)) return
    if (this.#seen.size >= AO_CORE_VALUES_MAX) {
      const text = `the message links to more than ${AO_CORE_VALUES_MAX} others that are not durable; write its parts first`
      throw new HeddleError('limit-reached', { what: 'links', max: AO_CORE_VALUES_MAX }, text)
    }
    this.#seen.add(id)
    this.#ahead.push(id)
  }

  async #follow(): Promise<void> {
    for (let id = this.#ahead.pop(); id !== undefined; id = this.#ahead.pop()) {
      if (!isTxId(id) || (await this.#isDurable(id))) continue
      const place = await this.#reader.locate(id)
      if (place === null) continue
      if (place.kind === 'message' && place.pointer.id !== id) await this.#copy('paths', idKey(id))
      await this.#addPlace(place)
    }
  }

  async #isDurable(id: string): Promise<boolean> {
    const at = fromBase64url(id)
    for (const [space, key] of [['messages', at] as const, ['paths', idKey(id)] as const, ['values', at] as const])
      if ((await this.#behind.getDurable(space, key)) !== null) return true
    return false
  }

  async #addPlace(place: Place): Promise<void> {
    if (place.kind === 'message') await this.#addMessage(place.pointer)
    else if (place.kind === 'value') await this.#addValue(place.value)
    else if (place.kind === 'part') this.#noteLinks(place.value)
  }

  async #addMessage({ id, commitments }: Pointer): Promise<void> {
    const at = fromBase64url(id)
    const bytes = await this.#behind.get('messages', at)
    if (bytes === null) throw new HeddleError('not-found', { what: 'message', id }, `message ${id} is not here any more; write it again`)
    const { isList: asList, entries } = decodeRecord(bytes)
    this.#write('messages', at, bytes)
    for (const [key, value] of entries) {
      if (!asList) this.deposit.writes.push(matchWrite(key, value, id)) // Its bytes are few.
      await this.#addValue(value)
    }
    await this.#copyCommitment(at)
    for (const commitment of commitments) {
      await this.#copyCommitment(concat([at, fromBase64url(commitment)]))
      await this.#copyCommitment(uncheckedKey(at, commitment))
      await this.#copy('paths', idKey(commitment))
    }
  }

  async #addValue(value: StoredValue): Promise<void> {
    if (value instanceof Outside) await this.#addOutside(value.hash)
    else if (value instanceof Link) this.#note(value.id)
    else if (isStoredList(value)) for (const item of value) await this.#addValue(item)
    else if (isStoredMessage(value)) for (const item of value.values()) await this.#addValue(item)
  }

  async #addOutside(hash: string): Promise<void> {
    const bytes = binaryBytes(await this.#reader.binary(hash))
    this.#count(bytes.length)
    addBinary(this.deposit, bytes)
  }

  async #copyCommitment(key: Uint8Array): Promise<void> {
    const value = await this.#copy('commitments', key)
    if (value !== null) await this.#addValue(decodeValue(value))
  }

  async #copy(space: Space, key: Uint8Array): Promise<Uint8Array | null> {
    const value = await this.#behind.get(space, key)
    if (value !== null) this.#write(space, key, value)
    return value
  }

  #write(space: Space, key: Uint8Array, value: Uint8Array): void {
    this.#count(key.length + value.length)
    this.deposit.writes.push({ space, key, value })
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= WRITE_BEHIND_BYTES_MAX) return
    const text = `what is linked to and not durable yet has more than ${WRITE_BEHIND_BYTES_MAX} bytes; write its parts first`
    throw new HeddleError('limit-reached', { what: 'linked bytes', max: WRITE_BEHIND_BYTES_MAX }, text)
  }
}
