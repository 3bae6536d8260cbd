/** What RFC 8941 allows reads the same here and in an independent implementation, whichever of the two wrote it. */
import fc from 'fast-check'
import {
  parseDictionary as readTheirs,
  serializeDictionary,
  type BareItem as TheirBare,
  type InnerList as TheirList,
  Token,
} from 'structured-headers'
import { expect, test } from 'vitest'
import { formatDictionary, parseDictionary, type SfBare, type SfItem, type SfParameters, type SfValue } from './structured-fields.ts'

const key = fc.stringMatching(/^[a-z*][a-z0-9_\-.*]{0,8}$/)
const bare: fc.Arbitrary<SfBare> = fc.oneof(
  fc.stringMatching(/^[ -~]{0,12}$/).map((value) => ({ kind: 'string' as const, value })),
  fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/!#$%&'*+\-.^_`|~]{0,8}$/).map((value) => ({ kind: 'token' as const, value })),
  fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }).map((value) => ({ kind: 'integer' as const, value })),
  fc
    .integer({ min: -1e9, max: 1e9 })
    .filter((n) => n % 8 !== 0)
    .map((n) => ({ kind: 'decimal' as const, value: n / 8 })),
  fc.boolean().map((value) => ({ kind: 'boolean' as const, value })),
  fc.uint8Array({ maxLength: 12 }).map((value) => ({ kind: 'bytes' as const, value })),
)
const parameters: fc.Arbitrary<SfParameters> = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((entries) => new Map(entries))
const item: fc.Arbitrary<SfItem> = fc.tuple(bare, parameters).map(([own, own2]) => ({ ...own, parameters: own2 }))
const list: fc.Arbitrary<SfValue> = fc
  .tuple(fc.array(item, { maxLength: 3 }), parameters)
  .map(([items, own]) => ({ kind: 'list' as const, items, parameters: own }))
const dictionary = fc.array(fc.tuple(key, fc.oneof(item, list)), { maxLength: 4 }).map((entries) => new Map(entries))

const theirBare = ({ kind, value }: SfBare): TheirBare =>
  kind === 'token' ? new Token(value) : kind === 'bytes' ? Uint8Array.from(value).buffer : (value as TheirBare)
const theirParameters = (own: SfParameters): Map<string, TheirBare> => new Map([...own].map(([name, value]) => [name, theirBare(value)]))
const theirItem = (own: SfItem): [TheirBare, Map<string, TheirBare>] => [theirBare(own), theirParameters(own.parameters)]
const theirValue = (own: SfValue): TheirList | [TheirBare, Map<string, TheirBare>] =>
  own.kind === 'list' ? [own.items.map(theirItem), theirParameters(own.parameters)] : theirItem(own)

test('dictionaries', () => {
  fc.assert(
    fc.property(dictionary, (own) => {
      const theirs = new Map([...own].map(([name, value]) => [name, theirValue(value)]))
      expect(readTheirs(formatDictionary(own))).toEqual(theirs)
      const read = parseDictionary(serializeDictionary(theirs))
      expect(new Map([...read].map(([name, { value }]) => [name, theirValue(value)]))).toEqual(theirs)
    }),
    { numRuns: 500 },
  )
})
