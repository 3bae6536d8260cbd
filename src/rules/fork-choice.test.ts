import { describe, expect, it } from 'vitest'
import { utf8 } from '../base/bytes.ts'
import { sha384 } from '../base/hash.ts'
import { type BlockHash, bytesToBlockHash } from '../base/ids.ts'
import { type ChainBlock, findSwitch, isHeavier } from './fork-choice.ts'

/** A chain of blocks on top of `parent`, stored in `known`. */
function grow(known: Map<BlockHash, ChainBlock>, parent: ChainBlock | null, name: string, count: number): ChainBlock[] {
  const chain: ChainBlock[] = []
  let previous = parent
  for (let i = 0; i < count; i++) {
    const height: number = previous === null ? 0 : previous.height + 1
    const block: ChainBlock = {
      indepHash: bytesToBlockHash(sha384(utf8(`${name} ${height}`))),
      previousBlock: previous?.indepHash ?? null,
      height,
      cumulativeDiff: BigInt(height),
    }
    known.set(block.indepHash, block)
    chain.push(block)
    previous = block
  }
  return chain
}

describe('fork choice', () => {
  const known = new Map<BlockHash, ChainBlock>()
  const find = (hash: BlockHash): ChainBlock | undefined => known.get(hash)
  const trunk = grow(known, null, 'trunk', 60)
  const [forkPoint, tip] = [trunk[56]!, trunk[59]!]
  const branch = grow(known, forkPoint, 'branch', 5)

  it('takes the strictly heavier chain', () => {
    expect(isHeavier(branch[4]!, tip)).toBe(true)
    expect(isHeavier(branch[2]!, tip)).toBe(false)
  })

  it('finds the way from one tip to the other', () => {
    expect(findSwitch(tip, branch[4]!, find)).toEqual({ ancestor: forkPoint, orphaned: [trunk[59], trunk[58], trunk[57]], applied: branch })
    expect(findSwitch(branch[4]!, tip, find)).toEqual({ ancestor: forkPoint, orphaned: branch.toReversed(), applied: trunk.slice(57) })
  })

  it('a longer chain of the same blocks only adds', () => {
    expect(findSwitch(forkPoint, tip, find)).toEqual({ ancestor: forkPoint, orphaned: [], applied: trunk.slice(57) })
    expect(findSwitch(tip, tip, find)).toEqual({ ancestor: tip, orphaned: [], applied: [] })
  })

  it('refuses to take back more than 50 blocks', () => {
    const early = (height: number): ChainBlock => grow(known, trunk[height]!, `early ${height}`, 70).at(-1)!
    expect(findSwitch(tip, early(9), find)?.orphaned).toHaveLength(50)
    expect(findSwitch(tip, early(8), find)).toBe(null)
  })

  it('refuses a chain with an unknown parent or another genesis', () => {
    const stray = grow(new Map(), trunk[10]!, 'stray', 60).at(-1)!
    expect(findSwitch(tip, stray, find)).toBe(null)
    expect(findSwitch(trunk[3]!, grow(known, null, 'other', 5).at(-1)!, find)).toBe(null)
  })

  it('heights that do not follow are damage, not a choice', () => {
    const odd = { ...tip, height: 99, indepHash: branch[0]!.indepHash }
    expect(() => findSwitch(forkPoint, odd, find)).toThrow(expect.objectContaining({ code: 'store-failed' }))
  })
})
