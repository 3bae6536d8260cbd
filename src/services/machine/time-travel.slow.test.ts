import { describe, expect, it, vi } from 'vitest'
import { ao, idOf, messagesOf, openRig, type Rig, SCHEDULER, stateIn } from '../../../test/machine-rig.ts'
import { verifyRig } from '../../../test/machine-verify.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { HISTORY_OPEN_MAX } from '../../base/limits.ts'
import { systemRandom } from '../../base/random.ts'
import { createDataItem } from '../../codec/data-item.ts'
import type { TextTag } from '../../codec/tags.ts'
import type { GuestMessage } from '../../guests/guest.ts'
import { forkTags } from './fork.ts'

const TRY = { Owner: 'o'.repeat(43), Tags: [{ name: 'Action', value: 'Inc' }] }

async function outputOf(rig: Rig, process: TxId, id: string): Promise<unknown> {
  return (await rig.machine.result(process, id)).output
}

/** The counter after it counted the question. */
async function ask(rig: Rig, process: TxId): Promise<unknown> {
  return outputOf(rig, process, await rig.send(process, 'Inc'))
}

function fork(rig: Rig, of: string, at: number | string, tags: readonly TextTag[] = []): Promise<TxId> {
  return rig.spawn({ tags: [...tags, { name: 'Fork-Of', value: of }, { name: 'Fork-At', value: String(at) }] })
}

function noteTo(receiver: TxId): string {
  return JSON.stringify({ Messages: [{ Target: receiver, Tags: [{ name: 'Action', value: 'Note' }] }] })
}

/** Makes the process send something. */
function note(rig: Rig, process: TxId, receiver: TxId): Promise<TxId> {
  return rig.send(process, 'Do', { data: noteTo(receiver) })
}

async function countKeys(rig: Rig, space: 'log' | 'slots' | 'results' | 'outbox' | 'snapshots'): Promise<number> {
  let found = 0
  for await (const _ of rig.kv.scan(space)) found += 1
  return found
}

async function started(count = 4): Promise<{ rig: Rig; process: TxId }> {
  const rig = await openRig()
  const process = await rig.spawn()
  for (let i = 0; i < count; i++) await ask(rig, process)
  return { rig, process }
}

describe('an earlier state', () => {
  it('is there for every slot, and for the live process nothing happens', async () => {
    const { rig, process } = await started(HISTORY_OPEN_MAX + 3)
    const opened = rig.guests.opened.filter((one) => one.process === process).length
    const slots = Array.from({ length: HISTORY_OPEN_MAX + 4 }, (_, slot) => slot)
    const outputs = await Promise.all(slots.map(async (slot) => (await rig.machine.dryRunAt(process, slot, TRY)).result.Output))
    expect(outputs).toEqual(slots.map((slot) => String(slot + 2)))
    for (const slot of slots) expect(stateIn((await rig.machine.stateAt(process, slot)).bytes)).toEqual({ count: slot + 1 })
    expect(await rig.machine.stateAt(process, 2)).toMatchObject({ last: { slot: 2, height: 7 } })
    expect(rig.guests.opened.filter((one) => one.process === process)).toHaveLength(opened)
    expect(await ask(rig, process)).toBe(String(slots.length + 1))
    expect(await countKeys(rig, 'snapshots')).toBe(0)
    await rig.stop()
  })

  it('begins with the nearest snapshot before it, and leaves out what failed', async () => {
    const { rig, process } = await started(2)
    await rig.machine.snapshot(process)
    await rig.send(process, 'Fail')
    await ask(rig, process)
    const before = rig.guests.evaluations
    expect((await rig.machine.dryRunAt(process, 4, TRY)).result.Output).toBe('5')
    expect(rig.guests.evaluations - before).toBe(1) // Slot 4 alone: the snapshot is of slot 2, and 3 failed.
    expect(stateIn((await rig.machine.stateAt(process, 3)).bytes)).toEqual({ count: 3 })
    await rig.stop()
  })

  it('is computed again when its instance is lost', async () => {
    const { rig, process } = await started(2)
    await rig.machine.dryRunAt(process, 1, TRY)
    const past = rig.guests.opened.at(-1)!.process
    expect(past).not.toBe(process)
    rig.guests.lose(past)
    expect((await rig.machine.dryRunAt(process, 1, TRY)).result.Output).toBe('3')
    await rig.stop()
  })

  it('is named by message, assignment or slot, and refused when there is none', async () => {
    const { rig, process } = await started(2)
    const [, record] = await rig.machine.records(process, { after: -1, upTo: 9, limit: 9 })
    for (const name of ['1', record!.message, record!.assignment]) expect(await rig.machine.slotOf(process, name)).toBe(1)
    expect(await rig.machine.slotOf(process, process)).toBe(0)
    await expect(rig.machine.slotOf(process, '3')).rejects.toMatchObject({ code: 'not-found' })
    await expect(rig.machine.slotOf(process, idOf(3))).rejects.toMatchObject({ code: 'not-found' })
    await expect(rig.machine.dryRunAt(process, 3, TRY)).rejects.toMatchObject({ code: 'not-found' })
    await expect(rig.machine.dryRunAt(idOf(3), 0, TRY)).rejects.toMatchObject({ code: 'process-unknown' })
    await rig.stop()
  })
})

