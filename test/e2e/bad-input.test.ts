/** Bad input at every door: the status and words that clients expect with the reason in them, nothing changed, and the next good request works. */
import { connect as connectSocket } from 'node:net'
import { bundleAndSignData, type DataItem, type Signer } from '@dha-team/arbundles'
import type Arweave from 'arweave'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestInfo, type TestNode } from '../../src/testkit/node.ts'
import { type Answer, arweaveOf, ask, pattern, postBytes, query, signedItem, upload } from './support/client.ts'
import { SIGNERS, signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

type Tags = readonly (readonly [name: string, value: string])[]

const UNKNOWN = 'A'.repeat(43)
const TAGS_START = 2 + 64 + 32 + 2
const solana = signerOf('solana')
const alice = devWallet('alice')

let node: TestNode
let info: TestInfo
let arweave: Arweave
/** An Ed25519 item without target and anchor, with one tag. */
let item: Buffer

beforeAll(async () => {
  node = await startTestNode({ seal: 'manual', bundleMs: 60_000 })
  info = await node.info()
  arweave = arweaveOf(node.url)
  item = (await signed('a good item', [['Name', 'value']])).getRaw()
  await upload(node.url, await signed('before everything'))
})
afterAll(() => node.stop())

const signed = (data: string, tags: Tags = [], target?: string, signer: Signer = solana): Promise<DataItem> =>
  signedItem(signer, data, { tags: tags.map(([name, value]) => ({ name, value })), ...(target === undefined ? {} : { target }) })

const post = (path: string, body: string | Uint8Array, type = 'application/json'): Promise<Answer> =>
  ask(`${node.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
const postItem = (body: Uint8Array, path = '/tx'): Promise<Answer> => postBytes(`${node.url}${path}`, body)
const get = (path: string): Promise<Answer> => ask(`${node.url}${path}`)

/** A copy with something else in it. */
function changed(change: (raw: Buffer) => unknown, raw: Uint8Array = item): Buffer {
  const copy = Buffer.from(raw)
  change(copy)
  return copy
}

/** A copy with one bit changed in the byte at this place, from the end if negative. */
function flipped(at: number, raw: Uint8Array = item): Buffer {
  return changed((copy) => copy.writeUInt8(copy.at(at)! ^ 1, at < 0 ? copy.length + at : at), raw)
}

async function transaction(fields: Parameters<Arweave['createTransaction']>[0], key = alice) {
  const tx = await arweave.createTransaction(fields, key)
  await arweave.transactions.sign(tx, key)
  return tx
}

/** Everything that a request could change, as the public API shows it. */
async function state(): Promise<unknown> {
  const { transactions } = await query<{ transactions: { count: string } }>(node.url, '{ transactions(first: 0) { count } }')
  return { count: transactions.count, info: await node.info(), pending: (await get('/tx/pending')).body }
}

let good = 0
interface Case {
  readonly name: string
  readonly send: () => Promise<Answer>
  readonly status: number
  readonly says: RegExp
}

/** Each case is refused, changes nothing, and the same door takes something good afterwards. */
function refuses(cases: readonly Case[]): void {
  for (const { name, send, status, says } of cases)
    it(name, async () => {
      const before = await state()
      const answer = await send()
      expect(answer.body).toMatch(says)
      expect(answer.status, answer.body).toBe(status)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      expect(answer.headers.get('x-request-id')).toMatch(/^.{20,}$/)
      expect(await state()).toEqual(before)
      good += 1
      const next = await signed(`good ${good}`)
      await upload(node.url, next)
      expect((await get(`/${next.id}`)).body).toBe(`good ${good}`)
    })
}

describe('POST /tx refuses a data item', () => {
  refuses([
    { name: 'that is empty', send: () => postItem(new Uint8Array(0)), status: 400, says: /^the body is empty; send the bytes/ },
    { name: 'of random bytes', send: () => postItem(pattern(3000)), status: 400, says: /^Data item parsing error! .*signature type/ },
    { name: 'of zeros', send: () => postItem(new Uint8Array(2000)), status: 400, says: /^Data item parsing error! .*signature type 0/ },
    {
      name: 'whose signature is wrong',
      send: () => postItem(flipped(10)),
      status: 400,
      says: /^Invalid Data Item! the signature of data item .{43} does not match/,
    },
    {
      name: 'whose data was changed',
      send: () => postItem(flipped(-1)),
      status: 400,
      says: /^Invalid Data Item! the signature/,
    },
    {
      name: 'whose owner was changed',
      send: () => postItem(flipped(2 + 64)),
      status: 400,
      says: /^Invalid Data Item! the signature/,
    },
    {
      name: 'of a type that nobody knows',
      send: () => postItem(changed((raw) => raw.writeUInt16LE(99, 0))),
      status: 400,
      says: /signature type 99; known are 1 to 7/,
    },
    {
      name: 'with a flag that is neither 0 nor 1',
      send: () => postItem(changed((raw) => raw.writeUInt8(2, 2 + 64 + 32))),
      status: 400,
      says: /target flag 2, expected 0 or 1/,
    },
    {
      name: 'that counts its tags wrong',
      send: () => postItem(changed((raw) => raw.writeUInt32LE(5, TAGS_START))),
      status: 400,
      says: /hold 1 tags, but the header says 5/,
    },
    {
      name: 'with more bytes of tags than allowed',
      send: () => postItem(changed((raw) => raw.writeUInt32LE(4097, TAGS_START + 8))),
      status: 400,
      says: /tags take 4097 bytes, at most 4096/,
    },
    {
      name: 'that ends in its header',
      send: () => postItem(item.subarray(0, TAGS_START + 5)),
      status: 400,
      says: /^Data item parsing error! data item ends inside its header/,
    },
    {
      name: 'sent as something else',
      send: () => post('/v1/tx', '{"format":2}'),
      status: 400,
      says: /^Invalid Content Type application\/json: send the bytes of a signed data item as application\/octet-stream$/,
    },
    {
      name: 'larger than any may be',
      send: () => announce(5 * 1024 ** 3),
      status: 413,
      says: /5368709120 bytes or more, at most 4294967296/,
    },
  ])

  for (const { name, make } of SIGNERS)
    it(`whose ${name} signature was made for another item`, async () => {
      const [one, two] = await Promise.all([signed('one', [], undefined, make()), signed('two', [], undefined, make())])
      const before = await state()
      const forged = changed((raw) => one.rawSignature.copy(raw, 2), two.getRaw())
      expect(await postItem(forged)).toMatchObject({ status: 400, body: expect.stringMatching(/^Invalid Data Item! the signature/) })
      expect(await state()).toEqual(before)
      expect((await postItem(two.getRaw())).status).toBe(200)
    })
})

/** Only the head of a request: its body would be this large. */
function announce(bytes: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(node.url)
    const socket = connectSocket(Number(port), hostname)
    let text = ''
    socket.on('data', (part) => {
      text += part.toString()
      if (text.includes('\r\n\r\n')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n')
      const headers = new Headers(
        head
          .split('\r\n')
          .slice(1)
          .map((line) => line.split(': ') as [string, string]),
      )
      resolve({ status: Number(head.slice(9, 12)), headers, body })
    })
    socket.write(`POST /tx HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`)
  })
}

describe('POST /tx refuses a transaction', () => {
  /** Signed as it should be, then changed. */
  const json = async (changes: object, fields: Parameters<Arweave['createTransaction']>[0] = { data: 'page' }) =>
    post('/tx', JSON.stringify({ ...((await transaction(fields)).toJSON() as unknown as object), ...changes }))
  refuses([
    {
      name: 'with a wrong signature',
      send: () => json({ quantity: '1' }),
      status: 400,
      says: /^Transaction verification failed\..*tx_signature_not_valid/,
    },
    {
      name: 'with a data root that is not of its data',
      send: () => json({ data: 'b3RoZXI' }),
      status: 400,
      says: /^The attached data is split in an unknown way\.$/,
    },
    {
      name: 'with an unknown anchor',
      send: () => json({}, { data: 'x', last_tx: 'A'.repeat(64) }),
      status: 400,
      says: /^Invalid anchor/,
    },
    {
      name: 'that pays too little',
      send: () => json({}, { data: 'x', reward: '1' }),
      status: 400,
      says: /tx_too_cheap: reward 1 is below \d+/,
    },
    {
      name: 'that spends what its wallet lacks',
      send: () => json({}, { target: UNKNOWN, quantity: '9'.repeat(27) }),
      status: 400,
      says: /overspend: wallet .{43} holds \d+ winston but needs/,
    },
    { name: 'that is no JSON', send: () => post('/tx', '{"format":'), status: 400, says: /^Invalid JSON\./ },
    { name: 'that is a list', send: () => post('/tx', '[]'), status: 400, says: /^Invalid JSON\. transaction must be a JSON object/ },
    { name: 'that lacks fields', send: () => post('/tx', '{}'), status: 400, says: /^Invalid JSON\. \w+ must be/ },
    { name: 'that is too large', send: () => post('/tx', `"${'x'.repeat(16 * 1024 * 1024)}"`), status: 413, says: /^Payload too large$/ },
    {
      name: 'with more bytes of tags than allowed',
      send: async () => {
        const tx = await arweave.createTransaction({ data: 'x' }, alice)
        tx.addTag('n', 'v'.repeat(3000))
        await arweave.transactions.sign(tx, alice)
        return post('/tx', JSON.stringify(tx))
      },
      status: 400,
      says: /tx_fields_too_large/,
    },
  ])
})

describe('POST /chunk refuses', () => {
  const chunk = async (changes: object) => {
    const tx = await transaction({ data: pattern(300_000, 21) })
    return post('/chunk', JSON.stringify({ ...tx.getChunk(0, tx.data), ...changes }))
  }
  refuses([
    { name: 'what nobody asked for', send: () => chunk({}), status: 400, says: /"error":"data_root_not_found"/ },
    { name: 'garbage', send: () => post('/chunk', '{"chunk":'), status: 400, says: /"error":"invalid_json"/ },
    {
      name: 'an offset outside the data',
      send: () => chunk({ offset: '300001' }),
      status: 400,
      says: /"error":"\w+"/,
    },
    { name: 'a body that is too large', send: () => post('/chunk', `"${'x'.repeat(800_000)}"`), status: 413, says: /^Payload too large$/ },
  ])

  it('a chunk with a bad proof, and takes the right one then', async () => {
    const tx = await transaction({ data: pattern(300_000, 22) })
    expect((await post('/tx', JSON.stringify({ ...(tx.toJSON() as unknown as object), data: '' }))).status).toBe(200)
    const right = tx.getChunk(0, tx.data)
    const path = flipped(40, Buffer.from(right.data_path, 'base64url'))
    const answer = await post('/chunk', JSON.stringify({ ...right, data_path: path.toString('base64url') }))
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('"error":"invalid_proof"') })
    expect((await post('/chunk', JSON.stringify(right))).status).toBe(200)
  })
})

describe('ids that are malformed or unknown', () => {
  const twin = `${'A'.repeat(42)}B`
  const paths: readonly (readonly [path: string, status: number, says: RegExp])[] = [
    ['/tx/short', 400, /^Invalid hash\.$/],
    [`/tx/${UNKNOWN}`, 404, /^Not Found\.$/],
    ['/tx/short/status', 400, /^Invalid address\.$/],
    [`/tx/${UNKNOWN}/status`, 404, /^Not Found\.$/],
    ['/v1/tx/short/status', 400, /^"short" is not an id; expected 43 base64url characters$/],
    [`/v1/tx/${UNKNOWN}/status`, 404, /^TX doesn't exist$/],
    [`/${UNKNOWN}`, 404, /^Not found$/],
    [`/${twin}`, 400, /^Invalid ID: A{42}B$/],
    [`/raw/${twin}`, 400, /^Invalid ID: A{42}B$/],
    ['/wallet/nobody/balance', 400, /^Invalid address\.$/],
    ['/block/height/x', 400, /^Invalid height\.$/],
    ['/price/x', 400, /size_must_be_an_integer/],
    ['/nothing/here', 400, /^Request type not found\.$/],
    ['/%zz', 400, /not valid percent-encoding/],
    [`/result/${UNKNOWN}`, 404, /"error":"message A{43} has no slot/],
    [`/result/${UNKNOWN}?process-id=${UNKNOWN}`, 404, /"error":"process A{43} was never spawned/],
    ['/results/short', 400, /"error":"process is \\"short\\", which is no id/],
    [`/state/${UNKNOWN}`, 404, /"error":"process A{43} was never spawned/],
  ]
  refuses(paths.map(([path, status, says]) => ({ name: path.replaceAll(UNKNOWN, '<unknown>'), send: () => get(path), status, says })))
})

describe('the AO door refuses', () => {
  const message = (tags: Tags, target?: string) => signed('return 1', [['Data-Protocol', 'ao'], ['Variant', 'ao.TN.1'], ...tags], target)
  const ao = async (tags: Tags, target?: string) => postItem((await message(tags, target)).getRaw(), '/')
  const scheduler = (): readonly [string, string] => ['Scheduler', info.heddle.units.scheduler]
  refuses([
    {
      name: 'garbage',
      send: () => postItem(pattern(10), '/'),
      status: 400,
      says: /"error":"'body': A valid and signed data item must be provided/,
    },
    { name: 'what is not for AO', send: () => postItem(item, '/'), status: 400, says: /Tag 'Data-Protocol': must contain 'ao'/ },
    {
      name: 'a message to an unknown process',
      send: () => ao([['Type', 'Message']], UNKNOWN),
      status: 404,
      says: /process A{43} was never spawned/,
    },
    { name: 'a message to nobody', send: () => ao([['Type', 'Message']]), status: 400, says: /has no target/ },
    {
      name: 'a process of an unknown module',
      send: () => ao([['Type', 'Process'], ['Module', UNKNOWN], scheduler()]),
      status: 404,
      says: /module A{43} is not on this node/,
    },
    {
      name: 'a forged message',
      send: async () => postItem(flipped(-1, (await message([['Type', 'Message']], UNKNOWN)).getRaw()), '/'),
      status: 400,
      says: /"error":"'body': A valid and signed data item must be provided as the body. the signature of data item/,
    },
    {
      name: 'a dry run of garbage',
      send: () => post(`/dry-run?process-id=${UNKNOWN}`, '{'),
      status: 400,
      says: /"error":"the body is not JSON"/,
    },
    {
      name: 'a dry run of an unknown process',
      send: () => post(`/dry-run?process-id=${UNKNOWN}`, JSON.stringify({ Owner: UNKNOWN, Tags: [], Data: '' })),
      status: 404,
      says: /process A{43} was never spawned/,
    },
  ])
})

describe('GraphQL refuses', () => {
  const gql = (text: string, variables: object = {}) => post('/graphql', JSON.stringify({ query: text, variables }))
  const many = (count: number) => Array.from({ length: count }, (_, i) => `t${i}: transactions { edges { node { id } } }`).join(' ')
  refuses([
    { name: 'what is no JSON', send: () => post('/graphql', '{"query'), status: 400, says: /the body is not JSON.*"BAD_REQUEST"/ },
    { name: 'a body without a query', send: () => post('/graphql', '{}'), status: 400, says: /the request has no query.*"BAD_REQUEST"/ },
    { name: 'a syntax error', send: () => gql('{ transactions( { id } }'), status: 400, says: /Syntax Error.*"GRAPHQL_PARSE_FAILED"/ },
    { name: 'an unknown field', send: () => gql('{ nothing }'), status: 400, says: /Cannot query field.*"GRAPHQL_VALIDATION_FAILED"/ },
    {
      name: 'a bad variable',
      send: () => gql('query ($first: Int) { transactions(first: $first) { count } }', { first: 'many' }),
      status: 400,
      says: /\$first.*"BAD_USER_INPUT"/,
    },
    {
      name: 'a cursor of its own making',
      send: () => gql('{ transactions(after: "nonsense") { edges { cursor } } }'),
      status: 400,
      says: /Invalid transaction cursor.*"BAD_USER_INPUT"/,
    },
    {
      name: 'a page of less than nothing',
      send: () => gql('{ transactions(first: -1) { edges { cursor } } }'),
      status: 400,
      says: /\\"first\\" is -1/,
    },
    { name: 'a hundred queries in one', send: () => gql(`{ ${many(100)} }`), status: 400, says: /100 root fields, at most 50/ },
    {
      name: 'a list of thousands of ids',
      send: () => gql('query ($ids: [ID!]) { transactions(ids: $ids) { count } }', { ids: Array(2000).fill(UNKNOWN) }),
      status: 400,
      says: /lists 2000 entries, at most 1000/,
    },
    {
      name: 'a query nested without end',
      send: () => gql(`{ ${'a { '.repeat(5000)}b${' }'.repeat(5000)} }`),
      status: 400,
      says: /"GRAPHQL_/,
    },
    {
      name: 'a body of megabytes',
      send: () => gql(`{ transactions(ids: "${'x'.repeat(2_000_000)}") { count } }`),
      status: 413,
      says: /at most 1048576 are accepted/,
    },
  ])
})

describe('bundles', () => {
  it('with one bad item cost that item only', async () => {
    const items = await Promise.all(['a', 'b', 'c'].map((text) => signed(`in a bundle ${text}`)))
    const raw = Buffer.from((await bundleAndSignData(items, solana)).getRaw())
    raw[32 + 64 * 3 + items[0]!.getRaw().length + 5]! ^= 1
    const tx = await arweave.createTransaction({ data: raw }, alice)
    tx.addTag('Bundle-Format', 'binary')
    tx.addTag('Bundle-Version', '2.0.0')
    await arweave.transactions.sign(tx, alice)
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    expect(await Promise.all(items.map(async ({ id }) => (await get(`/${id}`)).status))).toEqual([200, 404, 200])
  })
})
