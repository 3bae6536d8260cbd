/**
 * What programs were told about files, by the message that asked.
 *
 * Wire        space `drive`: id that the process has for itself + u64 slot (timestamp of a tick) + SHA-256 of the JSON of [message id, height, timestamp, path]
 *             -> JSON: missing, found with its size (and its text, when that is short), or the fault that ended the message
 * Invariants  Written once for each message and path, and durable before the program hears of it. A fork is told what its origin was told, as far
 *             as their logs are one. Dry runs of messages without a slot leave nothing.
 */
import { concat, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import { isTxId } from '../../base/ids.ts'
import type { FileContext } from '../../guests/host-bridge.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { decodeRecord, encodeRecord, slotKey } from './records.ts'

export type Outcome =
  | { readonly kind: 'missing' }
  | { readonly kind: 'found'; readonly sizeBytes: number; readonly text?: string }
  | { readonly kind: 'fault'; readonly text: string }

/** So that an entry fits into the KvStore, however the text is escaped. */
export const TEXT_KEPT_BYTES_MAX = 8 * 1024

export class DriveLog {
  readonly #kv: Pick<KvStore, 'get' | 'write'>

  constructor(kv: Pick<KvStore, 'get' | 'write'>) {
    this.#kv = kv
  }

  async find(self: string, message: FileContext, path: string): Promise<Outcome | null> {
    const key = keyOf(self, message, path)
    const value = key === null ? null : await this.#kv.get('drive', key)
    return value === null ? null : decodeRecord<Outcome>(value)
  }

  async keep(self: string, message: FileContext, path: string, outcome: Outcome): Promise<void> {
    const key = keyOf(self, message, path)
    if (key !== null) await this.#kv.write([{ space: 'drive', key, value: encodeRecord(outcome) }])
  }
}

function keyOf(self: string, { id, slot, height, timestampMs }: FileContext, path: string): Uint8Array | null {
  if (slot === null || !isTxId(self)) return null
  return concat([slotKey(self, slot), sha256(utf8(JSON.stringify([id, height, timestampMs, path])))])
}
