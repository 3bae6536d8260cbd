/** AO processes through unmodified @permaweb/aoconnect in legacy mode, against a whole node. */
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import { type LegacyClient, legacyClientAt } from './support/aoconnect.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { devWallet } from './wallets.ts'

interface Tag {
  readonly name: string
  readonly value: string
}

const alice = createDataItemSigner(devWallet('alice'))
const bob = createDataItemSigner(devWallet('bob'))
let node: TestNode
let info: TestInfo
let ao: LegacyClient

beforeAll(async () => {
  node = await startTestNode()
  info = await node.info()
  ao = legacyClientAt({ connect }, node.url)
})
afterAll(() => node.stop())

async function spawn(signer = alice, tags: Tag[] = []): Promise<string> {
  return ao.spawn({ module: info.heddle.modules.default, scheduler: info.heddle.units.scheduler, signer, tags })
}

async function send(process: string, tags: Tag[], options: { data?: string; signer?: typeof alice } = {}): Promise<string> {
  const { signer = alice, data } = options
  return (await ao.message({ process, tags, signer, ...(data === undefined ? {} : { data }) })) as string
}

function evaluate(process: string, code: string): Promise<string> {
  return send(process, [{ name: 'Action', value: 'Eval' }], { data: code })
}

async function evalData(process: string, code: string): Promise<unknown> {
  const result = await ao.result({ process, message: await evaluate(process, code) })
  expect(result.Error, code).toBe(undefined)
  return (result.Output as { data: unknown }).data
}

