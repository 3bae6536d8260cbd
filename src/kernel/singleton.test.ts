import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTypedError, messageFrom, readVectors, stepsFrom, type Typed, type TypedObject } from '../../test/ao-core-vectors.ts'
import { type FailureCode, HeddleError } from '../base/errors.ts'
import { PATH_SEGMENT_BYTES_MAX, PATH_STEPS_MAX, URL_BYTES_MAX } from '../base/limits.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { unsignedId } from '../codec/message/id.ts'
import { isList, isMessage, Link, type Message, message } from '../codec/message/value.ts'
import { parsePath } from './singleton.ts'
import { Cast, type Step, type StepMessage, Steps } from './steps.ts'

interface Case {
  readonly path?: string
  readonly singleton?: TypedObject
  readonly messages: readonly Typed[] | TypedObject
}

const { cases } = readVectors<{ readonly cases: readonly Case[] }>('ao-core-singleton.json')
const ID = 'zyT3sOpEiNGiIRXKoUqwl73W4AkajrPxcC22HDWZgTs'
const NONE: Message = new Map()

/** What the reference throws at and the sheet wants accepted. */
const ACCEPTED = new Map<string, Step[]>([
  ['/a.b/c?d.e=1', [message({ 'd.e': '1' }), message({ path: 'a.b', 'd.e': '1' }), message({ path: 'c', 'd.e': '1' })]],
])

const parse = (target: string, keys: Message = NONE): Step[] => parsePath({ target, keys })

function codeOf(act: () => unknown): FailureCode | null {
  try {
    act()
    return null
  } catch (error) {
    if (error instanceof HeddleError) return error.code
    throw error
  }
}

describe('vectors of the reference', () => {
  for (const { path, singleton, messages } of cases) {
    const { path: ownPath, ...keys } = singleton ?? {}
    const target = path ?? String(ownPath)
    it(singleton === undefined ? target : JSON.stringify(singleton), () => {
      const accepted = ACCEPTED.get(target)
      if (accepted !== undefined) expect(parse(target)).toEqual(accepted)
      else if (isTypedError(messages as Typed)) expect(codeOf(() => parse(target))).toBe('request-invalid')
      else expect(linked(parse(target, messageFrom(keys)))).toEqual(stepsFrom(messages as readonly Typed[]))
    })
  }
})

/** The reference links lists; ours are the lists that it links to. */
function linked(steps: readonly Step[]): Step[] {
  return steps.map((step) => {
    if (!isMessage(step)) return step
    return new Map([...step].map(([key, value]) => [key, isList(value) ? new Link(unsignedId(value)) : value]))
  })
}

describe('percent-decoding', () => {
  it('happens once, before the path is cut', () => {
    expect(parse('/a%2Fb')).toEqual(parse('/a/b'))
    expect(parse('/a&k=%2541')).toEqual([NONE, message({ path: 'a', k: '%41' })])
    expect(own(parse('/a?k=%2541')[1])).toEqual({ path: 'a', k: '%41' })
    expect(parse('/a&k=(/x%252Fy)')).toEqual([
      NONE,
      new Map<string, unknown>([
        ['path', 'a'],
        ['k', new Steps([NONE, message({ path: 'x%2Fy' })])],
      ]),
    ])
  })

  it('keeps an escaped plus, while a bare one in a query is a space', () => {
    expect(own(parse('/a?k=1%2B1&l=1+1')[1])).toEqual({ path: 'a', k: '1+1', l: '1 1' })
    expect(own(parse('/a&k=1+1')[1])).toEqual({ path: 'a', k: '1+1' })
    expect(own(parse('/a?f%2Bfloat=1.5e%2B01')[1])).toEqual(own(parse('/a&f+float=1.5e+01')[1]))
  })

  it('lets any bytes be a value, and text a key', () => {
    expect([...(own(parse('/a&k=%FF%00')[1])['k'] as Uint8Array)]).toEqual([255, 0])
    expect(own(parse('/a&clé=ü%C3%BC')[1])).toEqual({ path: 'a', clé: 'üü' })
    expect(codeOf(() => parse('/a&%FF=1'))).toBe('encoding-invalid')
    expect(codeOf(() => parse('/%FF'))).toBe('encoding-invalid')
  })

  it('refuses half an escape', () => {
    for (const target of ['/%', '/%4', '/%zz', '/a?b=%', '/a%2', '/%-1', '/%C3%'])
      expect(
        codeOf(() => parse(target)),
        target,
      ).toBe('encoding-invalid')
  })

  it('takes the raw bytes of an id for the id', () => {
    const raw = Buffer.from(ID, 'base64url')
    const escaped = [...raw].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    expect(parse(`/${escaped}/x`)[0]).toBe(ID)
    expect(parse(`/${escaped}~d@1.0/x`)[0]).toEqual(new Cast('d@1.0', message({ path: ID })))
  })
})

