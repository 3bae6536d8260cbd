/** The devices that every node has. */
import type { ItemSigner } from '../codec/data-item.ts'
import type { Device } from '../kernel/device.ts'
import { ans104Device } from './ans104.ts'
import { cache } from './cache.ts'
import { computation } from './computation.ts'
import { flat } from './flat.ts'
import { httpsig } from './httpsig.ts'
import { json } from './json.ts'
import { lookup } from './lookup.ts'
import { message } from './message.ts'
import { metaDevice } from './meta.ts'
import { structured } from './structured.ts'
import { tx } from './tx.ts'

export interface StandardDeps {
  readonly version: string
  /** Signs data items that anybody asks for. */
  readonly itemSigner: ItemSigner
}

export function standardDevices({ version, itemSigner }: StandardDeps): readonly Device[] {
  const codecs = [structured, httpsig, flat, json, ans104Device(itemSigner), tx]
  return [message, metaDevice({ version }), ...codecs, lookup, cache, computation]
}
