/**
 * A message store in memory, for tests and for programs that keep nothing.
 *
 * Invariants  As the durable one: children are kept by their own ids and read as links, private keys are not kept, and an id shows what it shows there
 *             (kept-message.ts). It takes commitments at their word. What it gives is the same object until the message is written again.
 */
import { toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { linkId, unsignedId } from '../codec/message/id.ts'
import {
  binaryBytes,
  isBinary,
  isContainer,
  isList,
  isMessage,
  isPrivateKey,
  Link,
  type Message,
  type Value,
} from '../codec/message/value.ts'
import { identical } from './identical.ts'
import { keptPart, otherIds, type Pointer, pointerTo, shownPart } from './kept-message.ts'
import { loadLink } from './links.ts'
import type { MessageStore } from './message-store.ts'

/** A message without commitments, and its commitments by their ids. */
interface Kept {
  readonly value: Message | readonly Value[]
  readonly signed: Map<string, Value>
  /** By nobody in particular. */
  ofNobody: ReadonlyMap<string, Value>
  readonly shown: Map<string, Message>
}

type Place = { readonly pointer: Pointer } | { readonly value: Value }

export class MemoryMessageStore implements MessageStore {
  readonly #kept = new Map<string, Kept>()
  /** Other ids than unsigned ones. */
  readonly #ids = new Map<string, Pointer>()
  readonly #binaries = new Map<string, Value>()
  readonly #paths = new Map<string, Place>()

  async read(path: string): Promise<Value | null> {
    const place = await this.#locate(path)
    if (place === null) return null
    return 'value' in place ? place.value : this.#show(place.pointer)
  }

  async write(message: Message): Promise<string> {
    return this.#keep(message).id
  }

  async writeAt(path: string, value: Value): Promise<string> {
    if (isContainer(value)) {
      const pointer = this.#keep(value)
      if (path !== pointer.id) this.#paths.set(path, { pointer })
      return pointer.id
    }
    const id = toBase64url(sha256(binaryBytes(isBinary(value) ? value : String(value))))
    if (isBinary(value)) this.#binaries.set(id, value)
    this.#paths.set(path, { value })
    return id
  }

  async link(path: string, alias: string): Promise<void> {
    const place = await this.#locate(path)
    if (place === null)
      throw new HeddleError('not-found', { what: 'message', id: path }, `nothing is at ${path}; write it before linking to it`)
    this.#paths.set(alias, place)
  }

  async list(path: string): Promise<readonly string[] | null> {
    const value = await this.read(path)
    if (isList(value)) return value.map((_, i) => String(i + 1))
    return isMessage(value) ? [...value.keys()] : null
  }

  async match(wanted: Message): Promise<readonly string[]> {
    const has = ({ value }: Kept): boolean =>
      isMessage(value) && [...wanted].every(([key, want]) => value.has(key) && identical(value.get(key) as Value, want))
    return wanted.size === 0 ? [] : [...this.#kept].filter(([, kept]) => has(kept)).map(([id]) => id)
  }

  async #locate(path: string): Promise<Place | null> {
    if (this.#kept.has(path)) return { pointer: { id: path, commitments: [] } }
    const pointer = this.#ids.get(path)
    if (pointer !== undefined) return { pointer }
    const known = this.#binaries.get(path)
    if (known !== undefined) return { value: known }
    return this.#paths.get(path) ?? this.#locateKey(path)
  }

  async #locateKey(path: string): Promise<Place | null> {
    const slash = path.lastIndexOf('/')
    const parent = slash <= 0 ? null : await this.read(path.slice(0, slash))
    const key = path.slice(slash + 1)
    const value = isMessage(parent) ? parent.get(key) : isList(parent) ? parent[Number(key) - 1] : undefined
    if (value instanceof Link) return (await this.#locate(value.id)) ?? { value: await loadLink(this, value) }
    return value === undefined ? null : { value }
  }

  #show(pointer: Pointer): Value {
    const kept = this.#kept.get(pointer.id) as Kept // No pointer is made before its message is kept, and none is ever forgotten.
    if (isList(kept.value)) return kept.value
    const name = pointer.commitments.join('/')
    const shown = kept.shown.get(name)
    if (shown !== undefined) return shown
    const own = pointer.commitments.map((id): [string, Value] => [id, kept.signed.get(id) as Value])
    const commitments = new Map([...own, ...kept.ofNobody])
    const part = shownPart(kept.value as Message, commitments.size === 0 ? undefined : commitments, pointer)
    kept.shown.set(name, part)
    return part
  }

  #keep(value: Message | readonly Value[]): Pointer {
    if (!isMessage(value)) {
      const pointer = { id: unsignedId(value), commitments: [] }
      this.#put(pointer, () => value.map((item) => this.#child(item)))
      return pointer
    }
    const commitments = commitmentsOf(value)
    const part = keptPart(value, commitments)
    const pointer = pointerTo(unsignedId(part), commitments)
    const kept = this.#put(pointer, () => this.#ownKeys(part))
    const all = (value.get('commitments') ?? new Map()) as Message // commitmentsOf read them from there.
    for (const { id } of commitments) kept.signed.set(id, all.get(id) as Value)
    const ofNobody = commitments.filter(({ committer }) => committer === null)
    if (ofNobody.length > 0) kept.ofNobody = new Map(ofNobody.map(({ id }) => [id, all.get(id) as Value]))
    for (const [id, target] of otherIds(value, commitments, pointer)) this.#ids.set(id, target)
    return pointer
  }

  #put({ id }: Pointer, make: () => Kept['value']): Kept {
    const kept = this.#kept.get(id) ?? { value: make(), signed: new Map(), ofNobody: new Map(), shown: new Map() }
    kept.shown.clear()
    this.#kept.set(id, kept)
    return kept
  }

  #ownKeys(message: Message): Message {
    const own = [...message].filter(([key]) => !isPrivateKey(key) && key !== 'commitments')
    return new Map(own.map(([key, value]) => [key, this.#child(value)]))
  }

  #child(value: Value): Value {
    if (!isContainer(value)) return value
    this.#keep(value)
    return new Link(linkId(value))
  }
}
