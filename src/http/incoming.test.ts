import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { bodyOf, exchange, getRaw, type Handle, start, startSurfaces, surfaceOf } from '../../test/http-server.ts'
import { HTTP_HEADER_BYTES_MAX, URL_BYTES_MAX } from '../base/limits.ts'
import { silentLog } from '../base/log.ts'
import { json, text } from './route.ts'

describe('requests', () => {
  const echo: Handle = async (request) =>
    json(200, { url: request.url, path: request.path, query: [...request.query], params: request.params, origin: request.origin })

  it('keep the exact target', async () => {
    const { port } = await start({ 'GET /*': echo })
    for (const target of [
      '/~meta@1.0/info&a=1+2/(x,y)/"<>|^`{}',
      '/a/../b/./c',
      '//a//b/',
      '/a%2Fb/%7E',
      '/a\\b',
      '/x#frag',
      '/%zz',
      "/!'*[];:=",
    ]) {
      const seen = JSON.parse(bodyOf(await getRaw(port, `${target}?q=a+b&q=%20&r`))) as { url: string; path: string; query: string[][] }
      expect(seen.url).toBe(`${target}?q=a+b&q=%20&r`)
      expect(seen.path).toBe(target.replace(/^\/+/, '/'))
      expect(seen.query).toEqual([
        ['q', 'a b'],
        ['q', ' '],
        ['r', ''],
      ])
    }
  })

  it('take absolute targets', async () => {
    const { port } = await start({ 'GET /a/:b': echo })
    const seen = JSON.parse(bodyOf(await getRaw(port, 'http://other.example:80/a/b?x=1'))) as object
    expect(seen).toMatchObject({ url: 'http://other.example:80/a/b?x=1', path: '/a/b', params: { b: 'b' } })
  })

  it('know the base URL that the client used', async () => {
    const { port } = await start({ 'GET /': async (request) => text(200, request.origin) })
    const origin = async (headers: string): Promise<string> =>
      bodyOf(await exchange(port, `GET / HTTP/1.1\r\nConnection: close\r\n${headers}\r\n`))
    expect(await origin('Host: localhost:1984\r\n')).toBe('http://localhost:1984')
    expect(await origin('Host: node.example\r\nX-Forwarded-Proto: https\r\n')).toBe('https://node.example')
    expect(await origin('Host: [::1]:1984\r\n')).toBe('http://[::1]:1984')
    expect(await origin('Host: "><script>\r\n')).toBe(`http://127.0.0.1:${port}`)
    expect(bodyOf(await exchange(port, 'GET / HTTP/1.0\r\n\r\n'))).toBe(`http://127.0.0.1:${port}`)
  })

  it('join repeated headers', async () => {
    const { port } = await start({ 'GET /': async ({ headers }) => text(200, `${headers['x-a']} ${headers['content-type']}`) })
    expect(bodyOf(await getRaw(port, '/', 'X-A: 1\r\nx-a: 2\r\nContent-Type: a\r\nContent-Type: b\r\n'))).toBe('1, 2 a, b')
  })

  it('with a parameter that is not percent-encoding are refused by the surface, unless another route takes them', async () => {
    const { url, port } = await startSurfaces([
      surfaceOf('one', { 'GET /a/:x': echo, 'GET /b/:x': echo }),
      surfaceOf('two', { 'GET /b/*': echo }),
    ])
    const refused = await getRaw(port, '/a/%zz')
    expect([refused.slice(0, 12), bodyOf(refused)]).toEqual(['HTTP/1.1 400', 'encoding-invalid'])
    expect(JSON.parse(bodyOf(await getRaw(port, '/b/%zz')))).toMatchObject({ params: { '*': '%zz' } })
    expect((await fetch(`${url}/a/%20`)).status).toBe(200)
  })

  it('take headers and URLs up to their limits, and refuse what is longer', async () => {
    const { port } = await start({ 'GET /*': async ({ headers }) => text(200, String(headers['x-big']?.length)) })
    expect(bodyOf(await getRaw(port, '/', `X-Big: ${'a'.repeat(600_000)}\r\n`))).toBe('600000')
    expect((await getRaw(port, '/', `X-Big: ${'a'.repeat(HTTP_HEADER_BYTES_MAX)}\r\n`)).slice(0, 12)).toBe('HTTP/1.1 431')
    expect((await getRaw(port, `/${'a'.repeat(URL_BYTES_MAX - 1)}`)).slice(0, 12)).toBe('HTTP/1.1 200')
    expect((await getRaw(port, `/${'a'.repeat(URL_BYTES_MAX)}`)).slice(0, 12)).toBe('HTTP/1.1 414')
  })

  it('that cannot be parsed end their connection and nothing else', async () => {
    const { port, url } = await start({ 'GET /*': async () => text(200, 'alive') })
    const broken = [
      'GARBAGE\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n',
    ]
    for (const sent of broken) {
      const answer = await exchange(port, Buffer.from(sent, 'latin1'))
      expect(answer, sent).toMatch(/^HTTP\/1\.1 400 /)
    }
    expect(await (await fetch(url)).text()).toBe('alive')
  })

  it('that break off amid an answer do not put a second answer into the first', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { port } = await start({
      'POST /': async () => {
        await promise
        return text(200, 'first')
      },
    })
    const answer = exchange(port, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n')
    expect(await answer).toBe('')
    resolve()
  })
})

