import { describe, expect, it } from 'vitest'
import { openTestWeave, signed, type TestWeave, testData, wallet } from '../../../test/weave-rig.ts'
import { equalBytes, toBase64url } from '../../base/bytes.ts'
import { type Address, idBytes } from '../../base/ids.ts'
import { AccountTrie } from '../../codec/account-trie.ts'
import { hasHonestMints, verifyBlock } from '../../codec/block.ts'
import { blockToJson } from '../../codec/block-json.ts'
import { nextHashListMerkle } from '../../codec/hash-list-merkle.ts'
import { buildTxRoot } from '../../codec/tx-root.ts'
import { inflation } from '../../rules/inflation.ts'
import { SPACES } from '../../store/kv-store.ts'
import { devGenesis, genesisBlock, parseGenesis } from './genesis.ts'
import type { Weave } from './weave.ts'

const [alice, bob, carol, dave, erin] = (['alice', 'bob', 'carol', 'dave', 'erin'] as const).map((name) => wallet(name)) as [
  ReturnType<typeof wallet>,
  ReturnType<typeof wallet>,
  ReturnType<typeof wallet>,
  ReturnType<typeof wallet>,
  ReturnType<typeof wallet>,
]
const stranger = toBase64url(new Uint8Array(32).fill(7)) as Address

const balance = (weave: Weave, address: Address): bigint => weave.account(address)?.balanceWinston ?? 0n

/** Everything in the store, but for blocks that left the chain. */
async function dump({ kv }: TestWeave): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const space of SPACES.filter((name) => name !== 'blocks'))
    for await (const { key, value } of kv.scan(space)) all[`${space} ${toBase64url(key)}`] = toBase64url(value)
  return all
}

describe('genesis', () => {
  it('is the same block on every node', async () => {
    const { weave, events } = await openTestWeave()
    expect(weave.height()).toBe(0)
    expect(weave.tip().indepHash).toBe(genesisBlock(devGenesis()).indepHash)
    expect(JSON.parse((await weave.blockJson(weave.tip().indepHash))!)).toEqual(blockToJson(genesisBlock(devGenesis())))
    expect(weave.totalSupply()).toBe(5n * 10n ** 18n)
    expect(events).toEqual([{ kind: 'block', block: expect.objectContaining({ height: 0, previous: '', txIds: [] }) }])
  })

  it('with senseless parameters is refused', () => {
    const good = { network: 'n', timestampS: 1, pricePerGibMinute: '1', kryderPlusRateMultiplier: 1, rewardLockBlocks: 1, allocations: {} }
    expect(parseGenesis(good)).toMatchObject({ network: 'n', allowsMint: false })
    const changes = [{ network: '' }, { network: 'a b' }, { timestampS: -1 }, { pricePerGibMinute: '-1' }, { kryderPlusRateMultiplier: 0 }]
    const more = [{ rewardLockBlocks: 0 }, { rewardLockBlocks: 51 }, { allocations: { x: '1' } }, { allocations: { [stranger]: '-1' } }]
    for (const change of [...changes, ...more]) expect(() => parseGenesis({ ...good, ...change }), JSON.stringify(change)).toThrowError()
  })

  it('of another network is refused', async () => {
    const one = await openTestWeave()
    await expect(one.reopen({ genesis: { ...devGenesis(), network: 'other' } })).rejects.toMatchObject({ code: 'config-invalid' })
  })
})

