/**
 * Two units of AO's first network in one origin: messenger (POST /, monitors) and compute (results, dry runs). The third is scheduler-surface.ts.
 *
 * Source  permaweb/ao servers/{mu,cu}. `GET /` and everything that is not claimed here belong to the other surfaces.
 */
import type { Intake } from '../../services/intake.ts'
import type { Machine } from '../../services/machine/machine.ts'
import type { Surface } from '../route.ts'
import { cron } from './cron.ts'
import { debugTrace } from './debug.ts'
import { dryRun } from './dry-run.ts'
import { aoFailure } from './failures.ts'
import { monitorRoutes } from './monitor.ts'
import { postItem } from './post-item.ts'
import { pushAgain } from './push.ts'
import { resultRoutes } from './result.ts'
import { results } from './results.ts'
import { state } from './state.ts'

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
      pushAgain(machine),
      debugTrace(machine),
    ],
    failure: aoFailure,
  }
}
