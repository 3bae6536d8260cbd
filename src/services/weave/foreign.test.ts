import { beforeAll, describe, expect, it } from 'vitest'
import { openTestWeave, signed, wallet } from '../../../test/weave-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { dataRootOf } from '../../codec/data-tree.ts'
import type { SigningKey } from '../../codec/keys.ts'
import { signTransaction, type Transaction } from '../../codec/transaction.ts'
import type { Weave } from './weave.ts'

let bob: SigningKey
beforeAll(() => {
  bob = wallet('bob')
})

function dataOf(bytes: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + seed) & 0xff)
}

/** Of another network: it has an anchor and a fee that mean nothing here. */
function foreign(data: Uint8Array, fields: { format?: 1 | 2; split?: 'client' | 'node' } = {}): Promise<Transaction> {
  const { format = 2, split = 'client' } = fields
  const rest = format === 1 ? { data } : { dataBytes: BigInt(data.length), dataRoot: dataRootOf(data, split) }
  return signTransaction({ format, tags: [], rewardWinston: 1n, lastTx: new Uint8Array(48).fill(9), ...rest }, bob)
}

async function read(weave: Weave, id: TxId, size: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of weave.readData(id, 0, size)) parts.push(part)
  return Buffer.concat(parts)
}

describe('a transaction of another network', () => {
  it.each<[number, 1 | 2, 'client' | 'node']>([
    [0, 2, 'client'],
    [100, 2, 'client'],
    [262_144, 2, 'client'],
    [600_000, 2, 'client'],
    [270_000, 2, 'node'],
    [1000, 1, 'node'],
  ])('with %i bytes in format %i, split as a %s does, is read like any other, after a restart too', async (size, format, split) => {
    const rig = await openTestWeave()
    const data = dataOf(size)
    const tx =
      size === 0
        ? await signTransaction({ format, tags: [], rewardWinston: 1n, quantityWinston: 5n }, bob)
        : await foreign(data, { format, split })
    await rig.weave.acceptForeign(tx, data)
    for (const { weave } of [rig, await rig.reopen()]) {
      expect(await weave.hasData(tx.id)).toBe(true)
      expect(Buffer.compare(await read(weave, tx.id, size), data)).toBe(0)
      expect((await weave.findTransaction(tx.id))?.id).toBe(tx.id)
      expect(await weave.status(tx.id)).toEqual({ kind: 'unknown' })
      expect(weave.pendingIds()).toEqual([])
    }
    expect(rig.events.filter((event) => event.kind === 'row').map(({ row }) => row.id)).toEqual([tx.id])
  })

  it('is in no block, and costs its sender nothing', async () => {
    const { weave } = await openTestWeave()
    const before = weave.account(bob.address)
    const tx = await foreign(dataOf(100))
    await weave.acceptForeign(tx, dataOf(100))
    expect((await weave.seal()).txs).toEqual([])
    expect(weave.account(bob.address)).toEqual(before)
  })

  it('with data that does not give its root leaves nothing', async () => {
    const { weave } = await openTestWeave()
    const tx = await foreign(dataOf(100, 1))
    await expect(weave.acceptForeign(tx, dataOf(100, 2))).rejects.toMatchObject({ code: 'data-split-unknown' })
    expect(await weave.findTransaction(tx.id)).toBe(null)
  })

  it('that could not be written can come again', async () => {
    const rig = await openTestWeave()
    const tx = await foreign(dataOf(300_000))
    rig.failNext()
    await expect(rig.weave.acceptForeign(tx, dataOf(300_000))).rejects.toThrow('the disk is full')
    expect(await rig.weave.findTransaction(tx.id)).toBe(null)
    await rig.weave.acceptForeign(tx, dataOf(300_000))
    expect(await rig.weave.hasData(tx.id)).toBe(true)
  })

  it('tells those who care once that its data is here', async () => {
    const rig = await openTestWeave()
    const told: TxId[] = []
    rig.weave.onDataComplete(async (id) => void told.push(id))
    const data = dataOf(1000)
    const tx = await foreign(data)
    await rig.weave.acceptForeign(tx, data)
    expect(told).toEqual([tx.id])
  })
})

describe('a transaction of this network', () => {
  it('that was fetched before is taken when it is sent', async () => {
    const { weave } = await openTestWeave()
    const data = dataOf(1000)
    const tx = await signed(weave, bob, { data })
    await weave.acceptForeign(tx, data)
    await weave.acceptTransaction(tx)
    expect(await weave.status(tx.id)).toEqual({ kind: 'pending' })
    expect((await weave.seal()).txs).toEqual([tx.id])
    expect(Buffer.compare(await read(weave, tx.id, data.length), data)).toBe(0)
  })

  it('whose chunks are missing gets its data, and stays what it is', async () => {
    const rig = await openTestWeave()
    const { weave } = rig
    const data = dataOf(300_000)
    const tx = await signed(weave, bob, { dataBytes: BigInt(data.length), dataRoot: dataRootOf(data, 'client') })
    await weave.acceptTransaction(tx)
    expect(await weave.hasData(tx.id)).toBe(false)
    const rows = rig.events.length
    await weave.acceptForeign(tx, data)
    expect(await weave.hasData(tx.id)).toBe(true)
    expect(rig.events.length).toBe(rows)
    expect(await weave.status(tx.id)).toEqual({ kind: 'pending' })
  })
})
