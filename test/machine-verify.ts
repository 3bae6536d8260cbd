/** Verifies the processes of a machine-rig without a node around it. */
import type { TxId } from '../src/base/ids.ts'
import { type VerifyReport, verifyProcess } from '../src/services/machine/verify-process.ts'
import type { VerifySource } from '../src/services/machine/verify-source.ts'
import { counterProgram, FakeGuests, type Rig } from './machine-rig.ts'

/** What a node shows of its machine. */
export function sourceOf({ machine, archive }: Rig): VerifySource {
  return {
    async process(process) {
      const { slot, module, authority } = await machine.getHead(process)
      return {
        process,
        module,
        slot,
        evaluated: await machine.evaluatedSlot(process),
        authority,
        fork: (await machine.facts(process)).fork,
      }
    },
    async *entries(process) {
      for (const record of await machine.records(process, { after: -1, upTo: 1e6, limit: 1e6 })) {
        const { slot, origin, depth, message: messageId } = record
        yield { slot, origin, depth, messageId, ...(await machine.signed(record)) }
      }
    },
    async *results(process) {
      for await (const { result } of machine.resultsBetween(process, { after: -1, upTo: 1e6, reverse: false })) yield result
    },
    snapshots: (process) => machine.snapshots(process),
    async snapshot(process, slot) {
      const record = (await machine.snapshots(process)).find((one) => one.slot === slot)
      return record === undefined ? null : machine.snapshotBytes(record)
    },
    item: (id) => archive.itemRaw(id, 1e9),
    transaction: async () => null,
  }
}

export function verifyRig(rig: Rig, process: TxId, change: Partial<VerifySource> = {}, to: number | null = null): Promise<VerifyReport> {
  return verifyProcess(process, to, { source: { ...sourceOf(rig), ...change }, guests: new FakeGuests(counterProgram) })
}
