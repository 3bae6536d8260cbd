/**
 * From a message to what a data item or transaction carries: tags and data. `ans104-open.ts` is the way back.
 *
 * Wire        the value of `body`, or of `data` where there is one, is the data (`ao-data-key` names it unless it is `data`); every other key is a
 *             tag, in order of the keys. Messages, lists, and binaries over 3072 bytes become items of a bundle in the data, with a manifest.
 *             With a commitment its own tags, or its keys in its order, so that the same bytes come out.
 * Source      permaweb/HyperBEAM src/dev_codec_ans104_to.erl, dev_arweave_common.erl (2025-11)
 * Invariants  Only committed keys count where there is a commitment. What would not come back is put where it does: keys that mean something as
 *             tags, and what is too much for the tags of one item, become items of the bundle; an empty body is a tag.
 */
import { EMPTY, toBase64url, toText, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { AO_CORE_ITEM_BYTES_MAX, AO_CORE_KEY_BYTES_MAX, AO_CORE_TAG_VALUE_BYTES_MAX, AO_CORE_TAGS_MAX } from '../../base/limits.ts'
import { type Tag, textTag } from '../tags.ts'
import { bundleBytes, type ItemBody, type ItemSeal, isUnsigned, itemBytes, manifestItem, UNSIGNED, unsignedItemId } from './ans104-item.ts'
import { BUNDLE_KEYS, bundleKind, DATA_KEY_TAG } from './ans104-open.ts'
import { lowerCase, readOriginalTags } from './ans104-tags.ts'
import type { Commitment } from './commitment.ts'
import { linkId } from './id.ts'
import { encodeStructured } from './structured.ts'
import {
  type Binary,
  binaryBytes,
  binaryLength,
  isBinary,
  isList,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  Link,
  type Message,
  sortedKeys,
  toBinary,
  type Value,
} from './value.ts'

/** An item with its bytes, such as one that was decoded. */
export interface PackedItem extends ItemBody, ItemSeal {
  readonly raw: Uint8Array
}

/** How a value becomes an item of a bundle: it depends on the commitments that it has. */
export type PackChild = (value: Value, depth: number) => PackedItem

export interface PackOptions {
  /** Keys that stand in fields of their own, and so neither in tags nor in data. */
  readonly fieldKeys: ReadonlySet<string>
  /** Null for a message that has none yet. */
  readonly commitment: Commitment | null
  readonly packChild: PackChild
  readonly depth: number
  /** Of names and values together with their lengths. */
  readonly tagBytesMax: number
}

type Nested = Message | readonly Value[]

/** The level of a message that one item holds. */
interface Level {
  /** Literals, with `ao-types`, and links as `key+link`. */
  readonly flat: ReadonlyMap<string, Binary>
  readonly nested: ReadonlyMap<string, Nested>
}

interface Plan {
  readonly tagKeys: readonly string[]
  readonly items: ReadonlySet<string>
}

const LIST_TYPE = '.="list"'
const BUNDLE_TAGS: [string, string][] = [
  ['bundle-format', 'binary'],
  ['bundle-version', '2.0.0'],
]
/** Of the three tags of a bundle with a manifest. */
const BUNDLE_TAGS_BYTES = tagSize(13, 6) + tagSize(14, 5) + tagSize(10, 43)
/** The count of the tags before them and the zero after them. */
const LIST_FRAME_BYTES = 3

/** Fails with `request-invalid` where the message lacks what its commitment names. */
export function packEnvelope(value: Nested, options: PackOptions): { readonly tags: readonly Tag[]; readonly data: Uint8Array } {
  const { commitment } = options
  const level = levelOf(value, commitment)
  const original = readOriginalTags(commitment?.extra.get('original-tags'))
  const dataKey = namedDataKey(original) ?? inlineKey(level)
  const items = itemKeys(level, dataKey, options.fieldKeys)
  if (original !== null) return withData(original, level, dataKey, items, options)
  const plan = planOf(level, dataKey, items, options)
  const tags = plan.tagKeys.map((key) => tagOf(key, level.flat.get(key)!))
  return withData([...metaTags(commitment, dataKey), ...tags], level, dataKey, plan.items, options)
}

/** The flat text of a key such as `target`, before anything is signed. */
export function flatValues(value: Nested): ReadonlyMap<string, Binary> {
  return levelOf(value, null).flat
}

function levelOf(value: Nested, commitment: Commitment | null): Level {
  const literals = new Map<string, Value>()
  const nested = new Map<string, Nested>()
  const isLinked = commitment !== null && commitment.extra.get('bundle') !== 'true'
  const keep = commitment === null ? null : new Set(commitment.committed)
  for (const [key, item] of isList(value) ? value.map((item, i): [string, Value] => [String(i + 1), item]) : value) {
    if (key === 'commitments' || isPrivateKey(key) || (keep !== null && !keep.has(key))) continue
    if (!isMessage(item) && !isList(item)) literals.set(key, item)
    else if (isLinked) literals.set(key, new Link(linkId(item)))
    else nested.set(key, item)
  }
  const flat = encodeStructured(literals) as ReadonlyMap<string, Binary>
  return { flat: isList(value) ? withListType(flat) : flat, nested }
}

function withListType(flat: ReadonlyMap<string, Binary>): ReadonlyMap<string, Binary> {
  const types = flat.get('ao-types')
  return new Map([...flat, ['ao-types', typeof types === 'string' ? `${LIST_TYPE}, ${types}` : LIST_TYPE]])
}

/** Where the data goes when the message is decoded. */
function inlineKey({ flat, nested }: Level): string {
  const named = flat.get(DATA_KEY_TAG)
  if (typeof named === 'string') return named
  const has = (key: string): boolean => nested.has(key) || (flat.get(key) ?? '').length > 0
  return !has('data') && has('body') ? 'body' : 'data'
}

function namedDataKey(original: readonly Tag[] | null): string | null {
  const named = original?.find(({ name }) => lowerCase(toText(name)) === DATA_KEY_TAG)
  return named === undefined ? null : toText(named.value)
}

/** What can be nothing but an item of the bundle. */
function itemKeys({ flat, nested }: Level, dataKey: string, fieldKeys: ReadonlySet<string>): ReadonlySet<string> {
  const items = new Set(nested.keys())
  const isFree = (key: string): boolean => !fieldKeys.has(key) && (key !== 'data' || dataKey !== 'data')
  for (const [key, value] of flat) if (isFree(key) && isForBundle(key, value)) items.add(key)
  return items
}

/** Which keys become tags, in their order, and which items of the bundle. */
function planOf(level: Level, dataKey: string, items: ReadonlySet<string>, { commitment, fieldKeys, tagBytesMax }: PackOptions): Plan {
  const keys = commitment === null ? sortedKeys(level.flat) : commitment.committed.map((key) => foundKey(key, level, fieldKeys))
  const tagKeys = keys.filter((key) => key !== dataKey && key !== DATA_KEY_TAG && !fieldKeys.has(key) && !items.has(key))
  return commitment === null ? fitted({ tagKeys, items }, level, dataKey, tagBytesMax) : { tagKeys, items }
}

function isForBundle(key: string, value: Binary): boolean {
  if (key.length > AO_CORE_KEY_BYTES_MAX / 4 && binaryLength(key) > AO_CORE_KEY_BYTES_MAX) return true
  if (value.length > AO_CORE_TAG_VALUE_BYTES_MAX / 4 && binaryLength(value) > AO_CORE_TAG_VALUE_BYTES_MAX) return true
  return (BUNDLE_KEYS as readonly string[]).includes(key) || (key === 'ao-type' && value === 'binary')
}

/** A committed key as this level has it: itself, or its link. */
function foundKey(key: string, { flat, nested }: Level, fieldKeys: ReadonlySet<string>): string {
  if (flat.has(key) || nested.has(key) || fieldKeys.has(key)) return key
  if (flat.has(key + LINK_SUFFIX)) return key + LINK_SUFFIX
  throw new HeddleError(
    'request-invalid',
    { field: key },
    `the message does not have its committed key "${key.slice(0, 80)}"; send all of it`,
  )
}

/** The tags of an item have little room. What does not fit goes into the bundle, the largest first. */
function fitted(plan: Plan, { flat }: Level, dataKey: string, tagBytesMax: number): Plan {
  const sizeOf = (key: string): number => tagSize(binaryLength(key), binaryLength(flat.get(key)!))
  const items = new Set(plan.items)
  const left = new Set(plan.tagKeys)
  let size = LIST_FRAME_BYTES + (dataKey === 'data' ? 0 : tagSize(DATA_KEY_TAG.length, binaryLength(dataKey)))
  for (const key of left) size += sizeOf(key)
  const isOver = (): boolean => {
    const tagCount = left.size + (dataKey === 'data' ? 0 : 1) + (items.size > 0 ? BUNDLE_KEYS.length : 0)
    return tagCount > AO_CORE_TAGS_MAX || size + (items.size > 0 ? BUNDLE_TAGS_BYTES : 0) > tagBytesMax
  }
  if (!isOver()) return plan
  for (const key of plan.tagKeys.toSorted((a, b) => sizeOf(b) - sizeOf(a))) {
    if (!isOver()) break
    left.delete(key)
    items.add(key)
    size -= sizeOf(key)
  }
  return { tagKeys: [...left], items }
}

function tagSize(nameBytes: number, valueBytes: number): number {
  return varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes
}

/** Of a length, zigzag; lengths here are below 2^20. */
function varintBytes(length: number): number {
  return length < 64 ? 1 : length < 8192 ? 2 : 3
}

function metaTags(commitment: Commitment | null, dataKey: string): Tag[] {
  const bundle = BUNDLE_KEYS.flatMap((key) => {
    const value = commitment?.extra.get(key)
    return isBinary(value) ? [tagOf(key, value)] : []
  })
  return dataKey === 'data' ? bundle : [...bundle, textTag(DATA_KEY_TAG, dataKey)]
}

function withData(
  tags: readonly Tag[],
  { flat, nested }: Level,
  dataKey: string,
  itemKeys: ReadonlySet<string>,
  { packChild, depth }: PackOptions,
): { tags: readonly Tag[]; data: Uint8Array } {
  const inline = flat.get(dataKey)
  const hasInline = inline !== undefined && inline.length > 0
  if (itemKeys.size === 0) return { tags, data: hasInline ? binaryBytes(inline) : EMPTY }
  const keys = [...itemKeys, ...(hasInline && !itemKeys.has(dataKey) ? [dataKey] : [])]
  const values = new Map(keys.map((key) => [key, nested.get(key) ?? flat.get(key)!]))
  let size = 0
  const children = sortedKeys(values).map((key) => {
    const item = packChild(values.get(key)!, depth + 1)
    size += item.raw.length
    if (size > AO_CORE_ITEM_BYTES_MAX) throw tooLarge(size)
    return { key, item }
  })
  if (bundleKind(firstValue(tags)) === 'list') return { tags, data: listBundle(children) }
  const manifest = manifestItem(children.map(({ key, item }) => ({ key, id: unsignedItemId(item) })))
  const entries = children.map(({ item }) => ({ id: unsignedItemId(item), raw: item.raw }))
  const manifestId = unsignedItemId(manifest)
  const data = bundleBytes([{ id: manifestId, raw: itemBytes(manifest, UNSIGNED) }, ...entries])
  return { tags: withBundleTags(tags, toBase64url(manifestId)), data }
}

/** Items 1 to n, by the ids of their signatures. */
function listBundle(children: readonly { readonly key: string; readonly item: PackedItem }[]): Uint8Array {
  const inOrder = children.toSorted((a, b) => Number(a.key) - Number(b.key))
  return bundleBytes(inOrder.map(({ item }) => ({ id: isUnsigned(item) ? unsignedItemId(item) : sha256(item.signature), raw: item.raw })))
}

/** In front, those that are not there yet in any spelling. */
function withBundleTags(tags: readonly Tag[], manifestId: string): readonly Tag[] {
  const present = new Set(tags.map(({ name }) => lowerCase(toText(name))))
  const wanted: [string, string][] = [...BUNDLE_TAGS, ['bundle-map', manifestId]]
  return [...wanted.filter(([name]) => !present.has(name)).map(([name, value]) => textTag(name, value)), ...tags]
}

function firstValue(tags: readonly Tag[]): (key: string) => Binary | undefined {
  return (key) => {
    const tag = tags.find(({ name }) => lowerCase(toText(name)) === key)
    return tag === undefined ? undefined : toBinary(tag.value)
  }
}

function tagOf(name: string, value: Binary): Tag {
  return { name: utf8(name), value: binaryBytes(value) }
}

function tooLarge(size: number): HeddleError<'too-large'> {
  const message = `message takes over ${size} bytes as a data item, at most ${AO_CORE_ITEM_BYTES_MAX} are made; link to some of its messages instead`
  return new HeddleError('too-large', { what: 'message as a data item', size, max: AO_CORE_ITEM_BYTES_MAX }, message)
}
