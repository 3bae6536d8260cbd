/** Inputs for tests that throw anything at a decoder or at a node: random ones, and good ones that were spoilt. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HeddleError } from '../src/base/errors.ts'

export const RUNS = 300

/** Random bytes, and what is left of good ones after a few of them were changed, cut out, doubled or added. */
export function bytesLike(...good: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'end', 'zero'),
    at: fc.nat(),
    size: fc.nat(40),
    byte: fc.nat(255),
  })
  const spoilt = fc.tuple(fc.constantFrom(...good), fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    let out = Buffer.from(bytes)
    for (const { kind, at: anywhere, size, byte } of changes) {
      const at = out.length === 0 ? 0 : anywhere % out.length
      if (kind === 'set' && out.length > 0) out[at] = byte
      if (kind === 'flip' && out.length > 0) out[at]! ^= 1 << (byte % 8)
      if (kind === 'cut') out = Buffer.concat([out.subarray(0, at), out.subarray(at + size)])
      if (kind === 'insert') out = Buffer.concat([out.subarray(0, at), Buffer.alloc(size, byte), out.subarray(at)])
      if (kind === 'end') out = out.subarray(0, at)
      if (kind === 'zero') out.subarray(at, at + size).fill(0)
    }
    return out as Uint8Array
  })
  return fc.oneof({ weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) }, { weight: 4, arbitrary: spoilt })
}

/** Any JSON, and good JSON with some members replaced or left out, at any depth. */
export function jsonLike(good: unknown): fc.Arbitrary<unknown> {
  const nasty = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      '',
      '-1',
      '1e9',
      'A',
      'AB',
      '9'.repeat(200),
      '\u0000',
      -1,
      0.5,
      1e300,
      2 ** 53,
      [],
      {},
      null,
      [[]],
      { length: 5 },
      '💥',
    ),
  )
  const spoilt = fc.array(fc.tuple(fc.nat(), fc.option(nasty, { nil: undefined })), { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = structuredClone(good)
    for (const [at, replacement] of changes) {
      const places = membersOf(copy)
      if (places.length === 0) break
      const { owner, key } = places[at % places.length]!
      if (replacement === undefined) delete owner[key]
      else owner[key] = structuredClone(replacement)
    }
    return copy
  })
  return fc.oneof({ weight: 1, arbitrary: fc.jsonValue() }, { weight: 4, arbitrary: spoilt })
}

function membersOf(root: unknown): { owner: Record<string, unknown>; key: string }[] {
  if (typeof root !== 'object' || root === null) return []
  const owner = root as Record<string, unknown>
  return Object.keys(owner).flatMap((key) => [{ owner, key }, ...membersOf(owner[key])])
}

export const anyText: fc.Arbitrary<string> = fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.string({ maxLength: 60 }))

/** Random text, and good text with some of its characters changed, cut out or added, or joined of pieces of it. */
export function textLike(...good: readonly string[]): fc.Arbitrary<string> {
  const spoilt = bytesLike(...good.map((text) => Buffer.from(text))).map((bytes) => Buffer.from(bytes).toString())
  return fc.oneof({ weight: 1, arbitrary: anyText }, { weight: 3, arbitrary: spoilt })
}

/** Pieces one after the other, in any order and number. */
export function joinedFrom(pieces: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength }).map((chosen) => chosen.join(''))
}

/** A value, or a failure that says what is wrong; whatever else is thrown goes on. */
export async function holds(decode: () => unknown): Promise<void> {
  try {
    await decode()
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error
    expect(error.message.length).toBeGreaterThan(5)
  }
}

export function survives<T>(name: string, input: fc.Arbitrary<T>, decode: (input: T) => unknown, numRuns = RUNS): void {
  it(name, () =>
    fc.assert(
      fc.asyncProperty(input, (value) => holds(() => decode(value))),
      { numRuns },
    ),
  )
}

/** Keys of a message with every kind of value that travels in a way of its own. */
export const MANY_KINDS = {
  action: 'Eval',
  count: 7,
  ratio: 1.5,
  list: [1, 'two', [true]],
  child: { deep: { er: 'x' } },
  body: 'return 1',
  lf: 'a\nb',
}
