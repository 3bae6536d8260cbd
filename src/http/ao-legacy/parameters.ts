/** Reads what requests to the AO units carry in path and query. */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { isTxId, type TxId } from '../../base/ids.ts'
import { PAGE_SIZE_MAX } from '../../base/limits.ts'
import type { Request } from '../route.ts'

export function parseId(text: string | null | undefined, field: string): TxId {
  if (typeof text === 'string' && isTxId(text)) return text
  const problem =
    text === null || text === undefined || text === '' ? 'is missing' : `is "${clip(text)}", which is no id of 43 base64url characters`
  throw new HeddleError('request-invalid', { field }, `${field} ${problem}`)
}

/** The `limit` of a page; more than the node gives is cut, not refused. */
export function parseLimit(request: Request, fallback: number): number {
  const text = optional(request, 'limit')
  if (text === undefined) return fallback
  if (/^[0-9]{1,9}$/.test(text) && Number(text) > 0) return Math.min(Number(text), PAGE_SIZE_MAX)
  throw new HeddleError('request-invalid', { field: 'limit' }, `limit is "${clip(text)}"; expected a number from 1 to ${PAGE_SIZE_MAX}`)
}

/** A whole number in the query; null when absent. */
export function parseNumber(request: Request, field: string): number | null {
  const text = optional(request, field)
  if (text === undefined) return null
  if (/^-?[0-9]{1,15}$/.test(text)) return Number(text)
  throw new HeddleError('request-invalid', { field }, `${field} is "${clip(text)}"; expected a whole number`)
}

/** The same from 0 on. */
export function parseNatural(request: Request, field: string): number | null {
  const value = parseNumber(request, field)
  if (value === null || value >= 0) return value
  throw new HeddleError('request-invalid', { field }, `${field} is ${value}; expected a number from 0`)
}

/** Absent and empty are the same. Client: aoconnect 0.0.98 getMessages without a limit sends the word `undefined`. */
export function optional(request: Request, field: string): string | undefined {
  const text = request.query.get(field)
  return text === null || text === '' || text === 'undefined' ? undefined : text
}
