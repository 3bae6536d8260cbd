import { describe, expect, it } from 'vitest'
import { CHILD, createEcho, OUTCOMES } from '../../../test/ao-core-echo.ts'
import { decoded, httpRig, JSON_HEADERS, json, keysOf, type Reply, STRANGER } from '../../../test/ao-core-http-rig.ts'
import { send } from '../../../test/ao-core-transcripts.ts'
import { toText } from '../../base/bytes.ts'
import { decodeAns104, verifyAns104Commitment } from '../../codec/message/ans104.ts'
import { commit } from '../../codec/message/commit.ts'
import { commitmentsOf } from '../../codec/message/commitment.ts'
import { encodeSignedHttpMessage } from '../../codec/message/http-message.ts'
import { linkId, messageId } from '../../codec/message/id.ts'
import { isMessage, message } from '../../codec/message/value.ts'
import { headerValue } from './headers.ts'

const { server, started, get, post } = httpRig()

describe('a result', () => {
  it('that is no message is the body, typed', async () => {
    const reply = await get('/~message@1.0&n+integer=7/n')
    expect([reply.status, toText(reply.body), reply.headers['ao-types']]).toEqual([200, '7', 'body="integer", status="integer"'])
    expect(keysOf(await decoded(reply))).toEqual({ 'ao-result': 'body', body: 7, status: 200 })
  })

  it('that is a list is a message of its items', async () => {
    expect(keysOf(await decoded(await get('/~echo@1.0/list')))).toEqual({ '1': 'x', '2': 7, status: 200 })
  })

  it('links to its children, which can be read', async () => {
    const reply = await get('/~echo@1.0/nested')
    expect(reply.headers['child+link']).toBe(linkId(CHILD))
    expect(toText((await get(`/${reply.headers['child+link']}/c`)).body)).toBe('d')
    expect(toText((await get(`/${reply.headers['child+link']}/list/2`)).body)).toBe('two')
    expect(toText((await get(`/${reply.headers['list+link']}/2`)).body)).toBe('y')
    expect(json(await get('/~echo@1.0/nested', JSON_HEADERS))).toMatchObject({ a: 'x', 'child+link': linkId(CHILD) })
  })

  it('has them inside when a bundle is asked for, and what its links lead to', async () => {
    const bundle = { 'accept-bundle': 'true' }
    expect(keysOf(await decoded(await get('/~echo@1.0/nested', bundle)))).toMatchObject({ a: 'x', list: [1, 'y'] })
    expect(json(await get('/~echo@1.0/nested', { ...JSON_HEADERS, ...bundle }))).toMatchObject({
      a: 'x',
      child: { c: 'd', list: [1, 'two'] },
      list: [1, 'y'],
    })
    expect(json(await get('/~echo@1.0/link', { ...JSON_HEADERS, ...bundle }))).toMatchObject({ elsewhere: { c: 'd' } })
    expect(json(await get('/~echo@1.0/link?accept-bundle=true', JSON_HEADERS))).toMatchObject({ elsewhere: { c: 'd' } })
  })

  it('comes in the codec that is asked for', async () => {
    const flat = await get('/~echo@1.0/nested', { accept: 'application/flat' })
    expect(toText(flat.body)).toContain('child/c: d\n')
    const item = await get('/~echo@1.0/flat', { 'require-codec': 'ans104@1.0' })
    const opened = decodeAns104(item.body)
    expect([item.headers['content-type'], opened.get('n'), commitmentsOf(opened)[0]?.committer]).toEqual([
      'application/ans104',
      7,
      server().address,
    ])
    expect(await verifyAns104Commitment(opened, commitmentsOf(opened)[0]!)).toBe(true)
    for (const codec of ['application/json', 'json@1.0', 'device/json@1.0', 'application/json@1.0'])
      expect(json(await get('/~echo@1.0/flat', { 'require-codec': codec })), codec).toMatchObject({ a: 'x', n: 7 })
  })

  it('in a codec that is not here is refused', async () => {
    for (const [path, headers] of [
      ['/~echo@1.0/flat', { 'require-codec': 'foo@1.0' }],
      ['/~echo@1.0/flat?require-codec=application/foo', {}],
      ['/~echo@1.0/flat', { 'codec-device': 'foo@1.0' }],
      ['/~echo@1.0/flat', { 'content-type': 'application/foo@2.0' }],
    ] as const) {
      const reply = await get(path, headers)
      expect([reply.status, reply.headers['failure']], path).toEqual([400, 'request-invalid'])
    }
  })

  it('has its plain values as headers also in other codecs, where they can be', async () => {
    const { headers } = await get('/~echo@1.0/strange', JSON_HEADERS)
    expect(headers).toMatchObject({ 'codec-device': 'json@1.0', 'content-type': 'application/json', status: '200' })
    expect(Object.keys(headers)).not.toContain('a b')
    expect((await get('/~echo@1.0/created', JSON_HEADERS)).headers).toMatchObject({ slot: '3', status: '201' })
  })

  it('is valid HTTP whatever its keys and values are', async () => {
    const reply = await get('/~echo@1.0/strange', { 'accept-bundle': 'true' })
    expect(keysOf(await decoded(reply))).toMatchObject({ 'a b': 'x', clé: 'é', lf: 'a\nb', nul: '\0', ' x': ' y ', big: 'x'.repeat(5_000) })
    const linked = await get('/~echo@1.0/strange')
    expect(keysOf(await decoded(linked))).toMatchObject({ lf: 'a\nb', 'content-length': '9', 'transfer-encoding': 'chunked' })
    const many = await get('/~echo@1.0/many')
    expect(Object.keys(many.headers).length).toBeLessThan(500)
    expect((await decoded(many)).get('key-1999')).toBe('x'.repeat(100))
    expect((await get('/~echo@1.0/many', JSON_HEADERS)).status).toBe(200)
  })

  it('never has private keys', async () => {
    for (const headers of [
      {},
      JSON_HEADERS,
      { 'accept-bundle': 'true' },
      { accept: 'application/flat' },
      { accept: 'application/ans104' },
    ]) {
      const reply = await get('/~echo@1.0/secret', headers)
      expect(`${Object.keys(reply.headers).join()} ${toText(reply.body)}`).not.toMatch(/priv|private_key/)
    }
  })

  it('is a page only for those who accept HTML', async () => {
    const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
    const page = await get('/~echo@1.0/nested', browser)
    expect([page.status, page.headers['content-type'], page.headers['a']]).toEqual([200, 'text/html; charset=utf-8', undefined])
    expect(toText(page.body)).toContain(`href="/${linkId(CHILD)}">${linkId(CHILD)}</a>`)
    expect((await get(`/${linkId(CHILD)}`)).status).toBe(200)
    expect((await get('/~echo@1.0/nested', { ...browser, 'accept-bundle': 'true' })).headers['content-type']).toMatch(/^multipart/)
    expect((await get('/~echo@1.0/nested')).body).toHaveLength(0)
    expect((await get('/~echo@1.0/typed', browser)).headers['content-type']).toBe('text/html')
    expect(toText((await get('/~echo@1.0/missing', browser)).body)).toContain('Status 404')
    const script = await get('/~message@1.0&x=%3Cscript%3Ealert(1)%3C%2Fscript%3E/set', browser)
    expect(toText(script.body)).not.toContain('<script>')
  })

  it('with a content type of its own stays as it is', async () => {
    const reply = await get('/~echo@1.0/typed', JSON_HEADERS)
    expect([reply.headers['content-type'], toText(reply.body)]).toEqual(['text/html', '<p>hi'])
  })
})

