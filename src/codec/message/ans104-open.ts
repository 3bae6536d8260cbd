/**
 * From what a data item or transaction carries (tags, data, fields) to a message. `ans104-pack.ts` is the way back.
 *
 * Wire        keys: names of data (of the items of a bundle by its manifest or 1..n, else the one of `ao-data-key`, else `data`), then tags in
 *             lower case, then fields (`target`, `anchor` …). Where a key comes from several, data wins, then fields. `bundle-format`,
 *             `bundle-version`, `bundle-map` and `ao-data-key` are no keys. An item with the tag `ao-type: binary` is its data and nothing else.
 * Source      permaweb/HyperBEAM src/dev_codec_ans104.erl, dev_codec_ans104_from.erl (2025-11)
 * Invariants  Nothing is verified here. Private keys and `commitments` are left out, however they are spelt. Bounded in depth and in values.
 */
import { toTextStrict } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_ITEMS_MAX, AO_CORE_VALUES_MAX, BUNDLE_DEPTH_MAX } from '../../base/limits.ts'
import type { DataItem } from '../data-item.ts'
import type { Tag } from '../tags.ts'
import { readBundleItems, readManifest } from './ans104-item.ts'
import { areLowerCase, lowerCase, type NamedTag, namedTags, originalTags, tagValues } from './ans104-tags.ts'
import { decodeStructured } from './structured.ts'
import {
  type Binary,
  isBinary,
  isList,
  isPrivateKey,
  LINK_SUFFIX,
  type Message,
  sortedKeys,
  type Tabm,
  toBinary,
  type Value,
  withoutLinkSuffix,
} from './value.ts'

/** What both items and transactions have. */
export interface Envelope {
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  /** The fields that are set, as keys of the message have them. */
  readonly fields: ReadonlyMap<string, string>
}

export interface Opened {
  /** Without commitments. */
  readonly value: Message | readonly Value[]
  readonly committed: readonly string[]
  /** What its commitment carries: `bundle`, `bundle-format`, `original-tags`, `field-target` … */
  readonly extra: Message
  readonly isLowerCase: boolean
}

/** How the items in a bundle become values: it depends on who signed them. */
export interface OpenContext {
  openChild(item: DataItem, depth: number): Value
  /** Tags and items so far. */
  values: number
  items: number
}

type BundleKind = 'map' | 'list' | null

export const BUNDLE_KEYS = ['bundle-format', 'bundle-version', 'bundle-map'] as const
export const DATA_KEY_TAG = 'ao-data-key'
export const FIELD_PREFIX = 'field-'
const META_KEYS: ReadonlySet<string> = new Set([...BUNDLE_KEYS, DATA_KEY_TAG])

/** `fieldOrder` are the keys of all fields that there are. */
export function openEnvelope(envelope: Envelope, fieldOrder: readonly string[], context: OpenContext, depth: number): Opened {
  const tags = namedTags(envelope.tags)
  count(context, tags.length)
  const values = tagValues(tags)
  const data = openData(envelope.data, tags, values, context, depth)
  const committed = committedKeys(data, tags, envelope.fields, fieldOrder, values)
  const isLowerCase = areLowerCase(tags)
  return {
    value: assemble(committed, [data, envelope.fields, values]),
    committed,
    extra: extraOf(envelope, values, isLowerCase),
    isLowerCase,
  }
}

/** Does the item stand for its bare data? */
export function isBareBinary(tags: readonly Tag[]): boolean {
  const first = tags.find(({ name }) => toTextStrict(name) === 'ao-type')
  return first !== undefined && toTextStrict(first.value) === 'binary'
}

export function bundleKind(valueAt: (key: string) => Binary | undefined): BundleKind {
  const text = (key: string): string => {
    const value = valueAt(key)
    return typeof value === 'string' ? lowerCase(value) : ''
  }
  if (text('bundle-format') !== 'binary' || text('bundle-version') !== '2.0.0') return null
  return text('bundle-map') === '' ? 'list' : 'map'
}

function openData(
  data: Uint8Array,
  tags: readonly NamedTag[],
  values: ReadonlyMap<string, Binary>,
  context: OpenContext,
  depth: number,
): Map<string, Value> {
  if (data.length === 0) return new Map()
  const first = (key: string): Binary | undefined => {
    const found = tags.find((tag) => tag.key === key)
    return found === undefined ? undefined : toBinary(found.tag.value)
  }
  const kind = bundleKind(first)
  if (kind === null) {
    const key = dataKeyOf(values)
    return isUsable(key) ? new Map([[key, toBinary(data)]]) : new Map()
  }
  if (depth >= BUNDLE_DEPTH_MAX) throw tooDeep()
  const items = readBundleItems(data)
  countItems(context, items.length)
  count(context, items.length)
  const named = kind === 'map' ? readManifest(items, first('bundle-map') as string) : new Map(items.map((item, i) => [String(i + 1), item]))
  const opened = new Map<string, Value>()
  for (const [key, item] of named) if (isUsable(key)) opened.set(key, context.openChild(item, depth + 1))
  return opened
}

