/**
 * Deep hash: SHA-384 over a tree of byte strings, the message that transactions and data items sign.
 *
 * Wire    blob: H(H("blob" + length) + H(bytes)); list: fold from H("list" + count) with acc = H(acc + deepHash(element)); numbers are ASCII decimal
 * Source  ArweaveTeam/arweave ar_deep_hash.erl; checked against arweave 1.15.7
 *
 * A transaction takes some fifty small hashes. Between two of them a digest travels as a string of 48 characters, one per byte: making a Buffer
 * for each would take longer than hashing it.
 */
import { createHash, hash } from 'node:crypto'
import { asBuffer } from '../base/bytes.ts'

export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

/** 48 bytes, one character each. */
type Digest = string

const HASH_BYTES = 48
const CACHED_STARTS = 4096

export function deepHash(chunk: DeepHashChunk): Uint8Array {
  return toBytes(digestOf(chunk))
}

/** Deep hash of a list whose last element is a blob that is known only by its SHA-384 and length, for data that streams. */
export function deepHashWithTail(head: readonly DeepHashChunk[], tailSha384: Uint8Array, tailBytes: number | bigint): Uint8Array {
  return toBytes(fold(foldAll(head, head.length + 1), blobDigest(toDigest(tailSha384), tailBytes)))
}

/** Deep hash of a list of which the deep hashes of the elements are known. */
export function deepHashOfHashed(elements: readonly Uint8Array[]): Uint8Array {
  let acc = startOf('list', elements.length)
  for (const element of elements) acc = fold(acc, toDigest(element))
  return toBytes(acc)
}

/** Deep hashes of lists of `count` elements that all begin with these: what they have in common is hashed once. */
export function deepHashesAfter(head: readonly DeepHashChunk[], count: number): (rest: readonly DeepHashChunk[]) => Uint8Array {
  const start = foldAll(head, count)
  return (rest) => toBytes(rest.reduce<Digest>((acc, element) => fold(acc, digestOf(element)), start))
}

/** SHA-384 fed piece by piece, for `deepHashWithTail`. */
export function createTailHash(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const tail = createHash('sha384')
  return { update: (bytes) => void tail.update(bytes), digest: () => tail.digest() }
}

function digestOf(chunk: DeepHashChunk): Digest {
  return chunk instanceof Uint8Array ? blobDigest(hash('sha384', chunk, 'binary'), chunk.length) : foldAll(chunk, chunk.length)
}

function foldAll(elements: readonly DeepHashChunk[], count: number): Digest {
  let acc = startOf('list', count)
  for (const element of elements) acc = fold(acc, digestOf(element))
  return acc
}

function blobDigest(content: Digest, length: number | bigint): Digest {
  return fold(startOf('blob', length), content)
}

const starts = { blob: [] as Digest[], list: [] as Digest[] }

/** Nearly all lengths are short, so their hashes are kept. */
function startOf(kind: 'blob' | 'list', length: number | bigint): Digest {
  const at = Number(length)
  const known = starts[kind][at]
  if (known !== undefined) return known
  const start = hash('sha384', `${kind}${length}`, 'binary')
  if (at < CACHED_STARTS) starts[kind][at] = start
  return start
}

/** Written and hashed in one go, so one is enough. */
const pair = Buffer.alloc(2 * HASH_BYTES)

function fold(left: Digest, right: Digest): Digest {
  pair.write(left, 0, 'latin1')
  pair.write(right, HASH_BYTES, 'latin1')
  return hash('sha384', pair, 'binary')
}

function toDigest(bytes: Uint8Array): Digest {
  return asBuffer(bytes).toString('latin1')
}

function toBytes(digest: Digest): Uint8Array {
  return Buffer.from(digest, 'latin1')
}
