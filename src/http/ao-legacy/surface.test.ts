import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ao, idOf, openRig, type Rig, stateIn } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { createDataItem } from '../../codec/data-item.ts'
import { parseCursor } from '../../services/machine/results-page.ts'
import type { Surface } from '../route.ts'
import { text } from '../route.ts'
import { createServer } from '../server.ts'
import { schedulerSurface } from './scheduler-surface.ts'
import { aoLegacySurface } from './surface.ts'

/** What comes after the AO units: tells that a path was left to it. */
const gateway: Surface = {
  name: 'gateway',
  routes: [{ method: 'GET', path: '/*', handle: async () => text(200, 'gateway') }],
  failure: () => text(500, 'gateway'),
}

let rig: Rig
let server: ReturnType<typeof createServer>
let url: string
let process: TxId

beforeAll(async () => {
  rig = await openRig()
  server = createServer({
    surfaces: [aoLegacySurface({ intake: rig.intake, machine: rig.machine }), schedulerSurface(rig.machine), gateway],
    log: silentLog,
  })
  url = `http://127.0.0.1:${await server.listen(0, '127.0.0.1')}`
  process = await rig.spawn({ data: 'born' })
  for (let i = 0; i < 6; i++) await rig.send(process, i === 2 ? 'Fail' : 'Inc', { data: `m${i}` })
  await rig.settled()
})

afterAll(async () => {
  await server.close()
  await rig.stop()
})

interface Answer {
  readonly status: number
  readonly type: string
  // Bodies differ by route; tests look at what they need.
  readonly body: Record<string, unknown>
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url + path, init)
  const type = response.headers.get('content-type') ?? ''
  const body = await response.text()
  return {
    status: response.status,
    type,
    body: (type.startsWith('application/json') ? JSON.parse(body) : { text: body }) as Record<string, unknown>,
  }
}

async function message(target: string, tags = ao('Message')): Promise<{ id: TxId; raw: Uint8Array<ArrayBuffer> }> {
  const { id, raw } = await createDataItem(
    { data: ' ', tags, target: Buffer.from(target, 'base64url'), anchor: crypto.getRandomValues(new Uint8Array(32)) },
    rig.user,
  )
  return { id, raw: Uint8Array.from(raw) }
}

const post = (path: string, body: Uint8Array<ArrayBuffer> | string): Promise<Answer> => ask(path, { method: 'POST', body })
const dryRun = (body: unknown, target: string = process): Promise<Answer> => post(`/dry-run?process-id=${target}`, JSON.stringify(body))

describe('POST /', () => {
  it('schedules an item, and answers a repeat the same', async () => {
    const { id, raw } = await message(process)
    const expected = { status: 202, body: { message: 'Processing DataItem', id } }
    expect(await post('/', raw)).toMatchObject(expected)
    expect(await post('/', raw)).toMatchObject(expected)
    expect((await ask(`/result/${id}?process-id=${process}`)).body['Output']).toBe('7')
  })

  it('assigns', async () => {
    const { id, raw } = await message(process)
    await post('/', raw)
    const other = await rig.spawn()
    const { status, body } = await ask(`/?process-id=${other}&assign=${id}&base-layer&exclude=Data,Tags`, { method: 'POST' })
    expect([status, body['message']]).toEqual([202, 'Processing Assignment'])
    expect((await ask(`/result/${body['id']}?process-id=${other}`)).status).toBe(200)
    expect((await ask(`/${body['id']}?process-id=${other}`)).body).toMatchObject({ message: null, assignment: { id: body['id'] } })
  })

  it.each([
    ['half an assignment', `/?process-id=${idOf(1)}`, '', 400, 'You must set both process-id and assign'],
    ['an assignment to nowhere', `/?process-id=${idOf(1)}&assign=${idOf(2)}`, '', 404, idOf(2)],
    ['an id that is none', '/?process-id=abc&assign=def', '', 400, 'process-id is "abc"'],
    ['junk', '/', 'junk', 400, "'body': A valid and signed data item must be provided as the body."],
    ['nothing', '/', '', 400, "'body'"],
  ])('refuses %s', async (_name, path, body, status, error) => {
    expect(await post(path, body)).toMatchObject({ status, body: { error: expect.stringContaining(error) } })
  })

  it('refuses items that are not for the units, of unknown processes, and forged ones', async () => {
    expect(await post('/', (await message(process, [])).raw)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("Tag 'Data-Protocol'") },
    })
    expect(await post('/', (await message(process, ao('Other'))).raw)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("Tag 'Type'") },
    })
    const stranger = await message(idOf(1))
    expect(await post('/', stranger.raw)).toMatchObject({ status: 404, body: { error: expect.stringContaining(idOf(1)) } })
    const forged = await message(process)
    forged.raw[forged.raw.length - 1]! ^= 1
    expect(await post('/', forged.raw)).toMatchObject({ status: 400, body: { error: expect.stringContaining('signature') } })
    expect((await ask(`/result/${forged.id}?process-id=${process}`)).status).toBe(404)
  })
})

