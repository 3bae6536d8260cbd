import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../test/vectors/arweave-data-tree.json' with { type: 'json' }
import { concat, toBase64url, toHex } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { validateDataPath, validateTxPath } from './data-path.ts'
import { buildTree, chunkLeaves, dataRootOf, leafOf, splitSizes } from './data-tree.ts'

function testData(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 255)
}

describe('vectors', () => {
  for (const { name, bytes, dataRoot, nodeDataRoot, chunks } of vectors.cases)
    it(name, () => {
      const data = testData(bytes)
      const ranges = chunkLeaves(data, 'client')
      const tree = buildTree(ranges.map(({ leaf }) => leaf))
      expect(toBase64url(tree.root)).toBe(dataRoot)
      expect(tree.size).toBe(BigInt(bytes))
      if (nodeDataRoot !== undefined) expect(toBase64url(dataRootOf(data, 'node'))).toBe(nodeDataRoot)
      const proven = ranges.filter(({ startOffset, endOffset }) => endOffset > startOffset)
      const paths = proven.map(({ startOffset, endOffset }) => ({ endOffset, path: tree.pathOf(startOffset) }))
      expect(paths.map(({ endOffset, path }) => ({ endOffset, pathBytes: path.length, pathSha256: toHex(sha256(path)) }))).toEqual(chunks)
      for (const { startOffset, endOffset, leaf } of proven)
        for (const byte of [startOffset, endOffset - 1])
          expect(validateDataPath(tree.root, BigInt(byte), tree.size, tree.pathOf(byte)), `byte ${byte}`).toEqual({
            startOffset: BigInt(startOffset),
            endOffset: BigInt(endOffset),
            chunkHash: leaf.dataHash,
          })
    })

  it('one byte: the path is its hash and its size', () => {
    const tree = buildTree(chunkLeaves(testData(1), 'client').map(({ leaf }) => leaf))
    expect(toBase64url(tree.pathOf(0))).toBe('bjQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ')
  })

  for (const { name, dataRoot, paths } of vectors.rebased)
    it(`rebased: ${name}`, () => {
      const last = new Uint8Array(262144)
      last[262143] = 1
      const leaves = [testData(262144), last].map((data) => leafOf(sha256(data), 262144))
      const tree = buildTree(leaves.map((leaf) => buildTree([leaf]).rebased()))
      expect(toBase64url(tree.root)).toBe(dataRoot)
      for (const [i, { offset, pathBytes, pathSha256 }] of paths.entries()) {
        const path = tree.pathOf(offset)
        expect([path.length, toHex(sha256(path))], `offset ${offset}`).toEqual([pathBytes, pathSha256])
        expect(validateDataPath(tree.root, BigInt(offset), 524288n, path)).toEqual({
          startOffset: BigInt(offset),
          endOffset: BigInt(offset + 262144),
          chunkHash: leaves[i]!.dataHash,
        })
      }
    })
})

