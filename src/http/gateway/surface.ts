/** The gateway: data by id. Comes last, since its `/{id}` takes any 43 characters that no other surface wanted. */
import { HeddleError } from '../../base/errors.ts'
import type { Archive } from '../../services/archive.ts'
import { type Response, type Surface, text } from '../route.ts'
import { dataRoutes, type FindElsewhere } from './data.ts'
import { homeRoute } from './home.ts'
import { Manifests } from './manifests.ts'
import { rawRoute } from './raw.ts'
import { DataServer } from './serve.ts'

export interface Gateway extends Surface {
  /** Forgets what is cached: the store was emptied. */
  clear(): void
}

export function gatewaySurface(archive: Archive, elsewhere: FindElsewhere = async () => null): Gateway {
  const data = new DataServer(archive)
  const manifests = new Manifests(archive)
  return {
    name: 'gateway',
    routes: [homeRoute, rawRoute({ data, manifests, elsewhere }), ...dataRoutes({ data, manifests, elsewhere })],
    failure,
    clear() {
      data.clear()
      manifests.clear()
    },
  }
}

function failure(error: unknown): Response {
  if (!(error instanceof HeddleError)) return text(500, 'Internal server error')
  switch (error.code) {
    case 'not-found':
      return text(404, 'Not found', { 'cache-control': 'public, max-age=0, must-revalidate' })
    case 'encoding-invalid':
    case 'request-invalid':
      return text(400, error.message)
    case 'too-large':
      return text(413, error.message)
    case 'limit-reached':
      return text(429, error.message, { 'retry-after': 1 })
    case 'peer-failed':
      return text(502, error.message, { 'retry-after': 5 })
    case 'store-failed':
    case 'stopping':
      return text(503, error.message, { 'retry-after': 1 })
    default:
      return text(500, error.message)
  }
}
