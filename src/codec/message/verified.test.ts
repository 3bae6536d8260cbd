import { describe, expect, it } from 'vitest'
import { vectorKeys } from '../../../test/ao-core-vectors.ts'
import { encodeAns104 } from './ans104.ts'
import { commit, commitSecret, commitUnsigned } from './commit.ts'
import { commitmentsOf, withCommitments, withoutCommitments } from './commitment.ts'
import { encodeHttpMessage } from './http-message.ts'
import { decodeJson, encodeJson } from './json.ts'
import { generateWallet, itemSigner, messageSigner } from './signers.ts'
import { type Message, message } from './value.ts'
import { committedOnly, committersOf, receiveDataItem, receiveHttpMessage, receiveMessage, requireVerified } from './verified.ts'

const alice = messageSigner(vectorKeys['key-1'])
const bob = messageSigner(vectorKeys['key-2'])
const said = message({ action: 'Transfer', quantity: 100, within: { a: ['x'] } })

function invalid(about: string): unknown {
  return expect.objectContaining({ code: 'signature-invalid', message: expect.stringContaining(about) })
}

describe('requireVerified', () => {
  it('passes what holds, and names who committed', async () => {
    const both = await commit(await commit(said, alice), bob)
    expect(committersOf(await requireVerified(both, { by: [bob.address, alice.address] }))).toEqual([alice.address, bob.address])
    expect(committersOf(await requireVerified(said))).toEqual([])
    expect(committersOf(await requireVerified(commitUnsigned(said)))).toEqual([])
  })

  it('fails when a value, a committer or a key id was changed', async () => {
    const signed = await commit(said, alice)
    const [own] = commitmentsOf(signed)
    const forgeries: Message[] = [
      new Map(signed).set('quantity', 101),
      withoutKey(signed, 'within'),
      withCommitments(signed, [{ ...own!, committer: bob.address }]),
      withCommitments(signed, [{ ...own!, keyId: commitmentsOf(await commit(said, bob))[0]!.keyId }]),
      withCommitments(signed, [{ ...own!, committed: ['action'] }]),
    ]
    for (const [i, forged] of forgeries.entries())
      await expect(requireVerified(forged), `forgery ${i}`).rejects.toEqual(invalid('does not hold'))
  })

  it('fails when not all committed who are asked for', async () => {
    const signed = await commit(said, alice)
    await expect(requireVerified(signed, { by: [alice.address, bob.address] })).rejects.toEqual(invalid(`${bob.address} did not commit`))
    await expect(requireVerified(said, { by: [bob.address] })).rejects.toEqual(invalid('nobody did'))
  })

  it('takes a shared secret, and nothing less', async () => {
    const shared = commitSecret(said, 'between us')
    expect(committersOf(await requireVerified(shared, { secret: 'between us' }))).toHaveLength(1)
    await expect(requireVerified(shared, { secret: 'something else' })).rejects.toEqual(invalid('does not hold'))
    await expect(requireVerified(shared)).rejects.toEqual(invalid('does not hold'))
  })
})

describe('what is received', () => {
  it('over HTTP and in JSON comes to the same', async () => {
    const signed = await commit(said, alice)
    const options = { by: [alice.address] }
    const overHttp = await receiveHttpMessage(encodeHttpMessage(signed, { bundle: true }), options)
    const inJson = await receiveMessage(decodeJson(encodeJson(signed)), options)
    expect(withoutCommitments(inJson)).toEqual(withoutCommitments(overHttp))
    await expect(receiveMessage(inJson, { by: [bob.address] })).rejects.toEqual(invalid('did not commit'))
  })

  it('as a data item, signed by who is asked for', async () => {
    const item = await encodeAns104(message({ action: 'Transfer', data: 'x' }), itemSigner(vectorKeys['key-1']))
    expect(committersOf(await receiveDataItem(item, { by: [alice.address] }))).toEqual([alice.address])
    await expect(receiveDataItem(item, { by: [bob.address] })).rejects.toEqual(invalid('did not commit'))
    const changed = item.map((byte, i) => (i === item.length - 1 ? byte ^ 1 : byte))
    await expect(receiveDataItem(changed)).rejects.toEqual(invalid('not signed by its owner'))
  })

  it('fails for a forged message within', async () => {
    const forged = new Map(await commit(said, alice)).set('quantity', 101)
    await expect(receiveMessage(message({ outer: forged }))).rejects.toEqual(invalid('does not hold'))
  })
})

describe('committedOnly', () => {
  it('keeps what every commitment covers', async () => {
    const signed = await commit(said, alice, { committed: ['action', 'within'] })
    const more = new Map([...signed, ['added', 'later'] as const])
    expect([...committedOnly(more).keys()].sort()).toEqual(['action', 'commitments', 'within'])
    expect(committersOf(await requireVerified(committedOnly(more)))).toEqual([alice.address])
    expect(committedOnly(said)).toBe(said)
  })

  it('keeps nobody who said more, nor lets a digest cut a message down', async () => {
    const whole = await commit(said, alice)
    const part = await commit(said, bob, { committed: ['action'] })
    const both = withCommitments(said, [...commitmentsOf(whole), ...commitmentsOf(part)])
    expect([...committedOnly(both).keys()].sort()).toEqual(['action', 'commitments'])
    expect(committersOf(await requireVerified(committedOnly(both)))).toEqual([bob.address])
    const digest = commitmentsOf(part).filter(({ committer }) => committer === null)
    const cut = withCommitments(said, [...commitmentsOf(whole), ...digest])
    expect(withoutCommitments(committedOnly(cut))).toEqual(said)
    expect(committersOf(await requireVerified(committedOnly(cut)))).toEqual([alice.address])
  })
})

describe('signers', () => {
  it('of messages are RSA keys only; of items any', async () => {
    const wallet = await generateWallet('ed25519')
    expect(() => messageSigner(wallet)).toThrow(
      expect.objectContaining({ code: 'request-invalid', message: expect.stringContaining('ed25519') }),
    )
    expect(itemSigner(wallet).signatureType).toBe(2)
    expect(itemSigner(vectorKeys['key-1']).signatureType).toBe(1)
    expect(() => messageSigner({ kty: 'RSA' })).toThrow(expect.objectContaining({ code: 'request-invalid' }))
  })
})

function withoutKey(from: Message, key: string): Message {
  return new Map([...from].filter(([name]) => name !== key))
}
