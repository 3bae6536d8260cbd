/** GET /processes/{process} -> 200 {process_id, block, owner, tags, timestamp, data, anchor, signature, target}; 400 when it was never spawned here. */
import type { Machine } from '../../services/machine/machine.ts'
import { unknownProcess } from '../../services/machine/scheduler.ts'
import { json, type Route } from '../route.ts'
import { parseId } from './parameters.ts'
import { processJson } from './shapes.ts'

export function processes(machine: Pick<Machine, 'findRecord' | 'entry'>): Route {
  return {
    method: 'GET',
    path: '/processes/:process',
    async handle({ params }) {
      const process = parseId(params['process'], 'process')
      const record = await machine.findRecord(process, 0)
      if (record === null) throw unknownProcess(process)
      return json(200, processJson(await machine.entry(record)))
    },
  }
}
