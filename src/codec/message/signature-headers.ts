/**
 * `signature` and `signature-input`: commitments as headers.
 *
 * Wire        signature: label=:<base64>:, …   signature-input: label=("name" "path" …);alg="…";keyid="…";…, …
 *             `alg` is the type for httpsig@1.0, else `device/type`. Label: `comm-` and the id of the signature in lower case (g1: `sig-`;
 *             g0: `http-sig-` and eight bytes of the address in hexadecimal). Parameters stand as alg, keyid, tag, created, expires, nonce, others.
 * Source      RFC 9421; permaweb/HyperBEAM src/dev_codec_httpsig_siginfo.erl (2025-11)
 * Invariants  Labels mean nothing when read. What a commitment says of itself through its parameters (its committer, its keys) is not believed.
 */
import { fromAnyBase64, fromBase64url, toBase64url, toHex } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { AO_CORE_COMMITMENTS_MAX } from '../../base/limits.ts'
import { ANS104_DEVICE, committerOf as itemCommitter, signatureTypeOf } from './ans104-types.ts'
import { type Commitment, commitmentId } from './commitment.ts'
import type { Dialect } from './dialect.ts'
import { committerOf, HMAC_SHA256, parseKeyId, RSA_PSS_SHA512 } from './key-id.ts'
import { componentList, formatParameter, plainName } from './signature-base.ts'
import {
  formatDictionary,
  formatString,
  parseDictionary,
  type SfBare,
  type SfInnerList,
  type SfValue,
  sfBytes,
} from './structured-fields.ts'
import { type Binary, isPrivateKey, type Message, toBinary, type Value } from './value.ts'

export const HTTPSIG_DEVICE = 'httpsig@1.0'

/** One signature as it came. */
export interface ReceivedSignature {
  readonly label: string
  readonly id: string
  readonly signature: Uint8Array
  /** Names of headers, without `@`, in their order. */
  readonly names: readonly string[]
  /** The same as they were listed. */
  readonly listed: readonly string[]
  /** List and parameters, as text. */
  readonly raw: string
  readonly device: string
  readonly type: string
  readonly keyId: string | null
  /** Without `alg` and `keyid`. */
  readonly parameters: Message
}

/** Derived from the commitment itself, never taken from a parameter. */
const NOT_PARAMETERS: ReadonlySet<string> = new Set(['alg', 'keyid', 'commitment-device', 'type', 'committer', 'committed', 'signature'])
const FIRST_PARAMETERS = ['tag', 'created', 'expires', 'nonce']

/** Each signature once; none where there are no such headers. Fails with `encoding-invalid` where they do not belong together. */
export function parseSignatures(headers: ReadonlyMap<string, Binary>): ReceivedSignature[] {
  const signatures = headers.get('signature')
  const inputs = headers.get('signature-input')
  if (signatures === undefined && inputs === undefined) return []
  if (typeof signatures !== 'string' || typeof inputs !== 'string')
    throw invalid('`signature` and `signature-input` must come together, as text')
  const members = parseDictionary(signatures)
  if (members.size > AO_CORE_COMMITMENTS_MAX) throw tooMany(members.size)
  const listed = parseDictionary(inputs)
  return [...members].map(([label, { value }]) => {
    const input = listed.get(label)
    if (input === undefined || input.value.kind !== 'list')
      throw invalid(`signature ${label} has no list of components in \`signature-input\``)
    return received(label, value, input.value, input.raw)
  })
}

/** As a commitment; `committed` is what its names come to in the message. */
export function toCommitment(
  { id, device, type, keyId, signature, parameters }: ReceivedSignature,
  committed: readonly string[],
): Commitment {
  return { id, device, type, keyId, committer: committerBy({ device, type, keyId }), committed, signature, extra: parameters }
}

function committerBy({ device, type, keyId }: Pick<Commitment, 'device' | 'type' | 'keyId'>): string | null {
  const isItem = device === ANS104_DEVICE || device === 'tx@1.0'
  const key = parseKeyId(keyId, isItem ? RSA_PSS_SHA512 : type)
  const signatureType = device === ANS104_DEVICE ? signatureTypeOf(type) : null
  if (key?.scheme === 'publickey' && signatureType !== null) return itemCommitter(signatureType, key.modulus)
  return key === null ? null : committerOf(key)
}

/** What stands in the headers for a commitment: names of its components, without `@`, or list and parameters as they were received. */
export type SignatureInput = { readonly commitment: Commitment } & ({ readonly names: readonly string[] } | { readonly raw: string })

export function signatureHeaders(signed: readonly SignatureInput[], dialect: Dialect = 'g2'): [signature: string, signatureInput: string] {
  const labelled = signed
    .map((entry) => ({ ...entry, label: labelOf(entry.commitment, dialect) }))
    .sort((a, b) => (a.label < b.label ? -1 : 1))
  return [
    formatDictionary(labelled.map(({ label, commitment }) => [label, sfBytes(commitment.signature)])),
    labelled.map((entry) => `${entry.label}=${'raw' in entry ? entry.raw : inputOf(entry.commitment, entry.names)}`).join(', '),
  ]
}

