/**
 * Which requests are AO-Core's, on a port that other protocols share.
 *
 * Wire        A path with `~` or `(`, but for files of a manifest; a signature, a codec or another header that only AO-Core's clients send; a body in one of its codecs; `/<id>/key` of a
 *             message that is no file of the gateway. A plain GET of a path that nobody knows is nobody's.
 */
import { isTxId } from '../../base/ids.ts'
import type { Request } from '../route.ts'
import { acceptedCodec } from './codecs.ts'

const HEADERS = ['signature-input', 'codec-device', 'require-codec', 'accept-bundle'] as const
const QUERY_KEYS = ['codec-device', 'require-codec', 'accept-bundle'] as const

/** What only AO-Core's clients send. */
export function isMarked({ method, url, headers, query }: Request): boolean {
  if (HEADERS.some((name) => headers[name] !== undefined)) return true
  if (url.includes('?') && (QUERY_KEYS.some((key) => query.has(key)) || hasTypedKey(url))) return true
  const type = method === 'GET' || method === 'HEAD' ? undefined : headers['content-type'] // Some clients send it with every request.
  return type !== undefined && isCodecType(type)
}

/** A device or brackets: the path itself says so, unless it is the path of a file. */
export function isMarkedPath(path: string): boolean {
  return path.includes('~') || path.includes('(') || /%7e|%28/i.test(path)
}

/** `?key+integer=1`: nothing else has types in its queries. */
function hasTypedKey(url: string): boolean {
  return url
    .slice(url.indexOf('?') + 1)
    .split('&')
    .some((pair) => TYPED.test(pair.slice(0, pair.indexOf('=') + 1)))
}

const TYPED = /.(?:\+|%2B)(?:integer|float|atom|list|map|resolve)=$/i

/** Nothing else on these paths has such bodies. */
function isCodecType(type: string): boolean {
  const codec = acceptedCodec(type)
  return codec !== null && codec !== 'httpsig@1.0'
}

/** A reply in one of its codecs is asked for; a list of types that a browser or another client sends is no such wish. */
export function wantsCodec({ headers, query }: Request): boolean {
  const accept = query.get('accept') ?? headers['accept']
  return accept !== undefined && acceptedCodec(accept) !== null
}

/** The id at the front of a path, when it is one that the gateway could serve; and whether there is more behind it. */
export function idInPath(path: string): { readonly id: string; readonly isAlone: boolean } | null {
  const end = path.indexOf('/', 1)
  const id = end === -1 ? path.slice(1) : path.slice(1, end)
  if (!isTxId(id)) return null
  return { id, isAlone: end === -1 || end === path.length - 1 }
}
