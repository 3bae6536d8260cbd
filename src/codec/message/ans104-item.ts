/**
 * Data items as AO-Core puts them together: with any signature, or none, and bundles with a manifest that names their items.
 *
 * Wire        item as `data-item.ts`; without a signature it is of type 1 with zeros for signature and owner, and goes by its unsigned id.
 *             Manifest: the first item of a bundle, tags data-protocol: bundle-map, variant: 0.0.1, data a JSON object {key: unsigned id}.
 *             The bundle's table gives unsigned ids where there is a manifest, else the ids of the signatures.
 * Source      permaweb/HyperBEAM src/ar_bundles.erl, dev_arweave_common.erl (2025-11)
 * Invariants  Unlike uploads, bundles here may hold the same item twice: two keys may have the same content.
 */
import { concat, equalBytes, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256, sha384 } from '../../base/hash.ts'
import { idBytes, isTxId } from '../../base/ids.ts'
import { AO_CORE_KEYS_MAX } from '../../base/limits.ts'
import { decodeBundleHeader } from '../bundle.ts'
import { type DataItem, decodeDataItem } from '../data-item.ts'
import { itemSignData } from '../item-sign-data.ts'
import { SIGNATURE_TYPE } from '../item-signature.ts'
import { encodeItemTags } from '../item-tags.ts'
import { type Tag, textTag } from '../tags.ts'

/** All of an item but its signature. */
export interface ItemBody {
  readonly target: Uint8Array | null
  readonly anchor: Uint8Array | null
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
}

export interface ItemSeal {
  readonly signatureType: number
  readonly signature: Uint8Array
  readonly owner: Uint8Array
}

const RSA_BYTES = 512
const ZEROS = new Uint8Array(RSA_BYTES)
const SIZE_BYTES = 32
const MANIFEST_TAGS = [textTag('data-protocol', 'bundle-map'), textTag('variant', '0.0.1')]

/** The signature type, signature and owner of an item that nobody signed. */
export const UNSIGNED: ItemSeal = { signatureType: SIGNATURE_TYPE.arweave, signature: ZEROS, owner: ZEROS }

export function isUnsigned(item: ItemSeal): boolean {
  return item.signatureType === SIGNATURE_TYPE.arweave && equalBytes(item.signature, ZEROS)
}

export function itemBytes(body: ItemBody, { signatureType, signature, owner }: ItemSeal): Uint8Array {
  const tagBytes = encodeItemTags(body.tags)
  return concat([
    littleEndian(signatureType, 2),
    signature,
    owner,
    ...optional(body.target),
    ...optional(body.anchor),
    littleEndian(body.tags.length, 8),
    littleEndian(tagBytes.length, 8),
    tagBytes,
    body.data,
  ])
}

const unsignedIds = new WeakMap<ItemBody, Uint8Array>() // Asked for by the bundle's table, by its manifest, and again when it is encoded.

/** By what items are found in a bundle whoever signed them. The tags count in their one usual form, however they were sent. */
export function unsignedItemId(item: ItemBody): Uint8Array {
  const known = unsignedIds.get(item)
  if (known !== undefined) return known
  const { target, anchor, tags, data } = item
  const parts = { signatureType: SIGNATURE_TYPE.arweave, owner: ZEROS, target, anchor, tagBytes: encodeItemTags(tags) }
  const id = sha256(itemSignData(parts, sha384(data), data.length))
  unsignedIds.set(item, id)
  return id
}

export function bundleBytes(items: readonly { readonly id: Uint8Array; readonly raw: Uint8Array }[]): Uint8Array {
  const table = items.flatMap(({ id, raw }) => [littleEndian(raw.length, SIZE_BYTES), id])
  return concat([littleEndian(items.length, SIZE_BYTES), ...table, ...items.map(({ raw }) => raw)])
}

/** The items of a bundle in its order. Fails with `encoding-invalid` or `too-large` when one of them is no item. */
export function readBundleItems(data: Uint8Array): DataItem[] {
  const { entries } = decodeBundleHeader(data, data.length, AO_CORE_KEYS_MAX + 1)
  return entries.map(({ startOffset, itemBytes: size }) => decodeDataItem(data.subarray(startOffset, startOffset + size)))
}

/** The items of a bundle by the keys that its manifest gives them. Each counts as often as it is there: a little text cannot name a large item a thousand times. */
export function readManifest(items: readonly DataItem[], manifestId: string): Map<string, DataItem> {
  const named = namedItems(items, manifestId)
  const sizeOf = (all: Iterable<DataItem>): number => [...all].reduce((size, { raw }) => size + raw.length, 0)
  if (sizeOf(named.values()) > sizeOf(items)) throw invalid('has a manifest that names its items more often than they are there')
  return named
}

function namedItems(items: readonly DataItem[], manifestId: string): Map<string, DataItem> {
  const byId = new Map(items.map((item) => [toBase64url(unsignedItemId(item)), item]))
  const manifest = byId.get(manifestId)
  if (manifest === undefined) throw invalid(`has no manifest with the unsigned id ${manifestId}`)
  return new Map(
    parseManifest(manifest.data).map(([key, id]) => {
      const item = byId.get(id)
      if (item === undefined) throw invalid(`has no item with the unsigned id ${id}, which its manifest names "${key.slice(0, 80)}"`)
      return [key, item]
    }),
  )
}

/** Keys must be in order. Written out, since an object would move keys such as `10` and `2` to its front. */
export function manifestItem(entries: readonly { readonly key: string; readonly id: Uint8Array }[]): ItemBody {
  const members = entries.map(({ key, id }) => `${JSON.stringify(key)}:"${toBase64url(id)}"`)
  return { target: null, anchor: null, tags: MANIFEST_TAGS, data: utf8(`{${members.join(',')}}`) }
}

/** The bytes of a canonical id, or null. */
export function bytesOfId(text: string): Uint8Array | null {
  return isTxId(text) ? idBytes(text) : null
}

function parseManifest(data: Uint8Array): [string, string][] {
  let json: unknown
  try {
    json = JSON.parse(toText(data))
  } catch {
    throw invalid('has a manifest that is not JSON')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('has a manifest that is not a JSON object')
  const entries = Object.entries(json)
  if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return entries
  throw invalid('has a manifest in which an id is not text')
}

function optional(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [Uint8Array.of(0)] : [Uint8Array.of(1), bytes]
}

function littleEndian(value: number, size: number): Uint8Array {
  const out = new Uint8Array(size)
  let rest = value
  for (let i = 0; rest > 0; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'bundle', at: 0 }, `bundle ${problem}`)
}
