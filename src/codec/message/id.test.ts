import { describe, expect, it } from 'vitest'
import { messageFrom, readVectors, type TypedObject } from '../../../test/ao-core-vectors.ts'
import { fromBase64url, fromBigEndian, toBase64url, utf8 } from '../../base/bytes.ts'
import { hmacSha256, hmacSha256Of } from '../../base/hash.ts'
import { commitSecret, commitUnsigned } from './commit.ts'
import { commitmentsOf, parseCommitment, withCommitments } from './commitment.ts'
import { combineIds, committersOf, linkId, messageId, selectCommitments, unsignedId } from './id.ts'
import { type Message, message, type Value } from './value.ts'

interface Case {
  readonly name: string
  readonly input: TypedObject
  readonly 'unsigned-id': string
}
interface Hashpaths {
  readonly accumulate: readonly { readonly ids: readonly string[]; readonly accumulate: string }[]
  readonly 'multi-commitment': {
    readonly message: TypedObject
    readonly commitments: { readonly [id: string]: TypedObject }
    readonly 'signer-1': string
    readonly 'signer-2': string
    readonly 'id-all': string
    readonly 'id-none': string
    readonly 'id-signer-1': string
    readonly 'id-signer-2': string
  }
  readonly 'inner-signed': { readonly 'inner-commitments': { readonly [id: string]: TypedObject }; readonly 'outer-id': string }
}

const { cases } = readVectors<{ cases: readonly Case[] }>('ao-core-messages.json')
const vectors = readVectors<Hashpaths>('ao-core-hashpath.json')

describe('unsigned ids', () => {
  it.each(cases)('vector: $name', ({ input, 'unsigned-id': id }) => {
    expect(unsignedId(messageFrom(input))).toBe(id)
  })

  it('do not depend on commitments, on the order of keys, nor on whether a message was seen before', () => {
    const plain = message({ a: '1', b: { c: 2 } })
    const committed = commitUnsigned(plain, { committed: ['a'] })
    expect(unsignedId(committed)).toBe(unsignedId(plain))
    expect(unsignedId(new Map([...plain].reverse()))).toBe(unsignedId(plain))
    expect(unsignedId(plain)).toBe(unsignedId(plain))
  })

  it('are sorted beyond 32 keys', () => {
    const keys = Array.from({ length: 40 }, (_, at) => `k${at + 10}`)
    const forth = new Map(keys.map((key) => [key, 'v']))
    expect(unsignedId(forth)).toBe(unsignedId(new Map([...forth].reverse())))
  })

  it('leave private keys out', () => {
    expect(unsignedId(message({ a: '1', priv: { x: 1 }, 'priv-key': 'x' }))).toBe(unsignedId(message({ a: '1' })))
  })

  it('fail for messages that are too deep, and are quick for those that are not', () => {
    const nested = (depth: number): Message => {
      let value: Message = message({ a: '1' })
      for (let i = 0; i < depth; i++) value = new Map([['a', value]])
      return value
    }
    expect(unsignedId(nested(99))).toHaveLength(43)
    expect(() => unsignedId(nested(20_000))).toThrow(/more than 100/)
  })

  it('use a digest that is HMAC-SHA256, whatever the length', () => {
    const digest = hmacSha256Of(utf8('constant:ao'))
    for (const length of [0, 1, 55, 64, 1000, 16_384, 16_385, 100_000]) {
      expect(digest('é'.repeat(length))).toBe(toBase64url(hmacSha256(utf8('constant:ao'), 'é'.repeat(length))))
      expect(digest(new Uint8Array(length))).toBe(toBase64url(hmacSha256(utf8('constant:ao'), new Uint8Array(length))))
    }
  })
})

