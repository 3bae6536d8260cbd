/**
 * aoconnect 0.0.98 in its mainnet mode, unmodified: `request`, in every signing format that it has, against the devices of messages and options.
 *
 * Left out are spawn, message, result, results and dryrun, whose devices are not here yet, and getMessages, getLastSlot and getMessageById, which ask
 * a scheduler of legacy mode.
 */
import { DataItem } from '@dha-team/arbundles'
import { connect, createSigner } from '@permaweb/aoconnect'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { committersOf, decodeJson, requireVerified } from '../../src/codec/index.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { signedReply } from './support/ao-core.ts'
import { devWallet } from './wallets.ts'

type Request = (fields: Readonly<Record<string, unknown>>) => Promise<Response>

const alice = devWallet('alice')
const ALICE = 'BbZQTjVPIl8ZvNLK8_lI3EqBq18IGUnZF7IY5SO4tdk'
const AS_JSON = { 'require-codec': 'application/json', 'accept-bundle': 'true' }

let node: TestNode
let signed: Request
let unsigned: Request
let address: string

beforeAll(async () => {
  node = await startTestNode()
  signed = requestOf({ MODE: 'mainnet', URL: node.url, signer: createSigner(alice) })
  unsigned = requestOf({ MODE: 'mainnet', URL: node.url })
  address = await (await fetch(`${node.url}/~meta@1.0/info/address`)).text()
})
afterAll(() => node?.stop())

function requestOf(options: object): Request {
  return (connect(options as never) as unknown as { readonly request: Request }).request
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as Record<string, unknown>
}

/** Formats and methods; a data item is posted whatever the method says. */
const FORMATS: readonly (readonly [string, () => Request, Readonly<Record<string, string>>])[] = [
  ['ans104', () => signed, { 'signing-format': 'ans104', method: 'POST' }],
  ['httpsig by GET', () => signed, { 'signing-format': 'httpsig', method: 'GET' }],
  ['httpsig by POST', () => signed, { 'signing-format': 'httpsig', method: 'POST' }],
  ['the default', () => signed, {}],
  ['no signer, by GET', () => unsigned, { method: 'GET' }],
  ['no signer, by POST', () => unsigned, { 'signing-format': 'httpsig', method: 'POST' }],
]

describe.each(FORMATS)('aoconnect request: %s', (name, request, format) => {
  const ask: Request = (fields) => request()({ ...format, ...fields })
  const isSigned = !name.startsWith('no signer')

  it('reads keys', async () => {
    const response = await ask({ path: '/~message@1.0&hello=world/hello' })
    expect([response.status, await response.text()]).toEqual([200, 'world'])
    expect(await (await ask({ path: '/~message@1.0/fruit', fruit: 'pear' })).text()).toBe('pear')
  })
  it('sets keys, and is answered in headers', async () => {
    const { status, headers } = await ask({ path: '/~message@1.0/set', fruit: 'pear', 'X-Colour': 'green' })
    expect([status, headers.get('fruit'), headers.get('x-colour')]).toEqual([200, 'pear', 'green'])
  })
  it('is answered with signatures that hold', async () => {
    const said = (await signedReply(await ask({ path: '/~message@1.0/set', fruit: 'pear' }))) as object
    expect(said).toMatchObject({ fruit: '"pear"' })
  })
  it('is answered in JSON', async () => {
    const body = await jsonOf(await ask({ path: '/~message@1.0/set', fruit: 'pear', ...AS_JSON }))
    expect(body).toMatchObject({ fruit: 'pear', status: 200 })
    const value = await jsonOf(await ask({ path: '/~message@1.0/fruit', fruit: 'pear', ...AS_JSON }))
    expect(value).toMatchObject({ 'ao-result': 'body', body: 'pear' })
  })
  it('is answered in JSON whose commitments hold', async () => {
    const response = await ask({ path: '/~message@1.0/fruit', fruit: 'pear', ...AS_JSON })
    const message = await requireVerified(decodeJson(await response.text()))
    expect(committersOf(message)).toEqual([address])
  })
  it('is known by its signature', async () => {
    const committers = await jsonOf(await ask({ path: '/~message@1.0/committers', fruit: 'pear', ...AS_JSON }))
    expect(committers['1']).toBe(isSigned ? ALICE : undefined)
    const verified = await jsonOf(await ask({ path: '/~message@1.0/verify', fruit: 'pear', committers: 'all', ...AS_JSON }))
    expect(verified).toMatchObject({ body: 'true' })
  })
  it('hears what is wrong', async () => {
    const missing = await ask({ path: '/~message@1.0/nothing-here', ...AS_JSON })
    expect([missing.status, await jsonOf(missing)]).toEqual([404, expect.objectContaining({ body: 'not_found', status: 404 })])
    const device = await ask({ path: '/~nobody@1.0/key', ...AS_JSON })
    expect([device.status, await jsonOf(device)]).toEqual([404, expect.objectContaining({ failure: 'device-unknown' })])
    const codec = await ask({ path: '/~message@1.0/fruit', fruit: 'pear', 'require-codec': 'nobody@1.0' })
    expect([codec.status, codec.headers.get('failure')]).toEqual([400, 'request-invalid'])
    expect(await codec.text()).toContain('nobody@1.0')
  })
})

describe('aoconnect request: data items', () => {
  const ask: Request = (fields) => signed({ 'signing-format': 'ans104', method: 'POST', ...fields })

  it('carries data, however large, and tags, which are texts', async () => {
    const data = 'one\ntwo '.repeat(2_000)
    expect(await (await ask({ path: '/~message@1.0/data', data })).text()).toBe(data)
    expect(await jsonOf(await ask({ path: '/~message@1.0/set', data: 'some data', count: 3, Note: 'Ünïcode', ...AS_JSON }))).toMatchObject({
      data: 'some data',
      count: '3',
      note: 'Ünïcode',
      type: 'Message',
      'data-protocol': 'ao',
    })
  })
  it('carries a target and an anchor', async () => {
    const target = 'tdgM9ABGiFWuuSx4mvzBkouAzsTcVP2oQxkdzxJZV3c'
    const body = await jsonOf(await ask({ path: '/~message@1.0/set', target, anchor: 'a'.repeat(32), ...AS_JSON }))
    expect(body).toMatchObject({ target, anchor: Buffer.from('a'.repeat(32)).toString('base64url') })
  })
  it('is answered with the item, if it wants that', async () => {
    const response = await ask({ path: '/~message@1.0/set', fruit: 'pear', 'require-codec': 'application/ans104' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/ans104'])
    const item = new DataItem(Buffer.from(await response.arrayBuffer()))
    expect(await item.isValid()).toBe(true)
    expect(item.tags).toContainEqual({ name: 'fruit', value: 'pear' })
  })
  it('is never anybody else', async () => {
    const update = await ask({ path: '/~meta@1.0/info', test_option: 'set' })
    expect([update.status, await update.text()]).toEqual([400, 'Unauthorized'])
  })
  it('cannot be sent without a signer: what is posted then is no data item', async () => {
    const response = await unsigned({ 'signing-format': 'ans104', path: '/~message@1.0/fruit', fruit: 'pear' })
    expect([response.status, response.headers.get('failure')]).toEqual([400, 'encoding-invalid'])
  })
})
