import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ao, idOf, messagesOf, openRig, rowTags, SCHEDULER } from '../../../test/machine-rig.ts'
import { toBase64url } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { idBytes, parseTxId, type TxId } from '../../base/ids.ts'
import { MESSAGE_BYTES_MAX, PROCESS_QUEUE_MAX } from '../../base/limits.ts'
import { systemRandom } from '../../base/random.ts'
import { createDataItem, decodeDataItem, verifyDataItem } from '../../codec/data-item.ts'
import { findTag, toTextTags } from '../../codec/tags.ts'
import type { Commit } from '../journal.ts'
import { assignmentTags, firstHashChain, nextHashChain } from './assignment.ts'
import { ContentIndex } from './content.ts'
import { Heads } from './heads.ts'
import { ProcessLog } from './process-log.ts'
import type { LogRecord } from './records.ts'
import { Scheduler } from './scheduler.ts'

const everything = { after: -1, upTo: Number.MAX_SAFE_INTEGER, limit: 10_000 }

function checkLog(process: TxId, records: readonly LogRecord[]): void {
  records.forEach((record, slot) => {
    const before = records[slot - 1]
    expect(record.slot).toBe(slot)
    expect(record.hashChain, `slot ${slot}`).toBe(
      before === undefined ? firstHashChain(process) : nextHashChain(before.assignment, before.hashChain),
    )
    if (before !== undefined) expect(record.timestampMs).toBeGreaterThan(before.timestampMs)
  })
}

describe('hash chain', () => {
  it('follows the chain of a real scheduler', () => {
    const first = firstHashChain(parseTxId(SCHEDULER))
    const second = nextHashChain(parseTxId('LhiYMjhQBh6oGx96EBQ0oX5DwDqx6yzOHjJZwT-GfSc'), first)
    expect(first).toBe('nmC8ehh9h6WRyWy_SREjjHHSoUGG-nuGLcEQ3TztPco')
    expect(second).toBe('l-1o1GCa4w-XLjiK1KKmtNkritTbsxoYgpRz16uUFGA')
    expect(nextHashChain(parseTxId('TSnUIASyfGnWi6SqE4EARyQ948slD65LFSbf0lFp22k'), second)).toBe(
      'yOkIz9KkntHv4xJMlPFjkaPDlBhMC4AHTHAfwPXDwzo',
    )
  })
})

describe('assignment tags', () => {
  it('come in the order of scheduler units', () => {
    const fields = {
      process: idOf(1),
      slot: 3,
      hashChain: 'hc',
      height: 1_600_000,
      timestampMs: 17,
      message: idOf(2),
      exclude: ['Data', 'Tags'],
    }
    expect(toTextTags(assignmentTags(fields)).map(({ name, value }) => `${name}=${value}`)).toEqual([
      `Process=${idOf(1)}`,
      'Epoch=0',
      'Nonce=3',
      'Hash-Chain=hc',
      'Block-Height=000001600000',
      'Timestamp=17',
      'Data-Protocol=ao',
      'Type=Assignment',
      'Variant=ao.TN.1',
      `Message=${idOf(2)}`,
      'Exclude=Data',
      'Exclude=Tags',
    ])
    expect(assignmentTags({ ...fields, slot: 0, message: null, exclude: [] }).length).toBe(9)
  })
})

