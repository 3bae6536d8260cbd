/**
 * What it costs to store bytes for ever.
 *
 * Wire    GET /price/{bytes}[/{address}] -> winston as decimal text, or {"fee","denomination"} if `accept` is exactly application/json;
 *         /price2, /optimistic_price -> always the object; /v2price -> always text. 400 {"error":"size_must_be_an_integer"}, "Invalid address."
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92; ar_pricing.erl
 * Client  Irys asks /price/{token}/{bytes}: a first part that is no number belongs to the bundler.
 */
import { TX_DATA_BYTES_MAX } from '../../base/limits.ts'
import { json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findAddress, findNatural } from './parts.ts'

type Form = 'text' | 'object' | 'asked'

export function priceRoutes(deps: ArweaveDeps): Route[] {
  const forms: [string, Form][] = [
    ['/price', 'asked'],
    ['/price2', 'object'],
    ['/optimistic_price', 'object'],
    ['/v2price', 'text'],
  ]
  return forms.flatMap(([path, form]): Route[] => [
    { method: 'GET', path: `${path}/:bytes`, handle: async (request) => price(deps, request, form) },
    { method: 'GET', path: `${path}/:bytes/:address`, handle: async (request) => price(deps, request, form) },
  ])
}

function price({ weave }: ArweaveDeps, request: Request, form: Form): Response | null {
  const { bytes: size, address: target } = request.params
  const dataBytes = findNatural(size)
  if (dataBytes === null && form === 'asked' && findNatural(target) !== null) return null
  if (dataBytes === null || dataBytes > BigInt(TX_DATA_BYTES_MAX)) return json(400, { error: 'size_must_be_an_integer' })
  const address = target === undefined ? null : findAddress(target)
  if (target !== undefined && address === null) return text(400, 'Invalid address.')
  const fee = String(weave.price(dataBytes, address))
  const isObject = form === 'object' || (form === 'asked' && request.headers['accept'] === 'application/json')
  return isObject ? json(200, { fee, denomination: 1 }) : text(200, fee, { 'arweave-denomination': '1' })
}
