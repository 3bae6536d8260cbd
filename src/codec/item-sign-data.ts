/**
 * The 48 bytes that a data item signs: deep hash of ["dataitem", "1", signature type, owner, target, anchor, raw tag bytes, data].
 *
 * Wire        as `deep-hash.ts`; absent target, anchor and tags are empty blobs; the tags are hashed as they were sent, not as a list
 * Source      ANS-104 section 2, ar_deep_hash.erl; checked against @dha-team/arbundles 1.0.4
 * Invariants  Equal to `deepHash` of the list. Written out because every upload passes here: what never changes (the head of the list, the
 *             tags of short blobs) is hashed once, and digests come back as one-byte strings, which costs a third of a fresh Buffer each.
 */
import { hash } from 'node:crypto'
import { asBuffer, utf8 } from '../base/bytes.ts'

export interface SignedParts {
  readonly signatureType: number
  readonly owner: Uint8Array
  readonly target: Uint8Array | null
  readonly anchor: Uint8Array | null
  readonly tagBytes: Uint8Array
}

const HASH_BYTES = 48
const PART_COUNT = 8
const BLOB_HEAD_CACHE_MAX = 8192 // Lengths below it, all but large data, have their head hashed once.

const blobHeads: string[] = []
const listHeads = new Map<number, string>()
const pair = Buffer.alloc(2 * HASH_BYTES) // Scratch space: everything here is synchronous.
const EMPTY_BLOB = blob(digest(new Uint8Array(0)), 0)

/** `dataSha384` is the hash of the item's data, so that data may be hashed while it streams. */
export function itemSignData(parts: SignedParts, dataSha384: Uint8Array, dataBytes: number): Uint8Array {
  let acc = fold(listHead(parts.signatureType), blobOf(parts.owner))
  acc = fold(acc, parts.target === null ? EMPTY_BLOB : blobOf(parts.target))
  acc = fold(acc, parts.anchor === null ? EMPTY_BLOB : blobOf(parts.anchor))
  acc = fold(acc, blobOf(parts.tagBytes))
  acc = fold(acc, blob(asBuffer(dataSha384).toString('latin1'), dataBytes))
  return Buffer.from(acc, 'latin1')
}

function blobOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? EMPTY_BLOB : blob(digest(bytes), bytes.length)
}

function blob(contentHash: string, length: number): string {
  return fold(blobHead(length), contentHash)
}

function blobHead(length: number): string {
  if (length >= BLOB_HEAD_CACHE_MAX) return digest(utf8(`blob${length}`))
  blobHeads[length] ??= digest(utf8(`blob${length}`))
  return blobHeads[length]
}

/** The list up to and including its third element. */
function listHead(signatureType: number): string {
  const known = listHeads.get(signatureType)
  if (known !== undefined) return known
  let acc = digest(utf8(`list${PART_COUNT}`))
  for (const part of ['dataitem', '1', String(signatureType)]) acc = fold(acc, blobOf(utf8(part)))
  listHeads.set(signatureType, acc)
  return acc
}

function fold(left: string, right: string): string {
  pair.write(left, 0, HASH_BYTES, 'latin1')
  pair.write(right, HASH_BYTES, HASH_BYTES, 'latin1')
  return digest(pair)
}

function digest(bytes: Uint8Array): string {
  return hash('sha384', bytes, 'binary')
}
