/**
 * GET /{id} and GET /{id}/{path…}: the data of a transaction or item; a path manifest is resolved.
 *
 * Wire    200/206/304 data; 301 to `/{id}/` for a manifest asked for without its slash (relative links need it); 400 `Invalid ID`; 404 `Not found`
 * Source  ar-io-node src/routes/data/handlers.ts; quirks in docs/conformance.md
 */
import { isTxId, type TxId } from '../../base/ids.ts'
import { resolveManifest } from '../../codec/manifest.ts'
import { type Request, type Response, type Route, text } from '../route.ts'
import type { Manifests } from './manifests.ts'
import type { DataServer } from './serve.ts'

export interface GatewayDeps {
  readonly data: DataServer
  readonly manifests: Manifests
  readonly elsewhere: FindElsewhere
}

/** Asked for what is not here: resolves to the id whose data answers instead, which is here now; null when there is none. */
export type FindElsewhere = (id: TxId, request: Request) => Promise<TxId | null>

const ID_SHAPE = /^[A-Za-z0-9_-]{43}$/
const FALLBACK_CACHE = 'public, max-age=60, must-revalidate'

export function dataRoutes(deps: GatewayDeps): Route[] {
  return [
    { method: 'GET', path: '/:id', handle: (request) => getData(deps, request) },
    { method: 'GET', path: '/:id/*', handle: (request) => getData(deps, request) },
  ]
}

async function getData(deps: GatewayDeps, request: Request): Promise<Response | null> {
  const text43 = request.params['id'] ?? ''
  if (!ID_SHAPE.test(text43)) return null
  if (!isTxId(text43)) return invalidId(text43)
  const here = await deps.data.findRecord(text43)
  const id = here === null ? await deps.elsewhere(text43, request) : text43
  const record = here ?? (id === null ? null : await deps.data.findRecord(id))
  if (id === null || record === null) return notFound()
  const subPath = request.params['*']
  const found = await deps.manifests.find(id, record)
  if (found === null) return subPath ? notFound() : ((await deps.data.serve(id, request, { raw: false })) ?? notFound())
  if ('problem' in found) return notFound(`Not found: ${found.problem}`)
  if (subPath === undefined && !request.path.endsWith('/')) return redirectToSlash(text43, request)
  const path = decodePath(subPath ?? '')
  if (path === null) return text(400, `Bad Request: "${subPath}" is not valid percent-encoding of UTF-8`)
  const target = resolveManifest(found.manifest, path)
  if (target === null) return notFound()
  const options = target.isFallback ? { raw: false, cacheControl: FALLBACK_CACHE } : { raw: false }
  const part = target.id as TxId
  const served = await deps.data.serve(part, request, options)
  if (served !== null) return served
  const other = await deps.elsewhere(part, request)
  return (other === null ? null : await deps.data.serve(other, request, options)) ?? notFound()
}

function redirectToSlash(id: TxId, request: Request): Response {
  const mark = request.url.indexOf('?')
  return text(301, '', { location: `/${id}/${mark === -1 ? '' : request.url.slice(mark)}` })
}

function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

export function notFound(reason = 'Not found'): Response {
  return text(404, reason, { 'cache-control': 'public, max-age=0, must-revalidate' })
}

export function invalidId(id: string): Response {
  return text(400, `Invalid ID: ${id}`)
}
