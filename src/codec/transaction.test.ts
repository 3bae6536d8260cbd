import Arweave from 'arweave'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import keyVectors from '../../test/vectors/arweave-keys.json' with { type: 'json' }
import vectors from '../../test/vectors/arweave-transactions.json' with { type: 'json' }
import { EMPTY, toBase64url, toHex, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { bytesToId } from '../base/ids.ts'
import { type KeyKind, keyFromJwk, type SigningKey } from './keys.ts'
import { textTag } from './tags.ts'
import {
  decodeTransaction,
  encodeTransaction,
  hasOwnId,
  ownerAddress,
  ownerOf,
  parseTransactionJson,
  signatureData,
  signTransaction,
  type Transaction,
  transactionToJson,
  verifyTransaction,
} from './transaction.ts'

function testKey(kind: KeyKind): SigningKey {
  return keyFromJwk(keyVectors.cases.find((one) => one.kind === kind)!.jwk, { saltBytes: 0 })
}

describe('vectors', () => {
  for (const { name, json, signed, signedSha256 } of vectors.cases) {
    it(name, async () => {
      const tx = parseTransactionJson(json)
      expect(transactionToJson(tx)).toEqual({ ...json, data_tree: [] })
      expect(Object.keys(transactionToJson(tx)).slice(0, 4)).toEqual(['format', 'id', 'last_tx', 'owner'])
      if (signed !== undefined) expect(toHex(signatureData(tx))).toBe(signed)
      expect(toHex(sha256(signatureData(tx)))).toBe(signedSha256)
      expect(await verifyTransaction(tx)).toBe(true)
      expect(ownerAddress(tx)).toBe(
        tx.owner.length > 0 ? 'F3aT5Dz0ZMIe9LSzIlPyL9BtzFCtQueBl_Sq73WMYOg' : 'gOb1LaBamGOA2YKB-IefAnYIWRnZKF-WFnufT4e2RMQ',
      )
      expect(decodeTransaction(encodeTransaction(tx))).toEqual(tx)
    })

    it(`${name}: signing again gives the same id`, async () => {
      const { owner, id: _id, signature: _signature, ...fields } = parseTransactionJson(json)
      const again = await signTransaction(fields, testKey(owner.length > 0 ? 'rsa' : 'secp256k1'))
      expect(transactionToJson(again)).toEqual({ ...json, data_tree: [] })
    })
  }

  for (const { name, json, problem } of vectors.invalid)
    it(`refuses: ${name}`, () => {
      const codes = ['request-invalid', 'encoding-invalid', 'too-large']
      try {
        parseTransactionJson(json)
      } catch (error) {
        expect(codes).toContain((error as HeddleError).code)
        expect((error as HeddleError).message).toContain(problem)
        return
      }
      expect.unreachable('it was accepted')
    })
})

it('arweave-js accepts what is signed here, salted too', async () => {
  const key = keyFromJwk(keyVectors.cases[0]!.jwk)
  const { transactions } = Arweave.init({})
  const tags = [textTag('Content-Type', 'text/plain'), textTag('ключ', 'значение')]
  for (const format of [1, 2] as const) {
    const tx = await signTransaction({ format, data: utf8('text'), rewardWinston: 12n, tags, lastTx: sha256(utf8('anchor')) }, key)
    expect(await transactions.verify(transactions.fromRaw({ ...transactionToJson(tx), data_tree: [] })), `format ${format}`).toBe(true)
    expect(await verifyTransaction(tx), `format ${format}`).toBe(true)
  }
})

describe('signed bytes', () => {
  const tiny = {
    format: 2 as const,
    owner: utf8('o'),
    target: EMPTY,
    quantityWinston: 1n,
    rewardWinston: 2n,
    lastTx: utf8('l'),
    tags: [textTag('a', 'b')],
    data: EMPTY,
    dataBytes: 0n,
    dataRoot: EMPTY,
    denomination: 0,
  }

  it('is a deep hash of the fields', () => {
    expect(toHex(signatureData(tiny))).toBe(
      '72fc7714aef7898b73d64617eabe68ae6e47c77b811238090232de08e73c006e5a60b3a591e643bdde9083097c481c48',
    )
  })

  it('a denomination stands first', () => {
    expect(toHex(signatureData({ ...tiny, denomination: 1 }))).toBe(
      'c3d14766aee2c1614ad59cc760f0cd2fe8c60da3a3c6090d3b9b5be35fdfa3a7961840e203b31fcd4e340e6f06683d26',
    )
  })

  it('format 1 is a deep hash only with a denomination', () => {
    expect(toHex(signatureData({ ...tiny, format: 1, data: utf8('d') }))).toBe(toHex(utf8('od12lab')))
    expect(signatureData({ ...tiny, format: 1, denomination: 1 })).toHaveLength(48)
  })
})

describe('reading JSON', () => {
  const json = vectors.cases[1]!.json

  it('takes tags with their keys in any order, and a format as text', () => {
    const swapped = { ...json, format: '2', tags: json.tags.map(({ name, value }) => ({ value, name })) }
    expect(parseTransactionJson(swapped)).toEqual(parseTransactionJson(json))
  })

  it('takes a missing format for 1, whose size is that of its data and whose root is not kept', () => {
    const { format: _format, data_size: _size, ...rest } = json
    const tx = parseTransactionJson({ ...rest, data: toBase64url(utf8('four')) })
    expect([tx.format, tx.dataBytes, tx.dataRoot]).toEqual([1, 4n, EMPTY])
  })

  it('keeps tags that are not text', async () => {
    const tags = [{ name: Uint8Array.of(0xff, 0xfe), value: Uint8Array.of(0x80) }]
    const tx = await signTransaction({ rewardWinston: 0n, tags }, testKey('rsa'))
    const back = parseTransactionJson(JSON.parse(JSON.stringify(transactionToJson(tx))))
    expect(Uint8Array.from(back.tags[0]!.name)).toEqual(tags[0]!.name)
    expect(await verifyTransaction(back)).toBe(true)
  })

  it('any JSON is read or refused with a code', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('', 'AA', '0', '-1', 2, 'x'))
    const field = fc.constantFrom(...Object.keys(json), 'denomination')
    fc.assert(
      fc.property(field, value, (name, replacement) => {
        decodesOrFails(() => parseTransactionJson({ ...json, [name]: replacement }))
      }),
      { numRuns: 200 },
    )
  })
})

