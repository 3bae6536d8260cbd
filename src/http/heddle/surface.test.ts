import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idOf, openRig, type Rig, stateIn } from '../../../test/machine-rig.ts'
import { fromBase64url, toText, utf8 } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { PAGE_BYTES_MAX } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { decodeDataItem, verifyDataItem } from '../../codec/data-item.ts'
import type { FileContext } from '../../guests/host-bridge.ts'
import type { Outcome } from '../../services/machine/drive-log.ts'
import { forkTags } from '../../services/machine/fork.ts'
import { createServer } from '../server.ts'
import { heddleSurface } from './surface.ts'

const FILE = 'hello weave'

let rig: Rig
let process: TxId
let url: string
let reserved: string
const servers: ReturnType<typeof createServer>[] = []

beforeAll(async () => {
  rig = await openRig()
  process = await rig.spawn()
  for (const action of ['Inc', 'Inc', 'Fail', 'Inc']) await rig.send(process, action)
  await rig.settled()
  url = await serve(true)
  reserved = await serve(false)
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await rig.stop()
})

async function serve(isDevelopment: boolean): Promise<string> {
  const { machine, archive } = rig
  const told = {
    find: async (self: string, { slot }: FileContext, path: string) => (self === process && slot === 1 ? (TOLD[path] ?? null) : null),
  }
  const drive = {
    open: async () => ({ sizeBytes: FILE.length, read: async (start: number, end: number) => utf8(FILE.slice(start, end)) }),
  }
  const server = createServer({ surfaces: [heddleSurface({ machine, archive, told, drive, isDevelopment })], log: silentLog })
  servers.push(server)
  return `http://127.0.0.1:${await server.listen(0, '127.0.0.1')}`
}

const TOLD: Readonly<Record<string, Outcome>> = {
  '/data/x': { kind: 'found', sizeBytes: FILE.length },
  '/data/y': { kind: 'missing' },
  '/data/z': { kind: 'fault', text: 'no' },
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(url + path)
  expect(response.status, path).toBe(200)
  return (await response.json()) as T
}

async function statusOf(path: string, init: RequestInit = {}, base = url): Promise<number> {
  return (await fetch(base + path, init)).status
}

describe('processes', () => {
  it('are listed page by page', async () => {
    const others = await Promise.all([rig.spawn(), rig.spawn()])
    const all: string[] = []
    for (let after = ''; ; ) {
      const page = await get<{ processes: string[]; next: string | null }>(`/heddle/processes?limit=1${after}`)
      all.push(...page.processes)
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    expect([...all].sort()).toEqual([process, ...others].sort())
  })

  it('show what never changes about them, and how far they are', async () => {
    const shown = await get(`/heddle/processes/${process}`)
    expect(shown).toMatchObject({ process, module: rig.module, slot: 4, evaluated: 4, fork: null, env: { Process: { Id: process } } })
    const forked = await rig.spawn({ tags: forkTags({ of: process, at: 1 }) })
    expect(await get(`/heddle/processes/${forked}`)).toMatchObject({ fork: { of: process, at: 1 }, env: { Process: { Id: process } } })
  })
})

interface Log {
  readonly entries: { slot: number; assignment: string; messageId: string; message: string }[]
  readonly next: number | null
}

describe('the log', () => {
  it('has every slot as it was signed', async () => {
    const pages = [
      await get<Log>(`/heddle/processes/${process}/log?limit=3`),
      await get<Log>(`/heddle/processes/${process}/log?from=3&limit=3`),
    ]
    expect(pages.map(({ next }) => next)).toEqual([3, null])
    const entries = pages.flatMap((page) => page.entries)
    expect(entries.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4])
    for (const { assignment, messageId, message } of entries) {
      const items = [assignment, message].map((raw) => decodeDataItem(fromBase64url(raw)))
      expect(await Promise.all(items.map(verifyDataItem))).toEqual([true, true])
      expect(items[1]!.id).toBe(messageId)
    }
    expect(await get(`/heddle/processes/${process}/log?from=5`)).toEqual({ entries: [], next: null })
  })

  it('ends a page of large messages sooner', async () => {
    const large = await rig.spawn()
    const size = Math.ceil(PAGE_BYTES_MAX / 4)
    for (let i = 0; i < 5; i++) await rig.send(large, 'Inc', { data: new Uint8Array(size) })
    await rig.settled()
    const { entries, next } = await get<Log>(`/heddle/processes/${large}/log`)
    expect([entries.length, next]).toEqual([4, 4])
  })
})

