/**
 * structured@1.0: between messages with values of all kinds and TABMs, which have binaries and messages only.
 *
 * Wire        integers, floats and atoms as text with their type in `ao-types`; a list as message 1..n whose `ao-types` says `.="list"`; a link as `key+link`.
 * Source      permaweb/HyperBEAM src/dev_codec_structured.erl, hb_link.erl (2025-11)
 * Invariants  Private keys, `content-digest` and `unsigned_id` are dropped. `commitments` stay inline even where children become links.
 *             Decoding restores what any generation wrote: `empty-…` types, lists in one text, quoted atoms, bare types.
 *             What needs no change is given back as it is, not copied.
 */
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX } from '../../base/limits.ts'
import { decodeTypes, encodeTypes, SELF_KEY, TYPES_KEY, type Types } from './ao-types.ts'
import { tooDeep } from './too-large.ts'
import { decodeTyped, emptyOf, encodeTyped } from './typed-text.ts'
import { type Binary, isBinary, isList, isMessage, isPrivateKey, LINK_SUFFIX, Link, type Message, type Tabm, type Value } from './value.ts'

/** The id of a child, for the link that stands in its place. */
export type LinkOf = (child: Message | readonly Value[]) => string

/** With `linkOf` children become links, without it they stay within. */
export function encodeStructured(value: Message | readonly Value[], linkOf?: LinkOf): Tabm {
  return isList(value) ? encodeList(value, linkOf, 1) : encodeMessage(value, linkOf, 1)
}

/** A list where `ao-types` says that it is one. */
export function decodeStructured(tabm: Tabm): Message | readonly Value[] {
  return decodeMessage(tabm, false, 1)
}

/** Of values some of which have their kind already, such as those of JSON. */
export function restoreTypes(value: Value): Value {
  return decodeChild(value, undefined, 1)
}

/** Keys that are made anew by each encoding. */
export function isMadeKey(key: string): boolean {
  switch (key.charCodeAt(0)) {
    case 97: // a
      return key === TYPES_KEY
    case 99: // c
      return key === 'content-digest'
    case 112: // p
      return isPrivateKey(key)
    case 117: // u
      return key === 'unsigned_id'
    default:
      return false
  }
}

function encodeMessage(message: Message, linkOf: LinkOf | undefined, depth: number): Tabm {
  if (isTabmAlready(message)) return message
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep()
  const tabm = new Map<string, Binary | Tabm>()
  const types = new Map<string, string>()
  for (const [key, value] of message) {
    if (typeof value === 'string') {
      if (!isMadeKey(key)) tabm.set(key, value)
    } else if (!isMadeKey(key)) encodeEntry(key, value, { tabm, types, linkOf: key === 'commitments' ? undefined : linkOf, depth })
  }
  if (types.size > 0) tabm.set(TYPES_KEY, encodeTypes(types))
  return tabm
}

function encodeList(list: readonly Value[], linkOf: LinkOf | undefined, depth: number): Tabm {
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep()
  const tabm = new Map<string, Binary | Tabm>()
  const types = new Map<string, string>([[SELF_KEY, 'list']])
  const into = { tabm, types, linkOf, depth }
  for (let i = 0; i < list.length; i++) encodeEntry(String(i + 1), list[i]!, into)
  tabm.set(TYPES_KEY, encodeTypes(types))
  return tabm
}

interface Encoding {
  readonly tabm: Map<string, Binary | Tabm>
  readonly types: Map<string, string>
  readonly linkOf: LinkOf | undefined
  readonly depth: number
}

function encodeEntry(key: string, value: Value, { tabm, types, linkOf, depth }: Encoding): void {
  if (isBinary(value)) tabm.set(key, value)
  else if (isMessage(value) || isList(value)) {
    if (linkOf !== undefined) tabm.set(key + LINK_SUFFIX, linkOf(value))
    else tabm.set(key, isList(value) ? encodeList(value, linkOf, depth + 1) : encodeMessage(value, linkOf, depth + 1))
  } else if (value instanceof Link) tabm.set(key + LINK_SUFFIX, linkId(key, value))
  else {
    const { type, text } = encodeTyped(value)
    types.set(key, type)
    tabm.set(key, text)
  }
}

