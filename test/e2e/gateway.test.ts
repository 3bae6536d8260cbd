/** Data by id, as browsers, gateways, WeaveDrive and compute units ask for it. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { type Answer, arweaveOf, ask, bytesOf, pattern, sha256, signedItem, until, upload } from './support/client.ts'
import { signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

const ed25519 = signerOf('solana')
const TEN = '0123456789'

let node: TestNode
beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
})
afterAll(() => node.stop())

async function put(data: string | Uint8Array, tags: Readonly<Record<string, string>> = {}): Promise<string> {
  const item = await signedItem(ed25519, data, { tags: Object.entries(tags).map(([name, value]) => ({ name, value })) })
  return (await upload(node.url, item)).id
}

const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  ask(`${node.url}${path}`, { method, headers })

/** What fetch would decode or leave out: the very headers and bytes on the wire. */
function wire(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
    const sent = httpRequest(`${node.url}${path}`, { method, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) }))
      response.on('error', reject)
    })
    sent.on('error', reject).end()
  })
}

describe('data by id', () => {
  it('comes with its length, digests and type', async () => {
    const id = await put('hello', { 'Content-Type': 'text/plain' })
    const { status, headers, bytes } = await wire(`/${id}`)
    expect({ status, text: bytes.toString() }).toEqual({ status: 200, text: 'hello' })
    expect(headers).toMatchObject({
      'content-length': '5',
      'content-type': 'text/plain; charset=utf-8',
      'accept-ranges': 'bytes',
      etag: '"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"',
      'content-digest': 'sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:',
      'x-ar-io-digest': 'LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ',
      'x-ar-io-data-id': id,
      'cache-control': expect.stringMatching(/^public, max-age=\d+/),
      'access-control-allow-origin': '*',
    })
  })

  it('answers HEAD with the same headers and no bytes, whole and in part', async () => {
    const id = await put(TEN)
    for (const path of [`/${id}`, `/raw/${id}`])
      for (const headers of [{}, { range: 'bytes=2-4' }, { range: 'bytes=0-1,4-5' }, { range: 'bytes=99-' }]) {
        const [whole, head] = await Promise.all([wire(path, headers), wire(path, headers, 'HEAD')])
        const drop = ({ 'x-request-id': _, ...rest }: Record<string, unknown>) =>
          JSON.stringify(rest).replaceAll(/-{26}[0-9a-f]{24}/g, 'boundary')
        expect({ status: head.status, headers: drop(head.headers) }).toEqual({ status: whole.status, headers: drop(whole.headers) })
        expect(head.bytes.length).toBe(0)
      }
  })

  it('of no bytes at all is an answer of length 0', async () => {
    const id = await put('')
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, bytes } = await wire(`/${id}`, {}, method)
      expect({ status, length: headers['content-length'], bytes: bytes.length }).toEqual({ status: 200, length: '0', bytes: 0 })
    }
    expect((await get(`/${id}`, { range: 'bytes=0-0' })).headers.get('content-range')).toBe('bytes */0')
  })

  it('is there under /{id}/ and //{id} as well', async () => {
    const id = await put('slashes')
    for (const path of [`/${id}/`, `//${id}`, `/raw/${id}/`, `/${id}?any=query`])
      expect(await get(path), path).toMatchObject({ status: 200 })
  })

  it('of a transaction is served like that of an item, pending and mined', async () => {
    const arweave = arweaveOf(node.url)
    const data = pattern(600_000, 3)
    const tx = await arweave.createTransaction({ data }, devWallet('alice'))
    tx.addTag('Content-Type', 'image/png')
    await arweave.transactions.sign(tx, devWallet('alice'))
    const uploader = await arweave.transactions.getUploader(tx)
    while (!uploader.isComplete) await uploader.uploadChunk()
    for (const round of ['pending', 'mined']) {
      const { status, headers, bytes } = await wire(`/${tx.id}`)
      expect({ status, digest: sha256(bytes) }, round).toEqual({ status: 200, digest: sha256(data) })
      expect(headers).toMatchObject({ 'content-type': 'image/png', etag: `"${sha256(data)}"`, 'content-length': '600000' })
      const part = await wire(`/raw/${tx.id}`, { range: 'bytes=262140-262150' })
      expect(part.bytes.equals(Buffer.from(data.subarray(262_140, 262_151)))).toBe(true)
      await get('/mine')
    }
  })

  it('that is not all here yet is not found, rather than cut off', async () => {
    const arweave = arweaveOf(node.url)
    for (const size of [700_000, 2_000_000]) {
      const tx = await arweave.createTransaction({ data: pattern(size, 5) }, devWallet('alice'))
      await arweave.transactions.sign(tx, devWallet('alice'))
      const uploader = await arweave.transactions.getUploader(tx)
      await uploader.uploadChunk()
      for (const method of ['GET', 'HEAD']) expect(await get(`/${tx.id}`, {}, method)).toMatchObject({ status: 404 })
      await uploader.uploadChunk()
      expect(await get(`/${tx.id}`)).toMatchObject({ status: 404, body: 'Not found' })
      expect(await get(`/raw/${tx.id}`, { range: `bytes=${size - 5}-` })).toMatchObject({ status: 404 })
      while (!uploader.isComplete) await uploader.uploadChunk()
      expect(await get(`/${tx.id}`)).toMatchObject({ status: 200 })
    }
  })
})

