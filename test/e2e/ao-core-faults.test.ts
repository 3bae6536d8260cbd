/** Bad input for AO-Core as real clients and raw sockets send it: 4xx with a code in the form that was asked for, and nothing else is disturbed. */
import { describe, expect, it } from 'vitest'
import { type RawHeaders, rawRequest, type StrictAnswer } from '../strict-http.ts'
import { AS_JSON, badInputRig, refusal, SET, told } from './support/ao-core-faults.ts'

const GET = '/~message@1.0'
/** Longer than 2^53, longer than 64 bits. */
const LARGE = '123456789012345678901234567890'

const { door } = badInputRig()

const text = (answer: StrictAnswer): string => answer.body.toString()

describe('the form of a failure', () => {
  const FAILURES: readonly (readonly [string, string, number, string | undefined])[] = [
    ['an unknown device', '/~nobody@1.0/key', 404, 'device-unknown'],
    ['a value that is not of its type', `${GET}&n+integer=many/n`, 400, 'encoding-invalid'],
    ['a path that is too long', `${GET}&n=${'x'.repeat(600)}/n`, 413, 'too-large'],
    ['a key that is not there', `${GET}&a=1/nothing`, 404, undefined],
  ]
  it.each(FAILURES)('%s', async (_what, target, status, failure) => {
    for (const headers of [AS_JSON, [['require-codec', 'application/json']], [['require-codec', 'json@1.0']]] as RawHeaders[]) {
      const answer = await door.get(target, headers)
      expect([answer.status, told(answer).failure]).toEqual([status, failure])
    }
    const inQuery = await door.get(`${target}?require-codec=application/json`)
    expect([inQuery.status, told(inQuery).failure]).toEqual([status, failure])
    const plain = await door.get(target)
    expect([plain.status, ...['status', 'failure', 'ao-result'].map((name) => plain.headers.get(name))]).toEqual([
      status,
      String(status),
      failure,
      'body',
    ])
    const page = await door.get(target, [['accept', 'text/html,application/xhtml+xml,*/*;q=0.8']])
    expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8'])
    expect(text(page)).toMatch(/^<!doctype html>/)
    for (const answer of [plain, page]) expect(answer.bytes.toString('latin1')).not.toMatch(/\bat \w+ \(|node_modules|\.ts:\d/)
  })
  it('also when the codec that is asked for is not here', async () => {
    for (const codec of ['nobody@1.0', '', 'application/x', '__proto__', 'a'.repeat(5_000)]) {
      const answer = await door.get(`${GET}&a=1/a`, [['require-codec', codec]])
      expect([codec, answer.status]).toEqual([codec, codec === '' ? 200 : 400])
      const posted = await door.post(SET, [['codec-device', codec], ...AS_JSON], 'text')
      expect([codec, refusal(posted)]).toEqual([codec, [400, 'request-invalid']])
    }
  })
})

describe('sizes', () => {
  it('takes headers of 5 KB and of 100 KB', async () => {
    for (const size of [5_000, 100_000]) {
      const value = 'x'.repeat(size)
      expect(text(await door.get(`${GET}/long`, [['long', value]]))).toBe(value)
      const { status, headers, bytes } = await door.get(SET, [['long', value]])
      expect([status, headers.get('long')]).toEqual([200, undefined])
      expect(bytes.indexOf('\r\n\r\n')).toBeLessThan(16 * 1024)
    }
  })
  it('takes 200 headers, and says them in an answer that clients can read', async () => {
    const many: RawHeaders = Array.from({ length: 200 }, (_, i) => [`key-${i}`, `value ${i}`])
    expect(text(await door.get(`${GET}/key-123`, many))).toBe('value 123')
    const answer = await door.get(SET, many)
    expect(answer.bytes.indexOf('\r\n\r\n')).toBeLessThan(16 * 1024)
    expect(JSON.parse(text(await door.get(SET, [...many, ...AS_JSON])))).toMatchObject({ 'key-0': 'value 0', 'key-199': 'value 199' })
  })
  it('refuses more', async () => {
    const headers = (count: number): RawHeaders => Array.from({ length: count }, (_, i) => [`key-${i}`, 'v'])
    expect(refusal(await door.get(`${GET}/key-1`, [...headers(600), ...AS_JSON]))).toEqual([413, 'too-large'])
    expect((await door.get(`${GET}/key-1`, headers(3_000))).status).toBe(431)
    expect((await door.get(`${GET}/long`, [['long', 'x'.repeat(2_000_000)]])).status).toBe(431)
    expect((await door.get(`${GET}&long=${'x'.repeat(70_000)}/long`)).status).toBe(414)
  })
  it('refuses bodies that are too large before it reads them', async () => {
    const answer = await door.send(rawRequest('POST', SET, [['content-length', '40000000'], ...AS_JSON]))
    expect(refusal(answer)).toEqual([413, 'too-large'])
  })
  it('refuses paths of too many steps', async () => {
    expect(refusal(await door.get(`${GET}${'/keys'.repeat(3_000)}`, AS_JSON))).toEqual([413, 'too-large'])
    expect(refusal(await door.get(`${GET}&a=${'('.repeat(3_000)}${')'.repeat(3_000)}/a`, AS_JSON))).toEqual([413, 'too-large'])
    const deep = await door.get(`${GET}&a=${'('.repeat(200)}/x${')'.repeat(200)}/a`, AS_JSON)
    expect(refusal(deep)).toEqual([413, 'too-large'])
  })
})

describe('JSON', () => {
  const nested = (depth: number, [open, close]: readonly [string, string]): string => open.repeat(depth) + 1 + close.repeat(depth)

  it.each<readonly [string, string | Uint8Array, number, string]>([
    ['that ends too soon', '{"a":', 400, 'encoding-invalid'],
    ['with something behind it', '{"a":1} {', 400, 'encoding-invalid'],
    ['that is a word', '5', 400, 'encoding-invalid'],
    ['that is HTML', '<html>', 400, 'encoding-invalid'],
    ['in Latin-1', Buffer.from('{"a":"\xe9"}', 'latin1'), 400, 'encoding-invalid'],
    ['with a number beyond all bounds', '{"a":1e999}', 400, 'encoding-invalid'],
    ['with an integer of 100,000 digits', `{"a":${'9'.repeat(100_000)}}`, 413, 'too-large'],
    ['with lists in 10,000 levels', nested(10_000, ['[', ']']), 413, 'too-large'],
    ['with objects in 10,000 levels', nested(10_000, ['{"a":', '}']), 413, 'too-large'],
    ['with a type that its text does not have', '{"a":"many","ao-types":"a=\\"integer\\""}', 400, 'encoding-invalid'],
    ['with commitments that are none', '{"a":1,"commitments":5}', 400, 'encoding-invalid'],
  ])('%s', async (_what, body, status, failure) => {
    expect(refusal(await door.postJson(body))).toEqual([status, failure])
  })
  it('with large integers keeps every digit', async () => {
    for (const digits of ['9007199254740993', '1234567890123456', LARGE, `-${LARGE}`]) {
      expect(text(await door.post(`${GET}/n`, [['content-type', 'application/json']], `{"n":${digits}}`))).toBe(digits)
      expect(text(await door.postJson(`{"n":${digits}}`))).toContain(`"n":${digits}`)
    }
    expect(text(await door.get(`${GET}&n+integer=${LARGE}/n`))).toBe(LARGE)
  })
  it('with empty and odd keys keeps them as they are', async () => {
    const odd = { '': 'empty', ' ': 'space', 'a\nb': 'line feed', 'a\r\nset-cookie: x': 'header', ключ: 'letters', '+link': 'plus' }
    const { commitments: _, ...kept } = told(await door.postJson(JSON.stringify({ within: odd }), `${SET}?accept-bundle=true`))
    expect(kept['within']).toMatchObject({ 'a\nb': 'line feed', ключ: 'letters' })
  })
})

describe('keys that mean something to JavaScript', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']

  it.each(NAMES)('%s is a key like any other', async (name) => {
    expect(text(await door.get(`${GET}&${name}=x/${name}`))).toBe('x')
    expect(text(await door.get(`${GET}/${name}`, [[name, 'x']]))).toBe('x')
    expect((await door.get(`${GET}&a=1/${name}`)).status).toBe(404)
    expect((await door.get(`/~meta@1.0/info/${name}`)).status).toBe(404)
    for (const target of [`/~${name}@1.0/key`, `/~${name}/key`])
      expect(refusal(await door.get(target, AS_JSON))).toEqual([404, 'device-unknown'])
    for (const device of ['json@1.0', 'meta@1.0', 'structured@1.0']) expect((await door.get(`/~${device}/${name}`)).status).toBe(404)
  })
  it.each(NAMES)('%s in bodies', async (name) => {
    const json = `{"${name}":{"polluted":"yes"},"a":{"${name}":{"polluted":"yes"}}}`
    expect((await door.postJson(json)).status).toBe(200)
    expect(text(await door.post(`${GET}/a/${name}/polluted`, [['content-type', 'application/json']], json))).toBe('yes')
    const parts = `--B\r\ncontent-disposition: form-data;name="${name}"\r\npolluted: yes\r\n--B--`
    expect(text(await door.post(`${GET}/${name}/polluted`, [['content-type', 'multipart/form-data; boundary="B"']], parts))).toBe('yes')
    expect(text(await door.post(`${GET}/${name}/polluted`, [['codec-device', 'flat@1.0']], `${name}/polluted: yes`))).toBe('yes')
    expect((await door.get(SET, [['ao-types', `${name}="integer", a="${name}"`], ['a', '1'], ...AS_JSON])).status).toBe(200)
  })
})

