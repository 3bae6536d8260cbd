/**
 * Arweave transactions of format 1 and 2: JSON and binary forms, the bytes they sign, signing and verifying.
 *
 * Wire        JSON: bytes as base64url, integers as decimal strings, `format` a number; `data` of format 2 is served empty.
 *             Binary: u24 size, u8 format, id, then u8|u16|u24-length-prefixed fields, tags in reverse order, u24 denomination if not 0.
 *             Signed: format 2 a deep hash, format 1 the bare concatenation of its fields; numbers as ASCII decimal.
 * Source      ArweaveTeam/arweave ar_tx.erl, ar_serialize.erl (2.9); checked against arweave 1.15.7
 * Invariants  Tags stay bytes from end to end. An empty owner means ECDSA: the key is recovered from the signature. Of format 1, data size comes
 *             from the data and the data root is not kept, since nothing signs them. decode(encode(tx)) gives the same transaction.
 */
import { bigEndian, concat, EMPTY, equalBytes, fromBigEndian, minimalBigEndian, toBase64url, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha256 } from '../base/hash.ts'
import { type Address, addressOfKey, bytesToId, idBytes, idOfSignature, type TxId } from '../base/ids.ts'
import { DENOMINATION_MAX, INTEGER_BYTES_MAX } from '../base/limits.ts'
import { dataRootOf } from './data-tree.ts'
import { type DeepHashChunk, deepHash } from './deep-hash.ts'
import {
  arrayField,
  asJsonObject,
  bytesField,
  integerField,
  invalidField,
  type JsonObject,
  naturalField,
  sizedBytesField,
} from './json-fields.ts'
import { type SigningKey, verifyRsaPss } from './keys.ts'
import { lengthPrefix, prefixed } from './length-prefix.ts'
import { Reader } from './reader.ts'
import { recoverSecp256k1 } from './secp256k1.ts'
import type { Tag } from './tags.ts'

export interface Transaction {
  readonly format: 1 | 2
  readonly id: TxId
  /** The anchor: empty, the id of the wallet's last transaction, or the hash of a recent block. */
  readonly lastTx: Uint8Array
  /** RSA modulus; empty for ECDSA. */
  readonly owner: Uint8Array
  readonly tags: readonly Tag[]
  readonly target: Uint8Array
  readonly quantityWinston: bigint
  /** Format 1: all of the data. Format 2: what came inline, often nothing. */
  readonly data: Uint8Array
  readonly dataBytes: bigint
  readonly dataRoot: Uint8Array
  readonly rewardWinston: bigint
  readonly signature: Uint8Array
  /** 0 when absent. */
  readonly denomination: number
}

export interface TransactionJson {
  readonly format: number
  readonly id: string
  readonly last_tx: string
  readonly owner: string
  readonly tags: readonly { readonly name: string; readonly value: string }[]
  readonly target: string
  readonly quantity: string
  readonly data: string
  readonly data_size: string
  readonly data_tree: readonly []
  readonly data_root: string
  readonly reward: string
  readonly signature: string
  readonly denomination?: string
}

/** What a signer decides. The data root is computed from the data, as arweave-js does, unless it is given together with the size. */
export interface TransactionFields {
  readonly format?: 1 | 2
  readonly lastTx?: Uint8Array
  readonly target?: Uint8Array
  readonly quantityWinston?: bigint
  readonly rewardWinston: bigint
  readonly tags?: readonly Tag[]
  readonly data?: Uint8Array
  readonly dataBytes?: bigint
  readonly dataRoot?: Uint8Array
  readonly denomination?: number
}

type Unsigned = Omit<Transaction, 'id' | 'signature'>

const FORMAT_NAME = 'transaction'
const TX_ID_BYTES = 32

export function parseTransactionJson(value: unknown): Transaction {
  const json = asJsonObject(value, FORMAT_NAME)
  const format = parseFormat(json['format'])
  const data = bytesField(json, 'data')
  return {
    format,
    id: bytesToId(sizedBytesField(json, 'id', TX_ID_BYTES)),
    lastTx: bytesField(json, 'last_tx'),
    owner: bytesField(json, 'owner'),
    tags: json['tags'] === undefined ? [] : arrayField(json, 'tags').map(parseTag),
    target: bytesField(json, 'target'),
    quantityWinston: integerField(json, 'quantity'),
    data,
    dataBytes: format === 1 ? BigInt(data.length) : integerField(json, 'data_size'),
    dataRoot: format === 1 ? EMPTY : bytesField(json, 'data_root', EMPTY),
    rewardWinston: integerField(json, 'reward'),
    signature: bytesField(json, 'signature'),
    denomination: parseDenomination(json),
  }
}

