/**
 * Did this come from that? A computation is done again, step by step, and compared with what it is said to have given.
 *
 * Source      AO-Core: hashpaths, permaweb/HyperBEAM src/hb_path.erl verify_hashpath/2 (2025-11), which compares hashpaths but computes nothing
 * Invariants  Nothing is taken from the cache of results. Commitments are not looked at but for the hashpath that a node signed with its result.
 */
import { HeddleError } from '../base/errors.ts'
import { COMPUTATION_STEPS_MAX } from '../base/limits.ts'
import { commitmentsOf } from '../codec/message/commitment.ts'
import { hashpath, hashpathAlgorithm, idHashpath } from '../codec/message/hashpath.ts'
import { unsignedId } from '../codec/message/id.ts'
import { sameValue } from '../codec/message/same-value.ts'
import { isBinary, isMessage, type Message, type Value } from '../codec/message/value.ts'
import { type ComputationRecord, computationPlace, readRecord } from './computation-record.ts'
import type { Env, Outcome } from './device.ts'
import { loadWhole } from './links.ts'

export interface ComputationVerdict {
  readonly isValid: boolean
  /** Of the last result that was compared. */
  readonly hashpath: string | null
  /** Steps that were computed again and came out the same. */
  readonly steps: number
  /** What is wrong, and at which step; null when nothing is. */
  readonly problem: string | null
}

/**
 * A base, a request upon it, its result, the next request upon that, its result …; or the hashpath of a computation that the store has notes of.
 * Fails with `request-invalid` for what is no computation, and with `limit-reached` for one that is too long.
 */
export async function verifyComputation(env: Env, computation: readonly Value[] | string): Promise<ComputationVerdict> {
  return typeof computation === 'string' ? verifyHashpathFrom(env, computation) : verifyChain(env, computation)
}

async function verifyChain(env: Env, chain: readonly Value[]): Promise<ComputationVerdict> {
  const [first, ...rest] = chain
  if (chain.length < 3 || chain.length % 2 === 0 || !isMessage(first))
    throw new HeddleError(
      'request-invalid',
      { field: 'computation' },
      `a computation is a base, then a request and its result for each step; this one has ${chain.length} parts`,
    )
  let [base, path]: [Message, string] = [first, idHashpath(first)]
  for (let at = 0; at < rest.length; at += 2) {
    const [request, result] = [rest[at] as Value, rest[at + 1] as Value]
    if (!isMessage(request))
      throw new HeddleError('request-invalid', { field: 'computation' }, `request ${at / 2 + 1} of the computation is not a message`)
    path = hashpath(path, request, hashpathAlgorithm(base))
    const problem = (await differs(env, base, request, result)) ?? claimsOther(result, path)
    if (problem !== null) return { isValid: false, hashpath: path, steps: at / 2, problem: `step ${at / 2 + 1}: ${problem}` }
    if (isMessage(result)) base = result
    else if (at + 2 < rest.length)
      return { isValid: false, hashpath: path, steps: at / 2 + 1, problem: `step ${at / 2 + 2}: it is upon a result that is no message` }
  }
  return { isValid: true, hashpath: path, steps: rest.length / 2, problem: null }
}

async function verifyHashpathFrom(env: Env, last: string): Promise<ComputationVerdict> {
  const records = await recordsOf(env, last)
  for (const [at, { path, record }] of records.entries()) {
    const problem = (await recordProblem(env, path, record)) ?? follows(records[at - 1], record)
    if (problem !== null) return { isValid: false, hashpath: path, steps: at, problem: `step ${at + 1}: ${problem}` }
  }
  return records.length === 0
    ? { isValid: false, hashpath: last, steps: 0, problem: `the store has no note of ${last}` }
    : { isValid: true, hashpath: last, steps: records.length, problem: null }
}

interface Noted {
  readonly path: string
  readonly record: ComputationRecord
}

/** From the first step that there is a note of. */
async function recordsOf(env: Env, last: string): Promise<readonly Noted[]> {
  const records: Noted[] = []
  for (let path = last; path.includes('/'); ) {
    const text = await env.store.read(computationPlace(path))
    if (typeof text !== 'string') break
    if (records.length === COMPUTATION_STEPS_MAX)
      throw new HeddleError(
        'limit-reached',
        { what: 'steps of a computation', max: COMPUTATION_STEPS_MAX },
        `the computation has more than ${COMPUTATION_STEPS_MAX} steps; verify it from a later base`,
      )
    const record = readRecord(text)
    records.push({ path, record })
    path = record.before
  }
  return records.reverse()
}

async function recordProblem(env: Env, path: string, record: ComputationRecord): Promise<string | null> {
  const [base, request] = [await env.store.read(record.base), await env.store.read(record.request)]
  if (!isMessage(base)) return `its base ${record.base} is not in the store`
  if (!isMessage(request)) return `its request ${record.request} is not in the store`
  const isOwn = record.before.includes('/') || record.before === idHashpath(base)
  if (!isOwn || hashpath(record.before, request, hashpathAlgorithm(base)) !== path)
    return `base and request do not come to the hashpath ${path}`
  const { status, value } = await again(env, base, request)
  if (status !== 'ok') return `it ends with ${status}`
  const id = isMessage(value) ? unsignedId(value) : isBinary(value as Value) ? idHashpath(value as string) : null
  return id === record.result ? null : `it gives ${id ?? 'something else'}, not ${record.result}`
}

function follows(previous: Noted | undefined, { before, base }: ComputationRecord): string | null {
  if (previous === undefined) return before.includes('/') ? `the store has no note of ${before}, which it goes on from` : null
  return previous.record.result === base ? null : `its base ${base} is not what the step before it gave`
}

/** Null when the request upon the base gives this. */
async function differs(env: Env, base: Message, request: Message, result: Value): Promise<string | null> {
  const { status, value } = await again(env, base, request)
  if (status !== 'ok') return `it ends with ${status}`
  const [given, claimed] = [await loadWhole(env.store, value as Value), await loadWhole(env.store, result)]
  return sameValue(given, claimed) ? null : 'it gives something else than the result it is said to have'
}

function claimsOther(result: Value, path: string): string | null {
  if (!isMessage(result)) return null
  const tags = commitmentsOf(result).map(({ extra }) => extra.get('tag'))
  const other = tags.find((tag) => typeof tag === 'string' && tag.includes('/') && tag !== path)
  return other === undefined ? null : `its result is signed as the result of ${String(other)}`
}

function again(env: Env, base: Message, request: Message): Promise<Outcome> {
  return env.resolve(base, request, { cacheControl: ['no-cache', 'no-store'] })
}
