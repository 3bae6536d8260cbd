/**
 * Large immutable bytes under a name: payloads and chunks that are too big for the KvStore.
 * Implementations: `embedded/file-blob-store.ts`, `memory/memory-blob-store.ts`; what each must do is `test/blob-store.contract.ts`.
 */
export interface BlobStore {
  /** Durable when it resolves. Putting a name again replaces nothing: names say the content, so the first wins. */
  put(name: BlobName, bytes: Uint8Array): Promise<void>
  /** A place to stream into before the name is known; `keep` makes it durable under its name, `drop` forgets it. */
  draft(): Promise<BlobDraft>
  /** Bytes [start, end), end exclusive; null when the blob is absent. */
  read(name: BlobName, start: number, end: number): Promise<Uint8Array | null>
  /** The same as pieces of at most 256 KiB; throws `not-found` when absent. */
  stream(name: BlobName, start: number, end: number, signal?: AbortSignal): AsyncIterable<Uint8Array>
  sizeBytes(name: BlobName): Promise<number | null>
  /** Absent is fine. */
  delete(name: BlobName): Promise<void>
  clear(): Promise<void>
  close(): Promise<void>
}

export interface BlobDraft {
  append(bytes: Uint8Array): Promise<void>
  /** What was appended so far. */
  read(start: number, end: number): Promise<Uint8Array>
  keep(name: BlobName): Promise<void>
  drop(): Promise<void>
}

/** `item-<id>`, `chunk-<sha256>`, `snapshot-<sha256>`, `result-<sha256>` or `value-<sha256>`: a kind and 43 base64url characters, so that it is safe as a file name. */
export type BlobName = `${'item' | 'chunk' | 'snapshot' | 'module' | 'result' | 'value'}-${string}`
