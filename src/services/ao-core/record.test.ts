import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyValue } from '../../../test/ao-core-arbitrary.ts'
import { toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { Atom, Float, Link, type Value } from '../../codec/message/value.ts'
import { decodeRecord, decodeValue, encodeRecord, encodeValue, inlined, Outside, type StoredValue } from './record.ts'

const hash = (bytes: Uint8Array): string => toBase64url(sha256(bytes))

describe('stored records', () => {
  it('keep any value', () => {
    fc.assert(
      fc.property(anyValue(), (value) => {
        const stored = inlined(value, hash)
        expect(decodeValue(encodeValue(stored))).toEqual(stored)
      }),
    )
  })

  it('keep every kind of entry', () => {
    const id = hash(Uint8Array.of(1))
    const entries = new Map<string, StoredValue>([
      ['', 'empty key'],
      ['__proto__', new Outside(id)],
      ['link', new Link(id)],
      ['lazy', new Link(id, true)],
      ['path', new Link('a/path')],
      ['atom', new Atom('ok')],
      ['float', new Float(-0)],
      ['large', -(2n ** 200n)],
      ['bytes', Uint8Array.of(255)],
      ['list', [1, new Map([['a', null]]), [true]]],
    ])
    expect(decodeRecord(encodeRecord({ isList: false, entries }))).toEqual({ isList: false, entries })
    const list = new Map<string, StoredValue>([1, 'two', new Link(id)].map((value, i) => [String(i + 1), value]))
    expect(decodeRecord(encodeRecord({ isList: true, entries: list }))).toEqual({ isList: true, entries: list })
  })

  it('take small binaries in, and name large ones by their hash', () => {
    const kept: Uint8Array[] = []
    const keep = (bytes: Uint8Array): string => {
      kept.push(bytes)
      return hash(bytes)
    }
    const values: Value[] = ['x'.repeat(128), 'x'.repeat(129), '✓'.repeat(42), '✓'.repeat(43), new Uint8Array(128), new Uint8Array(129)]
    expect(values.map((value) => inlined(value, keep) instanceof Outside)).toEqual([false, true, false, true, false, true])
    expect(kept.map(({ length }) => length)).toEqual([129, 129, 129])
  })

  it('decode any bytes, or fail with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isVersioned) => {
        try {
          decodeRecord(isVersioned ? Uint8Array.of(1, 0, ...bytes) : bytes)
        } catch (error) {
          if (!(error instanceof HeddleError) || error.code !== 'store-failed') throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})
