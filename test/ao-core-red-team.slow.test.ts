/** Attacks on a whole node by strangers, each of which once went through. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../src/base/bytes.ts'
import { keyFromJwk } from '../src/codec/keys.ts'
import { commit } from '../src/codec/message/commit.ts'
import { encodeHttpMessage } from '../src/codec/message/http-message.ts'
import { messageSigner } from '../src/codec/message/signers.ts'
import { encodeTxJson } from '../src/codec/message/tx.ts'
import { message } from '../src/codec/message/value.ts'
import { textTag } from '../src/codec/tags.ts'
import { signTransaction } from '../src/codec/transaction.ts'
import { startTestNode, type TestNode } from '../src/testkit/node.ts'
import { exchangeStrictly, rawRequest, type StrictAnswer } from './strict-http.ts'

/** Of this program's dev network: the wallet of its nodes, and so their operator. */
const OPERATOR = JSON.parse(readFileSync(new URL('../dev/wallets/dave.json', import.meta.url), 'utf8')) as unknown
const AS_JSON = { accept: 'application/json' }
const WHOLE = { ...AS_JSON, 'accept-bundle': 'true' }

let node: TestNode
beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
})
afterAll(() => node.stop())

type Headers = Readonly<Record<string, string>>

function send(method: string, target: string, headers: Headers = {}, body: string | Uint8Array = ''): Promise<StrictAnswer> {
  return exchangeStrictly(Number(new URL(node.url).port), rawRequest(method, target, Object.entries(headers), Buffer.from(body as string)))
}

const postJson = (target: string, value: unknown, headers: Headers = AS_JSON): Promise<StrictAnswer> =>
  send('POST', target, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))

const json = ({ body }: StrictAnswer): Record<string, unknown> => JSON.parse(body.toString()) as Record<string, unknown>

async function option(name: string): Promise<string> {
  return (await send('GET', `/~meta@1.0/info/${name}`)).body.toString()
}

/** Kept by the node, as everything is that a reply links to. */
async function kept(message: unknown): Promise<string> {
  return String(json(await postJson('/~json@1.0/deserialize', { body: JSON.stringify({ child: message }) }))['child+link'])
}

