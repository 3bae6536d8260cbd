/**
 * A market of five processes that runs by itself: a token, a pool, two traders and a keeper with a clock.
 *
 *   node examples/defi/run.ts [--url http://localhost:1984] [--rounds 8] [--market market.json] [--module <id>]
 *
 * With --market the ids are kept in a file, and the next run goes on with that market. Ends with 1 when the books do not add up.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { audit, type Books, isQuiet, readBooks, show } from './audit.ts'
import { type Client, devWallet, openClient, type Wallet } from './client.ts'
import { type Market, openMarket, until } from './market.ts'

/** An id may begin with a dash, which would make it an option of its own. */
const words = process.argv
  .slice(2)
  .flatMap((word, i, all) => (word === '--module' ? [`--module=${all[i + 1] ?? ''}`] : all[i - 1] === '--module' ? [] : [word]))

const { values: options } = parseArgs({
  args: words,
  options: {
    url: { type: 'string', default: 'http://localhost:1984' },
    rounds: { type: 'string', default: '8' },
    market: { type: 'string' },
    module: { type: 'string' },
  },
})

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`the market stopped: ${reasonOf(error)}`)
  process.exitCode = 1
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!/fetch failed|terminated/.test(error.message)) return error.message
  return `no node answers at ${options.url}; start one with "npx heddle start", or name it with --url`
}

async function main(): Promise<number> {
  const rounds = Number(options.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 0) throw new Error(`--rounds is "${options.rounds}"; expected a whole number`)
  const client = await openClient(options.url, options.module)
  const owner = await devWallet('alice')
  const guest = await devWallet('bob')
  const market = await findMarket(client, owner)
  console.log(
    `market open: ${Object.entries(market)
      .map(([name, id]) => `${name} ${id}`)
      .join(', ')}`,
  )
  await client.monitor(owner, market.keeper)
  await trade(client, market, rounds)
  await client.unmonitor(owner, market.keeper)
  const payment = await overcharge(client, market, guest)
  const books = await settle(client, market)
  const names = {
    [market.pool]: 'pool',
    [market.trend]: 'trader trend',
    [market.value]: 'trader value',
    [owner.address]: 'alice',
    [guest.address]: 'bob',
  }
  console.log(`\n${show(books, names)}\n`)
  console.log(`bob's payment and how it came back: npx heddle trace ${payment}\n`)
  const problems = audit(books, market)
  console.log(problems.length === 0 ? 'All books add up.' : `The books do not add up:\n${problems.join('\n')}`)
  return problems.length === 0 ? 0 : 1
}

async function findMarket(client: Client, owner: Wallet): Promise<Market> {
  const { market: file } = options
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Market
  const market = await openMarket(client, owner)
  if (file !== undefined) writeFileSync(file, JSON.stringify(market))
  return market
}

/** Lets the keeper's clock run for so many prices. */
async function trade(client: Client, market: Market, rounds: number): Promise<void> {
  const ticksNow = async (): Promise<number> => (await readBooks(client, market)).keeper.ticks
  const before = await ticksNow()
  await until(`the keeper's clock has ticked ${rounds} times`, async () => (await ticksNow()) >= before + rounds, 10_000 + rounds * 3_000)
}

/** Pays for a trade that asks for more than there is: the payment must come back whole. */
async function overcharge(client: Client, market: Market, guest: Wallet): Promise<string> {
  const holding = async (): Promise<string | undefined> => (await readBooks(client, market)).gold[guest.address]
  const before = await holding()
  const refunds = (await readBooks(client, market)).pool.refunds
  const swap = { Recipient: market.pool, Quantity: '1000000', 'X-Action': 'Swap', 'X-Min-Out': '1000000000', 'X-Order': 'too dear' }
  const payment = await client.send(guest, market.gold, { Action: 'Transfer', ...swap })
  await until(
    'the refund has arrived',
    async () => (await readBooks(client, market)).pool.refunds > refunds && (await holding()) === before,
  )
  return payment
}

async function settle(client: Client, market: Market): Promise<Books> {
  let books = await readBooks(client, market)
  await until('nothing is on its way', async () => {
    books = await readBooks(client, market)
    return isQuiet(books)
  })
  return books
}
