import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromBase64url, toBase64, toBase64url } from '../src/base/bytes.ts'
import { sha256 } from '../src/base/hash.ts'
import { Float, Link, message } from '../src/codec/message/value.ts'
import { Cast, Steps } from '../src/kernel/steps.ts'
import { formFrom, isTypedError, readVectors, stepsFrom, valueFrom, vectorKeys } from './ao-core-vectors.ts'

test('ao-core-keys.json agrees with itself', () => {
  expect(readVectors('ao-core-keys.json')).toEqual(vectorKeys)
  for (const [key, placeholder] of [
    ['key-1', 'KEYID'],
    ['key-2', 'KEYID2'],
  ] as const) {
    const modulus = fromBase64url(vectorKeys[key].n)
    expect(vectorKeys[`${key}-address`], key).toBe(toBase64url(sha256(modulus)))
    expect(vectorKeys[placeholder], key).toBe(`publickey:${toBase64(modulus)}`)
    expect(vectorKeys[`${placeholder}_URL`], key).toBe(`publickey:${toBase64url(modulus)}`)
  }
})

test('no vector keeps a placeholder', () => {
  const names = readdirSync(new URL('vectors/', import.meta.url)).filter((name) => name.startsWith('ao-core-'))
  expect(names.length).toBeGreaterThan(7)
  for (const name of names) expect(JSON.stringify(readVectors(name)), name).not.toContain('{{')
})

test('typed JSON becomes values, steps and forms', () => {
  expect(valueFrom([1, 1.5, { $float: '3.0' }, { $int: '9007199254740993' }, { $repeat: ['x', 3] }, { $link: 'ID' }, { a: null }])).toEqual(
    [1, new Float(1.5), new Float(3), 9007199254740993n, 'xxx', new Link('ID'), message({ a: null })],
  )
  expect(stepsFrom(['ID', { $as: 'x@1.0', msg: { a: 1 } }, { k: { $resolve: ['ID'] } }])).toEqual([
    'ID',
    new Cast('x@1.0', message({ a: 1 })),
    new Map([['k', new Steps(['ID'])]]),
  ])
  expect(formFrom({ headers: { a: '1' }, body: { utf8: '' } }).body).toBeNull()
  expect(formFrom({ headers: { 'content-digest': 'x' }, body: { utf8: '' } }).body).toEqual(new Uint8Array(0))
  expect(isTypedError({ $error: 'x' })).toBe(true)
  expect(() => valueFrom({ $error: 'x' })).toThrow('has no value here')
})
