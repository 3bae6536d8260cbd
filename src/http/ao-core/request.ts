/**
 * A request of HTTP as what is to be resolved: its message, the steps of its path, and how its reply is to look.
 *
 * Wire        Keys of the message are its headers and body, `method`, `accept` (default a wildcard) and `accept-bundle` (default the atom false), as
 *             upstream adds them. Its own `path` stands before the URL's; a query belongs to the path it is in.
 * Source      permaweb/HyperBEAM src/hb_http.erl (2025-11); of its 2026 state: a signed method wins, and the path of a signed process does not
 * Invariants  Cookies and authorization are private keys, so that they are in no id, no store and no reply. Who the peer is says the connection.
 */
import { EMPTY } from '../../base/bytes.ts'
import { AO_CORE_BODY_SMALL_BYTES } from '../../base/limits.ts'
import { commitmentsOf, coveredKeys } from '../../codec/message/commitment.ts'
import type { Dialect } from '../../codec/message/dialect.ts'
import { type Binary, isTrue, type Message, type Value } from '../../codec/message/value.ts'
import { markReceived } from '../../kernel/received.ts'
import { parsePath, queryText, splitTarget, type Target } from '../../kernel/singleton.ts'
import type { Step } from '../../kernel/steps.ts'
import type { Request } from '../route.ts'
import type { Bodies } from './bodies.ts'
import { type ReceivedMessage, receiveMessage } from './body.ts'
import { bodyCodec } from './codecs.ts'
import { readHeaders, targetOf, textOf } from './headers.ts'
import type { Place } from './html.ts'
import { settleIds } from './pace.ts'

export interface AoCoreRequest {
  readonly steps: readonly Step[]
  /** The whole request, as hooks see it. */
  message(): Message
  readonly wish: ReplyWish
  /** The client says what may come from the cache of results. */
  readonly hasCacheControl: boolean
}

/** What is known of how a reply should look; also when the request itself could not be read. */
export interface ReplyWish {
  readonly requireCodec: string | null
  readonly accept: string
  readonly isBundle: boolean
  readonly dialect: Dialect | null
  /** For pages: what was asked for. */
  readonly place: Place
}

/** Of the transport, and no business of anybody who reads a message. */
const DROPPED = ['content-length', 'transfer-encoding', 'ao-peer']
const PRIVATE = new Map([
  ['cookie', 'priv-cookie'],
  ['authorization', 'priv-authorization'],
])
const ANY = '*/*'

/** The wish that headers and URL alone tell, for what fails before its message is read. */
export function earlyWish(request: Request): ReplyWish {
  const { headers, query } = request
  return {
    requireCodec: query.get('require-codec') ?? headers['require-codec'] ?? null,
    accept: query.get('accept') ?? headers['accept'] ?? ANY,
    isBundle: isTrue(query.get('accept-bundle') ?? headers['accept-bundle']),
    dialect: null,
    place: placeOf(request),
  }
}

/** No link from it leads to another host. */
function placeOf({ method, url }: Request): Place {
  return { target: targetOf(url).replace(/^[/\\]+/, '/'), isGet: method === 'GET' || method === 'HEAD' }
}

export async function readRequest(request: Request, bodies: Bodies): Promise<AoCoreRequest> {
  const headers = readHeaders(request.raw.rawHeaders)
  const url = targetOf(request.url)
  const target = splitTarget(url)
  const ofUrlOrHeader = (key: string): string | undefined => queryText(target, key) ?? textOf(headers, key)
  const codec = bodyCodec(ofUrlOrHeader('codec-device'), ofUrlOrHeader('content-type'))
  const receive = async (body: Uint8Array): Promise<ReceivedMessage> => {
    const received = await receiveMessage({ codec, headers, body, derived: () => derivedParts(request, url) })
    tidy(received.message, signedKeys(received.message), body)
    if (body.length > AO_CORE_BODY_SMALL_BYTES) await settleIds(received.message)
    return received
  }
  const { message, dialect } = await (hasBody(headers) ? bodies.read(request, headers, receive) : receive(EMPTY))
  markReceived(message)
  const committed = signedKeys(message)
  const ownPath = message.get('path')
  const isOwnPath = typeof ownPath === 'string' && ownPath !== '' && !isSignedProcess(message)
  const find = (key: string): Value | undefined =>
    committed.has(key) ? message.get(key) : (queryText(target, key) ?? message.get(key) ?? headers.get(key))
  const wish = { ...wishOf(find), dialect, place: placeOf(request) }
  addControls(message, wish, { committed, request, headers, target })
  if (!committed.has('path')) message.delete('path')
  return {
    steps: parsePath({ target: isOwnPath ? ownPath : target, keys: message }),
    message: () => new Map<string, Value>([...message, ['path', isOwnPath ? ownPath : url]]),
    wish,
    hasCacheControl: message.has('cache-control') || target.query.has('cache-control'),
  }
}

