/**
 * Hashpaths: the link from a message and the requests upon it to their result.
 *
 * Wire        `<base>/<request>`. Base: the id of the first message; from the second request on the digest of the hashpath before it, which is
 *             SHA-256 of its two parts one after the other (`sha-256-chain`), or their sum (`accumulate-256`). Request: its path when it has nothing
 *             else, else its id. Parts of 43 characters count as the 32 bytes they stand for, others as text.
 * Source      permaweb/HyperBEAM src/hb_path.erl, hb_crypto.erl (2025-11)
 * Invariants  Ids are unsigned ones, also of signed messages.
 */
import { bigEndian, concat, fromAnyBase64, fromBigEndian, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256, sha256Text } from '../../base/hash.ts'
import { messageId, unsignedId } from './id.ts'
import { type Binary, isBinary, isList, isPrivateKey, type Message, type Value } from './value.ts'

export type HashpathAlgorithm = 'sha-256-chain' | 'accumulate-256'

/** What a computation claims: this base, these requests one upon the other, this hashpath of what came out. */
export interface HashpathChain {
  /** A message, or the hashpath or id of one. */
  readonly base: Message | string
  readonly requests: readonly (Message | string)[]
  readonly hashpath: string
  /** What the base has under `hashpath-alg`, unless given. */
  readonly algorithm?: HashpathAlgorithm
}

/** Of the result of a request; a text is the request's path. `base` is a hashpath, or an id. */
export function hashpath(base: string, request: Message | string, algorithm: HashpathAlgorithm = 'sha-256-chain'): string {
  const parts = base.split('/')
  const [first = '', second, ...rest] = parts
  if (first === '' || second === '' || rest.length > 0) throw invalid(base)
  const next = requestPart(request)
  return second === undefined ? `${first}/${next}` : `${toBase64url(chain(base, first, second, algorithm))}/${next}`
}

/** Of what did not come from a computation: an id. */
export function idHashpath(value: Binary | Message | readonly Value[]): string {
  if (isBinary(value)) return sha256Text(value)
  return isList(value) ? unsignedId(value) : messageId(value)
}

/** By which algorithm hashpaths go on from this message. Fails with `request-invalid` for one that nobody knows. */
export function hashpathAlgorithm(base: Message): HashpathAlgorithm {
  const name = base.get('hashpath-alg')
  if (name === undefined) return 'sha-256-chain'
  if (name === 'sha-256-chain' || name === 'accumulate-256') return name
  const message = `\`hashpath-alg\` is none of sha-256-chain and accumulate-256; set it to one of them or leave it out`
  throw new HeddleError('request-invalid', { field: 'hashpath-alg' }, message)
}

/** Does every step lead to the next, and the last one to the hashpath? */
export function verifyHashpath({ base, requests, hashpath: claimed, algorithm }: HashpathChain): boolean {
  const by = algorithm ?? (typeof base === 'string' ? 'sha-256-chain' : hashpathAlgorithm(base))
  const start = typeof base === 'string' ? base : idHashpath(base)
  return requests.reduce<string>((path, request) => hashpath(path, request, by), start) === claimed
}

function requestPart(request: Message | string): string {
  const path = typeof request === 'string' ? request : onlyPath(request)
  if (path === null) return messageId(request as Message)
  const part = path.split('/').find((segment) => segment !== '')
  if (part !== undefined) return part
  throw new HeddleError('request-invalid', { field: 'path' }, `a request with path "${path}" leads nowhere; give it a key to resolve`)
}

/** Null when there is more to it than a path. */
function onlyPath(request: Message): string | null {
  for (const key of request.keys()) if (key !== 'path' && key !== 'hashpath' && !isPrivateKey(key)) return null
  const path = request.get('path')
  return typeof path === 'string' ? path : null
}

function chain(hashpath: string, first: string, second: string, algorithm: HashpathAlgorithm): Uint8Array {
  const base = idBytes(first)
  if (base === null) throw invalid(hashpath)
  const request = idBytes(second) ?? utf8(second)
  if (algorithm === 'sha-256-chain') return sha256(concat([base, request]))
  if (request.length !== 32) throw invalid(hashpath)
  return bigEndian((fromBigEndian(base) + fromBigEndian(request)) % 2n ** 256n, 32)
}

/** Spare bits of the last character do not count. Null for what only has the length of an id, or not even that. */
function idBytes(text: string): Uint8Array | null {
  const bytes = text.length === 43 ? fromAnyBase64(text) : null
  return bytes !== null && bytes.length === 32 ? bytes : null
}

function invalid(text: string): HeddleError<'encoding-invalid'> {
  const message = `"${text.slice(0, 200)}" is not a hashpath to go on from; expected an id, or an id, a slash and a request`
  return new HeddleError('encoding-invalid', { format: 'hashpath', at: 0 }, message)
}
