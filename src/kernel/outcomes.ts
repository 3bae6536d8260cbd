/**
 * The outcomes that everybody needs, and what a resolution gives: an outcome that knows how it came about.
 *
 * Source      permaweb/HyperBEAM src/hb_ao.erl, hb_cache_control.erl (2025-11)
 */
import { Atom, message, type Value } from '../codec/message/value.ts'
import type { Outcome, Status } from './device.ts'
import type { Origin } from './origin.ts'

/** The end of a resolution. Its hashpath is computed when somebody reads it. */
export class Resolved implements Outcome {
  readonly status: Status
  readonly value: Value
  readonly origin: Origin | null
  readonly cacheControl: readonly string[] | undefined

  constructor(status: Status, value: Value, origin: Origin | null = null, cacheControl?: readonly string[]) {
    this.status = status
    this.value = value
    this.origin = origin
    this.cacheControl = cacheControl
  }

  /** Null for what is not a message that came from a computation. */
  get hashpath(): string | null {
    return this.origin === null ? null : this.origin.hashpath
  }
}

export const NOT_FOUND = new Resolved('not_found', new Atom('not_found'))

/** A base that is named by an id and not here. */
export const BASE_NOT_FOUND = new Resolved('not_found', message({ status: 404, body: 'Necessary messages not found in cache.' }))

/** The client wants nothing but what is known already. */
export const NOT_CACHED = new Resolved(
  'error',
  message({ status: 504, 'cache-status': 'miss', body: 'Computed result not available in cache.' }),
)

export function ok(value: Outcome['value']): Outcome {
  return { status: 'ok', value }
}

/** With a text that says what is wrong and what to do, or a message with `status` and `body`. */
export function refused(status: Exclude<Status, 'ok' | 'created'>, value: Value): Resolved {
  return new Resolved(status, value)
}
