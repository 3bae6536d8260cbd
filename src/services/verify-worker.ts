/** A thread that verifies data items: batches of whole items in, one byte each out. In a worker thread verifying blocks, which is what it is for. */
import { parentPort } from 'node:worker_threads'
import { decodeDataItem, verifyDataItem } from '../codec/data-item.ts'

export interface VerifyBatch {
  readonly seq: number
  /** Items one after the other. */
  readonly bytes: Uint8Array
  /** Where each ends. */
  readonly ends: readonly number[]
}

export interface VerifyAnswer {
  readonly seq: number
  readonly valid: readonly boolean[]
}

parentPort!.on('message', async ({ seq, bytes, ends }: VerifyBatch) => {
  const valid: boolean[] = []
  let start = 0
  for (const end of ends) {
    valid.push(await isValid(bytes.subarray(start, end)))
    start = end
  }
  parentPort!.postMessage({ seq, valid } satisfies VerifyAnswer)
})

async function isValid(raw: Uint8Array): Promise<boolean> {
  try {
    return await verifyDataItem(decodeDataItem(raw))
  } catch {
    return false // The main thread decoded it before, so this cannot be; if it is, the item is not valid.
  }
}
