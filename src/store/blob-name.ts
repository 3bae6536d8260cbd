/** What the BlobStore implementations share: the check of a name, and of a range. */
import { clip } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import type { BlobName } from './blob-store.ts'

const NAME = /^(?:item|chunk|snapshot|module|result|value)-[A-Za-z0-9_-]{43}$/

/** Names become file names, so the type alone is not enough. */
export function checkName(name: BlobName): void {
  if (NAME.test(name)) return
  const message = `"${clip(name)}" is not a blob's name; expected a kind and 43 base64url characters`
  throw new HeddleError('encoding-invalid', { format: 'blob name', at: 0 }, message)
}

/** The part of [start, end) that lies within `size` bytes. */
export function clampRange(start: number, end: number, size: number): { readonly start: number; readonly end: number } {
  const first = Math.min(Math.max(start, 0), size)
  return { start: first, end: Math.min(Math.max(end, first), size) }
}

export function blobNotFound(name: BlobName): HeddleError<'not-found'> {
  return new HeddleError('not-found', { what: 'blob', id: name }, `there is no blob ${name}`)
}
