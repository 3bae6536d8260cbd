/** Bodies for AO-Core that are hostile: multipart, items, flat text, links in circles, and requests that are hardly HTTP. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { encodeSignedHttpMessage, message, messageSigner, type Plain } from '../../src/codec/index.ts'
import { rawRequest } from '../strict-http.ts'
import { AS_JSON, badInputRig, refusal, SET, told } from './support/ao-core-faults.ts'
import { devWallet } from './wallets.ts'

const operator = messageSigner(devWallet('dave'))
const SLOW_MS = 5_000

const { door, url } = badInputRig()

const named = (name: string, value = 'v', more = ''): string =>
  `--B\r\ncontent-disposition: form-data;name="${name}"\r\n${more}\r\n${value}\r\n`
const many = (count: number, part: (i: number) => string): string => Array.from({ length: count }, (_, i) => part(i)).join('')

describe('multipart', () => {
  const send = (body: string, target = SET, type = 'multipart/form-data; boundary="B"') =>
    door.post(target, [['content-type', type], ...AS_JSON], body)

  it.each<readonly [string, string, number, string]>([
    ['without a boundary in it', 'nothing', 400, 'encoding-invalid'],
    ['without its last boundary', named('a'), 400, 'encoding-invalid'],
    ['with a part without a name', '--B\r\ncontent-disposition: form-data\r\n\r\nv\r\n--B--', 400, 'encoding-invalid'],
    ['with an empty name', `${named('')}--B--`, 400, 'encoding-invalid'],
    ['with a line that is no header', '--B\r\nno colon\r\n\r\nv\r\n--B--', 400, 'encoding-invalid'],
    ['with a part twice', `${named('a')}${named('a', 'w')}--B--`, 400, 'encoding-invalid'],
    ['with a part that is both a value and a message', `${named('a')}${named('a/b')}--B--`, 400, 'encoding-invalid'],
    ['with a part in 500 levels', `${named('a/'.repeat(500))}--B--`, 413, 'too-large'],
    ['with 20,000 parts', `${many(20_000, (i) => named(`a${i}`))}--B--`, 413, 'too-large'],
    ['with 100,000 boundaries', `${'--B\r\n'.repeat(100_000)}--B--`, 413, 'too-large'],
    ['with 50,000 header lines', `${named('a', 'v', 'x: y\r\n'.repeat(50_000))}--B--`, 413, 'too-large'],
    ['with a commitment that is none', `${named('commitments/x', 'v', 'signature: (\r\n')}--B--`, 400, 'encoding-invalid'],
  ])('%s', async (_what, body, status, failure) => {
    const startMs = performance.now()
    expect(refusal(await send(body))).toEqual([status, failure])
    expect(performance.now() - startMs).toBeLessThan(SLOW_MS)
  })
  it.each([
    'multipart/form-data; boundary=""',
    `multipart/form-data; boundary="${'b'.repeat(500)}"`,
    'multipart/form-data; boundary="a\tb"',
  ])('with the type %s', async (type) => {
    expect(refusal(await send('--B--', SET, type))).toEqual([400, 'encoding-invalid'])
  })
  it('with boundaries that look like others', async () => {
    const value = '--B-\r\n--Bx\r\n-- B\r\n\r\n--b--'
    const { body } = told(await send(`${named('a', value)}--B--`, '/~message@1.0/a'))
    expect(body).toBe(value)
  })
  it('with large parts, and with boundaries that almost match all along, takes no long time', async () => {
    const startMs = performance.now()
    const value = '\r\n--A'.repeat(500_000)
    expect((await send(`${named('a', value)}--B--`, '/~message@1.0/a')).status).toBe(200)
    expect((await send(`${named('a', '\r'.repeat(2_000_000))}--B--`, '/~message@1.0/b')).status).toBe(404)
    expect(performance.now() - startMs).toBeLessThan(2 * SLOW_MS)
  })
  it('as browsers and curl send it', async () => {
    const form =
      '--B\r\nContent-Disposition: form-data; name="fruit"\r\n\r\npear\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nline\r\n--B--\r\n'
    expect(told(await send(form, '/~message@1.0/fruit', 'multipart/form-data; boundary=B')).body).toBe('pear')
    const data = new FormData()
    data.set('fruit', 'plum')
    const response = await fetch(`${url()}/~message@1.0/fruit`, { method: 'POST', body: data })
    expect(await response.text()).toBe('plum')
  })
})

describe('other bodies', () => {
  it.each<readonly [string, string, string, number, string]>([
    ['an item of nothing', 'ans104@1.0', '', 400, 'encoding-invalid'],
    ['an item of noise', 'ans104@1.0', 'x'.repeat(2_000), 400, 'encoding-invalid'],
    ['an item of an unknown kind', 'ans104@1.0', `\x63\0${'x'.repeat(2_000)}`, 400, 'encoding-invalid'],
    ['a transaction of nothing', 'tx@1.0', '{}', 400, 'request-invalid'],
    ['a transaction that is no JSON', 'tx@1.0', '{', 400, 'encoding-invalid'],
    ['flat text with a value that is a message too', 'flat@1.0', 'a: 1\na/b: 2', 400, 'encoding-invalid'],
    ['flat text in 1,000 levels', 'flat@1.0', `${'a/'.repeat(1_000)}b: 1`, 413, 'too-large'],
  ])('%s', async (_what, codec, body, status, failure) => {
    expect(refusal(await door.post(SET, [['codec-device', codec], ...AS_JSON], Buffer.from(body, 'latin1')))).toEqual([status, failure])
  })
})

describe('keys that nobody is to see', () => {
  const names = ['priv', 'private', 'priv_key', 'priv-wallet']
  const secret = 'nobody-sees-this'

  it.each(names)('%s neither enters nor leaves', async (name) => {
    const inJson = JSON.stringify({ [name]: secret, within: { [name]: secret, fruit: 'pear' }, list: [{ [name]: secret }] })
    const answers = [
      await door.get(`/~message@1.0&${name}=${secret}/${name}`),
      await door.get(`/~message@1.0&${name}=${secret}/set`),
      await door.get(`/~message@1.0&${name}=${secret}/keys`, AS_JSON),
      await door.get(`${SET}?${name}=${secret}&0.${name}=${secret}&1.${name}=${secret}`, AS_JSON),
      await door.get(SET, [[name, secret], ...AS_JSON]),
      await door.postJson(inJson, `${SET}?accept-bundle=true`),
      await door.postJson(inJson, `/~json@1.0/serialize`),
      await door.postJson(inJson, `/~message@1.0/within/${name}`),
      await door.post(SET, [['codec-device', 'flat@1.0'], ...AS_JSON], `${name}: ${secret}\nwithin/${name}: ${secret}`),
      await door.post(
        SET,
        [['content-type', 'multipart/form-data; boundary="B"'], ...AS_JSON],
        `${named(name, secret)}${named(`within/${name}`, secret)}--B--`,
      ),
      await door.postForm(SET, await encodeSignedHttpMessage(message({ fruit: 'pear', [name]: secret }), operator, { bundle: true })),
      await door.get(`/~meta@1.0/info/${name}`, AS_JSON),
      await door.get(`/~message@1.0/set/${name}`, [[name, secret]]),
    ]
    for (const { bytes } of answers) expect(bytes.includes(secret)).toBe(false)
    expect(answers.map(({ status }) => status)).toEqual([404, 200, 200, 200, 200, 200, 200, 404, 200, 200, 200, 404, 404])
  })
  it('cookies and authorization stay with the node, too', async () => {
    for (const name of ['cookie', 'authorization']) {
      const answers = [await door.get(SET, [[name, secret], ...AS_JSON]), await door.get(`/~message@1.0/${name}`, [[name, secret]])]
      for (const { bytes } of answers) expect(bytes.includes(secret)).toBe(false)
    }
  })
})

describe('links in circles', () => {
  const asOperator = async (path: string, fields: Readonly<Record<string, Plain>>) =>
    door.postForm(path, await encodeSignedHttpMessage(message(fields), operator, { bundle: true }))

  it('of places that lead to each other are not followed for ever', async () => {
    const { path } = told(await asOperator('/~cache@1.0/write', { body: 'text' }))
    const link = async (source: string, destination: string) => (await asOperator('/~cache@1.0/link', { source, destination })).status
    expect([await link(path as string, 'circle/one'), await link('circle/one', 'circle/two')]).toEqual([200, 200])
    expect([await link('circle/two', 'circle/one'), await link('circle/one', 'circle/one')]).toEqual([200, 200])
    const read = async (place: string) => told(await door.get(`/~cache@1.0/read?target=${place}`, AS_JSON))
    for (const place of ['circle/one', 'circle/two']) expect(await read(place)).toMatchObject({ status: 200, body: 'text' })
    expect(await read('circle/one/circle/one/circle/two')).toMatchObject({ status: 404 })
  })
  it('of computations end', async () => {
    for (const target of ['/~message@1.0&a=(/~message@1.0/a)/a', '/~message@1.0&a=(/~message@1.0&a=(/~message@1.0/a)/a)/a']) {
      const { status } = await door.get(target, AS_JSON)
      expect([target, status]).toEqual([target, 404])
    }
  })
})

describe('what is hardly HTTP', () => {
  it.each<readonly [string, string, number]>([
    ['a request line that is none', 'HELLO\r\n\r\n', 400],
    ['a header without a colon', 'GET /~message@1.0/a HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n', 400],
    ['a line feed in a name', 'GET /~message@1.0/a HTTP/1.1\r\nhost: x\r\na\nb: c\r\n\r\n', 400],
    ['a null in a value', 'GET /~message@1.0/a HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n', 400],
    ['a length that is none', 'POST /~message@1.0/a HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n', 400],
    ['two lengths', 'POST /~message@1.0/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST /~message@1.0/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s', async (_what, bytes, status) => {
    expect((await door.send(Buffer.from(bytes, 'latin1'))).status).toBe(status)
  })
  it('chunks that are none end the connection', async () => {
    const head = rawRequest('POST', SET, [['transfer-encoding', 'chunked']])
    await expect(door.send(Buffer.concat([head, Buffer.from('zz\r\n')]))).rejects.toThrow('no answer, or none')
  })
  it('a body that stops in the middle holds nobody else up', async () => {
    const socket = connect(Number(new URL(url()).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(rawRequest('POST', SET, [['content-length', '1000']], Buffer.from('only this')))
    expect((await door.get('/~message@1.0&a=1/a')).body.toString()).toBe('1')
    socket.destroy()
  })
  it('a hundred bad requests at once disturb no good one', async () => {
    const bad = Array.from({ length: 100 }, (_, i) => door.postJson(i % 2 === 0 ? '{"a":' : '['.repeat(5_000)))
    const good = Array.from({ length: 20 }, (_, i) => door.get(`/~message@1.0&n=${i}/n`))
    expect((await Promise.all(good)).map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
    for (const answer of await Promise.all(bad)) expect([400, 413]).toContain(answer.status)
  })
})
