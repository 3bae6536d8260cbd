/**
 * A process of its own that applies events as fast as it can until it is killed: `node index-writer.ts <file>`. Prints each position that was acknowledged.
 * Position n is row n for n that are no multiples of ten; at those, the nine rows before are bundled (n = 10, 30, …) or mined (20, 40, …).
 */
import { writeSync } from 'node:fs'
import { openSqliteIndexStore } from '../src/store/embedded/sqlite-index-store.ts'
import type { IndexEvent } from '../src/store/index-store.ts'
import { sampleBlock, sampleId, sampleRow } from './index-samples.ts'

const store = await openSqliteIndexStore(process.argv[2]!)
for (let position = 0; ; ) {
  const size = 1 + (position % 17)
  const events = Array.from({ length: size }, (_, i) => eventAt(position + i + 1))
  position += size
  await store.apply(events, position)
  writeSync(1, `${position}\n`)
}

function eventAt(n: number): IndexEvent {
  if (n % 10 !== 0) return { kind: 'row', row: sampleRow(n, { isDataItem: n % 10 !== 1 }) }
  const parent = n % 20 === 0 ? n - 19 : n - 9
  if (n % 20 === 0) return { kind: 'block', block: sampleBlock(n / 20 - 1, [sampleId(parent)]) }
  return { kind: 'bundled', parent: sampleId(parent), ids: Array.from({ length: 8 }, (_, i) => sampleId(parent + 1 + i)) }
}
