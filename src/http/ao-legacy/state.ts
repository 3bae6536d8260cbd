/**
 * GET /state/{process}[?to=<message id, slot or time>] -> 200 application/octet-stream: the state of the program after the last message, or after
 * that one: the linear memory of an aos module, as upstream, or a snapshot of this node for programs whose state is more than that.
 *
 * Wire    headers Last-Timestamp, Last-Ordinate, Last-Block-Height
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
      const { bytes: content, last } =
        to === undefined
          ? await machine.state(process, request.signal)
          : await machine.stateAt(process, await parseMoment(machine, process, to))
      return bytes(200, content, {
        'last-timestamp': last.timestampMs,
        'last-ordinate': last.slot,
        'last-block-height': last.height,
      })
    },
  }
}
