/**
 * A message with other values.
 *
 * Invariants  What somebody committed to and is another now has no commitments any more: the message never says that it is signed when it cannot be.
 */
import { commitmentsOf, coveredKeys, withoutCommitments } from '../codec/message/commitment.ts'
import { sameValue } from '../codec/message/same-value.ts'
import type { Message, Value } from '../codec/message/value.ts'

/** With these values, and without the keys whose value is undefined. The same message when nothing changes. */
export function changedMessage(base: Message, changes: Iterable<readonly [string, Value | undefined]>): Message {
  const real = [...changes].filter(([key, value]) => (value === undefined ? base.has(key) : !sameValue(base.get(key), value)))
  if (real.length === 0) return base
  const covered = coveredKeys(commitmentsOf(base)) // As a set: both sides can have ten thousand keys.
  const isBroken = real.some(([key]) => covered.has(key))
  const copy = new Map(isBroken ? withoutCommitments(base) : base)
  for (const [key, value] of real) {
    if (value === undefined) copy.delete(key)
    else copy.set(key, value)
  }
  return copy
}