function linkId(key: string, { id, isLazy }: Link): string {
  if (!isLazy) return id
  const problem = `the link at \`${key}\` names a place, "${id}", and not what is there; load it before the message is encoded`
  throw new HeddleError('encoding-invalid', { format: 'structured@1.0', at: 0 }, problem)
}

function isTabmAlready(message: Message): message is Tabm {
  for (const [key, value] of message) if (!isBinary(value) || isMadeKey(key)) return false
  return true
}

function decodeChild(value: Value, type: string | undefined, depth: number): Value {
  if (isMessage(value)) return decodeMessage(value, type === 'list', depth)
  if (isList(value)) return decodeItems(value, depth)
  if (type === undefined || !isBinary(value)) return value
  return decodeTyped(type, value)
}

function decodeMessage(tabm: Message, isListByParent: boolean, depth: number): Message | readonly Value[] {
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep()
  const types = decodeTypes(typesText(tabm.get(TYPES_KEY)))
  const message = decodeEntries(tabm, types, depth)
  return isListByParent || types.get(SELF_KEY) === 'list' ? toList(message) : message
}

/** The same message as long as nothing in it changes. */
function decodeEntries(tabm: Message, types: Types, depth: number): Message {
  let copy: Map<string, Value> | null = null
  let unchanged = 0
  for (const [key, value] of tabm) {
    if (isDecodedKey(key)) {
      copy ??= firstEntries(tabm, unchanged)
      if (typeof value === 'string' && isLinkKey(key)) decodeLink(tabm, copy, key, value)
      else if (key !== TYPES_KEY && !isPrivateKey(key)) copy.set(key, decodeChild(value, types.get(key), depth + 1))
      continue
    }
    const decoded = decodeChild(value, types.get(key), depth + 1)
    if (copy === null && decoded !== value) copy = firstEntries(tabm, unchanged)
    if (copy === null) unchanged++
    else copy.set(key, decoded)
  }
  if (copy === null) return tabm
  restoreEmpties(copy, types)
  return copy
}

function firstEntries(message: Message, count: number): Map<string, Value> {
  const entries = new Map<string, Value>()
  if (count === 0) return entries
  for (const [key, value] of message) {
    entries.set(key, value)
    if (entries.size === count) break
  }
  return entries
}

function isDecodedKey(key: string): boolean {
  return key === TYPES_KEY || isPrivateKey(key) || isLinkKey(key)
}

function isLinkKey(key: string): boolean {
  return key.length > LINK_SUFFIX.length && key.endsWith(LINK_SUFFIX)
}

/** A value that is there itself comes before a link in its place. */
function decodeLink(tabm: Message, message: Map<string, Value>, linkKey: string, id: string): void {
  const key = linkKey.slice(0, -LINK_SUFFIX.length)
  if (!tabm.has(key) && !isPrivateKey(key) && key !== TYPES_KEY) message.set(key, new Link(id))
}

function restoreEmpties(message: Map<string, Value>, types: Types): void {
  for (const [key, type] of types) {
    const empty = message.has(key) || isPrivateKey(key) || key === TYPES_KEY ? undefined : emptyOf(type)
    if (empty !== undefined) message.set(key, empty)
  }
}

function decodeItems(list: readonly Value[], depth: number): readonly Value[] {
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep()
  const items = list.map((item) => decodeChild(item, undefined, depth + 1))
  return items.every((item, i) => item === list[i]) ? list : items
}

/** Of the keys 1..n; lists have no commitments of their own. */
function toList(message: Message): readonly Value[] {
  const length = message.has('commitments') ? message.size - 1 : message.size
  const list: Value[] = []
  for (let i = 1; i <= length; i++) {
    const value = message.get(String(i))
    if (value === undefined) throw invalidList(length, i)
    list.push(value)
  }
  return list
}

function typesText(types: Value | undefined): Binary | undefined {
  if (types === undefined || isBinary(types)) return types
  throw new HeddleError('encoding-invalid', { format: 'ao-types', at: 0 }, '`ao-types` is not text; expected such as `n="integer"`')
}

function invalidList(length: number, missing: number): HeddleError<'encoding-invalid'> {
  const problem = `a list of ${length} keys has no item ${missing}; its keys must be 1 to ${length}`
  return new HeddleError('encoding-invalid', { format: 'structured@1.0', at: 0 }, problem)
}
