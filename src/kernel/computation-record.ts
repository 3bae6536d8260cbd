/**
 * Where a result came from, as the store keeps it, so that a hashpath alone is enough to compute it again.
 *
 * Wire        at `computation/<hashpath>`: `<before> <base> <request> <result>`: the base's own hashpath (its id when it has none), then unsigned ids;
 *             the result's is the digest of the bytes when it is no message
 * Invariants  Of a device whose answers change with time it is the last one that is noted.
 */
import { clip } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'

export interface ComputationRecord {
  readonly before: string
  readonly base: string
  readonly request: string
  readonly result: string
}

export function computationPlace(hashpath: string): string {
  return `computation/${hashpath}`
}

export function writeRecord({ before, base, request, result }: ComputationRecord): string {
  return `${before} ${base} ${request} ${result}`
}

export function readRecord(text: string): ComputationRecord {
  const [before = '', base = '', request = '', result = ''] = text.split(' ')
  if (result !== '') return { before, base, request, result }
  throw new HeddleError('encoding-invalid', { format: 'computation record', at: 0 }, `"${clip(text)}" is not a record of a computation`)
}