describe('a snapshot on demand', () => {
  it('is of the last slot, also while messages come', async () => {
    const { rig, process } = await started(3)
    expect(await rig.machine.snapshot(process)).toMatchObject({ slot: 3, sizeBytes: expect.any(Number) })
    const sending = Array.from({ length: 100 }, () => rig.send(process, 'Inc'))
    const taken = await Promise.all(Array.from({ length: 5 }, () => rig.machine.snapshot(process)))
    await Promise.all(sending)
    await rig.settled()
    for (const { slot } of taken) expect(slot).toBeGreaterThanOrEqual(3)
    for (const record of await rig.machine.snapshots(process)) {
      const bytes = await rig.machine.snapshotBytes(record)
      expect(stateIn(bytes!)).toEqual({ count: record.slot + 1 })
    }
    expect(await ask(rig, process)).toBe('105')
    await rig.stop()
  })
})

describe('a fork', () => {
  it('begins with the state of its original and goes its own way', async () => {
    const { rig, process } = await started(4)
    const forked = await fork(rig, process, 2)
    expect(await rig.machine.result(forked, forked)).toMatchObject({ slot: 0, kept: false, output: '', gasUsed: 0 })
    expect(await rig.machine.result(forked, forked)).not.toHaveProperty('error')
    expect([await ask(rig, forked), await ask(rig, forked), await ask(rig, process)]).toEqual(['4', '5', '6'])
    await rig.stop()
  })

  it('is the original to its program, under the id that it knows', async () => {
    const { rig, process } = await started(1)
    const forked = await fork(rig, process, 1)
    const env = (await outputOf(rig, forked, await rig.send(forked, 'Env'))) as { Process: { Id: string } }
    expect(env.Process.Id).toBe(process)
    expect(await outputOf(rig, forked, await rig.send(forked, 'Message'))).toMatchObject({ Target: process, Nonce: 2 })
    const dry = await rig.machine.dryRun(forked, { ...TRY, Target: forked, Tags: [{ name: 'Action', value: 'Message' }] })
    expect(dry.result.Output).toMatchObject({ Target: process })
    const past = await rig.machine.dryRunAt(forked, 0, { ...TRY, Tags: [{ name: 'Action', value: 'Message' }] })
    expect(past.result.Output).toMatchObject({ Target: process })
    await rig.stop()
  })

  it('sends in its own name; what it sends to itself does not reach the original', async () => {
    const { rig, process } = await started(1)
    const other = await rig.spawn()
    const forked = await fork(rig, process, 1)
    const before = (await messagesOf(rig, process)).length
    for (const receiver of [process, other]) await note(rig, forked, receiver)
    await rig.settled()
    expect((await messagesOf(rig, process)).length).toBe(before)
    for (const receiver of [forked, other]) {
      const notes = (await messagesOf(rig, receiver)).filter(({ tags }) => tags.some(({ value }) => value === 'Note'))
      expect(notes).toHaveLength(1)
      expect(notes[0]?.tags).toContainEqual({ name: 'From-Process', value: forked })
    }
    await rig.stop()
  })

  it('hears itself under the id that it knows', async () => {
    const rig = await openRig({
      program: (message: GuestMessage, env, state) => {
        const action = (message['Tags'] as TextTag[]).find(({ name }) => name === 'Action')?.value
        if (action === 'Self') state['from'] = message['From']
        if (action === 'Go') return { Messages: [{ Target: env.Process.Id, Tags: [{ name: 'Action', value: 'Self' }] }] }
        return { Output: state['from'] ?? null }
      },
    })
    const process = await rig.spawn()
    const forked = await fork(rig, process, 0)
    await rig.send(forked, 'Go')
    await rig.settled()
    expect(await outputOf(rig, forked, await rig.send(forked, 'Ask'))).toBe(process)
    await rig.stop()
  })

  it('can be forked again, and all of them survive a restart that lost every snapshot', async () => {
    const { rig, process } = await started(3)
    const first = await fork(rig, process, 2)
    await ask(rig, first)
    const second = await fork(rig, first, 1)
    const third = await fork(rig, second, 0)
    expect([await ask(rig, second), await ask(rig, third)]).toEqual(['5', '5'])
    rig.crash()
    for await (const { key } of rig.kv.scan('snapshots')) await rig.kv.write([{ space: 'snapshots', key, value: null }])
    const next = await rig.restart()
    expect([await ask(next, second), await ask(next, third), await ask(next, first), await ask(next, process)]).toEqual([
      '6',
      '6',
      '5',
      '5',
    ])
    const env = (await outputOf(next, third, await next.send(third, 'Env'))) as { Process: { Id: string } }
    expect(env.Process.Id).toBe(process)
    await next.stop()
  })

  it('that was acknowledged and not begun begins after a crash', async () => {
    const { rig, process } = await started(2)
    const opening = vi.spyOn(rig.guests, 'open').mockImplementation(() => new Promise(() => {}))
    const forked = await fork(rig, process, 1)
    rig.crash()
    opening.mockRestore()
    const next = await rig.restart()
    expect(await ask(next, forked)).toBe('3')
    await next.stop()
  })

  it('waits for an original that is busy', async () => {
    const { rig, process } = await started(1)
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    const { promise, resolve } = Promise.withResolvers<void>()
    rig.guests.evaluate = async (id, message) => {
      if (id === process) await promise
      return evaluate(id, message)
    }
    await rig.send(process, 'Inc')
    const forked = await fork(rig, process, 2)
    const begun = rig.machine.result(forked, '0')
    resolve()
    expect(await begun).toMatchObject({ slot: 0 })
    expect(await ask(rig, forked)).toBe('4')
    await rig.stop()
  })

  it.each([
    ['an original that is not here', (_: TxId) => forkTags({ of: idOf(9), at: 0 }), 'process-unknown'],
    ['a slot that is not there yet', (process: TxId) => forkTags({ of: process, at: 2 }), 'request-invalid'],
    ['no slot', (process: TxId) => [{ name: 'Fork-Of', value: process as string }], 'request-invalid'],
    ['no original', () => [{ name: 'Fork-At', value: '0' }], 'request-invalid'],
    [
      'an original that is no id',
      () => [
        { name: 'Fork-Of', value: 'x' },
        { name: 'Fork-At', value: '0' },
      ],
      'request-invalid',
    ],
    [
      'a slot that is no number',
      (process: TxId) => [
        { name: 'Fork-Of', value: process as string },
        { name: 'Fork-At', value: '-1' },
      ],
      'request-invalid',
    ],
  ])('of %s is refused', async (_, tags, code) => {
    const { rig, process } = await started(1)
    await expect(rig.spawn({ tags: tags(process) })).rejects.toMatchObject({ code })
    await rig.stop()
  })

  it('with another module is refused', async () => {
    const { rig, process } = await started(1)
    const other = await createDataItem({ data: 'other', tags: [...ao('Module'), { name: 'Module-Format', value: 'test-1' }] }, rig.user)
    await rig.intake.acceptItem(other.raw)
    const tags = [
      ...ao('Process'),
      ...forkTags({ of: process, at: 0 }),
      { name: 'Scheduler', value: SCHEDULER },
      { name: 'Module', value: other.id },
    ]
    const item = await createDataItem({ data: ' ', tags }, rig.user)
    await expect(rig.intake.acceptItem(item.raw)).rejects.toMatchObject({ code: 'request-invalid', facts: { field: 'Module' } })
    await rig.stop()
  })
})

