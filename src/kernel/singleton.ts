/**
 * Path grammar: one request, its target and its keys, becomes the sequence of messages that are resolved one upon the other.
 *
 * Wire        /id/part&k=v&n+integer=7&flag/part=value/part~device@1.0&k=v/(/a/b)?k=v&2.k=v&k+resolve=/a/b
 * Source      permaweb/HyperBEAM src/hb_singleton.erl (2025-11); ids with modifiers are parts, as in its 2026 state
 * Invariants  Any target parses or fails with a code, in linear time: segments, steps and brackets are bounded.
 *             What quotes hold is text, brackets in it too.
 */
import { clip, toBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { AO_CORE_VALUES_MAX, PATH_SEGMENT_BYTES_MAX, PATH_STEPS_MAX, RESOLVE_DEPTH_MAX, URL_BYTES_MAX } from '../base/limits.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { isIdLike, type Message } from '../codec/message/value.ts'
import {
  overlay,
  parseQuery,
  type RawQuery,
  readKey,
  readNestedKey,
  type SpreadKeys,
  type StepValue,
  spreadKeys,
  without,
} from './path-keys.ts'
import { closeQuotes, cutOutside, decodeTarget, findOutside, isBracketed, PLUS, toKey, tooLong, toValueText, unquote } from './path-text.ts'
import { Cast, type Step, type StepMessage, Steps } from './steps.ts'

/** A target cut at its query, in byte text. */
export interface Target {
  readonly path: string
  readonly query: RawQuery
}

export interface PathRequest {
  readonly target: string | Target
  /** Of the request's message; its `path` is not a key of any step. */
  readonly keys: Message
}

/** A segment, before it gets the keys of the request. */
type Part = string | StepMessage | Cast | Steps

const EMPTY: StepMessage = new Map()
const NO_QUERY: RawQuery = new Map()
const PART_ENDS = `&~+ =${PLUS}`

/** Percent-decodes, and finds the query. Messages may bring longer targets than URLs can be, which are refused all the same. */
export function splitTarget(target: string): Target {
  if (target.length > URL_BYTES_MAX) throw tooLong('target', target.length, URL_BYTES_MAX)
  return cutQuery(decodeTarget(target))
}

/** The value of a key in the query, without type; undefined when it is not there or not text. */
export function queryText({ query }: Target, key: string): string | undefined {
  const value = query.get(key)
  if (value === undefined) return undefined
  const text = value === true ? 'true' : toValueText(value)
  return typeof text === 'string' ? text : undefined
}

/** The steps of a request; none for `/`. Fails with `encoding-invalid`, `request-invalid` or `too-large`. */
export function parsePath({ target, keys }: PathRequest): Step[] {
  const parser = new Parser()
  const { path, query } = typeof target === 'string' ? splitTarget(target) : target
  const steps = parser.steps(path, query, keys)
  return hasCommittedPath(keys) ? withPath(steps, keys) : steps
}

function cutQuery(text: string): Target {
  const closed = text.includes('"') ? closeQuotes(text) : text
  if (!closed.includes('?')) return { path: closed, query: NO_QUERY }
  const mark = findOutside(closed, '?')
  return { path: closed.slice(0, mark), query: mark === closed.length ? NO_QUERY : parseQuery(closed.slice(mark + 1)) }
}

class Parser {
  /** Of all sequences of the request. */
  #steps = 0
  #depth = 0

  steps(path: string, query: RawQuery, keys: Message): Step[] {
    const parts = cutOutside(path, '/').map((segment) => this.#part(segment))
    const first = parts[0]
    if (first === undefined) return []
    if (first instanceof Map) parts.unshift(EMPTY)
    this.#count(parts.length)
    const spread = spreadKeys(keys, query, (text) => this.nested(text))
    const values = spread.global.size * parts.length
    if (values > AO_CORE_VALUES_MAX) throw tooManyValues(values)
    return parts.map((part, index) => withKeys(part, index, spread))
  }

  /** A path in brackets or in a value, already decoded. */
  nested(text: string): Steps {
    if (text.length > URL_BYTES_MAX) throw tooLong('nested path', text.length, URL_BYTES_MAX) // A message's value can be much longer.
    const inner = isBracketed(text) ? text.slice(1, -1) : text
    this.#depth += 1
    if (this.#depth > RESOLVE_DEPTH_MAX) throw tooDeep()
    const { path, query } = cutQuery(inner)
    const steps = this.steps(path, query, new Map())
    if (steps.length === 0) throw invalid('the path has brackets or a resolved value with nothing in it; write a path there')
    this.#depth -= 1
    return new Steps(steps)
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#steps > PATH_STEPS_MAX) throw tooManySteps(this.#steps)
  }

  #part(segment: string): Part {
    if (segment.length > PATH_SEGMENT_BYTES_MAX) throw tooLong('segment', segment.length, PATH_SEGMENT_BYTES_MAX)
    if (isBracketed(segment)) return this.nested(segment)
    const end = findOutside(segment, PART_ENDS)
    if (end === segment.length) return isIdBytes(segment) ? partName(segment) : new Map([['path', toKey(segment)]])
    const name = segment.slice(0, end)
    const rest = segment.slice(end + 1)
    if (segment[end] === '~') return this.#cast(name, rest)
    if (name === '') throw nameless(segment)
    if (segment[end] === '&') return this.#inline(rest, name)
    if (segment[end] === ' ' && !rest.includes('=')) throw spaced(segment)
    return this.#inline(segment, name)
  }

  #cast(name: string, rest: string): Cast {
    const end = findOutside(rest, '&')
    const device = toKey(rest.slice(0, end))
    if (isBracketed(device)) throw computedDevice(device)
    return new Cast(device, this.#inline(rest.slice(end + 1), name))
  }

  #inline(text: string, name: string): StepMessage {
    const message = new Map<string, StepValue>()
    if (name !== '') message.set('path', partName(name))
    for (const part of cutOutside(text, '&')) {
      const found = this.#key(part)
      if (found !== null) message.set(found[0], found[1])
    }
    return message
  }

  #key(part: string): readonly [string, StepValue] | null {
    const equals = findOutside(part, '=')
    const nested = (text: string): Steps => this.nested(text)
    if (equals === part.length) return readKey(part, true, nested)
    const key = part.slice(0, equals)
    const value = part.slice(equals + 1)
    return isBracketed(value) ? readNestedKey(key, value, nested) : readKey(key, unquote(value), nested)
  }
}

