/**
 * What this node notes of a commitment that it received. Notes are private keys of the commitment: kept, never sent.
 *
 * Wire        priv-received: {headers, body?}: the form that was signed, where the message does not come to it any more when it is encoded.
 *             priv-types: the `ao-types` that was signed, where it names keys that are not committed.
 *             priv-wire: true where the signature is over the form that HTTP can carry, and not over the one that ids are made of.
 */
import { toBase64 } from '../../base/bytes.ts'
import type { Commitment } from './commitment.ts'
import type { ReceivedSignature } from './signature-headers.ts'
import { type Binary, binaryBytes, type HttpsigForm, isBinary, isMessage, type Message, toBinary, type Value } from './value.ts'

const RECEIVED_NOTE = 'priv-received'
const WIRE_NOTE = 'priv-wire'
const TYPES_NOTE = 'priv-types'

/** `form` has the signed headers, and the body if it is signed. */
export function noteReceived(
  commitment: Commitment,
  { headers, body }: HttpsigForm,
  { label, raw, signature }: ReceivedSignature,
): Commitment {
  const kept = new Map<string, Binary>([
    ...headers,
    ['signature', `${label}=:${toBase64(signature)}:`],
    ['signature-input', `${label}=${raw}`],
  ])
  const note = new Map<string, Value>([['headers', kept]])
  if (body !== null) note.set('body', toBinary(body))
  return withExtra(commitment, RECEIVED_NOTE, note)
}

/** The form as it was received; null where there is no such note. */
export function receivedForm({ extra }: Pick<Commitment, 'extra'>): HttpsigForm | null {
  const note = extra.get(RECEIVED_NOTE)
  const headers = isMessage(note) ? note.get('headers') : undefined
  if (!isMessage(headers) || ![...headers.values()].every(isBinary)) return null
  const body = (note as Message).get('body')
  return { headers: headers as ReadonlyMap<string, Binary>, body: body !== undefined && isBinary(body) ? binaryBytes(body) : null }
}

export function noteWire(commitment: Commitment): Commitment {
  return withExtra(commitment, WIRE_NOTE, true)
}

export function isOverWire({ extra }: Pick<Commitment, 'extra'>): boolean {
  return extra.has(WIRE_NOTE)
}

export function noteTypes(commitment: Commitment, types: string): Commitment {
  return withExtra(commitment, TYPES_NOTE, types)
}

export function notedTypes({ extra }: Pick<Commitment, 'extra'>): string | null {
  const types = extra.get(TYPES_NOTE)
  return typeof types === 'string' ? types : null
}

function withExtra(commitment: Commitment, key: string, value: Value): Commitment {
  return { ...commitment, extra: new Map([...commitment.extra, [key, value]]) }
}
