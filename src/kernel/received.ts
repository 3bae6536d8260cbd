/**
 * Which message a request came with, once the edge has verified it.
 *
 * What resolves a path merges keys of the path into the request, so its commitments need not cover what it then says. Who acts on a signer's word takes
 * the message as it was received instead.
 *
 * Invariants  Found by the very object that holds its commitments: no value that a client sends, and nothing that is computed from one, can pass for it.
 */
import { commitmentsOf, coveredKeys } from '../codec/message/commitment.ts'
import type { Message } from '../codec/message/value.ts'
import { requireVerified } from '../codec/message/verified.ts'
import { isMeant } from './own-signature.ts'

const received = new WeakMap<object, Message>()

/** All commitments of the message hold. */
export function markReceived(message: Message): void {
  const commitments = message.get('commitments')
  if (commitments instanceof Map) received.set(commitments, message)
}

/** The message whose commitments this request carries, as it was received and verified; null when nobody said so. */
export function receivedAs(request: Message): Message | null {
  const commitments = request.get('commitments')
  return commitments instanceof Map ? (received.get(commitments) ?? null) : null
}

/**
 * Who signed the request: as the edge verified it, else after verifying it here. Fails with `signature-invalid` where a commitment does not hold. What a
 * node signed because somebody asked it to does not count.
 */
export async function signersOf(request: Message): Promise<readonly string[]> {
  if (!request.has('commitments')) return []
  const meant = commitmentsOf(await verified(request)).filter(isMeant)
  return [...new Set(meant.flatMap(({ committer }) => committer ?? []))]
}

/** What of the request those signed whom `isTrusted` names, and nothing else; null when none of them did. Fails, and counts, as `signersOf`. */
export async function signedPart(request: Message, isTrusted: (committer: string) => boolean): Promise<Message | null> {
  if (!request.has('commitments')) return null
  const message = await verified(request)
  const trusted = commitmentsOf(message).filter((each) => isMeant(each) && each.committer !== null && isTrusted(each.committer))
  if (trusted.length === 0) return null
  const covered = coveredKeys(trusted)
  return new Map([...message].filter(([key]) => covered.has(key)))
}

async function verified(request: Message): Promise<Message> {
  return receivedAs(request) ?? requireVerified(request)
}
