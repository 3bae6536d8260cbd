/** Names the data of transactions by content: its Merkle root and its size. Many transactions may carry the same data; it is kept once. */
import { asBuffer, bigEndian, concat } from '../../base/bytes.ts'

export interface DataKey {
  readonly root: Uint8Array
  readonly sizeBytes: number
}

/** Data root 32 + size u64: what keys of the spaces `roots` and `chunks` begin with. */
export function encodeDataKey({ root, sizeBytes }: DataKey): Uint8Array {
  return concat([root, bigEndian(sizeBytes, 8)])
}

/** The same as text, for maps. */
export function dataKeyText(key: DataKey): string {
  return asBuffer(encodeDataKey(key)).toString('latin1')
}
