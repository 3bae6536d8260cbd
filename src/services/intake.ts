/**
 * The way in for data items: decode, verify, deduplicate, classify, one durable commit.
 *
 * Invariants  Nothing is stored before its signature holds. A repeat gets the receipt of the first. What was acknowledged survives `kill -9`.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { toBase64url } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { HeddleError } from '../base/errors.ts'
import { createSha384, sha256 } from '../base/hash.ts'
import type { TxId } from '../base/ids.ts'
import { ITEM_BYTES_MAX, ITEM_IN_MEMORY_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import {
  type DataItem,
  decodeDataItem,
  decodeItemHeader,
  type ItemHeader,
  itemHeaderBytesMax,
  verifyStreamedItem,
} from '../codec/data-item.ts'
import { type TextTag, toTextTags } from '../codec/tags.ts'
import type { BlobDraft, BlobStore } from '../store/blob-store.ts'
import type { KvWrite } from '../store/kv-store.ts'
import { type Archive, fitsKv, type ItemRecord, itemRecord, recordWrite, type StoredItem } from './archive.ts'
import type { FairGate, Leave } from './fair-gate.ts'
import type { Commit, Journal } from './journal.ts'
import { itemRow } from './rows.ts'
import { Door } from './weave/serial.ts'

export interface ItemReceipt {
  readonly id: TxId
  readonly repeated: boolean
  /** When it was first acknowledged, also for a repeat. */
  readonly acceptedAtMs: number
  readonly acceptedHeight: number
  readonly item: ItemHeader
}

/** Takes over committing an item of its kind: adds its own writes and events to `base` and commits once. */
export interface ItemHandler {
  claims(tags: readonly TextTag[]): boolean
  commit(item: DataItem, base: Commit): Promise<void>
  /** Sees to it that an item that is stored already has all that it had got from `commit`. */
  repeat(id: TxId): Promise<void>
}

/** Where accepted items wait until a bundle takes them to the weave. */
export interface BundleQueue {
  enqueue(id: TxId): KvWrite
}

/** Opens what an accepted bundle holds. */
export interface Unbundler {
  markUnfinished(id: TxId): KvWrite
  unbundle(id: TxId): Promise<void>
}

/** Checks signatures, many at once. */
export interface ItemVerifier {
  verify(item: DataItem): Promise<boolean>
}

export interface IntakeDeps {
  readonly journal: Journal
  readonly archive: Archive
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly height: () => number
  readonly queue: BundleQueue
  readonly unbundler: Unbundler
  readonly handlers: readonly ItemHandler[]
  readonly verifier: ItemVerifier
  readonly gate: Pick<FairGate, 'enter'>
}

/** More than can be verified at one time. */
const RECENT_ITEMS = 50_000

export class Intake {
  readonly #deps: IntakeDeps
  readonly #underWay = new Map<TxId, Promise<ItemRecord>>()
  /** What was stored lately, so that an item that was looked for before its verification need not be looked for again after it. */
  readonly #recent = new LRUCache<TxId, ItemRecord>({ max: RECENT_ITEMS })

  readonly #door = new Door()

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  /** Nothing is stored any more when it resolves. */
  stop(): Promise<void> {
    return this.#door.close()
  }

