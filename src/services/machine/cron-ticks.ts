/**
 * Ticks of crons as the scheduler gives them slots: what is due in a log, and at which height of the chain it stands there.
 *
 * Invariants  What is due follows from the head and the chain alone, so that ticks come once, whoever asks for them first: the next message,
 *             a reader of cron results, or a monitor. Of many missed ones only the last are made up for.
 */
import type { TxId } from '../../base/ids.ts'
import { CRON_CATCH_UP_MAX } from '../../base/limits.ts'
import { dueHeights, dueTicks, isTickDue, type Moment, nextTickMs, parseCrons, timingOf } from '../../rules/cron.ts'
import { tickSource } from './log-entry.ts'
import type { CronHead, LogRecord, ProcessHead } from './records.ts'
import type { SourceMessage, Sources } from './sources.ts'

/** What ticks need of the chain. */
export interface BlockTimes {
  /** When the block at this height was made. */
  blockTimeMs(height: number): Promise<number>
  /** Of the last block that was made by then; 0 when none was. */
  heightAt(timestampMs: number): Promise<number>
}

/** A tick that has its place in time but no slot yet. */
export interface PlannedTick extends Moment {
  readonly cron: string
}

export interface TickPlan {
  readonly ticks: readonly PlannedTick[]
  /** The process, which stands for their message. */
  readonly source: SourceMessage
}

/** When to look at the crons of a process again. */
export interface NextTick {
  /** Infinity when no time cron follows. */
  readonly atMs: number
  /** Has it crons that wait for blocks? */
  readonly waitsForBlocks: boolean
}

/** Of a process that is being spawned; null when it has no crons. Throws `request-invalid` and `too-large`. */
export function cronHead(tags: SourceMessage['tags'], { timestampMs, height }: Pick<LogRecord, 'timestampMs' | 'height'>): CronHead | null {
  const crons = parseCrons(tags).map(timingOf)
  return crons.length === 0 ? null : { origin: { timestampMs, height }, crons, height }
}

export function isDue(head: ProcessHead, now: Moment): boolean {
  return head.cron !== undefined && isTickDue(head.cron, lastOf(head, head.cron), now)
}

export function nextTick({ cron, timestampMs }: ProcessHead): NextTick | null {
  if (cron === undefined) return null
  return { atMs: nextTickMs(cron, timestampMs), waitsForBlocks: cron.crons.some(({ unit }) => unit === 'blocks') }
}

/** What is due after the last slot of this head, up to now. */
export async function planTicks(
  process: TxId,
  head: ProcessHead,
  now: Moment,
  { chain, sources }: { readonly chain: BlockTimes; readonly sources: Pick<Sources, 'message'> },
): Promise<TickPlan> {
  const { cron } = head
  const source = await tickSource(sources, process)
  if (cron === undefined) return { ticks: [], source }
  const last = lastOf(head, cron)
  const heights = dueHeights(cron, last, now, CRON_CATCH_UP_MAX)
  const blockTimesMs = new Map<number, number>()
  for (const height of heights) blockTimesMs.set(height, await chain.blockTimeMs(height))
  const ticks: PlannedTick[] = []
  let { height } = last
  for (const tick of dueTicks(cron, last, now, { blockTimesMs, max: CRON_CATCH_UP_MAX })) {
    height = Math.max(height, tick.height ?? Math.min(await chain.heightAt(tick.timestampMs), now.height))
    ticks.push({ cron: tick.key, timestampMs: tick.timestampMs, height })
  }
  return { ticks, source }
}

function lastOf({ timestampMs }: ProcessHead, { height }: CronHead): Moment {
  return { timestampMs, height }
}
