/**
 * Commitments: signatures and keyed digests that travel inside their message, under the key `commitments`, by their ids.
 *
 * Wire        {commitments: {<id>: {commitment-device, type, keyid?, committer?, committed: [keys], signature: base64url, …}}}
 *             `unsigned-sha256` stands for no signature, and may have none: then its id stands for it.
 *             id = the signature itself where it has 32 bytes (HMAC), else its SHA-256; base64url.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl, hb_message.erl (2025-11)
 * Invariants  `priv-` keys of a commitment are this node's own notes: they are never encoded, hashed or sent.
 */
import { fromBase64url, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { isTxId } from '../../base/ids.ts'
import { isList, isMessage, type Message, type Value } from './value.ts'

export interface Commitment {
  readonly id: string
  /** `httpsig@1.0`, `ans104@1.0`, `tx@1.0` … */
  readonly device: string
  /** `rsa-pss-sha512`, `hmac-sha256`, `rsa-pss-sha256` … */
  readonly type: string
  /** With its scheme: `publickey:…`, `constant:ao`, `secret:…`. */
  readonly keyId: string | null
  /** Address; null where nobody in particular signed. */
  readonly committer: string | null
  /** Keys of the message, without link suffixes. */
  readonly committed: readonly string[]
  readonly signature: Uint8Array
  /** What else it carries: `bundle`, `tag`, `created`, `original-tags`, `field-target` …, and private notes. */
  readonly extra: Message
}

/** Who signs messages with RSA-PSS and SHA-512. */
export interface MessageSigner {
  /** RSA modulus, big-endian. */
  readonly publicKey: Uint8Array
  readonly address: string
  sign(signatureBase: Uint8Array): Promise<Uint8Array>
}

/** Of data items and transactions that nobody signed: the id is SHA-256 of what would have been signed by a key of zeros. */
export const UNSIGNED_TYPE = 'unsigned-sha256'

const OWN_KEYS: ReadonlySet<string> = new Set(['commitment-device', 'type', 'keyid', 'committer', 'committed', 'signature'])

export function commitmentId(signature: Uint8Array): string {
  return toBase64url(signature.length === 32 ? signature : sha256(signature))
}

/** Those of a message, in its order; none when it has no `commitments`. Fails with `encoding-invalid` where one is not a commitment. */
export function commitmentsOf(message: Message): Commitment[] {
  const all = message.get('commitments')
  if (all === undefined) return []
  if (!isMessage(all)) throw invalid('`commitments` is not a message')
  return [...all].map(([id, value]) => parseCommitment(id, value))
}

/** The message with exactly these; without any, it has no `commitments`. */
export function withCommitments(message: Message, commitments: readonly Commitment[]): Message {
  const changed = new Map(message)
  if (commitments.length === 0) changed.delete('commitments')
  else changed.set('commitments', new Map(commitments.map((commitment) => [commitment.id, toMessage(commitment)])))
  return changed
}

export function withoutCommitments(message: Message): Message {
  return message.has('commitments') ? withCommitments(message, []) : message
}

/** What any of them covers. */
export function coveredKeys(commitments: readonly Commitment[]): ReadonlySet<string> {
  return new Set(commitments.flatMap(({ committed }) => committed))
}

/** What each of them covers, in the order of the first. */
export function commonKeys(commitments: readonly Pick<Commitment, 'committed'>[]): readonly string[] {
  const [first, ...others] = commitments
  let common = first?.committed ?? []
  for (const { committed } of others) {
    const covered = new Set(committed) // There may be thousands of keys: to look through the lists would take their square.
    common = common.filter((key) => covered.has(key))
  }
  return common
}

export function parseCommitment(id: string, value: Value): Commitment {
  if (!isMessage(value)) throw invalid(`commitment ${id} is not a message`)
  const type = text(id, value, 'type') ?? ''
  return {
    id,
    device: text(id, value, 'commitment-device') ?? 'httpsig@1.0',
    type,
    keyId: text(id, value, 'keyid'),
    committer: text(id, value, 'committer'),
    committed: committedKeys(id, value.get('committed')),
    signature: signatureOf(id, type, text(id, value, 'signature')),
    extra: new Map([...value].filter(([key]) => !OWN_KEYS.has(key))),
  }
}

/** What nobody signed need not have one: its id is all that there is to it. */
function signatureOf(id: string, type: string, signature: string | null): Uint8Array {
  if (signature !== null) return fromBase64url(signature, `signature of commitment ${id}`)
  if (type === UNSIGNED_TYPE && isTxId(id)) return fromBase64url(id)
  throw invalid(`commitment ${id} has no signature`)
}

function toMessage({ device, type, keyId, committer, committed, signature, extra }: Commitment): Message {
  const optional: [string, string | null][] = [
    ['keyid', keyId],
    ['committer', committer],
  ]
  return new Map<string, Value>([
    ['commitment-device', device],
    ['type', type],
    ...optional.filter((entry): entry is [string, string] => entry[1] !== null),
    ['committed', committed],
    ['signature', toBase64url(signature)],
    ...extra,
  ])
}

function text(id: string, commitment: Message, key: string): string | null {
  const value = commitment.get(key)
  if (value === undefined) return null
  if (typeof value === 'string') return value
  throw invalid(`\`${key}\` of commitment ${id} is not text`)
}

/** A list, or the numbered message that a list is on the wire. */
function committedKeys(id: string, value: Value | undefined): string[] {
  const keys = value === undefined ? [] : isList(value) ? value : isMessage(value) ? numbered(value) : null
  if (keys?.every((key) => typeof key === 'string')) return keys as string[]
  throw invalid(`\`committed\` of commitment ${id} is not a list of keys`)
}

function numbered(message: Message): Value[] {
  const values: Value[] = []
  for (let value = message.get('1'); value !== undefined; value = message.get(String(values.length + 1))) values.push(value)
  return values
}

function invalid(problem: string): HeddleError<'encoding-invalid'> {
  return new HeddleError('encoding-invalid', { format: 'commitments', at: 0 }, `${problem}; see the AO-Core form of commitments`)
}
