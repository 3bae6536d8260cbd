/**
 * Balances, the account list, supply.
 *
 * Wire    GET /wallet/{address}/balance -> decimal text, "0" when unknown; /last_tx -> id or nothing; 400 "Invalid address."
 *         GET /wallet_list/{root}[/{cursor}] -> {next_cursor?, wallets: [{address, balance, last_tx}]}, of the tip only; 404 "Root hash not found."
 *         GET /total_supply, /inflation/{h} -> decimal text
 * Source  ArweaveTeam/arweave ar_http_iface_middleware.erl, release 92
 * Invariants  Balances count what waits in the mempool and what was minted, as ArLocal's do: money is there the moment it was sent.
 */
import { toBase64url } from '../../base/bytes.ts'
import { WALLET_LIST_PAGE } from '../../base/limits.ts'
import { inflation } from '../../rules/inflation.ts'
import type { Weave } from '../../services/weave/weave.ts'
import { json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { findAddress, findNatural } from './parts.ts'

const ROOT_NOT_FOUND = text(404, 'Root hash not found.')

export function walletRoutes({ weave }: ArweaveDeps): Route[] {
  return [
    route('/wallet/:address/balance', ({ params }) => ofAddress(params, (address) => String(weave.account(address)?.balanceWinston ?? 0n))),
    route('/wallet/:address/last_tx', ({ params }) =>
      ofAddress(params, (address) => toBase64url(weave.account(address)?.lastTx ?? new Uint8Array(0))),
    ),
    route('/wallet/:address/reserved_rewards_total', ({ params }) =>
      ofAddress(params, (address) => String(weave.reservedRewards(address))),
    ),
    route('/wallet_list/:root', ({ params }) => walletList(weave, params, null)),
    route('/wallet_list/:root/:cursor', ({ params }) => walletList(weave, params, params['cursor'] ?? null)),
    route('/wallet_list/:root/:address/balance', ({ params }) => balanceIn(weave, params)),
    route('/total_supply', () => text(200, String(weave.totalSupply()))),
    route('/inflation/:height', ({ params }) => inflationAt(params['height'] ?? '')),
  ]
}

function route(path: string, answer: (request: Request) => Response): Route {
  return { method: 'GET', path, handle: async (request) => answer(request) }
}

function ofAddress(params: Request['params'], answer: (address: NonNullable<ReturnType<typeof findAddress>>) => string): Response {
  const address = findAddress(params['address'])
  return address === null ? text(400, 'Invalid address.') : text(200, answer(address))
}

function walletList(weave: Weave, params: Request['params'], cursor: string | null): Response {
  if (params['root'] !== toBase64url(weave.tip().walletList)) return ROOT_NOT_FOUND
  const after = cursor === null ? null : findAddress(cursor)
  if (cursor !== null && after === null) return text(400, 'Invalid root hash.')
  const page = weave.accountsFrom(after, WALLET_LIST_PAGE + 1)
  const wallets = page.slice(0, WALLET_LIST_PAGE).map(({ address, account }) => ({
    address,
    balance: String(account.balanceWinston),
    last_tx: toBase64url(account.lastTx),
  }))
  const next = page[WALLET_LIST_PAGE]?.address
  return json(200, next === undefined ? { wallets } : { next_cursor: next, wallets })
}

function balanceIn(weave: Weave, params: Request['params']): Response {
  if (params['root'] !== toBase64url(weave.tip().walletList)) return json(404, { error: 'root_hash_not_found' })
  return ofAddress(params, (address) => String(weave.confirmedAccount(address)?.balanceWinston ?? 0n))
}

function inflationAt(value: string): Response {
  if (!/^-?[0-9]{1,15}$/.test(value)) return json(400, { error: 'height_must_be_an_integer' })
  const height = findNatural(value)
  return height === null ? json(400, { error: 'height_must_be_non_negative' }) : text(200, String(inflation(Number(height))))
}
