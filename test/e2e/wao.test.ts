/** The client classes of the package wao, unmodified, against `heddle start --unit-ports`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, pattern, until } from './support/client.ts'
import { type NodeProcess, startProcess } from './support/process.ts'
import { verifyAllProcesses } from './support/verify.ts'
import { AO, AR, testnet, type WaoAo, type WaoAr, waoFile } from './support/wao.ts'
import { devWallet } from './wallets.ts'

const alice = devWallet('alice')

/** A counter, and what asks it and waits for the answer. */
const COUNTER = `
Count = Count or 0
Handlers.add("Add", "Add", function (msg)
  Count = Count + tonumber(msg.By or 1)
  msg.reply({ Data = "done", Count = tostring(Count), Json = require("json").encode({ count = Count }) })
end)
Handlers.add("Count", "Count", function (msg) msg.reply({ Data = tostring(Count), Count = tostring(Count) }) end)
`
const READER = `
Handlers.add("Read", "Read", function (msg)
  local file = io.open("/data/" .. msg.Item, "r")
  local text = file:read(file:seek("end"))
  file:close()
  msg.reply({ Data = text })
end)
`
const ASKER = `
Handlers.add("Ask", "Ask", function (msg)
  local answer = Send({ Target = msg.Whom, Action = "Count" }).receive()
  msg.reply({ Data = "it says " .. answer.Data, Said = answer.Data })
end)
`

const SQL = `
local db = require("lsqlite3").open_memory()
db:exec("create table t (n integer); insert into t values (1), (2)")
Handlers.add("Add", Handlers.utils.hasMatchingTag("Action", "Add"), function (msg)
  db:exec("insert into t values (3)")
  for n in db:urows("select count(*) from t") do ao.send({ Target = msg.From, Data = n .. " rows" }) end
end)
`

