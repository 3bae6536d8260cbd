/** The routes of the AO units as docs/ao-units.md lists them: what they take, answer and refuse, on the one port and on a port for each unit. */
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import type { TextTag } from '../../src/codec/tags.ts'
import type { UnitUrls } from '../../src/http/unit-ports.ts'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import {
  aoTags,
  askUnit,
  type ItemContent,
  nonceOf,
  signedItem,
  tagOf,
  timestampOf,
  type UnitNode,
  type UnitPage,
  type UnitResult,
} from './support/units.ts'
import { verifyAllProcesses } from './support/verify.ts'

const MEBIBYTE = 1024 * 1024
const NOBODY = `${'A'.repeat(42)}A`
const ID = /^[\w-]{43}$/
const EVAL = { Action: 'Eval' }

let node: TestNode
let info: TestInfo
let urls: UnitUrls & { readonly all: string }
let signer: ItemSigner
/** Slot 1 is `1 + 1`, slot 2 an error, slot 3 `3`. */
let process: string
let messages: string[]

beforeAll(async () => {
  node = await startTestNode({ unitPorts: true })
  info = await node.info()
  urls = { ...node.unitUrls!, all: node.url }
  signer = itemSigner(await generateKey('ed25519'))
  process = await spawn()
  messages = []
  for (const code of ['1 + 1', 'error("on purpose")', '3']) messages.push(await evaluate(process, code))
  await resultOf(process, messages[2]!)
})
afterAll(() => node.stop())

const ask = askUnit
const post = <T = Record<string, unknown>>(url: string, body?: Uint8Array<ArrayBuffer> | string) =>
  ask<T>(url, { method: 'POST', ...(body === undefined ? {} : { body }) })

async function send(tags: readonly TextTag[], content: ItemContent = {}): Promise<string> {
  const { raw } = await signedItem(signer, tags, content)
  const { status, body } = await post<{ id: string }>(urls.mu, raw)
  expect(status, JSON.stringify(body)).toBe(202)
  return body.id
}

function spawn(own: Readonly<Record<string, string>> = {}): Promise<string> {
  return send(aoTags('Process', { ...own, Module: info.heddle.modules.default, Scheduler: info.heddle.units.scheduler }))
}

function evaluate(target: string, code: string): Promise<string> {
  return send(aoTags('Message', EVAL), { target, data: code })
}

async function resultOf(target: string, id: string | number): Promise<UnitResult> {
  return (await ask<UnitResult>(`${urls.cu}/result/${id}?process-id=${target}`)).body
}

async function evalData(target: string, code: string): Promise<string> {
  const { Output, Error: error } = await resultOf(target, await evaluate(target, code))
  expect(error, code).toBe(undefined)
  return (Output as { data: string }).data
}

/** Once it has its slot: what a process sends is scheduled after its result. */
async function messageAt(target: string, slot: number) {
  for (;;) {
    const { body } = await ask<UnitPage>(`${urls.su}/${target}?process-id=${target}&from-nonce=${slot - 1}&limit=1`)
    const message = body.edges[0]?.node.message
    if (message !== undefined && message !== null) return message
  }
}

