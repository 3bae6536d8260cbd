/** Opens the market: five processes, coins for everybody, liquidity in the pool. */
import { readFileSync } from 'node:fs'
import { type Client, devWallet, type Wallet } from './client.ts'

/** The ids of the five processes; CASH is a token of the pool's process. */
export interface Market {
  readonly gold: string
  readonly pool: string
  readonly keeper: string
  readonly trend: string
  readonly value: string
}

/** In millionths. */
const GOLD_OF_POOL = 1_000_000_000_000n
const CASH_OF_POOL = 2_000_000_000_000n
const GOLD_OF_TRADER = 50_000_000_000n
const CASH_OF_TRADER = 100_000_000_000n

export async function openMarket(client: Client, owner: Wallet): Promise<Market> {
  const token = source('../../processes/token.lua')
  const coin = (name: string, ticker: string) => ({ Name: name, Ticker: ticker, Denomination: '6', 'Total-Supply': '0' })
  const gold = await client.spawn(owner, token, coin('Gold', 'GOLD'))
  const pool = await client.spawn(owner, `${token}\n${source('pool.lua')}`, { ...coin('Cash', 'CASH'), Token: gold })
  const clock = { 'Cron-Interval': '1-second', 'Cron-Tag-Action': 'Tick' }
  const keeper = await client.spawn(owner, source('keeper.lua'), { Name: 'Keeper', Pool: pool, ...clock })
  const trader = (strategy: string) =>
    client.spawn(owner, source('trader.lua'), { Name: `Trader ${strategy}`, Token: gold, Pool: pool, Keeper: keeper, Strategy: strategy })
  const market = { gold, pool, keeper, trend: await trader('trend'), value: await trader('value') }
  const guest = await devWallet('bob')
  for (const holder of [market.trend, market.value, guest.address])
    await mint(client, owner, market, holder, GOLD_OF_TRADER, CASH_OF_TRADER)
  await mint(client, owner, market, owner.address, GOLD_OF_POOL, CASH_OF_POOL)
  await provide(client, owner, market, GOLD_OF_POOL, CASH_OF_POOL)
  return market
}

async function mint(client: Client, owner: Wallet, { gold, pool }: Market, recipient: string, golds: bigint, cash: bigint): Promise<void> {
  await client.send(owner, gold, { Action: 'Mint', Recipient: recipient, Quantity: String(golds) })
  await client.send(owner, pool, { Action: 'Mint', Recipient: recipient, Quantity: String(cash) })
}

/** Pays both tokens into the pool and asks for shares. */
async function provide(client: Client, wallet: Wallet, market: Market, gold: bigint, cash: bigint): Promise<void> {
  const deposit = { Action: 'Transfer', Recipient: market.pool, 'X-Action': 'Deposit' }
  await client.send(wallet, market.gold, { ...deposit, Quantity: String(gold) })
  await client.send(wallet, market.pool, { ...deposit, Quantity: String(cash) })
  await until('both deposits are in the pool', async () => {
    const { deposits } = await client.ask<PoolState>(market.pool, 'Pool')
    return deposits[market.gold] === String(gold) && deposits[market.pool] === String(cash)
  })
  await client.send(wallet, market.pool, { Action: 'Add-Liquidity' })
}

export interface PoolState {
  /** By token. */
  readonly reserves: Readonly<Record<string, string>>
  readonly deposits: Readonly<Record<string, string>>
  /** By holder. */
  readonly shares: Readonly<Record<string, string>>
  readonly totalShares: string
  readonly payoutsUnderWay: number
  readonly payoutsFailed: number
  readonly refunds: number
  readonly changes: readonly { readonly slot: number; readonly kind: string; gold: string; cash: string; shares: string }[]
}

/** Asks again and again. */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s until ${what}`)
  }
}

function source(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}
