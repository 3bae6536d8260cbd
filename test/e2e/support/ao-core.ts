/** What the suites of AO-Core's clients share: one comparable form for the values of every client, and the reading of replies by our own codec. */
import { fromLatin1, toText } from '../../../src/base/bytes.ts'
import {
  Atom,
  committedOnly,
  committersOf,
  Float,
  type HttpsigForm,
  isBinary,
  isMessage,
  Link,
  receiveHttpMessage,
  type Value,
} from '../../../src/codec/index.ts'
import { type Binary, toBinary } from '../../../src/codec/message/value.ts'

/** Atoms stand apart from binaries, and keys are in lower case, as HTTP makes them. */
export type Comparable = string | number | boolean | null | readonly Comparable[] | { readonly [key: string]: Comparable }

/** Of what clients take and give: plain JavaScript with symbols for atoms. */
export function comparable(value: unknown): Comparable {
  if (typeof value === 'string') return binary(Buffer.from(value))
  if (value instanceof Uint8Array) return binary(value)
  if (typeof value === 'symbol') return `atom ${value.description}`
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value === 'object' && value !== null) return fields(Object.entries(value), comparable)
  return value as number | boolean | null
}

/** Of what our codec gives. */
export function comparableValue(value: Value): Comparable {
  if (isBinary(value)) return binary(typeof value === 'string' ? Buffer.from(value) : value)
  if (value instanceof Atom) return `atom ${value.name}`
  if (value instanceof Float) return value.value
  if (value instanceof Link) return `link ${value.id}`
  if (isMessage(value)) return fields([...value], comparableValue)
  return Array.isArray(value) ? value.map(comparableValue) : (value as number | boolean | null)
}

/** Text where it is UTF-8. */
function binary(bytes: Uint8Array): string {
  const text = toText(bytes)
  return Buffer.from(text).equals(bytes) ? `"${text}"` : `bytes ${Buffer.from(bytes).toString('hex')}`
}

function fields<T>(entries: readonly (readonly [string, T])[], form: (value: T) => Comparable): Comparable {
  return Object.fromEntries(entries.map(([key, value]) => [key.toLowerCase(), form(value)]))
}

/** What of these is there. */
export function without(value: Comparable, keys: readonly string[]): Comparable {
  return Object.fromEntries(Object.entries(value as Record<string, Comparable>).filter(([key]) => !keys.includes(key)))
}

export async function formOf(response: Response): Promise<HttpsigForm> {
  const headers = new Map([...response.headers].map(([name, value]): [string, Binary] => [name, toBinary(fromLatin1(value))]))
  return { headers, body: new Uint8Array(await response.arrayBuffer()) }
}

/** What the signers of a reply say, once all of their signatures hold. Fails when nobody signed it. */
export async function signedReply(response: Response): Promise<Comparable> {
  const message = committedOnly(await receiveHttpMessage(await formOf(response)))
  if (committersOf(message).length === 0) throw new Error(`nobody signed ${JSON.stringify(comparableValue(message))}`)
  return without(comparableValue(message), ['commitments'])
}
