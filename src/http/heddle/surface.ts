/**
 * Heddle's own: what it takes to compute a process again somewhere else, and what no other program has a route for.
 *
 * Wire    everything under /heddle/, which is neither an id nor a device. Reading is for everyone; failures look as they do at the AO units.
 */
import type { Archive } from '../../services/archive.ts'
import type { Machine } from '../../services/machine/machine.ts'
import { aoFailure } from '../ao-legacy/failures.ts'
import type { Surface } from '../route.ts'
import { type FilesDeps, files } from './files.ts'
import { item } from './item.ts'
import { log } from './log.ts'
import { process, processes } from './processes.ts'
import { results } from './results.ts'
import { revert } from './revert.ts'
import { snapshotRoutes } from './snapshots.ts'
import { traces } from './traces.ts'
import { unknown } from './unknown.ts'

export interface HeddleDeps extends FilesDeps {
  readonly machine: Machine
  readonly archive: Pick<Archive, 'itemRaw'>
  /** May whoever reaches this node take back what processes did? */
  readonly isDevelopment: boolean
}

export function heddleSurface({ machine, archive, drive, told, isDevelopment }: HeddleDeps): Surface {
  return {
    name: 'heddle',
    routes: [
      processes(machine),
      process(machine),
      log(machine),
      results(machine),
      ...snapshotRoutes(machine),
      revert(machine, isDevelopment),
      item(archive),
      files({ machine, drive, told }),
      traces(machine),
      unknown,
    ],
    failure: aoFailure,
  }
}
