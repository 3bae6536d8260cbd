/**
 * Private keys as JSON Web Keys, the files that Arweave wallets are kept in.
 *
 * Wire        RSA {kty, n, e: "AQAB", d, p, q, dp, dq, qi}; secp256k1 {kty: "EC", crv, x, y, d}; Ed25519 {kty: "OKP", crv, x, d}; base64url each
 * Source      RFC 7517, RFC 8037; ArweaveTeam/arweave ar_wallet.erl; arweave 1.15.7 refuses an RSA key that lacks one of the eight numbers
 * Invariants  Other members (`ext`, `alg`, `kid`) are dropped. Messages name the member that is wrong, never its value.
 */
import { fromBase64url } from '../base/bytes.ts'
import { HeddleError } from '../base/errors.ts'
import { RSA_MODULUS_BYTES_MAX, RSA_MODULUS_BYTES_MIN } from '../base/limits.ts'

const RSA_NUMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const

export type RsaJwk = { readonly kty: 'RSA' } & { readonly [K in (typeof RSA_NUMBERS)[number]]: string }
export interface EcJwk {
  readonly kty: 'EC'
  readonly crv: 'secp256k1'
  readonly x: string
  readonly y: string
  readonly d: string
}
export interface OkpJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly d: string
}
export type Jwk = RsaJwk | EcJwk | OkpJwk

const COORDINATE_BYTES = 32

/** Checks the shape only; whether the numbers belong together shows when the key is imported. */
export function parseJwk(value: unknown): Jwk {
  if (typeof value !== 'object' || value === null) throw invalid('jwk', 'expected a JSON object with a private key')
  const members = value as Record<string, unknown>
  switch (members['kty']) {
    case 'RSA':
      return parseRsa(members)
    case 'EC':
      if (members['crv'] !== 'secp256k1') throw invalid('crv', 'of an EC key must be secp256k1')
      return { kty: 'EC', crv: 'secp256k1', x: coordinate(members, 'x'), y: coordinate(members, 'y'), d: coordinate(members, 'd') }
    case 'OKP':
      if (members['crv'] !== 'Ed25519') throw invalid('crv', 'of an OKP key must be Ed25519')
      return { kty: 'OKP', crv: 'Ed25519', x: coordinate(members, 'x'), d: coordinate(members, 'd') }
    default:
      throw invalid('kty', 'must be RSA, EC or OKP')
  }
}

/** What its numbers make, or fails with `request-invalid` where they do not belong together. */
export function asOneKey<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw keyMismatch(cause)
  }
}

export function keyMismatch(cause?: unknown): HeddleError<'request-invalid'> {
  const problem = 'key file: its numbers do not make up one key; export it from its wallet again'
  return new HeddleError('request-invalid', { field: 'jwk' }, problem, { cause })
}

function parseRsa(members: Record<string, unknown>): RsaJwk {
  const jwk = Object.fromEntries(RSA_NUMBERS.map((name) => [name, number(members, name)])) as Record<(typeof RSA_NUMBERS)[number], string>
  if (jwk.e !== 'AQAB') throw invalid('e', 'must be AQAB (65537)')
  const bytes = fromBase64url(jwk.n).length
  if (bytes < RSA_MODULUS_BYTES_MIN || bytes > RSA_MODULUS_BYTES_MAX)
    throw invalid('n', `has ${bytes} bytes, expected ${RSA_MODULUS_BYTES_MIN} to ${RSA_MODULUS_BYTES_MAX}`)
  return { kty: 'RSA', ...jwk }
}

function coordinate(members: Record<string, unknown>, name: string): string {
  const text = number(members, name)
  const bytes = fromBase64url(text).length
  if (bytes !== COORDINATE_BYTES) throw invalid(name, `has ${bytes} bytes, expected ${COORDINATE_BYTES}`)
  return text
}

function number(members: Record<string, unknown>, name: string): string {
  const text = members[name]
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]+$/.test(text))
    throw invalid(name, 'must be base64url text; a public key alone cannot sign')
  return text
}

function invalid(field: string, problem: string): HeddleError<'request-invalid'> {
  return new HeddleError('request-invalid', { field }, `key file: ${field} ${problem}`)
}
