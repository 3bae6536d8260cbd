/**
 * The HTTP status of a result.
 *
 * Wire        A message's own `status` wins: an integer, its text, or an atom such as `not_found`. Else what the resolution ended with.
 * Source      permaweb/HyperBEAM src/dev_meta.erl (2025-11), which also takes an atom that somebody asked for, such as `error`, for a status
 */
import { Atom, isMessage, type Message, type Value } from '../../codec/message/value.ts'
import type { Outcome, Status } from '../../kernel/device.ts'

const STATUS_CODES: Readonly<Record<Status, number>> = {
  ok: 200,
  created: 201,
  error: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  failure: 500,
  unavailable: 503,
}
const CODES: ReadonlyMap<string, number> = new Map([...Object.entries(STATUS_CODES), ['client_error', 400], ['no_viable_responses', 400]])

export function statusOf(status: Status, value: Outcome['value']): number {
  const own = isMessage(value) ? codeOf(value.get('status')) : null
  if (own !== null) return own
  const reason = isMessage(value) ? (value as Message).get('body') : value
  const isOk = status === 'ok' || status === 'created'
  return (isOk || !(reason instanceof Atom) ? null : codeOf(reason)) ?? STATUS_CODES[status]
}

/** Null for what is no final status of HTTP. */
function codeOf(value: Value | undefined): number | null {
  if (value instanceof Atom) return CODES.get(value.name) ?? null
  const code = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof code === 'number' && code >= 200 && code <= 599 ? code : null
}
