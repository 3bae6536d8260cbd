/** Data items that commands sign and send. */
import { fromBase64url } from '../base/bytes.ts'
import { createDataItem, itemSigner } from '../codec/data-item.ts'
import type { SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import type { NodeClient } from './client.ts'
import { UsageError } from './command.ts'

export interface ItemInput {
  readonly data: Uint8Array | string
  readonly tags: readonly TextTag[]
  readonly target?: string
}

/** Tags that every AO item carries, with what it is. */
export function aoTags(type: 'Message' | 'Process'): TextTag[] {
  return [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Type', value: type },
  ]
}

/** Resolves once the item is durable. */
export async function uploadItem(node: NodeClient, item: ItemInput, key: SigningKey): Promise<string> {
  return node.postItem('/tx', await sign(item, key), 'the upload was refused')
}

/** Sends an AO message or process; resolves once it is scheduled. */
export async function scheduleItem(node: NodeClient, item: ItemInput, key: SigningKey): Promise<string> {
  return node.postItem('/', await sign(item, key), 'the message was refused')
}

/** `name=value` words as tags. */
export function parseTags(words: readonly string[]): TextTag[] {
  return words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`--tag ${word}: expected name=value`)
    return { name: word.slice(0, at), value: word.slice(at + 1) }
  })
}

async function sign({ data, tags, target }: ItemInput, key: SigningKey): Promise<Uint8Array> {
  const to = target === undefined ? {} : { target: fromBase64url(target, 'target') }
  return (await createDataItem({ data, tags, ...to }, itemSigner(key))).raw
}
