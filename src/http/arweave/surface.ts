/** The node API: what arweave-js, ar-io gateways and other nodes ask an Arweave node for. */
import { json, type Request, type Response, type Route, type Surface } from '../route.ts'
import { blockRoutes } from './blocks.ts'
import { chunkRoutes } from './chunks.ts'
import type { ArweaveDeps } from './deps.ts'
import { devRoutes } from './dev.ts'
import { arweaveFailure } from './failures.ts'
import { infoRoutes } from './info.ts'
import { priceRoutes } from './prices.ts'
import { syncRecordRoutes } from './sync-record.ts'
import { txGetRoutes } from './tx-get.ts'
import { txPostRoutes } from './tx-post.ts'
import { walletRoutes } from './wallets.ts'

export function arweaveSurface(deps: ArweaveDeps): Surface {
  const families = [infoRoutes, blockRoutes, walletRoutes, priceRoutes, txPostRoutes, txGetRoutes, chunkRoutes, syncRecordRoutes, devRoutes]
  const routes = families.flatMap((family) => family(deps)).map((route) => onThisNetwork(route, deps.weave.network))
  return { name: 'arweave', routes, failure: arweaveFailure }
}

/** A node of another network that writes here is told so. Who names no network means this one. */
function onThisNetwork(route: Route, network: string): Route {
  if (route.method === 'GET') return route
  const handle = async (request: Request): Promise<Response | null> => {
    const named = request.headers['x-network'] ?? network
    return named === network ? route.handle(request) : json(412, { error: 'wrong_network' })
  }
  return { ...route, handle }
}