describe('what the node signs because somebody asked for it', () => {
  const WISHES = 'evil=yes&operator=unclaimed&method=POST'

  it('is no request of its operator', async () => {
    const before = await option('operator')
    const oracles: readonly (() => Promise<StrictAnswer>)[] = [
      () => send('GET', `/~message@1.0&${WISHES}/commit`, WHOLE),
      () => send('GET', `/~message@1.0&${WISHES}/set&${WISHES}`, WHOLE),
      () => send('GET', `/~message@1.0&${WISHES}/commit&type=rsa-pss-sha512`, WHOLE),
      () => send('GET', `/~message@1.0&${WISHES}/commit&commitment-device=ans104@1.0/~json@1.0/serialize`, {}),
    ]
    for (const [at, ask] of oracles.entries()) {
      const signed = await ask()
      expect([at, signed.status]).toEqual([at, 200])
      const { status, ...rest } = json(signed)
      for (const form of [rest, { status, ...rest }])
        expect([
          at,
          (await send('POST', '/~meta@1.0/info', { 'content-type': 'application/json', ...AS_JSON }, JSON.stringify(form))).status,
        ]).not.toEqual([at, 200])
    }
    expect([await option('operator'), await option('evil')]).toEqual([before, 'not_found'])
  })

  it('nor in the headers of a reply', async () => {
    for (const dialect of [{}, { 'body-keys': '"x"' }, { 'ao-ids': 'x="y"' }]) {
      const { headers, body } = await send('GET', `/~message@1.0&${WISHES}/set&${WISHES}`, dialect)
      const own = [...headers].filter(
        ([name]) => !/^(content-length|connection|transfer-encoding|access-control-.*|x-request-id)$/.test(name),
      )
      const answer = await send('POST', '/~meta@1.0/info', Object.fromEntries(own), body)
      expect([answer.status, await option('evil')]).toEqual([expect.toSatisfy((status: number) => status >= 400), 'not_found'])
    }
  })

  it('nor in a data item', async () => {
    for (const target of [
      `/~message@1.0&${WISHES}/set&${WISHES}?require-codec=ans104@1.0`,
      `/~message@1.0&${WISHES}/~ans104@1.0&${WISHES}/commit?require-codec=ans104@1.0`,
    ]) {
      const item = await send('GET', target)
      expect(item.headers.get('content-type')).toBe('application/ans104')
      const answer = await send('POST', '/~meta@1.0/info', { 'content-type': 'application/ans104', ...AS_JSON }, item.body)
      expect([answer.status, await option('evil')]).toEqual([expect.toSatisfy((status: number) => status >= 400), 'not_found'])
    }
  })

  it('nor in a transaction, as those in which its wallet bundles what others uploaded', async () => {
    const tags = { evil: 'yes', method: 'POST' }
    const fields = { data: utf8('x'), tags: Object.entries(tags).map(([name, text]) => textTag(name, text)), rewardWinston: 1n }
    const tx = encodeTxJson(await signTransaction(fields, keyFromJwk(OPERATOR)))
    const answer = await send('POST', '/~meta@1.0/info', { 'content-type': 'application/tx', ...AS_JSON }, tx)
    expect([answer.status, await option('evil')]).toEqual([400, 'not_found'])
  })

  it('writes nothing to its cache', async () => {
    const signed = await send('GET', '/~message@1.0&body=x&method=POST/commit', WHOLE)
    expect((await postJson('/~cache@1.0/write', json(signed))).status).toBe(403)
    const item = await send('GET', '/~message@1.0&body=x&method=POST/commit?require-codec=ans104@1.0')
    expect((await send('POST', '/~cache@1.0/write', { 'content-type': 'application/ans104', ...AS_JSON }, item.body)).status).toBe(403)
  })

  it('never is a transaction, which would spend what its wallet has', async () => {
    const asked = await send(
      'GET',
      `/~message@1.0&target=${'A'.repeat(43)}&quantity=1000000&reward=5000/~tx@1.0/commit/~tx@1.0/serialize/body`,
      AS_JSON,
    )
    expect(asked.status).toBe(403)
    const address = (await send('GET', '/~meta@1.0/info/address')).body.toString()
    const item = await send('GET', '/~message@1.0&action=Transfer&data-protocol=ao/set&x=1?require-codec=ans104@1.0')
    const committers = await send('POST', '/~message@1.0/committers', { 'content-type': 'application/ans104' }, item.body)
    expect(committers.body.toString()).not.toContain(address)
  })
})

describe('a request of the operator', () => {
  it('that is for another node counts at no other, if it says so', async () => {
    const own = (await send('GET', '/~meta@1.0/info/address')).body.toString()
    for (const [address, wanted] of [
      ['A'.repeat(43), 400],
      [own, 200],
    ] as const) {
      const { headers } = encodeHttpMessage(await commit(message({ address, 'only-here': 'x' }), messageSigner(OPERATOR)))
      const lines = Object.fromEntries([...headers].map(([name, value]) => [name, String(value)]))
      const answer = await send('POST', '/~meta@1.0/info', { ...lines, ...AS_JSON })
      expect([address, answer.status, await option('only-here')]).toEqual([address, wanted, wanted === 200 ? 'x' : 'not_found'])
    }
  })
})

