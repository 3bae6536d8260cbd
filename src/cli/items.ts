/** Data items that commands sign and send. */
import { randomBytes } from 'node:crypto'
import { fromBase64url } from '../base/bytes.ts'
import { createDataItem, itemSigner } from '../codec/data-item.ts'
import type { SigningKey } from '../codec/keys.ts'
import type { TextTag } from '../codec/tags.ts'
import type { NodeClient } from './client.ts'
import { UsageError } from './command.ts'

const ANCHOR_BYTES = 32

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

/** Sends an AO message or process; resolves once it is scheduled. Keys that sign the same bytes the same way still make two messages of two calls. */
export async function scheduleItem(node: NodeClient, item: ItemInput, key: SigningKey): Promise<string> {
  return node.postItem('/', await sign(item, key, randomBytes(ANCHOR_BYTES)), 'the message was refused')
}

/** `name=value` words as tags. */
export function parseTags(words: readonly string[]): TextTag[] {
  return words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`--tag ${word}: expected name=value`)
    return { name: word.slice(0, at), value: word.slice(at + 1) }
  })
}

async function sign({ data, tags, target }: ItemInput, key: SigningKey, anchor?: Uint8Array): Promise<Uint8Array> {
  const to = target === undefined ? {} : { target: fromBase64url(target, 'target') }
  return (await createDataItem({ data, tags, ...to, ...(anchor === undefined ? {} : { anchor }) }, itemSigner(key))).raw
}
