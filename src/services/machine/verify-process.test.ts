import { describe, expect, it } from 'vitest'
import { counterProgram, FakeGuests, idOf, openRig, type Rig, snapshotOf } from '../../../test/machine-rig.ts'
import { sourceOf, verifyRig } from '../../../test/machine-verify.ts'
import { toBase64url } from '../../base/bytes.ts'
import { sha256 } from '../../base/hash.ts'
import type { TxId } from '../../base/ids.ts'
import { createDataItem } from '../../codec/data-item.ts'
import { stateHashOf } from '../../guests/snapshot.ts'
import { forkTags } from './fork.ts'
import { decodeRecord, encodeRecord, type ResultRecord, type SnapshotRecord, slotKey } from './records.ts'
import { verifyProcess } from './verify-process.ts'
import type { StoredEntry } from './verify-source.ts'

async function changeResult(rig: Rig, process: TxId, slot: number, change: Partial<ResultRecord>): Promise<void> {
  const key = slotKey(process, slot)
  const stored = decodeRecord<ResultRecord>((await rig.kv.get('results', key))!)
  await rig.kv.write([{ space: 'results', key, value: encodeRecord({ ...stored, ...change }) }])
}

/** A process with three results, an error, and a snapshot in the middle. */
async function started(): Promise<{ rig: Rig; process: TxId }> {
  const rig = await openRig()
  const process = await rig.spawn()
  const other = await rig.spawn()
  await rig.send(process, 'Inc')
  await rig.send(process, 'Do', {
    data: JSON.stringify({ Messages: [{ Target: other, Data: 'x' }, { Target: 'nobody' }], Output: { a: [1, null] } }),
  })
  await rig.settled()
  await rig.machine.snapshot(process)
  await rig.send(process, 'Fail')
  await rig.send(process, 'Inc')
  await rig.settled()
  return { rig, process }
}

