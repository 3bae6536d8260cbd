/** Processes of aos modules as the network has them, uploaded as WebAssembly, through unmodified @permaweb/aoconnect against a whole node. */
import { createData } from '@dha-team/arbundles'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GuestModule } from '../../src/guests/guest.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { AOS_32, AOS_64, guestModule } from '../aos/modules.ts'
import { signerOf } from './support/signers.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

interface Tag {
  readonly name: string
  readonly value: string
}

const alice = createDataItemSigner(devWallet('alice'))
const bob = createDataItemSigner(devWallet('bob'))
const publisher = signerOf('solana')
let node: TestNode
let scheduler: string
/** aos 2.0.6 for 64 bits. */
let aos: string

beforeAll(async () => {
  node = await startTestNode()
  scheduler = (await node.info()).heddle.units.scheduler
  aos = await publish(guestModule(AOS_64))
})
afterAll(() => node.stop())

/** Uploads a module like any data item. */
async function publish(
  { bytes, format }: Pick<GuestModule, 'bytes' | 'format'>,
  limits: Readonly<Record<string, string>> = {},
): Promise<string> {
  const tags = Object.entries({
    'Data-Protocol': 'ao',
    Variant: 'ao.TN.1',
    Type: 'Module',
    'Module-Format': format,
    'Input-Encoding': 'JSON-1',
    'Output-Encoding': 'JSON-1',
    'Memory-Limit': '500-mb',
    'Compute-Limit': '9000000000000',
    'Content-Type': 'application/wasm',
    ...limits,
  }).map(([name, value]) => ({ name, value }))
  const item = createData(bytes, publisher, { tags })
  await item.sign(publisher)
  const response = await fetch(`${node.url}/tx`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(item.getRaw()),
  })
  if (!response.ok) throw new Error(`POST /tx answered ${response.status}: ${await response.text()}`)
  return item.id
}

function ao(): ReturnType<typeof clientOf> {
  return clientOf(node.url)
}

function clientOf(url: string) {
  return connect({ MODE: 'legacy', MU_URL: url, CU_URL: url, GATEWAY_URL: url })
}

function spawn(module = aos, tags: Tag[] = []): Promise<string> {
  return ao().spawn({ module, scheduler, signer: alice, tags: [{ name: 'Name', value: 'tester' }, ...tags] })
}

async function send(process: string, tags: Tag[], data = '', signer = alice): Promise<string> {
  return (await ao().message({ process, tags, signer, data })) as string
}

async function resultOf(process: string, tags: Tag[], data = '', signer = alice) {
  return ao().result({ process, message: await send(process, tags, data, signer) })
}

function evaluate(process: string, code: string) {
  return resultOf(process, [{ name: 'Action', value: 'Eval' }], code)
}

async function evalData(process: string, code: string): Promise<unknown> {
  const result = await evaluate(process, code)
  expect(result.Error, code).toBe(undefined)
  return (result.Output as { data: unknown }).data
}

const COUNTER = `Count = 0; Handlers.add('inc', 'Inc', function (msg) Count = Count + 1; msg.reply({ Data = tostring(Count) }) end)`
const inc: Tag[] = [{ name: 'Action', value: 'Inc' }]

describe('an aos process of a module that was uploaded', () => {
  it('boots, evaluates, answers messages, and survives a restart of the node', async () => {
    const process = await spawn()
    const boot = await ao().result({ process, message: process })
    expect(boot.Error).toBe(undefined)
    expect(await evalData(process, '1 + 1')).toBe('2')
    await evalData(process, COUNTER)
    for (let i = 1; i <= 20; i++) {
      const { Messages } = await resultOf(process, inc, '', bob)
      expect(Messages[0]?.Data, `message ${i}`).toBe(String(i))
    }
    const dry = await ao().dryrun({ process, tags: inc, data: '' })
    expect(dry.Messages[0]?.Data, 'a dry run sees the state').toBe('21')
    node = await node.restart()
    expect(await evalData(process, 'Count')).toBe('20')
    expect((await resultOf(process, inc)).Messages[0]?.Data).toBe('21')
  })

  it('is told who it is, and gets what the message says', async () => {
    const process = await spawn()
    const seen = await evalData(
      process,
      `local m = ao.msg or msg; return require('json').encode({ ao.id, ao.env.Process.Id, Owner, ao.env.Module.Id, Name })`,
    )
    expect(JSON.parse(String(seen))).toEqual([process, process, expect.stringMatching(/^[\w-]{43}$/), aos, 'tester'])
    await evalData(process, `Handlers.add('tell', 'Tell', function (msg) Seen = msg end)`)
    await resultOf(
      process,
      [
        { name: 'Action', value: 'Tell' },
        { name: 'Other', value: 'thing' },
      ],
      'Grüße',
      bob,
    )
    const message = JSON.parse(
      String(
        await evalData(process, `return require('json').encode({ Seen.Data, Seen.Other, Seen.From == Seen.Owner, Seen.Nonce, Seen.Cron })`),
      ),
    )
    expect(message).toEqual(['Grüße', 'thing', true, 3, false])
  })

  it('takes back what a failed message did, and goes on', async () => {
    const process = await spawn()
    await evalData(process, 'State = "before"')
    const failed = await evaluate(process, 'State = "after"; Send({ Target = ao.id, Action = "X" }); error("boom")')
    expect(failed.Error).toContain('boom')
    expect(failed.Messages).toEqual([])
    expect(await evalData(process, 'State')).toBe('before')
  })

  it('is stopped when it loops, also inside pcall', async () => {
    const limited = await publish(guestModule(AOS_64), { 'Compute-Limit': '20000000000' })
    const process = await spawn(limited)
    await evalData(process, 'State = "before"')
    for (const code of ['State = "after"; while true do end', 'pcall(function() State = "after"; while true do end end); return 1']) {
      const { Error: error } = await evaluate(process, code)
      expect(error, code).toContain('out of gas')
    }
    expect(await evalData(process, 'State')).toBe('before')
  })

  it('talks to a process of another module', async () => {
    const [asker, answerer] = await Promise.all([spawn(), spawn(await publish(guestModule(AOS_32)))])
    await evalData(answerer, `Handlers.add('ping', 'Ping', function (msg) msg.reply({ Data = 'pong to ' .. msg.Data }) end)`)
    await evaluate(asker, `Answer = Send({ Target = '${answerer}', Action = 'Ping', Data = 'ping' }).receive().Data`)
    let seen: unknown
    for (let tries = 0; tries < 50 && seen !== 'pong to ping'; tries++) seen = await evalData(asker, 'tostring(Answer)')
    expect(seen).toBe('pong to ping')
  })
})

describe('modules that cannot run', () => {
  it('that are no WebAssembly, or lack what a program needs, say so in the result', async () => {
    const broken = await publish({ bytes: new TextEncoder().encode('this is no module'), format: AOS_64.format })
    const process = await spawn(broken)
    const answer = (await (await fetch(`${node.url}/result/${process}?process-id=${process}`)).json()) as Record<string, unknown>
    expect(JSON.stringify(answer)).toContain('is not a WebAssembly')
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(20)
})