describe('ports', () => {
  it('follow the first one, and GET /info names them', () => {
    const port = Number(new URL(node.url).port)
    const ports = (['bundler', 'mu', 'su', 'cu'] as const).map((unit) => Number(new URL(urls[unit]).port))
    expect(ports).toEqual([port + 1, port + 2, port + 3, port + 4])
    expect(info.heddle.unitUrls).toEqual(node.unitUrls)
  })

  it('answer GET / as their units do', async () => {
    expect((await ask(`${urls.all}/`)).body).toMatchObject({ network: info.network })
    expect((await ask(`${urls.bundler}/`)).body).toMatchObject({
      version: expect.any(String),
      addresses: { arweave: expect.stringMatching(ID) },
    })
    expect((await ask(`${urls.mu}/`)).body).toBe('ao messenger unit')
    for (const url of [urls.mu, urls.all]) expect((await ask(`${url}/?debug=1&process=${process}`)).body, url).toHaveProperty('edges')
    expect((await ask(`${urls.su}/`)).body).toEqual({ timestamp: expect.stringMatching(/^\d{13}$/), address: info.heddle.units.scheduler })
    expect((await ask(`${urls.su}/?process-id=${process}`)).status).toBe(200)
    expect((await ask(`${urls.cu}/`)).body).toEqual({ address: expect.stringMatching(ID), timestamp: expect.any(Number) })
  })

  it('take at POST / what their units take', async () => {
    const item = async (): Promise<Uint8Array<ArrayBuffer>> =>
      (await signedItem(signer, aoTags('Message', EVAL), { target: process, data: '1' })).raw
    expect(await post(urls.all, await item())).toMatchObject({ status: 202, body: { message: 'Processing DataItem' } })
    expect(await post(urls.mu, await item())).toMatchObject({ status: 202, body: { message: 'Processing DataItem' } })
    expect(await post(urls.su, await item())).toMatchObject({
      status: 200,
      body: { timestamp: expect.any(Number), id: expect.stringMatching(ID) },
    })
    expect(await post(urls.cu, await item())).toMatchObject({ status: 400, body: { error: expect.stringContaining('messenger') } })
    const plain = (await signedItem(signer, [])).raw
    const binary = { 'content-type': 'application/octet-stream' }
    const stored = await ask(urls.bundler, { method: 'POST', body: plain, headers: binary })
    expect(stored).toMatchObject({ status: 200, body: { id: expect.stringMatching(ID) } })
  })

  it('serve everything else alike', async () => {
    for (const url of Object.values(urls)) {
      expect((await ask(`${url}/result/1?process-id=${process}`)).status, url).toBe(200)
      expect((await ask(`${url}/${process}?process-id=${process}&limit=1`)).status, url).toBe(200)
      expect((await ask(`${url}/raw/${messages[0]}`)).body, url).toBe('1 + 1')
      expect(await ask(`${url}/health`), url).toMatchObject({ status: 200, body: '' })
      expect((await ask(`${url}/healthcheck`)).body, url).toBe('OK')
      const metrics = await ask<string>(`${url}/metrics`)
      expect(metrics.body, url).toMatch(/^heddle_http_requests_total\{surface="ao-scheduler",method="GET",status="200"\} \d+$/m)
    }
  })

  it('let every page of every origin in, whatever they answer', async () => {
    const requests: [string, RequestInit?][] = [
      [`${urls.mu}/`],
      [`${urls.mu}/`, { method: 'POST', body: 'junk' }],
      [`${urls.su}/${NOBODY}?process-id=${NOBODY}`],
      [`${urls.su}/${NOBODY}?limit=1`],
      [`${urls.cu}/result/${NOBODY}?process-id=${process}`],
      [`${urls.cu}/dry-run?process-id=${process}`, { method: 'POST', body: '{' }],
      [`${urls.cu}/nothing/here`],
      [`${urls.cu}/result/1?process-id=${process}`],
    ]
    for (const [url, init] of requests) expect((await ask(url, init)).headers.get('access-control-allow-origin'), url).toBe('*')
    const preflight = await ask(`${urls.cu}/dry-run?process-id=${process}`, {
      method: 'OPTIONS',
      headers: { origin: 'http://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
  })
})

describe.each([['all'], ['mu']] as const)('messenger on the port of %s', (port) => {
  it('answers 202 with the id once the item has its slot, and the same to a repeat', async () => {
    const { id, raw } = await signedItem(signer, aoTags('Message', EVAL), { target: process, data: '"once"' })
    const expected = { status: 202, body: { message: 'Processing DataItem', id } }
    expect(await post(`${urls[port]}/`, raw)).toMatchObject(expected)
    expect((await ask(`${urls.su}/${id}?process-id=${process}`)).status).toBe(200)
    expect(await post(`${urls[port]}//`, raw)).toMatchObject(expected)
    const { body } = await ask<UnitPage>(`${urls.su}/${process}?process-id=${process}&limit=1000`)
    expect(body.edges.filter((edge) => edge.node.message?.id === id)).toHaveLength(1)
  })

  it('assigns', async () => {
    const other = await spawn()
    const { status, body } = await post(`${urls[port]}/?process-id=${other}&assign=${messages[0]}&exclude=Data,Signature`)
    expect([status, body]).toEqual([202, { message: 'Processing Assignment', id: expect.stringMatching(ID) }])
    const { body: entry } = await ask<UnitNode>(`${urls.su}/${body['id']}?process-id=${other}`)
    expect(entry.message).toBe(null)
    expect(entry.assignment.tags.filter(({ name }) => name === 'Exclude').map(({ value }) => value)).toEqual(['Data', 'Signature'])
    expect(tagOf(entry.assignment.tags, 'Message')).toBe(messages[0])
    expect((await ask(`${urls.cu}/result/${body['id']}?process-id=${other}`)).status).toBe(200)
  })

  it('refuses, always as JSON, with the status that says whose fault it is', async () => {
    const both = 'You must set both process-id and assign to send an assignment, not just one'
    const junk = "'body': A valid and signed data item must be provided as the body."
    const unsigned = (await signedItem(signer, aoTags('Message'), { target: process })).raw
    unsigned[unsigned.length - 1]! ^= 1
    const raw = async (tags: readonly TextTag[], target = process) => (await signedItem(signer, tags, { target })).raw
    const cases: [string, Uint8Array<ArrayBuffer> | string | undefined, number, string][] = [
      [`?process-id=${process}`, undefined, 400, both],
      [`?assign=${process}`, undefined, 400, both],
      [`?process-id=${NOBODY}&assign=${messages[0]}`, undefined, 404, NOBODY],
      [`?process-id=${process}&assign=${NOBODY}`, undefined, 404, NOBODY],
      ['', undefined, 400, junk],
      ['', 'junk', 400, junk],
      ['', unsigned, 400, junk],
      ['', unsigned, 400, 'the signature of data item'],
      ['', await raw([]), 400, "Tag 'Data-Protocol': must contain 'ao'"],
      ['', await raw(aoTags('Module')), 400, "Tag 'Type': must be either 'Process' or 'Message'"],
      ['', await raw(aoTags('Message'), NOBODY), 404, NOBODY],
      ['', await raw(aoTags('Process', { Scheduler: NOBODY })), 400, 'Module'],
      ['', await raw(aoTags('Process', { Module: info.heddle.modules.default })), 400, 'Scheduler'],
      ['', await raw(aoTags('Message', { 'a+link': 'x' })), 400, '+link'],
    ]
    for (const [query, body, status, error] of cases) {
      const answer = await post(`${urls[port]}/${query}`, body)
      expect(answer, `${query} ${error}`).toMatchObject({ status, body: { error: expect.stringContaining(error) } })
    }
  })

  it('refuses an assignment that would exclude too much, and the process goes on', async () => {
    const own = await spawn()
    const exclude = Array.from({ length: 1_000 }, (_, i) => `Key-${i}`).join()
    const answer = await post(`${urls[port]}/?process-id=${own}&assign=${messages[0]}&exclude=${exclude}`)
    expect(answer).toMatchObject({ status: 413, body: { error: expect.stringContaining('tags') } })
    expect(await evalData(own, '1')).toBe('1')
    expect((await ask<UnitPage>(`${urls.su}/${own}?process-id=${own}`)).body.edges.map((edge) => nonceOf(edge.node))).toEqual([0, 1])
  })

  it('monitors, whatever the path says, as often as it is asked', async () => {
    const own = await spawn()
    const { raw } = await signedItem(signer, [], { target: own })
    const monitor = (method: string) => ask(`${urls[port]}//monitor/${own}`, { method, body: raw })
    for (let i = 0; i < 2; i++) expect(await monitor('POST')).toMatchObject({ status: 200, body: 'Monitoring process' })
    expect(await monitor('DELETE')).toMatchObject({ status: 200, body: 'Process deleted' })
    expect(await monitor('DELETE')).toMatchObject({ status: 404, body: { error: expect.stringContaining('Process monitor not found') } })
    expect(await post(`${urls[port]}/monitor/${own}`, 'junk')).toMatchObject({ status: 400, body: { error: expect.any(String) } })
  })
})

describe.each([['all'], ['su']] as const)('scheduler on the port of %s', (port) => {
  const get = <T = Record<string, unknown>>(path: string) => ask<T>(urls[port] + path)

  it('tells the time and the process', async () => {
    const { body } = await get(`/timestamp?process-id=${process}`)
    expect(body).toEqual({ timestamp: expect.stringMatching(/^\d{13}$/), block_height: expect.stringMatching(/^\d{12}$/) })
    const { body: found } = await get(`/processes/${process}`)
    expect(Object.keys(found)).toEqual(['process_id', 'block', 'owner', 'tags', 'timestamp', 'data', 'anchor', 'signature', 'target'])
    expect(found).toMatchObject({
      process_id: process,
      block: expect.stringMatching(/^\d{12}$/),
      timestamp: expect.any(Number),
      data: ' ',
      target: null,
    })
  })

  it('gives pages with the process first', async () => {
    const { body } = await get<UnitPage>(`/${process}?process-id=${process}&limit=2`)
    expect(Object.keys(body)).toEqual(['page_info', 'edges'])
    const [born, first] = body.edges
    expect(body.page_info).toEqual({ has_next_page: true })
    expect(Object.keys(born!.node.message!)).toEqual(['id', 'owner', 'data', 'tags', 'signature', 'anchor', 'target'])
    expect(Object.keys(born!.node.assignment)).toEqual(['id', 'owner', 'tags', 'signature', 'anchor', 'target'])
    expect([nonceOf(born!.node), born!.node.message!.id, born!.cursor]).toEqual([0, process, String(timestampOf(born!.node))])
    expect([nonceOf(first!.node), first!.node.message!.data, first!.node.message!.target]).toEqual([1, '1 + 1', process])
    const anchors = await get<UnitPage>(`/${process}?process-id=${process}&limit=2&show-anchor`)
    expect(born!.node.assignment.anchor).toBe(null)
    expect(anchors.body.edges[0]!.node.assignment.anchor).toMatch(ID)
    expect((await get<UnitPage>(`/${process}?limit=2`)).body, 'without process-id').toEqual(body)
  })

  it('refuses with 400, as upstream does', async () => {
    const cases: [string, string][] = [
      [`/${NOBODY}?process-id=${process}`, 'Message or Process not found'],
      [`/${NOBODY}?process-id=${NOBODY}`, 'Message or Process not found'],
      [`/${process}?process-id=`, 'process-id is missing'],
      [`/${process}?process-id=${process}&limit=0`, 'limit'],
      [`/${process}?process-id=${process}&from-nonce=x`, 'from-nonce'],
      [`/processes/${NOBODY}`, NOBODY],
      ['/processes/x', 'process is "x"'],
    ]
    for (const [path, error] of cases)
      expect(await get(path), path).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } })
    const young = await spawn()
    expect(await get(`/${young}/latest`)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Latest message not available') },
    })
  })
})

