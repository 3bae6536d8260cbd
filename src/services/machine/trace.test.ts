import { describe, expect, it } from 'vitest'
import { idOf, messagesOf, openRig, type Rig } from '../../../test/machine-rig.ts'
import type { TxId } from '../../base/ids.ts'
import { PUSH_DEPTH_MAX } from '../../base/limits.ts'
import { createDataItem } from '../../codec/data-item.ts'
import type { Trace, TraceNode, TraceQuery } from './trace.ts'

const ALL: TraceQuery = { process: null, limit: 1_000, depth: PUSH_DEPTH_MAX, after: -1 }
const WALLET = idOf(77)
const tag = (name: string, value: string) => ({ name, value })
const answer = (result: object): { data: string } => ({ data: JSON.stringify(result) })

/** One line per node: depth, kind, action, state. */
function outline(nodes: readonly TraceNode[], depth = 0): string[] {
  return nodes.flatMap((node) => [
    `${'.'.repeat(depth)}${node.kind} ${node.action ?? '-'} ${node.state}${node.isRepeat ? ' again' : ''}`,
    ...outline(node.children, depth + 1),
  ])
}

async function rigged(): Promise<{ rig: Rig; a: TxId; b: TxId; cause: TxId; trace: Trace }> {
  const rig = await openRig()
  const [a, b] = [await rig.spawn(), await rig.spawn()]
  const cause = await rig.send(
    a,
    'Do',
    answer({
      Messages: [
        { Target: b, Tags: [tag('Action', 'Ping')] },
        { Target: WALLET, Tags: [tag('Action', 'Credit-Notice')] },
        { Target: '0x1', Tags: [] },
        { Target: b, Tags: [tag('Action', 'Fail'), { name: 'Assignments', value: [a] }] },
      ],
      Spawns: [{ Tags: [tag('Module', rig.module), tag('Reference', '1')] }],
      Assignments: [{ Processes: [b], Message: a }],
    }),
  )
  await rig.settled()
  return { rig, a, b, cause, trace: await rig.machine.trace(cause, ALL) }
}