export function transactionToJson(tx: Transaction): TransactionJson {
  return {
    format: tx.format,
    id: tx.id,
    last_tx: toBase64url(tx.lastTx),
    owner: toBase64url(tx.owner),
    tags: tx.tags.map(({ name, value }) => ({ name: toBase64url(name), value: toBase64url(value) })),
    target: toBase64url(tx.target),
    quantity: String(tx.quantityWinston),
    data: tx.format === 1 ? toBase64url(tx.data) : '',
    data_size: String(tx.dataBytes),
    data_tree: [],
    data_root: toBase64url(tx.dataRoot),
    reward: String(tx.rewardWinston),
    signature: toBase64url(tx.signature),
    ...(tx.denomination > 0 ? { denomination: String(tx.denomination) } : {}),
  }
}

/** The public key: the owner field, or recovered from an ECDSA signature. Fails with `signature-invalid` if there is none to recover. */
export function ownerOf(tx: Transaction): Uint8Array {
  const owner = tx.owner.length > 0 ? tx.owner : recoverOwner(tx)
  if (owner !== null) return owner
  throw new HeddleError(
    'signature-invalid',
    { id: tx.id },
    `transaction ${tx.id} has no owner and no ECDSA signature to recover it from; set owner or sign with secp256k1`,
  )
}

export function ownerAddress(tx: Transaction): Address {
  return addressOfKey(ownerOf(tx))
}

/** The message that the owner signs. */
export function signatureData(tx: Unsigned): Uint8Array {
  return tx.format === 1 && tx.denomination === 0 ? concat(legacyParts(tx)) : deepHash(signedList(tx))
}

/** Are the signature and the id good? Says nothing about balances and fees. */
export async function verifyTransaction(tx: Transaction): Promise<boolean> {
  if (!hasOwnId(tx)) return false
  if (tx.owner.length === 0) return tx.format === 2 && recoverOwner(tx) !== null
  return verifyRsaPss(tx.owner, signatureData(tx), tx.signature)
}

/** Is the id the hash of the signature? */
export function hasOwnId(tx: Transaction): boolean {
  return idOfSignature(tx.signature) === tx.id
}

export async function signTransaction(fields: TransactionFields, key: SigningKey): Promise<Transaction> {
  if (key.kind === 'ed25519' || (key.kind === 'secp256k1' && fields.format === 1))
    throw invalidField('key', `of kind ${key.kind} cannot sign a transaction of format ${fields.format ?? 2}; use an RSA key`)
  const unsigned = complete(fields, key.kind === 'rsa' ? key.publicKey : EMPTY)
  const signature = await key.sign(signatureData(unsigned))
  return { ...unsigned, id: idOfSignature(signature), signature }
}

export function encodeTransaction(tx: Transaction): Uint8Array {
  const parts = [
    bigEndian(tx.format, 1),
    idBytes(tx.id),
    prefixed(tx.lastTx, 1, 'last_tx'),
    prefixed(tx.owner, 2, 'owner'),
    prefixed(tx.target, 1, 'target'),
    prefixed(encodeNatural(tx.quantityWinston, 'quantity'), 1, 'quantity'),
    prefixed(encodeNatural(tx.dataBytes, 'data_size'), 2, 'data_size'),
    prefixed(tx.dataRoot, 1, 'data_root'),
    prefixed(tx.signature, 2, 'signature'),
    prefixed(encodeNatural(tx.rewardWinston, 'reward'), 1, 'reward'),
    prefixed(tx.data, 3, 'data'),
    lengthPrefix(tx.tags.length, 2, 'tags'),
    ...tx.tags.toReversed().flatMap(encodeTag),
    ...(tx.denomination > 0 ? [bigEndian(tx.denomination, 3)] : []),
  ]
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  return concat([lengthPrefix(bytes, 3, FORMAT_NAME), ...parts])
}

export function decodeTransaction(bytes: Uint8Array): Transaction {
  const reader = new Reader(bytes, FORMAT_NAME)
  if (reader.bigEndian(3) !== reader.left) throw reader.invalid('does not have the length it declares')
  const format = reader.byte()
  if (format !== 1 && format !== 2) throw reader.invalid(`has format ${format}, expected 1 or 2`)
  const take = (prefixBytes: number): Uint8Array => reader.take(reader.bigEndian(prefixBytes))
  const tx = {
    format: format as 1 | 2,
    id: bytesToId(reader.take(TX_ID_BYTES)),
    lastTx: take(1),
    owner: take(2),
    target: take(1),
    quantityWinston: decodeNatural(reader, take(1)),
    dataBytes: decodeNatural(reader, take(2)),
    dataRoot: take(1),
    signature: take(2),
    rewardWinston: decodeNatural(reader, take(1)),
    data: take(3),
    tags: decodeTags(reader),
    denomination: reader.left === 0 ? 0 : decodeDenomination(reader),
  }
  reader.end()
  if (tx.format === 1 && tx.dataBytes !== BigInt(tx.data.length))
    throw reader.invalid(`has ${tx.data.length} bytes of data, declares ${tx.dataBytes}`)
  return tx.format === 1 ? { ...tx, dataRoot: EMPTY } : tx
}

