/**
 * `ao-types`: which keys of a message have values that are not binaries.
 *
 * Wire        a structured-field dictionary, sorted by key: `.="list", 1="integer", %44ata="atom"`. `.` says that the message is a list.
 *             Keys are percent-encoded.
 * Source      permaweb/HyperBEAM src/dev_codec_structured.erl, hb_escape.erl (2025-11)
 * Invariants  Also reads bare tokens as types, and keys that are not encoded, as older clients write them.
 */
import { toTextLossy } from '../../base/bytes.ts'
import { escapeKey, unescapeKey } from './key-escape.ts'
import { ownText } from './own-text.ts'
import { parseDictionary } from './structured-fields.ts'
import { type Binary, sortedKeys } from './value.ts'

/** Types by key, in lower case. */
export type Types = ReadonlyMap<string, string>

export const TYPES_KEY = 'ao-types'
/** The key whose type says what the message itself is. */
export const SELF_KEY = '.'

const NO_TYPES: Types = new Map()

/** The same few texts come again and again. Cleared when full. */
const PARSED_MAX = 1000
const PARSED_TEXT_MAX = 1000
const parsed = new Map<string, Types>()

export function decodeTypes(types: Binary | undefined): Types {
  if (types === undefined) return NO_TYPES
  const text = typeof types === 'string' ? types : toTextLossy(types)
  const known = parsed.get(text)
  if (known !== undefined) return known
  if (text.length > PARSED_TEXT_MAX) return parseTypes(text)
  const own = ownText(text)
  const fresh = parseTypes(own)
  if (parsed.size >= PARSED_MAX) parsed.clear()
  parsed.set(own, fresh)
  return fresh
}

export function encodeTypes(types: Types): string {
  let text = ''
  for (const key of sortedKeys(types)) text += `${text === '' ? '' : ', '}${escapeKey(key)}="${types.get(key)}"`
  return text
}

function parseTypes(text: string): Types {
  const types = new Map<string, string>()
  for (const [key, { value }] of parseDictionary(text)) {
    if (value.kind === 'string' || value.kind === 'token') types.set(unescapeKey(key), value.value.toLowerCase())
  }
  return types
}
