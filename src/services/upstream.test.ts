import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { toBase64url, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import type { TxId } from '../base/ids.ts'
import { UPSTREAM_DATA_BYTES_MAX, UPSTREAM_QUEUE_MAX } from '../base/limits.ts'
import { silentLog } from '../base/log.ts'
import { createDataItem, type DataItem, itemSigner, verifyDataItem } from '../codec/data-item.ts'
import { generateKey } from '../codec/keys.ts'
import { toTextTags } from '../codec/tags.ts'
import { signTransaction, type Transaction, transactionToJson } from '../codec/transaction.ts'
import { ALIAS_TAG } from './aliases.ts'
import { Upstream } from './upstream.ts'
import { HOP_HEADER } from './upstream-gateway.ts'

type Reply = string | Uint8Array | ((output: ServerResponse, input: IncomingMessage) => void)

/** What the gateway answers, by path; 404 for all else. */
let replies: Record<string, Reply> = {}
let asked: string[] = []
let hops: unknown[] = []
let gateway: Server
let url: string
let key: Awaited<ReturnType<typeof generateKey>>
let rsa: Awaited<ReturnType<typeof generateKey>>
let stored: { items: DataItem[]; transactions: { tx: Transaction; data: Uint8Array }[] }
let upstream: Upstream

beforeAll(async () => {
  ;[key, rsa] = await Promise.all([generateKey('ed25519'), generateKey('rsa')])
  gateway = createServer((input, output) => {
    input.resume().on('end', () => {
      asked.push(input.url ?? '')
      hops.push(input.headers[HOP_HEADER])
      const reply = replies[input.url ?? '']
      if (reply === undefined) output.writeHead(404).end()
      else if (typeof reply === 'function') reply(output, input)
      else output.writeHead(200).end(reply)
    })
  })
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
})
afterAll(() => {
  gateway.closeAllConnections()
  gateway.close()
})
beforeEach(() => {
  replies = {}
  asked = []
  hops = []
  stored = { items: [], transactions: [] }
  upstream = open()
})

function open(options: { urls?: readonly string[]; msMax?: number } = {}): Upstream {
  return new Upstream({
    urls: options.urls ?? [url],
    log: silentLog,
    ...(options.msMax === undefined ? {} : { msMax: options.msMax }),
    store: {
      verify: verifyDataItem,
      item: async (item) => void stored.items.push(item),
      transaction: async (tx, data) => void stored.transactions.push({ tx, data }),
    },
  })
}

const TAGS = [
  { name: 'Content-Type', value: 'text/plain' },
  { name: 'Grüße', value: 'Übung' },
]

async function makeItem(data = 'some data', rest: { target?: Uint8Array; anchor?: Uint8Array } = {}): Promise<DataItem> {
  return createDataItem({ data, tags: TAGS, ...rest }, itemSigner(key))
}

/** As a gateway's GraphQL shows it, with changes. */
function nodeOf(item: DataItem, changes: Record<string, unknown> = {}): object {
  return {
    id: item.id,
    anchor: item.anchor === null ? '' : toBase64url(item.anchor),
    signature: toBase64url(item.signature),
    recipient: item.target === null ? '' : toBase64url(item.target),
    owner: { key: toBase64url(item.owner) },
    tags: toTextTags(item.tags),
    data: { size: String(item.data.length) },
    bundledIn: { id: 'b'.repeat(43) },
    ...changes,
  }
}

function show(item: DataItem, changes: Record<string, unknown> = {}, data: Uint8Array = item.data): void {
  replies['/graphql'] = JSON.stringify({ data: { transaction: nodeOf(item, changes) } })
  replies[`/raw/${item.id}`] = data
}

async function failureOf(work: Promise<unknown>): Promise<HeddleError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof HeddleError) return error
  throw new Error(`expected a failure, got ${error}`)
}

