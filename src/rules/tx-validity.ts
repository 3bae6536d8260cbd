/**
 * When a transaction is valid: the rules by the names that nodes answer, and its anchor.
 *
 * Source      ArweaveTeam/arweave ar_tx.erl, ar_tx_validator.erl, ar_tx_replay_pool.erl (2.9)
 * Invariants  All failed rules are named, in the order of the node. Pure: signatures are verified elsewhere, since that takes a thread.
 *             Lenient networks allow what wallets do and mainnet does not: naming a target without an account while sending nothing,
 *             and a first transaction of an empty wallet where it costs nothing.
 */
import { equalBytes, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { type Address, isAddress, type TxId } from '../base/ids.ts'
import { TX_INLINE_DATA_BYTES_MAX, TX_TAG_BYTES_MAX, TX_TAG_COUNT_MAX } from '../base/limits.ts'
import { hasOwnId, ownerAddress, type Transaction } from '../codec/transaction.ts'
import { type Pricing, transactionFee } from './fees.ts'

export type TxRule =
  | 'quantity_negative'
  | 'same_owner_as_target'
  | 'tx_too_cheap'
  | 'tx_fields_too_large'
  | 'tx_id_not_valid'
  | 'overspend'
  | 'tx_signature_not_valid'
  | 'tx_signature_type_not_supported'
  | 'invalid_denomination'
  | 'tx_data_size_negative'
  | 'tx_data_size_data_root_mismatch'
  | 'invalid_target_length'
  | 'tx_malleable'
  | 'invalid_signature_type'

export interface AccountState {
  readonly balanceWinston: bigint
  readonly lastTx: Uint8Array
}

/** What validity depends on, beside the transaction. */
export interface ValidityView {
  account(address: Address): AccountState | undefined
  /** Null where storage is free. */
  readonly pricing: Pricing | null
  readonly denomination: number
  /** Mainnet's rules to the letter. */
  readonly isStrict: boolean
}

export interface AnchorView {
  account(address: Address): AccountState | undefined
  isInMempool(id: TxId): boolean
  /** Hash of one of the last 50 blocks, the tip included? */
  isRecentBlock(hash: Uint8Array): boolean
  /** In one of those blocks? */
  isInRecentBlocks(id: TxId): boolean
}

export type AnchorOutcome = 'ok' | 'last-tx-in-mempool' | 'unknown' | 'already-on-weave' | 'already-in-mempool'

const ADDRESS_BYTES = 32
const ANCHOR_BYTES_MAX = 48
const KEY_BYTES_MAX = 512
const AMOUNT_DIGITS_MAX = 30
const DIGITS_PER_DENOMINATION = 3
const DATA_SIZE_DIGITS_MAX = 21

/** Names of the rules that the transaction breaks; none if it is valid. `isSigned` tells whether its signature verifies. */
export function brokenRules(tx: Transaction, view: ValidityView, isSigned: boolean): TxRule[] {
  const sender = senderOf(tx)
  const checks: [TxRule, boolean][] = [
    ['quantity_negative', tx.quantityWinston < 0n],
    ['same_owner_as_target', sender !== null && sender === targetText(tx)],
    ['tx_too_cheap', tx.rewardWinston < lowestFee(tx, view)],
    ['tx_fields_too_large', hasLargeFields(tx)],
    ['tx_id_not_valid', !hasOwnId(tx)],
    ['overspend', sender !== null && overspends(tx, sender, view)],
    ['tx_signature_not_valid', !isSigned],
    ['tx_signature_type_not_supported', isEcdsa(tx) && tx.format === 1],
    ['invalid_denomination', tx.denomination > view.denomination],
    ['tx_data_size_negative', tx.dataBytes < 0n],
    ['tx_data_size_data_root_mismatch', tx.format === 2 && (tx.dataBytes === 0n) !== (tx.dataRoot.length === 0)],
    ['invalid_target_length', tx.quantityWinston === 0n ? tx.target.length > ADDRESS_BYTES : tx.target.length !== ADDRESS_BYTES],
    ['tx_malleable', isMalleable(tx, view)],
    ['invalid_signature_type', sender === null],
  ]
  return checks.filter(([, isBroken]) => isBroken).map(([rule]) => rule)
}

/** Lowest fee that this network takes for the transaction. */
export function lowestFee(tx: Transaction, view: Pick<ValidityView, 'account' | 'pricing'>): bigint {
  if (view.pricing === null) return 0n
  const createsAccount = tx.target.length > 0 && accountOf(view, targetText(tx)) === undefined
  return transactionFee(tx.dataBytes < 0n ? 0n : tx.dataBytes, createsAccount, view.pricing)
}

/** Is the anchor one that this wallet may use now? */
export function checkAnchor(tx: Transaction, sender: Address, view: AnchorView): AnchorOutcome {
  if (tx.lastTx.length === ADDRESS_BYTES && view.isInMempool(toBase64url(tx.lastTx) as TxId)) return 'last-tx-in-mempool'
  const lastTx = view.account(sender)?.lastTx
  if (lastTx === undefined ? tx.lastTx.length === 0 : equalBytes(tx.lastTx, lastTx)) return 'ok'
  if (!view.isRecentBlock(tx.lastTx)) return 'unknown'
  if (view.isInRecentBlocks(tx.id)) return 'already-on-weave'
  return view.isInMempool(tx.id) ? 'already-in-mempool' : 'ok'
}

/** Null if no key can be recovered from an ECDSA signature. */
function senderOf(tx: Transaction): Address | null {
  try {
    return ownerAddress(tx)
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'signature-invalid') return null
    throw error
  }
}

