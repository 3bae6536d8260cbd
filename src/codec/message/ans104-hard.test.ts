import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyKey, anyMessage, withoutEmptyData } from '../../../test/ao-core-arbitrary.ts'
import { comparable, vectorKeys } from '../../../test/ao-core-vectors.ts'
import { concat, EMPTY, fromBase64url, toBase64, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { BUNDLE_DEPTH_MAX } from '../../base/limits.ts'
import { BUNDLE_TAGS, encodeBundle } from '../bundle.ts'
import { createDataItem, type DataItem, decodeDataItem, type ItemFields, type ItemSigner, itemSigner } from '../data-item.ts'
import { aptosItemSigner, ethereumSecretSigner, multiAptosItemSigner, solanaItemSigner, typedEthereumItemSigner } from '../item-signers.ts'
import { generateKey, keyFromJwk, type SigningKey } from '../keys.ts'
import { commitAns104, decodeAns104, decodeAns104Value, encodeAns104, receiveAns104, verifyAns104Commitment } from './ans104.ts'
import { itemBytes, UNSIGNED, unsignedItemId } from './ans104-item.ts'
import { lowerCase } from './ans104-tags.ts'
import { type Commitment, commitmentsOf, withCommitments } from './commitment.ts'
import { linkId, messageId } from './id.ts'
import { Link, type Message, message, type Value } from './value.ts'

const ed25519 = await generateKey('ed25519')
const secret = new Uint8Array(32).fill(7)
const signers: readonly [type: string, signer: ItemSigner][] = [
  ['rsa-pss-sha256', itemSigner(keyFromJwk(vectorKeys['key-1']))],
  ['ed25519', itemSigner(ed25519)],
  ['ethereum', ethereumSecretSigner(secret)],
  ['solana', solanaItemSigner(ed25519)],
  ['injected-aptos', aptosItemSigner(ed25519)],
  ['multi-aptos', multiAptosItemSigner({ publicKeys: [ed25519.publicKey], threshold: 1, members: new Map([[0, ed25519 as SigningKey]]) })],
  ['typed-ethereum', typedEthereumItemSigner(secret)],
]
const signer = itemSigner(ed25519)
const plain = message({ data: 'return 1', action: 'Eval', n: 7, list: [1, ['a', true], { k: 'v' }], sub: { body: 'x', deep: { f: 1.5 } } })

const itemOf = (fields: ItemFields): Promise<DataItem> => createDataItem(fields, signer)
const only = (decoded: Message): Commitment => commitmentsOf(decoded)[0]!
const isNoted = (decoded: Message): boolean => only(decoded).extra.has('priv-item')

async function checkItem(item: DataItem): Promise<Message> {
  const decoded = decodeAns104(item)
  expect(toBase64(await encodeAns104(decoded))).toBe(toBase64(item.raw))
  expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
  expect(messageId(decoded, { committers: 'all' })).toBe(item.id)
  return decoded
}

const lowerKey = anyKey.filter((key) => lowerCase(key) === key && key !== 'ao-data-key')

describe('random messages', () => {
  it('come back from signed items, which verify and come out again bit by bit', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage({ key: lowerKey, hasLinks: true }), async (original) => {
        const raw = await encodeAns104(original, signer)
        const decoded = await receiveAns104(raw)
        expect(comparable(withoutEmptyData(decoded), ['commitments'])).toEqual(comparable(withoutEmptyData(original)))
        expect(isNoted(decoded)).toBe(false)
        expect(toBase64(await encodeAns104(decoded))).toBe(toBase64(raw))
        expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('come back from unsigned items', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage({ key: lowerKey }), async (original) => {
        const decoded = decodeAns104(await encodeAns104(original))
        expect(comparable(withoutEmptyData(decoded))).toEqual(comparable(withoutEmptyData(original)))
      }),
      { numRuns: 100 },
    )
  })
})

