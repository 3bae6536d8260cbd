/**
 * Revert: forgets the end of a process's log with all that followed from it in the process, so that it goes on from an earlier slot.
 *
 * Invariants  The log, its look-ups, results, outbox and traces after the slot go in one durable commit, together with the head; snapshots, which are
 *             shortcuts only, go before it. While it runs the process rests: nothing of it is evaluated, sent or scheduled.
 *             What was sent before stays where it went, and messages and assignments stay on the weave; a message that is sent again gets a
 *             new slot. A slot that a fork begins with is not forgotten, since the fork is computed from it.
 */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { REVERT_SLOTS_MAX } from '../../base/limits.ts'
import type { KvStore, KvWrite } from '../../store/kv-store.ts'
import type { Journal } from '../journal.ts'
import type { Compute } from './compute.ts'
import { forkBeyond } from './fork.ts'
import { type Heads, LiveHead } from './heads.ts'
import type { History } from './history.ts'
import type { ProcessLog } from './process-log.ts'
import type { Push } from './push.ts'
import { contentWrite, headWrite, type LogRecord, movedTo, outboxKey, slotKey, slotsKey } from './records.ts'
import { type Scheduler, unknownProcess } from './scheduler.ts'
import type { Snapshots } from './snapshots.ts'
import { traceRemovals } from './trace-record.ts'

export interface RevertDeps {
  readonly kv: Pick<KvStore, 'scan'>
  readonly journal: Pick<Journal, 'commit'>
  readonly log: ProcessLog
  readonly heads: Heads
  readonly snapshots: Pick<Snapshots, 'dropAfter'>
  readonly scheduler: Pick<Scheduler, 'closed'>
  readonly compute: Pick<Compute, 'resting'>
  readonly push: Pick<Push, 'retract'>
  readonly history: Pick<History, 'forget'>
}

/** Resolves to the number of slots that were forgotten. */
export async function revert(process: TxId, slot: number, deps: RevertDeps): Promise<number> {
  await check(process, slot, deps)
  return deps.compute.resting(process, async () => {
    await check(process, slot, deps)
    await deps.push.retract(process, slot) // Before the scheduler closes, since what is under way may be on its way to the process itself.
    return deps.scheduler.closed(process, () => cut(process, slot, deps))
  })
}

async function cut(process: TxId, slot: number, deps: RevertDeps): Promise<number> {
  const { journal, heads, log, snapshots, history } = deps
  const { head, record } = await check(process, slot, deps)
  if (head.slot === slot) return 0
  await snapshots.dropAfter(process, slot)
  const gone = await log.records(process, { after: slot, upTo: head.slot, limit: REVERT_SLOTS_MAX })
  const left = [...(await outboxRemovals(process, slot, deps)), ...(await traceRemovals(deps.kv, process, slot))]
  const writes = [...gone.flatMap((one) => removals(process, one)), ...left]
  const reverted = movedTo(head, record)
  await journal.commit({ writes: [...writes, headWrite(process, reverted)], events: [] })
  heads.add(process, new LiveHead(process, reverted, reverted))
  await history.forget(process, slot)
  return head.slot - slot
}

async function check(process: TxId, slot: number, { kv, heads, log }: RevertDeps) {
  const head = await heads.findDurable(process)
  if (head === null) throw unknownProcess(process)
  const record = await log.record(process, slot)
  if (record === null) throw refused('to', `process ${process} has no slot ${slot}; its last is ${head.slot}`)
  if (head.slot - slot > REVERT_SLOTS_MAX)
    throw new HeddleError(
      'limit-reached',
      { what: 'slots of one revert', max: REVERT_SLOTS_MAX },
      `${head.slot - slot} slots are too many at once; revert to slot ${head.slot - REVERT_SLOTS_MAX} first`,
    )
  const fork = await forkBeyond(kv, process, slot)
  if (fork !== null)
    throw refused(
      'to',
      `a fork begins with slot ${fork.at} of process ${process}; revert to that slot at most, or go on in a fork of slot ${slot}`,
    )
  return { head, record }
}

function removals(process: TxId, { slot, message, assignment, content }: LogRecord): KvWrite[] {
  return [
    { space: 'log', key: slotKey(process, slot), value: null },
    { space: 'slots', key: slotsKey(message, process), value: null },
    { space: 'slots', key: slotsKey(assignment, process), value: null },
    { space: 'ticks', key: slotKey(process, slot), value: null },
    { space: 'results', key: slotKey(process, slot), value: null },
    ...(content === undefined ? [] : [contentWrite(process, content, null)]),
  ]
}

async function outboxRemovals(process: TxId, slot: number, { kv }: RevertDeps): Promise<KvWrite[]> {
  const writes: KvWrite[] = []
  const range = { gte: outboxKey(process, slot + 1, 0), lt: outboxKey(process, Number.MAX_SAFE_INTEGER, 0) }
  for await (const { key } of kv.scan('outbox', range)) writes.push({ space: 'outbox', key, value: null })
  return writes
}

function refused(field: string, message: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, message)
}
