/**
 * GET /state/{process}[?to=<message id, slot or time>] -> 200 application/octet-stream: the state of the program after the last message, or after
 * that one, as a snapshot of this node.
 *
 * Wire    headers Last-Timestamp, Last-Ordinate, Last-Block-Height. Upstream answers bare linear memory; a snapshot describes itself and is compressed.
 */
import type { Machine } from '../../services/machine/machine.ts'
import { bytes, type Route } from '../route.ts'
import { parseMoment } from './moment.ts'
import { optional, parseId } from './parameters.ts'

export function state(machine: Pick<Machine, 'state' | 'stateAt' | 'slotOf' | 'slotAt' | 'getHead'>): Route {
  return {
    method: 'GET',
    path: '/state/:process',
    async handle(request) {
      const process = parseId(request.params['process'], 'process')
      const to = optional(request, 'to')
      const { bytes: snapshot, last } =
        to === undefined
          ? await machine.state(process, request.signal)
          : await machine.stateAt(process, await parseMoment(machine, process, to))
      return bytes(200, snapshot, {
        'last-timestamp': last.timestampMs,
        'last-ordinate': last.slot,
        'last-block-height': last.height,
      })
    },
  }
}