/** Answers once the process's state satisfies it; pushed messages take their slot after the result that sent them. */
async function eventually(process: string, code: string, wanted: unknown): Promise<void> {
  let seen: unknown
  for (let tries = 0; tries < 50; tries++) {
    seen = await evalData(process, code)
    if (seen === wanted) return
  }
  expect(seen).toBe(wanted)
}

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(node.url + path)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function graphql(query: string): Promise<{ transactions: { edges: { node: { id: string; recipient: string; tags: Tag[] } }[] } }> {
  const response = await fetch(`${node.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  const { data, errors } = (await response.json()) as { data: never; errors?: unknown }
  expect(errors).toBe(undefined)
  return data
}

describe('one process', () => {
  it('is spawned, boots, evaluates, and remembers', async () => {
    const process = await spawn()
    const boot = await ao.result({ process, message: process })
    expect(boot.Error).toBe(undefined)
    expect(await evalData(process, '1 + 1')).toBe('2')
    expect(await evalData(process, 'Count = (Count or 0) + 1; return Count')).toBe('1')
    expect(await evalData(process, 'Count = (Count or 0) + 1; return Count')).toBe('2')
  })

  it('answers messages with handlers', async () => {
    const process = await spawn()
    await evalData(process, `Handlers.add('hello', 'Hello', function (msg) msg.reply({ Data = 'Hello ' .. msg.Data, Num = 5 }) end)`)
    const { Messages } = await ao.result({
      process,
      message: await send(process, [{ name: 'Action', value: 'Hello' }], { data: 'Ann', signer: bob }),
    })
    expect(Messages).toHaveLength(1)
    expect(Messages[0]).toMatchObject({ Data: 'Hello Ann', Target: expect.stringMatching(/^[\w-]{43}$/) })
  })

  it('takes back what a failed message did', async () => {
    const process = await spawn()
    await evalData(process, 'State = "before"')
    const message = await evaluate(process, 'State = "after"; Send({ Target = ao.id, Action = "X" }); error("boom")')
    const result = await ao.result({ process, message })
    expect(result.Error).toContain('boom')
    expect(result.Messages).toEqual([])
    expect(await evalData(process, 'State')).toBe('before')
  })

  it('obeys its owner only', async () => {
    const process = await spawn()
    await ao.result({ process, message: await send(process, [{ name: 'Action', value: 'Eval' }], { data: 'Stolen = true', signer: bob }) })
    expect(await evalData(process, 'tostring(Stolen)')).toBe('nil')
  })

  it('is read by dry runs that leave no trace', async () => {
    const process = await spawn()
    await evalData(
      process,
      `Hits = 0; Handlers.add('hit', 'Hit', function (msg) Hits = Hits + 1; msg.reply({ Data = tostring(Hits) }) end)`,
    )
    for (let i = 0; i < 3; i++) {
      const { Messages } = await ao.dryrun({ process, tags: [{ name: 'Action', value: 'Hit' }], data: '' })
      expect(Messages[0].Data).toBe('1')
    }
    await send(process, [{ name: 'Action', value: 'Hit' }])
    const { Messages } = await ao.dryrun({ process, tags: [{ name: 'Action', value: 'Hit' }], data: '' })
    expect(Messages[0].Data, 'a dry run right after a message sees it').toBe('2')
  })

  it('lists its results, without the failed ones', async () => {
    const process = await spawn()
    for (const code of ['1', 'error("no")', '2', '3']) await ao.result({ process, message: await evaluate(process, code) })
    const { edges } = await ao.results({ process, limit: 2 })
    expect(edges).toHaveLength(2)
    const rest = await ao.results({ process, from: edges[1]!.cursor })
    expect(rest.edges.map(({ node: { Output } }) => Output.data)).toEqual(['2', '3'])
    const newest = await ao.results({ process, limit: 1, sort: 'DESC' })
    expect(newest.edges[0]!.node.Output.data).toBe('3')
    expect(JSON.parse(atob(newest.edges[0]!.cursor))).toMatchObject({ ordinate: '4', timestamp: expect.any(Number) })
  })

  it('is monitored and unmonitored', async () => {
    const process = await spawn()
    expect(await ao.monitor({ process, signer: alice })).toMatch(/^[\w-]{43}$/)
    expect(await ao.unmonitor({ process, signer: alice })).toMatch(/^[\w-]{43}$/)
    await expect(ao.unmonitor({ process, signer: alice })).rejects.toThrow('404')
  })

  it('is found by GraphQL with its messages and assignments at once', async () => {
    const process = await spawn(alice, [{ name: 'Name', value: 'Findable' }])
    const message = await evaluate(process, '1')
    const { transactions } = await graphql(
      `{ transactions(recipients: ["${process}"]) { edges { node { id recipient tags { name value } } } } }`,
    )
    expect(transactions.edges.map(({ node: { id } }) => id)).toEqual([message])
    const assignments = await graphql(
      `{ transactions(tags: [{ name: "Type", values: ["Assignment"] }, { name: "Process", values: ["${process}"] }]) { edges { node { id recipient tags { name value } } } } }`,
    )
    expect(assignments.transactions.edges).toHaveLength(2)
  })
})

describe('several processes', () => {
  it('talk to each other, and trust each other', async () => {
    const [asker, answerer] = await Promise.all([spawn(), spawn()])
    await evalData(
      answerer,
      `Handlers.add('ping', 'Ping', function (msg) msg.reply({ Action = 'Pong', Data = 'pong to ' .. msg.Data }) end)`,
    )
    await evalData(asker, `Handlers.add('pong', 'Pong', function (msg) Heard = msg.Data .. ' from ' .. msg.From end)`)
    const cause = await evaluate(asker, `Send({ Target = '${answerer}', Action = 'Ping', Data = 'ping' })`)
    await eventually(asker, 'Heard', `pong to ping from ${answerer}`)
    const { transactions } = await graphql(
      `{ transactions(tags: [{ name: "Pushed-For", values: ["${cause}"] }]) { edges { node { id recipient tags { name value } } } } }`,
    )
    expect(transactions.edges.map(({ node: { recipient } }) => recipient).sort()).toEqual([asker, answerer].sort())
  })

  it('wait for an answer in the middle of a handler', async () => {
    const [asker, answerer] = await Promise.all([spawn(), spawn()])
    await evalData(answerer, `Handlers.add('double', 'Double', function (msg) msg.reply({ Data = tostring(2 * tonumber(msg.Data)) }) end)`)
    await evaluate(asker, `Answer = Send({ Target = '${answerer}', Action = 'Double', Data = '21' }).receive().Data`)
    await eventually(asker, 'tostring(Answer)', '42')
  })

  it('spawn others, and hear which', async () => {
    const parent = await spawn()
    await evalData(parent, `Handlers.add('spawned', 'Spawned', function (msg) Child = msg.Process end)`)
    await evaluate(parent, `Spawn('${info.heddle.modules.default}', { Data = 'x', Name = 'child' })`)
    await eventually(parent, 'tostring(Child ~= nil)', 'true')
    const child = (await evalData(parent, 'Child')) as string
    expect((await ao.result({ process: child, message: child })).Error).toBe(undefined)
  })

  it('do not believe a forged sender', async () => {
    const [victim, friend] = await Promise.all([spawn(), spawn()])
    await evalData(victim, `Handlers.add('steal', 'Steal', function (msg) Stolen = msg.From end)`)
    const forged = await send(
      victim,
      [
        { name: 'Action', value: 'Steal' },
        { name: 'From-Process', value: friend },
      ],
      { signer: bob },
    )
    const { Output, Messages } = await ao.result({ process: victim, message: forged })
    expect(JSON.stringify(Output)).toContain('not trusted')
    expect(Messages).toEqual([])
    expect(await evalData(victim, 'tostring(Stolen)')).toBe('nil')
  })

  it('stop sending to each other after a while', async () => {
    const [left, right] = await Promise.all([spawn(), spawn()])
    for (const process of [left, right])
      await evalData(
        process,
        `Hits = 0; Handlers.add('loop', 'Loop', function (msg) Hits = Hits + 1; Send({ Target = msg.From, Action = 'Loop' }) end)`,
      )
    await evaluate(left, `Send({ Target = '${right}', Action = 'Loop' })`)
    const count = async (): Promise<number> => Number(await evalData(left, 'Hits')) + Number(await evalData(right, 'Hits'))
    let before = -1
    for (let now = await count(); now !== before; now = await count()) {
      before = now
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(before).toBe(256)
  })

  it('are assigned what was sent to another', async () => {
    const [first, second] = await Promise.all([spawn(), spawn()])
    await evalData(
      second,
      `ao.addAssignable('notes', { Action = 'Note' }); Handlers.add('note', 'Note', function (msg) Note = msg.Data end)`,
    )
    const note = await send(first, [{ name: 'Action', value: 'Note' }], { data: 'for both' })
    const assignment = await ao.assign({ process: second, message: note })
    expect(assignment).toMatch(/^[\w-]{43}$/)
    expect((await ao.result({ process: second, message: assignment })).Error).toBe(undefined)
    expect(await evalData(second, 'Note')).toBe('for both')
  })
})

describe('trouble', () => {
  const nobody = 'SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4'

  it('a message to an unknown process fails at once and names it', async () => {
    await expect(evaluate(nobody, '1')).rejects.toThrow(new RegExp(`404.*${nobody}`, 's'))
    expect(await get(`/result/${nobody}?process-id=${nobody}`)).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining(nobody) },
    })
    expect(await ao.dryrun({ process: nobody, tags: [], data: '' })).toMatchObject({ error: expect.stringContaining(nobody) })
  })

  it('a process of an unknown module is refused', async () => {
    await expect(ao.spawn({ module: nobody, scheduler: info.heddle.units.scheduler, signer: alice })).rejects.toThrow()
  })

  it('the same signed message twice counts once', async () => {
    const process = await spawn()
    await evalData(process, `Hits = 0; Handlers.add('hit', 'Hit', function () Hits = Hits + 1 end)`)
    const signed = await ao.signMessage({
      process,
      tags: [{ name: 'Action', value: 'Hit' }],
      signer: alice,
      data: 'x',
      anchor: '0'.repeat(32),
    })
    const ids = [await ao.sendSignedMessage(signed), await ao.sendSignedMessage(signed)]
    expect(ids).toEqual([signed.id, signed.id])
    expect(await evalData(process, 'Hits')).toBe('1')
  })

  it('a loop without end is cut, and the process lives', async () => {
    const process = await spawn()
    await evalData(process, 'Kept = 1')
    const result = await ao.result({ process, message: await evaluate(process, 'Kept = 2; while true do end') })
    expect(result.Error).toEqual(expect.stringMatching(/gas|time/))
    expect(await evalData(process, 'Kept')).toBe('1')
  })
})

it('everything is there after a restart', async () => {
  const process = await spawn()
  await evalData(process, 'Kept = "yes"')
  const message = await evaluate(process, '"answer"')
  node = await node.restart()
  ao = legacyClientAt({ connect }, node.url)
  expect((await ao.result({ process, message })).Output.data).toBe('answer')
  expect(await evalData(process, 'Kept')).toBe('yes')
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(50)
})
