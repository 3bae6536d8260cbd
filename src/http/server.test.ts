import { Agent, request as httpRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Handle, start, startSurfaces, surfaceOf } from '../../test/http-server.ts'
import { toText, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { silentLog } from '../base/log.ts'
import { bytes, json, type Request, type Surface, text } from './route.ts'

describe('answers', () => {
  it('sends text, bytes, JSON and nothing, each with its length', async () => {
    const { url } = await start({
      'GET /text': async () => text(200, 'grüß'),
      'GET /bytes': async () => bytes(201, Uint8Array.of(1, 2, 255)),
      'GET /json': async () => json(202, { a: 1 }),
      'GET /empty': async () => ({ status: 404, headers: {}, body: null }),
      'GET /304': async () => ({ status: 304, headers: { etag: '"x"' }, body: null }),
    })
    const answer = await fetch(`${url}/text`)
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '6', 'grüß'])
    const binary = await fetch(`${url}/bytes`)
    expect([binary.status, [...new Uint8Array(await binary.arrayBuffer())]]).toEqual([201, [1, 2, 255]])
    expect(await (await fetch(`${url}/json`)).json()).toEqual({ a: 1 })
    const none = await fetch(`${url}/empty`)
    expect([none.status, none.headers.get('content-length'), await none.text()]).toEqual([404, '0', ''])
    const unchanged = await fetch(`${url}/304`)
    expect([unchanged.status, unchanged.headers.get('content-length'), unchanged.headers.get('etag')]).toEqual([304, null, '"x"'])
  })

  it('HEAD is GET without the body, but with its length; streams are let go', async () => {
    let isClosed = false
    const watched: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: utf8('never asked') }),
        return: async () => {
          isClosed = true
          return { done: true, value: undefined }
        },
      }),
    }
    const { url } = await start({
      'GET /a': async () => text(200, 'four'),
      'GET /stream': async () => ({ status: 200, headers: { 'content-length': 1000 }, body: watched }),
    })
    const answer = await fetch(`${url}/a`, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '4', ''])
    const stream = await fetch(`${url}/stream`, { method: 'HEAD' })
    expect([stream.headers.get('content-length'), await stream.text()]).toEqual(['1000', ''])
    expect(isClosed).toBe(true)
  })

  it('CORS is open on every answer, also on failures', async () => {
    const { url } = await start({
      'GET /a': async () => text(200, 'a'),
      'GET /bug': async () => {
        throw new Error('bug')
      },
    })
    for (const path of ['/a', '/bug', '/nothing']) {
      const { headers } = await fetch(`${url}${path}`)
      expect([headers.get('access-control-allow-origin'), headers.get('access-control-expose-headers')], path).toEqual(['*', '*'])
      expect(headers.get('date'), path).toBeNull()
    }
  })

  it('answers any preflight with 204', async () => {
    const { url } = await start({ 'POST /a': async () => text(200, 'a') })
    const asked = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-paid-by, codec-device' }
    for (const path of ['/a', '/nothing', '/~device@1.0/key']) {
      const { status, headers } = await fetch(`${url}${path}`, { method: 'OPTIONS', headers: { ...asked, origin: 'https://app.example' } })
      expect(status, path).toBe(204)
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-allow-headers')).toBe('x-paid-by, codec-device')
      expect(headers.get('access-control-allow-methods')).toContain('DELETE')
      expect(headers.get('access-control-allow-private-network')).toBe('true')
      expect(Number(headers.get('access-control-max-age'))).toBeGreaterThan(0)
    }
  })

  it('echoes a request id that is one, else makes one', async () => {
    const { url } = await start({ 'GET /': async () => text(200, '') })
    const idFor = async (id?: string): Promise<string | null> =>
      (await fetch(url, { headers: id === undefined ? {} : { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idFor('abc.DEF:1-2_3')).toBe('abc.DEF:1-2_3')
    for (const bad of ['has space', 'x'.repeat(129), '<script>']) expect(await idFor(bad), bad).toMatch(/^[A-Za-z0-9_-]{22}$/)
    const made = await Promise.all(Array.from({ length: 300 }, () => idFor()))
    expect(new Set(made).size).toBe(300)
  })

  it('says what Arweave nodes say where there is no route', async () => {
    const { url } = await start({ 'GET /a': async () => text(200, 'a'), 'GET /null': async () => null })
    for (const [method, path] of [
      ['GET', '/b'],
      ['POST', '/a'],
      ['GET', '/null'],
      ['DELETE', '/'],
    ] as const) {
      const answer = await fetch(`${url}${path}`, { method })
      expect([answer.status, await answer.text()], `${method} ${path}`).toEqual([400, 'Request type not found.'])
    }
  })

  it('tries the next route when one says null, and keeps the body for it', async () => {
    const read = async (request: Request): Promise<string> => toText(await request.body(100))
    const { url } = await startSurfaces([
      surfaceOf('one', {
        'POST /:a': async (request) => {
          expect(await read(request)).toBe('body')
          return null
        },
      }),
      surfaceOf('two', { 'POST /x': async (request) => text(200, `${await read(request)} ${JSON.stringify(request.params)}`) }),
    ])
    const answer = await fetch(`${url}/x`, { method: 'POST', body: 'body' })
    expect(await answer.text()).toBe('body {}')
  })
})

describe('trouble', () => {
  it('a bug is logged in full with the request id, and shown as the surface shows it', async () => {
    const errors: { requestId?: string; err?: Error }[] = []
    const { url } = await start(
      {
        'GET /': async () => {
          throw new TypeError('secret detail')
        },
      },
      { ...silentLog, error: (facts) => errors.push(facts) },
    )
    const answer = await fetch(url, { headers: { 'x-request-id': 'trace-1' } })
    expect([answer.status, await answer.text()]).toEqual([500, 'bug'])
    expect(errors).toMatchObject([{ requestId: 'trace-1', err: { message: 'secret detail' } }])
  })

  it('a failure is shown by the surface of the route that threw, and is no error in the log', async () => {
    const errors: object[] = []
    const bad: Handle = async () => {
      throw new HeddleError('request-invalid', { field: 'x' }, 'x is wrong')
    }
    const { url } = await startSurfaces(
      [surfaceOf('one', { 'GET /a': bad }), { ...surfaceOf('two', { 'GET /b': bad }), failure: () => text(418, 'two') }],
      { ...silentLog, error: (facts) => errors.push(facts) },
    )
    expect((await fetch(`${url}/a`)).status).toBe(400)
    expect((await fetch(`${url}/b`)).status).toBe(418)
    expect(errors).toEqual([])
  })

  it('a surface that cannot show a failure, or a header that cannot be sent, is a plain 500', async () => {
    const throwing: Surface = {
      ...surfaceOf('throwing', {
        'GET /a': async () => {
          throw new Error('first')
        },
      }),
      failure: () => {
        throw new Error('second')
      },
    }
    const { url } = await startSurfaces([throwing, surfaceOf('bad header', { 'GET /b': async () => text(200, '', { 'x-bad': 'a\r\nb' }) })])
    const plain = await fetch(`${url}/a`)
    expect([plain.status, await plain.text()]).toEqual([500, 'Internal Server Error'])
    expect((await fetch(`${url}/b`)).status).toBe(500)
  })

  it('the signal of a request fires when the client leaves, and only then', async () => {
    const signals: AbortSignal[] = []
    const { promise: started, resolve: start1 } = Promise.withResolvers<void>()
    const { promise: aborted, resolve: abort1 } = Promise.withResolvers<void>()
    const { port, url } = await start({
      'GET /done': async ({ signal }) => {
        signals.push(signal)
        return text(200, 'done')
      },
      'GET /wait': async ({ signal }) => {
        signals.push(signal)
        signal.addEventListener('abort', () => abort1())
        start1()
        await aborted
        return text(200, 'nobody is there')
      },
    })
    await (await fetch(`${url}/done`)).text()
    const leaving = httpRequest({ port, host: '127.0.0.1', path: '/wait' }).on('error', () => {})
    leaving.end()
    await started
    leaving.destroy()
    await aborted
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
  })
})

describe('listening and closing', () => {
  it('serves several ports at once', async () => {
    const { server, port } = await start({ 'GET /': async () => text(200, 'same') })
    const second = await server.listen(0, '127.0.0.1')
    expect(second).not.toBe(port)
    for (const of of [port, second]) expect(await (await fetch(`http://127.0.0.1:${of}`)).text()).toBe('same')
  })

  it('says so when the port is taken', async () => {
    const { server, port } = await start({})
    await expect(server.listen(port, '127.0.0.1')).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining(String(port)),
    })
  })

  it('lets requests under way finish, and takes no more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { promise: started, resolve: begin } = Promise.withResolvers<void>()
    const { server, url } = await start({
      'GET /': async () => {
        begin()
        await promise
        return text(200, 'finished')
      },
    })
    const answer = fetch(url)
    await started
    const closed = server.close()
    await expect(fetch(url)).rejects.toThrow()
    resolve()
    const finished = await answer
    expect([finished.headers.get('connection'), await finished.text()]).toEqual(['close', 'finished'])
    await closed
    await expect(server.listen(0, '127.0.0.1')).rejects.toMatchObject({ code: 'stopping' })
  })

  it('does not wait for idle connections, and cuts requests at the deadline', async () => {
    const { server, port } = await start({ 'GET /': async () => text(200, ''), 'GET /never': () => new Promise(() => {}) })
    const agent = new Agent({ keepAlive: true })
    await new Promise((resolve) =>
      httpRequest({ port, host: '127.0.0.1', agent }, (response) => response.resume().on('end', resolve)).end(),
    )
    const cut = new Promise((resolve) => httpRequest({ port, host: '127.0.0.1', path: '/never' }).on('error', resolve).end())
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = performance.now()
    await server.close(200)
    expect(performance.now() - before).toBeLessThan(2000)
    expect(await cut).toMatchObject({ code: 'ECONNRESET' })
    agent.destroy()
  })
})
