/** Names and bytes of blobs for tests. */
import { toBase64url, utf8 } from '../src/base/bytes.ts'
import { sha256 } from '../src/base/hash.ts'
import type { BlobName } from '../src/store/blob-store.ts'

/** Name number `n`; they spread over the folders like real ones. */
export function blobName(n: number, kind: 'item' | 'chunk' | 'snapshot' | 'module' = 'item'): BlobName {
  return `${kind}-${toBase64url(sha256(utf8(String(n))))}`
}

/** Bytes that show when a piece is missing, repeated or out of place. */
export function pattern(size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE(at, at)
  return bytes
}

/** What `blob-writer.ts` puts under name `n`. */
export function blobBytes(n: number): Uint8Array {
  return pattern(10_000 + (n % 7) * 50_000)
}
