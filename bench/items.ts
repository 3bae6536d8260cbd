/** Signed data items for the load, made ahead of the measurement. */
import { randomBytes } from 'node:crypto'
import { createDataItem, type ItemSigner, itemSigner } from '../src/codec/data-item.ts'
import { generateKey, type KeyKind } from '../src/codec/keys.ts'
import type { TextTag } from '../src/codec/tags.ts'

const SIGN_AT_ONCE = 8

export async function createSigner(kind: KeyKind): Promise<ItemSigner> {
  return itemSigner(await generateKey(kind))
}

/** `count` items with random payloads of `bytes` bytes. */
export async function createItems(
  count: number,
  bytes: number,
  signer: ItemSigner,
  tagsOf: (index: number) => readonly TextTag[],
): Promise<Uint8Array[]> {
  const items: Uint8Array[] = new Array(count)
  const indexes = Array(count).keys()
  const work = async (): Promise<void> => {
    for (const index of indexes) items[index] = (await createDataItem({ data: randomBytes(bytes), tags: tagsOf(index) }, signer)).raw
  }
  await Promise.all(Array.from({ length: SIGN_AT_ONCE }, work))
  return items
}
