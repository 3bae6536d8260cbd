/**
 * GET /state/{process} -> 200 application/octet-stream: the state of the program after the last message, as a snapshot of this node.
 *
 * Wire    headers Last-Timestamp, Last-Ordinate, Last-Block-Height. Upstream answers bare linear memory; a snapshot describes itself and is compressed.
 */
import { HeddleError } from '../../base/errors.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { bytes, type Route } from '../route.ts'
import { parseId } from './parameters.ts'

export function state(machine: Pick<Machine, 'state'>): Route {
  return {
    method: 'GET',
    path: '/state/:process',
    async handle({ params, query, signal }) {
      if (query.get('to'))
        throw new HeddleError('request-invalid', { field: 'to' }, 'the state at an earlier message is not kept; leave out "to"')
      const { bytes: snapshot, last } = await machine.state(parseId(params['process'], 'process'), signal)
      return bytes(200, snapshot, {
        'last-timestamp': last.timestampMs,
        'last-ordinate': last.slot,
        'last-block-height': last.height,
      })
    },
  }
}
