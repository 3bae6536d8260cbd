/** The two digests that Arweave is made of. One-shot, since that is twice as fast as a hash object for small input. */
import { hash } from 'node:crypto'

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

export function sha384(bytes: Uint8Array): Uint8Array {
  return hash('sha384', bytes, 'buffer')
}
