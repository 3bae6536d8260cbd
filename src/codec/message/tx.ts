/**
 * tx@1.0: messages as Arweave transactions, and transactions as messages.
 *
 * Wire        tags and data as for data items (`ans104-open.ts`); `target`, `anchor` (last_tx), `quantity`, `reward`, and `format` where it is 1 are
 *             keys, and `field-…` in the commitment, where they are set. A body is Arweave's JSON, with the data in it.
 * Source      permaweb/HyperBEAM src/dev_codec_tx.erl, dev_codec_tx_from.erl, dev_codec_tx_to.erl (2025-11). It takes RSA, denomination 0 and
 *             transactions with all of their data only; here `denomination` is a field like the others, and where the data is elsewhere the
 *             commitment has `field-data-root` and `field-data-size`.
 * Invariants  A signature over a data root says something of data only if the data has that root, in one of the two usual ways to cut it.
 */
import { EMPTY, equalBytes, fromBase64url, toBase64url, toTextStrict } from '../../base/bytes.ts'
import { errorText, HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { addressOfKey, bytesToId, ID_BYTES } from '../../base/ids.ts'
import { CHUNK_BYTES_MAX, DENOMINATION_MAX, INTEGER_DIGITS_MAX, TX_TAG_BYTES_MAX } from '../../base/limits.ts'
import { dataRootOf } from '../data-tree.ts'
import type { SigningKey } from '../keys.ts'
import {
  ownerOf,
  parseTransactionJson,
  signatureData,
  signTransaction,
  type Transaction,
  type TransactionJson,
  transactionToJson,
  verifyTransaction,
} from '../transaction.ts'
import { bytesOfId, UNSIGNED } from './ans104-item.ts'
import { attempt, ITEM_NOTE, ItemContext, KEY_SCHEME, packChild, sameClaim, withNote } from './ans104-message.ts'
import { FIELD_PREFIX, type Opened, openEnvelope } from './ans104-open.ts'
import { flatValues, type PackedItem, packEnvelope } from './ans104-pack.ts'
import { ECDSA_TYPE, RSA_TYPE } from './ans104-types.ts'
import { type Commitment, commitmentsOf, UNSIGNED_TYPE, withCommitments } from './commitment.ts'
import { sameCommitted } from './same-value.ts'
import { asMessage, isBinary, type Message, type Value } from './value.ts'

export const TX_DEVICE = 'tx@1.0'
/** Media type. */
export const TX_TYPE = 'application/tx'

/** In the order in which they are listed as committed. */
const FIELDS = ['anchor', 'denomination', 'format', 'quantity', 'reward', 'target']
/** Of a transaction that nobody signed. */
const NO_SEAL: Seal = { id: bytesToId(new Uint8Array(ID_BYTES)), owner: UNSIGNED.owner, signature: UNSIGNED.signature }
const NATURAL = /^[1-9][0-9]*$/
/** Anchors are ids of transactions or hashes of blocks. */
const ANCHOR_BYTES: ReadonlySet<number> = new Set([32, 48])

type Fields = Pick<Transaction, 'format' | 'lastTx' | 'target' | 'quantityWinston' | 'rewardWinston' | 'denomination'>
type Parts = Fields & Pick<Transaction, 'tags' | 'data'>
type Seal = Pick<Transaction, 'id' | 'owner' | 'signature'>

/** The message of a transaction with its commitment, not verified. Text and bytes are Arweave's JSON. Fails as `parseTransactionJson`, or with a code. */
export function decodeTx(source: Transaction | TransactionJson | Uint8Array | string): Message {
  const tx = toTransaction(source)
  const opened = openTx(tx)
  const commitment = commitmentOf(tx, opened)
  const values = asMessage(opened.value)
  if (commitment === null) return values
  const message = withCommitments(values, [commitment])
  const isExact = attempt(() => candidates(message, commitment).some((again) => sameTransaction(again, tx))) === true
  return isExact ? message : withCommitments(values, [withNote(commitment, encodeTxJson(tx))])
}

/** The message of a transaction that is signed; `signature-invalid` where it is not, or where its data is not the data that was signed. */
export async function receiveTx(source: Transaction | TransactionJson | Uint8Array | string): Promise<Message> {
  const tx = toTransaction(source)
  if (!isUnsigned(tx) && !(coversData(tx) && (await verifyTransaction(tx)))) throw notSigned(tx.id)
  return decodeTx(tx)
}

/** The signed transaction of the message's commitment where it has one, else a new one by `key`, or without a signature. */
export async function encodeTx(message: Message, key?: SigningKey): Promise<Transaction> {
  const commitment = txCommitment(message)
  if (commitment !== null) return signedBefore(message, commitment)
  const parts = partsOf(message, null)
  if (key === undefined) return { ...complete(parts), ...NO_SEAL }
  return signTransaction(parts, key)
}

/** The JSON of a transaction with its data in it, as a body of a request. */
export function encodeTxJson(tx: Transaction): string {
  return JSON.stringify({ ...transactionToJson(tx), data: toBase64url(tx.data) })
}

/** The message as it comes back from a transaction that `key` signs: with its commitment, keys in lower case. */
export async function commitTx(message: Message, key: SigningKey): Promise<Message> {
  const others = commitmentsOf(message).filter(({ device }) => device !== TX_DEVICE)
  const decoded = decodeTx(await encodeTx(withCommitments(message, others), key))
  if (!others.every(({ committed }) => sameCommitted(committed, message, decoded))) return decoded
  return withCommitments(decoded, [...others, ...commitmentsOf(decoded)])
}

/** Does the commitment hold for the keys and values that the message has now? Never throws. */
export async function verifyTxCommitment(message: Message, commitment: Commitment): Promise<boolean> {
  for (const tx of attempt(() => candidates(message, commitment)) ?? []) {
    const opened = attempt(() => openTx(tx))
    const claimed = opened === null ? null : attempt(() => commitmentOf(tx, opened))
    if (opened === null || claimed === null || !sameClaim(claimed, commitment) || !coversData(tx)) continue
    if (attempt(() => sameCommitted(commitment.committed, message, asMessage(opened.value))) !== true) continue
    if (commitment.type === UNSIGNED_TYPE || (await verifyTransaction(tx))) return true
  }
  return false
}

function toTransaction(source: Transaction | TransactionJson | Uint8Array | string): Transaction {
  if (typeof source === 'string' || source instanceof Uint8Array) return parseTransactionJson(parseJson(source))
  return 'rewardWinston' in source ? source : parseTransactionJson(source)
}

function parseJson(source: Uint8Array | string): unknown {
  const text = typeof source === 'string' ? source : toTextStrict(source)
  try {
    if (text !== null) return JSON.parse(text)
  } catch (cause) {
    throw new HeddleError('encoding-invalid', { format: 'transaction', at: 0 }, `transaction is not JSON: ${errorText(cause)}`, { cause })
  }
  throw new HeddleError('encoding-invalid', { format: 'transaction', at: 0 }, 'transaction is not JSON: its bytes are not UTF-8')
}

function openTx(tx: Transaction): Opened {
  return openEnvelope({ tags: tx.tags, data: tx.data, fields: fieldTexts(tx) }, FIELDS, new ItemContext(), 0)
}

function fieldTexts(tx: Transaction): Map<string, string> {
  const fields = new Map<string, string>()
  if (tx.lastTx.length > 0) fields.set('anchor', toBase64url(tx.lastTx))
  if (tx.denomination > 0) fields.set('denomination', String(tx.denomination))
  if (tx.format === 1) fields.set('format', '1')
  if (tx.quantityWinston !== 0n) fields.set('quantity', String(tx.quantityWinston))
  if (tx.rewardWinston !== 0n) fields.set('reward', String(tx.rewardWinston))
  if (tx.target.length > 0) fields.set('target', toBase64url(tx.target))
  return fields
}

/** Null for an unsigned transaction all of whose tags come back from the keys. */
function commitmentOf(tx: Transaction, { committed, extra, isLowerCase }: Opened): Commitment | null {
  const base = { device: TX_DEVICE, committed, extra: isDetached(tx) ? withDataFields(extra, tx) : extra }
  if (isUnsigned(tx)) {
    if (isLowerCase) return null
    const id = sha256(signatureData({ ...tx, ...NO_SEAL }))
    return { ...base, id: toBase64url(id), type: UNSIGNED_TYPE, keyId: null, committer: null, signature: id }
  }
  const owner = ownerOf(tx)
  const type = tx.owner.length === 0 ? ECDSA_TYPE : RSA_TYPE
  return { ...base, id: tx.id, type, keyId: KEY_SCHEME + toBase64url(owner), committer: addressOfKey(owner), signature: tx.signature }
}

function withDataFields(extra: Message, { dataBytes, dataRoot }: Transaction): Message {
  return new Map<string, Value>([
    ...extra,
    [`${FIELD_PREFIX}data-size`, String(dataBytes)],
    [`${FIELD_PREFIX}data-root`, toBase64url(dataRoot)],
  ])
}

/** Is the data elsewhere? */
function isDetached({ format, data, dataBytes }: Transaction): boolean {
  return format === 2 && data.length === 0 && dataBytes > 0n
}

function isUnsigned({ signature }: Transaction): boolean {
  return signature.every((byte) => byte === 0)
}

/** The first, should there be several: they cannot be in one transaction. */
function txCommitment(message: Message): Commitment | null {
  if (!message.has('commitments')) return null
  return commitmentsOf(message).find(({ device }) => device === TX_DEVICE) ?? null
}

/** Which of the ways to cut the data was signed shows in the signature alone. */
async function signedBefore(message: Message, commitment: Commitment): Promise<Transaction> {
  const [usual, ...others] = candidates(message, commitment)
  for (const other of others) if (await verifyTransaction(other)) return other
  return usual!
}

/** The transactions that the commitment can be of, the most likely first; one at least. */
function candidates(message: Message, commitment: Commitment): Transaction[] {
  const note = commitment.extra.get(ITEM_NOTE)
  if (isBinary(note)) return [toTransaction(note)]
  const signed = { ...complete(partsOf(message, commitment)), ...sealOf(commitment) }
  const tx = { ...signed, ...detachedData(commitment.extra) }
  if (tx.format === 1 || tx.data.length <= CHUNK_BYTES_MAX) return [tx]
  const other = dataRootOf(tx.data, 'node')
  return equalBytes(other, tx.dataRoot) ? [tx] : [tx, { ...tx, dataRoot: other }]
}

function detachedData(extra: Message): Partial<Transaction> {
  const root = extra.get(`${FIELD_PREFIX}data-root`)
  const size = extra.get(`${FIELD_PREFIX}data-size`)
  if (typeof root !== 'string' || typeof size !== 'string' || !isNatural(size)) return {}
  return { dataRoot: fromBase64url(root, 'field-data-root'), dataBytes: BigInt(size), data: EMPTY }
}

function sealOf({ id, type, keyId, signature }: Commitment): Seal {
  if (type === UNSIGNED_TYPE) return NO_SEAL
  const owner = fromBase64url((keyId ?? '').replace(KEY_SCHEME, ''), `keyid of commitment ${id}`)
  return { id: bytesToId(fromBase64url(id, 'commitment id')), owner: type === ECDSA_TYPE ? EMPTY : owner, signature }
}

function partsOf(message: Message, commitment: Commitment | null): Parts {
  const source: ReadonlyMap<string, Value> = commitment === null ? flatValues(message) : commitment.extra
  const { fields, fieldKeys } = readFields((key) => source.get(commitment === null ? key : FIELD_PREFIX + key))
  const known = new WeakMap<object, PackedItem>()
  const child = (item: Value, depth: number): PackedItem => packChild(item, known, depth)
  return { ...fields, ...packEnvelope(message, { fieldKeys, commitment, packChild: child, depth: 0, tagBytesMax: TX_TAG_BYTES_MAX }) }
}

/** What is no value for its field stays a tag. */
function readFields(valueAt: (key: string) => Value | undefined): { fields: Fields; fieldKeys: ReadonlySet<string> } {
  const fieldKeys = new Set<string>()
  const read = <T>(key: string, parse: (text: string) => T | null, otherwise: T): T => {
    const value = valueAt(key)
    const parsed = typeof value === 'string' ? parse(value) : null
    if (parsed === null) return otherwise
    fieldKeys.add(key)
    return parsed
  }
  const fields: Fields = {
    format: read('format', (text) => (text === '1' ? 1 : null), 2),
    lastTx: read('anchor', anchorBytes, EMPTY),
    target: read('target', bytesOfId, EMPTY),
    quantityWinston: read('quantity', natural, 0n),
    rewardWinston: read('reward', natural, 0n),
    denomination: read('denomination', denomination, 0),
  }
  return { fields, fieldKeys }
}

function anchorBytes(text: string): Uint8Array | null {
  if (text.length > 64) return null
  const bytes = attempt(() => fromBase64url(text))
  return bytes !== null && ANCHOR_BYTES.has(bytes.length) ? bytes : null
}

function isNatural(text: string): boolean {
  return text.length <= INTEGER_DIGITS_MAX && NATURAL.test(text)
}

function natural(text: string): bigint | null {
  return isNatural(text) ? BigInt(text) : null
}

function denomination(text: string): number | null {
  const value = natural(text)
  return value === null || value > BigInt(DENOMINATION_MAX) ? null : Number(value)
}

function complete(parts: Parts): Omit<Transaction, keyof Seal> {
  return { ...parts, dataBytes: BigInt(parts.data.length), dataRoot: rootOf(parts) }
}

function rootOf({ format, data }: Pick<Transaction, 'format' | 'data'>): Uint8Array {
  return format === 1 || data.length === 0 ? EMPTY : dataRootOf(data, 'client')
}

/** Is the data, if it is here, what the signed root and size say? */
function coversData(tx: Transaction): boolean {
  if (tx.format === 1 || tx.data.length === 0) return true
  if (BigInt(tx.data.length) !== tx.dataBytes) return false
  return equalBytes(dataRootOf(tx.data, 'client'), tx.dataRoot) || equalBytes(dataRootOf(tx.data, 'node'), tx.dataRoot)
}

function sameTransaction(a: Transaction, b: Transaction): boolean {
  return encodeTxJson(a) === encodeTxJson(b)
}

function notSigned(id: string): HeddleError<'signature-invalid'> {
  return new HeddleError('signature-invalid', { id }, `transaction ${id} is not signed by its owner, or was changed since`)
}
