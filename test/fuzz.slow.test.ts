/** Whatever bytes come in: every decoder gives a value or a coded failure, every HTTP route an answer that is not a 500, and the node goes on. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromBase64url, fromHex, utf8 } from '../src/base/bytes.ts'
import { parseAddress, parseTxId } from '../src/base/ids.ts'
import { type Log, silentLog } from '../src/base/log.ts'
import { blockToJson, parseBlockJson } from '../src/codec/block-json.ts'
import { decodeBundleCount, decodeBundleHeader, encodeBundle } from '../src/codec/bundle.ts'
import { unbundle } from '../src/codec/bundle-reader.ts'
import { checkChunk, parseChunkJson } from '../src/codec/chunk-upload.ts'
import { createDataItemSync, type DataItem, decodeDataItem, decodeItemHeader, itemSigner, verifyDataItem } from '../src/codec/data-item.ts'
import { validateDataPath, validateTxPath } from '../src/codec/data-path.ts'
import { buildTree, chunkLeaves } from '../src/codec/data-tree.ts'
import { decodeItemTags, encodeItemTags } from '../src/codec/item-tags.ts'
import { generateKey, keyFromJwk } from '../src/codec/keys.ts'
import { createManifest, parseManifest, resolveManifest } from '../src/codec/manifest.ts'
import { textTag } from '../src/codec/tags.ts'
import {
  decodeTransaction,
  encodeTransaction,
  parseTransactionJson,
  type Transaction,
  transactionToJson,
  verifyTransaction,
} from '../src/codec/transaction.ts'
import { decodeValue, encodeValue } from '../src/guests/value-codec.ts'
import { meterModule } from '../src/guests/wasm/meter.ts'
import { schedulerSurface } from '../src/http/ao-legacy/scheduler-surface.ts'
import { aoLegacySurface } from '../src/http/ao-legacy/surface.ts'
import { arweaveSurface } from '../src/http/arweave/surface.ts'
import { bundlerSurface } from '../src/http/bundler/surface.ts'
import { contentTypeHeader } from '../src/http/gateway/content-type.ts'
import { matchesEtag, parseRange } from '../src/http/gateway/range.ts'
import { gatewaySurface } from '../src/http/gateway/surface.ts'
import { Documents } from '../src/http/graphql/documents.ts'
import { graphqlSurface } from '../src/http/graphql/surface.ts'
import { createMetrics } from '../src/http/metrics.ts'
import { pathOf } from '../src/http/router.ts'
import { decodeBlockCursor, decodeTransactionCursor } from '../src/store/embedded/sqlite-cursor.ts'
import { startTestNode, type TestNode } from '../src/testkit/node.ts'
import { anyText, bytesLike, holds, jsonLike, RUNS, survives } from './fuzz-inputs.ts'

const RUNS_PER_ROUTE = 25
const LONG_POLL_MS = 1_000

const signer = itemSigner(await generateKey('ed25519'))
const item = createDataItemSync(
  { data: 'some data', tags: [textTag('Name', 'value'), textTag('Other', 'x')], anchor: new Uint8Array(32) },
  signer,
)
const bundle = encodeBundle([item, createDataItemSync({ data: encodeBundle([item]), tags: bundleTags() }, signer)])
const tags = encodeItemTags(item.tags)
const transaction = knownTransaction()
const manifest = createManifest({ paths: { 'a.html': item.id }, index: { path: 'a.html' }, fallbackId: item.id })
const chunks = chunkLeaves(randomBytes(600_000), 'client')
const tree = buildTree(chunks.map(({ leaf }) => leaf))
const dataPath = tree.pathOf(chunks[1]!.startOffset)
const value = encodeValue({ list: [1, 2.5, 'text', null, true], map: { key: 'value' }, Tags: [{ name: 'a', value: 'b' }] })
const wasm = fromHex('0061736d0100000001060160017f017f030201000707010372756e00000a0b010901017f2000210120010b')

function bundleTags() {
  return [textTag('Bundle-Format', 'binary'), textTag('Bundle-Version', '2.0.0')]
}

/** A signed one of the vectors, with tags and a target. */
function knownTransaction(): Transaction {
  const { cases } = JSON.parse(readFileSync(new URL('vectors/arweave-transactions.json', import.meta.url), 'utf8')) as {
    cases: { json: unknown }[]
  }
  return parseTransactionJson(cases[0]!.json)
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}

