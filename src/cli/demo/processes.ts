/** Second half of the demo: two AO processes that talk to each other, with aoconnect as it is published. */
import { readFile } from 'node:fs/promises'
import { eventually, expectEqual, getJson } from './read-back.ts'
import type { Story } from './story.ts'

type Jwk = Record<string, string>
type Ao = Pick<typeof import('@permaweb/aoconnect'), 'spawn' | 'message' | 'result' | 'dryrun'>

interface Wallets {
  readonly alice: Jwk
  readonly bob: Jwk
}

interface Demo {
  readonly url: string
  readonly ao: Ao
  readonly info: { readonly modules: { readonly default: string }; readonly units: { readonly scheduler: string } }
  readonly signer: ReturnType<typeof import('@permaweb/aoconnect').createDataItemSigner>
}

export interface ProcessIds {
  readonly token: string
  readonly till: string
}

const TOKEN_SOURCE = new URL('../../../processes/token.lua', import.meta.url)
const PAID = '250'
const THANKS = '100'

/** A process that thanks for every payment by sending a part of it back. */
const TILL_SOURCE = `
Received = Received or {}
Handlers.add('thanks', { Action = 'Credit-Notice' }, function (msg)
  table.insert(Received, { from = msg.Sender, quantity = msg.Quantity })
  Send({ Target = msg.From, Action = 'Transfer', Recipient = msg.Sender, Quantity = '${THANKS}' })
end)
Handlers.add('received', { Action = 'Received' }, function (msg)
  msg.reply({ Data = require('json').encode(Received) })
end)
return 'till ready'
`

export async function runProcesses(url: string, wallets: Wallets, story: Story): Promise<ProcessIds> {
  const { demo, token } = await story.step('Spawn a token, written in Lua, with aoconnect', async (step) => {
    const demo = await open(url, wallets)
    const token = await spawn(demo, 'demo-token', await readFile(TOKEN_SOURCE, 'utf8'))
    const facts = await ask(demo, token, 'Info')
    step.fact('process', token)
    step.fact('it says', `${tag(facts, 'Name') ?? tag(facts, 'name')}, ${tag(facts, 'Ticker') ?? tag(facts, 'ticker')}`)
    return { demo, token }
  })
  const till = await story.step('Spawn a second process that thanks for payments', async (step) => {
    const id = await spawn(demo, 'demo-till', TILL_SOURCE)
    step.fact('process', id)
    return id
  })
  await pay(demo, token, till, story, wallets)
  return { token, till }
}

async function open(url: string, { alice }: Wallets): Promise<Demo> {
  const { connect, createDataItemSigner } = await import('@permaweb/aoconnect')
  const ao = connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url }) as unknown as Ao
  const { heddle: info } = (await getJson<{ heddle: Demo['info'] }>(`${url}/info`))!
  return { url, ao, info, signer: createDataItemSigner(alice) }
}

async function spawn({ ao, info, signer }: Demo, name: string, source: string): Promise<string> {
  const process = await ao.spawn({
    module: info.modules.default,
    scheduler: info.units.scheduler,
    signer,
    tags: [
      { name: 'Name', value: name },
      { name: 'On-Boot', value: 'Data' },
    ],
    data: source,
  })
  const { Error: problem } = await ao.result({ process, message: process })
  if (problem) throw new Error(`${name} did not start: ${problem}`)
  return process
}

async function pay(demo: Demo, token: string, till: string, story: Story, wallets: Wallets): Promise<void> {
  const alice = await addressOf(wallets.alice)
  const bob = await addressOf(wallets.bob)
  await story.step('Mint, and transfer from wallet to wallet', async (step) => {
    await send(demo, token, [
      { name: 'Action', value: 'Mint' },
      { name: 'Quantity', value: '1000' },
    ])
    await transfer(demo, token, bob, '300')
    step.fact('alice', await balance(demo, token, alice))
    step.fact('bob', await balance(demo, token, bob))
    expectEqual(await balance(demo, token, bob), '300', `bob's balance`)
  })
  await story.step('Pay the second process, which pays a part back by itself', async (step) => {
    await transfer(demo, token, till, PAID)
    const kept = String(Number(PAID) - Number(THANKS))
    await eventually('the payment back', async () => ((await balance(demo, token, till)) === kept ? kept : null))
    step.fact('till', `${await balance(demo, token, till)} (got ${PAID}, gave back ${THANKS})`)
    step.fact('alice', await balance(demo, token, alice))
    step.fact('its record', String((await ask(demo, till, 'Received')).Data))
    expectEqual(await balance(demo, token, alice), String(1000 - 300 - Number(PAID) + Number(THANKS)), `alice's balance`)
  })
  await story.step('An error changes nothing', async (step) => {
    const message = await demo.ao.message({
      process: token,
      signer: demo.signer,
      tags: [
        { name: 'Action', value: 'Transfer' },
        { name: 'Recipient', value: bob },
        { name: 'Quantity', value: '999999' },
      ],
    })
    const outcome = await demo.ao.result({ process: token, message })
    const replied = (outcome.Messages as readonly AoMessage[])[0]
    step.fact(
      'the token says',
      String(outcome.Error ?? (replied === undefined ? 'nothing' : (tag(replied, 'Error') ?? tag(replied, 'Action')))),
    )
    step.fact('bob still has', await balance(demo, token, bob))
    expectEqual(await balance(demo, token, bob), '300', `bob's balance after the failed transfer`)
  })
}

interface AoMessage {
  readonly Data?: unknown
  readonly Tags?: readonly { readonly name: string; readonly value: string }[]
}

function tag(message: AoMessage, name: string): string | undefined {
  return message.Tags?.find((candidate) => candidate.name === name)?.value
}

/** Dry run: the answer of the process to a question, without changing it. */
async function ask({ ao }: Demo, process: string, action: string, tags: { name: string; value: string }[] = []): Promise<AoMessage> {
  const outcome = await ao.dryrun({ process, tags: [{ name: 'Action', value: action }, ...tags] })
  const answer = (outcome.Messages as readonly AoMessage[])[0]
  if (answer === undefined) throw new Error(`${process} does not answer ${action}: ${outcome.Error ?? 'no message'}`)
  return answer
}

async function balance(demo: Demo, token: string, address: string): Promise<string> {
  return String((await ask(demo, token, 'Balance', [{ name: 'Recipient', value: address }])).Data)
}

function transfer(demo: Demo, token: string, recipient: string, quantity: string): Promise<void> {
  return send(demo, token, [
    { name: 'Action', value: 'Transfer' },
    { name: 'Recipient', value: recipient },
    { name: 'Quantity', value: quantity },
  ])
}

async function send({ ao, signer }: Demo, process: string, tags: { name: string; value: string }[]): Promise<void> {
  const message = await ao.message({ process, signer, tags })
  const { Error: problem } = await ao.result({ process, message })
  if (problem) throw new Error(`${process} answered with an error: ${problem}`)
}

async function addressOf(jwk: Jwk): Promise<string> {
  const { keyFromJwk } = await import('../../codec/keys.ts')
  return keyFromJwk(jwk).address
}
