/**
 * The JSON of the AO units.
 *
 * Wire    result: {Messages, Assignments, Spawns, Output, Error?, GasUsed, Undelivered?}; scheduler node: {message, assignment}.
 *         `owner.address` of scheduler nodes is SHA-256 of the key also for Ethereum wallets; `anchor` is text, or null when it is none, and with
 *         `show-anchor` the assignment's is base64url then.
 *         Heddle's own are `Undelivered`: entries of the outbox that were not sent, by position, with the reason; and `NodeFailure`: the error is
 *         not the program's but this node's, which ran out of `time` or whose worker had a `crash`, so that another node may have a result.
 * Source  permaweb/ao servers/cu (domain/model), servers/su (schedulers)
 */
import { toBase64url, toText, toTextStrict } from '../../base/bytes.ts'
import { addressOfKey } from '../../base/ids.ts'
import { toTextTags } from '../../codec/tags.ts'
import type { Evaluation } from '../../guests/guest.ts'
import { heightText } from '../../services/machine/assignment.ts'
import { anchorText } from '../../services/machine/guest-message.ts'
import type { SlotEntry } from '../../services/machine/machine.ts'
import type { ResultRecord } from '../../services/machine/records.ts'
import { mapBytes } from '../../services/machine/result-store.ts'
import type { SourceMessage } from '../../services/machine/sources.ts'

export function resultJson(result: ResultRecord): object {
  const { undelivered, nodeFailure } = result
  return {
    ...outcomeJson(result),
    GasUsed: result.gasUsed,
    ...(nodeFailure === undefined ? {} : { NodeFailure: nodeFailure }),
    ...(undelivered.length === 0 ? {} : { Undelivered: undelivered.map(({ index, reason }) => ({ Index: index, Reason: reason })) }),
  }
}

/** A result as pages list it. */
export function outcomeJson({ messages, assignments, spawns, output, error }: ResultRecord): object {
  return mapBytes(
    { Messages: messages, Assignments: assignments, Spawns: spawns, Output: output, ...(error === undefined ? {} : { Error: error }) },
    toText,
  )
}

export function evaluationJson({ result, gasUsed }: Pick<Evaluation, 'result' | 'gasUsed'>): object {
  const { Messages = [], Assignments = [], Spawns = [], Output = '', Error: error } = result
  return mapBytes({ Messages, Assignments, Spawns, Output, ...(error ? { Error: error } : {}), GasUsed: gasUsed }, toText)
}

export function nodeJson(process: string, { record, assignment, message }: SlotEntry, showAnchor: boolean): object {
  const isShown = message !== null && (record.slot === 0 || message.target === process) // Neither ticks nor what is not for the process.
  const anchor = assignment.anchor ?? new Uint8Array(0)
  return {
    message: isShown ? messageJson(message, record.slot === 0) : null,
    assignment: {
      id: assignment.id,
      owner: ownerJson(assignment.owner),
      tags: toTextTags(assignment.tags),
      signature: toBase64url(assignment.signature),
      anchor: anchorText(anchor) ?? (showAnchor && anchor.length > 0 ? toBase64url(anchor) : null),
      target: '',
    },
  }
}

export function processJson({ record, message }: SlotEntry): object {
  if (message === null) throw new TypeError('slot 0 of a process is the process')
  const { data, target, anchor, signature } = messageJson(message, true)
  return {
    process_id: message.id,
    block: heightText(record.height),
    owner: ownerJson(message.owner),
    tags: message.tags,
    timestamp: record.timestampMs,
    data,
    anchor,
    signature,
    target,
  }
}

interface MessageJson {
  readonly id: string
  readonly owner: { readonly address: string; readonly key: string }
  readonly data: string | null
  readonly tags: SourceMessage['tags']
  readonly signature: string
  readonly anchor: string | null
  readonly target: string | null
}

function messageJson(message: SourceMessage, isProcess: boolean): MessageJson {
  return {
    id: message.id,
    owner: ownerJson(message.owner),
    data: isProcess ? toTextStrict(message.data) : toText(message.data),
    tags: message.tags,
    signature: toBase64url(message.signature),
    anchor: anchorText(message.anchor),
    target: message.target === '' ? null : message.target,
  }
}

function ownerJson(key: Uint8Array): { readonly address: string; readonly key: string } {
  return { address: addressOfKey(key), key: toBase64url(key) }
}
