import { request as httpRequest, type IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Handle, pieces, start } from '../../test/http-server.ts'
import { HeddleError } from '../base/errors.ts'
import { silentLog } from '../base/log.ts'

describe('streams', () => {
  it('are sent with their length, or in chunks', async () => {
    const { url } = await start({
      'GET /length': async () => ({ status: 200, headers: { 'content-length': 10 }, body: pieces('hello', 'world') }),
      'GET /chunks': async () => ({ status: 200, headers: {}, body: pieces('hello', 'world') }),
      'GET /none': async () => ({ status: 200, headers: { 'content-length': 0 }, body: pieces() }),
    })
    const known = await fetch(`${url}/length`)
    expect([known.headers.get('content-length'), await known.text()]).toEqual(['10', 'helloworld'])
    const chunked = await fetch(`${url}/chunks`)
    expect([chunked.headers.get('transfer-encoding'), await chunked.text()]).toEqual(['chunked', 'helloworld'])
    expect(await (await fetch(`${url}/none`)).text()).toBe('')
  })

  it('that fail at once are shown by the surface', async () => {
    const missing = new HeddleError('not-found', { what: 'blob', id: 'x' }, 'no')
    const { url } = await start({ 'GET /': async () => ({ status: 200, headers: { 'content-length': 5 }, body: pieces(missing) }) })
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([400, 'not-found'])
  })

  it('that fail later, end early or give too much destroy the connection', async () => {
    const errors: { err?: Error }[] = []
    const log = { ...silentLog, error: (facts: object) => errors.push(facts) }
    const stream =
      (length: number | null, ...parts: (string | Error)[]): Handle =>
      async () => ({
        status: 200,
        headers: length === null ? {} : { 'content-length': length },
        body: pieces(...parts),
      })
    const { url } = await start(
      {
        'GET /fails': stream(10, 'hello', new Error('disk')),
        'GET /fails-chunked': stream(null, 'hello', new Error('disk')),
        'GET /short': stream(10, 'hello'),
        'GET /long': stream(6, 'hello', 'world'),
      },
      log,
    )
    for (const path of ['/fails', '/fails-chunked', '/short', '/long']) {
      await expect(
        fetch(`${url}${path}`).then((answer) => answer.text()),
        path,
      ).rejects.toThrow()
    }
    expect(errors.map(({ err }) => err?.message)).toEqual([
      'disk',
      'disk',
      expect.stringContaining('5 of 10'),
      expect.stringContaining('6 bytes'),
    ])
  })

  it('wait for a slow reader, and stop when it leaves', async () => {
    let produced = 0
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          produced += 1
          yield Buffer.alloc(256 * 1024)
        }
      } finally {
        resolve()
      }
    }
    const errors: object[] = []
    const { port } = await start(
      { 'GET /': async () => ({ status: 200, headers: {}, body: endless() }) },
      { ...silentLog, error: (facts) => errors.push(facts) },
    )
    const response = await new Promise<IncomingMessage>((take) =>
      httpRequest({ port, host: '127.0.0.1' }, take)
        .on('error', () => {})
        .end(),
    )
    await new Promise((later) => setTimeout(later, 150))
    const early = produced
    await new Promise((later) => setTimeout(later, 150))
    expect(produced).toBe(early)
    expect(produced).toBeLessThan(200)
    response.destroy()
    await ended
    expect(errors).toEqual([])
  })

  it('carry the bytes through unchanged', async () => {
    const data = Buffer.alloc(3_000_000)
    for (let at = 0; at < data.length; at += 4) data.writeUInt32BE(at, at)
    async function* cut(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < data.length; at += 70_001) yield data.subarray(at, at + 70_001)
    }
    const { url } = await start({ 'GET /': async () => ({ status: 200, headers: { 'content-length': data.length }, body: cut() }) })
    expect(Buffer.compare(Buffer.from(await (await fetch(url)).arrayBuffer()), data)).toBe(0)
  })
})
