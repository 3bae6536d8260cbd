import { describe, expect, it } from 'vitest'
import { commitmentIds, vectorKeys } from '../../../test/ao-core-vectors.ts'
import { utf8 } from '../../base/bytes.ts'
import { createDataItem } from '../data-item.ts'
import { textTag } from '../tags.ts'
import { decodeAns104, encodeAns104 } from './ans104.ts'
import { commit, commitUnsigned } from './commit.ts'
import { commitmentsOf, withCommitments } from './commitment.ts'
import { decodeHttpMessage, encodeHttpMessage, encodeSignedHttpMessage } from './http-message.ts'
import { isLegalHttp } from './httpsig.ts'
import { committersOf, messageId, unsignedId } from './id.ts'
import { itemSigner, messageSigner } from './signers.ts'
import { type Message, message, type Value } from './value.ts'
import { verifyMessage, verifyReceived } from './verify.ts'

const one = messageSigner(vectorKeys['key-1'])
const two = messageSigner(vectorKeys['key-2'])
const ALL = { commitmentIds: 'all' } as const

describe('what is sent', () => {
  it('is legal HTTP, and verifies whichever form was signed', async () => {
    const odd = message({ a: 'two\nlines', é: 'ü', 'a b': ' x ', 'Upper-Case': 'x', big: 'x'.repeat(5000), l: [1, ['x\r\n']], plain: 'x' })
    for (const wire of [true, false])
      for (const bundle of [true, false]) {
        const signed = await commit(odd, one, { wire, bundle })
        expect(messageId(signed)).toBe(bundle ? messageId(commitUnsigned(odd, { bundle })) : unsignedId(odd))
        const form = encodeHttpMessage(signed, { bundle })
        expect(isLegalHttp(form)).toBe(true)
        const { message: received } = await verifyReceived(form)
        expect(committersOf(received)).toEqual([one.address])
        expect(unsignedId(received)).toBe(unsignedId(odd))
        expect(await verifyMessage(received, ALL)).toBe(true)
        const again = await verifyReceived(encodeHttpMessage(received, { bundle }))
        expect(commitmentIds(again.message)).toEqual(commitmentIds(signed))
      }
  })

  it('leaves out commitments that nobody could verify from it', async () => {
    const bundled = await commit(message({ inner: { a: '1' }, b: '2' }), one, { bundle: true })
    expect(encodeHttpMessage(bundled).headers.has('signature')).toBe(false)
    expect(encodeHttpMessage(bundled, { bundle: true }).headers.has('signature')).toBe(true)
    const linked = await commit(message({ inner: { a: '1' }, b: '2' }), one)
    expect(committersOf((await verifyReceived(encodeHttpMessage(linked, { bundle: true }))).message)).toEqual([one.address])
    const grown = new Map<string, Value>([...(await commit(message({ body: 'x', a: '1' }), one)), ['list', ['x']]])
    expect(encodeHttpMessage(grown).headers.has('signature')).toBe(true)
    expect(encodeHttpMessage(grown, { bundle: true }).headers.has('signature')).toBe(false)
  })

  it('keeps a signature over some keys beside others, whatever their types', async () => {
    const signed = await commit(message({ a: '1', n: 2, z: '3' }), one, { committed: ['a', 'n'] })
    const { message: received } = await verifyReceived(encodeHttpMessage(new Map([...signed, ['m', 4]] as [string, Value][])))
    expect([...received.keys()].sort()).toEqual(['a', 'commitments', 'n'])
    expect(received.get('n')).toBe(2)
    expect(committersOf(received)).toEqual([one.address])
  })

  it('passes data items on, with their tags in their order', async () => {
    for (const content of [
      message({ z: '1', a: '2', data: 'x', n: 3 }),
      message({ 'z-long': 'x'.repeat(1000), 'Data-Protocol': 'ao', Action: 'Eval', body: 'x' }),
      message({ target: 'A'.repeat(43), c: '1', b: '2' }),
    ]) {
      const item = decodeAns104(await encodeAns104(content, itemSigner(vectorKeys['key-1'])))
      const { message: received } = await verifyReceived(encodeHttpMessage(item))
      expect(committersOf(received)).toEqual([one.address])
      expect(commitmentsOf(received)).toEqual(commitmentsOf(item))
      expect(await verifyMessage(received, ALL)).toBe(true)
    }
    const whole = decodeAns104(await encodeAns104(message({ a: '1', inner: { b: '2' } }), itemSigner(vectorKeys['key-1'])))
    expect(encodeHttpMessage(whole).headers.has('signature')).toBe(false)
    expect(committersOf((await verifyReceived(encodeHttpMessage(whole, { bundle: true }))).message)).toEqual([one.address])
  })

  it.each([
    ['as they are', ['n', 'ao-types', 'a'], ['n', 'ao-types', 'a']],
    ['in some order, though they are sorted', ['a', 'ao-types', 'n'], ['n', 'a', 'ao-types']],
    ['sorted, though the types come last', ['a', 'n', 'ao-types'], ['a', 'ao-types', 'n']],
  ])('knows data items whose tags are listed %s', async (_, tagNames, listed) => {
    const values: Record<string, string> = { a: '1', n: '5', 'ao-types': 'n="integer"' }
    const tags = tagNames.map((name) => textTag(name, values[name]!))
    const item = decodeAns104(await createDataItem({ tags, data: utf8('x') }, itemSigner(vectorKeys['key-1'])))
    const form = encodeHttpMessage(item)
    const names = ['ao-body-key', 'content-digest', ...listed].map((name) => `"${name}"`).join(' ')
    const input = String(form.headers.get('signature-input')).replace(/\(.*?\)/, `(${names})`)
    for (const headers of [form.headers, new Map([...form.headers, ['signature-input', input]])]) {
      const { message: received } = await verifyReceived({ ...form, headers })
      expect(commitmentsOf(received)[0]?.committed.filter((key) => key !== 'data')).toEqual(tagNames)
      expect(committersOf(received)).toEqual([one.address])
      expect(await verifyMessage(received, ALL)).toBe(true)
    }
  })

  it('has tags that a header can hold', async () => {
    const signed = await commit(message({ a: '1' }), one, { tag: 'id/é\n', nonce: 'a "b"' })
    const form = encodeHttpMessage(signed)
    expect(isLegalHttp(form)).toBe(true)
    const extra = commitmentsOf((await verifyReceived(form)).message).find(({ committer }) => committer !== null)?.extra
    expect(extra).toEqual(
      new Map([
        ['tag', 'id/%c3%a9%0a'],
        ['nonce', 'a "b"'],
      ]),
    )
    const odd = commitmentsOf(signed).map((commitment) => ({ ...commitment, extra: new Map([['tag', 'line\nfeed']]) }))
    expect(encodeHttpMessage(withCommitments(signed, odd)).headers.has('signature')).toBe(false)
  })

  it('has no private keys', () => {
    const form = encodeHttpMessage(message({ a: '1', priv: 'x', 'priv-wallet': { d: 'x' }, inner: { 'priv-x': '1', b: '2' } }), {
      bundle: true,
    })
    expect(JSON.stringify([...form.headers]) + new TextDecoder().decode(form.body!)).not.toContain('priv')
  })

  it('passes a signature of an older dialect on where its values are sent as they were signed', async () => {
    const { message: received } = await verifyReceived(
      await encodeSignedHttpMessage(message({ a: '1', path: '/x' }), one, { dialect: 'g0' }),
    )
    const { message: again, dialect } = await verifyReceived(encodeHttpMessage(received))
    expect(dialect).toBe('g0')
    expect(committersOf(again)).toEqual([one.address])
    const typed = await verifyReceived(await encodeSignedHttpMessage(message({ t: true }), one, { dialect: 'g0' }))
    expect(encodeHttpMessage(typed.message).headers.has('signature')).toBe(false)
  })
})