describe('results', () => {
  it('have the keys that clients read, and an error in place', async () => {
    expect((await ask(`//result/1?process-id=${process}`)).body).toEqual({
      Messages: [],
      Assignments: [],
      Spawns: [],
      Output: '2',
      GasUsed: 5,
    })
    expect((await ask(`/result/3?process-id=${process}`, { method: 'POST', body: '{}' })).body).toEqual({
      Messages: [],
      Assignments: [],
      Spawns: [],
      Output: '',
      Error: 'failed on purpose',
      GasUsed: 5,
    })
  })

  it('find the process of a message by themselves', async () => {
    const { id, raw } = await message(process)
    await post('/', raw)
    expect((await ask(`/result/${id}`)).status).toBe(200)
    expect((await ask(`/result/${idOf(1)}`)).status).toBe(404)
    expect(await ask('/result/1')).toMatchObject({ status: 400, body: { error: expect.stringContaining('process-id is missing') } })
    expect((await ask(`/result/1?process-id=${idOf(1)}`)).status).toBe(404)
    expect((await ask(`/result/999?process-id=${process}`)).status).toBe(404)
  })

  it('come in pages, without errors, either way round', async () => {
    interface Edge {
      readonly node: { readonly Output: string }
      readonly cursor: string
    }
    const page = async (query: string): Promise<{ outputs: string[]; cursors: string[]; more: boolean }> => {
      const { body } = await ask(`/results/${process}?${query}`)
      const edges = body['edges'] as Edge[]
      return {
        outputs: edges.map(({ node }) => node.Output),
        cursors: edges.map(({ cursor }) => cursor),
        more: (body['pageInfo'] as { hasNextPage: boolean }).hasNextPage,
      }
    }
    const first = await page('limit=3')
    expect(first).toMatchObject({ outputs: ['1', '2', '3'], more: true })
    const next = await page(`limit=2&from=${encodeURIComponent(first.cursors[2]!)}`)
    expect(next.outputs).toEqual(['4', '5'])
    expect((await page(`from=${encodeURIComponent(first.cursors[0]!)}&to=${encodeURIComponent(next.cursors[0]!)}`)).outputs).toEqual([
      '2',
      '3',
      '4',
    ])
    const back = await page('limit=2&sort=DESC')
    expect(back.more).toBe(true)
    expect(Number(back.outputs[0])).toBe(Number(back.outputs[1]) + 1)
    const { timestamp, ordinate } = parseCursor(first.cursors[1]!)
    expect(ordinate).toBe('1')
    expect((await page(`from=${timestamp}&limit=1`)).outputs).toEqual(['3'])
    expect((await page(`to=${timestamp}`)).outputs).toEqual(['1', '2'])
    expect(atob(first.cursors[0]!)).toBe(
      JSON.stringify({ timestamp: JSON.parse(atob(first.cursors[0]!)).timestamp, ordinate: '0', sort: 'ASC' }),
    )
  })

  it.each([
    ['/results/abc', 400, 'process is "abc"'],
    [`/results/${idOf(1)}`, 404, idOf(1)],
    ['/results/P?limit=0', 400, 'limit'],
    ['/results/P?sort=UP', 400, 'sort'],
    ['/results/P?from=nonsense', 400, 'cursor'],
    [`/cron/${idOf(1)}`, 404, idOf(1)],
    [`/state/${idOf(1)}`, 404, idOf(1)],
    ['/state/P?to=99', 404, 'no slot 99'],
    ['/state/P?to=x', 404, 'has no slot'],
    ['/state/P?to=1000000000000', 404, 'is younger'],
    [`/processes/${idOf(1)}`, 400, idOf(1)],
    ['/processes/abc', 400, 'process is "abc"'],
  ])('GET %s is refused', async (path, status, error) => {
    expect(await ask(path.replace('P', process))).toMatchObject({ status, body: { error: expect.stringContaining(error) } })
  })

  it('of cron are those of ticks', async () => {
    const ticking = await rig.spawn({ tags: [{ name: 'Cron-Interval', value: '1-second' }] })
    await vi.waitFor(async () => expect((await ask(`/cron/${ticking}`)).body['edges']).not.toEqual([]), 3_000)
    const { body } = await ask(`/cron/${ticking}?limit=1`)
    const [{ cursor, node }] = body['edges'] as [{ cursor: string; node: object }]
    expect(node).toEqual({ Messages: [], Assignments: [], Spawns: [], Output: '2' })
    expect(JSON.parse(Buffer.from(cursor, 'base64').toString())).toMatchObject({ ordinate: '1', cron: '0-1-second', sort: 'ASC' })
    expect((await ask(`/${ticking}/latest`)).body).toMatchObject({ message: null })
    expect((await ask(`/cron/${ticking}?from=x`)).status).toBe(400)
  })

  it('of cron are an empty page for a process without crons', async () => {
    expect((await ask(`/cron/${process}`)).body).toEqual({ pageInfo: { hasNextPage: false }, edges: [] })
  })
})

