import { describe, expect, it, vi } from 'vitest'
import { ao, idOf, messagesOf, openRig, type Rig, rowTags, SCHEDULER } from '../../../test/machine-rig.ts'
import { HeddleError } from '../../base/errors.ts'
import { idBytes, type TxId } from '../../base/ids.ts'
import { PUSH_DEPTH_MAX, PUSH_FANOUT_MAX } from '../../base/limits.ts'
import { createDataItem } from '../../codec/data-item.ts'
import { findTag, type TextTag } from '../../codec/tags.ts'
import { outboxKey } from './records.ts'

const tag = (name: string, value: unknown): { name: string; value: unknown } => ({ name, value })
const ANCHOR = '0'.repeat(31).concat('7')
const answer = (result: object): { data: string } => ({ data: JSON.stringify(result) })
const tagsAsText = (tags: readonly TextTag[]): string => tags.map(({ name, value }) => `${name}=${value}`).join(' ')

async function two(): Promise<{ rig: Rig; a: TxId; b: TxId }> {
  const rig = await openRig()
  return { rig, a: await rig.spawn(), b: await rig.spawn() }
}

describe('pushed messages', () => {
  it('carry where they come from, whatever the program wrote there', async () => {
    const { rig, a, b } = await two()
    const Tags = [
      tag('Data-Protocol', 'ao'),
      tag('Variant', 'ao.TN.1'),
      tag('Type', 'Message'),
      tag('Reference', 7),
      tag('Flag', true),
      tag('From-Process', b),
      tag('Pushed-For', b),
      tag('Gone', null),
    ]
    const cause = await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Data: 'hi', Anchor: ANCHOR, Tags }] }))
    await rig.settled()
    const [, message] = await messagesOf(rig, b)
    expect(tagsAsText(message!.tags)).toBe(
      `Variant=ao.TN.1 Reference=7 Flag=true Data-Protocol=ao Type=Message From-Process=${a} From-Module=${rig.module} Pushed-For=${cause}`,
    )
    expect(message!.data).toBe('hi')
    const row = (await rig.rows()).find(({ id }) => id === message!.id)
    expect(row).toMatchObject({ target: b, ownerAddress: rig.machine.units.authority })
    expect(Buffer.from(row!.anchor).toString()).toBe(ANCHOR)
    await rig.stop()
  })

  it('keep the id of the first cause all along', async () => {
    const { rig, a, b } = await two()
    const cause = await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Tags: [tag('Action', 'Ping')] }] }))
    await rig.settled()
    const pong = (await messagesOf(rig, a)).at(-1)!
    expect(findTag(pong.tags, 'Action')).toBe('Pong')
    expect(findTag(pong.tags, 'From-Process')).toBe(b)
    expect(findTag(pong.tags, 'Pushed-For')).toBe(cause)
    await rig.stop()
  })

  it('to a wallet are stored and indexed, not scheduled', async () => {
    const { rig, a } = await two()
    const wallet = idOf(77)
    await rig.send(a, 'Do', answer({ Messages: [{ Target: wallet, Data: 'coins', Tags: [tag('Action', 'Credit-Notice')] }] }))
    await rig.settled()
    const row = (await rig.rows()).find(({ target }) => target === wallet)
    expect(findTag(rowTags(row!), 'From-Process')).toBe(a)
    expect(await rig.machine.processOf(row!.id)).toBe(null)
    await rig.stop()
  })

  it('take their slots in the order in which they were sent, however long each look-up takes', async () => {
    const { rig, a, b } = await two()
    const get = rig.kv.get.bind(rig.kv)
    let calls = 0
    rig.kv.get = async (space, key) => {
      await new Promise((resolve) => setTimeout(resolve, (calls++ * 7) % 5))
      return get(space, key)
    }
    const send = (names: string[]): Promise<TxId> =>
      rig.send(a, 'Do', answer({ Messages: names.map((name) => ({ Target: b, Tags: [tag('Name', name)] })) }))
    const first = Array.from({ length: 100 }, (_, i) => `first ${i}`)
    const second = Array.from({ length: 100 }, (_, i) => `second ${i}`)
    await send(first)
    await send(second)
    await rig.settled()
    const names = (await messagesOf(rig, b)).slice(1).map(({ tags }) => findTag(tags, 'Name'))
    expect(names).toEqual([...first, ...second])
    await rig.stop()
  })

  it('made twice with the same anchor count once', async () => {
    const { rig, a, b } = await two()
    const message = { Target: b, Anchor: 'x'.repeat(32), Tags: [] }
    await rig.send(a, 'Do', answer({ Messages: [message, message, { ...message, Data: 'other' }] }))
    await rig.settled()
    expect((await messagesOf(rig, b)).length).toBe(3)
    await rig.stop()
  })

  it('can be assigned to further processes', async () => {
    const { rig, a, b } = await two()
    const c = await rig.spawn()
    await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Tags: [tag('Action', 'Hello'), tag('Assignments', [c])] }] }))
    await rig.settled()
    const [, hello] = await messagesOf(rig, b)
    expect((await messagesOf(rig, c)).at(-1)!.id).toBe(hello!.id)
    expect(findTag(hello!.tags, 'Assignments')).toBe(undefined)
    await rig.stop()
  })
})

