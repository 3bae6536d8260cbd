import { describe, expect, it, vi } from 'vitest'
import { idOf, openRig, type Program, type Rig, stateIn } from '../../../test/machine-rig.ts'
import { HeddleError } from '../../base/errors.ts'
import { SNAPSHOT_EVERY_MESSAGES, SNAPSHOTS_KEPT } from '../../base/limits.ts'
import { createDataItem } from '../../codec/data-item.ts'

async function outputOf(rig: Rig, process: Parameters<Rig['machine']['result']>[0], id: string): Promise<unknown> {
  return (await rig.machine.result(process, id)).output
}

async function count(rig: Rig, space: 'results' | 'snapshots'): Promise<number> {
  let found = 0
  for await (const _ of rig.kv.scan(space)) found += 1
  return found
}

describe('results', () => {
  it('are found by message, assignment, slot, and the process itself', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const id = await rig.send(process, 'Inc')
    const [boot, record] = await rig.machine.records(process, { after: -1, upTo: 9, limit: 9 })
    expect(await outputOf(rig, process, id)).toBe('2')
    expect(await outputOf(rig, process, record!.assignment)).toBe('2')
    expect(await outputOf(rig, process, '1')).toBe('2')
    expect(await outputOf(rig, process, process)).toBe('1')
    expect(await outputOf(rig, process, boot!.assignment)).toBe('1')
    expect(await rig.machine.processOf(id)).toBe(process)
    await rig.stop()
  })

  it('wait for the evaluation, for everyone who asks', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const ids = await Promise.all(Array.from({ length: 20 }, () => rig.send(process, 'Inc')))
    const outputs = await Promise.all([...ids, ...ids].map((id) => outputOf(rig, process, id)))
    expect(outputs.slice(0, 20)).toEqual(outputs.slice(20))
    expect(new Set(outputs)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => String(i + 2))))
    expect(rig.guests.evaluations).toBe(21)
    await rig.stop()
  })

  it('do not wait for the query index', async () => {
    let gate: Promise<void> = Promise.resolve()
    const rig = await openRig({ beforeIndexing: () => gate })
    const process = await rig.spawn()
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('2')
    resolve()
    await rig.stop()
  })

  it('that could not be written are kept and written later, and evaluation goes on, unasked', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    const sent = Promise.withResolvers<void>()
    rig.guests.evaluate = async (...args) => {
      await sent.promise
      return evaluate(...args)
    }
    const ids = await Promise.all(Array.from({ length: 10 }, () => rig.send(process, 'Inc')))
    const asked = ids.map((id) => expect(rig.machine.result(process, id)).rejects.toMatchObject({ code: 'store-failed' }))
    rig.fail(true)
    sent.resolve()
    await Promise.all(asked)
    rig.fail(false)
    await vi.waitFor(async () => expect(await count(rig, 'results')).toBe(11), { timeout: 5_000 })
    expect(await outputOf(rig, process, '10')).toBe('11')
    await rig.stop()
  })

  it('name what is unknown', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await expect(rig.machine.result(idOf(1), '0')).rejects.toMatchObject({ code: 'process-unknown' })
    await expect(rig.machine.result(process, idOf(1))).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(idOf(1)),
    })
    await expect(rig.machine.result(process, '7')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('its last is 0'),
    })
    await expect(rig.machine.result(process, 'nonsense')).rejects.toMatchObject({ code: 'not-found' })
    await rig.stop()
  })

  it('are given up on when the client goes away', async () => {
    const hang = Promise.withResolvers<void>()
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    const evaluate = rig.guests.evaluate.bind(rig.guests)
    rig.guests.evaluate = async (...args) => {
      await hang.promise
      return evaluate(...args)
    }
    const id = await rig.send(process, 'Inc')
    const aborter = new AbortController()
    const asked = rig.machine.result(process, id, aborter.signal)
    aborter.abort()
    await expect(asked).rejects.toMatchObject({ code: 'limit-reached' })
    hang.resolve()
    expect(await outputOf(rig, process, id)).toBe('2')
    await rig.stop()
  })

  it('of an error keep the message out of the state, and send nothing', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const failed = await rig.machine.result(process, await rig.send(process, 'Fail'))
    expect(failed).toMatchObject({ kept: false, error: 'failed on purpose', messages: [], output: '', gasUsed: 5 })
    expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('2')
    await rig.stop()
  })

  it('too large for the small store are kept whole', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const long = 'x'.repeat(300_000)
    const id = await rig.send(process, 'Do', { data: JSON.stringify({ Output: { data: long } }) })
    expect(await outputOf(rig, process, id)).toEqual({ data: long })
    await rig.stop()
    const again = await rig.restart()
    expect(await outputOf(again, process, id)).toEqual({ data: long })
    await again.stop()
  })
})

