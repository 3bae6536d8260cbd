/**
 * POST /tx, POST /tx2: a signed transaction enters the mempool.
 *
 * Wire    JSON or the binary form -> 200 "OK"; 208 "Transaction already processed."; 400 with the text that names the failure; 413
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92
 * Client  Data items are posted to the same path as octet-stream: those are left to the bundler. Many clients send JSON without saying so.
 */
import { TX_BODY_BYTES_MAX } from '../../base/limits.ts'
import { decodeTransaction, parseTransactionJson, type Transaction } from '../../codec/transaction.ts'
import type { Weave } from '../../services/weave/weave.ts'
import { type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findTxId, isJsonRequest, parseJsonBody } from './parts.ts'

const BRACE = 0x7b
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d])

export function txPostRoutes({ weave }: ArweaveDeps): Route[] {
  return [
    { method: 'POST', path: '/tx', handle: (request) => postJson(weave, request) },
    { method: 'POST', path: '/tx2', handle: (request) => postBinary(weave, request) },
  ]
}

async function postJson(weave: Weave, request: Request): Promise<Response | null> {
  const isJson = isJsonRequest(request)
  if (isJson === false || (isJson === 'unsure' && isTooLargeForJson(request))) return null
  if (await isKnownByHeader(weave, request)) return text(208, 'Transaction already processed.')
  const body = await request.body(TX_BODY_BYTES_MAX)
  if (isJson === 'unsure' && !startsWithBrace(body)) return null
  return accept(weave, parseTransactionJson(parseJsonBody(body)))
}

async function postBinary(weave: Weave, request: Request): Promise<Response> {
  if (await isKnownByHeader(weave, request)) return text(208, 'Transaction already processed.')
  return accept(weave, decodeTransaction(await request.body(TX_BODY_BYTES_MAX)))
}

async function accept(weave: Weave, tx: Transaction): Promise<Response> {
  await weave.acceptTransaction(tx)
  return text(200, 'OK')
}

/** Peers name the transaction in a header, so that a known one costs nothing. */
async function isKnownByHeader(weave: Weave, request: Request): Promise<boolean> {
  const id = findTxId(request.headers['arweave-tx-id'])
  return id !== null && (await weave.status(id)).kind !== 'unknown'
}

/** A transaction may not be this large, but a data item may. */
function isTooLargeForJson({ headers }: Request): boolean {
  return Number(headers['content-length'] ?? 0) > TX_BODY_BYTES_MAX
}

function startsWithBrace(body: Uint8Array): boolean {
  return body.find((byte) => !SPACES.has(byte)) === BRACE
}
