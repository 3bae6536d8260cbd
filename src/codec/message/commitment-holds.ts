/**
 * Whether a commitment holds for a message.
 *
 * Source      RFC 9421; permaweb/HyperBEAM src/dev_codec_httpsig.erl, dev_message.erl (2025-11)
 * Invariants  A commitment holds if its id is its signature's, its committer its key's, all keys that it says are there, and its signature is over the
 *             message encoded again; or over the form in which it was received, as long as that still comes to the same values. Messages within are
 *             linked by the ids of their own commitments, so those have to hold too, and to cover them whole. A bad signature is false, never an error.
 */
import { toBase64url } from '../../base/bytes.ts'
import { isFailure } from '../../base/errors.ts'
import { hmacSha256, sha256 } from '../../base/hash.ts'
import { verifyRsaPss } from '../keys.ts'
import { ANS104_DEVICE, verifyAns104Commitment } from './ans104.ts'
import { TYPES_KEY } from './ao-types.ts'
import { type Commitment, commitmentId, commitmentsOf } from './commitment.ts'
import { basesOf, type FormMemo, isBundled } from './committed-form.ts'
import { checkContentDigest } from './content-digest.ts'
import { selectCommitments } from './id.ts'
import { committerOf, constantDigest, type NamedKey, parseKeyId } from './key-id.ts'
import { receivedForm } from './received-note.ts'
import { committedPart, receivedBases, signedPart } from './received-signature.ts'
import { sameValue } from './same-value.ts'
import { parseSignatures, toCommitment } from './signature-headers.ts'
import { TX_DEVICE, verifyTxCommitment } from './tx.ts'
import { type Binary, binaryBytes, type HttpsigForm, isContainer, isMessage, isPrivateKey, type Message, type Value } from './value.ts'

export interface VerifySecret {
  /** For commitments by a secret; without it they do not hold. */
  readonly secret?: Binary
}

/** Devices whose commitments are those of httpsig@1.0, made with a secret that they keep. */
const HTTPSIG_DEVICES: ReadonlySet<string> = new Set(['httpsig@1.0', 'cookie@1.0', 'http-auth@1.0'])

/** Messages and lists known to hold, or not, with all that is in them. */
const wholes = new WeakMap<object, Promise<boolean>>()

/** Does this commitment hold for the message as it is now? `memo` is of this message, if there is one. */
export async function commitmentHolds(
  message: Message,
  commitment: Commitment,
  options: VerifySecret = {},
  memo?: FormMemo,
): Promise<boolean> {
  return (await heldCommitment(message, commitment, options, memo)) !== null
}

/** The commitment as it is to be kept, with its committer and how it came to hold; null where it does not hold. */
export async function heldCommitment(
  message: Message,
  commitment: Commitment,
  { secret }: VerifySecret = {},
  memo?: FormMemo,
): Promise<Commitment | null> {
  if (commitment.id !== commitmentId(commitment.signature)) return null
  if (commitment.device === ANS104_DEVICE) return (await verifyAns104Commitment(message, commitment)) ? commitment : null
  if (commitment.device === TX_DEVICE) return (await verifyTxCommitment(message, commitment)) ? commitment : null
  const key = keyOf(commitment)
  if (key === null || !isWhatItSays(key, commitment) || !hasKeys(message, commitment.committed)) return null
  const named = withCommitter(commitment, key)
  const received = receivedForm(commitment)
  if (received !== null) return (await holdsAsReceived(message, named, received, secret)) ? named : null
  for (const { base, commitment: held } of basesOf(message, named, memo))
    if (await isSignatureOf(key, base, commitment.signature, secret))
      return isBundled(held) || (await childrenHold(message, held.committed)) ? held : null
  return null
}

/** With the committer that its key names: older dialects leave it out. */
function withCommitter(commitment: Commitment, key: NamedKey): Commitment {
  const committer = committerOf(key)
  return committer === commitment.committer ? commitment : { ...commitment, committer }
}

/** The key that may have made it; null where none can have. */
export function keyOf({ device, keyId, type }: Pick<Commitment, 'device' | 'keyId' | 'type'>): NamedKey | null {
  return HTTPSIG_DEVICES.has(device) ? parseKeyId(keyId, type) : null
}