describe('verifying', () => {
  const [transfer, data, legacy] = vectors.cases.map(({ json }) => parseTransactionJson(json))
  const ecdsa = parseTransactionJson(vectors.cases.at(-1)!.json)

  it('a changed field breaks it', async () => {
    const changes: Partial<Transaction>[] = [
      { rewardWinston: 1n },
      { quantityWinston: 1n },
      { lastTx: EMPTY },
      { target: new Uint8Array(32) },
      { tags: [textTag('a', 'b')] },
      { dataRoot: new Uint8Array(32) },
      { dataBytes: 15n },
      { denomination: 1 },
      { owner: Uint8Array.from(data!.owner, (byte, at) => byte ^ Number(at === 200)) },
    ]
    for (const change of changes) expect(await verifyTransaction({ ...data!, ...change }), Object.keys(change).join()).toBe(false)
    expect(await verifyTransaction({ ...legacy!, data: utf8('Hello permaweb') })).toBe(false)
  })

  it('a changed byte of the signature breaks it, also under its own new id', async () => {
    for (const at of [0, 250, 511]) {
      const signature = Uint8Array.from(transfer!.signature)
      signature[at]! ^= 0x80
      const changed = { ...transfer!, signature }
      expect(await verifyTransaction(changed), `byte ${at}`).toBe(false)
      expect(await verifyTransaction({ ...changed, id: bytesToId(sha256(signature)) }), `byte ${at}`).toBe(false)
    }
  })

  it('the id must be that of the signature', async () => {
    const changed = { ...transfer!, id: bytesToId(new Uint8Array(32)) }
    expect(hasOwnId(changed)).toBe(false)
    expect(await verifyTransaction(changed)).toBe(false)
  })

  it('an ECDSA signature over other fields is of another owner', () => {
    expect(ownerAddress({ ...ecdsa, rewardWinston: 1n })).not.toBe(ownerAddress(ecdsa))
  })

  it('no owner and no ECDSA signature has nobody to pay for it', async () => {
    const orphan = { ...transfer!, owner: EMPTY }
    expect(await verifyTransaction(orphan)).toBe(false)
    expect(() => ownerOf(orphan)).toThrow(expect.objectContaining({ code: 'signature-invalid' }))
  })

  it('ECDSA signs format 2 only, Ed25519 none', async () => {
    await expect(signTransaction({ format: 1, rewardWinston: 0n }, testKey('secp256k1'))).rejects.toMatchObject({ code: 'request-invalid' })
    await expect(signTransaction({ rewardWinston: 0n }, testKey('ed25519'))).rejects.toMatchObject({ code: 'request-invalid' })
    expect(await verifyTransaction({ ...ecdsa, format: 1 })).toBe(false)
  })
})