describe('verification', () => {
  it('of what nobody changed finds nothing, to any slot', async () => {
    const { rig, process } = await started()
    expect(await verifyRig(rig, process)).toEqual({ process, slots: 5, snapshots: 1, mismatches: [], notComparable: [] })
    expect(await verifyRig(rig, process, {}, 1)).toMatchObject({ slots: 2, snapshots: 0, mismatches: [] })
    await expect(verifyRig(rig, process, {}, 5)).rejects.toMatchObject({ code: 'not-found' })
    await rig.stop()
  })

  it('of a fork computes its originals first', async () => {
    const { rig, process } = await started()
    const forked = await rig.spawn({ tags: forkTags({ of: process, at: 3 }) })
    await rig.send(forked, 'Message')
    const second = await rig.spawn({ tags: forkTags({ of: forked, at: 1 }) })
    await rig.send(second, 'Inc')
    await rig.settled()
    // Slots 0 to 3 with a snapshot, 0 to 1 with the one that the first fork begins with, 0 to 1 with that of the second.
    expect(await verifyRig(rig, second)).toEqual({ process: second, slots: 8, snapshots: 3, mismatches: [], notComparable: [] })
    const result = await verifyRig(rig, second, {
      process: async (id) => ({ ...(await sourceOf(rig).process(id)), ...(id === forked ? { fork: { of: process, at: 2 } } : {}) }),
    })
    expect(result.mismatches).toEqual([{ process: forked, slot: 0, what: 'it is not the fork that the node says it is' }])
    await rig.stop()
  })

  it.each<[string, number, Partial<ResultRecord>, string]>([
    ['output', 1, { output: '3' }, 'output: stored "3", computed "2"'],
    ['messages', 2, { messages: [] }, 'messages[0]: stored nothing'],
    ['an error that was none', 1, { error: 'no' }, 'error: stored "no", computed nothing'],
    ['no error where one was', 3, { kept: true }, 'kept: stored true, computed false'],
    ['gas', 4, { gasUsed: 6 }, 'gasUsed: stored 6, computed 5'],
    ['what could not be sent', 2, { undelivered: [] }, 'undelivered'],
    ['the message', 2, { message: idOf(7) }, 'message: stored'],
    ['a failure of the node that kept its state', 4, { nodeFailure: 'time' }, 'kept: stored true'],
  ])('names the slot of a changed result: %s', async (_, slot, change, what) => {
    const { rig, process } = await started()
    await changeResult(rig, process, slot, change)
    const { mismatches } = await verifyRig(rig, process)
    expect(mismatches.map((one) => [one.process, one.slot])).toEqual([[process, slot]])
    expect(mismatches[0]!.what).toContain(what)
    await rig.stop()
  })

  it('names the slot of a result that is gone', async () => {
    const { rig, process } = await started()
    await rig.kv.write([{ space: 'results', key: slotKey(process, 2), value: null }])
    expect((await verifyRig(rig, process)).mismatches).toEqual([{ process, slot: 2, what: 'no result is stored' }])
    await rig.stop()
  })

  it('names results that the node marks as its own failure, and takes them as the node did', async () => {
    const rig = await openRig()
    const process = await rig.spawn()
    await rig.settled()
    Object.assign(rig.guests, { losses: 3, lossFrom: 1, lossCause: 'crash' })
    await rig.send(process, 'Inc')
    await rig.settled()
    await rig.send(process, 'Inc')
    await rig.settled()
    expect(await verifyRig(rig, process)).toEqual({
      process,
      slots: 2,
      snapshots: 0,
      mismatches: [],
      notComparable: [{ process, slot: 1, what: 'the node gave up on it (crash)' }],
    })
    await rig.stop()
  })

  it('computes what a program does that cannot run', async () => {
    const rig = await openRig()
    const { HeddleError } = await import('../../base/errors.ts')
    rig.guests.openError = new HeddleError('module-unsupported', { module: 'm', reason: 'r' }, 'it does not start')
    const process = await rig.spawn()
    await rig.send(process, 'Inc')
    await rig.settled()
    const guests = new FakeGuests(counterProgram)
    guests.openError = rig.guests.openError
    expect(await verifyProcess(process, null, { source: sourceOf(rig), guests })).toMatchObject({ slots: 2, mismatches: [] })
    guests.openError = new HeddleError('module-unsupported', { module: 'm', reason: 'r' }, 'it does something else')
    const { mismatches } = await verifyProcess(process, null, { source: sourceOf(rig), guests })
    expect(mismatches.map(({ slot }) => slot)).toEqual([0, 1])
    await rig.stop()
  })

  it.each<[string, (record: SnapshotRecord, bytes: Uint8Array) => { record?: Partial<SnapshotRecord>; bytes: Uint8Array | null }, string]>([
    ['is gone', () => ({ bytes: null }), 'its bytes are gone'],
    [
      'was damaged',
      (_, bytes) => ({ bytes: Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte)) }),
      'not those that were stored',
    ],
    ['is of another state', () => replaced(snapshotOf({ count: 99 })), 'state hash: stored'],
    ['is of another state under the right hash', (record) => relabelled(record, snapshotOf({ count: 99 })), 'has the state hash'],
    ['is something else', () => replaced(Buffer.from('nothing')), 'does not begin with HDLS'],
    ['has another hash in its record', (_, bytes) => ({ record: { stateHash: '00' }, bytes }), 'its record says 00'],
  ])('names the slot of a snapshot that %s', async (_, change, what) => {
    const { rig, process } = await started()
    const [record] = await rig.machine.snapshots(process)
    const changed = change(record!, (await rig.machine.snapshotBytes(record!))!)
    const { mismatches, snapshots } = await verifyRig(rig, process, {
      snapshots: async () => [{ ...record!, ...changed.record }],
      snapshot: async () => changed.bytes,
    })
    expect(mismatches.map((one) => [one.process, one.slot])).toEqual([[process, 2]])
    expect(mismatches[0]!.what).toContain(what)
    expect(snapshots).toBe(0)
    await rig.stop()
  })

  it.each<[string, (entry: StoredEntry, other: StoredEntry) => StoredEntry | null, string]>([
    [
      'of an assignment with another signature',
      (entry) => ({ ...entry, assignment: flipped(entry.assignment, 10) }),
      'signature of the assignment',
    ],
    ['of a message with another content', (entry) => ({ ...entry, message: flipped(entry.message!, -1) }), 'signature of the message'],
    ['of another message', (entry, other) => ({ ...entry, message: other.message }), 'the message is'],
    ['of another message id', (entry, other) => ({ ...entry, messageId: other.messageId }), 'the message is'],
    [
      'of another message with its id',
      (entry, other) => ({ ...entry, message: other.message, messageId: other.messageId }),
      'the assignment says Message',
    ],
    ['that is out of order', (_, other) => other, 'the log goes on with slot 3'],
    ['of an assignment to another slot', (entry, other) => ({ ...entry, assignment: other.assignment }), 'the assignment says Nonce 3'],
    ['that is no data item', (entry) => ({ ...entry, message: Buffer.from('x') }), 'data item'],
    ['after which the log ends', () => null, 'the log ends here'],
  ])('ends at a slot %s', async (_, change, what) => {
    const { rig, process } = await started()
    const all: StoredEntry[] = []
    for await (const entry of sourceOf(rig).entries(process)) all.push(entry)
    const changed = change(all[2]!, all[3]!)
    const { mismatches } = await verifyRig(rig, process, {
      async *entries() {
        yield* changed === null ? all.slice(0, 2) : [...all.slice(0, 2), changed, ...all.slice(3)]
      },
    })
    expect(mismatches.map((one) => [one.process, one.slot])).toEqual([[process, 2]])
    expect(mismatches[0]!.what).toContain(what)
    await rig.stop()
  })

  it('finds a log that another key signed from some slot on', async () => {
    const { rig, process } = await started()
    const { mismatches } = await verifyRig(rig, process, {
      async *entries(id) {
        for await (const entry of sourceOf(rig).entries(id)) {
          if (entry.slot < 2) yield entry
          else yield { ...entry, assignment: (await createDataItem({ data: '', tags: [] }, rig.user)).raw }
        }
      },
    })
    expect(mismatches).toMatchObject([{ slot: 2, what: 'the assignment is signed by another key than those before it' }])
    await rig.stop()
  })

  it('does not believe in a module that is not what its id says', async () => {
    const { rig, process } = await started()
    const other = await createDataItem({ data: 'other', tags: [{ name: 'Module-Format', value: 'test-1' }] }, rig.user)
    expect((await verifyRig(rig, process, { item: async () => other.raw })).mismatches[0]?.what).toBe(`module ${rig.module} is ${other.id}`)
    expect((await verifyRig(rig, process, { item: async () => flipped(other.raw, -1) })).mismatches[0]?.what).toContain(
      'signature of module',
    )
    expect((await verifyRig(rig, process, { item: async () => null })).mismatches[0]?.what).toBe(`module ${rig.module} is gone`)
    await rig.stop()
  })
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at < 0 ? copy.length + at : at]! ^= 1
  return copy
}

function replaced(bytes: Uint8Array): { record: Partial<SnapshotRecord>; bytes: Uint8Array } {
  const isSnapshot = bytes.length > 20
  return { record: { sha256: toBase64url(sha256(bytes)), ...(isSnapshot ? { stateHash: stateHashOf(bytes) } : {}) }, bytes }
}

/** Says in its header that it is the state it replaces. */
function relabelled(record: SnapshotRecord, bytes: Uint8Array): { record: Partial<SnapshotRecord>; bytes: Uint8Array } {
  const text = Buffer.from(bytes).toString('latin1').replace(stateHashOf(bytes), record.stateHash)
  return { ...replaced(Buffer.from(text, 'latin1')), record: { sha256: toBase64url(sha256(Buffer.from(text, 'latin1'))) } }
}
