/**
 * GET /v1/tx/{id}/status -> where an uploaded item stands; 404 text `TX doesn't exist`.
 * FINALIZED from 18 confirmations on, CONFIRMED before. Source: turbo-upload-service src/routes/status.ts
 */
import { parseTxId } from '../../base/ids.ts'
import { json, type Route, text } from '../route.ts'
import type { BundlerDeps, ItemStatus } from './surface.ts'

const FINAL_CONFIRMATIONS = 18

export function statusRoute(deps: BundlerDeps): Route {
  return {
    method: 'GET',
    path: '/v1/tx/:id/status',
    async handle(request) {
      const status = await deps.status(parseTxId(request.params['id'] ?? ''))
      return status === null ? text(404, `TX doesn't exist`) : json(200, statusJson(status))
    },
  }
}

export function statusJson({ bundleId, parentId, block, confirmations, payloadBytes, payloadType }: ItemStatus): Record<string, unknown> {
  const isFinal = confirmations >= FINAL_CONFIRMATIONS
  return {
    status: isFinal ? 'FINALIZED' : 'CONFIRMED',
    info: isFinal ? 'permanent' : bundleId === null ? 'new' : 'pending',
    ...(bundleId === null ? {} : { bundleId }),
    ...(parentId === null || parentId === bundleId ? {} : { parentDataItemId: parentId }),
    ...(block === null ? {} : { blockHeight: block.height }),
    payloadContentLength: payloadBytes,
    ...(payloadType === null ? {} : { payloadContentType: payloadType }),
    winc: '0',
  }
}
