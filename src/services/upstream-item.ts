/**
 * A data item put together again from what an ordinary gateway tells of it, which never has the bytes as they were signed.
 *
 * Wire        GraphQL `transaction(id)`: anchor, signature, recipient, owner key and tags; GET /raw/{id}: the data
 * Invariants  What comes out carries a signature that holds and hashes to the id: a gateway cannot make anything up. GraphQL does not say which
 *             kind of signature it is, so every kind with keys and signatures of these lengths is tried. Tags that are not UTF-8, or that were
 *             encoded in another way than everybody's, cannot be told from here: their items are refused.
 */
import { fromBase64url, utf8 } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { idOfSignature, type TxId } from '../base/ids.ts'
import { createDataItemSync, type DataItem } from '../codec/data-item.ts'
import { findSignatureScheme, SIGNATURE_TYPE } from '../codec/item-signature.ts'
import type { TextTag } from '../codec/tags.ts'

/** What a gateway's index says about an id. */
export interface GatewayNode {
  readonly anchor: string
  readonly signature: string
  readonly recipient: string
  readonly ownerKey: string
  readonly tags: readonly TextTag[]
  readonly dataBytes: number | null
  readonly isBundled: boolean
}

export const NODE_QUERY =
  'query ($id: ID!) { transaction(id: $id) { id anchor signature recipient owner { key } tags { name value } data { size } bundledIn { id } } }'

const ANCHOR_BYTES = 32

/** What is missing is empty. */
export function parseNode(value: unknown): GatewayNode {
  const { anchor, signature, recipient, owner, tags, data, bundledIn } = asObject(value)
  const size = asObject(data)['size']
  return {
    anchor: textOr(anchor),
    signature: textOr(signature),
    recipient: textOr(recipient),
    ownerKey: textOr(asObject(owner)['key']),
    tags: (Array.isArray(tags) ? (tags as readonly unknown[]) : []).map((tag) => ({
      name: textOr(asObject(tag)['name']),
      value: textOr(asObject(tag)['value']),
    })),
    dataBytes: typeof size === 'string' || typeof size === 'number' ? Number(size) : null,
    isBundled: typeof asObject(bundledIn)['id'] === 'string',
  }
}

/** Null when no signature of any kind holds. */
export async function rebuildItem(
  id: TxId,
  node: GatewayNode,
  data: Uint8Array,
  verify: (item: DataItem) => Promise<boolean>,
): Promise<DataItem | null> {
  const signature = bytesOf(node.signature)
  const owner = bytesOf(node.ownerKey)
  const target = node.recipient === '' ? undefined : bytesOf(node.recipient)
  if (signature === null || owner === null || target === null || idOfSignature(signature) !== id) return null
  for (const signatureType of typesOf(signature, owner))
    for (const anchor of anchorsOf(node.anchor)) {
      const fields = { data, tags: node.tags, ...(anchor === null ? {} : { anchor }), ...(target === undefined ? {} : { target }) }
      const item = assemble(fields, { signatureType, owner, signature })
      if (item !== null && (await verify(item))) return item
    }
  return null
}

interface Signed {
  readonly signatureType: number
  readonly owner: Uint8Array
  readonly signature: Uint8Array
}

/** With a signature that others made. */
function assemble(fields: Parameters<typeof createDataItemSync>[0], { signatureType, owner, signature }: Signed): DataItem | null {
  try {
    return createDataItemSync(fields, { signatureType, owner, sign: async () => signature, signSync: () => signature })
  } catch (error) {
    if (error instanceof HeddleError) return null // A target or tags that no item has.
    throw error
  }
}

function typesOf(signature: Uint8Array, owner: Uint8Array): number[] {
  return Object.values(SIGNATURE_TYPE).filter((type) => {
    const scheme = findSignatureScheme(type)
    return scheme !== null && scheme.signatureBytes === signature.length && scheme.ownerBytes === owner.length
  })
}

/** Gateways write it as base64url, or as the 32 letters that it often consists of. */
function anchorsOf(anchor: string): (Uint8Array | null)[] {
  if (anchor === '') return [null]
  return [bytesOf(anchor), utf8(anchor)].filter((bytes) => bytes?.length === ANCHOR_BYTES)
}

function bytesOf(text: string): Uint8Array | null {
  try {
    return fromBase64url(text)
  } catch {
    return null
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
