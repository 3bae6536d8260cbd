/**
 * From a request to its reply: read, hook `request`, resolve, hook `response`, sign, encode.
 *
 * Source      permaweb/HyperBEAM src/dev_meta.erl, hb_http.erl (2025-11)
 * Invariants  Expected failures become replies in the form that was asked for. What clients may keep in the cache of results they say themselves
 *             (`cache-control`), unless the option `http_extra_opts` says it for all of them.
 */
import { HeddleError } from '../../base/errors.ts'
import { isList, isMessage, isTrue, type Message, type Value } from '../../codec/message/value.ts'
import type { Status } from '../../kernel/device.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { NodeMessage } from '../../kernel/node-message.ts'
import { Cast, type Step } from '../../kernel/steps.ts'
import { empty, type Request, type Response } from '../route.ts'
import type { Bodies } from './bodies.ts'
import { acceptsHtml } from './codecs.ts'
import { failureReply } from './failures.ts'
import { fromStepList, toStepList } from './hook-steps.ts'
import { Pace, settleIds } from './pace.ts'
import { encodeReply, type ReplyDeps } from './reply.ts'
import { toReplyMessage } from './reply-message.ts'
import { type AoCoreRequest, earlyWish, type ReplyWish, readRequest } from './request.ts'

export interface AnswerDeps extends ReplyDeps {
  readonly kernel: Pick<Kernel, 'run' | 'hook'>
  readonly node: NodeMessage
  readonly bodies: Bodies
}

/** What a resolution came to. */
interface Result {
  readonly status: Status
  readonly value: Value
  readonly hashpath?: string | null
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-expose-headers': '*',
} as const

/** A browser takes no value for a page because it looks like one. */
const NO_GUESSING = { 'x-content-type-options': 'nosniff' } as const

export async function answerRequest(request: Request, deps: AnswerDeps): Promise<Response> {
  let wish: ReplyWish | null = null
  try {
    const received = await readRequest(request, deps.bodies)
    wish = received.wish
    if (received.steps.length === 0) return withCors(defaultPage(deps.node) ?? empty(302, { location: '/~meta@1.0/info' }), request)
    return withCors(await resolveAndReply(received, request.signal, deps), request)
  } catch (error) {
    if (!(error instanceof HeddleError) || request.signal.aborted) throw error
    return withCors(failureReply(error, wish ?? earlyWish(request)), request)
  }
}

/** What a message says itself of these headers wins. */
export function withCors(response: Response, request: Request): Response {
  const asked = request.headers['access-control-request-headers']
  const allowed = asked === undefined ? {} : { 'access-control-allow-headers': asked }
  const guarded = acceptsHtml(request.headers['accept'] ?? '') ? NO_GUESSING : {}
  return { ...response, headers: { ...CORS, ...allowed, ...guarded, ...response.headers } }
}

/** Where the option `default_request` has `GET /` lead; null when it is not set. */
export function defaultPage(node: NodeMessage): Response | null {
  const location = node.get('default_request')
  return typeof location === 'string' && /^\/[\x21-\x7e]*$/.test(location) ? empty(302, { location }) : null
}

async function resolveAndReply(received: AoCoreRequest, signal: AbortSignal, deps: AnswerDeps): Promise<Response> {
  const { kernel, node, store, signed, encoded } = deps
  const pace = new Pace()
  const steps = await hookedSteps(received, signal, deps)
  const result = isSteps(steps) ? await kernel.run(steps, { signal, ...cacheControl(received, node) }) : steps
  const reply = toReplyMessage(await hookedResult(received, result, signal, deps))
  const settled = settleIds(reply.message)
  if (settled !== null) await settled
  if (pace.isDue) await pace.rest()
  const signature = isSigning(node) ? { hashpath: result.hashpath ?? null } : null
  return encodeReply(reply, { wish: received.wish, signature, pace, store, signed, encoded })
}

/** Unless the operator switched it off. */
function isSigning(node: NodeMessage): boolean {
  const option = node.get('force_signed')
  return option === undefined || isTrue(option)
}

function isSteps(steps: readonly Step[] | Result): steps is readonly Step[] {
  return Array.isArray(steps)
}

/** A client that says something about the cache is heard; else the node's options hold. */
function cacheControl({ hasCacheControl }: AoCoreRequest, node: NodeMessage): { readonly cacheControl?: readonly string[] } {
  const extra = node.get('http_extra_opts')
  const option = isMessage(extra) ? (extra.get('cache_control') ?? extra.get('cache-control')) : undefined
  if (isList(option)) return { cacheControl: option.filter((word) => typeof word === 'string') }
  if (typeof option === 'string') return { cacheControl: [option] }
  return hasCacheControl ? { cacheControl: [] } : {}
}

/** The steps, as the hook `request` leaves them; or what is answered instead of them. */
async function hookedSteps(received: AoCoreRequest, signal: AbortSignal, { kernel, node }: AnswerDeps): Promise<readonly Step[] | Result> {
  const { steps } = received
  if (node.get('initialized') === false && !isForOptions(steps)) return { status: 'error', value: 'Node must be initialized before use.' }
  if (!hasHook(node, 'request')) return steps
  const body = toStepList(steps)
  const { status, value } = await kernel.hook('request', hookFacts(received, body), signal)
  if (status !== 'ok') return { status, value }
  const changed = bodyOf(value)
  if (changed === body) return steps
  return isList(changed) ? fromStepList(changed) : { status: 'error', value }
}

async function hookedResult(received: AoCoreRequest, result: Result, signal: AbortSignal, { kernel, node }: AnswerDeps): Promise<Result> {
  if (!hasHook(node, 'response')) return result
  const { status, value } = await kernel.hook('response', hookFacts(received, toReplyMessage(result).message), signal)
  if (status !== 'ok') return { status, value }
  const changed = bodyOf(value)
  return changed === undefined ? { status: 'error', value } : { status: result.status, value: changed }
}

function hookFacts(received: AoCoreRequest, body: Value): Message {
  return new Map<string, Value>([
    ['request', received.message()],
    ['body', body],
  ])
}

function bodyOf(value: Value): Value | undefined {
  return isMessage(value) ? value.get('body') : undefined
}

function hasHook({ options }: NodeMessage, name: string): boolean {
  const hooks = options.get('on')
  return isMessage(hooks) && hooks.has(name)
}

/** `/~meta@1.0/info`, by which a node is initialised. */
function isForOptions([base, request]: readonly Step[]): boolean {
  const isMeta = base instanceof Cast ? base.device === 'meta@1.0' : isMessage(base) && base.get('device') === 'meta@1.0'
  return isMeta && isMessage(request) && request.get('path') === 'info'
}