describe('words that look like ids', () => {
  it.each([32, 42, 43])('of %i characters', async (length) => {
    const word = 'a'.repeat(length)
    expect((await door.get(`/${word}/key`, [['accept-bundle', 'true']])).status).toBe(404)
    expect((await door.get(`${GET}/${word}`)).status).toBe(404)
    expect(text(await door.get(`${GET}&${word}=v/${word}`))).toBe('v')
    expect(text(await door.get(`${GET}&k=${word}/k`))).toBe(word)
    expect(text(await door.get(`${GET}/k`, [['k', word]]))).toBe(word)
    expect((await door.get(`${GET}&k+link=${word}/k`)).status).toBe(400)
    expect(told(await door.postJson(`{"${word}":"v","k":"${word}"}`))).toMatchObject({ [word]: 'v', k: word })
  })
  it('that are links to nothing', async () => {
    for (const id of ['A'.repeat(43), 'short', '../../etc/passwd', 'a/b/c', 'priv']) {
      expect(refusal(await door.get(`${GET}/k`, [['k+link', id], ...AS_JSON]))[0]).toBe(404)
      expect((await door.get(SET, [['k+link', id], ['accept-bundle', 'true'], ...AS_JSON])).status).toBe(404)
    }
  })
})

describe('text, and what is none', () => {
  it('takes bytes that are not UTF-8, where a value may be bytes', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x80])
    expect((await door.get(`${GET}/k`, [['k', bytes]])).body).toEqual(bytes)
    expect((await door.get(`${GET}&k=%ff%fe%80/k`)).body).toEqual(bytes)
    expect((await door.post(`${GET}/body`, [], bytes)).body).toEqual(bytes)
    const answer = await door.get(SET, [['k', bytes]])
    expect([answer.status, answer.headers.get('k')]).toEqual([200, undefined])
    expect(answer.body.includes(bytes)).toBe(true)
  })
  it('says bytes in JSON in base64url', async () => {
    const answer = await door.get(SET, [['k', Buffer.from([0xff, 0xfe])], ...AS_JSON])
    expect(told(answer)).toMatchObject({ status: 200, 'ao-types': expect.stringContaining('k="base64url"') })
  })
  it('refuses what is no escape in a path', async () => {
    for (const target of ['%', '%zz', '%e', 'a%'])
      expect(refusal(await door.get(`${GET}&k=${target}/k`, AS_JSON))).toEqual([400, 'encoding-invalid'])
  })
  it('never lets a line feed into a header', async () => {
    const evil = 'a\r\nset-cookie: stolen=1\r\n\r\n<html>'
    const inJson = JSON.stringify({ k: evil, [`x\r\nset-cookie: key`]: 'v' })
    const answers = [
      await door.post(
        SET,
        [
          ['content-type', 'application/json'],
          ['require-codec', 'httpsig@1.0'],
        ],
        inJson,
      ),
      await door.post(
        SET,
        [
          ['content-type', 'application/json'],
          ['require-codec', 'flat@1.0'],
        ],
        inJson,
      ),
      await door.postJson(inJson),
      await door.get(`${SET}?k=${encodeURIComponent(evil)}`),
      await door.get(`${GET}&k=${encodeURIComponent(evil)}/k`),
      await door.get(`${GET}&${encodeURIComponent(evil)}=v/set`),
      await door.get(`/~${encodeURIComponent(evil)}/k`),
      await door.get(`${GET}&k+${encodeURIComponent(evil)}=v/k`),
      await door.get(`${GET}/k`, [
        ['require-codec', 'a'],
        ['access-control-request-headers', 'x'],
      ]),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200, 200, 200, 400, 404, 400, 400])
    for (const { headers, bytes } of answers) {
      expect(headers.get('set-cookie')).toBeUndefined()
      expect(bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1')).not.toMatch(/\n(?!.*:)|[^\r]\n|^<html>/m)
    }
  })
  it('takes empty values of every kind', async () => {
    expect(text(await door.get(`${GET}&k=/k`))).toBe('')
    expect((await door.get(`${GET}/k`, [['k', '']])).status).toBe(200)
    expect(told(await door.postJson('{"k":"","l":[],"m":{}}', `${SET}?accept-bundle=true`))).toMatchObject({ k: '', l: [] })
    expect((await door.postJson('')).status).toBe(200)
    expect((await door.postJson('{}')).status).toBe(200)
    expect((await door.post(SET, [['content-length', '0'], ...AS_JSON], '')).status).toBe(200)
    expect(refusal(await door.get('/~message@1.0?=&&=x&k', AS_JSON))).toEqual([400, 'request-invalid'])
  })
})
