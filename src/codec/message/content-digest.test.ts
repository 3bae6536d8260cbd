import { describe, expect, it } from 'vitest'
import { EMPTY, utf8 } from '../../base/bytes.ts'
import { checkContentDigest, contentDigest } from './content-digest.ts'

const HELLO = 'sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:'
const HELLO_512 = 'sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:'

describe('content-digest', () => {
  it('is the SHA-256 of the body in base64', () => {
    expect(contentDigest(utf8('hello'))).toBe(HELLO)
    expect(contentDigest(EMPTY)).toBe('sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')
  })

  it.each([
    HELLO,
    'sha-256=:LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ:',
    HELLO_512,
    `md5=:AAAA:, ${HELLO_512} ,${HELLO}`,
    HELLO.replace('sha', 'SHA'),
  ])('holds as %s', (header) => {
    expect(() => checkContentDigest(header, utf8('hello'))).not.toThrow()
  })

  it.each([
    [HELLO, 'hello!'],
    [HELLO_512, 'hello!'],
    [`${HELLO_512}, sha-256=:AAAA:`, 'hello'],
    ['sha-256=:AAAA:', 'hello'],
    ['sha-256=::,sha-256=:AAAA:', 'hello'],
  ])('fails as %s of %s', (header, body) => {
    expect(() => checkContentDigest(header, utf8(body))).toThrow(expect.objectContaining({ code: 'digest-mismatch' }))
  })

  it('says both digests', () => {
    expect(() => checkContentDigest(HELLO, utf8('other'))).toThrow(
      expect.objectContaining({
        code: 'digest-mismatch',
        facts: { claimed: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=', actual: '2SmKENGwc1g33EvYXaxkGw887yekfl1TpU8vP1svz/o=' },
      }),
    )
  })

  it.each([
    '',
    'sha-256',
    'sha-256=abc',
    'sha-256=:a b:',
    'md5=:AAAA:',
    '__proto__=:AAAA:',
    'constructor=:AAAA:',
    `${'md5=:AAAA:,'.repeat(20)}${HELLO}`,
    Uint8Array.of(255),
  ])('is not %s', (header) => {
    expect(() => checkContentDigest(header, utf8('hello'))).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })
})
