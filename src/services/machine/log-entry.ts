/** A slot with its message, read back from the store. */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { ProcessLog } from './process-log.ts'
import type { Scheduled } from './scheduler.ts'
import type { Sources } from './sources.ts'

export interface LogReader {
  readonly log: Pick<ProcessLog, 'record'>
  readonly sources: Pick<Sources, 'message'>
}

/** For slots that are in the log: throws `store-failed` when something of them is gone. */
export async function readEntry({ log, sources }: LogReader, process: TxId, slot: number): Promise<Scheduled> {
  const record = await log.record(process, slot)
  if (record === null) throw gone('log', `slot ${slot} of process ${process}`)
  const source = await sources.message(record.message)
  if (source === null) throw gone('bodies', `message ${record.message}`)
  return { process, record, source }
}

function gone(space: string, what: string): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what: space }, `${what} is gone from the store; run "heddle doctor"`)
}