describe('content type', () => {
  const cases: readonly (readonly [tag: string, header: string])[] = [
    ['text/html', 'text/html; charset=utf-8'],
    ['text/css', 'text/css; charset=utf-8'],
    ['application/javascript', 'application/javascript; charset=utf-8'],
    ['application/json', 'application/json; charset=utf-8'],
    ['image/svg+xml', 'image/svg+xml'],
    ['image/png', 'image/png'],
    ['application/wasm', 'application/wasm'],
    ['TEXT/HTML', 'TEXT/HTML'],
    ['text/html; charset=iso-8859-1', 'text/html; charset=iso-8859-1'],
    ['json', 'application/json; charset=utf-8'],
    ['html', 'text/html; charset=utf-8'],
    ['nonsense', 'application/octet-stream'],
    ['constructor', 'application/octet-stream'],
    ['text/plain\r\nset-cookie: a=b', 'application/octet-stream'],
    ['text/ünsinn', 'application/octet-stream'],
  ]
  for (const [tag, header] of cases)
    it(`tagged ${JSON.stringify(tag)} is sent as ${header}`, async () => {
      const id = await put('x', { 'Content-Type': tag })
      const answer = await get(`/${id}`)
      expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({ status: 200, type: header })
      expect(answer.headers.get('set-cookie')).toBe(null)
    })

  it('is octet-stream without a tag, and the first tag of that name in any case counts', async () => {
    expect((await get(`/${await put('x')}`)).headers.get('content-type')).toBe('application/octet-stream')
    const item = await signedItem(ed25519, 'x', {
      tags: [
        { name: 'content-TYPE', value: 'image/gif' },
        { name: 'Content-Type', value: 'image/png' },
      ],
    })
    await upload(node.url, item)
    expect((await get(`/${item.id}`)).headers.get('content-type')).toBe('image/gif')
  })
})

describe('content encoding', () => {
  it('is announced on /{id}, where browsers decode, and not on /raw/{id}, where compute units do it themselves', async () => {
    const packed = gzipSync('unpack me')
    const id = await put(packed, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' })
    expect((await get(`/${id}`)).body).toBe('unpack me')
    const shown = await wire(`/${id}`)
    expect(shown.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(packed.length) })
    expect(shown.bytes.equals(packed)).toBe(true)
    const raw = await wire(`/raw/${id}`)
    expect(raw.headers['content-encoding']).toBe(undefined)
    expect(raw.bytes.equals(packed)).toBe(true)
    expect(Buffer.from(await bytesOf(`${node.url}/raw/${id}`)).equals(packed)).toBe(true)
  })

  it('is never put on by the node, whatever the client accepts', async () => {
    const id = await put('a'.repeat(10_000), { 'Content-Type': 'text/plain' })
    const { headers, bytes } = await wire(`/${id}`, { 'accept-encoding': 'gzip, br' })
    expect({ encoding: headers['content-encoding'], size: bytes.length }).toEqual({ encoding: undefined, size: 10_000 })
  })
})