describe('any bytes into', () => {
  survives('data item', bytesLike(item.raw), async (bytes) => verifyDataItem(decodeDataItem(bytes)))
  survives('data item header of a longer item', fc.tuple(bytesLike(item.raw), fc.nat()), ([bytes, size]) => decodeItemHeader(bytes, size))
  survives('tags of a data item', fc.tuple(bytesLike(tags), fc.nat(5)), ([bytes, count]) => decodeItemTags(bytes, count))
  survives('bundle header', fc.tuple(bytesLike(bundle), fc.nat()), ([bytes, size]) => [
    decodeBundleCount(bytes, size),
    decodeBundleHeader(bytes, size),
  ])
  survives('bundle', bytesLike(bundle), (bytes) =>
    drain(unbundle((start, end) => pieces(bytes.subarray(start, end)), { startOffset: 0, bundleBytes: bytes.length })),
  )
  survives('transaction in binary', bytesLike(encodeTransaction(transaction)), async (bytes) => verifyTransaction(decodeTransaction(bytes)))
  survives('manifest', fc.tuple(bytesLike(manifest), anyText), ([bytes, path]) => resolveManifest(parseManifest(bytes), path))
  survives('data path', fc.tuple(bytesLike(dataPath), fc.bigInt({ min: -1n, max: 2n ** 70n })), ([bytes, offset]) => [
    validateDataPath(tree.root, offset, 600_000n, bytes),
    validateTxPath(tree.root, offset, 600_000n, bytes),
  ])
  survives('value of a guest', bytesLike(value), decodeValue)
  survives('WebAssembly module', bytesLike(wasm), (bytes) =>
    meterModule(bytes, { module: 'fuzz', memoryBytesMax: 1024 * 1024, gas: 1000n }),
  )
})

describe('any JSON into', () => {
  survives('transaction', jsonLike(transactionToJson(transaction)), async (json) => verifyTransaction(parseTransactionJson(json)))
  survives('chunk', jsonLike({ data_root: item.id, data_size: '100', data_path: 'AAAA', offset: '5', chunk: 'AAAA' }), (json) =>
    checkChunk(parseChunkJson(json)),
  )
  survives('key', jsonLike({ kty: 'OKP', crv: 'Ed25519', x: item.id, d: item.id }), (json) => keyFromJwk(json))
  survives('manifest', jsonLike(JSON.parse(Buffer.from(manifest).toString())), (json) => parseManifest(utf8(JSON.stringify(json) ?? '')))
})

describe('any text into', () => {
  survives('id', anyText, (text) => [parseTxId(text), parseAddress(text)])
  survives('base64url', anyText, (text) => fromBase64url(text))
  survives(
    'range',
    fc.tuple(
      fc.oneof(
        anyText,
        anyText.map((text) => `bytes=${text}`),
      ),
      fc.nat(),
    ),
    ([text, size]) => parseRange(text, size),
  )
  survives('entity tag', anyText, (text) => matchesEtag(text, '"tag"'))
  survives('content type', anyText, contentTypeHeader)
  survives('path of a request', anyText, pathOf)
  survives(
    'cursors',
    fc.oneof(
      anyText,
      fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString('base64url')),
    ),
    (text) => {
      for (const sort of ['HEIGHT_DESC', 'INGESTED_AT_ASC'] as const) decodeTransactionCursor(text, sort)
      decodeBlockCursor(text)
    },
  )
  survives(
    'GraphQL',
    fc.oneof(
      anyText,
      anyText.map((text) => `{ transactions(ids: "${text}") { edges { node { id } } } }`),
    ),
    (text) => {
      const prepared = new Documents().prepare(text)
      if ('errors' in prepared) JSON.stringify(prepared.errors.map((error) => error.toJSON()))
    },
  )
})