describe('ids of commitments', () => {
  const multi = vectors['multi-commitment']
  const signed = withAll(multi.message, multi.commitments)

  it.each(vectors.accumulate)('vector: adding up $ids', ({ ids, accumulate }) => {
    expect(combineIds(ids)).toBe(accumulate)
    expect(combineIds([...ids].reverse())).toBe(accumulate)
  })

  it('vector: several committers', () => {
    expect(messageId(signed, { committers: 'all' })).toBe(multi['id-all'])
    expect(messageId(signed)).toBe(multi['id-none'])
    expect(messageId(signed, { committers: 'none' })).toBe(multi['id-none'])
    expect(messageId(signed, { committers: [multi['signer-1']] })).toBe(multi['id-signer-1'])
    expect(messageId(signed, { committers: [multi['signer-2']] })).toBe(multi['id-signer-2'])
    expect(messageId(signed, { commitmentIds: [multi['id-signer-2']], committers: [multi['signer-2']] })).toBe(multi['id-signer-2'])
    const all = commitmentsOf(signed).map(({ id }) => fromBigEndian(fromBase64url(id)))
    const sum = all.reduce((total, id) => total + id) % 2n ** 256n
    expect(fromBigEndian(fromBase64url(messageId(signed, { commitmentIds: 'all' })))).toBe(sum)
  })

  it('name each committer and each commitment once', () => {
    const [first] = commitmentsOf(signed).filter(({ committer }) => committer === multi['signer-1'])
    const again = { ...first!, id: 'A'.repeat(43), signature: new Uint8Array(32) }
    const twice = withCommitments(signed, [...commitmentsOf(signed), again])
    expect(committersOf(twice).sort()).toEqual([multi['signer-1'], multi['signer-2']].sort())
    expect(selectCommitments(twice, { committers: [multi['signer-1'], multi['signer-1']] })).toHaveLength(2)
    expect(messageId(twice, { committers: [multi['signer-1'], multi['signer-1']] })).toBe(multi['id-signer-1'])
  })

  it('fail for a committer or commitment that is not there', () => {
    expect(() => messageId(signed, { committers: ['nobody'] })).toThrow(/no committer nobody/)
    expect(() => messageId(signed, { commitmentIds: ['nothing'] })).toThrow(/no commitment nothing/)
    expect(() => messageId(message({ a: '1' }), { committers: ['nobody'] })).toThrow(/no committer nobody/)
    expect(messageId(message({ a: '1' }), { committers: 'all', commitmentIds: 'all' })).toBe(unsignedId(message({ a: '1' })))
  })

  it('without a selection are those of digests by the constant, not of older ones', () => {
    const partial = commitUnsigned(message({ a: '1', b: '2' }), { committed: ['a'] })
    expect(messageId(partial)).toBe(unsignedId(message({ a: '1' })))
    const old = withCommitments(
      partial,
      commitmentsOf(partial).map((commitment) => ({ ...commitment, keyId: 'ao' })),
    )
    expect(messageId(old)).toBe(unsignedId(message({ a: '1', b: '2' })))
  })
})

describe('links', () => {
  it('vector: to a signed message by the id of its signature', () => {
    const inner = vectors['inner-signed']
    const body = withAll({ inner: 'signed' }, inner['inner-commitments'])
    expect(
      unsignedId(
        new Map<string, Value>([
          ['outer', 'x'],
          ['body', body],
        ]),
      ),
    ).toBe(inner['outer-id'])
  })

  it('are by commitments that have a committer, else by the unsigned id', () => {
    const child = message({ a: '1' })
    expect(linkId(child)).toBe(unsignedId(child))
    expect(linkId(commitUnsigned(child))).toBe(unsignedId(child))
    const secret = commitSecret(commitUnsigned(child), 'secret')
    expect(linkId(secret)).toBe(commitmentsOf(secret).find(({ committer }) => committer !== null)?.id)
    expect(linkId(['a', 1])).toBe(unsignedId(['a', 1]))
  })
})

function withAll(values: TypedObject, commitments: { readonly [id: string]: TypedObject }): Message {
  const parsed = Object.entries(commitments).map(([id, commitment]) => {
    const keyid = commitment['type'] === 'hmac-sha256' ? 'constant:ao' : 'publickey:x'
    return parseCommitment(id, messageFrom({ keyid, ...commitment }))
  })
  return withCommitments(messageFrom(values), parsed)
}
