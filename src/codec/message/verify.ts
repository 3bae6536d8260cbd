/**
 * Verifying: commitments of messages, and what comes in over HTTP, before anything trusts a signer.
 *
 * Source      RFC 9421, RFC 9530; permaweb/HyperBEAM src/dev_codec_httpsig_siginfo.erl (2025-11), which believes signatures without looking
 * Invariants  Of a signed message only those keys remain that all who signed it committed to, and only commitments that hold for those. A signature that does
 *             not hold fails the whole, at every depth. A digest by a secret that is not known here proves nothing and is left out, and so is a digest that
 *             anybody can make if it is wrong on a message within.
 */
import { EMPTY } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { AO_CORE_FORMS_BYTES_MAX, AO_CORE_NESTED_COMMITMENTS_MAX, AO_CORE_SIGNED_LISTS_MAX } from '../../base/limits.ts'
import { TYPES_KEY } from './ao-types.ts'
import { type Commitment, commitmentsOf, commonKeys, withCommitments } from './commitment.ts'
import { commitmentHolds, heldCommitment, isSecret, isSignatureOf, keyOf, type VerifySecret } from './commitment-holds.ts'
import { exactBases, type FormMemo, isHttpsig, isSameBase, restrict, wireBase } from './committed-form.ts'
import { checkContentDigest } from './content-digest.ts'
import { type Dialect, detectDialect } from './dialect.ts'
import { type Selection, selectCommitments } from './id.ts'
import { noteReceived, noteWire } from './received-note.ts'
import { type CommittedPart, committedPart, decodeWhole, movedParts, receivedBases, signedPart } from './received-signature.ts'
import { sameValue } from './same-value.ts'
import { parseSignatures, type ReceivedSignature, toCommitment } from './signature-headers.ts'
import { type Binary, compareKeys, type HttpsigForm, isBinary, isList, isMessage, type Message, type Value } from './value.ts'

export interface ReceivedOptions extends VerifySecret {
  /** Signatures that expired before are refused. Now, unless given. */
  readonly nowMs?: number
  /** What RFC 9421 derives from the request, by names without `@`: `method`, `path`, `authority` …; for signatures that list it and have no such header. */
  readonly derived?: ReadonlyMap<string, string>
}

export interface ReceivedMessage {
  readonly message: Message
  /** Null where nothing tells. */
  readonly dialect: Dialect | null
}

/** A commitment that holds, and what it is about. */
interface Held {
  readonly commitment: Commitment
  readonly part: CommittedPart
}

/** What one list of names covers. */
interface SignedPart extends CommittedPart {
  readonly memo: FormMemo
}

/** Does this commitment hold for the message as it is now? */
export const verifyCommitment: (message: Message, commitment: Commitment, options?: VerifySecret) => Promise<boolean> = commitmentHolds

/** Do all selected commitments hold? True where there are none. Fails with `not-found` for a committer or id that the message does not have. */
export async function verifyMessage(message: Message, selection: Selection & VerifySecret = {}): Promise<boolean> {
  const memo: FormMemo = new Map()
  for (const commitment of selectCommitments(message, selection))
    if (!(await commitmentHolds(message, commitment, selection, memo))) return false
  return true
}

/** Fails with `signature-invalid` or `digest-mismatch`, or for what cannot be decoded. */
export async function verifyReceived(form: HttpsigForm, options: ReceivedOptions = {}): Promise<ReceivedMessage> {
  const digest = form.headers.get('content-digest')
  if (digest !== undefined) checkContentDigest(digest, form.body ?? EMPTY)
  const dialect = detectDialect(form.headers)
  const signatures = parseSignatures(form.headers)
  if (signatures.length === 0) return { message: await admitMessage(decodeWhole(form), options), dialect }
  const verifier = new ReceivedVerifier(withDerived(form, signatures, options.derived), options)
  const held: Held[] = []
  for (const signature of signatures) held.push(...(await verifier.hold(signature)))
  return { message: held.length === 0 ? await admitMessage(decodeWhole(form), options) : agreed(held), dialect }
}

/** Verifies what was decoded with its commitments inside, such as JSON. Gives the message without those that prove nothing. */
export async function admitMessage(message: Message, options: VerifySecret = {}): Promise<Message> {
  return (await admit(message, { options, left: AO_CORE_NESTED_COMMITMENTS_MAX, bytesLeft: AO_CORE_FORMS_BYTES_MAX })) as Message
}

class ReceivedVerifier {
  readonly #form: HttpsigForm
  readonly #options: ReceivedOptions
  readonly #lists = new Set<string>()
  /** By the names of what is signed: most signatures come with the digest of the same. */
  readonly #parts = new Map<string, Promise<SignedPart>>()
  readonly #movedParts = new Map<string, (CommittedPart | SignedPart)[]>()

  constructor(form: HttpsigForm, options: ReceivedOptions) {
    this.#form = form
    this.#options = options
  }