describe('keys', () => {
  it('with a type that there is none of are refused in a path and plain in a message', () => {
    expect(codeOf(() => parse('/a&n+int=1'))).toBe('request-invalid')
    expect(codeOf(() => parse('/a?n+int=1'))).toBe('request-invalid')
    expect(parse('/a', message({ 'first name': 'x', 'c++': 'y' }))[0]).toEqual(message({ 'first name': 'x', 'c++': 'y' }))
  })

  it('whose value is not of its type are refused', () => {
    for (const target of ['/a&n+integer=abc', '/a?n+integer=', '/a&f+float=x'])
      expect(
        codeOf(() => parse(target)),
        target,
      ).toBe('encoding-invalid')
  })

  it('that are private, or name commitments, never come from a path', () => {
    expect(parse('/a&priv=1&private_key=2&commitments=3?priv-x=1&commitments=2&1.priv=3&1.commitments=4')).toEqual([
      NONE,
      message({ path: 'a' }),
    ])
  })

  it('of a message are not made private keys or commitments by a type or a scope', () => {
    const keys = message({
      'commitments+resolve': '/x',
      'commitments+map': 'a=1',
      'priv-x+integer': '1',
      '0.commitments': 'x',
      '1.priv': 'y',
    })
    expect(parse('/a', keys)).toEqual([NONE, message({ path: 'a' })])
  })

  it('with a scope beyond the path, or one that is no number, do no harm', () => {
    expect(parse('/a?9.x=1&99999999999.y=2')[1]).toEqual(message({ path: 'a', '99999999999.y': '2' }))
    expect(own(parse('/a?-1.x=1&1.2.x=3&.x=4&1.=5')[1])).toEqual({ path: 'a', '-1.x': '1', '1.2.x': '3', '.x': '4', '1.': '5' })
  })

  it('like those of objects are keys like any other', () => {
    expect([...(parse('/a?__proto__=1&constructor=2')[1] as Message).keys()]).toEqual(['__proto__', 'constructor', 'path'])
  })

  it('of a message are text, whatever its letters', () => {
    const [base] = parse('/a', message({ 'k+resolve': '/x/é日&v=Ā', nĀinteger: '7' })) as StepMessage[]
    expect(base!.get('k')).toEqual(new Steps([NONE, message({ path: 'x' }), message({ path: 'é日', v: 'Ā' })]))
    expect(base!.get('nĀinteger')).toBe('7')
  })

  it('resolve a path, in brackets or not', () => {
    const steps = new Steps([NONE, message({ path: 'x' })])
    for (const target of ['/a&k=(/x)', '/a&k+resolve=(/x)', '/a&k+resolve=x', '/a?k+resolve=/x', '/a?k+resolve=(/x)'])
      expect((parse(target)[1] as StepMessage).get('k'), target).toEqual(steps)
    expect(own(parse('/a&k="(/x)"?l=(/x)')[1])).toEqual({ path: 'a', k: '(/x)', l: '(/x)' })
    expect(own(parse('/a&k+resolve')[1])).toEqual({ path: 'a', 'k+resolve': true })
    expect(codeOf(() => parse('/a&k+integer=(/x)'))).toBe('encoding-invalid')
    for (const target of ['/a&k=()', '/()', '/a~(/x)', '/a?k+resolve='])
      expect(
        codeOf(() => parse(target)),
        target,
      ).toBe('request-invalid')
  })
})