describe('spawns', () => {
  it('become processes, and the spawner is told which', async () => {
    const { rig, a } = await two()
    const Tags = [
      tag('Data-Protocol', 'ao'),
      tag('Variant', 'ao.TN.1'),
      tag('Type', 'Process'),
      tag('Module', rig.module),
      tag('Reference', 4),
      tag('Name', 'child'),
    ]
    const cause = await rig.send(a, 'Do', answer({ Spawns: [{ Data: 'NODATA', Tags }] }))
    await rig.settled()
    const told = (await messagesOf(rig, a)).at(-1)!
    expect(findTag(told.tags, 'Action')).toBe('Spawned')
    expect(findTag(told.tags, 'Reference')).toBe('4')
    expect(findTag(told.tags, 'From-Process')).toBe(a)
    const child = findTag(told.tags, 'Process') as TxId
    const [born] = await messagesOf(rig, child)
    expect(tagsAsText(born!.tags)).toBe(
      `Variant=ao.TN.1 Module=${rig.module} Reference=4 Name=child Scheduler=${SCHEDULER} Data-Protocol=ao Type=Process From-Process=${a} From-Module=${rig.module} Pushed-For=${cause}`,
    )
    expect((await rig.machine.result(child, child)).output).toBe('1')
    await rig.stop()
  })

  it('of a module that is not here are named in the result', async () => {
    const { rig, a } = await two()
    const id = await rig.send(a, 'Do', answer({ Spawns: [{ Tags: [tag('Module', idOf(5))] }, { Tags: [] }] }))
    await rig.settled()
    const { undelivered } = await rig.machine.result(a, id)
    expect(undelivered).toEqual([
      { index: 1, reason: 'the spawn names no Module' },
      { index: 0, reason: expect.stringContaining(idOf(5)) },
    ])
    expect((await rig.machine.getHead(a)).slot).toBe(1)
    await rig.stop()
  })
})

