/**
 * What has to be written so that a message is kept: a record for it and for each message in it, its large values, its commitments, and all of its ids.
 *
 * Invariants  What is kept of a message, and its ids, are those of kernel/kept-message.ts. Private keys are left out, but for this node's notes in
 *             commitments. An id of a commitment leads to a message only where the commitment holds: `claims` must be verified first.
 */
import { bigEndian, concat, fromBase64url, toBase64url, utf8 } from '../../base/bytes.ts'
import { HeddleError } from '../../base/errors.ts'
import { sha256 } from '../../base/hash.ts'
import { isTxId } from '../../base/ids.ts'
import { AO_CORE_COMMITMENTS_MAX, AO_CORE_DEPTH_MAX } from '../../base/limits.ts'
import { type Commitment, commitmentId, commitmentsOf, UNSIGNED_TYPE } from '../../codec/message/commitment.ts'
import { linkId, unsignedId } from '../../codec/message/id.ts'
import {
  Atom,
  Float,
  isBinary,
  isList,
  isMessage,
  isPrivateKey,
  LINK_SUFFIX,
  Link,
  type Message,
  type Value,
} from '../../codec/message/value.ts'
import { isChecked, keptPart, otherIds, type Pointer, pointerTo } from '../../kernel/kept-message.ts'
import type { BlobName } from '../../store/blob-store.ts'
import { KV_VALUE_BYTES_MAX, type KvWrite } from '../../store/kv-store.ts'
import { encodeRecord, encodeValue, inlined, inlinedBinary, Outside, type StoredValue } from './record.ts'