describe('ranges', () => {
  let id: string
  beforeAll(async () => {
    id = await put(TEN, { 'Content-Type': 'text/plain' })
  })

  const parts: readonly (readonly [range: string, contentRange: string, body: string])[] = [
    ['bytes=0-3', 'bytes 0-3/10', '0123'],
    ['bytes=4-', 'bytes 4-9/10', '456789'],
    ['bytes=-5', 'bytes 5-9/10', '56789'],
    ['bytes=-50', 'bytes 0-9/10', TEN],
    ['bytes=0-9999', 'bytes 0-9/10', TEN],
    ['bytes=0-10', 'bytes 0-9/10', TEN],
    ['bytes=9-9', 'bytes 9-9/10', '9'],
    ['Bytes=1-1', 'bytes 1-1/10', '1'],
    ['bytes=0-1,50-60', 'bytes 0-1/10', '01'],
  ]
  for (const [range, contentRange, body] of parts)
    it(`${range} gives ${contentRange}`, async () => {
      for (const path of [`/${id}`, `/raw/${id}`]) {
        const answer = await get(path, { range })
        expect(answer).toMatchObject({ status: 206, body })
        expect(answer.headers.get('content-range')).toBe(contentRange)
        expect(answer.headers.get('content-length')).toBe(String(body.length))
        expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      }
    })

  for (const range of ['bytes=5-2', 'bytes=10-12', 'bytes=99-', 'items=0-3', 'bytes=-0'])
    it(`${range} cannot be satisfied`, async () => {
      const answer = await get(`/${id}`, { range })
      expect(answer).toMatchObject({ status: 416, body: 'Range not satisfiable' })
      expect(answer.headers.get('content-range')).toBe('bytes */10')
    })

  for (const range of ['bytes=', 'bytes=abc', 'abc', 'bytes=1', 'bytes=1-2-3', 'bytes=0x1-2', `bytes=${'0-1,'.repeat(100)}0-1`])
    it(`${range.slice(0, 20)} is malformed`, async () => {
      expect(await get(`/${id}`, { range })).toMatchObject({ status: 400, body: `Malformed 'range' header` })
    })

  it('several come as parts, in the order asked for', async () => {
    const answer = await get(`/${id}`, { range: 'bytes=8-9,0-1,1-2' })
    const type = answer.headers.get('content-type') ?? ''
    const boundary = /^multipart\/byteranges; boundary=(-{26}[0-9a-f]{24})$/.exec(type)?.[1]
    const part = (range: string, text: string) =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${range}/10\r\n\r\n${text}\r\n`
    expect(answer.status).toBe(206)
    expect(answer.body).toBe(`${part('8-9', '89')}${part('0-1', '01')}${part('1-2', '12')}--${boundary}--\r\n`)
    expect(answer.headers.get('content-length')).toBe(String(answer.body.length))
  })

  it('of large data, from several chunks', async () => {
    const data = pattern(3_000_000, 9)
    const large = await put(data)
    const answer = await wire(`/${large}`, { range: 'bytes=262000-1500000,-3' })
    expect(answer.status).toBe(206)
    expect(answer.bytes.includes(Buffer.from(data.subarray(262_000, 1_500_001)))).toBe(true)
    expect(answer.headers['content-length']).toBe(String(answer.bytes.length))
  })

  it('as WeaveDrive asks for a whole file', async () => {
    // It reads pieces that end one past the last byte, and once "bytes=0<size>-<size>".
    expect(await get(`/${id}`, { range: 'bytes=0-10' })).toMatchObject({ status: 206, body: TEN })
    const answer = await get(`/${id}`, { range: 'bytes=010-10' })
    expect(answer).toMatchObject({ status: 200, body: TEN })
  })
})

describe('conditional requests', () => {
  it('with the entity tag, in a list, weak or * are not modified', async () => {
    const id = await put('cache me', { 'Content-Type': 'text/plain' })
    const etag = (await get(`/${id}`)).headers.get('etag') ?? ''
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, headers, bytes } = await wire(`/${id}`, { 'if-none-match': value, range: 'bytes=0-1' })
      expect({ status, bytes: bytes.length, etag: headers['etag'] }, value).toEqual({ status: 304, bytes: 0, etag })
      expect([headers['content-type'], headers['content-range'], headers['content-length']], value).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    }
    for (const value of ['"other"', etag.replaceAll('"', '')]) expect((await get(`/${id}`, { 'if-none-match': value })).status).toBe(200)
  })

  it('also for data too large to be kept in memory', async () => {
    const data = pattern(1_500_000, 11)
    const id = await put(data)
    expect((await get(`/${id}`, { 'if-none-match': `"${createHash('sha256').update(data).digest('base64url')}"` })).status).toBe(304)
  })
})

describe('ids', () => {
  const unknown = 'A'.repeat(43)

  it('that nothing is known of are not found', async () => {
    for (const path of [`/${unknown}`, `/raw/${unknown}`, `/${unknown}/some/path`]) {
      expect(await get(path), path).toMatchObject({ status: 404, body: 'Not found' })
      expect(await get(path, {}, 'HEAD'), path).toMatchObject({ status: 404, body: '' })
    }
  })

  it('that no bytes stand behind are named invalid', async () => {
    const id = await put('canonical')
    const twin = `${id.slice(0, 42)}${String.fromCharCode(id.charCodeAt(42) + 1)}`
    for (const path of [`/${twin}`, `/raw/${twin}`, `/${twin}/path`]) {
      const answer = await get(path)
      expect(answer, path).toMatchObject({ status: 400, body: `Invalid ID: ${twin}` })
    }
    expect(await get('/raw/short')).toMatchObject({ status: 400, body: 'Invalid ID: short' })
    expect(await get('/raw/%zz')).toMatchObject({ status: 400 })
  })

  it('once unknown are served as soon as they are there', async () => {
    const item = await signedItem(ed25519, 'soon')
    expect((await get(`/${item.id}`)).status).toBe(404)
    await upload(node.url, item)
    expect((await get(`/${item.id}`)).status).toBe(200)
  })

  it('have no path below them unless they are manifests', async () => {
    const id = await put('a file', { 'Content-Type': 'text/plain' })
    expect(await get(`/${id}/below`)).toMatchObject({ status: 404 })
  })
})

describe('the gateway', () => {
  it('shows people a page at its root, and programs what the node is', async () => {
    const page = await get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('<h1>Heddle is running</h1>') })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(JSON.parse((await get('/')).body)).toMatchObject({ network: 'heddle.dev', height: expect.any(Number) })
  })

  it('closes the files of readers that went away', async (t) => {
    const folder = '/proc/self/fd'
    t.skip(!existsSync(folder), 'needs /proc')
    const forgotten: string[] = []
    const onWarning = ({ message }: Error) => void forgotten.push(message)
    process.on('warning', onWarning) // The garbage collector closes what nobody else did, and says so.
    const id = await put(pattern(4_000_000, 13))
    const open = () => readdirSync(folder).length
    const before = open()
    for (let i = 0; i < 40; i += 1) {
      await get(`/${id}`, {}, 'HEAD')
      const stop = new AbortController()
      const response = await fetch(`${node.url}/${id}`, { signal: stop.signal })
      await response.body?.getReader().read()
      stop.abort()
    }
    await until('no file is left open', async () => (open() < before + 10 ? true : null), 1_000)
    process.off('warning', onWarning)
    expect(forgotten).toEqual([])
  })

  it('answers preflights of browsers', async () => {
    const id = await put('x')
    const answer = await get(
      `/${id}`,
      { origin: 'https://app.example', 'access-control-request-headers': 'x-turbo-source-version, range' },
      'OPTIONS',
    )
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-headers')).toBe('x-turbo-source-version, range')
  })
})
