import { expect, it } from 'vitest'
import { tagHeaders } from './tag-headers.ts'

function headers(...tags: [string, string][]): object {
  return tagHeaders(tags.map(([name, value]) => ({ name, value })))
}

it('tags that AO gives a meaning are headers', () => {
  expect(headers(['Data-Protocol', 'ao'], ['Type', 'Process'], ['Cron-Interval', '1-minute'], ['Cron-Tag-Action', 'Tick'])).toEqual({
    'data-protocol': 'ao',
    type: 'Process',
    'cron-interval': '1-minute',
    'cron-tag-action': 'Tick',
  })
})

it('others are not, whoever uploads them', () => {
  const names = [
    'Set-Cookie',
    'Location',
    'Content-Type',
    'Content-Length',
    'Access-Control-Allow-Origin',
    'X-Frame-Options',
    'Link',
    '__proto__',
    'Cron-Tag-',
    'Cron-Tag-a b',
  ]
  expect(headers(...names.map((name): [string, string] => [name, 'x']))).toEqual({})
})

it.each(['', ' x', 'x ', 'a\r\nSet-Cookie: b', 'a\nb', 'Grüße', '\0', 'x\x7f'])(
  'values that no header can carry are left out: %j',
  (value) => {
    expect(headers(['Name', value])).toEqual({})
  },
)

it('repeats are one header; what can be one thing only is the one that counts', () => {
  expect(headers(['Authority', 'a'], ['Authority', 'b'])).toEqual({ authority: 'a, b' })
  expect(
    headers(['Data-Protocol', 'foo'], ['Type', 'Bar'], ['Variant', '1'], ['Data-Protocol', 'ao'], ['Type', 'Process'], ['Variant', '2']),
  ).toEqual({
    'data-protocol': 'ao',
    type: 'Process',
    variant: '1',
  })
})