describe('a status', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['own-status', 418],
    ['text-status', 410],
    ['atom-status', 403],
    ['no-status', 200],
    ['status-word', 200],
    ['empty-status', 204],
    ['atom-error', 200],
    ['created', 201],
    ['error', 400],
    ['missing', 404],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['failure', 500],
    ['unavailable', 503],
    ['nothing', 404],
  ]
  for (const [key, status] of cases)
    it(`of ${key}`, async () => {
      const replies = [await get(`/~echo@1.0/${key}`), await get(`/~echo@1.0/${key}`, JSON_HEADERS)]
      expect(replies.map((reply) => reply.status)).toEqual([status, status])
      if (status !== 204) expect(json(replies[1]!)['status']).toBe(status)
    })
})

describe('signatures of replies', () => {
  it('hold, are made once for the same content, and shared by those who wait', async () => {
    const before = server().signatures()
    const path = '/~message@1.0&a=signed-once/a'
    const replies = await Promise.all(Array.from({ length: 8 }, () => get(path)))
    replies.push(await get(path), await get(path, JSON_HEADERS), await get(path, { 'user-agent': 'other' }))
    expect(server().signatures() - before).toBe(1)
    const commitments = commitmentsOf(await decoded(replies[0]!))
    expect(commitments.map(({ type }) => type).sort()).toEqual(['hmac-sha256', 'rsa-pss-sha512'])
    expect(commitments.find(({ committer }) => committer !== null)?.committer).toBe(server().address)
  })

  it('have labels that every client reads', async () => {
    for (let i = 0; i < 20; i++) {
      const { headers } = await get(`/~message@1.0&a=label-${i}/a`)
      const labels = [...headers['signature-input']!.matchAll(/(comm-[^=]+)=\(/g)].map(([, label]) => label!)
      expect(labels, `reply ${i}`).toHaveLength(2)
      for (const label of labels) expect([label.includes('_'), headers['signature']!.includes(`${label}=:`)], label).toEqual([false, true])
    }
  })

  it('are tagged with the hashpath of a computation', async () => {
    const reply = await get('/~message@1.0&a=1/set&b=2')
    const { value: tagged } = await server().kernel.run([message({ a: '1' }), message({ path: 'set', b: '2' })], {
      signal: new AbortController().signal,
    })
    expect(isMessage(tagged)).toBe(true)
    expect(reply.headers['signature-input']).toMatch(/;tag="[\w-]{43}\/[\w-]{43}"/)
  })

  it('are not made where the operator does not want them', async () => {
    const quiet = await started({ devices: [createEcho(OUTCOMES)], options: message({ force_signed: false }) })
    const reply = await send(quiet.port, { method: 'GET', path: '/~echo@1.0/flat', headers: {} })
    expect([reply.headers['signature'], quiet.signatures()]).toEqual([undefined, 0])
    expect(keysOf(await decoded(reply))).toEqual({ a: 'x', n: 7, status: 200 })
  })

  it('by others stay, and nothing is added to what they signed', async () => {
    const signed = await commit(message({ a: 'x', n: 1 }), STRANGER)
    await server().store.write(signed)
    const found = await decoded(await get(`/${messageId(signed, { committers: 'all' })}`)) // By its unsigned id it is nobody's.
    expect([found.get('a'), found.get('status')]).toEqual(['x', undefined])
    expect(commitmentsOf(found).find(({ committer }) => committer !== null)?.committer).toBe(STRANGER.address)
  })
})

describe('a client of an older dialect', () => {
  const asked = async (dialect: 'g0' | 'g1', path: string): Promise<Reply> => {
    const { headers, body } = await encodeSignedHttpMessage(message({ a: 'x', path }), STRANGER, { dialect })
    return post(path, Object.fromEntries([...headers].map(([name, value]) => [name, headerValue(value)])), body ?? '')
  }

  it('has its one value as the body, not the header `connection` of its own request', async () => {
    const reply = await post('/~message@1.0/set', { connection: 'keep-alive', 'inline-body-key': 'data' }, 'one\ntwo')
    expect([reply.headers['inline-body-key'], toText(reply.body)]).toEqual(['data', 'one\ntwo'])
  })

  it('is verified, and answered as it expects: labels, key ids, messages whole', async () => {
    const g0 = await asked('g0', '/~echo@1.0/nested')
    expect(g0.headers['signature-input']).toMatch(/^http-sig-[0-9a-f]{16}=\(.*keyid="[\w-]{683}"/)
    expect([g0.headers['body-keys'], g0.headers['child+link']]).toEqual([expect.stringContaining('"child"'), undefined])
    expect((await decoded(g0)).get('child')).toEqual(CHILD)
    const g1 = await asked('g1', '/~echo@1.0/nested')
    expect([g1.headers['signature-input'], g1.headers['child+link']]).toEqual([expect.stringMatching(/^sig-/), linkId(CHILD)])
    for (const dialect of ['g0', 'g1'] as const)
      expect(toText((await asked(dialect, '/~message@1.0/committers/1')).body), dialect).toBe(STRANGER.address)
  })

  it('gets the same signature for the same content', async () => {
    const before = server().signatures()
    const replies = [await asked('g0', '/~echo@1.0/flat'), await asked('g0', '/~echo@1.0/flat')]
    expect([replies[0]!.headers['signature'], server().signatures() - before]).toEqual([replies[1]!.headers['signature'], 1])
  })

  it('gets JSON if it asks for that', async () => {
    const form = await encodeSignedHttpMessage(message({ a: 'x', 'require-codec': 'json@1.0' }), STRANGER, { dialect: 'g0' })
    const headers = Object.fromEntries([...form.headers].map(([name, value]) => [name, headerValue(value)]))
    expect(json(await post('/~message@1.0/a', headers, form.body ?? ''))).toMatchObject({ body: 'x' })
  })
})
