import { describe, expect, it } from 'vitest'
import keyVectors from '../../test/vectors/arweave-keys.json' with { type: 'json' }
import vectors from '../../test/vectors/arweave-transactions.json' with { type: 'json' }
import { EMPTY, toBase64url, utf8 } from '../base/bytes.ts'
import { sha256, sha384 } from '../base/hash.ts'
import { type Address, bytesToAddress, idOfSignature, type TxId } from '../base/ids.ts'
import { keyFromJwk } from '../codec/keys.ts'
import { textTag } from '../codec/tags.ts'
import { ownerAddress, parseTransactionJson, signTransaction, type Transaction } from '../codec/transaction.ts'
import { newAccountFee, uploadFee } from './fees.ts'
import { type AccountState, type AnchorView, brokenRules, checkAnchor, lowestFee, type ValidityView } from './tx-validity.ts'

const [transfer, data, legacy] = vectors.cases.map(({ json }) => parseTransactionJson(json)) as [Transaction, Transaction, Transaction]
const ecdsa = parseTransactionJson(vectors.cases.at(-1)!.json)
const sender = ownerAddress(transfer)
const target = bytesToAddress(transfer.target)
const pricing = { pricePerGibMinuteWinston: 340n, kryderPlusRateMultiplier: 1 }
const RICH = { balanceWinston: 10n ** 20n, lastTx: EMPTY }

function view(accounts: [Address, AccountState][], rest: Partial<ValidityView> = {}): ValidityView {
  const map = new Map(accounts)
  return { account: (address) => map.get(address), pricing, denomination: 1, isStrict: true, ...rest }
}

const usual = view([
  [sender, RICH],
  [ownerAddress(ecdsa), RICH],
  [target, { balanceWinston: 1n, lastTx: EMPTY }],
])
const free = view([], { pricing: null, isStrict: false })

describe('a valid transaction breaks no rule', () => {
  it('transfers and data, RSA and ECDSA, formats 1 and 2', async () => {
    const key = keyFromJwk(keyVectors.cases[0]!.jwk)
    expect(brokenRules({ ...data, rewardWinston: 185021129n }, usual, true)).toEqual([])
    expect(brokenRules(transfer, usual, true)).toEqual([])
    expect(brokenRules(ecdsa, usual, true)).toEqual([])
    const old = await signTransaction({ format: 1, data: utf8('text'), rewardWinston: uploadFee(4n, pricing) }, key)
    expect(brokenRules(old, usual, true)).toEqual([])
  })

  it('a first transaction of a new wallet where storage is free', () => {
    expect(brokenRules({ ...data, rewardWinston: 0n }, free, true)).toEqual([])
  })
})

