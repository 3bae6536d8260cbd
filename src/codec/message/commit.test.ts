import { describe, expect, it } from 'vitest'
import { vectorKeys } from '../../../test/ao-core-vectors.ts'
import { commit, commitSecret, commitUnsigned, withUnsignedChildren } from './commit.ts'
import { commitmentsOf, type MessageSigner } from './commitment.ts'
import { linkId, messageId, unsignedId } from './id.ts'
import { messageSigner } from './signers.ts'
import { float, Link, type Message, message } from './value.ts'
import { verifyMessage } from './verify.ts'

const signer = messageSigner(vectorKeys['key-1'])
const ALL = { commitmentIds: 'all' } as const

describe('commit', () => {
  it('signs once, and adds the digest of the same keys', async () => {
    let signed = 0
    const counting: MessageSigner = {
      ...signer,
      sign(base) {
        signed++
        return signer.sign(base)
      },
    }
    const plain = message({ b: 2, a: 'x', l: [] })
    const committed = await commit(plain, counting)
    expect(signed).toBe(1)
    const [signature, digest] = commitmentsOf(committed)
    expect(signature).toMatchObject({ type: 'rsa-pss-sha512', committer: signer.address, committed: ['a', 'ao-types', 'b', 'l'] })
    expect(signature?.keyId).toBe(vectorKeys['KEYID'])
    expect(digest).toMatchObject({ type: 'hmac-sha256', keyId: 'constant:ao', committer: null, committed: ['a', 'ao-types', 'b', 'l'] })
    expect(digest?.id).toBe(unsignedId(plain))
    expect(plain.has('commitments')).toBe(false)
  })

  it('takes only the keys that it is told, with their types, and leaves out those that are not there', async () => {
    const committed = await commit(message({ a: '1', n: 2, f: float(1), z: 'z' }), signer, { committed: ['z', 'n', 'nothing'] })
    expect(commitmentsOf(committed).map((commitment) => commitment.committed)).toEqual([
      ['ao-types', 'n', 'z'],
      ['ao-types', 'n', 'z'],
    ])
    expect(messageId(committed)).toBe(unsignedId(message({ n: 2, z: 'z' })))
    await expect(commit(message({ a: '1' }), signer, { committed: ['b'] })).rejects.toMatchObject({ code: 'request-invalid' })
    expect(commitmentsOf(await commit(message({ a: '1' }), signer, { committed: [] }))).toHaveLength(2)
  })

  it('replaces an older digest by the same key, and no other commitment', async () => {
    const once = commitSecret(commitUnsigned(message({ a: '1' })), 'one')
    const twice = await commit(commitSecret(new Map([...once, ['b', '2']]), 'two'), signer, { committed: ['a', 'b'] })
    expect(commitmentsOf(twice).map(({ keyId, committed }) => [keyId?.split(':')[0], committed])).toEqual([
      ['secret', ['a']],
      ['secret', ['a']],
      ['publickey', ['a', 'b']],
      ['constant', ['a', 'b']],
    ])
  })

  it('links to messages within unless they are to be whole', async () => {
    const link = new Link('A'.repeat(43))
    const plain = message({ inner: { a: '1' }, list: ['x'], link })
    const linked = await commit(plain, signer)
    const whole = await commit(plain, signer, { bundle: true })
    expect(await verifyMessage(linked, ALL)).toBe(true)
    expect(await verifyMessage(whole, ALL)).toBe(true)
    const asLinks = new Map([...linked, ['inner', new Link(linkId(plain.get('inner') as Message))]])
    expect(await verifyMessage(asLinks, ALL)).toBe(true)
    expect(await verifyMessage(new Map([...whole, ['inner', new Link(linkId(plain.get('inner') as Message))]]), ALL)).toBe(false)
    expect(commitmentsOf(whole).map(({ extra }) => extra.get('bundle'))).toEqual(['true', 'true'])
  })
})

describe('withUnsignedChildren', () => {
  it('gives every message within its digest, but for empty and committed ones', async () => {
    const signed = await commit(message({ s: '1' }), signer)
    const plain = message({ a: '1', inner: { deep: { x: 1 }, none: {} }, list: [{ y: '2' }, 'z'], signed })
    const whole = withUnsignedChildren(plain)
    expect(unsignedId(whole)).toBe(unsignedId(plain))
    expect(whole.has('commitments')).toBe(false)
    const inner = whole.get('inner') as Message
    expect(commitmentsOf(inner)[0]?.id).toBe(unsignedId(plain.get('inner') as Message))
    expect((inner.get('deep') as Message).has('commitments')).toBe(true)
    expect(inner.get('none')).toEqual(new Map())
    expect(((whole.get('list') as Message[])[0] as Message).has('commitments')).toBe(true)
    expect(whole.get('signed')).toEqual(signed)
  })
})