  /** `trusted`: this node signed it just now, so the signature is not checked again. */
  async acceptItem(raw: Uint8Array, options: { readonly trusted?: boolean } = {}): Promise<ItemReceipt> {
    checkSize(raw.length, ITEM_BYTES_MAX)
    const item = decodeDataItem(raw)
    const known = await this.#find(item.id)
    if (known !== null && !this.#isUnhandled(item, known)) return this.#repeated(item, known)
    if (options.trusted === true) return this.#once(item, () => this.#store(item))
    if (!(await this.#deps.verifier.verify(item))) throw badSignature(item.id)
    const leave = await this.#enter(item)
    try {
      return await this.#once(item, () => this.#store(item))
    } finally {
      leave?.()
    }
  }

  /** Null for what no handler takes: storing is soon done. */
  #enter({ owner, target, tags }: DataItem): Leave | Promise<Leave> | null {
    const { handlers, gate } = this.#deps
    const texts = toTextTags(tags)
    if (!handlers.some((handler) => handler.claims(texts))) return null
    return gate.enter(Buffer.from(owner).toString('latin1'), target === null ? '' : toBase64url(target))
  }

  /**
   * An item of another network that was fetched to be read: its signature holds, and no handler hears of it. Somebody who sends the same item
   * here is not answered by this copy.
   */
  async acceptForeign(item: DataItem): Promise<void> {
    const { archive, blobs, journal, queue, unbundler } = this.#deps
    if ((await this.#find(item.id)) !== null) return
    const isLarge = !fitsKv(item.raw.length)
    if (isLarge) await blobs.put(`item-${item.id}`, item.raw)
    const sent = this.#underWay.get(item.id)
    if (sent !== undefined) await sent.catch(() => {})
    if (this.#recent.has(item.id) || this.#underWay.has(item.id)) return // Sent just now; from here to the commit nothing else runs.
    await this.#door.pass(async () => {
      const { record, writes } = archive.storeItem(item, { payloadSha256: sha256(item.data), ...this.#now(), isForeign: true })
      const row = itemRow(item, { parent: null, ingestedAtS: Math.floor(record.acceptedAtMs / 1000) })
      const unfinished = record.isBundle ? [unbundler.markUnfinished(item.id)] : []
      await journal.commit({ writes: [...writes, queue.enqueue(item.id), ...unfinished], events: [{ kind: 'row', row }] })
      if (record.isBundle) await unbundler.unbundle(item.id)
    })
  }

  /** For bodies that should not be held in memory. `totalBytes` is null when the sender does not say. */
  async acceptStream(body: AsyncIterable<Uint8Array>, totalBytes: number | null): Promise<ItemReceipt> {
    if (totalBytes !== null) checkSize(totalBytes, ITEM_BYTES_MAX)
    const { draft, start, bytes } = await this.#receive(body)
    if (draft === null) return this.acceptItem(start)
    try {
      return await this.#acceptDraft(draft, start, bytes)
    } catch (error) {
      await draft.drop()
      throw error
    }
  }

  /** Reads into memory, and on into a draft once the body proves large. */
  async #receive(body: AsyncIterable<Uint8Array>): Promise<{ draft: BlobDraft | null; start: Uint8Array; bytes: number }> {
    const parts: Uint8Array[] = []
    let bytes = 0
    let draft: BlobDraft | null = null
    try {
      for await (const part of body) {
        bytes += part.length
        checkSize(bytes, ITEM_BYTES_MAX)
        if (draft !== null) {
          await draft.append(part)
          continue
        }
        parts.push(part)
        if (bytes <= ITEM_IN_MEMORY_BYTES_MAX) continue
        draft = await this.#deps.blobs.draft()
        await draft.append(Buffer.concat(parts))
      }
    } catch (error) {
      await draft?.drop()
      throw error
    }
    return { draft, start: Buffer.concat(parts), bytes }
  }

  async #acceptDraft(draft: BlobDraft, start: Uint8Array, bytes: number): Promise<ItemReceipt> {
    const header = decodeItemHeader(start.subarray(0, itemHeaderBytesMax()), bytes)
    const known = await this.#find(header.id)
    if (known !== null && !this.#isUnhandled(header, known)) {
      await draft.drop()
      return this.#repeated(header, known)
    }
    const tags = toTextTags(header.tags)
    if (this.#deps.handlers.some((handler) => handler.claims(tags))) {
      checkSize(bytes, MESSAGE_BYTES_MAX)
      const raw = await draft.read(0, bytes)
      await draft.drop()
      return this.acceptItem(raw)
    }
    const { sha384, sha256: digest } = await hashDraft(draft, header.headerBytes, bytes)
    if (!(await verifyStreamedItem(header, sha384))) throw badSignature(header.id)
    const stored = await this.#once(header, async () => {
      await draft.keep(`item-${header.id}`)
      const record = itemRecord(header, { at: 'blob', payloadSha256: digest, ...this.#now() })
      return this.#commit(header, { record, writes: [recordWrite(header.id, record)] }, null)
    })
    if (stored.repeated) await draft.drop()
    return stored
  }

  /** What is kept is repeated, not what was sent: that may carry the signature of another content. */
  async #repeated(item: ItemHeader, known: ItemRecord): Promise<ItemReceipt> {
    const tags = toTextTags(item.tags)
    for (const handler of this.#deps.handlers) if (handler.claims(tags)) await this.#door.pass(() => handler.repeat(item.id))
    return receipt(item, known, true)
  }

  async #store(item: DataItem): Promise<ItemRecord> {
    const { archive, blobs } = this.#deps
    if (!fitsKv(item.raw.length)) await blobs.put(`item-${item.id}`, item.raw)
    return this.#commit(item, archive.storeItem(item, { payloadSha256: sha256(item.data), ...this.#now() }), item)
  }

  /** `item` is null when the payload was not held in memory; no handler takes such items. */
  async #commit(header: ItemHeader, { record, writes }: StoredItem, item: DataItem | null): Promise<ItemRecord> {
    const { blobs, journal, queue, handlers, unbundler } = this.#deps
    const row = itemRow(header, { parent: null, ingestedAtS: Math.floor(record.acceptedAtMs / 1000) })
    const unfinished = record.isBundle ? [unbundler.markUnfinished(header.id)] : []
    const base: Commit = { writes: [...writes, queue.enqueue(header.id), ...unfinished], events: [{ kind: 'row', row }] }
    const tags = toTextTags(header.tags)
    const handler = item === null ? undefined : handlers.find((candidate) => candidate.claims(tags))
    try {
      if (handler !== undefined && item !== null) await handler.commit(item, base)
      else await journal.commit(base)
    } catch (error) {
      if (record.at === 'blob') await blobs.delete(`item-${header.id}`)
      throw error
    }
    if (record.isBundle) await unbundler.unbundle(header.id)
    return record
  }

  /** Runs `work` unless the same item is, or just was, stored by another request. */
  async #once(item: ItemHeader, work: () => Promise<ItemRecord>): Promise<ItemReceipt> {
    const other = this.#underWay.get(item.id) ?? this.#recent.get(item.id)
    if (other !== undefined) return receipt(item, await other, true)
    const storing = this.#door.pass(work)
    this.#underWay.set(item.id, storing)
    try {
      const record = await storing
      this.#recent.set(item.id, record)
      return receipt(item, record, false)
    } finally {
      this.#underWay.delete(item.id)
    }
  }