/** RSA in the thread pool, digests at once. */
export async function isSignatureOf(key: NamedKey, base: Binary, signature: Uint8Array, secret: Binary | undefined): Promise<boolean> {
  switch (key.scheme) {
    case 'publickey':
      return verifyRsaPss(key.modulus, binaryBytes(base), signature, 'sha512')
    case 'constant':
      return constantDigest(key.key, base) === toBase64url(signature)
    case 'secret':
      return secret !== undefined && isSecret(secret, key.digest) && equalInSilence(hmacSha256(binaryBytes(secret), base), signature)
  }
}

export function isSecret(secret: Binary, digest: string): boolean {
  return toBase64url(sha256(binaryBytes(secret))) === digest
}

/** Takes as long for a near miss as for any other. */
function equalInSilence(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0)
  return difference === 0
}

/** Older dialects name no committer, and give a key without its scheme. */
function isWhatItSays(key: NamedKey, { committer, keyId }: Commitment): boolean {
  return committer === committerOf(key) || (committer === null && keyId?.includes(':') !== true)
}

function hasKeys(message: Message, committed: readonly string[]): boolean {
  return committed.every((key) => key === TYPES_KEY || (message.has(key) && key !== 'commitments' && !isPrivateKey(key)))
}

async function holdsAsReceived(message: Message, commitment: Commitment, form: HttpsigForm, secret: Binary | undefined): Promise<boolean> {
  const [signature] = parseSignatures(form.headers)
  const part = signature === undefined ? null : signedPart(form, signature)
  if (signature === undefined || part === null || !hasItsDigest(part)) return false
  const { message: received, committed } = committedPart(part, signature)
  const signed = new Set(committed)
  const claimed = toCommitment(signature, committed)
  const isSame = claimed.id === commitment.id && claimed.type === commitment.type && claimed.committer === commitment.committer
  if (!isSame || !commitment.committed.every((key) => signed.has(key) && sameValue(message.get(key), received.get(key)))) return false
  const key = keyOf(claimed)
  if (key === null) return false
  for (const base of receivedBases(part, signature)) if (await isSignatureOf(key, base, signature.signature, secret)) return true
  return false
}

function hasItsDigest({ headers, body }: HttpsigForm): boolean {
  const digest = headers.get('content-digest')
  try {
    if (digest !== undefined && body !== null) checkContentDigest(digest, body)
    return true
  } catch (error) {
    if (isFailure(error, 'digest-mismatch') || isFailure(error, 'encoding-invalid')) return false
    throw error
  }
}

async function childrenHold(message: Message, committed: readonly string[]): Promise<boolean> {
  for (const key of committed) {
    const value = message.get(key)
    if (isContainer(value) && !(await holdsWhole(value))) return false
  }
  return true
}

function holdsWhole(value: Message | readonly Value[]): Promise<boolean> {
  const known = wholes.get(value)
  if (known !== undefined) return known
  const holds = checkWhole(value)
  wholes.set(value, holds)
  return holds
}

async function checkWhole(value: Message | readonly Value[]): Promise<boolean> {
  const commitments = isMessage(value) ? commitmentsIn(value) : []
  if (commitments === null) return false
  for (const [key, item] of value.entries()) if (key !== 'commitments' && isContainer(item) && !(await holdsWhole(item))) return false
  if (commitments.length === 0) return true
  const message = value as Message
  const memo: FormMemo = new Map()
  for (const commitment of commitments) if (!(await commitmentHolds(message, commitment, {}, memo))) return false
  const covered = new Set(selectCommitments(message, { committers: 'all' }).flatMap(({ committed }) => committed))
  return covered.size === 0 || [...message.keys()].every((key) => key === 'commitments' || isPrivateKey(key) || covered.has(key))
}

/** Null where they are none at all. */
function commitmentsIn(message: Message): Commitment[] | null {
  try {
    return commitmentsOf(message)
  } catch (error) {
    if (isFailure(error, 'encoding-invalid')) return null
    throw error
  }
}
