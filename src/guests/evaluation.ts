/** From a worker's answer to the result that AO units show. What is missing gets its default: no messages, empty Output. */
import { toText } from '../base/bytes.ts'
import type { Evaluation, GuestResult } from './guest.ts'
import { ValueReader } from './value-codec.ts'
import type { Answer } from './worker-wire.ts'

export function evaluationOf({ status, gasUsed, unitsUsed, timeMs, payload }: Answer): Evaluation {
  const cost = { gasUsed, unitsUsed, timeMs }
  if (status === 'ok') return { ok: true, result: resultOf(payload), ...cost }
  if (status !== 'reported') return { ok: false, result: failedResult(toText(payload)), ...cost, failure: status }
  const { Output, Error: reported } = resultOf(payload)
  return { ok: false, result: { ...failedResult(reported), Output }, ...cost, failure: 'error' }
}

/** `why` tells which clock struck. */
export function timedOut(why: string, timeMsMax: number): Evaluation {
  return { ok: false, result: failedResult(`out of time: ${why}`), gasUsed: 0, unitsUsed: 0, timeMs: timeMsMax, failure: 'time' }
}

function resultOf(values: Uint8Array): GuestResult {
  const reader = new ValueReader(values)
  const output = reader.value()
  const result = {
    Output: outputOf(output),
    Messages: listOf(reader.value()),
    Spawns: listOf(reader.value()),
    Assignments: listOf(reader.value()),
  }
  const reported = reader.value()
  return reported === null ? result : { ...result, Error: reported }
}

/** Nothing of a failed message leaves the process: its state is taken back, so its messages would contradict it. */
function failedResult(error: unknown): GuestResult {
  return { Output: '', Messages: [], Spawns: [], Assignments: [], Error: error }
}

function outputOf(output: unknown): unknown {
  if (output === null) return ''
  return typeof output === 'number' ? String(output) : output
}

/** An empty table of the guest is an empty list already. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
