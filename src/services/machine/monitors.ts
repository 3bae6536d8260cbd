/**
 * Monitors: who asked that the cron results of a process be watched. They survive a restart.
 *
 * Wire        the request is a signed data item whose target is the process; the item itself is not stored.
 * Source      permaweb/ao servers/mu (monitor routes)
 */

import { toBase64url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { HeddleError } from '../../base/errors.ts'
import { idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { type DataItem, decodeDataItem, verifyDataItem } from '../../codec/data-item.ts'
import type { KvStore } from '../../store/kv-store.ts'
import type { Heads } from './heads.ts'
import { aoAddress } from './protocol.ts'
import { decodeRecord, encodeRecord, type MonitorRecord } from './records.ts'
import { unknownProcess } from './scheduler.ts'

export interface MonitorsDeps {
  readonly kv: Pick<KvStore, 'get' | 'write'>
  readonly heads: Heads
  readonly clock: Clock
}

export class Monitors {
  readonly #deps: MonitorsDeps

  constructor(deps: MonitorsDeps) {
    this.#deps = deps
  }

  async find(process: TxId): Promise<MonitorRecord | null> {
    const bytes = await this.#deps.kv.get('monitors', idBytes(process))
    return bytes === null ? null : decodeRecord<MonitorRecord>(bytes)
  }

  /** Asking again changes nothing: a process is watched once, for whoever asked first. */
  async add(raw: Uint8Array): Promise<MonitorRecord> {
    const { item, process } = await this.#read(raw)
    const known = await this.find(process)
    if (known !== null) return known
    const record: MonitorRecord = { process, owner: aoAddress(item.owner), item: item.id, sinceMs: this.#deps.clock.nowMs() }
    await this.#deps.kv.write([{ space: 'monitors', key: idBytes(process), value: encodeRecord(record) }])
    return record
  }

  async remove(raw: Uint8Array): Promise<void> {
    const { process } = await this.#read(raw)
    if ((await this.find(process)) === null)
      throw new HeddleError('not-found', { what: 'monitor', id: process }, `Process monitor not found: nobody watches process ${process}`)
    await this.#deps.kv.write([{ space: 'monitors', key: idBytes(process), value: null }])
  }

  async #read(raw: Uint8Array): Promise<{ readonly item: DataItem; readonly process: TxId }> {
    const item = decodeDataItem(raw)
    if (!(await verifyDataItem(item)))
      throw new HeddleError(
        'signature-invalid',
        { id: item.id },
        `the signature of data item ${item.id} does not match its content; sign it again`,
      )
    const process = item.target === null ? '' : toBase64url(item.target)
    if (!isTxId(process))
      throw new HeddleError('request-invalid', { field: 'target' }, 'the data item has no target; set it to the process to monitor')
    if ((await this.#deps.heads.find(process)) === null) throw unknownProcess(process)
    return { item, process }
  }
}
