import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyMessage, headerKey, headerText } from '../../../test/ao-core-arbitrary.ts'
import { comparable } from '../../../test/ao-core-vectors.ts'
import { concat, utf8 } from '../../base/bytes.ts'
import { isFailure } from '../../base/errors.ts'
import { decodeHttpsig, encodeHttpsig, encodeHttpsigWire, isLegalHttp } from './httpsig.ts'
import { encodeLegacyHttpsig } from './httpsig-legacy.ts'
import { isTaken } from './httpsig-names.ts'
import { MultipartReader, type Part, readMultipart } from './multipart.ts'
import { decodeStructured, encodeStructured } from './structured.ts'
import { type Binary, binaryLength, type HttpsigForm, type Tabm } from './value.ts'

/** As HTTP gives it: names without case, no difference between an empty body and none. */
function overHttp({ headers, body }: HttpsigForm): HttpsigForm {
  const names = [...headers.keys()].map((name) => `"${name}"`).join(' ')
  const sent: [string, Binary][] = [...headers].map(([name, value]) => [name.toLowerCase(), value])
  return { headers: new Map([...sent, ['signature-input', `sig=(${names})`]]), body: body?.length === 0 ? null : body }
}

/** Null where it fails with a code. */
function decoded(form: HttpsigForm): Tabm | null {
  try {
    return decodeHttpsig(form)
  } catch (error) {
    if (isFailure(error, 'encoding-invalid') || isFailure(error, 'too-large')) return null
    throw error
  }
}

describe('random messages', () => {
  it('come back from what HTTP carries', () => {
    fc.assert(
      fc.property(anyMessage(), (message) => {
        const form = encodeHttpsigWire(encodeStructured(message))
        expect(isLegalHttp(form)).toBe(true)
        expect(comparable(decodeStructured(decodeHttpsig(overHttp(form))))).toEqual(comparable(message))
      }),
      { numRuns: 1000 },
    )
  })

  it('come back when hardly anything may be a header', () => {
    fc.assert(
      fc.property(anyMessage({ depth: 2 }), (message) => {
        const form = encodeHttpsigWire(encodeStructured(message), { headerBytesMax: 10 })
        const inHeaders = [...form.headers].filter(([name]) => !['content-type', 'content-digest', 'ao-body-key'].includes(name))
        expect(inHeaders.reduce((sum, [name, value]) => sum + name.length + binaryLength(value), 0)).toBeLessThanOrEqual(10)
        expect(comparable(decodeStructured(decodeHttpsig(overHttp(form))))).toEqual(comparable(message))
      }),
      { numRuns: 200 },
    )
  })

  it('have the same form in HTTP wherever it can carry the reference one', () => {
    const key = headerKey.filter((text) => text !== 'content-type' && !isTaken(text))
    fc.assert(
      fc.property(anyMessage({ key, binary: headerText }), (message) => {
        const tabm = encodeStructured(message)
        const exact = encodeHttpsig(tabm)
        expect(encodeHttpsigWire(tabm)).toEqual(exact)
        expect(comparable(decodeStructured(decodeHttpsig(exact)))).toEqual(comparable(message))
      }),
      { numRuns: 500 },
    )
  })
})

describe('random messages in older forms', () => {
  const key = headerKey.filter((text) => text !== 'content-type' && text === text.toLowerCase() && !isTaken(text))
  it.each(['g0', 'g1'] as const)('come back from %s', (dialect) => {
    fc.assert(
      fc.property(anyMessage({ key }), (message) => {
        const form = encodeLegacyHttpsig(message, dialect)
        expect(isLegalHttp(withoutMarks(form))).toBe(true)
        expect(comparable(decodeStructured(decodeHttpsig(form)))).toEqual(comparable(message))
      }),
      { numRuns: 500 },
    )
  })
})

/** Headers of older forms that are never keys. */
function withoutMarks({ headers, body }: HttpsigForm): HttpsigForm {
  return { headers: new Map([...headers].filter(([name]) => !['body-keys', 'inline-body-key', 'ao-ids'].includes(name))), body }
}

const token = fc.constantFrom(
  '--B',
  '--B--',
  '\r\n',
  '\n',
  '\r',
  ': ',
  'content-disposition: form-data;name="a"',
  'content-disposition: inline',
  'Content-Disposition: form-data; name="a/b"; filename="x"',
  'content-disposition: form-data;name="__proto__/x"',
  'ao-types: empty-message',
  'k: v',
  'body: x',
  'inline-body-key: k',
  '--',
  'B',
  '"',
  '\\',
  ';',
  '%',
  '%61',
)
const anyBody = fc
  .array(fc.oneof({ weight: 6, arbitrary: token.map(utf8) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) }), { maxLength: 30 })
  .map(concat)

const anyHeaders = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('ao-body-key', 'inline-body-key', 'ao-ids', 'signature-input', 'ao-types', 'a', '%61', 'content-digest'),
        fc.string(),
      ),
      fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array(), fc.constantFrom('a', 'sig=("A")', '"x"="y"')),
    ),
    { maxLength: 5 },
  )
  .map((entries) => new Map<string, Binary>([...entries, ['content-type', 'multipart/form-data; boundary=B']]))

describe('any bytes', () => {
  it('decode or fail with a code', () => {
    fc.assert(
      fc.property(anyHeaders, anyBody, (headers, body) => {
        expect(decoded({ headers, body })).not.toBeUndefined()
      }),
      { numRuns: 3000 },
    )
  })

  it('decode to what encodes and decodes to the same again', () => {
    fc.assert(
      fc.property(anyHeaders, anyBody, (headers, body) => {
        const tabm = decoded({ headers, body })
        if (tabm !== null) expect(comparable(decodeHttpsig(overHttp(encodeHttpsigWire(tabm))))).toEqual(comparable(tabm))
      }),
      { numRuns: 3000 },
    )
  })

  it('give the same parts however they are cut', () => {
    const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 20 })
    fc.assert(
      fc.property(anyBody, cuts, (body, sizes) => {
        expect(outcome(() => readInPieces(body, sizes))).toEqual(outcome(() => readMultipart(body, 'B')))
      }),
      { numRuns: 3000 },
    )
  })
})

function readInPieces(body: Uint8Array, sizes: readonly number[]): Part[] {
  const reader = new MultipartReader('B')
  let at = 0
  for (const size of sizes) {
    reader.push(body.slice(at, at + size))
    at += size
  }
  reader.push(body.slice(at))
  return reader.end()
}

function outcome(read: () => Part[]): unknown {
  try {
    return read().map(({ lines, body }) => ({ lines, body: body === null ? null : [...body] }))
  } catch (error) {
    if (isFailure(error, 'encoding-invalid') || isFailure(error, 'too-large')) return error.code
    throw error
  }
}
