import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DataItem as LibraryItem } from '@dha-team/arbundles'
import { ed25519 as ed25519Curve } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64url, toBase64url, toHex, toText, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import {
  createDataItem,
  createDataItemSync,
  createItemHeader,
  decodeDataItem,
  decodeItemHeader,
  type ItemFields,
  type ItemSigner,
  itemHeaderBytes,
  itemHeaderBytesMax,
  itemSigner,
  signDataOf,
  verifyDataItem,
  verifyStreamedItem,
} from './data-item.ts'
import { aptosItemSigner, ethereumSecretSigner, multiAptosItemSigner, solanaItemSigner, typedEthereumItemSigner } from './item-signers.ts'
import { keyFromJwk, type SigningKey } from './keys.ts'
import { toTextTags } from './tags.ts'

interface ItemVector {
  name: string
  type: number
  bytes: number
  id: string
  ownerAddress: string
  signData: string
  target: string | null
  anchor: string | null
  tags: { name: string; value: string }[]
  data: string
  item: string
}

const vectors: { cases: ItemVector[]; invalid: { name: string; problem: string; arbundlesAccepts: boolean; item: string }[] } = JSON.parse(
  readFileSync('test/vectors/ans104-items.json', 'utf8'),
)
const keys: { cases: { name: string; jwk: unknown }[] } = JSON.parse(readFileSync('test/vectors/arweave-keys.json', 'utf8'))

const labelSeed = (label: string): Uint8Array => createHash('sha256').update(label).digest()
const rsa = keyFromJwk(keys.cases.find(({ name }) => name === 'rsa')!.jwk, { saltBytes: 0 })
const ed25519 = keyFromJwk(keys.cases.find(({ name }) => name === 'ed25519')!.jwk)
const secret = labelSeed('permaweb-test-secp256k1')
const members = [0, 1, 2].map((i) => ed25519FromSeed(labelSeed(`permaweb-test-multi-${i}`)))

const signers: Readonly<Record<string, ItemSigner>> = {
  'type 1 arweave': itemSigner(rsa),
  'type 1 arweave, no target, anchor or tags': itemSigner(rsa),
  'type 2 ed25519': itemSigner(ed25519),
  'type 3 ethereum': ethereumSecretSigner(secret),
  'type 4 solana': solanaItemSigner(ed25519),
  'type 5 injectedAptos': aptosItemSigner(ed25519),
  'type 6 multiAptos': multiAptosItemSigner({
    publicKeys: members.map(({ publicKey }) => publicKey),
    threshold: 2,
    members: new Map([
      [0, members[0]!],
      [2, members[2]!],
    ]),
  }),
  'type 7 typedEthereum': typedEthereumItemSigner(secret),
}

for (const vector of vectors.cases) {
  it(`vector: ${vector.name}`, async () => {
    const raw = fromBase64url(vector.item)
    const item = decodeDataItem(raw)
    expect(raw).toHaveLength(vector.bytes)
    expect({ id: item.id, type: item.signatureType, ownerAddress: item.ownerAddress }).toEqual({
      id: vector.id,
      type: vector.type,
      ownerAddress: vector.ownerAddress,
    })
    expect(item.target === null ? null : toBase64url(item.target)).toBe(vector.target)
    expect(item.anchor === null ? null : toText(item.anchor)).toBe(vector.anchor)
    expect(toTextTags(item.tags)).toEqual(vector.tags)
    expect(toText(item.data)).toBe(vector.data)
    expect(toHex(signDataOf(item))).toBe(vector.signData)
    expect(await verifyDataItem(item)).toBe(true)
  })
}

for (const { name, problem, arbundlesAccepts, item } of vectors.invalid) {
  const raw = fromBase64url(item)
  it(`refuses: ${name}`, async () => {
    if (problem === 'signature') return expect(await verifyDataItem(decodeDataItem(raw))).toBe(false)
    expect(() => decodeDataItem(raw)).toThrow(new RegExp(problem))
    return expect(() => decodeDataItem(raw)).toThrow(HeddleError)
  })
  // The list of what we do otherwise than the library stays true, or this fails.
  if (arbundlesAccepts) it(`the library takes: ${name}`, async () => expect(await LibraryItem.verify(copy(raw))).toBe(true))
}