describe('scheduler', () => {
  it('gives the process slot 0 and its messages the next, each with a signed assignment that is stored and indexed', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const message = await rig.send(process, 'Inc')
    const records = await rig.machine.records(process, everything)
    checkLog(process, records)
    expect(records.map((record) => record.message)).toEqual([process, message])
    const { assignment } = await rig.machine.entry(records[1]!)
    expect(await verifyDataItem(assignment)).toBe(true)
    const fields = {
      process,
      slot: 1,
      hashChain: records[1]!.hashChain,
      height: 7,
      timestampMs: records[1]!.timestampMs,
      message,
      exclude: [],
    }
    const row = (await rig.rows()).find(({ id }) => id === records[1]!.assignment)
    expect(rowTags(row!)).toEqual(toTextTags(assignmentTags(fields)))
    expect(row!.ownerAddress).toBe(rig.machine.units.scheduler)
    expect(assignment.anchor?.length).toBe(32)
    expect(assignment.dataBytes).toBe(0)
    await rig.stop()
  })

  it('gives concurrent messages distinct slots in one unbroken chain, with few writes', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    let writes = 0
    const write = rig.kv.write.bind(rig.kv)
    rig.kv.write = async (batch) => {
      writes += 1
      await new Promise((resolve) => setTimeout(resolve, 5)) // As long as a disk takes.
      await write(batch)
    }
    const ids = await Promise.all(Array.from({ length: 64 }, () => rig.send(process, 'Inc')))
    const records = await rig.machine.records(process, everything)
    checkLog(process, records)
    expect(new Set(records.slice(1).map((record) => record.message))).toEqual(new Set(ids))
    await rig.settled()
    expect(writes).toBeLessThan(32) // Slots and results together.
    await rig.stop()
  })

  it('keeps timestamps rising while the clock stands still or goes back', async () => {
    let nowMs = 1_000
    const rig = await openRig({ clock: { nowMs: () => nowMs } })
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    nowMs = 500
    await rig.send(process, 'Inc')
    const records = await rig.machine.records(process, everything)
    expect(records.map(({ timestampMs }) => timestampMs)).toEqual([1_000, 1_001, 1_002])
    await rig.stop()
  })

  it('answers a repeated item with its first slot', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const item = await createDataItem({ data: 'x', tags: ao('Message'), target: idBytes(process) }, rig.user)
    const receipts = await Promise.all([rig.intake.acceptItem(item.raw), rig.intake.acceptItem(item.raw)])
    expect(receipts.map(({ repeated }) => repeated).sort()).toEqual([false, true])
    expect((await rig.intake.acceptItem(item.raw)).repeated).toBe(true)
    expect((await rig.machine.getHead(process)).slot).toBe(1)
    await rig.stop()
  })

  it('continues the chain after a restart', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.stop()
    const again = await rig.restart()
    await Promise.all([again.send(process, 'Inc'), again.send(process, 'Inc')])
    const records = await again.machine.records(process, everything)
    expect(records.length).toBe(4)
    checkLog(process, records)
    await again.stop()
  })

  it('takes slots back when their write fails, so that the log has no gap', async () => {
    let isFull = false
    const rig = await openRig()
    const kv = rig.kv
    const write = kv.write.bind(kv)
    kv.write = async (batch) => {
      if (isFull) throw new Error('disk full')
      await write(batch)
    }
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.settled()
    isFull = true
    const refused = await Promise.allSettled([rig.send(process, 'Inc'), rig.send(process, 'Inc'), rig.send(process, 'Inc')])
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    isFull = false
    await rig.send(process, 'Inc')
    const records = await rig.machine.records(process, everything)
    expect(records.length).toBe(3)
    checkLog(process, records)
    expect((await rig.machine.result(process, '2')).output).toBe('3')
    await rig.stop()
  })

  it('refuses what it cannot schedule, and stores none of it', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    const stranger = idOf(9)
    const rowCount = (await rig.rows()).length
    await expect(rig.send(stranger, 'Inc')).rejects.toMatchObject({ code: 'process-unknown', message: expect.stringContaining(stranger) })
    const noTarget = await createDataItem({ data: 'x', tags: ao('Message') }, rig.user)
    await expect(rig.intake.acceptItem(noTarget.raw)).rejects.toMatchObject({ code: 'request-invalid', facts: { field: 'Target' } })
    const linked = rig.send(process, 'Inc', { tags: [{ name: 'Data+link', value: stranger }] })
    await expect(linked).rejects.toMatchObject({ code: 'request-invalid' })
    expect((await rig.rows()).length).toBe(rowCount)
    await rig.stop()
  })

  it('refuses processes whose module is missing, unknown or of another format', async () => {
    const rig = await openRig()
    const spawn = async (tags: { name: string; value: string }[]): Promise<unknown> => {
      const item = await createDataItem({ data: 'x', tags: [...ao('Process'), ...tags] }, rig.user)
      return rig.intake.acceptItem(item.raw)
    }
    const scheduler = { name: 'Scheduler', value: SCHEDULER }
    await expect(spawn([scheduler])).rejects.toMatchObject({ code: 'request-invalid', facts: { field: 'Module' } })
    await expect(spawn([{ name: 'Module', value: rig.module }])).rejects.toMatchObject({
      code: 'request-invalid',
      facts: { field: 'Scheduler' },
    })
    await expect(spawn([scheduler, { name: 'Module', value: idOf(8) }])).rejects.toMatchObject({
      code: 'module-unknown',
      facts: { module: idOf(8) },
    })
    const other = await createDataItem({ data: 'x', tags: [...ao('Module'), { name: 'Module-Format', value: 'cobol' }] }, rig.user)
    await rig.intake.acceptItem(other.raw)
    await expect(spawn([scheduler, { name: 'Module', value: other.id }])).rejects.toMatchObject({
      code: 'module-unsupported',
      message: expect.stringContaining('cobol'),
    })
    await rig.stop()
  })

  it('takes messages up to the limit, and no larger', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const id = await rig.send(process, 'Inc', { data: new Uint8Array(MESSAGE_BYTES_MAX) })
    expect((await rig.machine.result(process, id)).output).toBe('2')
    await expect(rig.send(process, 'Inc', { data: new Uint8Array(MESSAGE_BYTES_MAX + 1) })).rejects.toMatchObject({ code: 'too-large' })
    await rig.stop()
  })

  it('finds the type behind a foreign protocol block', async () => {
    const rig = await openRig()
    const process = await rig.spawn({
      tags: [
        { name: 'Data-Protocol', value: 'other' },
        { name: 'Type', value: 'Thing' },
      ],
    })
    expect((await rig.machine.getHead(process)).slot).toBe(0)
    await rig.stop()
  })
})

