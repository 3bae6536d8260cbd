/**
 * Messages and results on their way between the forms of the node (value-codec) and those of JavaScript processes.
 *
 * Wire        In, for processes with handlers: text that processes/js/message.js reads; beside it JSON of the other fields, and Data that is bytes.
 *             For an exported `handle`, and where NULs forbid the former: JSON with null for bytes; beside it JSON of their paths, and the bytes.
 *             Out: fields as processes/js/outbox.js lists them; or JSON in which bytes are {"\0bytes": index}.
 * Source      our own: text that is split at NULs costs the interpreter half of what JSON does
 */
import { HeddleError } from '../../base/errors.ts'
import { VALUE_DEPTH_MAX } from '../../base/limits.ts'
import { GuestFault, type GuestResult, type Reply } from '../guest.ts'
import { encodeValue, ValueReader } from '../value-codec.ts'

const BYTES = '\0bytes'
const NUL = '\0'
/** Before the values of an encoded list. */
const LIST_HEADER_BYTES = 5

export interface Incoming {
  readonly kind: 'fields' | 'json'
  readonly text: string
  /** JSON: of the other fields, or of the paths of the bytes. */
  readonly beside: string
  readonly bytes: readonly Uint8Array[]
  /** The message's Timestamp, if it has one. */
  readonly timestampMs: number | null
}

export function incomingOf(message: Uint8Array, asObject: boolean): Incoming {
  const value = new ValueReader(message).value() as Record<string, unknown>
  const timestamp = Number(value['Timestamp'] ?? Number.NaN)
  const timestampMs = Number.isSafeInteger(timestamp) && timestamp >= 0 ? timestamp : null
  const fields = asObject ? null : flatten(value)
  if (fields !== null) return { kind: 'fields', ...fields, timestampMs }
  const paths: (string | number)[][] = []
  const bytes: Uint8Array[] = []
  const text = JSON.stringify(withoutBytes(value, [], { paths, bytes }))
  return { kind: 'json', text, beside: JSON.stringify(paths), bytes, timestampMs }
}

/** Null when the message does not have the usual fields, or text with a NUL. */
function flatten(message: Record<string, unknown>): Pick<Incoming, 'text' | 'beside' | 'bytes'> | null {
  const { Id, From, Owner, Target, Data, Timestamp, Tags, 'Block-Height': height, ...others } = message
  if (typeof Timestamp !== 'number' || typeof height !== 'number' || !Array.isArray(Tags)) return null
  const bytes = Data instanceof Uint8Array ? [Data] : []
  const fields: unknown[] = [Id, From, Owner, Target, bytes.length > 0 ? '' : Data, String(Timestamp), String(height)]
  for (const tag of Tags as readonly { readonly name?: unknown; readonly value?: unknown }[]) fields.push(tag.name, tag.value)
  for (const field of fields) if (typeof field !== 'string' || field.includes(NUL)) return null
  for (const value of Object.values(others)) if (typeof value === 'object' && value !== null) return null
  return { text: fields.join(NUL), beside: JSON.stringify(others), bytes }
}

interface Found {
  readonly paths: (string | number)[][]
  readonly bytes: Uint8Array[]
}

/** The same value, changed in place: it was made for this. */
function withoutBytes(value: unknown, path: (string | number)[], found: Found): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) {
    found.paths.push([...path])
    found.bytes.push(value)
    return null
  }
  const entries = value as Record<string | number, unknown>
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const entry = entries[key]
    if (typeof entry !== 'object' || entry === null) continue
    path.push(key)
    if (entry instanceof Uint8Array) entries[key] = withoutBytes(entry, path, found)
    else withoutBytes(entry, path, found)
    path.pop()
  }
  return value
}

/** What a process left beside its reply; null when there is none of that index. */
export type BytesAt = (index: number) => Uint8Array | null

export function replyOfJson(json: string, bytesAt: BytesAt): Reply {
  const parsed = parseOwn(json) as Record<string, unknown>
  const result = typeof parsed['Bytes'] === 'number' ? (withBytes(parsed, bytesAt) as Record<string, unknown>) : parsed
  const { Output, Messages, Spawns, Assignments, Error: reported } = result
  return { values: encode([Output, Messages, Spawns, Assignments, reported]), isError: reported !== undefined && reported !== null }
}

function withBytes(value: unknown, bytesAt: BytesAt, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > VALUE_DEPTH_MAX + 1) return value
  const index = (value as Record<string, unknown>)[BYTES]
  if (typeof index === 'number') return bytesAt(index)
  if (Array.isArray(value)) return value.map((entry) => withBytes(entry, bytesAt, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withBytes(entry, bytesAt, depth + 1)]))
}

/** The fields that `=` announces; null when a NUL in one of them hides where they end. */
export function splitFields(reply: string): string[] | null {
  const fields = reply.split(NUL)
  const count = Number(fields.shift()?.slice(1))
  return fields.length === count ? fields : null
}

export function replyOfFields(fields: readonly string[], bytesAt: BytesAt): Reply {
  const { Output, Messages, Spawns, Assignments } = resultOf(fields, bytesAt)
  return { values: encode([Output, Messages, Spawns, Assignments, null]), isError: false }
}

function resultOf(fields: readonly string[], bytesAt: BytesAt): GuestResult {
  const [data = '', prompt = '', kind] = fields
  const lists = { Messages: [] as unknown[], Spawns: [] as unknown[], Assignments: [] as unknown[] }
  let at = 3
  const next = (): string => fields[at++] ?? ''
  while (at < fields.length) {
    const mark = next()
    if (mark === 'a') {
      lists.Assignments.push(parseOwn(next()))
      continue
    }
    const [target, content, anchor, count] = [next(), next(), next(), Number(next())]
    if (!/^[ms][-nb]*$/.test(mark) || !(count >= 0 && count <= (fields.length - at) / 2)) throw malformed()
    const tags: { name: string; value: string }[] = []
    for (let left = count; left > 0; left--) tags.push({ name: next(), value: next() })
    const entry = { Data: dataOf(mark, content, bytesAt), Anchor: anchor, Tags: tags }
    if (mark.startsWith('s')) lists.Spawns.push(entry)
    else lists.Messages.push(mark.includes('-') ? entry : { Target: target, ...entry })
  }
  return { Output: kind === 'eval' ? { data, prompt } : { data, prompt, print: true }, ...lists }
}

function dataOf(mark: string, content: string, bytesAt: BytesAt): unknown {
  if (mark.includes('n')) return undefined
  return mark.includes('b') ? bytesAt(Number(content)) : content
}

/** What the prelude wrote, unless the program changed the functions that it was written with. */
export function parseOwn(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw malformed()
  }
}

export function malformed(): GuestFault {
  return new GuestFault(
    'error',
    'the reply of the process is malformed: it has changed functions of the language that heddle/process needs',
  )
}

/** The values one after another. */
function encode(values: readonly unknown[]): Uint8Array {
  try {
    return encodeValue(values).subarray(LIST_HEADER_BYTES)
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'too-large')
      throw new GuestFault('error', `the result nests deeper than ${VALUE_DEPTH_MAX} objects`)
    throw error
  }
}
