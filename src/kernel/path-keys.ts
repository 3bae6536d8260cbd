/**
 * The keys of a request: those in its query and in its message, with types (`key+integer`) and scopes (`2.key`), spread over its steps.
 *
 * Wire        `key+type=value`, a space counts as the plus; types as in `ao-types`, and `resolve`. `N.key` is for step N alone: 0 the base,
 *             1 the first part after it. A key whose front is not a number is plain, `d.e`. The last of equal keys counts, a query before the message.
 * Source      permaweb/HyperBEAM src/hb_singleton.erl (2025-11), which throws at `d.e`
 * Invariants  Private keys and `commitments` in a path are dropped: what a request is signed with comes from its message alone.
 *             A step whose own keys replace committed ones has no commitments any more, as if they had been set.
 */
import { clip, equalBytes } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { PATH_STEPS_MAX } from '../base/limits.ts'
import { commitmentsOf, coveredKeys } from '../codec/message/commitment.ts'
import { decodeTyped } from '../codec/message/typed-text.ts'
import { type Binary, binaryBytes, isBinary, isPrivateKey, type Message, type Value } from '../codec/message/value.ts'
import { dropQuotes, PLUS, toByteText, toKey, toValueText, unquote } from './path-text.ts'
import type { StepMessage, Steps } from './steps.ts'

/** A value in byte text, or a flag. */
export type RawQuery = ReadonlyMap<string, string | true>
export type StepValue = Value | Steps
export type ParseSteps = (text: string) => Steps

/** What each step gets beside its own keys. */
export interface SpreadKeys {
  readonly global: StepMessage
  readonly scoped: ReadonlyMap<number, StepMessage>
  /** What the request is signed for; null when it is not signed. */
  readonly committed: ReadonlySet<string> | null
}

const TYPES: ReadonlySet<string> = new Set(['integer', 'float', 'atom', 'list', 'map', 'binary'])
const RESOLVE = 'resolve'
const TYPE_SIGNS = `+ ${PLUS}`
const SCOPED = /^(\d{1,9})\.([^.]+)$/

/** Of the part behind `?`. Fails with `request-invalid` at a key without a name. */
export function parseQuery(text: string): RawQuery {
  const keys = new Map<string, string | true>()
  for (const part of text.split('&')) {
    if (part === '') continue
    const spaced = part.replaceAll('+', ' ')
    const equals = spaced.indexOf('=')
    if (equals === -1) keys.set(spaced, true)
    else keys.set(spaced.slice(0, equals), unquote(spaced.slice(equals + 1)))
  }
  return keys
}

/** A key whose value is a path in brackets. */
export function readNestedKey(key: string, path: string, parseSteps: ParseSteps): readonly [string, StepValue] | null {
  const sign = findSign(key)
  return readKey(sign === -1 ? `${key}+${RESOLVE}` : key, path, parseSteps)
}

/** One key of a path with its value; null for what is dropped. */
export function readKey(key: string, raw: string | true, parseSteps: ParseSteps): readonly [string, StepValue] | null {
  const sign = raw === true ? -1 : findSign(key)
  const name = toKey(sign === -1 ? key : key.slice(0, sign))
  if (isKept(name)) return null
  if (raw === true) return [name, true]
  if (sign === -1) return [name, toValueText(raw)]
  const type = key.slice(sign + 1)
  if (type === RESOLVE) return [name, parseSteps(raw)]
  if (!TYPES.has(type)) throw unknownType(name, type)
  return [name, readTyped(type, toValueText(dropQuotes(raw)))]
}

/** The keys of a request's message and its query, without its path. */
export function spreadKeys(keys: Message, query: RawQuery, parseSteps: ParseSteps): SpreadKeys {
  const spread = new Spread(keys)
  if (needsReading(keys)) spread.putAll(keys, parseSteps)
  else spread.global = keys.has('path') ? without(keys, 'path') : keys
  for (const [key, raw] of query) {
    const read = readKey(key, raw, parseSteps)
    if (read !== null) spread.override(...read)
  }
  return spread
}

/** A step's own keys over those that it gets. */
export function overlay(given: StepMessage, own: StepMessage, committed: SpreadKeys['committed']): StepMessage {
  if (own.size === 0) return given
  const merged = new Map(given)
  for (const [key, value] of own) {
    if (committed !== null && replaces(given, key, value, committed)) merged.delete('commitments')
    merged.set(key, value)
  }
  return merged
}

