import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRig, type Rig, SCHEDULER } from '../../test/machine-rig.ts'
import type { TxId } from '../base/ids.ts'
import { createDataItem, type DataItem } from '../codec/data-item.ts'
import type { TextTag } from '../codec/tags.ts'

let rig: Rig
let made = 0

beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.stop())

const ao = (type: string): TextTag[] => [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Type', value: type },
]

function processItem(size = 1): Promise<DataItem> {
  const tags = [
    ...ao('Process'),
    { name: 'Module', value: rig.module },
    { name: 'Scheduler', value: SCHEDULER },
    { name: 'N', value: `${made++}` },
  ]
  return createDataItem({ data: 'x'.repeat(size), tags }, rig.user)
}

async function slots(process: TxId): Promise<number> {
  return ((await rig.machine.findHead(process))?.slot ?? -1) + 1
}

describe('an item that was fetched to be read', () => {
  it.each([
    ['small', 1],
    ['large', 2_000_000],
  ])('is stored and not run; sent later, it is (%s)', async (_what, size) => {
    const item = await processItem(size)
    await rig.intake.acceptForeign(item)
    expect(Buffer.compare((await rig.archive.itemRaw(item.id, 10_000_000))!, item.raw)).toBe(0)
    expect(await slots(item.id)).toBe(0)
    const body = (async function* () {
      yield item.raw
    })()
    expect((await rig.intake.acceptStream(body, item.raw.length)).repeated).toBe(false)
    expect(await slots(item.id)).toBe(1)
    expect((await rig.intake.acceptItem(item.raw)).repeated).toBe(true)
    await rig.intake.acceptForeign(item)
    expect((await rig.intake.acceptItem(item.raw)).repeated, 'what was sent stays so').toBe(true)
    expect(await slots(item.id)).toBe(1)
  })

  it('at the very time when it is sent, runs once', async () => {
    for (let round = 0; round < 40; round++) {
      const item = await processItem()
      const wait = async (turns: number): Promise<void> => {
        for (let i = 0; i < turns; i++) await Promise.resolve()
      }
      await Promise.all([
        wait(round).then(() => rig.intake.acceptForeign(item)),
        wait(40 - round).then(() => rig.intake.acceptItem(item.raw)),
        rig.intake.acceptItem(item.raw),
      ])
      const head = await rig.machine.findHead(item.id)
      expect(head?.slot, `round ${round}`).toBe(0)
      await rig.intake.acceptItem(item.raw)
      expect(await rig.machine.findHead(item.id), 'sending it again changes nothing').toEqual(head)
    }
  })
})