describe('scheduler on its own port', () => {
  it('schedules processes, messages and assignments', async () => {
    const own = { Module: info.heddle.modules.default, Scheduler: info.heddle.units.scheduler }
    const born = await signedItem(signer, aoTags('Process', own))
    const accepted = (id: unknown) => ({ status: 200, body: { timestamp: expect.any(Number), id } })
    expect(await post(urls.su, born.raw)).toMatchObject(accepted(born.id))
    const message = await signedItem(signer, aoTags('Message', EVAL), { target: born.id, data: '"by the scheduler"' })
    expect(await post(urls.su, message.raw)).toMatchObject(accepted(message.id))
    expect((await resultOf(born.id, message.id)).Output).toMatchObject({ data: 'by the scheduler' })
    const assigned = await post(`${urls.su}/?process-id=${born.id}&assign=${messages[0]}`)
    expect(assigned).toMatchObject(accepted(expect.stringMatching(ID)))
    const { body } = await ask<UnitNode>(`${urls.su}/${assigned.body['id']}?process-id=${born.id}`)
    expect(tagOf(body.assignment.tags, 'Message')).toBe(messages[0])
  })

  it('refuses with 400 whatever is wrong', async () => {
    const stranger = (await signedItem(signer, aoTags('Message'), { target: NOBODY })).raw
    const half = 'If sending assign or process-id, you must send both.'
    expect(await post(`${urls.su}/?assign=${process}`)).toMatchObject({ status: 400, body: { error: half } })
    expect(await post(`${urls.su}/?process-id=${process}`)).toMatchObject({ status: 400, body: { error: half } })
    expect(await post(urls.su, stranger)).toMatchObject({ status: 400, body: { error: expect.stringContaining(NOBODY) } })
    const untyped = (await signedItem(signer, [{ name: 'Data-Protocol', value: 'ao' }], { target: process })).raw
    const other = (await signedItem(signer, aoTags('Module'), { target: process })).raw
    const plain = (await signedItem(signer, [], { target: process })).raw
    for (const [item, error] of [
      [untyped, 'Type tag not present'],
      [other, 'Unsupported Type tag value'],
      [plain, 'Data-Protocol tag not present'],
    ] as const)
      expect(await post(urls.su, item)).toMatchObject({ status: 400, body: { error: expect.stringContaining(error) } })
    expect(await post(urls.su, 'junk')).toMatchObject({ status: 400, body: { error: expect.any(String) } })
    expect(await ask(`${urls.su}/${NOBODY}?from=1`)).toMatchObject({
      status: 400,
      body: 'Query deserialize error: missing field `process-id`',
    })
    expect(await ask(`${urls.su}/${NOBODY}/latest`)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Latest message not available') },
    })
    expect(await ask(`${urls.su}/abc?process-id=${process}`)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Message or Process not found') },
    })
  })
})

