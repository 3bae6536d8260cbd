/**
 * Tags of data items and transactions as keys of messages.
 *
 * Wire        a key is the tag's name in lower case; a name that comes more than once becomes one value, a structured-field list of strings: `"a", "b"`.
 *             `ao-types` names keys, so its names go to lower case too.
 * Source      permaweb/HyperBEAM src/dev_codec_ans104_from.erl (2025-11)
 * Invariants  What commitments keep as `original-tags` are the tags as they were, in order, as {1: {name, value}, …}.
 */
import { concat, toText, toTextStrict, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import type { Tag } from '../tags.ts'
import { decodeTypes, encodeTypes } from './ao-types.ts'
import { type Binary, binaryBytes, isAscii, isBinary, isMessage, type Message, toBinary, type Value } from './value.ts'

export interface NamedTag {
  /** In lower case. */
  readonly key: string
  readonly tag: Tag
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Each code point on its own: `toLowerCase` of a whole text looks at what stands around some letters. */
export function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : Array.from(text, (char) => char.toLowerCase()).join('')
}

/** Fails with `encoding-invalid` for a name that is not UTF-8, which cannot be a key. */
export function namedTags(tags: readonly Tag[]): NamedTag[] {
  return tags.map((tag, i) => {
    const name = toTextStrict(tag.name)
    if (name !== null) return { key: lowerCase(name), tag }
    const problem = `tag ${i + 1} has a name that is not UTF-8 (${toText(tag.name).slice(0, 80)}); a message cannot have it as a key`
    throw new HeddleError('encoding-invalid', { format: 'tags', at: i }, problem)
  })
}

/** One value for each key. */
export function tagValues(tags: readonly NamedTag[]): Map<string, Binary> {
  const all = new Map<string, Uint8Array[]>()
  for (const { key, tag } of tags) {
    const known = all.get(key)
    if (known === undefined) all.set(key, [tag.value])
    else known.push(tag.value)
  }
  const values = new Map<string, Binary>()
  for (const [key, found] of all) values.set(key, toBinary(found.length === 1 ? found[0]! : stringList(found)))
  const types = values.get('ao-types')
  if (types !== undefined) values.set('ao-types', lowerTypes(types))
  return values
}

/** Is every name the key that it becomes? */
export function areLowerCase(tags: readonly NamedTag[]): boolean {
  return tags.every(({ key, tag }) => key === toText(tag.name))
}

export function originalTags(tags: readonly Tag[]): Message {
  return new Map(
    tags.map(({ name, value }, i): [string, Message] => [
      String(i + 1),
      new Map<string, Value>([
        ['name', toBinary(name)],
        ['value', toBinary(value)],
      ]),
    ]),
  )
}

/** The tags that a commitment keeps; null when it keeps none. Fails with `encoding-invalid` where it keeps something else. */
export function readOriginalTags(kept: Value | undefined): Tag[] | null {
  if (kept === undefined) return null
  if (!isMessage(kept)) throw invalidTags('are not a message')
  const tags: Tag[] = []
  for (let at = 1; at <= kept.size; at++) {
    const entry = kept.get(String(at))
    const name = isMessage(entry) ? entry.get('name') : undefined
    const value = isMessage(entry) ? entry.get('value') : undefined
    if (!isBinary(name) || !isBinary(value)) throw invalidTags(`have no name and value at ${at}`)
    tags.push({ name: binaryBytes(name), value: binaryBytes(value) })
  }
  return tags
}

function lowerTypes(types: Binary): Binary {
  const lower = new Map<string, string>()
  for (const [key, type] of decodeTypes(types)) lower.set(lowerCase(key), type)
  return encodeTypes(lower)
}

function stringList(values: readonly Uint8Array[]): Uint8Array {
  const comma = utf8(', ')
  return concat(values.flatMap((value, i) => (i === 0 ? [quoted(value)] : [comma, quoted(value)])))
}

function quoted(value: Uint8Array): Uint8Array {
  let escapes = 0
  for (const byte of value) if (byte === QUOTE || byte === BACKSLASH) escapes++
  const out = new Uint8Array(value.length + escapes + 2).fill(QUOTE)
  let at = 1
  for (const byte of value) {
    if (byte === QUOTE || byte === BACKSLASH) out[at++] = BACKSLASH
    out[at++] = byte
  }
  return out
}

function invalidTags(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'commitments', at: 0 }, `the original tags of a commitment ${problem}`)
}