/** The parameter `alg` in headers. In what is signed it is the type alone. */
function algorithmOf({ device, type }: Commitment): string {
  if (device === HTTPSIG_DEVICE) return type
  return type === '' ? device : `${device}/${type}`
}

function labelOf({ signature, committer }: Commitment, dialect: Dialect): string {
  const id = toBase64url(sha256(signature)).toLowerCase()
  if (dialect === 'g2') return `comm-${id}`
  return dialect === 'g1' || committer === null ? `sig-${id}` : `http-sig-${toHex(fromBase64url(committer).subarray(1, 9))}`
}

function inputOf(commitment: Commitment, names: readonly string[]): string {
  const { keyId, extra } = commitment
  let text = `${componentList(names)};alg=${formatString(algorithmOf(commitment))}`
  if (keyId !== null) text += `;keyid=${formatString(keyId)}`
  for (const name of FIRST_PARAMETERS) text += parameter(name, extra.get(name))
  for (const [name, value] of extra) if (!FIRST_PARAMETERS.includes(name) && !isPrivateKey(name)) text += parameter(name, value)
  return text
}

function parameter(name: string, value: Value | undefined): string {
  return value === undefined || value === null ? '' : `;${name}=${formatParameter(value)}`
}

function received(label: string, signature: SfValue, input: SfInnerList, raw: string): ReceivedSignature {
  if (signature.kind !== 'bytes' || signature.value.length === 0) throw invalid(`signature ${label} is not bytes in base64 between colons`)
  const listed = input.items.map((item) => {
    if (item.kind === 'string') return item.value
    throw invalid(`a component of signature ${label} is not a name in quotes`)
  })
  const names = listed.map(plainName)
  if (new Set(names).size < names.length) throw invalid(`signature ${label} lists a component twice`)
  const bare = (name: string): Value | undefined => toParameter(name, input.parameters.get(name))
  const keyId = bare('keyid')
  return {
    label,
    id: commitmentId(signature.value),
    signature: signature.value,
    names,
    listed,
    raw,
    ...deviceAndType(bare('alg'), signature.value),
    keyId: typeof keyId === 'string' ? keyId : null,
    parameters: new Map(
      [...input.parameters]
        .filter(([name]) => !NOT_PARAMETERS.has(name) && !isPrivateKey(name))
        .map(([name, value]) => [name, toParameter(name, value) as Value]),
    ),
  }
}

/** `ans104@1.0/rsa-pss-sha256`, or a type of httpsig@1.0; without either the length of the signature tells. */
function deviceAndType(algorithm: Value | undefined, signature: Uint8Array): { device: string; type: string } {
  if (typeof algorithm !== 'string') return { device: HTTPSIG_DEVICE, type: signature.length === 32 ? HMAC_SHA256 : RSA_PSS_SHA512 }
  if (!algorithm.includes('@')) return { device: HTTPSIG_DEVICE, type: algorithm }
  const slash = algorithm.indexOf('/', algorithm.indexOf('@'))
  return slash < 0 ? { device: algorithm, type: '' } : { device: algorithm.slice(0, slash), type: algorithm.slice(slash + 1) }
}

function toParameter(name: string, parameter: SfBare | undefined): Value | undefined {
  if (parameter === undefined) return undefined
  switch (parameter.kind) {
    case 'string':
      return name === 'original-tags' ? originalTags(parameter.value) : parameter.value
    case 'token':
      return parameter.value
    case 'integer':
      return parameter.value
    case 'boolean':
      return parameter.value
    case 'decimal':
      return String(parameter.value)
    case 'bytes':
      return toBase64url(parameter.value)
  }
}

/** `1:Data-Protocol:YW8, 2:Type:TWVzc2FnZQ`: index, name, value in base64url. A colon in a name belongs to it. */
function originalTags(text: string): Value {
  const tags =
    text === ''
      ? []
      : text.split(', ').map((tag): [string, Message] | null => {
          const first = tag.indexOf(':')
          const last = tag.lastIndexOf(':')
          const value = first < 0 || last === first ? null : fromAnyBase64(tag.slice(last + 1))
          if (value === null) return null
          return [
            tag.slice(0, first),
            new Map<string, Value>([
              ['name', tag.slice(first + 1, last)],
              ['value', toBinary(value)],
            ]),
          ]
        })
  const parsed = tags.filter((tag) => tag !== null)
  return parsed.length === tags.length ? new Map(parsed) : text
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'http message signatures', at: 0 }, `${problem}; see RFC 9421`)
}

function tooMany(count: number): HeddleError<'too-large'> {
  const message = `${count} signatures, at most ${AO_CORE_COMMITMENTS_MAX} allowed; send fewer`
  return new HeddleError('too-large', { what: 'signatures', size: count, max: AO_CORE_COMMITMENTS_MAX }, message)
}
