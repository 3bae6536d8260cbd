/**
 * How a message answers a request: the heart of AO-Core.
 *
 * resolve(base, request): the request's `path` names a key, the base's device says what the key means. A sequence `[base, request, request …]`
 * goes on with each result as the next base, until one is not `ok`. Each step has these stages, numbered as the reference numbers them:
 *
 *   1 normalise: load, number, cast, resolve what is in brackets        7 `step` hook
 *   2 look for the result in the cache (5 comes first: what runs        8 resolve what the device gave back in brackets
 *     decides whether that is of use)                                   9 link the result to base and request: its hashpath
 *   3 base and request must be messages                                10 put the result into the cache
 *   4 join others who ask the same                                     11 notify those who wait (in-flight.ts)
 *   5 find what answers the key (registry.ts) · 6 run it               12 no worker is forked: messages stay in memory by the store's cache
 *
 * Source      permaweb/HyperBEAM src/hb_ao.erl (2025-11)
 * Invariants  Expected failures are thrown, and end the whole sequence; what a device throws otherwise is a bug: logged, and a `failure`.
 *             Nothing is changed: every base with other keys is a copy.
 */
import { clip } from '../base/bytes.ts'
import { errorText, HeddleError } from '../base/errors.ts'
import { PATH_STEPS_MAX } from '../base/limits.ts'
import { idHashpath } from '../codec/message/hashpath.ts'
import { unsignedId } from '../codec/message/id.ts'
import { Atom, atom, EMPTY_MESSAGE, isBinary, isIdLike, isList, isMessage, Link, type Message, type Value } from '../codec/message/value.ts'
import { combineDirectives, readDirectives, resultPlace } from './cache-control.ts'
import { changedMessage } from './changed-message.ts'
import { computationPlace, writeRecord } from './computation-record.ts'
import type { Device, Outcome, Status } from './device.ts'
import { runHook } from './hooks.ts'
import { loadLink } from './links.ts'
import { Origin } from './origin.ts'
import { BASE_NOT_FOUND, NOT_CACHED, NOT_FOUND, Resolved, refused } from './outcomes.ts'
import { numbered } from './read-key.ts'
import type { Callee } from './registry.ts'
import { countResolution, innerScope, type Scope } from './scope.ts'
import { Cast, type Step, type StepMessage, Steps } from './steps.ts'

/** A whole sequence; the first step is the base. A single id is a plain read. */
export async function resolveSteps(steps: readonly Step[], scope: Scope): Promise<Resolved> {
  const [first] = steps
  if (first === undefined) return refused('failure', 'there is nothing to resolve; give a base at least')
  let result = await resolveFirst(first, scope)
  if (steps.length === 1) return typeof first === 'string' ? readId(first, scope) : result
  for (let i = 1; i < steps.length && result.status === 'ok'; i++) result = await resolveStep(result, steps[i] as Step, scope)
  return result
}

/** One request upon a base; of a path `a/b/c` one after the other. */
export async function resolveRequest(base: Value | Cast, request: string | Message, scope: Scope): Promise<Resolved> {
  const first = base instanceof Cast ? await resolveCast(base, scope) : asBase(base, scope)
  if (first.status !== 'ok') return first
  if (typeof request !== 'string') return resolveParts(first, request, scope)
  return isOnePart(request) ? resolveKey(first, request, null, scope) : resolveParts(first, new Map([['path', request]]), scope)
}

/** What a function answers upon any message, with nothing noted of it: stages 6 and 8. */
export async function applyCallee(callee: Callee, key: string, base: Message, request: Message, scope: Scope): Promise<Resolved> {
  return resolveOutcome(call(callee, key, base, request, scope), scope)
}

async function readId(id: string, scope: Scope): Promise<Resolved> {
  if (!isIdLike(id)) return new Resolved('ok', id)
  const value = await scope.core.store.read(id)
  return value === null ? NOT_FOUND : new Resolved('ok', await loadLink(scope.core.store, value))
}

function asBase(value: Value, scope: Scope): Resolved {
  return new Resolved('ok', value, isMessage(value) ? (scope.origins.get(value) ?? null) : null)
}

// Stage 1: brackets and casts.

async function resolveFirst(first: Step, scope: Scope): Promise<Resolved> {
  if (first instanceof Steps) return resolveBrackets(first, scope)
  if (first instanceof Cast) return resolveCast(first, scope)
  return typeof first === 'string' ? new Resolved('ok', first) : resolveValues(first, scope)
}