/** A commitment that has to hold before its id may lead to the message. */
export interface Claim {
  readonly message: Message
  readonly commitment: Commitment
  /** The record that it is to be. Others may claim its id with another content, so only the same record is known to hold. */
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface MessageDeposit {
  readonly isDurable: boolean
  readonly writes: KvWrite[]
  readonly blobs: Map<BlobName, Uint8Array>
  readonly claims: Claim[]
  /** Names of what is in it, see `nameOf`. */
  readonly names: string[]
}

type Child = Message | readonly Value[]

export function newDeposit(isDurable: boolean): MessageDeposit {
  return { isDurable, writes: [], blobs: new Map(), claims: [], names: [] }
}

/** Adds a message or list with all that is in it, but for what `isKnown` says is kept already. */
export function addMessage(deposit: MessageDeposit, value: Child, isKnown: (name: string) => boolean, depth = 0): Pointer {
  if (depth > AO_CORE_DEPTH_MAX)
    throw new HeddleError(
      'too-large',
      { what: 'message', size: depth, max: AO_CORE_DEPTH_MAX },
      'the message is nested too deeply to be kept',
    )
  const commitments = isList(value) ? [] : checked(commitmentsOf(value))
  const kept = isList(value) ? value : keptPart(value, commitments)
  const id = unsignedId(kept)
  const pointer = pointerTo(id, commitments)
  const name = nameOf(id, commitments)
  if (isKnown(name)) return pointer
  deposit.names.push(name)
  const entries = new Map<string, StoredValue>()
  for (const [key, child] of isList(kept) ? kept.map((item, i): [string, Value] => [String(i + 1), item]) : kept) {
    if (key === 'commitments' || isPrivateKey(key)) continue
    entries.set(key, addChild(deposit, child, isKnown, depth))
  }
  deposit.writes.push({ space: 'messages', key: fromBase64url(id), value: encodeRecord({ isList: isList(value), entries }) })
  if (!isList(value)) {
    for (const [key, child] of entries) deposit.writes.push(matchWrite(key, child, id))
    addCommitments(deposit, value, commitments, pointer)
  }
  return pointer
}

/** Keeps a binary under its SHA-256. A large one is a blob where it is durable, else pieces, which go as other records go. */
export function addBinary(deposit: MessageDeposit, bytes: Uint8Array): string {
  const digest = sha256(bytes)
  const hash = toBase64url(digest)
  if (bytes.length <= KV_VALUE_BYTES_MAX) addValue(deposit, digest, concat([Uint8Array.of(0), bytes]))
  else if (deposit.isDurable) {
    deposit.blobs.set(`value-${hash}`, bytes)
    addValue(deposit, digest, Uint8Array.of(1))
  } else addPieces(deposit, digest, bytes)
  return hash
}

function addPieces(deposit: MessageDeposit, digest: Uint8Array, bytes: Uint8Array): void {
  const count = Math.ceil(bytes.length / KV_VALUE_BYTES_MAX)
  addValue(deposit, digest, concat([Uint8Array.of(2), bigEndian(count, 4)]))
  for (let i = 0; i < count; i++)
    addValue(deposit, pieceKey(digest, i), bytes.subarray(i * KV_VALUE_BYTES_MAX, (i + 1) * KV_VALUE_BYTES_MAX))
}

function addValue({ writes }: MessageDeposit, key: Uint8Array, value: Uint8Array): void {
  writes.push({ space: 'values', key, value })
}

export function pieceKey(digest: Uint8Array, index: number): Uint8Array {
  return concat([digest, bigEndian(index, 4)])
}

/** The place of a path that something was linked at. An id that was linked by hand has it too, so that it hides no content. */
export function pathKey(path: string): Uint8Array {
  return concat([Uint8Array.of(1), sha256(utf8(path))])
}

/** The place of an id that a message has besides its unsigned one. */
export function idKey(id: string): Uint8Array {
  return concat([Uint8Array.of(0), fromBase64url(id)])
}

/** The place of a commitment that cannot be verified here: not that of one which was, since anybody can choose its id. */
export function uncheckedKey(message: Uint8Array, commitment: string): Uint8Array {
  return concat([message, fromBase64url(commitment), Uint8Array.of(1)])
}

/** Where the unsigned ids of messages begin that have this value under this key. */
export function matchPrefix(key: string, value: StoredValue): Uint8Array {
  if (value instanceof Outside) return digestOf(key, 1, fromBase64url(value.hash))
  if (value instanceof Link) return digestOf(key + LINK_SUFFIX, 0, utf8(value.id))
  return digestOf(key, 0, value instanceof Uint8Array ? value : utf8(scalarText(value)))
}

function digestOf(key: string, form: number, value: Uint8Array): Uint8Array {
  return sha256(concat([utf8(key), Uint8Array.of(0, form), value])).subarray(0, 16)
}

export function matchWrite(key: string, value: StoredValue, id: string): KvWrite {
  return { space: 'matches', key: concat([matchPrefix(key, value), fromBase64url(id)]), value: new Uint8Array(0) }
}

/** Types do not count when messages are matched. */
function scalarText(value: StoredValue): string {
  if (value instanceof Atom) return value.name
  if (value instanceof Float) return String(value.value)
  return String(value)
}

function addChild(deposit: MessageDeposit, value: Value, isKnown: (name: string) => boolean, depth: number): StoredValue {
  if (isBinary(value)) return inlinedBinary(value, (bytes) => addBinary(deposit, bytes))
  if (!isMessage(value) && !isList(value)) return value
  addMessage(deposit, value, isKnown, depth + 1)
  return new Link(linkId(value))
}

function addCommitments(deposit: MessageDeposit, message: Message, commitments: readonly Commitment[], pointer: Pointer): void {
  if (commitments.length === 0) return
  const raw = message.get('commitments') as Message // commitmentsOf read them from there.
  const keep = (bytes: Uint8Array): string => addBinary(deposit, bytes)
  const at = fromBase64url(pointer.id)
  for (const commitment of commitments) {
    if (!isTxId(commitment.id)) continue
    const value = encodeValue(inlined(raw.get(commitment.id)!, keep))
    const key = isChecked(commitment) ? concat([at, fromBase64url(commitment.id)]) : uncheckedKey(at, commitment.id)
    deposit.writes.push({ space: 'commitments', key, value })
    if (isChecked(commitment)) deposit.claims.push({ message, commitment, key, value })
  }
  const unsigned = commitments.filter(({ committer }) => committer === null)
  if (unsigned.length > 0) {
    const value = new Map(unsigned.map(({ id }) => [id, inlined(raw.get(id)!, keep)]))
    deposit.writes.push({ space: 'commitments', key: at, value: encodeValue(value) })
  }
  for (const [id, target] of otherIds(message, commitments, pointer))
    deposit.writes.push({ space: 'paths', key: idKey(id), value: encodePointer(target) })
}

function checked(commitments: Commitment[]): Commitment[] {
  const max = AO_CORE_COMMITMENTS_MAX
  if (commitments.length > max)
    throw new HeddleError(
      'too-large',
      { what: 'commitments', size: commitments.length, max },
      `the message has ${commitments.length} commitments, at most ${max} are kept`,
    )
  for (const { id, type, signature } of commitments) {
    if (type === UNSIGNED_TYPE) continue // Its id is the item's, which verifying computes.
    const actual = commitmentId(signature)
    if (actual !== id)
      throw new HeddleError(
        'id-mismatch',
        { claimed: id, actual },
        `commitment ${id} has the signature of ${actual}; send it under its own id`,
      )
  }
  return commitments
}

function nameOf(id: string, commitments: readonly Commitment[]): string {
  if (commitments.length === 0) return id
  return [id, ...commitments.map((commitment) => (isChecked(commitment) ? commitment.id : `unchecked ${commitment.id}`)).sort()].join('/')
}

export function encodePointer({ id, commitments }: Pointer): Uint8Array {
  return concat([Uint8Array.of(0), ...[id, ...commitments].map((one) => fromBase64url(one))])
}

export function encodeLiteral(value: StoredValue): Uint8Array {
  return concat([Uint8Array.of(1), encodeValue(value)])
}

export function encodeArchived(id: string): Uint8Array {
  return concat([Uint8Array.of(2), fromBase64url(id)])
}