function targetText(tx: Transaction): string {
  return toBase64url(tx.target)
}

function accountOf(view: Pick<ValidityView, 'account'>, address: string): AccountState | undefined {
  return isAddress(address) ? view.account(address) : undefined
}

function isEcdsa(tx: Transaction): boolean {
  return tx.owner.length === 0
}

function overspends(tx: Transaction, sender: Address, view: ValidityView): boolean {
  const cost = tx.quantityWinston + tx.rewardWinston
  const account = view.account(sender)
  if (account === undefined && (view.isStrict || cost > 0n)) return true
  if ((account?.balanceWinston ?? 0n) < cost) return true
  return view.isStrict && tx.quantityWinston === 0n && tx.target.length > 0 && !isLive(accountOf(view, targetText(tx)))
}

/** Mainnet takes an account that is empty and has never sent anything for none. */
function isLive(account: AccountState | undefined): boolean {
  return account !== undefined && (account.balanceWinston > 0n || account.lastTx.length > 0)
}

function hasLargeFields(tx: Transaction): boolean {
  const amountDigits = AMOUNT_DIGITS_MAX + DIGITS_PER_DENOMINATION * Math.max(0, tx.denomination - 1)
  return (
    tx.lastTx.length > ANCHOR_BYTES_MAX ||
    tx.owner.length > KEY_BYTES_MAX ||
    tx.signature.length > KEY_BYTES_MAX ||
    tx.target.length > ADDRESS_BYTES ||
    tx.dataRoot.length > ADDRESS_BYTES ||
    hasLargeTags(tx) ||
    digits(tx.quantityWinston) > amountDigits ||
    digits(tx.rewardWinston) > amountDigits ||
    digits(tx.dataBytes) > DATA_SIZE_DIGITS_MAX ||
    (tx.format === 1 && tx.data.length > TX_INLINE_DATA_BYTES_MAX)
  )
}

function hasLargeTags({ tags }: Transaction): boolean {
  return tags.length > TX_TAG_COUNT_MAX || tags.reduce((sum, { name, value }) => sum + name.length + value.length, 0) > TX_TAG_BYTES_MAX
}

function digits(value: bigint): number {
  return String(value).length
}

/** Format 1 signs its fields without lengths: could a byte pass from one field to the next and leave the signature good? */
function isMalleable(tx: Transaction, view: ValidityView): boolean {
  if (tx.format !== 1 || tx.denomination > 0) return false
  const sendsMoney = tx.quantityWinston > 0n
  if (sendsMoney ? tx.target.length !== ADDRESS_BYTES : tx.target.length > 0) return true
  const lastByte = tx.data.at(-1)
  if (lastByte !== undefined && lastByte >= 0x30 && lastByte <= 0x39) return true
  const rest = String(tx.rewardWinston).slice(1)
  // Where storage is free any fee is enough, but a digit can only move onto a quantity that is not 0.
  const canMove = sendsMoney || view.pricing !== null
  return canMove && /^[0-9]+$/.test(rest) && BigInt(rest) >= lowestFee(tx, view)
}