async function resolveStep(base: Resolved, step: Step, scope: Scope): Promise<Resolved> {
  if (step instanceof Cast) return resolveCastStep(base, step, scope)
  if (typeof step === 'string') return resolveParts(base, new Map([['path', step]]), scope)
  const request = step instanceof Steps ? await resolveBrackets(step, scope) : await resolveValues(step, scope)
  if (request.status !== 'ok') return request
  return resolveParts(base, isMessage(request.value) ? request.value : new Map([['path', request.value]]), scope)
}

function resolveBrackets(brackets: Steps, scope: Scope): Promise<Resolved> {
  let result = scope.brackets.get(brackets)
  if (result === undefined) {
    result = resolveSteps(brackets.steps, innerScope(scope))
    scope.brackets.set(brackets, result)
  }
  return result
}

/** The message with all of its values known; or the first outcome that is not `ok`. */
async function resolveValues(unresolved: StepMessage, scope: Scope): Promise<Resolved> {
  let resolved: Map<string, Value | Steps> | null = null
  for (const [key, value] of unresolved) {
    if (!(value instanceof Steps)) continue
    const result = await resolveBrackets(value, scope)
    if (result.status !== 'ok') return result
    resolved ??= new Map(unresolved)
    resolved.set(key, result.value)
  }
  return asBase((resolved ?? unresolved) as Message, scope)
}

/** As a base: the message of that id with the device and the other keys; with another path what the device answers to it; else the message itself. */
async function resolveCast({ device, message: keys }: Cast, scope: Scope): Promise<Resolved> {
  const { status, value } = await resolveValues(keys, scope)
  if (status !== 'ok') return new Resolved(status, value)
  const own = value as Message
  const path = own.get('path')
  if (path instanceof Link || (typeof path === 'string' && isIdLike(path))) {
    const loaded = await loadBase(new Resolved('ok', path), scope)
    return isMessage(loaded.value) && loaded.status === 'ok'
      ? new Resolved('ok', overlay(overlay(loaded.value, own), deviceKey(device)))
      : loaded
  }
  const base = new Resolved('ok', overlay(own, deviceKey(device)))
  return path === undefined ? base : resolveParts(base, own, innerScope(scope))
}

/** As a step: the base with that device, which answers the path if there is one and else takes the other keys. */
async function resolveCastStep(base: Resolved, { device, message: keys }: Cast, scope: Scope): Promise<Resolved> {
  const request = await resolveValues(keys, scope)
  if (request.status !== 'ok') return request
  const own = request.value as Message
  const loaded = await loadBase(base, scope)
  if (loaded.status !== 'ok' || !isMessage(loaded.value)) return loaded
  if (!own.has('path')) return new Resolved('ok', overlay(overlay(loaded.value, own), deviceKey(device)))
  return resolveParts(new Resolved('ok', overlay(loaded.value, deviceKey(device))), own, innerScope(scope))
}

function deviceKey(device: string): Message {
  return new Map([['device', device]])
}

/** The base with these keys over its own, `path` excepted. */
function overlay(base: Message, keys: Message): Message {
  return changedMessage(base, keys.has('path') ? [...keys].filter(([key]) => key !== 'path') : keys)
}

// From one key of a path to the next.

async function resolveParts(base: Resolved, request: Message, scope: Scope): Promise<Resolved> {
  if (base.status !== 'ok') return base
  const path = request.get('path')
  if (typeof path === 'string' && isOnePart(path)) return resolveKey(base, path, request, scope)
  const parts = pathParts(path)
  if (parts === null) return refused('error', 'the request has no path to resolve; set its key `path` to the name of a key')
  if (parts.length > PATH_STEPS_MAX)
    throw new HeddleError(
      'limit-reached',
      { what: 'steps of a path', max: PATH_STEPS_MAX },
      `a path has ${parts.length} steps, at most ${PATH_STEPS_MAX} allowed`,
    )
  let result = base
  for (const part of parts) {
    if (result.status !== 'ok') break
    result = await resolveKey(result, part, new Map(request).set('path', part), scope)
  }
  return result
}

function isOnePart(path: string): boolean {
  return path !== '' && !path.includes('/')
}

/** Null for what is no path. */
function pathParts(path: Value | undefined): string[] | null {
  if (typeof path === 'string') return path === '' ? null : path.split('/').filter((part) => part !== '')
  if (typeof path === 'number' || typeof path === 'bigint' || typeof path === 'boolean') return [String(path)]
  if (path instanceof Atom) return [path.name]
  if (!isList(path)) return null
  const parts = path.map((part) => (isList(part) ? null : pathParts(part)))
  return parts.includes(null) ? null : (parts as string[][]).flat()
}

