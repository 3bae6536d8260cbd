import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from './value-codec.ts'

describe('guest values', () => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger(),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value')).map((map) => ({ ...map })),
      fc.array(fc.record({ name: fc.string(), value: fc.string() }, { noNullPrototype: true })),
    ),
  }))

  it('survive a round trip', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decodeValue(encodeValue(original))).toEqual(original)
      }),
    )
  })

  it('any bytes decode or fail with a code', () => {
    const damaged = fc.tuple(value, fc.nat(), fc.nat(255)).map(([original, at, byte]) => {
      const bytes = encodeValue(original).slice()
      bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), damaged), (bytes) => {
        try {
          decodeValue(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'encoding-invalid' })
        }
      }),
    )
  })

  it('bytes that are text come back as text, others as bytes', () => {
    expect(decodeValue(encodeValue(Uint8Array.of(0x68, 0x69)))).toBe('hi')
    expect(decodeValue(encodeValue(Uint8Array.of(0xff, 0x00)))).toEqual(Uint8Array.of(0xff, 0x00))
    const long = new Uint8Array(1000).fill(0xfe)
    expect(decodeValue(encodeValue(long))).toEqual(long)
  })

  it('integers stay integers up to 64 bits', () => {
    expect(encodeValue(1)).toEqual(encodeValue(1n))
    expect(encodeValue(2n ** 63n - 1n)[0]).toBe(3)
    expect(encodeValue(1.5)[0]).toBe(4)
    expect(encodeValue(2 ** 53)[0]).toBe(4)
    expect(() => encodeValue(2n ** 63n)).toThrow(expect.objectContaining({ code: 'request-invalid' }))
  })

  it('leaves out what is undefined, keeps what is null', () => {
    expect(decodeValue(encodeValue({ a: undefined, b: null }))).toEqual({ b: null })
  })

  it('has an end to nesting, both ways', () => {
    let deep: unknown = []
    for (let n = 0; n < 200; n++) deep = [deep]
    expect(() => encodeValue(deep)).toThrow(expect.objectContaining({ code: 'too-large' }))
    const wire = new Uint8Array(5 * 200).map((_, at) => (at % 5 === 0 ? 6 : at % 5 === 1 ? 1 : 0))
    expect(() => decodeValue(wire)).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })

  it('a key named __proto__ is a key', () => {
    const decoded = decodeValue(encodeValue(JSON.parse('{"__proto__": 1}')))
    expect(Object.keys(decoded as object)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
  })
})
