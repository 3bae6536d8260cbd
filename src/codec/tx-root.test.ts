import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY, toBase64url, toHex, utf8 } from '../base/bytes.ts'
import { sha256 } from '../base/hash.ts'
import { bytesToId } from '../base/ids.ts'
import { validateTxPath } from './data-path.ts'
import { dataRootOf } from './data-tree.ts'
import { buildTxRoot, orderTransactions, paddedBytes, type RootedTransaction } from './tx-root.ts'

function tx(name: string, dataBytes: bigint): RootedTransaction {
  const dataRoot = dataBytes === 0n ? EMPTY : sha256(utf8(`root-${name.slice(3)}`))
  return { format: 2, id: bytesToId(sha256(utf8(name))), dataRoot, dataBytes, data: EMPTY }
}

describe('tx_root', () => {
  const [a, b, c] = [tx('tx-a', 1n), tx('tx-b', 262144n), tx('tx-c', 0n)]
  const built = buildTxRoot([a, b, c])

  it('agrees with the Erlang node', () => {
    expect(toBase64url(built.root)).toBe('XYRXX2djHYvDBgObk3ZTfuMNfg2YLXQX22Ce7juksK4')
    expect(built.blockBytes).toBe(524288n)
    expect(built.entries.map(({ id, endOffset }) => [id, endOffset])).toEqual([
      [b.id, 262144n],
      [a.id, 262145n],
      [c.id, 524288n],
    ])
    expect(toHex(sha256(built.pathOf(0n)))).toBe('5cf8bf5cb1b55a627f8e3e3a11d4200f25f709f59993240e37c16a165fc307d1')
    expect(built.pathOf(0n)).toHaveLength(256)
    expect(toHex(sha256(built.pathOf(262144n)))).toBe('f7a1bdbb2a7940a2f9923d14e040e9db0a4d7a6aeb86168a870dbba9ecceb75f')
  })

  it('its paths prove the data roots', () => {
    expect(validateTxPath(built.root, 5n, built.blockBytes, built.pathOf(0n))).toEqual({
      startOffset: 0n,
      endOffset: 262144n,
      chunkHash: b.dataRoot,
    })
    expect(validateTxPath(built.root, 262144n, built.blockBytes, built.pathOf(262144n))).toEqual({
      startOffset: 262144n,
      endOffset: 262145n,
      chunkHash: a.dataRoot,
    })
  })

  it('is empty without transactions', () => {
    expect(buildTxRoot([])).toMatchObject({ root: EMPTY, blockBytes: 0n, entries: [] })
  })

  it('format 1 comes first, with the root of its data', () => {
    const old = { ...tx('tx-old', 3n), format: 1 as const, dataRoot: EMPTY, data: utf8('abc') }
    const empty = { ...tx('tx-none', 0n), format: 1 as const }
    expect(orderTransactions([a, old]).map(({ id }) => id)).toEqual([old.id, a.id])
    const entries = buildTxRoot([a, old, empty]).entries
    expect(entries.find(({ id }) => id === old.id)?.dataRoot).toEqual(dataRootOf(utf8('abc'), 'node'))
    expect(entries.find(({ id }) => id === empty.id)?.dataRoot).toHaveLength(32)
  })

  it('every byte of any block is proven, whatever the order given', () => {
    const sizes = fc.array(fc.oneof(fc.bigInt(0n, 1_000_000n), fc.constantFrom(0n, 262144n, 524288n)), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(sizes, (list) => {
        const txs = list.map((size, i) => tx(`tx-${i}`, size))
        const root = buildTxRoot(txs)
        expect(buildTxRoot(txs.toReversed()).root).toEqual(root.root)
        expect(root.blockBytes).toBe(list.reduce((sum, size) => sum + paddedBytes(size), 0n))
        for (const { startOffset, endOffset, dataRoot, dataBytes } of root.entries) {
          if (dataBytes === 0n) continue
          expect(startOffset % 262144n).toBe(0n)
          for (const byte of [startOffset, endOffset - 1n])
            expect(validateTxPath(root.root, byte, root.blockBytes, root.pathOf(startOffset))).toEqual({
              startOffset,
              endOffset,
              chunkHash: dataRoot,
            })
        }
      }),
      { numRuns: 40 },
    )
  })
})
