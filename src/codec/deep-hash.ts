/**
 * Deep hash: SHA-384 over a tree of byte strings, the message that transactions and data items sign.
 *
 * Wire    blob: H(H("blob" + length) + H(bytes)); list: fold from H("list" + count) with acc = H(acc + deepHash(element)); numbers are ASCII decimal
 * Source  ArweaveTeam/arweave ar_deep_hash.erl; checked against arweave 1.15.7
 */
import { createHash } from 'node:crypto'
import { utf8 } from '../base/bytes.ts'
import { sha384 } from '../base/hash.ts'

export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

const HASH_BYTES = 48

export function deepHash(chunk: DeepHashChunk): Uint8Array {
  if (chunk instanceof Uint8Array) return blobHash(sha384(chunk), chunk.length)
  let acc = listStart(chunk.length)
  for (const element of chunk) acc = fold(acc, deepHash(element))
  return acc
}

/** Deep hash of a list whose last element is a blob that is known only by its SHA-384 and length, for data that streams. */
export function deepHashWithTail(head: readonly DeepHashChunk[], tailSha384: Uint8Array, tailBytes: number | bigint): Uint8Array {
  let acc = listStart(head.length + 1)
  for (const element of head) acc = fold(acc, deepHash(element))
  return fold(acc, blobHash(tailSha384, tailBytes))
}

/** SHA-384 fed piece by piece, for `deepHashWithTail`. */
export function createTailHash(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const hash = createHash('sha384')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
}

function blobHash(contentHash: Uint8Array, length: number | bigint): Uint8Array {
  return fold(sha384(utf8(`blob${length}`)), contentHash)
}

function listStart(count: number): Uint8Array {
  return sha384(utf8(`list${count}`))
}

function fold(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = new Uint8Array(2 * HASH_BYTES)
  pair.set(left)
  pair.set(right, HASH_BYTES)
  return sha384(pair)
}