function withKeys(part: Part, index: number, { global, scoped, committed }: SpreadKeys): Step {
  if (typeof part === 'string' || part instanceof Steps) return part
  const own = scoped.get(index)
  const given = own === undefined ? global : overlay(global, own, committed)
  if (!(part instanceof Cast)) return overlay(given, part, committed)
  const { message } = part
  const path = message.get('path')
  if (path === undefined) return new Cast(part.device, overlay(given.has('path') ? without(given, 'path') : given, message, committed))
  return typeof path === 'string' && isIdLike(path) ? part : new Cast(part.device, overlay(given, message, committed))
}

/** A signed path belongs to what the base is, or its signature would not hold; nothing resolves the path of a base. */
function withPath(steps: readonly Step[], keys: Message): Step[] {
  const path = keys.get('path')!
  const [base, ...rest] = steps
  if (base instanceof Map && base.has('commitments')) return [new Map([...base, ['path', path]]), ...rest]
  const isPlainCast = base instanceof Cast && !base.message.has('path') && base.message.has('commitments')
  if (!isPlainCast) return [...steps]
  return [new Map<string, StepValue>([...base.message, ['device', base.device], ['path', path]]), ...rest]
}

function hasCommittedPath(keys: Message): boolean {
  if (!keys.has('commitments') || !keys.has('path')) return false
  return commitmentsOf(keys).some(({ committed }) => committed.includes('path'))
}

function isIdBytes(text: string): boolean {
  return text.length === 43 || text.length === 42 || text.length === 32
}

/** The raw bytes of an id become its text. */
function partName(name: string): string {
  const text = name.length === 32 ? toValueText(name) : toKey(name)
  return typeof text === 'string' ? text : toBase64url(text)
}

function nameless(segment: string): HeddleError<'request-invalid'> {
  return invalid(`"${clip(segment)}" has no name before its keys; write name&key=value, or ~device@version&key=value`)
}

function spaced(segment: string): HeddleError<'request-invalid'> {
  return invalid(`"${clip(segment)}" has a space, which counts as the + before a type; a key with a space cannot be asked for by path`)
}

function computedDevice(device: string): HeddleError<'request-invalid'> {
  return invalid(`the device "${clip(device)}" is a path; name a device as name@version`)
}

function invalid(problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field: 'path' }, problem)
}

function tooManySteps(steps: number): HeddleError<'too-large'> {
  const problem = `the path has ${steps} steps or more, at most ${PATH_STEPS_MAX} are accepted; resolve it in parts`
  return new HeddleError('too-large', { what: 'path', size: steps, max: PATH_STEPS_MAX }, problem)
}

function tooManyValues(values: number): HeddleError<'too-large'> {
  const problem = `the keys of the request go to every step of its path, ${values} values in all; at most ${AO_CORE_VALUES_MAX} are accepted`
  return new HeddleError('too-large', { what: 'path', size: values, max: AO_CORE_VALUES_MAX }, problem)
}

function tooDeep(): HeddleError<'too-large'> {
  const max = RESOLVE_DEPTH_MAX
  return new HeddleError('too-large', { what: 'brackets of the path', size: max + 1, max }, `paths within paths are deeper than ${max}`)
}
