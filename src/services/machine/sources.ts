/** Messages and modules as the machine needs them, whichever way they came to the node: as data items or as L1 transactions. */
import { LRUCache } from 'lru-cache'
import { toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { MESSAGE_BYTES_MAX, MODULE_BYTES_MAX, MODULE_CACHE_BYTES_MAX } from '../../base/limits.ts'
import { type DataItem, decodeDataItem, type ItemHeader, itemHeaderBytesMax } from '../../codec/data-item.ts'
import { findTag, type TextTag, toTextTags } from '../../codec/tags.ts'
import { ownerOf, type Transaction } from '../../codec/transaction.ts'
import type { GuestModule } from '../../guests/guest.ts'
import { moduleAdvice } from '../aliases.ts'
import { aoAddress } from './protocol.ts'

/** The slice of the archive that the machine reads. */
export interface MessageArchive {
  itemRaw(id: TxId, maxBytes: number): Promise<Uint8Array | null>
  itemHeader(id: TxId): Promise<ItemHeader | null>
  transaction(id: TxId): Promise<Transaction | null>
  readData(id: TxId, maxBytes: number): Promise<Uint8Array | null>
}

/** Where to look for what the archive does not have. */
export interface Beyond {
  /** Resolves to true when it is in the archive now; throws `peer-failed`. */
  bring(id: TxId): Promise<boolean>
  /** The module that a well-known id means when nobody has the real one; null for other ids. */
  standIn(module: TxId): TxId | null
}

export const NOTHING_BEYOND: Beyond = { bring: async () => false, standIn: () => null }

/** A message before it has a slot. */
export interface SourceMessage {
  readonly id: TxId
  readonly signature: Uint8Array
  /** Public key. */
  readonly owner: Uint8Array
  /** base64url, "" when none. */
  readonly target: string
  readonly anchor: Uint8Array
  readonly tags: readonly TextTag[]
  readonly data: Uint8Array
}

export interface ModuleFacts {
  readonly id: TxId
  readonly owner: string
  readonly tags: readonly TextTag[]
  /** "" when the Module-Format tag is missing. */
  readonly format: string
}

const MODULES_REMEMBERED = 1_000

export class Sources {
  readonly #archive: MessageArchive
  readonly #modules = new LRUCache<TxId, ModuleFacts>({ max: MODULES_REMEMBERED })
  /** Processes of the same module are opened again and again. */
  readonly #bytes = new LRUCache<TxId, Uint8Array>({ maxSize: MODULE_CACHE_BYTES_MAX, sizeCalculation: (bytes) => bytes.length + 1 })

  readonly #beyond: Beyond

  constructor(archive: MessageArchive, beyond: Beyond = NOTHING_BEYOND) {
    this.#archive = archive
    this.#beyond = beyond
  }

  /** Null when the id is unknown or not all of its data is here. */
  async message(id: TxId): Promise<SourceMessage | null> {
    const raw = await this.#archive.itemRaw(id, MESSAGE_BYTES_MAX + itemHeaderBytesMax())
    if (raw !== null) return messageOfItem(decodeDataItem(raw))
    const tx = await this.#archive.transaction(id)
    if (tx === null) return null
    const data = await this.#archive.readData(id, MESSAGE_BYTES_MAX)
    return data === null ? null : messageOfTransaction(tx, data)
  }

  /** The same, brought here from elsewhere when it is not. Throws `peer-failed`. */
  async messageFromAnywhere(id: TxId): Promise<SourceMessage | null> {
    return (await this.message(id)) ?? ((await this.#beyond.bring(id)) ? this.message(id) : null)
  }

  /** Brings here what is elsewhere. Throws `peer-failed`. */
  async fetchMissing(id: TxId): Promise<void> {
    const isHere = (await this.#archive.itemHeader(id)) !== null || (await this.#archive.transaction(id)) !== null
    if (!isHere) await this.#beyond.bring(id)
  }

  /**
   * What a new process that names this module runs: the module, brought here if it is elsewhere, or what its id means when nobody has it.
   * Throws `module-unknown`, `peer-failed`.
   */
  async resolveModule(id: TxId): Promise<ModuleFacts> {
    const found = await this.#findModule(id)
    if (found !== null) return found
    const standIn = (await this.#beyond.bring(id)) ? null : this.#beyond.standIn(id)
    return this.moduleFacts(standIn ?? id)
  }

  /** Throws `module-unknown`. */
  async moduleFacts(id: TxId): Promise<ModuleFacts> {
    const found = await this.#findModule(id)
    if (found !== null) return found
    throw new HeddleError('module-unknown', { module: id }, `module ${id} is not on this node; ${moduleAdvice(id)}`)
  }

  async #findModule(id: TxId): Promise<ModuleFacts | null> {
    const known = this.#modules.get(id)
    if (known !== undefined) return known
    const header = await this.#archive.itemHeader(id)
    const tx = header === null ? await this.#archive.transaction(id) : null
    const owner = header?.owner ?? (tx === null ? null : ownerOf(tx))
    if (owner === null) return null
    const tags = toTextTags(header?.tags ?? tx?.tags ?? [])
    const facts = { id, owner: aoAddress(owner), tags, format: findTag(tags, 'Module-Format') ?? '' }
    this.#modules.set(id, facts)
    return facts
  }

  async module(id: TxId): Promise<GuestModule> {
    const { format } = await this.moduleFacts(id)
    const bytes = this.#bytes.get(id) ?? (await this.#archive.readData(id, MODULE_BYTES_MAX))
    if (bytes === null)
      throw new HeddleError(
        'module-unknown',
        { module: id },
        `the bytes of module ${id} are not all on this node yet; upload the rest of its chunks`,
      )
    this.#bytes.set(id, bytes)
    return { id, format, bytes }
  }
}

export function messageOfItem(item: DataItem): SourceMessage {
  return {
    id: item.id,
    signature: item.signature,
    owner: item.owner,
    target: item.target === null ? '' : toBase64url(item.target),
    anchor: item.anchor ?? new Uint8Array(0),
    tags: toTextTags(item.tags),
    data: item.data,
  }
}

export function messageOfTransaction(tx: Transaction, data: Uint8Array): SourceMessage {
  return {
    id: tx.id,
    signature: tx.signature,
    owner: ownerOf(tx),
    target: toBase64url(tx.target),
    anchor: tx.lastTx,
    tags: toTextTags(tx.tags),
    data,
  }
}
