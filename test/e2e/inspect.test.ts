/** heddle inspect on every form that it reads, good and tampered with, from files and from a node. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concat, toLatin1, utf8 } from '../../src/base/bytes.ts'
import { encodeBundle } from '../../src/codec/bundle.ts'
import { createDataItem, itemSigner } from '../../src/codec/data-item.ts'
import { keyFromJwk } from '../../src/codec/keys.ts'
import { commit } from '../../src/codec/message/commit.ts'
import { encodeHttpMessage } from '../../src/codec/message/http-message.ts'
import { messageId, unsignedId } from '../../src/codec/message/id.ts'
import { encodeJson } from '../../src/codec/message/json.ts'
import { messageSigner } from '../../src/codec/message/signers.ts'
import { binaryBytes, type HttpsigForm, message } from '../../src/codec/message/value.ts'
import { textTag } from '../../src/codec/tags.ts'
import { encodeTransaction, signTransaction, transactionToJson } from '../../src/codec/transaction.ts'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { heddle, heddleJson } from './support/command.ts'
import { devWallet } from './wallets.ts'

interface Inspected {
  readonly ok: boolean
  readonly what: string
  readonly unsignedId: string | null
  readonly signedId: string | null
  readonly hashpath: { readonly path: string; readonly isSigned: boolean } | null
  readonly commitments: readonly { readonly committer: string | null; readonly type: string; readonly isValid: boolean }[]
  readonly items: readonly { readonly id: string; readonly problem: string | null }[]
  readonly problems: readonly string[]
  readonly message: Record<string, unknown> | null
}

const wallet = devWallet('alice')
const key = keyFromJwk(wallet)
const said = message({
  action: 'Eval',
  slot: 7,
  ratio: 0.5,
  on: true,
  text: 'two\nlines',
  bytes: Uint8Array.of(255, 254, 0),
  long: 'long '.repeat(2000),
  list: ['a', 1, ['x']],
  within: { deep: { deeper: { deepest: 'x' } } },
})

let node: TestNode
let folder = ''
const signed = await commit(said, messageSigner(wallet), { tag: 'base/request' })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-inspect-'))
  node = await startTestNode()
})
afterAll(async () => {
  await node?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** As `curl -i` prints it. */