/** Every route that the surfaces declare. What they need is never asked for here. */
function allRoutes(): { method: string; path: string }[] {
  const anything: never = new Proxy(() => {}, { get: () => anything, apply: () => anything }) as never
  const surfaces = [arweaveSurface, bundlerSurface, graphqlSurface, aoLegacySurface, schedulerSurface, gatewaySurface].map((make) =>
    make(anything),
  )
  const { surface } = createMetrics({ height: () => 0, mempool: () => 0 })
  return [...surfaces, surface].flatMap(({ routes }) => routes.map(({ method, path }) => ({ method, path })))
}

describe('any request to', () => {
  let node: TestNode
  let known: readonly string[]
  const bugs: object[] = []
  const log: Log = { ...silentLog, error: (facts) => void bugs.push(facts) }

  beforeAll(async () => {
    node = await startTestNode({ seal: 'manual', log })
    const { heddle } = await node.info()
    await send('POST', '/tx', { 'content-type': 'application/octet-stream' }, item.raw)
    const process = spawnItem(heddle.modules.default, heddle.units.scheduler)
    expect(await send('POST', '/', {}, process.raw)).toBe(202)
    known = [item.id, process.id, heddle.modules.default, heddle.units.scheduler]
  })
  afterAll(() => node.stop())

  function spawnItem(module: string, scheduler: string): DataItem {
    const fields = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Process', Module: module, Scheduler: scheduler }
    return createDataItemSync({ data: '1', tags: Object.entries(fields).map(([name, text]) => textTag(name, text)) }, signer)
  }

  /** The status; null when the answer is long in coming, as that of a long poll. A connection that breaks is an error. */
  function send(method: string, path: string, headers: Record<string, string>, body: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const options = { method, path, headers: { ...headers, 'content-length': body.length }, timeout: LONG_POLL_MS }
      const sent = httpRequest(node.url, options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? null))
        response.on('error', reject)
      })
      sent.on('timeout', () => {
        resolve(null)
        sent.destroy()
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  const nastyPart = fc.oneof(
    fc.constantFrom(
      'short',
      '%00',
      '%2e%2e',
      '%F0%9F%92%A5',
      '-1',
      '0',
      '7',
      '1e99',
      '9'.repeat(40),
      '__proto__',
      'constructor',
      '%zz',
      'a'.repeat(500),
    ),
    fc.constant('A'.repeat(43)),
    fc.nat(3).map((i) => known[i]!),
    fc.nat(3).map((i) => known[i]!),
  )
  const nastyQuery = fc.array(
    fc.tuple(
      fc.constantFrom('process-id', 'from', 'to', 'limit', 'sort', 'query', 'variables', 'assign', 'exclude', 'from-nonce', 'receipt', 'x'),
      nastyPart,
    ),
    { maxLength: 3 },
  )
  const nastyHeaders = fc.record(
    {
      'content-type': fc.constantFrom(
        'application/json',
        'application/octet-stream',
        'text/plain',
        'application/graphql',
        'multipart/form-data',
        '',
      ),
      range: fc.constantFrom('bytes=0-', 'bytes=-1', 'bytes=5-1', 'x', 'bytes=0-1,3-4,9-99', 'bytes=99999999999999999999-'),
      'if-none-match': fc.constantFrom('*', '"a"', ''),
      accept: fc.constantFrom('text/html', '*/*', 'application/json'),
      'x-network': fc.constantFrom('heddle.dev', 'arweave.N.1'),
      'arweave-tx-id': nastyPart,
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    fc.constantFrom(...['', '{}', '[]', 'null', '"', '{"query":"{ blocks { edges { node { id } } } }"}', '['.repeat(20_000)].map(utf8)),
    bytesLike(item.raw, encodeTransaction(transaction), bundle),
    jsonLike(transactionToJson(transaction)).map((json) => utf8(JSON.stringify(json) ?? '')),
    jsonLike({ Owner: 'A'.repeat(43), Target: 'A'.repeat(43), Tags: [{ name: 'Action', value: 'Eval' }], Data: '1', Id: '1' }).map((json) =>
      utf8(JSON.stringify(json) ?? ''),
    ),
  )

  /** Valid signatures over nonsense: gets past the doors and to the scheduler, the guests and the index. */
  const aoTags = fc.tuple(
    fc.constantFrom('Message', 'Process', 'Module', 'Assignment', 'message', ''),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          'Action',
          'Module',
          'Scheduler',
          'From-Process',
          'Forwarded-By',
          'Reference',
          'On-Boot',
          'Cron-Interval',
          'Content-Type',
          '',
        ),
        fc.oneof(fc.constantFrom('Eval', 'Data', '0-seconds', '1-second', '-1', ''), nastyPart, anyText),
      ),
      { maxLength: 5 },
    ),
  )
  const signedItem = fc
    .tuple(aoTags, fc.option(fc.nat(3)), fc.oneof(anyText, fc.constantFrom('error()', 'x = {}; x.x = x; return x', 'return nil')))
    .map(([[type, more], target, data]) => {
      const list = [['Data-Protocol', 'ao'], ['Variant', 'ao.TN.1'], ['Type', type], ...more] as [string, string][]
      const fields = { data: utf8(data), tags: list.map(([name, text]) => textTag(name, text)) }
      return createDataItemSync(target === null ? fields : { ...fields, target: fromBase64url(known[target]!) }, signer).raw
    })

  for (const path of ['/', '/tx', '/tx/arweave'])
    it(`POST ${path} with signed nonsense`, () =>
      fc.assert(
        fc.asyncProperty(signedItem, async (raw) => {
          const status = await send('POST', path, { 'content-type': 'application/octet-stream' }, raw)
          expect(status === null || status < 500, `${status}`).toBe(true)
          expect(bugs.splice(0)).toEqual([])
        }),
        { numRuns: RUNS / 3 },
      ))

  // A reset forgets the process that the other routes ask about, and is tested by itself.
  for (const { method, path } of allRoutes().filter((route) => route.path !== '/reset'))
    it(`${method} ${path}`, async () => {
      const names = path.split('/').filter((part) => part.startsWith(':') || part === '*')
      const values = fc.tuple(...names.map(() => nastyPart))
      await fc.assert(
        fc.asyncProperty(values, nastyQuery, nastyHeaders, body, async (parts, query, headers, bytes) => {
          let at = 0
          const target = path.replaceAll(/:[a-z]+|\*/gi, () => parts[at++]!)
          const search = query.map(([name, text]) => `${name}=${text}`).join('&')
          const status = await send(
            method,
            search === '' ? target : `${target}?${search}`,
            headers,
            method === 'GET' ? new Uint8Array(0) : bytes,
          )
          expect(status === null || status < 500 || status === 503 || status === 504, `${status} from ${target}?${search}`).toBe(true)
          expect(bugs.splice(0), target).toEqual([])
        }),
        { numRuns: RUNS_PER_ROUTE },
      )
    })

  it('GET /:id for a page of messages that ends before the first', async () => {
    for (const range of ['to=0', 'to-nonce=-1', 'from-nonce=-9&to-nonce=-2']) {
      const response = await fetch(`${node.url}/${known[1]}?process-id=${known[1]}&${range}`)
      expect([response.status, ((await response.json()) as { edges: unknown }).edges]).toEqual([200, []])
    }
  })

  it('GET /block/current, whose answer any JSON may follow into a block', async () => {
    const block: unknown = await (await fetch(`${node.url}/block/current`)).json()
    expect(blockToJson(parseBlockJson(block))).toEqual(block)
    await fc.assert(
      fc.asyncProperty(jsonLike(block), (json) => holds(() => parseBlockJson(json))),
      { numRuns: RUNS },
    )
  })

  it('the node leaves it in good health', async () => {
    expect(await send('GET', '/info', {}, new Uint8Array(0))).toBe(200)
    expect(bugs).toEqual([])
  })
})
