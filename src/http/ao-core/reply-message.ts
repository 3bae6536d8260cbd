/**
 * The message of a reply.
 *
 * Wire        A result that is no message is `{ao-result: body, body: <it>}`, a list the message of its items. `status` is a key too, unless somebody
 *             else signed the message.
 * Source      permaweb/HyperBEAM src/dev_meta.erl (2025-11); of its 2026 state that nothing is added to what others signed
 */
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_KEYS_MAX } from '../../base/limits.ts'
import { commitmentsOf } from '../../codec/message/commitment.ts'
import { isList, isMessage, type Message, publicPart, type Value } from '../../codec/message/value.ts'
import type { Status } from '../../kernel/device.ts'
import { statusOf } from './status.ts'

export interface ReplyMessage {
  readonly status: number
  readonly message: Message
}

/** The message that an outcome comes to. */
export function toReplyMessage(outcome: { readonly status: Status; readonly value: Value }): ReplyMessage {
  const { value } = outcome
  if (isList(value) && value.length > AO_CORE_KEYS_MAX) throw tooLong(value.length)
  const status = statusOf(outcome.status, value)
  if (isMessage(value)) return { status, message: isSigned(value) ? publicPart(value) : publicPart(value).set('status', status) }
  if (isList(value))
    return {
      status,
      message: new Map<string, Value>([...value.map((item, i): [string, Value] => [String(i + 1), item]), ['status', status]]),
    }
  return {
    status,
    message: new Map<string, Value>([
      ['ao-result', 'body'],
      ['body', value],
      ['status', status],
    ]),
  }
}

/** Has anybody in particular committed to it? */
export function isSigned(message: Message): boolean {
  return message.has('commitments') && commitmentsOf(message).some(({ committer }) => committer !== null)
}

function tooLong(size: number): HeddleError<'too-large'> {
  const max = AO_CORE_KEYS_MAX
  const problem = `the result is a list of ${size} items, and a reply has at most ${max} keys; ask for items of it, or for the message that it is in as JSON`
  return new HeddleError('too-large', { what: 'keys of one message', size, max }, problem)
}
