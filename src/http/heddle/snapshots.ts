/**
 * GET /heddle/processes/{process}/snapshots -> 200 {"snapshots":[{slot, stateHash, sha256, sizeBytes}]}, newest first
 * GET /heddle/processes/{process}/snapshots/{slot} -> 200 application/octet-stream: the snapshot as it is in the store
 * POST /heddle/processes/{process}/snapshots -> 200 {slot, stateHash, sha256, sizeBytes}: one of the state after the last slot is kept now
 */
import { HeddleError } from '../../base/errors.ts'
import type { TxId } from '../../base/ids.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { parseId } from '../ao-legacy/parameters.ts'
import { bytes, json, type Route } from '../route.ts'

const PATH = '/heddle/processes/:process/snapshots'

export function snapshotRoutes(machine: Pick<Machine, 'snapshots' | 'snapshot' | 'snapshotBytes'>): Route[] {
  const processOf = (params: Readonly<Record<string, string>>): TxId => parseId(params['process'], 'process')
  return [
    {
      method: 'GET',
      path: PATH,
      handle: async ({ params }) => json(200, { snapshots: await machine.snapshots(processOf(params)) }),
    },
    {
      method: 'POST',
      path: PATH,
      handle: async ({ params, signal }) => json(200, await machine.snapshot(processOf(params), signal)),
    },
    {
      method: 'GET',
      path: `${PATH}/:slot`,
      async handle({ params }) {
        const process = processOf(params)
        const slot = params['slot'] ?? ''
        const record = (await machine.snapshots(process)).find((one) => String(one.slot) === slot)
        const found = record === undefined ? null : await machine.snapshotBytes(record)
        if (found === null)
          throw new HeddleError('not-found', { what: 'snapshot', id: slot }, `no snapshot of process ${process} after slot ${slot} is kept`)
        return bytes(200, found)
      },
    },
  ]
}