function dump({ headers, body }: HttpsigForm): Uint8Array {
  const lines = [...headers].map(([name, value]) => `${name}: ${toLatin1(binaryBytes(value))}\r\n`)
  return concat([Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`, 'latin1'), body ?? new Uint8Array(0)])
}

async function inspected(path: string, code: number): Promise<Inspected> {
  const { code: actual, value } = await heddleJson<Inspected>(['inspect', path], { url: node.url })
  expect({ code: actual, ok: value.ok, problems: value.problems }, path).toMatchObject({ code, ok: code === 0 })
  return value
}

describe('a message', () => {
  it('over HTTP: shown, identified, verified', async () => {
    const path = file('reply.http', dump(encodeHttpMessage(signed, { bundle: true })))
    const found = await inspected(path, 0)
    expect(found).toMatchObject({
      what: 'reply over HTTP, status 200',
      unsignedId: unsignedId(said),
      signedId: messageId(signed, { committers: 'all' }),
      hashpath: { path: 'base/request', isSigned: true },
    })
    expect(found.commitments.map(({ type, isValid, committer }) => [type, isValid, committer]).sort()).toEqual([
      ['hmac-sha256', true, null],
      ['rsa-pss-sha512', true, key.address],
    ])
    expect(found.message).toMatchObject({ action: 'Eval', slot: 7, list: ['a', 1, ['x']] })
    const { stdout } = await heddle(['inspect', path])
    for (const text of [
      'reply over HTTP, status 200',
      'two⏎lines',
      'fffe00',
      '10 kB',
      'list of 3',
      'message of 1 key',
      key.address,
      unsignedId(said),
    ])
      expect(stdout).toContain(text)
    expect(stdout).toMatch(/\nall commitments verify\n$/)
    expect(stdout).not.toContain('deepest')
    expect((await heddle(['inspect', path, '--all'])).stdout).toContain('deepest')
  })

  it('that was changed', async () => {
    const { headers, body } = encodeHttpMessage(signed, { bundle: true })
    const header = await inspected(file('header.http', dump({ headers: new Map(headers).set('action', 'Transfer'), body })), 1)
    expect(header.message).toMatchObject({ action: 'Transfer' })
    expect(header.commitments.filter(({ isValid }) => !isValid).length).toBeGreaterThan(0)
    const changed = body!.map((byte, i) => (i === body!.length >> 1 ? byte ^ 1 : byte))
    const digest = await inspected(file('body.http', dump({ headers, body: changed })), 1)
    expect(digest.problems[0]).toMatch(/digest/)
    expect((await heddle(['inspect', join(folder, 'body.http')])).stdout).toMatch(/\ndoes not verify\n/)
  })

  it('in JSON and as flat text', async () => {
    const json = await inspected(file('message.json', encodeJson(signed)), 0)
    expect(json).toMatchObject({ what: 'message in json@1.0', unsignedId: unsignedId(said) })
    await inspected(file('changed.json', encodeJson(new Map(signed).set('slot', 8))), 1)
    const flat = await inspected(file('config.flat', 'port: 10000\na/b: c\n'), 0)
    expect(flat).toMatchObject({ what: 'message in flat@1.0', commitments: [], message: { port: '10000', a: { b: 'c' } } })
    expect((await heddle(['inspect', join(folder, 'config.flat')])).stdout).toContain('nobody committed to it')
  })
})

describe('data of Arweave', () => {
  it('data items and bundles', async () => {
    const item = await createDataItem({ data: 'hello', tags: [textTag('Action', 'Eval')] }, itemSigner(key))
    const other = await createDataItem({ data: 'world' }, itemSigner(key))
    const found = await inspected(file('item.bin', item.raw), 0)
    expect(found).toMatchObject({ signedId: item.id, message: { action: 'Eval', data: 'hello' } })
    const changed = item.raw.map((byte, i) => (i === item.raw.length - 1 ? byte ^ 1 : byte))
    expect((await inspected(file('changed.bin', changed), 1)).commitments).toMatchObject([{ isValid: false, committer: key.address }])
    const good = await inspected(file('bundle.bin', encodeBundle([item, other])), 0)
    expect(good.items).toMatchObject([
      { id: item.id, problem: null },
      { id: other.id, problem: null },
    ])
    const bad = await inspected(file('bad-bundle.bin', encodeBundle([{ id: item.id, raw: changed }, other])), 1)
    expect(bad.items.map(({ problem }) => problem === null)).toEqual([false, true])
  })

  it('transactions, as JSON and as bytes', async () => {
    const transaction = await signTransaction({ rewardWinston: 5n, data: utf8('hello'), tags: [textTag('Action', 'Eval')] }, key)
    const binary = await inspected(file('tx.bin', encodeTransaction(transaction)), 0)
    expect(binary).toMatchObject({ what: 'transaction of format 2', signedId: transaction.id })
    const json = { ...transactionToJson(transaction), data: Buffer.from('hello').toString('base64url') }
    expect((await inspected(file('tx.json', JSON.stringify(json)), 0)).signedId).toBe(transaction.id)
    await inspected(file('changed-tx.json', JSON.stringify({ ...json, reward: '6' })), 1)
  })
})

describe('a node', () => {
  it('by path and by URL', async () => {
    const { current } = await node.info()
    expect((await inspected('/info', 0)).message).toMatchObject({ current })
    for (const word of ['/~meta@1.0/info/address', `${node.url}/~meta@1.0/info/address`]) {
      const found = await inspected(word, 0)
      expect(found.what).toBe('reply over HTTP, status 200')
      expect(found.message).toMatchObject({ body: found.commitments.find(({ committer }) => committer !== null)!.committer })
    }
    const { code, value } = await heddleJson<Inspected>(['inspect', '/~meta@1.0/info', '-H', 'accept: application/json'], { url: node.url })
    expect({ code, what: value.what }).toEqual({ code: 0, what: 'reply over HTTP, status 200, json@1.0' })
  })
})

describe('an item that a node keeps', () => {
  it('by its id', async () => {
    const item = await createDataItem({ data: 'kept', tags: [textTag('Action', 'Keep')] }, itemSigner(key))
    const headers = { 'content-type': 'application/octet-stream' }
    await fetch(`${node.url}/tx`, { method: 'POST', headers, body: item.raw as Uint8Array<ArrayBuffer> })
    const found = await inspected(item.id, 0)
    expect(found).toMatchObject({ signedId: item.id, message: { action: 'Keep', data: 'kept' } })
    expect(found.commitments).toMatchObject([{ committer: key.address, isValid: true }])
  })
})

describe('nothing to inspect', () => {
  it('says what is wrong', async () => {
    const cases: [string[], number, string][] = [
      [['inspect'], 2, 'what to inspect is missing'],
      [['inspect', join(folder, 'none')], 2, 'it does not exist'],
      [['inspect', file('noise.bin', Uint8Array.of(1, 2, 3))], 1, 'holds no message'],
      [['inspect', file('empty', '')], 1, 'holds no message'],
      [['inspect', file('bad.json', '{"a":')], 1, 'JSON'],
      [['inspect', 'http://127.0.0.1:1/x'], 1, 'no node answers'],
      [['inspect', '/~a@1.0/b', '-H', 'nonsense'], 2, 'expected name:value'],
    ]
    for (const [words, expected, text] of cases) {
      const { code, stderr } = await heddle(words)
      expect({ code, stderr }, words.join(' ')).toEqual({ code: expected, stderr: expect.stringContaining(text) })
    }
  })
})
