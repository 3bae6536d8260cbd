/** The market of examples/defi as its readers run it, on a node that is killed while it trades: the books add up, and every slot can be computed again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { audit, type Books, isQuiet, readBooks } from '../../examples/defi/audit.ts'
import { devWallet, openClient } from '../../examples/defi/client.ts'
import type { Market } from '../../examples/defi/market.ts'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { until } from './support/client.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { moduleOf, RUNTIMES } from './support/processes.ts'
import { verifyAllProcesses } from './support/verify.ts'

const RUN = fileURLToPath(new URL('../../examples/defi/run.ts', import.meta.url))

const [, AOS_64] = RUNTIMES

let folder: string
let node: NodeProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-defi-'))
  node = await startProcess(join(folder, 'data'))
})
afterAll(async () => {
  await node.kill()
  await rm(folder, { recursive: true, force: true })
})

function startMarket(rounds: number, more: readonly string[] = ['--market', join(folder, 'market.json')]): ChildProcess {
  const words = [RUN, '--url', node.url, '--rounds', String(rounds), ...more]
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function market(rounds: number, more?: readonly string[]): Promise<string> {
  const child = startMarket(rounds, more)
  const [out, problems, [code]] = await Promise.all([textOf(child.stdout!), textOf(child.stderr!), once(child, 'exit')])
  expect({ code, problems }, out).toEqual({ code: 0, problems: '' })
  expect(out).toContain('All books add up.')
  return out
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}

/** Prices that the keeper has written down, asked for without a trace. */
async function ticks(): Promise<number> {
  const { keeper } = JSON.parse(await readFile(join(folder, 'market.json'), 'utf8')) as { keeper: string }
  const body = JSON.stringify({ Owner: keeper, Data: '', Tags: [{ name: 'Action', value: 'Series' }] })
  const response = await fetch(`${node.url}/dry-run?process-id=${keeper}`, { method: 'POST', body })
  const { Messages } = (await response.json()) as { Messages: { Data: string }[] }
  return (JSON.parse(Messages[0]!.Data) as { ticks: number }).ticks
}

it('opens, trades, and its books add up', async () => {
  const out = await market(3)
  expect(out).toMatch(/trades [1-9]/)
  expect(out).toMatch(/trend: \d+ nudges, [1-9]\d* trades, 0 refused/)
  expect(out).toMatch(/sent back 1$/m)
})

it('goes on after kill -9 in the middle of a round, also without anybody at the keyboard', async () => {
  const trading = startMarket(1000)
  const said = textOf(trading.stderr!)
  for await (const line of createInterface({ input: trading.stdout! })) if (line.startsWith('market open')) break
  const before = await ticks()
  await until('it trades', async () => ((await ticks()) >= before + 2 ? true : null))
  await node.kill()
  const [code] = (await once(trading, 'exit')) as [number]
  expect(code, 'a market whose node is gone says so').toBe(1)
  expect(await said).toContain(`the market stopped: no node answers at ${node.url}`)
  node = await startProcess(join(folder, 'data'))
  const now = await ticks()
  await until('the clock goes on by itself', async () => ((await ticks()) > now + 1 ? true : null), 20_000)
  expect(await market(2)).toMatch(/sent back 2$/m)
})

it('runs on a published aos module as it stands', async () => {
  const module = await moduleOf(node.url, AOS_64, itemSigner(await generateKey('ed25519')))
  expect(await market(1, ['--module', module])).toMatch(/sent back 1$/m)
})

it('keeps nothing by accident, and gives liquidity back', async () => {
  const client = await openClient(node.url)
  const [alice, bob] = [await devWallet('alice'), await devWallet('bob')]
  const ids = JSON.parse(await readFile(join(folder, 'market.json'), 'utf8')) as Market
  const before = await readBooks(client, ids)
  const pay = (token: string, quantity: string, more: Record<string, string>) =>
    client.send(bob, token, { Action: 'Transfer', Recipient: ids.pool, Quantity: quantity, ...more })
  await pay(ids.gold, '700', {})
  await pay(ids.pool, '700', { 'X-Action': 'Nonsense' })
  await pay(ids.gold, '1', { 'X-Action': 'Swap', 'X-Min-Out': '-5' })
  await client.send(alice, ids.gold, { Action: 'Mint', Recipient: bob.address, Quantity: '9'.repeat(40) })
  await pay(ids.gold, '9'.repeat(40), { 'X-Action': 'Swap' })
  await pay(ids.gold, '5000', { 'X-Action': 'Deposit' })
  await until('four payments and a deposit are there', async () => {
    const { refunds, deposits } = (await readBooks(client, ids)).pool
    return refunds === before.pool.refunds + 4 && deposits[ids.gold] === '5000' ? true : null
  })
  await client.send(bob, ids.pool, { Action: 'Credit-Notice', Sender: bob.address, Quantity: '1000000', 'X-Action': 'Deposit' })
  await expect(client.send(bob, ids.pool, { Action: 'Add-Liquidity' })).rejects.toThrow('too little for a share')
  await client.send(bob, ids.pool, { Action: 'Take-Back' })
  await expect(client.send(bob, ids.pool, { Action: 'Take-Back' })).rejects.toThrow('nothing of yours')
  await expect(client.send(bob, ids.pool, { Action: 'Remove-Liquidity', Shares: '1' })).rejects.toThrow('you hold 0')
  const half = String(BigInt(before.pool.shares[alice.address]!) / 2n)
  await client.send(alice, ids.pool, { Action: 'Remove-Liquidity', Shares: half })
  const after = await until('everything is paid', async () => {
    const books = await readBooks(client, ids)
    return isQuiet(books) && books.pool.shares[alice.address] !== before.pool.shares[alice.address] ? books : null
  })
  expect(audit(after, ids)).toEqual([])
  expect(BigInt(after.gold[bob.address]!) - BigInt(before.gold[bob.address]!)).toBe(BigInt('9'.repeat(40)))
  expect(after.cash[bob.address]).toBe(before.cash[bob.address])
  const left = (books: Books): bigint => BigInt(books.pool.reserves[ids.gold]!) * 2n
  expect(left(after) - left(before) / 2n, 'half of the reserve, rounded in favour of those who stay').toBeLessThan(4_000n)
})

it('every slot can be computed again', async () => {
  const { processes, slots } = await verifyAllProcesses(node.url)
  expect(processes).toBe(10)
  expect(slots).toBeGreaterThan(100)
})
