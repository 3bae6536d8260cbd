/**
 * What ArLocal's users know: money from nothing, blocks on demand, starting over. Only where the genesis allows it.
 *
 * Wire    GET /mint/{address}/{winston} -> the new balance as text; /mine[/{n}], /mineWithFails[/{n}] -> the info object after n blocks
 *         GET /reset -> "reset done"; DELETE /tx/{id} -> 200 "OK"; POST /wallet {address?, balance?} -> {address, balance};
 *         PATCH /wallet/{address}/balance {balance} -> {balance}; 422 {status, error} on a bad address or balance
 * Source  textury/arlocal 1.1.66
 * Invariants  Amounts are exact: balances are JSON numbers written out in full, however large.
 */
import { asBuffer } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { type Address, bytesToAddress } from '../../base/ids.ts'
import { MINE_COUNT_MAX, WALLET_BODY_BYTES_MAX } from '../../base/limits.ts'
import { systemRandom } from '../../base/random.ts'
import { json, type Request, type Response, type Route, text } from '../route.ts'
import type { ArweaveDeps } from './deps.ts'
import { infoResponse } from './info.ts'
import { findAddress, findNatural, findTxId, NOT_FOUND } from './parts.ts'

export function devRoutes(deps: ArweaveDeps): Route[] {
  if (!deps.weave.allowsMint) return []
  const mineRoute = (request: Request): Promise<Response> => mine(deps, request)
  return [
    { method: 'GET', path: '/mint/:address/:winston', handle: (request) => mint(deps, request) },
    { method: 'GET', path: '/mine', handle: mineRoute },
    { method: 'GET', path: '/mine/:count', handle: mineRoute },
    { method: 'GET', path: '/mineWithFails', handle: mineRoute },
    { method: 'GET', path: '/mineWithFails/:count', handle: mineRoute },
    { method: 'GET', path: '/reset', handle: () => reset(deps) },
    { method: 'DELETE', path: '/tx/:id', handle: (request) => drop(deps, request) },
    { method: 'POST', path: '/wallet', handle: (request) => createWallet(deps, request) },
    { method: 'PATCH', path: '/wallet/:address/balance', handle: (request) => setBalance(deps, request) },
  ]
}

async function mint({ weave }: ArweaveDeps, { params }: Request): Promise<Response> {
  const address = findAddress(params['address'])
  const winston = findNatural(params['winston'])
  if (address === null) return text(400, 'Invalid address. Expected the 43 characters of a wallet address, which is not its public key.')
  if (winston === null) return text(400, 'Invalid balance: expected winston, as a whole number.')
  return text(200, String(await weave.mint(address, winston)))
}

async function mine(deps: ArweaveDeps, request: Request): Promise<Response> {
  const count = findNatural(request.params['count'] ?? '1')
  if (count === null || count > MINE_COUNT_MAX) return text(400, `Invalid count: expected a number from 0 to ${MINE_COUNT_MAX}.`)
  for (let i = 0; i < count; i++) await deps.weave.seal()
  return infoResponse(deps, request)
}

async function reset({ reset: clear }: ArweaveDeps): Promise<Response> {
  if (clear === null) throw new HeddleError('not-allowed', { what: 'reset' }, 'this node does not reset; start it with the dev profile')
  await clear()
  return text(200, 'reset done')
}

async function drop({ weave }: ArweaveDeps, { params }: Request): Promise<Response> {
  const id = findTxId(params['id'])
  if (id === null) return text(400, 'Invalid hash.')
  const { kind } = await weave.status(id)
  if (kind === 'unknown') return NOT_FOUND
  if (kind === 'included') return text(400, 'The transaction is in a block; only a pending one can be deleted.')
  await weave.drop(id)
  return text(200, 'OK')
}

async function createWallet({ weave }: ArweaveDeps, request: Request): Promise<Response> {
  const wallet = await walletBody(request)
  const address = wallet.address === undefined ? bytesToAddress(systemRandom.bytes(32)) : findAddress(wallet.address)
  if (address === null) return unprocessable('Address badly formatted')
  if (wallet.balance !== undefined) await weave.setBalance(address, wallet.balance)
  return balanceJson(address, weave.account(address)?.balanceWinston ?? 0n)
}

async function setBalance({ weave }: ArweaveDeps, request: Request): Promise<Response> {
  const address = findAddress(request.params['address'])
  if (address === null) return unprocessable('Address badly formatted')
  const { balance } = await walletBody(request)
  if (balance === undefined) return unprocessable('Balance is required !')
  await weave.setBalance(address, balance)
  return balanceJson(null, balance)
}

interface WalletBody {
  readonly address?: string
  readonly balance?: bigint
}

/** Reads the balance from the text, since JSON.parse would round it above 2^53. */
async function walletBody(request: Request): Promise<WalletBody> {
  const body = asBuffer(await request.body(WALLET_BODY_BYTES_MAX)).toString('utf8')
  const exact = (key: string, value: unknown, context?: { source?: string }): unknown =>
    key === 'balance' ? (context?.source ?? value) : value
  let wallet: Record<string, unknown>
  try {
    wallet = body.trim() === '' ? {} : ((JSON.parse(body, exact) ?? {}) as Record<string, unknown>)
  } catch (cause) {
    throw new HeddleError('request-invalid', { field: 'body' }, 'the body is not JSON', { cause })
  }
  const { address, balance } = wallet
  if (address !== undefined && typeof address !== 'string') throw invalid('address', 'must be a string')
  const amount = typeof balance === 'string' ? findNatural(balance.replace(/^"|"$/g, '')) : null
  if (balance !== undefined && amount === null) throw invalid('balance', 'must be a whole number of winston')
  return { ...(address === undefined ? {} : { address }), ...(amount === null ? {} : { balance: amount }) }
}

function balanceJson(address: Address | null, balance: bigint): Response {
  const body = address === null ? `{"balance":${balance}}` : `{"address":"${address}","balance":${balance}}`
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body }
}

function unprocessable(error: string): Response {
  return json(422, { status: 422, error })
}

function invalid(field: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, `${field} ${problem}`)
}