describe('revert', () => {
  it('goes on from the slot as if nothing had come after it', async () => {
    const { rig, process } = await started(5)
    await rig.machine.snapshot(process)
    const keys = await countKeys(rig, 'slots')
    expect(await rig.machine.revert(process, 2)).toBe(3)
    expect([await countKeys(rig, 'log'), await countKeys(rig, 'results'), await countKeys(rig, 'snapshots')]).toEqual([3, 3, 0])
    expect(await countKeys(rig, 'slots')).toBe(keys - 6)
    await expect(rig.machine.result(process, '3')).rejects.toMatchObject({ code: 'not-found' })
    await expect(rig.machine.dryRunAt(process, 3, TRY)).rejects.toMatchObject({ code: 'not-found' })
    expect((await rig.machine.dryRun(process, TRY)).result.Output).toBe('4')
    expect(await ask(rig, process)).toBe('4')
    expect((await rig.machine.dryRunAt(process, 3, TRY)).result.Output).toBe('5')
    expect(await rig.machine.revert(process, 3)).toBe(0)
    await rig.stop()
  })

  it('is durable, and so is what comes after it', async () => {
    const { rig, process } = await started(5)
    await rig.machine.revert(process, 1)
    rig.crash()
    const next = await rig.restart()
    expect((await next.machine.getHead(process)).slot).toBe(1)
    expect(await ask(next, process)).toBe('3')
    next.crash()
    const last = await next.restart()
    expect(await ask(last, process)).toBe('4')
    await last.stop()
  })

  it('gives a message that is sent again a new slot, whatever is known of it', async () => {
    const { rig, process } = await started(1)
    const tags = [...ao('Message'), { name: 'Action', value: 'Inc' }]
    const { id, raw } = await createDataItem({ data: ' ', tags, target: idBytes(process), anchor: systemRandom.bytes(32) }, rig.user)
    await rig.intake.acceptItem(raw)
    expect(await outputOf(rig, process, id)).toBe('3')
    expect(await rig.intake.acceptItem(raw)).toMatchObject({ id, repeated: true })
    expect((await rig.machine.getHead(process)).slot).toBe(2)
    await rig.machine.revert(process, 0)
    expect(await rig.intake.acceptItem(raw)).toMatchObject({ id, repeated: true })
    expect(await rig.machine.slotOf(process, id)).toBe(1)
    expect(await outputOf(rig, process, id)).toBe('2')
    await rig.stop()
  })

  it('drops what was not sent yet, and sends anew what is made anew', async () => {
    const { rig, process } = await started(1)
    const other = await rig.spawn()
    const accept = rig.intake.acceptItem.bind(rig.intake)
    const { promise, resolve } = Promise.withResolvers<void>()
    const held = vi.spyOn(rig.intake, 'acceptItem').mockImplementation(async (raw, options) => {
      if (options?.trusted === true) await promise
      return accept(raw, options)
    })
    for (let i = 0; i < 70; i++) await note(rig, process, other) // More than are sent at one time.
    await vi.waitFor(async () => expect(await countKeys(rig, 'outbox')).toBe(70))
    const reverted = rig.machine.revert(process, 1)
    await new Promise((done) => setTimeout(done, 50))
    resolve()
    await reverted
    held.mockRestore()
    expect(await countKeys(rig, 'outbox')).toBe(0)
    const sent = (await messagesOf(rig, other)).length
    expect(sent).toBeLessThan(70)
    await note(rig, process, other)
    await rig.settled()
    expect(await messagesOf(rig, other)).toHaveLength(sent + 1)
    await rig.stop()
  })

  it('of two processes that talk gives the same messages new slots in both', async () => {
    const { rig, process } = await started(0)
    const other = await rig.spawn()
    const tags = [...ao('Message'), { name: 'Action', value: 'Do' }]
    const data = noteTo(other)
    const { raw } = await createDataItem({ data, tags, target: idBytes(process), anchor: systemRandom.bytes(32) }, rig.user)
    await rig.intake.acceptItem(raw)
    await rig.settled()
    const [, first] = await messagesOf(rig, other)
    await rig.machine.revert(process, 0)
    await rig.machine.revert(other, 0)
    expect(await messagesOf(rig, other)).toHaveLength(1)
    await rig.intake.acceptItem(raw)
    await rig.settled()
    const [, again] = await messagesOf(rig, other)
    expect(again?.id).toBe(first?.id) // The same item, in a slot again.
    await rig.stop()
  })

  it('while messages pour in leaves a log without gaps, all of it evaluated once', async () => {
    const { rig, process } = await started(10)
    let isSending = true
    const senders = Array.from({ length: 4 }, async () => {
      while (isSending) await rig.send(process, 'Inc')
    })
    for (let i = 0; i < 5; i++) {
      await rig.machine.revert(process, 5)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    isSending = false
    await Promise.all(senders)
    await rig.settled()
    const records = await rig.machine.records(process, { after: -1, upTo: 1e6, limit: 1e6 })
    expect(records.map(({ slot }) => slot)).toEqual(records.map((_, i) => i))
    for (const { slot } of records) expect(await outputOf(rig, process, String(slot))).toBe(String(slot + 1))
    expect(await ask(rig, process)).toBe(String(records.length + 1))
    await rig.stop()
  })

  it('waiting for a result is told that the slot is gone, and waiting for one that stays goes on', async () => {
    const { rig, process } = await started(1)
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    const { promise, resolve } = Promise.withResolvers<void>()
    rig.guests.evaluate = async (...args) => {
      await promise
      return evaluate(...args)
    }
    for (let i = 0; i < 3; i++) await rig.send(process, 'Inc')
    const gone = expect(rig.machine.result(process, '4')).rejects.toMatchObject({ code: 'not-found' })
    const stays = rig.machine.result(process, '2')
    const reverted = rig.machine.revert(process, 2)
    resolve()
    await gone
    expect(await stays).toMatchObject({ output: '3' })
    expect(await reverted).toBe(2)
    await rig.stop()
  })

  it('while earlier states are asked never mixes what was and what is', async () => {
    const rig = await openRig({
      program: (message, _env, state) => {
        state['all'] = [...((state['all'] as unknown[] | undefined) ?? []), message['Data']]
        return {}
      },
    })
    const process = await rig.spawn()
    const say = async (round: string): Promise<void> => {
      await rig.machine.result(process, await rig.send(process, 'Say', { data: round }))
    }
    for (let i = 0; i < 8; i++) await say('first')
    let isAsking = true
    const seen = { states: 0, mixed: [] as unknown[] }
    const askers = Array.from({ length: 4 }, async (_, n) => {
      for (let i = n; isAsking; i++) {
        const slot = 3 + (i % 5)
        const state = await rig.machine.stateAt(process, slot).catch((error: { code?: string }) => error.code)
        if (state === 'not-found') continue
        const all = typeof state === 'object' ? (stateIn(state.bytes)['all'] as unknown[]) : [state]
        seen.states += 1
        if (all.length !== slot + 1 || new Set(all.slice(4)).size > 1) seen.mixed.push(all)
      }
    })
    for (let round = 0; round < 20; round++) {
      await rig.machine.revert(process, 3)
      for (let i = 0; i < 5; i++) await say(`round ${round}`)
    }
    isAsking = false
    await Promise.all(askers)
    expect(seen.mixed).toEqual([])
    expect(seen.states).toBeGreaterThan(20)
    await rig.stop()
  })

  it('that could not be written changes nothing', async () => {
    const { rig, process } = await started(3)
    rig.fail(true)
    await expect(rig.machine.revert(process, 1)).rejects.toMatchObject({ code: 'store-failed' })
    rig.fail(false)
    expect(await ask(rig, process)).toBe('5')
    await rig.stop()
  })

  it('of the slot that a fork begins with is refused', async () => {
    const { rig, process } = await started(5)
    const forked = await fork(rig, process, 3)
    await expect(rig.machine.revert(process, 2)).rejects.toMatchObject({
      code: 'request-invalid',
      message: expect.stringContaining('slot 3'),
    })
    expect(await rig.machine.revert(process, 3)).toBe(2)
    expect([await ask(rig, process), await ask(rig, forked)]).toEqual(['5', '5'])
    await rig.stop()
  })

  it('to what is not there is refused', async () => {
    const { rig, process } = await started(1)
    await expect(rig.machine.revert(process, 2)).rejects.toMatchObject({ code: 'request-invalid' })
    await expect(rig.machine.revert(idOf(1), 0)).rejects.toMatchObject({ code: 'process-unknown' })
    expect(await ask(rig, process)).toBe('3')
    await rig.stop()
  })
})

describe('a crash', () => {
  /** What a developer does in an hour; gives up where the node does. */
  async function play(rig: Rig): Promise<void> {
    const process = await rig.spawn()
    const other = await rig.spawn()
    for (let i = 0; i < 3; i++) await note(rig, process, other)
    await rig.settled()
    await rig.machine.snapshot(process)
    const forked = await fork(rig, process, 2)
    await note(rig, forked, other)
    await ask(rig, forked)
    await ask(rig, process)
    await rig.machine.revert(process, 2)
    await note(rig, process, other)
    const second = await fork(rig, forked, 1)
    await ask(rig, second)
    await rig.machine.revert(forked, 1)
    await ask(rig, forked)
    await rig.settled()
  }

  it('at any write of forks and reverts leaves every process as its log says', async () => {
    let writes = 0
    let left = Number.POSITIVE_INFINITY
    const onWrite = (): void => {
      writes += 1
      left -= 1
      if (left < 0) throw new Error('the power went')
    }
    const whole = await openRig({ onWrite })
    writes = 0
    await play(whole)
    await whole.stop()
    const all = writes
    expect(all).toBeGreaterThan(30)
    for (let at = 0; at < all; at++) {
      left = Number.POSITIVE_INFINITY
      const rig = await openRig({ onWrite })
      left = at
      await play(rig).catch(() => {})
      const next = await rig.restart()
      await next.settled()
      for (const process of await next.machine.processes(null, 100)) {
        const { slot } = await next.machine.getHead(process)
        expect(await next.machine.evaluatedSlot(process), `write ${at}`).toBe(slot)
        const { mismatches } = await verifyRig(next, process)
        expect(mismatches, `write ${at}`).toEqual([])
        expect(stateIn((await next.machine.state(process)).bytes), `write ${at}`).toEqual(
          stateIn((await next.machine.stateAt(process, slot)).bytes),
        )
      }
      await next.stop()
    }
  }, 60_000)
})