describe('random items', () => {
  const anyTag = fc.record({
    name: fc.oneof(
      fc.constantFrom(
        'a',
        'A',
        'ao-types',
        'Ao-Data-Key',
        'ao-type',
        'target',
        'Bundle-Format',
        'Bundle-Version',
        'b+link',
        'priv-x',
        'commitments',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    value: fc.oneof(
      fc.constantFrom('', 'binary', '2.0.0', 'a="integer"', 'x="empty-list"', '.="list"', '1'),
      fc.string({ unit: 'binary', maxLength: 12 }),
    ),
  })
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('give messages that verify and come out bit by bit, or fail with a code', async () => {
    let read = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyTag, { maxLength: 8 }),
        fc.option(id),
        fc.option(id),
        fc.uint8Array({ maxLength: 40 }),
        async (tags, target, anchor, data) => {
          const item = await itemOf({ tags, data, ...(target === null ? {} : { target }), ...(anchor === null ? {} : { anchor }) })
          const decoded = attempt(() => decodeAns104(item))
          if (decoded === null) return
          read++
          await checkItem(item)
        },
      ),
      { numRuns: 300 },
    )
    expect(read).toBeGreaterThan(100)
  })

  it('with any bytes decode or fail with a code', async () => {
    const whole = await encodeAns104(plain, signer)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(),
        fc.nat(whole.length - 1),
        fc.integer({ min: 0, max: 255 }),
        (junk, cut, at, byte) => {
          attempt(() => decodeAns104Value(junk))
          attempt(() => decodeAns104Value(whole.subarray(0, cut % whole.length)))
          const changed = new Uint8Array(whole)
          changed[at] = byte
          attempt(() => decodeAns104Value(changed))
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('signers', () => {
  it.each(signers)('%s', async (type, by) => {
    const decoded = await receiveAns104(await encodeAns104(plain, by))
    const { type: found, keyId, committer } = only(decoded)
    expect(found).toBe(type)
    expect(keyId).toBe(`publickey:${toBase64url(by.owner)}`)
    expect(committer).toMatch(type.includes('ethereum') ? /^0x[0-9a-fA-F]{40}$/ : /^[A-Za-z0-9_-]{43}$/)
    expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
    const others = message({ ...Object.fromEntries(decoded), action: 'Other' })
    expect(await verifyAns104Commitment(others, only(decoded))).toBe(false)
  })

  it('an Ethereum wallet has one address, whichever way it signs', async () => {
    const [personal, typed] = await Promise.all(
      [ethereumSecretSigner(secret), typedEthereumItemSigner(secret)].map((by) => commitAns104(plain, by)),
    )
    expect(only(personal!).committer).toBe(only(typed!).committer)
  })

  it('an item that nobody signed has no committer, and an invalid one is refused', async () => {
    const unsigned = await receiveAns104(await encodeAns104(plain))
    expect(unsigned.has('commitments')).toBe(false)
    const raw = new Uint8Array(await encodeAns104(plain, signer))
    raw[raw.length - 1]! ^= 1
    await expect(receiveAns104(raw)).rejects.toMatchObject({ code: 'signature-invalid' })
  })

  it('signing keeps the commitments that still hold', async () => {
    const other: Commitment = { ...only(await commitAns104(plain, signer)), id: 'x', device: 'httpsig@1.0', committed: ['action'] }
    const committed = await commitAns104(withCommitments(plain, [other]), signer)
    expect(commitmentsOf(committed).map(({ device }) => device)).toEqual(['httpsig@1.0', 'ans104@1.0'])
    const mixed = new Map([...plain, ['Mixed', 'x']])
    const lost = await commitAns104(withCommitments(mixed, [{ ...other, committed: ['Mixed'] }]), signer)
    expect(commitmentsOf(lost).map(({ device }) => device)).toEqual(['ans104@1.0'])
  })
})

describe('forgeries', () => {
  const tags = [
    { name: 'Action', value: 'Eval' },
    { name: 'Slot', value: '7' },
    { name: 'Ao-Types', value: 'Slot="integer"' },
  ]

  it('original tags do not stand for other values', async () => {
    const decoded = decodeAns104(await itemOf({ tags, data: 'x' }))
    expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
    for (const [key, value] of [
      ['action', 'Withdraw'],
      ['slot', 8],
      ['slot', '7'],
      ['data', 'y'],
    ] as [string, Value][])
      expect(await verifyAns104Commitment(new Map([...decoded, [key, value]]), only(decoded))).toBe(false)
  })

  it('nor for keys that were not signed, nor for other committers, types or ids', async () => {
    const decoded = new Map([...decodeAns104(await itemOf({ tags, data: 'x' })), ['extra', 'y']])
    const good = only(decoded)
    expect(await verifyAns104Commitment(decoded, good)).toBe(true)
    expect(await verifyAns104Commitment(decoded, { ...good, committed: [...good.committed, 'extra'] })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, committed: [...good.committed.slice(1), 'extra'] })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, committer: 'A'.repeat(43) })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, type: 'solana' })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, type: 'nobody-knows' })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, keyId: 'publickey:%%%' })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, keyId: null })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, id: `${good.id.slice(0, -2)}AA` })).toBe(false)
    expect(await verifyAns104Commitment(decoded, { ...good, extra: new Map([...good.extra, ['original-tags', 'none']]) })).toBe(false)
  })

  it('a note holds for the values that it was made from only', async () => {
    const item = await itemOf({
      tags: [
        { name: 'x', value: '1' },
        { name: 'x', value: '2' },
      ],
      data: '',
    })
    const decoded = await checkItem(item)
    expect(decoded.get('x')).toBe('"1", "2"')
    expect(isNoted(decoded)).toBe(true)
    expect(await verifyAns104Commitment(new Map([...decoded, ['x', '"1", "3"']]), only(decoded))).toBe(false)
  })

  it('a child cannot be changed behind its own signature', async () => {
    const child = await commitAns104(message({ a: '1' }), signer)
    const decoded = decodeAns104(
      await encodeAns104(
        new Map<string, Value>([
          ['sub', child],
          ['k', 'v'],
        ]),
        signer,
      ),
    )
    expect(comparable(decoded.get('sub')!)).toEqual(comparable(child))
    expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
    const evil = new Map<string, Value>([...child, ['a', '2']])
    expect(await verifyAns104Commitment(new Map([...decoded, ['sub', evil]]), only(decoded))).toBe(false)
    const unsigned = new Map([...child].filter(([key]) => key !== 'commitments'))
    expect(await verifyAns104Commitment(new Map([...decoded, ['sub', unsigned]]), only(decoded))).toBe(false)
  })
})

