/** BlobStore in the memory of this process, for tests and throw-away nodes. */
import { concat } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { BLOB_PIECE_BYTES_MAX } from '../../base/limits.ts'
import { blobNotFound, checkName, clampRange } from '../blob-name.ts'
import type { BlobDraft, BlobName, BlobStore } from '../blob-store.ts'

export function createMemoryBlobStore(): BlobStore {
  return new MemoryBlobStore()
}

class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<BlobName, Uint8Array>()
  #closed = false

  async put(name: BlobName, bytes: Uint8Array): Promise<void> {
    this.#check(name)
    if (!this.#blobs.has(name)) this.#blobs.set(name, bytes.slice())
  }

  async draft(): Promise<BlobDraft> {
    this.#checkOpen()
    return new MemoryDraft((name, bytes) => this.put(name, bytes))
  }

  async read(name: BlobName, start: number, end: number): Promise<Uint8Array | null> {
    this.#check(name)
    const blob = this.#blobs.get(name)
    return blob === undefined ? null : cut(blob, start, end)
  }

  async *stream(name: BlobName, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#check(name)
    signal?.throwIfAborted()
    const blob = this.#blobs.get(name)
    if (blob === undefined) throw blobNotFound(name)
    const range = clampRange(start, end, blob.length)
    for (let at = range.start; at < range.end; at += BLOB_PIECE_BYTES_MAX) {
      yield cut(blob, at, Math.min(at + BLOB_PIECE_BYTES_MAX, range.end))
      signal?.throwIfAborted()
    }
  }

  async sizeBytes(name: BlobName): Promise<number | null> {
    this.#check(name)
    return this.#blobs.get(name)?.length ?? null
  }

  async delete(name: BlobName): Promise<void> {
    this.#check(name)
    this.#blobs.delete(name)
  }

  async clear(): Promise<void> {
    this.#checkOpen()
    this.#blobs.clear()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#blobs.clear()
  }

  #check(name: BlobName): void {
    this.#checkOpen()
    checkName(name)
  }

  #checkOpen(): void {
    if (this.#closed) throw new HeddleError('store-failed', { what: 'closed' }, 'the blob store is closed')
  }
}

class MemoryDraft implements BlobDraft {
  readonly #put: (name: BlobName, bytes: Uint8Array) => Promise<void>
  #parts: Uint8Array[] | null = []

  constructor(put: (name: BlobName, bytes: Uint8Array) => Promise<void>) {
    this.#put = put
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#open().push(bytes.slice())
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    return cut(this.#whole(), start, end)
  }

  async keep(name: BlobName): Promise<void> {
    await this.#put(name, this.#whole())
    this.#parts = null
  }

  async drop(): Promise<void> {
    this.#parts = null
  }

  #whole(): Uint8Array {
    const parts = this.#open()
    if (parts.length !== 1) this.#parts = [concat(parts)]
    return this.#parts![0]!
  }

  #open(): Uint8Array[] {
    if (this.#parts === null) throw new HeddleError('store-failed', { what: 'draft' }, 'the draft was already kept or dropped')
    return this.#parts
  }
}

function cut(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const range = clampRange(start, end, bytes.length)
  return bytes.slice(range.start, range.end)
}
