/** Reads which moment of a process a request means: the id of a message or assignment, a slot, or a time in milliseconds. */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { Machine } from '../../services/machine/machine.ts'

/** Numbers from here on are times: no process has as many slots, and no clock is as slow. */
const TIMESTAMP_MS_MIN = 1e12

/** The slot after which the state is meant. Throws `not-found`. */
export async function parseMoment(machine: Pick<Machine, 'slotOf' | 'slotAt' | 'getHead'>, process: TxId, text: string): Promise<number> {
  if (!/^[0-9]{13,15}$/.test(text) || Number(text) < TIMESTAMP_MS_MIN) return machine.slotOf(process, text)
  const slot = await machine.slotAt(process, Number(text), (await machine.getHead(process)).slot)
  if (slot >= 0) return slot
  throw new HeddleError('not-found', { what: 'slot', id: text }, `process ${process} is younger than ${text}`)
}