describe('unsigned items', () => {
  it('with upper case keep their tags in a commitment by nobody', async () => {
    const body = { target: null, anchor: null, tags: [{ name: utf8('Test-Tag'), value: utf8('v') }], data: utf8('d') }
    const raw = itemBytes(body, UNSIGNED)
    const decoded = decodeAns104(raw)
    const { id, type, committer } = only(decoded)
    expect([id, type, committer]).toEqual([toBase64url(unsignedItemId(body)), 'unsigned-sha256', null])
    expect(toBase64(await encodeAns104(decoded))).toBe(toBase64(raw))
    expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
    expect(await verifyAns104Commitment(new Map([...decoded, ['test-tag', 'w']]), only(decoded))).toBe(false)
  })
})

describe('bundles', () => {
  it('of other clients come back by number, signatures and all', async () => {
    const one = await itemOf({ tags: [{ name: 'Name', value: 'one' }], data: '1' })
    const two = await itemOf({ tags: [], data: '2' })
    const bundle = await itemOf({ tags: BUNDLE_TAGS, data: encodeBundle([one, two]) })
    const decoded = await checkItem(bundle)
    expect([...decoded.keys()].toSorted()).toEqual(['1', '2', 'commitments'])
    expect(linkId(decoded.get('1') as Message)).toBe(one.id)
    expect(await verifyAns104Commitment(decoded.get('2') as Message, only(decoded.get('2') as Message))).toBe(true)
    expect(isNoted(decoded)).toBe(false)
  })

  it('with more than ten items keep their order', async () => {
    const items = await Promise.all(
      Array.from({ length: 12 }, (_, i) => itemOf({ tags: [{ name: 'n', value: String(i + 1) }], data: 'x' })),
    )
    const decoded = await checkItem(await itemOf({ tags: BUNDLE_TAGS, data: encodeBundle(items) }))
    expect((decoded.get('12') as Message).get('n')).toBe('12')
    expect(isNoted(decoded)).toBe(false)
  })

  it('inside bundles, some of which the reference cannot encode', async () => {
    const odd = await itemOf({
      tags: [
        { name: 'x', value: '1' },
        { name: 'x', value: '2' },
      ],
      data: '',
    })
    const inner = await itemOf({ tags: BUNDLE_TAGS, data: encodeBundle([odd]) })
    const outer = await checkItem(
      await itemOf({ tags: BUNDLE_TAGS, data: concat([encodeBundle([inner]), utf8('what comes after the last item')]) }),
    )
    expect(isNoted(outer)).toBe(true)
    expect(isNoted(outer.get('1') as Message)).toBe(false)
    expect(isNoted((outer.get('1') as Message).get('1') as Message)).toBe(true)
  })

  it.each([
    ['no bundle at all', utf8('hello'), []],
    ['a bundle that is cut', new Uint8Array(40).fill(1), []],
    ['a manifest that is not there', encodeBundle([]), [{ name: 'bundle-map', value: 'A'.repeat(43) }]],
  ])('fail with a code: %s', async (_, data, more) => {
    const item = await itemOf({ tags: [...BUNDLE_TAGS, ...more], data })
    expect(() => decodeAns104(item)).toThrow(HeddleError)
  })

  it.each(['not JSON', '[]', '{"a":1}', `{"a":"${'A'.repeat(43)}"}`, 'null'])('fail with a code: the manifest %s', async (text) => {
    const manifest = { target: null, anchor: null, tags: [], data: utf8(text) }
    const id = toBase64url(unsignedItemId(manifest))
    const raw = itemBytes(manifest, UNSIGNED)
    const data = encodeBundle([{ id: decodeDataItem(raw).id, raw }])
    const item = await itemOf({ tags: [...BUNDLE_TAGS, { name: 'bundle-map', value: id }], data })
    expect(() => decodeAns104(item)).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })

  it('cannot name a large item many times', async () => {
    const child = { target: null, anchor: null, tags: [], data: new Uint8Array(1000) }
    const childId = toBase64url(unsignedItemId(child))
    const names = Array.from({ length: 1000 }, (_, i) => `"${i}":"${childId}"`)
    const manifest = { target: null, anchor: null, tags: [], data: utf8(`{${names.join()}}`) }
    const items = [manifest, child].map((body) => ({ id: decodeDataItem(itemBytes(body, UNSIGNED)).id, raw: itemBytes(body, UNSIGNED) }))
    const data = concat([
      Uint8Array.of(2),
      new Uint8Array(31),
      ...items.flatMap(({ raw }) => [u256(raw.length), new Uint8Array(32)]),
      ...items.map(({ raw }) => raw),
    ])
    const tags = [...BUNDLE_TAGS, { name: 'bundle-map', value: toBase64url(unsignedItemId(manifest)) }]
    const item = await itemOf({ tags, data })
    expect(() => decodeAns104(item)).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })

  it('larger than anybody could take are not made', async () => {
    const large = message({ data: 'x'.repeat(1024 * 1024) })
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, large]))
    await expect(encodeAns104(message(many), signer)).rejects.toMatchObject({ code: 'too-large' })
  })

  it('are bounded in depth, both ways', async () => {
    let item = await itemOf({ data: 'x' })
    for (let i = 0; i <= BUNDLE_DEPTH_MAX; i++) item = await itemOf({ tags: BUNDLE_TAGS, data: encodeBundle([item]) })
    expect(() => decodeAns104(item)).toThrow(expect.objectContaining({ code: 'limit-reached' }))
    let deep: Message = message({ k: 'v' })
    for (let i = 0; i <= BUNDLE_DEPTH_MAX; i++) deep = message({ sub: deep })
    await expect(encodeAns104(deep, signer)).rejects.toMatchObject({ code: 'limit-reached' })
  })

  it('with a child left in the store cannot be encoded, and say so', async () => {
    const decoded = await commitAns104(message({ sub: { a: '1' }, k: 'v' }), signer)
    const stored = new Map<string, Value>([...decoded, ['sub', new Link(linkId(decoded.get('sub') as Message))]])
    await expect(encodeAns104(stored)).rejects.toMatchObject({ code: 'request-invalid' })
    expect(await verifyAns104Commitment(stored, only(stored))).toBe(false)
    const linked = await commitAns104(message({ sub: new Link('A'.repeat(43)), k: 'v' }), signer)
    expect(linked.get('sub')).toEqual(new Link('A'.repeat(43)))
    expect(only(linked).committed).toEqual(['k', 'sub'])
  })

  it('of signed links verify with the child in the place of its link', async () => {
    const child = message({ a: '1', n: 5 })
    const linked = await commitAns104(message({ sub: new Link(linkId(child)), k: 'v' }), signer)
    const loaded = new Map<string, Value>([...linked, ['sub', child]])
    expect(await verifyAns104Commitment(loaded, only(loaded))).toBe(true)
    expect(toBase64(await encodeAns104(loaded))).toBe(toBase64(await encodeAns104(linked)))
    expect(await verifyAns104Commitment(new Map([...loaded, ['sub', message({ a: '2', n: 5 })]]), only(loaded))).toBe(false)
  })
})