describe('a data item', () => {
  it('is put together as it was signed', async () => {
    const item = await makeItem('with everything', { target: new Uint8Array(32).fill(7), anchor: new Uint8Array(32).fill(200) })
    show(item)
    expect(await upstream.bring(item.id)).toBe(true)
    expect(stored.items.map(({ raw }) => toBase64url(raw))).toEqual([toBase64url(item.raw)])
    expect(hops.every((hop) => hop === '1')).toBe(true)
  })

  it('may have an anchor that is text, and no data to speak of', async () => {
    const item = await makeItem('', { anchor: utf8('00000000000000000000000000000001') })
    show(item, { anchor: '00000000000000000000000000000001' })
    expect(await upstream.bring(item.id)).toBe(true)
    expect(stored.items[0]!.raw).toEqual(item.raw)
    expect(asked).not.toContain(`/raw/${item.id}`)
  })

  it('that is not bundled is looked for among the transactions first', async () => {
    const item = await makeItem()
    show(item, { bundledIn: null })
    expect(await upstream.bring(item.id)).toBe(true)
    expect(asked).toEqual(['/graphql', `/tx/${item.id}`, `/raw/${item.id}`])
  })

  it.each<[string, (item: DataItem) => void]>([
    ['data', (item) => show(item, {}, utf8('other dat'))],
    ['data cut short', (item) => show(item, {}, item.data.subarray(1))],
    ['tags', (item) => show(item, { tags: [{ name: 'Content-Type', value: 'text/html' }] })],
    ['order of tags', (item) => show(item, { tags: toTextTags(item.tags).reverse() })],
    ['target', (item) => show(item, { recipient: 'A'.repeat(43) })],
    ['owner', (item) => show(item, { owner: { key: 'A'.repeat(43) } })],
    ['signature', (item) => show(item, { signature: 'A'.repeat(86) })],
    ['signature that is no base64url', (item) => show(item, { signature: '<not-found>' })],
    ['anchor', (item) => show(item, { anchor: 'A'.repeat(43) })],
  ])('with another %s is refused, and nothing of it kept', async (_what, change) => {
    const item = await makeItem()
    change(item)
    const failure = await failureOf(upstream.bring(item.id))
    expect([failure.code, failure.message]).toEqual(['peer-failed', expect.stringContaining(url)])
    expect(stored.items).toEqual([])
    show(item) // The gateway is honest again.
    expect(await upstream.bring(item.id)).toBe(true)
  })

  it.each([{ signature: null }, { signature: '' }, { owner: null }, { owner: { key: '' } }])(
    'that nobody is known to have signed is not fetched: %j',
    async (what) => {
      const item = await makeItem()
      show(item, what)
      expect((await failureOf(upstream.bring(item.id))).message).toContain('cannot be verified')
      expect(asked).toEqual(['/graphql'])
    },
  )

  it('of another id is refused', async () => {
    const [wanted, other] = await Promise.all([makeItem('wanted'), makeItem('other')])
    show(other)
    replies[`/raw/${wanted.id}`] = other.data
    expect((await failureOf(upstream.bring(wanted.id))).code).toBe('peer-failed')
  })

  it('that only stands for another is not there', async () => {
    const item = await makeItem()
    show(item, { tags: [...toTextTags(item.tags), { name: ALIAS_TAG, value: item.id }] })
    expect(await upstream.bring(item.id)).toBe(false)
  })

  it('that is too large is not fetched', async () => {
    const item = await makeItem()
    show(item, { data: { size: String(UPSTREAM_DATA_BYTES_MAX + 1) } })
    expect((await failureOf(upstream.bring(item.id))).code).toBe('too-large')
    expect(asked).toEqual(['/graphql'])
  })

  it('that turns out larger than it was said to be is not read to its end', async () => {
    const item = await makeItem()
    show(item)
    let written = 0
    replies[`/raw/${item.id}`] = (output) => {
      const more = (): void => {
        written += 1
        if (!output.destroyed) output.write(Buffer.alloc(1024 * 1024), () => setImmediate(more))
      }
      more()
    }
    const failure = await failureOf(upstream.bring(item.id))
    expect(failure.message).toContain('which are not read')
    expect(written).toBeLessThan(200)
  }, 60_000)
})

describe('a transaction', () => {
  const make = (data: string, format: 1 | 2 = 2): Promise<Transaction> =>
    signTransaction({ format, data: utf8(data), tags: [], rewardWinston: 1n }, rsa)

  it.each([1, 2] as const)('of format %i comes with its data', async (format) => {
    const tx = await make('on the weave', format)
    replies[`/tx/${tx.id}`] = JSON.stringify({ ...transactionToJson(tx), data: '' })
    replies[`/raw/${tx.id}`] = utf8('on the weave')
    expect(await upstream.bring(tx.id)).toBe(true)
    expect(stored.transactions.map(({ tx: { id }, data }) => [id, Buffer.from(data).toString()])).toEqual([[tx.id, 'on the weave']])
  })

  it.each<[string, (tx: Transaction) => object, string]>([
    ['field', (tx) => ({ ...transactionToJson(tx), quantity: '5' }), 'on the weave'],
    ['size', (tx) => transactionToJson(tx), 'on the weave!'],
    ['form', () => ({ id: 5 }), 'on the weave'],
  ])('with another %s is refused', async (_what, change, data) => {
    const tx = await make('on the weave')
    replies[`/tx/${tx.id}`] = JSON.stringify(change(tx))
    replies[`/raw/${tx.id}`] = utf8(data)
    expect((await failureOf(upstream.bring(tx.id))).code).toBe('peer-failed')
    expect(stored.transactions).toEqual([])
  })

  it('that waits for a block at the gateway is not there yet', async () => {
    const tx = await make('pending')
    replies[`/tx/${tx.id}`] = (output) => void output.writeHead(202).end('Pending')
    expect(await upstream.bring(tx.id)).toBe(false)
  })
})

