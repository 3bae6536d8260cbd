import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toText, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { bytesToId, type TxId } from '../base/ids.ts'
import { createManifest, isManifestType, parseManifest, resolveManifest } from './manifest.ts'

interface ManifestVectors {
  cases: { name: string; json: string; lookups: Record<string, { id: string; isFallback: boolean } | null> }[]
  invalid: { name: string; json: string; problem: string }[]
}

const vectors: ManifestVectors = JSON.parse(readFileSync('test/vectors/manifests.json', 'utf8'))
const idOf = (byte: number): TxId => bytesToId(new Uint8Array(32).fill(byte))

for (const { name, json, lookups } of vectors.cases) {
  it(`vector: ${name}`, () => {
    const manifest = parseManifest(utf8(json))
    for (const [path, wanted] of Object.entries(lookups)) expect(resolveManifest(manifest, path), `path "${path}"`).toEqual(wanted)
  })
}

for (const { name, json, problem } of vectors.invalid) {
  it(`refuses: ${name}`, () => {
    expect(() => parseManifest(utf8(json))).toThrow(new RegExp(problem))
    expect(() => parseManifest(utf8(json))).toThrow(HeddleError)
  })
}

it('refuses what is not UTF-8', () => {
  expect(() => parseManifest(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(/is not UTF-8/)
})

it('any paths survive a round trip', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed() && !text.endsWith('/'))
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToId)
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, id), { selector: ([text]) => text, minLength: 1, maxLength: 20 }),
      id,
      (entries, fallbackId) => {
        const [indexPath, indexId] = entries[0]!
        const manifest = parseManifest(createManifest({ paths: new Map(entries), index: { path: indexPath }, fallbackId }))
        expect(new Map(manifest.paths)).toEqual(new Map(entries))
        expect(resolveManifest(manifest, '')).toEqual({ id: indexId, isFallback: false })
        expect(resolveManifest(manifest, 'no/such/name'.repeat(5))).toEqual({ id: fallbackId, isFallback: true })
      },
    ),
  )
})

it('any JSON parses or fails with a code', () => {
  const part = fc.oneof(fc.jsonValue(), fc.record({ id: fc.constant(idOf(1)), path: fc.string() }))
  const anyManifest = fc.record({ version: part, index: part, fallback: part, paths: part }, { requiredKeys: [] })
  fc.assert(
    fc.property(fc.oneof(anyManifest, fc.jsonValue()), fc.string(), (value, path) => {
      try {
        const found = resolveManifest(parseManifest(utf8(JSON.stringify(value))), path)
        if (found !== null) expect(found.id).toBe(idOf(1))
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 500 },
  )
})

it('writes the lowest version that says it all, in the order that readers of streams need', () => {
  const paths = { 'index.html': idOf(1) }
  expect(toText(createManifest({ paths, index: { path: 'index.html' } }))).toBe(
    `{"manifest":"arweave/paths","version":"0.1.0","index":{"path":"index.html"},"paths":{"index.html":{"id":"${idOf(1)}"}}}`,
  )
  expect(toText(createManifest({ paths, index: { id: idOf(2) }, fallbackId: idOf(3) }))).toBe(
    `{"manifest":"arweave/paths","version":"0.2.0","index":{"id":"${idOf(2)}"},"fallback":{"id":"${idOf(3)}"},"paths":{"index.html":{"id":"${idOf(1)}"}}}`,
  )
  expect(() => createManifest({ paths, index: { path: 'home.html' } })).toThrow(/index "home.html" is not among its 1 paths/)
})

it('knows a manifest by its content type', () => {
  expect(
    [
      'application/x.arweave-manifest+json',
      'application/x.arweave-manifest+json; charset=utf-8',
      'application/x.arweave-manifest',
      'application/json',
      '',
    ].map(isManifestType),
  ).toEqual([true, true, true, false, false])
})

it('a version that is no text is kept as JSON, even one that cannot be made text', () => {
  const manifest = parseManifest(utf8('{"version": {"toString": 1}, "paths": {}}'))
  expect(manifest.version).toBe('{"toString":1}')
})
