/**
 * Which part of a message a store keeps, by which ids, and what of it each of them shows.
 *
 * Invariants  A message with commitments is kept with the keys that some commitment covers, and no others. Its unsigned id shows all of these and the
 *             commitments of nobody in particular; an id of a commitment shows what that one covers, and it; the id of several signers what all of
 *             them cover, and them; with those of nobody that cover no more. An id that anybody could choose, as that of a commitment by a secret, leads nowhere.
 */
import { isTxId } from '../base/ids.ts'
import { ANS104_DEVICE } from '../codec/message/ans104.ts'
import { type Commitment, coveredKeys } from '../codec/message/commitment.ts'
import { linkId } from '../codec/message/id.ts'
import { HTTPSIG_DEVICE } from '../codec/message/signature-headers.ts'
import { TX_DEVICE } from '../codec/message/tx.ts'
import { isList, isMessage, isPrivateKey, type Message, type Value } from '../codec/message/value.ts'

/** A kept message and those of its commitments that are meant: those who committed, not the ones of nobody in particular. */
export interface Pointer {
  readonly id: string
  readonly commitments: readonly string[]
}

/** Those whose ids can be checked with nothing but the message. */
const CHECKED_DEVICES: ReadonlySet<string> = new Set([HTTPSIG_DEVICE, ANS104_DEVICE, TX_DEVICE])

/** The message itself where nothing has to go, so that what was computed of it stays known. */
export function keptPart(message: Message, commitments: readonly Commitment[]): Message {
  if (commitments.length === 0) return message
  const covered = coveredKeys(commitments)
  const isKept = (key: string): boolean => covered.has(key) || key === 'commitments' || isPrivateKey(key)
  for (const key of message.keys()) if (!isKept(key)) return new Map([...message].filter(([name]) => isKept(name)))
  return message
}

/** Its id follows from the message, so nobody can choose it. What holds by a secret proves nothing here. */
export function isChecked({ device, keyId }: Commitment): boolean {
  return CHECKED_DEVICES.has(device) && keyId?.startsWith('secret:') !== true
}

/** To what is kept under this unsigned id, with all who signed it. */
export function pointerTo(id: string, commitments: readonly Commitment[]): Pointer {
  const signed = commitments.filter(({ committer, id: own }) => committer !== null && isTxId(own))
  return { id, commitments: signed.map((commitment) => commitment.id) }
}

/** The ids that a message has besides its unsigned one, and what each of them leads to. */
export function otherIds(message: Message, commitments: readonly Commitment[], pointer: Pointer): ReadonlyMap<string, Pointer> {
  const ids = new Map<string, Pointer>()
  if (commitments.length === 0) return ids
  for (const commitment of commitments)
    if (isChecked(commitment) && isTxId(commitment.id)) ids.set(commitment.id, { id: pointer.id, commitments: [commitment.id] })
  const link = linkId(message)
  if (!ids.has(link) && commitments.every(isChecked)) ids.set(link, pointer)
  ids.delete(pointer.id)
  return ids
}

/** What an id shows of a kept message: without commitments it is the message itself. */
export function shownPart(kept: ReadonlyMap<string, Value>, commitments: Message | undefined, pointer: Pointer): Message {
  if (commitments === undefined) return kept
  const [first, ...others] = pointer.commitments.map((id) => new Set(keysCovered(commitments.get(id))))
  if (first === undefined) return new Map<string, Value>([...kept, ['commitments', commitments]])
  const covered = new Set([...first].filter((key) => others.every((keys) => keys.has(key))))
  const isMeant = (id: string, commitment: Value): boolean =>
    pointer.commitments.includes(id) || keysCovered(commitment).every((key) => covered.has(key))
  const meant = new Map([...commitments].filter(([id, commitment]) => isMeant(id, commitment)))
  return new Map<string, Value>([...[...kept].filter(([key]) => covered.has(key)), ['commitments', meant]])
}

function keysCovered(commitment: Value | undefined): readonly Value[] {
  const committed = isMessage(commitment) ? commitment.get('committed') : undefined
  return isList(committed) ? committed : isMessage(committed) ? [...committed.values()] : []
}
