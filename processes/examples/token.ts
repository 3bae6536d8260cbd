/**
 * A token: balances by address, moved by messages. `heddle spawn processes/examples/token.ts --tag Ticker=TKN`
 *
 * In   Info · Balance [Recipient] · Balances · Total-Supply · Transfer Recipient, Quantity [Cast, X-*] · Mint Quantity [Recipient]
 * Out  Debit-Notice and Credit-Notice of a Transfer; Transfer-Error and Mint-Error. Quantities are whole numbers of the smallest unit.
 */
import { ao, type Message, on, onSpawn, type Reply, send } from 'heddle/process'
import { notice, quantityOf } from './quantity.ts'

export const balances = new Map<string, bigint>()
export const token = { name: 'Points Coin', ticker: 'PNTS', denomination: 12, supply: 0n }

onSpawn(() => {
  const { tags } = ao
  token.name = tags['Name'] ?? token.name
  token.ticker = tags['Ticker'] ?? token.ticker
  token.denomination = Number(tags['Denomination'] ?? token.denomination)
  mint(ao.owner, BigInt(tags['Total-Supply'] ?? 10_000n * 10n ** BigInt(token.denomination)))
})

on('Info', () => ({
  data: token,
  tags: { Name: token.name, Ticker: token.ticker, Denomination: token.denomination, 'Total-Supply': token.supply },
}))

on('Balance', (msg) => {
  const account = msg.find('Recipient') ?? msg.from
  const balance = balanceOf(account)
  return { data: balance, tags: { Balance: balance, Ticker: token.ticker, Account: account } }
})

on('Balances', () => ({ data: Object.fromEntries(balances) }))

on('Total-Supply', () => ({ action: 'Total-Supply', data: token.supply, tags: { Ticker: token.ticker } }))

on('Transfer', (msg) => {
  const recipient = msg.tag('Recipient')
  const quantity = quantityOf(msg)
  const balance = balanceOf(msg.from)
  if (balance < quantity) return refusal(msg, 'Insufficient Balance!')
  balances.set(msg.from, balance - quantity)
  balances.set(recipient, balanceOf(recipient) + quantity)
  if (msg.find('Cast') !== undefined) return
  msg.reply(notice(msg, 'Debit-Notice', { Recipient: recipient, Quantity: quantity }, `You transferred ${quantity} to ${recipient}`))
  const credit = notice(msg, 'Credit-Notice', { Sender: msg.from, Quantity: quantity }, `You received ${quantity} from ${msg.from}`)
  send({ target: recipient, ...credit })
})

on('Mint', (msg) => {
  if (msg.from !== ao.id && msg.from !== ao.owner) return refusal(msg, `Only the owner can mint ${token.ticker}`)
  const quantity = quantityOf(msg)
  mint(msg.find('Recipient') ?? msg.from, quantity)
  return `Minted ${quantity}`
})

function balanceOf(account: string): bigint {
  return balances.get(account) ?? 0n
}

function mint(account: string, quantity: bigint): void {
  balances.set(account, balanceOf(account) + quantity)
  token.supply += quantity
}

function refusal(msg: Message, problem: string): Reply {
  return { action: `${msg.action}-Error`, tags: { 'Message-Id': msg.id, Error: problem } }
}
