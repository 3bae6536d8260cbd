import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decoded, httpRig, JSON_HEADERS, json } from '../../../test/ao-core-http-rig.ts'
import { send } from '../../../test/ao-core-transcripts.ts'
import { concat, toText } from '../../base/bytes.ts'
import { AO_CORE_BODIES_BYTES_MAX, AO_CORE_BODY_BYTES_MAX, AO_CORE_BODY_SMALL_BYTES, AO_CORE_BODY_STALL_MS } from '../../base/limits.ts'
import { bodyParts } from '../../codec/message/body-facts.ts'
import { contentDigest } from '../../codec/message/content-digest.ts'
import { readMultipart } from '../../codec/message/multipart.ts'
import { type Binary, binaryBytes } from '../../codec/message/value.ts'
import { Bodies } from './bodies.ts'

const MULTIPART = 'multipart/form-data; boundary="B"'
const part = (name: string, value: string): string => `--B\r\ncontent-disposition: form-data;name="${name}"\r\n\r\n${value}\r\n`
const large = (size = 200_000): string => `${part('fruit', 'pear')}${part('big', 'z'.repeat(size))}--B--`

/** A request of which the body comes in these pieces. */
function requestOf(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, length?: number) {
  return {
    headers: length === undefined ? {} : { 'content-length': String(length) },
    body: () => Promise.reject(new Error('read whole')),
    async *bodyStream() {
      yield* pieces
    },
  }
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    pieces.push(bytes.slice(at, at + size))
    at += size
  }
  return pieces
}

function outcome(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return String(error)
  }
}

const headersOf = (headers: Readonly<Record<string, string>>): Map<string, Binary> => new Map(Object.entries(headers))
const whole = async (body: Uint8Array): Promise<Uint8Array> => body
const NEVER = new Promise<IteratorResult<Uint8Array>>(() => {})