describe('assign', () => {
  it('gives a slot to any stored item, once', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const note = await createDataItem({ data: 'a note', tags: [{ name: 'Action', value: 'Message' }] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    const [first, second] = await Promise.all([rig.machine.assign(process, note.id), rig.machine.assign(process, note.id)])
    expect(first!.slot).toBe(1)
    expect(second!.id).toBe(first!.id)
    expect(await rig.machine.assign(process, note.id)).toMatchObject({ id: first!.id, slot: 1, repeated: true })
    const { output } = await rig.machine.result(process, first!.id)
    expect(output).toMatchObject({ Id: note.id, Data: 'a note', Target: '', From: expect.any(String) })
    await rig.stop()
  })

  it('never gives a second slot to a message that is being scheduled at the same time', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const items = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        createDataItem({ data: `${i}`, tags: ao('Message'), target: idBytes(process), anchor: new Uint8Array(32).fill(i) }, rig.user),
      ),
    )
    const assignSoon = async (id: TxId): Promise<void> => {
      for (let isKnown = false; !isKnown; ) {
        await setImmediate()
        isKnown = await rig.machine.assign(process, id).then(
          () => true,
          () => false,
        )
      }
    }
    await Promise.all(items.flatMap(({ id, raw }) => [rig.intake.acceptItem(raw), assignSoon(id), assignSoon(id)]))
    const records = await rig.machine.records(process, everything)
    checkLog(process, records)
    expect(records.map(({ message }) => message).sort()).toEqual([process, ...items.map(({ id }) => id)].sort())
    await rig.stop()
  })

  it('takes a message that is sent after it was assigned from inside a bundle without a second slot, but stores what comes with it', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const message = await createDataItem({ data: ' ', tags: ao('Message'), target: idBytes(process) }, rig.user)
    const base = (text: string): Commit => ({ writes: [{ space: 'meta', key: Buffer.from(text), value: Buffer.from('here') }], events: [] })
    await Promise.all([rig.machine.handler.commit(message, base('a')), rig.machine.handler.commit(message, base('b'))])
    await rig.machine.handler.commit(message, base('c'))
    expect((await rig.machine.records(process, everything)).map((record) => record.message)).toEqual([process, message.id])
    const stored = await rig.kv.getMany(
      'meta',
      ['a', 'b', 'c'].map((text) => Buffer.from(text)),
    )
    expect(stored.every((value) => value !== null)).toBe(true)
    await rig.stop()
  })

  it('leaves out what it is told to, and says so in the assignment', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const note = await createDataItem({ data: 'a note', tags: [{ name: 'Action', value: 'Message' }] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    const { id } = await rig.machine.assign(process, note.id, { exclude: ['Data', 'Signature', 'Owner'] })
    const { output } = await rig.machine.result(process, id)
    expect(output).not.toHaveProperty('Data')
    expect(output).not.toHaveProperty('Signature')
    expect(output).toHaveProperty('Owner')
    const raw = (await rig.rows()).find((row) => row.id === id)
    expect(
      rowTags(raw!)
        .filter(({ name }) => name === 'Exclude')
        .map(({ value }) => value),
    ).toEqual(['Data', 'Signature', 'Owner'])
    await rig.stop()
  })

  it('names what is missing', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await expect(rig.machine.assign(process, idOf(5))).rejects.toMatchObject({ code: 'not-found', facts: { id: idOf(5) } })
    await expect(rig.machine.assign(idOf(6), process)).rejects.toMatchObject({ code: 'process-unknown', facts: { process: idOf(6) } })
    await rig.stop()
  })
})

