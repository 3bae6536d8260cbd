import { expect, it } from 'vitest'
import { HeddleError } from '../../base/errors.ts'
import { acceptedCodec, acceptsHtml, bodyCodec, requiredCodec } from './codecs.ts'

it('the codec of a body is named, or follows from its media type', () => {
  const cases: readonly (readonly [device: string | undefined, type: string | undefined, codec: string])[] = [
    [undefined, undefined, 'httpsig@1.0'],
    ['json@1.0', 'application/ans104', 'json@1.0'],
    ['application/json', undefined, 'json@1.0'],
    ['device/flat@1.0', undefined, 'flat@1.0'],
    [undefined, 'application/json; charset=utf-8', 'json@1.0'],
    [undefined, 'Application/ANS104', 'ans104@1.0'],
    [undefined, 'application/tx@1.0', 'tx@1.0'],
    [undefined, 'multipart/form-data; boundary="a@b"', 'httpsig@1.0'],
    [undefined, 'application/x-www-form-urlencoded', 'httpsig@1.0'],
    [undefined, 'text/plain', 'httpsig@1.0'],
    [undefined, '', 'httpsig@1.0'],
  ]
  for (const [device, type, codec] of cases) expect(bodyCodec(device, type), `${device} ${type}`).toBe(codec)
  for (const name of ['foo@1.0', 'json@2.0', '__proto__', '', 'structured@1.0'])
    expect(() => bodyCodec(name, undefined), name).toThrow(HeddleError)
  expect(() => bodyCodec(undefined, 'application/foo@1.0')).toThrow(/is not a codec of this node/)
})

it('a codec for the reply is required by name, or accepted by exactly its type', () => {
  expect([requiredCodec('application/json'), requiredCodec('httpsig@1.0'), requiredCodec('device/ans104@1.0')]).toEqual([
    'json@1.0',
    'httpsig@1.0',
    'ans104@1.0',
  ])
  expect(() => requiredCodec('tx@1.0')).toThrow(HeddleError)
  expect([acceptedCodec('*/*'), acceptedCodec('application/json'), acceptedCodec('application/foo')]).toEqual([null, 'json@1.0', null])
  expect(acceptedCodec('application/json, text/plain, */*')).toBe(null) // Client: axios, as arweave-js uses it.
  expect([acceptsHtml('text/html,application/xhtml+xml'), acceptsHtml('*/*')]).toEqual([true, false])
})
