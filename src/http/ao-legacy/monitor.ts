/**
 * POST, DELETE /monitor/{process}, body: a signed data item whose target is the process (the id in the path is not read) -> 200 text.
 *
 * Source  permaweb/ao servers/mu (routes/monitor). Asking twice succeeds here, where upstream answers 500; and what somebody asked for only they
 *         may take back, or the owner of the process, where upstream lets anyone.
 */
import { ITEM_IN_MEMORY_BYTES_MAX } from '../../base/limits.ts'
import type { Monitors } from '../../services/machine/monitors.ts'
import { type Route, text } from '../route.ts'

export function monitorRoutes(monitors: Pick<Monitors, 'add' | 'remove'>): Route[] {
  return [
    {
      method: 'POST',
      path: '/monitor/:process',
      async handle(request) {
        await monitors.add(await request.body(ITEM_IN_MEMORY_BYTES_MAX))
        return text(200, 'Monitoring process')
      },
    },
    {
      method: 'DELETE',
      path: '/monitor/:process',
      async handle(request) {
        await monitors.remove(await request.body(ITEM_IN_MEMORY_BYTES_MAX))
        return text(200, 'Process deleted')
      },
    },
  ]
}
