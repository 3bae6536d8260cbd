/**
 * What upload clients ask before they upload: GET /v1/info, /public, /price/{token}/{bytes}, /v1/price/bytes/{bytes}, /v1/account/balance/{token}.
 * Uploads are free on a development network, so prices are 0 and nobody needs a balance.
 */
import { toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { ITEM_BYTES_MAX } from '../../base/limits.ts'
import { json, type Request, type Route, text } from '../route.ts'
import { type BundlerDeps, isToken } from './surface.ts'

export function infoRoutes({ key, version }: BundlerDeps): Route[] {
  return [
    uploadInfoRoute('/v1/info', { key, version }),
    { method: 'GET', path: '/public', handle: async () => text(200, toBase64url(key.publicKey)) },
    {
      method: 'GET',
      path: '/price/:token/:bytes',
      handle: async (request) => (isToken(request.params['token'] ?? '') && byteCount(request) >= 0 ? text(200, '0') : null),
    },
    {
      method: 'GET',
      path: '/v1/price/bytes/:bytes',
      handle: async (request) => (byteCount(request) >= 0 ? json(200, { winc: '0', adjustments: [], fees: [] }) : null),
    },
    {
      method: 'GET',
      path: '/v1/account/balance/:token',
      handle: async () => json(200, { winc: '0', controlledWinc: '0', effectiveBalance: '0', givenApprovals: [], receivedApprovals: [] }),
    },
  ]
}

export function uploadInfoRoute(path: string, { key, version }: Pick<BundlerDeps, 'key' | 'version'>): Route {
  return {
    method: 'GET',
    path,
    handle: async ({ origin }) =>
      json(200, { version, addresses: { arweave: key.address }, gateway: origin, freeUploadLimitBytes: ITEM_BYTES_MAX }),
  }
}

function byteCount(request: Request): number {
  const count = request.params['bytes'] ?? ''
  if (/^\d{1,15}$/.test(count)) return Number(count)
  throw new HeddleError('request-invalid', { field: 'bytes' }, `"${count}" is not a number of bytes`)
}
