/** The log of a process as the scheduler unit shows it: a few hundred messages sent at once, read back in pages of all sizes, signed and chained. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { itemSigner } from '../../src/codec/data-item.ts'
import { generateKey } from '../../src/codec/keys.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import {
  aoTags,
  askUnit,
  isSigned,
  nextChain,
  nonceOf,
  signedItem,
  tagOf,
  timestampOf,
  type UnitNode,
  type UnitPage,
  walk,
} from './support/units.ts'
import { verifyAllProcesses } from './support/verify.ts'

const MESSAGES = 300
const LIMITS = [1, 7, 64, 100, 301, 1_000]

let node: TestNode
let process: string
/** Read while the messages came in. */
let live: UnitNode[]
let log: readonly UnitNode[]

beforeAll(async () => {
  node = await startTestNode({ unitPorts: true })
  const signer = itemSigner(await generateKey('ed25519'))
  const { heddle } = await node.info()
  const { raw } = await signedItem(signer, aoTags('Process', { Module: heddle.modules.default, Scheduler: heddle.units.scheduler }))
  const { body } = await askUnit<{ id: string }>(node.unitUrls!.su, { method: 'POST', body: raw })
  process = body.id
  const items = await Promise.all(
    Array.from({ length: MESSAGES }, (_, i) =>
      signedItem(signer, aoTags('Message', { Action: 'Note', Number: String(i) }), {
        target: process,
        anchor: String(i).padStart(32, '0'),
      }),
    ),
  )
  const reader = follow(MESSAGES + 1)
  const answers = await Promise.all(items.map(({ raw: item }) => askUnit(node.unitUrls!.mu, { method: 'POST', body: item })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  live = await reader
  log = nodesOf(await walk(logUrl(), 'from-nonce', 1_000, '-1'))
})
afterAll(() => node.stop())

function logUrl(): string {
  return `${node.unitUrls!.su}/${process}?process-id=${process}&show-anchor`
}

function nodesOf(pages: readonly UnitPage[]): UnitNode[] {
  return pages.flatMap(({ edges }) => edges.map((edge) => edge.node))
}

/** Like a compute unit that keeps up: asks for what is behind the last timestamp that it saw. */
async function follow(wanted: number): Promise<UnitNode[]> {
  const seen: UnitNode[] = []
  while (seen.length < wanted) {
    const from = seen.length === 0 ? null : String(timestampOf(seen.at(-1)!))
    seen.push(...nodesOf(await walk(logUrl(), 'from', 50, from)))
  }
  return seen
}

describe('the log', () => {
  it('has every message once, slot 0 is the process, timestamps rise', () => {
    expect(log.map(nonceOf)).toEqual(Array.from({ length: MESSAGES + 1 }, (_, slot) => slot))
    expect(log[0]!.message).toMatchObject({ id: process, target: null })
    expect(new Set(log.map(({ message }) => message!.id)).size).toBe(MESSAGES + 1)
    for (const [i, entry] of log.entries()) if (i > 0) expect(timestampOf(entry), `slot ${i}`).toBeGreaterThan(timestampOf(log[i - 1]!))
  })

  it('shows the same to one who reads while it grows', () => {
    expect(live).toEqual(log)
  })

  it.each(LIMITS)('comes in pages of %d by slot and by time, without gap or repeat', async (limit) => {
    for (const [name, first] of [
      ['from-nonce', '-1'],
      ['from', null],
      ['from', '0'],
    ] as const) {
      const pages = await walk(logUrl(), name, limit, first)
      expect(nodesOf(pages), `${name} ${first}`).toEqual(log)
      expect(
        pages.map(({ edges }) => edges.length),
        'only the last page is short',
      ).toEqual(Array.from({ length: Math.ceil(log.length / limit) }, (_, i) => Math.min(limit, log.length - i * limit)))
      const cursorOf = name === 'from' ? timestampOf : nonceOf
      for (const edge of pages.flatMap(({ edges }) => edges)) expect(edge.cursor).toBe(String(cursorOf(edge.node)))
    }
  })

  it('ends where `to` says, which is inclusive', async () => {
    const range = async (query: string): Promise<number[]> => nodesOf([(await askUnit<UnitPage>(`${logUrl()}&${query}`)).body]).map(nonceOf)
    const at = (slot: number): number => timestampOf(log[slot]!)
    expect(await range('from-nonce=10&to-nonce=13')).toEqual([11, 12, 13])
    expect(await range('to-nonce=2')).toEqual([0, 1, 2])
    expect(await range(`from=${at(10)}&to=${at(13)}`)).toEqual([11, 12, 13])
    expect(await range(`to=${at(2)}`)).toEqual([0, 1, 2])
    expect(await range(`from=${at(10)}&to=${at(10)}`)).toEqual([])
    expect(await range('from-nonce=300&to-nonce=5')).toEqual([])
    const exact = await askUnit<UnitPage>(`${logUrl()}&from-nonce=10&to-nonce=13&limit=3`)
    expect(exact.body.page_info).toEqual({ has_next_page: false })
    const cut = await askUnit<UnitPage>(`${logUrl()}&from-nonce=10&to-nonce=13&limit=2`)
    expect(cut.body.page_info).toEqual({ has_next_page: true })
  })

  it('is chained', () => {
    let before: { assignment: string; chain: string } | null = null
    for (const { assignment } of log) {
      const chain = tagOf(assignment.tags, 'Hash-Chain')!
      expect(chain, assignment.id).toBe(nextChain(process, before))
      before = { assignment: assignment.id, chain }
    }
  })

  it('is signed: every assignment by the scheduler, and the messages by their owners', async () => {
    const { heddle } = await node.info()
    for (const { assignment } of log) {
      expect(assignment.owner.address).toBe(heddle.units.scheduler)
      expect(await isSigned(assignment, 'base64url'), assignment.id).toBe(true)
    }
    for (const { message } of log.slice(1)) expect(await isSigned(message!, 'utf8'), message!.id).toBe(true)
    const { signature } = log[5]!.assignment
    const forged = { ...log[4]!.assignment, signature }
    expect(await isSigned(forged, 'base64url'), 'the check can fail').toBe(false)
  })

  it('carries the tags of assignments in their order', () => {
    const names = ['Process', 'Epoch', 'Nonce', 'Hash-Chain', 'Block-Height', 'Timestamp', 'Data-Protocol', 'Type', 'Variant']
    expect(log[0]!.assignment.tags.map(({ name }) => name)).toEqual(names)
    expect(log[1]!.assignment.tags.map(({ name }) => name)).toEqual([...names, 'Message'])
    const { tags, target } = log[7]!.assignment
    expect([tagOf(tags, 'Process'), tagOf(tags, 'Epoch'), tagOf(tags, 'Type'), tagOf(tags, 'Variant'), target]).toEqual([
      process,
      '0',
      'Assignment',
      'ao.TN.1',
      '',
    ])
    expect(tagOf(tags, 'Block-Height')).toMatch(/^[0-9]{12}$/)
    expect(tagOf(tags, 'Message')).toBe(log[7]!.message!.id)
  })

  it('gives each slot by the id of its message or assignment, and the last one', async () => {
    for (const slot of [0, 1, 150, MESSAGES]) {
      const { message, assignment } = log[slot]!
      const one = async (id: string) => (await askUnit(`${node.unitUrls!.su}/${id}?process-id=${process}&show-anchor`)).body
      expect(await one(assignment.id), `slot ${slot}`).toEqual(log[slot])
      if (slot > 0) expect(await one(message!.id), `slot ${slot}`).toEqual(log[slot])
    }
    expect((await askUnit(`${node.unitUrls!.su}/${process}/latest?show-anchor`)).body).toEqual(log.at(-1))
  })

  it('has a result for each slot, computed in order', async () => {
    const { body } = await askUnit<{ Output: unknown }>(`${node.unitUrls!.cu}/result/${MESSAGES}?process-id=${process}`)
    expect(body).toHaveProperty('Output')
    const numbers: string[] = []
    for (let from = '', more = true; more; ) {
      const { body: page } = await askUnit<{ pageInfo: { hasNextPage: boolean }; edges: { cursor: string }[] }>(
        `${node.unitUrls!.cu}/results/${process}?limit=64${from === '' ? '' : `&from=${encodeURIComponent(from)}`}`,
      )
      numbers.push(...page.edges.map(({ cursor }) => (JSON.parse(atob(cursor)) as { ordinate: string }).ordinate))
      from = page.edges.at(-1)?.cursor ?? ''
      more = page.pageInfo.hasNextPage
    }
    expect(numbers).toEqual(log.map((entry) => String(nonceOf(entry))))
  })
})

it('the chain is that of scheduler units elsewhere', () => {
  const process0 = 'SIpVtToEeJZft1gusAAk81Jr_2mZ7kexM-MSdmZ4Qj4'
  const first = nextChain(process0, null)
  const second = nextChain(process0, { assignment: 'LhiYMjhQBh6oGx96EBQ0oX5DwDqx6yzOHjJZwT-GfSc', chain: first })
  const third = nextChain(process0, { assignment: 'TSnUIASyfGnWi6SqE4EARyQ948slD65LFSbf0lFp22k', chain: second })
  expect([first, second, third]).toEqual([
    'nmC8ehh9h6WRyWy_SREjjHHSoUGG-nuGLcEQ3TztPco',
    'l-1o1GCa4w-XLjiK1KKmtNkritTbsxoYgpRz16uUFGA',
    'yOkIz9KkntHv4xJMlPFjkaPDlBhMC4AHTHAfwPXDwzo',
  ])
})

it('the process can be computed again', async () => {
  expect((await verifyAllProcesses(node.url)).slots).toBe(MESSAGES + 1)
})
