/**
 * Where this node's scheduler is: a signed record that clients look up by the scheduler's address.
 *
 * Wire        data item with Data-Protocol=ao, Variant, Type=Scheduler-Location, Url, Time-To-Live (milliseconds), signed by the scheduler;
 *             space `meta`, `scheduler-location` -> JSON of the newest: id, owner, url
 * Source      permaweb/ao scheduler-utils: the newest record of an owner counts
 * Invariants  Published once for each URL in a row: a node that starts again where it was adds nothing.
 */
import { utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { sha256 } from '../base/hash.ts'
import { addressOfKey, type TxId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { createDataItemSync, type ItemSigner } from '../codec/data-item.ts'
import type { KvStore } from '../store/kv-store.ts'
import type { Archive } from './archive.ts'
import type { BundleQueue } from './intake.ts'
import type { Journal } from './journal.ts'
import { itemRow } from './rows.ts'

export interface LocationsDeps {
  readonly kv: Pick<KvStore, 'get'>
  readonly archive: Pick<Archive, 'storeItem'>
  readonly journal: Pick<Journal, 'commit'>
  readonly queue: BundleQueue
  readonly clock: Clock
  readonly height: () => number
  readonly random: Random
  readonly scheduler: ItemSigner
}

interface Published {
  readonly id: TxId
  readonly owner: string
  readonly url: string
}

const KEY = utf8('scheduler-location')
/** Clients believe a record for so long: short, since a node of one's own moves to another port easily. */
const TIME_TO_LIVE_MS = 60_000
const ANCHOR_BYTES = 32

export class Locations {
  readonly #deps: LocationsDeps
  #current: TxId | null = null

  constructor(deps: LocationsDeps) {
    this.#deps = deps
  }

  /** The record that says where this node is now; null before `announce`. */
  get current(): TxId | null {
    return this.#current
  }

  /** Resolves when the record can be found. */
  async announce(url: string): Promise<void> {
    const bytes = await this.#deps.kv.get('meta', KEY)
    const last = bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as Published)
    const owner = addressOfKey(this.#deps.scheduler.owner)
    this.#current = last?.url === url && last.owner === owner ? last.id : await this.#publish(url, owner)
  }

  async #publish(url: string, owner: string): Promise<TxId> {
    const { archive, journal, queue, clock, height, random, scheduler } = this.#deps
    const tags = [
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Type', value: 'Scheduler-Location' },
      { name: 'Url', value: url },
      { name: 'Time-To-Live', value: String(TIME_TO_LIVE_MS) },
    ]
    // The anchor makes a record of its own of a URL that comes back after another.
    const item = createDataItemSync({ data: ' ', tags, anchor: random.bytes(ANCHOR_BYTES) }, scheduler)
    const acceptedAtMs = clock.nowMs()
    const { writes } = archive.storeItem(item, { payloadSha256: sha256(item.data), acceptedAtMs, acceptedHeight: height() })
    const published: Published = { id: item.id, owner, url }
    await journal.commit({
      writes: [...writes, queue.enqueue(item.id), { space: 'meta', key: KEY, value: utf8(JSON.stringify(published)) }],
      events: [{ kind: 'row', row: itemRow(item, { parent: null, ingestedAtS: Math.floor(acceptedAtMs / 1000) }) }],
    })
    return item.id
  }
}
