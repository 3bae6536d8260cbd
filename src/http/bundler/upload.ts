/**
 * POST /tx, /tx/{token}, /v1/tx, /v1/tx/{token}: one signed ANS-104 data item -> 200 receipt.
 *
 * Wire    body application/octet-stream (or none named); `?receipt=none` answers without the signature, for bulk loaders: an RSA signature costs
 *         more than all the rest of an upload. Repeats answer 200 again. 400 and 413 as text.
 * Source  turbo-upload-service src/routes/dataItemPost.ts, @dha-team/arbundles, ao units (`/tx/arweave`)
 */
import { HeddleError } from '../../base/errors.ts'
import { ITEM_BYTES_MAX, ITEM_IN_MEMORY_BYTES_MAX } from '../../base/limits.ts'
import type { ItemReceipt } from '../../services/intake.ts'
import { signReceipt } from '../../services/receipts.ts'
import { json, type Request, type Response, type Route } from '../route.ts'
import { type BundlerDeps, isToken } from './surface.ts'

const BINARY = 'application/octet-stream'

export function uploadRoutes(deps: BundlerDeps): Route[] {
  return ['/tx', '/tx/:token', '/v1/tx', '/v1/tx/:token'].map((path) => uploadRoute(path, deps))
}

export function uploadRoute(path: string, deps: BundlerDeps): Route {
  return { method: 'POST', path, handle: (request) => upload(deps, request) }
}

async function upload(deps: BundlerDeps, request: Request): Promise<Response | null> {
  const token = request.params['token']
  if (token !== undefined && !isToken(token)) return null
  const type = request.headers['content-type']
  if (type !== undefined && !type.startsWith(BINARY)) {
    const problem = `Invalid Content Type ${type}: send the bytes of a signed data item as ${BINARY}`
    throw new HeddleError('request-invalid', { field: 'content-type' }, problem)
  }
  const { id, item, acceptedAtMs, acceptedHeight } = await accept(deps, request)
  const input = { id, owner: item.ownerAddress, timestampMs: acceptedAtMs, height: acceptedHeight, host: request.headers['host'] ?? '' }
  if (request.query.get('receipt') === 'none') return json(200, { id, owner: input.owner, timestamp: acceptedAtMs })
  return json(200, await signReceipt(input, deps.key))
}

async function accept(deps: BundlerDeps, request: Request): Promise<ItemReceipt> {
  const length = request.headers['content-length']
  const totalBytes = length === undefined ? null : Number(length)
  if (totalBytes === 0)
    throw new HeddleError('request-invalid', { field: 'body' }, 'the body is empty; send the bytes of a signed data item')
  if (totalBytes !== null && totalBytes <= ITEM_IN_MEMORY_BYTES_MAX) {
    return deps.intake.acceptItem(await request.body(ITEM_IN_MEMORY_BYTES_MAX))
  }
  return deps.intake.acceptStream(request.bodyStream(ITEM_BYTES_MAX), totalBytes)
}
