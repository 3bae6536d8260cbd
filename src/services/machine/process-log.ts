/** Reads the log of processes: records by slot or id, ranges, and where a moment lies in it. */
import { fromBigEndian } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { bytesToId, ID_BYTES, idBytes, isTxId, type TxId } from '../../base/ids.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { decodeRecord, type LogRecord, slotKey, slotOfKey, slotsKey } from './records.ts'

const SLOT_TEXT = /^(?:0|[1-9][0-9]{0,14})$/

/** Slots after `after` and up to `upTo`. */
export interface SlotRange {
  readonly after: number
  readonly upTo: number
  readonly limit: number
  readonly reverse?: boolean
}

export class ProcessLog {
  readonly #kv: Pick<KvStore, 'get' | 'scan'>

  constructor(kv: Pick<KvStore, 'get' | 'scan'>) {
    this.#kv = kv
  }

  async record(process: TxId, slot: number): Promise<LogRecord | null> {
    const bytes = await this.#kv.get('log', slotKey(process, slot))
    return bytes === null ? null : decodeRecord<LogRecord>(bytes)
  }

  async records(process: TxId, { after, upTo, limit, reverse = false }: SlotRange): Promise<LogRecord[]> {
    if (upTo <= after) return []
    const range = { gte: slotKey(process, after + 1), lte: slotKey(process, Math.min(upTo, Number.MAX_SAFE_INTEGER)), limit, reverse }
    const found: LogRecord[] = []
    for await (const { value } of this.#kv.scan('log', range)) found.push(decodeRecord<LogRecord>(value))
    return found
  }

  /** Slots that are ticks of crons. */
  async ticks(process: TxId, { after, upTo, limit, reverse = false }: SlotRange): Promise<number[]> {
    if (upTo <= after) return []
    const range = { gte: slotKey(process, after + 1), lte: slotKey(process, Math.min(upTo, Number.MAX_SAFE_INTEGER)), limit, reverse }
    const found: number[] = []
    for await (const { key } of this.#kv.scan('ticks', range)) found.push(slotOfKey(key))
    return found
  }

  /** Slot of a message or an assignment; null when it has none in this process. */
  async slotOf(process: TxId, id: TxId): Promise<number | null> {
    const bytes = await this.#kv.get('slots', slotsKey(id, process))
    return bytes === null ? null : Number(fromBigEndian(bytes))
  }

  /** The first process in which this message or assignment has a slot. */
  async processOf(id: TxId): Promise<TxId | null> {
    for await (const { key } of this.#kv.scan('slots', { prefix: idBytes(id), limit: 1 })) return bytesToId(key.subarray(ID_BYTES))
    return null
  }

  /** Reads what a client calls a message: its id, its assignment's id, or a slot number. Throws `not-found`. */
  async findSlot(process: TxId, idOrSlot: string): Promise<number> {
    const slot = SLOT_TEXT.test(idOrSlot) ? Number(idOrSlot) : isTxId(idOrSlot) ? await this.slotOf(process, idOrSlot) : null
    if (slot !== null) return slot
    throw new HeddleError(
      'not-found',
      { what: 'message', id: idOrSlot },
      `message ${idOrSlot} has no slot in process ${process}; send it first`,
    )
  }

  /** The last slot whose timestamp is at most this; -1 when the process is younger. Timestamps rise with every slot. */
  async slotAt(process: TxId, timestampMs: number, lastSlot: number): Promise<number> {
    let low = -1
    let high = lastSlot
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const record = await this.record(process, middle)
      if (record !== null && record.timestampMs <= timestampMs) low = middle
      else high = middle - 1
    }
    return low
  }
}
