import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapeKey, unescapeKey } from './key-escape.ts'

it('escapes all but lower case, digits and some signs', () => {
  expect(escapeKey('Data-Protocol')).toBe('%44ata-%50rotocol')
  expect(escapeKey('a.b-c_d/e?f&0')).toBe('a.b-c_d/e?f&0')
  expect(escapeKey('clé +%')).toBe('cl%c3%a9%20%2b%25')
})

it('takes either case, and leaves what is no escape or no text', () => {
  expect(unescapeKey('%41%c3%A9%2f')).toBe('Aé/')
  for (const text of ['%', '%4', '%zz', '100%', '%ff', '%c3x']) expect(unescapeKey(text)).toBe(text)
})

it('is undone by unescaping', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      expect(unescapeKey(escapeKey(key))).toBe(key)
    }),
  )
})
