import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyMessage, headerKey, withoutEmptyData } from '../../../test/ao-core-arbitrary.ts'
import { comparable, vectorKeys } from '../../../test/ao-core-vectors.ts'
import { fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_VALUES_MAX } from '../../base/limits.ts'
import { BUNDLE_TAGS, encodeBundle } from '../bundle.ts'
import { createDataItem, itemSigner } from '../data-item.ts'
import { dataRootOf } from '../data-tree.ts'
import { generateKey } from '../keys.ts'
import { textTag } from '../tags.ts'
import {
  ownerAddress,
  parseTransactionJson,
  signTransaction,
  type Transaction,
  type TransactionJson,
  transactionToJson,
  verifyTransaction,
} from '../transaction.ts'
import { type Commitment, commitmentsOf, withCommitments } from './commitment.ts'
import { encodeHttpMessage } from './http-message.ts'
import { messageId } from './id.ts'
import { txSigner } from './signers.ts'
import { commitTx, decodeTx, encodeTx, encodeTxJson, receiveTx, verifyTxCommitment } from './tx.ts'
import { type Message, message, type Value } from './value.ts'
import { verifyReceived } from './verify.ts'

interface Vector {
  readonly name: string
  readonly json: TransactionJson
}

const { cases, invalid } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/arweave-transactions.json', import.meta.url), 'utf8'),
) as { cases: readonly Vector[]; invalid: readonly { name: string; json: unknown }[] }

const rsa = txSigner(vectorKeys['key-1'])
const ecdsa = await generateKey('secp256k1')
const id = toBase64url(new Uint8Array(32).fill(9))

const only = (decoded: Message): Commitment => commitmentsOf(decoded)[0]!
const isNoted = (decoded: Message): boolean => only(decoded).extra.has('priv-item')

async function checkTx(tx: Transaction): Promise<Message> {
  const decoded = decodeTx(tx)
  expect(encodeTxJson(await encodeTx(decoded))).toBe(encodeTxJson(tx))
  expect(await verifyTxCommitment(decoded, only(decoded))).toBe(true)
  expect(only(decoded).committer).toBe(ownerAddress(tx))
  expect(messageId(decoded, { committers: 'all' })).toBe(tx.id)
  return decoded
}

describe('transactions of the vectors', () => {
  it.each(cases)('$name', async ({ name, json }) => {
    const decoded = await checkTx(parseTransactionJson(json))
    expect(isNoted(decoded)).toBe(name.startsWith('repeated')) // Nothing else tells two tags of one name apart.
    expect(comparable(decodeTx(json))).toEqual(comparable(decoded))
    expect(comparable(await receiveTx(JSON.stringify(json)))).toEqual(comparable(decoded))
    expect(transactionToJson(await encodeTx(decoded))).toMatchObject(json)
  })

  it.each(invalid)('fail with a code: $name', async ({ json }) => {
    expect(() => decodeTx(JSON.stringify(json))).toThrow(HeddleError)
  })
})

describe('transactions over HTTP', () => {
  it('verify, with their tags in their order', async () => {
    for (const names of [
      ['z', 'a'],
      ['a', 'z', 'b'],
      ['Z', 'a'],
    ]) {
      const tags = names.map((name) => textTag(name, '1'))
      const decoded = decodeTx(await signTransaction({ rewardWinston: 1n, tags, data: utf8('x') }, rsa))
      const { message: received } = await verifyReceived(encodeHttpMessage(decoded))
      expect(commitmentsOf(received)).toEqual(commitmentsOf(decoded))
    }
  })
})