function signedList(tx: Unsigned): DeepHashChunk[] {
  const denomination = tx.denomination > 0 ? [decimal(tx.denomination)] : []
  const tags = tx.tags.map(({ name, value }) => [name, value])
  if (tx.format === 1)
    return [...denomination, tx.owner, tx.target, tx.data, decimal(tx.quantityWinston), decimal(tx.rewardWinston), tx.lastTx, tags]
  const owner = tx.owner.length > 0 ? [tx.owner] : [] // ECDSA signs no owner.
  const head = [...denomination, decimal(2), ...owner, tx.target, decimal(tx.quantityWinston), decimal(tx.rewardWinston), tx.lastTx]
  return [...head, tags, decimal(tx.dataBytes), tx.dataRoot]
}

function legacyParts(tx: Unsigned): Uint8Array[] {
  const tags = tx.tags.flatMap(({ name, value }) => [name, value])
  return [tx.owner, tx.target, tx.data, decimal(tx.quantityWinston), decimal(tx.rewardWinston), tx.lastTx, ...tags]
}

function decimal(value: bigint | number): Uint8Array {
  return utf8(String(value))
}

/** Recovery costs over a millisecond and is asked for more than once. */
const recovered = new WeakMap<Transaction, Uint8Array | null>()

function recoverOwner(tx: Transaction): Uint8Array | null {
  const known = recovered.get(tx)
  if (known !== undefined) return known
  const owner = recoverSecp256k1(sha256(signatureData(tx)), tx.signature)
  recovered.set(tx, owner)
  return owner
}

function complete(fields: TransactionFields, owner: Uint8Array): Unsigned {
  const format = fields.format ?? 2
  const data = fields.data ?? EMPTY
  const dataBytes = fields.dataBytes ?? BigInt(data.length)
  return {
    format,
    owner,
    lastTx: fields.lastTx ?? EMPTY,
    tags: fields.tags ?? [],
    target: fields.target ?? EMPTY,
    quantityWinston: fields.quantityWinston ?? 0n,
    rewardWinston: fields.rewardWinston,
    data,
    dataBytes,
    dataRoot: format === 1 ? EMPTY : (fields.dataRoot ?? rootOfInline(data, dataBytes)),
    denomination: fields.denomination ?? 0,
  }
}

function rootOfInline(data: Uint8Array, dataBytes: bigint): Uint8Array {
  if (dataBytes !== BigInt(data.length))
    throw invalidField('dataRoot', `is needed for ${dataBytes} bytes of which ${data.length} are given`)
  return data.length === 0 ? EMPTY : dataRootOf(data, 'client')
}

function parseFormat(value: unknown): 1 | 2 {
  if (value === undefined || value === 1 || value === '1') return 1
  if (value === 2 || value === '2') return 2
  throw invalidField('format', 'must be 1 or 2')
}

function parseTag(value: unknown): Tag {
  const tag = asJsonObject(value, 'tags')
  return { name: bytesField(tag, 'name'), value: bytesField(tag, 'value') }
}

function parseDenomination(json: JsonObject): number {
  const denomination = naturalField(json, 'denomination', 0n)
  if (denomination > BigInt(DENOMINATION_MAX)) throw invalidField('denomination', `must be at most ${DENOMINATION_MAX}, is ${denomination}`)
  return Number(denomination)
}

function encodeTag({ name, value }: Tag): Uint8Array[] {
  return [lengthPrefix(name.length, 2, 'tag name'), lengthPrefix(value.length, 2, 'tag value'), name, value]
}

function decodeTags(reader: Reader): Tag[] {
  const tags: Tag[] = []
  for (let left = reader.bigEndian(2); left > 0; left--) {
    const nameBytes = reader.bigEndian(2)
    const valueBytes = reader.bigEndian(2)
    tags.push({ name: reader.take(nameBytes), value: reader.take(valueBytes) })
  }
  return tags.reverse()
}

function encodeNatural(value: bigint, field: string): Uint8Array {
  if (value < 0n) throw invalidField(field, `is ${value}; the binary form has no negative numbers`)
  return minimalBigEndian(value)
}

function decodeNatural(reader: Reader, bytes: Uint8Array): bigint {
  if (bytes.length > INTEGER_BYTES_MAX)
    throw reader.invalid(`has an integer of ${bytes.length} bytes, at most ${INTEGER_BYTES_MAX} are read`)
  const value = fromBigEndian(bytes)
  if (!equalBytes(minimalBigEndian(value), bytes)) throw reader.invalid('has an integer that is not in its shortest form')
  return value
}

function decodeDenomination(reader: Reader): number {
  const denomination = reader.bigEndian(3)
  if (denomination === 0) throw reader.invalid('has denomination 0 written out; it must be left away')
  return denomination
}
