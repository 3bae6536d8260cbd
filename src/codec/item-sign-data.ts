/**
 * The 48 bytes that a data item signs: deep hash of ["dataitem", "1", signature type, owner, target, anchor, raw tag bytes, data].
 *
 * Wire        as `deep-hash.ts`; absent target, anchor and tags are empty blobs; the tags are hashed as they were sent, not as a list
 * Source      ANS-104 section 2, ar_deep_hash.erl; checked against @dha-team/arbundles 1.0.4
 * Invariants  Equal to `deepHash` of the list. Written out because every upload passes here: what never changes (the head of the list, the
 *             tags of short blobs) is hashed once.
 */
import { utf8 } from '../base/bytes.ts'
import { type ChainDigest, chainBytes, chainOf, chainPair, chainStart } from '../base/hash.ts'

export interface SignedParts {
  readonly signatureType: number
  readonly owner: Uint8Array
  readonly target: Uint8Array | null
  readonly anchor: Uint8Array | null
  readonly tagBytes: Uint8Array
}

const PART_COUNT = 8
const BLOB_HEAD_CACHE_MAX = 8192 // Lengths below it, all but large data, have their head hashed once.

const blobHeads: ChainDigest[] = []
const listHeads = new Map<number, ChainDigest>()
const EMPTY_BLOB = blob(chainStart(''), 0)

/** `dataSha384` is the hash of the item's data, so that data may be hashed while it streams. */
export function itemSignData(parts: SignedParts, dataSha384: Uint8Array, dataBytes: number): Uint8Array {
  let acc = chainPair(listHead(parts.signatureType), blobOf(parts.owner))
  acc = chainPair(acc, parts.target === null ? EMPTY_BLOB : blobOf(parts.target))
  acc = chainPair(acc, parts.anchor === null ? EMPTY_BLOB : blobOf(parts.anchor))
  acc = chainPair(acc, blobOf(parts.tagBytes))
  acc = chainPair(acc, blob(chainOf(dataSha384), dataBytes))
  return chainBytes(acc)
}

function blobOf(bytes: Uint8Array): ChainDigest {
  return bytes.length === 0 ? EMPTY_BLOB : blob(chainStart(bytes), bytes.length)
}

function blob(contentHash: ChainDigest, length: number): ChainDigest {
  return chainPair(blobHead(length), contentHash)
}

function blobHead(length: number): ChainDigest {
  if (length >= BLOB_HEAD_CACHE_MAX) return chainStart(`blob${length}`)
  blobHeads[length] ??= chainStart(`blob${length}`)
  return blobHeads[length]
}

/** The list up to and including its third element. */
function listHead(signatureType: number): ChainDigest {
  const known = listHeads.get(signatureType)
  if (known !== undefined) return known
  let acc = chainStart(`list${PART_COUNT}`)
  for (const part of ['dataitem', '1', String(signatureType)]) acc = chainPair(acc, blobOf(utf8(part)))
  listHeads.set(signatureType, acc)
  return acc
}
