/** What the node keeps, read through AO-Core: messages of the AO doors, data items, cache writes, and its own options, as another node or a client asks for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../../src/base/bytes.ts'
import { createDataItemSync, type ItemSigner, itemSigner } from '../../src/codec/data-item.ts'
import { keyFromJwk } from '../../src/codec/keys.ts'
import { encodeAns104 } from '../../src/codec/message/ans104.ts'
import { fetchMessage } from '../../src/codec/message/client.ts'
import { commit } from '../../src/codec/message/commit.ts'
import { committersOf, messageId, unsignedId } from '../../src/codec/message/id.ts'
import { messageSigner } from '../../src/codec/message/signers.ts'
import { type Message, message, type Plain } from '../../src/codec/message/value.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { hbsig } from './support/ao-core-hbsig.ts'
import { devWallet } from './wallets.ts'

const operator = itemSigner(keyFromJwk(devWallet('dave')))
const alice = itemSigner(keyFromJwk(devWallet('alice')))
const aliceAddress = keyFromJwk(devWallet('alice')).address

let node: TestNode
beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.stop())

const text = async (path: string, init?: RequestInit): Promise<string> => (await fetch(`${node.url}${path}`, init)).text()
const status = async (path: string, init?: RequestInit): Promise<number> => (await fetch(`${node.url}${path}`, init)).status

async function post(path: string, keys: { readonly [key: string]: Plain }, signer: ItemSigner): Promise<Response> {
  const body = await encodeAns104(message(keys), signer)
  return fetch(`${node.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0' },
    body,
  })
}

async function upload(tags: Record<string, string>, data: string, target?: string): Promise<string> {
  const fields = { data: utf8(data), tags: Object.entries(tags).map(([name, value]) => ({ name, value })) }
  const item = createDataItemSync(target === undefined ? fields : { ...fields, target: Buffer.from(target, 'base64url') }, alice)
  const reply = await fetch(`${node.url}/tx`, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: item.raw })
  expect(reply.status).toBe(200)
  return item.id
}

describe('what other doors brought', () => {
  it('is readable by id and key', async () => {
    const { heddle } = await node.info()
    const tags = {
      'Data-Protocol': 'ao',
      Variant: 'ao.TN.1',
      Type: 'Process',
      Module: heddle.modules.default,
      Scheduler: heddle.units.scheduler,
    }
    const process = await upload(tags, '1984')
    const sent = await upload({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Message', Action: 'Eval' }, 'return 1 + 1', process)
    expect(await text(`/${process}/type`)).toBe('Process')
    expect(await text(`/${process}/scheduler`)).toBe(heddle.units.scheduler)
    expect(await text(`/${sent}/action`)).toBe('Eval')
    expect(await text(`/${sent}/target`)).toBe(process)
    expect(await text(`/${sent}/committers/1`)).toBe(aliceAddress)
    expect(await text(`/${sent}~message@1.0/id?committers=all`)).toBe(sent)
    expect(await text(`/${sent}~message@1.0/verify?committers=all`)).toBe('true')
    expect(await text(`/${sent}`)).toBe('return 1 + 1') // The gateway's business still.
    expect(await status(`/${sent}/nothing`)).toBe(404)
    expect(await text(`/${heddle.modules.default}/module-format`)).toBe('heddle-lua-1')
  })

  it('comes whole and verified to a node that reads from here', async () => {
    const id = await upload({ App: 'x', Name: 'y' }, 'the data')
    const { status: found, message: read } = await fetchMessage(`${node.url}/~cache@1.0/read?target=${id}`, {
      by: [aliceAddress],
      headers: { 'ao-peer-port': '8734' },
    })
    expect(found).toBe(200)
    expect(read.get('app')).toBe('x')
    expect(read.get('data')).toBe('the data')
    expect(messageId(read, { committers: 'all' })).toBe(id)
    expect(await status(`/~cache@1.0/read?target=${aliceAddress}`, { headers: { 'accept-bundle': 'true' } })).toBe(404)
  })
})

describe('what was written through cache@1.0', () => {
  it('is readable by its ids, here and elsewhere, after a restart too', async () => {
    const signed = await commit(
      message({ a: 'x', child: { list: [1, 2.5, true], deep: { er: 'y' } }, long: 'z'.repeat(100_000) }),
      messageSigner(devWallet('alice')),
    )
    const request = await commit(message({ body: signed }), messageSigner(devWallet('dave')), { bundle: true })
    const written = await fetchMessage(`${node.url}/~cache@1.0/write`, { message: request })
    expect([written.status, written.message.get('path')]).toEqual([200, unsignedId(signed)])
    const linked = await post('/~cache@1.0/link', { source: unsignedId(signed), destination: 'named/by-us' }, operator)
    expect(linked.status).toBe(200)
    node = await node.restart()
    const id = messageId(signed, { committers: 'all' })
    expect(await text(`/${id}/child/deep/er`)).toBe('y')
    expect(await text(`/${unsignedId(signed)}/child/list/2`)).toBe('2.50000000000000000000e+00')
    expect(await text('/~cache@1.0/read?target=named/by-us/a')).toBe('x')
    const { message: read } = await fetchMessage(`${node.url}/~cache@1.0/read?target=${id}`, { by: [aliceAddress] })
    expect(unsignedId(read)).toBe(unsignedId(signed))
    expect(committersOf(read)).toEqual([aliceAddress])
    expect(read.get('long')).toBe('z'.repeat(100_000))
  })

  it('is written by cache_writers only', async () => {
    expect((await post('/~cache@1.0/write', { body: 'x' }, alice)).status).toBe(403)
    expect((await post('/~meta@1.0/info', { cache_writers: [aliceAddress] }, operator)).status).toBe(200)
    expect((await post('/~cache@1.0/write', { body: 'x' }, alice)).status).toBe(200)
    expect((await post('/~cache@1.0/write', { body: 'x' }, operator)).status).toBe(403)
  })
})

describe('the options of the node', () => {
  it('are changed by the operator, in every form in which he can sign', async () => {
    expect((await post('/~meta@1.0/info', { 'my-opt': 'item' }, operator)).status).toBe(200)
    expect(await text('/~meta@1.0/info/my-opt')).toBe('item')
    const signer = messageSigner(devWallet('dave'))
    const signed = await fetchMessage(`${node.url}/~meta@1.0/info`, {
      message: message({ 'my-opt': 'httpsig', deep: { er: ['x'] } }),
      signer,
    })
    expect(signed.status).toBe(200)
    expect(signed.message.get('body')).toMatch(/^Node message updated\. History: \d+updates\.$/)
    expect(await text('/~meta@1.0/info/my-opt')).toBe('httpsig')
    expect(await text('/~meta@1.0/info/deep/er/1')).toBe('x')
    const own = await commit(message({ path: '/~meta@1.0/info', 'my-opt': 'own path' }), signer)
    expect((await fetchMessage(`${node.url}/~meta@1.0/info`, { message: own })).status).toBe(200)
    expect(await text('/~meta@1.0/info/my-opt')).toBe('own path')
  })

  it('link to the requests that changed them, which verify, in whatever form they were signed', async () => {
    const sign = hbsig.createSigner(devWallet('dave'), node.url)
    const sent = await sign({ path: '/~meta@1.0/info', legacy_option: ['x', { deep: 1.5 }], text: 'two\nlines' })
    const changed = await fetch(sent.url, { method: 'POST', headers: sent.headers, body: (sent.body as Blob | undefined) ?? null })
    expect(changed.status).toBe(200)
    const last = Number(changed.headers.get('history-length'))
    expect(last).toBeGreaterThan(3)
    for (const _ of ['before a restart', 'and after it']) {
      const link = (await fetch(`${node.url}/~meta@1.0/info`)).headers.get('node_history+link')
      for (let n = 1; n <= last; n++) expect(await text(`/${link}/${n}/verify?committers=all`), `${n} of ${last}`).toBe('true')
      expect(await text(`/${link}/${last}/text`)).toBe('two\nlines')
      expect(await text(`/${link}/${last}/legacy_option/2/deep`)).toBe('1.50000000000000000000e+00')
      for (const path of [`/${link}`, '/~meta@1.0/info', `/${link}/${last}/commitments`]) {
        for (const codec of ['json@1.0', 'httpsig@1.0']) {
          const shown = await fetch(`${node.url}${path}`, { headers: { 'require-codec': codec, 'accept-bundle': 'true' } })
          expect(shown.status).toBe(200)
          expect(`${JSON.stringify([...shown.headers])}${await shown.text()}`).not.toContain('priv-')
        }
      }
      node = await node.restart()
    }
  })

  it('are changed by nobody else, by no forgery and by no repeat, also after a restart', async () => {
    const before = await text('/~meta@1.0/info/my-opt')
    expect((await post('/~meta@1.0/info', { 'my-opt': 'no' }, alice)).status).toBe(400)
    expect(await text('/~meta@1.0/info', { method: 'POST', headers: { 'my-opt': 'no', accept: 'application/json' } })).toContain(
      '"body":"Unauthorized"',
    )
    const signer = messageSigner(devWallet('dave'))
    const signed = await commit(message({ 'my-opt': 'once' }), signer)
    const forged = new Map(signed).set('my-opt', 'forged')
    const opened = await fetchMessage(`${node.url}/~meta@1.0/info`, { message: forged, verify: false })
    expect(opened.status).toBe(400)
    expect(await text('/~meta@1.0/info/my-opt')).toBe(before)
    const inPath = await fetchMessage(`${node.url}/~meta@1.0/info&my-opt=forged`, { message: signed, verify: false })
    expect([inPath.status, await text('/~meta@1.0/info/my-opt')]).toEqual([400, before])
    const asked = async (): Promise<number> => (await fetchMessage(`${node.url}/~meta@1.0/info`, { message: signed, verify: false })).status
    expect(await asked()).toBe(200)
    expect(await asked()).toBe(400)
    await post('/~meta@1.0/info', { 'my-opt': 'later' }, operator)
    node = await node.restart()
    expect(await asked()).toBe(400)
    expect(await text('/~meta@1.0/info/my-opt')).toBe('later')
  })

  it('cannot be forged from inside a path', async () => {
    const signed = await commit(message({ 'my-opt': 'once more' }), messageSigner(devWallet('dave')))
    const commitments = JSON.stringify(
      Object.fromEntries([...(signed.get('commitments') as Message)].map(([id, one]) => [id, Object.fromEntries(one as Message)])),
    )
    const url = `/~meta@1.0/info&my-opt=forged&commitments=(/~json@1.0&body=${encodeURIComponent(`"${commitments.replaceAll('"', '\\"')}"`)}/deserialize)`
    expect(await status(url, { method: 'POST' })).toBeGreaterThanOrEqual(400)
    expect(await text('/~meta@1.0/info/my-opt')).not.toBe('forged')
  })
})

it('takes operator and options from the settings', async () => {
  const open = await startTestNode({ operator: 'unclaimed', aoOptions: { force_signed: false, mine: { a: 'b' }, priv_secret: 'hidden' } })
  const { headers } = await fetch(`${open.url}/~meta@1.0/info/mine/a`)
  expect(headers.has('signature')).toBe(false)
  const all = await (await fetch(`${open.url}/~meta@1.0/info`, { headers: { accept: 'application/json', 'accept-bundle': 'true' } })).text()
  expect(all).not.toContain('hidden')
  expect(JSON.parse(all)).toMatchObject({ operator: 'unclaimed', mine: { a: 'b' }, port: Number(new URL(open.url).port) })
  expect((await fetch(`${open.url}/~meta@1.0/info`, { method: 'POST', headers: { 'my-opt': 'anybody' } })).status).toBe(200)
  expect(await (await fetch(`${open.url}/~meta@1.0/info/my-opt`)).text()).toBe('anybody')
  await open.stop()
  await expect(startTestNode({ aoOptions: { force_signed: 'perhaps' } })).rejects.toMatchObject({ code: 'config-invalid' })
})
