/**
 * `content-digest`: what a body hashes to.
 *
 * Wire        `sha-256=:<base64>:`, perhaps among other algorithms, separated by commas
 * Source      RFC 9530; permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-11) writes SHA-256 in standard base64, ao-core-libs 0.0.9 in base64url
 * Invariants  A header without any digest that can be checked fails: whoever signed it must be able to rely on it.
 */
import { clip, equalBytes, fromAnyBase64, toBase64 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256, sha512 } from '../../base/hash.ts'
import { bodySha256 } from './body-facts.ts'
import { type Binary, binaryBytes } from './value.ts'

const DIGESTS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = { 'sha-256': bodySha256, 'sha-512': sha512 }
const MEMBERS_MAX = 10

export function contentDigest(body: Uint8Array): string {
  return formatDigest(bodySha256(body))
}

/** `digest` is a SHA-256. */
export function formatDigest(digest: Uint8Array): string {
  return `sha-256=:${toBase64(digest)}:`
}

/** Fails with `digest-mismatch` when `body` is not what `header` says, with `encoding-invalid` when the header says nothing that can be checked. */
export function checkContentDigest(header: Binary, body: Uint8Array): void {
  let checked = 0
  for (const [algorithm, claimed] of parseDigests(header)) {
    const digest = Object.hasOwn(DIGESTS, algorithm) ? DIGESTS[algorithm] : undefined
    if (digest === undefined) continue
    const actual = digest(body)
    checked++
    if (equalBytes(actual, claimed)) continue
    const facts = { claimed: toBase64(claimed), actual: toBase64(actual) }
    throw new HeddleError(
      'digest-mismatch',
      facts,
      `the body's ${algorithm} is ${facts.actual}, but \`content-digest\` says ${facts.claimed}; send the body that was signed`,
    )
  }
  if (checked === 0) throw invalid(`\`content-digest\` has no digest that can be checked; use sha-256 or sha-512`)
}

function parseDigests(header: Binary): [algorithm: string, digest: Uint8Array][] {
  const text = typeof header === 'string' ? header : ''
  const members = text.split(',', MEMBERS_MAX + 1)
  if (members.length > MEMBERS_MAX) throw invalid(`\`content-digest\` has more than ${MEMBERS_MAX} digests`)
  return members.map((member) => parseDigest(member.trim()))
}

function parseDigest(member: string): [string, Uint8Array] {
  const at = member.indexOf('=')
  const value = member.slice(at + 1)
  const digest = value.length > 1 && value.startsWith(':') && value.endsWith(':') ? fromAnyBase64(value.slice(1, -1)) : null
  if (at > 0 && digest !== null) return [member.slice(0, at).toLowerCase(), digest]
  throw invalid(`"${clip(member)}" is not a digest as in \`content-digest: ${formatDigest(sha256(binaryBytes('')))}\``)
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'content-digest', at: 0 }, problem)
}