describe('dry runs', () => {
  it('see the latest state and change nothing', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const fields = { Owner: 'anyone', Tags: [] }
    await Promise.all(Array.from({ length: 10 }, () => rig.send(process, 'Inc')))
    const [one, two] = await Promise.all([rig.machine.dryRun(process, fields), rig.machine.dryRun(process, fields)])
    expect([one!.result.Output, two!.result.Output]).toEqual(['12', '12'])
    expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('12')
    await rig.stop()
  })

  it('carry the time of the last message and say that they are read-only', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    const last = await rig.machine.result(process, process)
    const tags = [
      { name: 'Action', value: 'Message' },
      { name: 'From', value: 'forged' },
      { name: 'From-Process', value: idOf(3) },
    ]
    const { result } = await rig.machine.dryRun(process, { Id: '1234', Owner: 'me', Data: 'd', Tags: tags })
    expect(result.Output).toEqual({
      Id: '1234',
      Data: 'd',
      Owner: 'me',
      Target: process,
      From: idOf(3),
      Tags: [tags[0], tags[2]],
      Timestamp: last.timestampMs,
      'Block-Height': 7,
      Cron: false,
      'Read-Only': true,
    })
    await expect(rig.machine.dryRun(idOf(1), { Owner: 'me', Tags: [] })).rejects.toMatchObject({ code: 'process-unknown' })
    await rig.stop()
  })

  it('survive the loss of the instance', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.machine.result(process, process)
    rig.guests.lose(process)
    expect((await rig.machine.dryRun(process, { Owner: 'me', Tags: [] })).result.Output).toBe('2')
    await rig.stop()
  })
})