describe('keys and fields', () => {
  it('of format 2 with data', async () => {
    const tags = [textTag('Data-Protocol', 'ao'), textTag('x', '1')]
    const tx = await signTransaction(
      {
        target: fromBase64url(id),
        lastTx: new Uint8Array(48).fill(1),
        quantityWinston: 5n,
        rewardWinston: 2n ** 80n,
        denomination: 2,
        tags,
        data: utf8('d'),
      },
      rsa,
    )
    const decoded = await checkTx(tx)
    expect(comparable(decoded, ['commitments'])).toEqual(
      message({
        data: 'd',
        'data-protocol': 'ao',
        x: '1',
        anchor: toBase64url(tx.lastTx),
        denomination: '2',
        quantity: '5',
        reward: String(2n ** 80n),
        target: id,
      }),
    )
    const { device, type, committed, extra } = only(decoded)
    expect([device, type]).toEqual(['tx@1.0', 'rsa-pss-sha256'])
    expect(committed).toEqual(['data', 'data-protocol', 'x', 'anchor', 'denomination', 'quantity', 'reward', 'target'])
    expect([...extra.keys()].toSorted()).toEqual([
      'bundle',
      'field-anchor',
      'field-denomination',
      'field-quantity',
      'field-reward',
      'field-target',
      'original-tags',
    ])
    const json = encodeTxJson(tx)
    expect(comparable(await receiveTx(json))).toEqual(comparable(decoded))
    expect(comparable(await receiveTx(utf8(json)))).toEqual(comparable(decoded))
  })

  it('of format 1', async () => {
    const decoded = await checkTx(await signTransaction({ format: 1, rewardWinston: 1n, tags: [textTag('a', '1')], data: utf8('x') }, rsa))
    expect(comparable(decoded, ['commitments'])).toEqual(message({ data: 'x', a: '1', format: '1', reward: '1' }))
    expect(isNoted(decoded)).toBe(false)
  })

  it('where the data is elsewhere', async () => {
    const tx = { ...(await signTransaction({ rewardWinston: 1n, tags: [], data: utf8('elsewhere') }, rsa)), data: new Uint8Array(0) }
    const decoded = await checkTx(tx)
    expect([...decoded.keys()]).toEqual(['reward', 'commitments'])
    expect(only(decoded).extra.get('field-data-size')).toBe('9')
    expect(isNoted(decoded)).toBe(false)
    const withData = new Map<string, Value>([...decoded, ['data', 'elsewhere']])
    expect(await verifyTxCommitment(withData, only(decoded))).toBe(true)
  })

  it('of a bundle', async () => {
    const item = await createDataItem({ data: 'x', tags: [{ name: 'n', value: '1' }] }, itemSigner(rsa))
    const tags = BUNDLE_TAGS.map(({ name, value }) => textTag(name, value))
    const decoded = await checkTx(await signTransaction({ rewardWinston: 1n, tags, data: encodeBundle([item]) }, rsa))
    expect(messageId(decoded.get('1') as Message, { committers: 'all' })).toBe(item.id)
    expect(isNoted(decoded)).toBe(false)
  })

  it('what is no value for a field stays a tag', async () => {
    const original = message({
      target: 'somebody',
      anchor: 'x',
      quantity: '007',
      reward: 'much',
      denomination: '0',
      format: '2',
      body: 'b',
    })
    const tx = await encodeTx(original, rsa)
    expect([tx.format, tx.target.length, tx.lastTx.length, tx.quantityWinston, tx.rewardWinston, tx.denomination]).toEqual([
      2,
      0,
      0,
      0n,
      0n,
      0,
    ])
    expect(comparable(await checkTx(tx), ['commitments'])).toEqual(original)
  })

  it('integers are values for fields too', async () => {
    const original = message({ quantity: 12, reward: 7n, k: 'v' })
    const tx = await encodeTx(original, rsa)
    expect([tx.quantityWinston, tx.rewardWinston]).toEqual([12n, 7n])
    expect(comparable(await checkTx(tx), ['commitments'])).toEqual(message({ quantity: 12, reward: 7, k: 'v' }))
  })
})

describe('data', () => {
  it('cut as nodes or as clients do is signed data', async () => {
    const data = new Uint8Array(300_000 - 20_000).fill(5)
    expect(dataRootOf(data, 'node')).not.toEqual(dataRootOf(data, 'client'))
    for (const cut of ['node', 'client'] as const) {
      const tx = await signTransaction({ rewardWinston: 1n, data, dataRoot: dataRootOf(data, cut), dataBytes: BigInt(data.length) }, rsa)
      expect(isNoted(await checkTx(tx))).toBe(false)
    }
  })

  it('that the signed root is not of is not signed', async () => {
    const tx = { ...(await signTransaction({ rewardWinston: 1n, data: utf8('good') }, rsa)), data: utf8('evil') }
    expect(await verifyTransaction(tx)).toBe(true) // It says nothing of the data.
    const decoded = decodeTx(tx)
    expect(await verifyTxCommitment(decoded, only(decoded))).toBe(false)
    await expect(receiveTx(tx)).rejects.toMatchObject({ code: 'signature-invalid' })
  })
})