for (const [name, signer] of Object.entries(signers)) {
  describe(name, () => {
    const vector = vectors.cases.find((found) => found.name === name)!
    const fields = fieldsOf(vector)

    it('is made byte for byte as the vector', async () => {
      expect(toBase64url((await createDataItem(fields, signer)).raw)).toBe(vector.item)
      expect(createDataItemSync(fields, signer).id).toBe(vector.id)
    })

    it('has the same header when its data was hashed elsewhere', async () => {
      const { data, ...rest } = fields
      const bytes = typeof data === 'string' ? utf8(data) : data
      const sha384 = createHash('sha384').update(bytes).digest()
      const header = await createItemHeader(rest, { sha384, dataBytes: bytes.length }, signer)
      expect(toBase64url(Buffer.concat([header.bytes, bytes]))).toBe(vector.item)
      expect(header.id).toBe(vector.id)
    })

    it('is verified by arbundles, whatever is in it', async () => {
      for (const data of ['', 'x', new Uint8Array(5000).fill(7)]) {
        const item = createDataItemSync({ data, tags: [{ name: 'Name', value: 'välue' }] }, signer)
        expect(await LibraryItem.verify(copy(item.raw))).toBe(true)
        expect(new LibraryItem(copy(item.raw)).id).toBe(item.id)
        expect(await verifyDataItem(item)).toBe(true)
      }
    })

    it('is refused when any single byte is changed', async () => {
      const raw = fromBase64url(vector.item)
      const position = fc.oneof(fc.integer({ min: 0, max: raw.length - 1 }), fc.constantFrom(0, 1, 66, 2050, 2051, 2052, 2053))
      await fc.assert(
        fc.asyncProperty(position, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
          const changed = Uint8Array.from(raw)
          changed[at % raw.length]! ^= flip
          expect(await isRefused(changed)).toBe(true)
        }),
        { numRuns: 120 },
      )
    })

    it('is refused when it is cut short or goes on', async () => {
      const raw = fromBase64url(vector.item)
      for (const size of [0, 1, 2, 79, raw.length - 1]) expect(await isRefused(raw.subarray(0, size))).toBe(true)
      expect(await isRefused(Buffer.concat([raw, Buffer.of(0)]))).toBe(true)
    })
  })
}

it('decodes a header from a prefix and verifies data that streamed by', async () => {
  const item = createDataItemSync({ data: new Uint8Array(100_000).fill(3), tags: [{ name: 'a', value: 'b' }] }, itemSigner(ed25519))
  const prefix = item.raw.subarray(0, itemHeaderBytesMax())
  const header = decodeItemHeader(prefix, item.raw.length)
  expect({ id: header.id, headerBytes: header.headerBytes, dataBytes: header.dataBytes }).toEqual({
    id: item.id,
    headerBytes: itemHeaderBytes(prefix, item.raw.length),
    dataBytes: 100_000,
  })
  const hash = createHash('sha384').update(item.data)
  expect(await verifyStreamedItem(header, hash.copy().digest())).toBe(true)
  expect(await verifyStreamedItem(header, hash.update('more').digest())).toBe(false)
  expect(() => decodeItemHeader(item.raw.subarray(0, 50), item.raw.length)).toThrow(/only 50 of \d+ were given/)
})

it('no header is longer than the longest', () => {
  const group = { publicKeys: members.map(({ publicKey }) => publicKey), threshold: 1, members: new Map([[0, members[0]!]]) }
  const full: ItemFields = {
    data: '',
    target: new Uint8Array(32),
    anchor: new Uint8Array(32),
    tags: [{ name: 'n', value: 'v'.repeat(4096 - 6) }],
  }
  expect(createDataItemSync(full, multiAptosItemSigner(group)).headerBytes).toBe(itemHeaderBytesMax())
})