describe.each([['all'], ['cu']] as const)('compute on the port of %s', (port) => {
  const get = <T = Record<string, unknown>>(path: string, init?: RequestInit) => ask<T>(urls[port] + path, init)

  it('gives a result by message, assignment, process or slot, however it is asked', async () => {
    const { body: entry } = await ask<UnitNode>(`${urls.su}/${messages[0]}?process-id=${process}`)
    const wanted = (await get(`/result/${messages[0]}?process-id=${process}`)).body
    expect(Object.keys(wanted)).toEqual(['Messages', 'Assignments', 'Spawns', 'Output', 'GasUsed'])
    for (const path of [`/result/${entry.assignment.id}`, '/result/1', '//result/1', '/result/1/', `/result/${messages[0]}`])
      for (const method of ['GET', 'POST'])
        expect((await get(`${path}?process-id=${process}&no-busy=1`, { method })).body, `${method} ${path}`).toEqual(wanted)
    expect((await get(`/result/${messages[0]}`)).body, 'without process-id').toEqual(wanted)
    const { headers } = await get(`/result/1?process-id=${process}`, { method: 'POST', body: '{"edges":[]}' })
    expect([headers.get('slot'), headers.get('timestamp'), Number(headers.get('block-height'))]).toEqual([
      '1',
      String(timestampOf(entry)),
      Number(tagOf(entry.assignment.tags, 'Block-Height')),
    ])
    const boot = (await get(`/result/${process}?process-id=${process}`)).body
    expect(boot).toEqual((await get(`/result/0?process-id=${process}`)).body)
  })

  it('gives an error of the program as a result', async () => {
    const { status, body } = await get(`/result/${messages[1]}?process-id=${process}`)
    expect([status, body]).toEqual([
      200,
      {
        Messages: [],
        Assignments: [],
        Spawns: [],
        Output: expect.anything(),
        Error: expect.stringContaining('on purpose'),
        GasUsed: expect.any(Number),
      },
    ])
  })

  it('refuses as JSON', async () => {
    const cases: [string, number, string][] = [
      [`/result/${NOBODY}?process-id=${process}`, 404, NOBODY],
      [`/result/${NOBODY}?process-id=${NOBODY}`, 404, NOBODY],
      [`/result/99999?process-id=${process}`, 404, 'no slot 99999 yet'],
      ['/result/1', 400, 'process-id is missing'],
      ['/result/1?process-id=x', 400, 'process-id is "x"'],
      [`/results/${NOBODY}`, 404, NOBODY],
      [`/results/${process}?sort=UP`, 400, 'sort'],
      [`/results/${process}?from=nonsense`, 400, 'cursor'],
      [`/results/${process}?limit=-1`, 400, 'limit'],
      [`/cron/${NOBODY}`, 404, NOBODY],
      [`/state/${NOBODY}`, 404, NOBODY],
    ]
    for (const [path, status, error] of cases)
      expect(await get(path), path).toMatchObject({ status, body: { error: expect.stringContaining(error) } })
  })

  it('lists results, without errors; the sort in a cursor counts', async () => {
    interface Results {
      readonly pageInfo: { readonly hasNextPage: boolean }
      readonly edges: readonly { readonly cursor: string; readonly node: { readonly Output: { readonly data: string } } }[]
    }
    const list = async (query: string) => (await get<Results>(`/results/${process}?${query}`)).body
    const decode = (cursor: string) => JSON.parse(atob(cursor)) as { timestamp: number; ordinate: string; sort: string }
    const all = await list('limit=3')
    expect(all.edges.map(({ cursor }) => decode(cursor).ordinate)).toEqual(['0', '1', '3'])
    expect(Object.keys(all.edges[1]!.node)).toEqual(['Messages', 'Assignments', 'Spawns', 'Output'])
    const [born, first, third] = all.edges.map(({ cursor }) => cursor)
    expect(Object.keys(decode(first!))).toEqual(['timestamp', 'ordinate', 'sort'])
    const ordinates = async (query: string) => (await list(query)).edges.map(({ cursor }) => decode(cursor).ordinate)
    const q = encodeURIComponent
    expect(await ordinates(`from=${q(born!)}&to=${q(third!)}`)).toEqual(['1', '3'])
    expect(await ordinates(`from=${decode(born!).timestamp}&to=${decode(third!).timestamp}`)).toEqual(['1', '3'])
    expect(await ordinates(`from=${q(born!)}&to=${q(third!)}&sort=DESC`), 'ASC is in the cursor').toEqual(['1', '3'])
    const back = await list(`to=${decode(third!).timestamp}&sort=DESC&limit=2`)
    expect(back.edges.map(({ cursor }) => decode(cursor).ordinate)).toEqual(['3', '1'])
    expect(back.pageInfo).toEqual({ hasNextPage: true })
    expect(decode(back.edges[0]!.cursor).sort).toBe('DESC')
  })

  it('gives the memory at a time', async () => {
    const { body: entry } = await ask<UnitNode>(`${urls.su}/${messages[0]}?process-id=${process}`)
    const state = await fetch(`${urls[port]}/state/${process}?to=${timestampOf(entry)}`)
    expect([state.headers.get('content-type'), state.headers.get('last-ordinate'), state.headers.get('last-timestamp')]).toEqual([
      'application/octet-stream',
      '1',
      String(timestampOf(entry)),
    ])
    expect((await state.arrayBuffer()).byteLength).toBeGreaterThan(0)
  })
})