describe('dry runs', () => {
  it('answer like results', async () => {
    const { status, body } = await dryRun({ Id: '1234', Target: process, Owner: '1234', Anchor: '0', Data: '1234', Tags: ao('Message') })
    expect(status).toBe(200)
    expect(Object.keys(body)).toEqual(['Messages', 'Assignments', 'Spawns', 'Output', 'GasUsed'])
    expect((await dryRun({ Owner: 'x', Tags: [{ name: 'Action', value: 'Fail' }] })).body['Error']).toBe('failed on purpose')
  })

  it.each([
    ['no JSON', '{', 400, 'not JSON'],
    ['a list', '[]', 400, 'not a JSON object'],
    ['no owner', '{"Tags":[]}', 400, 'Owner is missing'],
    ['no tags', '{"Owner":"x"}', 400, 'Tags is missing'],
    ['a bad tag', '{"Owner":"x","Tags":[{"name":"a"}]}', 400, 'tag 0'],
    ['data nested for ever', `{"Owner":"x","Tags":[],"Data":${'['.repeat(200)}${']'.repeat(200)}}`, 400, 'nested deeper than 99'],
    ['a target that is a table', '{"Owner":"x","Tags":[],"Target":{}}', 400, 'Target is not text'],
  ])('refuse %s', async (_name, body, status, error) => {
    expect(await post(`/dry-run?process-id=${process}`, body)).toMatchObject({ status, body: { error: expect.stringContaining(error) } })
  })

  it('run on an earlier state', async () => {
    const [, , record] = await rig.machine.records(process, { after: -1, upTo: 9, limit: 9 })
    const body = JSON.stringify({ Owner: 'x', Tags: [{ name: 'Action', value: 'Inc' }] })
    for (const to of ['2', record!.message, record!.timestampMs])
      expect((await post(`/dry-run?process-id=${process}&to=${to}`, body)).body['Output']).toBe('4')
    expect((await post(`/dry-run?process-id=${process}&to=99`, body)).status).toBe(404)
  })

  it('refuse unknown processes', async () => {
    expect((await dryRun({ Owner: 'x', Tags: [] }, idOf(1))).status).toBe(404)
    expect((await post('/dry-run', '{}')).status).toBe(400)
  })
})