describe('a block', () => {
  it('carries roots, proofs and a signature that anyone can compute again', async () => {
    const { weave } = await openTestWeave()
    const txs = [
      await signed(weave, alice, { data: testData(300_000) }),
      await signed(weave, bob, { data: testData(10), format: 1 }),
      await signed(weave, erin, { target: idBytes(stranger), quantityWinston: 3n }),
    ]
    for (const tx of txs) await weave.acceptTransaction(tx)
    await weave.mint(carol.address, 17n)
    const parent = weave.tip()
    const block = await weave.seal()
    expect(await verifyBlock(block)).toBe(true)
    expect(hasHonestMints(block)).toBe(true)
    expect(block.mints).toEqual([{ address: carol.address, quantityWinston: 17n }])
    expect(block).toMatchObject({ height: 1, previousBlock: parent.indepHash, txs: txs.map(({ id }) => id), rewardAddress: dave.address })
    const root = buildTxRoot(txs)
    expect(block.txRoot).toEqual(root.root)
    expect([block.blockBytes, block.weaveBytes]).toEqual([root.blockBytes, root.blockBytes])
    expect(block.hashListMerkle).toEqual(nextHashListMerkle(parent))
    const accounts = weave.accountsFrom(null, 100).map(({ address, account }) => [address, account] as const)
    expect(toBase64url(AccountTrie.of(accounts).root())).toBe(toBase64url(block.walletList))
    expect(JSON.parse((await weave.blockJson(block.indepHash))!)).toEqual(blockToJson(block))
    expect(blockToJson(block)).toMatchObject({ mints: [{ address: carol.address, quantity: '17' }] })
  })

  it('keeps every winston: balances, endowment and locked rewards are genesis, inflation, mints and debt', async () => {
    const { weave, clock } = await openTestWeave()
    let minted = 0n
    for (let height = 1; height <= 15; height++) {
      await weave.acceptTransaction(
        await signed(weave, alice, { data: testData(height * 1000), target: idBytes(bob.address), quantityWinston: 5n }),
      )
      if (height % 4 === 0) minted += BigInt(height)
      if (height % 4 === 0) await weave.mint(stranger, BigInt(height))
      clock.advance(1500)
      const block = await weave.seal()
      const created = Array.from({ length: height }, (_, i) => inflation(i + 1)).reduce((a, b) => a + b, 5n * 10n ** 18n)
      const held = weave.totalSupply() + block.rewardPoolWinston + weave.reservedRewards(null)
      expect(held, `height ${height}`).toBe(created + minted + block.debtSupplyWinston)
    }
    expect(weave.reservedRewards(dave.address)).toBe(weave.reservedRewards(null))
    expect(balance(weave, dave.address)).toBeGreaterThan(10n ** 18n)
  })

  it('is found by the time at which it was made, however long ago', async () => {
    const { weave, clock } = await openTestWeave()
    const made: number[] = [await weave.blockTimeMs(0)]
    for (let height = 1; height <= 130; height++) {
      clock.advance(height % 3 === 0 ? 0 : 2_000)
      made.push((await weave.seal()).timestampS * 1_000)
    }
    for (const [height, madeMs] of made.entries()) {
      expect(await weave.blockTimeMs(height)).toBe(madeMs)
      const last = made.lastIndexOf(madeMs)
      expect(await weave.heightAt(madeMs), `height ${height}`).toBe(last)
      expect(await weave.heightAt(madeMs + 999), `height ${height}`).toBe(last)
    }
    expect(await weave.heightAt(made[0]! - 1)).toBe(0)
    await expect(weave.blockTimeMs(131)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('never goes back in time', async () => {
    const { weave, clock } = await openTestWeave()
    const first = await weave.seal()
    clock.advance(-60_000)
    expect((await weave.seal()).timestampS).toBe(first.timestampS)
  })
})

describe('taking the tip back', () => {
  it('restores exactly what was before, and the same block can be sealed again', async () => {
    const test = await openTestWeave()
    const { weave } = test
    await weave.acceptTransaction(await signed(weave, alice, { data: testData(5000) }))
    await weave.seal()
    await weave.acceptTransaction(await signed(weave, alice, { data: testData(70_000) }))
    await weave.acceptTransaction(await signed(weave, bob, { target: idBytes(stranger), quantityWinston: 4n }))
    await weave.mint(stranger, 99n)
    const before = await dump(test)
    const block = await weave.seal()
    expect(await weave.status(block.txs[0]!)).toMatchObject({ kind: 'included', height: 2, confirmations: 1 })
    expect((await weave.unseal()).indepHash).toBe(block.indepHash)
    const after = await dump(test)
    const withoutPlaces = (all: Record<string, string>) => Object.entries(all).filter(([key]) => !key.startsWith('mempool'))
    expect(withoutPlaces(after)).toEqual(withoutPlaces(before))
    expect(weave.pendingIds()).toEqual(block.txs)
    expect([weave.height(), balance(weave, stranger)]).toEqual([1, 103n])
    expect(test.events.at(-1)).toEqual({ kind: 'unblock', hash: block.indepHash })
    expect((await weave.seal()).indepHash).toBe(block.indepHash)
  })

  it('puts transactions in front of those that came later', async () => {
    const { weave, ...test } = await openTestWeave()
    const first = await signed(weave, alice, { target: idBytes(stranger), quantityWinston: 50n })
    await weave.acceptTransaction(first)
    await weave.seal()
    const later = await signed(weave, bob, { data: testData(9), lastTx: idBytes((await weave.hashAt(0))!) })
    await weave.acceptTransaction(later)
    await weave.unseal()
    expect(weave.pendingIds()).toEqual([first.id, later.id])
    expect((await test.reopen()).weave.pendingIds()).toEqual([first.id, later.id])
  })

  it('stops at genesis', async () => {
    const { weave } = await openTestWeave()
    await expect(weave.unseal()).rejects.toMatchObject({ code: 'not-allowed' })
  })
})

describe('the mempool', () => {
  it('lets money be spent in the block that brings it', async () => {
    const { weave } = await openTestWeave()
    const poor = erin
    await weave.setBalance(poor.address, 0n)
    await weave.acceptTransaction(await signed(weave, alice, { target: idBytes(poor.address), quantityWinston: 10n ** 12n }))
    await weave.acceptTransaction(await signed(weave, poor, { data: testData(3) }))
    expect((await weave.seal()).txs).toHaveLength(2)
  })

  it('lets only one of two transactions spend the same money, however close they come', async () => {
    const { weave } = await openTestWeave()
    const all = balance(weave, alice.address)
    const fee = weave.price(0n, null)
    const spends = await Promise.all(
      [0, 1].map((i) => signed(weave, alice, { target: idBytes([bob, carol][i]!.address), quantityWinston: all - fee })),
    )
    const outcomes = await Promise.allSettled(spends.map((tx) => weave.acceptTransaction(tx)))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'overspend' } })
    expect(balance(weave, alice.address)).toBe(0n)
    expect((await weave.seal()).txs).toHaveLength(1)
  })

  it('takes a transaction once, also when it comes twice at the same time or after its block', async () => {
    const { weave } = await openTestWeave()
    const tx = await signed(weave, alice, { data: testData(1000) })
    const outcomes = await Promise.allSettled([weave.acceptTransaction(tx), weave.acceptTransaction(tx)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(weave.acceptTransaction(tx)).rejects.toMatchObject({ code: 'already-known', facts: { where: 'mempool' } })
    await weave.seal()
    await expect(weave.acceptTransaction(tx)).rejects.toMatchObject({ code: 'already-known', facts: { where: 'weave' } })
  })

  it('keeps nothing of a transaction whose commit failed', async () => {
    const test = await openTestWeave()
    const { weave } = test
    const before = await dump(test)
    const tx = await signed(weave, alice, { data: testData(1000), target: idBytes(stranger), quantityWinston: 1n })
    test.failNext()
    await expect(weave.acceptTransaction(tx)).rejects.toThrow('the disk is full')
    expect(await dump(test)).toEqual(before)
    expect([balance(weave, stranger), await weave.status(tx.id)]).toEqual([0n, { kind: 'unknown' }])
    await weave.acceptTransaction(tx)
    expect(balance(weave, stranger)).toBe(1n)
  })

  it('is the same after a restart', async () => {
    const test = await openTestWeave()
    const { weave } = test
    await weave.mint(stranger, 12345678901234567890n)
    await weave.acceptTransaction(await signed(weave, alice, { data: testData(100), format: 1 }))
    await weave.acceptTransaction(await signed(weave, erin, { target: idBytes(bob.address), quantityWinston: 8n }))
    const again = (await test.reopen()).weave
    expect(again.pendingIds()).toEqual(weave.pendingIds())
    for (const address of [alice.address, bob.address, erin.address, stranger])
      expect(balance(again, address)).toBe(balance(weave, address))
    expect((await again.seal()).txs).toHaveLength(2)
  })

  it('drops a transaction whose anchor grew too old, with all that it left', async () => {
    const { weave, ...test } = await openTestWeave()
    const tx = await signed(weave, alice, { data: testData(3), target: idBytes(stranger), quantityWinston: 2n })
    for (let i = 0; i < 49; i++) await weave.seal()
    await weave.acceptTransaction(tx)
    await weave.drop(tx.id)
    expect(test.events.at(-1)).toEqual({ kind: 'drop', id: tx.id })
    expect([await weave.findTransaction(tx.id), balance(weave, stranger)]).toEqual([null, 0n])
    await weave.seal()
    await expect(weave.acceptTransaction(tx)).rejects.toMatchObject({ code: 'anchor-unknown' })
  })

  it('drops at the next block what a block taken back made impossible', async () => {
    const { weave, ...test } = await openTestWeave()
    await weave.setBalance(erin.address, 0n)
    const funding = await signed(weave, alice, { target: idBytes(erin.address), quantityWinston: 10n ** 12n })
    await weave.acceptTransaction(funding)
    await weave.seal()
    const spending = await signed(weave, erin, { data: testData(3) })
    await weave.acceptTransaction(spending)
    await weave.unseal()
    await weave.drop(funding.id)
    expect((await weave.seal()).txs).toEqual([])
    expect(test.events).toContainEqual({ kind: 'drop', id: spending.id })
    expect(await weave.status(spending.id)).toEqual({ kind: 'unknown' })
  })
})

describe('anchors', () => {
  it('are the last transaction of the wallet once, or a block of the last fifty', async () => {
    const { weave } = await openTestWeave()
    const send = async (lastTx: Uint8Array) => weave.acceptTransaction(await signed(weave, alice, { data: testData(1), lastTx }))
    const first = await signed(weave, alice, { data: testData(1), lastTx: new Uint8Array(0) })
    await weave.acceptTransaction(first)
    await expect(send(idBytes(first.id))).rejects.toMatchObject({ code: 'anchor-in-mempool' })
    await expect(
      weave.acceptTransaction(await signed(weave, alice, { data: testData(2), lastTx: new Uint8Array(0) })),
    ).rejects.toMatchObject({
      code: 'anchor-unknown',
    })
    await weave.seal()
    await send(idBytes(first.id))
    await expect(send(new Uint8Array(48))).rejects.toMatchObject({ code: 'anchor-unknown' })
  })
})

describe('prices', () => {
  it('follow the formula, and a new account costs more', async () => {
    const { weave } = await openTestWeave()
    expect([0n, 1n, 262_144n, 262_145n].map((bytes) => weave.price(bytes, null))).toEqual([2238209n, 185021129n, 185021129n, 367804049n])
    expect(weave.price(0n, stranger) - weave.price(0n, null)).toBe(13945230104n)
    expect(weave.price(0n, alice.address)).toBe(weave.price(0n, null))
  })

  it('must be paid, also for the new account', async () => {
    const { weave } = await openTestWeave()
    const tx = await signed(weave, alice, { target: idBytes(stranger), quantityWinston: 1n, rewardWinston: weave.price(0n, null) })
    await expect(weave.acceptTransaction(tx)).rejects.toMatchObject({ code: 'fee-too-low' })
    expect(weave.rejection(tx.id)).toEqual(['tx_too_cheap'])
  })
})

describe('minting', () => {
  it('is exact, durable, spendable at once, and takes money away to set a balance', async () => {
    const test = await openTestWeave()
    const { weave } = test
    expect(await weave.mint(stranger, 9007199254740993n)).toBe(9007199254740993n)
    expect(await weave.mint(stranger, 1n)).toBe(9007199254740994n)
    expect(weave.height()).toBe(0)
    await weave.setBalance(stranger, 5n)
    expect(balance((await test.reopen()).weave, stranger)).toBe(5n)
    await weave.seal()
    await weave.setBalance(alice.address, 1000n)
    const block = await weave.seal()
    expect(block.mints).toEqual([{ address: alice.address, quantityWinston: 1000n - 10n ** 18n }])
    expect(hasHonestMints(block)).toBe(true)
    expect(balance((await test.reopen()).weave, alice.address)).toBe(1000n)
    expect(equalBytes(weave.tip().walletList, block.walletList)).toBe(true)
  })
})

describe('sealing by itself', () => {
  it('follows soon after a transaction in auto mode, and not without one', async () => {
    const { weave } = await openTestWeave({ sealing: { mode: 'auto', delayMs: 5 } })
    const sealed = new Promise<number>((resolve) => weave.onSealed((block) => resolve(block.height)))
    await weave.acceptTransaction(await signed(weave, alice, { data: testData(1) }))
    expect(await sealed).toBe(1)
    await weave.stop()
    await expect(weave.acceptTransaction(await signed(weave, alice, { data: testData(2) }))).rejects.toMatchObject({ code: 'stopping' })
  })

  it('comes before the acknowledgement in instant mode', async () => {
    const { weave } = await openTestWeave({ sealing: { mode: 'instant' } })
    const tx = await signed(weave, alice, { data: testData(1) })
    await weave.acceptTransaction(tx)
    expect(await weave.status(tx.id)).toMatchObject({ kind: 'included', height: 1 })
    await weave.stop()
  })
})
