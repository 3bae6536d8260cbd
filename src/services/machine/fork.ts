/**
 * Forks: a process whose state begins as that of another one after some slot, and which goes its own way from there.
 *
 * Wire        a Process item like any other, with the tags Fork-Of (id of the original) and Fork-At (slot), and the Module of the original.
 * Invariants  Slot 0 of a fork evaluates nothing: its state is the original's after Fork-At. The program of a fork goes on believing that it is
 *             the original: its environment is the original's, and what is sent to the fork reaches it under the id that it knows. What it sends
 *             to that id comes back to the fork, so that no fork disturbs its original; everything it sends names the fork as From-Process.
 *             So a fork can be computed again from the logs alone, and a fork of a fork is nothing special.
 */
import { HeddleError } from '../../base/errors.ts'
import { idBytes, isTxId, type TxId } from '../../base/ids.ts'
import { findTag, type TextTag } from '../../codec/tags.ts'
import type { KvStore } from '../../store/kv-store.ts'
import { forkKey, slotOfKey } from './records.ts'

export interface Fork {
  /** The original. */
  readonly of: TxId
  /** The slot after which its state was taken. */
  readonly at: number
}

const FORK_OF = 'Fork-Of'
const FORK_AT = 'Fork-At'
const SLOT_TEXT = /^(?:0|[1-9][0-9]{0,14})$/

export function forkTags({ of, at }: Fork): TextTag[] {
  return [
    { name: FORK_OF, value: of },
    { name: FORK_AT, value: String(at) },
  ]
}

/** Null for a process that begins by itself. Throws `request-invalid` when only a part of a fork is there. */
export function forkOf(tags: readonly TextTag[]): Fork | null {
  const of = findTag(tags, FORK_OF)
  const at = findTag(tags, FORK_AT)
  if (of === undefined && at === undefined) return null
  if (of === undefined || !isTxId(of)) throw invalid(FORK_OF, `a fork names its original in the tag ${FORK_OF}, by its id`)
  if (at === undefined || !SLOT_TEXT.test(at))
    throw invalid(FORK_AT, `a fork names the slot of its original in the tag ${FORK_AT}, as a number`)
  return { of, at: Number(at) }
}

/** The last fork of this process that is computed from its log beyond `slot`; null when there is none. */
export async function forkBeyond(kv: Pick<KvStore, 'scan'>, process: TxId, slot: number): Promise<{ readonly at: number } | null> {
  for await (const { key } of kv.scan('forks', { prefix: idBytes(process), gt: forkKey(process, slot, null), reverse: true, limit: 1 })) {
    const at = slotOfKey(key)
    return at > slot ? { at } : null
  }
  return null
}

function invalid(field: string, message: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, message)
}
