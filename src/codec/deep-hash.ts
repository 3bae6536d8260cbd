/**
 * Deep hash: SHA-384 over a tree of byte strings, the message that transactions and data items sign.
 *
 * Wire        blob: H(H("blob" + length) + H(bytes)); list: fold from H("list" + count) with acc = H(acc + deepHash(element)); numbers are ASCII decimal
 * Source      ArweaveTeam/arweave ar_deep_hash.erl; checked against arweave 1.15.7
 * Invariants  Synchronous. A transaction takes some fifty small hashes; what lies between two of them is a ChainDigest, which costs next to nothing.
 */
import { type ChainDigest, chainBytes, chainOf, chainPair, chainStart } from '../base/hash.ts'

export type DeepHashChunk = Uint8Array | readonly DeepHashChunk[]

const CACHED_STARTS = 4096

export function deepHash(chunk: DeepHashChunk): Uint8Array {
  return chainBytes(digestOf(chunk))
}

/** Deep hash of a list whose last element is a blob that is known only by its SHA-384 and length, for data that streams. */
export function deepHashWithTail(head: readonly DeepHashChunk[], tailSha384: Uint8Array, tailBytes: number | bigint): Uint8Array {
  return chainBytes(chainPair(foldAll(head, head.length + 1), blobDigest(chainOf(tailSha384), tailBytes)))
}

/** Deep hash of a list of which the deep hashes of the elements are known. */
export function deepHashOfHashed(elements: readonly Uint8Array[]): Uint8Array {
  let acc = startOf('list', elements.length)
  for (const element of elements) acc = chainPair(acc, chainOf(element))
  return chainBytes(acc)
}

/** Deep hashes of lists of `count` elements that all begin with these: what they have in common is hashed once. */
export function deepHashesAfter(head: readonly DeepHashChunk[], count: number): (rest: readonly DeepHashChunk[]) => Uint8Array {
  const start = foldAll(head, count)
  return (rest) => chainBytes(rest.reduce<ChainDigest>((acc, element) => chainPair(acc, digestOf(element)), start))
}

function digestOf(chunk: DeepHashChunk): ChainDigest {
  return chunk instanceof Uint8Array ? blobDigest(chainStart(chunk), chunk.length) : foldAll(chunk, chunk.length)
}

function foldAll(elements: readonly DeepHashChunk[], count: number): ChainDigest {
  let acc = startOf('list', count)
  for (const element of elements) acc = chainPair(acc, digestOf(element))
  return acc
}

function blobDigest(content: ChainDigest, length: number | bigint): ChainDigest {
  return chainPair(startOf('blob', length), content)
}

const starts = { blob: [] as ChainDigest[], list: [] as ChainDigest[] }

/** Nearly all lengths are short, so their hashes are kept. */
function startOf(kind: 'blob' | 'list', length: number | bigint): ChainDigest {
  const at = Number(length)
  const known = starts[kind][at]
  if (known !== undefined) return known
  const start = chainStart(`${kind}${length}`)
  if (at < CACHED_STARTS) starts[kind][at] = start
  return start
}
