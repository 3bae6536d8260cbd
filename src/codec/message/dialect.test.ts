import { describe, expect, it } from 'vitest'
import { detectDialect } from './dialect.ts'

const modulus = (text: string): string => text.repeat(170)

describe('dialect', () => {
  it.each([
    ['g0', { 'signature-input': `http-sig-24f7b0ea4488d1a2=("a");alg="rsa-pss-sha512";keyid="${modulus('A_-b')}"` }],
    ['g0', { 'inline-body-key': 'data' }],
    ['g0', { 'body-keys': '"a"' }],
    ['g0', { 'ao-types': 'a="empty-list"' }],
    ['g0', { 'signature-input': `mine=("a");keyid="${modulus('A_-b')}"` }],
    ['g1', { 'signature-input': `sig-abc=("a");alg="rsa-pss-sha512";keyid="${modulus('A+/b')}=="` }],
    ['g1', { 'signature-input': 'comm-abc=("a");alg="hmac-sha256";keyid="ao"' }],
    ['g1', { 'ao-ids': 'abc="x"' }],
    ['g2', { 'signature-input': 'comm-abc=("a");alg="hmac-sha256";keyid="constant:ao"' }],
    ['g2', { 'signature-input': 'mine=("a");alg="rsa-pss-sha512";keyid="publickey:AAAA"' }],
    [null, { a: '1', 'ao-types': 'a="integer"' }],
    [null, { 'signature-input': '"""not a dictionary' }],
    [null, { 'signature-input': 'mine=("a")' }],
    [null, {}],
  ] as const)('%s: %o', (dialect, headers) => {
    expect(detectDialect(new Map(Object.entries(headers)))).toBe(dialect)
  })
})
