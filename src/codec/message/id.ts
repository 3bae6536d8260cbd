/**
 * Ids of messages.
 *
 * Wire        Unsigned id: every child is replaced by a link to it, the message is encoded as httpsig@1.0, and the base of a signature over all of it
 *             (`alg="hmac-sha256"`, `keyid="constant:ao"`) is digested by HMAC-SHA256 with the key `constant:ao`. Id of commitments: theirs, added
 *             up as 256-bit numbers. A child is linked by the id of the commitments that have a committer, else by its unsigned one.
 * Source      permaweb/HyperBEAM src/dev_message.erl, hb_crypto.erl (2025-11), which takes the order of more than 32 keys from its runtime; here they
 *             are always sorted
 * Invariants  A message never changes, so its ids are kept with it. Commitments are taken at their word: verify them first.
 */
import { bigEndian, fromBase64url, fromBigEndian, toBase64url } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_DEPTH_MAX } from '../../base/limits.ts'
import { type Commitment, commitmentsOf, withoutCommitments } from './commitment.ts'
import { encodeHttpsig } from './httpsig.ts'
import { CONSTANT_KEY_ID, constantDigest, HMAC_SHA256 } from './key-id.ts'
import { componentsOf, signatureBase } from './signature-base.ts'
import { encodeStructured } from './structured.ts'
import { isMessage, type Message, type Value } from './value.ts'

/** Which commitments of a message are meant. Neither: those of nobody in particular, such as its digest. */
export interface Selection {
  readonly committers?: 'none' | 'all' | readonly string[]
  readonly commitmentIds?: 'all' | readonly string[]
}

const PARAMETERS = `;alg="${HMAC_SHA256}";keyid="${CONSTANT_KEY_ID}"`
const MODULUS = 2n ** 256n

const unsignedIds = new WeakMap<object, string>()
const linkIds = new WeakMap<object, string>()

/** Of all keys, whatever the message is committed to. */
export function unsignedId(value: Message | readonly Value[]): string {
  return unsignedIdAt(value, 0)
}

/** By which a message that holds this one links to it. */
export function linkId(child: Message | readonly Value[]): string {
  return linkIdAt(child, 0)
}

/** The id of the selected commitments; its unsigned id where there are none. Fails with `not-found` for a committer or id that it does not have. */
export function messageId(message: Message, selection: Selection = {}): string {
  const commitments = selectCommitments(message, selection)
  return commitments.length === 0 ? unsignedId(message) : combineIds(commitments.map(({ id }) => id))
}

/** The sum of 32-byte ids, whatever their order; one id is itself. */
export function combineIds(ids: readonly string[]): string {
  const [only] = ids
  if (ids.length === 1 && only !== undefined) return only
  const sum = ids.reduce((total, id) => total + fromBigEndian(fromBase64url(id, 'commitment id')), 0n)
  return toBase64url(bigEndian(sum % MODULUS, 32))
}

/** Each one once. */
export function selectCommitments(message: Message, { committers = 'none', commitmentIds = [] }: Selection = {}): Commitment[] {
  if (!message.has('commitments')) return requireNone(committers, commitmentIds)
  const all = commitmentsOf(message)
  const selected = all.filter(({ id, committer }) => isNamed(id, commitmentIds) || (committer !== null && isNamed(committer, committers)))
  if (committers !== 'none' && committers !== 'all') requireEach(committers, new Set(all.map(({ committer }) => committer)), 'committer')
  if (commitmentIds !== 'all') requireEach(commitmentIds, new Set(all.map(({ id }) => id)), 'commitment')
  return selected.length > 0 ? selected : all.filter(isDigest)
}

/** Who signed, each once. */
export function committersOf(message: Message): string[] {
  if (!message.has('commitments')) return []
  return [...new Set(commitmentsOf(message).flatMap(({ committer }) => committer ?? []))]
}

function unsignedIdAt(value: Message | readonly Value[], depth: number): string {
  const known = unsignedIds.get(value)
  if (known !== undefined) return known
  if (depth > AO_CORE_DEPTH_MAX) throw tooDeep(depth)
  const tabm = encodeStructured(isMessage(value) ? withoutCommitments(value) : value, (child) => linkIdAt(child, depth + 1))
  const id = constantDigest(CONSTANT_KEY_ID, signatureBase(componentsOf(encodeHttpsig(tabm)), PARAMETERS))
  unsignedIds.set(value, id)
  return id
}

function linkIdAt(child: Message | readonly Value[], depth: number): string {
  if (!isMessage(child) || !child.has('commitments')) return unsignedIdAt(child, depth)
  const known = linkIds.get(child)
  if (known !== undefined) return known
  const commitments = selectCommitments(child, { committers: 'all' })
  const id = commitments.length === 0 ? unsignedIdAt(child, depth) : combineIds(commitments.map(({ id }) => id))
  linkIds.set(child, id)
  return id
}

function isNamed(name: string, names: 'none' | 'all' | readonly string[]): boolean {
  return names === 'all' || (names !== 'none' && names.includes(name))
}

/** Older dialects have digests with other keys; they are no ids of this one's. */
function isDigest({ device, committer, keyId }: Commitment): boolean {
  return device === 'httpsig@1.0' && committer === null && (keyId === CONSTANT_KEY_ID || keyId === null)
}

function requireNone(committers: 'none' | 'all' | readonly string[], commitmentIds: 'all' | readonly string[]): Commitment[] {
  if (Array.isArray(committers)) requireEach(committers, new Set(), 'committer')
  if (Array.isArray(commitmentIds)) requireEach(commitmentIds, new Set(), 'commitment')
  return []
}

function requireEach(wanted: readonly string[], present: ReadonlySet<string | null>, what: string): void {
  const missing = wanted.find((name) => !present.has(name))
  if (missing === undefined) return
  throw new HeddleError(
    'not-found',
    { what, id: missing },
    `the message has no ${what} ${missing}; ask for its commitments to see which it has`,
  )
}

function tooDeep(depth: number): HeddleError<'too-large'> {
  const message = `message: more than ${AO_CORE_DEPTH_MAX} messages within messages; link to some of them instead`
  return new HeddleError('too-large', { what: 'message depth', size: depth, max: AO_CORE_DEPTH_MAX }, message)
}
