/**
 * The three units of AO's first network in one origin: messenger (POST /, monitors), compute (results, dry runs) and the scheduler's reads.
 *
 * Source  permaweb/ao servers/{mu,cu,su}. `GET /` and everything that is not claimed here belong to the other surfaces.
 */
import type { Intake } from '../../services/intake.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { Surface } from '../route.ts'
import { cron } from './cron.ts'
import { dryRun } from './dry-run.ts'
import { aoFailure } from './failures.ts'
import { latest } from './latest.ts'
import { monitorRoutes } from './monitor.ts'
import { postItem } from './post-item.ts'
import { processes } from './processes.ts'
import { resultRoutes } from './result.ts'
import { results } from './results.ts'
import { scheduled } from './scheduled.ts'
import { state } from './state.ts'
import { health, timestamp } from './timestamp.ts'

export interface AoLegacyDeps {
  readonly intake: Pick<Intake, 'acceptItem'>
  readonly machine: Machine
}

export function aoLegacySurface({ intake, machine }: AoLegacyDeps): Surface {
  return {
    name: 'ao-legacy',
    routes: [
      postItem({ intake, machine }),
      ...resultRoutes(machine),
      results(machine),
      dryRun(machine),
      cron(machine),
      state(machine),
      ...monitorRoutes(machine.monitors),
      processes(machine),
      timestamp(machine.chain),
      health,
      latest(machine),
      scheduled(machine),
    ],
    failure: aoFailure,
  }
}
