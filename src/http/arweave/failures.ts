/**
 * How the node API shows failures: the statuses and bodies that Arweave nodes answer and that clients look for.
 *
 * Invariants  A body that clients compare stays exactly as nodes spell it; the reason in words goes into the header `heddle-reason` of every
 *             failure, and behind the two general texts ("Invalid JSON.", "Transaction verification failed.").
 */
import { type FailureCode, HeddleError } from '../../base/errors.ts'
import { json, type Request, type Response, text } from '../route.ts'

export function arweaveFailure(error: unknown, request: Request): Response {
  if (!(error instanceof HeddleError)) return text(500, 'Internal Server Error')
  const response =
    request.method === 'POST' && request.path === '/chunk' ? chunkFailure(error) : nodeFailure(error, request.method === 'GET')
  return { ...response, headers: { ...response.headers, 'heddle-reason': headerText(error.message) } }
}

function nodeFailure(error: HeddleError, isRead: boolean): Response {
  const code: FailureCode = error.code
  switch (code) {
    case 'encoding-invalid':
    case 'request-invalid':
    case 'query-invalid':
      return text(400, isRead ? `Invalid request. ${error.message}` : `Invalid JSON. ${error.message}`)
    case 'too-large':
      return text(413, 'Payload too large')
    case 'tx-invalid':
      if ((error as HeddleError<'tx-invalid'>).facts.rules.includes('invalid_signature_type')) return text(400, 'Invalid signature type.')
      return text(400, `Transaction verification failed. ${error.message}`)
    case 'signature-invalid':
    case 'id-mismatch':
    case 'digest-mismatch':
    case 'fee-too-low':
    case 'overspend':
      return text(400, `Transaction verification failed. ${error.message}`)
    case 'anchor-unknown':
      return text(400, 'Invalid anchor (last_tx).')
    case 'anchor-in-mempool':
      return text(400, 'Invalid anchor (last_tx from mempool).')
    case 'already-known':
      return text(208, 'Transaction already processed.')
    case 'data-split-unknown':
      return text(400, 'The attached data is split in an unknown way.')
    case 'chunk-refused':
      return json(400, { error: (error as HeddleError<'chunk-refused'>).facts.reason, reason: error.message })
    case 'not-found':
      return text(404, 'Not Found.')
    case 'not-allowed':
      return text(403, error.message)
    case 'limit-reached':
      return text(429, 'Too Many Requests', { 'retry-after': 1 })
    case 'stopping':
      return json(503, { error: 'not_joined' })
    case 'store-failed':
      return text(503, error.message)
    case 'peer-failed':
      return text(502, error.message)
    case 'process-unknown':
    case 'device-unknown':
    case 'endless-recursion':
    case 'module-unknown':
      return text(404, error.message)
    case 'module-unsupported':
    case 'guest-lost':
    case 'config-invalid':
      return text(500, error.message)
  }
}

/** Client: arweave-js 1.15 reads `error` and gives up on the words it knows; it waits some 30 s after any other. */
function chunkFailure(error: HeddleError): Response {
  switch (error.code) {
    case 'chunk-refused':
      return json(400, { error: (error as HeddleError<'chunk-refused'>).facts.reason, reason: error.message })
    case 'encoding-invalid':
    case 'request-invalid':
      return json(400, { error: 'invalid_json', reason: error.message })
    case 'too-large':
      return text(413, 'Payload too large')
    case 'store-failed':
      return json(400, { error: 'disk_full', reason: error.message })
    default:
      return nodeFailure(error, false)
  }
}

/** Header values are visible ASCII. */
function headerText(message: string): string {
  return message.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)
}