  /** None for a digest by a secret that is not known here. */
  async hold(signature: ReceivedSignature): Promise<Held[]> {
    refuseExpired(signature, this.#options.nowMs ?? Date.now())
    const { secret } = this.#options
    const key = keyOf(signature)
    if (key?.scheme === 'secret' && (secret === undefined || !isSecret(secret, key.digest))) return []
    this.#limitLists(signature)
    const signed = signedPart(this.#form, signature)
    const held = (signed === null ? null : await this.#asSigned(signed, signature)) ?? (await this.#asMoved(signature))
    if (held !== null) return [held]
    const problem =
      key === null && isHttpsig(signature) ? `\`keyid\` is of no key that makes ${signature.type}` : 'it is over something else'
    throw invalid(signature.id, `signature ${signature.label} does not hold: ${problem}; sign what is sent, as RFC 9421 says`)
  }

  /** All that is signed is decoded, and written again, for each list: also where a listed key has moved to the body. */
  #limitLists({ names }: ReceivedSignature): void {
    this.#lists.add(JSON.stringify(names))
    if (this.#lists.size > AO_CORE_SIGNED_LISTS_MAX) throw tooMany('lists of signed components', AO_CORE_SIGNED_LISTS_MAX)
  }

  async #asSigned(signed: HttpsigForm, signature: ReceivedSignature): Promise<Held | null> {
    const part = await this.#part(signed, signature)
    const commitment = toCommitment(signature, part.committed)
    const key = keyOf(commitment)
    if (key === null) return asItem(commitment, part)
    for (const base of receivedBases(signed, signature)) {
      if (!(await isSignatureOf(key, base, signature.signature, this.#options.secret))) continue
      if (exactBases(part.message, commitment, part.memo).some((other) => isSameBase(other, base))) return { commitment, part }
      if (isSameBase(wireBase(part.message, commitment, part.memo), base)) return { commitment: noteWire(commitment), part }
      return { commitment: noteReceived(commitment, signed, signature), part }
    }
    return null
  }

  /** Signed in another form than it was sent in. */
  async #asMoved(signature: ReceivedSignature): Promise<Held | null> {
    const parts = this.#moved(signature)
    for (const [at, moved] of parts.entries()) {
      const part = 'memo' in moved ? moved : await this.#admit(moved)
      parts[at] = part
      const commitment = toCommitment(signature, part.committed)
      if (await commitmentHolds(part.message, commitment, this.#options, part.memo)) return { commitment, part }
    }
    return null
  }

  /** Those that were not tried yet are not admitted. */
  #moved(signature: ReceivedSignature): (CommittedPart | SignedPart)[] {
    const name = JSON.stringify(signature.names)
    const parts = this.#movedParts.get(name) ?? movedParts(this.#form, signature)
    this.#movedParts.set(name, parts)
    return parts
  }

  #part(signed: HttpsigForm, signature: ReceivedSignature): Promise<SignedPart> {
    const name = JSON.stringify(signature.names)
    const known = this.#parts.get(name)
    if (known !== undefined) return known
    const part = this.#admit(committedPart(signed, signature))
    this.#parts.set(name, part)
    return part
  }

  async #admit(part: CommittedPart): Promise<SignedPart> {
    return { ...part, message: await admitMessage(part.message, this.#options), memo: new Map() }
  }
}

/** An item says its tags in their order. Who sends it on may list them in another, as the reference does. */
async function asItem(commitment: Commitment, part: CommittedPart): Promise<Held | null> {
  for (const committed of ordersOf(commitment)) {
    const ordered = { ...commitment, committed }
    if (await commitmentHolds(part.message, ordered)) return { commitment: ordered, part }
  }
  return null
}

/** As listed; sorted; and with the types last, as who adds them to an item of sorted tags has it. */
function ordersOf({ committed, extra }: Commitment): readonly (readonly string[])[] {
  if (extra.has('original-tags')) return [committed]
  const sorted = [...committed].sort(compareKeys)
  const typesLast = sorted.includes(TYPES_KEY) ? [...sorted.filter((key) => key !== TYPES_KEY), TYPES_KEY] : sorted
  return [...new Map([committed, typesLast, sorted].map((keys) => [keys.join('\n'), keys])).values()]
}

/**
 * What all who signed agree on. Whoever signed more than that is left out: their signature does not hold for a part of what they said.
 * So nobody can put words into a message beside somebody else's signature.
 */
function agreed(held: readonly Held[]): Message {
  const first = held[0] as Held
  if (held.every(({ part }) => part === first.part)) return withCommitments(first.part.message, unique(held))
  const signers = held.filter(({ commitment }) => commitment.committer !== null)
  const deciding = partsOf(signers.length > 0 ? signers : held)
  const shared = commonKeys(deciding)
  const smallest = deciding.find(({ committed }) => committed.length === shared.length) ?? (deciding[0] as CommittedPart)
  const message = restrict(smallest.message, shared)
  const about = new Set(partsOf(held).filter((part) => isAbout(part, message, shared)))
  return withCommitments(message, unique(held.filter(({ part }) => about.has(part))))
}

/** Each once: many signatures may be over the same. */
function partsOf(held: readonly Held[]): CommittedPart[] {
  return [...new Set(held.map(({ part }) => part))]
}

function isAbout({ message, committed }: CommittedPart, shared: Message, keys: readonly string[]): boolean {
  const covered = new Set(committed)
  return committed.length === keys.length && keys.every((key) => covered.has(key) && sameValue(message.get(key), shared.get(key)))
}

function unique(held: readonly Held[]): Commitment[] {
  return [...new Map(held.map(({ commitment }) => [commitment.id, commitment])).values()]
}

function withDerived(
  form: HttpsigForm,
  signatures: readonly ReceivedSignature[],
  derived: ReadonlyMap<string, string> = new Map(),
): HttpsigForm {
  const added = new Map<string, Binary>()
  for (const { listed, names } of signatures)
    for (const [at, name] of names.entries()) {
      const value = listed[at] === name ? undefined : derived.get(name)
      if (value !== undefined && !form.headers.has(name)) added.set(name, value)
    }
  return added.size === 0 ? form : { ...form, headers: new Map([...form.headers, ...added]) }
}

function refuseExpired({ id, label, parameters }: ReceivedSignature, nowMs: number): void {
  const expires = Number(parameters.get('expires') ?? Number.POSITIVE_INFINITY)
  if (!(expires * 1000 < nowMs)) return
  throw invalid(id, `signature ${label} expired at ${expires} (seconds since 1970), and it is ${Math.floor(nowMs / 1000)} now; sign again`)
}

/** Each list in the form of ids and in that of HTTP. */
const FORMS_MAX = 2 * AO_CORE_SIGNED_LISTS_MAX

interface Admission {
  readonly options: VerifySecret
  /** Commitments that may still be verified. */
  left: number
  /** Of what is written once more to verify them: all that is in a message, for each list of its keys. */
  bytesLeft: number
}

/** The same value, where nothing is left out. */
async function admit(value: Value, admission: Admission): Promise<Value> {
  if (isList(value)) return admitList(value, admission)
  if (!isMessage(value)) return value
  const admitted = await admitChildren(value, admission)
  return admitted.has('commitments') ? admitCommitments(admitted, admission) : admitted
}

async function admitList(list: readonly Value[], admission: Admission): Promise<Value> {
  let changed: Value[] | null = null
  for (const [at, item] of list.entries()) {
    if (!isMessage(item) && !isList(item)) continue
    const admitted = await admit(item, admission)
    if (admitted === item) continue
    changed ??= [...list]
    changed[at] = admitted
  }
  return changed ?? list
}

async function admitChildren(message: Message, admission: Admission): Promise<Message> {
  let changed: Map<string, Value> | null = null
  for (const [key, value] of message) {
    if (key === 'commitments' || (!isMessage(value) && !isList(value))) continue
    const admitted = await admit(value, admission)
    if (admitted === value) continue
    changed ??= new Map(message)
    changed.set(key, admitted)
  }
  return changed ?? message
}

async function admitCommitments(message: Message, admission: Admission): Promise<Message> {
  const commitments = commitmentsOf(message)
  admission.left -= commitments.length
  if (admission.left < 0) throw tooMany('commitments', AO_CORE_NESTED_COMMITMENTS_MAX)
  const kept: Commitment[] = []
  const memo: FormMemo = new Map()
  const bytes = wholeLength(message)
  for (const commitment of commitments) {
    if (admission.bytesLeft < memo.size * bytes) throw tooLarge(AO_CORE_FORMS_BYTES_MAX)
    if (memo.size > FORMS_MAX) throw tooMany('lists of committed keys', AO_CORE_SIGNED_LISTS_MAX)
    const held = await heldCommitment(message, commitment, admission.options, memo)
    if (held !== null) kept.push(held)
    else if (!isProofless(commitment))
      throw invalid(commitment.id, `commitment ${commitment.id} of a message within does not hold: the message was changed since`)
  }
  admission.bytesLeft -= memo.size * bytes
  return isSame(kept, commitments) ? message : withCommitments(message, kept)
}

/** Of texts and bytes, at any depth. */
function wholeLength(value: Value): number {
  if (isBinary(value)) return value.length
  let length = 0
  if (isMessage(value) || isList(value)) for (const item of value.values()) length += wholeLength(item)
  return length
}

function isSame(kept: readonly Commitment[], commitments: readonly Commitment[]): boolean {
  return kept.length === commitments.length && kept.every((commitment, at) => commitment === commitments[at])
}

/** Nobody vouches by it, or nobody who can be asked. */
function isProofless(commitment: Commitment): boolean {
  const scheme = keyOf(commitment)?.scheme
  return scheme === 'constant' || scheme === 'secret'
}

function invalid(id: string, message: string): HeddleError<'signature-invalid'> {
  return new HeddleError('signature-invalid', { id }, message)
}

function tooMany(what: string, max: number): HeddleError<'too-large'> {
  return new HeddleError('too-large', { what, size: max + 1, max }, `more than ${max} ${what} in one message; send some of it on its own`)
}

function tooLarge(max: number): HeddleError<'too-large'> {
  const facts = { what: 'signed messages within each other', size: max, max }
  return new HeddleError(
    'too-large',
    facts,
    `to verify all that is signed in the message takes more than ${max} bytes; send some of it on its own`,
  )
}