describe('what does not fit into tags', () => {
  it.each([
    ['many keys', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key-${i}`, 'v']))],
    ['long values', Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`key-${i}`, 'v'.repeat(1000)]))],
    ['many types', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`number-${i}`, i]))],
    ['long keys', { ['k'.repeat(2000)]: 'v', ['l'.repeat(1000)]: 'w' }],
    ['a large target', { target: 't'.repeat(5000), body: 'b'.repeat(5000) }],
    ['keys of bundles', { 'bundle-format': 'binary', 'bundle-version': '2.0.0', 'bundle-map': 'x', 'ao-type': 'binary', data: 'd' }],
    ['an empty body', { body: '', k: 'v' }],
    ['a message as target', { target: { a: 1 }, anchor: ['x'] }],
  ])('goes into the bundle: %s', async (_, fields) => {
    const original = message(fields as Record<string, Value>)
    const decoded = await commitAns104(original, signer)
    expect(comparable(decoded, ['commitments'])).toEqual(comparable(original))
    expect(await verifyAns104Commitment(decoded, only(decoded))).toBe(true)
    await checkItem(decodeDataItem(await encodeAns104(decoded)))
  })
})

describe('what never comes in or goes out', () => {
  it('private keys, wherever they stand', async () => {
    const item = await itemOf({
      tags: [
        { name: 'Priv-Key', value: 's' },
        { name: 'commitments', value: 'x' },
        { name: 'private+link', value: 'A'.repeat(43) },
        { name: 'ao-data-key', value: 'priv_wallet' },
      ],
      data: 'secret',
    })
    const decoded = await checkItem(item)
    expect([...decoded.keys()]).toEqual(['commitments'])
    expect(only(decoded).committed).toEqual([])
    const raw = await encodeAns104(message({ a: '1', 'priv-wallet': 'secret', sub: { private: 'secret', b: '2' } }), signer)
    expect(Buffer.from(raw).includes('secret')).toBe(false)
  })

  it('keys that are names in JavaScript are keys like any other', async () => {
    const original = message({})
    const strange = new Map<string, Value>([...original, ['__proto__', message({ constructor: 'x' })], ['tostring', 'y']])
    const decoded = await commitAns104(strange, signer)
    expect(comparable(decoded, ['commitments'])).toEqual(comparable(strange))
  })

  it('names of tags that are not UTF-8', async () => {
    const item = await itemOf({ tags: [{ name: Uint8Array.of(0xff), value: EMPTY }], data: '' })
    expect(() => decodeAns104(item)).toThrow(expect.objectContaining({ code: 'encoding-invalid' }))
  })
})

it('lower case is that of each letter, wherever it stands', () => {
  expect(['Data-Protocol', 'ΑΣ', 'CLÉ', 'İ', 'a世'].map(lowerCase)).toEqual(['data-protocol', 'ασ', 'clé', 'i\u0307', 'a世'])
})

it('a bare item and a list are what they say, and messages with a commitment where a message is wanted', async () => {
  const bare = await itemOf({ tags: [{ name: 'ao-type', value: 'binary' }], data: 'bytes' })
  expect(decodeAns104Value(bare)).toBe('bytes')
  expect((await checkItem(bare)).get('data')).toBe('bytes')
  const list = await itemOf({
    tags: [
      { name: 'ao-types', value: '.="list", 2="integer"' },
      { name: '1', value: 'a' },
      { name: '2', value: '5' },
    ],
    data: '',
  })
  expect(decodeAns104Value(list)).toEqual(['a', 5])
  expect((await checkItem(list)).get('2')).toBe(5)
})

it('fields are ids, what else is called target or anchor is a tag', async () => {
  const id = toBase64url(new Uint8Array(32).fill(3))
  const item = decodeDataItem(await encodeAns104(message({ target: id, anchor: 'not an id' }), signer))
  expect(Uint8Array.from(item.target!)).toEqual(Uint8Array.from(fromBase64url(id)))
  expect(item.anchor).toBeNull()
  expect(item.tags).toHaveLength(1)
})

function u256(value: number): Uint8Array {
  const out = new Uint8Array(32)
  new DataView(out.buffer).setUint32(0, value, true)
  return out
}

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof HeddleError) return null
    throw error
  }
}