describe('little that is asked for and much that it costs', () => {
  it('a query of question marks', async () => {
    const { ms } = await send('GET', `/x?${'?'.repeat(60_000)}`)
    expect(ms).toBeLessThan(500)
  })

  it('parameters without values in the header of a part', async () => {
    const body = `--b\r\ncontent-disposition: form-data; name="a"${';a'.repeat(500_000)}\r\n\r\nx\r\n--b--`
    const { ms } = await send('POST', '/~message@1.0/a', { 'content-type': 'multipart/form-data; boundary=b' }, body)
    expect(ms).toBeLessThan(1_000)
  })

  it('a path of very many steps or keys in a body', async () => {
    for (const path of [`/~a@1.0${'/a'.repeat(400_000)}`, `/~a@1.0/x?${Array.from({ length: 100_000 }, (_, i) => `k${i}`).join('&')}`]) {
      const { status, ms } = await postJson('/~message@1.0/set', { path })
      expect([status, ms]).toEqual([413, expect.toSatisfy((value: number) => value < 2_000)])
    }
  })

  it('signed messages around signed messages around much', async () => {
    let nested: unknown = { much: 'x'.repeat(10_000_000) }
    for (let i = 1; i <= 60; i++) {
      const id = Buffer.alloc(32, i).toString('base64url')
      const commitment = { type: 'hmac-sha256', keyid: 'constant:ao', committed: ['c'], signature: id, bundle: 'true' }
      nested = { c: nested, commitments: { [id]: commitment } }
    }
    const { status, ms } = await postJson('/~message@1.0/id', nested)
    expect([status, ms]).toEqual([413, expect.toSatisfy((value: number) => value < 8_000)])
  })

  it('links to the same large value a thousand times', async () => {
    let id = await kept({ leaf: 'x'.repeat(1_000_000) })
    for (let i = 0; i < 10; i++) id = await kept({ 'a+link': id, 'b+link': id })
    for (const headers of [WHOLE, { 'accept-bundle': 'true' }]) {
      const { status, ms } = await send('GET', `/${id}~message@1.0`, headers)
      expect([status, ms]).toEqual([429, expect.toSatisfy((value: number) => value < 2_000)])
    }
  })

  it('to merge two messages that link to the same few messages a million times', async () => {
    const trees = await Promise.all(
      ['x', 'y'].map(async (leaf) => {
        let id = await kept({ leaf })
        for (let i = 0; i < 25; i++) id = await kept({ 'a+link': id, 'b+link': id })
        return id
      }),
    )
    const same = await postJson('/~message@1.0/set', { 'c+link': trees[0] })
    expect([same.status, same.ms]).toEqual([200, expect.toSatisfy((value: number) => value < 2_000)])
    const other = await send('GET', `/~message@1.0&c=(/${trees[0]}~message@1.0)/set&c=(/${trees[1]}~message@1.0)`, AS_JSON)
    expect([other.status, other.ms]).toEqual([429, expect.toSatisfy((value: number) => value < 10_000)])
  })
})

describe('a message', () => {
  it('gives no orders to browsers in its headers', async () => {
    const keys = 'clear-site-data=x&refresh=0&strict-transport-security=x&service-worker-allowed=x&alt-svc=x'
    for (const headers of [{}, AS_JSON]) {
      const answer = await send('GET', `/~message@1.0&${keys}/set`, headers)
      expect(answer.status).toBe(200)
      for (const key of keys.split('&')) expect(answer.headers.has(key.split('=')[0]!)).toBe(false)
    }
  })

  it('has a header for every key that its signature lists', async () => {
    const { headers } = await send('GET', '/~message@1.0&__proto__=x&constructor=y/set')
    expect(headers.get('signature-input')).toContain('"__proto__"')
    expect([headers.get('__proto__'), headers.get('constructor')]).toEqual(['x', 'y'])
  })

  it('is HTTP in every dialect, whatever its keys are', async () => {
    for (const dialect of [{}, { 'body-keys': '"x"' }, { 'ao-ids': 'x="y"' }])
      for (const key of ['%c3%a9', '%01', 'a%0ab', '%22', ':', '%ff'])
        expect([key, (await send('GET', `/~message@1.0&${key}=a%0Ab/set`, dialect)).status]).toEqual([key, key === '%ff' ? 400 : 200])
  })
})