describe('binary form', () => {
  const tx = parseTransactionJson(vectors.cases[4]!.json)

  it('has this layout, tags last to first', () => {
    const small = {
      ...tx,
      lastTx: EMPTY,
      owner: Uint8Array.of(9),
      signature: Uint8Array.of(8),
      dataRoot: EMPTY,
      dataBytes: 0n,
      rewardWinston: 256n,
    }
    const bytes = encodeTransaction({ ...small, tags: [textTag('a', 'b'), textTag('cc', '')], denomination: 3 })
    const id = toHex(encodeTransaction(tx).subarray(4, 36))
    const fields = `02${id}00000109000100000100000001080201000000000002${'00020000'}6363${'00010001'}6162000003`
    expect(toHex(bytes)).toBe(`${(fields.length / 2).toString(16).padStart(6, '0')}${fields}`)
  })

  it('a field too long for its prefix, or negative, is refused', () => {
    expect(() => encodeTransaction({ ...tx, lastTx: new Uint8Array(256) })).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => encodeTransaction({ ...tx, quantityWinston: -1n })).toThrow(expect.objectContaining({ code: 'request-invalid' }))
  })

  it('a cut or longer form is refused', () => {
    const bytes = encodeTransaction(tx)
    for (let size = 0; size < bytes.length; size += 37)
      expect(() => decodeTransaction(bytes.subarray(0, size)), `${size} bytes`).toThrow(HeddleError)
    expect(() => decodeTransaction(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(HeddleError)
  })

  it('any transaction survives a round trip', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
    const tag = fc.tuple(bytes(20), bytes(20)).map(([name, value]) => ({ name, value }))
    const arbitrary = fc
      .tuple(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        bytes(48),
        bytes(512),
        fc.array(tag),
        bytes(32),
        fc.bigInt(0n, 10n ** 30n),
        bytes(100),
        fc.nat(5),
      )
      .map(([id, lastTx, owner, tags, target, amount, data, denomination]) => ({
        ...{ format: 2 as const, id: bytesToId(id), lastTx, owner, tags, target, quantityWinston: amount, data, dataBytes: amount / 7n },
        ...{ dataRoot: id, rewardWinston: amount + 1n, signature: owner, denomination },
      }))
    const plain = (value: Transaction): unknown => ({ ...transactionToJson(value), data: toHex(value.data) })
    fc.assert(
      fc.property(arbitrary, (any) => {
        expect(plain(decodeTransaction(encodeTransaction(any)))).toEqual(plain(any))
      }),
      { numRuns: 50 },
    )
  })

  it('any bytes are decoded or refused with a code', () => {
    const good = encodeTransaction(tx)
    const mutated = fc
      .tuple(fc.nat(good.length - 1), fc.nat(255))
      .map(([at, byte]) => Uint8Array.from(good, (old, i) => (i === at ? byte : old)))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => decodesOrFails(() => decodeTransaction(bytes))),
      { numRuns: 300 },
    )
  })
})

function decodesOrFails(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(HeddleError)
    expect(['encoding-invalid', 'too-large', 'request-invalid']).toContain((error as HeddleError).code)
  }
}
