/**
 * Speed against peers and against the physical limit, side by side in one run, as ratios; medians of several runs, since machines are noisy.
 *
 *   npm run bench                 everything
 *   npm run bench -- gets ao      some sections
 *   npm run bench -- --quick      fewer requests, for a look
 *
 * nginx is compared when it is installed, ArLocal after `npm install --prefix bench/peers`.
 */
import { cpus } from 'node:os'
import { benchAo } from './ao.ts'
import { benchAoCore } from './ao-core.ts'
import { benchAoIdle } from './ao-idle.ts'
import { benchAoSpam } from './ao-spam.ts'
import { benchCompute } from './compute.ts'
import { benchGets } from './gets.ts'
import { benchGraphql } from './graphql.ts'
import { benchStartup } from './startup.ts'
import type { Row, Scale } from './table.ts'
import { printTable } from './table.ts'
import { benchUploads } from './uploads.ts'

const SECTIONS: Readonly<Record<string, (scale: Scale) => Promise<Row[]>>> = {
  startup: benchStartup,
  uploads: benchUploads,
  gets: benchGets,
  graphql: benchGraphql,
  ao: benchAo,
  'ao-spam': benchAoSpam,
  'ao-idle': benchAoIdle,
  'ao-core': benchAoCore,
  compute: benchCompute,
}

const words = process.argv.slice(2)
const scale: Scale = words.includes('--quick') ? { runs: 1, share: 0.1 } : { runs: 3, share: 1 }
const chosen = words.filter((word) => word in SECTIONS)

console.log(
  `Node.js ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), load generator on the same machine\n`,
)
const rows: Row[] = []
for (const [name, run] of Object.entries(SECTIONS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  process.stderr.write(`${name} …\n`)
  rows.push(...(await run(scale)))
}
printTable(rows)
