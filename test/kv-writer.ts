/**
 * A process of its own that writes batches as fast as it can until it is killed: `node kv-writer.ts <folder> <writers> <round>`.
 * Prints `<writer> <number>` for each batch that was acknowledged, and the code of the first failure, on which it ends.
 */
import { writeSync } from 'node:fs'
import { openLmdbKvStore } from '../src/store/embedded/lmdb-kv-store.ts'
import { PARTS, partOf } from './kv-writer-batch.ts'

const [folder = '', writers = '1', round = '0'] = process.argv.slice(2)
process.on('SIGXFSZ', () => {}) // A limit on the size of files then shows as a failed write, like a full disk.
const store = await openLmdbKvStore(folder)

async function writeOn(writer: number): Promise<never> {
  for (let number = 0; ; number++) {
    await store.write(PARTS.map((part) => partOf(part, { round: Number(round), writer, number })))
    writeSync(1, `${writer} ${number}\n`)
  }
}

try {
  await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => writeOn(writer)))
} catch (error) {
  writeSync(1, `${(error as { code?: string }).code}\n`)
  process.exit(7)
}
