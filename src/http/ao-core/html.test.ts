import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpRig, type Reply } from '../../../test/ao-core-http-rig.ts'
import { toText } from '../../base/bytes.ts'
import { Link, message } from '../../codec/message/value.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const { server, get, post } = httpRig()
const at = async (path: string): Promise<string> => toText((await get(path, BROWSER)).body)
const count = (html: string, pattern: RegExp): number => [...html.matchAll(pattern)].length

describe('a page of a message', () => {
  it('says what it is, how it came about, who signs it, and where it is as JSON', async () => {
    const html = await at('/~meta@1.0/info')
    expect(html).toContain('<title>/~meta@1.0/info · Heddle</title>')
    expect(html).toContain('<h1>/~meta@1.0/info</h1>')
    expect(html).toMatch(/Hashpath <code><a class="value" href="\/[\w-]{43}">/)
    expect(html).toContain('href="/~meta@1.0/info?require-codec=application/json"')
    expect(html).toMatch(new RegExp(`This node</dt><dd><a class="value" href="/${server().address}"`))
    expect(html).toContain('<a href="/~meta@1.0">~meta@1.0</a>')
    expect(JSON.parse(await at('/~meta@1.0/info?require-codec=application/json'))['address']).toBe(server().address)
  })

  it('has its values with their types, ids and URLs as links, and keys that lead on', async () => {
    const id = 'zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs'
    const html = await at(`/~message@1.0&id="${id}"&url="https://a.test/b"&n+integer=7&x+float=2.0&on+atom=true/set`)
    expect(html).toContain(`<a class="value" href="/${id}">${id}</a>`)
    expect(html).toContain('rel="noreferrer nofollow" href="https://a.test/b"')
    expect(html).toMatch(/n<\/a> <small>integer<\/small><\/dt><dd><code>7</)
    expect(html).toMatch(/x<\/a> <small>float<\/small><\/dt><dd><code>2.0</)
    expect(html).toMatch(/on<\/a> <small>atom<\/small><\/dt><dd><code>true</)
  })

  it('shows what is within, also what is only linked to, down to some depth; and lists', async () => {
    const id = await server().store.write(message({ title: 'top', child: { colour: 'red', list: [1, { deep: { er: 'x' } }] } }))
    for (const path of [`/${id}`, `/${id}~message@1.0`]) {
      const html = await at(path)
      expect(html).toContain('<code>red</code>')
      expect(html).toContain(`href="${path}/child/colour"`)
      expect(html).not.toContain('>er<')
    }
    expect(await at(`/${id}/child/colour`)).toBe('red')
  })

  it('clips what is long, and has the whole on demand', async () => {
    const html = toText(
      (await post('/~message@1.0/set', { ...BROWSER, 'content-type': 'application/json' }, JSON.stringify({ long: 'word '.repeat(1_000) })))
        .body,
    )
    expect(html).toMatch(
      /<details><summary><code>word .{0,200}…<\/code> <span class="type">5000 characters<\/span><\/summary><pre tabindex="0">(word ){1000}</,
    )
    const many = JSON.stringify({ list: Array.from({ length: 3_000 }, (_, i) => ({ i, text: 'x'.repeat(3_000) })) })
    const large = await post('/~message@1.0/set', { ...BROWSER, 'content-type': 'application/json' }, many)
    expect([large.status, large.body.length < 3_000_000]).toEqual([200, true])
    expect(toText(large.body)).toContain('and 2950 more')
  })

  it('does without the id of what names a place, and of what it cannot read', async () => {
    const id = await server().store.write(message({ gone: new Link('A'.repeat(43)) }))
    expect(await at(`/${id}`)).toMatch(/gone<\/a> <small>link<\/small><\/dt><dd><a class="value" href="\/A{43}">/)
  })

  it('is none where the reply is a file, a redirect, or was asked for in a codec', async () => {
    const types = await Promise.all([
      get('/~echo@1.0/typed', BROWSER),
      get('/~echo@1.0/nested', { ...BROWSER, 'require-codec': 'httpsig@1.0' }),
      get('/~message@1.0&a=1/a', {}),
    ])
    expect(types.map(({ headers, body }) => [headers['content-security-policy'], toText(body).slice(0, 5)])).not.toContainEqual(['<!doc'])
    const value = await get('/~message@1.0&a=%3Cb%3E/a', BROWSER)
    expect([toText(value.body), value.headers['x-content-type-options'], value.headers['content-type']]).toEqual([
      '<b>',
      'nosniff',
      undefined,
    ])
  })
})