describe('the queue of a process', () => {
  it('has a bound for what comes from outside, but takes what the node pushes, which nobody would send again', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const heads = new Heads(rig.kv)
    const nothing = (): void => {}
    const commits: Commit[] = []
    const scheduler = new Scheduler({
      archive: { storeItem: () => ({ record: {} as never, writes: [] }) },
      journal: {
        commit: async (commit) => void commits.push(commit),
      },
      heads,
      log: new ProcessLog(rig.kv),
      contents: new ContentIndex(rig.kv),
      sources: {} as never,
      chain: { height: () => 1, timestampMs: () => 1, blockTimeMs: async () => 1, heightAt: async () => 1 },
      clock: systemClock,
      random: systemRandom,
      signer: rig.user,
      queue: { enqueue: () => ({ space: 'unbundled', key: new Uint8Array(40), value: null }) },
      authority: null,
      supportsFormat: () => true,
      backlog: () => PROCESS_QUEUE_MAX,
      mayTick: () => true,
      onScheduled: nothing,
    })
    const message = await createDataItem({ data: ' ', tags: ao('Message'), target: idBytes(process) }, rig.user)
    const base: Commit = { writes: [], events: [] }
    await expect(scheduler.commit(message, base)).rejects.toMatchObject({ code: 'limit-reached', facts: { what: 'process queue' } })
    expect(commits.length).toBe(0)
    scheduler.expect(message.id, { origin: message.id, depth: 1, cause: process, writes: [], turn: Promise.resolve(), taken: nothing })
    await scheduler.commit(message, base)
    expect(commits.length).toBe(1)
    await rig.stop()
  })
})