describe('splitting', () => {
  it('never makes a chunk under 32 KiB beside another, unless it is the node that splits', () => {
    const size = fc.integer({ min: 1, max: 3_000_000 })
    fc.assert(
      fc.property(size, (bytes) => {
        for (const split of ['client', 'node'] as const) {
          const sizes = splitSizes(bytes, split)
          expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(bytes)
          expect(Math.max(...sizes)).toBeLessThanOrEqual(262144)
          expect(sizes.at(-1) === 0).toBe(bytes % 262144 === 0)
          if (split === 'client' && sizes.length > 1 && sizes.at(-1) !== 0) expect(Math.min(...sizes)).toBeGreaterThanOrEqual(32768)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('nothing at all is one chunk of no bytes', () => {
    expect(splitSizes(0, 'node')).toEqual([0])
  })
})

describe('large trees', () => {
  it('4 GiB of chunks take linear work, and each path is short', () => {
    const hash = sha256(new Uint8Array(1))
    const tree = buildTree(Array.from({ length: 16_384 }, (_, i) => leafOf(hash, (i + 1) * 262144)))
    for (const index of [0, 1, 10_000, 16_383]) {
      const path = tree.pathOf(index * 262144)
      expect(path).toHaveLength(14 * 96 + 64)
      expect(validateDataPath(tree.root, BigInt(index * 262144 + 5), tree.size, path)?.startOffset, `chunk ${index}`).toBe(
        BigInt(index * 262144),
      )
    }
  })
})

describe('trees of other shapes', () => {
  it('every byte of every leaf is proven by its own path, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, one) => sum + one, 0))
        const leaves = ends.map((end, i) => leafOf(sha256(Uint8Array.of(i)), end))
        const tree = buildTree(leaves)
        let start = 0
        for (const [i, size] of sizes.entries()) {
          const range = validateTxPath(tree.root, BigInt(start + (size >> 1)), tree.size, tree.pathOf(start))
          expect(range).toEqual({ startOffset: BigInt(start), endOffset: BigInt(start + size), chunkHash: leaves[i]!.dataHash })
          start += size
        }
      }),
      { numRuns: 40 },
    )
  })

  it('leaves of no bytes are passed over', () => {
    const [a, empty, b] = [leafOf(sha256(Uint8Array.of(1)), 10), leafOf(sha256(Uint8Array.of(2)), 10), leafOf(sha256(Uint8Array.of(3)), 20)]
    const tree = buildTree([a, empty, b])
    expect(validateTxPath(tree.root, 9n, 20n, tree.pathOf(9))?.chunkHash).toEqual(a.dataHash)
    expect(validateTxPath(tree.root, 10n, 20n, tree.pathOf(10))?.chunkHash).toEqual(b.dataHash)
  })

  it('rebased subtrees of several chunks prove every chunk', () => {
    const parts = [3, 1, 2, 5].map((chunks, part) =>
      Array.from({ length: chunks }, (_, i) => leafOf(sha256(Uint8Array.of(part, i)), (i + 1) * 262144)),
    )
    const tree = buildTree(parts.map((leaves) => buildTree(leaves).rebased()))
    expect(tree.size).toBe(11n * 262144n)
    for (const [index, leaf] of parts.flat().entries()) {
      const start = BigInt(index) * 262144n
      const range = validateDataPath(tree.root, start + 7n, tree.size, tree.pathOf(start + 7n))
      expect(range, `chunk ${index}`).toEqual({ startOffset: start, endOffset: start + 262144n, chunkHash: leaf.dataHash })
    }
  })

  it('a rebased subtree off the 256-KiB grid does not prove', () => {
    const parts = [1000, 1000].map((size, i) => buildTree([leafOf(sha256(Uint8Array.of(i)), size)]).rebased())
    const tree = buildTree(parts)
    expect(validateDataPath(tree.root, 0n, 2000n, tree.pathOf(0))).not.toBe(null)
    expect(validateDataPath(tree.root, 1000n, 2000n, tree.pathOf(1000))).toBe(null)
  })
})

describe('strict borders', () => {
  const hash = sha256(new Uint8Array(1))
  const valid = (ends: number[], at: number): boolean => {
    const tree = buildTree(ends.map((end) => leafOf(hash, end)))
    return validateDataPath(tree.root, BigInt(at), tree.size, tree.pathOf(at)) !== null
  }

  it('chunks start at multiples of 256 KiB', () => {
    expect(valid([262144, 524288, 600000], 524288)).toBe(true)
    expect(valid([262144, 524280, 786424, 800000], 524280)).toBe(false)
    expect(valid([100, 262144, 300000], 200)).toBe(false)
  })

  it('the last may start before one if it ends after it', () => {
    expect(valid([131073, 262145], 131073)).toBe(true)
    expect(valid([131072, 262144], 131072)).toBe(false)
    expect(valid([131072, 262143], 131072)).toBe(false)
  })

  it('no chunk is larger than 256 KiB or ends before it starts', () => {
    expect(valid([262145], 0)).toBe(false)
    expect(valid([262144, 262144 + 262145], 262144)).toBe(false)
    expect(validateDataPath(leafOf(hash, 5).id, 0n, 262145n, buildTree([leafOf(hash, 5)]).pathOf(0))).toBe(null)
    expect(validateDataPath(leafOf(hash, 0).id, 0n, 1n, buildTree([leafOf(hash, 0)]).pathOf(0))).toBe(null)
  })
})

describe('bad proofs', () => {
  const tree = buildTree(chunkLeaves(testData(1_000_000), 'client').map(({ leaf }) => leaf))
  const path = tree.pathOf(300_000)

  it('one changed byte breaks a proof', () => {
    fc.assert(
      fc.property(fc.nat(path.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(path)
        changed[at]! ^= change
        expect(validateDataPath(tree.root, 300_000n, 1_000_000n, changed)).toBe(null)
        expect(validateTxPath(tree.root, 300_000n, 1_000_000n, changed)).toBe(null)
      }),
      { numRuns: 200 },
    )
  })

  it('another root, size, length or offset breaks it', () => {
    expect(validateDataPath(sha256(tree.root), 300_000n, 1_000_000n, path)).toBe(null)
    expect(validateDataPath(tree.root, 300_000n, 0n, path)).toBe(null)
    expect(validateDataPath(tree.root, 600_000n, 1_000_000n, path)).toBe(null)
    for (const cut of [1, 32, 64, 96, path.length])
      expect(validateDataPath(tree.root, 300_000n, 1_000_000n, path.subarray(cut)), `cut ${cut}`).toBe(null)
    expect(validateDataPath(tree.root, 300_000n, 1_000_000n, concat([path, new Uint8Array(96)]))).toBe(null)
  })

  it('any bytes are answered with null', () => {
    const bytes = fc.uint8Array({ maxLength: 400 })
    fc.assert(
      fc.property(bytes, fc.boolean(), (any, marked) => {
        const proof = marked ? concat([new Uint8Array(32), any]) : any
        expect(validateDataPath(tree.root, 0n, 1_000_000n, proof)).toBe(null)
        expect(validateTxPath(tree.root, 0n, 1_000_000n, proof)).toBe(null)
      }),
      { numRuns: 100 },
    )
  })
})
