/**
 * flat@1.0: a message with all that is in it as one level of keys, which are paths; and the same as lines of text.
 *
 * Wire        {"a/b/c": "v", "l/1": "x", "l/ao-types": ".=\"list\""}; as text one `key: value` a line, sorted.
 * Source      permaweb/HyperBEAM src/dev_codec_flat.erl (2025-11)
 * Invariants  Messages without keys vanish, and a slash in a key reads back as a level; both as the reference has it. Text is split at the first `: ` of a line.
 *             What would be lost silently fails instead: two values for one path, a line break or bytes that are not UTF-8 in text.
 */
import { clip } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX, AO_CORE_VALUES_MAX } from '../../base/limits.ts'
import { ownText } from './own-text.ts'
import { tooLarge } from './too-large.ts'
import { type Binary, compareKeys, isBinary, isPrivateKey, type Tabm, toBinary } from './value.ts'

export type FlatMessage = ReadonlyMap<string, Binary>
type Level = Map<string, Binary | Level>

export function encodeFlat(tabm: Tabm): FlatMessage {
  const flat = new Map<string, Binary>()
  flatten(tabm, '', flat, 1)
  return flat
}

export function decodeFlat(flat: FlatMessage): Tabm {
  if (flat.size > AO_CORE_VALUES_MAX) throw tooLarge('values of a flat message', flat.size, AO_CORE_VALUES_MAX)
  const message: Level = new Map()
  for (const [path, value] of flat) setAt(message, path, value)
  return message
}

export function encodeFlatText(flat: FlatMessage): string {
  const paths = [...flat.keys()].sort(compareKeys)
  return paths.map((path) => `${lineKey(path)}: ${lineValue(path, flat.get(path)!)}\n`).join('')
}

/** Lines without a colon say nothing. Of paths that occur twice the last one counts. */
export function decodeFlatText(given: string): FlatMessage {
  const text = given.toWellFormed()
  const flat = new Map<string, Binary>()
  let from = 0
  while (from < text.length) {
    const newline = text.indexOf('\n', from)
    const end = newline < 0 ? text.length : newline
    readLine(text.slice(from, text[end - 1] === '\r' && end > from ? end - 1 : end), flat)
    if (flat.size > AO_CORE_VALUES_MAX) throw tooLarge('lines of a flat message', flat.size, AO_CORE_VALUES_MAX)
    from = end + 1
  }
  return flat
}

function flatten(tabm: Tabm, prefix: string, flat: Map<string, Binary>, depth: number): void {
  if (depth > AO_CORE_DEPTH_MAX) throw tooLarge('depth of a message', depth, AO_CORE_DEPTH_MAX)
  for (const [key, value] of tabm) {
    if (isPrivateKey(key)) continue
    const path = prefix + trimSlashes(key)
    if (!isBinary(value)) flatten(value, `${path}/`, flat, depth + 1)
    else if (flat.has(path)) throw twice(path)
    else flat.set(path, value)
  }
}

function setAt(message: Level, path: string, value: Binary): void {
  const parts = path.includes('/') ? trimSlashes(path).split('/') : [path]
  if (parts.length > AO_CORE_DEPTH_MAX) throw tooLarge('depth of a message', parts.length, AO_CORE_DEPTH_MAX)
  if (parts.some(isPrivateKey)) return
  const last = parts.pop()!
  let level = message
  for (const part of parts) if (part !== '') level = levelBelow(level, part, path)
  if (level.has(last)) throw twice(path)
  level.set(last, value)
}

function levelBelow(level: Level, part: string, path: string): Level {
  const known = level.get(part)
  if (known !== undefined && !isBinary(known)) return known
  if (known !== undefined) throw twice(path)
  const fresh: Level = new Map()
  level.set(part, fresh)
  return fresh
}

function trimSlashes(key: string): string {
  if (!key.startsWith('/') && !key.endsWith('/')) return key
  let from = 0
  let end = key.length
  while (from < end && key[from] === '/') from++
  while (end > from && key[end - 1] === '/') end--
  return key.slice(from, end)
}

function readLine(line: string, flat: Map<string, Binary>): void {
  const at = line.indexOf(': ')
  if (at >= 0) flat.set(ownText(line.slice(0, at)), ownText(line.slice(at + 2)))
  else if (line.endsWith(':')) flat.set(ownText(line.slice(0, -1)), '')
}

function lineKey(path: string): string {
  if (!path.includes('\n') && !path.includes(': ')) return path
  throw noText(path, 'its name has a line break or `: `')
}

function lineValue(path: string, value: Binary): string {
  const text = typeof value === 'string' ? value : toBinary(value)
  if (typeof text === 'string' && !text.includes('\n')) return text
  throw noText(path, typeof text === 'string' ? 'its value has a line break' : 'its value is not UTF-8 or too long')
}

function noText(path: string, problem: string): HeddleError<'encoding-invalid'> {
  const message = `\`${clip(path)}\` has no place in flat text, since ${problem}; use json@1.0 or httpsig@1.0`
  return new HeddleError('encoding-invalid', { format: 'flat@1.0', at: 0 }, message)
}

function twice(path: string): HeddleError<'encoding-invalid'> {
  const message = `\`${clip(path)}\` is twice in a flat message, or is a value and a message; give each path one value`
  return new HeddleError('encoding-invalid', { format: 'flat@1.0', at: 0 }, message)
}