describe('what a program sees', () => {
  it('is the message with exactly these keys, in this order', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const id = await rig.send(process, 'Message', {
      tags: [
        { name: 'From', value: 'x' },
        { name: 'Owner', value: 'y' },
        { name: 'Kept', value: 'z' },
      ],
      data: 'hi',
    })
    const { output, timestampMs } = await rig.machine.result(process, id)
    const [, record] = await rig.machine.records(process, everything)
    const { message } = await rig.machine.entry(record!)
    const owner = (await rig.rows()).find((row) => row.id === id)!.ownerAddress
    expect(Object.keys(output as object).join()).toBe(
      'Id,Signature,Data,Owner,Target,Anchor,From,Tags,Epoch,Nonce,Timestamp,Block-Height,Hash-Chain,Cron,Read-Only',
    )
    expect(output).toEqual({
      Id: id,
      Signature: toBase64url(message!.signature),
      Data: 'hi',
      Owner: owner,
      Target: process,
      Anchor: expect.toSatisfy((anchor) => anchor === null || typeof anchor === 'string'),
      From: owner,
      Tags: [{ name: 'Action', value: 'Message' }, { name: 'Kept', value: 'z' }, ...ao('Message')],
      Epoch: 0,
      Nonce: 1,
      Timestamp: timestampMs,
      'Block-Height': 7,
      'Hash-Chain': record!.hashChain,
      Cron: false,
      'Read-Only': false,
    })
    await rig.stop()
  })

  it('tells a claimed sender from the signer', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const id = await rig.send(process, 'Message', { tags: [{ name: 'From-Process', value: idOf(4) }] })
    const { output } = await rig.machine.result(process, id)
    const owner = (await rig.rows()).find((row) => row.id === id)!.ownerAddress
    expect(output).toMatchObject({ From: idOf(4), Owner: owner, 'Forwarded-By': owner })
    await rig.stop()
  })

  it('keeps bytes that are not text', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const id = await rig.send(process, 'Message', { data: Buffer.from([0xff, 0x00, 0xfe]) })
    const { output } = await rig.machine.result(process, id)
    expect(Buffer.from((output as { Data: Uint8Array }).Data)).toEqual(Buffer.from([0xff, 0x00, 0xfe]))
    await rig.stop()
  })

  it('has this node among the authorities of the process, unless that is switched off', async () => {
    for (const injectAuthority of [true, false]) {
      const rig = await openRig({ injectAuthority })
      const process = await rig.spawn({ tags: [{ name: 'Authority', value: 'mine' }] })
      const { output } = await rig.machine.result(process, await rig.send(process, 'Env'))
      const env = output as { Process: { Id: string; Tags: { name: string; value: string }[] }; Module: { Id: string } }
      const authorities = env.Process.Tags.filter(({ name }) => name === 'Authority').map(({ value }) => value)
      expect(authorities, String(injectAuthority)).toEqual(injectAuthority ? ['mine', rig.machine.units.authority] : ['mine'])
      expect(env.Process.Id).toBe(process)
      expect(env.Module.Id).toBe(rig.module)
      await rig.stop()
    }
  })

  it('knows an Ethereum signer by its checksummed address', async () => {
    const { ethereumSecretSigner } = await import('../../codec/item-signers.ts')
    const signer = ethereumSecretSigner(new Uint8Array(32).fill(1))
    const rig = await openRig()
    const process = await rig.spawn()
    const { output } = await rig.machine.result(process, await rig.send(process, 'Message', { signer }))
    // Address of the secret key 0x0101…01, as every Ethereum library gives it.
    expect(output).toMatchObject({
      Owner: '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1',
      From: '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1',
    })
    await rig.stop()
  })
})

it('a stored message decodes to what was sent', async () => {
  const rig = await openRig()
  const process = await rig.spawn()
  const item = await createDataItem({ data: 'hello', tags: ao('Message'), target: idBytes(process) }, rig.user)
  await rig.intake.acceptItem(item.raw)
  const [, message] = await messagesOf(rig, process)
  expect(message).toMatchObject({ id: decodeDataItem(item.raw).id, data: 'hello' })
  expect(findTag(message!.tags, 'Type')).toBe('Message')
  await rig.stop()
})
