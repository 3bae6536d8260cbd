/**
 * AO-Core over HTTP, beside the other protocols of a node.
 *
 * Wire        Two surfaces: `recognised`, asked before the gateway, takes what is clearly AO-Core's (claims.ts) and `/<id>/…` of messages that are no files of
 *             the gateway; `rest`, asked last, takes what nobody wanted, but for a plain GET, which stays unknown.
 *             One request: hook `request`, resolve, hook `response`, sign, encode. Option `default_request` is where `GET /` leads.
 * Source      permaweb/HyperBEAM src/hb_http_server.erl, dev_meta.erl (2025-11)
 */
import { REPLIES_KEPT } from '../../base/limits.ts'
import type { ItemSigner } from '../../codec/data-item.ts'
import type { MessageSigner } from '../../codec/message/commitment.ts'
import { METHODS, type Request, type Response, type Route, type Surface } from '../route.ts'
import { type AnswerDeps, answerRequest, defaultPage, withCors } from './answer.ts'
import { Bodies } from './bodies.ts'
import { idInPath, isMarked, isMarkedPath, wantsCodec } from './claims.ts'
import { failureReply } from './failures.ts'
import { Recent } from './recent.ts'
import type { EncodedReply } from './reply-httpsig.ts'
import { earlyWish } from './request.ts'
import { SignedReplies } from './signed-replies.ts'

export interface AoCoreDeps extends Omit<AnswerDeps, 'signed' | 'encoded' | 'bodies'> {
  /** Signs replies, as messages and as data items. */
  readonly identity: MessageSigner
  readonly itemSigner: ItemSigner
  /** Does the gateway answer `GET /<id>` with data of its own, or, with more behind it, as a manifest? */
  isKnownElsewhere(id: string, isAlone: boolean): Promise<boolean>
}

export interface AoCoreSurfaces {
  readonly recognised: Surface
  readonly rest: Surface
}

export function aoCoreSurface(deps: AoCoreDeps): AoCoreSurfaces {
  const signed = new SignedReplies(deps.identity, deps.itemSigner)
  const answering = { ...deps, signed, encoded: new Recent<EncodedReply>(REPLIES_KEPT), bodies: new Bodies() }
  const answer = (request: Request): Promise<Response> => answerRequest(request, answering)
  const surface = (name: string, handle: Route['handle']): Surface => ({
    name,
    routes: METHODS.map((method) => ({ method, path: '/*', handle })),
    failure: (error, request) => withCors(failureReply(error, earlyWish(request)), request),
  })
  return {
    recognised: surface('ao-core', async (request) =>
      (await isRecognised(request, deps)) ? answer(request) : findDefaultPage(request, deps),
    ),
    rest: surface('ao-core-rest', async (request) => (isForNobody(request) ? null : answer(request))),
  }
}

/** `GET /`, if its option is set; else the page of the gateway. */
function findDefaultPage({ method, path, query }: Request, { node }: AoCoreDeps): Response | null {
  return method === 'GET' && path === '/' && query.size === 0 ? defaultPage(node) : null
}

async function isRecognised(request: Request, { isKnownElsewhere, store }: AoCoreDeps): Promise<boolean> {
  if (isMarked(request)) return true
  const isClear = isMarkedPath(request.path)
  if (request.method !== 'GET' && request.method !== 'HEAD') return isClear
  const found = idInPath(request.path)
  if (found === null) return isClear
  if (await isKnownElsewhere(found.id, found.isAlone)) return false
  return isClear || (await store.read(found.id)) !== null
}

function isForNobody(request: Request): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !wantsCodec(request)
}