/** RFC 9421 2.2, without the `@`. */
function derivedParts({ method, headers, origin }: Request, target: string): Map<string, string> {
  const mark = target.indexOf('?')
  const { protocol, host } = new URL(origin)
  return new Map([
    ['method', method],
    ['target-uri', origin + target],
    ['authority', (headers['host'] ?? host).toLowerCase()],
    ['scheme', protocol.slice(0, -1)],
    ['request-target', target],
    ['path', mark === -1 ? target : target.slice(0, mark)],
    ['query', mark === -1 ? '?' : target.slice(mark)],
  ])
}

function hasBody(headers: ReadonlyMap<string, Binary>): boolean {
  return headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
}

function signedKeys(message: Message): ReadonlySet<string> {
  return message.has('commitments') ? coveredKeys(commitmentsOf(message)) : new Set()
}

/** What is signed stays, whatever it is. */
function tidy(message: Map<string, Value>, committed: ReadonlySet<string>, body: Uint8Array): void {
  for (const key of DROPPED) if (!committed.has(key)) message.delete(key)
  if (body.length === 0 && message.get('body') === '' && !committed.has('body')) message.delete('body')
  for (const [key, name] of PRIVATE) {
    const value = message.get(key)
    if (value === undefined || committed.has(key)) continue
    message.delete(key)
    message.set(name, value)
  }
}

/** Client: a process is posted with the path that it was made for in other networks among its tags. */
function isSignedProcess(message: Message): boolean {
  return message.has('commitments') && message.get('type') === 'Process'
}

/** What is asked for: a signed key before the URL, that before an unsigned one, and that before a header which is no part of the message. */
function wishOf(find: (key: string) => Value | undefined): Omit<ReplyWish, 'dialect' | 'place'> {
  const text = (key: string): string | null => {
    const value = find(key)
    return typeof value === 'string' && value !== '' ? value : null
  }
  return { requireCodec: text('require-codec'), accept: text('accept') ?? ANY, isBundle: isTrue(find('accept-bundle')) }
}

interface Controls {
  readonly committed: ReadonlySet<string>
  readonly request: Request
  readonly headers: ReadonlyMap<string, Binary>
  readonly target: Target
}

function addControls(message: Map<string, Value>, wish: ReplyWish, { committed, request, headers, target }: Controls): void {
  if (!committed.has('method')) message.set('method', request.method)
  for (const key of ['accept', 'accept-bundle', 'require-codec']) {
    const header = headers.get(key)
    if (header !== undefined && !message.has(key)) message.set(key, header)
  }
  if (!message.has('accept')) message.set('accept', queryText(target, 'accept') ?? ANY)
  if (!message.has('accept-bundle')) message.set('accept-bundle', queryText(target, 'accept-bundle') ?? false)
  if (wish.requireCodec !== null && !message.has('require-codec')) message.set('require-codec', wish.requireCodec)
  addPeer(message, request, committed)
}

function addPeer(message: Map<string, Value>, request: Request, committed: ReadonlySet<string>): void {
  const port = message.get('ao-peer-port')
  if (typeof port !== 'string' || committed.has('ao-peer-port') || committed.has('ao-peer')) return
  message.delete('ao-peer-port')
  if (/^\d{1,5}$/.test(port)) message.set('ao-peer', `${request.remoteAddress}:${port}`)
}
