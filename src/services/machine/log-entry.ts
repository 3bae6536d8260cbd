/** A slot with its message, read back from the store. What stands for the message of a tick is the process, whose tags say what it is. */
import { EMPTY } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { ProcessLog } from './process-log.ts'
import type { Scheduled } from './scheduler.ts'
import type { SourceMessage, Sources } from './sources.ts'

export interface LogReader {
  readonly log: Pick<ProcessLog, 'record'>
  readonly sources: Pick<Sources, 'message'>
}

/** For slots that are in the log: throws `store-failed` when something of them is gone. */
export async function readEntry({ log, sources }: LogReader, process: TxId, slot: number): Promise<Scheduled> {
  const record = await log.record(process, slot)
  if (record === null) throw gone('log', `slot ${slot} of process ${process}`)
  if (record.cron !== undefined) return { process, record, source: await tickSource(sources, process) }
  const source = await sources.message(record.message)
  if (source === null) throw gone('bodies', `message ${record.message}`)
  return { process, record, source }
}

/** Without data, which ticks have not. */
export async function tickSource(sources: LogReader['sources'], process: TxId): Promise<SourceMessage> {
  const source = await sources.message(process)
  if (source === null) throw gone('bodies', `the item of process ${process}`)
  return { ...source, data: EMPTY }
}

function gone(space: string, what: string): HeddleError<'store-failed'> {
  return new HeddleError('store-failed', { what: space }, `${what} is gone from the store; run "heddle doctor"`)
}