describe('signed keys', () => {
  const signed = (committed: readonly string[]): Message =>
    message({ a: '1', path: '/x', commitments: { c: { signature: 'AAAA', committed, type: 'rsa-pss-sha512' } } })

  it('lose their commitments in a step that replaces one of them', () => {
    const [base, a, b] = parse('/a&a=2/b', signed(['a'])) as Message[]
    expect([base, a, b].map((step) => step!.has('commitments'))).toEqual([true, false, true])
    expect(parse('/a?a=2', signed(['a'])).some((step) => (step as Message).has('commitments'))).toBe(false)
    expect(parse('/a?a=1&z=2', signed(['a'])).every((step) => (step as Message).has('commitments'))).toBe(true)
    expect(parse('/a?1.a=2', signed(['a'])).map((step) => (step as Message).has('commitments'))).toEqual([true, false])
  })

  it('keep a signed path in the base, also under a cast', () => {
    expect((parse('/a', signed(['path']))[0] as Message).get('path')).toBe('/x')
    const [base] = parse('/~d@1.0/a', signed(['a', 'path'])) as Message[]
    expect([base!.get('device'), base!.get('path'), base!.get('a')]).toEqual(['d@1.0', '/x', '1'])
    expect(commitmentsOf(base!)).toHaveLength(1)
    expect((parse('/a', signed(['a']))[0] as Message).has('path')).toBe(false)
  })
})

describe('bounds', () => {
  it('of segments, steps and brackets', () => {
    expect(codeOf(() => parse(`/${'a'.repeat(PATH_SEGMENT_BYTES_MAX + 1)}`))).toBe('too-large')
    expect(codeOf(() => parse(`/${'é'.repeat(PATH_SEGMENT_BYTES_MAX / 2 + 1)}`))).toBe('too-large')
    expect(parse(`/${'a'.repeat(PATH_SEGMENT_BYTES_MAX)}`)).toHaveLength(2)
    expect(codeOf(() => parse('/a'.repeat(PATH_STEPS_MAX)))).toBe('too-large')
    expect(codeOf(() => parse(`/${'('.repeat(200)}a${')'.repeat(200)}`))).toBe('too-large')
    expect(codeOf(() => parse(`/a?${'k+resolve=/a?'.repeat(100)}k=1`))).toBe('too-large')
    expect(codeOf(() => parse(`/a&${'k=(/a)&'.repeat(60)}`))).toBe(null)
    expect(codeOf(() => parse(`/a?${Array.from({ length: 200 }, (_, i) => `k${i}+resolve=/a`).join('&')}`))).toBe('too-large')
    expect(codeOf(() => parse(`${'/a'.repeat(200)}?${Array.from({ length: 2_000 }, (_, i) => `k${i}=1`).join('&')}`))).toBe('too-large')
  })

  it('of paths in the values of a message', () => {
    const resolve = (path: string) => codeOf(() => parse('/a', message({ 'k+resolve': path })))
    expect(resolve(`/a?k=${'x'.repeat(URL_BYTES_MAX - 5)}`)).toBe(null)
    expect(resolve(`/a?k=${'x'.repeat(URL_BYTES_MAX - 4)}`)).toBe('too-large')
  })

  it('keep hostile paths linear', () => {
    const started = performance.now()
    for (const piece of ['(', ')', '"', '\\', '(/', '"(', '&', '%28', '=', '~', '/', '?', '+', ' ', '()', '(/a)']) {
      codeOf(() => parse(`/${piece.repeat(65_536 / piece.length)}`))
      codeOf(() => parse(`/a?${piece.repeat(65_536 / piece.length)}`))
      codeOf(() => parse(`/a?k+resolve=${piece.repeat(65_536 / piece.length)}`))
    }
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('any path parses or fails with a code', () => {
    const piece = fc.constantFrom(
      '/',
      'a',
      '~',
      '&',
      '=',
      '+',
      ' ',
      '%2B',
      '%',
      '%2',
      '%zz',
      '"',
      '\\',
      '(',
      ')',
      '?',
      '.',
      '1.',
      'integer',
      'list',
      'resolve',
      'd@1.0',
      ID,
      'é',
      '\0',
      '\ud800',
      '__proto__',
      'priv',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
        ),
        (target) => {
          const code = codeOf(() => parse(target, message({ k: 'v', 'n+integer': '1' })))
          expect([null, 'encoding-invalid', 'request-invalid', 'too-large']).toContain(code)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

/** As an object, for comparing without regard to order. */
function own(step: Step | undefined): Record<string, unknown> {
  if (!isMessage(step)) throw new Error(`not a message: ${String(step)}`)
  return Object.fromEntries(step)
}
