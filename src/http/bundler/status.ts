/**
 * GET /v1/tx/{id}/status -> where an uploaded item stands; 404 text `TX doesn't exist`.
 * FINALIZED from 18 confirmations on, CONFIRMED before. Source: turbo-upload-service src/routes/status.ts
 */
import { parseTxId } from '../../base/ids.ts'
import { json, type Route, text } from '../route.ts'
import type { BundlerDeps } from './surface.ts'

const FINAL_CONFIRMATIONS = 18

export function statusRoute(deps: BundlerDeps): Route {
  return {
    method: 'GET',
    path: '/v1/tx/:id/status',
    async handle(request) {
      const status = await deps.status(parseTxId(request.params['id'] ?? ''))
      if (status === null) return text(404, `TX doesn't exist`)
      const final = status.confirmations >= FINAL_CONFIRMATIONS
      return json(200, {
        status: final ? 'FINALIZED' : 'CONFIRMED',
        info: final ? 'permanent' : status.bundleId === null ? 'new' : 'pending',
        ...(status.bundleId === null ? {} : { bundleId: status.bundleId }),
        ...(status.height === null ? {} : { blockHeight: status.height }),
        payloadContentLength: status.payloadBytes,
        ...(status.payloadType === null ? {} : { payloadContentType: status.payloadType }),
        winc: '0',
      })
    },
  }
}
