import { describe, expect, it } from 'vitest'
import { messageFrom, readVectors, type Typed, type TypedObject, valueFrom } from '../../../test/ao-core-vectors.ts'
import { toBase64url, utf8 } from '../../base/bytes.ts'
import { type HashpathAlgorithm, hashpath, hashpathAlgorithm, idHashpath, verifyHashpath } from './hashpath.ts'
import { messageId } from './id.ts'
import { type Binary, message } from './value.ts'

interface Step {
  readonly req: TypedObject
  readonly 'req-id': string
  readonly hashpath: string
}
interface Vectors {
  readonly pairs: readonly {
    readonly base: TypedObject
    readonly 'base-id': string
    readonly req: TypedObject
    readonly 'req-id-unsigned': string
    readonly hashpath: string
  }[]
  readonly 'chain-set': { readonly base: TypedObject; readonly steps: readonly Step[] }
  readonly 'chain-keys': { readonly base: TypedObject; readonly steps: readonly Step[] }
  readonly 'binary-hashpath': { readonly input: string; readonly hashpath: string }
  readonly 'sha-256-chain': readonly { readonly a: string; readonly b: Typed; readonly chain: string }[]
  readonly accumulate: readonly { readonly ids: readonly string[]; readonly accumulate: string }[]
}

const vectors = readVectors<Vectors>('ao-core-hashpath.json')
const ID = 'z3vwVvCE7AFo58_pb6AkT5VCNON3r4Y_6aiRg46otN4'

describe('vectors', () => {
  it.each(vectors.pairs)('$hashpath', ({ base, req, hashpath: expected, ...ids }) => {
    const start = messageFrom(base)
    const request = messageFrom(req)
    expect(idHashpath(start)).toBe(ids['base-id'])
    expect(messageId(request)).toBe(ids['req-id-unsigned'])
    expect(hashpath(idHashpath(start), request, hashpathAlgorithm(start))).toBe(expected)
  })

  it.each(['chain-set', 'chain-keys'] as const)('%s', (name) => {
    const { base, steps } = vectors[name]
    const requests = steps.map(({ req }) => messageFrom(req))
    let path = idHashpath(messageFrom(base))
    for (const [at, step] of steps.entries()) {
      expect(messageId(requests[at]!)).toBe(step['req-id'])
      path = hashpath(path, requests[at]!)
      expect(path).toBe(step.hashpath)
      const chain = { base: messageFrom(base), requests: requests.slice(0, at + 1), hashpath: path }
      expect(verifyHashpath(chain)).toBe(true)
      expect(verifyHashpath({ ...chain, base: message({ a: 'other' }) })).toBe(false)
      expect(verifyHashpath({ ...chain, requests: [...chain.requests].reverse() })).toBe(at === 0)
    }
  })

  it('of a binary', () => {
    expect(idHashpath(vectors['binary-hashpath'].input)).toBe(vectors['binary-hashpath'].hashpath)
    expect(idHashpath(utf8(vectors['binary-hashpath'].input))).toBe(vectors['binary-hashpath'].hashpath)
  })

  it.each(vectors['sha-256-chain'])('sha-256-chain: $chain', ({ a, b, chain }) => {
    expect(hashpath(`${a}/${partOf(valueFrom(b) as Binary)}`, 'next')).toBe(`${chain}/next`)
  })

  it.each(vectors.accumulate.filter(({ ids }) => ids.length === 2))('accumulate-256: $accumulate', ({ ids, accumulate }) => {
    expect(hashpath(ids.join('/'), 'next', 'accumulate-256')).toBe(`${accumulate}/next`)
  })
})

describe('requests', () => {
  it('with nothing but a path go by its first part', () => {
    expect(hashpath(ID, 'a')).toBe(`${ID}/a`)
    expect(hashpath(ID, message({ path: '/a/b' }))).toBe(`${ID}/a`)
    expect(hashpath(ID, message({ path: 'a', hashpath: 'x', priv: { y: 1 } }))).toBe(`${ID}/a`)
    const more = message({ path: 'a', b: '1' })
    expect(hashpath(ID, more)).toBe(`${ID}/${messageId(more)}`)
  })

  it('that lead nowhere fail', () => {
    expect(() => hashpath(ID, '/')).toThrow(/leads nowhere/)
  })
})

describe('bases', () => {
  it('that are no hashpath fail', () => {
    for (const base of ['', '/', 'a/', `${ID}/a/b`, 'short/a', `${'~'.repeat(43)}/a`])
      expect(() => hashpath(base, 'x'), base).toThrow(/is not a hashpath/)
    expect(() => hashpath(`${ID}/short`, 'x', 'accumulate-256')).toThrow(/is not a hashpath/)
  })

  it('of 43 characters that are no id count as text', () => {
    expect(hashpath(`${ID}/${'~'.repeat(43)}`, 'x')).toMatch(/^[\w-]{43}\/x$/)
  })

  it('with an algorithm that nobody knows fail', () => {
    expect(() => hashpathAlgorithm(message({ 'hashpath-alg': 'md5' }))).toThrow(/none of sha-256-chain and accumulate-256/)
    const algorithms: HashpathAlgorithm[] = ['sha-256-chain', 'accumulate-256']
    for (const name of algorithms) expect(hashpathAlgorithm(message({ 'hashpath-alg': name }))).toBe(name)
    expect(hashpathAlgorithm(message({}))).toBe('sha-256-chain')
  })
})

function partOf(binary: Binary): string {
  return typeof binary === 'string' && binary.length !== 32 ? binary : toBase64url(typeof binary === 'string' ? utf8(binary) : binary)
}
