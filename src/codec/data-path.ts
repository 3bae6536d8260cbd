/**
 * Validates Merkle proofs: a chunk against its data root, a data root against a block's transaction root.
 *
 * Wire        see data-tree.ts
 * Source      ArweaveTeam/arweave ar_merkle.erl validate_path, rule set "offset rebase support" (2.9)
 * Invariants  Answers null for whatever is not a proof, never throws. With strict borders every chunk owns the 256-KiB bucket in which it
 *             starts or, for the last one, ends; so a byte of a bucket-aligned weave belongs to one chunk only.
 */
import { concat, equalBytes, fromBigEndian } from '../base/bytes.ts'
import { CHUNK_BYTES_MAX } from '../base/limits.ts'
import { branchId, HASH_BYTES, leafId, NOTE_BYTES } from './data-tree.ts'

export interface ProvenRange {
  /** Offset of the first byte. */
  readonly startOffset: bigint
  /** Offset after the last byte. */
  readonly endOffset: bigint
  /** SHA-256 of the chunk; in a transaction path, the data root. */
  readonly chunkHash: Uint8Array
}

interface Walk {
  id: Uint8Array
  dest: bigint
  left: bigint
  right: bigint
  /** Where the current subtree starts in the whole. */
  shift: bigint
  /** Went every step of the current subtree right? Null before the first. */
  isRightmost: boolean | null
}

interface End extends Walk {
  readonly chunkHash: Uint8Array
  readonly leafEnd: bigint
}

const CHUNK = BigInt(CHUNK_BYTES_MAX)
const BRANCH_BYTES = 2 * HASH_BYTES + NOTE_BYTES
const LEAF_BYTES = HASH_BYTES + NOTE_BYTES

/** The leaf that holds byte `offset` (0 is the first) of `size`, with strict borders; null if the path does not prove one. */
export function validateDataPath(root: Uint8Array, offset: bigint, size: bigint, path: Uint8Array): ProvenRange | null {
  const end = walk(root, offset, size, path, true)
  return end !== null && hasStrictBorders(end) ? rangeOf(end) : null
}

/** The same for a transaction path, whose leaves may be of any size and whose hash is a data root. */
export function validateTxPath(txRoot: Uint8Array, offset: bigint, blockBytes: bigint, path: Uint8Array): ProvenRange | null {
  const end = walk(txRoot, offset, blockBytes, path, false)
  return end === null ? null : rangeOf(end)
}

/** Does the path still prove its chunk without its rebase marks? Such a chunk would have two places. */
export function isValidWithoutRebase(root: Uint8Array, offset: bigint, size: bigint, path: Uint8Array): boolean {
  const parts: Uint8Array[] = []
  let at = 0
  while (path.length - at > LEAF_BYTES) {
    if (isRebaseMark(path, at)) at += HASH_BYTES
    parts.push(path.subarray(at, at + BRANCH_BYTES))
    at += BRANCH_BYTES
  }
  parts.push(path.subarray(at))
  const plain = concat(parts)
  return plain.length < path.length && validateDataPath(root, offset, size, plain) !== null
}

/** The end offset that the last 32 bytes of a path claim for its leaf. */
export function leafEndOf(path: Uint8Array): bigint {
  return noteAt(path, Math.max(0, path.length - NOTE_BYTES))
}

function walk(root: Uint8Array, offset: bigint, size: bigint, path: Uint8Array, allowsRebase: boolean): End | null {
  if (size <= 0n) return null
  const dest = offset < 0n ? 0n : offset >= size ? size - 1n : offset
  const state: Walk = { id: root, dest, left: 0n, right: size, shift: 0n, isRightmost: null }
  let at = 0
  while (path.length - at > LEAF_BYTES) {
    const isRebase = allowsRebase && isRebaseMark(path, at)
    if (isRebase) at += HASH_BYTES
    if (path.length - at < BRANCH_BYTES + LEAF_BYTES || !descend(state, path, at, isRebase)) return null
    at += BRANCH_BYTES
  }
  return path.length - at === LEAF_BYTES ? leafAt(state, path, at) : null
}

function isRebaseMark(path: Uint8Array, at: number): boolean {
  if (path.length - at < HASH_BYTES + BRANCH_BYTES) return false
  for (let i = at; i < at + HASH_BYTES; i++) if (path[i] !== 0) return false
  return true
}

function descend(state: Walk, path: Uint8Array, at: number, isRebase: boolean): boolean {
  const leftId = path.subarray(at, at + HASH_BYTES)
  const rightId = path.subarray(at + HASH_BYTES, at + 2 * HASH_BYTES)
  const noteBytes = path.subarray(at + 2 * HASH_BYTES, at + BRANCH_BYTES)
  if (!equalBytes(branchId(leftId, rightId, noteBytes), state.id)) return false
  const note = noteAt(path, at + 2 * HASH_BYTES)
  const goesLeft = state.dest < note
  state.id = goesLeft ? leftId : rightId
  if (goesLeft) state.right = min(state.right, note)
  else state.left = max(state.left, note)
  state.isRightmost = !goesLeft && state.isRightmost !== false
  if (isRebase) restart(state)
  return true
}

/** From here on offsets count from the start of the chosen child. */
function restart(state: Walk): void {
  state.dest -= state.left
  state.right -= state.left
  state.shift += state.left
  state.left = 0n
  state.isRightmost = null
}

function leafAt(state: Walk, path: Uint8Array, at: number): End | null {
  const chunkHash = path.subarray(at, at + HASH_BYTES)
  const note = path.subarray(at + HASH_BYTES)
  if (!equalBytes(leafId(chunkHash, note), state.id)) return null
  return { ...state, chunkHash, leafEnd: fromBigEndian(note) }
}

function hasStrictBorders({ left, right, leafEnd, shift, isRightmost }: End): boolean {
  if (leafEnd <= left || leafEnd - left > CHUNK || right - left > CHUNK) return false
  const start = shift + left
  if (start % CHUNK === 0n) return true
  const end = shift + leafEnd
  return isRightmost === true && start / CHUNK + 1n === end / CHUNK && end % CHUNK !== 0n
}

function rangeOf({ left, right, leafEnd, shift, chunkHash }: End): ProvenRange {
  return { startOffset: shift + left, endOffset: shift + max(min(right, leafEnd), left + 1n), chunkHash }
}

function noteAt(path: Uint8Array, at: number): bigint {
  return fromBigEndian(path.subarray(at, at + NOTE_BYTES))
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
