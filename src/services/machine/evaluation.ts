/** From what the guests answered to what is kept of it. */
import { errorText, HeddleError, isFailure } from '../../base/errors.ts'
import { type Evaluation, GuestFault } from '../../guests/guest.ts'
import { planOutbox } from './outbox.ts'
import type { Entry, LogRecord, NodeFailure, ResultRecord } from './records.ts'
import type { Evaluated } from './result-saver.ts'

export function evaluatedBy({ ok, result, gasUsed, timeMs }: Evaluation, record: LogRecord): Evaluated {
  const error = errorOf(result.Error)
  const tookMs = Math.round(timeMs * 100) / 100
  if (!ok)
    return {
      record,
      result: { ...failure(record, error ?? 'the program failed without saying why'), output: outputOf(result.Output), gasUsed, tookMs },
      entries: [],
    }
  const lists = { messages: entries(result.Messages), spawns: entries(result.Spawns), assignments: entries(result.Assignments) }
  const { entries: outbox, undelivered } = planOutbox(lists, record.depth)
  const kept: ResultRecord = {
    ...common(record),
    kept: true,
    output: outputOf(result.Output),
    ...lists,
    ...(error === null ? {} : { error }),
    gasUsed,
    tookMs,
    undelivered,
  }
  return { record, result: kept, entries: outbox }
}

/** Of a message to a program that could not run it, on any node. */
export function programFailure(record: LogRecord, error: unknown): Evaluated {
  return failedEvaluation(record, `the program could not run: ${errorText(error)}`)
}

/** Trouble that is the same on every node: the module is missing, or does not even start, or answers what cannot be read. */
export function isOfProgram(error: unknown): boolean {
  return (
    error instanceof GuestFault ||
    (error instanceof HeddleError && !isFailure(error, 'guest-lost') && !isFailure(error, 'store-failed') && !isFailure(error, 'stopping'))
  )
}

/** Slot 0 of a fork: it changes nothing, since the state that the fork begins with is its original's. */
export function forkedEvaluation(record: LogRecord): Evaluated {
  const { error: _, ...result } = failure(record, '')
  return { record, result, entries: [] }
}

/** `nodeFailure` when it is not the program's. */
export function failedEvaluation(record: LogRecord, error: string, nodeFailure?: NodeFailure): Evaluated {
  const result = failure(record, error)
  return { record, result: nodeFailure === undefined ? result : { ...result, nodeFailure }, entries: [] }
}

function failure(record: LogRecord, error: string): ResultRecord {
  return { ...common(record), kept: false, output: '', messages: [], spawns: [], assignments: [], error, gasUsed: 0, undelivered: [] }
}

function common({
  slot,
  message,
  timestampMs,
  height,
  cron,
}: LogRecord): Pick<ResultRecord, 'slot' | 'message' | 'timestampMs' | 'height' | 'cron'> {
  return { slot, message, timestampMs, height, ...(cron === undefined ? {} : { cron }) }
}

/** Null when there is none: absent, false and empty text are no error. */
function errorOf(error: unknown): string | null {
  if (error === undefined || error === null || error === false || error === '') return null
  return typeof error === 'string' ? error : JSON.stringify(error)
}

/** Missing is empty, and numbers are text, as clients expect. */
function outputOf(output: unknown): unknown {
  if (output === undefined || output === null) return ''
  return typeof output === 'number' ? String(output) : output
}

function entries(list: readonly unknown[]): Entry[] {
  return list.filter((entry): entry is Entry => typeof entry === 'object' && entry !== null && !Array.isArray(entry))
}
