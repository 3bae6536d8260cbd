/**
 * A transaction by id, in whole and in parts.
 *
 * Wire        GET /tx/{id} -> 200 JSON, also while pending; 410 with the rules it broke; 404 "Not Found."; 400 "Invalid hash."
 *             /tx/{id}/status -> 200 {block_height, block_indep_hash, number_of_confirmations}; 202 "Pending"; 400 "Invalid address."
 *             /tx/{id}/offset -> 200 {offset, size} as decimal strings; 400 {"error":"invalid_address"}; 404 empty
 *             /tx/{id}/data -> base64url text; /tx/{id}/data.{ext} -> the bytes; /tx/{id}/{field} -> text, `tags` as JSON; 202 "Pending"
 * Source      ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92
 * Client      arweave-js 1.15 cannot resume an upload from the id unless a pending transaction answers 200; a node answers 202.
 * Invariants  `offset` is the LAST byte, one-based: the data starts at offset - size + 1. Data items are not transactions: 404.
 */
import { asBuffer } from '../../base/bytes.ts'
import { isFailure } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import { TX_JSON_DATA_BYTES_MAX } from '../../base/limits.ts'
import { findTag, toTextTags } from '../../codec/tags.ts'
import { encodeTransaction, type Transaction, type TransactionJson, transactionToJson } from '../../codec/transaction.ts'
import type { Weave } from '../../services/weave/weave.ts'
import { bytes, empty, json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findTxId, NOT_FOUND, PENDING } from './parts.ts'

const INVALID_HASH = text(400, 'Invalid hash.')
const VISIBLE_ASCII = /^[\x20-\x7e]*$/

export function txGetRoutes(deps: ArweaveDeps): Route[] {
  const { weave } = deps
  return [
    { method: 'GET', path: '/tx/pending', handle: async () => json(200, weave.pendingIds()) },
    { method: 'GET', path: '/tx/:id', handle: withId((id, request) => whole(deps, id, request)) },
    { method: 'GET', path: '/unconfirmed_tx/:id', handle: withId((id, request) => whole(deps, id, request)) },
    { method: 'GET', path: '/tx2/:id', handle: withId((id) => binary(weave, id)) },
    { method: 'GET', path: '/unconfirmed_tx2/:id', handle: withId((id) => binary(weave, id)) },
    { method: 'GET', path: '/tx/:id/status', handle: ({ params }) => status(deps, findTxId(params['id'])) },
    { method: 'GET', path: '/tx/:id/offset', handle: ({ params }) => offset(weave, findTxId(params['id'])) },
    { method: 'GET', path: '/tx/:id/data', handle: withId((id) => dataText(weave, id)) },
    { method: 'GET', path: '/tx/:id/:field', handle: withId((id, { params }) => part(weave, id, params['field'] ?? '')) },
  ]
}

function withId(answer: (id: TxId, request: Request) => Promise<Response>): Route['handle'] {
  return async (request) => {
    const id = findTxId(request.params['id'])
    return id === null ? INVALID_HASH : answer(id, request)
  }
}

async function whole({ weave, bring = async () => false, itemStatus }: ArweaveDeps, id: TxId, request: Request): Promise<Response> {
  const here = await weave.findTransaction(id)
  const isElsewhere = here === null && weave.rejection(id) === null && (await itemStatus(id)) === null
  const tx = isElsewhere && (await bring(id, request)) ? await weave.findTransaction(id) : here
  if (tx !== null) return json(200, transactionToJson(tx))
  return missing(weave, id)
}

async function binary(weave: Weave, id: TxId): Promise<Response> {
  const tx = await weave.findTransaction(id)
  return tx === null ? missing(weave, id) : bytes(200, encodeTransaction(tx))
}

/** A transaction that was refused not long ago is gone for a reason. */
function missing(weave: Weave, id: TxId): Response {
  const rules = weave.rejection(id)
  return rules === null ? NOT_FOUND : text(410, rules.join(' '))
}

async function status({ weave, itemStatus }: ArweaveDeps, id: TxId | null): Promise<Response> {
  if (id === null) return text(400, 'Invalid address.')
  const status = await weave.status(id)
  switch (status.kind) {
    case 'pending':
      return PENDING
    case 'included': {
      const { height, blockHash, confirmations } = status
      return json(200, { block_height: height, block_indep_hash: blockHash, number_of_confirmations: confirmations })
    }
    case 'unknown': {
      const item = await itemStatus(id)
      if (item === 'pending') return PENDING
      return item === null ? NOT_FOUND : json(200, item)
    }
  }
}

async function offset(weave: Weave, id: TxId | null): Promise<Response> {
  if (id === null) return json(400, { error: 'invalid_address' })
  const extent = await weave.offsetOf(id)
  return extent === null ? empty(404) : json(200, { offset: String(extent.endOffset), size: String(extent.dataBytes) })
}

async function part(weave: Weave, id: TxId, name: string): Promise<Response> {
  return name.startsWith('data.') ? dataBytes(weave, id) : field(weave, id, name)
}

async function field(weave: Weave, id: TxId, name: string): Promise<Response> {
  const { kind } = await weave.status(id)
  if (kind === 'unknown') return missing(weave, id)
  if (kind === 'pending') return PENDING
  const tx = await weave.findTransaction(id)
  if (tx === null) return NOT_FOUND
  const value = fieldOf(transactionToJson(tx), name)
  if (value === undefined) return json(400, { error: 'invalid_field' })
  return typeof value === 'object' ? json(200, value) : text(200, String(value))
}

function fieldOf(tx: TransactionJson, name: string): unknown {
  return Object.hasOwn(tx, name) ? tx[name as keyof TransactionJson] : undefined
}

async function dataText(weave: Weave, id: TxId): Promise<Response> {
  const tx = await weave.findTransaction(id)
  if (tx === null) return NOT_FOUND
  if (tx.dataBytes > BigInt(TX_JSON_DATA_BYTES_MAX)) return json(400, { error: 'tx_data_too_big' })
  const data = await collectData(weave, tx)
  return data === null ? NOT_FOUND : text(200, asBuffer(data).toString('base64url'))
}

async function dataBytes(weave: Weave, id: TxId): Promise<Response> {
  const tx = await weave.findTransaction(id)
  if (tx === null) return NOT_FOUND
  const type = findTag(toTextTags(tx.tags), 'Content-Type') ?? 'text/html'
  if (!VISIBLE_ASCII.test(type)) return empty(421)
  if (tx.dataBytes > BigInt(TX_JSON_DATA_BYTES_MAX)) return json(400, { error: 'tx_data_too_big' })
  const data = await collectData(weave, tx)
  return data === null ? NOT_FOUND : bytes(200, data, { 'content-type': type })
}

/** Null while a byte is missing. */
async function collectData(weave: Weave, tx: Transaction): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  try {
    for await (const piece of weave.readData(tx.id, 0, Number(tx.dataBytes))) parts.push(piece)
  } catch (error) {
    if (isFailure(error, 'not-found')) return null
    throw error
  }
  return Buffer.concat(parts)
}
