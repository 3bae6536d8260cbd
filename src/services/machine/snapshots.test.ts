import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idOf, snapshotOf, stateIn } from '../../../test/machine-rig.ts'
import { SNAPSHOT_GAP_MESSAGES_MAX, SNAPSHOTS_KEPT, SNAPSHOTS_UNDER_WAY_MAX } from '../../base/limits.ts'
import { stateHashOf } from '../../guests/snapshot.ts'
import { createMemoryBlobStore } from '../../store/memory/memory-blob-store.ts'
import { createMemoryKvStore } from '../../store/memory/memory-kv-store.ts'
import { Snapshots, surplusSlots } from './snapshots.ts'

function open(): { snapshots: Snapshots; blobCount: () => number } {
  const blobs = createMemoryBlobStore()
  const names = new Set<string>()
  const counted = {
    ...blobs,
    read: blobs.read.bind(blobs),
    put: async (...args: Parameters<typeof blobs.put>) => {
      await blobs.put(...args)
      names.add(args[0])
    },
    delete: async (...args: Parameters<typeof blobs.delete>) => {
      await blobs.delete(...args)
      names.delete(args[0])
    },
  }
  return { snapshots: new Snapshots(createMemoryKvStore(), counted), blobCount: () => names.size }
}

async function read(snapshots: Snapshots, process: ReturnType<typeof idOf>, slot: number): Promise<[number, unknown][]> {
  const found: [number, unknown][] = []
  for await (const snapshot of snapshots.newestFirst(process, slot)) found.push([snapshot.slot, stateIn(snapshot.bytes)['n']])
  return found
}

describe('kept snapshots', () => {
  const [one, two] = [idOf(1), idOf(2)]

  it('are listed newest first, with their hash', async () => {
    const { snapshots } = open()
    for (const slot of [3, 1, 2]) await snapshots.save(one, slot, snapshotOf({ n: slot }))
    const listed = await snapshots.list(one, 2)
    expect(listed.map(({ slot, stateHash }) => [slot, stateHash])).toEqual([
      [2, stateHashOf(snapshotOf({ n: 2 }))],
      [1, stateHashOf(snapshotOf({ n: 1 }))],
    ])
    expect(await snapshots.list(one, -1)).toEqual([])
    expect(await snapshots.list(two)).toEqual([])
  })

  it('share a blob between slots and processes, which goes with the last of them', async () => {
    const { snapshots, blobCount } = open()
    const same = snapshotOf({ n: 'same' })
    await snapshots.save(one, 1, same)
    await snapshots.save(one, 2, same)
    await snapshots.save(two, 7, same)
    expect(blobCount()).toBe(1)
    await snapshots.dropAfter(one, 1)
    expect(await read(snapshots, one, 9)).toEqual([[1, 'same']])
    await snapshots.dropAfter(one, -1)
    expect(await read(snapshots, two, 9)).toEqual([[7, 'same']])
    await snapshots.dropAfter(two, 6)
    expect(blobCount()).toBe(0)
  })

  it('of a slot are replaced', async () => {
    const { snapshots, blobCount } = open()
    await snapshots.save(one, 1, snapshotOf({ n: 'a' }))
    await snapshots.save(one, 1, snapshotOf({ n: 'b' }))
    await snapshots.save(one, 1, snapshotOf({ n: 'b' }))
    expect(await read(snapshots, one, 1)).toEqual([[1, 'b']])
    expect(blobCount()).toBe(1)
  })

  it('survive that others of the same state go at the same time', async () => {
    const { snapshots, blobCount } = open()
    const same = snapshotOf({ n: 0 })
    await snapshots.save(one, 0, same)
    for (let round = 1; round < 20; round++) {
      const [from, to] = round % 2 === 0 ? [two, one] : [one, two]
      await Promise.all([snapshots.dropAfter(from, -1), snapshots.save(to, round, same)])
      expect(await read(snapshots, to, 99)).toEqual([[round, 0]])
    }
    expect(blobCount()).toBe(1)
  })

  it('that look into the past do not push out the newest', async () => {
    const { snapshots } = open()
    for (const slot of [1000, 2000, 3000, 10]) await snapshots.save(one, slot, snapshotOf({ n: slot }))
    expect((await snapshots.list(one)).slice(0, 3).map(({ slot }) => slot)).toEqual([3000, 2000, 1000])
  })

  it('are taken by few processes at once', async () => {
    const { snapshots } = open()
    let running = 0
    let most = 0
    const work = async (): Promise<void> => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      if (most % 2 === 0) throw new Error('fails')
    }
    await Promise.allSettled(Array.from({ length: 50 }, () => snapshots.whenFree(work)))
    expect(most).toBe(SNAPSHOTS_UNDER_WAY_MAX)
    await expect(snapshots.whenFree(async () => 1)).resolves.toBe(1)
  })
})

describe('thinning out', () => {
  function survivors(slots: Iterable<number>): number[] {
    let kept: number[] = []
    for (const slot of slots) {
      kept.push(slot)
      const surplus = new Set(surplusSlots(kept))
      kept = kept.filter((known) => !surplus.has(known))
    }
    return kept
  }

  it('keeps few of many, and bounds what a look at any slot replays', () => {
    const every = 500
    const kept = survivors(Array.from({ length: 2000 }, (_, i) => (i + 1) * every))
    const newest = kept.at(-1)!
    expect(newest).toBe(1_000_000)
    expect(kept.length).toBeLessThan((2 * newest) / SNAPSHOT_GAP_MESSAGES_MAX + 20)
    for (const [i, slot] of kept.entries()) {
      const replayed = slot - (kept[i - 1] ?? -1)
      expect(replayed, `before slot ${slot}`).toBeLessThanOrEqual(Math.max(every + 1, SNAPSHOT_GAP_MESSAGES_MAX))
      expect(replayed, `before slot ${slot}`).toBeLessThanOrEqual(Math.max(every + 1, newest - slot))
    }
  })

  it('never lets go of the newest, nor makes a gap that is too wide, however far apart they were taken', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 200 }), (gaps) => {
        let slot = -1
        const slots = gaps.map((gap) => (slot += gap))
        const kept = survivors(slots)
        expect(kept.slice(-SNAPSHOTS_KEPT)).toEqual(slots.slice(-SNAPSHOTS_KEPT))
        for (const [i, at] of kept.entries()) {
          const gap = at - (kept[i - 1] ?? -1)
          expect(gap).toBeLessThanOrEqual(Math.max(4000, SNAPSHOT_GAP_MESSAGES_MAX))
          expect(gap).toBeLessThanOrEqual(Math.max(4000, (slot - at) / 2 + 4000))
        }
      }),
    )
  })
})
