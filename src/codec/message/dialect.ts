/**
 * Which generation of AO-Core's HTTP form a message is in.
 *
 * Wire        g0: signatures labelled `http-sig-…`, key ids without scheme in base64url, `inline-body-key`, `body-keys`, types `empty-…`;
 *             g1: labels `sig-…`, key ids without scheme in base64, the constant `ao`, `ao-ids`;
 *             g2: labels `comm-…`, key ids with scheme. No client speaks more than one.
 * Source      permaweb/HyperBEAM 2025-05, 2025-06 and 2025-11, as they were seen to answer
 */
import { isFailure } from '../../base/errors.ts'
import { parseDictionary } from './structured-fields.ts'
import type { Binary } from './value.ts'

export type Dialect = 'g0' | 'g1' | 'g2'

/** Null where nothing tells, as of a request that no AO-Core client made. */
export function detectDialect(headers: ReadonlyMap<string, Binary>): Dialect | null {
  const input = headers.get('signature-input')
  const signed = typeof input === 'string' ? ofSignatures(input) : null
  if (signed !== null) return signed
  if (headers.has('inline-body-key') || headers.has('body-keys')) return 'g0'
  if (headers.has('ao-ids')) return 'g1'
  const types = headers.get('ao-types')
  return typeof types === 'string' && types.includes('"empty-') ? 'g0' : null
}

function ofSignatures(input: string): Dialect | null {
  for (const [label, { value }] of membersOf(input)) {
    const keyId = value.parameters.get('keyid')?.value
    if (label.startsWith('http-sig-')) return 'g0'
    if (label.startsWith('comm-') && typeof keyId === 'string' && keyId.includes(':')) return 'g2'
    if (label.startsWith('sig-') || keyId === 'ao') return 'g1'
    if (typeof keyId === 'string') return dialectOfKeyId(keyId)
  }
  return null
}

function dialectOfKeyId(keyId: string): Dialect {
  if (keyId.includes(':')) return 'g2'
  return keyId.includes('+') || keyId.includes('/') || keyId.endsWith('=') ? 'g1' : 'g0'
}

/** None where they cannot be read: whoever verifies says what is wrong with them. */
function membersOf(input: string): ReturnType<typeof parseDictionary> {
  try {
    return parseDictionary(input)
  } catch (error) {
    if (isFailure(error, 'encoding-invalid') || isFailure(error, 'too-large')) return new Map()
    throw error
  }
}
