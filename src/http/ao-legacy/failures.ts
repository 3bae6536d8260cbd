/**
 * How the AO units show failures: always JSON `{"error": text}`, with a status that says whose fault it is.
 * Client: aoconnect 0.0.98 ignores the status of compute unit calls and takes the body as the result, so a body that is not JSON would throw there.
 */
import { type FailureCode, HeddleError, isFailure } from '../../base/errors.ts'
import { json, type Response } from '../route.ts'

export function aoFailure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return json(500, { error: 'Internal Server Error' })
  const status = isResultPending(error) ? 504 : aoStatus(error.code)
  return json(status, { error: error.message }, status === 429 || status === 503 ? { 'retry-after': 1 } : {})
}

/** Not the client's doing, unlike the other limits: its message is being evaluated for a long time. */
function isResultPending(error: HeddleError): boolean {
  return isFailure(error, 'limit-reached') && error.facts.what === 'waiting for a result'
}

function aoStatus(code: FailureCode): number {
  switch (code) {
    case 'encoding-invalid':
    case 'request-invalid':
    case 'query-invalid':
    case 'signature-invalid':
    case 'id-mismatch':
    case 'tx-invalid':
    case 'fee-too-low':
    case 'overspend':
    case 'anchor-unknown':
    case 'anchor-in-mempool':
    case 'data-split-unknown':
    case 'chunk-refused':
      return 400
    case 'not-allowed':
      return 403
    case 'not-found':
    case 'process-unknown':
    case 'module-unknown':
      return 404
    case 'already-known':
      return 409
    case 'too-large':
      return 413
    case 'module-unsupported':
      return 422
    case 'limit-reached':
      return 429
    case 'config-invalid':
      return 500
    case 'guest-lost':
    case 'store-failed':
    case 'stopping':
      return 503
  }
}
