/** Reads the books of all five processes, finds what does not add up, and shows them. */
import type { Client } from './client.ts'
import type { Market, PoolState } from './market.ts'

type Balances = Readonly<Record<string, string>>

interface TraderState {
  readonly strategy: string
  readonly orders: number
  readonly bought: number
  readonly refused: number
  readonly nudges: number
  readonly isBusy: boolean
}

interface KeeperState {
  readonly ticks: number
  readonly nudged: number
  readonly answered: number
  readonly prices: readonly { readonly time: number; readonly price: string }[]
  readonly outcomes: Readonly<Record<string, string>>
}

export interface Books {
  readonly gold: Balances
  readonly cash: Balances
  readonly supplies: { readonly gold: string; readonly cash: string }
  readonly pool: PoolState
  readonly keeper: KeeperState
  readonly traders: { readonly trend: TraderState; readonly value: TraderState }
}

export async function readBooks(client: Client, market: Market): Promise<Books> {
  const [gold, cash, goldSupply, cashSupply, pool, keeper, trend, value] = await Promise.all([
    client.ask<Balances>(market.gold, 'Balances'),
    client.ask<Balances>(market.pool, 'Balances'),
    client.read(market.gold, 'Total-Supply'),
    client.read(market.pool, 'Total-Supply'),
    client.ask<PoolState>(market.pool, 'Pool'),
    client.ask<KeeperState>(market.keeper, 'Series'),
    client.ask<TraderState>(market.trend, 'Report'),
    client.ask<TraderState>(market.value, 'Report'),
  ])
  return { gold, cash, supplies: { gold: goldSupply, cash: cashSupply }, pool, keeper, traders: { trend, value } }
}

/** Nothing is on its way from one process to another. */
export function isQuiet({ pool, keeper, traders }: Books): boolean {
  return pool.payoutsUnderWay === 0 && keeper.nudged === keeper.answered && !traders.trend.isBusy && !traders.value.isBusy
}

/** What is wrong, in words; empty when all is well. Call it when the market is quiet. */
export function audit(books: Books, market: Market): string[] {
  const { gold, cash, supplies, pool, keeper, traders } = books
  const problems: string[] = []
  const equal = (what: string, is: bigint | number, wanted: bigint | number): void => {
    if (is !== wanted) problems.push(`${what}: ${is} instead of ${wanted}`)
  }
  const inPool = (token: string): bigint => amount(pool.reserves[token]) + amount(pool.deposits[token])
  equal('sum of all GOLD', sum(gold), amount(supplies.gold))
  equal('sum of all CASH', sum(cash), amount(supplies.cash))
  equal('GOLD of the pool', amount(gold[market.pool]), inPool(market.gold))
  equal('CASH of the pool', amount(cash[market.pool]), inPool(market.pool))
  equal('sum of all shares', sum(pool.shares), amount(pool.totalShares))
  equal('payouts that failed', pool.payoutsFailed, 0)
  for (const { strategy, orders, bought, refused } of Object.values(traders)) equal(`orders of ${strategy}`, bought + refused, orders)
  for (const [i, { time }] of keeper.prices.entries())
    if (i > 0 && time <= keeper.prices[i - 1]!.time) problems.push(`price ${i} of the keeper is not later than the one before`)
  return [...problems, ...fallsOf(pool)]
}

/** Where the product of the reserves, for the shares that there are, fell. */
function fallsOf({ changes }: PoolState): string[] {
  const worth = (i: number) => amount(changes[i]!.gold) * amount(changes[i]!.cash)
  const squared = (i: number) => amount(changes[i]!.shares) ** 2n
  return changes.flatMap(({ slot }, i) =>
    i > 0 && worth(i) * squared(i - 1) < worth(i - 1) * squared(i) ? [`the product of the reserves fell in slot ${slot}`] : [],
  )
}

export function show(books: Books, names: Readonly<Record<string, string>>): string {
  const rows = Object.entries(names).map(([id, name]) => [name, coins(books.gold[id]), coins(books.cash[id]), coins(books.pool.shares[id])])
  const total = ['all', coins(books.supplies.gold), coins(books.supplies.cash), coins(books.pool.totalShares)]
  const { pool, keeper, traders } = books
  const prices = keeper.prices.map(({ price }) => Number(price) / 1e6)
  return [
    ...table([['', 'GOLD', 'CASH', 'shares'], ...rows, total]),
    '',
    `price of GOLD  ${curve(prices)}  ${prices
      .slice(-8)
      .map((price) => price.toFixed(4))
      .join(' ')}`,
    `ticks ${keeper.ticks}, trades ${pool.changes.filter(({ kind }) => kind === 'swap').length}, sent back ${pool.refunds}`,
    ...Object.values(traders).map(
      ({ strategy, nudges, bought, refused }) => `${strategy}: ${nudges} nudges, ${bought} trades, ${refused} refused`,
    ),
  ].join('\n')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

function curve(values: readonly number[]): string {
  const shown = values.slice(-40)
  const low = Math.min(...shown)
  const step = (Math.max(...shown) - low) / 7 || 1
  return shown.map((value) => '▁▂▃▄▅▆▇█'[Math.round((value - low) / step)]).join('')
}

function coins(text: string | undefined): string {
  return (Number(amount(text)) / 1e6).toFixed(2)
}

function amount(text: string | undefined): bigint {
  return BigInt(text ?? '0')
}

function sum(amounts: Balances): bigint {
  return Object.values(amounts).reduce((total, text) => total + BigInt(text), 0n)
}
