/**
 * Data items and transactions as messages: every one of the Archive can be read by its id as AO-Core has it. The raw bytes stay the truth.
 *
 * Invariants  The Archive holds nothing whose signature was not checked, so its commitments hold. What is larger than a message may be is `too-large`.
 */
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import { AO_CORE_BODY_BYTES_MAX } from '../../base/limits.ts'
import { decodeAns104Value } from '../../codec/message/ans104.ts'
import { decodeTx } from '../../codec/message/tx.ts'
import type { Value } from '../../codec/message/value.ts'
import type { Archive, TransactionRecord } from '../archive.ts'

export type ItemArchive = Pick<Archive, 'find' | 'itemRaw' | 'transaction' | 'readData' | 'hasData'>

/** Null when it is not here, or not all of it. */
export async function readArchived(archive: ItemArchive, id: string): Promise<Value | null> {
  if (!isTxId(id)) return null
  const record = await archive.find(id)
  if (record === null) return null
  if (record.kind === 'tx') return readTransaction(archive, id, record)
  const raw = await archive.itemRaw(id, AO_CORE_BODY_BYTES_MAX)
  return raw === null ? null : decodeAns104Value(raw)
}

async function readTransaction(archive: ItemArchive, id: TxId, record: TransactionRecord): Promise<Value | null> {
  const size = Number(record.dataBytes)
  const max = AO_CORE_BODY_BYTES_MAX
  if (size > max)
    throw new HeddleError(
      'too-large',
      { what: 'transaction', size, max },
      `the data of ${id} has ${size} bytes, as a message at most ${max} can be read; its data is at /raw/${id}`,
    )
  const transaction = await archive.transaction(id)
  if (transaction === null || !(await archive.hasData(id, record))) return null
  const data = size === 0 ? null : await archive.readData(id, max)
  return decodeTx(data === null ? transaction : { ...transaction, data })
}