describe('asking', () => {
  const id = 'u'.repeat(42).concat('A') as TxId

  it('happens once for many at a time, and not again soon for what nobody has', async () => {
    const item = await makeItem()
    show(item)
    expect(await Promise.all(Array.from({ length: 50 }, () => upstream.bring(item.id)))).toEqual(Array(50).fill(true))
    expect(asked.length).toBe(2)
    asked = []
    replies = {}
    expect([await upstream.bring(id), await upstream.bring(id)]).toEqual([false, false])
    expect(asked.length).toBe(2)
  })

  it('goes to the next gateway when one fails or has nothing', async () => {
    const item = await makeItem()
    show(item)
    const closed = 'http://127.0.0.1:1'
    const both = open({ urls: [closed, url] })
    expect(await both.bring(item.id)).toBe(true)
    replies = {}
    expect((await failureOf(both.bring(id))).message).toContain(closed)
  })

  it('goes to the next gateway when one hangs', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const item = await makeItem()
    show(item)
    const both = open({ urls: [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, url], msMax: 200 })
    expect(await both.bring(item.id)).toBe(true)
    silent.closeAllConnections()
    silent.close()
  })

  it('is not even tried without gateways', async () => {
    expect(await open({ urls: [] }).bring(id)).toBe(false)
  })

  it('ends when the gateway hangs, and leaves it alone for a while', async () => {
    replies['/graphql'] = () => {}
    const slow = open({ msMax: 100 })
    const failure = await failureOf(slow.bring(id))
    expect([failure.code, failure.message]).toEqual(['peer-failed', expect.stringContaining('takes too long')])
    asked = []
    expect((await failureOf(slow.bring('w'.repeat(42).concat('A') as TxId))).code).toBe('peer-failed')
    expect(asked).toEqual([])
  })

  it('ends when the gateway hangs in the middle of an answer', async () => {
    const item = await makeItem()
    show(item)
    replies[`/raw/${item.id}`] = (output) => void output.writeHead(200, { 'content-length': 9 }).write('some')
    expect((await failureOf(open({ msMax: 200 }).bring(item.id))).message).toContain('takes too long')
  })

  it('ends when the node stops', async () => {
    const arrived = new Promise<void>((resolve) => {
      replies['/graphql'] = () => resolve()
    })
    const pending = failureOf(upstream.bring(id))
    await arrived
    await upstream.stop()
    expect((await pending).code).toBe('stopping')
  })

  it('has room for so many', async () => {
    replies['/graphql'] = () => {}
    const ids = Array.from({ length: UPSTREAM_QUEUE_MAX + 1 }, (_, i) => `${i}`.padStart(42, 'q').concat('A') as TxId)
    const failures = ids.map((one) => failureOf(upstream.bring(one)))
    expect((await failures.at(-1)!).code).toBe('limit-reached')
    await upstream.stop()
    expect(new Set((await Promise.all(failures.slice(0, -1))).map(({ code }) => code))).toEqual(new Set(['stopping']))
  })

  it.each([
    ['another origin', 'http://169.254.169.254/latest'],
    ['another port', 'http://127.0.0.1:1/x'],
    ['a file', 'file:///etc/passwd'],
    ['nowhere', ''],
  ])('follows no redirect to %s', async (_where, location) => {
    const item = await makeItem()
    show(item)
    replies[`/raw/${item.id}`] = (output) => void output.writeHead(302, { location }).end()
    expect((await failureOf(upstream.bring(item.id))).message).toContain('not followed')
  })

  it('follows a redirect of the gateway to itself, and no endless one', async () => {
    const item = await makeItem()
    show(item)
    replies[`/raw/${item.id}`] = (output) => void output.writeHead(302, { location: '/elsewhere' }).end()
    replies['/elsewhere'] = item.data
    expect(await upstream.bring(item.id)).toBe(true)
    replies['/elsewhere'] = (output) => void output.writeHead(302, { location: '/elsewhere' }).end()
    expect((await failureOf(upstream.bring(item.id))).message).toContain('not followed')
  })

  it.each([
    ['an error', (output: ServerResponse) => void output.writeHead(500).end('boom')],
    ['no JSON', (output: ServerResponse) => void output.writeHead(200).end('<html>')],
    ['failed queries', (output: ServerResponse) => void output.writeHead(200).end('{"errors":[{"message":"no"}]}')],
    ['a cut', (output: ServerResponse) => void output.destroy()],
  ])('a gateway that answers with %s fails', async (_what, reply) => {
    replies['/graphql'] = reply
    expect((await failureOf(upstream.bring(id))).code).toBe('peer-failed')
  })
})
