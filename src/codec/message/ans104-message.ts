/**
 * Items and messages into each other, one level after the other; `ans104.ts` is what others use.
 *
 * Source      permaweb/HyperBEAM src/dev_codec_ans104.erl (2025-11)
 * Invariants  An item gets the private note `priv-item` exactly where its message, with its commitment, would not give the same bytes.
 */
import { equalBytes, fromBase64url, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { BUNDLE_DEPTH_MAX, ITEM_TAG_BYTES_MAX } from '../../base/limits.ts'
import { type DataItem, decodeDataItem } from '../data-item.ts'
import { findSignatureScheme } from '../item-signature.ts'
import { encodeItemTags } from '../item-tags.ts'
import { textTag } from '../tags.ts'
import { bytesOfId, type ItemBody, type ItemSeal, isUnsigned, itemBytes, UNSIGNED, unsignedItemId } from './ans104-item.ts'
import { FIELD_PREFIX, isBareBinary, type OpenContext, type Opened, openEnvelope } from './ans104-open.ts'
import { flatValues, type PackedItem, packEnvelope } from './ans104-pack.ts'
import { ANS104_DEVICE, commitmentType, committerOf, signatureTypeOf } from './ans104-types.ts'
import { type Commitment, commitmentsOf, UNSIGNED_TYPE, withCommitments } from './commitment.ts'
import { asMessage, type Binary, binaryBytes, isBinary, isList, isMessage, type Message, toBinary, type Value } from './value.ts'

/** Private note of a commitment: the item as it was received. */
export const ITEM_NOTE = 'priv-item'
export const KEY_SCHEME = 'publickey:'
const FIELDS = ['anchor', 'target']
const BINARY_TAGS = [textTag('ao-type', 'binary')]

/** Items of values that give them back bit by bit: so nested items are encoded once, not once for each level. */
export type KnownItems = WeakMap<object, PackedItem>

/** Opens items from the innermost outwards, and remembers which of them come out of their messages bit by bit. */
export class ItemContext implements OpenContext {
  values = 0
  items = 0
  readonly #known: KnownItems = new WeakMap()

  open(item: DataItem, depth: number): Opened {
    return openEnvelope({ tags: item.tags, data: item.data, fields: fieldsOf(item) }, FIELDS, this, depth)
  }

  openChild(item: DataItem, depth: number): Value {
    if (isBareBinary(item.tags)) return toBinary(item.data)
    const opened = this.open(item, depth)
    if (!isList(opened.value)) return this.message(item, opened)
    if (this.#isExact(opened.value, null, item)) this.#known.set(opened.value, item)
    return opened.value
  }

  /** With its commitment, and with the note if it needs one. */
  message(item: DataItem, opened: Opened): Message {
    const { commitment } = commitmentOf(item, opened)
    const values = asMessage(opened.value)
    const message = commitment === null ? values : withCommitments(values, [commitment])
    const isExact = this.#isExact(message, commitment, item)
    if (!isExact && commitment === null) return message
    const noted = isExact || commitment === null ? message : withCommitments(values, [withNote(commitment, item.raw)])
    this.#known.set(noted, item)
    return noted
  }

  #isExact(value: Message | readonly Value[], commitment: Commitment | null, item: DataItem): boolean {
    if (commitment === null && !isUnsigned(item)) return false
    const body = attempt(() => packBody(value, commitment, this.#known, 0))
    return body !== null && sameBody(body, item)
  }
}

function fieldsOf({ target, anchor }: DataItem): Map<string, string> {
  const fields = new Map<string, string>()
  if (anchor !== null) fields.set('anchor', toBase64url(anchor))
  if (target !== null) fields.set('target', toBase64url(target))
  return fields
}

/** Null for an unsigned item all of whose tags come back from the keys. */
export function commitmentOf(
  item: DataItem,
  { value, committed, extra, isLowerCase }: Opened,
): { commitment: Commitment | null; values: Message } {
  const values = asMessage(value)
  const base = { device: ANS104_DEVICE, committed, extra }
  if (!isUnsigned(item)) {
    const type = commitmentType(item.signatureType)
    const keyId = KEY_SCHEME + toBase64url(item.owner)
    const committer = committerOf(item.signatureType, item.owner)
    return { values, commitment: { ...base, id: item.id, type, keyId, committer, signature: item.signature } }
  }
  if (isLowerCase) return { values, commitment: null }
  const id = unsignedItemId(item)
  return { values, commitment: { ...base, id: toBase64url(id), type: UNSIGNED_TYPE, keyId: null, committer: null, signature: id } }
}

/** Does the commitment say of itself what its item or transaction says? */
export function sameClaim(found: Commitment, claimed: Commitment): boolean {
  const { id, device, type, committer, committed } = found
  if (id !== claimed.id || device !== claimed.device || type !== claimed.type || committer !== claimed.committer) return false
  return committed.length === claimed.committed.length && claimed.committed.every((key) => committed.includes(key))
}

export function withNote(commitment: Commitment, raw: Binary): Commitment {
  return { ...commitment, extra: new Map([...commitment.extra, [ITEM_NOTE, raw]]) }
}

/** The first, should there be several: they cannot be in one item. */
export function itemCommitment(message: Message): Commitment | null {
  if (!message.has('commitments')) return null
  return commitmentsOf(message).find(({ device }) => device === ANS104_DEVICE) ?? null
}

export function packMessage(message: Message, commitment: Commitment | null, known: KnownItems, depth: number): PackedItem {
  const note = commitment?.extra.get(ITEM_NOTE)
  if (isBinary(note)) return decodeDataItem(binaryBytes(note))
  return withRaw(packBody(message, commitment, known, depth), commitment === null ? UNSIGNED : sealOf(commitment))
}

export function packChild(value: Value, known: KnownItems, depth: number): PackedItem {
  if (isBinary(value)) return withRaw({ target: null, anchor: null, tags: BINARY_TAGS, data: binaryBytes(value) }, UNSIGNED)
  if (!isMessage(value) && !isList(value)) throw new TypeError('only binaries, messages and lists are items') // Literals are tags.
  const item = known.get(value)
  if (item !== undefined) return item
  if (isMessage(value)) return packMessage(value, itemCommitment(value), known, depth)
  return withRaw(packBody(value, null, known, depth), UNSIGNED)
}

export function packBody(value: Message | readonly Value[], commitment: Commitment | null, known: KnownItems, depth: number): ItemBody {
  if (depth > BUNDLE_DEPTH_MAX) throw tooDeep()
  const source = commitment === null ? flatValues(value) : commitment.extra
  const prefix = commitment === null ? '' : FIELD_PREFIX
  const target = fieldBytes(source.get(`${prefix}target`))
  const anchor = fieldBytes(source.get(`${prefix}anchor`))
  const fieldKeys = new Set([...(target === null ? [] : ['target']), ...(anchor === null ? [] : ['anchor'])])
  const child = (item: Value, at: number): PackedItem => packChild(item, known, at)
  return { target, anchor, ...packEnvelope(value, { fieldKeys, commitment, packChild: child, depth, tagBytesMax: ITEM_TAG_BYTES_MAX }) }
}

function fieldBytes(value: Value | undefined): Uint8Array | null {
  return typeof value === 'string' ? bytesOfId(value) : null
}

function withRaw(body: ItemBody, seal: ItemSeal): PackedItem {
  return { ...body, ...seal, raw: itemBytes(body, seal) }
}

function sealOf({ id, type, keyId, signature }: Commitment): ItemSeal {
  if (type === UNSIGNED_TYPE) return UNSIGNED
  const signatureType = signatureTypeOf(type)
  const scheme = signatureType === null ? null : findSignatureScheme(signatureType)
  const owner = fromBase64url((keyId ?? '').replace(KEY_SCHEME, ''), `keyid of commitment ${id}`)
  if (signatureType !== null && owner.length === scheme?.ownerBytes && signature.length === scheme.signatureBytes)
    return { signatureType, signature, owner }
  throw new HeddleError(
    'encoding-invalid',
    { format: 'commitments', at: 0 },
    `commitment ${id} of type "${type}" has a key of ${owner.length} and a signature of ${signature.length} bytes; no item has that`,
  )
}

function sameBody(body: ItemBody, item: DataItem): boolean {
  return (
    body.tags.length === item.tags.length &&
    sameField(body.target, item.target) &&
    sameField(body.anchor, item.anchor) &&
    equalBytes(encodeItemTags(body.tags), item.tagBytes) &&
    equalBytes(body.data, item.data)
  )
}

function sameField(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b)
}

export function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof HeddleError) return null
    throw error
  }
}

function tooDeep(): HeddleError<'limit-reached'> {
  return new HeddleError(
    'limit-reached',
    { what: 'bundle depth', max: BUNDLE_DEPTH_MAX },
    `messages within messages are more than ${BUNDLE_DEPTH_MAX} deep; in items they can not be`,
  )
}
