/** Compares a stored result with one that was computed again. */
import { isDeepStrictEqual } from 'node:util'
import { isCut } from './outbox.ts'
import type { ResultRecord } from './records.ts'
import { packResult } from './result-store.ts'

const COMPARED = [
  'slot',
  'message',
  'timestampMs',
  'height',
  'cron',
  'kept',
  'output',
  'messages',
  'spawns',
  'assignments',
  'error',
  'gasUsed',
  'nodeFailure',
] as const
const SHOWN_MAX = 120

/** What differs, field by field; empty when nothing does. */
export function differences(stored: ResultRecord, computed: ResultRecord): string[] {
  const [was, is] = [plain(stored), plain(computed)]
  const found = COMPARED.filter((name) => !isDeepStrictEqual(was[name], is[name])).map((name) => difference(name, was[name], is[name]))
  const known = (was['undelivered'] ?? []) as readonly unknown[]
  // More may have been refused on delivery, which depends on what was there; and what was cut may have been sent later, since somebody asked for it.
  const forgotten = computed.undelivered.filter((one) => !isCut(one) && !known.some((other) => isDeepStrictEqual(one, other)))
  if (forgotten.length > 0) found.push(`undelivered: stored ${shown(known)}, computed ${shown(computed.undelivered)}`)
  return found
}

/** As it is after it was stored: what JSON leaves out is no difference. */
function plain(result: ResultRecord): Record<string, unknown> {
  return JSON.parse(JSON.stringify(packResult(result))) as Record<string, unknown>
}

/** Where two values that differ do so first. */
function difference(path: string, stored: unknown, computed: unknown): string {
  const keys = isObject(stored) && isObject(computed) ? [...new Set([...Object.keys(stored), ...Object.keys(computed)])] : []
  const key = keys.find((name) => !isDeepStrictEqual(memberOf(stored, name), memberOf(computed, name)))
  if (key === undefined || Array.isArray(stored) !== Array.isArray(computed))
    return `${path}: stored ${shown(stored)}, computed ${shown(computed)}`
  return difference(Array.isArray(stored) ? `${path}[${key}]` : `${path}.${key}`, memberOf(stored, key), memberOf(computed, key))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}… (${text.length} characters)`
}
