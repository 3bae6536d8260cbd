/**
 * Committing to messages: RSA signatures, and keyed digests.
 *
 * Wire        `rsa-pss-sha512` by a public key, with an `hmac-sha256` by `constant:ao` over the same keys beside it, whose id is the unsigned id of those keys.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-11)
 * Invariants  A message without explicit keys is committed to as its committers did, so that commitments stack, and else as a whole.
 *             Types of committed keys are always committed too. A digest replaces an older one of the same key.
 */
import { fromBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { hmacSha256 } from '../../base/hash.ts'
import { TYPES_KEY } from './ao-types.ts'
import { type Commitment, commitmentId, commitmentsOf, commonKeys, type MessageSigner, withCommitments } from './commitment.ts'
import { bodyKeysOf, committedKeys, committedTabm, isMultipart, isSameBase, parametersOf } from './committed-form.ts'
import { encodeHttpsig, encodeHttpsigWire } from './httpsig.ts'
import { isLegalValue } from './httpsig-names.ts'
import { selectCommitments } from './id.ts'
import { asciiSet, escapeBytes } from './key-escape.ts'
import { CONSTANT_KEY_ID, constantDigest, HMAC_SHA256, publicKeyId, RSA_PSS_SHA512, secretKeyId } from './key-id.ts'
import { noteWire } from './received-note.ts'
import { type Component, componentsOf, signatureBase } from './signature-base.ts'
import { HTTPSIG_DEVICE } from './signature-headers.ts'
import {
  type Binary,
  binaryBytes,
  EMPTY_MESSAGE,
  isList,
  isMessage,
  isPrivateKey,
  type Message,
  type Tabm,
  type Value,
  withoutLinkSuffix,
} from './value.ts'

export interface CommitOptions {
  /** Only these keys; those that the message does not have are left out. */
  readonly committed?: readonly string[]
  /** Children whole, instead of links to them. */
  readonly bundle?: boolean
  /** Where the message comes from: the hashpath of its computation. What no header can hold of it is percent-encoded, and so is that of `nonce`. */
  readonly tag?: string
  /** Seconds since 1970. */
  readonly created?: number
  readonly expires?: number
  readonly nonce?: string
  /** Sign the form that HTTP can carry, where the exact one is not legal there: for messages that are sent at once. */
  readonly wire?: boolean
}

/** With a signature, and the digest of the same keys beside it. */
export async function commit(message: Message, signer: MessageSigner, options: CommitOptions = {}): Promise<Message> {
  const part = partOf(message, options)
  const claim: Claim = { type: RSA_PSS_SHA512, keyId: publicKeyId(signer.publicKey), committer: signer.address, extra: extraOf(options) }
  const parameters = parametersOf(claim)
  const exact = signatureBase(part.components, parameters)
  const base = options.wire === true ? signatureBase(componentsOf(encodeHttpsigWire(part.tabm)), parameters) : exact
  const signature = toCommitment(part, claim, await signer.sign(binaryBytes(base)))
  const noted = isSameBase(base, exact) ? signature : noteWire(signature)
  return withDigest(withCommitments(message, [...commitmentsOf(message), noted]), part, constantClaim(options))
}

/** With the digest whose id is the unsigned id. It proves nothing. */
export function commitUnsigned(message: Message, options: Pick<CommitOptions, 'committed' | 'bundle'> = {}): Message {
  return withDigest(message, partOf(message, options), constantClaim(options))
}

/** With a digest by a secret, which only those can check who have it. */
export function commitSecret(message: Message, secret: Binary, options: Omit<CommitOptions, 'wire'> = {}): Message {
  const keyId = secretKeyId(secret)
  const claim = { type: HMAC_SHA256, keyId, committer: keyId.slice('secret:'.length), extra: extraOf(options) }
  return withDigest(message, partOf(message, options), claim, (base) => hmacSha256(binaryBytes(secret), base))
}

/** As a node sends messages whole: every message within has its digest, unless it is committed to already or empty. */
export function withUnsignedChildren(message: Message): Message {
  return new Map([...message].map(([key, value]) => [key, key === 'commitments' || isPrivateKey(key) ? value : withUnsigned(value)]))
}

const VISIBLE = asciiSet(Array.from({ length: 94 }, (_, at) => String.fromCharCode(at + 33)).join(''))

/** What is committed to. */
interface Part {
  readonly tabm: Tabm
  readonly components: readonly Component[]
  readonly committed: readonly string[]
}

/** What a commitment says of who made it and how. */
type Claim = Pick<Commitment, 'type' | 'keyId' | 'committer' | 'extra'>

function partOf(message: Message, { committed, bundle = false }: CommitOptions): Part {
  const wanted = committed === undefined ? keysInCommon(message) : [...committed, TYPES_KEY]
  const tabm = committedTabm(message, { committed: wanted, isBundle: bundle })
  if (tabm.size === 0 && committed !== undefined && committed.length > 0) throw nothing(committed)
  const form = encodeHttpsig(tabm)
  const components = componentsOf(form)
  const bodyKeys = bodyKeysOf(tabm, form)
  const hasParts = isMultipart(form.headers.get('content-type'))
  const listed = committedKeys(
    components.map(([name]) => name),
    { tabm, bodyKeys, hasParts },
  )
  return { tabm, components, committed: [...new Set([...listed, ...[...tabm.keys()].map(withoutLinkSuffix)])] }
}

/** Of the commitments that are there; undefined where there are none. */
function keysInCommon(message: Message): readonly string[] | undefined {
  const selected = selectCommitments(message, { committers: 'all' })
  return selected.length === 0 ? undefined : commonKeys(selected)
}

function withDigest(message: Message, part: Part, claim: Claim, digest: (base: Binary) => Uint8Array = ownDigest): Message {
  const signature = digest(signatureBase(part.components, parametersOf(claim)))
  const others = commitmentsOf(message).filter(({ type, keyId }) => type !== HMAC_SHA256 || keyId !== claim.keyId)
  return withCommitments(message, [...others, toCommitment(part, claim, signature)])
}

function toCommitment({ committed }: Part, claim: Claim, signature: Uint8Array): Commitment {
  return { id: commitmentId(signature), device: HTTPSIG_DEVICE, committed, signature, ...claim }
}

function constantClaim({ bundle }: CommitOptions): Claim {
  const extra = bundle === true ? extraOf({ bundle }) : EMPTY_MESSAGE
  return { type: HMAC_SHA256, keyId: CONSTANT_KEY_ID, committer: null, extra }
}

function ownDigest(base: Binary): Uint8Array {
  return fromBase64url(constantDigest(CONSTANT_KEY_ID, base))
}

function extraOf({ bundle, tag, created, expires, nonce }: CommitOptions): Message {
  const entries: [string, Value | undefined][] = [
    ['bundle', bundle === true ? 'true' : undefined],
    ['tag', headerText(tag)],
    ['created', created],
    ['expires', expires],
    ['nonce', headerText(nonce)],
  ]
  return new Map(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined))
}

function headerText(text: string | undefined): string | undefined {
  return text === undefined || isLegalValue(text) ? text : escapeBytes(text, VISIBLE)
}

function withUnsigned(value: Value): Value {
  if (isList(value)) return value.map(withUnsigned)
  if (!isMessage(value)) return value
  const whole = withUnsignedChildren(value)
  return whole.has('commitments') || whole.size === 0 ? whole : commitUnsigned(whole)
}

function nothing(keys: readonly string[]): HeddleError<'request-invalid'> {
  const message = `the message has none of the keys to commit to: ${keys.slice(0, 10).join(', ')}; name keys that it has`
  return new HeddleError('request-invalid', { field: 'committed' }, message)
}