describe('a large body', () => {
  it('is the same however it is cut, announced or not, and so are its parts', async () => {
    const value = fc.array(fc.constantFrom('\r\n', '--B', '--B--', '\r', 'x'.repeat(3_000), '\0', 'é'), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (values, sizes, isAnnounced) => {
          const text = `${values.map((words, i) => part(`p${i}`, words.join(''))).join('')}${part('last', 'z'.repeat(AO_CORE_BODY_SMALL_BYTES))}--B--`
          const bytes = binaryBytes(text)
          const request = requestOf(cut(bytes, sizes), isAnnounced ? bytes.length : undefined)
          const body = await new Bodies().read(request, headersOf({ 'content-type': MULTIPART, 'content-digest': 'sha-256=:x:' }), whole)
          expect(Buffer.compare(body, bytes)).toBe(0)
          expect(contentDigest(body)).toBe(contentDigest(bytes))
          expect(outcome(() => bodyParts(body, 'B'))).toEqual(outcome(() => readMultipart(bytes, 'B')))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is in memory once: its parts are views of it', async () => {
    const bytes = binaryBytes(large(2_000_000))
    const body = await new Bodies().read(requestOf(cut(bytes, [65_536]), bytes.length), headersOf({ 'content-type': MULTIPART }), whole)
    expect(bodyParts(body, 'B').map((each) => each.body?.buffer === body.buffer)).toEqual([true, true])
  })

  it('counts until it is dealt with, also when that fails', async () => {
    const bodies = new Bodies()
    const bytes = new Uint8Array(100_000)
    const during = await bodies.read(requestOf([bytes], bytes.length), new Map(), async () => bodies.bytes)
    const failing = bodies.read(requestOf([bytes], bytes.length), new Map(), () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect([during, bodies.bytes]).toEqual([100_000, 0])
  })
})

describe('when there is no more room', () => {
  const stalled = (bytes: Uint8Array) => ({
    async *[Symbol.asyncIterator]() {
      yield bytes
      await NEVER
    },
  })

  it('the one that needs more is refused, and there is room again once others are done', async () => {
    const bodies = new Bodies({ bytesMax: 250_000 })
    const bytes = new Uint8Array(200_000)
    const read = (use = whole) => bodies.read(requestOf([bytes], bytes.length), new Map(), use)
    await read(async (body) => {
      await expect(read()).rejects.toMatchObject({ code: 'limit-reached', facts: { max: 250_000 } })
      return body
    })
    expect((await read()).length).toBe(200_000)
  })

  it('one that stands still makes way', async () => {
    let nowMs = 0
    const bodies = new Bodies({ bytesMax: 250_000, now: () => nowMs })
    const bytes = new Uint8Array(200_000)
    const still = bodies.read(requestOf(stalled(bytes), 300_000), new Map(), whole)
    const outcome = expect(still).rejects.toMatchObject({ code: 'limit-reached' })
    await new Promise(setImmediate)
    nowMs = AO_CORE_BODY_STALL_MS
    await expect(bodies.read(requestOf([bytes], bytes.length), new Map(), whole)).rejects.toMatchObject({ code: 'limit-reached' })
    nowMs += 1
    expect((await bodies.read(requestOf([bytes], bytes.length), new Map(), whole)).length).toBe(200_000)
    await outcome
    expect(bodies.bytes).toBe(0)
  })

  it('has room for several of the largest', () => expect(AO_CORE_BODIES_BYTES_MAX).toBeGreaterThanOrEqual(4 * AO_CORE_BODY_BYTES_MAX))
})

describe('over HTTP', () => {
  const { server, get, post } = httpRig()

  it.each<readonly [string, Readonly<Record<string, string>>, string, number, string | undefined]>([
    ['parts', { 'content-type': MULTIPART }, large(), 200, undefined],
    ['no last boundary', { 'content-type': MULTIPART }, large().slice(0, -5), 400, 'encoding-invalid'],
    ['a boundary that is none', { 'content-type': `multipart/form-data; boundary="${'b'.repeat(500)}"` }, large(), 400, 'encoding-invalid'],
    ['another digest', { 'content-type': MULTIPART, 'content-digest': contentDigest(binaryBytes('')) }, large(), 400, 'digest-mismatch'],
    [
      'another digest and no last boundary',
      { 'content-type': MULTIPART, 'content-digest': contentDigest(binaryBytes('')) },
      large().slice(0, -5),
      400,
      'digest-mismatch',
    ],
    ['its digest', { 'content-type': MULTIPART, 'content-digest': contentDigest(binaryBytes(large())) }, large(), 200, undefined],
    ['JSON', { 'content-type': 'application/json' }, JSON.stringify({ fruit: 'pear', big: 'z'.repeat(200_000) }), 200, undefined],
    ['broken JSON', { 'content-type': 'application/json' }, `{"big":"${'z'.repeat(200_000)}`, 400, 'encoding-invalid'],
  ])('%s', async (_what, headers, body, status, failure) => {
    const reply = await post('/~message@1.0/fruit', { ...JSON_HEADERS, ...headers }, body)
    expect([reply.status, reply.headers['failure']]).toEqual([status, failure])
    if (status === 200) expect(json(reply)['body']).toBe('pear')
  })

  it('goes back as it came, from keys of any size', async () => {
    const value = 'é'.repeat(1_000_000)
    const reply = await post('/~message@1.0/big', { 'content-type': 'application/json' }, JSON.stringify({ big: value }))
    expect(toText(reply.body)).toBe(value)
  })

  it('goes back in pieces that are signed as one, with their length', async () => {
    const big = Buffer.alloc(1_500_000, 200)
    const body = Buffer.concat([
      Buffer.from(`${part('fruit', 'a\r\nb')}--B\r\ncontent-disposition: form-data;name="big"\r\n\r\n`),
      big,
      Buffer.from('\r\n--B--'),
    ])
    const reply = await post('/~message@1.0/set', { 'content-type': MULTIPART }, body)
    expect(reply.headers['content-length']).toBe(String(reply.body.length))
    const found = await decoded(reply)
    expect([found.get('fruit'), Buffer.compare(found.get('big') as Uint8Array, big)]).toEqual(['a\r\nb', 0])
    expect(reply.headers['signature-input']).toContain('"content-digest"')
    const head = await send(server().port, {
      method: 'HEAD',
      path: '/~message@1.0/set',
      headers: { 'content-type': MULTIPART },
      body: { b64: body.toString('base64') },
    })
    expect([head.status, head.body.length]).toEqual([200, 0])
  })

  const open = async (head: string): Promise<Socket> => {
    const socket = connect(server().port, '127.0.0.1')
    socket.write(`POST /~message@1.0/fruit HTTP/1.1\r\nHost: a\r\ncontent-type: ${MULTIPART}\r\n${head}\r\n\r\n`)
    await once(socket, 'connect')
    return socket
  }
  const answerOf = async (socket: Socket): Promise<string> => {
    const pieces: Buffer[] = []
    for await (const piece of socket) {
      pieces.push(piece)
      if (concat(pieces).includes(10) && toText(concat(pieces)).includes('\r\n\r\n')) break
    }
    return toText(concat(pieces))
  }

  it('of a client that stalls, or leaves, disturbs nobody', async () => {
    const body = large()
    const sockets = [await open(`content-length: ${body.length}`), await open('transfer-encoding: chunked')]
    sockets[0]!.write(body.slice(0, 150_000))
    sockets[1]!.write(`${(150_000).toString(16)}\r\n${body.slice(0, 150_000)}\r\n`)
    expect(toText((await get('/~message@1.0&a=1/a')).body)).toBe('1')
    expect((await post('/~message@1.0/fruit', { 'content-type': MULTIPART }, body)).status).toBe(200)
    sockets[1]!.destroy()
    sockets[0]!.write(body.slice(150_000))
    expect(await answerOf(sockets[0]!)).toMatch(/^HTTP\/1.1 200 /)
    sockets[0]!.destroy()
  })

  it('that comes in chunks is read like others, up to the limit', async () => {
    const body = large()
    const socket = await open('transfer-encoding: chunked')
    for (let at = 0; at < body.length; at += 50_000) {
      const piece = body.slice(at, at + 50_000)
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
    }
    socket.write('0\r\n\r\n')
    expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 200 /)
    socket.destroy()
    const endless = await open('transfer-encoding: chunked')
    const megabyte = `${(1024 * 1024).toString(16)}\r\n${'z'.repeat(1024 * 1024)}\r\n`
    for (let i = 0; i < 17; i++) endless.write(megabyte)
    expect(await answerOf(endless)).toMatch(/^HTTP\/1.1 413 /)
    endless.destroy()
  })

  it('longer than it was announced costs nobody but its sender', async () => {
    const body = large()
    const socket = await open(`content-length: ${body.length}`)
    socket.write(`${body}garbage`)
    await answerOf(socket)
    socket.destroy()
    expect((await get('/~message@1.0&a=1/a')).status).toBe(200)
  })
})
