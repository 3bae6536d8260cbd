/**
 * The Merkle tree over a transaction's chunks (`data_root`) or over a block's transactions (`tx_root`): splitting, building, proofs.
 *
 * Wire        note = u256 end offset. Leaf id = H(H(chunk hash) + H(note)). Branch id = H(H(left) + H(right) + H(note of left)).
 *             Path, root first: left id, right id, note for each branch; then chunk hash, note. 32 zero bytes stand before a branch whose chosen
 *             child is rebased, that is, counts its offsets from 0 again.
 * Source      ArweaveTeam/arweave ar_merkle.erl (2.9), arweave 1.15.7 src/common/lib/merkle.ts; vectors from both
 * Invariants  Nodes of a row are paired left to right, an odd last one moves up unchanged. Building is linear in leaves, a path logarithmic.
 *             A size that is a multiple of the chunk size ends in a leaf of no bytes, which is never uploaded but shapes the root.
 */
import { concat } from '../base/bytes.ts'
import { sha256, sha256OfHashes } from '../base/hash.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from '../base/limits.ts'

/** `client` evens out the last two chunks, as arweave-js does; `node` cuts every 256 KiB, as nodes do with inline data. */
export type ChunkSplit = 'client' | 'node'

interface NodeBase {
  readonly id: Uint8Array
  /** First offset after this node; counted from the node's own start if it is rebased. */
  readonly endOffset: bigint
  readonly isRebased: boolean
}

export interface Leaf extends NodeBase {
  readonly dataHash: Uint8Array
}

export interface Branch extends NodeBase {
  readonly left: TreeNode
  readonly right: TreeNode
  /** Where the right side starts. */
  readonly note: bigint
}

export type TreeNode = Leaf | Branch

export interface DataTree {
  readonly root: Uint8Array
  readonly size: bigint
  /** Proof of the leaf that holds the byte at this offset (0 is the first). */
  pathOf(offset: bigint | number): Uint8Array
  /** This tree as one element of a larger one, counting from 0 again. */
  rebased(): TreeNode
}

export interface ChunkRange {
  readonly startOffset: number
  readonly endOffset: number
  readonly leaf: Leaf
}

export const HASH_BYTES = 32
export const NOTE_BYTES = 32
const REBASE_MARK = new Uint8Array(HASH_BYTES)

/** Sizes of the chunks of `dataBytes` bytes; the last is 0 when they come out even. */
export function splitSizes(dataBytes: number, split: ChunkSplit): number[] {
  const sizes: number[] = []
  let rest = dataBytes
  while (rest >= CHUNK_BYTES_MAX) {
    const after = rest - CHUNK_BYTES_MAX
    const isUneven = split === 'client' && after > 0 && after < CHUNK_BYTES_MIN
    const size = isUneven ? Math.ceil(rest / 2) : CHUNK_BYTES_MAX
    sizes.push(size)
    rest -= size
  }
  sizes.push(rest)
  return sizes
}

export function leafOf(dataHash: Uint8Array, endOffset: bigint | number): Leaf {
  const end = BigInt(endOffset)
  return { id: leafId(dataHash, noteOf(end)), endOffset: end, isRebased: false, dataHash }
}

/** The chunks of data in memory, each with its leaf. */
export function chunkLeaves(data: Uint8Array, split: ChunkSplit): ChunkRange[] {
  let startOffset = 0
  return splitSizes(data.length, split).map((size) => {
    const endOffset = startOffset + size
    const range = { startOffset, endOffset, leaf: leafOf(sha256(data.subarray(startOffset, endOffset)), endOffset) }
    startOffset = endOffset
    return range
  })
}

export function dataRootOf(data: Uint8Array, split: ChunkSplit): Uint8Array {
  return buildTree(chunkLeaves(data, split).map(({ leaf }) => leaf)).root
}

/** A tree over leaves, rebased trees, or both. Chunks of a rebased tree prove valid only if it starts at a multiple of the chunk size. */
export function buildTree(nodes: readonly TreeNode[]): DataTree {
  let row = nodes
  if (row.length === 0) throw new RangeError('a tree needs at least one leaf')
  while (row.length > 1) row = pairUp(row)
  const root = row[0]!
  return {
    root: root.id,
    size: root.endOffset,
    pathOf: (offset) => concat(pathParts(root, BigInt(offset))),
    rebased: () => ({ ...root, isRebased: true }),
  }
}

/** `value` as a 32-byte note. */
export function noteOf(value: bigint): Uint8Array {
  const note = new Uint8Array(NOTE_BYTES)
  new DataView(note.buffer).setBigUint64(NOTE_BYTES - 8, value)
  return note
}

export function leafId(dataHash: Uint8Array, note: Uint8Array): Uint8Array {
  return sha256OfHashes([dataHash, note])
}

export function branchId(left: Uint8Array, right: Uint8Array, note: Uint8Array): Uint8Array {
  return sha256OfHashes([left, right, note])
}

function pairUp(row: readonly TreeNode[]): TreeNode[] {
  const above: TreeNode[] = []
  let shift = 0n // Where a rebased left node starts: the end of the pair before it.
  for (let i = 0; i < row.length; i += 2) {
    const left = row[i]!
    const right = row[i + 1]
    const node = right === undefined ? left : branchOver(left, right, shift)
    shift = node.endOffset
    above.push(node)
  }
  return above
}

function branchOver(left: TreeNode, right: TreeNode, shift: bigint): Branch {
  const note = left.isRebased ? shift + left.endOffset : left.endOffset
  const endOffset = right.isRebased ? note + right.endOffset : right.endOffset
  return { id: branchId(left.id, right.id, noteOf(note)), endOffset, isRebased: false, left, right, note }
}

function pathParts(root: TreeNode, offset: bigint): Uint8Array[] {
  const parts: Uint8Array[] = []
  let node = root
  let dest = offset
  let start = 0n // Of the node, in the offsets of the tree that it belongs to.
  while ('left' in node) {
    const goesLeft = dest < node.note
    const next: TreeNode = goesLeft ? node.left : node.right
    if (!goesLeft) start = node.note
    if (next.isRebased) {
      parts.push(REBASE_MARK)
      dest -= start
      start = 0n
    }
    parts.push(node.left.id, node.right.id, noteOf(node.note))
    node = next
  }
  parts.push(node.dataHash, noteOf(node.endOffset))
  return parts
}