it('any fields survive a round trip', async () => {
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const bytes = fc.uint8Array({ maxLength: 80 })
  const fields = fc.record(
    {
      data: fc.uint8Array({ maxLength: 2000 }),
      target: id,
      anchor: id,
      tags: fc.array(fc.record({ name: bytes, value: bytes }), { maxLength: 10 }),
    },
    { requiredKeys: ['data'] },
  )
  await fc.assert(
    fc.asyncProperty(fields, async (wanted) => {
      const item = decodeDataItem(createDataItemSync(wanted, itemSigner(ed25519)).raw)
      expect(toHex(item.data)).toBe(toHex(wanted.data))
      expect([item.target, item.anchor].map((field) => field && toHex(field))).toEqual(
        [wanted.target, wanted.anchor].map((field) => (field === undefined ? null : toHex(field))),
      )
      expect(item.tags.map(({ name, value }) => toHex(name) + toHex(value))).toEqual(
        (wanted.tags ?? []).map(({ name, value }) => toHex(name) + toHex(value)),
      )
      expect(await verifyDataItem(item)).toBe(true)
    }),
  )
})

it('any bytes decode or fail with a code', () => {
  const types = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 101)
  const zeros = fc.integer({ min: 0, max: 3300 })
  fc.assert(
    fc.property(types, zeros, fc.uint8Array({ maxLength: 120 }), (type, count, tail) => {
      const raw = Buffer.concat([Buffer.of(type, 0), Buffer.alloc(count), tail])
      try {
        const item = decodeDataItem(raw)
        expect(item.headerBytes + item.dataBytes).toBe(raw.length)
      } catch (error) {
        expect(error).toBeInstanceOf(HeddleError)
      }
    }),
    { numRuns: 1000 },
  )
})

it('makes Ethereum items with a secp256k1 wallet that can sign a digest', async () => {
  const wallet = keyFromJwk(keys.cases.find(({ name }) => name === 'secp256k1')!.jwk)
  const vector = vectors.cases.find(({ name }) => name === 'type 3 ethereum')!
  const signDigestSync = (digest: Uint8Array): Uint8Array => {
    const signature = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
    return Uint8Array.of(...signature.subarray(1), signature[0]!)
  }
  const item = await createDataItem(fieldsOf(vector), itemSigner({ ...wallet, signDigestSync }))
  expect(toBase64url(item.raw)).toBe(vector.item)
})

it('says what is wrong with fields that make no item', () => {
  const signer = itemSigner(ed25519)
  expect(() => createDataItemSync({ data: '', target: new Uint8Array(31) }, signer)).toThrow(/target has 31 bytes, expected 32/)
  expect(() => createDataItemSync({ data: '', anchor: utf8('1') }, signer)).toThrow(/anchor has 1 bytes, expected 32/)
  expect(() => createDataItemSync({ data: '' }, { ...signer, signatureType: 9 })).toThrow(/signature type 9/)
  expect(() => createDataItemSync({ data: '' }, { ...signer, owner: new Uint8Array(33) })).toThrow(/owner has 33 bytes/)
  expect(() => createDataItemSync({ data: '' }, { ...signer, signSync: () => new Uint8Array(65) })).toThrow(/signature has 65 bytes/)
  const { signSync: _, ...asyncOnly } = signer
  expect(() => createDataItemSync({ data: '' }, asyncOnly)).toThrow(expect.objectContaining({ code: 'request-invalid' }))
})

function fieldsOf({ data, tags, target, anchor }: ItemVector): ItemFields {
  return { data, tags, ...(target === null ? {} : { target: fromBase64url(target) }), ...(anchor === null ? {} : { anchor: utf8(anchor) }) }
}

async function isRefused(raw: Uint8Array): Promise<boolean> {
  try {
    return !(await verifyDataItem(decodeDataItem(raw)))
  } catch (error) {
    if (error instanceof HeddleError) return true
    throw error
  }
}

/** The library writes into what it is given. */
function copy(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes)
}

function ed25519FromSeed(seed: Uint8Array): SigningKey {
  const x = ed25519Curve.getPublicKey(seed)
  return keyFromJwk({ kty: 'OKP', crv: 'Ed25519', d: toBase64url(seed), x: toBase64url(x) })
}
