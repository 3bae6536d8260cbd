/**
 * A process of its own that puts blobs as fast as it can until it is killed: `node blob-writer.ts <folder> <writers>`.
 * Prints the number of each blob that was acknowledged, and number and code of each that failed. Every third one goes through a draft.
 */
import { writeSync } from 'node:fs'
import { openFileBlobStore } from '../src/store/embedded/file-blob-store.ts'
import { blobBytes, blobName } from './blob-names.ts'

const [folder = '', writers = '1'] = process.argv.slice(2)
process.on('SIGXFSZ', () => {}) // A limit on the size of files then shows as a failed write, like a full disk.
const store = await openFileBlobStore(folder)
let next = 0

async function writeOn(): Promise<never> {
  for (;;) {
    const number = next++
    try {
      await (number % 3 === 0 ? putByDraft(number) : store.put(blobName(number), blobBytes(number)))
      writeSync(1, `${number}\n`)
    } catch (error) {
      writeSync(1, `${number} ${(error as { code?: string }).code}\n`)
    }
  }
}

async function putByDraft(number: number): Promise<void> {
  const bytes = blobBytes(number)
  const draft = await store.draft()
  draft.append(bytes.subarray(0, 1000)).catch(() => {})
  draft.append(bytes.subarray(1000)).catch(() => {}) // What fails here fails `keep`.
  try {
    await draft.keep(blobName(number))
  } finally {
    await draft.drop()
  }
}

await Promise.all(Array.from({ length: Number(writers) }, writeOn))