let folder: string
let node: NodeProcess
let port: number
let ao: WaoAo

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-wao-'))
  node = await startProcess(folder, ['--unit-ports'])
  port = Number(new URL(node.url).port)
  ao = await new AO(port).init(alice)
})
afterAll(async () => {
  await node?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function deployed(source: string, options: { readonly boot?: boolean; readonly module?: string } = {}) {
  const { err, p, pid } = await ao.deploy({ src_data: source, ...options })
  expect(err).toBe(null)
  return { p, pid }
}

describe.concurrent('wao: AO', () => {
  it('deploys, sends, reads', async () => {
    const { p } = await deployed(COUNTER)
    expect(await p.m('Add', false)).toBe('done')
    expect(await p.m('Add', { By: '4' }, 'Count')).toBe('5')
    expect(await p.m('Add', { By: '1' }, { get: { n: { name: 'Json', json: true }, text: { data: true } } })).toEqual({
      n: { count: 6 },
      text: 'done',
    })
    expect(await p.d('Count', false)).toBe('6')
    expect(await p.d('Count', true)).toBe(6)
    expect(await p.d('Count', 'Count')).toBe('6')
    const { err, out } = await p.msg('Add', { By: '1' }, { get: 'Count', check: { Count: '7' } })
    expect([err, out]).toEqual([null, '7'])
  })

  it('deploys with boot data, and in steps', async () => {
    const { p } = await deployed(COUNTER, { boot: true })
    expect(await p.d('Count', false)).toBe('0')
    const { id } = await ao.ar.post({ data: 'Count = <start>' })
    const { err, p: steps } = await ao.deploy({ loads: [{ src: id, fills: { start: 40 } }, COUNTER, 'Count = Count + 2'] })
    expect(err).toBe(null)
    expect(await steps.d('Count', false)).toBe('42')
  })

  it('waits for what comes back from other processes', async () => {
    const [{ p: asker }, { pid }] = await Promise.all([deployed(ASKER), deployed(COUNTER)])
    expect(await asker.m('Ask', { Whom: pid }, { get: false, check: /^it says/, timeout: 20_000 })).toBe('it says 0')
    expect(await asker.m('Ask', { Whom: pid }, { get: { Said: 'Said' }, check: { Said: true }, timeout: 20_000 })).toEqual({ Said: '0' })
  })

  it('reads a result later, evaluates, loads, assigns', async () => {
    const { p, pid } = await deployed(COUNTER)
    const { mid } = await p.msg('Add', { By: '3' })
    expect(await p.r({ mid, get: 'Count' })).toBe('3')
    expect((await ao.eval({ pid, data: 'Count = 10' })).err).toBe(null)
    expect((await p.load({ data: 'Count = Count + <more>', fills: { more: 5 } })).err).toBe(null)
    expect(await p.d('Count', false)).toBe('15')
    const { p: other, pid: otherPid } = await deployed(`${COUNTER} ao.addAssignable({ Action = "Add" })`)
    const { err } = await ao.asgn({ pid: otherPid, mid })
    expect(err).toBe(null)
    expect(await other.d('Count', false)).toBe('3')
  })

  it('spawns from a process', async () => {
    const { p } = await deployed(`
      Handlers.add("Make", "Make", function (msg)
        local child = Spawn(ao.env.Module.Id, { Data = "", Colour = "red" }).receive()
        msg.reply({ Child = child.Process })
      end)`)
    const child = String(await p.m('Make', {}, { get: 'Child', check: { Child: true } }))
    expect(await ao.ar.tx(child)).toMatchObject({ tags: expect.arrayContaining([{ name: 'Colour', value: 'red' }]) })
    // Its owner is the process that made it.
    expect((await ao.p(child).dry('Eval', {}, { data: '1 + 1' })).res.Output.data).toContain('New Message From')
  })

  it('lists results in both directions, from a cursor on', async () => {
    const { p, pid } = await deployed(COUNTER)
    for (let i = 0; i < 4; i++) await p.m('Add', 'Count')
    const counts = (page: Awaited<ReturnType<WaoAo['ress']>>) =>
      page.out.map(({ Messages }) => Messages[0]?.Tags.find(({ name }) => name === 'Count')?.value)
    const newest = await ao.ress({ pid, limit: 2 })
    expect(counts(newest)).toEqual(['4', '3'])
    const oldest = await ao.ress({ pid, limit: 3, asc: true })
    expect(counts(oldest)).toEqual([undefined, undefined, '1']) // The process itself and the code it was given come first.
    expect(counts(await ao.ress({ pid, asc: true, cursor: oldest.out[2]!.cursor }))).toEqual(['2', '3', '4'])
  })

  it('monitors cron, and stops', async () => {
    const { pid, p } = await ao.deploy({
      tags: { 'Cron-Interval': '1-second', 'Cron-Tag-Action': 'Tick' },
      src_data:
        'Ticks = 0 Handlers.add("Tick", "Tick", function () Ticks = Ticks + 1 end) Handlers.add("Ticks", "Ticks", function (msg) msg.reply({ Data = tostring(Ticks) }) end)',
    })
    const signer = ao.toSigner(alice)
    await ao.monitor({ process: pid, signer })
    await until('three ticks', async () => (Number(await p.d('Ticks', false)) >= 3 ? true : null), 20_000)
    await ao.unmonitor({ process: pid, signer })
  })

  it('shows errors of the program and of bad requests', async () => {
    const { p } = await deployed('Handlers.add("Break", "Break", function () error("broken") end)')
    const { res } = await p.msg('Break', {}, { timeout: 1000 })
    expect(res.Error).toContain('broken')
    const unknown = await ao.p(`${'x'.repeat(42)}A`).dry('Any')
    expect(unknown.res.error).toContain(`${'x'.repeat(42)}A`)
    const { err } = await ao.spwn({ module: `${'y'.repeat(42)}A` })
    expect(String(err)).toContain('Error')
  })
})

describe.concurrent('wao: its modules', () => {
  it.each(['aos1', 'aos2', 'mainnet'])('has the default module of the type %s', async (module_type) => {
    const own = await new AO({ port, module_type }).init(alice)
    const { err, p } = await own.deploy({ src_data: COUNTER })
    expect(err).toBe(null)
    expect(await p.m('Add', false)).toBe('done')
  })

  it.each([
    { file: 'sqlite', format: 'wasm64-unknown-emscripten-draft_2024_02_15', source: SQL, data: '3 rows' },
    { file: 'aos2_0_4_32', format: 'wasm32-unknown-emscripten4', source: COUNTER, data: 'done' },
  ])('takes its module $file', async ({ file, format, source, data }) => {
    const own = await new AO({ port }).init(alice)
    const { err, id } = await own.postModule({
      data: readFileSync(waoFile(`${file}.wasm`)),
      tags: { 'Module-Format': format },
      overwrite: true,
    })
    expect(err).toBe(null)
    expect(own.module).toBe(id)
    const { err: problem, p } = await own.deploy({ src_data: source })
    expect(problem).toBe(null)
    expect(await p.m('Add', false)).toBe(data)
  })

  it('takes a network of its own: module and scheduler are posted first', async () => {
    const network = await (await testnet(port)).init(alice)
    expect(network.authority).toMatch(/^[\w-]{43}$/)
    const { err, p, pid } = await network.ao.deploy({ src_data: COUNTER + READER })
    expect(err).toBe(null)
    expect(await p.m('Add', false)).toBe('done')
    const { id } = await network.ao.ar.post({ data: 'on the weave' })
    expect((await network.ao.attest({ id })).err).toBe(null)
    expect(await p.m('Read', { Item: id }, false)).toBe('on the weave')
    // All of the module's memory, as WebAssembly has it.
    expect((await bytesOf(`http://localhost:${port + 4}/state/${pid}`)).length % 65_536).toBe(0)
  })
})

describe('wao: AR', () => {
  let ar: WaoAr

  beforeAll(async () => {
    ar = await new AR({ port }).init()
  })

  it('makes wallets with something in them', async () => {
    expect(await ar.balance()).toBe('100.000000000000')
    expect(await ar.mint(ar.addr, '2.5')).toBe('102.500000000000')
    const { addr, bal } = await ar.gen('1', false)
    expect(bal).toBe('1.000000000000')
    expect((await ar.transfer('3', addr)).err).toBe(null)
    expect(await ar.balance(addr)).toBe('4.000000000000')
  })

  it('posts data and reads it back', async () => {
    const { id, err } = await ar.post({ data: 'some text', tags: { 'Content-Type': 'text/plain', Colour: ['red', 'blue'] } })
    expect(err).toBe(null)
    expect(await ar.data(id, true)).toBe('some text')
    const tags = [
      { name: 'Colour', value: 'red' },
      { name: 'Colour', value: 'blue' },
    ]
    expect(await ar.tx(id)).toMatchObject({ id, tags: expect.arrayContaining(tags), block: { height: expect.any(Number) } })
    const bytes = pattern(300_000)
    const { id: large } = await ar.post({ data: bytes })
    expect(Buffer.compare(Buffer.from((await ar.data(large)) as Uint8Array), bytes)).toBe(0)
  })

  it('bundles', async () => {
    const { err, items } = await ar.bundle([
      ['one', { x: '1' }],
      ['two', { x: '2' }],
    ])
    expect(err).toBe(null)
    expect(await Promise.all(items.map(({ id }) => ar.data(id, true)))).toEqual(['one', 'two'])
  })

  it('pages through transactions and blocks', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.push((await ar.post({ data: `page ${i}`, tags: { Book: ar.addr } })).id)
    const seen: string[] = []
    let page = await ar.gql.txs({ tags: { Book: ar.addr }, first: 2, asc: true, next: true })
    for (;;) {
      seen.push(...page.data.map(({ id }) => id))
      if (page.next === null) break
      page = await page.next()
    }
    expect(seen).toEqual(ids)
    await ar.mine()
    const [newest, before] = await ar.gql.blocks({ first: 2 })
    expect(newest).toMatchObject({ height: before!.height + 1, previous: before!.id })
  })
})

describe('wao: afterwards', () => {
  it('every process computes again to the same', async () => {
    expect((await verifyAllProcesses(node.url)).processes).toBeGreaterThan(10)
  })
})