describe('each rule', () => {
  const bad: [rule: string, tx: Transaction, broken: string[], ValidityView?][] = [
    ['negative quantity', { ...transfer, quantityWinston: -1n }, ['quantity_negative']],
    ['to oneself', { ...transfer, target: sha256(transfer.owner) }, ['same_owner_as_target']],
    ['cheap', { ...transfer, rewardWinston: 2238208n }, ['tx_too_cheap']],
    ['cheap data', data, ['tx_too_cheap']],
    ['too cheap for a new account', transfer, ['tx_too_cheap'], view([[sender, RICH]])],
    ['long anchor', { ...transfer, lastTx: new Uint8Array(49) }, ['tx_fields_too_large']],
    ['31 digits', { ...transfer, quantityWinston: 10n ** 30n }, ['tx_fields_too_large', 'overspend']],
    ['22 digits of size', { ...transfer, dataBytes: 10n ** 21n, dataRoot: new Uint8Array(32) }, ['tx_too_cheap', 'tx_fields_too_large']],
    ['2049 bytes of tags', { ...transfer, tags: [textTag('name', 'v'.repeat(2045))] }, ['tx_fields_too_large']],
    ['2049 tags', { ...transfer, tags: Array(2049).fill(textTag('', '')) }, ['tx_fields_too_large']],
    ['long data root', { ...transfer, dataRoot: new Uint8Array(33) }, ['tx_fields_too_large', 'tx_data_size_data_root_mismatch']],
    ['another id', { ...transfer, id: toBase64url(new Uint8Array(32)) as TxId }, ['tx_id_not_valid']],
    [
      'one winston short',
      transfer,
      ['overspend'],
      view([
        [sender, poor(1n)],
        [target, RICH],
      ]),
    ],
    ['no account', transfer, ['overspend'], view([[target, RICH]])],
    [
      'nothing to an unknown target',
      { ...transfer, quantityWinston: 0n, rewardWinston: newAccountFee(pricing) * 2n },
      ['overspend'],
      view([[sender, RICH]]),
    ],
    [
      'nothing to an empty target',
      { ...transfer, quantityWinston: 0n },
      ['overspend'],
      view([
        [sender, RICH],
        [target, poor(0n, 0n)],
      ]),
    ],
    ['denomination of tomorrow', { ...transfer, denomination: 2 }, ['invalid_denomination']],
    ['negative size', { ...data, dataBytes: -1n, rewardWinston: 10n ** 9n }, ['tx_data_size_negative']],
    ['size without root', { ...transfer, dataBytes: 1n, rewardWinston: 10n ** 9n }, ['tx_data_size_data_root_mismatch']],
    ['root without size', { ...transfer, dataRoot: new Uint8Array(32) }, ['tx_data_size_data_root_mismatch']],
    ['short target', { ...transfer, target: new Uint8Array(31) }, ['tx_too_cheap', 'invalid_target_length']],
    ['format 1, data that ends in a digit', { ...legacy, data: utf8('9'), dataBytes: 1n, rewardWinston: 185021129n }, ['tx_malleable']],
    [
      'format 1, target but no quantity',
      { ...legacy, target: new Uint8Array(32), rewardWinston: 10n ** 10n * 2n },
      ['overspend', 'tx_malleable'],
    ],
    ['format 1, fee that is enough without its first digit', { ...legacy, rewardWinston: 1_200_000_000n }, ['tx_malleable']],
  ]
  for (const [name, tx, broken, where] of bad)
    it(name, () => {
      expect(brokenRules(tx, where ?? usual, true)).toEqual(broken)
    })

  it('signature', () => {
    expect(brokenRules(transfer, usual, false)).toEqual(['tx_signature_not_valid'])
    const orphan = { ...transfer, owner: EMPTY }
    expect(brokenRules(orphan, usual, false)).toEqual(['tx_signature_not_valid', 'invalid_signature_type'])
  })

  it('format 1 with ECDSA', () => {
    expect(brokenRules({ ...ecdsa, format: 1 }, usual, false)).toContain('tx_signature_type_not_supported')
  })

  it('all of them are named, in order', () => {
    const hopeless = {
      ...transfer,
      quantityWinston: -1n,
      rewardWinston: 0n,
      denomination: 9,
      target: new Uint8Array(40),
      dataBytes: -1n,
      signature: new Uint8Array(600),
    }
    expect(brokenRules(hopeless, usual, false)).toEqual([
      ...['quantity_negative', 'tx_too_cheap', 'tx_fields_too_large', 'tx_id_not_valid', 'tx_signature_not_valid', 'invalid_denomination'],
      ...['tx_data_size_negative', 'tx_data_size_data_root_mismatch', 'invalid_target_length'],
    ])
  })

  it('where storage is free, format 1 may not have a fee of which a digit could move onto its quantity', () => {
    const sends = { ...legacy, target: transfer.target, quantityWinston: 1n }
    const rich = view([[sender, RICH]], { pricing: null, isStrict: false })
    expect(brokenRules({ ...sends, rewardWinston: 12n }, rich, true)).toEqual(['tx_malleable'])
    expect(brokenRules({ ...sends, rewardWinston: 0n }, rich, true)).toEqual([])
    expect(brokenRules({ ...legacy, rewardWinston: 12n }, rich, true)).toEqual([])
  })

  it('lenient networks let a target be named that has no account', () => {
    const lenient = view([[sender, RICH]], { isStrict: false })
    expect(brokenRules({ ...transfer, quantityWinston: 0n, rewardWinston: newAccountFee(pricing) * 2n }, lenient, true)).toEqual([])
    expect(brokenRules(transfer, { ...free, pricing }, true)).toEqual(['tx_too_cheap', 'overspend'])
  })
})

it('the lowest fee includes an account to be made', () => {
  expect(lowestFee(transfer, usual)).toBe(2238209n)
  expect(lowestFee(transfer, view([]))).toBe(2238209n + newAccountFee(pricing))
  expect(lowestFee(transfer, free)).toBe(0n)
})

describe('anchor', () => {
  const block = sha384(utf8('block'))
  const sent = sha256(utf8('sent'))
  const anchors = (change: Partial<AnchorView> = {}): AnchorView => ({
    account: (address) => (address === sender ? { balanceWinston: 1n, lastTx: sent } : undefined),
    isInMempool: () => false,
    isRecentBlock: (hash) => toBase64url(hash) === toBase64url(block),
    isInRecentBlocks: () => false,
    ...change,
  })
  const pending = (id: TxId): Partial<AnchorView> => ({ isInMempool: (other) => other === id })
  const at = (lastTx: Uint8Array): Transaction => ({ ...transfer, lastTx })
  const stranger = bytesToAddress(new Uint8Array(32))

  it('a recent block, or the last transaction of the wallet', () => {
    expect(checkAnchor(at(block), sender, anchors())).toBe('ok')
    expect(checkAnchor(at(sent), sender, anchors())).toBe('ok')
  })

  it('nothing, for a wallet that has never sent', () => {
    expect(checkAnchor(at(EMPTY), stranger, anchors())).toBe('ok')
    expect(checkAnchor(at(EMPTY), sender, anchors())).toBe('unknown')
    expect(checkAnchor(at(EMPTY), sender, anchors({ account: () => RICH }))).toBe('ok')
  })

  it('not an old block, the last transaction of another, or one that still waits', () => {
    expect(checkAnchor(at(sha384(block)), sender, anchors())).toBe('unknown')
    expect(checkAnchor(at(sent), stranger, anchors())).toBe('unknown')
    expect(checkAnchor(at(sent), sender, anchors(pending(toBase64url(sent) as TxId)))).toBe('last-tx-in-mempool')
  })

  it('a block anchor does not let it in twice', () => {
    const again = at(block)
    expect(checkAnchor(again, sender, anchors({ isInRecentBlocks: (id) => id === again.id }))).toBe('already-on-weave')
    expect(checkAnchor(again, sender, anchors(pending(idOfSignature(again.signature))))).toBe('already-in-mempool')
  })
})

/** The sender's account, `missing` winston short of the transfer, or with a balance. */
function poor(missing: bigint, balanceWinston = 1000012345678n - missing): AccountState {
  return { balanceWinston, lastTx: EMPTY }
}
