/** What clients, careless and hostile ones, send. */
import { describe, expect, it } from 'vitest'
import { failureText } from '../../../test/ao-core-failures.ts'
import { concat, utf8 } from '../../base/bytes.ts'
import {
  AO_CORE_DEPTH_MAX,
  AO_CORE_HEADER_BYTES_MAX,
  AO_CORE_HEADERS_SENT_MAX,
  AO_CORE_KEY_BYTES_MAX,
  AO_CORE_KEYS_MAX,
  AO_CORE_VALUES_MAX,
} from '../../base/limits.ts'
import { decodeHttpsig, decodeHttpsigParts, encodeHttpsig, encodeHttpsigWire, isLegalHttp } from './httpsig.ts'
import type { Binary, HttpsigForm, Tabm } from './value.ts'

function form(body: string, headers: Readonly<Record<string, string>> = {}): HttpsigForm {
  return { headers: new Map([['content-type', 'multipart/form-data; boundary=B'], ...Object.entries(headers)]), body: utf8(body) }
}

/** A body of parts, each without its boundary. */
function parts(...texts: readonly string[]): string {
  return `${texts.map((text) => `--B\r\n${text}\r\n`).join('')}--B--`
}

function part(name: string, rest: string): string {
  return `content-disposition: form-data;name="${name}"\r\n${rest}`
}

/** As plain objects, in which `__proto__` is a key like any other. */
function plain(tabm: Tabm): unknown {
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, value] of tabm)
    object[key] = value instanceof Map ? plain(value) : typeof value === 'string' ? value : Uint8Array.from(value as Uint8Array)
  return { ...object }
}

describe('headers of HTTP itself', () => {
  const sent = (tabm: Tabm): HttpsigForm => {
    const { headers, body } = encodeHttpsigWire(tabm)
    return { headers: new Map<string, Binary>([...headers, ['connection', 'close'], ['content-encoding', 'gzip']]), body }
  }

  it('give way to keys of that name, which travel in disguise', () => {
    for (const tabm of [
      { connection: 'mine', 'content-encoding': 'br', a: '1' },
      { connection: 'x'.repeat(5000), 'content-encoding': 'two\nlines' },
      { connection: new Map([['a', '1']]), 'content-encoding+link': 'A'.repeat(43) },
    ]) {
      const message: Tabm = new Map<string, Binary | Tabm>(Object.entries(tabm))
      expect(isLegalHttp(encodeHttpsigWire(message))).toBe(true)
      expect(decodeHttpsig(sent(message))).toEqual(message)
    }
  })

  it('are keys where there is no other, as the reference sends them', () => {
    const own = new Map([
      ['a', '1'],
      ['connection', 'close'],
      ['content-encoding', 'gzip'],
    ])
    expect(decodeHttpsig(sent(new Map([['a', '1']])))).toEqual(own)
    const signed = new Map([...own, ['signature-input', 's=("Connection" "a")']])
    expect([...decodeHttpsig({ headers: signed, body: null }).keys()].sort()).toEqual(['Connection', 'a', 'content-encoding'])
  })

  it('are the only ones that do', () => {
    const twice = new Map([
      ['a', '1'],
      ['%61', '2'],
    ])
    expect(failureText(() => decodeHttpsig({ headers: twice, body: null }))).toMatch(/^encoding-invalid: .*twice/)
  })
})

