import { describe, expect, it } from 'vitest'
import { ao, idOf } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { createDataItem, type DataItem, type ItemSigner, itemSigner } from '../../codec/data-item.ts'
import { generateKey } from '../../codec/keys.ts'
import type { TextTag } from '../../codec/tags.ts'
import { type AssignmentFields, createAssignment, firstHashChain, nextHashChain } from './assignment.ts'
import { messageOfItem } from './sources.ts'
import { LogVerifier, signedEntries, type VerifiedEntry } from './verify-log.ts'
import type { StoredEntry, VerifySource } from './verify-source.ts'

const keys = Promise.all([generateKey('ed25519'), generateKey('ed25519')])
const CRONS: TextTag[] = [
  { name: 'Cron-Interval', value: '2-seconds' },
  { name: 'Cron-Tag-Action', value: 'Tick' },
  { name: 'Cron-Interval', value: '3-blocks' },
]
const NOBODY = { transaction: async () => null } as unknown as VerifySource

type Slot = Partial<Pick<AssignmentFields, 'timestampMs' | 'height' | 'cron' | 'message'>> & { readonly messageId?: TxId }

/** A log of a process with these slots after slot 0, which is at 10.5 s and height 7; ticks unless they say otherwise. */
async function verified(slots: readonly Slot[], tags: readonly TextTag[] = CRONS): Promise<VerifiedEntry[]> {
  const [scheduler, user] = (await keys).map(itemSigner) as [ItemSigner, ItemSigner]
  const item = await createDataItem({ data: ' ', tags: [...tags, ...ao('Process')] }, user)
  const entries: StoredEntry[] = []
  let last: { assignment: DataItem; hashChain: string } | null = null
  const all: Slot[] = [{ timestampMs: 10_500, height: 7 }, ...slots]
  for (const [slot, { timestampMs = 0, height = 7, cron, message = null, messageId }] of all.entries()) {
    const hashChain: string = last === null ? firstHashChain(item.id) : nextHashChain(last.assignment.id, last.hashChain)
    const fields = { process: item.id, slot, hashChain, height, timestampMs, message, cron, exclude: [] }
    const assignment = createAssignment(fields, scheduler, new Uint8Array(32).fill(slot))
    last = { assignment, hashChain }
    const known = slot === 0 ? { messageId: item.id, message: item.raw } : { messageId: messageId ?? assignment.id, message: null }
    entries.push({ slot, origin: 'o', depth: 3, assignment: assignment.raw, ...known })
  }
  const source = {
    ...NOBODY,
    async *entries() {
      yield* entries
    },
  }
  const log = new LogVerifier(item.id)
  const found: VerifiedEntry[] = []
  for await (const { signed } of signedEntries(item.id, source)) found.push(log.verify(await signed))
  expect(found[0]!.source).toEqual(messageOfItem(item))
  return found
}

describe('ticks in a log', () => {
  it('are verified with the process in place of a message', async () => {
    const [process, ...ticks] = await verified([
      { cron: '0-2-seconds', timestampMs: 12_501 },
      { cron: '0-3-blocks', timestampMs: 13_000, height: 10 },
      { cron: '0-2-seconds', timestampMs: 18_501, height: 11 }, // Some may be missing.
    ])
    expect(ticks.map(({ source }) => source)).toEqual([process!.source, process!.source, process!.source])
    const { record } = ticks[0]!
    expect(record).toMatchObject({
      slot: 1,
      cron: '0-2-seconds',
      message: record.assignment,
      origin: `cron:${record.assignment}`,
      depth: 0,
    })
  })

  it.each<[string, Slot[], string]>([
    ['off their time', [{ cron: '0-2-seconds', timestampMs: 13_501 }], 'not due 3 seconds after'],
    ['twice at a time', [12_501, 12_502].map((timestampMs) => ({ cron: '0-2-seconds', timestampMs })), 'not due 2 seconds after'],
    ['off their block', [{ cron: '0-3-blocks', timestampMs: 12_000, height: 11 }], 'not due 4 blocks after'],
    [
      'twice for a block',
      [12_600, 13_600].map((timestampMs) => ({ cron: '0-3-blocks', timestampMs, height: 10 })),
      'not due 3 blocks after',
    ],
    ['that go back in time', [14_501, 12_501].map((timestampMs) => ({ cron: '0-2-seconds', timestampMs })), 'is not after'],
    [
      'of no cron of the process',
      [{ cron: '0-5-seconds', timestampMs: 15_500 }],
      'no Cron-Interval of the process is known as 0-5-seconds',
    ],
    ['under another id', [{ cron: '0-2-seconds', timestampMs: 12_501, messageId: idOf(3) }], 'known by its assignment'],
    ['that name nothing at all', [{ timestampMs: 12_501, messageId: idOf(3) }], 'is gone'],
  ])('%s are found', async (_, slots, problem) => {
    await expect(verified(slots)).rejects.toThrow(problem)
  })

  it('of a process without crons, or with crons that no scheduler takes, are found', async () => {
    const tick = { cron: '0-2-seconds', timestampMs: 12_501 }
    await expect(verified([tick], [])).rejects.toThrow('the process has no crons')
    await expect(verified([tick], [{ name: 'Cron-Interval', value: '0-seconds' }])).rejects.toThrow('no scheduler takes it')
  })
})