describe('scheduler reads', () => {
  interface Node {
    readonly message: { readonly id: string; readonly target: string | null; readonly data: string }
    readonly assignment: { readonly id: string; readonly tags: { name: string; value: string }[] }
  }
  interface Edge {
    readonly node: Node
    readonly cursor: string
  }
  const nonceOf = ({ assignment }: Node): string => assignment.tags.find(({ name }) => name === 'Nonce')!.value
  const pageOf = async (query: string): Promise<{ nonces: string[]; edges: Edge[]; more: boolean }> => {
    const { body } = await ask(`/${process}?${query}`)
    const edges = body['edges'] as Edge[]
    return { nonces: edges.map(({ node }) => nonceOf(node)), edges, more: (body['page_info'] as { has_next_page: boolean }).has_next_page }
  }

  it('end a page of large messages before its limit', async () => {
    const other = await rig.spawn()
    const data = 'x'.repeat(PAGE_BYTES_MAX / 4)
    for (let i = 0; i < 5; i++) await rig.send(other, 'Inc', { data })
    const pages: string[][] = []
    for (let from = -1, more = true; more; from = Number(pages.at(-1)!.at(-1))) {
      const { body } = await ask(`/${other}?from-nonce=${from}&limit=50`)
      pages.push((body['edges'] as Edge[]).map(({ node }) => nonceOf(node)))
      more = (body['page_info'] as { has_next_page: boolean }).has_next_page
    }
    expect(pages).toEqual([
      ['0', '1', '2', '3'],
      ['4', '5'],
    ])
  })

  it('page through a process by time and by nonce', async () => {
    const first = await pageOf(`process-id=${process}&limit=3`)
    expect([first.nonces, first.more]).toEqual([['0', '1', '2'], true])
    expect(first.edges[0]!.node.message).toMatchObject({ id: process, target: null, data: 'born' })
    expect(first.edges[1]!.node.message).toMatchObject({ target: process, data: 'm0' })
    expect((await pageOf(`from=${first.edges[2]!.cursor}&limit=2`)).nonces).toEqual(['3', '4'])
    expect((await pageOf(`from=${first.edges[0]!.cursor}&to=${first.edges[2]!.cursor}`)).nonces).toEqual(['1', '2'])
    expect((await pageOf('from-nonce=4&to-nonce=6')).nonces).toEqual(['5', '6'])
    const all = await pageOf('from-nonce=-1&limit=1')
    expect([all.nonces, all.edges[0]!.cursor]).toEqual([['0'], '0'])
    const last = (await rig.machine.getHead(process)).slot
    expect(await pageOf(`from-nonce=${last}`)).toEqual({ nonces: [], edges: [], more: false })
    expect((await pageOf(`from=${Date.now() + 60_000}&process-id=${process}`)).nonces).toEqual([])
  })

  it('give one message by its id or that of its assignment', async () => {
    const { edges } = await pageOf('from-nonce=0&limit=1')
    const { node } = edges[0]!
    for (const id of [node.message.id, node.assignment.id]) expect((await ask(`/${id}?process-id=${process}`)).body, id).toEqual(node)
    expect(node).toMatchObject({
      message: { owner: { address: expect.any(String), key: expect.any(String) }, signature: expect.any(String) },
    })
  })

  it('leave everything else to the gateway', async () => {
    expect((await ask(`/${process}`)).body).toEqual({ text: 'gateway' })
    expect((await ask(`/${idOf(1)}?from=5`)).body).toEqual({ text: 'gateway' })
    expect((await ask(`/${idOf(1)}/latest`)).body).toEqual({ text: 'gateway' })
    expect((await ask('/page?process-id=5')).body).toEqual({ text: 'gateway' })
    expect(await ask(`/${idOf(1)}?process-id=${idOf(1)}`)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Message or Process not found') },
    })
  })

  it('tell the latest message, the process, the time', async () => {
    const head = await rig.machine.getHead(process)
    expect(nonceOf((await ask(`/${process}/latest`)).body as unknown as Node)).toBe(String(head.slot))
    const young = await rig.spawn()
    expect(await ask(`/${young}/latest`)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('Latest message not available') },
    })
    expect((await ask(`/processes/${process}`)).body).toMatchObject({
      process_id: process,
      block: '000000000007',
      data: 'born',
      target: null,
      timestamp: expect.any(Number),
    })
    expect((await ask('/timestamp')).body).toEqual({ timestamp: expect.stringMatching(/^[0-9]{13}$/), block_height: '000000000007' })
    expect((await ask('/health')).status).toBe(200)
  })

  it('give the state with where it stands', async () => {
    const response = await fetch(`${url}/state/${process}`)
    expect(response.headers.get('last-ordinate')).toBe(String((await rig.machine.getHead(process)).slot))
    expect(stateIn(new Uint8Array(await response.arrayBuffer()))).toHaveProperty('count')
  })

  it('give an earlier state, by slot, message, assignment or time', async () => {
    const [record] = await rig.machine.records(process, { after: 1, upTo: 2, limit: 1 })
    const { slot, message: id, assignment, timestampMs } = record!
    for (const to of [slot, id, assignment, timestampMs]) {
      const response = await fetch(`${url}/state/${process}?to=${to}`)
      expect([response.headers.get('last-ordinate'), response.headers.get('last-timestamp')]).toEqual(['2', String(timestampMs)])
      expect(stateIn(new Uint8Array(await response.arrayBuffer()))).toEqual({ count: 3 })
    }
  })
})

it('monitors are set and removed', async () => {
  const { raw } = await message(process, [])
  expect(await post(`/monitor/${process}`, raw)).toMatchObject({ status: 200, body: { text: 'Monitoring process' } })
  expect(await ask(`//monitor/${process}`, { method: 'DELETE', body: raw })).toMatchObject({
    status: 200,
    body: { text: 'Process deleted' },
  })
  expect((await ask(`/monitor/${process}`, { method: 'DELETE', body: raw })).status).toBe(404)
  expect((await post(`/monitor/${process}`, 'junk')).status).toBe(400)
})
