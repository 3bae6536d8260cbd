import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpRig, JSON_HEADERS, json, type Reply } from '../../../test/ao-core-http-rig.ts'
import { exchange } from '../../../test/http-server.ts'
import { toText } from '../../base/bytes.ts'
import { AO_CORE_BODY_BYTES_MAX, AO_CORE_HEADERS_MAX } from '../../base/limits.ts'

const ID = 'zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs'
const { server, logged, get, post } = httpRig()

describe('bad input gets a coded 4xx in the form that is asked for', () => {
  const type = { 'content-type': 'application/json' }
  const cases: Readonly<Record<string, readonly [status: number, send: (headers: Record<string, string>) => Promise<Reply>]>> = {
    'broken JSON': [400, (h) => post('/~message@1.0/a', { ...type, ...h }, '{"a":')],
    'JSON that is no UTF-8': [400, (h) => post('/~message@1.0/a', { ...type, ...h }, Uint8Array.of(0x7b, 0xff))],
    'JSON that is a word': [400, (h) => post('/~message@1.0/a', { ...type, ...h }, '"a"')],
    'JSON too deep': [413, (h) => post('/~message@1.0/a', { ...type, ...h }, '{"a":'.repeat(5_000))],
    'commitments that are none': [400, (h) => post('/~message@1.0/a', { ...type, ...h }, '{"commitments":{"x":{"signature":"!"}}}')],
    'flat text that contradicts itself': [400, (h) => post('/~message@1.0/a', { 'codec-device': 'flat@1.0', ...h }, 'a: 1\na/b: 2\n')],
    'no data item': [400, (h) => post('/~message@1.0/a', { 'content-type': 'application/ans104', ...h }, 'nothing of the kind')],
    'no transaction': [400, (h) => post('/~message@1.0/a', { 'codec-device': 'tx@1.0', ...h }, '{}')],
    'half an escape': [400, (h) => get('/~message@1.0/%zz', h)],
    'a segment too long': [413, (h) => get(`/~message@1.0/${'a'.repeat(600)}`, h)],
    'a type that there is none of': [400, (h) => get('/~message@1.0&n+int=1/n', h)],
    'a value that is not of its type': [400, (h) => get('/~message@1.0&n+integer=x/n', h)],
    'a header that is not of its type': [400, (h) => get('/~message@1.0/n', { n: 'x', 'ao-types': 'n="integer"', ...h })],
    'an unknown device': [404, (h) => get('/~nodevice@1.0/x', h)],
    'a signature that cannot be read': [400, (h) => get('/~message@1.0/x', { signature: '(((', 'signature-input': '(((', ...h })],
    'hostile multipart': [
      400,
      (h) => post('/~message@1.0/x', { 'content-type': 'multipart/form-data; boundary=b', ...h }, '--b\r\nno end'),
    ],
    'too many headers': [
      413,
      (h) => get('/~message@1.0/x', { ...Object.fromEntries(Array.from({ length: AO_CORE_HEADERS_MAX }, (_, i) => [`h${i}`, '1'])), ...h }),
    ],
    'a path of brackets': [413, (h) => get(`/${'('.repeat(200)}~${')'.repeat(200)}`, h)],
  }
  for (const [name, [status, act]] of Object.entries(cases))
    it(name, async () => {
      const [plain, asJson, asPage] = [
        await act({}),
        await act({ 'require-codec': 'application/json' }),
        await act({ accept: 'text/html' }),
      ]
      expect([plain.status, asJson.status, asPage.status]).toEqual([status, status, status])
      expect(plain.headers['failure']).toBeTruthy()
      expect(json(asJson)).toMatchObject({
        'ao-result': 'body',
        status,
        failure: plain.headers['failure'],
        body: expect.stringMatching(/.{20}/),
      })
      expect(asPage.headers['content-type']).toMatch(/^text\/html/)
    })

  it('a body beyond the limit', async () => {
    for (const size of [AO_CORE_BODY_BYTES_MAX + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const head = `POST /~message@1.0/a HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nContent-Length: ${size}\r\n\r\n`
      const answer = await exchange(server().port, head)
      expect(answer, `${size} bytes`).toMatch(/^HTTP\/1.1 413 /)
      expect(answer).toContain('"failure":"too-large"')
    }
  })

  it('what is strange but no mistake is taken', async () => {
    expect(toText((await get('/~message@1.0/big', { big: 'x'.repeat(5_000) })).body)).toBe('x'.repeat(5_000))
    expect((await get('/~message@1.0/keys', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`h${i}`, '1'])))).status).toBe(200)
    const types = { 'content-type': 'application/json', ...JSON_HEADERS }
    const posted = await post('/~message@1.0/__proto__/x', types, '{"__proto__":{"x":"own"}}')
    expect(json(posted)['body']).toBe('own')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    expect(toText((await post('/~message@1.0/n', types, '{"n":12345678901234567890}')).body)).toContain('12345678901234567890')
    for (const word of ['abcdefghijklmnopqrstuvwxyz012345', 'a'.repeat(43)])
      expect((await get(`/~message@1.0/${word}`, JSON_HEADERS)).status).toBe(404)
    expect(toText((await post('/~message@1.0/e', types, '{"e":""}')).body)).toContain('"body":""')
    expect(toText((await get('/~message@1.0&lf=a%0Ab/lf')).body)).toBe('a\nb')
    expect((await get('/~message@1.0&lf=a%0Ab/set')).status).toBe(200)
  })

  it('a bug is a bare 500', async () => {
    const reply = await get('/~echo@1.0/bug', JSON_HEADERS)
    expect(reply.status).toBe(500)
    expect(`${JSON.stringify(reply.headers)}${toText(reply.body)}`).not.toMatch(/diagnostic|TypeError|\.ts:/)
    expect(logged.length).toBeGreaterThan(0)
  })

  it('any request gets an answer that is HTTP', async () => {
    const piece = fc.constantFrom(
      '/',
      '~message@1.0',
      '~echo@1.0',
      'request',
      'set',
      'keys',
      'id',
      'verify',
      '&',
      '=',
      '+integer',
      '"',
      '(',
      ')',
      '?',
      '%00',
      '%0d%0a',
      '%',
      'é',
      'a',
      ID,
    )
    const paths = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => `/~${pieces.join('')}`)
    await fc.assert(
      fc.asyncProperty(
        paths,
        fc.constantFrom({}, JSON_HEADERS, { 'accept-bundle': 'true' }, { accept: 'text/html' }),
        async (path, headers) => {
          const { status } = await get(encodeURI(path).replaceAll('%25', '%'), headers)
          expect([200, 302, 400, 404, 413, 429]).toContain(status)
        },
      ),
      { numRuns: 150 },
    )
    expect((await get('/~message@1.0&a=1/a')).status).toBe(200)
  })
})

describe('bodies', () => {
  it('of any bytes in any codec get an answer that is no 500', async () => {
    const type = fc.constantFrom(
      'application/json',
      'application/ans104',
      'application/tx',
      'application/flat',
      'multipart/form-data; boundary=b',
      'text/plain',
    )
    const piece = fc.constantFrom(
      '{',
      '}',
      '"a":',
      '"priv":',
      '1e400',
      '[',
      ']',
      ',',
      '"commitments":{"x":{"signature":"AA"}}',
      '--b',
      '\r\n',
      '--b--',
      'Content-Disposition: form-data; name="a/b"',
      ': ',
      'ao-types: ',
      'a="integer"',
      '\0',
      'é',
    )
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join(''))),
    )
    await fc.assert(
      fc.asyncProperty(type, body, async (contentType, bytes) => {
        const { status, headers } = await post('/~echo@1.0/request', { 'content-type': contentType, ...JSON_HEADERS }, bytes)
        expect([200, 400, 413]).toContain(status)
        if (status !== 200) expect(headers['failure']).toBeTruthy()
      }),
      { numRuns: 300 },
    )
  })
})