describe('bodies', () => {
  const read: Handle = async (request) => text(200, String((await request.body(1000)).length))
  const readStream: Handle = async (request) => {
    let size = 0
    for await (const part of request.bodyStream(1000)) size += part.length
    return text(200, String(size))
  }

  it('are read whole or as they come, with a length or in chunks', async () => {
    const { url } = await start({ 'POST /body': read, 'POST /stream': readStream, 'PUT /body': read })
    for (const path of ['/body', '/stream']) {
      for (const size of [0, 1, 999, 1000]) {
        const plain = await fetch(`${url}${path}`, { method: 'POST', body: Buffer.alloc(size) })
        expect(await plain.text(), `${path} ${size}`).toBe(String(size))
        const chunked = await fetch(`${url}${path}`, {
          method: 'POST',
          body: new Blob([Buffer.alloc(size)]).stream(),
          duplex: 'half',
        } as RequestInit)
        expect(await chunked.text(), `${path} ${size} chunked`).toBe(String(size))
      }
    }
    expect(await (await fetch(`${url}/body`, { method: 'PUT' })).text()).toBe('0')
  })

  it('arrive unchanged, also large ones', async () => {
    const body = Buffer.alloc(20_000_000)
    for (let at = 0; at < body.length; at += 4) body.writeUInt32BE(at, at)
    const check: Handle = async (request) => text(200, String(Buffer.compare(await request.body(30_000_000), body)))
    const checkStream: Handle = async (request) => {
      let at = 0
      for await (const part of request.bodyStream(30_000_000)) {
        if (Buffer.compare(part, body.subarray(at, at + part.length)) !== 0) return text(200, `differs at ${at}`)
        at += part.length
      }
      return text(200, String(at - body.length))
    }
    const { url } = await start({ 'POST /body': check, 'POST /stream': checkStream })
    for (const path of ['/body', '/stream']) expect(await (await fetch(`${url}${path}`, { method: 'POST', body })).text(), path).toBe('0')
  })

  it('over the limit are 413, and the connection ends', async () => {
    const { port } = await start({ 'POST /body': read, 'POST /stream': readStream })
    const chunk = `${(1001).toString(16)}\r\n${'x'.repeat(1001)}\r\n`
    const sent = ['/body', '/stream'].flatMap((path) => [
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    ])
    for (const answer of await Promise.all(sent.map((request) => exchange(port, request))))
      expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*too-large$/i)
  })

  it('over the limit do not reset the connection of a client that goes on sending', async () => {
    const { port } = await start({ 'POST /body': read, 'POST /stream': readStream })
    for (const path of ['/body', '/stream']) {
      const { answer, error } = await sendOn(port, path, { chunks: 6, chunkBytes: 64 * 1024, pauseMs: 20 })
      expect(error, path).toBeNull()
      expect(answer, path).toMatch(/^HTTP\/1\.1 413 [\s\S]*too-large$/)
    }
  })

  it('that nobody reads do not harm the next request when they are small, and close when they are large', async () => {
    const { port } = await start({ 'POST /ignore': async () => text(200, 'ignored') })
    const sent = (size: number): string => `POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`
    const small = await exchange(port, sent(1000), 'POST /ignore HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(small.match(/ignored/g)).toHaveLength(2)
    const large = await exchange(port, sent(200_000))
    expect(large).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*ignored$/i)
  })

  it('are asked for only when a route wants them', async () => {
    const { port } = await start({ 'POST /body': read, 'POST /ignore': async () => text(200, 'ignored') })
    const head = (path: string, size: number): string =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${size}\r\n\r\n`
    expect(await exchange(port, head('/body', 2000))).toMatch(/^HTTP\/1\.1 413 /)
    expect(await exchange(port, head('/ignore', 100_000))).toMatch(/^HTTP\/1\.1 200 /)
    expect(await exchange(port, head('/body', 5), 'hello')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*5$/)
  })

  it('of clients that leave fail the reader', async () => {
    const failures: unknown[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const noting =
      (handle: Handle): Handle =>
      async (request) => {
        try {
          return await handle(request)
        } catch (error) {
          failures.push(error)
          if (failures.length === 2) resolve()
          throw error
        }
      }
    const errors: object[] = []
    const log = { ...silentLog, error: (facts: object) => errors.push(facts) }
    const { port } = await start({ 'POST /body': noting(read), 'POST /stream': noting(readStream) }, log)
    for (const path of ['/body', '/stream']) {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this`, () =>
          setTimeout(() => socket.destroy(), 20),
        )
      })
    }
    await promise
    for (const error of failures) expect(error).toMatchObject({ code: 'request-invalid', facts: { field: 'body' } })
    expect(errors).toEqual([])
  })
})

/** Posts chunk after chunk and only then reads what the server said, as simple clients do: a reset on the way costs them the answer. */
async function sendOn(
  port: number,
  path: string,
  body: { chunks: number; chunkBytes: number; pauseMs: number },
): Promise<{ answer: string; error: Error | null }> {
  let answer = ''
  let error: Error | null = null
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', (found) => {
    error = found
  })
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`)
  for (let i = 0; i < body.chunks; i++) {
    socket.write(`${body.chunkBytes.toString(16)}\r\n${'x'.repeat(body.chunkBytes)}\r\n`)
    await new Promise((resolve) => setTimeout(resolve, body.pauseMs))
  }
  socket.on('data', (part) => {
    answer += part.toString('latin1')
  })
  socket.end('0\r\n\r\n')
  if (!socket.closed) await once(socket, 'close')
  return { answer, error }
}