describe('lost instances', () => {
  it('are opened again, and every message counts once', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.send(process, 'Fail')
    await rig.send(process, 'Inc')
    rig.guests.losses = 1
    const ids = await Promise.all(Array.from({ length: 8 }, () => rig.send(process, 'Inc')))
    const outputs = await Promise.all(ids.map((id) => outputOf(rig, process, id)))
    expect(new Set(outputs)).toEqual(new Set(['3', '4', '5', '6', '7', '8', '9', '10']))
    expect(rig.guests.opened.length).toBe(2)
    await rig.stop()
  })

  it('through no fault of the message never become its result', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    rig.guests.losses = 5
    const { error, output } = await rig.machine.result(process, await rig.send(process, 'Inc'))
    expect({ error, output }).toEqual({ error: undefined, output: '2' })
    expect(rig.guests.losses).toBe(0)
    await rig.stop()
  })

  it.each([
    ['time', 2],
    ['crash', 3],
  ] as const)(
    'through the message itself, by %s, are tried %d times; then the result says that it is of this node',
    async (cause, attempts) => {
      const rig = await openRig()
      const process = await rig.spawn()
      await rig.settled()
      rig.guests.lossCause = cause
      rig.guests.lossFrom = 1
      rig.guests.losses = attempts - 1
      expect(await rig.machine.result(process, await rig.send(process, 'Inc'))).toMatchObject({ kept: true, output: '2' })
      rig.guests.lossFrom = 2
      rig.guests.losses = attempts
      const failed = await rig.machine.result(process, await rig.send(process, 'Inc'))
      expect(failed).toMatchObject({ kept: false, nodeFailure: cause, error: expect.stringContaining('this node gave up on the message') })
      expect(rig.guests.losses).toBe(0)
      expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('3')
      rig.crash()
      const again = await rig.restart()
      expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe('4')
      await again.stop()
    },
  )

  it('while the log is replayed are not blamed on the message that waits', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.settled()
    rig.guests.lose(process)
    rig.guests.lossCause = 'time'
    rig.guests.losses = 4
    expect(await rig.machine.result(process, await rig.send(process, 'Inc'))).toMatchObject({ kept: true, output: '3' })
    await rig.stop()
  })

  it('whose module does not start give every message the reason', async () => {
    const rig = await openRig()
    rig.guests.openError = new HeddleError('module-unsupported', { module: rig.module, reason: 'r' }, 'it does not start: syntax error')
    const process = await rig.spawn()
    expect((await rig.machine.result(process, process)).error).toContain('it does not start: syntax error')
    await rig.stop()
  })

  it('that were evicted go on from where they were, even before their snapshot is stored', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    for (let i = 0; i < 20; i++) await rig.send(process, 'Inc')
    await rig.settled()
    const before = rig.guests.evaluations
    rig.guests.evict(process)
    expect(await count(rig, 'snapshots')).toBe(0)
    expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('22')
    expect(rig.guests.opened.at(-1)).toEqual({ process, fromSnapshot: true })
    expect(rig.guests.evaluations - before).toBe(1)
    await rig.settled()
    expect(await count(rig, 'snapshots')).toBe(1)
    rig.crash()
    const again = await rig.restart()
    expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe('23')
    expect(again.guests.opened).toEqual([{ process, fromSnapshot: true }])
    expect(again.guests.evaluations).toBe(2)
    await again.stop()
  })

  it('that were evicted after a few messages are replayed, which is cheaper', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.settled()
    rig.guests.evict(process)
    expect(await outputOf(rig, process, await rig.send(process, 'Inc'))).toBe('3')
    expect(await count(rig, 'snapshots')).toBe(0)
    await rig.stop()
  })

  it('that were evicted under load lose and repeat nothing', async () => {
    const rig = await openRig()
    const processes = await Promise.all([rig.spawn(), rig.spawn(), rig.spawn()])
    const evict = setInterval(() => {
      for (const process of processes) if (rig.guests.isOpen(process) && rig.guests.running === 0) rig.guests.evict(process)
    }, 1)
    for (let round = 0; round < 20; round++)
      await Promise.all(processes.flatMap((process) => Array.from({ length: 5 }, () => rig.send(process, 'Inc'))))
    await rig.settled()
    clearInterval(evict)
    expect(rig.guests.opened.length).toBeGreaterThan(10)
    for (const process of processes) {
      const { slot } = await rig.machine.getHead(process)
      expect(await outputOf(rig, process, String(slot))).toBe('101')
    }
    await rig.stop()
  })
})

describe('restarts', () => {
  it('replay the log to the same state, without new results', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.send(process, 'Fail')
    await rig.send(process, 'Inc')
    await rig.settled()
    rig.crash()
    const again = await rig.restart()
    expect(again.guests.opened).toEqual([])
    expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe('4')
    expect(await count(again, 'results')).toBe(5)
    await again.stop()
  })

  it('evaluate what was acknowledged but not evaluated, unasked', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    rig.guests.evaluate = () => new Promise(() => {})
    const id = await rig.send(process, 'Inc')
    rig.crash()
    const again = await rig.restart()
    await again.settled()
    expect(again.guests.evaluations).toBe(2)
    expect(await outputOf(again, process, id)).toBe('2')
    await again.stop()
  })

  it('after a clean stop continue from a snapshot', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    for (let i = 0; i < 20; i++) await rig.send(process, 'Inc')
    await rig.stop()
    const again = await rig.restart()
    expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe('22')
    expect(again.guests.opened).toEqual([{ process, fromSnapshot: true }])
    expect(again.guests.evaluations).toBe(1)
    await again.stop()
  })

  it('pass over a snapshot that is damaged', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    for (let i = 0; i < 20; i++) await rig.send(process, 'Inc')
    await rig.stop()
    for await (const { key, value } of rig.kv.scan('snapshots')) {
      const record = JSON.parse(Buffer.from(value).toString()) as { sha256: string }
      await rig.kv.write([{ space: 'snapshots', key, value: Buffer.from(JSON.stringify({ ...record, sizeBytes: 1 })) }])
    }
    const again = await rig.restart()
    expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe('22')
    expect(again.guests.opened).toEqual([{ process, fromSnapshot: false }])
    await again.stop()
  })
})

