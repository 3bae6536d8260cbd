/**
 * ans104@1.0: messages as signed data items, and data items as messages.
 *
 * Wire        keys and values as `ans104-open.ts` and `ans104-pack.ts` say. A signed item gives its message a commitment: its id is the item's,
 *             {commitment-device: ans104@1.0, type, keyid: publickey:<owner>, committer, committed, signature, bundle, field-target?, original-tags?}.
 *             An unsigned item whose tag names have upper case has a commitment too, so that they are not lost: type unsigned-sha256, with the
 *             unsigned id as its signature.
 * Source      permaweb/HyperBEAM src/dev_codec_ans104.erl (2025-11), which knows signature type 1 only and verifies original tags without looking at
 *             the keys that they stand for
 * Invariants  Encoding a message with a commitment gives the bytes that were signed. Where tags and keys cannot tell them (the same tag twice, other
 *             spellings of Avro or of types …) the commitment keeps them as a private note, `priv-item`. To verify is to compare what was signed
 *             with what the message has now, not to trust that they belong together.
 */
import { HeddleError } from '../../base/errors.ts'
import { type DataItem, decodeDataItem, type ItemSigner, signDataOf, verifyDataItem } from '../data-item.ts'
import { findSignatureScheme } from '../item-signature.ts'
import { type ItemBody, isUnsigned, itemBytes } from './ans104-item.ts'
import { attempt, commitmentOf, ItemContext, itemCommitment, packBody, packMessage, sameClaim } from './ans104-message.ts'
import { ANS104_DEVICE } from './ans104-types.ts'
import { type Commitment, commitmentsOf, UNSIGNED_TYPE, withCommitments } from './commitment.ts'
import { sameCommitted } from './same-value.ts'
import { Link, type Message, type Value } from './value.ts'

// biome-ignore lint/performance/noBarrelFile: who verifies and encodes by hand needs the name beside the functions
export { ANS104_DEVICE } from './ans104-types.ts'

/** Media type. */
export const ANS104_TYPE = 'application/ans104'

/** The message of an item with its commitment, not verified. Fails with `encoding-invalid`, `too-large` or `limit-reached`. */
export function decodeAns104(item: Uint8Array | DataItem): Message {
  const source = item instanceof Uint8Array ? decodeDataItem(item) : item
  const context = new ItemContext()
  return context.message(source, context.open(source, 0))
}

/** The same, but an item that says that it is bare data (`ao-type: binary`) or a list is that. Those have no commitments. */
export function decodeAns104Value(item: Uint8Array | DataItem): Value {
  const source = item instanceof Uint8Array ? decodeDataItem(item) : item
  return new ItemContext().openChild(source, 0)
}

/** The message of an item that is signed by its owner; `signature-invalid` where it is not. An unsigned item has no commitment by anybody. */
export async function receiveAns104(item: Uint8Array | DataItem): Promise<Message> {
  const source = item instanceof Uint8Array ? decodeDataItem(item) : item
  if (isUnsigned(source) || (await verifyDataItem(source))) return decodeAns104(source)
  throw new HeddleError('signature-invalid', { id: source.id }, `item ${source.id} is not signed by its owner, or was changed since`)
}

/**
 * The item of a message: the signed one of its commitment where it has one (its children must be loaded then), else a new one by `signer`,
 * or without a signature.
 */
export async function encodeAns104(message: Message, signer?: ItemSigner): Promise<Uint8Array> {
  const commitment = itemCommitment(message)
  if (commitment !== null) return signedBefore(message, commitment)
  if (signer === undefined) return packMessage(message, null, new WeakMap(), 0).raw
  return signed(packBody(message, null, new WeakMap(), 0), signer)
}

/** The message as it comes back from an item that `signer` signs: with its commitment, keys in lower case. */
export async function commitAns104(message: Message, signer: ItemSigner): Promise<Message> {
  const decoded = decodeAns104(await signed(packBody(message, null, new WeakMap(), 0), signer))
  const others = commitmentsOf(message).filter(({ device }) => device !== ANS104_DEVICE)
  if (!others.every(({ committed }) => sameCommitted(committed, message, decoded))) return decoded
  return withCommitments(decoded, [...others, ...commitmentsOf(decoded)])
}

/** Does the commitment hold for the keys and values that the message has now? Never throws. */
export async function verifyAns104Commitment(message: Message, commitment: Commitment): Promise<boolean> {
  const item = attempt(() => decodeDataItem(committedBytes(message, commitment)))
  if (item === null) return false
  const claimed = attempt(() => commitmentOf(item, new ItemContext().open(item, 0)))
  if (claimed === null || claimed.commitment === null || !sameClaim(claimed.commitment, commitment)) return false
  if (attempt(() => sameCommitted(commitment.committed, message, claimed.values)) !== true) return false
  return commitment.type === UNSIGNED_TYPE || verifyDataItem(item)
}

async function signed(body: ItemBody, signer: ItemSigner): Promise<Uint8Array> {
  const scheme = findSignatureScheme(signer.signatureType)
  if (scheme === null || signer.owner.length !== scheme.ownerBytes)
    throw new HeddleError('request-invalid', { field: 'signer' }, `no signer of signature type ${signer.signatureType} has this key`)
  const seal = { signatureType: signer.signatureType, owner: signer.owner, signature: new Uint8Array(scheme.signatureBytes) }
  const signature = await signer.sign(signDataOf(decodeDataItem(itemBytes(body, seal))))
  return itemBytes(body, { ...seal, signature })
}

/** A link in a bundle may be signed as such, or stand for a child that was left in the store: the signature tells. */
async function signedBefore(message: Message, commitment: Commitment): Promise<Uint8Array> {
  const raw = committedBytes(message, commitment)
  const hasLinks = commitment.extra.get('bundle') === 'true' && commitment.committed.some((key) => message.get(key) instanceof Link)
  if (!hasLinks || commitment.type === UNSIGNED_TYPE || (await verifyDataItem(decodeDataItem(raw)))) return raw
  const problem = `message of item ${commitment.id}: some of its children are links; load them, then it can be encoded as it was signed`
  throw new HeddleError('request-invalid', { field: 'message' }, problem)
}

function committedBytes(message: Message, commitment: Commitment): Uint8Array {
  return packMessage(message, commitment, new WeakMap(), 0).raw
}
