import { describe, expect, it } from 'vitest'
import { GuestFault } from '../guest.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'
import { incomingOf, replyOfFields, replyOfJson, splitFields } from './js-values.ts'

const noBytes = (): null => null
const HEAD = ['printed', 'name> ', 'print']

describe('messages', () => {
  const message = {
    Id: 'i',
    From: 'f',
    Owner: 'o',
    Target: 't',
    Data: 'd',
    Timestamp: 5,
    'Block-Height': 7,
    Tags: [{ name: 'a', value: 'b' }],
  }

  it('are fields when they have the usual ones', () => {
    expect(incomingOf(encodeValue({ ...message, Nonce: 3 }), false)).toEqual({
      kind: 'fields',
      text: 'i\0f\0o\0t\0d\x005\x007\0a\0b',
      beside: '{"Nonce":3}',
      bytes: [],
      timestampMs: 5,
    })
    expect(incomingOf(encodeValue({ ...message, Data: new Uint8Array([255]) }), false)).toMatchObject({
      kind: 'fields',
      bytes: [new Uint8Array([255])],
    })
  })

  it.each([
    ['a NUL', { Data: 'a\0' }],
    ['no id', { Id: undefined }],
    ['other bytes', { Anchor: new Uint8Array([255]) }],
    ['bytes in a tag', { Tags: [{ name: 'a', value: new Uint8Array([255]) }] }],
    ['a NUL in a tag', { Tags: [{ name: 'a\0', value: '' }] }],
    ['a timestamp that is text', { Timestamp: '5' }],
    ['no tags', { Tags: undefined }],
  ])('are JSON with %s', (_, change) => {
    const { kind, text } = incomingOf(encodeValue({ ...message, ...change }), false)
    expect(kind).toBe('json')
    expect(JSON.parse(text)).toMatchObject({ From: 'f' })
  })
})

describe('replies', () => {
  it('come from fields', () => {
    const fields = [...HEAD, 'm', 't', 'd', 'a', '1', 'n', 'v', 'm-n', '', '', '', '0', 'sb', '', '0', 'x', '0', 'a', '{"Processes":[]}']
    const text = `=${fields.length}\0${fields.join('\0')}`
    const { values, isError } = replyOfFields(splitFields(text) ?? [], () => new Uint8Array([200]))
    const reader = new ValueReader(values)
    expect([reader.value(), reader.value(), reader.value(), reader.value(), reader.value(), isError]).toEqual([
      { data: 'printed', prompt: 'name> ', print: true },
      [
        { Target: 't', Data: 'd', Anchor: 'a', Tags: [{ name: 'n', value: 'v' }] },
        { Anchor: '', Tags: [] },
      ],
      [{ Data: new Uint8Array([200]), Anchor: 'x', Tags: [] }],
      [{ Processes: [] }],
      null,
      false,
    ])
    expect(splitFields(`${text}\0`)).toBe(null)
  })

  it.each([
    ['a count beyond the fields', [...HEAD, 'm', 't', 'd', 'a', '1000000000']],
    ['a count that is none', [...HEAD, 'm', 't', 'd', 'a', 'x']],
    ['a negative count', [...HEAD, 'm', 't', 'd', 'a', '-1']],
    ['an unknown mark', [...HEAD, 'q', 't', 'd', 'a', '0']],
    ['an assignment that is not JSON', [...HEAD, 'a', '{']],
  ])('are refused with %s', (_, fields) => {
    expect(() => replyOfFields(fields, noBytes)).toThrow(GuestFault)
  })

  it.each(['{', '{"Bytes":1,', '{]'])('are refused as the JSON %s', (json) => {
    expect(() => replyOfJson(json, noBytes)).toThrow(/malformed/)
  })
})
