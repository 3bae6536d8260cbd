/**
 * Commitments inside a message as the oldest dialect has them.
 *
 * Wire        `commitments/<id>` is {alg, commitment-device, committer, signature: label=:base64:, signature-input: label=("a" …);…}, ids in lower case. The
 *             keys beside it are the headers that were signed; `data` or `body` is what was the body. The digest beside a signature repeats that signature.
 *             In JSON those headers may have become values: then they are written again.
 * Source      permaweb/HyperBEAM src/dev_codec_httpsig.erl (2025-05); hbsig 0.1.5 writes it so
 * Invariants  The message becomes what was signed, read as a message of its own, and keeps the signed form as a note of its commitment. Nothing is verified here.
 */
import { EMPTY } from '../../base/bytes.ts'
import { type Commitment, withCommitments, withoutCommitments } from './commitment.ts'
import { encodeLegacyHttpsig } from './httpsig-legacy.ts'
import { noteReceived } from './received-note.ts'
import { parseSignatures, type ReceivedSignature, toCommitment } from './signature-headers.ts'
import { type Binary, binaryBytes, type HttpsigForm, isBinary, isList, isMessage, type Message, type Value } from './value.ts'

/** What a signature over a form commits to; null where the form lacks something that is signed. */
export type ReadSigned = (form: HttpsigForm, signature: ReceivedSignature) => SignedPart | null

export interface SignedPart {
  /** Of the form, only what is signed. */
  readonly form: HttpsigForm
  readonly message: Message
  readonly committed: readonly string[]
}

/** The same value with the commitments of messages within as they are today. `written` is what it was decoded from. */
export function adoptLegacy(written: Message, value: Message, read: ReadSigned): Message
export function adoptLegacy(written: Value, value: Value, read: ReadSigned): Value
export function adoptLegacy(written: Value, value: Value, read: ReadSigned): Value {
  if (isList(value)) return adoptItems(written, value, read)
  if (!isMessage(value) || !isMessage(written)) return value
  const legacy = legacySignatures(written)
  if (legacy.length > 0) return signedMessage({ written, value }, legacy, read) ?? value
  let changed: Map<string, Value> | null = null
  for (const [key, child] of written) {
    const old = typeof child !== 'object' || key === 'commitments' ? undefined : value.get(key)
    const adopted = old === undefined ? old : adoptLegacy(child, old, read)
    if (adopted === undefined || adopted === old) continue
    changed ??= new Map(value)
    changed.set(key, adopted)
  }
  return changed ?? value
}

function adoptItems(written: Value, list: readonly Value[], read: ReadSigned): readonly Value[] {
  const items = list.map((item, at) => {
    const child = isMessage(written) ? written.get(String(at + 1)) : isList(written) ? written[at] : undefined
    return child === undefined ? item : adoptLegacy(child, item, read)
  })
  return items.every((item, at) => item === list[at]) ? list : items
}

/** Each once: a digest has the signature of the commitment that it is made beside. */
function legacySignatures(written: Message): ReceivedSignature[] {
  const commitments = written.get('commitments')
  if (!isMessage(commitments)) return []
  const signatures = [...commitments.values()].flatMap((commitment) =>
    isMessage(commitment) && commitment.has('signature-input') ? parseSignatures(binariesOf(commitment)) : [],
  )
  return [...new Map(signatures.map((signature) => [signature.id, signature])).values()]
}

/** Null where what was signed cannot be told any more; then its commitments are of no use, and will be refused. */
function signedMessage(from: Adopted, signatures: readonly ReceivedSignature[], read: ReadSigned): Message | null {
  const held: { readonly part: SignedPart; readonly commitment: Commitment }[] = []
  for (const signature of signatures) {
    const part = read(formOf(from, signature), signature)
    if (part === null) return null
    held.push({ part, commitment: noteReceived(toCommitment(signature, part.committed), part.form, signature) })
  }
  const [first] = held
  return first === undefined
    ? null
    : withCommitments(
        first.part.message,
        held.map(({ commitment }) => commitment),
      )
}

interface Adopted {
  readonly written: Message
  readonly value: Message
}

/** The headers and the body that the message was signed as. */
function formOf({ written, value }: Adopted, { names }: ReceivedSignature): HttpsigForm {
  const headers = binariesOf(written)
  const hasBody = names.includes('content-digest')
  const bodyKey = names.includes('inline-body-key') && headers.has('data') ? 'data' : 'body'
  const body = headers.get(bodyKey)
  if (!names.every((name) => headers.has(name) || name === 'content-digest' || name === 'inline-body-key'))
    return encodeLegacyHttpsig(withoutCommitments(value), 'g0')
  if (!hasBody) return { headers, body: null }
  headers.delete(bodyKey)
  if (bodyKey === 'data') headers.set('inline-body-key', bodyKey)
  return { headers, body: body === undefined ? EMPTY : binaryBytes(body) }
}

function binariesOf(message: Message): Map<string, Binary> {
  return new Map([...message].filter((entry): entry is [string, Binary] => isBinary(entry[1])))
}