describe('signatures', () => {
  it('by secp256k1 have the recovered key', async () => {
    const decoded = await checkTx(await encodeTx(message({ k: 'v', reward: '5' }), ecdsa))
    expect(only(decoded)).toMatchObject({
      type: 'ecdsa-secp256k1-sha256',
      keyId: `publickey:${toBase64url(ecdsa.publicKey)}`,
      committer: ecdsa.address,
    })
    expect(isNoted(decoded)).toBe(false)
  })

  it('hold for what was signed only', async () => {
    const decoded = await commitTx(message({ 'K-1': 'v', reward: '5', data: 'd' }), rsa)
    const good = only(decoded)
    expect(good.extra.has('original-tags')).toBe(true)
    expect(await verifyTxCommitment(decoded, good)).toBe(true)
    for (const [key, value] of [
      ['k-1', 'w'],
      ['reward', '6'],
      ['data', 'e'],
    ] as const)
      expect(await verifyTxCommitment(new Map([...decoded, [key, value]]), good)).toBe(false)
    expect(await verifyTxCommitment(decoded, { ...good, committer: id })).toBe(false)
    expect(await verifyTxCommitment(decoded, { ...good, type: 'ecdsa-secp256k1-sha256' })).toBe(false)
    expect(await verifyTxCommitment(new Map([...decoded, ['x', 'y']]), { ...good, committed: [...good.committed, 'x'] })).toBe(false)
    expect(await verifyTxCommitment(decoded, { ...good, id: 'short', extra: new Map() })).toBe(false)
  })

  it('that do not hold are refused', async () => {
    const tx = await encodeTx(message({ k: 'v' }), rsa)
    await expect(receiveTx({ ...tx, rewardWinston: 1n })).rejects.toMatchObject({ code: 'signature-invalid' })
    await expect(receiveTx('{')).rejects.toMatchObject({ code: 'encoding-invalid' })
    await expect(receiveTx(Uint8Array.of(0xff))).rejects.toMatchObject({ code: 'encoding-invalid' })
  })

  it('by nobody give no commitment, or one by nobody', async () => {
    const plain = await receiveTx(await encodeTx(message({ k: 'v' })))
    expect(plain).toEqual(message({ k: 'v' }))
    const mixed = decodeTx(await encodeTx(message({ K: 'v' })))
    expect(only(mixed)).toMatchObject({ type: 'unsigned-sha256', committer: null })
    expect(await verifyTxCommitment(mixed, only(mixed))).toBe(true)
    expect(await verifyTxCommitment(new Map([...mixed, ['k', 'w']]), only(mixed))).toBe(false)
  })

  it('keep the commitments that still hold', async () => {
    const other: Commitment = { ...only(await commitTx(message({ k: 'v' }), rsa)), id: 'x', device: 'httpsig@1.0', committed: ['k'] }
    const committed = await commitTx(withCommitments(message({ k: 'v' }), [other]), rsa)
    expect(commitmentsOf(committed).map(({ device }) => device)).toEqual(['httpsig@1.0', 'tx@1.0'])
  })
})

it('with more tags than a message has values is refused', async () => {
  const tags = Array.from({ length: AO_CORE_VALUES_MAX + 1 }, () => textTag('a', ''))
  const tx = { ...(await encodeTx(message({ k: 'v' }), ecdsa)), tags }
  expect(() => decodeTx(tx)).toThrow(expect.objectContaining({ code: 'too-large' }))
})

it('random messages come back from transactions, which verify and come out again as they were', async () => {
  await fc.assert(
    fc.asyncProperty(anyMessage({ key: headerKey }), async (original) => {
      const tx = await encodeTx(original, ecdsa)
      const decoded = decodeTx(tx)
      expect(comparable(withoutEmptyData(decoded), ['commitments'])).toEqual(comparable(withoutEmptyData(original)))
      expect(isNoted(decoded)).toBe(false)
      expect(encodeTxJson(await encodeTx(decoded))).toBe(encodeTxJson(tx))
      expect(await verifyTxCommitment(decoded, only(decoded))).toBe(true)
    }),
    { numRuns: 60 },
  )
})