  async #find(id: TxId): Promise<ItemRecord | null> {
    const record = await this.#deps.archive.find(id)
    if (record?.kind === 'tx') throw new HeddleError('already-known', { id, where: 'weave' }, `${id} is the id of a transaction already`)
    return record
  }

  /**
   * Something for a handler that so far is only known from inside a bundle, or from another network: nobody may keep a message from its process
   * by bundling or reading it first.
   */
  #isUnhandled(item: ItemHeader, { at, isForeign }: ItemRecord): boolean {
    if (isForeign !== true && (at === 'blob' || 'raw' in at)) return false
    const tags = toTextTags(item.tags)
    return this.#deps.handlers.some((handler) => handler.claims(tags))
  }

  #now(): { readonly acceptedAtMs: number; readonly acceptedHeight: number } {
    return { acceptedAtMs: this.#deps.clock.nowMs(), acceptedHeight: this.#deps.height() }
  }
}

function receipt(item: ItemHeader, { acceptedAtMs, acceptedHeight }: ItemRecord, repeated: boolean): ItemReceipt {
  return { id: item.id, repeated, acceptedAtMs, acceptedHeight, item }
}

async function hashDraft(draft: BlobDraft, from: number, to: number): Promise<{ sha384: Uint8Array; sha256: Uint8Array }> {
  const tail = createSha384()
  const digest = createHash('sha256')
  for (let at = from; at < to; at += ITEM_IN_MEMORY_BYTES_MAX) {
    const part = await draft.read(at, Math.min(to, at + ITEM_IN_MEMORY_BYTES_MAX))
    tail.update(part)
    digest.update(part)
  }
  return { sha384: tail.digest(), sha256: digest.digest() }
}

function checkSize(size: number, max: number): void {
  if (size > max)
    throw new HeddleError(
      'too-large',
      { what: 'data item', size, max },
      `the data item has ${size} bytes or more, at most ${max} are accepted`,
    )
}

function badSignature(id: TxId): HeddleError<'signature-invalid'> {
  return new HeddleError('signature-invalid', { id }, `the signature of data item ${id} does not match its content; sign it again`)
}
