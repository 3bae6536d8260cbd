/**
 * Blocks and the list of their hashes.
 *
 * Wire    GET /block/height/{h}, /block/hash/{hash}, /block/current, /current_block -> block JSON; 400 "Invalid height."; 404 "Block not found."
 *         GET /tx_anchor -> hash; /recent_hash_list -> hashes, newest first; /block_index/{from}/{to} -> hashes, or with `x-block-format: 3`
 *         {tx_root, weave_size, hash}, newest first; /recent -> {blocks, forks}
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92
 */
import { toBase64url } from '../../base/bytes.ts'
import { isBlockHash } from '../../base/ids.ts'
import { BLOCK_INDEX_RANGE_MAX } from '../../base/limits.ts'
import type { Weave } from '../../services/weave/weave.ts'
import { json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findAddress, findNatural } from './parts.ts'

const BLOCK_NOT_FOUND = text(404, 'Block not found.')
const RECENT_BLOCKS = 18

export function blockRoutes({ weave }: ArweaveDeps): Route[] {
  const current: Route['handle'] = async () => blockText(await weave.blockJson(weave.tip().indepHash))
  return [
    { method: 'GET', path: '/block/current', handle: current },
    { method: 'GET', path: '/current_block', handle: current },
    { method: 'GET', path: '/block/height/:height', handle: ({ params }) => blockAtHeight(weave, params['height']) },
    { method: 'GET', path: '/block/hash/:hash', handle: ({ params }) => blockWithHash(weave, params['hash']) },
    { method: 'GET', path: '/block/height/:height/wallet/:address/balance', handle: ({ params }) => balanceAtHeight(weave, params) },
    { method: 'GET', path: '/tx_anchor', handle: async () => text(200, toBase64url(weave.anchor())) },
    { method: 'GET', path: '/recent_hash_list', handle: async () => json(200, weave.recentHashes()) },
    { method: 'GET', path: '/recent', handle: async () => json(200, { blocks: await recentBlocks(weave), forks: [] }) },
    { method: 'GET', path: '/block_index', handle: async () => json(400, { error: 'not_supported_since_fork_2_6' }) },
    { method: 'GET', path: '/hash_list', handle: async () => json(400, { error: 'not_supported_since_fork_2_6' }) },
    { method: 'GET', path: '/block_index/:from/:to', handle: (request) => blockIndex(weave, request) },
    { method: 'GET', path: '/hash_list/:from/:to', handle: (request) => blockIndex(weave, request) },
  ]
}

async function blockAtHeight(weave: Weave, value: string | undefined): Promise<Response> {
  const height = findNatural(value)
  if (height === null) return text(400, 'Invalid height.')
  const hash = await weave.hashAt(Number(height))
  return hash === null ? BLOCK_NOT_FOUND : blockText(await weave.blockJson(hash))
}

async function blockWithHash(weave: Weave, hash: string | undefined): Promise<Response> {
  return hash !== undefined && isBlockHash(hash) ? blockText(await weave.blockJson(hash)) : BLOCK_NOT_FOUND
}

function blockText(body: string | null): Response {
  return body === null ? BLOCK_NOT_FOUND : { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body }
}

/** Only the accounts at the tip are kept. */
async function balanceAtHeight(weave: Weave, params: Request['params']): Promise<Response> {
  const address = findAddress(params['address'])
  if (address === null) return text(400, 'Invalid address.')
  const height = findNatural(params['height'])
  if (height === null) return text(400, 'Invalid height.')
  if (height > weave.height()) return json(404, { error: 'block_not_found' })
  if (Number(height) !== weave.height()) return json(404, { error: 'account_tree_not_found' })
  return text(200, String(weave.confirmedAccount(address)?.balanceWinston ?? 0n))
}

async function recentBlocks(weave: Weave): Promise<object[]> {
  const hashes = weave.recentHashes().slice(0, RECENT_BLOCKS)
  const blocks = await Promise.all(hashes.map((hash) => weave.block(hash)))
  return blocks.flatMap((block) =>
    block === null ? [] : [{ id: block.indepHash, received: Number(block.timestampS), height: Number(block.height) }],
  )
}

async function blockIndex(weave: Weave, request: Request): Promise<Response> {
  const from = findNatural(request.params['from'])
  const to = findNatural(request.params['to'])
  const problem = rangeProblem(from, to, weave.height())
  if (problem !== null || from === null || to === null) return json(400, problem ?? { error: 'invalid_range' })
  const last = Math.min(Number(to), weave.height())
  const entries = await weave.blockIndex(Number(from), last)
  if (request.headers['x-block-format'] !== '3')
    return json(
      200,
      entries.map(({ hash }) => hash),
    )
  return json(
    200,
    entries.map(({ hash, txRoot, weaveBytes }) => ({ tx_root: toBase64url(txRoot), weave_size: String(weaveBytes), hash })),
  )
}

function rangeProblem(from: bigint | null, to: bigint | null, height: number): object | null {
  if (from === null || to === null) return { error: 'invalid_range' }
  if (from > to) return { error: 'start_bigger_than_end' }
  if (from > height) return { error: 'start_too_big' }
  return to - from >= BLOCK_INDEX_RANGE_MAX ? { error: 'range_too_big', max_range_size: BLOCK_INDEX_RANGE_MAX } : null
}
