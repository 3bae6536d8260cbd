/** Path manifests: one id that is a whole site. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestNode, type TestNode } from '../../src/testkit/node.ts'
import { type Answer, arweaveOf, ask, signedItem, upload } from './support/client.ts'
import { signerOf } from './support/signers.ts'
import { devWallet } from './wallets.ts'

const MANIFEST_TYPE = 'application/x.arweave-manifest+json'
const ed25519 = signerOf('solana')

let node: TestNode
let page: string
let style: string
let picture: string
let missing: string

beforeAll(async () => {
  node = await startTestNode({ seal: 'manual' })
  ;[page, style, picture, missing] = (await Promise.all([
    put('<h1>page</h1>', 'text/html'),
    put('h1{}', 'text/css'),
    put('picture', 'image/png'),
    put('nothing here', 'text/plain'),
  ])) as [string, string, string, string]
})
afterAll(() => node.stop())

async function put(data: string, type: string): Promise<string> {
  return (await upload(node.url, await signedItem(ed25519, data, { tags: [{ name: 'Content-Type', value: type }] }))).id
}

const site = (fields: object): Promise<string> =>
  put(JSON.stringify({ manifest: 'arweave/paths', version: '0.2.0', ...fields }), MANIFEST_TYPE)
const get = (path: string, init?: RequestInit): Promise<Answer> => ask(`${node.url}${path}`, init)

describe('a manifest of version 0.1.0', () => {
  let id: string
  beforeAll(async () => {
    id = await site({
      version: '0.1.0',
      index: { path: 'index.html', id: style },
      fallback: { id: missing },
      paths: {
        'index.html': { id: page },
        'css/style.css': { id: style },
        'img/a picture.png': { id: picture },
        'a b/c/d': { id: picture },
        'äöü.png': { id: picture },
      },
    })
  })

  it('is its index, behind a slash that relative links need', async () => {
    const answer = await get(`/${id}`)
    expect(answer.status).toBe(301)
    expect(answer.headers.get('location')).toBe(`/${id}/`)
    expect((await get(`/${id}?v=1&x=%20y`)).headers.get('location')).toBe(`/${id}/?v=1&x=%20y`)
    const index = await get(`/${id}/`)
    expect(index).toMatchObject({ status: 200, body: '<h1>page</h1>' })
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(index.headers.get('x-ar-io-data-id')).toBe(page)
    expect(await (await fetch(`${node.url}/${id}`)).text()).toBe('<h1>page</h1>')
  })

  const paths: readonly (readonly [path: string, type: string])[] = [
    ['index.html', 'text/html; charset=utf-8'],
    ['css/style.css', 'text/css; charset=utf-8'],
    ['css/style.css/', 'text/css; charset=utf-8'],
    ['css/style.css?v=2', 'text/css; charset=utf-8'],
    ['img/a%20picture.png', 'image/png'],
    ['a%20b/c%2Fd', 'image/png'],
    ['a%20b/c/d', 'image/png'],
    ['%C3%A4%C3%B6%C3%BC.png', 'image/png'],
  ]
  for (const [path, type] of paths)
    it(`has ${path}`, async () => {
      const answer = await get(`/${id}/${path}`)
      expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({ status: 200, type })
    })

  for (const path of ['nowhere', 'css', 'css/', 'INDEX.HTML', 'css//style.css', 'img/', 'constructor', '__proto__', 'css/../index.htm'])
    it(`has no ${path}`, async () => {
      expect(await get(`/${id}/${path}`)).toMatchObject({ status: 404, body: 'Not found' })
    })

  it('refuses escapes that are none', async () => {
    expect(await get(`/${id}/%zz`)).toMatchObject({ status: 400 })
    expect(await get(`/${id}/%ff`)).toMatchObject({ status: 400 })
  })

  it('is itself under /raw', async () => {
    const answer = await get(`/raw/${id}`)
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ version: '0.1.0' })
    expect(answer.headers.get('content-type')).toBe(MANIFEST_TYPE)
  })

  it('gives ranges, entity tags and HEAD of what it points to', async () => {
    const part = await get(`/${id}/css/style.css`, { headers: { range: 'bytes=0-1' } })
    expect(part).toMatchObject({ status: 206, body: 'h1' })
    const etag = (await get(`/${style}`)).headers.get('etag') ?? ''
    expect((await get(`/${id}/css/style.css`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const head = await get(`/${id}/css/style.css`, { method: 'HEAD' })
    expect({ status: head.status, length: head.headers.get('content-length') }).toEqual({ status: 200, length: '4' })
  })
})

describe('a manifest of version 0.2.0', () => {
  it('may name its index by id, which wins over a path', async () => {
    const id = await site({ index: { path: 'style', id: page }, paths: { style: { id: style } } })
    expect(await get(`/${id}/`)).toMatchObject({ status: 200, body: '<h1>page</h1>' })
  })

  it('falls back for what it lacks, briefly cached', async () => {
    const id = await site({ index: { path: 'index.html' }, fallback: { id: missing }, paths: { 'index.html': { id: page } } })
    for (const path of ['deep/link', 'x.png']) {
      const answer = await get(`/${id}/${path}`)
      expect(answer).toMatchObject({ status: 200, body: 'nothing here' })
      expect(answer.headers.get('cache-control')).toBe('public, max-age=60, must-revalidate')
      expect(answer.headers.get('x-ar-io-data-id')).toBe(missing)
    }
    expect((await get(`/${id}/`)).body).toBe('<h1>page</h1>')
  })

  it('falls back when it has no index', async () => {
    const id = await site({ fallback: { id: missing }, paths: { a: { id: page } } })
    expect(await get(`/${id}/`)).toMatchObject({ status: 200, body: 'nothing here' })
  })

  it('reads the same whatever the order of its members', async () => {
    const text = `{"paths":{"a":{"id":"${style}"}},"fallback":{"id":"${missing}"},"index":{"path":"a","id":"${page}"},"version":"0.2.0"}`
    const id = await put(text, MANIFEST_TYPE)
    expect((await get(`/${id}/`)).body).toBe('<h1>page</h1>')
    expect((await get(`/${id}/b`)).body).toBe('nothing here')
  })

  it('that points to a manifest serves that manifest as it is', async () => {
    const inner = await site({ index: { path: 'a' }, paths: { a: { id: page } } })
    const outer = await site({ index: { id: inner }, paths: { inner: { id: inner } } })
    for (const path of ['', 'inner']) {
      const answer = await get(`/${outer}/${path}`)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe(MANIFEST_TYPE)
    }
    expect((await get(`/${outer}/inner/a`)).status).toBe(404)
  })
})

describe('manifests of other makers', () => {
  it('written by Irys are sites too', async () => {
    const id = await site({ manifest: 'irys/paths', version: '0.1.0', index: { path: 'a' }, paths: { a: { id: page } } })
    expect((await get(`/${id}/`)).body).toBe('<h1>page</h1>')
  })

  it('posted as a transaction are sites too', async () => {
    const arweave = arweaveOf(node.url)
    const data = JSON.stringify({ manifest: 'arweave/paths', version: '0.1.0', index: { path: 'a' }, paths: { a: { id: page } } })
    const tx = await arweave.createTransaction({ data }, devWallet('alice'))
    tx.addTag('Content-Type', MANIFEST_TYPE)
    await arweave.transactions.sign(tx, devWallet('alice'))
    expect((await arweave.transactions.post(tx)).status).toBe(200)
    expect((await get(`/${tx.id}/`)).body).toBe('<h1>page</h1>')
  })
})

describe('a broken manifest', () => {
  for (const text of ['not JSON', '[]', '"text"', 'null', '{"paths":[]}', '{"paths":', '\xff\xfe'])
    it(`${JSON.stringify(text)} is not found, and still there under /raw`, async () => {
      const id = await put(text, MANIFEST_TYPE)
      for (const path of [`/${id}`, `/${id}/`, `/${id}/a`]) expect((await get(path)).status, path).toBe(404)
      expect((await get(`/raw/${id}`)).status).toBe(200)
    })

  it('without an index has nothing at its root', async () => {
    const id = await site({ paths: { a: { id: page } } })
    expect((await get(`/${id}/`)).status).toBe(404)
    expect((await get(`/${id}/a`)).status).toBe(200)
  })

  it('that points to what is unknown or no id loses only that path', async () => {
    const id = await site({ paths: { gone: { id: 'A'.repeat(43) }, bad: { id: 'nonsense' }, worse: 5, a: { id: page } } })
    for (const path of ['gone', 'bad', 'worse']) expect((await get(`/${id}/${path}`)).status, path).toBe(404)
    expect((await get(`/${id}/a`)).status).toBe(200)
  })
})