// Stages 1 to 10 of one key.

/** What is to be computed. */
interface Work {
  readonly base: Message
  readonly origin: Origin | null
  readonly key: string
  readonly request: Message
  readonly callee: Callee
}

async function resolveKey(base: Resolved, key: string, request: Message | null, scope: Scope): Promise<Resolved> {
  scope.signal.throwIfAborted()
  countResolution(scope)
  const loaded = isMessage(base.value) ? base : await loadBase(base, scope) // 1
  const { value, origin } = loaded
  if (loaded.status !== 'ok' || !isMessage(value)) return loaded // 3
  const device = value.get('device')
  const callee = scope.core.devices.find(device instanceof Link ? await loadLink(scope.core.store, device) : device, key) // 5
  const isWork = !callee.isPlainRead || isHooked(scope)
  if (isWork) return compute({ base: value, origin, key, request: request ?? new Map([['path', key]]), callee }, scope)
  const outcome = await resolveOutcome(call(callee, key, value, request ?? EMPTY_MESSAGE, scope), scope)
  return link(outcome, value, origin, request ?? key, scope)
}

/** 1: a message where that is possible at all. */
async function loadBase({ value, status, origin }: Resolved, scope: Scope): Promise<Resolved> {
  if (isList(value)) return new Resolved(status, numbered(value))
  if (value instanceof Link) return loadBase(asBase(await loadLink(scope.core.store, value), scope), scope)
  if (isMessage(value)) return new Resolved(status, value, origin)
  if (typeof value !== 'string' || !isIdLike(value)) return NOT_FOUND
  const target = await scope.core.store.read(value)
  if (target === null) return BASE_NOT_FOUND
  const loaded = await loadLink(scope.core.store, target)
  return isMessage(loaded) ? new Resolved(status, loaded) : isList(loaded) ? new Resolved(status, numbered(loaded)) : NOT_FOUND
}

async function compute(work: Work, scope: Scope): Promise<Resolved> {
  const { base, origin, request } = work
  const cache = combineDirectives(
    scope.cacheControl,
    readDirectives(base.get('cache-control')),
    readDirectives(request.get('cache-control')),
  )
  const hit = cache.lookup ? await lookUp(base, request, scope) : null // 2
  if (hit !== null) return hit
  if (cache.onlyIfCached) return NOT_CACHED
  const group = groupOf(work, scope) // 4
  if (group instanceof Resolved) return group
  if (group === null) return link(await carryOut(work, scope), base, origin, request, scope)
  const { cacheControl, hashpath, isInStepHook, hold: within, signal } = scope
  const ask = { group, question: { base, request, cacheControl, hashpath, isInStepHook }, within, signal }
  const shared = await scope.core.inFlight.join(ask, (hold, wanted) => carryOut(work, { ...scope, hold, signal: wanted }))
  return link(shared, base, origin, request, scope) // Each caller has its own base, with its own past.
}

/** 6 to 8, and 10. */
async function carryOut(work: Work, scope: Scope): Promise<Resolved> {
  const { base, origin, key, request, callee } = work
  if (origin !== null) scope.origins.set(base, origin)
  const inner = innerScope(scope)
  let outcome = await call(callee, key, base, request, inner) // 6
  if (isHooked(scope)) outcome = await stepHook(outcome, base, request, inner) // 7
  const result = await resolveOutcome(outcome, inner) // 8
  await keepResult(work, result, scope) // 10
  return result
}

/** 2: only texts and bytes are found again, since nobody can tell of messages whether they still hold. */
async function lookUp(base: Message, request: Message, { core }: Scope): Promise<Resolved | null> {
  const place = resultPlace(base, request)
  const value = place === null ? null : await core.store.read(place)
  return value === null ? null : new Resolved('ok', value)
}

/** 4: null where nobody waits for anybody; of a bug in the device, `failure`. */
function groupOf({ base, request, callee: { device }, key }: Work, scope: Scope): string | null | Resolved {
  const { awaitInProgress } = scope.settings
  if (awaitInProgress === 'none' || (awaitInProgress === 'named' && device.group === undefined)) return null
  try {
    const group = device.group?.(base, request, scope.core.envOf(innerScope(scope))) ?? null
    return group ?? (awaitInProgress === 'all' ? `${unsignedId(base)}/${unsignedId(request)}/${key}` : null)
  } catch (error) {
    return bugIn(device, key, error, scope)
  }
}

