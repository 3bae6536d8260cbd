import { describe, expect, it } from 'vitest'
import { encodeValue } from '../value-codec.ts'
import { transcodeMessage } from './js-message.ts'
import { incomingOf } from './js-values.ts'

const MESSAGE = {
  ...{ Id: 'i', Signature: 's'.repeat(683), Data: 'Grüße 🌍', Owner: 'o', Target: 't', Anchor: null, From: 'f' },
  Tags: [
    { name: 'Action', value: 'Ä' },
    { name: '', value: 'x'.repeat(5000) },
  ],
  ...{ Epoch: 0, Nonce: -3, Timestamp: 1_700_000_000_000, 'Block-Height': 7, 'Hash-Chain': '"\n\0', Cron: false, 'Read-Only': true },
}

function longer(message: object): object {
  const { kind, text, beside, timestampMs } = incomingOf(encodeValue(message), false)
  return { kind, text, beside, timestampMs }
}

describe('a message straight to text', () => {
  it.each([
    ['usual', {}],
    ['without tags', { Tags: [] }],
    ['empty', { Id: '', From: '', Owner: '', Target: '', Data: '' }],
    ['with much data', { Data: 'é'.repeat(200_000) }],
    ['with other fields', { Big: 2n ** 62n, 'Odd "name"': 'x', Empty: '' }],
    ['in another order', { Timestamp: 5, Id: 'later' }],
  ])('is what the longer way gives: %s', (_, change) => {
    const message = { ...MESSAGE, ...change }
    const direct = transcodeMessage(encodeValue(message))
    const text = Buffer.from(direct?.text ?? []).toString()
    expect({ kind: 'fields', text, beside: direct?.beside, timestampMs: direct?.timestampMs }).toEqual(longer(message))
  })

  it.each([
    ['a NUL', { Data: 'a\0b' }],
    ['a NUL in long text', { Data: `${'x'.repeat(100)}\0` }],
    ['a NUL in a tag', { Tags: [{ name: 'a\0', value: '' }] }],
    ['bytes', { Data: new Uint8Array([255]) }],
    ['other bytes', { Anchor: new Uint8Array([255]) }],
    ['bytes in a tag', { Tags: [{ name: 'a', value: new Uint8Array([255]) }] }],
    ['no id', { Id: undefined }],
    ['no tags', { Tags: undefined }],
    ['a timestamp that is text', { Timestamp: '5' }],
    ['a height with a fraction', { 'Block-Height': 1.5 }],
    ['a map', { Other: {} }],
    ['a fraction', { Other: 1.5 }],
    ['a negative timestamp', { Timestamp: -5 }],
  ])('leaves to the longer way: %s', (_, change) => {
    expect(transcodeMessage(encodeValue({ ...MESSAGE, ...change }))).toBe(null)
  })

  it('leaves what is no message', () => {
    expect(transcodeMessage(encodeValue('text'))).toBe(null)
    expect(transcodeMessage(encodeValue({}))).toBe(null)
  })
})
