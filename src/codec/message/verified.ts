/**
 * Messages whose commitments hold, as a type: who asks for committers has to have verified first, or the program does not compile.
 *
 * Invariants  Only `requireVerified` and `receive…` make one. A changed copy (`new Map(message)`) is a plain message again.
 */
import { HeddleError } from '../../base/errors.ts'
import type { DataItem } from '../data-item.ts'
import { receiveAns104 } from './ans104.ts'
import { type Commitment, commitmentsOf, commonKeys, withCommitments } from './commitment.ts'
import type { VerifySecret } from './commitment-holds.ts'
import { committersOf as claimedCommitters } from './id.ts'
import type { HttpsigForm, Message } from './value.ts'
import { admitMessage, verifyCommitment, verifyReceived } from './verify.ts'

declare const verified: unique symbol

/** A message every commitment of which was verified. */
export type Verified<M extends Message = Message> = M & { readonly [verified]: true }

export interface VerifyOptions extends VerifySecret {
  /** Addresses all of which must have committed to the message. */
  readonly by?: readonly string[]
}

/** The same message, once all of its commitments hold; else fails with `signature-invalid`. A message without any passes: it has no committers. */
export async function requireVerified(message: Message, options: VerifyOptions = {}): Promise<Verified> {
  for (const commitment of commitmentsOf(message))
    if (!(await verifyCommitment(message, commitment, options))) throw doesNotHold(commitment)
  return requireCommitters(message as Verified, options.by)
}

/** A message as it came over HTTP, decoded and verified. Fails with `signature-invalid`, or `digest-mismatch` where the body is not what was sent. */
export async function receiveHttpMessage(form: HttpsigForm, options: VerifyOptions = {}): Promise<Verified> {
  return requireCommitters((await verifyReceived(form, options)).message as Verified, options.by)
}

/** The same for a message that was decoded with its commitments inside, as from JSON, messages within included; those that prove nothing are left out. */
export async function receiveMessage(message: Message, options: VerifyOptions = {}): Promise<Verified> {
  return requireCommitters((await admitMessage(message, options)) as Verified, options.by)
}

/** The message of a data item that is signed by its owner. */
export async function receiveDataItem(item: Uint8Array | DataItem, options: Pick<VerifyOptions, 'by'> = {}): Promise<Verified> {
  return requireCommitters((await receiveAns104(item)) as Verified, options.by)
}

/** Addresses that committed to it, each once. */
export function committersOf(message: Verified): readonly string[] {
  return claimedCommitters(message)
}

/**
 * What all who committed to the message cover (all digests, where nobody in particular did), and nothing else; the message as it is when it has no
 * commitments. Whoever said more than that is left out: nobody can cut somebody else's message down by committing to a part of it.
 */
export function committedOnly(message: Verified): Verified
export function committedOnly(message: Message): Message
export function committedOnly(message: Message): Message {
  const commitments = commitmentsOf(message)
  if (commitments.length === 0) return message
  const byThose = commitments.filter(({ committer }) => committer !== null)
  const shared = new Set(commonKeys(byThose.length > 0 ? byThose : commitments))
  const kept = [...message].filter(([key]) => shared.has(key))
  return withCommitments(
    new Map(kept),
    commitments.filter(({ committed }) => committed.every((key) => shared.has(key))),
  )
}

function requireCommitters(message: Verified, wanted: readonly string[] = []): Verified {
  const committers = committersOf(message)
  const missing = wanted.find((address) => !committers.includes(address))
  if (missing === undefined) return message
  const who = committers.length === 0 ? 'nobody did' : `${committers.join(', ')} did`
  throw new HeddleError('signature-invalid', { id: missing }, `${missing} did not commit to the message; ${who}`)
}

function doesNotHold({ id, type, committer }: Commitment): HeddleError<'signature-invalid'> {
  const what = `commitment ${id} (${type}${committer === null ? '' : ` by ${committer}`})`
  return new HeddleError('signature-invalid', { id }, `${what} does not hold: the message was changed, or it is not theirs`)
}
