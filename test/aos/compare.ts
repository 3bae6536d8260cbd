/**
 * When two results are equal.
 *
 * Invariants  Everything counts but the following, which hosts do not have in common:
 *             - the order of keys in objects: results are compared as values
 *             - whether a field is absent, null, an empty text or an empty list
 *             - addresses that Lua prints, since the loader's heap holds a stack that our host does without
 *             - numbers and names in the snippets that are marked: os.clock, os.tmpname, collectgarbage("count"), and an error text of
 *               table.concat, which in 32 bit modules shows what an earlier message left on the C stack; here that is cleared
 *             - the words for the end of an instance that is dropped then: a trap, os.exit, a reply that is no JSON
 *             - bytes that are not UTF-8: the loader can only give U+FFFD for them (see subject.ts)
 *             The corpus leaves out what the loader itself does not answer the same way twice, or only with state that it keeps outside of the
 *             process: its file system in JavaScript (os.rename of /tmp, files of SQLite), SQL's random(), which is the machine's, and its
 *             clock, which is a second further after a thousand readings. Also the order of `pairs` where keys are tables or functions.
 */
import { isDeepStrictEqual } from 'node:util'
import type { RawResult } from './reference.ts'

export interface Compared {
  /** Module and snippet. */
  readonly what: string
  readonly source?: string
  readonly isMasked?: boolean
}

const ADDRESS = /(table|function|thread|userdata|file)(: | \()0x[0-9a-f]+/g
const NUMBER = /\d+(\.\d+)?(e[+-]\d+)?/g
const TEMPORARY_NAME = /(tmpnam|lua)_\w{6}/g
const SHOWN_CHARS_MAX = 3000

/** What to read when the two are not equal; null when they are. */
export function difference(ours: RawResult, theirs: RawResult, { what, source = '', isMasked = false }: Compared): string | null {
  if (isDeepStrictEqual(normal(ours, isMasked), normal(theirs, isMasked))) return null
  return `${what}\n${source}\nhere:      ${shown(ours)}\nreference: ${shown(theirs)}`
}

function normal({ Output, Messages, Spawns, Assignments, Error: reported, thrown, broken }: RawResult, isMasked: boolean): unknown {
  if (broken !== undefined) return 'broken'
  const values = [Output, Messages, Spawns, Assignments, thrown ?? reported].map((value) => masked(value, isMasked))
  return { values: values.map((value) => (isNothing(value) ? null : value)), isThrown: thrown !== undefined }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

function masked(value: unknown, isMasked: boolean): unknown {
  if (typeof value === 'string') {
    const text = value.replace(ADDRESS, '$1$2(address)')
    return isMasked ? text.replace(TEMPORARY_NAME, '(name)').replace(NUMBER, '(number)') : text
  }
  if (isMasked && typeof value === 'number') return '(number)'
  if (Array.isArray(value)) return value.map((entry) => masked(entry, isMasked))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, masked(entry, isMasked)]))
}

function shown(result: RawResult): string {
  const text = JSON.stringify(result)
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}… (${text.length} characters)` : text
}
