/**
 * What the node is and how far it has come.
 *
 * Wire    GET / and /info -> {network, version, release, height, current, blocks, peers, queue_length, node_state_latency, …}, numbers as numbers;
 *         GET /height, /time -> decimal text; /peers -> ["host:port"]; /queue -> []; /is_tx_blacklisted/{id} -> false
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92
 * Client  turbo and Irys read more members of the same object; browsers that ask for HTML get the page of the next surface.
 */
import { json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'

const PROTOCOL_VERSION = 5
const RELEASE = 92

export function infoRoutes(deps: ArweaveDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      handle: async (request) => (isForOthers(request) ? null : infoResponse(deps, request)),
    },
    { method: 'GET', path: '/info', handle: async (request) => infoResponse(deps, request) },
    { method: 'GET', path: '/height', handle: async () => text(200, String(deps.weave.height())) },
    { method: 'GET', path: '/time', handle: async () => text(200, String(Math.floor(deps.clock.nowMs() / 1000))) },
    { method: 'GET', path: '/peers', handle: async (request) => json(200, peerList(deps, request)) },
    { method: 'POST', path: '/peers', handle: async () => text(200, '') },
    { method: 'GET', path: '/queue', handle: async () => json(200, []) },
    { method: 'GET', path: '/is_tx_blacklisted/:id', handle: async () => json(200, false) },
  ]
}

/** Browsers get a page, and those who debug a messenger unit its traces. */
function isForOthers({ headers, query }: Request): boolean {
  return query.has('debug') || headers['accept']?.includes('text/html') === true
}

export function infoResponse(deps: ArweaveDeps, request: Request): Response {
  const { weave } = deps
  const height = weave.height()
  const info = {
    network: weave.network,
    version: PROTOCOL_VERSION,
    release: RELEASE,
    height,
    current: weave.tip().indepHash,
    blocks: height + 1,
    cached_blocks: weave.recentHashes().length,
    peers: peerList(deps, request).length,
    queue_length: 0,
    node_state_latency: 0,
  }
  return json(200, { ...info, ...deps.info() }, { 'x-network': weave.network })
}

/** Client: ArLocal's users expect at least one entry. */
function peerList(deps: ArweaveDeps, request: Request): readonly string[] {
  const peers = deps.peers()
  return peers.length > 0 ? peers : [request.headers['host'] ?? 'localhost']
}
