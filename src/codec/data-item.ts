/**
 * ANS-104 data item: a signed piece of data with tags, the unit of uploads, bundles and AO messages.
 *
 * Wire        u16 signature type, signature, owner, target flag [+ 32 bytes], anchor flag [+ 32 bytes], u64 tag count, u64 tag bytes,
 *             Avro tags (`item-tags.ts`), data to the end; integers little-endian. Id = SHA-256 of the signature.
 * Source      ANS-104; checked against @dha-team/arbundles 1.0.4
 * Invariants  Every field is a view into the input, nothing is copied: keep the input unchanged. What is hashed are the raw tag bytes.
 *             Decoding does not verify; it throws coded failures only. Flags are 0 or 1, tags match their count and size exactly.
 */
import { utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { sha384 } from '../base/hash.ts'
import { type Address, addressOfKey, ID_BYTES, idOfSignature, type TxId } from '../base/ids.ts'
import { ITEM_TAG_BYTES_MAX } from '../base/limits.ts'
import { personalMessageDigest, toEthereumSignature, uncompressedKey } from './ethereum-signature.ts'
import { itemSignData } from './item-sign-data.ts'
import { findSignatureScheme, SIGNATURE_AND_OWNER_BYTES_MAX, SIGNATURE_TYPE } from './item-signature.ts'
import { decodeItemTags, encodeItemTags } from './item-tags.ts'
import type { SigningKey } from './keys.ts'
import { type Tag, type TextTag, textTag } from './tags.ts'

export interface ItemHeader {
  readonly id: TxId
  readonly signatureType: number
  readonly signature: Uint8Array
  readonly owner: Uint8Array
  readonly ownerAddress: Address
  readonly target: Uint8Array | null
  readonly anchor: Uint8Array | null
  readonly tags: readonly Tag[]
  /** As sent. */
  readonly tagBytes: Uint8Array
  /** The data starts here. */
  readonly headerBytes: number
  readonly dataBytes: number
}

export interface DataItem extends ItemHeader {
  readonly raw: Uint8Array
  readonly data: Uint8Array
}

export interface ItemFields {
  readonly data: Uint8Array | string
  readonly tags?: readonly (TextTag | Tag)[]
  readonly target?: Uint8Array
  readonly anchor?: Uint8Array
}

/** Signs the 48 bytes of `item-sign-data.ts`, wrapped as its type demands; signature and owner have the type's lengths. */
export interface ItemSigner {
  readonly signatureType: number
  readonly owner: Uint8Array
  sign(signData: Uint8Array): Promise<Uint8Array>
  signSync?(signData: Uint8Array): Uint8Array
}

/** A secp256k1 key that also signs a digest as it is, which Ethereum's keccak needs: r | s | recovery id, s low. */
export interface DigestSigner {
  signDigestSync(digest: Uint8Array): Uint8Array
}

interface Layout {
  readonly signatureType: number
  readonly ownerAt: number
  readonly targetFlagAt: number
  readonly anchorFlagAt: number
  readonly tagCountAt: number
  readonly headerBytes: number
}

const TYPE_BYTES = 2
const FLAGGED_BYTES = 1 + ID_BYTES
const TAG_SIZES_BYTES = 16
const HEADER_BYTES_MAX = TYPE_BYTES + SIGNATURE_AND_OWNER_BYTES_MAX + 2 * FLAGGED_BYTES + TAG_SIZES_BYTES + ITEM_TAG_BYTES_MAX

/** Enough bytes from an item's start to decode any header. */
export function itemHeaderBytesMax(): number {
  return HEADER_BYTES_MAX
}

/** Length of the header alone, for readers that want to copy no more than it. Fails as decoding does, but does not look into the tags. */
export function itemHeaderBytes(prefix: Uint8Array, totalBytes: number): number {
  return layoutOf(prefix, totalBytes).headerBytes
}

/** Decodes the header from the first bytes of an item of `totalBytes`; fails when `prefix` does not hold all of it. */
export function decodeItemHeader(prefix: Uint8Array, totalBytes: number): ItemHeader {
  const { signatureType, ownerAt, targetFlagAt, anchorFlagAt, tagCountAt, headerBytes } = layoutOf(prefix, totalBytes)
  const signature = prefix.subarray(TYPE_BYTES, ownerAt)
  const owner = prefix.subarray(ownerAt, targetFlagAt)
  const tagBytes = prefix.subarray(tagCountAt + TAG_SIZES_BYTES, headerBytes)
  return {
    id: idOfSignature(signature),
    signatureType,
    signature,
    owner,
    ownerAddress: addressOfKey(owner),
    target: flagged(prefix, targetFlagAt),
    anchor: flagged(prefix, anchorFlagAt),
    tags: decodeItemTags(tagBytes, readU64(prefix, tagCountAt)),
    tagBytes,
    headerBytes,
    dataBytes: totalBytes - headerBytes,
  }
}

/** Decodes a whole item. */
export function decodeDataItem(raw: Uint8Array): DataItem {
  const header = decodeItemHeader(raw, raw.length)
  return { ...header, raw, data: raw.subarray(header.headerBytes) }
}

/** Is the item signed by its owner? */
export async function verifyDataItem(item: DataItem): Promise<boolean> {
  return verifyStreamedItem(item, sha384(item.data))
}

/** The same, for data that was hashed while it streamed. The caller sees to it that `dataBytes` bytes were hashed. */
export async function verifyStreamedItem(header: ItemHeader, dataSha384: Uint8Array): Promise<boolean> {
  const scheme = findSignatureScheme(header.signatureType)
  if (scheme === null || header.signature.length !== scheme.signatureBytes || header.owner.length !== scheme.ownerBytes) return false
  return scheme.verify(header.owner, itemSignData(header, dataSha384, header.dataBytes), header.signature)
}

/** What the owner of this item signed, before the wrapping of its signature type. */
export function signDataOf(item: DataItem): Uint8Array {
  return itemSignData(item, sha384(item.data), item.dataBytes)
}

export async function createDataItem(fields: ItemFields, signer: ItemSigner): Promise<DataItem> {
  const raw = encodeUnsigned(fields, signer)
  return withSignature(raw, signer, await signer.sign(signDataOf(decodeDataItem(raw))))
}

/**
 * The bytes before the data, signed, for data that was hashed elsewhere, such as a file too large for memory: with the data behind them they are an item.
 * Fails as `createDataItem` does.
 */
export async function createItemHeader(
  fields: Omit<ItemFields, 'data'>,
  data: { readonly sha384: Uint8Array; readonly dataBytes: number },
  signer: ItemSigner,
): Promise<{ readonly id: TxId; readonly bytes: Uint8Array }> {
  const bytes = encodeUnsigned({ ...fields, data: new Uint8Array(0) }, signer)
  const unsigned = decodeItemHeader(bytes, bytes.length + data.dataBytes)
  const { id } = withSignature(bytes, signer, await signer.sign(itemSignData(unsigned, data.sha384, data.dataBytes)))
  return { id, bytes }
}

/** As `createDataItem`; fails with `request-invalid` when the signer can only sign asynchronously. */
export function createDataItemSync(fields: ItemFields, signer: ItemSigner): DataItem {
  if (signer.signSync === undefined) throw invalidRequest('signer', `a signer of type ${signer.signatureType} that cannot sign at once`)
  const raw = encodeUnsigned(fields, signer)
  return withSignature(raw, signer, signer.signSync(signDataOf(decodeDataItem(raw))))
}

/** RSA signs as type 1, Ed25519 as type 2, secp256k1 as type 3, the way an Ethereum wallet does. */
export function itemSigner(key: SigningKey & Partial<DigestSigner>): ItemSigner {
  if (key.kind !== 'secp256k1') {
    const signatureType = key.kind === 'rsa' ? SIGNATURE_TYPE.arweave : SIGNATURE_TYPE.ed25519
    return { signatureType, owner: key.publicKey, sign: (signData) => key.sign(signData), signSync: (signData) => key.signSync(signData) }
  }
  const signDigestSync = key.signDigestSync?.bind(key)
  if (signDigestSync === undefined)
    throw invalidRequest('key', 'its secp256k1 key cannot sign a digest as it is; Ethereum signs keccak-256, not SHA-256')
  return ethereumItemSigner({ signDigestSync }, uncompressedKey(key.publicKey))
}

/** Type 3 from anything that signs a digest with the secret behind this uncompressed public key. */
export function ethereumItemSigner(key: DigestSigner, owner: Uint8Array): ItemSigner {
  const signSync = (signData: Uint8Array): Uint8Array => toEthereumSignature(key.signDigestSync(personalMessageDigest(signData)))
  return { signatureType: SIGNATURE_TYPE.ethereum, owner, sign: async (signData) => signSync(signData), signSync }
}

function layoutOf(bytes: Uint8Array, totalBytes: number): Layout {
  const signatureType = byteAt(bytes, totalBytes, 0) + 256 * byteAt(bytes, totalBytes, 1)
  const scheme = findSignatureScheme(signatureType)
  if (scheme === null) throw invalid(0, `has signature type ${signatureType}; known are 1 to 7 and 101`)
  const ownerAt = TYPE_BYTES + scheme.signatureBytes
  const targetFlagAt = ownerAt + scheme.ownerBytes
  const anchorFlagAt = targetFlagAt + flagBytes(bytes, totalBytes, targetFlagAt, 'target')
  const tagCountAt = anchorFlagAt + flagBytes(bytes, totalBytes, anchorFlagAt, 'anchor')
  byteAt(bytes, totalBytes, tagCountAt + TAG_SIZES_BYTES - 1)
  const tagSizeBytes = readU64(bytes, tagCountAt + 8)
  if (tagSizeBytes > ITEM_TAG_BYTES_MAX) throw tooManyTagBytes(tagSizeBytes)
  const headerBytes = tagCountAt + TAG_SIZES_BYTES + tagSizeBytes
  byteAt(bytes, totalBytes, headerBytes - 1)
  return { signatureType, ownerAt, targetFlagAt, anchorFlagAt, tagCountAt, headerBytes }
}

function byteAt(bytes: Uint8Array, totalBytes: number, at: number): number {
  if (at >= totalBytes) throw invalid(totalBytes, `ends inside its header: needs ${at + 1} bytes, has ${totalBytes}`)
  if (at >= bytes.length) throw invalid(bytes.length, `header needs ${at + 1} bytes, but only ${bytes.length} of ${totalBytes} were given`)
  return bytes[at]!
}

/** Size of an optional field with its flag. */
function flagBytes(bytes: Uint8Array, totalBytes: number, at: number, what: string): number {
  const flag = byteAt(bytes, totalBytes, at)
  if (flag > 1) throw invalid(at, `has ${what} flag ${flag}, expected 0 or 1`)
  return flag === 1 ? FLAGGED_BYTES : 1
}

function flagged(bytes: Uint8Array, at: number): Uint8Array | null {
  return bytes[at] === 1 ? bytes.subarray(at + 1, at + FLAGGED_BYTES) : null
}

/** Beyond 2^53 the last digits are lost; every caller has refused long before. */
function readU64(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = 7; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

/** The item with a signature of zeros. */
function encodeUnsigned(fields: ItemFields, signer: ItemSigner): Uint8Array {
  const scheme = findSignatureScheme(signer.signatureType)
  if (scheme === null) throw invalidRequest('signer', `signature type ${signer.signatureType}; known are 1 to 7 and 101`)
  checkLength('owner', signer.owner, scheme.ownerBytes)
  const data = typeof fields.data === 'string' ? utf8(fields.data) : fields.data
  const tags = (fields.tags ?? []).map(toTag)
  const tagBytes = encodeItemTags(tags)
  const head = [
    ...optional('target', fields.target),
    ...optional('anchor', fields.anchor),
    u64(tags.length),
    u64(tagBytes.length),
    tagBytes,
    data,
  ]
  const ownerAt = TYPE_BYTES + scheme.signatureBytes
  const raw = new Uint8Array(head.reduce((size, part) => size + part.length, ownerAt + scheme.ownerBytes))
  raw[0] = signer.signatureType
  raw.set(signer.owner, ownerAt)
  let at = ownerAt + scheme.ownerBytes
  for (const part of head) {
    raw.set(part, at)
    at += part.length
  }
  return raw
}

function withSignature(raw: Uint8Array, signer: ItemSigner, signature: Uint8Array): DataItem {
  checkLength('signature', signature, findSignatureScheme(signer.signatureType)!.signatureBytes)
  raw.set(signature, TYPE_BYTES)
  return decodeDataItem(raw)
}

function toTag(tag: TextTag | Tag): Tag {
  return typeof tag.name === 'string' ? textTag(tag.name, tag.value as string) : (tag as Tag)
}

function optional(what: string, bytes: Uint8Array | undefined): Uint8Array[] {
  if (bytes === undefined) return [Uint8Array.of(0)]
  checkLength(what, bytes, ID_BYTES)
  return [Uint8Array.of(1), bytes]
}

function u64(value: number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true)
  return out
}

function checkLength(what: string, bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) throw invalidRequest(what, `${what} has ${bytes.length} bytes, expected ${size}`)
}

function invalidRequest(field: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, `data item cannot be made: ${problem}`)
}

function tooManyTagBytes(size: number): HeddleError<'too-large'> {
  const message = `data item says its tags take ${size} bytes, at most ${ITEM_TAG_BYTES_MAX} are allowed`
  return new HeddleError('too-large', { what: 'item tags', size, max: ITEM_TAG_BYTES_MAX }, message)
}

function invalid(at: number, problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'data item', at }, `data item ${problem} (byte ${at})`)
}
