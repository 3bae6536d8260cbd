/**
 * How the AO units show failures: always JSON `{"error": text}`, with a status that says whose fault it is.
 * Client: aoconnect 0.0.98 ignores the status of compute unit calls and takes the body as the result, so a body that is not JSON would throw there.
 */
import { HeddleError, isFailure } from '../../base/errors.ts'
import { failureStatus } from '../failure-status.ts'
import { json, type Response } from '../route.ts'

/** A scheduler unit knows one status for whatever the client got wrong; the others say that it may send the same again, or must send less. */
const SAME_TO_SCHEDULERS: ReadonlySet<number> = new Set([403, 404, 409, 422])

export function aoFailure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return json(500, { error: 'Internal Server Error' })
  const status = isResultPending(error) ? 504 : failureStatus(error.code)
  return json(status, { error: error.message }, status === 429 || status === 503 ? { 'retry-after': 1 } : {})
}

export function schedulerFailure(error: unknown): Response {
  const shown = aoFailure(error)
  return SAME_TO_SCHEDULERS.has(shown.status) ? { ...shown, status: 400 } : shown
}

/** Not the client's doing, unlike the other limits: its message is being evaluated for a long time. */
function isResultPending(error: HeddleError): boolean {
  return isFailure(error, 'limit-reached') && error.facts.what === 'waiting for a result'
}