class Spread implements SpreadKeys {
  global: StepMessage = new Map()
  readonly scoped = new Map<number, Map<string, StepValue>>()
  readonly committed: ReadonlySet<string> | null
  #isOwn = false

  constructor(message: Message) {
    this.committed = message.has('commitments') ? coveredKeys(commitmentsOf(message)) : null
  }

  putAll(keys: Message, parseSteps: ParseSteps): void {
    for (const [key, value] of keys) {
      const [name, read] = readMessageKey(key, value, parseSteps)
      const scope = name.includes('.') ? SCOPED.exec(name) : null
      if (scope !== null) this.#scope(Number(scope[1]), scope[2]!, read)
      else if (name !== 'path' && (name === key || !isKept(name))) this.#own().set(name, read)
    }
  }

  override(key: string, value: StepValue): void {
    const scope = key.includes('.') ? SCOPED.exec(key) : null
    if (scope !== null) {
      this.#scope(Number(scope[1]), scope[2]!, value)
      return
    }
    const own = this.#own()
    if (this.committed !== null && replaces(own, key, value, this.committed)) own.delete('commitments')
    own.set(key, value)
  }

  #own(): Map<string, StepValue> {
    if (!this.#isOwn) this.global = new Map(this.global)
    this.#isOwn = true
    return this.global as Map<string, StepValue>
  }

  #scope(step: number, key: string, value: StepValue): void {
    if (step > PATH_STEPS_MAX || isKept(key)) return
    const keys = this.scoped.get(step) ?? new Map<string, StepValue>()
    keys.set(key, value)
    this.scoped.set(step, keys)
  }
}

/** Keys that nobody gives by way of a path, a type or a scope. */
function isKept(name: string): boolean {
  return name === 'commitments' || isPrivateKey(name)
}

/** In a message every key is allowed, so only what is a type is taken for one. */
function readMessageKey(key: string, value: Value, parseSteps: ParseSteps): readonly [string, StepValue] {
  const sign = key.search(/[+ ]/) // Text, not byte text: PLUS would be a letter here.
  const type = sign < 1 ? '' : key.slice(sign + 1)
  if (!isBinary(value) || (type !== RESOLVE && !TYPES.has(type))) return [key, value]
  const name = key.slice(0, sign)
  if (type !== RESOLVE) return [name, readTyped(type, typeof value === 'string' ? dropQuotes(value) : value)]
  if (typeof value === 'string') return [name, parseSteps(toByteText(value))]
  throw new HeddleError('encoding-invalid', { format: 'path', at: 0 }, `the path in \`${key}\` is not UTF-8`)
}

function readTyped(type: string, text: Binary): Value {
  return type === 'binary' ? text : decodeTyped(type, text)
}

function findSign(key: string): number {
  for (let at = 0; at < key.length; at++) if (TYPE_SIGNS.includes(key[at]!)) return at
  return -1
}

/** Most messages have no types and no scopes in their keys, and can be taken as they are. */
function needsReading(keys: Message): boolean {
  for (const key of keys.keys()) {
    for (let at = 0; at < key.length; at++) {
      const code = key.charCodeAt(at)
      if (code === 43 || code === 32 || (code === 46 && at > 0)) return true
    }
  }
  return false
}

/** A step's own path is no such change: every step has one. */
function replaces(given: StepMessage, key: string, value: StepValue, committed: ReadonlySet<string>): boolean {
  return key !== 'path' && committed.has(key) && !isSame(given.get(key), value)
}

function isSame(a: StepValue | undefined, b: StepValue): boolean {
  if (a === b) return true
  return isBinary(a) && isBinary(b) && equalBytes(binaryBytes(a), binaryBytes(b))
}

export function without<V>(keys: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(keys)
  rest.delete(key)
  return rest
}

function unknownType(key: string, type: string): HeddleError<'request-invalid'> {
  const problem = `\`${clip(key)}\` is to be of type "${clip(type)}", which is not one of ${[...TYPES, RESOLVE].join(', ')}`
  return new HeddleError('request-invalid', { field: clip(key) }, `${problem}; write a plus in a key as part of a message, not of a path`)
}