describe('a trace', () => {
  it('is the tree of what a message caused, in the order of the outboxes', async () => {
    const { rig, a, b, cause, trace } = await rigged()
    expect(outline(trace.roots)).toEqual([
      'message Do evaluated',
      '.message Ping evaluated',
      '..message Pong evaluated',
      '.message Credit-Notice stored',
      '.message Fail evaluated',
      '.assignment Fail evaluated',
      '.spawn - evaluated',
      '.message Spawned evaluated',
      '.assignment - evaluated',
    ])
    expect(trace).toMatchObject({ id: cause, origin: cause, cause: null, isSettled: true, isCut: false, count: 9 })
    const [root] = trace.roots
    expect(root).toMatchObject({
      process: a,
      slot: 1,
      index: null,
      gas: 5,
      tookMs: 0.1,
      undelivered: [{ index: 2, reason: expect.stringContaining('0x1') }],
    })
    expect(root!.children.map(({ index }) => index)).toEqual([0, 1, 3, 3, 4, 4, 5])
    expect(root!.children.map(({ from }) => from)).toEqual([a, a, a, a, a, a, root!.from])
    expect(root!.children[1]).toMatchObject({ process: null, target: WALLET, slot: null, tookMs: null })
    expect(root!.children[2]).toMatchObject({ process: b, error: 'failed on purpose', output: null })
    expect(root!.assignedAtMs).toBe((await rig.machine.findRecord(a, 1))!.timestampMs)
    await rig.stop()
  })

  it('begins in the middle just as well, and says what came before', async () => {
    const { rig, a, b, cause } = await rigged()
    const ping = (await messagesOf(rig, b))[1]!
    const trace = await rig.machine.trace(ping.id, ALL)
    expect(outline(trace.roots)).toEqual(['message Ping evaluated', '.message Pong evaluated'])
    expect(trace).toMatchObject({ origin: cause, cause: { process: a, slot: 1, message: cause } })
    const byAssignment = await rig.machine.trace((await rig.machine.findRecord(b, 1))!.assignment, ALL)
    expect(byAssignment.roots).toEqual(trace.roots)
    await rig.stop()
  })

  it('of a message that several processes have begins with each, or with the one that is asked for', async () => {
    const { rig, a, b } = await rigged()
    const failed = (await messagesOf(rig, b)).find(({ tags }) => tags.some(({ value }) => value === 'Fail'))!
    const { roots } = await rig.machine.trace(failed.id, ALL)
    expect(roots.map(({ process, kind }) => `${process === a ? 'a' : 'b'} ${kind}`).sort()).toEqual(['a assignment', 'b message'])
    expect((await rig.machine.trace(failed.id, { ...ALL, process: a })).roots).toMatchObject([{ process: a }])
    await rig.stop()
  })

  it('of a process is that of its spawn', async () => {
    const { rig, a, b, cause, trace } = await rigged()
    expect(outline((await rig.machine.trace(b, ALL)).roots)).toEqual(['spawn - evaluated'])
    expect(outline((await rig.machine.trace(a, ALL)).roots)).toEqual(['spawn - evaluated', 'assignment - evaluated']) // It was assigned to b.
    const child = trace.roots[0]!.children.find(({ kind }) => kind === 'spawn')!
    expect(await rig.machine.trace(child.id, ALL)).toMatchObject({ origin: cause, roots: [{ kind: 'spawn', process: child.id, slot: 0 }] })
    await rig.stop()
  })

  it('of what a wallet got is that it is stored', async () => {
    const { rig, cause, trace } = await rigged()
    const stored = trace.roots[0]!.children[1]!
    expect(await rig.machine.trace(stored.id, ALL)).toMatchObject({
      origin: cause,
      isSettled: true,
      roots: [{ state: 'stored', target: WALLET }],
    })
    await rig.stop()
  })

  it('of what no process got is none, which it says', async () => {
    const { rig } = await rigged()
    await expect(rig.machine.trace(idOf(9), ALL)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('not on this node'),
    })
    const note = await createDataItem({ data: 'note', tags: [] }, rig.user)
    await rig.intake.acceptItem(note.raw)
    await expect(rig.machine.trace(note.id, ALL)).rejects.toMatchObject({ message: expect.stringContaining('no process got it') })
    await rig.stop()
  })

  it('is cut where it is asked to, and goes on from there', async () => {
    const { rig, cause, trace } = await rigged()
    const whole = trace.roots[0]!.children.map(({ id }) => id)
    const seen: string[] = []
    for (let after = -1, pages = 0; pages < 10; pages++) {
      const page = await rig.machine.trace(cause, { ...ALL, limit: 3, after })
      expect(page.count).toBeLessThanOrEqual(3)
      const [root] = page.roots
      seen.push(...root!.children.map(({ id }) => id))
      if (root!.next === null) break
      expect(page.isCut).toBe(true)
      after = root!.next
    }
    expect(seen).toEqual(whole)
    const flat = await rig.machine.trace(cause, { ...ALL, depth: 1 })
    expect(flat.roots[0]!.children.map(({ next }) => next)).toEqual([-1, null, null, null, null, null, null])
    expect([flat.isCut, flat.count]).toEqual([true, 8])
    await rig.stop()
  })

  it('shows what was there already without what followed from that', async () => {
    const rig = await openRig()
    const [a, b] = [await rig.spawn(), await rig.spawn()]
    const ping = await rig.send(b, 'Do', answer({ Messages: [{ Target: a, Tags: [tag('Action', 'Ping')] }] }))
    await rig.settled()
    const again = await rig.send(a, 'Do', answer({ Assignments: [{ Processes: [b], Message: ping }] }))
    await rig.settled()
    expect(outline((await rig.machine.trace(again, ALL)).roots)).toEqual(['message Do evaluated', '.assignment Do evaluated again'])
    await rig.stop()
  })

  it('shows what is under way, until it is done', async () => {
    const rig = await openRig()
    const [a, b] = [await rig.spawn(), await rig.spawn()]
    await rig.settled()
    const cause = await rig.send(a, 'Do', answer({ Messages: [{ Target: b, Tags: [tag('Action', 'Ping')] }] }))
    const states = new Set<boolean>()
    for (let trace = await rig.machine.trace(cause, ALL); ; trace = await rig.machine.trace(cause, ALL)) {
      states.add(trace.isSettled)
      await new Promise((resolve) => setImmediate(resolve)) // Or nothing goes on.
      if (!trace.isSettled) continue
      expect(outline(trace.roots)).toEqual(['message Do evaluated', '.message Ping evaluated', '..message Pong evaluated'])
      break
    }
    expect(states).toEqual(new Set([false, true]))
    await rig.stop()
  })

  it('forgets what was taken back', async () => {
    const { rig, a, b, cause } = await rigged()
    await rig.machine.revert(b, 0)
    const { roots } = await rig.machine.trace(cause, ALL)
    expect(outline(roots).slice(0, 3)).toEqual(['message Do evaluated', '.message Ping gone', '.message Credit-Notice stored'])
    await rig.machine.revert(a, 0)
    await expect(rig.machine.trace(cause, ALL)).rejects.toMatchObject({ code: 'not-found' })
    let left = 0
    for await (const _ of rig.kv.scan('traces')) left += 1
    expect(left).toBe(0)
    await rig.stop()
  })

  it('is there after a restart', async () => {
    const { rig, cause, trace } = await rigged()
    await rig.stop()
    const again = await rig.restart()
    expect(await again.machine.trace(cause, ALL)).toEqual(trace)
    await again.stop()
  })
})
