/**
 * The way in for data items: decode, verify, deduplicate, classify, one durable commit.
 *
 * Invariants  Nothing is stored before its signature holds. A repeat gets the receipt of the first. What was acknowledged survives `kill -9`.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { idBytes, type TxId } from '../base/ids.ts'
import { ITEM_BYTES_MAX, ITEM_IN_MEMORY_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import {
  type DataItem,
  decodeDataItem,
  decodeItemHeader,
  type ItemHeader,
  itemHeaderBytesMax,
  verifyStreamedItem,
} from '../codec/data-item.ts'
import { createTailHash } from '../codec/deep-hash.ts'
import { type TextTag, toTextTags } from '../codec/tags.ts'
import type { BlobDraft, BlobStore } from '../store/blob-store.ts'
import type { KvWrite } from '../store/kv-store.ts'
import { type Archive, fitsKv, type ItemRecord, itemRecord, recordWrite } from './archive.ts'
import type { Commit, Journal } from './journal.ts'
import { itemRow } from './rows.ts'

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
}

export class Intake {
  readonly #deps: IntakeDeps
  readonly #underWay = new Map<TxId, Promise<void>>()

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  /** `trusted`: this node signed it just now, so the signature is not checked again. */
  async acceptItem(raw: Uint8Array, options: { readonly trusted?: boolean } = {}): Promise<ItemReceipt> {
    checkSize(raw.length, ITEM_BYTES_MAX)
    const item = decodeDataItem(raw)
    if (await this.#deps.archive.has(item.id)) return this.#receipt(item, true)
    if (options.trusted !== true && !(await this.#deps.verifier.verify(item))) throw badSignature(item.id)
    const repeated = await this.#once(item.id, () => this.#store(item))
    return this.#receipt(item, repeated)
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
    if (await this.#deps.archive.has(header.id)) {
      await draft.drop()
      return this.#receipt(header, true)
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
    const repeated = await this.#once(header.id, async () => {
      await draft.keep(`item-${header.id}`)
      await this.#commitStored(header, this.#record(header, 'blob', digest), null)
    })
    if (repeated) await draft.drop()
    return this.#receipt(header, repeated)
  }

  async #store(item: DataItem): Promise<void> {
    const inKv = fitsKv(item.raw.length)
    if (!inKv) await this.#deps.blobs.put(`item-${item.id}`, item.raw)
    await this.#commitStored(item, this.#record(item, inKv ? 'body' : 'blob', sha256(item.data)), item)
  }

  /** `item` is null when the payload was not held in memory; no handler takes such items. */
  async #commitStored(header: ItemHeader, record: ItemRecord, item: DataItem | null): Promise<void> {
    const { blobs, journal, queue, handlers, unbundler } = this.#deps
    const writes = [recordWrite(header.id, record), queue.enqueue(header.id)]
    if (record.at === 'body' && item !== null) writes.push({ space: 'bodies', key: idBytes(header.id), value: item.raw })
    if (record.isBundle) writes.push(unbundler.markUnfinished(header.id))
    const row = itemRow(header, { parent: null, ingestedAtS: Math.floor(record.acceptedAtMs / 1000) })
    const base: Commit = { writes, events: [{ kind: 'row', row }] }
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
  }

  /** Runs `work` unless the same id is being stored already; tells whether it was. */
  async #once(id: TxId, work: () => Promise<void>): Promise<boolean> {
    const running = this.#underWay.get(id)
    if (running !== undefined) {
      await running
      return true
    }
    if (await this.#deps.archive.has(id)) return true
    const again = this.#underWay.get(id)
    if (again !== undefined) {
      await again
      return true
    }
    const promise = work().finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, promise)
    await promise
    return false
  }

  #record(header: ItemHeader, at: ItemRecord['at'], payloadSha256: Uint8Array): ItemRecord {
    return itemRecord(header, { at, payloadSha256, acceptedAtMs: this.#deps.clock.nowMs(), acceptedHeight: this.#deps.height() })
  }

  async #receipt(item: ItemHeader, repeated: boolean): Promise<ItemReceipt> {
    const record = await this.#deps.archive.find(item.id)
    if (record?.kind !== 'item')
      throw new HeddleError('already-known', { id: item.id, where: 'weave' }, `${item.id} is the id of a transaction already`)
    return { id: item.id, repeated, acceptedAtMs: record.acceptedAtMs, acceptedHeight: record.acceptedHeight, item }
  }
}

async function hashDraft(draft: BlobDraft, from: number, to: number): Promise<{ sha384: Uint8Array; sha256: Uint8Array }> {
  const tail = createTailHash()
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