describe('snapshots of another version', () => {
  /** A process with snapshots after slots 20, 41 and 62, and a machine that has not opened it yet. */
  async function withSnapshots(): Promise<{ rig: Rig; process: Awaited<ReturnType<Rig['spawn']>> }> {
    let rig = await openRig()
    const process = await rig.spawn()
    for (let run = 0; run < 3; run++) {
      for (let i = 0; i < 20 + Math.sign(run); i++) await rig.send(process, 'Inc')
      await rig.stop()
      rig = await rig.restart()
    }
    expect(await count(rig, 'snapshots')).toBe(3)
    return { rig, process }
  }
  const countIn = (snapshot: Uint8Array): number => stateIn(snapshot)['count'] as number

  it('are passed over for an older one', async () => {
    const { rig, process } = await withSnapshots()
    rig.guests.isForeign = (snapshot) => countIn(snapshot) > 30
    expect(await rig.machine.result(process, await rig.send(process, 'Inc'))).toMatchObject({ kept: true, output: '64' })
    expect(rig.guests.opened).toEqual([{ process, fromSnapshot: true }])
    expect(rig.guests.evaluations).toBe(43)
    await rig.stop()
  })

  it('are passed over for the whole log', async () => {
    const { rig, process } = await withSnapshots()
    rig.guests.isForeign = () => true
    expect(await rig.machine.result(process, await rig.send(process, 'Inc'))).toMatchObject({ kept: true, output: '64' })
    expect(rig.guests.opened).toEqual([{ process, fromSnapshot: false }])
    expect(rig.guests.evaluations).toBe(64)
    await rig.stop()
  })
})

it('a long replay keeps snapshots on the way, so that it need not begin again', async () => {
  const rig = await openRig()
  const process = await rig.spawn()
  const total = SNAPSHOT_EVERY_MESSAGES + 100
  for (let sent = 0; sent < total; sent += 100) await Promise.all(Array.from({ length: 100 }, () => rig.send(process, 'Inc')))
  await rig.settled()
  rig.crash()
  for await (const { key } of rig.kv.scan('snapshots')) await rig.kv.write([{ space: 'snapshots', key, value: null }])
  const again = await rig.restart()
  expect(await outputOf(again, process, await again.send(process, 'Inc'))).toBe(String(total + 2))
  expect(await count(again, 'snapshots')).toBe(1)
  await again.stop()
})

it('snapshots are taken every so often', async () => {
  const sum: Program = (_message, _env, state) => {
    state['n'] = ((state['n'] as number | undefined) ?? 0) + 1
    return { Output: String(state['n']) }
  }
  const rig = await openRig({ program: sum })
  const process = await rig.spawn()
  const total = SNAPSHOT_EVERY_MESSAGES * (SNAPSHOTS_KEPT + 1) + 10
  for (let sent = 0; sent < total; sent += 100) await Promise.all(Array.from({ length: 100 }, () => rig.send(process, 'x')))
  await rig.settled()
  expect(await count(rig, 'snapshots')).toBe(SNAPSHOTS_KEPT + 1)
  rig.crash()
  const again = await rig.restart()
  const last = await again.machine.getHead(process)
  expect(await outputOf(again, process, await again.send(process, 'x'))).toBe(String(last.slot + 2))
  expect(again.guests.evaluations).toBeLessThan(SNAPSHOT_EVERY_MESSAGES + 10)
  await again.stop()
})

it('monitors survive a restart, and asking twice changes nothing', async () => {
  const rig = await openRig()
  const process = await rig.spawn()
  const request = await createDataItem({ data: ' ', target: Buffer.from(process, 'base64url') }, rig.user)
  const first = await rig.machine.monitors.add(request.raw)
  expect(await rig.machine.monitors.add(request.raw)).toEqual(first)
  await rig.stop()
  const again = await rig.restart()
  expect(await again.machine.monitors.find(process)).toEqual(first)
  await again.machine.monitors.remove(request.raw)
  expect(await again.machine.monitors.find(process)).toBe(null)
  await expect(again.machine.monitors.remove(request.raw)).rejects.toMatchObject({ code: 'not-found' })
  const forged = Buffer.from(request.raw)
  forged[10]! ^= 1
  await expect(again.machine.monitors.add(forged)).rejects.toMatchObject({ code: 'signature-invalid' })
  await again.stop()
})