describe('forms of other software', () => {
  it('of a browser: names escaped, files with types', async () => {
    const data = new FormData()
    data.append('a', '1')
    data.append('q"u\r\no', 'l1\nl2')
    data.append('empty', '')
    data.append('m/é', '世界')
    data.append('file', new Blob([Uint8Array.of(0, 255, 13, 10)], { type: 'image/png' }), 'x.png')
    const sent = new Response(data)
    const type = sent.headers.get('content-type') ?? ''
    const decoded = decodeHttpsig({ headers: new Map([['content-type', type]]), body: new Uint8Array(await sent.arrayBuffer()) })
    expect(plain(decoded)).toEqual({ a: '1', 'q"u\r\no': 'l1\r\nl2', empty: '', m: { é: '世界' }, file: Uint8Array.from([0, 255, 13, 10]) })
  })

  it('of Chromium 150, as captured', () => {
    const boundary = '----WebKitFormBoundaryC3wxjChdRC6LHFXd'
    const body = `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}\r\nContent-Disposition: form-data; name="q%22uo%0D%0Ate"\r\n\r\nl1\r\nl2\r\n--${boundary}--\r\n`
    const headers = new Map([['content-type', `multipart/form-data; boundary=${boundary}`]])
    expect(plain(decodeHttpsig({ headers, body: utf8(body) }))).toEqual({ a: '1', 'q"uo\r\nte': 'l1\r\nl2' })
    expect(plain(decodeHttpsig({ headers, body: utf8(`--${boundary}--\r\n`) }))).toEqual({})
  })

  it('of curl -F, as captured', () => {
    const boundary = '------------------------46722377af48d871'
    const body = concat([
      utf8(
        `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="up.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      Uint8Array.of(0, 13, 10, 45, 45, 255),
      utf8(
        `\r\n--${boundary}\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n{"x":1}\r\n--${boundary}--\r\n`,
      ),
    ])
    const headers = new Map([['content-type', `multipart/form-data; boundary=${boundary}`]])
    expect(plain(decodeHttpsig({ headers, body }))).toEqual({ f: Uint8Array.from([0, 13, 10, 45, 45, 255]), j: '{"x":1}' })
  })

  it('with lines that end in LF, a preamble and an epilogue', () => {
    const body = 'This is MIME.\n--B\ncontent-disposition: form-data; name="a"\n\n1\n--B\ncontent-disposition: inline\nk: v\n--B--\nbye'
    expect(plain(decodeHttpsig(form(body)))).toEqual({ a: '1', body: { k: 'v' } })
  })

  it('of June 2025: ids in a header of their own', () => {
    const headers = new Map([['ao-ids', `${'Aa'.repeat(21)}B="x", ${'Cc'.repeat(21)}D="y\\"z"`]])
    expect(plain(decodeHttpsig({ headers, body: null }))).toEqual({ [`${'Aa'.repeat(21)}B`]: 'x', [`${'Cc'.repeat(21)}D`]: 'y"z' })
  })
})

describe('keys', () => {
  it('such as __proto__ are keys like any other', () => {
    const decoded = decodeHttpsig(form(parts(part('__proto__/polluted', 'yes: 1'), part('constructor', '\r\nx')), { '%5f_proto__x': 'h' }))
    expect(plain(decoded)).toEqual({ ['__proto__']: { polluted: { yes: '1' } }, constructor: 'x', __proto__x: 'h' })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('are in the body in this order', () => {
    const { bodyKeys } = decodeHttpsigParts(
      form(parts(part('b/x', 'k: v'), part('a', '\r\n1'), part('b/y', 'k: v'), 'content-disposition: inline\r\n\r\nz')),
    )
    expect(bodyKeys).toEqual(['b', 'a', 'body'])
    expect(decodeHttpsigParts({ headers: new Map([['ao-body-key', 'data']]), body: utf8('x') }).bodyKeys).toEqual(['data'])
    expect(decodeHttpsigParts({ headers: new Map([['inline-body-key', 'u']]), body: utf8('x') }).bodyKeys).toEqual(['u'])
    expect(decodeHttpsigParts({ headers: new Map(), body: null }).bodyKeys).toEqual([])
  })

  it('that are private never come in, however they are written', () => {
    const headers = { priv: '1', 'priv-x': '2', '%70rivate': '3', 'ao-ids': 'priv="4"', k: 'v' }
    const decoded = decodeHttpsigParts(
      form(parts(part('priv/a', 'x: 1'), part('a/priv/b', 'x: 1'), part('p', 'priv-k: 1\r\nk: v'), part('%70riv', '\r\n1')), headers),
    )
    expect(plain(decoded.tabm)).toEqual({ k: 'v', a: {}, p: { k: 'v' } })
    expect(decoded.bodyKeys).toEqual(['a', 'p'])
    const inline = decodeHttpsigParts({ headers: new Map([['inline-body-key', 'priv-b']]), body: utf8('x') })
    expect([inline.tabm.size, inline.bodyKeys.length]).toEqual([0, 0])
  })

  it('that are private never go out', () => {
    const tabm: Tabm = new Map<string, Binary | Tabm>([
      ['priv', '1'],
      [
        'a',
        new Map<string, Binary | Tabm>([
          ['priv-x', '2'],
          ['k', 'v'],
          ['private', new Map([['x', '1']])],
        ]),
      ],
    ])
    for (const encoded of [encodeHttpsig(tabm), encodeHttpsigWire(tabm)]) expect(plain(decodeHttpsig(encoded))).toEqual({ a: { k: 'v' } })
  })

  it('get back the case that they were signed in', () => {
    const headers = new Map([
      ['action', 'Eval'],
      ['other', 'x'],
      ['signature-input', 'sig=("Action" "@path" "missing");keyid="Other"'],
    ])
    expect(plain(decodeHttpsig({ headers, body: null }))).toEqual({ Action: 'Eval', other: 'x' })
  })
})

describe('what is there twice fails', () => {
  it.each([
    ['a part', form(parts(part('a', '\r\n1'), part('a', '\r\n2')))],
    ['a part of lines', form(parts(part('a', 'x: 1'), part('a', 'y: 2')))],
    ['a part by another spelling', form(parts(part('a', '\r\n1'), part('%61', '\r\n2')))],
    ['a part with another slash', form(parts(part('a/b', 'x: 1'), part('a//b', 'x: 2')))],
    ['the inline part', form(parts('content-disposition: inline\r\n\r\n1', part('body', '\r\n2')))],
    ['a line', form(parts(part('a', 'x: 1\r\nx: 2')))],
    ['a line and a part', form(parts(part('a', 'x: 1'), part('a/x', '\r\n2')))],
    ['the body of a part and a line', form(parts(part('a', 'body: 1\r\n\r\n2')))],
    ['a header and a part', form(parts(part('a', '\r\n2')), { a: '1' })],
    ['a header and parts below it', form(parts(part('a/b', 'x: 2')), { a: '1' })],
    ['a value and messages below it', form(parts(part('a', '\r\n1'), part('a/b', 'x: 2')))],
    ['a header by another spelling', form(parts(), { a: '1', '%61': '2' })],
    ['a header and an id', form(parts(), { a: '1', 'ao-ids': 'a="2"' })],
    ['a value and a link', form(parts(), { a: '1', 'a+link': 'x'.repeat(43) })],
    ['a message and a link', form(parts(part('a/b', 'x: 1'), part('a', `b+link: ${'x'.repeat(43)}`)))],
    ['a value, and a link in the case that was signed', form(parts(), { A: '1', 'a+link': 'x', 'signature-input': 'sig=("A+link")' })],
    ['a header and the body', { headers: new Map([['body', '1']]), body: utf8('2') }],
  ])('%s', (_name, twice) => {
    expect(failureText(() => decodeHttpsig(twice))).toMatch(/^encoding-invalid: .*(is there twice|both a value and a (message|link))/)
  })
})

describe('bounds', () => {
  it.each([
    [
      'depth of names',
      form(
        parts(
          part(
            Array(AO_CORE_DEPTH_MAX + 2)
              .fill('a')
              .join('/'),
            'x: 1',
          ),
        ),
      ),
    ],
    ['slashes', form(parts(part('/'.repeat(1_000_000), 'x: 1')))],
    ['bytes of a key', form(parts(part('a'.repeat(AO_CORE_KEY_BYTES_MAX + 1), 'x: 1')))],
    ['bytes of a key in a line', form(parts(part('a', `${'é'.repeat(AO_CORE_KEY_BYTES_MAX / 2 + 1)}: 1`)))],
    [
      'keys of a message',
      form(
        parts(
          ...Array.from({ length: 2 }, (_, i) => part(`a/${i}`, lines(AO_CORE_KEYS_MAX / 2, `${i}-`))),
          part('a', lines(AO_CORE_KEYS_MAX - 1, 'k')),
        ),
      ),
    ],
    ['values in all', form(parts(...Array.from({ length: AO_CORE_VALUES_MAX / 5000 + 1 }, (_, i) => part(`a${i}`, lines(5000, 'k')))))],
    [
      'values in all, by names alone',
      form(parts(...Array.from({ length: 5000 }, (_, i) => part(`${i}/${Array(60).fill('a').join('/')}`, '\r\n1')))),
    ],
  ])('%s', (_name, large) => {
    expect(failureText(() => decodeHttpsig(large))).toMatch(/^too-large: /)
  })

  it('of depth when writing', () => {
    let tabm: Tabm = new Map([['k', 'v']])
    for (let i = 0; i < AO_CORE_DEPTH_MAX + 1; i++) tabm = new Map([['a', tabm]])
    expect(failureText(() => encodeHttpsig(tabm))).toMatch(/^too-large: /)
    expect(failureText(() => encodeHttpsigWire(tabm))).toMatch(/^too-large: /)
  })
})

function lines(count: number, prefix: string): string {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}: x`).join('\r\n')
}

describe('parts without a name fail', () => {
  it.each([
    ['no disposition', 'k: v'],
    ['no name', 'content-disposition: form-data\r\nk: v'],
    ['an empty name', 'content-disposition: form-data;name=""\r\nk: v'],
    ['a name of slashes', 'content-disposition: form-data;name="//"\r\nk: v'],
    ['a parameter that is none', 'content-disposition: form-data;name\r\nk: v'],
  ])('%s', (_name, text) => {
    expect(failureText(() => decodeHttpsig(form(parts(text))))).toMatch(/^encoding-invalid: /)
  })
})

describe('what HTTP cannot carry', () => {
  it('is the reference form of these, and the one for HTTP reads the same', () => {
    const tabms: Tabm[] = [
      new Map([['a', 'x\r\ninjected: 1']]),
      new Map([['a', 'é']]),
      new Map([['a', ' x']]),
      new Map<string, Binary>([['a', Uint8Array.of(0, 255)]]),
      new Map([['a\r\nb', 'x']]),
      new Map([['a b', 'x']]),
      new Map([['', 'x']]),
      new Map([['clé', 'x']]),
      new Map([['connection', 'close']]),
      new Map([['Content-Length', '5']]),
      new Map([['transfer-encoding', 'chunked']]),
      new Map([
        ['A', '1'],
        ['a', '2'],
      ]),
    ]
    for (const tabm of tabms) {
      expect([...tabm.keys(), isLegalHttp(encodeHttpsig(tabm))]).toEqual([...tabm.keys(), false])
      const sent = encodeHttpsigWire(tabm)
      expect(isLegalHttp(sent)).toBe(true)
      expect(plain(decodeHttpsig(sent))).toEqual(plain(tabm))
      expect(() => new Headers([...sent.headers].map(([name, value]) => [name, value as string]))).not.toThrow()
    }
  })

  it('is more than so many headers, or bytes of them', () => {
    const many: Tabm = new Map(Array.from({ length: AO_CORE_HEADERS_SENT_MAX + 100 }, (_, i) => [`k${i}`, `v${i}`]))
    const large: Tabm = new Map(Array.from({ length: 50 }, (_, i) => [`k${i}`, 'x'.repeat(4000)]))
    for (const tabm of [many, large]) {
      const sent = encodeHttpsigWire(tabm)
      const bytes = [...sent.headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
      expect(bytes).toBeLessThanOrEqual(AO_CORE_HEADER_BYTES_MAX + 1000)
      expect(sent.headers.size).toBeLessThanOrEqual(AO_CORE_HEADERS_SENT_MAX + 2)
      expect(plain(decodeHttpsig(sent))).toEqual(plain(tabm))
    }
  })

  it('is the type of a body beside other values', () => {
    const tabm: Tabm = new Map<string, Binary | Tabm>([
      ['content-type', 'text/html'],
      ['body', '<p>'],
      ['m', new Map([['k', 'v']])],
    ])
    expect(plain(decodeHttpsig(encodeHttpsigWire(tabm)))).toEqual(plain(tabm))
    const form: Tabm = new Map([
      ['content-type', 'multipart/form-data; boundary="x"'],
      ['body', 'not multipart'],
    ])
    expect(plain(decodeHttpsig(encodeHttpsigWire(form)))).toEqual(plain(form))
    const page: Tabm = new Map([
      ['content-type', 'text/html'],
      ['body', '<p>'],
    ])
    expect(encodeHttpsigWire(page).headers.get('content-type')).toBe('text/html')
  })
})