describe('assignments', () => {
  it('give other processes a slot for what is stored here', async () => {
    const { rig, a, b } = await two()
    const note = await createDataItem({ data: 'note', tags: [{ name: 'Action', value: 'Message' }] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    await rig.send(a, 'Do', answer({ Assignments: [{ Processes: [a, b], Message: note.id, Exclude: ['Data'] }] }))
    await rig.settled()
    for (const process of [a, b]) {
      const { output } = await rig.machine.result(process, note.id)
      expect(output, process).toMatchObject({ Id: note.id })
      expect(output).not.toHaveProperty('Data')
    }
    await rig.stop()
  })

  it('reach those that they can, and the rest is named', async () => {
    const { rig, a, b } = await two()
    const note = await createDataItem({ data: 'note', tags: [] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    const id = await rig.send(a, 'Do', answer({ Assignments: [{ Processes: [idOf(8), 'no id', b], Message: note.id }] }))
    await rig.settled()
    expect((await messagesOf(rig, b)).at(-1)!.id).toBe(note.id)
    expect((await rig.machine.result(a, id)).undelivered).toEqual([
      { index: 0, reason: expect.stringContaining('"no id", which is no process id') },
      { index: 0, reason: expect.stringMatching(`1 of 2 assignments failed: .*${idOf(8)}`) },
    ])
    await rig.stop()
  })

  it('come by themselves of a process that is addressed to another one, once', async () => {
    const rig = await openRig()
    const a = await rig.spawn()
    const item = await createDataItem(
      {
        data: ' ',
        target: idBytes(a),
        tags: [...ao('Process'), { name: 'Module', value: rig.module }, { name: 'Scheduler', value: SCHEDULER }],
      },
      rig.user,
    )
    for (let i = 0; i < 2; i++) await rig.intake.acceptItem(item.raw)
    expect((await messagesOf(rig, a)).map(({ id }) => id)).toEqual([a, item.id])
    expect(await rig.machine.findRecord(a, 1)).toMatchObject({ origin: item.id, depth: 1, cause: `${item.id}/0` })
    expect((await rig.machine.result(item.id, '0')).output).toBe('1')
    await rig.stop()
  })

  it('of what is unknown are named in the result', async () => {
    const { rig, a, b } = await two()
    const id = await rig.send(
      a,
      'Do',
      answer({
        Assignments: [
          { Processes: [b], Message: idOf(5) },
          { Processes: [], Message: idOf(5) },
        ],
      }),
    )
    await rig.settled()
    const { undelivered } = await rig.machine.result(a, id)
    expect(undelivered.map(({ index }) => index).sort()).toEqual([0, 1])
    await rig.stop()
  })
})

describe('what cannot be sent', () => {
  it('stays in the result with its reason, and the rest is sent', async () => {
    const { rig, a, b } = await two()
    const Messages = [
      { Target: 'not an id', Tags: [] },
      { Target: b, Tags: [tag('Table', { a: 1 })] },
      { Target: b, Tags: 'no list' },
      { Target: b, Tags: [{ value: 'nameless' }] },
      { Target: b, Tags: {}, Data: 'sent' },
      { Target: b, Tags: Array.from({ length: 60 }, (_, i) => tag(`Tag-${i}`, 'x'.repeat(90))) },
    ]
    const id = await rig.send(a, 'Do', answer({ Messages }))
    await rig.settled()
    const { undelivered, messages } = await rig.machine.result(a, id)
    expect(messages.length).toBe(6)
    expect(undelivered.map(({ index, reason }) => `${index}: ${reason}`).sort()).toEqual([
      expect.stringContaining('0: Target "not an id" is not an id'),
      expect.stringContaining('1: tag Table holds a table'),
      expect.stringContaining('2: Tags "no list" is not a list'),
      expect.stringContaining('3: tag {"value":"nameless"} has no name'),
      expect.stringContaining('5: '),
    ])
    expect((await messagesOf(rig, b)).map(({ data }) => data)).toEqual([' ', 'sent'])
    await rig.stop()
  })

  it('is cut where a result sends too much', async () => {
    const { rig, a, b } = await two()
    const Messages = Array.from({ length: PUSH_FANOUT_MAX + 3 }, (_, i) => ({ Target: b, Data: String(i), Tags: [] }))
    const id = await rig.send(a, 'Do', answer({ Messages }))
    await rig.settled()
    const { undelivered } = await rig.machine.result(a, id)
    expect(undelivered.map(({ index }) => index)).toEqual([0, 1, 2].map((i) => PUSH_FANOUT_MAX + i))
    expect((await rig.machine.getHead(b)).slot).toBe(PUSH_FANOUT_MAX)
    await rig.stop()
  })

  it('is cut where processes send to each other without end', async () => {
    const { rig, a, b } = await two()
    await rig.send(a, 'Bounce', { data: b })
    await rig.settled()
    const slots = [(await rig.machine.getHead(a)).slot, (await rig.machine.getHead(b)).slot]
    expect(slots[0]! + slots[1]!).toBe(PUSH_DEPTH_MAX + 1)
    const last = await rig.machine.result(slots[0]! > slots[1]! ? a : b, String(Math.max(...slots)))
    expect(last.undelivered).toEqual([{ index: 0, reason: expect.stringContaining(`${PUSH_DEPTH_MAX} pushes deep`) }])
    await rig.stop()
  })
})

it('what the node itself was in the way of is sent later, once', async () => {
  const { rig, a, b } = await two()
  const accept = rig.intake.acceptItem.bind(rig.intake)
  let refusals = 0
  rig.intake.acceptItem = async (raw, options) => {
    if (options?.trusted === true && refusals < 2) {
      refusals += 1
      throw new HeddleError('store-failed', { what: 'test' }, 'disk full')
    }
    return accept(raw, options)
  }
  const Messages = ['one', 'two', 'three'].map((Data) => ({ Target: b, Data, Tags: [] }))
  await rig.machine.result(a, await rig.send(a, 'Do', answer({ Messages })))
  await vi.waitFor(async () => expect((await messagesOf(rig, b)).length).toBe(4), { timeout: 5_000 })
  expect((await messagesOf(rig, b)).map(({ data }) => data).sort()).toEqual([' ', 'one', 'three', 'two'])
  await rig.settled()
  expect((await rig.machine.result(a, '1')).undelivered).toEqual([])
  await rig.stop()
})

describe('an entry that was not delivered', () => {
  it('is delivered when somebody asks for it and it can be, once', async () => {
    const { rig, a } = await two()
    const note = await createDataItem({ data: 'note', tags: [] }, rig.user)
    const id = await rig.send(
      a,
      'Do',
      answer({ Messages: [{ Target: a, Data: 'sent' }], Assignments: [{ Processes: [a], Message: note.id }] }),
    )
    await rig.settled()
    expect((await rig.machine.result(a, id)).undelivered).toMatchObject([{ index: 1 }])
    await rig.machine.retryPush(a, id, 1) // In vain.
    await vi.waitFor(async () => expect((await rig.machine.result(a, id)).undelivered).toMatchObject([{ index: 1 }]))
    await rig.settled()
    await rig.intake.acceptItem(note.raw)
    await Promise.all([1, 1, 0].map((index) => rig.machine.retryPush(a, id, index)))
    await rig.settled()
    expect((await rig.machine.result(a, id)).undelivered).toEqual([])
    expect((await messagesOf(rig, a)).map(({ data }) => data).slice(2)).toEqual(['sent', 'note'])
    await rig.stop()
  })

  it('is refused when it cannot be sent, or is not there', async () => {
    const { rig, a } = await two()
    const id = await rig.send(a, 'Do', answer({ Messages: [{ Target: 'nowhere' }] }))
    await expect(rig.machine.retryPush(a, id, 0)).rejects.toMatchObject({
      code: 'request-invalid',
      message: expect.stringContaining('nowhere'),
    })
    await expect(rig.machine.retryPush(a, id, 1)).rejects.toMatchObject({ code: 'not-found' })
    await rig.stop()
  })

  it('because it was too deep goes one step further', async () => {
    const { rig, a, b } = await two()
    await rig.send(a, 'Bounce', { data: b })
    await rig.settled()
    const heads = await Promise.all([a, b].map((process) => rig.machine.getHead(process)))
    const last = heads[0]!.slot > heads[1]!.slot ? a : b
    const slot = String((await rig.machine.getHead(last)).slot)
    const { undelivered } = await rig.machine.result(last, slot)
    expect(undelivered).toMatchObject([{ reason: expect.stringMatching(/^cut: /) }])
    await rig.machine.retryPush(last, slot, 0)
    await rig.settled()
    const other = last === a ? b : a
    expect((await rig.machine.result(last, slot)).undelivered).toEqual([])
    const { slot: grown } = await rig.machine.getHead(other)
    expect(grown).toBe(heads[other === a ? 0 : 1]!.slot + 1)
    expect((await rig.machine.result(other, String(grown))).undelivered).toMatchObject([{ reason: expect.stringMatching(/^cut: /) }])
    await rig.stop()
  })

  it('is kept for after a restart, as long as it is not sent', async () => {
    const { rig, a, b } = await two()
    const Messages = Array.from({ length: PUSH_FANOUT_MAX + 1 }, () => ({ Target: 'nowhere' }))
    const id = await rig.send(a, 'Do', answer({ Messages: [...Messages, { Target: b, Data: 'late' }] }))
    await rig.settled()
    const { kv } = rig
    const stored = await rig.machine.findRecord(a, id)
    await rig.stop()
    await kv.write([{ space: 'outbox', key: outboxKey(a, stored!.slot, PUSH_FANOUT_MAX + 1), value: new Uint8Array(0) }])
    const again = await rig.restart()
    await again.settled()
    expect((await messagesOf(again, b)).at(-1)!.data).toBe('late')
    await again.stop()
  })
})

it('everything is sent exactly once, wherever the machine is killed', async () => {
  const outcomes = new Set<string>()
  for (let killAt = 1; killAt < 40; killAt++) {
    let isArmed = false
    let count = 0
    const rig = await openRig({
      onWrite: () => {
        if (isArmed && ++count === killAt) throw new Error('killed')
      },
    })
    const [a, b] = [await rig.spawn(), await rig.spawn()]
    const note = await createDataItem({ data: 'note', tags: [] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    await rig.settled()
    const Messages = [1, 2, 3].map((i) => ({ Target: b, Data: `to b ${i}`, Tags: [tag('Action', 'Ping')] }))
    const Spawns = [{ Tags: [tag('Module', rig.module), tag('Reference', 1)] }]
    const Assignments = [{ Processes: [a, b], Message: note.id }]
    isArmed = true
    const sent = await rig.send(a, 'Do', answer({ Messages, Spawns, Assignments })).catch(() => null)
    if (sent !== null) await rig.settled()
    rig.crash()
    const again = await rig.restart()
    await again.settled()
    const seen = async (process: TxId): Promise<string[]> =>
      (await messagesOf(again, process))
        .slice(1)
        .map(({ tags, data, id }) => (id === note.id ? 'note' : `${findTag(tags, 'Action')} ${data}`))
    if (sent === null) {
      expect(await seen(a), `killed at write ${killAt}, not acknowledged`).toEqual([])
    } else {
      expect((await seen(a)).map((text) => text.replace(/ .*/s, '')).sort(), `killed at write ${killAt}`).toEqual([
        'Do',
        'Pong',
        'Pong',
        'Pong',
        'Spawned',
        'note',
      ])
      expect(await seen(b), `killed at write ${killAt}`).toEqual(['Ping to b 1', 'Ping to b 2', 'Ping to b 3', 'note'])
      const processes = (await again.rows()).filter((row) => findTag(rowTags(row), 'Type') === 'Process')
      expect(new Set(processes.map(({ id }) => id)).size).toBe(3)
    }
    outcomes.add(sent === null ? 'lost' : count >= killAt ? 'killed' : 'finished')
    await again.stop()
  }
  expect(outcomes).toEqual(new Set(['lost', 'killed', 'finished']))
})