it('results are there in full, failed ones too', async () => {
  const page = await get<{ results: { slot: number; error?: string; kept: boolean }[]; next: number | null }>(
    `/heddle/processes/${process}/results?from=2&limit=2`,
  )
  expect(page.next).toBe(4)
  expect(page.results).toMatchObject([
    { slot: 2, kept: true, output: '3', gasUsed: 5 },
    { slot: 3, kept: false, error: 'failed on purpose' },
  ])
})

it('snapshots are taken, listed and read', async () => {
  const path = `/heddle/processes/${process}/snapshots`
  const made = (await (await fetch(url + path, { method: 'POST' })).json()) as { slot: number; sha256: string; stateHash: string }
  expect(made.slot).toBe(4)
  expect(await get(path)).toEqual({ snapshots: [made] })
  const bytes = new Uint8Array(await (await fetch(`${url}${path}/4`)).arrayBuffer())
  expect(Buffer.from(sha256(bytes)).toString('base64url')).toBe(made.sha256)
  expect(stateIn(bytes)).toEqual({ count: 4 })
})

it('items are there as they were signed', async () => {
  const raw = new Uint8Array(await (await fetch(`${url}/heddle/items/${process}`)).arrayBuffer())
  expect(decodeDataItem(raw).id).toBe(process)
})

describe('files', () => {
  const path = (rest: string): string => `/heddle/processes/${process}/files?${rest}`

  it('are as the program was told', async () => {
    expect(await get(path('slot=1&path=/data/x'))).toEqual({ kind: 'found', sizeBytes: FILE.length })
    expect(await get(path('slot=1&path=/data/y'))).toEqual({ kind: 'missing' })
    expect(await get(path('slot=1&path=/data/z'))).toEqual({ kind: 'fault', text: 'no' })
    const bytes = await (await fetch(url + path('slot=1&path=/data/x&start=6&end=11'))).arrayBuffer()
    expect(toText(new Uint8Array(bytes))).toBe('weave')
  })

  it('that nobody asked for are not looked up', async () => {
    for (const rest of ['slot=2&path=/data/x', 'slot=1&path=/data/w', 'slot=9&path=/data/x', 'path=/data/x'])
      expect(await statusOf(path(rest))).toBe(404)
    for (const rest of ['slot=-1&path=/data/x', 'slot=1&path=/data/x&start=1&end=99', 'slot=1&path=/data/x&start=3&end=2'])
      expect(await statusOf(path(rest)), rest).toBe(400)
  })
})

describe('what makes no sense', () => {
  it('is refused', async () => {
    const nobody = idOf(5)
    for (const rest of ['', '/log', '/results', '/snapshots', '/files?slot=0'])
      expect([rest, await statusOf(`/heddle/processes/${nobody}${rest}`)]).toEqual([rest, 404])
    for (const rest of ['/log?from=-1', '/results?from=-1', '/log?from=x', '/log?limit=0'])
      expect([rest, await statusOf(`/heddle/processes/${process}${rest}`)]).toEqual([rest, 400])
    expect(await statusOf(`/heddle/processes/${process}/snapshots/3`)).toBe(404)
    expect(await statusOf(`/heddle/processes/${process}/snapshots/x`)).toBe(404)
    expect(await statusOf('/heddle/processes/x')).toBe(400)
    expect(await statusOf('/heddle/processes?after=x')).toBe(400)
    expect(await statusOf(`/heddle/items/${nobody}`)).toBe(404)
    expect(await statusOf('/heddle/none')).toBe(404)
  })
})

describe('revert', () => {
  const post = (base: string, body: string): Promise<number> =>
    statusOf(`/heddle/processes/${process}/revert`, { method: 'POST', body }, base)

  it('is for development networks', async () => {
    expect(await post(reserved, '{"to":0}')).toBe(403)
    expect((await rig.machine.getHead(process)).slot).toBe(4)
  })

  it('takes a slot, and nothing else', async () => {
    for (const body of ['', 'null', '{}', '{"to":"1"}', '{"to":-1}', '{"to":1.5}', '{"to":9}'])
      expect([body, await post(url, body)]).toEqual([body, 400])
    expect(await post(url, '{"to":2}')).toBe(200)
    expect((await rig.machine.getHead(process)).slot).toBe(2)
  })
})
