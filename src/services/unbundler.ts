/**
 * Makes what a bundle holds readable and findable: every valid item of every level, each by its own id.
 *
 * Invariants  A bad item is skipped and logged; its neighbours are indexed. Interrupted work goes on at the next start, and doing it twice changes nothing.
 *             Items inside bundles are stored data: AO messages among them are not scheduled, since only a scheduler's door does that.
 */
import type { Clock } from '../base/clock.ts'
import { errorText } from '../base/errors.ts'
import { bytesToId, idBytes, type TxId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Unbundled, unbundle } from '../codec/bundle-reader.ts'
import type { IndexEvent } from '../store/index-store.ts'
import type { KvStore, KvWrite } from '../store/kv-store.ts'
import { type Archive, dataBytesOf, itemRecord, recordWrite } from './archive.ts'
import type { Journal } from './journal.ts'
import { itemRow } from './rows.ts'

export interface UnbundlerDeps {
  readonly kv: KvStore
  readonly journal: Journal
  readonly archive: Archive
  readonly clock: Clock
  readonly height: () => number
  readonly log: Log
}

const COMMIT_ITEMS = 500

type ValidItem = Extract<Unbundled, { kind: 'item' }>

export class BundleOpener {
  readonly #deps: UnbundlerDeps

  constructor(deps: UnbundlerDeps) {
    this.#deps = deps
  }

  /** Part of the commit that brings a bundle: until its items are stored it counts as unfinished. */
  markUnfinished(id: TxId): KvWrite {
    return { space: 'unbundling', key: idBytes(id), value: new Uint8Array(0) }
  }

  /** Goes on with what a stop interrupted. Bundles whose data is not all here yet stay unfinished. */
  async resume(): Promise<void> {
    const ids: TxId[] = []
    for await (const { key } of this.#deps.kv.scan('unbundling')) ids.push(bytesToId(key))
    for (const id of ids) {
      await this.unbundle(id).catch((error: unknown) =>
        this.#deps.log.debug({ id, problem: errorText(error) }, 'a bundle waits for its data'),
      )
    }
  }

  /** Indexes the items of a bundle whose data is here. A bundle that cannot be read at all is logged and left alone. */
  async unbundle(id: TxId): Promise<void> {
    const { archive, journal, log } = this.#deps
    const record = await archive.find(id)
    if (record === null || !record.isBundle) return
    const read = (start: number, end: number): AsyncIterable<Uint8Array> => archive.streamData(id, record, start, end)
    let waiting: ValidItem[] = []
    try {
      for await (const found of unbundle(read, { startOffset: 0, bundleBytes: dataBytesOf(record) })) {
        if (found.kind === 'bad')
          log.warn({ bundle: id, item: found.id, index: found.index, problem: found.problem.message }, 'skipped a bad item')
        if (found.kind !== 'item') continue
        waiting.push(found)
        if (waiting.length < COMMIT_ITEMS) continue
        await this.#commit(id, waiting)
        waiting = []
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error) || error.code === 'not-found' || error.code === 'store-failed') throw error
      log.warn({ bundle: id, problem: errorText(error) }, 'a bundle is damaged; the items before the damage are indexed')
    }
    if (waiting.length > 0) await this.#commit(id, waiting)
    await journal.commit({ writes: [{ space: 'unbundling', key: idBytes(id), value: null }], events: [] })
  }

  /** Items that are held already only learn where they lie. */
  async #commit(root: TxId, items: readonly ValidItem[]): Promise<void> {
    const { archive, clock, height, journal } = this.#deps
    const known = await archive.known(items.map(({ id }) => id))
    const acceptedAtMs = clock.nowMs()
    const writes: KvWrite[] = []
    const events: IndexEvent[] = []
    for (const { id, header, startOffset, parents } of items) {
      const parent = parents.at(-1) ?? root
      if (known.has(id)) {
        events.push({ kind: 'bundled', parent, ids: [id] })
        continue
      }
      const at = { parent: root, start: startOffset }
      writes.push(recordWrite(id, itemRecord(header, { at, payloadSha256: null, acceptedAtMs, acceptedHeight: height() })))
      events.push({ kind: 'row', row: itemRow(header, { parent, ingestedAtS: Math.floor(acceptedAtMs / 1000) }) })
    }
    await journal.commit({ writes, events })
  }
}
