/**
 * Which of two chains is the weave, and how to get from one to the other.
 *
 * Source      ArweaveTeam/arweave ar_node_worker.erl, ar_block_cache.erl (2.9)
 * Invariants  A chain replaces the current one only if it is strictly heavier, so of two equal ones the first seen stays.
 *             A switch that would take back more than ANCHOR_DEPTH_MAX blocks is refused.
 */
import { HeddleError } from '../base/errors.ts'
import type { BlockHash } from '../base/ids.ts'
import { ANCHOR_DEPTH_MAX } from '../base/limits.ts'

/** What the choice needs to know of a block. */
export interface ChainBlock {
  readonly indepHash: BlockHash
  readonly previousBlock: BlockHash | null
  readonly height: number
  readonly cumulativeDiff: bigint
}

export interface ChainSwitch<B extends ChainBlock> {
  /** Last block of both chains. */
  readonly ancestor: B
  /** Blocks to take back, newest first. */
  readonly orphaned: readonly B[]
  /** Blocks to apply, oldest first. */
  readonly applied: readonly B[]
}

export function isHeavier(candidate: ChainBlock, tip: ChainBlock): boolean {
  return candidate.cumulativeDiff > tip.cumulativeDiff
}

/** The way from one tip to another; null if a block on it is unknown, the chains have nothing in common, or it goes too deep. */
export function findSwitch<B extends ChainBlock>(
  tip: B,
  candidate: B,
  findBlock: (hash: BlockHash) => B | undefined,
): ChainSwitch<B> | null {
  const orphaned: B[] = []
  const applied: B[] = []
  let [from, to]: [B, B] = [tip, candidate]
  while (from.indepHash !== to.indepHash) {
    const isBack = from.height >= to.height
    const child = isBack ? from : to
    const parent = child.previousBlock === null ? undefined : findBlock(child.previousBlock)
    if (parent === undefined) return null
    if (parent.height !== child.height - 1) throw brokenChain(child, parent)
    if (isBack) {
      if (orphaned.push(from) > ANCHOR_DEPTH_MAX) return null
      from = parent
    } else {
      applied.push(to)
      to = parent
    }
  }
  return { ancestor: from, orphaned, applied: applied.reverse() }
}

function brokenChain(child: ChainBlock, parent: ChainBlock): HeddleError<'store-failed'> {
  return new HeddleError(
    'store-failed',
    { what: 'block' },
    `block ${child.indepHash} at height ${child.height} has a parent at height ${parent.height}; the stored chain is damaged`,
  )
}
