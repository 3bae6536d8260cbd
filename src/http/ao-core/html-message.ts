/**
 * A message as a page: its keys with their values and types, what is within it down to a small depth, and who vouches for it.
 *
 * Invariants  Every value is escaped. Long values are clipped and whole on demand, up to a bound; so is the page as a whole, with links to the rest.
 */
import { clip, toBase64url, toTextStrict } from '../../base/bytes.ts'
import { commitmentsOf } from '../../codec/message/commitment.ts'
import { linkId } from '../../codec/message/id.ts'
import { Atom, Float, isList, isMessage, isPrivateKey, Link, type Message, sortedKeys, type Value } from '../../codec/message/value.ts'
import type { MessageStore } from '../../kernel/message-store.ts'
import { escaped, jsonLink, type Place, page, pathAndQuery, pathOfKey, readable } from './html.ts'
import type { EncodedReply } from './reply-httpsig.ts'

export interface Shown {
  readonly status: number
  readonly message: Message
  /** Of the computation, where it is known. */
  readonly hashpath: string | null
  /** Of this node, if it signs the message for programs. */
  readonly signer: string | null
}

const SHORT_CHARS = 300
const CLIPPED_CHARS = 160
const VALUE_CHARS_MAX = 100_000
const PAGE_CHARS_MAX = 2_000_000
const ROWS_MAX = 500
const NESTED_ROWS_MAX = 50
const DEPTH_SHOWN = 3
const LINKS_LOADED_MAX = 50
/** With more of them they are shown on demand. */
const OPEN_ROWS = 20
const BYTES_SHOWN = 48
const ID = /^[A-Za-z0-9_-]{43}$/
const URL_TEXT = /^https?:\/\/[^\s"'<>]{1,1000}$/

/** What is left of the page. */
interface Room {
  chars: number
}

export function messagePage(place: Place, { status, message, hashpath, signer }: Shown): EncodedReply {
  const path = readable(pathAndQuery(place.target).path)
  const facts = [
    `Status ${status}`,
    countOf(message),
    ...(hashpath === null ? [] : [`Hashpath <code>${ids(clip(hashpath, SHORT_CHARS))}</code>`]),
    ...jsonLink(place),
  ]
  const content = `<h2>${message.get('ao-result') === 'body' ? 'Result' : 'Keys'}</h2>\n${rowsOf(message, { place, depth: 1, room: { chars: PAGE_CHARS_MAX } })}${signatures(message, signer)}`
  return page(path, { place, facts, content })
}

interface Where {
  /** Null where a path cannot name it. */
  readonly place: Place | null
  readonly depth: number
  readonly room: Room
}

function rowsOf(container: Message | readonly Value[], { place, depth, room }: Where): string {
  const entries = entriesOf(container)
  if (entries.length === 0) return '<p>It is empty.</p>'
  const max = depth === 1 ? ROWS_MAX : NESTED_ROWS_MAX
  const rows: string[] = []
  for (const [key, value] of entries.slice(0, max)) {
    if (room.chars < 0) break
    const row = rowOf(key, value, { place: childPlace(place, key), depth, room })
    room.chars -= row.length
    rows.push(row)
  }
  const left = entries.length - rows.length
  return `<dl>${rows.join('\n')}</dl>${left === 0 ? '' : `<p>and ${left} more, which are not shown here</p>`}`
}

function entriesOf(container: Message | readonly Value[]): (readonly [string, Value])[] {
  if (isList(container)) return container.map((item, i) => [String(i + 1), item])
  const keys = sortedKeys(container).filter((key) => key !== 'commitments' && !isPrivateKey(key))
  return keys.map((key) => [key, container.get(key)!])
}

function childPlace(place: Place | null, key: string): Place | null {
  const target = place === null ? null : pathOfKey(place, key)
  return target === null ? null : { target, isGet: true }
}

function rowOf(key: string, value: Value, where: Where): string {
  const name = escaped(clip(key, SHORT_CHARS))
  const label = where.place === null ? name : `<a href="${escaped(where.place.target)}">${name}</a>`
  return `<div><dt>${label} <small>${typeOf(value)}</small></dt><dd>${shownValue(value, where)}</dd></div>`
}

function typeOf(value: Value): string {
  if (typeof value === 'string') return 'text'
  if (value instanceof Uint8Array) return toTextStrict(value) === null ? 'bytes' : 'text'
  if (value instanceof Float) return 'float'
  if (value instanceof Link) return 'link'
  if (value instanceof Atom || typeof value === 'boolean' || value === null) return 'atom'
  if (isList(value)) return 'list'
  return isMessage(value) ? 'message' : 'integer'
}

function shownValue(value: Value, where: Where): string {
  if (typeof value === 'string') return textValue(value)
  if (value instanceof Uint8Array) return bytesValue(value)
  if (value instanceof Float) return code(Number.isInteger(value.value) ? value.value.toFixed(1) : String(value.value))
  if (value instanceof Atom) return textValue(value.name)
  if (value instanceof Link) return value.isLazy ? code(value.id) : idLink(value.id)
  if (isList(value) || isMessage(value)) return containerValue(value, where)
  return textValue(String(value))
}

function textValue(text: string): string {
  if (text === '') return '<span class="type">empty</span>'
  if (ID.test(text)) return idLink(text)
  if (URL_TEXT.test(text)) return `<a class="value" rel="noreferrer nofollow" href="${escaped(text)}">${escaped(text)}</a>`
  if (text.length <= SHORT_CHARS && !text.includes('\n')) return code(text)
  const start = clip(
    text
      .slice(0, 4 * CLIPPED_CHARS)
      .trimStart()
      .split('\n', 1)[0] ?? '',
    CLIPPED_CHARS,
  )
  const rest = text.length > VALUE_CHARS_MAX ? `<p>and ${text.length - VALUE_CHARS_MAX} more characters</p>` : ''
  return `<details><summary>${code(start)} <span class="type">${text.length} characters</span></summary><pre tabindex="0">${escaped(text.slice(0, VALUE_CHARS_MAX).toWellFormed())}</pre>${rest}</details>`
}

function bytesValue(bytes: Uint8Array): string {
  const text = toTextStrict(bytes)
  if (text !== null) return textValue(text)
  return `${code(toBase64url(bytes.subarray(0, BYTES_SHOWN)))} <span class="type">${bytes.length > BYTES_SHOWN ? 'first of ' : ''}${bytes.length} bytes, base64url</span>`
}

/** In its place as long as it is not deep; then a link. An empty one has nothing to lead to. */
function containerValue(value: Message | readonly Value[], where: Where): string {
  const count = `<span class="type">${countOf(value)}</span>`
  const size = isList(value) ? value.length : value.size
  if (size === 0) return count
  const id = idOf(value)
  if (where.depth >= DEPTH_SHOWN || where.room.chars < 0) return `${id} ${count}`
  const rows = rowsOf(value, { ...where, depth: where.depth + 1 })
  return size <= OPEN_ROWS ? `${id} ${count}${rows}` : `${id}<details><summary>${count}</summary>${rows}</details>`
}

/** Nothing for a message that names a place: it has no id until that is read. */
function idOf(value: Message | readonly Value[]): string {
  try {
    return idLink(linkedAs.get(value) ?? linkId(value))
  } catch {
    return ''
  }
}

/** By which ids messages were loaded. */
const linkedAs = new WeakMap<object, string>()

/** The message with what it links to in its place, as far as that is here and is shown. */
export async function withLinked(message: Message, store: Pick<MessageStore, 'read'>): Promise<Message> {
  const budget = { reads: LINKS_LOADED_MAX }
  return (await loaded(message, store, { depth: 1, budget })) as Message
}

async function loaded(
  value: Message | readonly Value[],
  store: Pick<MessageStore, 'read'>,
  { depth, budget }: { readonly depth: number; readonly budget: { reads: number } },
): Promise<Message | readonly Value[]> {
  if (depth >= DEPTH_SHOWN) return value
  const visit = async (item: Value): Promise<Value> => {
    if (isMessage(item) || isList(item)) return loaded(item, store, { depth: depth + 1, budget })
    if (!(item instanceof Link) || item.isLazy || budget.reads-- <= 0) return item
    const found = await store.read(item.id).catch(() => null)
    if (!isMessage(found) && !isList(found)) return item
    const whole = await loaded(found, store, { depth: depth + 1, budget })
    linkedAs.set(whole, item.id)
    return whole
  }
  const changed = new Map<string | number, Value>()
  for (const [key, item] of value.entries()) {
    const visited = typeof item === 'object' && key !== 'commitments' ? await visit(item) : item
    if (visited !== item) changed.set(key, visited)
  }
  if (changed.size === 0) return value
  if (isList(value)) return value.map((item, i) => changed.get(i) ?? item)
  return new Map([...value].map(([key, item]) => [key, changed.get(key) ?? item]))
}

function countOf(container: Message | readonly Value[]): string {
  const count = isList(container) ? container.length : container.size - (container.has('commitments') ? 1 : 0)
  const what = isList(container) ? 'item' : 'key'
  return count === 0 ? `no ${what}s` : `${count} ${what}${count === 1 ? '' : 's'}`
}

function signatures(message: Message, signer: string | null): string {
  const own = message.has('commitments') ? commitmentsOf(message) : []
  const rows = own.map(({ id, type, committer, committed }) => {
    const who = committer === null ? 'nobody in particular' : idLink(committer)
    const keys = clip([...committed].join(', '), SHORT_CHARS)
    return `<div><dt>${committer === null ? 'Digest' : 'Signed'} <small>${escaped(clip(type, SHORT_CHARS))}</small></dt><dd>by ${who}<br><span class="type">commitment</span> ${code(id)}<br><span class="type">of</span> ${code(keys)}</dd></div>`
  })
  if (signer !== null)
    rows.push(`<div><dt>This node</dt><dd>${idLink(signer)} <span class="type">signs this for programs that ask for it</span></dd></div>`)
  if (rows.length === 0) return ''
  return `<h2>Signatures</h2>\n<dl>${rows.join('\n')}</dl>`
}

function idLink(text: string): string {
  return ID.test(text) ? `<a class="value" href="/${text}">${text}</a>` : code(text)
}

/** A text with ids in it, of which each leads to its message. */
function ids(text: string): string {
  return text
    .split('/')
    .map((part) => (ID.test(part) ? idLink(part) : escaped(part)))
    .join('/')
}

function code(text: string): string {
  return `<code>${escaped(text.toWellFormed())}</code>`
}