/** 6: the function's outcome; of a bug in it, `failure`. */
function call({ byName, byKey, device }: Callee, key: string, base: Message, request: Message, scope: Scope): Outcome | Promise<Outcome> {
  const failed = (error: unknown): Outcome => bugIn(device, key, error, scope)
  try {
    const env = scope.core.envOf(scope)
    const outcome = byName === null ? byKey!(key, base, request, env) : byName(base, request, env)
    return outcome instanceof Promise ? outcome.then(checked).catch(failed) : checked(outcome)
  } catch (error) {
    return failed(error)
  }
}

/** Throws on what is no bug. */
function bugIn(device: Device, key: string, error: unknown, { signal, core }: Scope): Resolved {
  if (error instanceof HeddleError || signal.aborted) throw error
  core.log.error({ err: error, device: device.name, key: clip(key) }, 'a device failed')
  return refused('failure', `${device.name} failed at \`${clip(key)}\`; the log of the node says why`)
}

function checked(outcome: Outcome): Outcome {
  if (STATUSES.has(outcome.status) && outcome.value !== undefined) return outcome
  throw new TypeError(`an outcome has status ${String(outcome.status)} and ${outcome.value === undefined ? 'no' : 'a'} value`)
}

const STATUSES: ReadonlySet<Status> = new Set([
  'ok',
  'created',
  'error',
  'not_found',
  'failure',
  'unavailable',
  'unauthorized',
  'forbidden',
])

/** The hook sees everything but its own steps. */
function isHooked({ settings, isInStepHook }: Scope): boolean {
  return settings.hasStepHook && !isInStepHook
}

/** 7: the hook may change status and body; if it fails, so does the step. */
async function stepHook(outcome: Outcome, base: Message, request: Message, scope: Scope): Promise<Outcome> {
  const { status, value } = await resolveOutcome(outcome, scope)
  const facts = new Map<string, Value>([
    ['base', base],
    ['request', request],
    ['status', atom(status)],
    ['body', value],
  ])
  const hooked = await runHook('step', facts, { ...scope, isInStepHook: true }, resolveRequest)
  if (hooked.status !== 'ok' || !isMessage(hooked.value)) return hooked
  const changed = hooked.value.get('status')
  const name = changed instanceof Atom ? changed.name : changed
  return { ...outcome, status: STATUSES.has(name as Status) ? (name as Status) : status, value: hooked.value.get('body') ?? value }
}

/** 8 */
async function resolveOutcome(pending: Outcome | Promise<Outcome>, scope: Scope): Promise<Resolved> {
  const outcome = pending instanceof Promise ? await pending : pending
  const { status, value } = outcome
  if (value instanceof Steps) return resolveSteps(value.steps, innerScope(scope))
  if (value instanceof Cast) return resolveCast(value, innerScope(scope))
  if (value instanceof Link) return new Resolved(status, await loadLink(scope.core.store, value), null, outcome.cacheControl)
  return outcome instanceof Resolved ? outcome : new Resolved(status, value, null, outcome.cacheControl)
}

/** 9: only messages that all went well for have a hashpath. */
function link(result: Resolved, base: Message, origin: Origin | null, request: Message | string, { hashpath }: Scope): Resolved {
  const { status, value } = result
  if (status === 'ok' && isMessage(value) && hashpath === 'update') return new Resolved(status, value, new Origin(base, origin, request))
  return result.origin === null ? result : new Resolved(status, value, null, result.cacheControl)
}

/** 10: base, request and result, and where they come from; a text or bytes where they are found again. What cannot be kept is logged, no more. */
async function keepResult({ base, origin, request }: Work, { status, value, cacheControl }: Resolved, scope: Scope): Promise<void> {
  if (status !== 'ok' || scope.hashpath === 'ignore' || !(isMessage(value) || isBinary(value))) return
  const ofResult = readDirectives(isMessage(value) ? value.get('cache-control') : cacheControl)
  if (ofResult.store === false || !combineDirectives(scope.cacheControl, ofResult, readDirectives(request.get('cache-control'))).store)
    return
  const place = resultPlace(base, request)
  if (place === null) return
  const { store, log } = scope.core
  try {
    const [baseId, requestId] = [await store.write(base), await store.write(request)]
    const resultId = isMessage(value) ? await store.write(value) : await store.writeAt(place, value)
    if (baseId !== unsignedId(base) || requestId !== unsignedId(request)) return // Only what is committed to was kept.
    const record = { before: origin === null ? idHashpath(base) : origin.hashpath, base: baseId, request: requestId, result: resultId }
    await store.writeAt(computationPlace(new Origin(base, origin, request).hashpath), writeRecord(record))
  } catch (error) {
    log.warn({ problem: errorText(error) }, 'the result of a resolution could not be kept')
  }
}
