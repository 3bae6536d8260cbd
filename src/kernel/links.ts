/**
 * What links lead to.
 *
 * Source      permaweb/HyperBEAM src/hb_cache.erl, hb_link.erl (2025-11)
 * Invariants  A link that leads back to itself, or over more than LINK_HOPS_MAX others, fails; so does a message that has more in it than a message may.
 *             What is linked to twice counts twice: a few messages can link to each other in as many ways as there are grains of sand.
 */
import { HeddleError } from '../base/errors.ts'
import { AO_CORE_BODY_BYTES_MAX, AO_CORE_DEPTH_MAX, AO_CORE_VALUES_MAX, LINK_HOPS_MAX } from '../base/limits.ts'
import { isBinary, isContainer, isList, isMessage, Link, type Value } from '../codec/message/value.ts'
import type { MessageStore } from './message-store.ts'

/** What is at the end of a link; any other value as it is. Fails with `not-found` when it is not here. */
export async function loadLink(store: MessageStore, value: Value): Promise<Value> {
  const first = value
  let current = value
  for (let hops = 0; current instanceof Link; hops++) {
    if (hops >= LINK_HOPS_MAX)
      throw limit(
        'links that lead to links',
        LINK_HOPS_MAX,
        `link ${(first as Link).id} leads over more than ${LINK_HOPS_MAX} others, or in a circle`,
      )
    const target = await store.read(current.id)
    if (target === null)
      throw new HeddleError('not-found', { what: 'message', id: current.id }, `message ${current.id} is not here; a link leads to it`)
    current = current.isLazy && typeof target === 'string' ? new Link(target) : target
  }
  return current
}

/** The value with all that its links lead to, however deep: for codecs that send children whole. Private keys stay. */
export async function loadWhole(store: MessageStore, value: Value): Promise<Value> {
  let values = 0
  let bytes = 0
  const visit = async (item: Value, depth: number): Promise<Value> => {
    values++
    if (values > AO_CORE_VALUES_MAX)
      throw limit(
        'values of one message',
        AO_CORE_VALUES_MAX,
        `the message has more than ${AO_CORE_VALUES_MAX} values; ask for a part of it`,
      )
    if (depth > AO_CORE_DEPTH_MAX)
      throw limit(
        'messages within messages',
        AO_CORE_DEPTH_MAX,
        `the message is nested deeper than ${AO_CORE_DEPTH_MAX}; ask for a part of it`,
      )
    const loaded = item instanceof Link ? await loadLink(store, item) : item
    bytes += ownLength(loaded)
    if (bytes > AO_CORE_BODY_BYTES_MAX)
      throw limit(
        'bytes of one message',
        AO_CORE_BODY_BYTES_MAX,
        `the message has more than ${AO_CORE_BODY_BYTES_MAX} bytes with all that it links to; ask for a part of it`,
      )
    if (isList(loaded)) return visitAll(loaded, (child) => visit(child, depth + 1))
    if (!isMessage(loaded)) return loaded
    const children = await visitAll([...loaded.values()], (child) => visit(child, depth + 1))
    return new Map([...loaded.keys()].map((key, i) => [key, children[i] as Value]))
  }
  return hasLinks(value) ? visit(value, 0) : value
}

/** One after the other, so that a message full of links opens no thousand reads at once. */
async function visitAll(items: readonly Value[], visit: (item: Value) => Promise<Value>): Promise<Value[]> {
  const visited: Value[] = []
  for (const item of items) visited.push(isLeaf(item) ? item : await visit(item))
  return visited
}

/** Of the texts and bytes that are in it, but not in what is within. */
function ownLength(value: Value): number {
  if (isBinary(value)) return value.length
  let length = 0
  if (isMessage(value) || isList(value)) for (const item of value.values()) if (isBinary(item)) length += item.length
  return length
}

function isLeaf(value: Value): boolean {
  return !(value instanceof Link || isContainer(value))
}

function hasLinks(value: Value, depth = 0): boolean {
  if (value instanceof Link || depth > AO_CORE_DEPTH_MAX) return true
  if (isList(value)) return value.some((item) => !isLeaf(item) && hasLinks(item, depth + 1))
  if (!isMessage(value)) return false
  for (const child of value.values()) if (!isLeaf(child) && hasLinks(child, depth + 1)) return true
  return false
}

function limit(what: string, max: number, message: string): HeddleError<'limit-reached'> {
  return new HeddleError('limit-reached', { what, max }, message)
}