describe('dry runs', () => {
  const dryRun = (target: string, fields: object, query = '', headers: Readonly<Record<string, string>> = {}) =>
    ask<UnitResult & { error?: string }>(`${urls.cu}/dry-run?process-id=${target}${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(fields),
    })
  const hit = { Id: '1234', Owner: '1234', Anchor: '0', Data: '1234', Tags: aoTags('Message', { Action: 'Hit' }) }
  const COUNTER = `Hits = 0
    Handlers.add('hit', 'Hit', function (msg) Hits = Hits + 1; Seen = msg.Data; msg.reply({ Data = tostring(Hits) }) end)`

  async function counter(): Promise<string> {
    const own = await spawn()
    await evalData(own, COUNTER)
    return own
  }

  it('see every message that has its slot, at once, and never leave a trace', async () => {
    const own = await counter()
    for (let i = 1; i <= 20; i++) {
      await send(aoTags('Message', { Action: 'Hit' }), { target: own })
      const answers = await Promise.all([1, 2, 3].map(() => dryRun(own, hit, '', { 'x-max-age': '60000' })))
      expect(answers.map(({ body }) => body.Messages[0]!.Data)).toEqual(Array(3).fill(String(i + 1)))
    }
    expect(await evalData(own, 'Hits .. " " .. #Inbox')).toBe('20 1')
    expect((await ask<UnitPage>(`${urls.su}/${own}?process-id=${own}&limit=1000`)).body.edges).toHaveLength(23)
  })

  it('with the same body on two processes do not mix, and go to no other process', async () => {
    const [left, right] = await Promise.all([counter(), counter()])
    for (let i = 0; i < 3; i++) await send(aoTags('Message', { Action: 'Hit' }), { target: right })
    const answers = await Promise.all([left, right, left, right].map((target) => dryRun(target, hit)))
    expect(answers.map(({ body }) => body.Messages[0]!.Data)).toEqual(['1', '4', '1', '4'])
    const push = { ...hit, Tags: aoTags('Message', EVAL), Data: `Send({ Target = '${right}', Action = 'Hit' })` }
    const { body: owner } = await ask<{ owner: { address: string } }>(`${urls.su}/processes/${left}`)
    expect((await dryRun(left, { ...push, Owner: owner.owner.address })).body.Messages).toHaveLength(1)
    expect(await evalData(right, 'Hits')).toBe('3')
  })

  it('run on the state after `to`', async () => {
    const own = await counter()
    const ids = [
      await send(aoTags('Message', { Action: 'Hit' }), { target: own }),
      await send(aoTags('Message', { Action: 'Hit' }), { target: own }),
    ]
    await resultOf(own, ids[1]!)
    expect((await dryRun(own, hit, `&to=${ids[0]}`)).body.Messages[0]!.Data).toBe('2')
    expect((await dryRun(own, hit, `&to=${ids[1]}`)).body.Messages[0]!.Data).toBe('3')
    expect(await dryRun(own, hit, `&to=${NOBODY}`)).toMatchObject({ status: 404, body: { error: expect.stringContaining(NOBODY) } })
  })

  it('take data that is not text as it is', async () => {
    const own = await spawn()
    await evalData(own, `Handlers.add('sum', 'Sum', function (msg) msg.reply({ Data = tostring(msg.Data.a + msg.Data.list[2]) }) end)`)
    const { body } = await dryRun(own, { Owner: 'x', Tags: aoTags('Message', { Action: 'Sum' }), Data: { a: 1, list: [2, 3] } })
    expect(body.Messages[0]!.Data).toBe('4')
  })

  it('are refused as JSON', async () => {
    const cases: [string, string, number, string][] = [
      ['', '{}', 400, 'process-id is missing'],
      [`?process-id=${NOBODY}`, JSON.stringify(hit), 404, NOBODY],
      [`?process-id=${process}`, '{', 400, 'not JSON'],
      [`?process-id=${process}`, '{"Tags":[]}', 400, 'Owner is missing'],
      [`?process-id=${process}`, '{"Owner":"x"}', 400, 'Tags is missing'],
    ]
    for (const [query, body, status, error] of cases)
      expect(await post(`${urls.cu}/dry-run${query}`, body), query).toMatchObject({
        status,
        body: { error: expect.stringContaining(error) },
      })
  })
})

describe('what is evaluated', () => {
  it('begins with the process itself, however early the first message comes', async () => {
    const own = { Module: info.heddle.modules.default, Scheduler: info.heddle.units.scheduler }
    const born = await signedItem(signer, aoTags('Process', own))
    expect((await post(urls.mu, born.raw)).status).toBe(202)
    const asked = await Promise.all(
      [1, 2, 3].map(() => evaluate(born.id, 'Inbox[1].Id .. " " .. Inbox[1].Tags.Type .. " " .. Inbox[1].Nonce')),
    )
    for (const id of asked) expect((await resultOf(born.id, id)).Output).toMatchObject({ data: `${born.id} Process 0` })
  })

  it('keeps bytes that are no text: for programs, for those who read them, and in what processes send on', async () => {
    const code = `Handlers.add('bytes', 'Bytes', function (msg)
        local sum = 0
        for i = 1, #msg.Data do sum = sum + msg.Data:byte(i) end
        msg.reply({ Data = #msg.Data .. ' ' .. sum })
        if msg.Next then Send({ Target = msg.Next, Action = 'Bytes', Data = msg.Data }) end
        Sum = sum
      end)`
    const [own, next] = [await spawn(), await spawn()]
    await Promise.all([evalData(own, code), evalData(next, code)])
    const data = Uint8Array.from({ length: 256 }, (_, i) => i)
    const id = await send(aoTags('Message', { Action: 'Bytes', Next: next }), { target: own, data })
    expect((await resultOf(own, id)).Messages[0]!.Data).toBe(`256 ${(255 * 256) / 2}`)
    const pushed = await messageAt(next, 2)
    expect((await resultOf(next, pushed.id)).Messages[0]!.Data).toBe(`256 ${(255 * 256) / 2}`)
    expect(new Uint8Array(await (await fetch(`${urls.all}/raw/${pushed.id}`)).arrayBuffer())).toEqual(data)
    const raw = await fetch(`${urls.all}/raw/${id}`)
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(data)
    const { body } = await ask<UnitNode>(`${urls.su}/${id}?process-id=${own}`)
    expect(body.message!.data).toBe(new TextDecoder().decode(data))
    const other = await send(aoTags('Process', { Module: info.heddle.modules.default, Scheduler: info.heddle.units.scheduler }), { data })
    expect((await ask<UnitPage>(`${urls.su}/${other}?process-id=${other}`)).body.edges[0]!.node.message!.data).toBe(null)
  })

  it('may have 10 MiB, and not a byte more', async () => {
    const own = await spawn()
    await evalData(own, `Handlers.add('size', 'Size', function (msg) msg.reply({ Data = tostring(#msg.Data) }) end)`)
    const data = randomBytes(10 * MEBIBYTE)
    const id = await send(aoTags('Message', { Action: 'Size' }), { target: own, data })
    expect((await resultOf(own, id)).Messages[0]!.Data).toBe(String(data.length))
    const stored = new Uint8Array(await (await fetch(`${urls.all}/raw/${id}`)).arrayBuffer())
    expect(sha256(stored)).toBe(sha256(data))
    const more = await signedItem(signer, aoTags('Message', { Action: 'Size' }), { target: own, data: new Uint8Array(10 * MEBIBYTE + 1) })
    for (const url of [urls.mu, urls.su])
      expect(await post(url, more.raw)).toMatchObject({ status: 413, body: { error: expect.stringContaining(String(10 * MEBIBYTE)) } })
    expect(await post(urls.mu, new Uint8Array(12 * MEBIBYTE))).toMatchObject({ status: 413, body: { error: expect.any(String) } })
    expect(await ask(`${urls.su}/${more.id}?process-id=${own}`)).toMatchObject({ status: 400 })
    expect(await evalData(own, '#Inbox')).toBe('1')
  })
})

it('every process of these tests can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBeGreaterThan(50)
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
