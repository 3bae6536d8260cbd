/** From what the guests answered to what is kept of it. */
import type { Evaluation } from '../../guests/guest.ts'
import { planOutbox } from './outbox.ts'
import type { Entry, LogRecord, NodeFailure, ResultRecord } from './records.ts'
import type { Evaluated } from './result-saver.ts'

export function evaluatedBy({ ok, result, gasUsed }: Evaluation, record: LogRecord): Evaluated {
  const error = errorOf(result.Error)
  if (!ok)
    return {
      record,
      result: { ...failure(record, error ?? 'the program failed without saying why'), output: outputOf(result.Output), gasUsed },
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
    undelivered,
  }
  return { record, result: kept, entries: outbox }
}

/** `nodeFailure` when it is not the program's. */
export function failedEvaluation(record: LogRecord, error: string, nodeFailure?: NodeFailure): Evaluated {
  const result = failure(record, error)
  return { record, result: nodeFailure === undefined ? result : { ...result, nodeFailure }, entries: [] }
}

function failure(record: LogRecord, error: string): ResultRecord {
  return { ...common(record), kept: false, output: '', messages: [], spawns: [], assignments: [], error, gasUsed: 0, undelivered: [] }
}

function common({ slot, message, timestampMs, height }: LogRecord): Pick<ResultRecord, 'slot' | 'message' | 'timestampMs' | 'height'> {
  return { slot, message, timestampMs, height }
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