function dataKeyOf(values: ReadonlyMap<string, Binary>): string {
  const key = values.get(DATA_KEY_TAG) ?? 'data'
  if (typeof key === 'string') return key
  throw invalid(`the tag ${DATA_KEY_TAG} is not UTF-8`)
}

function committedKeys(
  data: ReadonlyMap<string, Value>,
  tags: readonly NamedTag[],
  fields: ReadonlyMap<string, string>,
  fieldOrder: readonly string[],
  values: ReadonlyMap<string, Binary>,
): string[] {
  const tagKeys = tags.map(({ key }) => key).filter((key) => !META_KEYS.has(key) && isUsable(key))
  const fieldKeys = fieldOrder.filter((key) => fields.has(key) || values.has(key) || data.has(key))
  return [...new Set([...sortedKeys(data), ...tagKeys, ...fieldKeys].map(withoutLinkSuffix))]
}

/** Each key from the first source that has it, as a value or as a link. */
function assemble(keys: readonly string[], sources: readonly ReadonlyMap<string, Value>[]): Message | readonly Value[] {
  const tabm = new Map<string, Binary | Tabm>()
  const children = new Map<string, Value>()
  for (const key of keys) {
    const [name, value] = find(key, sources)
    if (!isBinary(value)) children.set(name, value)
    tabm.set(name, isBinary(value) ? value : new Map())
  }
  if (children.has('ao-types')) throw invalid('the key ao-types is a message; it must be text')
  const decoded = decodeStructured(tabm)
  return isList(decoded) ? withItems(decoded, children) : withChildren(decoded, children)
}

function find(key: string, sources: readonly ReadonlyMap<string, Value>[]): [string, Value] {
  for (const source of sources) {
    for (const name of [key, key + LINK_SUFFIX]) {
      const value = source.get(name)
      if (value !== undefined) return [name, value]
    }
  }
  throw invalid(`the key ${key} has no value`) // Cannot be: keys were taken from these sources.
}

function withChildren(message: Message, children: ReadonlyMap<string, Value>): Message {
  return children.size === 0 ? message : new Map([...message, ...children])
}

function withItems(list: readonly Value[], children: ReadonlyMap<string, Value>): readonly Value[] {
  const items = [...list]
  for (const [key, value] of children) {
    const at = Number(key) - 1
    if (!(at in items)) throw invalid(`a list of ${items.length} has no place for its item "${key.slice(0, 80)}"`)
    items[at] = value
  }
  return items
}

function extraOf(envelope: Envelope, values: ReadonlyMap<string, Binary>, isLowerCase: boolean): Message {
  const extra = new Map<string, Value>([['bundle', values.has('bundle-format') ? 'true' : 'false']])
  for (const key of BUNDLE_KEYS) {
    const value = values.get(key)
    if (value !== undefined) extra.set(key, value)
  }
  for (const [key, value] of envelope.fields) extra.set(FIELD_PREFIX + key, value)
  if (!isLowerCase) extra.set('original-tags', originalTags(envelope.tags))
  return extra
}

function isUsable(key: string): boolean {
  const name = withoutLinkSuffix(key)
  return !isPrivateKey(name) && name !== 'commitments'
}

function count(context: OpenContext, values: number): void {
  context.values += values
  if (context.values <= AO_CORE_VALUES_MAX) return
  throw new HeddleError(
    'too-large',
    { what: 'values of a message', size: context.values, max: AO_CORE_VALUES_MAX },
    `item holds more than ${AO_CORE_VALUES_MAX} tags and items in all; it cannot be read as one message`,
  )
}

function countItems(context: OpenContext, items: number): void {
  context.items += items
  if (context.items <= AO_CORE_ITEMS_MAX) return
  throw new HeddleError(
    'too-large',
    { what: 'items in an item', size: context.items, max: AO_CORE_ITEMS_MAX },
    `item holds ${context.items} items or more in all, at most ${AO_CORE_ITEMS_MAX} are read as one message; read its items by their own ids`,
  )
}

function tooDeep(): HeddleError<'limit-reached'> {
  return new HeddleError(
    'limit-reached',
    { what: 'bundle depth', max: BUNDLE_DEPTH_MAX },
    `bundles in this item are nested deeper than ${BUNDLE_DEPTH_MAX}`,
  )
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'data item', at: 0 }, `as a message, ${problem}`)
}
