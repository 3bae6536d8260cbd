/** The HTTP status of a failure, for surfaces whose clients demand no other. No default branch: a new code does not compile until it has one. */
import type { FailureCode } from '../base/errors.ts'

export function failureStatus(code: FailureCode): number {
  switch (code) {
    case 'encoding-invalid':
    case 'request-invalid':
    case 'query-invalid':
    case 'signature-invalid':
    case 'id-mismatch':
    case 'digest-mismatch':
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
    case 'device-unknown':
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
    case 'peer-failed':
      return 502
    case 'endless-recursion':
      return 508
    case 'guest-lost':
    case 'store-failed':
    case 'stopping':
      return 503
  }
}
