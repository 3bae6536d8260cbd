/** From the command to "ready". */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from './load.ts'
import { startHeddle } from './servers.ts'
import { milliseconds, type Row, type Scale } from './table.ts'

export async function benchStartup({ runs }: Scale): Promise<Row[]> {
  const times: number[] = []
  for (let run = 0; run < runs + 2; run++) {
    const node = await startHeddle(mkdtempSync(join(tmpdir(), 'heddle-bench-')))
    times.push(node.startMs)
    await node.stop()
  }
  const start = median(times.slice(1)) // The first run warms the disk.
  return [{ work: 'startup to ready, fresh folder', heddle: milliseconds(start), against: '', ratio: '', aim: 'under 1 s' }]
}