describe('signed by the sender', () => {
  const reply = message({ status: 200, a: 'x', l: [1, 'two'], inner: { k: 'v' }, body: 'the body' })

  it.each(['g0', 'g1', 'g2'] as const)('in %s', async (dialect) => {
    const form = await encodeSignedHttpMessage(reply, one, { dialect, bundle: true, tag: 'id/path' })
    const received = await verifyReceived(form)
    expect(received.dialect).toBe(dialect)
    expect(committersOf(received.message)).toEqual([one.address])
    expect(unsignedId(received.message)).toBe(unsignedId(reply))
    const tagged = commitmentsOf(received.message).filter(({ extra }) => extra.get('tag') === 'id/path')
    expect(tagged.map(({ type }) => type)).toEqual(['rsa-pss-sha512'])
    const input = form.headers.get('signature-input') as string
    const [marker, key] = {
      g0: ['http-sig-', 'keyid="6SvciAl6y2Il2zlc84ycqrq7PKHGVR_y'],
      g1: ['sig-', 'keyid="6SvciAl6y2Il2zlc84ycqrq7PKHGVR/y'],
      g2: ['comm-', 'keyid="publickey:'],
    }[dialect]
    expect(input.startsWith(marker!)).toBe(true)
    expect(input).toContain(key)
    expect(input.includes('"@status"')).toBe(dialect === 'g0')
    expect(input.includes('keyid="ao"')).toBe(dialect === 'g1')
  })

  it('keeps who signed before', async () => {
    const signed = await commit(reply, two)
    const { message: received } = await verifyReceived(await encodeSignedHttpMessage(signed, one))
    expect(committersOf(received).sort()).toEqual([one.address, two.address].sort())
  })
})

describe('what is only decoded', () => {
  it('keeps a committed `content-type` that names parts which the body has not', async () => {
    const said = await commit(message({ 'content-type': 'multipart/mixed', body: 'abc' }), one)
    const decoded = decodeHttpMessage(encodeHttpMessage(said))
    expect(commitmentsOf(decoded).map(({ committed }) => [...committed].sort())).toEqual(
      commitmentsOf(said).map(({ committed }) => [...committed].sort()),
    )
    expect(await verifyMessage(decoded)).toBe(true)
  })

  it('says what its headers say', async () => {
    const signed = await commit(message({ a: '1', data: 'x', n: 1 }), one)
    const form = encodeHttpMessage(signed)
    const decoded = decodeHttpMessage(form)
    expect(decoded).toEqual(new Map([...signed]))
    const forged: Message = decodeHttpMessage({ ...form, headers: new Map([...form.headers, ['a', '2']]) })
    expect(committersOf(forged)).toEqual([one.address])
    expect(await verifyMessage(forged, ALL)).toBe(false)
  })
})
