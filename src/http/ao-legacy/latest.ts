/** GET /{process}/latest -> 200 {message, assignment} of the last message; 400 while the process itself is all there is, as on scheduler units. */
import { HeddleError } from '../../base/errors.ts'
import { isTxId } from '../../base/ids.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { json, type Route } from '../route.ts'
import { nodeJson } from './shapes.ts'

export function latest(machine: Pick<Machine, 'findHead' | 'findRecord' | 'entry'>): Route {
  return {
    method: 'GET',
    path: '/:process/latest',
    async handle({ params, query }) {
      const process = params['process'] ?? ''
      const head = isTxId(process) ? await machine.findHead(process) : null
      if (head === null || !isTxId(process)) return null // `latest` may be a path in a manifest.
      const record = head.slot === 0 ? null : await machine.findRecord(process, head.slot)
      if (record === null)
        throw new HeddleError(
          'not-found',
          { what: 'message', id: process },
          `Latest message not available: process ${process} has no messages yet`,
        )
      return json(200, nodeJson(process, await machine.entry(record), query.has('show-anchor')))
    },
  }
}
