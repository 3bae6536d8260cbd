import { describe, expect, it } from 'vitest'
import { decodeAns104, encodeAns104, verifyAns104Commitment } from './ans104.ts'
import { commitmentsOf, parseCommitment } from './commitment.ts'
import { type Message, message } from './value.ts'
import { receiveMessage } from './verified.ts'
import { verifyCommitment } from './verify.ts'

describe('a commitment without a signature', () => {
  /** As upstream has it: an item by nobody whose tag names have upper case. */
  async function byNobody(): Promise<{ readonly id: string; readonly received: Message }> {
    const item = await encodeAns104(message({ 'Test-Tag': 'v' }))
    const decoded = decodeAns104(item)
    const [[id, own] = ['', new Map()]] = [...(decoded.get('commitments') as ReadonlyMap<string, Message>)]
    const unsigned = new Map([...own].filter(([key]) => key !== 'signature'))
    return { id, received: new Map(decoded).set('commitments', new Map([[id, unsigned]])) }
  }

  it('is one by nobody, whose id stands for it', async () => {
    const { id, received } = await byNobody()
    const [commitment] = commitmentsOf(received)
    expect(commitment).toMatchObject({ id, type: 'unsigned-sha256', committer: null })
    expect(Buffer.from(commitment!.signature).toString('base64url')).toBe(id)
    expect(await verifyAns104Commitment(received, commitment!)).toBe(true)
    expect(commitmentsOf(await receiveMessage(received))).toHaveLength(1)
    expect(Buffer.from(await encodeAns104(received))).toEqual(Buffer.from(await encodeAns104(message({ 'Test-Tag': 'v' }))))
  })

  it('does not hold for anything else, nor for anybody', async () => {
    const { id, received } = await byNobody()
    const [commitment] = commitmentsOf(received)
    expect(await verifyCommitment(new Map(received).set('test-tag', 'w'), commitment!)).toBe(false)
    expect(await verifyCommitment(received, { ...commitment!, committer: 'A'.repeat(43) })).toBe(false)
    expect(await verifyCommitment(received, { ...commitment!, device: 'httpsig@1.0' })).toBe(false)
    expect(id).toHaveLength(43)
  })

  it('is none where it stands for a signature, or has no id', () => {
    const id = 'A'.repeat(43)
    for (const [name, type] of [
      [id, 'rsa-pss-sha512'],
      [id, 'hmac-sha256'],
      [id, ''],
      ['short', 'unsigned-sha256'],
    ] as const)
      expect(() => parseCommitment(name, message({ type, committed: [] })), `${name} ${type}`).toThrow(/has no signature/)
  })
})
