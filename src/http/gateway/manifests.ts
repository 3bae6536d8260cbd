/** Path manifests as the gateway uses them: parsed once, kept while they are often asked for. */
import { LRUCache } from 'lru-cache'
import type { TxId } from '../../base/ids.ts'
import { MANIFEST_BYTES_MAX } from '../../base/limits.ts'
import { type Manifest, parseManifest } from '../../codec/manifest.ts'
import { type Archive, dataBytesOf, type StoredRecord } from '../../services/archive.ts'

const KEPT_BYTES_MAX = 64 * 1024 * 1024

interface Kept {
  /** Null for data that has the type of a manifest and is none. */
  readonly manifest: Manifest | null
  readonly sizeBytes: number
}

export class Manifests {
  readonly #archive: Archive
  readonly #kept = new LRUCache<TxId, Kept>({ maxSize: KEPT_BYTES_MAX, sizeCalculation: ({ sizeBytes }) => sizeBytes + 1 })

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** The manifest that this id holds, or null when it holds something else. */
  async find(id: TxId, record: StoredRecord): Promise<Manifest | null> {
    if (!(record.contentType ?? '').startsWith('application/x.arweave-manifest')) return null
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept.manifest
    const sizeBytes = dataBytesOf(record)
    if (sizeBytes > MANIFEST_BYTES_MAX) return null
    const bytes = await this.#archive.readData(id, MANIFEST_BYTES_MAX)
    const manifest = bytes === null ? null : tryParse(bytes)
    this.#kept.set(id, { manifest, sizeBytes })
    return manifest
  }

  clear(): void {
    this.#kept.clear()
  }
}

function tryParse(bytes: Uint8Array): Manifest | null {
  try {
    return parseManifest(bytes)
  } catch {
    return null
  }
}
