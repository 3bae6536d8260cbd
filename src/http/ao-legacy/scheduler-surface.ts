/**
 * What a scheduler unit is asked for: the log of processes, and the time.
 *
 * Wire    every refusal is 400 `{"error"}`, as upstream; 413, 429 and 503 keep their meaning.
 * Source  permaweb/ao servers/su. Its `GET /` and `POST /` are in unit-roots.ts: on the one port these paths belong to others.
 */
import type { Machine } from '../../services/machine/machine.ts'
import type { Surface } from '../route.ts'
import { schedulerFailure } from './failures.ts'
import { latest } from './latest.ts'
import { processes } from './processes.ts'
import { scheduled } from './scheduled.ts'
import { health, timestamp } from './timestamp.ts'

export function schedulerSurface(machine: Machine): Surface {
  return {
    name: 'ao-scheduler',
    routes: [processes(machine), timestamp(machine.chain), ...health, latest(machine), scheduled(machine)],
    failure: schedulerFailure,
  }
}
