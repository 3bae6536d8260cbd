/** Path manifests as the gateway uses them: parsed once, kept while they are often asked for. */
import { LRUCache } from 'lru-cache'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { MANIFEST_BYTES_MAX } from '../../base/limits.ts'
import { isManifestType, type Manifest, parseManifest } from '../../codec/manifest.ts'
import { type Archive, collect, dataBytesOf, type StoredRecord } from '../../services/archive.ts'

const KEPT_BYTES_MAX = 64 * 1024 * 1024

/** What data with the type of a manifest turned out to be. */
export type FoundManifest = { readonly manifest: Manifest } | { readonly problem: string }

interface Kept {
  readonly found: FoundManifest
  readonly sizeBytes: number
}

export class Manifests {
  readonly #archive: Archive
  readonly #kept = new LRUCache<TxId, Kept>({ maxSize: KEPT_BYTES_MAX, sizeCalculation: ({ sizeBytes }) => sizeBytes + 1 })

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** Null when the data does not say that it is a manifest. Throws `not-found` while some of it has not arrived. */
  async find(id: TxId, record: StoredRecord): Promise<FoundManifest | null> {
    if (record.contentType === null || !isManifestType(record.contentType)) return null
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept.found
    const sizeBytes = dataBytesOf(record)
    const found = await this.#read(id, record)
    this.#kept.set(id, { found, sizeBytes: Math.min(sizeBytes, KEPT_BYTES_MAX - 1) })
    return found
  }

  async #read(id: TxId, record: StoredRecord): Promise<FoundManifest> {
    const sizeBytes = dataBytesOf(record)
    if (sizeBytes > MANIFEST_BYTES_MAX) return { problem: `the manifest has ${sizeBytes} bytes, at most ${MANIFEST_BYTES_MAX} are read` }
    const bytes = await collect(this.#archive.streamData(id, record, 0, sizeBytes))
    try {
      return { manifest: parseManifest(bytes) }
    } catch (error) {
      if (error instanceof HeddleError) return { problem: error.message }
      throw error
    }
  }

  clear(): void {
    this.#kept.clear()
  }
}
