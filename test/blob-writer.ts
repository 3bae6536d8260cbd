/**
 * A process of its own that puts blobs as fast as it can until it is killed: `node blob-writer.ts <folder> <writers>`.
 * Prints the number of each blob that was acknowledged. Every third one goes through a draft.
 */
import { writeSync } from 'node:fs'
import { openFileBlobStore } from '../src/store/embedded/file-blob-store.ts'
import { blobBytes, blobName } from './blob-names.ts'

const [folder = '', writers = '1'] = process.argv.slice(2)
const store = await openFileBlobStore(folder)
let next = 0

async function writeOn(): Promise<never> {
  for (;;) {
    const number = next++
    const bytes = blobBytes(number)
    if (number % 3 === 0) {
      const draft = await store.draft()
      await draft.append(bytes.subarray(0, 1000))
      await draft.append(bytes.subarray(1000))
      await draft.keep(blobName(number))
    } else await store.put(blobName(number), bytes)
    writeSync(1, `${number}\n`)
  }
}

await Promise.all(Array.from({ length: Number(writers) }, writeOn))