describe('a page of what went wrong', () => {
  it.each<readonly [string, number, RegExp]>([
    ['/~message@1.0&n+integer=x/n', 400, /Failure <code>encoding-invalid<\/code>/],
    ['/~nodevice@1.0/x', 404, /Failure <code>device-unknown<\/code>.*As JSON.*<code>nodevice@1.0<\/code> is not on this node/s],
    ['/~message@1.0/nothing', 404, /Nothing is known by this path.*This was asked of <a href="\/~message@1.0">/s],
    [`/${'B'.repeat(42)}A~message@1.0/x`, 404, /Necessary messages not found/],
  ])('%s', async (path, status, expected) => {
    const reply = await get(path, BROWSER)
    expect([reply.status, reply.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
    expect(toText(reply.body)).toMatch(expected)
    expect(toText(reply.body)).toContain(`Status ${status}`)
  })
})

describe('no page runs anything', () => {
  const tag =
    /^<(?:!doctype html|\/?(?:html|head|meta|title|link|style|body|header|nav|h1|h2|ul|li|a|main|footer|dl|div|dt|dd|small|code|span|p|details|summary|pre|br)(?: (?:lang|charset|name|content|rel|class|type|tabindex|aria-label|href)="[^"]*")*)>$/
  const expectSafe = ({ headers, body }: Reply): void => {
    const html = toText(body)
    if (!html.startsWith('<!doctype')) {
      expect(headers['content-type'] ?? '').not.toContain('html')
      expect(headers['x-content-type-options']).toBe('nosniff')
      return
    }
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data:; base-uri 'none'; form-action 'none'/,
    )
    for (const found of html.match(/<[^>]*>?/g) ?? []) {
      expect(found).toMatch(tag)
      expect(found).not.toMatch(/href="(?!\/(?![/\\])|https?:|data:,")/)
    }
    expect([count(html, /<style>/g), count(html, /<title>/g)]).toEqual([1, 1])
  }
  const hostile = fc
    .array(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"',
        "'",
        '>',
        '</title>',
        '</style>',
        '<img src=x onerror=alert(1)>',
        'javascript:alert(1)',
        '&',
        '\\',
        '//evil.test',
        '\0',
        '\u202e',
        'é',
        ' onmouseover=x ',
        'https://a.test/"x',
        '`',
        '<!--',
        '\ud800',
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((pieces) => pieces.join('').toWellFormed())

  it('whatever keys and values are', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, fc.boolean(), async (key, value, isFile) => {
        const body = JSON.stringify({ [key]: value, in: { [key]: [value] }, ...(isFile && { body: value }) })
        expectSafe(await post('/~message@1.0/set', { ...BROWSER, 'content-type': 'application/json' }, body))
      }),
      { numRuns: 100 },
    )
  })

  it('whatever the path is', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostile,
        fc.constantFrom('/~message@1.0&x=', '/~message@1.0/', '//evil.test/~', '/\\evil.test/~message@1.0/', '/~meta@1.0/info?x='),
        async (text, start) => {
          expectSafe(await get(start + encodeURI(text).replace(/%(22|3C|3E|60|5C)/g, decodeURIComponent), BROWSER))
          expectSafe(await get(start + encodeURIComponent(text), BROWSER))
        },
      ),
      { numRuns: 100 },
    )
  })
})
